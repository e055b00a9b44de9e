"""The command `simulate`: a simulated panel and its truth as files."""

from pathlib import Path
from typing import Annotated

import typer

from deepcausalmmm_jax.cli.output import say
from deepcausalmmm_jax.io.atomic_write import written_together


def simulate_command(
    out: Annotated[Path, typer.Option(help="Folder for panel.csv, contributions.csv and parameters.csv.")],
    regions: Annotated[int, typer.Option(help="Number of regions.")] = 20,
    weeks: Annotated[int, typer.Option(help="Number of weeks.")] = 120,
    channels: Annotated[int, typer.Option(help="Number of media channels.")] = 5,
    controls: Annotated[int, typer.Option(help="Number of controls.")] = 3,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
) -> None:
    """Write a simulated panel and its true effects as CSV files."""
    from deepcausalmmm_jax.data.simulation.simulate import simulate  # with SciPy, which help does without
    from deepcausalmmm_jax.io.write_csv import write_csv

    panel, truth = simulate(regions, weeks, channels, controls, seed)
    true = truth.contributions.to_series().unstack("channel").reset_index()
    with written_together(out) as folder:
        for name, table in (("panel", panel.to_dataframe()), ("contributions", true)):
            write_csv(table, folder / f"{name}.csv", index=False)
        write_csv(truth.parameters, folder / "parameters.csv", index=True)
    say(f"Wrote panel.csv, contributions.csv and parameters.csv to {out}.")
