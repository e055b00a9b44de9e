"""What a result shows first: short tables with a total, figures by name, and its page in a notebook."""

import dataclasses

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.trust.estimate_checks import total_roi


def test_the_summary_is_media_summary_in_short_with_a_total(small_ensemble):
    short, long = small_ensemble.summary(), small_ensemble.media_summary()
    assert list(short.columns) == ["spend", "revenue", "roi", "roi_low", "roi_high", "pct_of_contribution"]
    assert short.index[-1] == "all media"
    channels = short.iloc[:-1]
    assert list(channels["revenue"]) == sorted(channels["revenue"], reverse=True)
    for column in ("spend", "roi", "roi_low", "roi_high", "pct_of_contribution"):
        np.testing.assert_allclose(channels[column], long.loc[channels.index, column])
    total = short.iloc[-1]
    assert total["spend"] == pytest.approx(long["spend"].sum())
    assert total["revenue"] == pytest.approx(channels["revenue"].sum())
    assert total["pct_of_contribution"] == pytest.approx(long["pct_of_contribution"].sum())
    np.testing.assert_allclose(total[["roi", "roi_low", "roi_high"]], total_roi(small_ensemble))


def test_a_fit_without_draws_has_no_interval(small_result):
    assert list(small_result.summary().columns) == ["spend", "revenue", "roi", "pct_of_contribution"]


@pytest.mark.parametrize(("left_out", "earned"), [("revenue_per_kpi", "incremental_outcome"), ("spend", "revenue")])
def test_without_spend_or_revenue_the_summary_has_what_is_known(small_ensemble, left_out, earned):
    fitted = small_ensemble.fitted
    panel = dataclasses.replace(fitted.panel, **{left_out: None})
    bare = dcm.Ensemble(dataclasses.replace(fitted, panel=panel), small_ensemble.replicates)
    table = bare.summary()
    if left_out == "spend":
        assert list(table.columns)[:2] == ["exposure", "incremental_outcome"]
        assert table["incremental_outcome_low"].notna().all()
    else:
        assert list(table.columns)[:3] == ["spend", earned, "roi"]


def test_a_level_out_of_range_is_refused(small_ensemble):
    with pytest.raises(dcm.ConfigError, match="level must be between 0 and 1"):
        small_ensemble.summary(level=90)


def test_a_notebook_shows_channels_accuracy_and_how_training_ended(small_ensemble):
    html = small_ensemble._repr_html_()
    for text in ("all media", "rmse_naive", "4 regions x 60 weeks", small_ensemble.status.sentence.split(";")[0]):
        assert text in html
    assert "e+0" not in html


def test_figures_are_drawn_by_name(small_result):
    assert "ROI" in small_result.plot().layout.title.text
    assert len(small_result.plot("contribution_total", top=2).data[0].y) <= 4
    assert small_result.plot("panel_kpi").layout.title.text == dcm.plots.panel_kpi(small_result.panel).layout.title.text


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("contribution_totals", "There is no figure 'contribution_totals'; did you mean 'contribution_total'?"),
        ("zzz", "There is no figure 'zzz'; there are training_progress, "),
        ("cross_validation", "The figure cross_validation is not drawn from a fit alone; call dcm.plots."),
    ],
)
def test_a_figure_that_is_not_there_is_answered_with_its_name(small_result, name, sentence):
    with pytest.raises(dcm.ConfigError) as refused:
        small_result.plot(name)
    assert sentence in str(refused.value)
