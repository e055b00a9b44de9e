"""`fit-kpis FILE`: the KPIs of one table, from the file to a folder that opens again."""

import dataclasses

import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.cli.fit_kpis import _say_summary, fit_kpis_command
from deepcausalmmm_jax.inference.fit_kpis import fit_kpis
from deepcausalmmm_jax.results.kpi_fits import KpiFits
from tests.inference.test_funnel import _fitted


@pytest.fixture(scope="module")
def place(tmp_path_factory, national):
    folder = tmp_path_factory.mktemp("kpis")
    table = national[0].to_dataframe().drop(columns="revenue_per_kpi")
    table.assign(visits=30.0 * table["sales"]).to_csv(folder / "panel.csv", index=False)
    return folder


@pytest.fixture
def fitted(national_ensemble, monkeypatch):
    """Every fit is that of the national panel; the curves are pooled as they are."""
    whole = national_ensemble

    def fit_all(wanted, *_):
        fits = (dataclasses.replace(whole.fitted, panel=one.panel, config=one.config) for one in wanted)
        return [dcm.Ensemble(fit, whole.replicates) for fit in fits]

    monkeypatch.setitem(fit_kpis.__globals__, "fit_all", fit_all)


def options(**changes):
    named = {"time": "time", "media": ["channel_?"], "spend": ["channel_?_spend"], "controls": ["control_1"]}
    return named | {"quiet": True} | changes


@pytest.mark.usefixtures("fitted")
def test_kpis_of_one_table_are_fitted_with_curves_in_common_and_kept(place, capsys):
    out = place / "run"
    fit_kpis_command(place / "panel.csv", out, ["sales,visits"], revenue_per_kpi=["sales=2.5"], **options())
    said = capsys.readouterr().out
    assert "How far the KPIs have curves in common" in said
    fits = dcm.load(out)
    assert list(fits) == ["sales", "visits"]
    assert fits["sales"].panel.revenue_per_kpi.min() == 2.5
    assert fits["visits"].panel.revenue_per_kpi is None
    assert fits["visits"].panel.controls == ("control_1",)
    assert tuple(fits.pooling.index) == ("decay", "half_saturation", "slope")
    heard = {kpi: {entry[:2] for entry in result.config.priors.curve} for kpi, result in fits.items()}
    assert heard["sales"] <= {(channel, name) for channel in ("channel_1", "channel_2") for name in fits.pooling.index}
    assert heard["sales"]
    assert {path.name for path in out.iterdir()} == {"sales", "visits", "kpis.json", "summary.csv", "pooling.csv"}


@pytest.mark.usefixtures("fitted")
def test_a_kpi_may_have_a_comma_in_its_name(place, tmp_path):
    table = pd.read_csv(place / "panel.csv").rename(columns={"visits": "visits, web"})
    table.to_csv(tmp_path / "panel.csv", index=False)
    fit_kpis_command(tmp_path / "panel.csv", tmp_path / "run", ["sales,visits, web"], **options())
    assert list(dcm.load(tmp_path / "run")) == ["sales", "visits, web"]


@pytest.fixture
def fitted_by_stage(small_result, monkeypatch):
    """Every fit is that of the small panel, with as many of its controls as are asked for."""
    monkeypatch.setitem(
        fit_kpis.__globals__, "fit_all", lambda wanted, *_: [_fitted(small_result, one) for one in wanted]
    )


@pytest.mark.slow
@pytest.mark.usefixtures("fitted_by_stage")
def test_a_funnel_of_one_table_is_split_printed_and_kept(small_panel, tmp_path, capsys):
    table = small_panel.to_dataframe().drop(columns="revenue_per_kpi")
    table.assign(visits=30.0 * table["sales"]).to_csv(tmp_path / "panel.csv", index=False)
    out, config = tmp_path / "run", tmp_path / "none.toml"
    config.write_text('[posterior]\nmethod = "none"\n')
    asked = options(region="region", share="none", funnel="visits,sales", config=config)
    fit_kpis_command(tmp_path / "panel.csv", out, ["sales,visits"], **asked)
    said = capsys.readouterr().out
    assert "Effects by way of earlier stages" in said
    assert "Wrote summary.csv, effects.csv, pooling.csv" in said
    fits = dcm.load(out)
    assert fits.funnel == ("visits", "sales")
    assert fits.given["sales"].panel.controls == ("control_1", "visits")
    table = pd.read_csv(out / "effects.csv").set_index(["kpi", "channel"])
    pd.testing.assert_frame_equal(table[["direct", "mediated"]], fits.effects()[["direct", "mediated"]], rtol=1e-4)


@pytest.mark.parametrize(
    ("kpis", "changes", "said"),
    [
        (["sales", "sales"], {}, "--kpi names 'sales' twice"),
        (["sales", "visits"], {"revenue_per_kpi": ["2.5"]}, "--revenue-per-kpi '2.5' names none of the KPIs; write"),
        (["sales", "visits"], {"controls": ["control_1", "visits"]}, "'visits'"),
        (
            ["sales", "visits"],
            {"funnel": "visit,sales"},
            "funnel names 'visit', which is not a KPI; did you mean 'visits'",
        ),
        (["sales", "visits"], {"funnel": "visits"}, "funnel must be a list of two or more KPIs"),
        (["sales", "visits"], {"counts": ["visit"]}, "--counts names 'visit', which is not a KPI; did you mean"),
    ],
)
def test_bad_requests_are_refused(place, kpis, changes, said):
    with pytest.raises((dcm.DataError, dcm.ConfigError), match=said):
        fit_kpis_command(place / "panel.csv", place / "none", kpis, **options(**changes))
    assert not (place / "none").exists()


@pytest.mark.usefixtures("fitted")
def test_a_schema_serves_every_kpi_of_its_table(place, tmp_path, capsys):
    spend = tuple((f"channel_{m}", f"channel_{m}_spend") for m in (1, 2))
    roles = {"spend": spend, "controls": ("control_1",), "revenue_per_kpi": 3.0, "ignored": ("visits",)}
    known = dcm.Schema("mine", "time", "sales", ("channel_1", "channel_2"), **roles)
    known.save(tmp_path / "mine.toml")
    own = {"schema": tmp_path / "mine.toml", "revenue_per_kpi": ["visits=0.5"], "quiet": True}
    fit_kpis_command(place / "panel.csv", tmp_path / "run", ["sales,visits"], **own)
    fits = dcm.load(tmp_path / "run")
    assert {kpi: float(fit.panel.revenue_per_kpi.min()) for kpi, fit in fits.items()} == {"sales": 3.0, "visits": 0.5}


def test_two_revenues_of_one_kpi_are_refused(place):
    with pytest.raises(dcm.DataError, match="--revenue-per-kpi gives 'sales' '2' and '5'; keep one"):
        fit_kpis_command(
            place / "panel.csv", place / "no", ["sales"], revenue_per_kpi=["sales=2", "sales=5"], **options()
        )


def test_draws_that_are_not_to_be_trusted_are_named_below_the_table_of_kpis(national_ensemble, capsys):
    drawn = dataclasses.replace(national_ensemble.replicates, method="laplace", pareto_k=1.04)
    unsure = dcm.Ensemble(national_ensemble.fitted, drawn)
    _say_summary(KpiFits({"sales": unsure, "visits": national_ensemble}, pd.DataFrame()))
    assert "sales: The draws by Laplace's method miss the posterior" in capsys.readouterr().out
