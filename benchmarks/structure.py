"""Structure learning: structural Hamming distance and seconds on random graphs, and the price of a bootstrap.

taskset -c 0 python benchmarks/structure.py [--seeds 10] [--first 0]

Graphs with twice as many edges as variables: Erdos-Renyi, and scale-free (each variable draws two parents, the more
likely the more edges they have). Weights uniform in +-[0.5, 2], 1000 samples, Gaussian noise of variance 1 or, unequal,
of standard deviations uniform in [0.5, 2]. Published NOTEARS code on such Erdos-Renyi graphs, one core: 1.7 / 6.7 / 10
and 1.1 / 5.8 / 84 s at 10 / 20 / 50 variables (shared design/measurement.md).
"""

import argparse
import time

import jax
import jax.numpy as jnp
import numpy as np
from harness import record

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.dag.estimate import estimate_structure

SIZES = (10, 20, 50)
N_SAMPLES = 1000
L1, THRESHOLD = 0.05, 0.3
PUBLISHED = {10: (1.7, 1.1), 20: (6.7, 5.8), 50: (10.0, 84.0)}


def random_graph(rng: np.random.Generator, d: int, kind: str) -> np.ndarray:
    """Weights of a random acyclic graph, `[variable, variable]`."""
    edges = np.zeros((d, d), bool)
    if kind == "erdos-renyi":
        edges = np.triu(rng.random((d, d)) < 4.0 / (d - 1), 1)
    else:
        degree = np.ones(d)
        for j in range(1, d):
            parents = rng.choice(j, min(2, j), replace=False, p=degree[:j] / degree[:j].sum())
            edges[parents, j] = True
            degree[parents] += 1
    order = rng.permutation(d)
    weights = rng.uniform(0.5, 2.0, (d, d)) * rng.choice([-1.0, 1.0], (d, d))
    return np.where(edges[np.ix_(order, order)], weights, 0.0)


def draw(seed: int, d: int, kind: str, noise: str) -> tuple[np.ndarray, np.ndarray]:
    """A graph and its samples."""
    rng = np.random.default_rng(seed)
    weights = random_graph(rng, d, kind)
    size = rng.uniform(0.5, 2.0, d) if noise == "unequal" else np.ones(d)
    own = rng.normal(size=(N_SAMPLES, d)) * size
    return weights, own @ np.linalg.inv(np.eye(d) - weights)


def distance(found: np.ndarray, true: np.ndarray) -> int:
    """Edges missing, extra or reversed, each counted once."""
    wrong = (found != 0) ^ (true != 0)
    return int(np.triu(wrong | wrong.T, 1).sum())


def timed(gram: jax.Array, method: str, refine: bool) -> tuple[np.ndarray, float]:
    """Adjacency, and seconds of the compiled call."""
    began = time.perf_counter()
    found = estimate_structure(gram, jnp.float32(L1), jnp.float32(THRESHOLD), method=method, refine=refine)
    adjacency = np.asarray(found.adjacency)
    return adjacency, time.perf_counter() - began


def case(d: int, kind: str, noise: str, method: str, refine: bool, seeds: range) -> dict[str, object]:
    """Distances over seeds, and seconds."""
    distances, seconds = [], []
    for number, seed in enumerate(seeds):
        true, x = draw(seed, d, kind, noise)
        gram = jnp.asarray(np.cov(x.T), jnp.float32)
        if number == 0:
            first = timed(gram, method, refine)[1]
        adjacency, took = timed(gram, method, refine)
        distances.append(distance(adjacency, true))
        seconds.append(took)
    return {
        "shd": float(np.mean(distances)),
        "by_seed": distances,
        "seconds": float(np.median(seconds)),
        "compile_seconds": first - float(np.median(seconds)),
    }


def bootstrap_case(d: int, replicates: int, method: str) -> dict[str, float]:
    """Seconds of a bootstrap and of a single run, medians of five each, side by side; and warm against cold."""
    _, x = draw(0, d, "erdos-renyi", "equal")
    runs: dict[str, list[float]] = {"single": [], "warm": []}
    warm = dcm.bootstrap_dag(x, replicates, method)
    dcm.learn_dag(x, method)
    for _ in range(5):
        for name in runs:
            began = time.perf_counter()
            if name == "single":
                dcm.learn_dag(x, method)
            else:
                dcm.bootstrap_dag(x, replicates, method)
            runs[name].append(time.perf_counter() - began)
    dcm.bootstrap_dag(x, replicates, method, warm_start=False)
    began = time.perf_counter()
    cold = dcm.bootstrap_dag(x, replicates, method, warm_start=False)
    cold_seconds = time.perf_counter() - began
    single, many = (float(np.median(runs[name])) for name in ("single", "warm"))
    return {
        "replicates": replicates,
        "single_seconds": single,
        "bootstrap_seconds": many,
        "ratio": many / single,
        "cold_seconds": cold_seconds,
        "cold_ratio": cold_seconds / single,
        "largest_difference_warm_cold": float(np.abs(warm.frequency - cold.frequency).max()),
    }


def main() -> None:
    """Print the figures and write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    wanted = parser.parse_args()
    seeds = range(wanted.first, wanted.first + wanted.seeds)
    rows: dict[str, object] = {}
    for d in SIZES:
        print(f"d = {d}; published NOTEARS on Erdos-Renyi: SHD {PUBLISHED[d][0]}, {PUBLISHED[d][1]} s")
        for kind, noise in (
            ("erdos-renyi", "equal"),
            ("scale-free", "equal"),
            ("erdos-renyi", "unequal"),
            ("scale-free", "unequal"),
        ):
            for method in ("notears", "dagma"):
                for refine in (False, True):
                    name = f"{d} {kind} {noise} {method} {'refined' if refine else 'path alone'}"
                    rows[name] = found = case(d, kind, noise, method, refine, seeds)
                    shown = (
                        f"SHD {found['shd']:6.2f}  {found['seconds']:.3f} s  compile {found['compile_seconds']:.1f} s"
                    )
                    print(f"  {name:52s} {shown}", flush=True)
    for method in ("notears", "dagma"):
        rows[f"bootstrap {method}"] = found = bootstrap_case(20, 100, method)
        print(f"bootstrap {method}: " + "  ".join(f"{k} {v:.3g}" for k, v in found.items()), flush=True)
    print("wrote", record(f"structure_{wanted.first}", rows))


if __name__ == "__main__":
    main()
