"""Simulated panels whose effects multiply: the terms of a panel that adds up, on the log of its KPI."""

import numpy as np
import pandas as pd

from deepcausalmmm_jax.data.simulation.request import Simulation
from deepcausalmmm_jax.errors import DataError


def check_link(link: object, kind: str, cadence: str | None, n_credited: int) -> None:
    """Refuse a link that the simulation does not have.

    Raises:
        DataError: naming the option.
    """
    if link not in ("identity", "log"):
        raise DataError(f"link must be 'identity' or 'log', got {link!r}.")
    if link == "log" and (kind != "hill" or cadence is not None or n_credited):
        raise DataError(
            "link='log' is for the kind 'hill' without a cadence, treatments and events; leave those out, or link."
        )


def with_log_link(made: Simulation) -> Simulation:
    """The simulation with all effects on the log of the KPI: its KPI k, as a share of the size, becomes exp(k - 1).

    Contributions and terms of the baseline follow the rule of `model.link.added_up`, so that they add up to the KPI
    without noise. Direct effects are what is lost with one channel at zero. With links, mediated ones are missing.

    Args:
        made: a simulation of the kind "hill" without treatments and events.
    """
    size, base = made.size[:, None], made.base
    level, effect = made.parts[:, :, 0], made.media.sum(axis=2)
    kpi = size * np.exp(made.kpi / size - 1.0)
    ground = np.exp(level - 1.0)
    parts = np.concatenate(
        [ground[:, :, None], made.parts[:, :, 1:] * (ground * _slope(base - level))[:, :, None]], axis=2
    )
    without = np.exp(base - 1.0)
    media = made.media * (without * _slope(effect))[:, :, None]
    alone = -np.expm1(-made.media) * (without * np.exp(effect))[:, :, None]
    lost = (alone * size[:, :, None]).sum(axis=(0, 1))

    def expected(other: np.ndarray) -> np.ndarray:
        return np.exp(made.expected(other) - 1.0)

    unknown = np.nan if (made.links != 0).any() else 0.0
    share = (media * size[:, :, None]).sum(axis=(0, 1)) / kpi.sum()
    return made._replace(
        kpi=kpi,
        parts=parts,
        base=without,
        media=media,
        parameters=made.parameters.assign(share=share),
        effects=pd.DataFrame({"direct": lost, "mediated": unknown, "total": lost + unknown}, index=made.effects.index),
        expected=expected,
    )


def _slope(x: np.ndarray) -> np.ndarray:
    """(exp(x) - 1) / x, which is 1 at 0."""
    return np.asarray(np.where(x == 0.0, 1.0, np.expm1(x) / np.where(x == 0.0, 1.0, x)))
