"""The log link: terms that add up, and a plain model whose program does not know of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepcausalmmm_jax.model.link import added_up, kpi_per_effect, slope_of, without_media
from deepcausalmmm_jax.model.outputs import Components

# A subnormal effect times a level below one is zero in the last bit: signs are stated for numbers of full precision.
effect = st.floats(-2.0, 2.0, allow_subnormal=False)


def _terms(level: float, trend: float, season: float, controls: list[float], media: list[float]) -> Components:
    one = np.ones((1, 1))
    return Components(level * one, trend * one, season * one, np.array([[controls]]), np.array([[media]]))


@settings(max_examples=60, deadline=None)
@given(
    effect,
    effect,
    effect,
    st.lists(effect, max_size=3),
    st.lists(st.floats(0, 2, allow_subnormal=False), min_size=1, max_size=3),
    st.floats(0, 1),
)
def test_terms_add_up_media_first_and_keep_their_signs(level, trend, season, controls, media, variance):
    terms, v = _terms(level, trend, season, controls, media), np.array([variance])
    found = added_up(terms, v, np)
    whole = np.exp(level - 1.0 + variance / 2.0 + trend + season + sum(controls) + sum(media))
    np.testing.assert_allclose(found.prediction(), whole, rtol=1e-9)
    np.testing.assert_allclose(found.media.sum(), whole * -np.expm1(-sum(media)), rtol=1e-9, atol=1e-12)
    for ours, theirs in zip(found, terms, strict=True):
        if ours is not found.baseline:
            np.testing.assert_array_equal(np.sign(ours), np.sign(theirs))


def test_parts_of_media_are_in_proportion_to_their_effects_on_the_log():
    terms, v = _terms(0.8, 0.1, -0.1, [0.2, -0.2], [0.1, 0.3]), np.array([0.01])
    media = added_up(terms, v, np).media[0, 0]
    assert media[1] / media[0] == pytest.approx(3.0)
    np.testing.assert_allclose(kpi_per_effect(terms, v) * np.array([0.1, 0.3]), media[None], rtol=1e-5)
    np.testing.assert_allclose(without_media(terms, v), np.exp(0.8 - 1.0 + 0.005), rtol=1e-6)


@pytest.mark.parametrize("x", [0.0, 1e-8, -1e-4, 0.5])
def test_the_slope_and_its_gradient_are_finite_at_zero(x):
    value, gradient = jax.value_and_grad(lambda y: slope_of(y).sum())(jnp.asarray([x]))
    assert value == pytest.approx(1.0 if x == 0 else np.expm1(x) / x, rel=1e-4)
    assert np.isfinite(gradient).all()
