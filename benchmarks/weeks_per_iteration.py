"""Milliseconds of an epoch on an accelerator, by the number of weeks that one iteration of its loops computes.

python benchmarks/weeks_per_iteration.py [--weeks 1 4 8 16 32] [--model default paper]

On a CPU an iteration is always one week, and all rows are alike: a rehearsal.
"""

import argparse
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
from harness import record

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from deepcausalmmm_jax.benchmarking.panels import panel_of
from deepcausalmmm_jax.benchmarking.timing import seconds
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.ops import weekly_loop
from deepcausalmmm_jax.training.estimate import recipe_for, start_state
from deepcausalmmm_jax.training.prepare import prepare
from deepcausalmmm_jax.training.schedule import Schedule

EPOCHS = 5


def rows(shape: tuple[int, ...], config: Config, weeks: list[int]) -> dict[str, dict[str, float]]:
    """Compile seconds and milliseconds an epoch, by weeks an iteration."""
    panel = panel_of(shape)
    known = training_weights(panel, 8)
    ready, weights = prepare(panel, known, config), jnp.asarray(known, jnp.float32)
    schedule = Schedule(max_epochs=100 * EPOCHS, chunk_epochs=EPOCHS, precision=config.precision)
    arguments = ready.inputs, weights, ready.hyperparameters
    state = start_state(jax.random.key(0), *arguments, design=ready.design, schedule=schedule)
    found = {}
    for count in weeks:
        weekly_loop._ON_ACCELERATORS = count  # no setting: nobody but this script needs another
        jax.clear_caches()
        recipe = recipe_for(ready.design, schedule)
        began = time.perf_counter()
        program = jax.jit(lambda *a, recipe=recipe: recipe.run_chunk(*a)).lower(state, *arguments).compile()
        compiled = time.perf_counter() - began
        ms = 1000 * seconds(lambda run=program: run(state, *arguments), 5) / EPOCHS
        found[str(count)] = {"compile_s": compiled, "ms_per_epoch": ms}
        print(f"{count:3d} weeks an iteration: {compiled:5.1f} s to compile, {ms:6.2f} ms an epoch", flush=True)
    return found


def main() -> None:
    """Print a row for each number of weeks, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weeks", type=int, nargs="+", default=[1, 4, 8, 16, 32])
    parser.add_argument("--model", nargs="+", choices=("default", "paper"), default=["default", "paper"])
    parser.add_argument("--shape", type=int, nargs=4, default=(190, 101, 13, 7))
    wanted = parser.parse_args()
    configs = {"default": Config(), "paper": Config.paper()}
    shape = tuple(wanted.shape)
    figures = {name: rows(shape, configs[name], wanted.weeks) for name in wanted.model}
    print("wrote", record("weeks_per_iteration", {"shape": shape, "models": figures}))


if __name__ == "__main__":
    main()
