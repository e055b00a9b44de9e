import dataclasses

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.forward import _driven, predictions
from deepcausalmmm_jax.attribution.links import link_draws, link_weights
from deepcausalmmm_jax.attribution.mediation import effect_draws
from tests.plots.conftest import as_ensemble

pytestmark = pytest.mark.slow

TRAINED = dcm.Config(training=dcm.Training(max_epochs=600))  # one length of training, and so one program a shape
LAGGED = TRAINED.replace(link_lags=2)


@pytest.fixture(scope="module")
def linked():
    """A panel in which channel 3 drives channel 4, which drives channel 2; with its truth and a fit."""
    panel, truth = dcm.simulate(12, 104, 5, 3, seed=102)
    return panel, truth, dcm.fit(panel, TRAINED, holdout=8)


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


def test_the_incremental_outcome_is_the_direct_effect_and_what_the_graph_blends_into_other_channels(linked):
    _, _, result = linked
    fit, outcome, direct = (
        result.fitted_panel,
        result.media_summary()["incremental_outcome"],
        result.effects()["direct"],
    )
    drives = (result.adjacency != 0).any(axis=1)
    np.testing.assert_allclose(outcome[~drives], direct[~drives], rtol=1e-5)
    for channel in outcome.index[drives]:
        exposure = np.where(np.arange(5) == result.panel.channels.index(channel), 0.0, fit.inputs.exposure)
        followed = fit.inputs._replace(exposure=jnp.asarray(exposure))
        left, blended = (
            predictions(jax.tree.map(lambda a: jnp.asarray(a)[None], fit.variables), inputs, fit.design)[0]
            for inputs in (fit.inputs, followed)
        )
        lost = np.asarray(left - blended, np.float64) * fit.scales.kpi[:, None] * fit.panel.past
        np.testing.assert_allclose(lost.sum(), outcome[channel], rtol=1e-4)
        assert outcome[channel] > direct[channel]


def test_a_panel_without_links_has_no_edge_and_no_mediated_effect():
    panel, truth = dcm.simulate(12, 104, 5, 3, seed=7, links=0)
    assert not truth.adjacency.to_numpy().any()
    np.testing.assert_allclose(truth.effects["mediated"], 0.0, atol=1e-6)
    result = dcm.fit(panel, TRAINED)
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
    result = dcm.fit(panel, TRAINED.replace(links=links))
    table = result.adjacency
    assert table.loc["channel_3", "channel_4"] == table.loc["channel_4", "channel_3"] == 0
    assert table.loc["channel_2", "channel_5"] != 0
    np.testing.assert_allclose(table.loc["channel_5", "channel_4"], 0.25, rtol=1e-5)
    # channel_4 -> channel_2 would close the cycle 2 -> 5 -> 4 -> 2, though the data ask for it.
    assert table.loc["channel_4", "channel_2"] == 0


def test_tiers_keep_links_from_running_up_the_funnel(linked):
    panel, _, _ = linked
    tiers = [["channel_2", "channel_5"], ["channel_1", "channel_4", "channel_3"]]
    found = dcm.fit(panel, TRAINED.replace(links=dcm.Links(tiers=tiers))).adjacency
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


@pytest.fixture(scope="module")
def lagged():
    """A funnel in which channel 4 drives channel 3 two weeks later, and channel 1 in the same week."""
    panel, truth = dcm.simulate(12, 104, 5, 3, seed=101, link_lags=2)
    return panel, truth, dcm.fit(panel, LAGGED, holdout=8)


def _keys(links):
    return {(link.source, link.target, link.lag) for link in links.itertuples()}


def test_links_are_found_at_their_lags_and_no_others(lagged):
    _, truth, result = lagged
    assert set(truth.links["lag"]) == {0, 2}
    assert _keys(result.links()) == _keys(truth.links)
    within = {(source, target) for source, target, lag in _keys(truth.links) if lag == 0}
    found = result.adjacency
    assert {(i, j) for i in found.index for j in found.columns if found.loc[i, j] != 0} == within


def test_effects_follow_lagged_links_to_the_simulators_own_intervention(lagged):
    panel, truth, result = lagged
    table = result.effects()
    for channel in panel.channels:
        reached = sorted(truth.links.loc[truth.links["source"] == channel, "target"])
        assert table.loc[channel, "through"] == ", ".join(reached)
        if reached:
            np.testing.assert_allclose(table.loc[channel, "total"], truth.effects.loc[channel, "total"], rtol=0.25)
            np.testing.assert_allclose(table.loc[channel, "mediated"], truth.effects.loc[channel, "mediated"], rtol=0.4)


