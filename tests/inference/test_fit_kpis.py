"""Several KPIs of the same media: what each says is heard by the others, and by them alone."""

import dataclasses
import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.cadence import decay_per_week
from deepcausalmmm_jax.inference.sample_posterior import as_trained
from deepcausalmmm_jax.posterior.parameters import prior_medians, quantities
from deepcausalmmm_jax.posterior.sample import density_of

module = importlib.import_module("deepcausalmmm_jax.inference.fit_kpis")
NAMES = ("decay", "half_saturation", "slope")


@pytest.fixture
def fits_made(national_ensemble, monkeypatch):
    """The fits that are asked for; each gives the ensemble of the national panel, with its own panel and settings."""
    made = []

    def fit_all(wanted, *_):
        made.append(wanted)
        whole = national_ensemble
        return [
            dcm.Ensemble(dataclasses.replace(whole.fitted, panel=one.panel, config=one.config), whole.replicates)
            for one in wanted
        ]

    monkeypatch.setattr(module, "fit_all", fit_all)
    return made


def _second(panel, **changes):
    return dataclasses.replace(panel, **{"kpi": 2.0 * panel.kpi, "kpi_name": "visits"} | changes)


def test_a_single_kpi_is_fitted_once_as_it_is(fits_made, national, drawn):
    fits = dcm.fit_kpis({"sales": national[0]}, drawn, seed=3)
    assert [[(one.config, one.seed) for one in wanted] for wanted in fits_made] == [[(drawn, 3)]]
    assert fits.pooling.empty
    assert list(fits) == ["sales"]


def test_nothing_is_shared_where_nothing_is_to_be(fits_made, national, drawn):
    dcm.fit_kpis({"sales": national[0], "visits": _second(national[0])}, drawn, share=[])
    assert len(fits_made) == 1


def test_kpis_that_say_the_same_become_each_others_priors(fits_made, national, national_ensemble, drawn):
    panel = national[0]
    noise = np.random.default_rng(0).normal(0.0, 0.2 * panel.kpi.mean(), (2, *panel.kpi.shape))  # none shared
    panels = {"sales": panel, "visits": _second(panel, kpi=panel.kpi + noise[0])}
    panels |= {"calls": _second(panel, kpi=panel.kpi + noise[1], kpi_name="calls")}
    fits = dcm.fit_kpis(panels, drawn)
    assert [len(wanted) for wanted in fits_made] == [3, 3]
    assert tuple(fits.pooling.index) == NAMES
    assert (fits.pooling["agreement"] > 0.5).all()
    assert (fits.pooling["evidence"] > 0).all()
    curves, alone = fits["sales"].config.priors.curve, national_ensemble._contributed.curves
    usual = {"decay": drawn.penalties.decay} | {n: getattr(drawn.posterior, f"{n}_spread") for n in NAMES[1:]}
    logs = {name: np.log(alone[name]) - (np.log1p(-alone[name]) if name == "decay" else 0.0) for name in NAMES}
    told = {  # draws as wide as the prior say nothing
        (channel, name)
        for at, channel in enumerate(panel.channels)
        for name in NAMES
        if logs[name][:, at].std(ddof=1) < usual[name]
    }
    assert {entry[:2] for entry in curves} == told
    assert {name for _, name in told} == set(NAMES)
    for own, other in zip(curves, fits["visits"].config.priors.curve, strict=True):  # both have heard the same
        assert own[:2] == other[:2]
        assert own[2:] == pytest.approx(other[2:], rel=0.01)  # what noise they happen to share differs
    for channel, name, median, spread in curves:
        heard = logs[name][:, panel.channels.index(channel)]
        centre = np.log(median) - (np.log1p(-median) if name == "decay" else 0.0)
        assert spread < usual[name]
        assert abs(centre - heard.mean()) < max(2.0 * heard.std(), 0.5 * usual[name])


def test_revenue_is_no_second_witness_beside_units(fits_made, national, drawn):
    """The residuals of both are the same, so that neither has news for the other, unlike a KPI with noise of its own."""
    panel = national[0]
    noise = np.random.default_rng(0).normal(0.0, 0.2 * panel.kpi.mean(), panel.kpi.shape)
    spreads = {}
    for name, other in {"repeated": _second(panel), "noisy": _second(panel, kpi=panel.kpi + noise)}.items():
        curves = dcm.fit_kpis({"sales": panel, "visits": other}, drawn)["sales"].config.priors.curve
        spreads[name] = np.mean([spread for *_, spread in curves])
    assert spreads["noisy"] < spreads["repeated"]


def test_only_the_parameters_asked_for_are_shared_and_stated_ones_stay(fits_made, national, drawn):
    stated = drawn.replace(priors=dcm.Priors(half_life={"channel_1": (2.0, 0.5)}))
    panels = {"sales": national[0], "visits": _second(national[0])}
    fits = dcm.fit_kpis(panels, {"sales": stated, "visits": drawn}, share=["decay"])
    assert {entry[:2] for entry in fits["sales"].config.priors.curve} == {("channel_2", "decay")}
    assert {entry[:2] for entry in fits["visits"].config.priors.curve} == {("channel_2", "decay")}
    assert fits["sales"].config.priors.half_life == stated.priors.half_life


