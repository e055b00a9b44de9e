"""`deepcausalmmm-jax benchmark`: how fast this machine fits."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deepcausalmmm_jax.benchmarking.figures import SuiteFigures
from deepcausalmmm_jax.cli.output import say, say_aside, stoppable
from deepcausalmmm_jax.io.atomic_write import refuse_unwritable, write_text, written_together

if TYPE_CHECKING:
    import pandas as pd

    from deepcausalmmm_jax.benchmarking.plan import Plan


def benchmark_command(
    out: Annotated[Path, typer.Option(help="Folder for benchmark.json, benchmark.txt and benchmark.html.")],
    quick: Annotated[bool, typer.Option("--quick", help="Small sizes, a minute or two.")] = False,
    devices: Annotated[str | None, typer.Option(help="cpu, gpu or tpu; by default what JAX finds.")] = None,
) -> None:
    """Measure fits, refits, how they scale with the panel, memory, and the limits of the machine."""
    from deepcausalmmm_jax.benchmarking.plan import Plan  # with SciPy, which help does without

    measure(Plan.quick() if quick else Plan(), out, devices)


def measure(plan: "Plan", out: Path, devices: str | None = None) -> None:
    """Run a plan, print its tables, and write them together with figures and JSON.

    Args:
        plan: what to measure.
        out: folder for the files.
        devices: platform; None for what JAX finds.

    Raises:
        ConfigError: this host has no such devices.
        OutputError: the folder cannot be written.
    """
    from deepcausalmmm_jax.benchmarking.suite import run_suite
    from deepcausalmmm_jax.benchmarking.tables import tables
    from deepcausalmmm_jax.parallel.devices import devices_for

    working = devices_for(devices)
    refuse_unwritable(out)
    with stoppable(f"Nothing was written to {out}; run the same command again."):
        found = run_suite(plan, working, lambda text: say_aside(f"measuring {text} ..."))
    shown, where = tables(found), _where(found)
    text = where + "".join(f"\n\n{title}\n{_plain(table)}" for title, table in shown.items()) + "\n"
    from deepcausalmmm_jax.plots.benchmark import benchmark_page  # plotly is imported only where a figure is drawn

    files = {
        "benchmark.json": json.dumps(found, indent=1) + "\n",
        "benchmark.txt": text,
        "benchmark.html": benchmark_page(found, shown, where),
    }
    with written_together(out) as folder:
        for name, content in files.items():
            write_text(folder / name, content)
    say(text)
    say(f"Wrote {', '.join(files)} to {out} after {found['seconds']:.0f} s.")


def _plain(table: "pd.DataFrame") -> str:
    return table.to_string(float_format=lambda value: f"{value:,.4g}", na_rep="-")


def _where(found: SuiteFigures) -> str:
    about, limits = found["machine"], found["ceilings"]
    return (
        f"{about['processor']}, {about['cores']} cores, {len(about['devices'])} {about['platform']} device(s) "
        f"{about['devices'][0]}; jax {about['versions']['jax']}, python {about['python']}; measured limits: "
        f"{limits['gflops']:.0f} Gflop/s in matrix products, {limits['gbytes']:.1f} GB/s, "
        f"{limits['step_us']:.2f} us per step"
    )
