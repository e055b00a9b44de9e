"""How well could anybody do? The least error of shares that a panel's own noise allows, beside the default fit's.

python benchmarks/bound.py [--simulated 8]

For a panel of known truth the prediction is linearised at the truth in all that a model has to find (curves,
coefficients by region, levels, slopes, season, controls); noise and national wander are known. The inverse of
information plus prior is then the least covariance of an estimate (van Trees 1968, section 2.4). Errors of the
contributions are drawn from it and scored as those of a fit are; all figures are means over the draws.
"""

import argparse

import numpy as np
import pandas as pd
from curves import NAMES, activity, known_panels, relative_exposure
from harness import record
from panels import on_grid
from scipy.linalg import cho_factor, cho_solve, solve_triangular, toeplitz
from truth import errors, score

import deepcausalmmm_jax as dcm

_HOLDOUT = 8
_STEP = 1e-4
# Spreads of what is found beside the curves, wide enough for either generator: coefficients over regions (logs), slope
# of a region's level over the panel, a control's effect over regions (both shares of the mean KPI).
_REGION, _SLOPE, _CONTROL_REGION = 0.25, 0.1, 0.03
_DRAWS = 400
_KEYS = ("mae_pp", "rel_total", "week_corr", "srmse")
_CHANCES = ("total_within_5", "week_corr_at_93")  # of reaching what is aimed for on one panel


class Unknowns:
    """Columns of the linearised prediction, `[region, week]` each in mean KPI of the region, with prior precision.

    A column belongs to a channel, whose contribution it changes, or to the baseline (None).
    """

    def __init__(self) -> None:
        self.columns: list[np.ndarray] = []
        self.precision: list[float] = []
        self.channel: list[int | None] = []

    def add(self, column: np.ndarray, spread: float = np.inf, channel: int | None = None) -> None:
        """One quantity, whose unit change adds `column`."""
        self.columns.append(column)
        self.precision.append(spread**-2)
        self.channel.append(channel)

    def add_by_region(self, column: np.ndarray, spread: float, channel: int | None = None) -> None:
        """The same quantity apart in every region."""
        for region in range(len(column)):
            alone = np.zeros_like(column)
            alone[region] = column[region]
            self.add(alone, spread, channel)

    def design(self) -> np.ndarray:
        """`[region, week, column]`."""
        return np.stack(self.columns, axis=-1)


def unknowns(panel: dcm.Panel, true: np.ndarray, curves: pd.DataFrame, *, known: bool) -> Unknowns:
    """All that has to be found; `true` `[region, week, channel]` in KPI units, `known` takes the curves as given."""
    exposure, share = relative_exposure(panel), true / panel.kpi.mean(axis=1)[:, None, None]
    found, spreads = Unknowns(), dcm.Penalties()
    for m, (decay, slope, half) in enumerate(curves[list(NAMES)].to_numpy()):

        def media(logit: float, slope: float, half: float, m: int = m) -> np.ndarray:
            return activity(exposure[:, :, m], 1 / (1 + np.exp(-logit)), slope, half)

        at = (np.log(max(decay, _STEP) / (1 - decay)), slope, half)
        as_is, more = media(*at), 1 + _STEP
        worth = share[:, :, m].sum(axis=1, keepdims=True) / as_is.sum(axis=1, keepdims=True)
        if not known:
            found.add(worth * (media(at[0] + _STEP, slope, half) - as_is) / _STEP, spreads.decay, m)
            found.add(worth * (media(at[0], slope * more, half) - as_is) / _STEP, spreads.slope, m)
            found.add(worth * (media(at[0], slope, half * more) - as_is) / _STEP, spreads.half_saturation, m)
        found.add(worth * as_is, channel=m)
        if len(share) > 1:
            found.add_by_region(worth * as_is, _REGION, m)
    add_baseline(found, panel)
    return found


def add_baseline(found: Unknowns, panel: dcm.Panel) -> None:
    """Everything but media that has to be found: controls, season, levels and slopes of the regions."""
    weeks, shape = panel.week_numbers, panel.kpi.shape
    spread = np.where(panel.control.std(axis=(0, 1)) > 0, panel.control.std(axis=(0, 1)), 1.0)
    control = (panel.control - panel.control.mean(axis=(0, 1))) / spread
    for k in range(control.shape[2]):
        found.add(control[:, :, k])
        found.add_by_region(control[:, :, k], _CONTROL_REGION)
    for harmonic in (1, 2):
        for wave in (np.sin, np.cos):
            found.add(np.broadcast_to(wave(2 * np.pi * harmonic * weeks / 52.18), shape))
    found.add_by_region(np.ones(shape), np.inf)
    found.add_by_region(np.broadcast_to(np.arange(shape[1]) / shape[1] - 0.5, shape), _SLOPE)


