"""How much cells of a plan can spend until everyone of a region is reached in some week."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.horizon import Horizon
from deepcausalmmm_jax.attribution.reachable import AT_LIMIT, frequency_planned, people_reachable
from deepcausalmmm_jax.checks import amount
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.planning.cells import Cells
from deepcausalmmm_jax.planning.optimizer.polytope import Polytope

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
        at = np.flatnonzero((x >= (1.0 - AT_LIMIT) * self.most) & (self.most > 0)).tolist()
        cells = list(dict.fromkeys([*self.lowered, *at]))
        more = len(cells) - _TOLD
        rest = (f"The same applies to {more} more cell{'s' * (more > 1)} of the plan.",) if more > 0 else ()
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
                "frequency, or lower the limits."
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
        return f"{self.reason(cell)} At a higher frequency it could spend more." if share[cell] < 1.0 - AT_LIMIT else ""

    def reason(self, cell: int) -> str:
        """Where everyone is reached first when a cell spends more, as a sentence."""
        own = self.cells.cell == cell
        region, week, channel = (int(at) for at in np.argwhere(own & (self.room <= self.most[cell]))[0])
        panel = self.horizon.panel
        return (
            f"{self.cells.names(self.horizon)[cell]} can spend {amount(float(self.most[cell]))} at most: at that "
            f"spend, everyone in {panel.regions[region]} in {panel.week_label(self.horizon.start + week)} is reached "
            f"at {self.frequency[region, week, channel]:.3g} contacts per person."
        )


def reach_limits(fit: FittedPanel, today: Horizon, horizon: Horizon, cells: Cells) -> ReachLimits | None:
    """How much cells can spend; None where reach or population are not known.

    Args:
        fit: the fit on its own panel.
        today: the weeks as they are without a plan.
        horizon: the same weeks at the frequency of the plan.
        cells: of the plan.
    """
    people = people_reachable(today)
    if people is None:
        return None
    frequency = frequency_planned(fit, horizon)
    buys = cells.unit > 0
    room = np.maximum(people * frequency - cells.offset, 0.0) / np.where(buys, cells.unit, 1.0)
    room = np.where(buys, room, np.inf)
    most = np.full(len(cells) + 1, np.inf)
    np.minimum.at(most, cells.cell.ravel(), room.ravel())
    return ReachLimits(horizon, cells, frequency, room, most[:-1])
