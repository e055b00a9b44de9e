"""Groups of regions are found by the evidence of exposure, or stated; each has a graph of its own."""

import dataclasses

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.inference import link_group_choice
from deepcausalmmm_jax.inference.link_group_choice import _stated, with_link_groups

LEARN = dcm.Config(link_groups="learn")


@pytest.fixture(scope="module")
def two_groups():
    return dcm.simulate(16, 80, 4, 1, seed=902, link_groups=2)


def _found(panel, config=LEARN):
    return with_link_groups(panel, training_weights(panel, 8), config)


def _partition(config):
    return {frozenset(regions) for _, regions in config.link_groups}


@pytest.mark.slow
def test_regions_with_different_links_are_found_to_be_groups(two_groups):
    panel, truth = two_groups
    config, evidence = _found(panel)
    groups = truth.link_groups.groupby(truth.link_groups).groups.values()
    assert _partition(config) == {frozenset(regions) for regions in groups}
    assert [name for name, _ in config.link_groups] == ["1", "2"]
    assert evidence.numbers[int(np.argmin(evidence.criterion))] == 2


@pytest.mark.slow
def test_neither_the_kpi_nor_weeks_held_out_have_a_say(two_groups):
    panel, _ = two_groups
    rng = np.random.default_rng(0)
    exposure = panel.exposure.copy()
    exposure[:, -8:] = rng.permuted(exposure[:, -8:], axis=0)
    other = dataclasses.replace(panel, exposure=exposure, kpi=rng.permuted(panel.kpi, axis=1))
    (config, evidence), (again, same) = _found(panel), _found(other)
    assert again == config
    np.testing.assert_array_equal(same.criterion, evidence.criterion)


@pytest.mark.slow
@pytest.mark.parametrize("links", [None, 0])
def test_where_one_graph_has_most_evidence_the_settings_are_those_of_one(links):
    panel, _ = dcm.simulate(16, 80, 4, 1, seed=3001, links=links)
    config, evidence = _found(panel)
    assert config == dcm.Config(link_groups="one")
    assert evidence.numbers[0] == 1


def test_channels_with_the_same_exposure_everywhere_take_no_part():
    panel, _ = dcm.simulate(8, 60, 2, 1, seed=1, national=2, flighted=0, confounded=0)
    config, evidence = _found(panel)
    assert config.link_groups == "one"
    assert evidence.numbers == (1,)


@pytest.mark.parametrize(
    "links",
    [
        dcm.Links(require=(("channel_3", "channel_2"),)),  # of which the exposure leaves the direction open
        dcm.Links(fix=(("channel_4", "channel_1", 0.0),)),  # which leaves the reverse, a true link, its place
    ],
)
def test_groups_are_found_with_the_links_that_are_stated(two_groups, monkeypatch, links):
    seen = []
    monkeypatch.setattr(link_group_choice, "_stated", lambda *found: seen.append(found[0]) or _stated(*found))
    _found(two_groups[0], LEARN.replace(links=links))
    edges = np.stack([graph.weights != 0 for graph in seen[0].graphs.values()])  # [group, channel, channel]
    assert edges[:, 2, 1].all() == bool(links.require)
    assert not (edges & edges.swapaxes(1, 2)).any()
    assert not edges[:, 3, 0].any()
    assert edges[:, 0, 3].any()


def test_settings_without_a_question_stay(small_panel):
    assert _found(small_panel, dcm.Config()) == (dcm.Config(), None)
    alone = dcm.simulate(2, 40, 1, 0, seed=1)[0]
    assert _found(alone) == (dcm.Config(), None)


def test_few_regions_or_weeks_are_refused_in_one_sentence(small_panel, two_groups):
    with pytest.raises(
        dcm.ConfigError, match=r"needs 8 regions or more, and the panel has 4; state the groups, or set"
    ):
        _found(small_panel)
    panel = two_groups[0]
    weights = panel.weights.copy()
    weights[3, 5:] = 0.0
    short = dataclasses.replace(panel, weights=weights)
    with pytest.raises(
        dcm.ConfigError,
        match=r"needs 7 training weeks right after another in every region, and the region 'region_04' has 4; drop it",
    ):
        _found(short)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (
            (("a", ("region_1", "region_2")), ("b", ("region_3", "regoin_4"))),
            "'regoin_4', which .* did you mean 'region_4'",
        ),
        ((("a", ("region_1", "region_2")), ("b", ("region_3",))), "no group for the region 'region_4'; name it in one"),
    ],
)
def test_stated_groups_that_do_not_fit_the_panel_are_refused(small_panel, groups, message):
    with pytest.raises(dcm.ConfigError, match=message):
        dcm.fit(small_panel, dcm.Config(link_groups=groups))


def test_other_ways_to_fit_take_groups_that_were_found(small_panel):
    with pytest.raises(dcm.ConfigError, match='link_groups is "learn", which only dcm.fit resolves'):
        dcm.cross_validate(small_panel, [LEARN], horizon=8, folds=2)
