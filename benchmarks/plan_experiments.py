"""What to test next: is the recommended test better than a random one, and do its error and power hold?

python benchmarks/plan_experiments.py [--panels 10] [--first 2001] [--histories 200] [--kept FOLDER]

`decisions`: simulated panels whose prices give true ROIs around 2; half of them hide the control that moves both the
last channel and the KPI. A fit with posterior draws, the plan of experiments, then one test: its result is the true
lift plus an error: that which its match makes in the weeks that follow the panel, and 31 drawn with the stated standard
error, over which the outcome is averaged. The draws are updated by it, the best plan
of the same total is chosen again, and its true revenue compared with that of the plan without a test.

`measurement`: panels without a fit; errors of matches in the weeks after the panel against the stated standard error,
and shares of tests of a known lift that are detected against the stated power.
"""

import argparse
import dataclasses
import time
from pathlib import Path

import numpy as np
import pandas as pd
from harness import record
from scipy.signal import lfilter
from scipy.stats import norm

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.planning.experiments.candidates import Candidate, candidate_table
from deepcausalmmm_jax.planning.experiments.designs import Design, chosen_sets, design_of, history_of
from deepcausalmmm_jax.planning.experiments.plan_experiments import Study, studied
from deepcausalmmm_jax.planning.experiments.power import power
from deepcausalmmm_jax.planning.experiments.preposterior import FEWEST
from deepcausalmmm_jax.planning.experiments.request import checked

_LEVEL = 0.9
_SHOWN = (
    "recommended_gain", "most_informative_gain", "random_gain", "against_random", "stated_gain", "perfect_gain",
)  # fmt: skip
_WEEKS, _AHEAD = 60, 26
_DRAWS = 150
_ERRORS = 31  # of each test's measurement, beside the one that the weeks after the panel show
_RANGE = (0.4, 2.5)


class World:
    """A simulated panel, cut before its last weeks, and the truth about these."""

    def __init__(self, seed: int, hidden: bool) -> None:
        regions = 12 + seed % 5
        full, self.truth = dcm.simulate(
            regions, _WEEKS + _AHEAD, 5, 3, seed=seed, noise=0.12, media_share=0.2, confounded=1
        )
        rng = np.random.default_rng([seed, 7])
        roi = 2.0 * np.exp(0.5 * rng.normal(size=5))
        price = self.truth.effects["direct"].to_numpy() * 12.5 / roi / full.exposure.sum(axis=(0, 1))
        full = dataclasses.replace(full, spend=full.exposure * price)
        self.full, self.worth = full, 12.5
        self.unit = full.exposure.mean(axis=1)  # [region, channel], exposure that counts as 1
        contribution = self.truth.contributions.values
        coefficient = self.truth.coefficients.values
        active = coefficient * self.activity(full.exposure / self.unit[:, None])
        self.size = contribution.sum(axis=(1, 2)) / active.sum(axis=(1, 2))
        self.coefficient = coefficient
        panel = full.select(weeks=slice(0, _WEEKS))
        if hidden:
            panel = dataclasses.replace(panel, controls=panel.controls[1:], control=panel.control[:, :, 1:])
        self.panel = panel
        self.usual = panel.exposure[:, -52:].mean(axis=1) / self.unit  # [region, channel]

    def activity(self, relative: np.ndarray) -> np.ndarray:
        """`[region, week, channel]`, by the simulator's equations."""
        found = np.zeros(relative.shape)
        curves = self.truth.parameters[["decay", "slope", "half_saturation"]].to_numpy()
        for m, (decay, slope, half) in enumerate(curves):
            carried = lfilter([1.0 - decay], [1.0, -decay], relative[:, :, m], axis=1)
            found[:, :, m] = carried**slope / (carried**slope + half**slope)
        return found

    def revenue(self, multiples: np.ndarray) -> float:
        """True media revenue of a week at a steady plan `[channel]`, in multiples of the usual spend."""
        curves = self.truth.parameters[["slope", "half_saturation"]].to_numpy().T
        carried = self.usual * multiples
        active = carried ** curves[0] / (carried ** curves[0] + curves[1] ** curves[0])
        coefficient = self.coefficient[:, _WEEKS:].mean(axis=1)
        return float((self.size[:, None] * coefficient * active).sum() * self.worth)

    def lift(self, candidate: Candidate) -> float:
        """True lift of a candidate in the weeks that it measures, KPI units."""
        treatment = candidate.treatment
        past = self.panel.exposure / self.unit[:, None]
        usual = np.repeat(self.usual[:, None], _AHEAD, axis=1)
        changed = usual.copy()
        changed[candidate.regions, : treatment.weeks, treatment.channel] *= 1.0 + treatment.change
        both = [self.activity(np.concatenate([past, weeks], axis=1))[:, _WEEKS:] for weeks in (usual, changed)]
        gain = self.size[:, None, None] * self.coefficient[:, _WEEKS:] * (both[1] - both[0])
        return float(np.sign(treatment.change) * gain[:, : treatment.weeks + treatment.cool_down].sum())

    def error(self, design: Design, window: int) -> float:
        """Error that a match makes in the weeks after the panel, KPI units."""
        weeks = slice(_WEEKS, _WEEKS + window)
        kpi = self.full.kpi[:, weeks].sum(axis=1)
        return float(kpi[design.regions].sum() - design.weights @ kpi[design.controls])


