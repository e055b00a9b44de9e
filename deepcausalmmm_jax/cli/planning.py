"""The commands that plan: `optimize` and `scenario`."""

import math
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from deepcausalmmm_jax.cli.columns import listed, stated_by_name
from deepcausalmmm_jax.cli.costs import Cost, costs_named
from deepcausalmmm_jax.cli.limits import read_limits
from deepcausalmmm_jax.cli.output import say, stoppable
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.io.atomic_write import refuse_unwritable, refuse_unwritable_file, written_together
from deepcausalmmm_jax.io.plain_numbers import plain_number

if TYPE_CHECKING:
    import pandas as pd

    from deepcausalmmm_jax.attribution.planned_frequency import Frequency
    from deepcausalmmm_jax.data.panel import Panel
    from deepcausalmmm_jax.planning.budget_plan import BudgetPlan
    from deepcausalmmm_jax.planning.scenario import Change
    from deepcausalmmm_jax.planning.usual_limit import Limit
    from deepcausalmmm_jax.results.fit_result import FitResult

_MOST_LIMITS = 10

AtFrequency = Annotated[
    list[str] | None,
    typer.Option(
        "--at-frequency",
        help="Contacts per person reached: tv=3, or best for all channels with reach and frequency. As they ran if not "
        "given; may be repeated.",
    ),
]


def optimize_command(
    run: Annotated[Path, typer.Argument(help="A fit's or a bootstrap's folder, or its .npz file.", metavar="RUN")],
    out: Annotated[Path, typer.Option(help="Folder for the plan.")],
    total: Annotated[
        float | None, typer.Option(help="Spend of the plan; today's if neither it nor a target is given.")
    ] = None,
    by: Annotated[
        str, typer.Option(help="Split: channel, channel_region, channel_week or channel_region_week.")
    ] = "channel",
    weeks: Annotated[int | None, typer.Option(help="Number of the last weeks to plan; all weeks if not given.")] = None,
    next_weeks: Annotated[
        int | None,
        typer.Option(help="Plan this many coming weeks instead, with last year's flighting, spend and prices."),
    ] = None,
    limit: Annotated[
        str,
        typer.Option(
            help="Share of today's spend by which the plan may move: 0.3 or 30% up and down, or none. auto: 0.3 where "
            "the total is fixed and no bounds are given. Bounds of a channel take its place."
        ),
    ] = "auto",
    bounds: Annotated[
        Path | None,
        typer.Option(help="CSV: channel, low, high, and optionally region and kind (absolute or relative)."),
    ] = None,
    bounds_per: Annotated[
        str, typer.Option(help="key: bounds hold for the sum of the cells of a row; cell: for each cell of the plan.")
    ] = "key",
    at_frequency: AtFrequency = None,
    fixed: Annotated[list[str] | None, typer.Option(help="Channel that keeps today's spend; may be repeated.")] = None,
    target_roi: Annotated[float | None, typer.Option(help="Plan the largest total whose ROI is at least this.")] = None,
    target_mroi: Annotated[
        float | None, typer.Option(help="Plan the largest total whose last unit returns at least this.")
    ] = None,
    target_kpi: Annotated[
        float | None, typer.Option(help="Plan the least total that reaches this many KPI units.")
    ] = None,
    objective: Annotated[str, typer.Option(help="mean, quantile, cvar or mean_variance over the refits.")] = "mean",
    risk: Annotated[
        float | None, typer.Option(help="The quantile, the share of worst outcomes, or the weight of the variance.")
    ] = None,
    method: Annotated[
        str, typer.Option(help="Solver: auto, SLSQP, trust-constr, differential_evolution, hybrid or projected.")
    ] = "auto",
    level: Annotated[float, typer.Option(help="Interval level (0.9 = 90%).")] = 0.9,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    cost: Cost = None,
) -> None:
    """Split a budget to maximise the outcome, and write the plan beside today's."""
    from deepcausalmmm_jax.planning.limits import Limits  # with JAX, which help does without
    from deepcausalmmm_jax.planning.optimize_budget import optimize_budget
    from deepcausalmmm_jax.planning.optimizer.search import Search
    from deepcausalmmm_jax.planning.targets import Targets

    result = loaded(run)
    absolute, relative = read_limits(bounds)
    frequency = frequency_named(at_frequency, result.panel.channels)
    costs = costs_named(cost, result.panel.channels)
    refuse_unwritable(out)
    with stoppable(f"Nothing was written to {out}; run the same command again."):
        plan = optimize_budget(
            result,
            by=by,  # type: ignore[arg-type]  # `optimize_budget` names the known ones
            weeks=weeks,
            next_weeks=next_weeks,
            limit=_limit(limit),
            frequency=frequency,
            cost=costs,
            limits=Limits(absolute, relative, bounds_per, fixed=fixed or ()),  # type: ignore[arg-type]
            targets=Targets(total, target_roi, target_mroi, target_kpi),
            search=Search(method, seed=seed),  # type: ignore[arg-type]
            objective=objective,  # type: ignore[arg-type]
            risk=risk,
            level=level,
        )
        with written_together(out) as folder:
            plan.save(folder)
            names = sorted(path.name for path in folder.iterdir())
    _print_plan(plan)
    say(f"\nWrote {', '.join(names[:-1])} and {names[-1]} to {out}{os.sep}")


