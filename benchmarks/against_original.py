"""One epoch of the paper's model beside the original's, side by side: forward, backward and update.

python benchmarks/against_original.py [--turns 7] [--epochs 3] [--threads 2] [--original-python PATH]

Installs nothing. The original (deepcausalmmm 1.0.21 from PyPI) asks for numpy below 2 and JAX for numpy from 2 on, so
that no installer puts both into one environment by itself; either of these does:

    pip install '.[compare]' && pip install --no-deps deepcausalmmm==1.0.21
    python -m venv original && original/bin/pip install deepcausalmmm torch    (--original-python original/bin/python)

Each side is a process of its own that waits while the other one works: A B A B ..., the same arrays in both.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import numpy as np

_BURN_IN = 6
_ANSWER = "answer: "
_ABSENT = 3  # exit status of a side that cannot be run
_HOW = "run `pip install '.[compare]' && pip install --no-deps deepcausalmmm==1.0.21`, or name --original-python"


def main() -> None:
    """Alternate the two sides, print medians and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=7, help="of each side; the first is not counted")
    parser.add_argument("--epochs", type=int, default=3, help="in a turn")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--hidden", type=int, default=280)
    parser.add_argument("--original-python", default=sys.executable, help="interpreter that has the original")
    parser.add_argument("--side", choices=("ours", "original"), help=argparse.SUPPRESS)
    parser.add_argument("--arrays", type=Path, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.side == "original":
        original_side(wanted)
    elif wanted.side == "ours":
        our_side(wanted)
    else:
        compare(wanted)


def compare(wanted: argparse.Namespace) -> None:
    """Start both sides and let them work in turn."""
    from harness import record

    with tempfile.TemporaryDirectory() as folder:
        arrays = Path(folder) / "panel.npz"
        shape, source = write_panel(arrays)
        original = started("original", wanted.original_python, arrays, wanted)
        if original is None:
            sys.exit(f"The original is not installed for {wanted.original_python}: {_HOW}.")
        ours = started("ours", sys.executable, arrays, wanted)
        if ours is None:
            sys.exit("Our side could not be started; its message stands above.")
        taken: dict[str, list[float]] = {"original": [], "ours": []}
        for turn in range(wanted.turns + 1):
            for name, side in (("original", original[0]), ("ours", ours[0])):
                seconds = asked(side)
                if turn:
                    taken[name].append(seconds / wanted.epochs)
                    print(f"turn {turn} {name}: {seconds / wanted.epochs:.3f} s an epoch", flush=True)
        for side, _ in (original, ours):
            side.stdin.close()
            side.wait(timeout=60)
    middle = {name: median(seconds) for name, seconds in taken.items()}
    figures = {
        "shape": shape,
        "panel": source,
        "threads": wanted.threads,
        "epochs_a_turn": wanted.epochs,
        "seconds": taken,
        "median": middle,
        "ratio": middle["original"] / middle["ours"],
        "sides": {"original": original[1], "ours": ours[1]},
    }
    print(f"median: original {middle['original']:.3f} s, ours {middle['ours']:.3f} s; {figures['ratio']:.2f} times")
    print("wrote", record("against_original", figures))


def write_panel(path: Path) -> tuple[tuple[int, ...], str]:
    """The DMA panel, or a simulated one of its shape, with the arrays that the original's data pipeline would make."""
    from harness import SHARED
    from panels import dma_panel

    import deepcausalmmm_jax as dcm

    panel = dma_panel() if SHARED.is_dir() else dcm.simulate(190, 101, 13, 7, seed=0)[0]
    exposure, control = panel.exposure, panel.control
    shares = exposure / np.maximum(exposure.sum(axis=-1, keepdims=True), 1e-9)
    spread = np.maximum(np.subtract(*np.percentile(control, (75, 25), axis=(0, 1))), 1e-9)
    scaled = np.clip((control - np.median(control, axis=(0, 1))) / spread, -5, 5)
    kpi = panel.kpi / panel.kpi.mean(axis=1, keepdims=True)
    padding = ((0, 0), (_BURN_IN, 0))
    np.savez(
        path,
        shares=np.pad(shares, (*padding, (0, 0))),
        control=np.pad(scaled, (*padding, (0, 0))),
        scaled_kpi=np.pad(kpi, padding),
        exposure=exposure,
        raw_control=control,
        kpi=panel.kpi,
    )
    return panel.shape, "DMA" if SHARED.is_dir() else "simulated"


def started(name: str, python: str, arrays: Path, wanted: argparse.Namespace) -> tuple[subprocess.Popen, dict] | None:
    """A side that has compiled or built its model, and what it says of itself; None where it cannot be run."""
    threads = str(wanted.threads)
    environment = os.environ | {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "OMP_WAIT_POLICY": "PASSIVE"}
    environment |= {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}  # an accelerator's memory is for both sides
    command = [python, __file__, "--side", name, "--arrays", str(arrays)]
    command += ["--epochs", str(wanted.epochs), "--threads", threads, "--hidden", str(wanted.hidden)]
    side = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    first = said(side)
    if first is None:
        side.wait()
        return None
    return side, json.loads(first)


def said(side: subprocess.Popen) -> str | None:
    """What a side answers; the original logs on the same channel. None once it has ended."""
    for line in side.stdout:
        if line.startswith(_ANSWER):
            return line.removeprefix(_ANSWER)
    return None


def asked(side: subprocess.Popen) -> float:
    """Seconds of a turn."""
    side.stdin.write("go\n")
    side.stdin.flush()
    answered = said(side)
    if answered is None:
        sys.exit("A side ended before its turn was over; its message stands above.")
    return float(answered)


def answer(about: dict[str, object], work) -> None:
    """Say what one is, then work whenever asked, and say how long it took."""
    print(_ANSWER + json.dumps(about), flush=True)
    for _ in sys.stdin:
        began = time.perf_counter()
        work()
        print(f"{_ANSWER}{time.perf_counter() - began}", flush=True)


def original_side(wanted: argparse.Namespace) -> None:
    """The original's own trainer and its `train_epoch`."""
    if find_spec("deepcausalmmm") is None or find_spec("torch") is None:
        sys.exit(_ABSENT)
    import deepcausalmmm
    import torch
    from deepcausalmmm.core.trainer import ModelTrainer

    torch.set_num_threads(wanted.threads)
    data = np.load(wanted.arrays)
    media, control, kpi = (torch.tensor(data[n], dtype=torch.float32) for n in ("shares", "control", "scaled_kpi"))
    trainer = ModelTrainer(deepcausalmmm.get_default_config() | {"hidden_dim": wanted.hidden})
    device = trainer.device  # it takes a GPU where there is one
    media, control, kpi, regions = (x.to(device) for x in (media, control, kpi, torch.arange(media.shape[0])))
    model = trainer.create_model(media.shape[2], control.shape[2], media.shape[0])
    model.initialize_baseline(kpi)
    trainer.create_optimizer_and_scheduler()

    def work() -> None:
        for _ in range(wanted.epochs):
            trainer.train_epoch(media, control, regions, kpi)
        if device.type == "cuda":
            torch.cuda.synchronize()

    about = {
        "deepcausalmmm": deepcausalmmm.__version__,
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
        "parameters": sum(p.numel() for p in model.parameters()),
    }
    answer(about, work)


def our_side(wanted: argparse.Namespace) -> None:
    """`PaperMMM` with the published training, a compiled chunk a turn."""
    import jax
    import jax.numpy as jnp
    import pandas as pd

    import deepcausalmmm_jax as dcm
    from deepcausalmmm_jax.training.estimate import run_chunk, start_state
    from deepcausalmmm_jax.training.prepare import prepare
    from deepcausalmmm_jax.training.schedule import Schedule

    data = np.load(wanted.arrays)
    n_regions, n_weeks, n_channels = data["exposure"].shape
    ones = np.ones((n_regions, n_weeks))
    panel = dcm.Panel(
        regions=pd.RangeIndex(n_regions),
        weeks=pd.RangeIndex(n_weeks),
        channels=tuple(f"c{i}" for i in range(n_channels)),
        controls=tuple(f"k{i}" for i in range(data["raw_control"].shape[2])),
        kpi=data["kpi"],
        weights=ones,
        present=ones > 0,
        exposure=data["exposure"],
        control=data["raw_control"],
    )
    ready = prepare(panel, ones, dcm.Config.paper(hidden_size=wanted.hidden, warm_start_epochs=0))
    schedule = Schedule(max_epochs=1000 * wanted.epochs, chunk_epochs=wanted.epochs)
    arguments = ready.inputs, jnp.asarray(ones, jnp.float32), ready.hyperparameters
    state = start_state(jax.random.key(0), *arguments, design=ready.design, schedule=schedule)
    held = [jax.block_until_ready(state)]

    def work() -> None:
        held[0] = jax.block_until_ready(run_chunk(held[0], *arguments, design=ready.design, schedule=schedule))

    work()  # compiles
    about = {
        "jax": jax.__version__,
        "device": jax.devices()[0].device_kind,
        "cores": len(os.sched_getaffinity(0)),
        "parameters": sum(leaf.size for leaf in jax.tree.leaves(state.parameters)),
    }
    answer(about, work)


if __name__ == "__main__":
    main()
