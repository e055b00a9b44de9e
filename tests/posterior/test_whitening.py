import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepcausalmmm_jax.ops.autoregression import whitened
from deepcausalmmm_jax.posterior.whitening import path_squared, path_times, white, whitening

RNG = np.random.default_rng(3)
N_REGIONS, N_WEEKS, N_COLUMNS = 3, 14, 2
GAPS = RNG.uniform(size=(N_REGIONS, N_WEEKS)) < 0.7
SERIES = RNG.standard_normal((N_REGIONS, N_WEEKS, N_COLUMNS))
PRECISION = RNG.uniform(0.5, 2.0, (N_REGIONS, N_WEEKS))


@pytest.mark.parametrize("trained", [GAPS, np.ones_like(GAPS), np.zeros_like(GAPS)], ids=["gaps", "whole", "none"])
def test_innovations_and_the_path_are_those_of_whitened_columns(trained):
    with jax.enable_x64(True):
        phi = jnp.asarray(0.6)

        def by_hand(series):
            rows = [
                whitened(jnp.asarray(own), jnp.asarray(seen)[:, None], phi)
                for own, seen in zip(series, trained, strict=True)
            ]
            return np.stack(rows) * PRECISION[:, :, None]

        weeks = whitening(jnp.asarray(trained), jnp.asarray(PRECISION), phi)
        made, path = (
            white(jnp.asarray(SERIES), weeks),
            by_hand(np.broadcast_to(np.eye(N_WEEKS), (N_REGIONS, N_WEEKS, N_WEEKS))),
        )
        np.testing.assert_allclose(made, by_hand(SERIES), atol=1e-12)
        np.testing.assert_allclose(path_squared(weeks), np.einsum("rtu,rtv->uv", path, path), atol=1e-12)
        np.testing.assert_allclose(path_times(weeks, made), np.einsum("rtu,rtc->ruc", path, made), atol=1e-12)
