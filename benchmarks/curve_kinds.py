"""Other curves than Hill's: shares and intervals when the kind is stated, and how often the evidence finds the kind.

python benchmarks/curve_kinds.py [--panels 4] [--first 100] [--weeks 156] [--regions 1] [--kinds log root]
"""

import argparse
import dataclasses

import numpy as np
import pandas as pd
from harness import record

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.curve_evidence import chosen
from deepcausalmmm_jax.config.curves import BY_EVIDENCE, family_of_saturation

LEVEL = 0.9
PLAIN = {"adstock": "geometric", "saturation": "hill"}
KINDS: dict[str, dict[str, object]] = {
    "hill": {},
    **{kind: {"saturation": kind} for kind in ("michaelis_menten", "logistic", "log", "root", "linear")},
    **{kind: {"adstock": kind} for kind in ("weibull_pdf", "weibull_cdf", "none")},
    "hill, saturation first": {"saturation_first": True},
}


def panel_of(seed: int, kind: dict[str, object], sizes: argparse.Namespace) -> tuple[dcm.Panel, dcm.Truth]:
    """A panel of two channels without links and without confounding: the curves are what is difficult about it."""
    return dcm.simulate(
        sizes.regions,
        sizes.weeks,
        2,
        1,
        seed=seed,
        noise=sizes.noise,
        media_share=0.3,
        drift=0.0,
        confounded=0,
        links=0,
        **{**PLAIN, **kind},
    )


def shares(sizes: argparse.Namespace) -> pd.DataFrame:
    """A row a panel and channel: true share of the KPI, the estimate with its interval, in points."""
    rows = []
    for name, kind in KINDS.items():
        if sizes.kinds and name not in sizes.kinds:
            continue
        config = dcm.Config(**{**PLAIN, **kind})
        for seed in range(sizes.first, sizes.first + sizes.panels):
            panel, truth = panel_of(seed, kind, sizes)
            result = dcm.fit(panel, config, holdout=8, progress=False)
            used = result.fitted.weights > 0
            true = 100 * truth.contributions.values[used].sum(axis=0) / panel.kpi[used].sum()
            notes = result.notes(LEVEL)
            for at, (channel, note) in enumerate(notes.iterrows()):
                shown = {key: note[key] for key in ("share", "share_low", "share_high")}
                rows.append({"kind": name, "seed": seed, "channel": channel, "true": true[at], **shown})
        now = pd.DataFrame([row for row in rows if row["kind"] == name])
        print(name, f"error {(now['share'] - now['true']).abs().mean():.2f} points", flush=True)
    table = pd.DataFrame(rows)
    table["error"] = (table["share"] - table["true"]).abs()
    table["held"] = (table["share_low"] <= table["true"]) & (table["true"] <= table["share_high"])
    return table


def evidence(sizes: argparse.Namespace) -> pd.DataFrame:
    """A row a panel: the true kind of saturation, log evidence by kind, and the kind chosen."""
    rows = []
    training = dataclasses.replace(dcm.Training(), max_epochs=200)
    config = dcm.Config(curve="auto", training=training, posterior=dcm.PosteriorSettings(method="none"))
    for seed in range(sizes.first, sizes.first + 5 * sizes.panels):
        kind = BY_EVIDENCE[seed % len(BY_EVIDENCE)]
        panel, _ = panel_of(seed, {"saturation": kind}, sizes)
        result = dcm.fit(panel, config, holdout=8, progress=False)
        found = result.fitted.curve_evidence
        assert found is not None
        difference = found.log_evidence - found.log_evidence.max()
        by_kind = dict(zip(found.kinds, difference.round(2).tolist(), strict=True))
        best = found.kinds[int(np.argmax(difference))]
        own = chosen(found)
        right = family_of_saturation(own) == family_of_saturation(kind)
        rows.append({"seed": seed, "true": kind, "best": best, "chosen": own, "family": right, **by_kind})
        print(rows[-1], flush=True)
    return pd.DataFrame(rows)


def main() -> None:
    """Print both tables and write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("panels", 4), ("first", 100), ("weeks", 156), ("regions", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--noise", type=float, default=0.02)
    parser.add_argument("--kinds", nargs="*", choices=tuple(KINDS), help="of the shares; all unless named")
    parser.add_argument("--part", choices=("shares", "evidence", "both"), default="both")
    sizes, figures = parser.parse_args(), {}
    dcm.keep_programs()
    if sizes.part != "evidence":
        table = shares(sizes)
        summary = table.groupby("kind", sort=False)[["error", "held", "true"]].mean()
        summary["error_over_plain"] = summary["error"] / summary["error"].get("hill", np.nan)
        print(summary.round(3).to_string())
        figures["shares"] = {"summary": summary.to_dict("index"), "rows": table.to_dict("records")}
    if sizes.part != "shares":
        table = evidence(sizes)
        right, near = table["best"] == table["true"], table["chosen"] == table["true"]
        own = [row[row["true"]] for row in table.to_dict("records")]
        print(f"best {right.mean():.0%}, chosen {near.mean():.0%}, within 1 nat {np.mean(np.array(own) > -1):.0%}")
        print(f"family of the one chosen right in {table['family'].sum()} of {len(table)}")
        print(pd.crosstab(table["true"], table["chosen"]).to_string())
        figures["evidence"] = table.to_dict("records")
    kinds = "_".join(sizes.kinds or ("all",)) if sizes.part == "shares" else "all"
    print(record(f"curve_kinds_{sizes.part}_{sizes.regions}x{sizes.weeks}_{sizes.first}_{kinds}", figures))


if __name__ == "__main__":
    main()
