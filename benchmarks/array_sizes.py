"""Why does an epoch take longer for each number of a large panel? An epoch beside arrays of the same size, streamed.

python benchmarks/array_sizes.py [--times 5]

The stream reads and writes as many arrays of the size of the panel's exposure as an epoch keeps, with two operations a
number. Where it slows down with the size as an epoch does, memory is the reason and not the model.
"""

import argparse
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from harness import record

from deepcausalmmm_jax.benchmarking.epochs import epoch_figures
from deepcausalmmm_jax.benchmarking.panels import Shape
from deepcausalmmm_jax.benchmarking.plan import Plan
from deepcausalmmm_jax.benchmarking.suite import AXES
from deepcausalmmm_jax.benchmarking.timing import seconds
from deepcausalmmm_jax.config.settings import Config

_LEAST_NUMBERS = 2e8  # streamed in a measurement, so that calls do not count


@partial(jax.jit, static_argnums=1)
def streamed(arrays: jax.Array, rounds: int) -> jax.Array:
    """`[array, number]`, each a decaying sum of those before it, several rounds in turn."""

    def one(total: jax.Array, array: jax.Array) -> tuple[jax.Array, jax.Array]:
        total = 0.5 * total + array
        return total, total

    def around(_: int, own: jax.Array) -> jax.Array:
        return jax.lax.scan(one, jnp.zeros_like(own[0]), own)[1]

    return jax.lax.fori_loop(0, rounds, around, arrays)


def stream_ps(shape: Shape, n_arrays: int, times: int) -> float:
    """Picoseconds a number of a stream of arrays of the size of the panel's exposure."""
    numbers = shape[0] * shape[1] * shape[2]
    rounds = max(1, round(_LEAST_NUMBERS / (numbers * n_arrays)))
    arrays = jnp.ones((n_arrays, numbers), jnp.float32)
    return 1e12 * seconds(lambda: streamed(arrays, rounds), times) / (rounds * n_arrays * numbers)


def case(axis: str, size: int, shape: Shape, times: int) -> dict[str, float | str]:
    """An epoch of the default model and the stream, at one shape."""
    found = epoch_figures(shape, Config(), None, times=times)
    numbers = shape[0] * shape[1] * shape[2]
    n_arrays = max(1, round(found["program_gib"] * 2**30 / (4 * numbers)))
    return {
        "against": axis, "size": size, "exposure_mib": 4 * numbers / 2**20, "arrays": n_arrays,
        "working_set_mib": found["program_gib"] * 1024, "ms_per_epoch": found["ms_per_epoch"],
        "epoch_ps": 1e9 * found["ms_per_epoch"] / numbers, "stream_ps": stream_ps(shape, n_arrays, times),
    }  # fmt: skip


def exponent(rows: list[dict], name: str) -> float:
    """The p of time growing as size^p where the time of a number is `name`, fitted without the smallest size."""
    size, each = np.log([row["size"] for row in rows[1:]]), np.log([row[name] for row in rows[1:]])
    return 1.0 + float(np.polyfit(size, each, 1)[0])


def main() -> None:
    """Print a row a size, and the exponents; write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=5)
    times, plan, rows = parser.parse_args().times, Plan(), []
    for position, axis in enumerate(AXES):
        for size in getattr(plan, axis):
            shape = (*plan.base[:position], size, *plan.base[position + 1 :])
            rows.append(case(axis, size, shape, times))
            print(*(f"{name} {value:.4g}" if isinstance(value, float) else value for name, value in rows[-1].items()))
    by_axis = {axis: [row for row in rows if row["against"] == axis] for axis in AXES}
    exponents = {
        axis: {name: exponent(own, f"{name}_ps") for name in ("epoch", "stream")} for axis, own in by_axis.items()
    }
    for axis, found in exponents.items():
        print(f"{axis}: an epoch grows with the power {found['epoch']:.2f}, the stream {found['stream']:.2f}")
    print("wrote", record("array_sizes", {"rows": rows, "exponents": exponents}))


if __name__ == "__main__":
    main()
