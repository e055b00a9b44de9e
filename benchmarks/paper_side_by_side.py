"""The default model beside the paper's: accuracy, naive forecasts, attribution error and seconds.

python benchmarks/paper_side_by_side.py [--panel dma geo20_10 ...] [--epochs 1500]

The DMA panel is trained on weeks 0-92 and judged on 93-100; the panels of known truth hold out their last 8 weeks.
"""

import argparse

import pandas as pd
from harness import record
from panels import GEO, dma_panel, geo_truth
from truth import against_truth

import deepcausalmmm_jax as dcm

NAIVE = ("rmse_mean", "rmse_last", "rmse_mean8", "rmse_seasonal")


def row(panel: dcm.Panel, true: pd.DataFrame | None, config: dcm.Config) -> dict[str, float | str]:
    """Figures of one fit."""
    result = dcm.fit(panel, config, holdout=8, seed=0)
    holdout, train = result.metrics.loc["holdout"], result.metrics.loc["train"]
    media = result.contributions.sel(component=list(panel.channels)).sum()
    figures: dict[str, float | str] = {
        "train_r2": train["r2"],
        "holdout_r2": holdout["r2"],
        "holdout_rmse": holdout["rmse"],
        **{name: holdout[name] for name in NAIVE},
        "best_naive": holdout["naive"],
        "rmse_over_naive": holdout["rmse"] / holdout["rmse_naive"],
        "media_share": float(media / result.predict().sum()),
        "epochs": len(result.history),
        "status": result.status.name.lower(),
        "seconds": result.fitted.record.seconds,
    }
    return figures | ({} if true is None else against_truth(result, true))


def main() -> None:
    """Print the rows and write them as JSON, a file a panel and model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--panel", nargs="+", default=["dma", *GEO])
    parser.add_argument("--model", nargs="+", default=["default", "paper"])
    parser.add_argument("--epochs", type=int, default=1500, help="of the paper's model")
    wanted = parser.parse_args()
    rows = {}
    for name in wanted.panel:
        panel, true = (dma_panel(), None) if name == "dma" else geo_truth(name)
        for model in wanted.model:
            config = dcm.Config() if model == "default" else dcm.Config.paper(epochs=wanted.epochs)
            key = f"{name} {model}"
            rows[key] = row(panel, true, config)
            shown = (f"{k} {v:,.3f}" if isinstance(v, float) else f"{k} {v}" for k, v in rows[key].items())
            print(f"{key}: " + "  ".join(shown), flush=True)
    print("wrote", record("paper_" + "_".join(wanted.panel), rows))


if __name__ == "__main__":
    main()
