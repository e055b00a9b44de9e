"""Stated priors of effects are one prior in other units: of the share of the KPI that would give an ROI or a CPIK."""

import dataclasses

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.data.kpi_scale import counted_kpi, kpi_sizes
from deepcausalmmm_jax.data.stated_priors import stated_priors


@pytest.fixture(scope="module")
def panel():
    return dcm.simulate(2, 40, 3, 1, seed=4)[0]


def _stated(panel, **priors):
    weights = training_weights(panel, 8)
    counted = counted_kpi(panel, weights, kpi_sizes(panel.kpi, weights))
    return stated_priors(panel, weights, dcm.Priors(**priors), counted), weights, counted


def test_a_cpik_is_the_share_that_its_spend_would_buy(panel):
    found, weights, counted = _stated(panel, cpik={"channel_2": (2.5, 0.5)})
    spend = panel.spend[:, :, 1][weights > 0].sum()
    assert found.share[1] * counted[weights > 0].sum() * 2.5 == pytest.approx(spend)
    assert 1.0 / np.sqrt(found.share_precision[1]) == pytest.approx(found.share[1] * 0.5 / 2.5)
    assert found.share_precision[[0, 2]].sum() == 0.0


def test_where_no_revenue_is_known_a_cpik_is_one_over_an_roi(panel):
    without = dataclasses.replace(panel, revenue_per_kpi=None)
    cost, _, _ = _stated(without, cpik={"channel_1": (4.0, 0.4)})
    roi, _, _ = _stated(without, roi={"channel_1": (0.25, 0.025)})
    assert cost.share[0] == pytest.approx(roi.share[0])
    assert cost.share_precision[0] == pytest.approx(roi.share_precision[0])


def test_an_mroi_is_the_share_that_all_spend_would_bring_at_that_return(panel):
    found, weights, counted = _stated(panel, mroi={"channel_2": (1.5, 0.3)}, roi={"channel_2": (3.0, 0.3)})
    roi, _, _ = _stated(panel, roi={"channel_2": (1.5, 0.3)})
    np.testing.assert_allclose(found.marginal, roi.share)
    np.testing.assert_allclose(found.marginal_precision, roi.share_precision)
    assert found.share[1] == pytest.approx(2.0 * found.marginal[1])  # a channel may have both
    assert roi.marginal is None


def _worth_changes(panel, only_where_cheap):
    """Revenue per KPI of 1, and of 10 in region 2 from week 10 on; the first channel runs in one of the two alone."""
    dear = np.zeros(panel.kpi.shape, bool)
    dear[1, 10:] = True
    runs = ~dear if only_where_cheap else dear
    exposure, spend = panel.exposure.copy(), panel.spend.copy()
    exposure[~runs, 0] = spend[~runs, 0] = 0.0
    return dataclasses.replace(panel, exposure=exposure, spend=spend, revenue_per_kpi=np.where(dear, 10.0, 1.0))


@pytest.mark.parametrize(("only_where_cheap", "worth"), [(True, 1.0), (False, 10.0)])
@pytest.mark.parametrize(("prior", "as_share"), [("roi", "share"), ("mroi", "marginal")])
def test_a_return_is_earned_where_and_when_the_channel_runs(panel, only_where_cheap, worth, prior, as_share):
    """The same share of the KPI earns ten times as much in the region and weeks in which a KPI unit does."""
    changed = _worth_changes(panel, only_where_cheap)
    found, weights, counted = _stated(changed, **{prior: {"channel_1": (2.0, 0.5)}})
    share, precision = getattr(found, as_share)[0], getattr(found, f"{as_share}_precision")[0]
    earned = share * counted[weights > 0].sum() * worth
    spend = changed.spend[:, :, 0][weights > 0].sum()
    assert earned / spend == pytest.approx(2.0)
    assert share * np.sqrt(precision) == pytest.approx(2.0 / 0.5)


def test_what_priors_imply_is_earned_where_and_when_the_channel_runs(panel):
    changed = _worth_changes(panel, only_where_cheap=True)
    drawn = dcm.prior_predictive(changed, draws=20)
    kpi, spend = changed.kpi[changed.weights > 0].sum(), changed.spend[:, :, 0].sum()
    implied = drawn["share", "channel_1"] / 100.0 * kpi / spend
    np.testing.assert_allclose(drawn["roi", "channel_1"], implied, rtol=1e-6)


def test_a_total_is_carried_and_absent_where_it_is_not_stated(panel):
    found, _, _ = _stated(panel, total=(0.3, 0.1))
    assert (float(found.total), float(found.total_precision)) == pytest.approx((0.3, 100.0))
    assert _stated(panel)[0].total is None


@pytest.mark.parametrize(
    ("priors", "told"),
    [
        ({"roi": {"tv": (2.0, 0.5)}, "cpik": {"tv": (3.0, 1.0)}}, "one of share, ROI and CPIK for each channel"),
        ({"share": {"tv": (0.1, 0.05)}, "cpik": {"tv": (3.0, 1.0)}}, "one of share, ROI and CPIK for each channel"),
        ({"total": (1.2, 0.1)}, r"priors\.total"),
        ({"total": (0.2,)}, r"priors\.total must be a pair \(share of the KPI, standard deviation\)"),
        ({"total": 0.2}, r"priors\.total"),
        ({"total": ("a", "b")}, r"priors\.total"),
        ({"total": (0.2, 0.0)}, r"priors\.total"),
        ({"cpik": {"tv": (-1.0, 0.5)}}, r"priors\.cpik"),
    ],
)
def test_what_cannot_be_stated_is_refused(priors, told):
    with pytest.raises(dcm.ConfigError, match=told):
        dcm.Priors(**priors)


@pytest.mark.parametrize("prior", ["cpik", "mroi"])
def test_what_concerns_spend_needs_it(panel, prior):
    spendless = dataclasses.replace(panel, spend=None)
    with pytest.raises(dcm.ConfigError, match=rf"priors\.{prior} names the channel 'channel_1', which has no spend"):
        _stated(spendless, **{prior: {"channel_1": (2.0, 0.5)}})


def test_an_mroi_needs_effects_that_add_up():
    with pytest.raises(dcm.ConfigError, match=r"priors\.mroi cannot be used with link"):
        dcm.Config(link="log", priors=dcm.Priors(mroi={"tv": (2.0, 0.5)}))


def test_stated_effects_survive_toml():
    config = dcm.Config(priors=dcm.Priors(total=(0.3, 0.1), cpik={"tv": (2.0, 0.5)}, mroi={"tv": (1.0, 0.2)}))
    assert dcm.Config.from_dict(config.to_dict()) == config
