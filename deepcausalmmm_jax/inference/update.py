"""`update`: the next month of a run: new weeks and revised figures, from the last estimate."""

import dataclasses
from typing import Literal

import numpy as np
import pandas as pd

from deepcausalmmm_jax.data.asked_panel import require_panel
from deepcausalmmm_jax.data.checks import refuse_unfit
from deepcausalmmm_jax.data.continuation import continued_by
from deepcausalmmm_jax.data.holdout import training_weights, weights_before
from deepcausalmmm_jax.data.kpi_scale import informative
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.panel_notes import panel_notes, warn_of
from deepcausalmmm_jax.errors import ConfigError, DataError
from deepcausalmmm_jax.inference.warm_refit import warm_refit
from deepcausalmmm_jax.results.asked import require_result
from deepcausalmmm_jax.results.channel_figures import changes, channel_figures
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.results.run_update import CAUSES, Update
from deepcausalmmm_jax.training.fitted import Fitted, Replicates

_MOVED = ("share", "roi", "weekly_contribution")
_OPTIONAL = ("spend", "revenue_per_kpi", "frequency")


def update(
    result: FitResult,
    panel: Panel,
    holdout: int | Literal["same"] | None = "same",
    *,
    progress: bool | None = None,
) -> Update:
    """Bring a run up to date with new weeks and revised figures, from its last estimate and with its scales.

    Scales of KPI, exposure and controls stay those of the run, so that priors and prior scales keep their meaning.
    Curves, coefficients, season, effects of controls, the network, learned prior scales and noise start from where the
    run ended; the trend continues from its last value; the channel graph is learned again from the edges found. A
    channel whose effect had vanished is likely to stay there: fit from scratch where new weeks may have changed that.
    Where the run has draws from its posterior, as many are drawn again by the same method, and the searches and chains
    start from the old draws; where it has none, the new result has none either.

    Where there are both new weeks and revised figures, the run is also refitted with each of them alone and with
    neither, so that each change can be attributed to one of them, or to the further training alone. Planned weeks have
    no KPI and teach the run nothing: no change is attributed to them.

    Args:
        result: the run, of the default model; of a bootstrap the fit itself is updated, not its refits.
        panel: all weeks of the run's panel and those after them, with the same columns and regions. Figures of old
            weeks may have been revised; `Update.revised` lists them.
        holdout: number of last weeks with a KPI to hold out, None for none, or `same` for as many as the run held out.
        progress: whether to show progress; None shows it on a terminal only.

    Returns:
        The new result, and what moved and why.

    Raises:
        DataError: the panel lacks weeks, regions or columns of the run, has other ones, holds nothing new, or has a
            column in another unit; or it cannot be fitted.
        ConfigError: not the result of a fit, or a run of the paper's model.
        FitError: training ended without usable parameters.
    """
    _refuse(result, panel)
    before = result.fitted
    panel, differ = continued_by(before.panel, panel)
    hidden = (before.n_holdout_weeks or None) if holdout == "same" else holdout
    weights = _weights(panel, hidden)
    loaded = _loaded(before.panel, panel)
    new_weeks = (*loaded, *differ.new_weeks)
    first_seen = differ.revised["week"].isin(loaded)  # what is bought differs from what was planned: no revision
    revised_figures = differ.revised[~first_seen].reset_index(drop=True)
    if not new_weeks and not len(revised_figures) and np.array_equal(weights > 0, before.weights > 0):
        raise DataError(
            "The panel has no week that the run lacks and no revised figure, so there is nothing to update."
        )
    warn_of(panel_notes(panel, weights))
    drawn = result.replicates if isinstance(result, Ensemble) and result.from_posterior else None
    room = panel.n_past_weeks
    updated = warm_refit(before, panel, weights, drawn, progress=progress)
    moved = changes(_figures(result), _figures(updated))
    split = {name: moved["change"].where(moved["change"].isna(), 0.0) for name in CAUSES}
    learned = _learned(before.panel, panel, new_weeks, revised_figures)
    if len(learned) == 2:
        old_weeks = _old_weeks(panel, before.panel)
        revised = _alone(before, old_weeks, _like(before, old_weeks), drawn, room, progress)
        unrevised = _with_old_weeks(panel, before.panel)
        new = _alone(before, unrevised, _weights(unrevised, hidden), drawn, room, progress)
        neither = _alone(before, before.panel, before.weights, drawn, room, progress)
        split = _split(moved, *(_figures(refit) for refit in (neither, new, revised)))
    else:
        split[learned[0] if learned else "refit"] = moved["change"]
    return Update(
        result=updated,
        previous=result,
        moved=moved.assign(**split),
        revised=revised_figures,
        new_weeks=new_weeks,
        needs_refits=isinstance(result, Ensemble) and not result.from_posterior,
    )


