import dataclasses

import networkx as nx
import numpy as np
import pytest

import deepcausalmmm_jax as dcm


@pytest.fixture(scope="module")
def linked():
    """A panel in which channel 3 drives channel 4, which drives channel 2; with its truth and a fit."""
    panel, truth = dcm.simulate(12, 104, 5, 3, seed=102)
    return panel, truth, dcm.fit(panel, dcm.Config(training=dcm.Training(max_epochs=600)), holdout=8)


def test_the_graph_ranks_true_links_first_and_in_their_direction(linked):
    _, truth, result = linked
    found = result.adjacency.to_numpy()
    true = truth.adjacency.to_numpy() > 0
    assert true.sum() == 2
    assert found[true].min() > np.abs(found[~true]).max()


def test_total_is_direct_plus_mediated_and_near_the_simulators_own_intervention(linked):
    panel, truth, result = linked
    table, links = result.effects(), nx.from_pandas_adjacency(truth.adjacency, create_using=nx.DiGraph)
    np.testing.assert_allclose(table["direct"] + table["mediated"], table["total"])
    for channel in panel.channels:
        downstream = sorted(nx.descendants(links, channel))
        assert table.loc[channel, "through"] == ", ".join(downstream)
        if downstream:
            np.testing.assert_allclose(table.loc[channel, "total"], truth.effects.loc[channel, "total"], rtol=0.25)
            np.testing.assert_allclose(table.loc[channel, "mediated"], truth.effects.loc[channel, "mediated"], rtol=0.4)


def test_without_edges_the_total_is_the_direct_effect_and_the_incremental_outcome(linked):
    panel, _, _ = linked
    config = dcm.Config(graph="none", training=dcm.Training(max_epochs=50))
    result = dcm.fit(panel, config)
    table = result.effects()
    np.testing.assert_array_equal(table["total"], table["direct"])
    np.testing.assert_allclose(table["total"], result.media_summary()["incremental_outcome"], rtol=1e-5)
    assert (table["through"] == "").all()


def test_a_panel_without_links_has_no_edge_and_no_mediated_effect():
    panel, truth = dcm.simulate(10, 104, 5, 3, seed=7, links=0)
    assert not truth.adjacency.to_numpy().any()
    np.testing.assert_allclose(truth.effects["mediated"], 0.0, atol=1e-6)
    result = dcm.fit(panel, dcm.Config(training=dcm.Training(max_epochs=400)))
    assert not result.adjacency.to_numpy().any()
    np.testing.assert_array_equal(result.effects()["mediated"], 0.0)


def test_truths_effects_follow_the_links():
    panel, truth = dcm.simulate(seed=102)
    contribution = truth.contributions.sum(("region", "time")).to_series()
    np.testing.assert_allclose(truth.effects["direct"], contribution, rtol=1e-9)
    drives = (truth.adjacency > 0).any(axis=1).to_numpy()
    assert (truth.effects["mediated"][drives] > 0).all()
    np.testing.assert_allclose(truth.effects["mediated"][~drives], 0.0, atol=1e-6)
    assert list(truth.effects.index) == list(panel.channels)


@pytest.mark.parametrize("links", [-1, 2])
def test_bad_numbers_of_links_are_refused(links):
    with pytest.raises(dcm.DataError, match="links"):
        dcm.simulate(3, 30, 1, 1, links=links)


def test_forbidden_links_are_not_learned_and_required_and_fixed_ones_are_there(linked):
    panel, _, _ = linked
    links = dcm.Links(
        forbid=[("channel_3", "channel_4"), ("channel_4", "channel_3")],
        require=[("channel_2", "channel_5")],
        fix=[("channel_5", "channel_4", 0.25)],
    )
    config = dcm.Config(links=links, training=dcm.Training(max_epochs=200))
    result = dcm.fit(panel, config)
    table = result.adjacency
    assert table.loc["channel_3", "channel_4"] == table.loc["channel_4", "channel_3"] == 0
    assert table.loc["channel_2", "channel_5"] != 0
    np.testing.assert_allclose(table.loc["channel_5", "channel_4"], 0.25, rtol=1e-5)
    # channel_4 -> channel_2 would close the cycle 2 -> 5 -> 4 -> 2, though the data ask for it.
    assert table.loc["channel_4", "channel_2"] == 0


def test_tiers_keep_links_from_running_up_the_funnel(linked):
    panel, _, _ = linked
    tiers = [["channel_2", "channel_5"], ["channel_1", "channel_4", "channel_3"]]
    config = dcm.Config(links=dcm.Links(tiers=tiers), training=dcm.Training(max_epochs=200))
    found = dcm.fit(panel, config).adjacency
    assert not found.loc[tiers[1], tiers[0]].to_numpy().any()


def test_unknown_channels_in_links_are_named(small_panel, quick):
    config = dataclasses.replace(quick, links=dcm.Links(forbid=[("channel_1", "chanel_2")]))
    with pytest.raises(dcm.ConfigError, match="did you mean 'channel_2'"):
        dcm.fit(small_panel, config)


def test_edges_survive_saving(linked, tmp_path):
    _, _, result = linked
    again = dcm.load(result.save(tmp_path / "fit"))
    np.testing.assert_array_equal(again.adjacency, result.adjacency)
    np.testing.assert_array_equal(again.effects()["total"], result.effects()["total"])
