"""The channel graph inside the model: are true links ranked first, and are mediated effects found?

python benchmarks/graph.py [--simulated 16] [--without 8] [--lags 2] [--link-lags 2] [--first 100]
python benchmarks/graph.py --intervals 8 [--first 100]
python benchmarks/graph.py --groups 8 [--first 600] [--without 6]
python benchmarks/graph.py --told 16 [--first 100]

Ranked: area under the ROC curve of the link weights over ordered pairs and lags. Effects: against the simulator's own
intervention, for channels that drive others; geo_truth gives links but no effects. With --lags, links of the simulated
panels act with a lag drawn from 0 to that many weeks; --link-lags is the setting of the fits, the same unless given.
With --intervals: how often 90% intervals of `effects()` hold the simulator's intervention on panels of 4 regions, 104
weeks and 3 channels, by draws from the posterior (Laplace's method) and by 20 refits.
With --groups: panels of 16 regions in two groups with different links, fitted with `link_groups="learn"` and beside it
with one graph; five times as many panels with one graph, and as many without links, in which "learn" looks for groups;
and fits to --without panels without links.
With --told: total effects of drivers where fits are told the true links, and the true links and curves: what no better
search for links could find.
"""

import argparse
import json

import numpy as np
import pandas as pd
from harness import SHARED, record
from limit import known_curves
from panels import GEO, geo_truth

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.inference.link_group_choice import with_link_groups

FIGURES = ("direct", "mediated", "total")


def auroc(found: np.ndarray, true: np.ndarray) -> float:
    """Chance that a true link weighs more than a place without one, `[lag, channel, channel]`; ties count half."""
    pairs = np.broadcast_to(~np.eye(true.shape[-1], dtype=bool), true.shape)
    weight, is_link = np.abs(found[pairs]), true[pairs] > 0
    yes, no = weight[is_link][:, None], weight[~is_link]
    return float(((yes > no) + 0.5 * (yes == no)).mean())


def by_lag(links: pd.DataFrame, channels: tuple[str, ...], lags: int) -> np.ndarray:
    """Weights of a table of links, `[1 + lag, channel, channel]`."""
    weights = np.zeros((1 + lags, len(channels), len(channels)))
    for link in links.itertuples():
        weights[link.lag, channels.index(link.source), channels.index(link.target)] = link.weight
    return weights


def geo(name: str, link_lags: int) -> dict[str, object]:
    """Edges and effects on a shared panel."""
    panel, _ = geo_truth(name)
    true = np.array(json.loads((SHARED / "geo_truth" / f"{name}_truth.json").read_text())["dag"])
    result = dcm.fit(panel, dcm.Config(link_lags=link_lags), holdout=8, progress=False)
    found = result.adjacency.to_numpy()
    print(
        f"{name}: AUROC {auroc(found, true > 0):.3f}, edges without truth {int(((found != 0) & (true == 0)).sum())}, "
        f"links with a lag {int((result.links()['lag'] > 0).sum())}"
    )
    print(result.effects().round(1).to_string(), flush=True)
    edges = [[int(i) + 1, int(j) + 1, float(true[i, j]), float(found[i, j])] for i, j in np.argwhere(true > 0)]
    return {
        "auroc": auroc(found, true > 0),
        "edges_source_target_true_found": edges,
        "effects": result.effects().to_dict(orient="index"),
    }


def linked(seed: int, lags: int, link_lags: int) -> dict[str, object]:
    """Links and effects on a simulated panel."""
    panel, truth = dcm.simulate(seed=seed, link_lags=lags)
    result = dcm.fit(panel, dcm.Config(link_lags=link_lags), holdout=8, progress=False)
    most = max(lags, link_lags)
    found, true = (by_lag(table, panel.channels, most) for table in (result.links(), truth.links))
    drives = (true > 0).any(axis=(0, 2))
    table = result.effects().join(truth.effects.add_suffix("_true"))[drives]
    error = (table["total"] / table["total_true"] - 1).to_dict()
    mediated = (table["mediated"] / table["mediated_true"] - 1).to_dict()
    shown = ", ".join(f"{c} total {error[c]:+.2f} mediated {mediated[c]:+.2f}" for c in error)
    false = int(((found != 0) & (true == 0)).sum())
    missed = int(((found == 0) & (true > 0)).sum())
    print(f"simulated {seed}: AUROC {auroc(found, true):.3f}, {false} false, {missed} missed; {shown}", flush=True)
    return {
        "auroc": auroc(found, true),
        "false_edges": false,
        "missed_edges": missed,
        "total_error": error,
        "mediated_error": mediated,
    }