def test_any_unit_of_exposure_gives_the_same_links_effects_and_contributions(lagged):
    panel, _, result = lagged
    factor = np.array([0.001, 1.0, 1000.0, 0.1, 1.0])  # channel 4 drives channels 1 and 3
    again = dcm.fit(dataclasses.replace(panel, exposure=panel.exposure * factor), LAGGED, holdout=8)
    assert _keys(again.links()) == _keys(result.links())
    np.testing.assert_allclose(again.links()["weight"], result.links()["weight"], rtol=1e-3)
    np.testing.assert_allclose(again.effects()["total"], result.effects()["total"], rtol=1e-3)
    np.testing.assert_allclose(again.contributions.values, result.contributions.values, rtol=1e-3, atol=1.0)


def test_an_interval_of_a_link_is_wider_the_surer_it_is_to_be(lagged):
    _, _, result = lagged
    narrow, wide = result.links(0.5), result.links(0.99)
    assert (narrow["weight_low"] > wide["weight_low"]).all()
    assert (narrow["weight_high"] < wide["weight_high"]).all()
    assert wide["weight"].between(wide["weight_low"], wide["weight_high"]).all()
    assert (wide["weight_low"] > 0).all()
    with pytest.raises(dcm.ConfigError, match="level"):
        result.links(1.0)


def test_refits_give_links_percentiles_and_their_share(lagged):
    _, _, result = lagged
    ensemble = as_ensemble(result, replicates=5)  # with slightly other weights
    table = ensemble.links()
    assert (table["share_of_refits"] == 1).all()
    assert (table["weight_high"] > table["weight_low"]).all()
    assert _keys(table) == _keys(result.links())
    assert not (ensemble.edge_frequency.to_numpy() - (result.adjacency != 0).to_numpy()).any()


def test_refits_that_all_see_one_exposure_say_nothing_about_links(lagged):
    """Blocks of weeks resample the KPI alone: the fit's own error is all that is known of a link."""
    _, _, result = lagged
    ensemble = as_ensemble(result, replicates=5)
    blocks = type(ensemble)(ensemble.fitted, dataclasses.replace(ensemble.replicates, method="block"))
    assert blocks.links(0.8).equals(result.links(0.8))
    mediated = blocks.effects().query("mediated != 0")
    assert len(mediated)
    assert (mediated["mediated_high"] - mediated["mediated_low"] > 0.01 * mediated["mediated"].abs()).all()


def test_lagged_links_survive_saving(lagged, tmp_path):
    _, _, result = lagged
    again = dcm.load(result.save(tmp_path / "fit"))
    assert again.links().equals(result.links())
    np.testing.assert_array_equal(again.effects()["total"], result.effects()["total"])


FIGURES = ("direct", "mediated", "total", "pct_mediated")


def _members(result, count):
    """The estimate itself, as often as asked."""
    return jax.tree.map(lambda array: np.stack([np.asarray(array)] * count), result.fitted.variables)


def test_a_member_that_is_the_estimate_has_its_effects(lagged):
    result = lagged[2]
    weights = np.stack([link_weights(result.fitted_panel)] * 2)
    drawn, table = effect_draws(result.fitted_panel, _members(result, 2), weights), result.effects()
    for name in FIGURES:
        np.testing.assert_allclose(drawn[name], np.stack([table[name]] * 2), rtol=1e-3, atol=1e-3)


def test_links_of_draws_vary_by_their_standard_errors_and_nothing_else_does(lagged):
    result = lagged[2]
    drawn, own = link_draws(result.fitted_panel, 4000), link_weights(result.fitted_panel)
    np.testing.assert_array_equal(drawn[:, own == 0], 0.0)
    np.testing.assert_allclose(drawn.mean(axis=0), own, atol=0.02)
    table = result.links(0.9)
    by_link = np.stack([drawn[:, lag, i, j] for lag, i, j in _positions(result, table)])
    low, high = np.quantile(by_link, [0.05, 0.95], axis=1)
    np.testing.assert_allclose(high - low, table["weight_high"] - table["weight_low"], rtol=0.15)


def _positions(result, table):
    at = result.panel.channels.index
    return [(link.lag, at(link.source), at(link.target)) for link in table.itertuples()]


def test_draws_that_agree_on_all_but_the_links_differ_in_what_is_mediated_alone(lagged):
    panel, _, result = lagged
    drawn = effect_draws(result.fitted_panel, _members(result, 8), None)
    drives = (result.effects()["through"] != "").to_numpy()
    assert drives.any()
    assert (np.ptp(drawn["direct"], axis=0) == 0).all()
    assert (np.ptp(drawn["mediated"], axis=0)[drives] > 0).all()
    np.testing.assert_array_equal(drawn["mediated"][:, ~drives], 0.0)
    assert drawn["total"].shape == (8, len(panel.channels))


