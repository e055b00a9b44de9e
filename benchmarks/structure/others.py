"""Rows of other methods on the worlds of `worlds.py`, written to `benchmarks/results/structure_others.json`.

python benchmarks/structure/others.py [--parts classes directions dynamic shops] [--seeds 10] [--first 0]
    [--limit 120] [--out FILE.json]

It runs in an environment of its own, since the package never depends on these methods; see HOW_TO. A method that takes
longer than `--limit` seconds on one data set is not tried on the further seeds of that row, and the row says so.
"""

import argparse
import json
import os
import platform
import signal
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import methods
import numpy as np
from scores import adjusted_rand, cpdag_distance, distance, f1, shop_aurocs, skeleton_distance
from worlds import SHOP_WORLDS, dynamic, linear, many_samples, simulate_shops

RESULTS = Path(__file__).resolve().parents[1] / "results"
PACKAGES = ("causal-learn", "lingam", "tigramite", "gcastle", "dagma", "causalnex", "torch", "numpy", "scipy")
HOW_TO = (
    "Make the environment with `python3 -m venv dagenv && dagenv/bin/pip install causal-learn lingam tigramite gcastle "
    "dagma torch ipython pyvis pathos pgmpy && dagenv/bin/pip install --no-deps --ignore-requires-python causalnex`, "
    "and run this file with dagenv/bin/python."
)

Row = dict[str, Any]


class TooSlowError(Exception):
    """A method ran past its limit."""


def case(limit: int, seeds: Sequence[int], world: Callable, method: Callable, measures: Callable) -> Row:
    """Means of the measures over seeds, each seed's, and median seconds."""
    rows, seconds, note = [], [], ""
    for seed in seeds:
        truth, samples = world(seed)
        began = time.perf_counter()
        signal.alarm(limit)
        try:
            found = method(samples)
        except TooSlowError:
            note = f"stopped at seed {seed} after {limit} s"
            break
        except Exception as error:  # a row of another package may fail; the others go on
            note = f"failed at seed {seed}: {type(error).__name__}: {error}"[:200]
            break
        finally:
            signal.alarm(0)
        seconds.append(time.perf_counter() - began)
        rows.append(measures(found, truth))
    row: Row = {name: float(np.mean([r[name] for r in rows])) for name in (rows[0] if rows else ())}
    row["by_seed"] = {name: [r[name] for r in rows] for name in (rows[0] if rows else ())}
    return row | {"seeds": len(rows), "seconds": float(np.median(seconds)) if seconds else None, "note": note}


def classes(run: Callable[..., None]) -> None:
    """Skeletons and equivalence classes, unequal Gaussian noise, standardised; then 10,000 samples."""

    def measures(found: np.ndarray, weights: np.ndarray) -> Row:
        return {"skeleton": skeleton_distance(found, weights), "cpdag": cpdag_distance(found, weights)}

    for d in (10, 20, 50):
        for graph in ("erdos-renyi", "scale-free"):
            for name, method in methods.CPDAG_METHODS.items():

                def world(seed: int, d: int = d, graph: str = graph) -> tuple[np.ndarray, np.ndarray]:
                    drawn = linear(seed, d, graph, "unequal", standardise=True)
                    return drawn.weights, drawn.samples

                run(f"classes {d} {graph} {name}", world, method, measures)
    for name, method in methods.CPDAG_METHODS.items():

        def world(seed: int) -> tuple[np.ndarray, np.ndarray]:
            drawn = many_samples(seed, standardise=True)
            return drawn.weights, drawn.samples

        run(f"classes 20, n = 10,000 {name}", world, method, measures)


def directions(run: Callable[..., None]) -> None:
    """Structural Hamming distance of graphs with directions, by law and size of the noise, and units."""

    def measures(found: np.ndarray, weights: np.ndarray) -> Row:
        return {
            "shd": distance(found, weights),
            "shd above 0.1": distance(np.abs(found) > 0.1, weights),
            "skeleton": skeleton_distance(found, weights),
        }

    laws = [("gaussian", "equal", False)]
    laws += [(law, "unequal", scaled) for law in ("gaussian", "exponential", "logistic") for scaled in (False, True)]
    for d in (10, 20):
        for law, noise, scaled in laws:
            for method in (methods.direct_lingam, methods.dagma, methods.notears):

                def world(seed: int, d: int = d, noise: str = noise, law: str = law, scaled: bool = scaled) -> tuple:
                    drawn = linear(seed, d, "erdos-renyi", noise, law, standardise=scaled)
                    return drawn.weights, drawn.samples

                units = "standardised" if scaled else "raw"
                run(f"directions {d} {law} {noise} {units} {method.__name__}", world, method, measures)


