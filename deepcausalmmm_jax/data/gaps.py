"""Region-weeks without a row, filled for a plan."""

import dataclasses

import numpy as np

from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.reach import usual_frequency
from deepcausalmmm_jax.data.readers.national import paid_shares, undivided


def without_gaps(panel: Panel) -> Panel:
    """The panel with the region's mean week where a week was missing; a region without any stays without.

    What is national has the country's figure of that week; its spend, which the other regions bore, is divided anew.
    """
    here = panel.present
    gaps = ~here & here.any(axis=1, keepdims=True)
    frequency = panel.frequency
    if frequency is not None:
        usual = usual_frequency(panel, len(panel.weeks))
        assert usual is not None
        frequency = np.where(gaps[:, :, None], usual[:, None], frequency)
    filled = dataclasses.replace(
        panel,
        present=here | gaps,
        exposure=_by_mean(panel.exposure, here, gaps),
        control=_by_mean(panel.control, here, gaps),
        spend=None if panel.spend is None else _by_mean(panel.spend, here, gaps),
        frequency=frequency,
    )
    return _with_the_countrys(filled, panel)


def _by_mean(values: np.ndarray, here: np.ndarray, gaps: np.ndarray) -> np.ndarray:
    there = here[:, :, None]
    mean = np.where(there, values, 0.0).sum(axis=1) / np.maximum(here.sum(axis=1), 1)[:, None]
    return np.where(gaps[:, :, None], mean[:, None], values)


def _with_the_countrys(filled: Panel, panel: Panel) -> Panel:
    """The filled panel with national figures in weeks in which some region has a row."""
    here, some = panel.present, panel.present.any(axis=0)
    exposure, control = filled.exposure.copy(), filled.control.copy()
    spend = None if filled.spend is None else filled.spend.copy()
    for name in panel.national:
        if name in panel.controls:
            k = panel.controls.index(name)
            countrys = np.where(here, panel.control[:, :, k], -np.inf).max(axis=0)  # the same in every region
            control[:, :, k] = np.where(filled.present & some, np.where(some, countrys, 0.0), control[:, :, k])
            continue
        m, weights = panel.channels.index(name), panel.national_weights
        assert weights is not None
        own = undivided(panel.exposure[:, :, m], weights, here) * weights[:, None]
        exposure[:, :, m] = np.where(filled.present & some, own, exposure[:, :, m])
        if spend is not None and panel.spend is not None:
            paid = undivided(panel.spend[:, :, m], paid_shares(weights, here), here)
            shares = paid_shares(weights, filled.present)
            spend[:, :, m] = np.where(some, np.where(filled.present, paid * shares, 0.0), spend[:, :, m])
    return dataclasses.replace(filled, exposure=exposure, control=control, spend=spend)
