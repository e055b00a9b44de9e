"""One lift test on a channel that follows a hidden cause: errors, intervals and conflicts before and after.

python benchmarks/lift_tests.py [--panels national=12 regional=6] [--refits 40] [--first 2000] [--name lift_tests]

The panels are simulated: `national`, `few` (4 regions) and `regional` (20 regions, whose intervals come from refits).
In half of them the KPI and the last channel follow a control that the fit is not given; in the others, the world
`unobserved_demand`, about half of the channels follow a demand that is no control, and the one of them with the most
spend is tested. In `clean_national` and `clean_few` the fit is given every control, and the last channel is tested. A
test holds the channel back for eight weeks, in all regions or in half of them, and measures its true lift with an error
of 15 %. `biased` is the same test with its lift tripled; so is, among the others, a test on the first of them.
"""

import argparse
import dataclasses
import time
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from harness import record

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.lift_tests import lifts_before
from deepcausalmmm_jax.config.lift_tests import LiftTest
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.data.kpi_scale import informative
from deepcausalmmm_jax.inference.sample_posterior import estimated
from deepcausalmmm_jax.training.estimate import estimate
from deepcausalmmm_jax.training.fitted import Fitted, TrainingRecord
from deepcausalmmm_jax.training.prepare import prepare, tests_in, with_lift_tests

_WEEKS, _CHANNELS, _HOLDOUT, _LENGTH, _ERROR, _LEVEL = 120, 4, 8, 8, 0.15, 0.9
_BIAS = {"z unbiased": 1.0, "z biased": 3.0}  # times the measured lift
_REGIONS = {"national": 1, "few": 4, "regional": 20, "clean_national": 1, "clean_few": 4}


class Case(NamedTuple):
    """A panel, its truth, and the channel to be tested."""

    panel: dcm.Panel
    truth: dcm.Truth
    channel: str


def case_of(seed: int, world: str) -> Case:
    """Even seeds hide the first control, odd ones have unobserved demand, both with two controls; or all is known."""
    n_regions = _REGIONS[world]
    if world.startswith("clean"):
        panel, truth = dcm.simulate(n_regions, _WEEKS, _CHANNELS, 2, seed, links=0)
        return Case(panel, truth, panel.channels[-1])
    if seed % 2 == 0:
        panel, truth = dcm.simulate(n_regions, _WEEKS, _CHANNELS, 3, seed, links=0)
        panel = dataclasses.replace(panel, controls=panel.controls[1:], control=panel.control[:, :, 1:])
        return Case(panel, truth, panel.channels[-1])
    panel, truth = dcm.simulate(n_regions, _WEEKS, _CHANNELS, 2, seed, kind="unobserved_demand")
    assert panel.spend is not None
    spend = np.where(truth.parameters["confounded"], panel.spend.sum(axis=(0, 1)), 0.0)
    return Case(panel, truth, panel.channels[int(spend.argmax())])


