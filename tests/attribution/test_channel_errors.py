"""Standard errors of a fit without draws: what is not known of the curves counts, and many regions prove no curve."""

import dataclasses

import jax
import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.channel_errors import _curve_moves, channel_covariance, channel_errors
from deepcausalmmm_jax.attribution.effect_priors import no_priors
from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.forward import curve_precisions, run
from deepcausalmmm_jax.attribution.model_lifts import model_lifts
from deepcausalmmm_jax.attribution.notes import NoteKind, tiny_or_not
from deepcausalmmm_jax.attribution.shares import shares
from deepcausalmmm_jax.config.lift_tests import LiftTest
from deepcausalmmm_jax.io.on_device import on_device
from deepcausalmmm_jax.model.media import TYPICAL_ACTIVITY
from deepcausalmmm_jax.model.parameters import Parameters
from deepcausalmmm_jax.training.hyperparameters import Hyperparameters
from deepcausalmmm_jax.training.prepare import lift_tests_of


def with_config(result, **changes):
    """The same fit, its settings others."""
    fitted = dataclasses.replace(result.fitted, config=result.config.replace(**changes))
    return FittedPanel.of(fitted)


def with_coarsening(result, coarsening, **changes):
    posterior = dataclasses.replace(result.config.posterior, coarsening=coarsening)
    return with_config(result, posterior=posterior, **changes)


def with_posterior(result, **changes):
    return with_config(result, posterior=dataclasses.replace(result.config.posterior, **changes))


def precisions(fit):
    parameters, scales = Parameters.of(fit.variables["params"]), Hyperparameters.of(fit.config).scales
    return curve_precisions(on_device(parameters), fit.inputs, scales, fit.design)


def test_curves_that_are_known_add_no_error(small_result):
    channels = small_result.panel.channels
    now = small_result.curve_parameters
    firm = {
        name: tuple((channel, float(now[name][channel]), 1e-3 * float(now[name][channel])) for channel in channels)
        for name in ("decay", "half_saturation", "slope")
    }
    any_share = with_posterior(small_result, coarsening=1e4, split_spread=100.0, total_spread=100.0).fitted
    open_, known = (
        channel_errors(FittedPanel.of(dataclasses.replace(any_share, config=any_share.config.replace(priors=priors))))
        for priors in (dcm.Priors(), dcm.Priors(**firm))
    )
    given = channel_errors(with_coarsening(small_result, 1e4), given_curves=True)
    # What is left is the delay of the effect, which no prior can state.
    assert (known < 1.3 * given).all()
    assert (known > 0.95 * given).all()
    assert (open_ > known).all()
    assert (open_ > 1.3 * given).any()


def test_the_likelihood_of_several_regions_counts_as_in_the_posterior(small_result):
    little, usual, whole = (channel_errors(with_coarsening(small_result, c)) for c in (0.5, 2.5, 1e4))
    assert (little > usual).all()
    assert (usual > whole).all()
    assert (little < np.sqrt(9.0) * whole * 1.01).all()  # 4 regions: the power is 1 / 9


def test_errors_given_the_curves_know_no_coarsening(small_result):
    one, other = (channel_errors(with_coarsening(small_result, c), given_curves=True) for c in (0.5, 1e4))
    np.testing.assert_array_equal(one, other)


def test_moves_of_the_curves_are_the_derivatives(small_result):
    fit = small_result.fitted_panel
    moves, n = _curve_moves(fit).moves, len(fit.panel.channels)
    some = np.random.default_rng(0).normal(size=fit.weights.shape)  # the program has a gradient, but no directions
    at = 0
    for name, own in sorted(Parameters.of(fit.variables["params"]).media.as_flax().items()):
        if np.ndim(own) != 1:
            continue

        def summed(value, m, name=name):
            parameters = Parameters.of(fit.variables["params"])
            params = parameters._replace(media=parameters.media._replace(**{name: value})).as_flax()
            media = run({**fit.variables, "params": params}, fit.inputs, fit.design)[0].media
            return (some * media[:, :, m]).sum()

        gradient = jax.jit(jax.grad(summed))
        exact = np.array([gradient(own, m).sum() for m in range(n)])
        found = (some[:, :, None] * moves[..., at : at + n]).sum(axis=(0, 1))
        np.testing.assert_allclose(
            found, exact, atol=0.02 * np.abs(exact).max()
        )  # differences of a tenth of a prior sd
        at += n
    assert at == moves.shape[-1]


