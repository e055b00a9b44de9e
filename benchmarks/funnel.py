"""A funnel: what media do to sales in all and by way of visits.

Beside the total of the sales' own fit: visits taken for a control, and that plus what goes through visits.

    python benchmarks/funnel.py 11 17 [--regions 1 4] [--common 0 0.1]      # seeds 11 to 16

Visits are a simulated panel (104 weeks, three channels, 35% from media). Sales have a baseline, season and noise of
their own, 40 to 70% of them come from visits, and 5 to 20% from media directly, with curves of their own. With
`--common`, an unobserved AR(1) demand with shocks of 0.6 times that share of the mean adds to visits, and half of it to
sales. Draws by Laplace's method. Written to benchmarks/results/funnel.csv, a row a channel.
"""

import argparse
import dataclasses
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.simulation.curve_truth import true_activity

OUT = Path(__file__).parent / "results" / "funnel.csv"
WEEKS, CHANNELS, DRAWS = 104, 3, 200
FIGURES = ("direct", "mediated", "total")


class World(NamedTuple):
    """Panels of both stages, and true effects on sales, KPI units, `[channel]`."""

    panels: dict[str, dcm.Panel]
    direct: np.ndarray
    mediated: np.ndarray


def world(seed: int, regions: int, common: float) -> World:
    """Visits, and sales that media move directly and by way of visits."""
    media, truth = dcm.simulate(
        regions, WEEKS, CHANNELS, 1, seed=seed, confounded=0, links=0, media_share=0.35, noise=0.05
    )
    other, own = dcm.simulate(regions, WEEKS, CHANNELS, 1, seed=1_000_000 + seed, confounded=0, links=0)
    rng = np.random.default_rng([seed, 9])
    shocks, demand = rng.normal(size=(regions, WEEKS)) * 0.6 * common, np.zeros((regions, WEEKS))
    for week in range(1, WEEKS):
        demand[:, week] = 0.8 * demand[:, week - 1] + shocks[:, week]
    usual = media.kpi.mean(axis=1, keepdims=True)
    visits = media.kpi / usual + demand
    rest = _relative(other.kpi - own.contributions.values.sum(axis=2))
    active = _relative(true_activity(_relative(media.exposure), own.parameters))
    through = rng.uniform(0.4, 0.7)
    part = rng.dirichlet(np.ones(CHANNELS)) * rng.uniform(0.05, 0.2)
    size = np.exp(rng.normal(8.0, 0.5, (regions, 1)))
    sales = (1.0 - through - part.sum()) * rest + through * visits + (active * part).sum(axis=2) + 0.5 * demand
    made = {"visits": visits * usual, "sales": sales * size}
    panels = {name: dataclasses.replace(media, kpi=kpi, kpi_name=name) for name, kpi in made.items()}
    by_visits = through * truth.contributions.values / usual[:, :, None]
    direct, mediated = ((effect * size[:, :, None]).sum(axis=(0, 1)) for effect in (active * part, by_visits))
    return World(panels, direct, mediated)


def _relative(values: np.ndarray) -> np.ndarray:
    """Over each region's mean week."""
    return np.asarray(values / values.mean(axis=1, keepdims=True))


def rows_of(seed: int, regions: int, common: float) -> list[dict[str, object]]:
    """Effects on sales in percent of them, found and true, a row a channel."""
    drawn = world(seed, regions, common)
    config = dcm.Config(posterior=dcm.PosteriorSettings(method="laplace", draws=DRAWS))
    fits = dcm.fit_kpis(drawn.panels, config, share=[], funnel=["visits", "sales"], progress=False)
    table = fits.effects().loc["sales"]
    controlled = dcm.FitResult.media_summary(fits.given["sales"])["incremental_outcome"].to_numpy()
    unit = 100.0 / drawn.panels["sales"].kpi.sum()
    true = {"direct": drawn.direct, "mediated": drawn.mediated, "total": drawn.direct + drawn.mediated}
    rows: list[dict[str, object]] = []
    for at, (channel, row) in enumerate(table.iterrows()):
        made: dict[str, object] = {"seed": seed, "regions": regions, "common": common, "channel": channel}
        made |= {"visits_as_control": controlled[at] * unit, "note": row["note"]}
        made |= {"sum_of_fits": (controlled[at] + row["mediated"]) * unit}
        for name in FIGURES:
            made |= {f"{name}_true": true[name][at] * unit}
            made |= {f"{name}{end}": row[f"{name}{end}"] * unit for end in ("", "_low", "_high")}
        rows.append(made)
    return rows


def told(table: pd.DataFrame) -> pd.DataFrame:
    """Mean errors in points, and how often 90% intervals held the truth."""
    errors = {name: (table[name] - table[f"{name}_true"]).abs() for name in FIGURES}
    held = {f"{n}_held": table[f"{n}_true"].between(table[f"{n}_low"], table[f"{n}_high"]) for n in FIGURES}
    others = {name: (table[name] - table["total_true"]).abs() for name in ("visits_as_control", "sum_of_fits")}
    by = [table["regions"], table["common"]]
    found = pd.DataFrame({**errors, **others, **held}).groupby(by).mean()
    return found.assign(channels=table.groupby(["regions", "common"]).size())


def main() -> None:
    """Run the seeds and print the figures of all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=int)
    parser.add_argument("stop", type=int)
    parser.add_argument("--regions", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--common", type=float, nargs="+", default=[0.0, 0.1])
    wanted = parser.parse_args()
    rows: list[dict[str, object]] = []
    for regions in wanted.regions:
        for common in wanted.common:
            for seed in range(wanted.first, wanted.stop):
                rows += rows_of(seed, regions, common)
            print(told(pd.DataFrame(rows)).round(2).to_string(), flush=True)
    pd.DataFrame(rows).to_csv(OUT, mode="a", header=not OUT.exists(), index=False)


if __name__ == "__main__":
    dcm.keep_programs()
    main()
