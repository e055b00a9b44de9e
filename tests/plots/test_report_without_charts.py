"""A chart that cannot be drawn is left out of the report, which says so; it never costs the page."""

import dataclasses

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.plots.report.sections import Section, sections_of


@pytest.mark.parametrize("fault", [ValueError("min() of nothing"), IndexError("0"), KeyError("x"), ZeroDivisionError()])
def test_a_chart_that_fails_is_left_out_and_said(fault):
    def fail():
        raise fault

    section = Section("key", "Title")
    section.add("chart", "Chart", fail)
    assert section.charts == []
    assert [(title, type(fault).__name__ in reason) for title, reason in section.absent] == [("Chart", True)]


def test_a_reason_of_ours_is_given_as_it_is():
    def refuse():
        raise dcm.DataError("This figure needs spend; give some.")

    section = Section("key", "Title")
    section.add("chart", "Chart", refuse)
    assert section.absent == [("Chart", "This figure needs spend; give some.")]


def with_kpi(result, kpi):
    panel = dataclasses.replace(result.panel, kpi=kpi)
    return dcm.FitResult(dataclasses.replace(result.fitted, panel=panel))


@pytest.mark.parametrize("held", [0.0, -5.0])
def test_a_report_of_held_out_weeks_without_a_kpi_above_zero_is_written(small_result, tmp_path, held):
    kpi = small_result.panel.kpi.copy()
    kpi[:, -small_result.holdout :] = held
    path = with_kpi(small_result, kpi).report(tmp_path / "report.html")
    assert "held-out weeks with KPI and prediction above zero" in path.read_text()


def test_no_chart_of_an_ordinary_fit_fails(small_result, small_ensemble):
    for result in (small_result, small_ensemble):
        reasons = [reason for section in sections_of(result, None) for _, reason in section.absent]
        assert not [reason for reason in reasons if "cannot be drawn from these data" in reason]


@pytest.mark.slow
def test_a_report_of_a_single_refit_is_written_without_a_word_of_nan(small_ensemble, tmp_path):
    made = small_ensemble.replicates
    first = _first(made.variables)
    one = dcm.Ensemble(small_ensemble.fitted, dataclasses.replace(made, variables=first, status=made.status[:1], epochs=made.epochs[:1]))  # fmt: skip
    text = one.report(tmp_path / "report.html").read_text()
    page = text[text.rindex("</script>") :] if "</script>" in text else text
    assert "nan" not in np.char.lower(np.array(page.replace(">", " ").replace("<", " ").split())).tolist()


def _first(tree):
    return {name: _first(leaf) if isinstance(leaf, dict) else leaf[:1] for name, leaf in tree.items()}
