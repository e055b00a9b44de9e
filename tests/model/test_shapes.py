"""Arrays whose axes do not belong together are refused where they enter the model, with both shapes named."""

import chex
import jax
import jax.numpy as jnp
import pytest

from deepcausalmmm_jax.config.curves import CurveKinds
from deepcausalmmm_jax.data.exposure_innovations import ExposureInnovations
from deepcausalmmm_jax.data.graph_constraints import GraphConstraints
from deepcausalmmm_jax.model.baseline import Level, Trend
from deepcausalmmm_jax.model.coefficients import Coefficients
from deepcausalmmm_jax.model.graph import ChannelGraph, ExposureEquations, LinkTerms, initial_graph
from deepcausalmmm_jax.model.innovation_rows import innovation_rows
from deepcausalmmm_jax.model.media import Media

WEEKS, CHANNELS, REGIONS = 20, 3, 4
KEY = jax.random.key(0)


def _ones(*shape):
    return jnp.ones(shape)


def _media(exposure, intensity, history):
    return Media(CurveKinds.same(CHANNELS, "geometric", max_lag=4), 0.5).init(KEY, exposure, intensity, history)


def _coefficients(activity, drivers, basis, ahead):
    module = Coefficients(REGIONS, CHANNELS, 2, 0.1)
    return module.init(KEY, activity, drivers, basis, ahead, None)


GOOD = {
    "media": (_media, [(WEEKS, CHANNELS, REGIONS), (CHANNELS, REGIONS), (CHANNELS, REGIONS)]),
    "coefficients": (_coefficients, [(WEEKS, CHANNELS, REGIONS), (WEEKS, 5, REGIONS), (WEEKS, 3), (WEEKS,)]),
    "graph": (
        lambda activity, source: ChannelGraph(CHANNELS, "notears").init(KEY, activity, source),
        [(WEEKS, CHANNELS, REGIONS), (WEEKS, CHANNELS, REGIONS)],
    ),
    "level": (lambda media, weights: Level(REGIONS).init(KEY, media, weights), [(WEEKS, REGIONS), (WEEKS, REGIONS)]),
    "trend": (lambda basis, region: Trend(REGIONS, 6, 2).init(KEY, basis, region), [(WEEKS, 6), (WEEKS, 2)]),
}


@pytest.mark.parametrize("name", list(GOOD))
def test_arrays_that_belong_together_pass(name):
    call, shapes = GOOD[name]
    call(*(_ones(*shape) for shape in shapes))


@pytest.mark.parametrize(
    ("name", "argument", "shape", "expected"),
    [
        ("media", 0, (WEEKS, 2, REGIONS), r"\(None, 3, None\)"),
        ("media", 1, (2, REGIONS), r"\(3, 4\)"),
        ("media", 2, (CHANNELS, 7), r"\(3, 4\)"),
        ("coefficients", 0, (WEEKS, 2, REGIONS), r"\(None, 3, 4\)"),
        ("coefficients", 1, (WEEKS, 5, 7), r"\(20, None, 4\)"),
        ("coefficients", 3, (7,), r"\(20"),
        ("graph", 0, (WEEKS, 2, REGIONS), r"\(None, 3, None\)"),
        ("graph", 1, (WEEKS, CHANNELS, 7), r"\(20, 3, 4\)"),
        ("level", 0, (WEEKS, 7), r"\(None, 4\)"),
        ("level", 1, (7, REGIONS), r"\(20, 4\)"),
        ("trend", 0, (WEEKS, 7), r"\(None, 6\)"),
        ("trend", 1, (7, 2), r"\(20, 2\)"),
    ],
)
def test_an_axis_of_another_length_is_refused_with_both_shapes(name, argument, shape, expected):
    call, shapes = GOOD[name]
    arrays = [_ones(*(shape if i == argument else good)) for i, good in enumerate(shapes)]
    got = r"\(" + ", ".join(str(n) for n in shape)
    with pytest.raises(AssertionError, match=rf"(?s)({got}.*{expected}|{expected}.*{got})"):
        call(*arrays)


def _no_links(lags):
    return LinkTerms(jnp.zeros((CHANNELS, CHANNELS)), jnp.zeros((lags, CHANNELS, CHANNELS)))


def test_innovations_of_other_channels_than_the_graphs_are_refused():
    innovations = ExposureInnovations(
        _ones(REGIONS, WEEKS, 2), _ones(WEEKS, 2), _ones(REGIONS, WEEKS), _ones(WEEKS, 2), _ones(2)
    )
    rows = innovation_rows(innovations, _ones(REGIONS, WEEKS), 0)
    with pytest.raises(AssertionError, match=r"\(2, 80\).*\(3, None\)"):
        ExposureEquations(CHANNELS).init(KEY, _no_links(0), rows)
    with pytest.raises(AssertionError, match=r"\(1, 3, 3\).*\(2, 3, 3\)"):
        ExposureEquations(CHANNELS, 2).init(KEY, _no_links(1), rows)
    with pytest.raises(AssertionError, match=r"(?s)\(4, 19\).*\(4, 20\)"):
        innovation_rows(innovations, _ones(REGIONS, WEEKS - 1), 0)


def test_constraints_on_other_channels_are_refused():
    constraints = GraphConstraints(*(_ones(1, CHANNELS, CHANNELS) for _ in range(3)))
    with pytest.raises(AssertionError, match=r"\(1, 3, 3\).*\(None, 2, 2\)"):
        initial_graph(constraints, _ones(2))


def test_each_region_has_the_blend_of_its_own_group():
    activity = jax.random.uniform(KEY, (WEEKS, CHANNELS, REGIONS))
    members = jnp.asarray([[1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0]])
    graph, one = ChannelGraph(CHANNELS, "notears", 0, 2), ChannelGraph(CHANNELS, "notears")
    variables = graph.init(KEY, activity, None, members)
    edges = jnp.zeros((2, CHANNELS, CHANNELS)).at[0, 0, 1].set(0.7).at[1, 2, 0].set(1.3)
    variables["params"] = {"edge": edges, "mix": jax.random.normal(KEY, (2, CHANNELS))}
    together = graph.apply(variables, activity, None, members)
    for g, own in enumerate(members > 0):
        params = {name: array[g] for name, array in variables["params"].items()}
        fitted = {name: array if name == "unit" else array[g] for name, array in variables["fitted"].items()}
        alone = one.apply({"params": params, "fitted": fitted}, activity)
        assert not jnp.allclose(alone, activity)
        chex.assert_trees_all_close(together[..., own], alone[..., own], rtol=1e-5)
