"""The test of leads: what exposure of later weeks says of a week's KPI."""

import dataclasses

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.diagnostics import channel_trust
from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.leads import follow_kpi, leads
from deepcausalmmm_jax.attribution.notes import NoteKind
from deepcausalmmm_jax.io.grades import Grade
from deepcausalmmm_jax.trust.estimate_checks import timing_row

_NOISE = 0.02  # of a region's mean


def _seen(result, seed, *, ahead=0.0, same=0.0, behind=0.0, regions=slice(None)):
    """The fit on a KPI of its prediction, noise, and more of what its second channel does in other weeks."""
    fit = result.fitted_panel
    media = fit.components.media[:, :, 1]
    noise = np.random.default_rng(seed).normal(size=media.shape) * _NOISE * fit.prediction.mean(axis=1, keepdims=True)
    moved = ahead * (_shifted(media, -1) + _shifted(media, -2)) + same * media + behind * _shifted(media, 1)
    kpi = np.where(fit.panel.weights > 0, fit.prediction + noise + moved, fit.panel.kpi)
    weights = np.zeros_like(fit.panel.weights)
    weights[regions] = fit.fitted.weights[regions]
    fitted = dataclasses.replace(fit.fitted, weights=weights)
    return FittedPanel(fitted, dataclasses.replace(fit.panel, kpi=kpi), prepared=fit.inputs)


def _shifted(values, weeks):
    moved = np.roll(values, weeks, axis=1)
    moved[:, (slice(0, weeks) if weeks > 0 else slice(weeks, None))] = 0.0
    return moved


@pytest.mark.parametrize("regions", [slice(None), slice(1)], ids=["between regions", "one region"])
def test_how_far_the_kpi_moves_with_later_exposure_is_found(small_result, regions):
    """Over 40 draws of the noise the mean is what was put in, and its standard errors are about those stated."""
    found = [leads(_seen(small_result, seed, ahead=0.6, regions=regions)) for seed in range(40)]
    part, z = np.array([one.part for one in found]), np.array([one.z for one in found])
    error = part.std(axis=0)
    assert np.all(np.abs(part.mean(axis=0) - [0.0, 0.6, 0.0]) < np.maximum(4.0 * error / np.sqrt(40), 0.02))
    stated = np.median(part / z, axis=0)
    assert np.all((stated > 0.8 * error) & (stated < 2.0 * error))


def test_only_a_channel_that_moves_with_later_exposure_is_named(small_result):
    named = [follow_kpi(_seen(small_result, seed, ahead=1.0)) for seed in range(10)]
    assert np.all([(one > 0) == [False, True, False] for one in named])


@pytest.mark.parametrize("moved", [{}, {"same": 1.0}, {"behind": 1.0}], ids=str)
def test_effects_in_the_week_and_after_it_name_no_channel(small_result, moved):
    assert not np.any([follow_kpi(_seen(small_result, seed, **moved)) != 0.0 for seed in range(20)])


def test_a_channel_that_runs_alike_everywhere_is_not_judged_between_regions(small_result):
    fit = _seen(small_result, 0, ahead=1.0)
    terms = fit.scaled_terms
    media = terms.media.copy()
    media[:, :, 0] = media[:1, :, 0] * (fit.residual_noise / fit.residual_noise[0])[:, None]
    vars(fit)["scaled_terms"] = terms._replace(media=media)
    assert np.isnan(follow_kpi(fit)[0])
    assert np.isfinite(follow_kpi(fit)[1:]).all()


def test_too_few_weeks_tell_nothing(small_result):
    fit = _seen(small_result, 0, ahead=3.0)
    fit = dataclasses.replace(fit, fitted=dataclasses.replace(fit.fitted, weights=fit.weights * (np.arange(60) >= 44)))
    assert np.isnan(follow_kpi(fit)).all()
    assert not [note for own in channel_trust(fit).notes for note in own if note.kind is NoteKind.FOLLOWS_KPI]
    assert timing_row(dcm.FitResult(dataclasses.replace(fit.fitted, panel=fit.panel))).grade is Grade.NOT_RUN


def test_the_note_and_the_card_name_the_channel_and_say_what_to_do(small_result):
    seen = _seen(small_result, 0, ahead=1.0)
    notes = channel_trust(seen).notes
    (note,) = [note for note in notes[1] if note.kind is NoteKind.FOLLOWS_KPI]
    assert note.value == pytest.approx(follow_kpi(seen)[1])
    assert "may follow demand rather than drive it" in note.sentence
    assert not [note for own in (notes[0], notes[2]) for note in own if note.kind is NoteKind.FOLLOWS_KPI]
    row = timing_row(dcm.FitResult(dataclasses.replace(seen.fitted, panel=seen.panel)))
    assert (row.grade, row.doubted, row.decides) == (Grade.LOOK, ("channel_2",), True)
    assert "control" in row.advice
    assert "experiment" in row.advice
    assert timing_row(small_result).grade is Grade.PASS


def test_the_papers_model_is_not_judged(published_result):
    assert np.isnan(follow_kpi(published_result.fitted_panel)).all()
    assert timing_row(published_result).grade is Grade.NOT_RUN