def test_effects_of_an_ensemble_lie_in_their_intervals_or_say_so(lagged):
    ensemble = as_ensemble(lagged[2], replicates=5)
    table, plain = ensemble.effects(0.8), lagged[2].effects()
    for name in FIGURES:
        np.testing.assert_array_equal(table[name], plain[name])
        inside = table[name].between(table[f"{name}_low"] - 1.0, table[f"{name}_high"] + 1.0)
        assert (inside | table["note"].str.contains("outside the range of its refits")).all()
    assert (table["through"] == plain["through"]).all()
    narrow, wide = (ensemble.effects(level) for level in (0.5, 0.8))
    assert ((wide["total_high"] - wide["total_low"]) >= (narrow["total_high"] - narrow["total_low"])).all()
    with pytest.raises(dcm.ConfigError, match="level"):
        ensemble.effects(1.0)


def test_arrows_of_lagged_links_say_their_lag(lagged):
    texts = [note.text for note in dcm.plots.graph_network(lagged[2]).layout.annotations if note.text]
    assert texts == ["lag 2"]
    heatmap = dcm.plots.graph_heatmap(lagged[2]).data[0]
    assert "lag 2" in str(heatmap.customdata)


def test_forbidden_required_and_fixed_links_hold_at_their_lags(lagged):
    panel, _, _ = lagged
    links = dcm.Links(
        forbid=[("channel_4", "channel_3", 2)],
        require=[("channel_2", "channel_5", 1)],
        fix=[("channel_5", "channel_2", 0.25, 1)],
    )
    found = dcm.fit(panel, LAGGED.replace(links=links)).links().set_index(["source", "target", "lag"])
    assert ("channel_4", "channel_3", 2) not in found.index
    assert found.loc[("channel_2", "channel_5", 1), "weight"] != 0
    fixed = found.loc[("channel_5", "channel_2", 1)]
    np.testing.assert_allclose(fixed["weight"], 0.25, rtol=1e-5)
    assert np.isnan(fixed["weight_low"])


@dataclasses.dataclass
class _Edges:
    """The part of the model's internals that is read here."""

    relative_edges: np.ndarray
    relative_lagged_edges: np.ndarray


@pytest.mark.parametrize("lags", [0, 1, 3])
@pytest.mark.parametrize("channel", [0, 2])
def test_what_a_channel_drives_is_the_difference_that_it_makes_week_by_week(lags, channel):
    rng = np.random.default_rng(lags)
    within = np.triu(rng.uniform(0, 0.6, (4, 4)), 1)
    lagged = rng.uniform(-0.3, 0.3, (lags, 4, 4))  # with cycles
    own = rng.uniform(0.5, 1.5, (3, 20, 4))

    def exposure(held):
        """By the equations, with a channel's exposure as it is, or held at zero."""
        x = np.zeros((3, 20, 4))
        for t in range(20):
            x[:, t] = own[:, t] + sum(
                (x[:, t - lag - 1] @ lagged[lag] for lag in range(min(lags, t))), np.zeros((3, 4))
            )
            for j in range(4):  # in the order of the graph
                x[:, t, j] = 0.0 if j == held else x[:, t, j] + x[:, t] @ np.where(np.arange(4) < j, within[:, j], 0.0)
        return x

    edges = _Edges(jnp.asarray(within), jnp.asarray(lagged))
    whole = exposure(None)
    found = _driven(jnp.asarray(whole[:, :, channel]), jnp.asarray(channel), edges)
    np.testing.assert_allclose(found, whole - exposure(channel), atol=1e-4)


def test_the_simulators_lags_change_no_pair_hardly_a_weight_and_no_panel_without_them():
    plain, same = dcm.simulate(seed=105), dcm.simulate(seed=105, link_lags=0)
    np.testing.assert_array_equal(plain[0].kpi, same[0].kpi)
    assert (plain[1].links["lag"] == 0).all()
    late = dcm.simulate(seed=105, link_lags=3)[1]
    by_pair = ["source", "target"]
    ours, theirs = (truth.links.sort_values(by_pair)[[*by_pair, "weight"]] for truth in (plain[1], late))
    assert ours[by_pair].to_numpy().tolist() == theirs[by_pair].to_numpy().tolist()
    np.testing.assert_allclose(ours["weight"], theirs["weight"], rtol=0.02)  # mean weeks are a little other
    assert late.links["lag"].max() > 0


@pytest.mark.parametrize("lags", [-1, 30, 1.5, True])
def test_impossible_lags_of_simulated_links_are_refused(lags):
    with pytest.raises(dcm.DataError, match=r"link_lags must be a whole number of weeks from 0 to below n_weeks=30"):
        dcm.simulate(3, 30, 3, 1, link_lags=lags)
    with pytest.raises(dcm.DataError, match="only for the kind 'hill'"):
        dcm.simulate(3, 30, 3, 1, kind="power", link_lags=2)