def test_precisions_are_those_of_the_priors(small_result):
    fit = small_result.fitted_panel
    found, scales = precisions(fit), Hyperparameters.of(fit.config).scales
    np.testing.assert_allclose(found["decay"], 1.0 / scales.decay**2, rtol=1e-4)  # both priors are normal in these
    np.testing.assert_allclose(found["half_saturation"], 1.0 / scales.half_saturation**2, rtol=1e-4)
    assert all((own > 0).all() for own in found.values())


@pytest.mark.parametrize("sd", [0.05, 0.01])
def test_a_stated_decay_is_held_as_firmly_as_it_is_stated(small_result, sd):
    decay = float(small_result.curve_parameters["decay"].iloc[0])
    fit = with_config(small_result, priors=dcm.Priors(decay=((small_result.panel.channels[0], decay, sd),)))
    by_logit = decay * (1.0 - decay)
    assert precisions(fit)["decay"][0] == pytest.approx((by_logit / sd) ** 2, rel=0.02)


def test_where_the_weeks_say_nothing_errors_are_those_of_the_priors(small_result):
    """The spread of an effect, in logs, by the priors of shares and curves alone."""
    nothing_said = with_coarsening(small_result, 1e-6)  # of the likelihood hardly anything is left
    settings, n = small_result.config.posterior, len(small_result.panel.channels)
    level = np.asarray(Parameters.of(small_result.fitted.variables["params"]).coefficients.level, np.float64)
    share = np.exp(level) * TYPICAL_ACTIVITY
    # A change of the logs of the shares changes the total's logit by the mean of them, weighted by the shares.
    of_total = share / (share.sum() * (1.0 - share.sum()) * settings.total_spread)
    of_split = (np.eye(n) - 1.0 / n) / settings.split_spread**2
    of_levels = np.diag(np.linalg.inv(of_split + np.outer(of_total, of_total)))
    curves = _curve_moves(nothing_said)
    counted = (nothing_said.scales.kpi[:, None] * (nothing_said.weights > 0))[..., None]
    effect = (nothing_said.scaled_terms.media * counted).sum(axis=(0, 1))
    moved = (curves.moves * counted).sum(axis=(0, 1)).reshape(-1, n) / effect
    of_curves = (moved**2 / curves.precision.reshape(-1, n)).sum(axis=0)
    np.testing.assert_allclose(channel_errors(nothing_said), np.sqrt(of_levels + of_curves), rtol=1e-3)
    assert (channel_errors(nothing_said) > 0.5 * settings.split_spread * np.sqrt(1 - 1 / n)).all()


def test_a_narrower_prior_of_shares_narrows_errors(small_result):
    none, narrow, usual, wide = (
        channel_errors(with_posterior(small_result, split_spread=0.2 * f, total_spread=0.2 * f))
        for f in (0.01, 1, 4, 40)
    )
    assert (none < narrow).all()
    assert (narrow < usual).all()
    assert (usual < wide).all()
    assert (narrow < 0.5).all()  # what is not known of the curves remains
    # To its variance the data and a prior add at most the prior's own.
    media = small_result.notes()["share"].sum() / 100
    assert (narrow**2 - none**2 < 0.2**2 * (1.0 + (1.0 - media) ** -2)).all()


def stated(result, prior, sd):
    share = result.notes()["share"] / 100
    if prior == "share":
        return dcm.Priors(share=((result.panel.channels[0], float(share.iloc[0]), sd * float(share.iloc[0])),))
    return dcm.Priors(total=(float(share.sum()), sd * float(share.sum())))


