"""The command that plans tests: `plan-experiments`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepcausalmmm_jax.cli.output import say, stoppable
from deepcausalmmm_jax.cli.planning import loaded
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.io.atomic_write import refuse_unwritable, written_together

if TYPE_CHECKING:
    from deepcausalmmm_jax.planning.experiments.experiment_plan import ExperimentPlan

_SHOWN = 8  # candidates printed
_COLUMNS = [
    "channel", "spend_change", "n_regions", "weeks", "power", "narrowing_pct", "cost", "value_of_information",
    "net_value",
]  # fmt: skip


def plan_experiments_command(
    run: Annotated[Path, typer.Argument(help="A bootstrap's folder, or an .npz file with draws.", metavar="RUN")],
    out: Annotated[Path, typer.Option(help="Folder for experiments.csv, matches.csv and pre_period.csv.")],
    plan: Annotated[
        Path | None, typer.Option(help="Folder of a plan written by optimize, from whose spend the tests start.")
    ] = None,
    channel: Annotated[
        list[str] | None, typer.Option(help="Channel to test; may be repeated; all with spend if not given.")
    ] = None,
    region: Annotated[
        list[str] | None, typer.Option(help="Region under test; may be repeated; chosen by their match if not given.")
    ] = None,
    weeks: Annotated[
        list[int] | None, typer.Option(help="Length of a test, in steps; may be repeated. [default: 4 and 8 weeks]")
    ] = None,
    change: Annotated[
        list[float] | None,
        typer.Option(help="Change of spend, -1 for off the air; may be repeated. [default: -1, -0.5, 0.5 and 1]"),
    ] = None,
    effect: Annotated[
        float | None, typer.Option(help="ROI for which the power is stated; what the model expects if not given.")
    ] = None,
    horizon: Annotated[
        int | None, typer.Option(help="Steps for which the budget plan is used after the test; a year if not given.")
    ] = None,
    margin: Annotated[float | None, typer.Option(help="Profit as a share of revenue (0.35 = 35%).")] = None,
    level: Annotated[float, typer.Option(help="Interval level (0.9 = 90%), and 1 - level of the test.")] = 0.9,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
) -> None:
    """Say which test to run next: what it would add to the budget plan, and what it costs."""
    from deepcausalmmm_jax.io.write_csv import write_csv
    from deepcausalmmm_jax.planning.budget_plan import BudgetPlan  # with JAX, which help does without
    from deepcausalmmm_jax.planning.experiments.plan_experiments import plan_experiments
    from deepcausalmmm_jax.planning.experiments.request import requested
    from deepcausalmmm_jax.results.ensemble import Ensemble

    result = loaded(run)
    asked: dict[str, Any] = {
        "channels": channel or None,
        "weeks": weeks or None,
        "changes": change or (-1.0, -0.5, 0.5, 1.0),
        "effect": effect,
        "horizon": horizon,
        "margin": margin,
        "level": level,
        "seed": seed,
    }
    requested(result, **asked)
    if not isinstance(result, Ensemble):
        raise ConfigError(
            f"{run} holds a fit without draws; run deepcausalmmm-jax bootstrap on it first, and give the folder that "
            "it writes."
        )
    refuse_unwritable(out)
    with stoppable(f"Nothing was written to {out}; run the same command again."):
        found = plan_experiments(
            result,
            None if plan is None else BudgetPlan.load(plan),
            regions=[region] if region else None,
            **asked,
        )
        with written_together(out) as folder:
            found.to_csv(folder / "experiments.csv")
            write_csv(found.matches(), folder / "matches.csv", index=False)
            write_csv(found.pre_period(), folder / "pre_period.csv", index=False)
    _print(found)
    say(f"\nWrote experiments.csv, and matches.csv and pre_period.csv of the best candidate, to {out}{os.sep}")


def _print(found: "ExperimentPlan") -> None:
    best = found.best
    count = len(found.table)
    shown = f"; the best {_SHOWN}" if count > _SHOWN else ""
    say(f"{count} candidate{'s' * (count > 1)}, {found.units.revenue}{shown}:\n")
    say(found.table.head(_SHOWN)[_COLUMNS].to_string(float_format=lambda value: f"{value:,.3g}"))
    where = "all regions" if best.regions is None else ", ".join(str(region) for region in best.regions)
    if found.worth_testing:
        say(f"\nBest: {best.channel}, spend {best.spend_change:+.0%} from {best.start} to {best.end}, in {where}.")
    say(f"\nKnowing every effect exactly would be worth {found.perfect_information:,.4g}.")
    say("\n".join(found.notes))
