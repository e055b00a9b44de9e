"""What to test next: is the recommended test better than a random one, and do its error and power hold?

python benchmarks/plan_experiments.py [--panels both:9100:24] [--error 0.15] [--histories 200] [--kept FOLDER]

`decisions`: simulated national panels of 80 weeks and four channels; KPI and last channel follow a control that the fit
is not given (`hidden`), or is given (`known`), or is given in odd seeds (`both`). Tests are measured against the
forecast, or with an error that is a given share of the lift (`--error`), as in a platform's own lift study. Prices give
true ROIs around 2. A fit with posterior draws, the plan of experiments, then each of its candidates: its result is the
true lift plus 31 errors of the stated size. The draws are reweighted by it, the best plan of the same total is chosen
again, and its true revenue over the half year that follows compared with that of the plan without a test. `recommended`
is the candidate of the largest net value, `random` the mean of all, `best_of_all` the one that turns out best, and
`ceiling` the plan of one who knows the truth.

`measurement`: panels by region without a fit; errors of matches in the weeks after the panel against the stated
standard error, and shares of tests of a known lift that are detected against the stated power.
"""

import argparse
import dataclasses
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from harness import record
from scipy.stats import norm

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.experiments import as_evidence
from deepcausalmmm_jax.planning.experiments.candidates import candidate_table
from deepcausalmmm_jax.planning.experiments.designs import chosen_sets, design_of, history_of
from deepcausalmmm_jax.planning.experiments.plan_experiments import studied
from deepcausalmmm_jax.planning.experiments.power import power
from deepcausalmmm_jax.planning.experiments.preposterior import FEWEST, learned
from deepcausalmmm_jax.planning.experiments.request import checked

_LEVEL = 0.9
_SHOWN = ("recommended", "random", "against_random", "most_informative", "best_of_all", "ceiling", "stated")
_WEEKS, _TEST, _SETTLES, _PLAN = 80, 8, 4, 26  # of the panel, of a test, until its effect has arrived, of the plan
_CHANNELS, _DRAWS, _WORTH = 4, 100, 12.5
_RANGE = (0.25, 3.0)  # of a channel's spend
_ERRORS = 31  # of each test's measurement
_YEAR = 52
_UNITS = 400  # that the budget of the best true plan is divided into
_HISTORY, _AHEAD = 60, 26  # weeks of the panels whose matches are measured, and after them


class Case(NamedTuple):
    """What a panel's plan of experiments says, and the truth about it."""

    lift: np.ndarray  # [test, draw], KPI units
    error: np.ndarray  # [test], KPI units
    outcomes: np.ndarray  # [draw, plan], revenue of a week
    plans: np.ndarray  # [plan, channel], multiples of the usual spend
    voi: np.ndarray  # [test], over a year
    cost: np.ndarray  # [test]
    true_lift: np.ndarray  # [test], KPI units
    true_levels: np.ndarray  # [level], multiples of the usual spend
    true_rev: np.ndarray  # [level, channel], revenue of a week against the usual spend
    all_media: np.ndarray  # [], revenue of a week at the usual spend
    today: np.ndarray  # [channel], spend of a week

    def revenue(self, plans: np.ndarray) -> np.ndarray:
        """True media revenue of a week under plans `[plan, channel]`, multiples of the usual spend."""
        by_channel = zip(plans.T, self.true_rev.T, strict=True)
        return self.all_media + sum(np.interp(level, self.true_levels, revenue) for level, revenue in by_channel)

    def ceiling(self) -> float:
        """True media revenue of a week under the best plan of the same total, by dynamic programming."""
        unit, best = self.today.sum() / _UNITS, np.full(_UNITS + 1, -np.inf)
        best[0] = 0.0
        for spend, revenue in zip(self.today, self.true_rev.T, strict=True):
            units = np.arange(int(np.ceil(_RANGE[0] * spend / unit)), min(int(_RANGE[1] * spend / unit), _UNITS) + 1)
            reached = np.full(_UNITS + 1, -np.inf)
            for n, gain in zip(units, np.interp(units * unit / spend, self.true_levels, revenue), strict=True):
                reached[n:] = np.maximum(reached[n:], best[: _UNITS + 1 - n] + gain)
            best = reached
        return float(self.all_media + best[_UNITS])


