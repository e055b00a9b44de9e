"""What the checks of a fit count as independent."""

import numpy as np
import pytest

from deepcausalmmm_jax.trust.fit_checks import _independent


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
