"""Several KPIs of the same media: shares with pooled curves beside those of each KPI by itself.

    python benchmarks/kpis.py 1 9 [--method hmc laplace]       # seeds 1 to 8

Each seed gives one plan of national media (104 weeks, three channels) and three KPIs that respond to it, each with its
own baseline, season, noise and size of effects. `alike` have one curve a channel, the others curves of their own.
Fitted with default settings; draws by the default method unless another is asked for. Written to
benchmarks/results/kpis.csv, a row for each KPI, channel and way of fitting.
"""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
from harness import seeds_and_methods

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.config.priors import PosteriorMethod
from deepcausalmmm_jax.data.simulation.curve_truth import true_activity

OUT = Path(__file__).parent / "results" / "kpis.csv"
KPIS, WEEKS, CHANNELS, CONTROLS, DRAWS = 3, 104, 3, 1, 400


def panels_of(seed: int, alike: bool) -> tuple[dict[str, dcm.Panel], dict[str, np.ndarray]]:
    """KPIs of the same media, and the true share of each channel in the training weeks, `[channel]` by KPI."""
    media, truth = dcm.simulate(1, WEEKS, CHANNELS, CONTROLS, seed=seed, confounded=0, drift=0.0, links=0)
    relative = media.exposure / media.exposure.mean(axis=1, keepdims=True)
    panels, shares = {}, {}
    for k in range(KPIS):
        other, own = dcm.simulate(
            1, WEEKS, CHANNELS, CONTROLS, 1_000_000 + 10 * seed + k, confounded=0, drift=0.0, links=0
        )
        rest = (
            other.kpi
            - own.contributions.sum("component" if "component" in own.contributions.dims else "channel").values
        )
        active = true_activity(relative, truth.parameters if alike else own.parameters)
        rng = np.random.default_rng([seed, k])
        part = rng.dirichlet(np.ones(CHANNELS)) * rng.uniform(0.15, 0.4)
        added = active / active.mean(axis=1, keepdims=True) * part * rest.mean() / (1.0 - part.sum())
        kpi = rest + added.sum(axis=2)
        name = f"kpi_{k + 1}"
        panels[name] = dataclasses.replace(other, exposure=media.exposure, spend=media.spend, kpi=kpi, kpi_name=name)
        shares[name] = added[:, :-8].sum(axis=(0, 1)) / kpi[:, :-8].sum()
    return panels, shares


def rows_of(seed: int, method: PosteriorMethod) -> list[dict[str, object]]:
    """Share of each channel and KPI, alone and pooled, percent with 90% intervals."""
    config = dcm.Config(posterior=dcm.PosteriorSettings(method=method, draws=DRAWS))
    rows = []
    for alike in (True, False):
        panels, shares = panels_of(seed, alike)
        alone = dcm.fit_kpis(panels, config, share=[], progress=False)
        pooled = dcm.fit_kpis(panels, config, progress=False)
        for kpi in panels:
            for how, fits in (("alone", alone), ("pooled", pooled)):
                notes = fits[kpi].notes(0.9)
                for at, (channel, note) in enumerate(notes.iterrows()):
                    row = {"seed": seed, "alike": alike, "kpi": kpi, "channel": channel, "how": how, "method": method}
                    row |= {"true": 100 * shares[kpi][at]}
                    row |= {name: note[name] for name in ("share", "share_low", "share_high")}
                    rows.append(row | pooled.pooling["agreement"].to_dict())
    return rows


def told(table: pd.DataFrame) -> pd.DataFrame:
    """Mean error of shares in points, coverage and width of the intervals, and the agreement found."""
    table = table.assign(
        error=(table["share"] - table["true"]).abs(),
        held=(table["share_low"] <= table["true"]) & (table["true"] <= table["share_high"]),
        width=table["share_high"] - table["share_low"],
    )
    columns = ["error", "held", "width", "decay", "half_saturation", "slope"]
    by = table.groupby(["method", "alike", "how"])
    return by[columns].mean().assign(panels=by["seed"].nunique())


def main() -> None:
    """Run the seeds and print the figures of all rows so far."""
    for seed, method in seeds_and_methods(__doc__):
        pd.DataFrame(rows_of(seed, method)).to_csv(OUT, mode="a", header=not OUT.exists(), index=False)
        print(told(pd.read_csv(OUT)).round(3).to_string(), flush=True)


if __name__ == "__main__":
    dcm.keep_programs()
    main()
