"""What an accelerator gives, from a bare checkout: one command, no network, one JSON, within eight minutes.

python benchmarks/on_gpu.py [--devices gpu] [--seconds 480] [--out benchmarks/results/on_gpu.json] [--quick]

Needs jax, flax, optax, chex, numpy, pandas, scipy, xarray and networkx, and nothing installed of the package itself.
Figures are written after every measurement, so that a run that is cut off keeps what it has; a measurement that would
not fit into the time left is named under `left_out` with the reason. `--devices cpu --quick` is the rehearsal.
"""

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import jax

from deepcausalmmm_jax.benchmarking.epochs import epoch_figures, where_it_goes
from deepcausalmmm_jax.benchmarking.figures import Figures
from deepcausalmmm_jax.benchmarking.machine import machine, peak_gib
from deepcausalmmm_jax.benchmarking.machine_limits import MachineLimits, measured_limits
from deepcausalmmm_jax.benchmarking.panels import Shape, panel_of
from deepcausalmmm_jax.benchmarking.refits import fitted, refit_figures
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.inference.fit import fit
from deepcausalmmm_jax.parallel.devices import devices_for

DMA, SMALL = (190, 101, 13, 7), (20, 120, 5, 3)
QUICK_DMA, QUICK_SMALL = (12, 60, 4, 2), (4, 40, 3, 1)
PRECISIONS = ("tf32", "bfloat16")  # beside the default, `highest`
EPOCHS = 5
_REFITS = (1000, 100, 1)  # each compiles its own program: what users wait for first
_SAFETY = 1.5  # a measurement begins only where this times its expected seconds are left


@dataclasses.dataclass
class Record:
    """The figures so far, on disk after each one."""

    path: Path
    until: float
    found: dict[str, object]
    last: float = 10.0  # seconds of the last measurement

    def add(self, name: str, measure: Callable[[], object], expected: float = 0.0) -> object:
        """Measure and write; leave out what would not end in time, and keep what a failure of one says."""
        left = self.until - time.perf_counter()
        if left < _SAFETY * expected:
            self._leave_out(name, f"{expected:.0f} s expected, {left:.0f} s left")
            return None
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        began = time.perf_counter()
        try:
            value = measure()
        except Exception as error:  # one figure that fails, for want of memory say, must not cost the others
            self._leave_out(name, f"{type(error).__name__}: {str(error)[:200]}")
            return None
        self.found[name], self.last = value, time.perf_counter() - began
        self.found.setdefault("seconds", {})[name] = round(self.last, 2)
        self.write()
        return value

    def _leave_out(self, name: str, why: str) -> None:
        self.found.setdefault("left_out", {})[name] = why
        self.write()

    def write(self) -> None:
        """Write the figures so far."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(self.found, indent=1) + "\n")


def main() -> None:
    """Measure, write, print."""
    wanted = _arguments()
    began = time.perf_counter()
    devices = devices_for(wanted.devices)
    record = Record(wanted.out, began + wanted.seconds, {"machine": machine(devices)})
    dma, small = (QUICK_DMA, QUICK_SMALL) if wanted.quick else (DMA, SMALL)
    paper = Config.paper(hidden_size=16, epochs=50) if wanted.quick else Config.paper()
    with jax.default_device(devices[0]):
        limits = record.add("limits", lambda: measured_limits(devices[0], 512 if wanted.quick else 4096)._asdict())
        known = MachineLimits(**limits) if isinstance(limits, dict) else None
        _epochs(record, dma, small, known, paper)
        record.add("first default fit, DMA shape", lambda: _whole_fit(dma), 60.0)
        _refits(record, dma, "DMA shape", devices, wanted.refits)
        _refits(record, small, "20 x 120 x 5", devices, wanted.refits)
        _precisions(record, dma, known, paper)
        record.add("the original's epoch beside ours", _beside_the_original, 60.0)
    record.found["peak_gib"] = peak_gib(devices[0])
    record.found["wall_s"] = round(time.perf_counter() - began, 1)
    record.write()
    print(json.dumps(record.found, indent=1))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", help="cpu, gpu or tpu; by default what JAX finds")
    parser.add_argument("--seconds", type=float, default=480.0, help="after which nothing new is begun")
    parser.add_argument("--refits", type=int, nargs="+", default=_REFITS, help="numbers of refits")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "on_gpu.json")
    parser.add_argument("--quick", action="store_true", help="tiny panels: a rehearsal")
    return parser.parse_args()


def _epochs(record: Record, dma: Shape, small: Shape, limits: MachineLimits | None, paper: Config) -> None:
    """Compile and epoch seconds of both models, with the share of the device's limits."""
    for model, config in (("default", Config()), ("paper", paper)):
        for panel, shape in (("DMA shape", dma), ("20 x 120 x 5", small)):
            record.add(f"epoch of the {model} model, {panel}", _Epoch(shape, config, limits), record.last)
        record.add(f"parts of an epoch of the {model} model, DMA shape", _Parts(dma, config), record.last)


def _precisions(record: Record, dma: Shape, limits: MachineLimits | None, paper: Config) -> None:
    """The same epochs at lower precisions of the factors of matrix products."""
    for model, config in (("default", Config()), ("paper", paper)):
        for precision in PRECISIONS:
            epoch = _Epoch(dma, config.replace(precision=precision), limits)
            record.add(f"epoch of the {model} model, DMA shape, {precision}", epoch, record.last)


@dataclasses.dataclass(frozen=True)
class _Epoch:
    shape: Shape
    config: Config
    limits: MachineLimits | None

    def __call__(self) -> Figures:
        return epoch_figures(self.shape, self.config, self.limits, EPOCHS)


@dataclasses.dataclass(frozen=True)
class _Parts:
    shape: Shape
    config: Config

    def __call__(self) -> Figures:
        return where_it_goes(self.shape, self.config, EPOCHS)


def _refits(record: Record, shape: Shape, panel: str, devices: tuple[jax.Device, ...], counts: tuple[int, ...]) -> None:
    """Refits a second, by how many run together."""
    results: list[object] = []
    record.add(f"fit to refit, {panel}", lambda: results.append(fitted(shape, EPOCHS)) or "done", 20.0)
    if not results:
        return
    expected = 60.0
    for count in counts:
        found = record.add(f"{count} refits, {panel}", lambda n=count: refit_figures(results[0], n, devices), expected)
        if isinstance(found, dict):
            expected = found["compile_s"] + found["run_s"]


def _whole_fit(shape: Shape) -> Figures:
    began = time.perf_counter()
    result = fit(panel_of(shape), progress=False)
    return {
        "first_fit_s": time.perf_counter() - began,
        "epochs": float(len(result.fitted.record.objective)),
        "training_s": result.fitted.record.seconds,
    }


def _beside_the_original() -> object:
    """`against_original.py` in a process of its own, where PyTorch and the original are installed."""
    absent = [name for name in ("torch", "deepcausalmmm") if find_spec(name) is None]
    if absent:
        return f"not measured: {' and '.join(absent)} not installed here"
    command = [sys.executable, str(HERE / "against_original.py"), "--turns", "3", "--epochs", "1"]
    path = os.pathsep.join(filter(None, (str(HERE.parent), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=240, check=False, env={**os.environ, "PYTHONPATH": path}
    )
    return (done.stdout if done.returncode == 0 else done.stderr)[-2000:].splitlines()


if __name__ == "__main__":
    main()
