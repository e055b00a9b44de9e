"""Rows of `learn_dag` on the worlds of `worlds.py`, beside those of other methods where `others.py` has them.

Only the public surface is used: `learn_dag`, `bootstrap_dag` and the attributes of what they return.
"""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import deepcausalmmm_jax as dcm
from structure.scores import adjusted_rand, cpdag_distance, distance, f1, shop_aurocs, skeleton_distance
from structure.worlds import SHOP_WORLDS, dynamic, linear, many_samples, simulate_shops

OTHERS = Path(__file__).resolve().parents[1] / "results" / "structure_others.json"
GRAPHS = ("erdos-renyi", "scale-free")
Row = dict[str, Any]
Rows = Iterator[tuple[str, Row]]


def over(seeds: range, one: Callable[[int], Row]) -> Row:
    """Means over seeds, each seed's figures, and the median of seconds, which are of warm calls."""
    one(seeds[0])
    rows = [one(seed) for seed in seeds]
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0] if name != "seconds"}
    seconds = float(np.median([row["seconds"] for row in rows]))
    return means | {"seconds": seconds, "by_seed": {name: [row[name] for row in rows] for name in means}}


def learned(*args: Any, **settings: Any) -> tuple[Any, float]:
    """What `learn_dag` finds, and its seconds."""
    began = time.perf_counter()
    found = dcm.learn_dag(*args, **settings)
    return found, time.perf_counter() - began


def classes(seeds: range) -> Rows:
    """Unequal Gaussian noise, standardised: skeleton and equivalence class; goal: at or below GES and BOSS."""
    for noise in ("unequal", None):
        for d in (10, 20, 50):
            for graph in GRAPHS:

                def one(seed: int, d: int = d, graph: Any = graph, noise: str | None = noise) -> Row:
                    drawn = linear(seed, d, graph, "unequal", standardise=True)
                    found, seconds = learned(drawn.samples, noise=noise)
                    return _class_errors(found, drawn.weights) | {"seconds": seconds}

                yield f"classes {d} {graph} noise={noise}", over(seeds, one)

    def large(seed: int) -> Row:
        drawn = many_samples(seed, standardise=True)
        found, seconds = learned(drawn.samples, noise="unequal")
        return _class_errors(found, drawn.weights) | {"seconds": seconds}

    yield "classes 20, n = 10,000 noise=unequal", over(seeds, large)


def equal(seeds: range) -> Rows:
    """Equal noise, raw units: structural Hamming distance; goal: 0.2 or less at d = 20, as before."""
    for noise in ("equal", None):
        for d in (10, 20, 50):
            for graph in GRAPHS:

                def one(seed: int, d: int = d, graph: Any = graph, noise: str | None = noise) -> Row:
                    drawn = linear(seed, d, graph)
                    found, seconds = learned(drawn.samples, noise=noise)
                    return {"shd": distance(found.adjacency, drawn.weights), "seconds": seconds}

                yield f"equal {d} {graph} noise={noise}", over(seeds, one)


def units(seeds: range) -> Rows:
    """The law: the share of data sets whose graph stays the same when each column is rescaled by 10^-3 to 10^3."""
    for d in (10, 20):

        def one(seed: int, d: int = d) -> Row:
            drawn = linear(seed, d, noise="unequal")
            scale = 10.0 ** np.random.default_rng(seed).uniform(-3, 3, d)
            (raw, _), (scaled, seconds) = (learned(x, noise="unequal") for x in (drawn.samples, drawn.samples * scale))
            return {
                "same class": distance(raw.cpdag, scaled.cpdag) == 0,
                "same graph": distance(raw.adjacency, scaled.adjacency) == 0,
                "seconds": seconds,
            }

        yield f"units {d}", over(seeds, one)