class World:
    """A simulated panel whose channels run evenly from its last week on, and what would have been instead."""

    def __init__(self, seed: int, known: bool) -> None:
        n_weeks = _WEEKS + _TEST + _SETTLES + _PLAN
        full, truth = dcm.simulate(1, n_weeks, _CHANNELS, 2 if known else 3, seed, links=0, confounded=1)
        roi = 2.0 * np.exp(0.5 * np.random.default_rng([seed, 7]).normal(size=_CHANNELS))
        self.price = truth.effects["direct"].to_numpy() * _WORTH / roi / full.exposure.sum(axis=(0, 1))
        self.kpi_of, self.known = truth.counterfactual.kpi, known
        self.exposure = full.exposure.copy()
        self.usual = full.exposure[:, _WEEKS - _YEAR : _WEEKS].mean(axis=1)
        self.exposure[:, _WEEKS:] = self.usual[:, None]
        panel = dataclasses.replace(full, spend=full.exposure * self.price).select(weeks=slice(0, _WEEKS))
        if not known:
            panel = dataclasses.replace(panel, controls=panel.controls[1:], control=panel.control[:, :, 1:])
        self.panel = panel

    def changed(self, channel: int, factor: float, weeks: slice) -> np.ndarray:
        """KPI gained in each week by multiplying a channel's exposure in some weeks, `[week]`, KPI units."""
        other = self.exposure.copy()
        other[:, weeks, channel] *= factor
        return (self.kpi_of(other) - self.kpi_of(self.exposure)).sum(axis=0)

    def lift(self, channel: int, change: float, weeks: int) -> float:
        """True lift of a test that begins after the panel, with all carry-over until the plan begins, KPI units."""
        gained = self.changed(channel, 1.0 + change, slice(_WEEKS, _WEEKS + weeks))
        return float(np.sign(change) * gained[: _WEEKS + _TEST + _SETTLES].sum())

    def revenues(self, levels: np.ndarray) -> tuple[np.ndarray, float]:
        """Revenue of a week of the plan against the usual spend, `[level, channel]`; and of all media at that."""
        plan = slice(_WEEKS + _TEST + _SETTLES, None)
        curves = [[_WORTH * self.changed(m, level, plan)[plan].mean() for m in range(_CHANNELS)] for level in levels]
        none = self.exposure.copy()
        none[:, plan] = 0.0
        lost = (self.kpi_of(self.exposure) - self.kpi_of(none))[:, plan].sum(axis=0).mean()
        return np.array(curves), float(_WORTH * lost)


def case_of(seed: int, known: bool, kept: Path | None) -> Case:
    """A panel's plan of experiments and truth; taken from a folder where they are there already."""
    file = None if kept is None else kept / f"p_1_{int(not known)}_{seed}.npz"
    if file is not None and file.exists():
        with np.load(file) as arrays:
            return Case(*(arrays[name] for name in Case._fields))
    world, config = World(seed, known), dcm.Config()
    config = config.replace(posterior=dataclasses.replace(config.posterior, draws=_DRAWS))
    ensemble = dcm.fit(world.panel, config, holdout=None, seed=seed, progress=False)
    asked = checked(ensemble, None, (-1.0, 1.0), (_TEST,), None, _YEAR, None, _LEVEL, seed)
    limits = dcm.Limits(relative_bounds=dict.fromkeys(world.panel.channels, _RANGE))
    study = studied(ensemble, asked, None, None, limits, lambda _: None)
    table = candidate_table(
        study.candidates, study.designs, ensemble.panel, study.returns, study.library, asked
    ).set_index("position")
    treatments = [candidate.treatment for candidate in study.candidates]
    order, levels = range(len(treatments)), np.concatenate([[0.0], np.geomspace(0.05, 4.0, 40)])
    curves, media = world.revenues(levels)
    case = Case(
        lift=np.stack([c.treatment.lift[:, c.regions].sum(axis=1) for c in study.candidates]),
        error=np.array([candidate.error for candidate in study.candidates]),
        outcomes=study.library.outcomes,
        plans=study.library.plans / study.library.cells.today,
        voi=table.loc[order, "value_of_information"].to_numpy(),
        cost=table.loc[order, "cost"].to_numpy(),
        true_lift=np.array([world.lift(t.channel, t.change, t.weeks) for t in treatments]),
        true_levels=levels,
        true_rev=curves,
        all_media=np.array(media),
        today=(world.usual * world.price).sum(axis=0),
    )
    if file is not None:
        np.savez(file, **case._asdict())
    return case


def plan_after(case: Case, test: int, measured: float) -> int:
    """Position of the best plan once a test is read; the linear formula where few draws keep a weight."""
    lift, utilities = case.lift[test], case.outcomes
    error = float(as_evidence(case.error[test], lift.mean()))
    log = -0.5 * ((measured - lift) / error) ** 2
    weight = np.exp(log - log.max())
    weight = weight / weight.sum()
    if 1.0 / (weight**2).sum() >= FEWEST:
        return int((weight @ utilities).argmax())
    slope = (lift - lift.mean()) @ (utilities - utilities.mean(axis=0)) / len(lift) / (lift.var() + error**2)
    return int((utilities.mean(axis=0) + slope * (measured - lift.mean())).argmax())


def measured_with(case: Case, share: float) -> Case:
    """The same where the error of each test is a share of the lift that is expected."""
    error = share * np.abs(case.lift.mean(axis=1))
    evidence = as_evidence(error, case.lift.mean(axis=1))
    gain = learned(case.lift, evidence, case.lift, case.outcomes, _LEVEL, 0).gain
    return case._replace(error=error, voi=_YEAR * gain)


