"""Matched regions and the error of a measurement, on the panel's history alone."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm, t

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.planning.experiments.designs import Design, asked_sets, chosen_sets, design_of, history_of


def panel_of(kpi):
    """A panel that has a KPI and little else."""
    table = pd.DataFrame(
        [(f"r{r}", week, value, 1.0) for r, row in enumerate(kpi) for week, value in enumerate(row)],
        columns=["region", "week", "kpi", "tv"],
    )
    return dcm.Panel.from_dataframe(table, region="region", time="week", kpi="kpi", media=["tv"])


def history(kpi):
    return history_of(panel_of(kpi), np.zeros(np.shape(kpi)))


@pytest.fixture(scope="module")
def common():
    """Six regions that share a walk; region 0 is twice region 1 and half of region 2, apart from little noise."""
    rng = np.random.default_rng(1)
    walk = 100 + np.cumsum(rng.normal(size=104))
    own = 100 + np.cumsum(rng.normal(size=(6, 104)), axis=1)
    own[0] = 2 * walk
    own[1] = walk + 0.1 * rng.normal(size=104)
    own[2] = 4 * walk + 0.1 * rng.normal(size=104)
    return own


def test_a_region_is_matched_by_those_that_move_with_it(common):
    design = design_of(history(common), np.array([0]))
    worth = design.weights * common[design.controls].mean(axis=1)
    alike = np.isin(design.controls, [1, 2])
    assert (design.weights >= 0).all()
    assert worth[alike].sum() > 0.99 * worth.sum()
    assert design.r2 > 0.999
    assert design.rmse_pct < 0.1


def test_the_match_is_what_the_weights_say(common):
    design = design_of(history(common), np.array([0, 3]))
    np.testing.assert_allclose(design.matched, design.weights @ common[design.controls])
    np.testing.assert_allclose(design.observed, common[[0, 3]].sum(axis=0))


@pytest.mark.parametrize("window", [1, 6])
def test_errors_of_independent_weeks_add_up_as_roots(window):
    """Many regions of pure noise: the summed error grows with the root of the window."""
    rng = np.random.default_rng(2)
    kpi = 100 + rng.normal(size=(9, 400))
    design = design_of(history(kpi), np.array([0]))
    expected = np.sqrt(window * (1 + ((design.weights) ** 2).sum()))
    assert design.standard_error(window, 0.9)[0] == pytest.approx(expected, rel=0.2)


def test_autocorrelated_errors_add_up_faster():
    rng = np.random.default_rng(3)
    noise = rng.normal(size=(9, 400))
    slow = np.zeros_like(noise)
    for week in range(1, 400):
        slow[:, week] = 0.8 * slow[:, week - 1] + 0.6 * noise[:, week]  # the same variance
    errors = [design_of(history(100 + part), np.array([0])).standard_error(8, 0.9)[0] for part in (noise, slow)]
    assert errors[1] > 1.8 * errors[0]


def test_stated_errors_hold_in_weeks_that_were_not_seen():
    inside = []
    for seed in range(40):
        panel, _ = dcm.simulate(12, 104, 3, 2, seed=seed)
        past = panel.select(weeks=slice(0, 95))
        known = history_of(past, np.zeros(past.kpi.shape))
        design = design_of(known, chosen_sets(known, seed)[0])
        kpi = panel.kpi[:, 95:].sum(axis=1)
        error = kpi[design.regions].sum() - design.weights @ kpi[design.controls]
        inside.append(abs(error) <= norm.ppf(0.95) * design.standard_error(9, 0.9)[0])
    assert 0.75 <= np.mean(inside) <= 1.0


def test_few_placebo_windows_make_the_error_larger(common):
    design = design_of(history(common), np.array([3]))
    error, windows = design.standard_error(12, 0.9)
    sums = design.errors[:, :12].sum(axis=1)
    assert windows == np.isfinite(sums).sum() == 104 - 52 - 11
    assert error > np.sqrt(np.nanmean(sums**2))


def test_regions_are_chosen_without_the_weeks_that_judge_them(common):
    other = common.copy()
    other[:, 60:] = other[::-1, 60:]
    chosen = [chosen_sets(history(kpi), seed=0) for kpi in (common, other)]
    # means differ, so only the order of the first half's fit may not depend on the second half
    assert {len(rows) for rows in chosen[0]} == {len(rows) for rows in chosen[1]} == {2, 3}


def test_a_missing_week_of_a_control_is_filled_and_of_a_test_region_left_out(common):
    panel = panel_of(common)
    weights = panel.weights.copy()
    weights[0, 10], weights[3, 20] = 0.0, 0.0
    gaps = dataclasses.replace(panel, weights=weights)
    prediction = np.full(common.shape, 123.0)
    known = history_of(gaps, prediction)
    assert known.kpi[3, 20] * known.mean[3] == pytest.approx(123.0)
    assert known.filled == pytest.approx(2 / common.size)
    assert 10 not in design_of(known, np.array([0])).weeks
    assert 20 in design_of(known, np.array([0])).weeks


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ([["r1", "nowhere"]], "names 'nowhere', which the panel does not have"),
        ([[]], "has a set without a region"),
        ([], "regions is empty"),
        ([[f"r{i}" for i in range(6)]], "tests every region, which leaves none"),
    ],
)
def test_sets_that_cannot_be_tested_are_refused(common, asked, message):
    panel = panel_of(common)
    with pytest.raises(dcm.ConfigError, match=message):
        asked_sets(panel, history(common), asked)


@pytest.mark.parametrize(
    ("kpi", "message"),
    [
        (np.ones((3, 30)), "has 30 weeks with a KPI; planning a test takes 52"),
        (np.concatenate([np.ones((1, 60)), np.zeros((2, 60))]), "1 of the panel's 3 regions have a KPI above 0"),
    ],
)
def test_a_history_that_shows_nothing_is_refused(kpi, message):
    with pytest.raises(dcm.DataError, match=message):
        history(kpi)


def _design(observed, matched, errors=((0.0,),)):
    rows = np.zeros(1, int)
    return Design(
        rows,
        rows,
        np.ones(1),
        np.arange(len(observed)),
        np.array(observed, float),
        np.array(matched, float),
        np.array(errors, float),
    )


def test_how_well_a_match_fits_is_what_its_definitions_say():
    design = _design([1.0, 2.0, 3.0, 6.0], [2.0, 2.0, 2.0, 6.0])
    assert design.r2 == pytest.approx(1.0 - 2.0 / 14.0)
    assert design.rmse == pytest.approx(np.sqrt(0.5))
    assert design.rmse_pct == pytest.approx(100.0 * np.sqrt(0.5) / 3.0)
    assert np.isnan(_design([2.0, 2.0], [1.0, 3.0]).r2)
    assert np.isnan(_design([0.0, 0.0], [1.0, 3.0]).rmse_pct)


@pytest.mark.parametrize(
    ("window", "sums", "apart"), [(1, [1, 3, 5, 7], 4), (2, [3, 7, 11], 2), (3, [6, 12], 1), (4, [10], 1)]
)
def test_the_error_of_a_window_is_that_of_its_placebo_windows_with_a_t_for_those_that_do_not_overlap(
    window, sums, apart
):
    nothing = np.nan
    errors = [[1, 2, 3, 4], [3, 4, 5, nothing], [5, 6, nothing, nothing], [7, nothing, nothing, nothing]]
    error, count = _design([1.0, 2.0], [1.0, 2.0], errors).standard_error(window, 0.8)
    assert count == len(sums)
    assert error == pytest.approx(np.sqrt(np.mean(np.square(sums))) * t.ppf(0.9, apart) / norm.ppf(0.9))


def test_a_history_needs_a_year_and_two_regions_that_are_seen_in_four_fifths_of_the_weeks():
    kpi = 100.0 + np.random.default_rng(5).normal(size=(3, 60))
    panel = panel_of(kpi)
    weights = panel.weights.copy()
    weights[1, :12], weights[2, :13] = 0.0, 0.0
    found = history_of(dataclasses.replace(panel, weights=weights), np.full(kpi.shape, 50.0))
    assert found.rows.tolist() == [0, 1]
    np.testing.assert_allclose(found.mean, [kpi[0].mean(), kpi[1, 12:].mean()])
    np.testing.assert_allclose(found.kpi[1, :12], 50.0 / found.mean[1])
    assert found.filled == pytest.approx(12 / 120)
    assert len(history(kpi[:, :52]).rows) == 3
    with pytest.raises(dcm.DataError, match="has 51 weeks with a KPI; planning a test takes 52 or more"):
        history(kpi[:, :51])


@pytest.mark.parametrize(("n", "sizes"), [(2, [1]), (4, [1, 2]), (8, [2, 4])])
def test_a_quarter_and_a_half_of_the_regions_are_tested_two_sets_of_each(n, sizes):
    kpi = 100.0 + np.random.default_rng(6).normal(size=(n, 60))
    sets = chosen_sets(history(kpi), seed=0)
    assert all(len(set(rows)) == len(rows) for rows in sets)
    assert [len(rows) for rows in sets] == [size for size in sizes for _ in range(2)]
    assert len({tuple(rows) for rows in sets}) == len(sets)


def test_of_many_regions_the_forty_most_alike_may_be_matched():
    rng = np.random.default_rng(8)
    kpi = 100.0 + rng.normal(size=(48, 60))
    kpi[0] = 2.0 * kpi[9] + 0.01 * rng.normal(size=60)
    design = design_of(history(kpi), np.array([0]))
    assert 47 in design.controls  # the last one in the order of their names, r9
    assert len(design.controls) <= 40
    assert design.r2 > 0.999
