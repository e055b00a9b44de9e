"""Scoreboard that cannot be tuned to: worlds that are not the model's equations, with new panels at every commit.

Import `fresh_panels`, `national_panels`, `score` and `table` to score settings of your own; `truth.py --fresh N` and
`truth.py --national` score default fits. All shares are percent of the KPI in the observed training weeks.
"""

import dataclasses
import hashlib
import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from harness import SHARED, record
from panels import on_grid

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.data.simulation.worlds import WORLDS

Half = Literal["choose", "confirm", "both"]
Named = tuple[str, int, dcm.Panel, pd.Series]  # kind, seed, panel, true shares by channel

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
HOLDOUT = 8
# Few shapes, since each is compiled anew.
_ONE_REGION_WEEKS, _WEEKS = 156, 120
_ONE_REGION_CHANNELS = (5, 3, 8)  # in turn
_BIG, _MISSED = 5.0, 0.2  # percent of the KPI; an estimate below this part of it misses the channel
_BOUNDS = (5.0, 95.0, 25.0, 75.0)  # percentiles: of the 90 % interval, of the 50 % interval


@dataclass(frozen=True)
class Score:
    """One fit against the truth; shares in percent of the KPI, None where the fit has no draws.

    Attributes:
        regions: number of them.
        channels: number of them.
        true_total: of all channels.
        found_total: of all channels.
        mae_pp: mean absolute error of a channel's share, in points.
        big: channels whose true share is above 5 %.
        missed: those of them that are estimated below a fifth of it.
        in90: channels whose 90 % interval holds the true share.
        in50: the same, 50 %.
        width90: mean width of the channels' 90 % intervals, in points.
        total_in90: whether the total's 90 % interval holds the true total.
        total_in50: the same, 50 %.
        total_width90: width of the total's 90 % interval, in points.
        forecast_in90: share of held-out region-weeks within the 90 % interval of the forecast.
        rmse_over_naive: of the held-out weeks, over the best naive forecast.
        seconds: of the fit, compilation included.
    """

    regions: int
    channels: int
    true_total: float
    found_total: float
    mae_pp: float
    big: int
    missed: int
    in90: int | None
    in50: int | None
    width90: float | None
    total_in90: bool | None
    total_in50: bool | None
    total_width90: float | None
    forecast_in90: float | None
    rmse_over_naive: float
    seconds: float


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
    drawn_from = commit() if of_commit is None else of_commit
    for kind in HALVES[half] if kinds is None else [kind for kind in HALVES[half] if kind in kinds]:
        offset = list(WORLDS).index(kind)  # so that one panel a kind has all sizes, too
        fitting = [size for size in sizes if size > 1] if kind == "moves_together" else []
        for index in range(n):
            own = fitting or list(sizes)
            regions = own[(index + offset) % len(own)]
            seed = fresh_seed(drawn_from, kind, index)
            yield kind, seed, *world_panel(kind, seed, regions, offset + index)


def world_panel(kind: str, seed: int, regions: int, turn: int = 0) -> tuple[dcm.Panel, pd.Series]:
    """A panel of a world with its true shares; `turn` picks the number of channels where there is one region."""
    if regions == 1:
        weeks, channels = _ONE_REGION_WEEKS, _ONE_REGION_CHANNELS[turn % len(_ONE_REGION_CHANNELS)]
    else:
        weeks, channels = _WEEKS, 4 if regions < 8 else 5
    panel, truth = dcm.simulate(regions, weeks, channels, 2, seed, kind=kind)
    return panel, true_shares(panel, truth.contributions.values)


def national_panels(names: Sequence[str] | None = None) -> Iterator[Named]:
    """The shared one-region panels, with true shares; none where they are not here."""
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
        yield kind, int(seed), panel, true_shares(panel, on_grid(panel, grid))


def true_shares(panel: dcm.Panel, contributions: np.ndarray, holdout: int | None = HOLDOUT) -> pd.Series:
    """Percent of the KPI by channel over the observed training weeks; contributions `[region, week, channel]`."""
    used = training_weights(panel, holdout) > 0
    share = 100.0 * contributions[used].sum(axis=0) / panel.kpi[used].sum()
    return pd.Series(share, index=list(panel.channels), name="share")


def score(panel: dcm.Panel, true_share: pd.Series, result: dcm.FitResult, seconds: float | None = None) -> Score:
    """A fit against the truth; `seconds` of the fit, as it recorded them when None."""
    found = result.notes()["share"].reindex(true_share.index)
    big = true_share > _BIG
    holdout = result.metrics.loc["holdout"] if result.holdout else None
    naive = np.nan if holdout is None else float(holdout["rmse"] / holdout["rmse_naive"])
    return Score(
        regions=panel.shape[0],
        channels=panel.shape[2],
        true_total=float(true_share.sum()),
        found_total=float(found.sum()),
        mae_pp=float((found - true_share).abs().mean()),
        big=int(big.sum()),
        missed=int((big & (found < _MISSED * true_share)).sum()),
        **_held(true_share, _drawn(result, "share_draws")),
        forecast_in90=_forecast_held(panel, result),
        rmse_over_naive=naive,
        seconds=result.fitted.record.seconds if seconds is None else seconds,
    )