def test_half_saturations_are_passed_on_in_exposure_though_mean_weeks_differ(fits_made, national, drawn):
    """A KPI that ends earlier counts in other mean weeks of exposure."""
    panel = national[0]
    exposure = panel.exposure.copy()
    exposure[:, 50:] *= 3.0
    later = dataclasses.replace(panel, exposure=exposure)
    ended = later.weights * (np.arange(104) < 60)
    panels = {"sales": later, "visits": _second(later, weights=ended, kpi=later.kpi * ended)}
    units = [module._Units(one, "half_saturation") for one in dcm.fit_kpis(panels, drawn, share=[]).results.values()]
    assert fits_made
    assert units[0].week == pytest.approx(units[1].week)  # of one fit: the same scales; a KPI's own come with its fit
    priors = dcm.fit_kpis(panels, drawn, share=["half_saturation"])["sales"].config.priors.curve
    assert len(priors) == 2


@pytest.mark.slow
def test_what_a_kpi_says_is_counted_from_the_prior_that_it_had(reached_result, quick):
    """Slopes of frequency have a prior of their own; of days, so have decays of other kinds than the geometric."""
    curves = (dcm.ChannelCurves("channel_2", adstock="delayed"), dcm.ChannelCurves("channel_3", adstock="binomial"))
    config = quick.replace(curves=curves, posterior=dcm.PosteriorSettings(method="none"))
    daily = dcm.fit(dcm.simulate(1, 120, 3, 1, seed=2, cadence="daily")[0], config, holdout=None, progress=False)
    for result in (reached_result, daily):
        with jax.enable_x64(True):
            density, _ = density_of(*as_trained(result.fitted_panel.until_last_kpi))
            middle = prior_medians(density.inputs)
            made = [
                quantities(z, density.inputs, density.priors) for z in (middle, jax.tree.map(jnp.ones_like, middle))
            ]
        slopes = [np.log(one.slope) for one in made]
        decays = [decay_per_week(np.asarray(one.decay), result.panel.cadence) for one in made]
        for name, (centre, above) in {"slope": slopes, "decay": [np.log(a) - np.log1p(-a) for a in decays]}.items():
            unit = module._Units(result, name)
            np.testing.assert_allclose(unit.centre, centre, atol=1e-9)
            np.testing.assert_allclose(unit.centre + unit.spread, above, atol=1e-9)


@pytest.mark.parametrize(
    ("curves", "parameter", "is_pooled"),
    [
        ({"adstock": "geometric"}, "decay", True),
        ({"adstock": "delayed"}, "decay", False),
        ({"adstock": "none"}, "decay", True),  # which has none to say anything of
        ({"adstock": "delayed"}, "slope", True),
        ({"saturation": "log"}, "half_saturation", True),
        ({"saturation_first": True}, "half_saturation", False),
        ({"saturation_first": True}, "slope", False),
    ],
)
def test_a_parameter_is_pooled_where_it_means_the_same_for_all_kpis(small_result, curves, parameter, is_pooled):
    """The decay of a peak says nothing of one that fades week by week."""
    config = small_result.config.replace(curves=(dcm.ChannelCurves("channel_2", **curves),))
    other = dcm.FitResult(dataclasses.replace(small_result.fitted, config=config))
    found = module._alike([small_result, other], parameter)
    assert found == {"channel_1", "channel_3"} | ({"channel_2"} if is_pooled else set())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"weeks": lambda p: p.weeks + np.timedelta64(7, "D")}, "sales and visits differ in regions or weeks"),
        (
            {"exposure": lambda p: p.exposure * 1.5},
            "'channel_1' has different exposure for sales and for visits, first",
        ),
        (
            {"kpi_name": lambda p: "control_1"},
            "panel of sales has 'control_1' among its columns, which is itself a KPI",
        ),
    ],
)
def test_panels_that_are_not_of_the_same_media_are_refused(national, changes, said):
    panel = national[0]
    other = _second(panel, **{name: change(panel) for name, change in changes.items()})
    with pytest.raises(dcm.DataError, match=said):
        dcm.fit_kpis({"sales": panel, "visits": other})


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (([],), dcm.ConfigError, "needs panels by the name of their KPI"),
        (({},), dcm.ConfigError, "needs panels by the name of their KPI"),
        (({5: None},), dcm.ConfigError, "names of KPIs that are text, got 5"),
        (({"sales": "file.csv"},), dcm.DataError, "KPI sales needs a Panel, got str"),
    ],
)
def test_what_is_no_panels_by_name_is_refused(arguments, error, said):
    with pytest.raises(error, match=said):
        dcm.fit_kpis(*arguments)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"share": ["delay"]}, "share names 'delay', which is not a parameter that KPIs can share"),
        ({"share": "decay"}, "share must be a list of decay, half_saturation, slope, got 'decay'"),
        ({"config": {"visit": dcm.Config()}}, "settings for 'visit', which is not a KPI; did you mean 'visits'"),
        ({"config": "config.toml"}, "needs a Config, or one by KPI, got str"),
        ({"config": dcm.Config(curve="auto")}, "cannot choose the curves itself"),
        (
            {"config": dcm.Config(posterior=dcm.PosteriorSettings(method="none"))},
            'curves of sales cannot be shared without draws from its posterior; set posterior.method="laplace"',
        ),
        ({"config": dcm.Config.paper()}, "cannot be shared without draws"),
    ],
)
def test_bad_requests_are_refused(national, changes, said):
    panels = {"sales": national[0], "visits": _second(national[0])}
    with pytest.raises(dcm.ConfigError, match=said):
        dcm.fit_kpis(panels, **changes)