def directions(seeds: range) -> Rows:
    """Unequal noise by its law, standardised: distance with directions; goal: DirectLiNGAM's or better."""
    for d in (10, 20):
        for law in ("gaussian", "exponential", "logistic"):

            def one(seed: int, d: int = d, law: Any = law) -> Row:
                drawn = linear(seed, d, "erdos-renyi", "unequal", law, standardise=True)
                found, seconds = learned(drawn.samples, noise="unequal")
                return {
                    "shd": distance(found.adjacency, drawn.weights),
                    "skeleton": skeleton_distance(found.adjacency, drawn.weights),
                    "seconds": seconds,
                }

            yield f"directions {d} {law} unequal standardised", over(seeds, one)


def dynamics(seeds: range) -> Rows:
    """The simulation of dynamic NOTEARS: F1 within the week and of lagged edges; goal: above its published code's."""
    for d in (10, 20):
        for law in ("gaussian", "exponential"):

            def one(seed: int, d: int = d, law: Any = law) -> Row:
                drawn = dynamic(seed, d, law)
                found, seconds = learned(drawn.series, lags=1)
                return {
                    "within": f1(found.adjacency, drawn.within),
                    "lagged": f1(found.lagged, drawn.lagged),
                    "seconds": seconds,
                }

            yield f"dynamic {d} {law}", over(seeds, one)


def shops(seeds: range) -> Rows:
    """Shops whose groups are not told: AUROC of edges a shop (goal 0.95), groups found (3), Rand index (0.95)."""
    for title, settings in SHOP_WORLDS.items():

        def one(seed: int, settings: dict[str, Any] = settings) -> Row:
            drawn = simulate_shops(seed, **settings)
            found, seconds = learned(drawn.series, lags=2, groups="learn")
            group = np.asarray(found.labels)
            pairs, by_lag = shop_aurocs(_shop_strengths(found, drawn.series), drawn.group, drawn.edges)
            return {
                "pairs": float(pairs.mean()),
                "pairs by lag": float(by_lag.mean()),
                "groups": len(np.unique(group)),
                "adjusted rand": adjusted_rand(group, drawn.group),
                "seconds": seconds,
            }

        yield f"shops {title}", over(seeds, one)


def speed(seeds: range) -> Rows:
    """Warm seconds; goals: 10 at d = 50, 10 for 100 bootstrap replicates at d = 20, on two cores."""
    sample = {d: linear(seeds[0], d, noise="unequal", standardise=True).samples for d in (20, 50)}
    for name, call in {
        "speed learn_dag 20": lambda: dcm.learn_dag(sample[20], noise="unequal"),
        "speed learn_dag 50": lambda: dcm.learn_dag(sample[50], noise="unequal"),
        "speed bootstrap_dag 20, 100 replicates": lambda: dcm.bootstrap_dag(sample[20], 100),
    }.items():
        seconds = []
        for _ in range(4):
            began = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - began)
        warm = float(np.median(seconds[1:]))
        yield name, {"seconds": warm, "compile_seconds": seconds[0] - warm}


def beside(name: str) -> list[tuple[str, Row]]:
    """Rows of other methods on the same world."""
    figures = json.loads(OTHERS.read_text())["figures"] if OTHERS.exists() else {}
    world = name.split(" noise=")[0]
    return [(other, row) for other, row in figures.items() if other.startswith(world + " ")]


PARTS: dict[str, Callable[[range], Rows]] = {
    "classes": classes,
    "equal": equal,
    "units": units,
    "directions": directions,
    "dynamic": dynamics,
    "shops": shops,
    "speed": speed,
}


def _class_errors(found: Any, weights: np.ndarray) -> Row:
    return {
        "skeleton": skeleton_distance(found.adjacency, weights),
        "cpdag": cpdag_distance(found.cpdag, weights),
        "shd": distance(found.adjacency, weights),
    }


def _shop_strengths(found: Any, series: np.ndarray) -> np.ndarray:
    """Absolute lagged weights of each shop in its standard deviations, `[shop, lag, source, target]`."""
    size = series.std(axis=1)
    return np.abs(found.lagged) * (size[:, :, None] / size[:, None, :])[:, None]
