"""Contacts per person reached, as the model reads them."""

from typing import Generic, NamedTuple

import numpy as np

from deepcausalmmm_jax.axes import ArrayT
from deepcausalmmm_jax.config.curves import CurveKinds
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.people_reached import reach_from

_SEEN = (0.05, 0.95)  # of the contacts, by the frequency that they came at


class Contacts(NamedTuple, Generic[ArrayT]):
    """Contacts per person reached; 1 throughout for channels without reach, which do not read them."""

    each: ArrayT  # [region, week, channel], 1 or more; the region's usual ones where nobody is reached
    usual: ArrayT  # [channel], those of the typical region over the training weeks


def usual_frequency(panel: Panel, n_training_weeks: int) -> np.ndarray | None:
    """Contacts per person reached over the training weeks, `[region, channel]`, NaN for channels without reach.

    A region that reaches nobody has those of the typical region. None where no channel has reach.

    Args:
        panel: the panel.
        n_training_weeks: weeks up to the last one learned from.
    """
    if panel.frequency is None:
        return None
    often = panel.frequency[:, :n_training_weeks]
    known, exposure = often > 0, panel.exposure[:, :n_training_weeks]
    contacts = np.where(known, exposure, 0.0).sum(axis=1)
    reach = reach_from(exposure, np.where(known, often, 0.0)).sum(axis=1)
    usual = np.where(reach > 0, contacts / np.where(reach > 0, reach, 1.0), np.nan)
    there = ~np.isnan(usual)
    logs = np.where(there, np.log(np.where(there, usual, 1.0)), 0.0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    return np.where(panel.has_reach, np.where(there, usual, np.exp(logs)), np.nan)


def frequencies_seen(panel: Panel, channel: int) -> tuple[float, float]:
    """Between which frequencies the middle nine tenths of the contacts of a channel with reach came; NaN without any.

    Args:
        panel: the panel; weeks after the last KPI do not count.
        channel: its position.
    """
    assert panel.frequency is not None
    often, contacts = (array[:, :, channel][panel.past] for array in (panel.frequency, panel.exposure))
    there = (often > 0) & (contacts > 0)
    if not there.any():
        return np.nan, np.nan
    order = np.argsort(often[there])
    share = np.cumsum(contacts[there][order]) / contacts[there].sum()
    last = len(order) - 1
    low, high = (float(often[there][order][min(np.searchsorted(share, at), last)]) for at in _SEEN)
    return low, high


def contacts_from(panel: Panel, usual: np.ndarray | None) -> Contacts[np.ndarray] | None:
    """Contacts of a panel's weeks.

    Args:
        panel: the panel.
        usual: `[region, channel]`, see `usual_frequency`.
    """
    if panel.frequency is None or usual is None:
        return None
    has = np.array(panel.has_reach)
    own = np.where(has, usual, 1.0)
    each = np.where(has & (panel.frequency > 0), panel.frequency, own[:, None])
    return Contacts(each, np.exp(np.log(own).mean(axis=0)))


def curve_kinds(panel: Panel, config: Config) -> CurveKinds:
    """Kinds of the curves of a panel's channels.

    Raises:
        ConfigError: curves or priors of a channel that the panel does not have, or that do not go with reach and
            frequency.
    """
    kinds = config.curve_kinds(panel.channels, panel.cadence.lags(config.max_lag), panel.cadence.weeks)
    if panel.frequency is None:
        return kinds
    return kinds.reached(panel.channels, panel.has_reach, config.curves, config.priors)
