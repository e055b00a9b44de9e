import dataclasses

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.graph_constraints import graph_constraints

CHANNELS = ("tv", "social", "search")


def _masks(graph="notears", lags=0, **links):
    return graph_constraints(CHANNELS, dcm.Config(graph=graph, link_lags=lags, links=dcm.Links(**links)))


def test_without_links_every_pair_is_free():
    masks = _masks()
    np.testing.assert_array_equal(masks.free, [1 - np.eye(3)])
    assert not masks.required.any()
    assert not masks.fixed.any()


def test_forbidden_required_and_fixed_links_land_where_they_should():
    masks = _masks(forbid=[("search", "tv")], require=[("tv", "search")], fix=[("social", "search", 0.3)])
    assert masks.free[0, 2, 0] == 0
    assert masks.free[0, 0, 2] == 1
    assert masks.required[0, 0, 2] == 1
    assert masks.required[0, 1, 2] == 1
    assert masks.fixed[0, 1, 2] == 0.3
    assert masks.free[0, 1, 2] == 0


def test_forbidden_pairs_are_forbidden_at_every_lag_and_others_at_the_lag_that_is_named():
    free = _masks(lags=2, forbid=[("search", "tv"), ("tv", "social", 1)]).free
    assert free.shape == (3, 3, 3)
    assert not free[:, 2, 0].any()
    np.testing.assert_array_equal(free[:, 0, 1], [1, 0, 1])
    assert not np.diagonal(free, axis1=1, axis2=2).any()  # a channel's own persistence is no link


def test_required_and_fixed_links_are_within_the_week_unless_a_lag_is_named():
    masks = _masks(lags=2, require=[("tv", "search"), ("tv", "social", 2)], fix=[("social", "search", 0.3, 1)])
    np.testing.assert_array_equal(masks.required[:, 0, 2], [1, 0, 0])
    np.testing.assert_array_equal(masks.required[:, 0, 1], [0, 0, 1])
    np.testing.assert_array_equal(masks.fixed[:, 1, 2], [0, 0.3, 0])
    np.testing.assert_array_equal(masks.free[:, 1, 2], [1, 0, 1])


def test_links_with_a_lag_may_form_a_cycle():
    required = _masks(lags=1, require=[("tv", "search"), ("search", "tv", 1)]).required
    assert required[0, 0, 2] == required[1, 2, 0] == 1


@pytest.mark.parametrize("constraint", [{"tiers": [("tv",), ("search",)]}, {"graph": "triangular"}])
def test_tiers_and_the_order_of_a_triangular_graph_hold_at_every_lag(constraint):
    assert not _masks(lags=3, **constraint).free[:, 2, 0].any()
    with pytest.raises(dcm.ConfigError, match="search -> tv at lag 2 is required or fixed, but forbidden"):
        _masks(lags=3, require=[("search", "tv", 2)], **constraint)


def test_tiers_forbid_every_link_up_the_funnel():
    free = _masks(tiers=[("tv",), ("social", "search")]).free[0]
    assert free[1, 0] == free[2, 0] == 0
    assert free[0, 1] == free[0, 2] == free[1, 2] == free[2, 1] == 1


@pytest.mark.parametrize(
    ("links", "message"),
    [
        ({"forbid": [("serch", "tv")]}, "did you mean 'search'"),
        ({"forbid": [("tv", "search")], "require": [("tv", "search")]}, "tv -> search is required or fixed, but"),
        ({"tiers": [("tv",), ("search",)], "require": [("search", "tv")]}, "search -> tv"),
        ({"require": [("tv", "social"), ("social", "tv")]}, "cycle"),
        ({"fix": [("tv", "social", 0.1), ("tv", "social", 0.2)]}, "tv -> social is fixed twice"),
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
        {"fix": [("tv", "search", 0.3, 1.5)]},
        {"forbid": [("tv", "search", -1)]},
        {"require": [("tv", "search", "soon")]},
        {"require": [("tv", "search", 1, 2)]},
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


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"link_lags": -1}, "link_lags must be a whole number of weeks from 0 to 8, got -1"),
        ({"link_lags": 9}, "from 0 to 8, got 9"),
        ({"link_lags": 1.5}, "link_lags must be a whole number"),
        ({"link_lags": True}, "link_lags must be a whole number"),
        ({"link_lags": 1, "graph": "none"}, "link_lags needs a channel graph"),
        ({"link_lags": 1, "links": dcm.Links(forbid=[("tv", "search", 2)])}, "a lag of 2, but link_lags is 1"),
        ({"link_lags": 1, "model": "paper", "graph": "notears"}, "the paper's model has no lagged links"),
    ],
)
def test_impossible_lags_are_refused(settings, message):
    with pytest.raises(dcm.ConfigError, match=message):
        dcm.Config(**settings)


def test_more_lags_than_training_weeks_in_a_row_are_refused():
    panel, _ = dcm.simulate(3, 40, 3, 1, seed=0)
    weights = np.where(np.arange(40) % 5 == 0, 0.0, panel.weights)  # a KPI in four weeks of five
    panel = dataclasses.replace(panel, weights=weights)
    with pytest.raises(dcm.ConfigError, match=r"link_lags=3 needs 5 training weeks in a row .* longest run is 4"):
        dcm.fit(panel, dcm.Config(link_lags=3), holdout=8)


def test_links_survive_toml(tmp_path):
    links = dcm.Links(
        forbid=[("a", "b")],
        require=[("a", "c", 2)],
        fix=[("b", "c", 0.5), ("a", "c", 0.2, 1)],
        tiers=[("a",), ("b", "c")],
    )
    config = dcm.Config(link_lags=2, links=links)
    path = tmp_path / "config.toml"
    path.write_text(config.to_toml())
    assert dcm.Config.from_toml(path) == config
