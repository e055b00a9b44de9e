"""PyMC-Marketing and this package on the same national panels with known truth.

python benchmarks/beside_pymc.py ours [--panels FOLDER] [--kinds clean,realistic]
pymcenv/bin/python benchmarks/beside_pymc.py theirs [--panels FOLDER]
python benchmarks/beside_pymc.py table

The first writes the panels to a folder and fits ours; the second fits theirs from that folder in an environment of its
own, see HOW_TO; each adds its rows to `benchmarks/results/beside_pymc.json`. The last 8 weeks are kept from both. Their
model is that of their quick start: geometric adstock over 8 weeks, logistic saturation, two pairs of a yearly season,
and a linear trend among the controls. Controls are z-scored; all priors are the defaults, and so are the settings of
the sampler but for the numbers of chains and draws.
"""

import argparse
import json
import sys
import time
import warnings
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

RESULTS = Path(__file__).resolve().parent / "results" / "beside_pymc.json"
HOW_TO = (
    "Make the environment with `python3.12 -m venv pymcenv && pymcenv/bin/pip install pymc-marketing`, and run this "
    "file with pymcenv/bin/python."
)
KINDS = ("clean", "realistic", "medium_one_region", "observed_media", "small_business", "constant_media")
SEEDS = 2
OTHER_SATURATION = ("tanh", "power")  # two channels each; worlds of `fresh.CHOOSE`
HOLDOUT = 8
CHAINS, DRAWS = 2, 500

Row = dict[str, Any]


def scored(name: str, draws: np.ndarray, true: np.ndarray, seconds: float) -> Row:
    """Figures of one fit.

    Args:
        name: of the panel, kind and seed.
        draws: `[draw, channel]`, percent of the KPI in the training weeks.
        true: `[channel]`, the same.
        seconds: of the fit, compilation included.
    """
    found = draws.mean(axis=0)
    low, high = np.percentile(draws, (5.0, 95.0), axis=0)
    low50, high50 = np.percentile(draws, (25.0, 75.0), axis=0)
    total_low, total_high = np.percentile(draws.sum(axis=1), (5.0, 95.0))
    return {
        "panel": name,
        "kind": name.rpartition("_")[0],
        "channels": len(true),
        "true": float(true.sum()),
        "found": float(found.sum()),
        "mae_pp": float(np.abs(found - true).mean()),
        "in90": int(((low <= true) & (true <= high)).sum()),
        "in50": int(((low50 <= true) & (true <= high50)).sum()),
        "width90": float((high - low).mean()),
        "total_in90": bool(total_low <= true.sum() <= total_high),
        "seconds": seconds,
    }


def ours(folder: Path, kinds: tuple[str, ...]) -> Iterator[Row]:
    """Fits of this package; writes the training weeks of each panel for `theirs`."""
    from fresh import national_panels  # in this branch alone: the other environment lacks the package
    from fresh_scores import true_shares

    import deepcausalmmm_jax as dcm

    def panels() -> Iterator[tuple[str, dcm.Panel, pd.Series]]:
        taken = dict.fromkeys(kinds, 0)
        for kind, seed, panel, true in national_panels(kinds):
            taken[kind] += 1
            if taken[kind] <= SEEDS:
                yield f"{kind}_{seed}", panel, true["share"]
        for kind in OTHER_SATURATION:
            for seed in range(SEEDS):
                panel, truth = dcm.simulate(1, 156, 2, 2, seed, kind=kind)
                yield f"two_channels_{kind}_{seed}", panel, true_shares(panel, truth.contributions.values)

    chosen = list(panels())
    for name, panel, true in chosen:
        n = len(panel.weeks) - HOLDOUT
        table = pd.DataFrame({"week": panel.weeks[:n], "sales": panel.kpi[0, :n]})
        table[list(panel.channels)] = panel.exposure[0, :n]
        table[list(panel.controls)] = panel.control[0, :n]
        table.to_csv(folder / f"{name}.csv", index=False)
        roles = {"media": panel.channels, "controls": panel.controls, "true": true.tolist()}
        (folder / f"{name}.json").write_text(json.dumps(roles))
    for name, panel, true in chosen:
        began = time.perf_counter()
        result = dcm.fit(panel, holdout=HOLDOUT, progress=False)
        assert isinstance(result, dcm.Ensemble)
        seconds = time.perf_counter() - began
        yield scored(name, result.share_draws().to_numpy(), true.to_numpy(), seconds)


