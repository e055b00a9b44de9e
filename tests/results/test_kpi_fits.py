"""Fits of several KPIs: side by side as tables, saved under readable names, and opened again."""

import dataclasses
import json

import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.results.kpi_fits import KPIS_FILE


@pytest.fixture(scope="module")
def fits(national_ensemble, trained):
    pooling = pd.DataFrame({"agreement": [0.7], "evidence": [1.5], "channels": [2]}, index=["decay"])
    return dcm.KpiFits({"sales, net": national_ensemble, "Sales net": trained}, pooling.rename_axis("parameter"))


def test_kpis_and_channels_stand_side_by_side(fits, national_ensemble, trained):
    table = fits.summary()
    assert table.index.names == ["kpi", "channel"]
    own = national_ensemble.media_summary()
    pd.testing.assert_series_equal(table.loc["sales, net"]["roi_low"], own["roi_low"])
    assert table.loc["Sales net"]["roi_low"].isna().all()  # a fit without draws has no intervals
    shares = trained.media_summary()["pct_of_contribution"]
    pd.testing.assert_series_equal(table.loc["Sales net"]["pct_of_contribution"], shares)
    pd.testing.assert_frame_equal(fits.curves().loc["sales, net"], national_ensemble.curve_parameters)
    assert set(table.loc["Sales net"]["roi_of"]) == {"revenue"}
    assert "decay 0.70" in repr(fits)
    assert len(fits) == 2
    with pytest.raises(dcm.ConfigError, match="There is no KPI 'visits'; known are sales, net, Sales net"):
        fits["visits"]


def test_saved_fits_are_opened_again_each_also_by_itself(fits, tmp_path):
    assert fits.save(tmp_path / "run") == tmp_path / "run"
    again = dcm.load(tmp_path / "run")
    assert isinstance(again, dcm.KpiFits)
    pd.testing.assert_frame_equal(again.summary(), fits.summary())
    pd.testing.assert_frame_equal(again.pooling, fits.pooling)
    assert {path.parent.name for path in (tmp_path / "run").glob("*/fit.npz")} == {"sales_net", "Sales_net_2"}
    assert isinstance(dcm.load(tmp_path / "run" / "sales_net"), dcm.Ensemble)
    assert isinstance(dcm.load(tmp_path / "run" / KPIS_FILE), dcm.KpiFits)


def test_fits_are_saved_into_the_same_folder_again(fits, tmp_path):
    fits.save(tmp_path)
    before = {path.relative_to(tmp_path) for path in tmp_path.rglob("*")}
    (tmp_path / "sales_net" / "fit.npz").write_bytes(b"damaged")
    (tmp_path / "sales_net" / "notes.txt").write_text("mine")
    pd.testing.assert_frame_equal(dcm.load(fits.save(tmp_path)).summary(), fits.summary())
    after = {path.relative_to(tmp_path) for path in tmp_path.rglob("*")}
    assert {str(path) for path in after - before} == {"sales_net/notes.txt"}
    assert before <= after


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("{", "holds no saved fits of several KPIs"),
        ('{"kpis": 3}', "holds no saved fits of several KPIs"),
        (json.dumps({"kpis": [{"name": "a", "folder": "../else"}]}), "names a folder outside"),
        (json.dumps({"kpis": [{"name": "a", "folder": "gone"}]}), "There is no saved fit"),
    ],
)
def test_a_damaged_folder_is_refused_in_one_sentence(fits, tmp_path, told, said):
    (tmp_path / "pooling.csv").write_text(fits.pooling.reset_index().to_csv(index=False))
    (tmp_path / KPIS_FILE).write_text(told)
    with pytest.raises(dcm.OutputError, match=said):
        dcm.load(tmp_path)


def test_returns_say_what_they_are_of(trained):
    panel = dataclasses.replace(trained.panel, revenue_per_kpi=None)
    counted = dcm.FitResult(dataclasses.replace(trained.fitted, panel=panel))
    pooling = pd.DataFrame({"agreement": [], "evidence": [], "channels": []})
    table = dcm.KpiFits({"sales": trained, "visits": counted}, pooling).summary()
    assert table["roi_of"].groupby(level="kpi", sort=False).first().to_dict() == {
        "sales": "revenue",
        "visits": "visits",
    }
