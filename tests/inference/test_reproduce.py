"""What counts as the same where a run is made again: to the tolerance, and of draws on another machine to chance."""

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.inference import reproduce as module
from deepcausalmmm_jax.inference.reproduce import Reproduction, _by_chance, reproduce

ELSEWHERE = pd.DataFrame({"saved": ["Linux x86"], "again": ["Linux arm"]}, index=["platform"], dtype=object)


def made(difference, by_chance, versions=None):
    shares = pd.DataFrame(
        {"saved": [10.0, 5.0], "again": [10.0 + difference, 5.0], "difference": [difference, 0.0]},
        index=["tv", "radio"],
    )
    return Reproduction(shares.assign(by_chance=by_chance), 0.001, ELSEWHERE if versions is None else versions, 0.1)


@pytest.mark.parametrize(
    ("difference", "by_chance", "elsewhere", "said"),
    [
        (0.05, 0.0, True, "Reproduced to within 0.1 percentage points."),
        (0.13, 0.06, True, "Reproduced to within chance:"),
        (0.13, 0.06, False, "Not reproduced: 1 of 2 shares differ by more than 0.1 percentage points."),
        (0.13, 0.0, True, "Not reproduced: 1 of 2 shares differ by more than 0.1 percentage points."),
        (
            0.20,
            0.06,
            True,
            "Not reproduced: 1 of 2 shares differ by more than 0.1 percentage points and by more than chance.",
        ),
    ],
)
def test_draws_need_agree_only_to_chance_where_the_machine_differs(difference, by_chance, elsewhere, said):
    found = made(difference, by_chance, None if elsewhere else ELSEWHERE.iloc[:0])
    assert found.summary().startswith(said)
    assert found.same == said.startswith("Reproduced")
    assert f"{difference:.2g} percentage points, for tv" in found.summary()


def test_chance_is_that_of_two_means_of_draws_and_a_fit_without_draws_has_none(national_ensemble, small_result):
    drawn = national_ensemble.draws()
    variance = 2.0 * drawn.var(ddof=1) / len(drawn)
    np.testing.assert_allclose(_by_chance(national_ensemble) ** 2, variance, rtol=1e-9)
    assert (_by_chance(small_result) == 0.0).all()


@pytest.mark.slow
def test_the_fit_of_a_bootstrap_is_compared_with_what_training_leaves_and_not_with_a_mean_of_draws(
    national_ensemble, trained, monkeypatch
):
    """It was compared with the mean of new draws, and said not to be reproduced."""
    monkeypatch.setattr(module, "fit", lambda *arguments, **named: national_ensemble)
    refits = dcm.bootstrap(national_ensemble, 2, checks=0, progress=False)
    found = reproduce(refits, progress=False)
    assert found.same
    assert (found.shares["difference"] == 0.0).all()
    trained_share, drawn_share = (r.media_summary()["pct_of_contribution"] for r in (trained, national_ensemble))
    assert not np.allclose(trained_share, drawn_share)
