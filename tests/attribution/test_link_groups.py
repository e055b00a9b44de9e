"""Graphs by group of regions in tables, effects and figures. One fit learns its graphs; elsewhere they are placed in a fit
that is there already, of the same shape.
"""

import dataclasses

import jax
import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.links import link_draws, link_weights
from deepcausalmmm_jax.plots.report.tables import _edges
from tests.plots.conftest import as_ensemble

GROUPS = (("north", ("region_1", "region_4")), ("south", ("region_2", "region_3")))


def with_graphs(result, edges, groups=GROUPS):
    """The result with a graph for each group, edges `[group, channel, channel]` in mean weeks."""
    variables = result.fitted.variables
    graph, fitted = variables["params"]["graph"], variables["fitted"]["graph"]
    unit, edges = np.asarray(fitted["unit"]), np.asarray(edges, np.float32)
    mix = np.stack([graph["mix"], np.full_like(graph["mix"], -1.0)])
    params = {**variables["params"], "graph": {"edge": edges * unit[:, None] / unit, "mix": mix}}
    left = {"kept": (edges != 0).astype(np.float32), "fixed": np.zeros_like(edges), "unit": unit}
    changed = {"params": params, "fitted": {**variables["fitted"], "graph": left}}
    config = result.config.replace(link_groups=groups)
    return dcm.FitResult(dataclasses.replace(result.fitted, variables=changed, config=config))


def _edges_of(*links):
    edges = np.zeros((2, 3, 3))
    for group, source, target, weight in links:
        edges[group, source, target] = weight
    return edges


EDGES = _edges_of((0, 0, 1, 0.5), (0, 1, 2, 0.4), (1, 2, 0, 0.3))


@pytest.fixture(scope="module")
def grouped(small_result):
    return with_graphs(small_result, EDGES)


@pytest.mark.slow
def test_each_group_has_the_links_of_its_own_regions(quick, tmp_path):
    panel, _ = dcm.simulate(4, 60, 3, 2, seed=5, links=0, flighted=0, confounded=0)
    exposure, mean = panel.exposure.copy(), panel.exposure.mean(axis=1)
    for region, source, target in ((0, 0, 1), (3, 0, 1), (1, 2, 0), (2, 2, 0)):
        exposure[region, :, target] += 1.5 * mean[region, target] / mean[region, source] * exposure[region, :, source]
    one_way = dcm.Links(forbid=(("channel_2", "channel_1"), ("channel_1", "channel_3")))
    config = quick.replace(link_groups=GROUPS[::-1], links=one_way)
    result = dcm.fit(dataclasses.replace(panel, exposure=exposure), config, holdout=8, progress=False)
    assert set(result.links()[["group", "source", "target"]].itertuples(index=False)) == {
        ("north", "channel_1", "channel_2"),
        ("south", "channel_3", "channel_1"),
    }
    again = dcm.load(result.save(tmp_path / "grouped.npz"))
    assert again.config.link_groups == GROUPS[::-1]
    assert again.links().equals(result.links())
    assert again.link_group_evidence().empty


def test_links_name_their_group(grouped):
    table = grouped.links()
    assert list(table.columns[:3]) == ["group", "source", "target"]
    assert table[["group", "source", "target"]].to_numpy().tolist() == [
        ["north", "channel_1", "channel_2"],
        ["north", "channel_2", "channel_3"],
        ["south", "channel_3", "channel_1"],
    ]
    np.testing.assert_allclose(table["weight"], [0.5, 0.4, 0.3], rtol=1e-5)
    assert table["weight_low"].lt(table["weight"]).all()


def test_a_graph_is_asked_for_by_group(grouped, small_result):
    assert grouped.adjacency.loc["north"].loc["channel_1", "channel_2"] == pytest.approx(0.5)
    assert set(grouped.graph("south").edges) == {("channel_3", "channel_1")}
    with pytest.raises(dcm.ConfigError, match="by group: give 'north' or 'south'"):
        grouped.graph()
    with pytest.raises(dcm.ConfigError, match="'west'.* give 'north' or 'south'"):
        grouped.graph("west")
    with pytest.raises(dcm.ConfigError, match="has no group 'north'; leave group out"):
        small_result.graph("north")
    assert grouped.link_groups.to_dict() == {
        "region_1": "north", "region_2": "south", "region_3": "south", "region_4": "north",
    }  # fmt: skip
    assert small_result.link_groups.isna().all()


