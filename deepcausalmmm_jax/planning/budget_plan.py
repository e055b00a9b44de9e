"""BudgetPlan: an allocation beside today's, their outcomes, and the binding limits; `compare` for several plans."""

import dataclasses
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import pandas as pd

from deepcausalmmm_jax.attribution.units import Units
from deepcausalmmm_jax.checks import shown
from deepcausalmmm_jax.errors import ConfigError, DataWarning, OutputError
from deepcausalmmm_jax.io.html_tables import html_tables
from deepcausalmmm_jax.io.output_path import output_path
from deepcausalmmm_jax.planning.limit_files import limits_from, plain
from deepcausalmmm_jax.planning.limits import Limits
from deepcausalmmm_jax.planning.plan_files import TABLES, read_plan, write_plan

if TYPE_CHECKING:
    import plotly.graph_objects as go

_FIGURES = ("total", "split", "objective", "method", "chance_better", "shadow_price", "level", "period")
# Figures that plans saved before lack.
_LATER = (
    "shadow_price_low", "shadow_price_high", "last_unit", "margin", "weeks", "next_weeks", "frequency", "maximised",
    "from_refits", "cost",
)  # fmt: skip
_ROUNDING = 1e-3  # of a return: a plan up to where the last unit pays for itself ends within it
_NO_GAIN = 1e-9  # share of today's spend: sums of the same spend differ by less, and so does what they earn


