import dataclasses

import jax
import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.frequency import FrequencyCurves, frequency_curves
from deepcausalmmm_jax.cli.run_columns import panel_like
from deepcausalmmm_jax.cli.table_options import TableColumns, panel_of
from deepcausalmmm_jax.config.curves import BY_REACH, CurveKind, CurveKinds
from deepcausalmmm_jax.data.fingerprint import fingerprint
from deepcausalmmm_jax.data.reach import Contacts
from deepcausalmmm_jax.model.curves import MediaCurves, activity, left_behind
from deepcausalmmm_jax.plots.report.sections import _on_frequency

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def panel(reached_panel):
    return reached_panel


@pytest.fixture(scope="module")
def result(reached_result):
    return reached_result


def test_a_stated_half_frequency_holds_in_contacts(result):
    assert result.curve_parameters.half_frequency["channel_1"] == pytest.approx(4.0, abs=0.1)
    assert result.priors().set_index("quantity").loc["half_frequency", "found"] == pytest.approx(4.0, abs=0.1)


def test_the_effect_is_proportional_to_reach(result):
    more = result.panel.exposure.copy()
    more[:, :, 0] *= 2.0
    doubled = result.fitted_panel.on(dataclasses.replace(result.panel, exposure=more))
    before, after = (fit.components.media[:, :, 0] for fit in (result.fitted_panel, doubled))
    weeks = slice(30, 52)  # what the weeks before the panel left behind has faded
    np.testing.assert_allclose(after[:, weeks] / before[:, weeks], 2.0, rtol=0.05)


def test_the_same_contacts_bring_more_at_the_best_frequency(result):
    table = result.frequency()
    best = table.best["channel_1"]
    panel = result.panel
    often = np.where(np.isnan(panel.frequency), np.nan, np.where(panel.frequency > 0, best, 0.0))
    moved = result.fitted_panel.on(dataclasses.replace(panel, frequency=often)).components.media[:, :, 0]
    was = result.fitted_panel.components.media[:, :, 0]
    counted, unit = panel.past, result.fitted_panel.scales.kpi[:, None]
    ratio = (moved * unit)[counted].sum() / (was * unit)[counted].sum()
    assert ratio - 1.0 == pytest.approx(table.gain["channel_1"], abs=0.02)
    assert table.gain["channel_1"] > 0
    assert table.roi_best["channel_1"] == pytest.approx(table.roi["channel_1"] * (1 + table.gain["channel_1"]))
    assert list(table.index) == ["channel_1"]


def test_a_contact_brings_most_at_the_best_frequency():
    curves = FrequencyCurves(np.array([[2.0], [0.8]]), np.array([[3.0], [3.0]]))
    np.testing.assert_allclose(curves.best[:, 0], [3.0, 1.0])
    effect = curves.effect(np.array([2.9, 3.0, 3.1]), 0)[0]
    assert effect.argmax() == 1


def test_the_curve_is_one_at_the_frequency_of_today(result):
    table = frequency_curves(result.fitted_panel, None, 0.9)
    today = result.frequency().frequency["channel_1"]
    assert np.interp(today, table.frequency, table.effect) == pytest.approx(1.0, abs=0.01)


def test_the_figure_shows_the_last_year_and_the_best(result):
    figure = dcm.plots.frequency_effect(result)
    marked = [trace.x[0] for trace in figure.data if trace.mode == "markers"]
    table = result.frequency()
    assert marked == [table.frequency["channel_1"], table.best["channel_1"]]


def test_the_best_frequency_has_its_interval_and_the_page_names_clear_gains_alone(result, monkeypatch):
    table = result.frequency()
    for gain, low, said in ((0.1, 0.02, "best frequency of channel_1."), (0.1, -0.02, "At no channel is another")):
        drawn = table.assign(
            gain=gain, gain_low=low, gain_high=0.2, best_low=table.best - 0.5, best_high=table.best + 1
        )
        monkeypatch.setattr(dcm.FitResult, "frequency", lambda self, level=0.9, drawn=drawn: drawn)
        assert said in _on_frequency(result)
    figure = dcm.plots.frequency_effect(result)
    best = next(trace for trace in figure.data if trace.marker.symbol == "diamond")
    assert (best.error_x.arrayminus[0], best.error_x.array[0]) == pytest.approx((0.5, 1.0))
    assert "median over the draws" in figure.layout.title.text


def test_without_reach_no_figure_is_drawn(small_result):
    with pytest.raises(dcm.DataError, match="No channel of the panel has reach and frequency"):
        dcm.plots.frequency_effect(small_result)


