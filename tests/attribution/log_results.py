"""Results with a log link that cost no training: the variables of an additive fit, read on the log of another KPI."""

import dataclasses

import numpy as np

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.scaling import scales_from
from deepcausalmmm_jax.training.fitted import Fitted


def multiplied(panel: dcm.Panel, scale: np.ndarray) -> dcm.Panel:
    """The panel whose log KPI is what the KPI was: KPI k of scale s becomes s exp(k / s - 1)."""
    unit = scale[:, None]
    return dataclasses.replace(panel, kpi=unit * np.exp(panel.kpi / unit - 1.0))


def with_log_link(result: dcm.FitResult) -> dcm.FitResult:
    """A result whose effects multiply, with the variables (and draws) of one whose effects add up."""
    own = result.fitted
    panel, config = multiplied(own.panel, own.scales.kpi), own.config.replace(link="log")
    scales = scales_from(panel, own.weights, "log")
    fitted: Fitted = dataclasses.replace(own, panel=panel, config=config, scales=scales)
    return dcm.Ensemble(fitted, result.replicates) if isinstance(result, dcm.Ensemble) else dcm.FitResult(fitted)