def test_each_region_loses_by_the_graph_of_its_own_group(grouped, small_result):
    together = grouped.fitted_panel.effects()
    blends = grouped.fitted.variables["params"]["graph"]["mix"]
    for g, rows in enumerate(([0, 3], [1, 2])):
        alone = with_graphs(small_result, np.stack([EDGES[g]] * 2))
        alone.fitted.variables["params"]["graph"]["mix"] = np.stack([blends[g]] * 2)
        np.testing.assert_allclose(together[:, :, rows], alone.fitted_panel.effects()[:, :, rows], rtol=1e-4, atol=1e-3)


def test_an_effect_is_what_is_lost_when_exposure_is_changed_by_hand(grouped):
    """Channel 1 drives 2 and, through it, 3 in the north; in the south nothing."""
    fit, panel = grouped.fitted_panel, grouped.panel
    mean, share = fit.scales.exposure, np.asarray(panel.exposure)
    lost = np.zeros(panel.exposure.shape)
    lost[:, :, 0] = share[:, :, 0]
    for row in (0, 3):
        own = share[row, :, 0] / mean[row, 0]
        lost[row, :, 1], lost[row, :, 2] = 0.5 * own * mean[row, 1], 0.2 * own * mean[row, 2]
    changed = dataclasses.replace(panel, exposure=np.maximum(share - lost, 0.0))
    total = (grouped.predict() - grouped.predict(changed)).sum("time").to_numpy()
    np.testing.assert_allclose(fit.effects()[0, 1].sum(axis=1), total, rtol=2e-3)
    table = grouped.effects()
    assert table.loc["channel_1", "through"] == "channel_2, channel_3"
    assert table.loc["channel_3", "through"] == "channel_1"


@pytest.mark.slow
def test_draws_and_refits_have_the_groups(grouped):
    weights = link_weights(grouped.fitted_panel)
    drawn = link_draws(grouped.fitted_panel, 2000)
    assert drawn.shape == (2000, 2, 1, 3, 3)
    np.testing.assert_allclose(drawn.mean(axis=0), weights, atol=0.02)
    ensemble = as_ensemble(grouped)
    assert list(ensemble.links()["share_of_refits"]) == [1.0, 1.0, 1.0]
    assert ensemble.edge_frequency.loc["south"].loc["channel_3", "channel_1"] == 1.0
    members = len(ensemble.replicates)
    assert jax.tree.leaves(ensemble._effect_draws)[0].shape == (members, 3)


def test_a_note_says_whose_links_differ(grouped, small_result):
    notes = grouped.notes()["note"]
    assert notes.str.contains("the channels that it drives differ by group of regions").all()
    assert not with_graphs(small_result, EDGES[[0, 0]]).notes()["note"].str.contains("differ by group").any()


def test_a_network_has_a_panel_for_each_group(grouped):
    figure = dcm.plots.graph_network(grouped)
    titles = [note.text for note in figure.layout.annotations if note.text]
    assert titles[:2] == ["north: 2 regions", "south: 2 regions"]
    arrows = [note.axref for note in figure.layout.annotations if note.showarrow and not note.text]
    assert arrows == ["x", "x", "x2"]
    assert figure.data[0].meta["table"]["header"][:3] == ["group", "from", "to"]
    heat = dcm.plots.graph_heatmap(grouped).data[0]
    assert list(heat.y) == ["north: channel_1", "north: channel_2", "south: channel_3"]


def test_the_table_of_the_report_names_groups_and_regions(grouped):
    table = _edges(grouped)
    assert table.header[:3] == ["regions", "from", "to"]
    assert table.rows[0][:3] == ["north", "channel_1", "channel_2"]
    assert "north: region_1, region_4; south: region_2, region_3" in table.note