def _limit(text: str) -> "Limit":
    """The limit as written: `auto`, `none`, or a share of today's spend, as a number or a percentage."""
    if text in ("auto", "none"):
        return "auto" if text == "auto" else None
    if text.endswith("%"):
        return text
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f"--limit must be a number such as 0.3 or 30%, auto or none, got {text!r}.") from None


def frequency_named(texts: list[str] | None, channels: Sequence[str]) -> "Frequency":
    """The frequency as written on the command line: `best`, `today`, or `channel=contacts`.

    Args:
        texts: as given; several may be joined by commas.
        channels: of the run.

    Raises:
        ConfigError: a text of another form, or a channel that is named twice.
    """
    parts = listed(texts or (), channels)
    if not parts or parts == ["today"]:
        return "today"
    if parts == ["best"]:
        return "best"
    wanted = "best, or a channel and its contacts such as tv=3"
    return stated_by_name("--at-frequency", wanted, parts, _contacts)


def _contacts(text: str) -> float | Literal["best"]:
    return "best" if text == "best" else float(text)


def _print_plan(plan: "BudgetPlan") -> None:
    say(f"{plan.period}; {plan.units.spend}; {plan.units.roi}.")
    say(f"{plan.method}: {plan.starts_at_best} of {len(plan.starts)} starts found the best plan.\n")
    wanted = ["spend_today", "roi_today", "mroi_today", "spend_plan", "roi_plan", "mroi_plan"]
    if plan.frequency:
        wanted += ["frequency_today", "frequency_plan"]
    say(as_shown(plan.channels[wanted]))
    ranged = [name for name in ("today", "plan", "change", "change_low", "change_high") if name in plan.summary]
    say(f"\n{as_shown(plan.summary[ranged])}")
    if len(plan.binding):
        say(f"\n{plan.on_the_limits}:")
        say(as_shown(plan.binding.set_index("limit").head(_MOST_LIMITS)))
    if not math.isnan(plan.chance_better):
        say(f"\nThe plan is better than today's spend in {plan.chance_better:.0%} of the draws.")
    if plan.notes:
        say("\n" + "\n".join(plan.notes))