@dataclass(frozen=True, eq=False)
class BudgetPlan:
    """What `optimize_budget` returns.

    Attributes:
        table: a row per cell of the plan: channel, and region and time where the plan is split by them; `spend_today`,
            `spend_plan`, `change`, `change_pct`, `exposure_today`, `exposure_plan`, `extrapolation` (more exposure than
            in any week of training); `frequency_today` and `frequency_plan`, contacts per person reached, where a
            channel has reach and frequency.
        channels: by channel: spend, incremental outcome, ROI, marginal ROI (of 1% more spend), today and as planned,
            and the same frequencies; a channel's counterfactual is that of `media_summary`, under a log link that of
            `effects`: the channel alone off the air, which is more than its part of all media.
        summary: by figure: `today`, `plan` and `change` of spend, incremental outcome, revenue, ROI, marginal ROI (of
            1% more of all spend), CPIK, profit.
        binding: limits that bind, with their shadow prices.
        starts: by start of the solver: its value as a share of the best, and whether it found the best plan.
        draws: by refit: outcome of today's spend and of the plan, KPI or revenue as maximised; empty without refits.
        total: spend of the plan.
        split: what the budget was split over.
        objective: what was maximised.
        method: name of the solver.
        chance_better: share of the refits in which the plan gains over today's spend, counted as in `gain_interval`;
            missing without refits.
        shadow_price: of the total: what one more unit of it adds to the objective.
        level: of the intervals.
        period: the weeks that are planned, in words.
        units: of spend, outcome, revenue and ROI.
        notes: assumptions that were made, and what stayed as it was.
        limits: what the plan keeps to, the usual limit included; None for a plan that was saved without them.
        shadow_price_low: lower end of the interval of `last_unit`; missing without refits.
        shadow_price_high: its upper end.
        last_unit: what the last unit of the total brings by the estimate, revenue where it is known and KPI units
            elsewhere, whatever is maximised; missing for a plan that was saved without it.
        margin: profit as a share of revenue; None where none was given.
        weeks: of the panel that are planned, as `optimize_budget` takes them; `panel` where they are in a panel of
            their own, and missing for a plan that was saved without them.
        next_weeks: number of coming weeks that are planned; None where `weeks` gives them.
        frequency: contacts per person reached that were stated for the plan, or the best ones, by channel; those that
            stay as they ran are left out.
        maximised: figure of the objective, `kpi` or `revenue`, and so the unit of shadow prices; `unknown` for a plan
            that was saved without it.
        from_refits: whether intervals are those of refits, which do not show how far the curves may be off.
        cost: currency per exposure unit, by channel, that the plan was given for channels without spend.
    """

    table: pd.DataFrame
    channels: pd.DataFrame
    summary: pd.DataFrame
    binding: pd.DataFrame
    starts: pd.DataFrame
    draws: pd.DataFrame
    total: float
    split: str
    objective: str
    method: str
    chance_better: float
    shadow_price: float
    level: float
    period: str
    units: Units
    notes: tuple[str, ...]
    limits: Limits | None = None
    shadow_price_low: float = float("nan")
    shadow_price_high: float = float("nan")
    last_unit: float = float("nan")
    margin: float | None = None
    weeks: int | tuple[int, int] | Literal["panel", "unknown"] | None = "unknown"
    next_weeks: int | None = None
    frequency: Mapping[str, float] = dataclasses.field(default_factory=dict)
    maximised: Literal["kpi", "revenue", "unknown"] = "unknown"
    from_refits: bool = False
    cost: Mapping[str, float] = dataclasses.field(default_factory=dict)

    def __repr__(self) -> str:
        roi = self.summary.loc["roi"]
        return (
            f"BudgetPlan({self.total:,.6g} by {self.split}, {self.objective}, ROI {roi['today']:.3g} today and "
            f"{roi['plan']:.3g} as planned; {self.starts_at_best} of {len(self.starts)} starts found the best)"
        )

    def _repr_html_(self) -> str:
        wanted = ("spend_today", "roi_today", "mroi_today", "spend_plan", "roi_plan", "mroi_plan")
        columns = [name for name in wanted if name in self.channels]
        ends = [name for name in ("today", "plan", "change", "change_low", "change_high") if name in self.summary]
        tables = {"Channels": self.channels[columns], "All media": self.summary[ends]}
        return html_tables(tables, "Budget plan", " ".join([f"{self.period}; {self.units.roi}.", *self.notes]))

    @property
    def gain_interval(self) -> tuple[float, float] | None:
        """Interval of the plan's gain over today's spend, at `level`; None without draws.

        The gain is profit where a margin was given; else revenue where that is known, less spend where that is in
        currency too; else KPI units. An end within rounding of the same spend is 0: a plan that leaves everything as it
        is neither gains nor loses.
        """
        for figure in ("profit", "revenue", "incremental_outcome"):
            if figure in self.summary.index and "change_low" in self.summary:
                costs = figure == "revenue" and self.units.in_currency  # a plan of exposure units costs no money
                paid = float(self.summary["change"].loc["spend"]) if costs else 0.0
                low, high = (float(self.summary[end].loc[figure]) - paid for end in ("change_low", "change_high"))
                unit = figure if figure == "incremental_outcome" else "spend"
                nothing = _NO_GAIN * abs(float(self.summary["today"].loc[unit]))
                low, high = (0.0 if abs(end) <= nothing else end for end in (low, high))
                return None if pd.isna(low) or pd.isna(high) else (low, high)
        return None

    @property
    def gain_in_money(self) -> bool:
        """Whether `gain_interval` is in currency; else it is in KPI units."""
        return bool({"profit", "revenue"} & set(self.summary.index))

    @property
    def advised(self) -> bool:
        """Whether the whole interval of the gain is above zero; False where there is none."""
        gain = self.gain_interval
        return gain is not None and gain[0] > 0

    @property
    def doubt(self) -> str:
        """Why the plan is not advised, one sentence; empty where it is."""
        gain = self.gain_interval
        if self.advised:
            return ""
        if gain is None:
            return "Without draws the plan's gain has no interval, so it is unknown whether it is more than chance."
        what, where = ("A loss", "lies below zero") if gain[1] < 0 else ("No reliable gain", "contains zero")
        return (
            f"{what}: the {self.level:.0%} interval of the plan's gain over today's spend {where}, so the plan is "
            "not advised."
        )

    @property
    def on_the_limits(self) -> str:
        """Heading of `binding`: what its shadow prices are of."""
        what = {"kpi": "incremental outcome", "revenue": "revenue"}.get(self.maximised, "outcome")
        over = {"mean": f"mean {what} over the draws"}.get(self.objective, f"{self.objective} of the {what}")
        return f"Active limits, and what raising each by one unit adds to the {over if len(self.draws) else what}"

    @property
    def on_the_total(self) -> str:
        """Whether the last unit of the total earns less than it costs, one sentence; empty where it does not.

        Empty too where spend or revenue is not known in currency.
        """
        if not (self.units.in_currency and "revenue" in self.summary.index):
            return ""
        share = 1.0 if self.margin is None else self.margin
        last = self.shadow_price if pd.isna(self.last_unit) else self.last_unit
        if not share * last < 1.0 - _ROUNDING:
            return ""
        of = "" if self.margin is None else f" of revenue, at a margin of {100 * self.margin:.3g}%"
        if pd.isna(self.shadow_price_high) or self.from_refits:
            unsure = "refits do not show" if self.from_refits else "without draws it is unknown"
            return (
                "The total may be too large: its last unit of spend is estimated to return "
                f"{last:.3g}{of}, less than it costs; {unsure} how certain that is."
            )
        between = f"{self.shadow_price_low:.3g} to {self.shadow_price_high:.3g}"
        if share * self.shadow_price_high >= 1.0:
            return (
                f"The total may be too large: its last unit of spend is estimated to return {last:.3g}"
                f"{of}, less than it costs, though its {self.level:.0%} range, {between}, leaves that open."
            )
        return (
            f"Reduce the total: its last unit of spend returns {last:.3g}{of}"
            f" ({self.level:.0%} range: {between}), less than it costs."
        )

    def with_advice(self) -> Self:
        """The plan with a note where it is not advised, and one where its total is too large."""
        told = tuple(note for note in (self.doubt, self.on_the_total) if note)
        return dataclasses.replace(self, notes=(*self.notes, *told)) if told else self

    @property
    def starts_at_best(self) -> int:
        """Number of starts that ended within 0.01% of the best plan."""
        return int(self.starts["best"].sum())

    def plot(self) -> "go.Figure":
        """Spend by channel, today and as planned, as a plotly figure."""
        from deepcausalmmm_jax.plots.budget import plan_against_history  # plotly is loaded only when something is drawn

        return plan_against_history(self.channels, self.units.spend)

    def save(self, folder: str | Path) -> Path:
        """Write every table as CSV and the rest as `plan.json`, all together or none; `load` reads them.

        Raises:
            OutputError: the folder cannot be written.
        """
        rest = {name: getattr(self, name) for name in (*_FIGURES, *_LATER)}
        rest |= {"units": self.units._asdict(), "notes": list(self.notes), "frequency": dict(self.frequency)}
        rest["cost"] = dict(self.cost)
        if self.limits is not None:
            rest["limits"] = plain(self.limits)
        place = output_path(folder)
        write_plan(place, {name: getattr(self, name) for name in TABLES}, rest)
        return place

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read what `save` wrote.

        Raises:
            OutputError: there is no such plan, it is damaged, or one of its files was changed after it was saved.
        """
        if not isinstance(folder, str | PathLike):
            raise OutputError(f"BudgetPlan.load needs the path of a folder, got {shown(folder)}.")
        tables, rest = read_plan(Path(folder))
        try:
            fields: dict[str, Any] = {**tables, **{name: rest[name] for name in _FIGURES}}
            fields["limits"] = limits_from(rest["limits"]) if "limits" in rest else None
            return cls(**fields, **_later(rest), units=Units(**rest["units"]), notes=tuple(rest["notes"]))
        except (KeyError, TypeError):
            raise OutputError(f"{folder} holds no saved plan.") from None


def _later(rest: Mapping[str, Any]) -> dict[str, Any]:
    """Figures that plans saved before do not have; JSON has null for what is missing and a list for a pair."""
    found = {name: rest[name] for name in _LATER if name in rest}
    for name in ("frequency", "cost"):
        if not isinstance(found.get(name, {}), dict):
            raise TypeError(f"{name} is not a table by channel")
    for name in ("margin", "weeks", "next_weeks"):
        value = found.get(name)
        if isinstance(value, float) and pd.isna(value):
            found[name] = None
        elif isinstance(value, list):
            found[name] = tuple(value)
    return found


def compare(plans: Mapping[str, BudgetPlan]) -> pd.DataFrame:
    """Plans side by side, one row each.

    A `DataWarning` names periods that differ: amounts are then of different weeks.

    Args:
        plans: by name.

    Returns:
        One row per plan: the `period` that it is for; `spend`, `incremental_outcome`, `revenue`, `roi`, `cpik` (and
        `profit`) with intervals where there are refits, `change` of the incremental outcome against today's,
        `chance_better`, `shadow_price`, and the spend of each channel as `spend: <channel>`.

    Raises:
        ConfigError: no plan is given, or what is none.
    """
    if not isinstance(plans, Mapping) or not all(isinstance(plan, BudgetPlan) for plan in plans.values()):
        raise ConfigError('compare needs plans by name, such as {"today": plan, "more": other}.')
    if not plans:
        raise ConfigError("There is no plan to compare; pass one or more by name.")
    if len({plan.period for plan in plans.values()}) > 1:
        periods = "; ".join(f"{name}: {plan.period}" for name, plan in plans.items())
        sentence = f"The plans are for different periods, so that only their returns compare, no amounts ({periods})."
        warnings.warn(DataWarning(sentence), stacklevel=2)
    rows = {}
    for name, plan in plans.items():
        row: dict[str, str | float] = {"period": plan.period}
        for figure, values in plan.summary.iterrows():
            row[str(figure)] = float(values["plan"])
            for end in ("low", "high"):
                if f"plan_{end}" in values and figure != "spend":
                    row[f"{figure}_{end}"] = float(values[f"plan_{end}"])
        row["change"] = float(plan.summary["change"].loc["incremental_outcome"])
        row |= {"chance_better": plan.chance_better, "shadow_price": plan.shadow_price}
        row |= {f"spend: {channel}": float(spend) for channel, spend in plan.channels["spend_plan"].items()}
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("plan")
