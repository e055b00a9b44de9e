"""From a CSV file to a plan: fit, judge, refit, plan, report.

python examples/csv_to_plan.py panel.csv --region geo --time week --kpi sales \
    --media tv search --spend tv_spend search_spend --controls price --revenue-per-kpi 10 --out run
"""

import argparse
import logging
from pathlib import Path

import pandas as pd

import deepcausalmmm_jax as dcm

log = logging.getLogger("csv_to_plan")


def main() -> None:
    """Fit the file, refit it for intervals, reallocate the budget, write report and tables."""
    wanted = arguments()
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
    log.info("%s", result.status.sentence)
    if result.holdout:
        row = result.metrics.loc["holdout"]
        log.info("Held-out RMSE over that of the best naive forecast: %.2f", row["rmse"] / row["rmse_naive"])
    ensemble = dcm.bootstrap(result, wanted.replicates, out=wanted.out / "refits")
    ensemble.save(wanted.out / "ensemble.npz")
    ensemble.media_summary().to_csv(wanted.out / "media_summary.csv")

    # Today's total over the last weeks of the panel, reallocated within the limits of each channel.
    plan = dcm.optimize_budget(ensemble, weeks=wanted.weeks, relative_bounds=(wanted.least, wanted.most))
    plan.save(wanted.out / "plan")
    log.info("Plan for %s, in %s:", plan.period, plan.units.spend)
    for channel, row in plan.channels.iterrows():
        log.info("  %s: %s today, %s planned", channel, f"{row['spend_today']:,.0f}", f"{row['spend_plan']:,.0f}")
    log.info("The plan beats today's allocation in %.0f%% of the refits.", 100 * plan.chance_better)
    log.info("Open %s", dcm.report(ensemble, wanted.out / "report.html", plan=plan))


def arguments() -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--region")
    parser.add_argument("--time", required=True)
    parser.add_argument("--kpi", required=True)
    parser.add_argument("--media", nargs="+", required=True)
    parser.add_argument("--spend", nargs="*", help="in the order of --media; without it the plan is in exposure units")
    parser.add_argument("--controls", nargs="*", default=[])
    parser.add_argument("--revenue-per-kpi", type=float)
    parser.add_argument("--holdout", type=int, default=8)
    parser.add_argument("--replicates", type=int, default=200)
    parser.add_argument("--weeks", type=int, default=26, help="last weeks of the panel whose budget is reallocated")
    parser.add_argument("--least", type=float, default=0.5, help="lower limit of a channel, over its spend today")
    parser.add_argument("--most", type=float, default=1.5, help="upper limit of a channel, over its spend today")
    parser.add_argument("--epochs", type=int, help="most epochs; fewer for a quick try")
    parser.add_argument("--out", type=Path, default=Path("run"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
