"""Results of known kinds, from two short fits: strong, weak, losing money, unstable, without spend."""

import dataclasses

import deepcausalmmm_jax as dcm

KINDS = ("strong", "weak", "losing", "unstable", "no spend")
VERDICTS = {
    "strong": dcm.Verdict.ACT,
    "weak": dcm.Verdict.TEST_FIRST,
    "losing": dcm.Verdict.ACT,
    "unstable": dcm.Verdict.DO_NOT_USE,
    "no spend": dcm.Verdict.TEST_FIRST,
}
_ROI = {"strong": 3.0, "losing": 0.4}


def with_panel(result: dcm.Ensemble, **changes) -> dcm.Ensemble:
    """The same estimates with other spend, names or revenue: none of them is learned from."""
    panel = dataclasses.replace(result.panel, **changes)
    return dcm.Ensemble(dataclasses.replace(result.fitted, panel=panel), result.replicates)


def at_rest(result: dcm.Ensemble) -> dcm.Ensemble:
    """The same estimates, as if training had converged and the chains had mixed."""
    record = dataclasses.replace(result.fitted.record, status=dcm.FitStatus.CONVERGED)
    replicates = dataclasses.replace(result.replicates, r_hat=1.0, pareto_k=0.3)
    return dcm.Ensemble(dataclasses.replace(result.fitted, record=record), replicates)


def broken_off(result: dcm.Ensemble, epochs: int = 25) -> dcm.Ensemble:
    """The same estimates, as if training had ended while its objective was still falling."""
    record = result.fitted.record
    early = dataclasses.replace(
        record,
        status=dcm.FitStatus.EPOCH_LIMIT,
        objective=record.objective[:epochs],
        acyclicity=record.acyclicity[:epochs],
        learning_rate=record.learning_rate[:epochs],
        terms={name: term[:epochs] for name, term in record.terms.items()},
    )
    return dcm.Ensemble(dataclasses.replace(result.fitted, record=early), result.replicates)


def of_kind(kind: str, sure: dcm.Ensemble, unsure: dcm.Ensemble) -> dcm.Ensemble:
    """A result of a kind.

    Args:
        kind: one of `KINDS`.
        sure: short fit of a panel with little noise and much media.
        unsure: short fit of a panel with much noise and little media.
    """
    if kind == "unstable":
        return broken_off(sure)
    if kind == "weak":
        return at_rest(unsure)
    if kind == "no spend":
        return with_panel(at_rest(sure), spend=None)
    summary = sure.media_summary()
    now = float((summary["roi"] * summary["spend"]).sum() / summary["spend"].sum())
    return with_panel(at_rest(sure), spend=sure.panel.spend * now / _ROI[kind])