def scenario_command(
    run: Annotated[Path, typer.Argument(help="A fit's or a bootstrap's folder, or its .npz file.", metavar="RUN")],
    out: Annotated[Path, typer.Option(help="CSV file to write.")],
    change: Annotated[
        list[str] | None,
        typer.Option(
            help="'tv*1.2' for 20% more, 'price=3.5' for a value, 'promo=baseline' for a treatment or event left out; "
            "may be repeated."
        ),
    ] = None,
    at_frequency: AtFrequency = None,
    region: Annotated[
        list[str] | None, typer.Option(help="Region that is changed; may be repeated; all if not given.")
    ] = None,
    first: Annotated[
        str | None, typer.Option(help="First week that is changed; with --at-frequency the first that is counted.")
    ] = None,
    last: Annotated[str | None, typer.Option(help="Last week that is changed, or counted.")] = None,
    level: Annotated[float, typer.Option(help="Interval level (0.9 = 90%).")] = 0.9,
    cost: Cost = None,
) -> None:
    """Predict the KPI with some exposure or controls changed."""
    from deepcausalmmm_jax.io.write_csv import write_csv
    from deepcausalmmm_jax.planning.scenario import scenario

    refuse_unwritable_file(out)
    result = loaded(run)
    frequency = frequency_named(at_frequency, result.panel.channels)
    if region and not change and frequency != "today":
        raise ConfigError("--at-frequency holds in all regions; leave out --region.")
    costs = costs_named(cost, result.panel.channels)
    weeks, asked = _span(result, first, last, only=frequency != "today")
    with stoppable(f"Nothing was written to {out}; run the same command again."):
        changes = [_change(text, region, weeks) for text in change or ()]
        table = scenario(result, changes, weeks=asked, frequency=frequency, cost=costs, level=level)
        write_csv(table.assign(label=table["label"].map(_day)), out, index=False)
    whole = table[table["by"] == "all"].drop(columns=["by", "label"]).iloc[0]
    say(as_shown(whole.to_frame(_everything(result.panel))))
    say(f"\nWrote {out}.")


def loaded(run: Path) -> "FitResult":
    """The ensemble in a folder if there is one, else the fit."""
    from deepcausalmmm_jax.planning.saved import result_file
    from deepcausalmmm_jax.results.read_result import load

    return load(result_file(run))


def _everything(panel: "Panel") -> str:
    """What the total of a scenario is over, in the steps of the panel."""
    return panel.cadence.worded("all weeks and regions", ())


def _change(text: str, regions: list[str] | None, weeks: tuple[object, object] | None) -> "Change":
    from deepcausalmmm_jax.planning.scenario import Change

    for mark in ("*", "="):
        name, found, number = text.rpartition(mark)  # a name may have either mark
        if found:
            try:
                value = number.strip() if mark == "=" and number.strip() == "baseline" else float(number)
            except ValueError:
                continue
            changed: dict[str, Any] = {"factor": value} if mark == "*" else {"to": value}
            return Change(name.strip(), regions=regions or None, weeks=weeks, **changed)
    raise ConfigError(f"--change must be like 'tv*1.2', 'price=3.5' or 'promo=baseline', got {text!r}.")


def _span(
    result: "FitResult", first: str | None, last: str | None, *, only: bool
) -> tuple[tuple[object, object] | None, tuple[int, int] | None]:
    """The weeks that are changed, and those of the scenario: planned ones too where the change reaches into them.

    Where `only` they are the scenario's: a frequency holds in all of its weeks.

    Raises:
        ConfigError: a week that the run does not have.
    """
    if first is None and last is None:
        return None, None
    from deepcausalmmm_jax.planning.what_if import step_at

    panel, past = result.panel, result.panel.n_past_weeks
    found = {}
    for option, label in (("--first", first), ("--last", last)):
        if label is None:
            continue
        found[option] = step_at(panel, label, f"{option} names")
        if found[option] < 0:
            ends = f"{panel.week_label(0)} to {panel.week_label(len(panel.weeks) - 1)}"
            raise ConfigError(
                f"{option} names {label!r}, which is not a {panel.cadence.unit} of the run; they are {ends}."
            )
    begin = found.get("--first", 0)
    end = found.get("--last", len(panel.weeks) - 1 if begin >= past else past - 1)
    if end < begin:
        raise ConfigError(f"--first {first} is after --last {last}; exchange them.")
    if only:
        return None, (begin, end + 1)
    return (panel.week_label(begin), panel.week_label(end)), (0, len(panel.weeks)) if end >= past else None


def _day(label: object) -> object:
    """A date without its time of day, as in the other tables; any other label as it is."""
    return label.date() if isinstance(label, datetime) else label


def as_shown(table: "pd.DataFrame") -> str:
    """A table as it is printed."""
    if table.index.nlevels == 1:
        table = table.rename_axis(index=None)
    return table.to_string(float_format=plain_number, na_rep="-")