def two_graphs(found: tuple, truth: tuple) -> Row:
    """F1 within the week and of lagged edges, for one rule of thresholds and the best in hindsight."""
    within, lagged = (np.abs(part.astype(float)) for part in found)
    grid = (0.0, 0.01, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4)
    return {
        "within": f1(within > 0.3, truth[0]),
        "within, best": max(f1(within > least, truth[0]) for least in grid),
        "within, skeleton": f1((within > 0.3) | (within.T > 0.3), (truth[0] != 0) | (truth[0].T != 0)),
        "lagged": f1(lagged > 0.1, truth[1]),
        "lagged, best": max(f1(lagged > least, truth[1]) for least in grid),
    }


def dynamics(run: Callable[..., None]) -> None:
    """The simulation of dynamic NOTEARS; weights above 0.3 within the week and above 0.1 of earlier weeks are edges."""
    tried = {
        "dynotears, penalty 0.05": methods.dynotears,
        "dynotears, penalty 0.01": lambda series: methods.dynotears(series, 0.01),
        "dynotears, penalty 0.1": lambda series: methods.dynotears(series, 0.1),
        "var-lingam": methods.var_lingam,
        "pcmci+": methods.pcmci_plus,
    }
    for d in (10, 20):
        for law in ("gaussian", "exponential"):
            for name, method in tried.items():

                def world(seed: int, d: int = d, law: str = law) -> tuple[tuple, np.ndarray]:
                    drawn = dynamic(seed, d, law)
                    return (drawn.within, drawn.lagged), drawn.series

                run(f"dynamic {d} {law} {name}", world, method, two_graphs)


def shops(run: Callable[..., None]) -> None:
    """AUROC of edges a shop, as `pairs` and `pairs by lag`; the last two rows are told the groups or their number."""

    def measures(found: tuple[np.ndarray, np.ndarray], drawn: Any) -> Row:
        score, group = found
        pairs, by_lag = shop_aurocs(np.abs(score), drawn.group, drawn.edges)
        rand = adjusted_rand(group, drawn.group)
        return {"pairs": float(pairs.mean()), "pairs by lag": float(by_lag.mean()), "adjusted rand": rand}

    def by_group(group: np.ndarray, series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        labels, place = np.unique(group, return_inverse=True)
        return np.stack([methods.ridge(series[group == label]) for label in labels])[place], group

    tried: dict[str, Callable[[Any], tuple[np.ndarray, np.ndarray]]] = {
        "ridge, a shop at a time": lambda x: by_group(np.arange(len(x.series)), x.series),
        "ridge, one graph for all": lambda x: by_group(np.zeros(len(x.series), int), x.series),
        "ridge, k-means told that there are 3": lambda x: by_group(methods.k_means(x.series, 3), x.series),
        "ridge, told the groups": lambda x: by_group(x.group, x.series),
        "pcmci, a shop at a time": lambda x: (
            np.stack([methods.pcmci_strengths(series) for series in x.series]),
            np.arange(len(x.series)),
        ),
    }
    for title, settings in SHOP_WORLDS.items():
        for name, method in tried.items():

            def world(seed: int, settings: dict[str, Any] = settings) -> tuple[Any, Any]:
                drawn = simulate_shops(seed, **settings)
                return drawn, drawn

            run(f"shops {title} {name}", world, method, measures)


PARTS = {"shops": shops, "dynamic": dynamics, "classes": classes, "directions": directions}


def written(path: Path, rows: dict[str, Row]) -> None:
    """Write the rows so far, beside those of earlier runs, with machine and versions."""
    earlier = json.loads(path.read_text())["figures"] if path.exists() else {}
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    machine = {"processor": platform.machine(), "cores": 1, "python": platform.python_version(), "versions": found}
    path.write_text(json.dumps({"machine": machine, "figures": earlier | rows}, indent=1) + "\n")


def main() -> None:
    """Print each row as it is found, and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("--limit", type=int, default=120, help="seconds for one data set")
    parser.add_argument("--out", type=Path, default=RESULTS / "structure_others.json")
    wanted = parser.parse_args()
    if any(find_spec(name) is None for name in ("causallearn", "lingam", "tigramite", "castle", "dagma", "causalnex")):
        sys.exit(HOW_TO)
    warnings.simplefilter("ignore")

    def stop(*_: object) -> None:
        raise TooSlowError

    signal.signal(signal.SIGALRM, stop)
    seeds = range(wanted.first, wanted.first + wanted.seeds)

    def run(name: str, world: Callable, method: Callable, measures: Callable) -> None:
        if wanted.only in name:
            row = case(wanted.limit, seeds, world, method, measures)
            written(wanted.out, {name: row})
            shown = "  ".join(f"{k} {v:.3g}" for k, v in row.items() if isinstance(v, float))
            print(f"{name:52s} {shown}  seeds {row['seeds']}  {row['note']}", flush=True)

    for part in wanted.parts:
        PARTS[part](run)


if __name__ == "__main__":
    for library in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        if os.environ.get(library) != "1":  # read when numpy is loaded, so the process starts again
            os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
            os.execv(sys.executable, [sys.executable, *sys.argv])
    main()