def table(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Figures by kind and of all; `rows` are `Score`s as dicts, with their `kind`."""
    scores = pd.DataFrame(list(rows))
    parts = {str(kind): part for kind, part in scores.groupby("kind", sort=False)} | {"all": scores}
    return pd.DataFrame.from_dict({kind: _figures(part) for kind, part in parts.items()}, orient="index")


def run(panels: Iterator[Named], name: str, about: dict[str, Any] | None = None) -> None:
    """Fit every panel with default settings, print the table and write rows and table as JSON."""
    rows = []
    for kind, seed, panel, true in panels:
        began = time.perf_counter()
        result = dcm.fit(panel, holdout=HOLDOUT, seed=0, progress=False)
        one = score(panel, true, result, time.perf_counter() - began)
        rows.append({"kind": kind, "seed": seed} | dataclasses.asdict(one))
        size = f"{panel.shape[0]:3d} x {panel.shape[1]} x {panel.shape[2]}"
        shares = f"true {one.true_total:5.1f} %  found {one.found_total:5.1f} %  mae {one.mae_pp:5.2f}"
        print(f"{kind:18s} {seed:>10d}  {size}  {shares}  {one.seconds:5.1f} s", flush=True)
    if not rows:
        print(f"No panels to score; the shared ones are looked for at {SHARED / 'national'}.")
        return
    summary = table(rows)
    print(summary.to_string(float_format=lambda value: f"{value:.2f}", na_rep="-"))
    figures = {"table": summary.to_dict(orient="index"), "rows": rows}
    print("wrote", record(name, _plain((about or {}) | figures)))


def run_fresh(n: int, half: Half, kinds: Sequence[str] | None, sizes: Sequence[int]) -> None:
    """`truth.py --fresh`: default fits of new panels, drawn from this commit."""
    unknown = sorted(set(kinds or ()) - set(HALVES[half]))
    if unknown:
        raise SystemExit(f"No kind {', '.join(unknown)} in half {half!r}; it has {', '.join(HALVES[half])}.")
    drawn_from = commit()
    print(f"commit {drawn_from}, half {half}, {n} panels a kind")
    about = {"commit": drawn_from, "half": half, "panels_a_kind": n, "sizes": list(sizes)}
    run(fresh_panels(half, n, sizes, kinds=kinds, of_commit=drawn_from), f"fresh_{half}", about)


def _drawn(result: dcm.FitResult, accessor: str) -> Any:
    """Draws of an accessor that not every result has."""
    method = getattr(result, accessor, None)
    return None if method is None else method()


def _held(true_share: pd.Series, draws: pd.DataFrame | None) -> dict[str, Any]:
    """The interval fields of `Score`."""
    names = ("in90", "in50", "width90", "total_in90", "total_in50", "total_width90")
    if draws is None:
        return dict.fromkeys(names)
    values = draws[list(true_share.index)].to_numpy()
    low90, high90, low50, high50 = np.percentile(np.column_stack([values, values.sum(axis=1)]), _BOUNDS, axis=0)
    true = np.append(true_share.to_numpy(), true_share.sum())
    in90, in50 = (low90 <= true) & (true <= high90), (low50 <= true) & (true <= high50)
    width = high90 - low90
    found = (in90[:-1].sum(), in50[:-1].sum(), width[:-1].mean(), in90[-1], in50[-1], width[-1])
    return {name: value.item() for name, value in zip(names, found, strict=True)}


def _forecast_held(panel: dcm.Panel, result: dcm.FitResult) -> float | None:
    """Share of held-out region-weeks within the 90 % interval of `forecast_draws`."""
    draws = _drawn(result, "forecast_draws")
    if draws is None or not result.holdout:
        return None
    later = slice(result.fitted.n_training_weeks, panel.n_past_weeks)
    low, high = np.percentile(draws[:, :, : later.stop - later.start], _BOUNDS[:2], axis=0)
    seen, kpi = panel.weights[:, later] > 0, panel.kpi[:, later]
    return float(((low <= kpi) & (kpi <= high))[seen].mean())


def _figures(part: pd.DataFrame) -> dict[str, float]:
    """A line of the table."""
    drawn = part[part["in90"].notna()]
    channels = drawn["channels"].sum() or np.nan
    return {
        "panels": len(part),
        "true": part["true_total"].mean(),
        "found": part["found_total"].mean(),
        "bias": (part["found_total"] / part["true_total"] - 1.0).mean(),
        "bias_sum": part["found_total"].sum() / part["true_total"].sum() - 1.0,
        "mae_pp": part["mae_pp"].mean(),
        "cover90": drawn["in90"].sum() / channels,
        "cover50": drawn["in50"].sum() / channels,
        "width90": (drawn["width90"] * drawn["channels"]).sum() / channels,
        "total90": drawn["total_in90"].astype(float).mean(),
        "total50": drawn["total_in50"].astype(float).mean(),
        "total_width90": drawn["total_width90"].astype(float).mean(),
        "missed": part["missed"].sum(),
        "big": part["big"].sum(),
        "forecast90": part["forecast_in90"].astype(float).mean(),
        "over_naive": part["rmse_over_naive"].mean(),
        "seconds": part["seconds"].mean(),
    }


def _plain(figures: Any) -> Any:
    """Figures as JSON has them: NaN is null."""
    if isinstance(figures, dict):
        return {name: _plain(value) for name, value in figures.items()}
    if isinstance(figures, list):
        return [_plain(value) for value in figures]
    if isinstance(figures, np.generic):
        return _plain(figures.item())
    return None if isinstance(figures, float) and np.isnan(figures) else figures