def measured(case: Case, channel: str, rng: np.random.Generator) -> LiftTest:
    """A test on a channel in the eight weeks, of those from week 40 on, whose exposure is closest to the usual."""
    panel, m = case.panel, case.panel.channels.index(channel)
    regions = panel.regions[: max(1, len(panel.regions) // 2)]
    exposure = panel.exposure[: len(regions), : _WEEKS - _HOLDOUT, m].sum(axis=0)
    begins = np.arange(40, _WEEKS - _HOLDOUT - _LENGTH - 8)
    unusual = [abs(np.log(max(exposure[t : t + _LENGTH].mean(), 1e-9) / exposure.mean())) for t in begins]
    begin = int(begins[int(np.argmin(unusual))])
    ends = (str(panel.weeks[t].date()) for t in (begin, begin + _LENGTH - 1))
    test = LiftTest(channel, *ends, 0.0, 1.0, regions=tuple(regions))
    true = case.truth.lift(test, panel, _HOLDOUT)
    error = _ERROR * abs(true)
    return dataclasses.replace(test, lift=true + error * rng.standard_normal(), standard_error=error)


def fitted(case: Case, config: dcm.Config, start: Fitted | None) -> tuple[dcm.FitResult, Fitted]:
    """A result, and what training left; begun from another training where there is one, as `fit` does."""
    weights = informative(case.panel, training_weights(case.panel, _HOLDOUT))
    ready = prepare(case.panel, weights, config)
    variables, history = estimate(
        jax.random.key(0),
        ready.inputs,
        jnp.asarray(weights, jnp.float32),
        ready.hyperparameters,
        None if start is None else start.variables,
        design=ready.design,
        schedule=ready.schedule,
    )
    variables = jax.tree.map(np.asarray, variables)
    trained = Fitted(variables, case.panel, weights, ready.scales, config, TrainingRecord.of(history, 0.0), 0)
    return estimated(trained, ready.inputs), trained


def shares(result: dcm.FitResult, refits: int) -> pd.DataFrame:
    """Shares in points with 90 % intervals, from draws of the posterior or else from refits."""
    if isinstance(result, dcm.Ensemble):
        return result.notes(_LEVEL)
    return dcm.bootstrap(result, refits, seed=1, checks=0, progress=False).notes(_LEVEL)


def rows_of(seed: int, world: str, refits: int) -> list[dict[str, object]]:
    """A row a channel: its share before and after one test, and after two."""
    case, rng = case_of(seed, world), np.random.default_rng([seed, 7])
    n, names = _WEEKS - _HOLDOUT, list(case.panel.channels)
    true = 100 * case.truth.contributions.values[:, :n].sum(axis=(0, 1)) / case.panel.kpi[:, :n].sum()
    one = measured(case, case.channel, rng)
    other = next(name for name in names if name != case.channel)
    both = (one, measured(case, other, rng))
    begun = time.perf_counter()
    before, trained = fitted(case, dcm.Config(), None)
    table = {"before": shares(before, refits)}
    tests = {"after": (one,), "after two": both}
    if world == "regional":
        del tests["after two"]
    for name, given in tests.items():
        result, _ = fitted(case, dcm.Config(experiments=given), trained)
        table[name] = shares(result, refits)
    z = {
        name: {k: _z(factor * t.lift, t.standard_error, *said_of(before, t)) for k, factor in _BIAS.items()}
        for name, t in zip((case.channel, other), both, strict=True)
    }
    rows = []
    for m, name in enumerate(names):
        row: dict[str, object] = {"seed": seed, "panels": world, "channel": name, "tested": name == case.channel}
        row |= {"true": true[m]} | z.get(name, dict.fromkeys(_BIAS, np.nan))
        for when, found in table.items():
            share, low, high = found.loc[name, ["share", "share_low", "share_high"]]
            row |= {when: share, f"error {when}": abs(share - true[m]), f"held {when}": bool(low <= true[m] <= high)}
            row |= {f"width {when}": high - low}
        rows.append(row)
    print(f"seed {seed}, {world}: {time.perf_counter() - begun:.0f} s", flush=True)
    return rows


def said_of(before: dcm.FitResult, test: LiftTest) -> tuple[float, float]:
    """Lift of the test under a fit to the KPI alone, and its standard deviation."""
    fit = before.fitted
    with_test = prepare(fit.panel, fit.weights, fit.config.replace(experiments=(test,)))
    tests, past = tests_in(with_test.inputs), FittedPanel(fit, fit.panel, with_lift_tests(with_test.inputs, None))
    drawn = before.replicates.variables if isinstance(before, dcm.Ensemble) else None
    assert tests is not None
    said = lifts_before(past, tests, (test,), drawn)
    return float(said.lift[0]), float(said.sd[0])


def _z(lift: float, error: float, said: float, sd: float) -> float:
    return (lift - said) / float(np.hypot(error, sd))


def summary_of(table: pd.DataFrame) -> pd.DataFrame:
    """Means by kind of panel, for the tested channel and for the others."""
    rows = []
    for (world, tested), part in table.groupby(["panels", "tested"]):
        row: dict[str, object] = {"panels": world, "channels": "tested" if tested else "others", "n": len(part)}
        for when in ("before", "after", "after two"):
            if f"error {when}" in part and part[f"error {when}"].notna().any():
                row |= {f"error {when}": part[f"error {when}"].mean(), f"held {when}": part[f"held {when}"].mean()}
                row |= {f"width {when}": part[f"width {when}"].mean()}
        change = part["error after"] - part["error before"]
        row |= {"change": change.mean(), "its error": change.std(ddof=1) / np.sqrt(len(part))}
        known = part["z unbiased"].notna()
        row |= {name.replace("z", "flagged"): (part.loc[known, name].abs() > 2).mean() for name in _BIAS}
        rows.append(row)
    return pd.DataFrame(rows)


def main() -> None:
    """Print channels and means; write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--panels", nargs="+", default=["national=12", "regional=6"], help="kinds, and how many of each"
    )
    parser.add_argument("--refits", type=int, default=40)
    parser.add_argument("--first", type=int, default=2000, help="first seed")
    parser.add_argument("--name", default="lift_tests")
    asked = parser.parse_args()
    counts = {world: int(count) for world, count in (given.split("=") for given in asked.panels)}
    dcm.keep_programs()
    rows: list[dict[str, object]] = []
    for number in range(max(counts.values())):
        for world, count in counts.items():
            if number < count:
                rows += rows_of(asked.first + number, world, asked.refits)
                written = kept(pd.DataFrame(rows), asked.name)
    table = pd.DataFrame(rows)
    print(table.drop(columns=[c for c in table if c.startswith("width")]).round(2).to_string(index=False))
    print(summary_of(table).round(3).T.to_string())
    print("wrote", written)


def kept(table: pd.DataFrame, name: str) -> Path:
    """Write what there is, so that a run that is stopped leaves its panels."""
    figures = {"channels": table.to_dict(orient="records"), "means": summary_of(table).to_dict(orient="records")}
    return record(name, figures)


if __name__ == "__main__":
    main()
