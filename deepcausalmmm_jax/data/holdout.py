"""Which weeks the model may learn from."""

import numpy as np

from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.trailing_zeros import ask_about_trailing_zeros
from deepcausalmmm_jax.errors import DataError

FEWEST_TRAINING_WEEKS = 12


def training_weights(panel: Panel, holdout: int | None) -> np.ndarray:
    """The panel's weights with the last `holdout` weeks hidden.

    Counted are weeks in which any region has a KPI: planned weeks behind them, and gaps among them, are no part of it.

    Args:
        panel: the panel.
        holdout: number of last weeks with a KPI to hide; None to learn from all.

    Returns:
        `[region, week]`, 0 in held-out weeks and wherever the panel has no weight.

    Raises:
        DataError: a panel without a KPI, or one that turns to zero at its end; a holdout of 0 or longer than the data,
            or one that leaves too few weeks to learn from.
    """
    if holdout is not None and (not isinstance(holdout, int | np.integer) or isinstance(holdout, bool) or holdout < 1):
        raise DataError(
            f"holdout must be a whole number of weeks, 1 or more, got {holdout!r}; None learns from all weeks."
        )
    hidden, n_weeks = int(holdout or 0), refuse_without_kpi(panel)
    if hidden >= n_weeks:
        raise DataError(f"holdout={holdout} hides all of {weeks_in_words(panel)}; make it shorter.")
    if n_weeks - hidden < FEWEST_TRAINING_WEEKS:
        raise DataError(
            f"The panel has {n_weeks} weeks{_with_kpi(panel)}, which leaves {n_weeks - hidden} to learn from after a "
            f"holdout of {hidden}; at least {FEWEST_TRAINING_WEEKS} are needed, so shorten the holdout or add weeks."
        )
    ask_about_trailing_zeros(panel)
    return weights_before(panel, int(np.flatnonzero(panel.has_kpi)[-hidden])) if hidden else panel.weights.copy()


def weights_before(panel: Panel, origin: int) -> np.ndarray:
    """The panel's weights `[region, week]`, with 0 from the position `origin` on."""
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
            f"No week of the panel has a KPI in column {panel.kpi_name!r}, so nothing can be learned from it; give "
            "past weeks with their KPI."
        )
    return int(panel.has_kpi.sum())


def weeks_in_words(panel: Panel) -> str:
    """How many weeks may be held out or learned from, e.g. `the panel's 55 weeks with a KPI`."""
    return f"the panel's {int(panel.has_kpi.sum())} weeks{_with_kpi(panel)}"


def _with_kpi(panel: Panel) -> str:
    return "" if panel.has_kpi.all() else " with a KPI"
