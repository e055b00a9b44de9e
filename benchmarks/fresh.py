"""Scoreboard that cannot be tuned to: worlds that are not the model's equations, with new panels at every commit.

Import `fresh_panels` and `national_panels`, with `score` and `table` of fresh_scores.py, to score settings of your own;
`truth.py --fresh N` and `truth.py --national` score default fits.
"""

import dataclasses
import hashlib
import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from fresh_scores import HOLDOUT, score, table, true_returns, true_shares
from harness import SHARED, record
from panels import on_grid

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.simulation.simulate import Truth
from deepcausalmmm_jax.data.simulation.worlds import WORLDS

Half = Literal["choose", "confirm", "both"]
Named = tuple[str, int, dcm.Panel, pd.DataFrame]  # kind, seed, panel, truth by channel: `share`, `roi`, `mroi`

# Settings may be chosen on the first half only; the second is looked at once they stand. Each half has its part of
# saturation, carry-over, budgets and environment; of the two kinds in which budgets follow the KPI's own movements
# (follows_sales, unobserved_demand) each half has one.
CHOOSE = (
    "linear",
    "power",
    "tanh",
    "weibull",
    "follows_season",
    "always_on",
    "bursts",
    "unobserved_demand",
    "noise_controls",
    "moves_together",
)
CONFIRM = (
    "logarithmic",
    "logistic",
    "multiplicative",
    "delayed",
    "two_speed",
    "follows_sales",
    "new_and_stopped",
    "collinear",
    "trend_breaks",
    "heavy_tails",
)
HALVES: dict[Half, tuple[str, ...]] = {"choose": CHOOSE, "confirm": CONFIRM, "both": CHOOSE + CONFIRM}

SIZES = (1, 1, 1, 4, 1, 1, 20)  # regions, in turn
# Few shapes, since each is compiled anew.
_ONE_REGION_WEEKS, _WEEKS = 156, 120
_ONE_REGION_CHANNELS = (5, 3, 8)  # in turn


def commit() -> str:
    """Full hash of the commit that is checked out."""
    ran = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit("Fresh panels are drawn from the commit's hash, and this is no git checkout.")
    return ran.stdout.strip()


def fresh_seed(of_commit: str, kind: str, index: int) -> int:
    """Seed of a kind's panel number `index`: another one at every commit."""
    return int.from_bytes(hashlib.sha256(f"{of_commit}:{kind}:{index}".encode()).digest()[:4], "big")


def fresh_panels(
    half: Half = "choose",
    n: int = 1,
    sizes: Sequence[int] = SIZES,
    *,
    kinds: Sequence[str] | None = None,
    of_commit: str | None = None,
) -> Iterator[Named]:
    """New panels of every kind of a half.

    Args:
        half: which kinds.
        n: panels a kind.
        sizes: numbers of regions, taken in turn; `moves_together` leaves out 1 where there are others.
        kinds: only these of the half.
        of_commit: hash that seeds are drawn from; the commit that is checked out when None.
    """
    for kind, seed, panel, truth in fresh_worlds(half, n, sizes, kinds=kinds, of_commit=of_commit):
        yield kind, seed, panel, known(panel, truth)


def fresh_worlds(
    half: Half, n: int, sizes: Sequence[int], *, kinds: Sequence[str] | None = None, of_commit: str | None = None
) -> Iterator[tuple[str, int, dcm.Panel, Truth]]:
    """The panels of `fresh_panels`, each with all that the simulation knows."""
    drawn_from = commit() if of_commit is None else of_commit
    for kind in HALVES[half] if kinds is None else [kind for kind in HALVES[half] if kind in kinds]:
        offset = list(WORLDS).index(kind)  # so that one panel a kind has all sizes, too
        fitting = [size for size in sizes if size > 1] if kind == "moves_together" else []
        for index in range(n):
            own = fitting or list(sizes)
            regions = own[(index + offset) % len(own)]
            seed = fresh_seed(drawn_from, kind, index)
            yield kind, seed, *world(kind, seed, regions, offset + index)


def world_panel(kind: str, seed: int, regions: int, turn: int = 0) -> tuple[dcm.Panel, pd.DataFrame]:
    """A panel of a world, with true shares and returns; `turn` picks the number of channels of one region."""
    panel, truth = world(kind, seed, regions, turn)
    return panel, known(panel, truth)


def known(panel: dcm.Panel, truth: Truth) -> pd.DataFrame:
    """True shares and returns by channel."""
    share = true_shares(panel, truth.contributions.values)
    return pd.concat([share, true_returns(panel, truth)], axis=1)


