"""How well could anybody do? The least error of shares that a panel's own noise allows, beside the default fit's.

python benchmarks/bound.py [--simulated 8]

For a panel of known truth the prediction is linearised at the truth in all that a model has to find (curves,
coefficients by region, levels, slopes, season, controls); noise and national wander are known. The inverse of
information plus prior is then the least covariance of an estimate (van Trees 1968, section 2.4), and a channel's share
cannot be known with less than its standard deviation. Its mean error, sqrt(2 / pi) of that, is to be compared with
mae_pp.
"""

import argparse
from collections.abc import Callable

import numpy as np
import pandas as pd
from harness import SHARED, record
from limit import drawn, geo
from panels import GEO
from scipy.linalg import cho_factor, cho_solve, toeplitz
from scipy.signal import lfilter
from truth import score

import deepcausalmmm_jax as dcm

_HOLDOUT = 8
_STEP = 1e-4
# Spreads of what is found beside the curves, wide enough for either generator: coefficients over regions (logs), slope
# of a region's level over the panel, a control's effect over regions (both shares of the mean KPI).
_REGION, _SLOPE, _CONTROL_REGION = 0.25, 0.1, 0.03
_MEAN_ERROR = np.sqrt(2 / np.pi)


class Unknowns:
    """Columns of the linearised prediction, `[region, week]` each, with prior precision and effect on the shares."""

    def __init__(self, n_channels: int, weights: np.ndarray) -> None:
        self.columns: list[np.ndarray] = []
        self.precision: list[float] = []
        self.effect: list[np.ndarray] = []
        self._none, self._weights = np.zeros(n_channels), weights

    def add(self, column: np.ndarray, spread: float = np.inf, channel: int | None = None) -> None:
        """One quantity, whose unit change adds `column`; a `channel`'s changes its share."""
        moved = self._none.copy()
        if channel is not None:
            moved[channel] = (column.mean(axis=1) * self._weights).sum()
        self.columns.append(column)
        self.precision.append(spread**-2)
        self.effect.append(moved)

    def add_by_region(self, column: np.ndarray, spread: float, channel: int | None = None) -> None:
        """The same quantity apart in every region."""
        for region in range(len(column)):
            alone = np.zeros_like(column)
            alone[region] = column[region]
            self.add(alone, spread, channel)


def unknowns(panel: dcm.Panel, true: np.ndarray, curves: pd.DataFrame, *, known: bool) -> Unknowns:
    """All that has to be found; `true` `[region, week, channel]` in KPI units, `known` takes the curves as given."""
    unit = panel.kpi.mean(axis=1)
    last = panel.kpi.shape[1] - _HOLDOUT
    exposure = panel.exposure / panel.exposure.mean(axis=1, keepdims=True)
    found, spreads = Unknowns(len(curves), unit / unit.sum()), dcm.Penalties()
    for m, (decay, slope, half) in enumerate(curves[["decay", "slope", "half_saturation"]].to_numpy()):
        coefficient = (true[:, :, m] / unit[:, None]).sum(axis=1) / activity(exposure[:, :, m], decay, slope, half).sum(
            axis=1
        )

        def media(
            logit: float, slope: float, half: float, m: int = m, worth: np.ndarray = coefficient[:, None]
        ) -> np.ndarray:
            return (worth * activity(exposure[:, :, m], 1 / (1 + np.exp(-logit)), slope, half))[:, :last]

        at = (np.log(decay / (1 - decay)), slope, half)
        as_is, more = media(*at), 1 + _STEP
        if not known:
            found.add((media(at[0] + _STEP, slope, half) - as_is) / _STEP, spreads.decay, m)
            found.add((media(at[0], slope * more, half) - as_is) / _STEP, spreads.slope, m)
            found.add((media(at[0], slope, half * more) - as_is) / _STEP, spreads.half_saturation, m)
        found.add(as_is, channel=m)
        found.add_by_region(as_is, _REGION, m)
    _add_baseline(found, panel, last)
    return found


