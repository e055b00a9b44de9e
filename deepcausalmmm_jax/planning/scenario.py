"""`scenario`: the prediction with some exposure or controls changed."""

from collections.abc import Mapping, Sequence

import pandas as pd

from deepcausalmmm_jax.attribution.horizon import future_weeks, past_weeks
from deepcausalmmm_jax.attribution.planned_frequency import Frequency, planned_frequency
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.planning.what_if import Change as Change
from deepcausalmmm_jax.planning.what_if import scenario_table
from deepcausalmmm_jax.results.asked import require_result
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.steps import Steps

_SHARES = {"preparing": 1.0, "predicting": 2.0}  # of the wait


def scenario(
    result: FitResult,
    changes: Change | Sequence[Change] = (),
    *,
    weeks: int | tuple[int, int] | Panel | None = None,
    frequency: Frequency = "today",
    cost: Mapping[str, float] | None = None,
    level: float = 0.9,
) -> pd.DataFrame:
    """Change of the predicted KPI when some exposure, controls or treatments change.

    Everything downstream is recomputed: adstock, saturation, the graph, coefficients, controls. Exposure of the other
    channels stays as it was.

    Args:
        result: a fit, or an ensemble, whose refits give the intervals.
        changes: one or several; each acts on the result of those before it. May be empty where a frequency is given.
        weeks: None for all weeks up to the last one with a KPI, a number for the panel's last ones, positions (first,
            after the last), or a panel of future weeks with its controls; with all but None, carry-over after them
            counts too.
        frequency: contacts per person reached of channels with reach and frequency in these weeks, as `optimize_budget`
            takes it: `today`, `best`, or a mapping by channel. The contacts stay those of the changes.
        cost: currency per exposure unit of channels whose spend the panel does not have, or has as 0 throughout.
        level: of the intervals.

    Returns:
        Rows `by` all, region and time with their `label`: `prediction` (KPI units, without the changes), `change`,
        `change_pct`, `spend_change` (0 where no price is known), `revenue_change` where revenue per KPI is known, and
        `_low` and `_high` where there are refits. A week in which no region has a row has a `spend_change` of 0 and
        nothing else; so has a region without any of the weeks.

    Raises:
        ConfigError: an unknown channel, control, region or week, a change that leaves no valid exposure, a frequency
            below 1, or one that needs more people than live in a region.
        DataError: future weeks that do not continue the fit's, lack a control or have no cost.
    """
    require_result(result, "scenario")
    fit = result.fitted_panel
    replicates = result.replicates if isinstance(result, Ensemble) else None
    wanted = list(changes) if isinstance(changes, Sequence) and not isinstance(changes, str) else [changes]
    with Steps("scenario", _SHARES) as wait:
        wait.step("preparing")
        horizon = future_weeks(fit, weeks, cost) if isinstance(weeks, Panel) else past_weeks(fit, weeks, cost)
        stated = planned_frequency(fit, frequency)
        wait.step("predicting")
        return scenario_table(fit, replicates, horizon, wanted, stated, level)