@pytest.mark.parametrize("sd", [0.1, 0.02])
def test_a_stated_share_is_known_as_well_as_it_is_stated(small_result, sd):
    error = channel_errors(with_config(small_result, priors=stated(small_result, "share", sd)))
    assert error[0] == pytest.approx(sd, rel=0.25)
    assert error[0] < sd


def test_a_stated_total_holds_all_channels_together_and_none_by_itself(small_result):
    fit = with_config(small_result, priors=stated(small_result, "total", 0.02))
    share = shares(fit) / shares(fit).sum()
    covariance = channel_covariance(fit)
    assert np.sqrt(share @ covariance @ share) < 0.02
    assert (np.sqrt(np.diag(covariance)) > 0.05).any()


@pytest.mark.parametrize(("error", "most"), [(0.3, 0.35), (0.05, 0.15)])
def test_a_lift_test_narrows_the_error_of_its_channel_to_about_its_own(small_result, error, most):
    """After so few epochs the weeks are off by much more than chance, and the estimate still follows them in part."""
    channel, weeks = small_result.panel.channels[0], small_result.panel.weeks
    test = LiftTest(channel, str(weeks[20].date()), str(weeks[27].date()), 1.0, 1.0, kind="holdback")
    alone = with_config(small_result, experiments=(test,))
    lift = float(model_lifts(alone, lift_tests_of(alone.fitted))[0])  # in units of an error of 1
    told = dataclasses.replace(test, lift=lift, standard_error=error * abs(lift))
    before, after = channel_errors(small_result.fitted_panel), channel_errors(with_config(alone, experiments=(told,)))
    assert after[0] < most < before[0]
    assert after[0] > 0.5 / np.hypot(1 / error, 1 / before[0])
    np.testing.assert_allclose(after[1:], before[1:], rtol=0.2)


@pytest.mark.slow
def test_one_region_counts_for_less_than_itself_too(national_ensemble):
    usual, whole = (channel_errors(with_coarsening(national_ensemble, c)) for c in (2.5, 1e4))
    assert (usual > whole).all()
    assert (usual < np.sqrt(1.4) * whole * 1.01).all()


@pytest.mark.parametrize(
    ("share", "high", "kinds"),
    [
        (0.001, 0.004, [NoteKind.TINY]),
        (0.001, 0.006, [NoteKind.MAY_BE_MORE]),
        (0.0, 1.7, [NoteKind.MAY_BE_MORE]),
        (0.006, 0.007, []),
        (0.001, np.nan, []),
    ],
)
def test_an_estimate_near_zero_is_tiny_only_where_more_is_ruled_out(share, high, kinds):
    found = tiny_or_not(share, high)
    assert [note.kind for note in found] == kinds
    assert all(note.value <= 1.0 for note in found)


def test_a_stated_marginal_return_narrows_the_error_of_its_channel(small_result):
    channel, now = small_result.panel.channels[0], float(small_result.media_summary()["mroi"].iloc[0])
    told = with_config(small_result, priors=dcm.Priors(mroi=((channel, now, 0.05 * now),)))
    before, after = channel_errors(small_result.fitted_panel), channel_errors(told)
    assert after[0] < 0.8 * before[0]


def test_hidden_demand_behind_a_tested_channel_leaves_its_effect_to_the_test(small_result, monkeypatch):
    """Where as much as the channel's effect may be demand, its weeks say little of the effect."""
    fit = small_result.fitted_panel
    n = len(fit.panel.channels)
    certain = no_priors(n)._replace(effect=np.diag(np.full(n, 4.0)))  # tests with an error of a half
    behind = certain._replace(demand=np.where(np.arange(n) == 0, 1.0, 0.0))
    found = []
    for known in (certain, behind):
        monkeypatch.setattr("deepcausalmmm_jax.attribution.channel_errors.effect_priors", lambda *_, known=known: known)
        found.append(channel_errors(fit))
    assert found[1][0] > 1.02 * found[0][0]
    assert (found[1] < 0.8).all()
