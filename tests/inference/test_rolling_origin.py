"""Folds of `cross_validate` on panels whose KPI has gaps or ends early; nothing is trained."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.holdout import weights_before
from deepcausalmmm_jax.data.scaling import scales_from
from deepcausalmmm_jax.errors import FitStatus
from deepcausalmmm_jax.inference import cross_validate as validation


@pytest.fixture
def oracle(monkeypatch):
    """In place of the fits: forecasts that are the KPI itself, at the weeks asked for."""

    def install(panel):
        def forecasts(tasks, inputs, weights, later, settings, **_):
            found = []
            for fold in np.asarray(tasks.fold):
                weeks = np.asarray(later[fold])
                unit = scales_from(panel, weights_before(panel, int(weeks[0]))).kpi
                found.append(panel.kpi[:, weeks] / unit[:, None])
            return jnp.asarray(np.stack(found)), np.full(len(found), FitStatus.CONVERGED)

        monkeypatch.setattr(validation, "forecasts", forecasts)

    return install


def without_kpi(panel, weeks, regions=slice(None)):
    weights = panel.weights.copy()
    weights[regions, weeks] = 0.0
    return dataclasses.replace(panel, weights=weights)


def folds(panel, oracle, quick, **asked):
    oracle(panel)
    table = dcm.cross_validate(panel, quick, **({"horizon": 4, "folds": 3} | asked))
    np.testing.assert_allclose(table["rmse"] / panel.kpi.mean(), 0.0, atol=1e-6)
    return table[table["fold"] != "all"]


@pytest.mark.parametrize(
    ("gone", "origins"),
    [
        (slice(55, None), [43, 47, 51]),
        ([50, 53], [46, 51, 56]),
        (slice(0, 9), [48, 52, 56]),
    ],
    ids=["5 planned", "two weeks missing", "late start"],
)
def test_origins_are_counted_over_weeks_with_a_kpi(small_panel, quick, oracle, gone, origins):
    panel = without_kpi(small_panel, gone)
    table = folds(panel, oracle, quick)
    assert table["origin"].tolist() == [panel.week_label(origin) for origin in origins]


def test_naive_forecasts_are_compared_in_the_weeks_that_are_forecast(small_panel, quick, oracle):
    panel = without_kpi(small_panel, [57])
    row = folds(panel, oracle, quick, folds=1).iloc[0]
    weeks = [55, 56, 58, 59]
    assert row["rmse_last"] == pytest.approx(np.sqrt(((panel.kpi[:, weeks] - panel.kpi[:, [54]]) ** 2).mean()))
    year_before = panel.kpi[:, np.array(weeks) - 52]
    assert row["rmse_seasonal"] == pytest.approx(np.sqrt(((panel.kpi[:, weeks] - year_before) ** 2).mean()))


def test_a_region_without_a_kpi_in_a_fold_is_left_out_of_its_score(small_panel, quick, oracle):
    panel = without_kpi(small_panel, slice(52, None), regions=1)
    assert np.isfinite(folds(panel, oracle, quick)["rmse_mean"]).all()


@pytest.mark.parametrize(
    ("gone", "asked", "message"),
    [
        (slice(55, None), {"origins": [52]}, "goes beyond the panel's 55 weeks with a KPI"),
        (slice(30, None), {"folds": 5}, "leaves 10 weeks to train on.*the panel's 30 weeks with a KPI"),
        (slice(0, 45), {"origins": [50]}, "leaves 5 weeks to train on"),
        (slice(None), {}, "No week of the panel has a KPI"),
    ],
)
def test_folds_that_the_weeks_with_a_kpi_do_not_carry_are_refused(small_panel, quick, gone, asked, message):
    with pytest.raises(dcm.DataError, match=message):
        dcm.cross_validate(without_kpi(small_panel, gone), quick, **({"horizon": 4} | asked))


def test_a_fold_that_cannot_be_learned_from_is_named(small_panel, quick):
    panel = without_kpi(small_panel, slice(0, 50), regions=2)
    week, region = panel.week_label(48), panel.regions[2]
    with pytest.raises(
        dcm.DataError, match=f"The fold with its origin at week {week}: Region {region} has no observed KPI"
    ):
        dcm.cross_validate(panel, quick, horizon=4, folds=3)
