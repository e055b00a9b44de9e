"""The command `report`: the page of a saved fit."""

from pathlib import Path
from typing import Annotated

import typer

from deepcausalmmm_jax.cli.output import say, stoppable
from deepcausalmmm_jax.cli.planning import loaded
from deepcausalmmm_jax.io.atomic_write import refuse_unwritable_file


def report_command(
    run: Annotated[Path, typer.Argument(help="Folder of a fit or a bootstrap, or its .npz file.", metavar="RUN")],
    out: Annotated[Path | None, typer.Option(help="HTML file; by default report.html next to the fit.")] = None,
    plan: Annotated[
        Path | None, typer.Option(help="Folder of a plan written by optimize, to add a section on it.")
    ] = None,
    currency: Annotated[str | None, typer.Option(help="Currency of spend and revenue, such as EUR.")] = None,
) -> None:
    """Write the report of a saved fit, or of a bootstrap, whose report has intervals."""
    from deepcausalmmm_jax.planning.budget_plan import BudgetPlan  # with JAX, which help does without

    shown = None if plan is None else BudgetPlan.load(plan)
    place = out or (run if run.is_dir() else run.parent) / "report.html"
    refuse_unwritable_file(place)
    with stoppable(f"{place} is unchanged; run the same command again."):
        loaded(run).report(place, plan=shown, currency=currency)
    say(f"Wrote {place}.")