def told(seed: int) -> dict[str, dict[str, float]]:
    """Errors of the total effects of drivers: of a default fit, of one told the links, and the links and the curves."""
    panel, truth = dcm.simulate(seed=seed)
    links = dcm.Links(fix=tuple(truth.links[["source", "target", "weight"]].itertuples(index=False, name=None)))
    configs = {
        "default": dcm.Config(),
        "links known": dcm.Config(links=links),
        "links and curves known": dcm.Config(links=links, priors=known_curves(truth.parameters)),
    }
    drivers, errors = truth.links["source"].unique(), {}
    for how, config in configs.items():
        total = dcm.fit(panel, config, holdout=8, progress=False).effects().loc[drivers, "total"]
        errors[how] = (total / truth.effects.loc[drivers, "total"] - 1).to_dict()
    shown = "; ".join(f"{how} " + " ".join(f"{e:+.2f}" for e in errors[how].values()) for how in errors)
    print(f"simulated {seed}: {shown}", flush=True)
    return errors


def all_told(first: int, panels: int) -> dict[str, object]:
    """How many totals are within 25 % where nothing, the links, and the links and the curves are known."""
    rows = {seed: told(seed) for seed in range(first, first + panels)}
    for how in rows[first]:
        errors = np.abs([error for row in rows.values() for error in row[how].values()])
        print(f"{how}: {int((errors <= 0.25).sum())} of {len(errors)} within 25 %, median {np.median(errors):.2f}")
    return {f"simulated_{seed}": row for seed, row in rows.items()}


def unlinked(seed: int, link_lags: int) -> int:
    """Links found where there are none."""
    panel, _ = dcm.simulate(seed=seed, links=0)
    return len(dcm.fit(panel, dcm.Config(link_lags=link_lags), holdout=8, progress=False).links())


def intervals(seed: int) -> list[dict[str, object]]:
    """Whether intervals hold the true effects, by draws and by refits; a row a channel."""
    panel, truth = dcm.simulate(4, 104, 3, 2, seed=seed)
    config = dcm.Config(posterior=dcm.PosteriorSettings(method="laplace", draws=200))
    drawn = dcm.fit(panel, config, holdout=8, progress=False)
    plain = dcm.fit(panel, config.replace(posterior=dcm.PosteriorSettings(method="none")), holdout=8, progress=False)
    refits = dcm.bootstrap(plain, 20, checks=0, progress=False)
    rows: list[dict[str, object]] = []
    for how, ensemble in (("draws", drawn), ("refits", refits)):
        table = ensemble.effects().join(truth.effects.add_suffix("_true"))
        for channel, row in table.iterrows():
            held = {name: bool(row[f"{name}_low"] <= row[f"{name}_true"] <= row[f"{name}_high"]) for name in FIGURES}
            found = {"found": bool(row["through"]), "drives": bool((truth.links["source"] == channel).any())}
            rows.append({"seed": seed, "how": how, "channel": channel, **found, **held})
    return rows


