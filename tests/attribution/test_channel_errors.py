"""Standard errors of a fit without draws: what is not known of the curves counts, and many regions prove no curve."""

import dataclasses

import jax
import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.channel_errors import _curve_moves, channel_errors
from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.forward import curve_precisions, run
from deepcausalmmm_jax.attribution.notes import NoteKind, tiny_or_not
from deepcausalmmm_jax.io.on_device import on_device
from deepcausalmmm_jax.model.parameters import Parameters
from deepcausalmmm_jax.training.hyperparameters import Hyperparameters


def with_config(result, **changes):
    """The same fit, its settings others."""
    fitted = dataclasses.replace(result.fitted, config=result.config.replace(**changes))
    return FittedPanel.of(fitted)


def with_coarsening(result, coarsening, **changes):
    posterior = dataclasses.replace(result.config.posterior, coarsening=coarsening)
    return with_config(result, posterior=posterior, **changes)


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
    open_, known = (
        channel_errors(with_coarsening(small_result, 1e4, priors=priors))
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
    assert (little < np.sqrt(7.0) * whole * 1.01).all()  # 4 regions: the power is 1 / 7


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

        exact = np.array([jax.grad(summed)(own, m).sum() for m in range(n)])
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


def test_one_region_is_not_coarsened(national_ensemble):
    one, other = (channel_errors(with_coarsening(national_ensemble, c)) for c in (0.5, 1e4))
    np.testing.assert_allclose(one, other, rtol=1e-6)


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
