"""Reach and frequency: what a contact brings by the number of contacts a person has, and where it brings most."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.intervals import interval, require_level
from deepcausalmmm_jax.axes import CHANNEL, Variables
from deepcausalmmm_jax.data.people_reached import reach_from
from deepcausalmmm_jax.data.reach import frequencies_seen
from deepcausalmmm_jax.ops.bijectors import to_above, to_positive
from deepcausalmmm_jax.ops.frequency import best_frequency, effect_per_contact

_LAST_YEAR = 52  # weeks
_POINTS = 61


class FrequencyCurves(NamedTuple):
    """Curves of the channels with reach and frequency, the estimate first where there are draws of them too."""

    slope: np.ndarray  # [set, channel]
    half_frequency: np.ndarray  # [set, channel], contacts

    @property
    def best(self) -> np.ndarray:
        """Contacts per person reached at which a contact brings most, `[set, channel]`."""
        return np.asarray(best_frequency(jnp.asarray(self.slope), jnp.asarray(self.half_frequency)), np.float64)

    def effect(self, frequency: np.ndarray, channel: int) -> np.ndarray:
        """Effect of a contact of one channel up to a factor of the set, `[set, ...]`, at frequencies `[...]`."""
        slope, half = self.slope[:, channel], self.half_frequency[:, channel]
        often = np.broadcast_to(frequency.ravel()[:, None], (frequency.size, len(slope)))
        one = jnp.ones(len(slope))
        found = effect_per_contact(jnp.asarray(often), jnp.asarray(slope), jnp.asarray(half), one)
        return np.asarray(found, np.float64).T.reshape(len(slope), *frequency.shape)


def frequency_table(fit: FittedPanel, members: Variables | None, level: float, media: pd.DataFrame) -> pd.DataFrame:
    """Frequency of each channel with reach and frequency, and the one at which a contact brings most.

    More frequency for the same contacts means fewer people: the table compares frequencies at the same number of
    contacts, that is at the same spend where contacts have one price.

    Args:
        fit: the fit on its own panel.
        members: sets of variables with a leading axis, for intervals; None without.
        level: of the intervals.
        media: by channel, as `media_summary` gives it.

    Returns:
        By channel:
        - `frequency`: contacts per person reached in a week, over the last year with a KPI;
        - `best`: the frequency at which a contact brings most, the median over the members where there are any; 1 where
          the first contact brings most;
        - `gain`: by what share the effect would be larger, had all contacts come at `best`, the median over the members
          where there are any; a plan at that frequency states the gain of the estimate;
        - `roi`, `roi_best`, `effectiveness`, `effectiveness_best`: as in the media summary, and with that gain; not
          known under a log link, where `gain` is of the effect on the log of the KPI;
        - `seen_low`, `seen_high`: between which frequencies the middle nine tenths of the contacts came;
        - `outside_seen`: whether `best` lies outside of these, so that it rests on the form of the curve.
        With `best_low`, `best_high`, `gain_low` and `gain_high` where there are members. Empty without such channels.

    Raises:
        ConfigError: a level that is not between 0 and 1.
    """
    require_level(level)
    at = np.flatnonzero(fit.panel.has_reach)
    curves, rows = curves_of(fit, members), []
    for k, m in enumerate(at):
        best = curves.best[:, k]
        best_now = float(np.median(best[1:])) if len(best) > 1 else float(best[0])
        gain = _gain(fit, curves, k, int(m), best_now)
        row = {"frequency": _last_year(fit, int(m)), "best": best_now}
        if members is not None:
            row["best_low"], row["best_high"] = interval(best[1:], level)
        row["gain"] = float(np.median(gain[1:])) if len(gain) > 1 else float(gain[0])
        if members is not None:
            row["gain_low"], row["gain_high"] = interval(gain[1:], level)
        for name in ("roi", "effectiveness"):
            now = float(media[name].iloc[m])
            # Under a log link the gain is one of the effect on the log, and what it earns depends on all other effects.
            row[name], row[f"{name}_best"] = now, np.nan if fit.has_log_link else now * (1.0 + row["gain"])
        row["seen_low"], row["seen_high"] = frequencies_seen(fit.panel, int(m))
        row["outside_seen"] = not row["seen_low"] <= best_now <= row["seen_high"]
        rows.append(row)
    names = pd.Index([fit.panel.channels[m] for m in at], name=CHANNEL, dtype=object)
    return pd.DataFrame(rows, index=names, columns=None if rows else _columns(members is not None))


def frequency_curves(fit: FittedPanel, members: Variables | None, level: float) -> pd.DataFrame:
    """Effect of a contact against frequency, for a figure.

    Args:
        fit: the fit on its own panel.
        members: sets of variables with a leading axis, for the band; None without.
        level: of the band.

    Returns:
        Rows `channel`, `frequency` and `effect`, 1 at the frequency of the last year; with `effect_low` and
        `effect_high` where there are members.

    Raises:
        ConfigError: a level that is not between 0 and 1.
    """
    require_level(level)
    curves, frames = curves_of(fit, members), []
    for k, m in enumerate(np.flatnonzero(fit.panel.has_reach)):
        today, (_, high) = _last_year(fit, int(m)), frequencies_seen(fit.panel, int(m))
        grid = np.linspace(1.0, max(1.5 * high, 1.2 * float(np.median(curves.best[:, k])), 3.0), _POINTS)
        effect = curves.effect(grid, k) / curves.effect(np.array([today]), k)
        columns: dict[str, object] = {CHANNEL: fit.panel.channels[m], "frequency": grid, "effect": effect[0]}
        if members is not None:
            columns["effect_low"], columns["effect_high"] = interval(effect[1:], level)
        frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=[CHANNEL, "frequency", "effect"])


def curves_of(fit: FittedPanel, members: Variables | None) -> FrequencyCurves:
    """Curves of the channels with reach and frequency: the estimate, then those of the members."""
    at, found = np.flatnonzero(fit.panel.has_reach), []
    if not len(at):
        return FrequencyCurves(np.zeros((1, 0)), np.zeros((1, 0)))
    for name, in_units in (("slope", lambda a: to_above(a, fit.config.min_slope)), ("half_frequency", to_positive)):
        own = [np.asarray(fit.variables["params"]["media"][name])[None]]
        if members is not None:
            own.append(np.asarray(members["params"]["media"][name]))
        found.append(np.asarray(in_units(jnp.asarray(np.concatenate(own)[:, at])), np.float64))
    return FrequencyCurves(*found)


def _gain(fit: FittedPanel, curves: FrequencyCurves, k: int, channel: int, best: float) -> np.ndarray:
    """By what share contacts at one frequency bring more than they did, `[set]`."""
    panel = fit.panel
    assert panel.frequency is not None
    there = panel.past & (panel.frequency[:, :, channel] > 0)
    size = panel.exposure[:, :, channel] * (fit.scales.kpi / fit.scales.exposure[:, channel])[:, None]
    often, weight = panel.frequency[:, :, channel][there], size[there]
    brought = curves.effect(often, k) @ weight / weight.sum()
    return np.asarray(curves.effect(np.array([best]), k)[:, 0] / brought - 1.0)


def _last_year(fit: FittedPanel, channel: int) -> float:
    """Contacts per person reached over the last year with a KPI in which anybody was reached."""
    panel = fit.panel
    assert panel.frequency is not None
    stop = panel.n_past_weeks
    for start in (max(0, stop - panel.cadence.steps(_LAST_YEAR)), 0):
        contacts = np.where(panel.frequency[:, start:stop, channel] > 0, panel.exposure[:, start:stop, channel], 0.0)
        people = reach_from(contacts, panel.frequency[:, start:stop, channel]).sum()
        if people > 0:
            return float(contacts.sum() / people)
    return np.nan


def _columns(has_members: bool) -> list[str]:
    bands = {"best": ["best_low", "best_high"], "gain": ["gain_low", "gain_high"]} if has_members else {}
    returns = ("roi", "roi_best", "effectiveness", "effectiveness_best")
    names = ("frequency", "best", "gain", *returns, "seen_low", "seen_high", "outside_seen")
    return [part for name in names for part in (name, *bands.get(name, []))]