def noise_of(panel: dcm.Panel, true: np.ndarray) -> tuple[float, float, float]:
    """Of what truth and baseline leave: the regions' own noise, spread of the nation's wander, its memory a week."""
    last = panel.kpi.shape[1] - _HOLDOUT
    rest = ((panel.kpi - true.sum(axis=2)) / panel.kpi.mean(axis=1, keepdims=True))[:, :last]
    baseline = Unknowns()
    add_baseline(baseline, panel)
    design = baseline.design()[:, :last].reshape(rest.size, -1)
    rest = rest - (design @ np.linalg.lstsq(design, rest.ravel(), rcond=None)[0]).reshape(rest.shape)
    national = rest.mean(axis=0)
    covariance = [float((national[lag:] * national[: last - lag]).mean()) for lag in (0, 1, 2)]
    memory = float(np.clip(covariance[2] / covariance[1], 0.1, 0.97)) if covariance[1] > 0 else 0.1
    wander = float(np.clip(covariance[1] / memory, 1e-8, covariance[0]))
    own = (rest - national).var() * len(rest) / (len(rest) - 1) if len(rest) > 1 else covariance[0] - wander
    return float(np.sqrt(max(own, 1e-8))), float(np.sqrt(wander)), memory


def weighed(one: np.ndarray, other: np.ndarray, noise: tuple[float, float, float]) -> np.ndarray:
    """Products of columns `[region, week, column]` under the inverse covariance of the noise, see `noise_of`.

    The regions' noise is independent, the nation's wander is the same in all: their mean is a direction of its own.
    """
    own, wander, memory = noise
    n_regions, n_weeks, _ = one.shape
    mean, mean_other = (columns.mean(axis=0) * np.sqrt(n_regions) for columns in (one, other))
    national = own**2 * np.eye(n_weeks) + n_regions * wander**2 * toeplitz(memory ** np.arange(n_weeks))
    within = np.einsum("rti,rtj->ij", one, other, optimize=True) - mean.T @ mean_other
    return within / own**2 + mean.T @ cho_solve(cho_factor(national), mean_other)


def drawn_errors(panel: dcm.Panel, truth: np.ndarray, curves: pd.DataFrame, *, known: bool) -> np.ndarray:
    """Errors of contributions that the best estimate has, `[region, week, channel, draw]` in KPI units."""
    found, last = unknowns(panel, truth, curves, known=known), panel.kpi.shape[1] - _HOLDOUT
    design, channel = found.design(), np.array([-1 if own is None else own for own in found.channel])
    information = weighed(design[:, :last], design[:, :last], noise_of(panel, truth))
    information[np.diag_indices_from(information)] += np.array(found.precision) + 1e-9
    root = np.linalg.cholesky(information)
    moves = solve_triangular(root.T, np.random.default_rng(0).standard_normal((len(root), _DRAWS)))
    error = [design[:, :, channel == m] @ moves[channel == m] for m in range(truth.shape[2])]
    return np.stack(error, axis=2) * panel.kpi.mean(axis=1).reshape(-1, 1, 1, 1)


def least_errors(panel: dcm.Panel, true: pd.DataFrame, curves: pd.DataFrame, *, known: bool) -> dict[str, float]:
    """Figures of the scoreboard and the chances of reaching goals, in the mean over errors of the best estimate."""
    truth = on_grid(panel, true)
    drawn = np.moveaxis(drawn_errors(panel, truth, curves, known=known), -1, 0)
    scored = pd.DataFrame([errors(truth + error, truth, panel.kpi.sum()) for error in drawn]).abs()
    chances = {"total_within_5": scored["rel_total"] <= 0.05, "week_corr_at_93": scored["week_corr"] >= 0.93}
    return scored.assign(**chances).mean().to_dict()


def main() -> None:
    """Print three rows a panel, and the means; write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulated", type=int, default=8)
    rows: dict[str, dict[str, float]] = {}
    for name, load, which in known_panels(parser.parse_args().simulated):
        panel, true, curves = load(which)
        kinds = {"least": least_errors(panel, true, curves, known=False)}
        kinds |= {"curves known": least_errors(panel, true, curves, known=True), "ours": score(panel, true)}
        for kind, own in kinds.items():
            rows[f"{name} {kind}"] = {key: abs(own[key]) for key in (*_KEYS, *_CHANCES) if key in own}
            shown = "  ".join(f"{key} {value:.3f}" for key, value in rows[f"{name} {kind}"].items())
            print(f"{name:17s} {kind:12s} {shown}", flush=True)
    table = pd.DataFrame.from_dict(rows, orient="index")
    for start in ("geo20", "simulated"):
        for kind in ("least", "curves known", "ours"):
            part = table[table.index.str.startswith(start) & table.index.str.endswith(f" {kind}")]
            if len(part):
                print(f"mean {start} {kind}: " + "  ".join(f"{key} {value:.3f}" for key, value in part.mean().items()))
    print("wrote", record("bound", rows))


if __name__ == "__main__":
    main()
