"""The shared panels, as `Panel` and truth."""

import numpy as np
import pandas as pd
from harness import SHARED

import deepcausalmmm_jax as dcm

GEO = ("geo20_10", "geo20_11", "geo20_12", "geo20_13")
RECOVERY = ("small_business", "growing_business", "medium_business", "large_business")


def dma_panel() -> dcm.Panel:
    """190 regions x 101 weeks x 13 channels x 7 controls."""
    df = pd.read_csv(SHARED / "dma_panel" / "panel.csv")
    return dcm.Panel.from_dataframe(
        df,
        region="dmacode",
        time="weekid",
        kpi="target_visits",
        media=[name for name in df if name.startswith("impressions_")],
        controls=[name for name in df if name.startswith("control_")],
    )


def geo_truth(name: str) -> tuple[dcm.Panel, pd.DataFrame]:
    """A geo_truth panel, and its true contributions by (region, week)."""
    df = pd.read_csv(SHARED / "geo_truth" / f"{name}.csv")
    true = pd.read_csv(SHARED / "geo_truth" / f"{name}_contributions.csv", parse_dates=["time"])
    media = [column for column in df if column.startswith("spend_")]
    controls = [column for column in df if column.startswith("control_")]
    panel = dcm.Panel.from_dataframe(df, region="geo", time="time", kpi="kpi", media=media, controls=controls)
    return panel, true.set_index(["geo", "time"])[media]


def recovery(name: str) -> tuple[dcm.Panel, pd.DataFrame]:
    """A recovery panel, and its true contributions by (region, week)."""
    df = pd.read_csv(SHARED / "recovery" / f"{name}.csv")
    true = pd.read_csv(SHARED / "recovery" / f"{name}_contributions.csv", parse_dates=["date"])
    media = [column for column in df if column.startswith("x")]
    controls = [column for column in df if column[0] == "c" and column[1:].isdigit()]
    panel = dcm.Panel.from_dataframe(df, region="geo", time="date", kpi="y", media=media, controls=controls)
    true = true.set_index(["geo", "date"]).rename(columns=lambda column: column.removeprefix("contribution_"))
    return panel, true[media]


def meridian() -> dcm.Panel:
    """Meridian's demo panel: 40 geos x 156 weeks, five paid channels, one organic, promotions as a control."""
    df = pd.read_csv(SHARED / "meridian" / "geo_all_channels.csv")
    paid = [f"Channel{i}_impression" for i in range(5)]
    return dcm.Panel.from_dataframe(
        df,
        region="geo",
        time="time",
        kpi="conversions",
        media=[*paid, "Organic_channel0_impression"],
        spend={name: name.replace("impression", "spend") for name in paid},
        controls=["competitor_sales_control", "sentiment_score_control", "Promo"],
        revenue_per_kpi="revenue_per_conversion",
        population="population",
    )


def simulated(seed: int) -> tuple[dcm.Panel, pd.DataFrame]:
    """A panel of our own generator, and its true contributions by (region, week)."""
    panel, truth = dcm.simulate(seed=seed)
    return panel, truth.contributions.to_series().unstack("channel")[list(panel.channels)]


def on_grid(panel: dcm.Panel, true: pd.DataFrame) -> np.ndarray:
    """True contributions `[region, week, channel]` in the panel's order."""
    grid = pd.MultiIndex.from_product([panel.regions, panel.weeks])
    return true.reindex(grid).to_numpy().reshape(panel.exposure.shape)