def theirs(folder: Path) -> Iterator[Row]:
    """Fits of PyMC-Marketing."""
    if find_spec("pymc_marketing") is None:
        sys.exit(HOW_TO)
    from pymc_marketing.mmm import MMM, GeometricAdstock, LogisticSaturation

    warnings.simplefilter("ignore")
    for path in sorted(folder.glob("*.json"), key=_first_seeds_first):
        roles = json.loads(path.read_text())
        table = pd.read_csv(path.with_suffix(".csv"), parse_dates=["week"])
        kpi, controls = table.pop("sales"), roles["controls"]
        table[controls] = (table[controls] - table[controls].mean()) / table[controls].std().replace(0.0, 1.0)
        table["t"] = np.linspace(0.0, 1.0, len(table))
        model = MMM(
            date_column="week",
            target_column="sales",
            adstock=GeometricAdstock(l_max=8),
            saturation=LogisticSaturation(),
            channel_columns=list(roles["media"]),
            control_columns=[*controls, "t"],
            yearly_seasonality=2,
        )
        began = time.perf_counter()
        model.build_model(table, kpi)
        model.add_original_scale_contribution_variable(var=["channel_contribution"])
        model.fit(table, kpi, chains=CHAINS, draws=DRAWS, tune=DRAWS, cores=1, random_seed=0, progressbar=False)
        seconds = time.perf_counter() - began
        drawn = model.idata.posterior["channel_contribution_original_scale"].sum("date").stack(sample=("chain", "draw"))
        share = 100.0 * drawn.transpose("sample", "channel").sel(channel=roles["media"]).to_numpy() / kpi.sum()
        diverging = model.idata.sample_stats["diverging"].sum()
        yield scored(path.stem, share, np.array(roles["true"]), seconds) | {"divergences": int(diverging)}


def _first_seeds_first(path: Path) -> tuple[int, str]:
    kind, _, seed = path.stem.rpartition("_")
    return int(seed) % 100, kind


def written(rows: list[Row], side: str) -> None:
    """Add the rows of one side to those of the other, with versions."""
    earlier = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    versions = {}
    for name in ("deepcausalmmm_jax", "jax", "pymc-marketing", "pymc", "nutpie", "numpy"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    RESULTS.write_text(json.dumps(earlier | {side: {"versions": versions, "rows": rows}}, indent=1) + "\n")


def table() -> pd.DataFrame:
    """By kind, both sides: bias of the total, points a channel, coverage, width and seconds."""
    earlier = json.loads(RESULTS.read_text())
    rows = pd.concat([pd.DataFrame(earlier[side]["rows"]).assign(side=side) for side in ("ours", "theirs")])
    return pd.concat([_figures(rows), _figures(rows.assign(kind="all"))])


def _figures(rows: pd.DataFrame) -> pd.DataFrame:
    parts = rows.assign(widths=rows["width90"] * rows["channels"]).groupby(["kind", "side"], sort=False)
    found = parts[["channels", "in90", "in50", "total_in90"]].sum()
    found.insert(0, "panels", parts.size())
    found["bias"] = parts["found"].sum() / parts["true"].sum() - 1.0
    found["mae_pp"] = parts["mae_pp"].mean()
    found["width90"] = parts["widths"].sum() / found["channels"]
    found["seconds"] = parts["seconds"].median()
    return found


def main() -> None:
    """Fit one side and write its rows, or print the table of both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("side", choices=("ours", "theirs", "table"))
    parser.add_argument("--panels", type=Path, default=Path("panels_beside_pymc"), help="folder; default: %(default)s")
    parser.add_argument("--kinds", type=lambda text: tuple(text.split(",")), default=KINDS)
    asked = parser.parse_args()
    if asked.side == "table":
        print(table().to_string(float_format=lambda value: f"{value:.2f}"))
        return
    asked.panels.mkdir(exist_ok=True)
    rows = []
    for row in ours(asked.panels, asked.kinds) if asked.side == "ours" else theirs(asked.panels):
        rows.append(row)
        print("  ".join(f"{k} {v:.2f}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items()), flush=True)
        written(rows, asked.side)


if __name__ == "__main__":
    main()
