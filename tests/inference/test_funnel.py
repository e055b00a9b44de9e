"""A funnel: which fits are made, with which columns and priors, and what is refused."""

import dataclasses

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.inference.fit_many import Wanted
from deepcausalmmm_jax.inference.funnel import checked_funnel, given_earlier_stages


@pytest.fixture(scope="module")
def panels(small_panel):
    visits = 40.0 * small_panel.kpi + np.arange(60)
    return {
        "visits": dataclasses.replace(small_panel, kpi=visits, kpi_name="visits"),
        "carts": dataclasses.replace(small_panel, kpi=0.2 * visits, kpi_name="carts"),
        "sales": small_panel,
    }


@pytest.fixture(scope="module")
def fits(panels, small_result):
    """Stages and KPI by the small fit: with both controls, the last one the stage, and without that one."""

    def fit_all(wanted, *_):
        return [_fitted(small_result, one) for one in wanted]

    two = {kpi: _without_last_control(panels[kpi]) for kpi in ("visits", "sales")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(dcm.fit_kpis.__globals__, "fit_all", fit_all)
        return dcm.fit_kpis(two, small_result.config, share=[], funnel=["visits", "sales"], progress=False)


def _without_last_control(panel):
    return dataclasses.replace(panel, controls=panel.controls[:-1], control=panel.control[:, :, :-1])


def _fitted(result, wanted):
    """The result with as many of its controls as the panel has, the first ones."""
    fitted, n = result.fitted, len(wanted.panel.controls)
    scales = {name: getattr(fitted.scales, name)[:, :n] for name in ("control_center", "control_scale")}
    params = fitted.variables["params"]
    control = {name: array[..., :n] for name, array in params["control"].items()}
    gru = params["coefficients"]["gru"]
    features = len(gru["input_kernel"]) - len(result.panel.controls) + n
    coefficients = {**params["coefficients"], "gru": {**gru, "input_kernel": gru["input_kernel"][:features]}}
    changes = {
        "panel": wanted.panel,
        "config": wanted.config,
        "scales": fitted.scales._replace(**scales),
        "variables": {**fitted.variables, "params": params | {"control": control, "coefficients": coefficients}},
    }
    return dcm.FitResult(dataclasses.replace(fitted, **changes))


def test_effects_split_the_total_of_each_later_kpi(fits):
    table = fits.effects()
    assert table.index.names == ["kpi", "channel"]
    assert set(table.index.get_level_values("kpi")) == {"sales"}
    np.testing.assert_allclose(table["direct"] + table["mediated"], table["total"])
    own = fits["sales"].media_summary()["incremental_outcome"]
    np.testing.assert_array_equal(table.loc["sales", "total"], own)
    assert fits["sales"].panel.controls == ("control_1",)  # so that plans count the total
    assert fits.given["sales"].panel.controls == ("control_1", "visits")


def test_a_funnel_is_saved_and_opened_with_its_fits(fits, tmp_path):
    again = dcm.load(fits.save(tmp_path / "run"))
    assert again.funnel == ("visits", "sales")
    np.testing.assert_allclose(again.effects()["mediated"], fits.effects()["mediated"], rtol=1e-6)


def test_without_a_funnel_there_is_nothing_to_split(fits):
    with pytest.raises(dcm.ConfigError, match="fitted without a funnel"):
        dcm.KpiFits(fits.results, fits.pooling).effects()


def _given(panels, result, order, **changes):
    wanted = {kpi: Wanted(f"KPI {kpi}", panel, panel.weights, result.config, 7, None) for kpi, panel in panels.items()}
    fitted = dataclasses.replace(result.fitted, config=result.config.replace(**changes))
    return given_earlier_stages(order, wanted, dict.fromkeys(panels, dcm.FitResult(fitted)))


def test_each_later_stage_has_all_before_it_among_its_controls(panels, small_result):
    found = _given(panels, small_result, ("visits", "carts", "sales"))
    assert list(found) == ["carts", "sales"]
    assert found["carts"].panel.controls[-1:] == ("visits",)
    assert found["sales"].panel.controls[-2:] == ("visits", "carts")
    np.testing.assert_array_equal(found["sales"].panel.control[:, :, -2], panels["visits"].kpi)
    assert found["sales"].seed == 7


def test_weeks_without_a_stage_are_not_learned_from(panels, small_result):
    unseen = panels["visits"].weights.copy()
    unseen[1, 3:9] = 0.0
    kpi = np.where(unseen > 0, panels["visits"].kpi, 0.0)
    gappy = {**panels, "visits": dataclasses.replace(panels["visits"], weights=unseen, kpi=kpi)}
    found = _given(gappy, small_result, ("visits", "sales"))["sales"]
    np.testing.assert_array_equal(found.weights, panels["sales"].weights * (unseen > 0))
    late = dataclasses.replace(panels["visits"], weights=np.where(np.arange(60) < 52, 0.0, 1.0) * unseen)
    with pytest.raises(dcm.DataError, match="KPI sales given visits: No region has a KPI in 12 training weeks"):
        _given({**panels, "visits": late}, small_result, ("visits", "sales"))


@pytest.mark.parametrize("size_of_others", [1.0, 100.0])
def test_a_week_without_a_stage_has_the_mean_of_its_region_however_large_others_are(
    panels, small_result, size_of_others
):
    unseen, size = panels["visits"].weights.copy(), np.array([size_of_others, 1.0, size_of_others, size_of_others])
    unseen[1, 3:9] = 0.0
    kpi = np.where(unseen > 0, size[:, None] * panels["visits"].kpi, 0.0)
    gappy = {**panels, "visits": dataclasses.replace(panels["visits"], weights=unseen, kpi=kpi)}
    control = _given(gappy, small_result, ("visits", "sales"))["sales"].panel.control[:, :, -1]
    np.testing.assert_allclose(control[1, 3:9], kpi[1, unseen[1] > 0].mean())
    np.testing.assert_array_equal(control[unseen > 0], kpi[unseen > 0])


def test_what_is_known_of_effects_by_all_ways_is_left_out_where_a_stage_is_held(panels, small_result):
    test = dcm.LiftTest("channel_1", "2022-03-07", "2022-03-28", 5000.0, 500.0)
    priors = dcm.Priors(share={"channel_1": (0.1, 0.05)}, total=(0.3, 0.1), half_life={"channel_1": (2.0, 0.5)})
    config = _given(panels, small_result, ("visits", "sales"), experiments=(test,), priors=priors)["sales"].config
    assert config.experiments == ()
    assert config.priors == dcm.Priors(half_life={"channel_1": (2.0, 0.5)})


@pytest.mark.parametrize(
    ("funnel", "said"),
    [
        (
            "visits",
            "funnel must be a list of two or more KPIs, first to last, such as .'visits', 'carts'., got 'visits'",
        ),
        (["sales"], "list of two or more KPIs"),
        (7, "list of two or more KPIs"),
        (["visit", "sales"], "funnel names 'visit', which is not a KPI; did you mean 'visits'"),
        (["sales", "visits", "sales"], "funnel names sales twice"),
    ],
)
def test_what_is_no_funnel_is_refused(panels, quick, funnel, said):
    with pytest.raises(dcm.ConfigError, match=said):
        checked_funnel(funnel, panels, dict.fromkeys(panels, quick))


@pytest.mark.parametrize("link", ["log", "auto"])
def test_a_later_stage_whose_effects_multiply_is_refused_and_a_first_one_is_not(panels, quick, link):
    configs = dict.fromkeys(panels, quick)
    assert checked_funnel(["visits", "sales"], panels, configs | {"visits": quick.replace(link=link)})
    with pytest.raises(dcm.ConfigError, match='set link="identity" for sales, or leave funnel out'):
        checked_funnel(["visits", "sales"], panels, configs | {"sales": quick.replace(link=link)})


def test_a_later_stage_of_counts_is_refused_with_its_own_way_out(panels, quick):
    configs = dict.fromkeys(panels, quick)
    counts = quick.replace(counts=True)
    assert checked_funnel(["visits", "sales"], panels, configs | {"visits": counts})
    with pytest.raises(dcm.ConfigError, match="do not with counts=True; set counts=False for sales, or leave"):
        checked_funnel(["visits", "sales"], panels, configs | {"sales": counts})


def test_stages_of_other_channels_or_names_in_use_are_refused(panels, quick):
    configs = dict.fromkeys(panels, quick)
    fewer = dataclasses.replace(panels["sales"], channels=("channel_1", "channel_2"), exposure=np.ones((4, 60, 2)))
    with pytest.raises(dcm.DataError, match="Channel 'channel_3' is in the panel of visits but not in that of sales"):
        checked_funnel(["visits", "sales"], panels | {"sales": fewer}, configs)
    named = dataclasses.replace(panels["sales"], controls=("visits", "control_2"))
    with pytest.raises(dcm.DataError, match="panel of sales has a column 'visits', like the stage before it; rename"):
        checked_funnel(["visits", "sales"], panels | {"sales": named}, configs)