def _add_baseline(found: Unknowns, panel: dcm.Panel, last: int) -> None:
    weeks, shape = panel.week_numbers[:last], (len(panel.regions), last)
    control = panel.control[:, :last]
    control = (control - control.mean(axis=(0, 1))) / control.std(axis=(0, 1))
    for k in range(control.shape[2]):
        found.add(control[:, :, k])
        found.add_by_region(control[:, :, k], _CONTROL_REGION)
    for harmonic in (1, 2):
        for wave in (np.sin, np.cos):
            found.add(np.broadcast_to(wave(2 * np.pi * harmonic * weeks / 52.18), shape))
    found.add_by_region(np.ones(shape), np.inf)
    found.add_by_region(np.broadcast_to(np.arange(last) / last - 0.5, shape), _SLOPE)


def activity(exposure: np.ndarray, decay: float, slope: float, half: float) -> np.ndarray:
    """Adstock and Hill, `[region, week]`."""
    carried = lfilter([1 - decay], [1, -decay], exposure, axis=1)
    return carried**slope / (carried**slope + half**slope)


def noise_of(panel: dcm.Panel, true: np.ndarray) -> tuple[float, float, float]:
    """Of what truth and baseline leave: the regions' own noise, spread of the nation's wander, its memory a week."""
    last = panel.kpi.shape[1] - _HOLDOUT
    rest = ((panel.kpi - true.sum(axis=2)) / panel.kpi.mean(axis=1, keepdims=True))[:, :last]
    baseline = Unknowns(1, np.ones(len(rest)))
    _add_baseline(baseline, panel, last)
    design = np.stack([column.ravel() for column in baseline.columns], axis=1)
    rest = rest - (design @ np.linalg.lstsq(design, rest.ravel(), rcond=None)[0]).reshape(rest.shape)
    national = rest.mean(axis=0)
    own = float((rest - national).std() * np.sqrt(len(rest) / max(len(rest) - 1, 1)))
    covariance = [float((national[lag:] * national[: last - lag]).mean()) for lag in (1, 2)]
    memory = float(np.clip(covariance[1] / covariance[0], 0.1, 0.97)) if covariance[0] > 0 else 0.1
    return own, float(np.sqrt(max(covariance[0] / memory, 1e-8))), memory


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


def least_errors(panel: dcm.Panel, true: pd.DataFrame, curves: pd.DataFrame, *, known: bool) -> dict[str, float]:
    """mae_pp, and relative error of the total, that the best estimate has in the mean."""
    grid = pd.MultiIndex.from_product([panel.regions, panel.weeks])
    truth = true.reindex(grid).to_numpy().reshape(panel.exposure.shape)
    found = unknowns(panel, truth, curves, known=known)
    design = np.stack(found.columns, axis=-1)
    information = weighed(design, design, noise_of(panel, truth)) + np.diag(np.array(found.precision) + 1e-9)
    effect = np.array(found.effect)
    spread = effect.T @ np.linalg.solve(information, effect)
    total = truth.sum() / panel.kpi.sum()
    return {
        "mae_pp": 100 * _MEAN_ERROR * float(np.sqrt(np.diag(spread)).mean()),
        "rel_total": _MEAN_ERROR * float(np.sqrt(spread.sum())) / total,
    }


def main() -> None:
    """Print a row a panel, and the means; write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulated", type=int, default=8)
    wanted = parser.parse_args().simulated
    panels: list[tuple[str, Callable[..., tuple[dcm.Panel, pd.DataFrame, pd.DataFrame]], object]] = []
    panels += [(name, geo, name) for name in GEO] if SHARED.is_dir() else []
    panels += [(f"simulated_{seed}", drawn, seed) for seed in range(100, 100 + wanted)]
    rows: dict[str, dict[str, float]] = {}
    for name, load, which in panels:
        panel, true, curves = load(which)
        least, least_known = (least_errors(panel, true, curves, known=known) for known in (False, True))
        ours = score(panel, true)
        rows[name] = {
            f"{key} {kind}": abs(own[key]) for key in least for kind, own in (("bound", least), ("ours", ours))
        }
        rows[name]["mae_pp bound, curves known"] = least_known["mae_pp"]
        print(f"{name:14s} " + "  ".join(f"{key} {value:.3f}" for key, value in rows[name].items()), flush=True)
    table = pd.DataFrame.from_dict(rows, orient="index")
    for start in ("geo20", "simulated"):
        part = table[table.index.str.startswith(start)]
        if len(part):
            print(f"mean {start:9s} " + "  ".join(f"{key} {value:.3f}" for key, value in part.mean().items()))
    print("wrote", record("bound", rows))


if __name__ == "__main__":
    main()
