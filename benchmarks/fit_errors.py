"""How near a fit without draws is to the truth, and how often as near as its standard errors say.

python benchmarks/fit_errors.py [--half confirm] [--regions 8 20] [--tag NAME] [--shocks 0.25]

Worlds that are not the model's (`fresh.py`), a panel a kind and size, seeds drawn from the tag. `given curves` are the
errors that take the curves as known and the likelihood of all regions at its word; `stated` is `share_error` of
`FitResult.notes`. An interval of 90 % is 1.645 errors either way, one of 50 % .674. `clear` counts channels at least
two errors from zero, and `wrong` those of them that are more than two errors from the truth; `tiny` counts channels
that are said to be tiny (whatever their error, in the rows of `given curves`), and `not_tiny` those of them that have
more than 1 % of the KPI. `winkler` is the score of the 90 % intervals: their width, and 20 times what they miss by. The
second table has the estimates: shares of all media, percent of the KPI, the mean error of a channel's share, and
channels with more than 5 % of the KPI that are found below a fifth of it; `forecast` is the holdout's RMSE over that of
the best naive forecast. With `--shocks` every region's KPI moves by the same weekly shocks besides, as large as that
share of its mean and with six tenths left a week later.
"""

import argparse
import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from fresh import HALVES, commit, fresh_seed, world_panel
from harness import record
from scipy.signal import lfilter

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.channel_errors import channel_errors
from deepcausalmmm_jax.attribution.notes import TINY, NoteKind

_HOLDOUT = 8
_LEFT = 0.6  # of a shock, a week later
_CONFIG = dcm.Config(posterior=dcm.PosteriorSettings(method="none"))


def with_shocks(panel: dcm.Panel, size: float, seed: int) -> dcm.Panel:
    """The panel with shocks that all its regions share; its true contributions, and so the shares, stay as they were.

    Args:
        panel: the panel.
        size: standard deviation of the shocks, as a share of a region's mean KPI.
        seed: of the shocks.
    """
    noise = np.random.default_rng(seed).normal(size=panel.kpi.shape[1])
    path = lfilter([1.0], [1.0, -_LEFT], noise)
    shocks = size * (path - path.mean()) / path.std()
    return dataclasses.replace(panel, kpi=np.maximum(panel.kpi + shocks * panel.kpi.mean(axis=1, keepdims=True), 0.0))


def rows_of(kind: str, regions: int, seed: int, shocks: float = 0.0) -> Iterator[dict[str, Any]]:
    """A row a channel and kind of error."""
    panel, true = world_panel(kind, seed, regions)
    if shocks > 0:
        panel = with_shocks(panel, shocks, seed + 1)
    result = dcm.fit(panel, _CONFIG, holdout=_HOLDOUT, progress=False)
    notes = result.notes()
    share = notes["share"].to_numpy()
    tiny = [any(note.kind is NoteKind.TINY for note in own) for own in result.channel_trust.notes]
    errors = {
        "given curves": share * channel_errors(result.fitted_panel, given_curves=True),
        "stated": notes["share_error"].to_numpy(),
    }
    for name, error in errors.items():
        for m, channel in enumerate(panel.channels):
            yield {
                "kind": kind,
                "regions": regions,
                "seed": seed,
                "channel": channel,
                "errors": name,
                "true": float(true["share"][channel]),
                "share": float(share[m]),
                "error": float(error[m]),
                "forecast": 1.0 - float(result.metrics.loc["holdout", "skill"]),
                "tiny": bool(share[m] < 100 * TINY) if name == "given curves" else tiny[m],
            }


def table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Coverage by number of regions and kind of error."""
    df = pd.DataFrame(rows)
    away, clear = (df["true"] - df["share"]).abs(), df["share"] >= 2.0 * df["error"]
    scored = df.assign(
        in90=100 * (away <= 1.645 * df["error"]),
        in50=100 * (away <= 0.674 * df["error"]),
        width90=3.29 * df["error"],
        winkler=3.29 * df["error"] + 20.0 * (away - 1.645 * df["error"]).clip(lower=0.0),
        clear=clear,
        wrong=clear & (away > 2.0 * df["error"]),
        not_tiny=df["tiny"] & (df["true"] > 1.0),
    )
    by = scored.groupby(["regions", "errors"], sort=False)
    means, sums = by[["in90", "in50", "width90", "winkler"]].mean(), by[["clear", "wrong", "tiny", "not_tiny"]].sum()
    return means.join(by["width90"].median().rename("median90")).join(sums).join(by.size().rename("channels")).round(1)


def estimates(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """How near the shares are to the truth, by number of regions."""
    df = pd.DataFrame(rows)
    df = df[df["errors"] == "stated"]
    away, large = (df["share"] - df["true"]).abs(), df["true"] > 5.0
    scored = df.assign(points=away, large=large, missed=large & (df["share"] < df["true"] / 5.0))
    totals = scored.groupby(["regions", "kind"])[["true", "share"]].sum()
    bias = (totals["share"] - totals["true"]).groupby("regions")
    by = scored.groupby("regions")
    return pd.DataFrame(
        {
            "true": totals["true"].groupby("regions").mean(),
            "found": totals["share"].groupby("regions").mean(),
            "bias": bias.mean(),
            "off": bias.apply(lambda apart: apart.abs().mean()),
            "points": by["points"].mean(),
            "missed": by["missed"].sum(),
            "large": by["large"].sum(),
            "forecast": by["forecast"].mean(),
        }
    ).round(2)


def main() -> None:
    """Fit a panel a kind and size, print the tables, write rows and tables as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=list(HALVES), default="confirm")
    parser.add_argument("--regions", type=int, nargs="+", default=[8, 20])
    parser.add_argument("--tag", help="seeds are drawn from it; the commit when left out")
    parser.add_argument("--shocks", type=float, default=0.0, help="size of weekly shocks that all regions share")
    asked = parser.parse_args()
    tag, rows = asked.tag or commit(), list[dict[str, Any]]()
    for kind in HALVES[asked.half]:
        for regions in asked.regions:
            if regions > 1 or kind != "moves_together":
                rows += rows_of(kind, regions, fresh_seed(tag, kind, regions), asked.shocks)
    found, near = table(rows), estimates(rows)
    tables = {"table": found.reset_index().to_dict("records"), "estimates": near.reset_index().to_dict("records")}
    name = f"fit_errors_{asked.half}{'_shocks' if asked.shocks > 0 else ''}"
    record(name, {"tag": tag, "shocks": asked.shocks, "rows": rows} | tables)
    print(found.to_string(), near.to_string(), sep="\n\n")


if __name__ == "__main__":
    main()
