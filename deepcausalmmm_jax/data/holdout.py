"""The weeks that a model is trained on."""

import numpy as np

from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.trailing_zeros import ask_about_trailing_zeros
from deepcausalmmm_jax.errors import DataError

FEWEST_TRAINING_WEEKS = 12


def fewest_steps(panel: Panel) -> int:
    """Steps that a fit needs at least: twelve weeks of days, else twelve of whatever they are."""
    return max(FEWEST_TRAINING_WEEKS, panel.cadence.steps(FEWEST_TRAINING_WEEKS))


def training_weights(panel: Panel, holdout: int | None) -> np.ndarray:
    """The weights of a panel with the last `holdout` weeks held out.

    Only weeks with a KPI in some region count: neither planned weeks after them nor gaps between them do.

    Args:
        panel: the panel.
        holdout: number of last weeks with a KPI to hold out; None trains on all weeks.

    Returns:
        `[region, week]`, 0 in held-out weeks and wherever the panel has no weight.

    Raises:
        DataError: a panel without a KPI, or whose KPI turns to zero at the end; a holdout of 0, or one that leaves too
            few weeks to train on.
    """
    unit, fewest = panel.cadence.unit, fewest_steps(panel)
    if holdout is not None and (not isinstance(holdout, int | np.integer) or isinstance(holdout, bool) or holdout < 1):
        raise DataError(
            f"holdout must be a whole number of {unit}s, 1 or more, got {holdout!r}; None trains on all {unit}s."
        )
    hidden, n_weeks = int(holdout or 0), refuse_without_kpi(panel)
    if hidden >= n_weeks:
        raise DataError(f"holdout={holdout} holds out all of {weeks_in_words(panel)}; shorten it.")
    if n_weeks - hidden < fewest:
        raise DataError(
            f"The panel has {n_weeks} {unit}s{_with_kpi(panel)}, which leaves {n_weeks - hidden} to train on after a "
            f"holdout of {hidden}; at least {fewest} are needed, so shorten the holdout or add {unit}s."
        )
    ask_about_trailing_zeros(panel)
    return weights_before(panel, int(np.flatnonzero(panel.has_kpi)[-hidden])) if hidden else panel.weights.copy()


def weights_before(panel: Panel, origin: int) -> np.ndarray:
    """The weights of a panel, `[region, week]`, with 0 from position `origin` on."""
    weights = panel.weights.copy()
    weights[:, origin:] = 0.0
    return weights


def refuse_without_kpi(panel: Panel) -> int:
    """Number of weeks with a KPI in any region.

    Raises:
        DataError: there is none.
    """
    unit = panel.cadence.unit
    if not panel.has_kpi.any():
        raise DataError(
            f"No {unit} of the panel has a KPI in column {panel.kpi_name!r}, so nothing can be learned from it; add "
            f"past {unit}s with their KPI."
        )
    return int(panel.has_kpi.sum())


def weeks_in_words(panel: Panel) -> str:
    """The weeks that can be held out or trained on, e.g. `the panel's 55 weeks with a KPI`."""
    return f"the panel's {int(panel.has_kpi.sum())} {panel.cadence.unit}s{_with_kpi(panel)}"


def _with_kpi(panel: Panel) -> str:
    return "" if panel.has_kpi.all() else " with a KPI"
