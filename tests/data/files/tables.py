"""One table of weeks, and the forms that tests write it in."""

import warnings

import numpy as np
import pandas as pd

import deepcausalmmm_jax as dcm

WEEKS = 30
COLUMNS = ["sales", "imp_1", "spend_1", "imp_2", "spend_2", "price"]


def table(regions=1):
    """Thirty weeks from a Monday; impressions of thousands, money with cents."""
    rng = np.random.default_rng(3)
    frames = []
    for region in range(regions):
        week = pd.date_range("2023-01-02", periods=WEEKS, freq="7D")
        frame = pd.DataFrame(
            {
                "geo": f"r{region}",
                "week": week.strftime("%Y-%m-%d"),
                "sales": rng.uniform(900, 2500, WEEKS).round(2),
                "imp_1": rng.integers(0, 90_000, WEEKS),
                "imp_2": rng.integers(1_000, 9_000, WEEKS),
                "price": rng.uniform(8, 12, WEEKS).round(2),
            }
        )
        frame["spend_1"], frame["spend_2"] = (frame.imp_1 * 0.05).round(2), (frame.imp_2 * 0.4).round(2)
        frames.append(frame)
    joined = pd.concat(frames, ignore_index=True)[["geo", "week", *COLUMNS]]
    return joined.drop(columns="geo") if regions == 1 else joined


def day(frame):
    return pd.to_datetime(frame.week)


def daily(frame):
    spread = frame.loc[frame.index.repeat(7)].reset_index(drop=True)
    flows = [name for name in COLUMNS if name != "price"]
    spread[flows] = spread[flows].astype(float) / 7
    spread["week"] = (pd.to_datetime(spread.week) + pd.to_timedelta(np.arange(len(spread)) % 7, unit="D")).astype(str)
    return spread.rename(columns={"week": "date"})


def by_channel(frame):
    """One row per channel."""
    parts = [
        frame[["week", "sales", "price"]].assign(channel=name, impressions=frame[f"imp_{n}"], spend=frame[f"spend_{n}"])
        for n, name in enumerate(("tv", "search"), start=1)
    ]
    return pd.concat(parts)


def read(file, **options):
    """Without a warning: nothing is guessed by elimination."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return dcm.read_panel(file, **options)
