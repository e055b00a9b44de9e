"""Seconds a person waits for each command, as whole processes on Meridian's demo panel, here and in another checkout.

python benchmarks/waits.py [--beside CHECKOUT] [--rounds 3] [--only report optimize] [--name waits]

The first fit starts without programs on disk, everything after it with those that the commands before left there.
Refits for plans are made once a checkout, untimed. Checkouts take turns at going first.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from harness import SHARED, record

_HERE = Path(__file__).resolve().parents[1]
_COMMAND = "from deepcausalmmm_jax.cli.app import main; main()"
_REFITS = 40
_OF_REFITS = ("optimize", "scenario", "report")
_WAITS = ("import", "help", "first_fit", "second_fit", *_OF_REFITS)


class Waits:
    """Commands of one checkout in a folder of its own."""

    def __init__(self, checkout: Path, folder: Path) -> None:
        self.checkout, self.folder = checkout, folder
        self.refits = folder / "refits"

    def python(self, *arguments: str, cache: str = "programs") -> tuple[float, float]:
        """Run Python; wall and processor seconds of the process and its children."""
        environment = os.environ | {
            "PYTHONPATH": str(self.checkout),
            "DEEPCAUSALMMM_JAX_CACHE": str(self.folder / cache),
        }
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.perf_counter()
        subprocess.run([sys.executable, *arguments], env=environment, check=True, capture_output=True, cwd=self.folder)
        wall = time.perf_counter() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def command(self, *arguments: str, cache: str = "programs") -> tuple[float, float]:
        """Run the command line; as `python`."""
        return self.python("-c", _COMMAND, *arguments, cache=cache)

    def prepare(self, waits: Sequence[str]) -> None:
        """Run once, untimed, what the waits need: a fit, refits, and programs on disk."""
        data = self.folder / "panel.csv"
        data.write_bytes((SHARED / "meridian" / "geo_all_channels.csv").read_bytes())
        planned = [name for name in waits if name in _OF_REFITS]
        if planned or "second_fit" in waits:
            self.command("fit", "panel.csv", "--out", "fit")
        if planned:
            self.command("bootstrap", "fit", "--replicates", str(_REFITS), "--out", str(self.refits))
        for name in planned:
            self.wait(name)

    def wait(self, name: str) -> tuple[float, float]:
        """Wall and processor seconds of one of the waits."""
        refits = str(self.refits)
        if name == "import":
            return self.python("-c", "import deepcausalmmm_jax")
        if name == "help":
            return self.command("--help")
        if name == "first_fit":
            with tempfile.TemporaryDirectory(dir=self.folder) as empty:
                return self.command("fit", "panel.csv", "--out", "first", cache=empty)
        if name == "second_fit":
            return self.command("fit", "panel.csv", "--out", "second")
        if name == "optimize":
            return self.command("optimize", refits, "--out", "plan")
        if name == "scenario":
            return self.command("scenario", refits, "--change", "Channel0_impression*1.2", "--out", "what_if.csv")
        return self.command("report", refits, "--out", "report.html")


def main() -> None:
    """Run the checkouts in turn; print medians and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--beside", type=Path, help="another checkout")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=_WAITS, default=_WAITS)
    parser.add_argument("--name", default="waits", help="of the record")
    wanted = parser.parse_args()
    checkouts = {"here": _HERE} | ({"beside": wanted.beside.resolve()} if wanted.beside else {})
    rows = []
    with tempfile.TemporaryDirectory() as place:
        waits = {}
        for name, checkout in checkouts.items():
            folder = Path(place) / name
            folder.mkdir()
            waits[name] = Waits(checkout, folder)
            waits[name].prepare(wanted.only)
        for number in range(wanted.rounds):
            for wait in wanted.only:
                for name, of_checkout in list(waits.items())[:: -1 if number % 2 else 1]:
                    wall, processor = of_checkout.wait(wait)
                    rows.append({"wait": wait, "checkout": name, "wall_s": wall, "processor_s": processor})
                    print(f"{name} {wait} {wall:.2f} s", flush=True)
    grouped = pd.DataFrame(rows).groupby(["wait", "checkout"], sort=False)
    table = grouped.median().assign(least_s=grouped["wall_s"].min(), most_s=grouped["wall_s"].max()).reset_index()
    print(table.to_string(index=False, float_format=lambda value: f"{value:.2f}"))
    print(
        "wrote", record(wanted.name, {"rounds": wanted.rounds, "refits": _REFITS, "seconds": table.to_dict("records")})
    )


if __name__ == "__main__":
    main()
