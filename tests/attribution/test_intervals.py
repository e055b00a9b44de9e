import dataclasses

import jax
import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.intervals import drifted, outside
from deepcausalmmm_jax.attribution.links import links_of_refits
from deepcausalmmm_jax.attribution.notes import NoteKind, clear_from, few_or_not, narrow_or_not
from deepcausalmmm_jax.plots.report.findings import findings


def test_rows_whose_estimate_is_outside_its_interval_are_found():
    table = pd.DataFrame(
        {"roi": [1.0, 2.0, 3.0, np.nan], "roi_low": [0.5, 2.5, 1.0, np.nan], "roi_high": [1.5, 3.0, 2.0, np.nan]}
    )
    np.testing.assert_array_equal(outside(table), [False, True, True, False])


def test_an_estimate_outside_its_interval_is_told_and_one_inside_is_not(small_ensemble):
    fitted, made = small_ensemble.fitted, small_ensemble.replicates
    alike = jax.tree.map(lambda own: np.repeat(np.asarray(own)[None], 4, axis=0), fitted.variables)
    same = dcm.Ensemble(fitted, dataclasses.replace(made, variables=alike))
    assert not same.media_summary()["note"].str.contains("outside").any()
    alike["params"]["coefficients"]["level"][:, 0] += 2.0  # every refit gives the first channel seven times as much
    apart = dcm.Ensemble(fitted, dataclasses.replace(made, variables=alike))
    for table in (apart.media_summary(), apart.notes()):
        assert "outside the range of its refits" in table["note"].iloc[0]


@pytest.mark.parametrize(("level", "far"), [(0.1, [False, True]), (0.5, [False, True]), (0.99, [False, False])])
def test_an_estimate_at_the_edge_of_a_narrow_interval_has_not_drifted(level, far):
    """The first lies at a fifth of its draws, as one of five does that is right; the second at one of fifty."""
    draws = np.tile(np.linspace(0.0, 1.0, 101)[:, None], (1, 2))
    np.testing.assert_array_equal(drifted(pd.DataFrame({"share": [0.2, 0.02]}), {"share": draws}, level), far)


@pytest.mark.parametrize("figures", ["media_summary", "notes", "effects"])
def test_what_is_said_of_estimates_outside_goes_with_no_level_up_to_nine_tenths(small_ensemble, figures):
    said = [getattr(small_ensemble, figures)(level)["note"] for level in (0.9, 0.5, 0.05)]
    for narrower in said[1:]:
        pd.testing.assert_series_equal(narrower, said[0])


@pytest.mark.parametrize(
    ("from_posterior", "blocks", "kinds"),
    [
        (True, False, []),
        (False, False, [NoteKind.NARROW_REFITS]),
        (False, True, [NoteKind.NARROW_BLOCKS]),
    ],
)
def test_intervals_measured_to_be_too_narrow_are_known(from_posterior, blocks, kinds):
    found = narrow_or_not(from_posterior=from_posterior, blocks=blocks)
    tested = narrow_or_not(from_posterior=from_posterior, blocks=blocks, tested=True)
    assert [note.kind for note in tested] == [*(note.kind for note in found), NoteKind.NARROW_AFTER_TEST]
    assert [note.kind for note in found] == kinds


@pytest.mark.parametrize(("n_draws", "least"), [(2, 13.97), (5, 2.87), (20, 2.14), (100_000, 2.0)])
def test_an_error_from_few_draws_must_be_exceeded_by_more(n_draws, least):
    assert clear_from(n_draws) == pytest.approx(least, abs=0.01)


def test_few_draws_say_so_beside_every_figure(small_ensemble):
    assert few_or_not(20) == []
    for table in (small_ensemble.notes(), small_ensemble.media_summary(), small_ensemble.carry_over()):
        assert table["note"].str.contains("4 refits are too few for intervals").all()
    single = dcm.Ensemble(
        small_ensemble.fitted,
        dataclasses.replace(
            small_ensemble.replicates, variables=jax.tree.map(lambda own: own[:2], small_ensemble.replicates.variables)
        ),
    )
    trust = single.channel_trust.table
    np.testing.assert_array_equal(trust["distinguishable"], trust["z"] >= clear_from(2))


@pytest.mark.parametrize(
    ("changes", "figure"),
    [
        ({"method": "block"}, "70%"),
        ({"method": "weights"}, "36 to 65%"),
    ],
)
def test_intervals_that_are_too_narrow_say_so_beside_every_figure(small_ensemble, changes, figure):
    made = dcm.Ensemble(small_ensemble.fitted, dataclasses.replace(small_ensemble.replicates, **changes))
    for table in (made.notes(), made.media_summary(), made.media_summary(planned=True), made.carry_over()):
        assert table["note"].str.contains("too narrow").all()
        assert table["note"].str.contains(figure).all()
    assert any(figure in sentence for sentence in findings(made, None).certainty)


def test_a_range_without_an_estimate_has_nothing_outside():
    table = pd.DataFrame({"best": [1.0, 4.0], "best_low": 0.5, "best_high": 2.0, "seen_low": 1.0, "seen_high": 3.0})
    assert outside(table).tolist() == [False, True]


def test_draws_are_not_said_to_be_too_narrow(national_ensemble, small_ensemble):
    made = dataclasses.replace(small_ensemble.replicates, method="hmc", coordinates=np.zeros((4, 2)))
    several = dcm.Ensemble(small_ensemble.fitted, made)
    for table in (national_ensemble.notes(), national_ensemble.media_summary(), several.notes(), several.carry_over()):
        assert not table["note"].str.contains("too narrow").any()


def test_a_link_outside_the_range_of_its_refits_says_so():
    """Refits of a fit that has not converged go on where it stopped; of a rare link most refits have a weight of 0."""
    ends = {"weight_low": -1.0, "weight_high": 1.0}  # of the single fit, which refits replace
    pairs = {"source": ["a", "a", "b"], "target": ["b", "c", "c"]}
    table = pd.DataFrame(pairs | {"weight": [0.3, 0.3, 0.3]}).assign(**ends)
    drawn = np.array([[0.2, 0.5, 0.0], [0.4, 0.6, 0.0], [0.3, 0.7, 0.0], [0.35, 0.8, 0.0]])
    found = links_of_refits(table, drawn, 0.9)
    assert found["share_of_refits"].tolist() == [1.0, 1.0, 0.0]
    assert found["weight"].between(found["weight_low"], found["weight_high"]).tolist() == [True, False, False]
    assert found["note"].str.contains("outside the range of its refits").tolist() == [False, True, True]
    narrow = links_of_refits(table.assign(weight=[0.25, 0.3, 0.3]), drawn, 0.2)
    assert not narrow["weight"].iloc[0] >= narrow["weight_low"].iloc[0]
    assert narrow["note"].iloc[0] == ""
