"""How well does the model forecast your own data? Rolling origins, with naive forecasts beside.

python examples/own_benchmark.py panel.csv --region geo --time week --kpi sales --media tv search --controls price
"""

import argparse

import pandas as pd

import deepcausalmmm_jax as dcm


def main() -> None:
    """Forecast from several origins, and print the errors beside those of naive forecasts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--region")
    parser.add_argument("--time", required=True)
    parser.add_argument("--kpi", required=True)
    parser.add_argument("--media", nargs="+", required=True)
    parser.add_argument("--controls", nargs="*", default=[])
    parser.add_argument("--horizon", type=int, default=8)
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--epochs", type=int, help="most epochs; fewer for a quick try")
    parser.add_argument("--figure", help="HTML file for the chart")
    wanted = parser.parse_args()
    panel = dcm.Panel.from_dataframe(
        pd.read_csv(wanted.file),
        region=wanted.region,
        time=wanted.time,
        kpi=wanted.kpi,
        media=wanted.media,
        controls=wanted.controls,
    )
    config = dcm.Config() if wanted.epochs is None else dcm.Config(training=dcm.Training(max_epochs=wanted.epochs))
    scores = dcm.cross_validate(panel, config, wanted.horizon, wanted.folds)
    shown = scores.drop(columns=["config", "seed"])
    print(shown.to_string(index=False, float_format=lambda value: f"{value:,.4g}", na_rep="-"))
    ratio = float(scores.loc[scores["fold"] == "all", "ratio"].iloc[0])
    print(f"\nOver all folds the RMSE is {ratio:.2f} times that of the best naive forecast, chosen in hindsight.")
    if wanted.figure:
        dcm.plots.cross_validation(scores, panel.kpi_label).write_html(wanted.figure)


if __name__ == "__main__":
    main()
