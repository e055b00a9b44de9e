"""Something else than a result is answered with the way to one."""

import pytest

import deepcausalmmm_jax as dcm

ALONE = ("optimize_budget", "response_curves", "bootstrap", "sample_posterior", "refute", "health",
         "unmeasured_confounding", "plan_experiments", "prior_sensitivity")  # fmt: skip


@pytest.mark.parametrize("function", ALONE)
def test_a_panel_in_place_of_a_result_is_told_to_be_fitted(function, small_panel):
    with pytest.raises(dcm.ConfigError) as refused:
        getattr(dcm, function)(small_panel)
    assert str(refused.value) == (
        f"{function} needs the result of a fit, got Panel; fit it first, dcm.{function}(dcm.fit(panel))."
    )


def test_a_path_a_list_and_anything_else_are_answered_too(small_result):
    for given, words in (
        ("run", r"got str; open it first, dcm.scenario\(dcm.load\('run'\)\)"),
        ([small_result], r"got list; give one of its results, dcm.scenario\(results\[0\]\)"),
        (3, "got int; that is what dcm.fit returns"),
    ):
        with pytest.raises(dcm.ConfigError, match=words):
            dcm.scenario(given, dcm.Change("channel_1", 1.2))


@pytest.mark.parametrize("function", ["plan_experiments", "prior_sensitivity"])
def test_a_fit_without_draws_is_told_where_they_come_from(function, small_result):
    with pytest.raises(dcm.ConfigError, match="needs draws.*(bootstrap|sample_posterior)"):
        getattr(dcm, function)(small_result)
