"""Ways to run the GRU over weeks: milliseconds forward, and forward and backward, and the memory between them.

python benchmarks/gru.py [--times 5]        the same script on a CPU and a GPU
"""

import argparse
from statistics import median

import jax
import jax.numpy as jnp
import numpy as np
from harness import record

from deepcausalmmm_jax.benchmarking.timing import seconds
from deepcausalmmm_jax.ops.gru import GRUParameters, gru_scan, gru_scan_small

# Regions, weeks, features, hidden states, replicates: the paper's at the DMA shape, and the default model's.
SIZES = {
    "paper, DMA": (190, 107, 153, 280, 1),
    "default, DMA": (190, 101, 25, 8, 1),
    "default, 20 regions, 8 refits": (20, 120, 13, 8, 8),
}


def one_by_one(**choice):
    """Regions mapped over, `[region, week, feature]`."""
    return lambda p, start, inputs: jax.vmap(lambda x: gru_scan(p, start, x, **choice))(inputs)


def side_by_side(scan, **choice):
    """Regions as the last axis, as the default model lays them out; turned round once."""
    return lambda p, start, inputs: scan(p, start, jnp.moveaxis(inputs, 0, -1), **choice)


CHOICES = {
    "in the scan": one_by_one(),
    "hoisted": one_by_one(project_inputs="hoist"),
    "in the scan, unroll 4": one_by_one(unroll=4),
    "hoisted, unroll 4": one_by_one(project_inputs="hoist", unroll=4),
    "in the scan, rematerialised": one_by_one(rematerialise=True),
    "hoisted, rematerialised": one_by_one(project_inputs="hoist", rematerialise=True),
    "side by side": side_by_side(gru_scan),
    "side by side, hoisted": side_by_side(gru_scan, project_inputs="hoist"),
    "side by side, small": side_by_side(gru_scan_small),
}


def problem(regions, weeks, features, hidden, replicates):
    """Weights of each replicate, and inputs that all share."""
    draw = np.random.default_rng(0).normal
    shapes = ((features, 3 * hidden), (hidden, 3 * hidden), (3 * hidden,), (3 * hidden,))
    weights = GRUParameters(*(jnp.asarray(0.05 * draw(size=(replicates, *s)), jnp.float32) for s in shapes))
    return weights, jnp.asarray(draw(size=(regions, weeks, features)), jnp.float32)


def case(size, choice, times):
    """Figures of one way at one size."""
    weights, inputs = problem(*size)
    start = jnp.zeros(size[3])

    def loss(parameters):
        def one(p):
            return choice(p, start, inputs)

        return (jax.vmap(one)(parameters) ** 2).mean()

    forward = jax.jit(loss).lower(weights).compile()
    both = jax.jit(jax.value_and_grad(loss)).lower(weights).compile()
    return {
        "forward_ms": 1000 * seconds(lambda: forward(weights), times),
        "both_ms": 1000 * seconds(lambda: both(weights), times),
        "memory_mib": both.memory_analysis().temp_size_in_bytes / 2**20,
    }


def main() -> None:
    """Print the table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=5)
    times = parser.parse_args().times
    found = {}
    for size, shape in SIZES.items():
        rounds = [{name: case(shape, choice, times) for name, choice in CHOICES.items()} for _ in range(2)]
        rows = {n: {k: median(r[n][k] for r in rounds) for k in rounds[0][n]} for n in CHOICES}  # two passes, A B A B
        found[size] = {"shape": shape, "rows": rows}
        print(size, shape)
        for name, row in rows.items():
            print(f"  {name:30s}" + "  ".join(f"{key} {value:9.2f}" for key, value in row.items()), flush=True)
    print("wrote", record(f"gru_{jax.default_backend()}", found))


if __name__ == "__main__":
    main()
