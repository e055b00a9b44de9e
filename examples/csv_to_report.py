"""From a CSV file to a report with intervals: fit, judge, refit, write.

python examples/csv_to_report.py panel.csv --region geo --time week --kpi sales \
    --media tv search --spend tv_spend search_spend --controls price --out run
"""

import argparse
import logging
from pathlib import Path

import pandas as pd

import deepcausalmmm_jax as dcm

log = logging.getLogger("csv_to_report")


def main() -> None:
    """Fit the file, refit it for intervals, write report and tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--region")
    parser.add_argument("--time", required=True)
    parser.add_argument("--kpi", required=True)
    parser.add_argument("--media", nargs="+", required=True)
    parser.add_argument("--spend", nargs="*", help="in the order of --media")
    parser.add_argument("--controls", nargs="*", default=[])
    parser.add_argument("--revenue-per-kpi", type=float)
    parser.add_argument("--holdout", type=int, default=8)
    parser.add_argument("--replicates", type=int, default=200)
    parser.add_argument("--epochs", type=int, help="fewer, to try things out")
    parser.add_argument("--out", type=Path, default=Path("run"))
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")

    panel = dcm.Panel.from_dataframe(
        pd.read_csv(wanted.file),
        region=wanted.region,
        time=wanted.time,
        kpi=wanted.kpi,
        media=wanted.media,
        spend=wanted.spend or None,
        controls=wanted.controls,
        revenue_per_kpi=wanted.revenue_per_kpi,
    )
    log.info("%d regions x %d weeks, %d channels, %d controls", *panel.shape)
    config = dcm.Config() if wanted.epochs is None else dcm.Config(training=dcm.Training(max_epochs=wanted.epochs))
    result = dcm.fit(panel, config, holdout=wanted.holdout)
    log.info("%s Error on the held-out weeks over the best naive one: %.2f", result.status.sentence, _ratio(result))
    ensemble = dcm.bootstrap(result, wanted.replicates, out=wanted.out / "refits")
    ensemble.save(wanted.out / "ensemble.npz")
    ensemble.media_summary().to_csv(wanted.out / "media_summary.csv")
    log.info("Open %s", dcm.report(ensemble, wanted.out / "report.html"))


def _ratio(result: dcm.FitResult) -> float:
    row = result.metrics.iloc[-1]
    return float(row["rmse"] / row["rmse_naive"])


if __name__ == "__main__":
    main()
