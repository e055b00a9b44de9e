import numpy as np
import pytest

import deepcausalmmm_jax as dcm


def test_components_with_noise_make_the_kpi():
    panel, truth = dcm.simulate(5, 60, 4, 2, seed=3, noise=0.0)
    np.testing.assert_allclose(truth.components.sum("component").values, panel.kpi, rtol=1e-10)
    assert list(truth.components["component"].values[:3]) == ["baseline", "trend", "seasonality"]


@pytest.mark.parametrize("role", ["national", "late", "placebo", "confounded", "flighted"])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_as_many_channels_have_a_role_as_asked_for(role, count):
    _, truth = dcm.simulate(3, 60, 4, 2, seed=1, **{role: count})
    assert truth.parameters[role].sum() == count


def test_placebo_channels_add_nothing_and_media_keep_their_total():
    _, truth = dcm.simulate(20, 100, 5, 2, seed=2, placebo=2)
    share = truth.parameters["share"]
    assert (share[truth.parameters["placebo"]] == 0).all()
    assert 0.2 < share.sum() < 0.3


def test_late_channels_are_silent_at_first_and_national_ones_the_same_everywhere():
    panel, truth = dcm.simulate(6, 80, 6, 2, seed=4, late=1, national=1, links=0)
    late = truth.parameters["late"].to_numpy().argmax()
    assert not panel.exposure[:, :40, late].any()
    assert panel.exposure[:, 40:, late].any()
    national = truth.parameters["national"].to_numpy().argmax()
    relative = panel.exposure[:, :, national] / panel.exposure[:, :, national].mean(axis=1, keepdims=True)
    np.testing.assert_allclose(relative, np.broadcast_to(relative[0], relative.shape), rtol=0.02, atol=0.01)


def test_missing_weeks_have_no_weight_and_outliers_stand_out():
    panel, truth = dcm.simulate(20, 100, 3, 2, seed=5, missing=0.1, outliers=0.02)
    assert 0.08 < 1 - panel.weights.mean() < 0.12
    error = (panel.kpi - truth.components.sum("component").values) / panel.kpi.mean(axis=1, keepdims=True)
    far = np.abs(error[panel.weights > 0]) > 4 * truth.noise
    assert 0.01 < far.mean() < 0.03


def test_difficulties_leave_the_rest_of_the_panel_as_it_was():
    easy, _ = dcm.simulate(4, 50, 3, 2, seed=6)
    gappy, _ = dcm.simulate(4, 50, 3, 2, seed=6, missing=0.1)
    np.testing.assert_array_equal(easy.exposure, gappy.exposure)
    seen = gappy.weights > 0
    np.testing.assert_array_equal(easy.kpi[seen], gappy.kpi[seen])


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ({"placebo": 3}, "leaves no channel with an effect"),
        ({"late": 4}, "late must be a whole number from 0 to n_channels=3"),
        ({"missing": 0.9}, "missing must be from 0 to 0.5"),
        ({"outliers": -0.1}, "outliers must be"),
        ({"links": ((0, 1),)}, "links must be a whole number, 0 or more, got"),
        ({"n_regions": 2.0}, "n_regions must be a whole number, 1 or more, got 2.0"),
        ({"noise": "small"}, "noise must be a number, got 'small'"),
        ({"national": None}, "national must be a whole number from 0 to n_channels=3, got None"),
        ({"start": "first of May"}, "start must be a day such as '2022-01-03', got 'first of May'"),
        ({"cadence": "quarterly", "n_weeks": 20}, "20 weeks contain no whole quarter; simulate more weeks"),
        ({"adstock": 3}, "adstock must be a kind, or one for each channel, got 3"),
    ],
)
def test_impossible_requests_are_refused(bad, sentence):
    with pytest.raises(dcm.DataError, match=sentence):
        dcm.simulate(**{"n_regions": 3, "n_weeks": 40, "n_channels": 3, "n_controls": 1} | bad)


@pytest.mark.parametrize("seed", [100, 104, 113])
def test_links_are_what_a_mean_week_of_the_source_adds_to_the_target_in_its_mean_weeks(seed):
    """As in `FitResult.links`, and so as a regression of the exposure in mean weeks shows them."""
    panel, truth = dcm.simulate(30, 400, 5, 0, seed=seed, flighted=0)
    exposure = panel.exposure / panel.exposure.mean(axis=1, keepdims=True)
    varying = exposure - exposure.mean(axis=0)  # all regions follow the same national budgets
    for target, links in truth.links.groupby("target"):
        sources = [panel.channels.index(name) for name in links["source"]]
        own = varying[..., panel.channels.index(target)].ravel()
        found = np.linalg.lstsq(varying[..., sources].reshape(-1, len(sources)), own)[0]
        np.testing.assert_allclose(found, links["weight"], rtol=0.15)
        assert truth.adjacency.to_numpy().sum() == pytest.approx(truth.links["weight"].sum())


def test_groups_of_regions_have_links_of_their_own():
    one, plain = dcm.simulate(9, 40, 4, 1, seed=3)
    panel, truth = dcm.simulate(9, 40, 4, 1, seed=3, link_groups=2)
    assert sorted(truth.link_groups.value_counts()) == [4, 5]
    first = (truth.link_groups == "1").to_numpy()
    np.testing.assert_array_equal(panel.exposure[first], one.exposure[first])
    assert (panel.exposure[~first] != one.exposure[~first]).any()
    by_group = {name: own.drop(columns="group") for name, own in truth.links.groupby("group")}
    same = by_group["1"].reset_index(drop=True)
    assert same.drop(columns="weight").equals(plain.links.drop(columns="weight"))
    np.testing.assert_allclose(same["weight"], plain.links["weight"], rtol=0.1)  # mean weeks are those of a group
    pairs = {name: set(own[["source", "target"]].itertuples(index=False)) for name, own in by_group.items()}
    assert pairs["1"] != pairs["2"]
    np.testing.assert_allclose(truth.adjacency.loc["1"], plain.adjacency, rtol=0.1)
    assert plain.link_groups.isna().all()
    assert truth.effects["total"].sum() > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"link_groups": 0}, "link_groups must be a whole number of groups from 1 to n_regions=4, got 0"),
        ({"link_groups": 5}, "from 1 to n_regions=4, got 5"),
        ({"link_groups": True}, "from 1 to n_regions=4, got True"),
        ({"link_groups": 2, "links": 0}, "link_groups=2 needs links that differ, but links is 0; ask for one or more"),
        ({"link_groups": 3, "n_channels": 2, "links": 1}, "needs graphs that differ, but 2 channels with links=1"),
        ({"link_groups": 2, "kind": "power"}, "link_groups=2 is only for the kind 'hill'"),
    ],
)
def test_groups_that_cannot_be_simulated_are_refused(options, message):
    with pytest.raises(dcm.DataError, match=message):
        dcm.simulate(**{"n_regions": 4, "n_weeks": 30, "n_channels": 3, "n_controls": 1} | options)