def print_coverage(rows: list[dict[str, object]]) -> None:
    """Shares of intervals that hold the truth: of all channels, and of those that drive others and are found to."""
    table = pd.DataFrame(rows)
    print("of all channels", table.groupby("how")[list(FIGURES)].mean().round(2).to_dict("index"))
    known = table[table["drives"] & table["found"]]
    print("of drivers found", len(known) // 2, known.groupby("how")[list(FIGURES)].mean().round(2).to_dict("index"))


def adjusted_rand(found: pd.Series, true: pd.Series) -> float:
    """Adjusted Rand index of two partitions of the regions (Hubert & Arabie 1985): 1 where they are the same."""

    def pairs(counts: np.ndarray) -> float:
        return float((counts * (counts - 1) / 2).sum())

    table = pd.crosstab(found.fillna("all").to_numpy(), true.fillna("all").to_numpy()).to_numpy()
    both, rows, columns = pairs(table), pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    chance = rows * columns / pairs(table.sum(keepdims=True))
    most = (rows + columns) / 2
    return 1.0 if most == chance else (both - chance) / (most - chance)


def by_region(links: pd.DataFrame, groups: pd.Series, channels: tuple[str, ...]) -> np.ndarray:
    """Weights of the links of each region, `[region, 1, channel, channel]`."""
    if groups.isna().all():
        return np.stack([by_lag(links, channels, 0)] * len(groups))
    return np.stack([by_lag(links[links["group"] == group], channels, 0) for group in groups])


def grouped(seed: int) -> list[dict[str, object]]:
    """A panel with two groups of regions, fitted with groups and with one graph; a row each."""
    panel, truth = dcm.simulate(16, 104, 5, 3, seed=seed, link_groups=2)
    true = by_region(truth.links, truth.link_groups, panel.channels)
    drives = (true > 0).any(axis=(0, 1, 3))
    rows: list[dict[str, object]] = []
    for how in ("learn", "one"):
        result = dcm.fit(panel, dcm.Config(link_groups=how), holdout=8, progress=False)
        found = by_region(result.links(), result.link_groups, panel.channels)
        error = (result.effects()["total"] / truth.effects["total"] - 1)[drives]
        row = {
            "seed": seed,
            "how": how,
            "groups": max(1, result.link_groups.nunique()),
            "adjusted_rand": adjusted_rand(result.link_groups, truth.link_groups),
            "auroc": float(np.mean([auroc(*pair) for pair in zip(found, true, strict=True)])),
            "false_a_region": float(((found != 0) & (true == 0)).sum(axis=(1, 2, 3)).mean()),
            "missed_a_region": float(((found == 0) & (true > 0)).sum(axis=(1, 2, 3)).mean()),
            "total_error": error.to_dict(),
            "seconds": result.fitted.record.seconds,
        }
        print({name: round(value, 3) if isinstance(value, float) else value for name, value in row.items()}, flush=True)
        rows.append(row)
    return rows


def number_of_groups(seed: int, **options: int) -> int:
    """Groups that are found in a panel with one graph, or without links; nothing is trained."""
    panel, _ = dcm.simulate(16, 104, 5, 3, seed=seed, **options)
    config, _ = with_link_groups(panel, training_weights(panel, 8), dcm.Config(link_groups="learn"))
    return 1 if isinstance(config.link_groups, str) else len(config.link_groups)


def groups_and_one(first: int, panels: int, without: int) -> dict[str, object]:
    """Figures on groups of regions, printed."""
    rows = [row for seed in range(first, first + panels) for row in grouped(seed)]
    for how, table in pd.DataFrame(rows).groupby("how"):
        errors = np.abs([error for each in table["total_error"] for error in each.values()])
        means = table[["adjusted_rand", "auroc", "false_a_region", "missed_a_region"]].mean().round(3).to_dict()
        near = f"{int((errors <= 0.25).sum())} of {len(errors)} totals within 25 %"
        print(how, means, near, f"median error {np.median(errors):.3f}")
    seeds = range(first + 1000, first + 1000 + 5 * panels)
    alike, unlinked_groups = ([number_of_groups(seed, **o) for seed in seeds] for o in ({}, {"links": 0}))
    print(f"panels with one graph: {len(alike)}, with several groups found: {sum(k > 1 for k in alike)}")
    print(f"panels without links: {len(alike)}, with several groups found: {sum(k > 1 for k in unlinked_groups)}")
    false = []
    for seed in range(first + 2000, first + 2000 + without):
        panel, _ = dcm.simulate(16, 104, 5, 3, seed=seed, links=0)
        fit = dcm.fit(panel, dcm.Config(link_groups="learn"), holdout=8, progress=False)
        false.append({"groups": max(1, fit.link_groups.nunique()), "links": len(fit.links())})
    print(f"fits to panels without links: {len(false)}, links found: {sum(row['links'] for row in false)}")
    return {"rows": rows, "one_graph": alike, "no_links": unlinked_groups, "fits_without_links": false}


def main() -> None:
    """Print the figures and write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulated", type=int, default=16)
    parser.add_argument("--without", type=int, default=8)
    parser.add_argument("--lags", type=int, default=0, help="longest lag of the simulated links, weeks")
    parser.add_argument("--link-lags", type=int, help="setting of the fits; the same where it is left out")
    parser.add_argument("--first", type=int, default=100, help="seed of the first simulated panel")
    parser.add_argument("--intervals", type=int, default=0, help="number of panels whose intervals are looked at")
    parser.add_argument("--groups", type=int, default=0, help="number of panels with two groups of regions")
    parser.add_argument("--told", type=int, default=0, help="number of panels whose fits are told the truth")
    wanted = parser.parse_args()
    if wanted.told:
        print("wrote", record(f"graph_told_{wanted.first}", all_told(wanted.first, wanted.told)))
        return
    if wanted.groups:
        groups = groups_and_one(wanted.first, wanted.groups, wanted.without)
        print("wrote", record(f"graph_groups_{wanted.first}", groups))
        return
    if wanted.intervals:
        covered: list[dict[str, object]] = []
        for seed in range(wanted.first, wanted.first + wanted.intervals):
            covered += intervals(seed)
            print(f"up to seed {seed}")
            print_coverage(covered)
        print("wrote", record(f"graph_intervals_{wanted.first}", {"rows": covered}))
        return
    link_lags = wanted.lags if wanted.link_lags is None else wanted.link_lags
    rows: dict[str, object] = {name: geo(name, link_lags) for name in GEO} if SHARED.is_dir() else {}
    seeds = range(wanted.first, wanted.first + wanted.simulated)
    drawn = {f"simulated_{seed}": linked(seed, wanted.lags, link_lags) for seed in seeds}
    rows |= drawn
    errors = np.abs([error for row in drawn.values() for error in row["total_error"].values()])  # type: ignore[attr-defined]
    near = int((errors <= 0.25).sum())
    mean = np.mean([row["auroc"] for row in drawn.values()])  # type: ignore[misc]
    print(
        f"AUROC, mean {mean:.3f}; channels that drive others: {len(errors)}, total within 25 %: {near}, "
        f"median error {np.median(errors):.2f}"
    )
    false = [unlinked(seed, link_lags) for seed in range(500, 500 + wanted.without)]
    print(f"panels without links: {len(false)}, links found: {sum(false)}")
    rows["edges_without_links"] = false
    name = "graph" if link_lags == wanted.lags == 0 else f"graph_lags_{wanted.lags}_fitted_{link_lags}"
    print("wrote", record(name, rows))


if __name__ == "__main__":
    main()