def _refuse(result: FitResult, panel: Panel) -> None:
    require_result(result, "update")
    require_panel(panel, "update")
    if not result.family.has_posterior:
        raise ConfigError(
            "update needs a run of the default model: the paper's model is trained from a random start by a fixed "
            "schedule, so fit it again with dcm.fit."
        )


def _loaded(before: Panel, panel: Panel) -> tuple[str, ...]:
    """Weeks that an earlier panel had without a KPI, as planned or not loaded yet, and that have one now."""
    later = range(before.n_past_weeks, len(before.weeks))
    return tuple(panel.week_label(at) for at in later if (panel.weights[:, at] > 0).any())


def _learned(before: Panel, panel: Panel, new_weeks: tuple[str, ...], revised: pd.DataFrame) -> tuple[str, ...]:
    """Of `new_weeks` and `revised` what training sees: weeks with a KPI, and figures up to the last KPI of the run."""
    seen = {panel.week_label(int(at)) for at in np.flatnonzero(panel.has_kpi)}
    planned = {before.week_label(at) for at in range(before.n_past_weeks, len(before.weeks))}
    found = {"new_weeks": not seen.isdisjoint(new_weeks), "revised": not revised["week"].isin(planned).all()}
    return tuple(name for name, is_seen in found.items() if is_seen)


def _weights(panel: Panel, holdout: int | None) -> np.ndarray:
    weights = training_weights(panel, holdout)
    refuse_unfit(panel, weights)
    return informative(panel, weights)


def _like(before: Fitted, panel: Panel) -> np.ndarray:
    """Weights of the run's training weeks on its own weeks with revised figures, `[region, week]`."""
    trained = np.arange(len(panel.weeks)) < before.n_training_weeks
    return informative(panel, panel.weights * trained)


def _alone(
    before: Fitted, panel: Panel, weights: np.ndarray, drawn: Replicates | None, room: int, progress: bool | None
) -> FitResult:
    """The run refitted with only some of what is new."""
    refuse_unfit(panel, weights)
    return warm_refit(before, panel, weights, drawn, room=room, progress=progress)


def _old_weeks(panel: Panel, before: Panel) -> Panel:
    """The weeks of an earlier panel with the figures of this one; those that were planned then have no KPI here either.

    Else shares and returns would be those of more weeks than before, which nobody revised.
    """
    old = panel.select(weeks=slice(0, len(before.weeks)))
    weights = weights_before(old, before.n_past_weeks)
    return dataclasses.replace(old, weights=weights, kpi=np.where(weights > 0, old.kpi, 0.0))


def _with_old_weeks(panel: Panel, before: Panel) -> Panel:
    """The panel with the figures of an earlier one in the weeks up to its last KPI."""
    last = before.n_past_weeks

    def joined(new: np.ndarray, old: np.ndarray) -> np.ndarray:
        return np.concatenate([old[:, :last], new[:, last:]], axis=1)

    found: dict[str, np.ndarray] = {
        name: joined(getattr(panel, name), getattr(before, name))
        for name in ("kpi", "weights", "present", "exposure", "control")
    }
    for name in _OPTIONAL:
        if getattr(panel, name) is not None and getattr(before, name) is not None:
            found[name] = joined(getattr(panel, name), getattr(before, name))
    return dataclasses.replace(panel, **found)  # type: ignore[arg-type]


def _figures(result: FitResult) -> pd.DataFrame:
    table = channel_figures(result)
    return table[table.index.get_level_values("figure").isin(_MOVED)]


def _split(
    moved: pd.DataFrame, neither: pd.DataFrame, new: pd.DataFrame, revised: pd.DataFrame
) -> dict[str, pd.Series]:
    """Parts of each change, which add up to it, from refits with neither, new weeks alone and revised figures alone."""
    base, by_new, by_revision = (table["estimate"].reindex(moved.index) for table in (neither, new, revised))
    parts = (by_new - base, by_revision - base, moved["after"] - by_new - by_revision + base, base - moved["before"])
    return dict(zip(CAUSES, parts, strict=True))
