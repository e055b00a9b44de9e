"""The weeks that a model is trained on."""

import numpy as np

from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.trailing_zeros import ask_about_trailing_zeros
from deepcausalmmm_jax.errors import DataError

FEWEST_TRAINING_WEEKS = 12


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
    if holdout is not None and (not isinstance(holdout, int | np.integer) or isinstance(holdout, bool) or holdout < 1):
        raise DataError(
            f"holdout must be a whole number of weeks, 1 or more, got {holdout!r}; None trains on all weeks."
        )
    hidden, n_weeks = int(holdout or 0), refuse_without_kpi(panel)
    if hidden >= n_weeks:
        raise DataError(f"holdout={holdout} holds out all of {weeks_in_words(panel)}; shorten it.")
    if n_weeks - hidden < FEWEST_TRAINING_WEEKS:
        raise DataError(
            f"The panel has {n_weeks} weeks{_with_kpi(panel)}, which leaves {n_weeks - hidden} to train on after a "
            f"holdout of {hidden}; at least {FEWEST_TRAINING_WEEKS} are needed, so shorten the holdout or add weeks."
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
    if not panel.has_kpi.any():
        raise DataError(
            f"No week of the panel has a KPI in column {panel.kpi_name!r}, so nothing can be learned from it; add past "
            "weeks with their KPI."
        )
    return int(panel.has_kpi.sum())


def weeks_in_words(panel: Panel) -> str:
    """The weeks that can be held out or trained on, e.g. `the panel's 55 weeks with a KPI`."""
    return f"the panel's {int(panel.has_kpi.sum())} weeks{_with_kpi(panel)}"


def _with_kpi(panel: Panel) -> str:
    return "" if panel.has_kpi.all() else " with a KPI"
