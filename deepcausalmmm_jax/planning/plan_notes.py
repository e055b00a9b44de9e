"""What a plan assumes, in sentences."""

from deepcausalmmm_jax.attribution.horizon import Horizon
from deepcausalmmm_jax.attribution.units import units_of
from deepcausalmmm_jax.data.wording import Wording
from deepcausalmmm_jax.errors import FitStatus
from deepcausalmmm_jax.planning.cells import Cells
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.results.own_notes import doubt_of_draws
from deepcausalmmm_jax.training.fitted import Replicates

_FARTHEST = 0.99  # of the largest total that is searched


def open_end(total: float, today: float, most: float) -> tuple[str, ...]:
    """A note where a target is still met at the largest total that is searched.

    Args:
        total: spend of the plan.
        today: spend without it.
        most: largest multiple of it that is searched.
    """
    if not today > 0 or total < _FARTHEST * most * today:
        return ()
    return (
        f"The target is still met at {most:,.0f} times today's spend, beyond which no total was searched: the returns "
        "that the model knows do not diminish, so the target sets no limit.",
    )


def doubts_of_result(result: FitResult) -> tuple[str, ...]:
    """Why no plan of a result can be relied on, a sentence each: the fit failed, or its draws are not to be trusted."""
    failed = result.status.sentence if result.status is FitStatus.WORSE_THAN_MEAN else ""
    return tuple(doubt for doubt in (failed, doubt_of_draws(result, "ranges")) if doubt)


def plan_notes(horizon: Horizon, cells: Cells, beyond: bool, replicates: Replicates | None = None) -> tuple[str, ...]:
    """Assumptions on weeks, prices and units, channels that stay as they were, and ranges that are too narrow.

    Args:
        horizon: weeks of the plan.
        cells: of the plan.
        beyond: whether any cell gets more exposure than in training.
        replicates: draws or refits that the plan's ranges come from.
    """
    notes = list(horizon.notes)
    if replicates is not None and replicates.coordinates is None:
        notes.append(
            "Ranges are those of refits, which do not show how far the curves may be off, and so are too narrow: draw "
            "from the posterior (sample_posterior) before acting on them."
        )
    whole = [
        name for i, name in enumerate(horizon.panel.channels) if i in cells.channel and name in horizon.panel.national
    ]
    if "region" in cells.split and whole:
        notes.append(
            f"National, so that nobody can buy it region by region: {', '.join(whole)}; split the budget over channels "
            "or weeks, or fix it."
        )
    if beyond:
        notes.append("Some cells get more exposure than in any training week; see `extrapolation`.")
    kept = [name for i, name in enumerate(horizon.panel.channels) if i not in cells.channel]
    if kept:
        notes.append(f"Not budgeted (no spend data), left as they were: {', '.join(kept)}.")
    if not horizon.in_currency:
        notes.append("No spend is known: budgets are in exposure units, simply summed over channels.")
    if not horizon.has_revenue:
        roi = units_of(horizon.panel, horizon.in_currency, horizon.has_revenue).roi
        notes.append(f"No revenue per KPI is known: ROI is in {roi}.")
    return tuple(map(Wording(horizon.panel), notes))
