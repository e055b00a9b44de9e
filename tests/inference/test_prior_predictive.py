"""What the priors imply in returns, on panels with weeks that have no KPI."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm


def implied(panel):
    """ROI of a share of 1% of the KPI, by channel."""
    drawn = dcm.prior_predictive(panel, draws=20)
    return pd.Series({name: (drawn["roi", name] / drawn["share", name]).median() for name in drawn["roi"]})


def test_weeks_without_a_kpi_change_no_return(small_panel):
    """Their spend earned something that nobody counts."""
    weights, kpi = small_panel.weights.copy(), small_panel.kpi.copy()
    weights[:, -20:] = kpi[:, -20:] = 0.0
    planned = dataclasses.replace(small_panel, weights=weights, kpi=kpi)
    pd.testing.assert_series_equal(implied(planned), implied(small_panel.select(weeks=slice(0, -20))))


@pytest.mark.slow
@pytest.mark.parametrize("prior", ["roi", "cpik"])
def test_a_stated_return_refers_to_what_the_exposure_cost_whenever_it_was_invoiced(small_panel, quick, prior):
    """Invoices of eight weeks in arrears: those of the held-out weeks pay for no training week, and the other way round."""
    spend = small_panel.spend.copy()
    spend[:, :, 0] = 0.005 * small_panel.exposure[:, :, 0]  # one price
    booked = np.zeros_like(spend[:, :, 0])
    for first in range(0, 60, 8):
        own = slice(first, first + 8)
        booked[:, own][:, -1] = spend[:, own, 0].sum(axis=1)
    config = dataclasses.replace(quick, priors=dcm.Priors(**{prior: {"channel_1": (2.0, 0.5)}}))
    results = []
    for paid in (spend[:, :, 0], booked):
        own = spend.copy()
        own[:, :, 0] = paid
        results.append(dcm.fit(dataclasses.replace(small_panel, spend=own), config, holdout=8, progress=False))
    plain, invoiced = (result.fitted_panel.inputs.stated_priors.share[0] for result in results)
    assert invoiced == pytest.approx(float(plain), rel=1e-3)
    for result in results:
        row = result.priors().iloc[0]
        assert row["found"] > 0


@pytest.mark.parametrize(
    ("stated", "column", "expected"),
    [
        ({"share": {"channel_1": (0.5, 0.01)}}, ("share", "channel_1"), 50.0),
        ({"total": (0.6, 0.01)}, ("share", "total"), 60.0),
        ({"roi": {"channel_2": (1.5, 0.01)}}, ("roi", "channel_2"), 1.5),
    ],
)
def test_what_is_stated_of_shares_is_a_part_of_what_priors_imply(small_panel, stated, column, expected):
    config = dcm.Config(priors=dcm.Priors(**stated))
    drawn = dcm.prior_predictive(small_panel, config, draws=400)[column]
    assert drawn.mean() == pytest.approx(expected, rel=0.01)
    assert drawn.std() == pytest.approx(0.01 * (100 if column[0] == "share" else 1), rel=0.2)


def test_under_a_log_link_a_stated_share_is_what_is_lost_without_the_channel_alone(small_panel):
    """What is shown are parts that add up, as in `media_summary`, and these are smaller."""
    stated = {"channel_1": (0.3, 0.01), "channel_2": (0.2, 0.01)}
    config = dcm.Config(link="log", priors=dcm.Priors(share=stated))
    shown = dcm.prior_predictive(small_panel, config, draws=400)["share"] / 100.0
    total = shown.pop("total")
    np.testing.assert_allclose(shown.sum(axis=1), total)
    on_log = shown.mul(-np.log1p(-total) / total, axis=0)
    for channel, (share, _) in stated.items():
        assert -np.expm1(-on_log[channel]).mean() == pytest.approx(share, abs=0.005)
        assert shown[channel].mean() < 0.9 * share


def test_a_wide_stated_prior_multiplies_the_default_one(small_panel):
    """Weighted draws of the default prior say the same."""
    config = dcm.Config(priors=dcm.Priors(share={"channel_1": (0.2, 0.1)}))
    default, stated = (dcm.prior_predictive(small_panel, own, draws=4000) for own in (None, config))
    weight = np.exp(-0.5 * ((default["share", "channel_1"] - 20.0) / 10.0) ** 2)
    for column in default["share"]:
        expected = np.average(default["share", column], weights=weight)
        assert stated["share", column].mean() == pytest.approx(expected, abs=0.6)


def test_a_stated_marginal_return_is_not_passed_over(small_panel):
    config = dcm.Config(priors=dcm.Priors(mroi={"channel_1": (1.0, 0.1)}))
    with pytest.raises(dcm.ConfigError, match=r"leave priors\.mroi out"):
        dcm.prior_predictive(small_panel, config)


@pytest.mark.parametrize(
    ("config", "message"),
    [(dcm.Config(link="auto"), "depends on the link; ask prior_predictive"), (dcm.Config.paper(), "has no priors")],
)
def test_settings_that_leave_the_priors_of_shares_open_are_refused(small_panel, config, message):
    with pytest.raises(dcm.ConfigError, match=message):
        dcm.prior_predictive(small_panel, config, draws=10)


def test_a_curve_that_is_still_to_be_chosen_says_nothing_about_shares(small_panel):
    stated = dcm.Config(priors=dcm.Priors(share=(("channel_1", 0.3, 0.02),)))
    known, still_open = (dcm.prior_predictive(small_panel, c, draws=10) for c in (stated, stated.replace(curve="auto")))
    pd.testing.assert_frame_equal(known, still_open)
