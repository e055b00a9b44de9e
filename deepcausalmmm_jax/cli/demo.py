"""The command `demo`: the main job on simulated data, against the truth."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deepcausalmmm_jax.cli.fit_results import (
    WHILE_TRAINING,
    nothing_new,
    print_accuracy,
    print_trust,
    print_written,
    write_results,
)
from deepcausalmmm_jax.cli.output import say, stoppable
from deepcausalmmm_jax.io.atomic_write import refuse_unwritable
from deepcausalmmm_jax.io.import_ahead import import_ahead

if TYPE_CHECKING:
    import pandas as pd

    from deepcausalmmm_jax.data.simulation.simulate import Truth
    from deepcausalmmm_jax.results.fit_result import FitResult


def demo_command(
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("demo"),
    seed: Annotated[int, typer.Option(help="Random seed of the simulated panel.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Simulate a panel with known effects, fit it, and compare the estimates with the truth."""
    from deepcausalmmm_jax.data.simulation.simulate import simulate
    from deepcausalmmm_jax.inference.fit import fit

    refuse_unwritable(out)
    with stoppable(nothing_new(out)):
        panel, truth = simulate(seed=seed)
        import_ahead(WHILE_TRAINING)
        result = fit(panel, holdout=8, seed=0, progress=False if quiet else None)
        write_results(result, out)
    say(f"Simulated {panel.shape[0]} regions x {panel.shape[1]} weeks, {panel.shape[2]} channels, seed {seed}.")
    print_accuracy(result)
    say("\nContribution, percent of the KPI")
    say(_against_truth(result, truth).to_string(float_format=lambda value: f"{value:.2f}"))
    print_trust(result)
    print_written(result, out)


def _against_truth(result: "FitResult", truth: "Truth") -> "pd.DataFrame":
    import pandas as pd

    names = list(result.panel.channels)
    total = result.panel.kpi.sum() / 100.0
    table = pd.DataFrame(
        {
            "estimated": result.contributions.sel(component=names).sum(("region", "time")).to_numpy() / total,
            "true": truth.contributions.sum(("region", "time")).to_numpy() / total,
        },
        index=pd.Index(names, name="channel"),
    )
    table["error"] = table["estimated"] - table["true"]
    table.loc["all media"] = table.sum()
    return table