def decision_of(seed: int, known: bool, error: float | None, kept: Path | None) -> dict[str, object]:
    """One panel: gains in true media revenue against the plan without a test, percent."""
    began = time.perf_counter()
    case = case_of(seed, known, kept)
    case = case if error is None else measured_with(case, error)
    value = case.revenue(case.plans)
    without = value[case.outcomes.mean(axis=0).argmax()]
    nodes = norm.ppf((np.arange(_ERRORS) + 0.5) / _ERRORS)
    results = case.true_lift[:, None] + case.error[:, None] * nodes
    after = np.array([np.mean([value[plan_after(case, i, one)] for one in row]) for i, row in enumerate(results)])
    gain = 100.0 * (after - without) / without
    recommended = int((case.voi - np.maximum(case.cost, 0.0)).argmax())
    return {
        "seed": seed,
        "known": known,
        "recommended": gain[recommended],
        "random": gain.mean(),
        "against_random": gain[recommended] - gain.mean(),
        "most_informative": gain[int(case.voi.argmax())],
        "best_of_all": gain.max(),
        "ceiling": 100.0 * (case.ceiling() - without) / without,
        "stated": 100.0 * float(case.voi.max()) / _YEAR / float(case.outcomes.mean(axis=0).max()),
        "error_of_lift": float(np.median(case.error / np.abs(case.true_lift))),
        "spread_of_draws": float(np.median(case.lift.std(axis=1) / case.error)),
        "seconds": time.perf_counter() - began,
    }


def measurement_of(seed: int) -> list[dict[str, object]]:
    """Matches of one panel: error in the weeks after it, in stated standard errors, and lifts detected, by size."""
    regions = 12 + seed % 5
    full, _ = dcm.simulate(regions, _HISTORY + _AHEAD, 5, 3, seed=seed, noise=0.12, media_share=0.2, confounded=1)
    panel, rows = full.select(weeks=slice(0, _HISTORY)), []
    history = history_of(panel, np.zeros(panel.kpi.shape))
    for tested in chosen_sets(history, seed):
        design = design_of(history, tested)
        for window in (5, 9, 12):
            stated, _ = design.standard_error(window, _LEVEL)
            kpi = full.kpi[:, _HISTORY : _HISTORY + window].sum(axis=1)
            made = float(kpi[design.regions].sum() - design.weights @ kpi[design.controls])
            for ratio in (0.0, 1.0, 2.0, 3.0):  # true lift, in stated standard errors
                found = abs(made + ratio * stated) > norm.ppf((1 + _LEVEL) / 2) * stated
                promised = float(power(np.array(ratio * stated), np.array(stated), _LEVEL))
                row = {"seed": seed, "window": window, "regions": len(tested), "ratio": ratio, "z": made / stated}
                rows.append(row | {"found": bool(found), "promised": promised})
    return rows


def measurements(first: int, histories: int) -> list[dict[str, object]]:
    """Means by window and true lift, printed too."""
    measured = pd.DataFrame([row for seed in range(first, first + histories) for row in measurement_of(seed)])
    measured["inside"] = measured["z"].abs() <= norm.ppf((1 + _LEVEL) / 2)
    none = measured[measured["ratio"] == 0]
    print("share of the errors within the stated 90 % interval, by window:")
    print(none.groupby("window")["inside"].mean().round(3).to_string(), " all:", round(none["inside"].mean(), 3))
    print("detected against promised, by true lift in standard errors:")
    print(measured.groupby("ratio")[["found", "promised"]].mean().round(3).to_string())
    of = measured.groupby(["window", "ratio"])
    means = of[["found", "promised", "inside"]].mean().assign(tests=of.size()).reset_index()
    return means.to_dict(orient="records")


def main() -> None:
    """Print means with standard errors over panels; write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--panels", nargs="+", default=["both:9100:24"], help="world, first seed, and how many")
    parser.add_argument("--error", type=float, help="of a test, as a share of its lift; else that of the forecast")
    parser.add_argument("--histories", type=int, default=200)
    parser.add_argument("--kept", type=Path, default=None, help="folder of studies, to save time in a second run")
    parser.add_argument("--name", default="plan_experiments")
    given = parser.parse_args()
    dcm.keep_programs()
    figures: dict[str, object] = {}
    if given.histories:
        figures["measurement"] = measurements(2001, given.histories)
    rows = []
    for world, first, count in (asked.split(":") for asked in given.panels):
        for seed in range(int(first), int(first) + int(count)):
            known = world == "known" or (world == "both" and seed % 2 == 1)
            rows.append(decision_of(seed, known, given.error, given.kept))
            print({name: round(float(v), 3) if isinstance(v, float) else v for name, v in rows[-1].items()}, flush=True)
    table = pd.DataFrame(rows)
    print(f"\n{len(table)} panels; true media revenue against no test, percent:")
    for name in _SHOWN:
        error = table[name].std(ddof=1) / np.sqrt(len(table))
        print(f"  {name:20s}{table[name].mean():+.3f} ± {error:.3f}")
    print(table[["error_of_lift", "spread_of_draws"]].median().round(2).to_string())
    figures["decisions"] = table.to_dict(orient="records")
    print("wrote", record(given.name, figures))


if __name__ == "__main__":
    main()
