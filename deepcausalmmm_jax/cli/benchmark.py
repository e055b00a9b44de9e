"""`deepcausalmmm-jax benchmark`: how quick this machine is at fitting."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from deepcausalmmm_jax.benchmarking.plan import Plan
from deepcausalmmm_jax.benchmarking.suite import run_suite
from deepcausalmmm_jax.benchmarking.tables import tables
from deepcausalmmm_jax.io.atomic_write import refuse_unwritable, write_whole
from deepcausalmmm_jax.parallel.devices import devices_for


def benchmark_command(
    out: Annotated[Path, typer.Option(help="Folder for benchmark.json, benchmark.txt and benchmark.html.")],
    quick: Annotated[bool, typer.Option("--quick", help="Small sizes, below a minute.")] = False,
    devices: Annotated[str | None, typer.Option(help="cpu, gpu or tpu; what JAX finds where none.")] = None,
) -> None:
    """Measure fits, refits, their growth with the panel, memory, and the machine's own ceilings."""
    measure(Plan.quick() if quick else Plan(), out, devices)


def measure(plan: Plan, out: Path, devices: str | None = None) -> None:
    """Run a plan, print its tables, and write them with figures and JSON.

    Raises:
        ConfigError: devices that are not here.
        OutputError: the folder cannot be written.
    """
    working = devices_for(devices)
    refuse_unwritable(out)
    found = run_suite(plan, working, lambda text: print(f"measuring {text} ...", file=sys.stderr, flush=True))
    shown, where = tables(found), _where(found)
    text = where + "".join(f"\n\n{title}\n{_plain(table)}" for title, table in shown.items()) + "\n"
    print(text)
    from deepcausalmmm_jax.plots.benchmark import benchmark_page  # plotly only where a figure is drawn

    files = {
        "benchmark.json": json.dumps(found, indent=1) + "\n",
        "benchmark.txt": text,
        "benchmark.html": benchmark_page(found, shown, where),
    }
    for name, content in files.items():
        write_whole(out / name, lambda file, content=content: file.write(content.encode()))  # type: ignore[misc]
    print(f"Wrote {', '.join(files)} to {out}, after {found['seconds']:.0f} s.")


def _plain(table: Any) -> str:
    return str(table.to_string(float_format=lambda value: f"{value:,.4g}", na_rep="-"))


def _where(found: dict[str, Any]) -> str:
    about, limits = found["machine"], found["ceilings"]
    return (
        f"{about['processor']}, {about['cores']} cores, {len(about['devices'])} {about['platform']} device(s) "
        f"{about['devices'][0]}; jax {about['versions']['jax']}, python {about['python']}; measured ceilings: "
        f"{limits['gflops']:.0f} Gflop/s in matrix products, {limits['gbytes']:.1f} GB/s, "
        f"{limits['step_us']:.2f} us a step"
    )
