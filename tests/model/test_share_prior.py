"""The prior of the channels' shares in training; that the posterior has the same is tested with its density."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.model.share_prior import SharePrior, share_penalty, share_precision

PRIOR = SharePrior.of(dcm.PosteriorSettings())
_value_and_slope = jax.jit(jax.value_and_grad(lambda log_share: share_penalty(jnp.exp(log_share), PRIOR)))


def _slope(*shares):
    """Nats by a unit of the log of each share."""
    return np.asarray(_value_and_slope(jnp.log(jnp.array(shares)))[1])


@settings(deadline=None)  # the first example compiles
@given(st.lists(st.floats(1e-12, 2.0), min_size=3, max_size=3))
def test_it_is_finite_wherever_a_search_goes_and_knows_no_order_of_channels(shares):
    nats, slope = _value_and_slope(jnp.log(jnp.array(shares)))
    turned, _ = _value_and_slope(jnp.log(jnp.array(shares[::-1])))
    assert np.isfinite([nats, *slope]).all()
    assert float(turned) == pytest.approx(float(nats), rel=1e-4, abs=1e-4)


def test_from_near_nothing_a_way_leads_back():
    # By the density 1 / (share + 0.002) the slope is 0 here, and the likelihood has none either: a descent stayed.
    assert _slope(1e-6, 0.05, 0.05)[0] < -3.0


def test_media_that_bring_everything_are_drawn_back_beyond_the_whole_too():
    pull = [_slope(share / 2, share / 2).sum() for share in (0.3, 0.6, 0.94, 1.0, 1.5)]
    assert (np.diff(pull) > 0).all()
    assert pull[0] > 0


@pytest.mark.parametrize("share", [0.02, 0.05, 0.15])
def test_an_estimate_is_moved_by_less_than_the_density_one_over_share_moves_it(share):
    """One of four channels, known to 40% of its share: that density moves it by as much of its error."""
    error, others = 0.4 * share, (0.05, 0.05, 0.05)
    pull = _slope(share, *others)[0] / share  # nats by a unit of the share
    assert abs(pull * error) < error / share


@pytest.mark.parametrize("seed", [1, 3, 5])
def test_training_leaves_media_that_hardly_vary_a_plausible_share(seed, quick):
    panel, _ = dcm.simulate(4, 60, 3, 2, seed=seed, kind="always_on")
    notes = dcm.fit(panel, quick, holdout=8, progress=False).notes()
    # From 6.7% at the start; drawn towards nothing, 1.0 to 1.3 were left after these few epochs, and 0.0 in the end.
    assert notes["share"].min() > 2.0
    # The weeks say nothing, and the prior leaves a channel a spread of 1.3 in logs, and all together one of 1 in logits.
    assert (notes["share_error"] / notes["share"]).between(1.2, np.hypot(1.0, 1.3)).all()


def test_its_precision_is_its_second_derivative_where_the_total_is_the_median():
    share = np.array([0.05, 0.12, 0.03])  # 0.2 in all
    exact = jax.hessian(lambda log_share: share_penalty(jnp.exp(log_share), PRIOR))(jnp.log(share))
    np.testing.assert_allclose(share_precision(share, PRIOR), exact, atol=2e-3)


@given(st.lists(st.floats(1e-6, 2.0), min_size=1, max_size=6))
def test_its_precision_is_never_negative(shares):
    assert np.linalg.eigvalsh(share_precision(np.array(shares), PRIOR)).min() > -1e-9
