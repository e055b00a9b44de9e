"""Nobody is reached who is not there: how many people contacts can reach, and how far exposure can grow until then."""

import numpy as np

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.horizon import Horizon
from deepcausalmmm_jax.attribution.planned_frequency import contacts_and_people
from deepcausalmmm_jax.checks import amount
from deepcausalmmm_jax.errors import ConfigError

AT_LIMIT = 1e-6  # share of a limit by which a plan may fall short of it and count as being there


def people_reachable(today: Horizon) -> np.ndarray | None:
    """How many people can be reached, `[region, plan week, channel]`, infinite without reach; None without population.

    National reach is divided among regions by the weights of national channels, and so is the population of all.
    Reach that is above the population as it ran, by rounding, stays possible.
    """
    panel = today.panel
    if panel.population is None or panel.frequency is None:
        return None
    people = np.where(panel.has_reach, panel.population[:, None], np.inf)
    if panel.national_weights is not None:
        shared = panel.national_weights * panel.population.sum()
        nationwide = np.isin(panel.channels, panel.national) & np.array(panel.has_reach)
        people = np.where(nationwide, shared[:, None], people)
    return np.asarray(np.maximum(people[:, None], contacts_and_people(today, today.exposure)[1]))


def frequency_planned(fit: FittedPanel, horizon: Horizon) -> np.ndarray:
    """Contacts per person, `[region, plan week, channel]`: the region's usual ones where nobody is reached today."""
    panel, usual = horizon.panel, fit.scales.frequency
    assert panel.frequency is not None
    assert usual is not None
    often = np.nan_to_num(panel.frequency[:, horizon.start : horizon.stop])
    return np.asarray(np.where(often > 0, often, np.nan_to_num(usual, nan=1.0)[:, None]))


def refuse_more_than_everyone(fit: FittedPanel, today: Horizon, horizon: Horizon) -> None:
    """Refuse contacts that need more people than there are.

    Args:
        fit: the fit on its own panel.
        today: the weeks as they were.
        horizon: the same weeks with exposure and frequency as they would be.

    Raises:
        ConfigError: naming the channel, the region and the week that lack most.
    """
    people = people_reachable(today)
    if people is None:
        return
    frequency = frequency_planned(fit, horizon)
    share = horizon.exposure / np.where(people > 0, people * frequency, 1.0)
    region, week, channel = (int(at) for at in np.unravel_index(np.argmax(share), share.shape))
    if share[region, week, channel] > 1.0 + AT_LIMIT:
        panel, often = horizon.panel, float(frequency[region, week, channel])
        reached = float(horizon.exposure[region, week, channel]) / often
        raise ConfigError(
            f"At {often:.3g} contacts per person, {panel.channels[channel]} would reach {amount(reached)} people in "
            f"{panel.regions[region]} in {panel.week_label(horizon.start + week)}, where "
            f"{amount(float(people[region, week, channel]))} live; state a higher frequency, or change it by less."
        )


def most_multiple(fit: FittedPanel, today: Horizon, horizon: Horizon) -> np.ndarray:
    """Multiple of exposure at which everyone of a region is reached in some week, `[region, channel]`.

    Infinite where reach or population are not known, or nothing is on air.

    Args:
        fit: the fit on its own panel.
        today: the weeks as they were.
        horizon: the same weeks at the frequency of the plan.
    """
    people, exposure = people_reachable(today), horizon.exposure
    if people is None:
        return np.full((exposure.shape[0], exposure.shape[2]), np.inf)
    room = people * frequency_planned(fit, horizon) / np.where(exposure > 0, exposure, 1.0)
    return np.asarray(np.where(exposure > 0, room, np.inf).min(axis=1))