def plan_after(study: Study, candidate: Candidate, measured: float) -> int:
    """Position of the best plan once a test is read; the linear formula where few draws keep a weight."""
    lift = candidate.treatment.lift[:, candidate.regions].sum(axis=1)
    utilities, error = study.library.outcomes, candidate.error
    log = -0.5 * ((measured - lift) / error) ** 2
    weight = np.exp(log - log.max())
    weight = weight / weight.sum()
    if 1.0 / (weight**2).sum() >= FEWEST:
        return int((weight @ utilities).argmax())
    slope = (lift - lift.mean()) @ (utilities - utilities.mean(axis=0)) / len(lift) / (lift.var() + error**2)
    return int((utilities.mean(axis=0) + slope * (measured - lift.mean())).argmax())


def ensemble_of(world: World, seed: int, kept: Path | None) -> dcm.Ensemble:
    """A fit with draws, taken from a folder where it is there already."""
    file = None if kept is None else kept / f"experiments_{seed}.npz"
    if file is not None and file.exists():
        return dcm.Ensemble.load(file)
    result = dcm.fit(world.panel, holdout=None, seed=seed, progress=False)
    ensemble = dcm.sample_posterior(result, _DRAWS, seed=seed)
    if file is not None:
        ensemble.save(file)
    return ensemble


def decision_of(seed: int, hidden: bool, kept: Path | None) -> dict[str, object]:
    """One panel: true revenue of the plan without a test, after the recommended test, and after a random one."""
    world = World(seed, hidden)
    ensemble = ensemble_of(world, seed, kept)
    began = time.perf_counter()
    asked = checked(ensemble, None, (-1.0, -0.5, 0.5, 1.0), (4, 8), None, 52, None, _LEVEL, seed)
    limits = dcm.Limits(relative_bounds=dict.fromkeys(world.panel.channels, _RANGE))
    study = studied(ensemble, asked, None, None, limits, lambda _: None)
    table = candidate_table(study.candidates, study.designs, world.panel, study.returns, study.library, asked)
    seconds = time.perf_counter() - began
    present = study.library.cells.today
    value = np.array([world.revenue(plan / present) for plan in study.library.plans])
    rng, after = np.random.default_rng([seed, 8]), np.zeros(len(study.candidates))
    for i, candidate in enumerate(study.candidates):
        window = candidate.treatment.weeks + candidate.treatment.cool_down
        errors = [world.error(study.designs[candidate.design], window), *candidate.error * rng.normal(size=_ERRORS)]
        true = world.lift(candidate)
        after[i] = np.mean([value[plan_after(study, candidate, true + error)] for error in errors])
    first = int(table["position"].iloc[0])
    most = int(table.sort_values("value_of_information", ascending=False)["position"].iloc[0])
    best = study.candidates[first]
    return {
        "seed": seed,
        "hidden": hidden,
        "covered": _covered(ensemble, world),
        "regions": len(world.panel.regions),
        "channel": world.panel.channels[best.treatment.channel],
        "today": world.revenue(np.ones(5)),
        "without": value[study.library.best],
        "recommended": after[first],
        "most_informative": after[most],
        "random": after.mean(),
        "perfect": value.max(),
        "stated_value": float(table["value_of_information"].iloc[0]) / 52,
        "stated_random": float(table["value_of_information"].mean()) / 52,
        "plans": len(value),
        "seconds": seconds,
    }


