import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepcausalmmm_jax.ops.gru import GRUParameters, gru_scan, gru_scan_small


def _parameters(n_features=3, hidden=4, seed=0):
    draw = np.random.default_rng(seed).normal
    shapes = ((n_features, 3 * hidden), (hidden, 3 * hidden), (3 * hidden,), (3 * hidden,))
    return GRUParameters(*(jnp.asarray(draw(size=shape), jnp.float32) for shape in shapes))


def test_matches_the_equations_written_out():
    p = [np.asarray(leaf) for leaf in _parameters()]
    inputs = np.random.default_rng(1).normal(size=(5, 3)).astype(np.float32)
    h, expected = np.zeros(4), []
    sigmoid = lambda x: 1 / (1 + np.exp(-x))  # noqa: E731
    for x in inputs:
        a, b = x @ p[0] + p[2], h @ p[1] + p[3]
        r, z = sigmoid(a[:4] + b[:4]), sigmoid(a[4:8] + b[4:8])
        h = (1 - z) * np.tanh(a[8:] + r * b[8:]) + z * h
        expected.append(h)
    np.testing.assert_allclose(
        gru_scan(_parameters(), jnp.zeros(4), jnp.asarray(inputs)), expected, rtol=1e-4, atol=1e-5
    )


def test_runs_on_from_a_state():
    inputs = jnp.asarray(np.random.default_rng(2).normal(size=(10, 3)), jnp.float32)
    whole = gru_scan(_parameters(), jnp.zeros(4), inputs)
    first = gru_scan(_parameters(), jnp.zeros(4), inputs[:6])
    np.testing.assert_allclose(gru_scan(_parameters(), first[-1], inputs[6:]), whole[6:], rtol=1e-6)


@pytest.mark.parametrize(
    "choices",
    [
        {"project_inputs": "hoist"},
        {"unroll": 3},
        {"rematerialise": True},
        {"project_inputs": "hoist", "rematerialise": True},
    ],
)
def test_choices_of_speed_change_neither_states_nor_gradients(choices):
    parameters, start = _parameters(), jnp.full(4, 0.1)
    inputs = jnp.asarray(np.random.default_rng(3).normal(size=(7, 3)), jnp.float32)

    def total(p, h, x, **how):
        return (gru_scan(p, h, x, **how) ** 2).sum()

    plain = jax.value_and_grad(total, argnums=(0, 1, 2))(parameters, start, inputs)
    other = jax.value_and_grad(total, argnums=(0, 1, 2))(parameters, start, inputs, **choices)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), other, plain)


@pytest.mark.parametrize("scan", [gru_scan, gru_scan_small])
def test_regions_side_by_side_are_the_regions_one_by_one(scan):
    parameters, start = _parameters(), jnp.full(4, 0.1)
    inputs = jnp.asarray(np.random.default_rng(4).normal(size=(7, 3, 5)), jnp.float32)

    def together(p, h, x):
        return (scan(p, h, x) ** 2).sum()

    def apart(p, h, x):
        return sum((gru_scan(p, h, x[:, :, region]) ** 2).sum() for region in range(5))

    found, expected = (
        jax.jit(jax.value_and_grad(of, argnums=(0, 1, 2)))(parameters, start, inputs) for of in (together, apart)
    )
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), found, expected)


@pytest.mark.parametrize(
    "axes", [(None, None, 0), (None, 0, 0), (None, 0, None), (0, None, 0), (0, 0, None)], ids=lambda axes: str(axes)
)
def test_several_series_side_by_side_are_the_series_one_by_one(axes):
    draw = np.random.default_rng(6).normal
    weights = jax.tree.map(lambda a, b: jnp.stack([a, b]), _parameters(), _parameters(seed=1))
    start, inputs = (jnp.asarray(draw(size=(2, *shape)), jnp.float32) for shape in ((4, 5), (7, 3, 5)))
    given = tuple(
        part if axis == 0 else jax.tree.map(lambda leaf: leaf[0], part)
        for part, axis in zip((weights, start, inputs), axes, strict=True)
    )
    together = jax.jit(jax.vmap(gru_scan_small, in_axes=axes))(*given)
    for at in range(2):
        own = (jax.tree.map(lambda leaf: leaf[at], p) if axis == 0 else p for p, axis in zip(given, axes, strict=True))  # noqa: B023
        np.testing.assert_allclose(together[at], gru_scan(*own), rtol=1e-5, atol=1e-6)


def test_the_gradient_through_several_series_is_that_of_each():
    parameters, start = _parameters(), jnp.full(4, 0.1)
    inputs = jnp.asarray(np.random.default_rng(7).normal(size=(2, 7, 3, 5)), jnp.float32)

    def total(scan, x):
        return jnp.sum(jax.vmap(lambda one: scan(parameters, start, one))(x) ** 2)

    found, expected = (jax.grad(lambda x, scan=scan: total(scan, x))(inputs) for scan in (gru_scan_small, gru_scan))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