def world(kind: str, seed: int, regions: int, turn: int = 0) -> tuple[dcm.Panel, Truth]:
    """A panel of a world; `turn` picks the number of channels of one region."""
    if regions == 1:
        weeks, channels = _ONE_REGION_WEEKS, _ONE_REGION_CHANNELS[turn % len(_ONE_REGION_CHANNELS)]
    else:
        weeks, channels = _WEEKS, 4 if regions < 8 else 5
    return dcm.simulate(regions, weeks, channels, 2, seed, kind=kind)


def national_panels(names: Sequence[str] | None = None) -> Iterator[Named]:
    """The shared one-region panels, with true shares and no returns; none where they are not here."""
    for path in sorted((SHARED / "national").glob("*.json")):
        kind, _, seed = path.stem.rpartition("_")
        if names is not None and kind not in names:
            continue
        roles = json.loads(path.read_text())
        df = pd.read_csv(path.with_suffix(".csv"), parse_dates=["week"])
        true = pd.read_csv(path.with_name(f"{path.stem}_truth.csv"))[roles["media"]]
        # The controls named leave out what media bring about (c_brand_awareness).
        panel = dcm.Panel.from_dataframe(df, time="week", kpi="sales", media=roles["media"], controls=roles["controls"])
        grid = true.set_index(pd.MultiIndex.from_product([panel.regions, pd.Index(df["week"])]))
        share = true_shares(panel, on_grid(panel, grid))
        yield kind, int(seed), panel, share.to_frame().assign(roi=np.nan, mroi=np.nan)


def run(
    panels: Iterator[Named], name: str, about: dict[str, Any] | None = None, config: dcm.Config | None = None
) -> None:
    """Fit every panel, with default settings where `config` is None; print the table, write rows and table as JSON."""
    rows: list[dict[str, Any]] = []
    for kind, seed, panel, true in panels:
        began = time.perf_counter()
        result = dcm.fit(panel, config, holdout=HOLDOUT, seed=0, progress=False)
        one = score(panel, true, result, time.perf_counter() - began)
        rows.append({"kind": kind, "seed": seed} | dataclasses.asdict(one))
        size = f"{panel.shape[0]:3d} x {panel.shape[1]} x {panel.shape[2]}"
        shares = f"true {one.true_total:5.1f} %  found {one.found_total:5.1f} %  mae {one.mae_pp:5.2f}"
        cover = "" if one.in90 is None else f"  in {one.in90} of {one.channels}"
        print(f"{kind:18s} {seed:>10d}  {size}  {shares}{cover}  {one.seconds:5.1f} s", flush=True)
    if not rows:
        print(f"No panels to score; the shared ones are looked for at {SHARED / 'national'}.")
        return
    summary = table(rows)
    print(summary.to_string(float_format=lambda value: f"{value:.2f}", na_rep="-"))
    figures = {"table": summary.to_dict(orient="index"), "rows": rows}
    print("wrote", record(name, _plain((about or {}) | figures)))


def run_fresh(
    n: int,
    half: Half,
    kinds: Sequence[str] | None,
    sizes: Sequence[int],
    of_commit: str | None = None,
    config: dcm.Config | None = None,
) -> None:
    """`truth.py --fresh`: fits of new panels, drawn from this commit, or those of an earlier one again."""
    unknown = sorted(set(kinds or ()) - set(HALVES[half]))
    if unknown:
        raise SystemExit(f"No kind {', '.join(unknown)} in half {half!r}; it has {', '.join(HALVES[half])}.")
    drawn_from = commit() if of_commit is None else of_commit
    print(f"commit {drawn_from}, half {half}, {n} panels a kind")
    about = {"commit": drawn_from, "half": half, "panels_a_kind": n, "sizes": list(sizes)}
    name = f"fresh_{half}_{'_'.join(map(str, dict.fromkeys(sizes)))}"
    run(fresh_panels(half, n, sizes, kinds=kinds, of_commit=drawn_from), name, about, config)


def _plain(figures: Any) -> Any:
    """Figures as JSON has them: NaN is null."""
    if isinstance(figures, dict):
        return {name: _plain(value) for name, value in figures.items()}
    if isinstance(figures, list):
        return [_plain(value) for value in figures]
    if isinstance(figures, np.generic):
        return _plain(figures.item())
    return None if isinstance(figures, float) and np.isnan(figures) else figures
