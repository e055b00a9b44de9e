import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.graph_constraints import graph_constraints

CHANNELS = ("tv", "social", "search")


def _masks(graph="notears", **links):
    return graph_constraints(CHANNELS, dcm.Config(graph=graph, links=dcm.Links(**links)))


def test_without_links_every_pair_is_free():
    masks = _masks()
    np.testing.assert_array_equal(masks.free, 1 - np.eye(3))
    assert not masks.required.any()
    assert not masks.fixed.any()


def test_forbidden_required_and_fixed_links_land_where_they_should():
    masks = _masks(forbid=[("search", "tv")], require=[("tv", "search")], fix=[("social", "search", 0.3)])
    assert masks.free[2, 0] == 0
    assert masks.free[0, 2] == 1
    assert masks.required[0, 2] == 1
    assert masks.required[1, 2] == 1
    assert masks.fixed[1, 2] == 0.3
    assert masks.free[1, 2] == 0


def test_tiers_forbid_every_link_up_the_funnel():
    free = _masks(tiers=[("tv",), ("social", "search")]).free
    assert free[1, 0] == free[2, 0] == 0
    assert free[0, 1] == free[0, 2] == free[1, 2] == free[2, 1] == 1


@pytest.mark.parametrize(
    ("links", "message"),
    [
        ({"forbid": [("serch", "tv")]}, "did you mean 'search'"),
        ({"forbid": [("tv", "search")], "require": [("tv", "search")]}, "tv -> search is required or fixed, but"),
        ({"tiers": [("tv",), ("search",)], "require": [("search", "tv")]}, "search -> tv"),
        ({"require": [("tv", "social"), ("social", "tv")]}, "cycle"),
        ({"fix": [("tv", "social", 0.1), ("social", "search", 0.1), ("search", "tv", 0.1)]}, "cycle"),
    ],
)
def test_contradictions_and_unknown_channels_are_refused(links, message):
    with pytest.raises(dcm.ConfigError, match=message):
        _masks(**links)


def test_a_triangular_graph_refuses_a_link_against_its_order():
    with pytest.raises(dcm.ConfigError, match="triangular"):
        _masks("triangular", require=[("search", "tv")])


@pytest.mark.parametrize(
    "links",
    [
        {"forbid": "tv"},
        {"forbid": [("tv",)]},
        {"forbid": [("tv", "tv")]},
        {"fix": [("tv", "search")]},
        {"fix": [("tv", "search", "strong")]},
        {"fix": [("tv", "search", float("nan"))]},
        {"tiers": [("tv",), ("tv", "search")]},
        {"tiers": [(1, 2)]},
    ],
)
def test_links_of_another_form_are_refused(links):
    with pytest.raises(dcm.ConfigError, match="links"):
        dcm.Links(**links)


def test_links_need_a_graph():
    with pytest.raises(dcm.ConfigError, match="graph"):
        dcm.Config(graph="none", links=dcm.Links(forbid=[("a", "b")]))


def test_links_survive_toml(tmp_path):
    config = dcm.Config(links=dcm.Links(forbid=[("a", "b")], fix=[("b", "c", 0.5)], tiers=[("a",), ("b", "c")]))
    path = tmp_path / "config.toml"
    path.write_text(config.to_toml())
    assert dcm.Config.from_toml(path) == config