def test_an_update_finds_the_columns_of_reach(panel, tmp_path):
    panel.to_dataframe().to_csv(tmp_path / "panel.csv", index=False)
    again = panel_like(tmp_path / "panel.csv", panel, None, mask_missing_kpi=False, keep_trailing_zeros=False)
    assert again.has_reach == (False, False, True)
    np.testing.assert_allclose(again.frequency[:, :, 2], panel.frequency[:, :, 0])


def test_an_update_finds_them_where_every_channel_has_reach(panel, tmp_path):
    cut = {name: getattr(panel, name)[:, :, :1] for name in ("exposure", "frequency", "spend")}
    only = dataclasses.replace(panel, channels=("channel_1",), **cut)
    table = only.to_dataframe().rename(columns={"channel_1_reach": "people", "channel_1_spend": "cost"})
    table.sample(frac=1.0, random_state=0).to_csv(tmp_path / "panel.csv", index=False)
    again = panel_like(tmp_path / "panel.csv", only, None, mask_missing_kpi=False, keep_trailing_zeros=False)
    assert again.channels == ("channel_1",)
    np.testing.assert_allclose(again.exposure, only.exposure)
    np.testing.assert_allclose(again.spend, only.spend)


def test_the_command_line_names_them_by_channel(panel, tmp_path):
    panel.to_dataframe().to_csv(tmp_path / "panel.csv", index=False)
    named = TableColumns(
        *("time", "sales", ["channel_2", "channel_3"], "region"),
        spend=["channel_1=channel_1_spend"],
        reach=["channel_1=channel_1_reach"],
        frequency=["channel_1=channel_1_frequency"],
    )
    assert panel_of(tmp_path / "panel.csv", named).has_reach == (False, False, True)
    with pytest.raises(dcm.DataError, match="--reach tv must be a channel and its column"):
        panel_of(tmp_path / "panel.csv", named._replace(reach=["tv"]))


def test_without_reach_there_is_nothing_to_tell(small_result):
    assert small_result.frequency().empty
    assert small_result.fitted_panel.inputs.contacts is None


def test_a_saved_run_knows_its_frequency(result, tmp_path):
    again = dcm.load(result.save(tmp_path / "run"))
    assert fingerprint(again.panel) == fingerprint(result.panel)
    np.testing.assert_array_equal(again.fitted.scales.frequency, result.fitted.scales.frequency)
    assert again.frequency().equals(result.frequency())


def test_without_the_channel_nothing_of_it_is_left(result):
    exposure = result.panel.exposure.copy()
    exposure[:, :, 0] = 0.0
    silent = result.fitted_panel.on(dataclasses.replace(result.panel, exposure=exposure))
    assert np.abs(silent.components.media[:, 40:, 0]).max() < 0.02 * result.fitted_panel.components.media[:, :, 0].max()


def test_weeks_after_others_go_on_as_in_one_panel():
    rng = np.random.default_rng(0)
    exposure, often = rng.uniform(0.5, 1.5, (12, 1, 2)), rng.uniform(1.0, 6.0, (12, 1, 2))
    kinds = CurveKinds((CurveKind("geometric", BY_REACH, saturation_first=True),), 4)
    one = np.ones(1)
    curves = MediaCurves(
        0.6 * one, 0.0 * one, 2.0 * one, one, np.zeros(()), 0.5 * np.ones(()), half_frequency=3.0 * one
    )
    at = curves, np.zeros((1, 2)), np.ones((1, 2)), kinds
    first, second = (Contacts(often[weeks], 3.0 * one) for weeks in (slice(0, 7), slice(7, None)))
    whole = activity(exposure, *at, None, Contacts(often, 3.0 * one))
    later = activity(exposure[7:], *at, left_behind(exposure[:7], *at, first), second)
    np.testing.assert_allclose(later, whole[7:], rtol=1e-5)


def test_a_lift_test_keeps_the_frequency(result):
    panel, fit = result.panel, result.fitted_panel
    dark = panel.exposure.copy()
    dark[:, 20:24, 0] = 0.0
    without = fit.on(dataclasses.replace(panel, exposure=dark)).prediction
    lost = (fit.prediction - without)[:, : fit.n_training_weeks].sum()
    assert result.lift_tests()["model_after"].item() == pytest.approx(lost, rel=0.05)


def test_what_it_plans_scales_reach(result):
    changed = dcm.scenario(result, [dcm.Change("channel_1", 1.5)], weeks=8)
    assert changed.loc[changed.by == "all", "change"].item() > 0
    assert jax.tree.leaves(result.fitted_panel.inputs.contacts)[0].shape == result.panel.exposure.shape
