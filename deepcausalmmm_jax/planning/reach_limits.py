"""Nobody is reached who is not there: how much can be spent until everyone of a region is reached in some week."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.horizon import Horizon
from deepcausalmmm_jax.attribution.planned_frequency import contacts_and_people
from deepcausalmmm_jax.checks import amount
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.planning.cells import Cells
from deepcausalmmm_jax.planning.optimizer.polytope import Polytope

_AT = 1e-6  # share of a limit by which a plan may fall short of it and count as being there
_ROUNDING = 1e-9
_TOLD = 5  # cells named in notes


@dataclass(frozen=True, eq=False)
class ReachLimits:
    """The most that cells of a plan can spend until everyone of a region is reached.

    Attributes:
        horizon: weeks of the plan, at its frequency.
        cells: of the plan.
        frequency: `[region, plan week, channel]`, contacts per person.
        room: `[region, plan week, channel]`, spend of the cell with which everyone is reached; infinite without limit.
        most: `[cell]`, the least of it.
        lowered: cells whose lower end had to yield.
    """

    horizon: Horizon
    cells: Cells
    frequency: np.ndarray
    room: np.ndarray
    most: np.ndarray
    lowered: tuple[int, ...] = ()

    def notes(self, x: np.ndarray) -> tuple[str, ...]:
        """Sentences on the cells of a plan `[cell]` that spend as much as they can."""
        at = np.flatnonzero((x >= (1.0 - _AT) * self.most) & (self.most > 0)).tolist()
        cells = list(dict.fromkeys([*self.lowered, *at]))
        rest = (f"So it is for {len(cells) - _TOLD} more cells of the plan.",) if len(cells) > _TOLD else ()
        return (*(self.reason(cell) for cell in cells[:_TOLD]), *rest)

    def within(self, polytope: Polytope, yields: np.ndarray) -> tuple[Polytope, "ReachLimits"]:
        """Limits of a plan that these are among.

        Args:
            polytope: the other limits.
            yields: `[cell]`, whether its lower end is the usual one, which nobody stated, and so gives way.

        Raises:
            ConfigError: a stated lower end cannot be met.
        """
        short = polytope.low > self.most * (1.0 + _ROUNDING)
        if (short & ~yields).any():
            cell = int((short & ~yields).argmax())
            raise ConfigError(
                f"{self.reason(cell)} The limits ask for {amount(float(polytope.low[cell]))} at least; state a higher "
                "frequency, or let the limits go lower."
            )
        low = np.minimum(polytope.low, self.most)
        held = dataclasses.replace(polytope, low=low).with_box(high=self.most)
        return held, dataclasses.replace(self, lowered=tuple(np.flatnonzero(short).tolist()))

    def narrowing(self, high: np.ndarray) -> str:
        """Sentences on the cell that these keep furthest below its other upper end `[cell]`; empty for none.

        A cell without another upper end is compared with today's spend.
        """
        wanted = np.where(np.isfinite(high), high, self.cells.today)
        share = np.where(np.isfinite(self.most) & (wanted > 0), self.most / np.where(wanted > 0, wanted, 1.0), np.inf)
        cell = int(np.argmin(share))
        return f"{self.reason(cell)} At a higher frequency it could spend more." if share[cell] < 1.0 - _AT else ""

    def reason(self, cell: int) -> str:
        """Where everyone is reached first when a cell spends more, as a sentence."""
        own = self.cells.cell == cell
        region, week, channel = (int(at) for at in np.argwhere(own & (self.room <= self.most[cell]))[0])
        panel = self.horizon.panel
        return (
            f"{self.cells.names(self.horizon)[cell]} can spend {amount(float(self.most[cell]))} at most: with it, "
            f"everyone in {panel.regions[region]} in {panel.week_label(self.horizon.start + week)} is reached at "
            f"{self.frequency[region, week, channel]:.3g} contacts per person."
        )


def reach_limits(fit: FittedPanel, today: Horizon, horizon: Horizon, cells: Cells) -> ReachLimits | None:
    """How much cells can spend; None where reach or population are not known.

    Args:
        fit: the fit on its own panel.
        today: the weeks as they are without a plan.
        horizon: the same weeks at the frequency of the plan.
        cells: of the plan.
    """
    people = _people(today)
    if people is None:
        return None
    frequency = _frequency(fit, horizon)
    buys = cells.unit > 0
    room = np.maximum(people * frequency - cells.offset, 0.0) / np.where(buys, cells.unit, 1.0)
    room = np.where(buys, room, np.inf)
    most = np.full(len(cells) + 1, np.inf)
    np.minimum.at(most, cells.cell.ravel(), room.ravel())
    return ReachLimits(horizon, cells, frequency, room, most[:-1])


def refuse_more_than_everyone(fit: FittedPanel, today: Horizon, horizon: Horizon) -> None:
    """Refuse contacts that need more people than there are.

    Args:
        fit: the fit on its own panel.
        today: the weeks as they were.
        horizon: the same weeks with exposure and frequency as they would be.

    Raises:
        ConfigError: naming the channel, the region and the week that lack most.
    """
    people = _people(today)
    if people is None:
        return
    frequency = _frequency(fit, horizon)
    share = horizon.exposure / np.where(people > 0, people * frequency, 1.0)
    region, week, channel = (int(at) for at in np.unravel_index(np.argmax(share), share.shape))
    if share[region, week, channel] > 1.0 + _AT:
        panel, often = horizon.panel, float(frequency[region, week, channel])
        reached = float(horizon.exposure[region, week, channel]) / often
        raise ConfigError(
            f"At {often:.3g} contacts per person, {panel.channels[channel]} would reach {amount(reached)} people in "
            f"{panel.regions[region]} in {panel.week_label(horizon.start + week)}, where "
            f"{amount(float(people[region, week, channel]))} live; state a higher frequency, or change it by less."
        )


def _people(today: Horizon) -> np.ndarray | None:
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


def _frequency(fit: FittedPanel, horizon: Horizon) -> np.ndarray:
    """Contacts per person, `[region, plan week, channel]`: the region's usual ones where nobody is reached today."""
    panel, usual = horizon.panel, fit.scales.frequency
    assert panel.frequency is not None
    assert usual is not None
    often = np.nan_to_num(panel.frequency[:, horizon.start : horizon.stop])
    return np.asarray(np.where(often > 0, often, np.nan_to_num(usual, nan=1.0)[:, None]))
