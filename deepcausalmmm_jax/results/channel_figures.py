"""What a run says of its channels, figure by figure with standard errors: what two runs are compared by."""

from typing import Final

import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.intervals import standard_error
from deepcausalmmm_jax.axes import CHANNEL
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult

FIGURES: Final = ("share", "roi", "weekly_contribution", "decay", "half_saturation", "slope")
_CURVES = ("decay", "half_saturation", "slope")
_COLUMNS = {"share": "pct_of_contribution", "roi": "roi", "weekly_contribution": "incremental_outcome"}
_ONE_SD = 0.6827  # level of the central interval that is two standard deviations wide for a normal distribution


def channel_figures(result: FitResult) -> pd.DataFrame:
    """Figures of a run by channel.

    Args:
        result: the run.

    Returns:
        Rows by `figure` and `channel`, columns `estimate` and `error`. Figures count steps of the panel, which are not
        weeks on other calendars: `weekly_contribution` is KPI of a step, `decay` what is left after one. Errors are
        those of the draws or refits. A run without them has errors of its shares and of what is proportional to shares,
        and none of its curves; errors of refits are no smaller than those.
    """
    summary, n_weeks = result.media_summary(), max(result.panel.n_past_weeks, 1)
    weekly = {"weekly_contribution": float(n_weeks)}
    blocks = []
    errors = _errors(result)
    for figure in FIGURES:
        values = result.curve_parameters[figure] if figure in _CURVES else summary[_COLUMNS[figure]]
        unit = weekly.get(figure, 1.0)
        estimate = values.to_numpy(np.float64) / unit
        blocks.append(
            pd.DataFrame(
                {"estimate": estimate, "error": errors[figure] / unit},
                index=pd.MultiIndex.from_product([[figure], list(result.panel.channels)], names=["figure", CHANNEL]),
            )
        )
    return pd.concat(blocks)


def _errors(result: FitResult) -> dict[str, np.ndarray]:
    """Standard errors by figure, `[channel]` each, in the units of `media_summary` and `curve_parameters`."""
    trust, summary = result.channel_trust.table, result.media_summary()
    relative = (trust["share_error"] / trust["share"].abs()).to_numpy(np.float64)
    by_share = {name: (summary[column].abs() * relative).to_numpy(np.float64) for name, column in _COLUMNS.items()}
    if isinstance(result, Ensemble):
        found = {name: standard_error(result.draws(column).to_numpy()) for name, column in _COLUMNS.items()}
        if not result.from_posterior:  # refits do not show how far curves may be off
            found = {name: np.fmax(error, by_share[name]) for name, error in found.items()}
        curves = result.curve_intervals(_ONE_SD)
        halves = {name: ((curves[f"{name}_high"] - curves[f"{name}_low"]) / 2).to_numpy() for name in _CURVES}
        return found | {name: np.where(half > 0, half, np.nan) for name, half in halves.items()}
    return by_share | dict.fromkeys(_CURVES, np.full(len(relative), np.nan))


def changes(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Two tables of `channel_figures` side by side, for the channels that both have.

    Args:
        before: of the first run.
        after: of the second.

    Returns:
        Rows by figure and channel; columns `before`, `after`, `change`, `before_error`, `after_error` and `z`, the
        change over the root of the sum of both squared errors. That is the standard error of a difference of
        independent estimates; two runs that share most of their weeks differ by much less, so a |z| of 1 is a lot.
    """
    both = before.index.intersection(after.index, sort=False)
    old, new = before.loc[both], after.loc[both]
    table = pd.DataFrame({"before": old["estimate"], "after": new["estimate"]})
    table["change"] = table["after"] - table["before"]
    table["before_error"], table["after_error"] = old["error"], new["error"]
    spread = np.hypot(table["before_error"].to_numpy(), table["after_error"].to_numpy())
    table["z"] = table["change"] / np.where(spread > 0, spread, np.nan)
    return table
