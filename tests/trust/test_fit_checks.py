"""What the checks of a fit count as independent, and what is said of draws that are not to be trusted."""

import dataclasses

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.plots.report.findings import _of_intervals
from deepcausalmmm_jax.results.own_notes import doubt_of_draws
from deepcausalmmm_jax.trust.fit_checks import _independent, sampling_row


@pytest.mark.parametrize(
    ("counts", "regions", "independent"), [([5] * 8, 3.0, 24), ([1] * 8, 3.0, 8), ([4, 1], 4.0, 3)]
)
def test_coverage_counts_no_more_independent_values_than_regions_have_a_kpi(counts, regions, independent):
    found = _independent(np.asarray(counts), regions)
    assert found == independent
    by_week = np.minimum(counts, regions).astype(int)
    drawn = np.random.default_rng(0).random((40_000, by_week.max())) < 0.9
    means = np.mean(
        [np.random.default_rng(m).permutation(drawn)[:, :n].mean(axis=1) for m, n in enumerate(by_week)], axis=0
    )
    assert means.var() == pytest.approx(0.09 / found, rel=0.1)


def test_draws_by_laplace_that_miss_the_posterior_are_not_said_to_be_of_a_sampler(national_ensemble):
    made = dataclasses.replace(national_ensemble.replicates, method="laplace", pareto_k=1.5)
    result = dcm.Ensemble(national_ensemble.fitted, made)
    for text in (sampling_row(result).reason, doubt_of_draws(result), _of_intervals(result)):
        assert "the draws by laplace's method miss the posterior" in text.lower()
        assert "sampler" not in text.lower()
    for table in (result.notes(), result.media_summary()):  # they said nothing
        assert table["note"].str.contains("the draws by Laplace's method miss the posterior").all()
    assert _of_intervals(result).count("miss the posterior") == 1
    chains = dcm.Ensemble(national_ensemble.fitted, dataclasses.replace(made, method="nuts", r_hat=2.0))
    assert chains.notes()["note"].str.contains("the sampler has not converged").all()
    assert "The sampler has not converged: treat the ranges as rough" in _of_intervals(chains)
    trusted = dcm.Ensemble(national_ensemble.fitted, dataclasses.replace(made, pareto_k=0.2))
    assert doubt_of_draws(trusted) == ""
    assert not trusted.notes()["note"].str.contains("rough").any()