def _covered(ensemble: dcm.Ensemble, world: World) -> float:
    """Share of the channels whose 90 % interval of incremental outcome holds the true one."""
    table = ensemble.media_summary(_LEVEL)
    true = world.truth.contributions.values[:, :_WEEKS].sum(axis=(0, 1))
    inside = (table["incremental_outcome_low"] <= true) & (true <= table["incremental_outcome_high"])
    return float(inside.mean())


def measurement_of(seed: int) -> list[dict[str, object]]:
    """Matches of one panel: error in the weeks after it, in stated standard errors, and lifts detected, by size."""
    world = World(seed, False)
    history = history_of(world.panel, np.zeros(world.panel.kpi.shape))
    rows = []
    for regions in chosen_sets(history, seed):
        design = design_of(history, regions)
        for window in (5, 9, 12):
            stated, _ = design.standard_error(window, _LEVEL)
            made = world.error(design, window)
            for ratio in (0.0, 1.0, 2.0, 3.0):  # true lift, in stated standard errors
                found = abs(made + ratio * stated) > norm.ppf((1 + _LEVEL) / 2) * stated
                promised = float(power(np.array(ratio * stated), np.array(stated), _LEVEL))
                row = {"seed": seed, "window": window, "regions": len(regions), "ratio": ratio, "z": made / stated}
                rows.append(row | {"found": bool(found), "promised": promised})
    return rows


def _mean_and_error(values: pd.Series) -> str:
    return f"{values.mean():+.3f} ± {values.std(ddof=1) / np.sqrt(len(values)):.3f}"


def main() -> None:
    """Print tables and means with standard errors over panels; write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--panels", type=int, default=10)
    parser.add_argument("--first", type=int, default=2001)
    parser.add_argument("--histories", type=int, default=200)
    parser.add_argument("--kept", type=Path, default=None, help="folder of fits, to save time in a second run")
    given = parser.parse_args()
    measured = pd.DataFrame(
        [row for seed in range(given.first, given.first + given.histories) for row in measurement_of(seed)]
    )
    inside = measured[measured["ratio"] == 0].assign(inside=lambda t: t["z"].abs() <= norm.ppf((1 + _LEVEL) / 2))
    print("share of the errors within the stated 90 % interval, by window:")
    print(inside.groupby("window")["inside"].mean().round(3).to_string(), " all:", round(inside["inside"].mean(), 3))
    print("detected against promised, by true lift in standard errors:")
    print(measured.groupby("ratio")[["found", "promised"]].mean().round(3).to_string())
    rows: list[dict[str, object]] = []
    for i in range(given.panels):
        row = decision_of(given.first + i, i % 2 == 1, given.kept)
        rows.append(row)
        print({name: round(float(v), 3) if isinstance(v, float) else v for name, v in row.items()}, flush=True)
    table = pd.DataFrame(rows)
    for name in ("recommended", "most_informative", "random", "perfect"):
        table[f"{name}_gain"] = 100 * (table[name] - table["without"]) / table["without"]
    table["against_random"] = table["recommended_gain"] - table["random_gain"]
    table["stated_gain"] = 100 * table["stated_value"] / table["without"]
    for label, part in (("all", table), ("control known", table[~table["hidden"]]), ("hidden", table[table["hidden"]])):
        print(f"\n{label}, {len(part)} panels; true media revenue against no test, percent:")
        for name in _SHOWN:
            print(f"  {name:24s}{_mean_and_error(part[name])}")
        print(f"  true outcome in its interval {part['covered'].mean():.2f}")
    measured["inside"] = measured["z"].abs() <= norm.ppf((1 + _LEVEL) / 2)
    of = measured.groupby(["window", "ratio"])
    means = of[["found", "promised", "inside"]].mean().assign(tests=of.size()).reset_index()
    figures = {"decisions": table.to_dict(orient="records"), "measurement": means.to_dict(orient="records")}
    print("wrote", record("plan_experiments", figures))


if __name__ == "__main__":
    main()
