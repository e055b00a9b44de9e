"""The channels' curves and the channel graph, as tables."""

import jax.numpy as jnp
import networkx as nx
import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.axes import CHANNEL
from deepcausalmmm_jax.model.media import N_WAITS, MediaCurves
from deepcausalmmm_jax.ops.adstock import (
    binomial_kernel,
    delayed_geometric_kernel,
    delayed_kernel,
    geometric_kernel,
)
from deepcausalmmm_jax.ops.hill import hill

_CURVE_POINTS = 101
_DECAY_WEEKS = 13
_LARGEST = 0.995  # quantile of the weeks seen, at which a curve ends


def curve_parameters(fit: FittedPanel) -> pd.DataFrame:
    """Parameters by channel.

    Returns:
        Columns `decay`, `delay` (weeks), `slope`, `half_saturation` (mean training weeks of a region of typical
        intensity) and `coefficient` (share of the KPI at full activity, mean over regions and training weeks).
    """
    inside = fit.internals
    curves: MediaCurves = inside.curves
    return pd.DataFrame(
        {
            "decay": curves.decay,
            "delay": curves.delay,
            "slope": curves.slope,
            "half_saturation": curves.half_saturation,
            "coefficient": inside.coefficient[:, : fit.n_training_weeks].mean(axis=(0, 1)),
        },
        index=pd.Index(fit.panel.channels, name=CHANNEL),
        dtype=np.float64,
    )


def adstock_decay(fit: FittedPanel) -> pd.DataFrame:
    """Share of an exposure's effect that comes `lag` weeks later; one row per lag, one column per channel."""
    curves = fit.internals.curves
    decay, delay = jnp.asarray(curves.decay), jnp.asarray(curves.delay)
    kind = fit.family.adstock(fit.config)
    if kind == "delayed":
        kernel = delayed_kernel(decay, delay, fit.config.max_lag)
    elif kind == "binomial":
        kernel = binomial_kernel(decay, fit.config.max_lag)
    elif kind == "delayed_geometric":
        kernel = delayed_geometric_kernel(decay, delay, N_WAITS, _DECAY_WEEKS)
    else:
        kernel = geometric_kernel(decay, _DECAY_WEEKS)
    lags = pd.RangeIndex(kernel.shape[0], name="lag")
    return pd.DataFrame(np.asarray(kernel, np.float64), index=lags, columns=list(fit.panel.channels))


def hill_curves(fit: FittedPanel) -> pd.DataFrame:
    """Saturation against carried-over exposure, for a region of typical intensity.

    Returns:
        Rows `channel`, `relative_exposure` (1 = the mean training week; in the paper's model the share of voice),
        `exposure` (channel units, per week and typical region: the mean over regions), `saturation` (share of the
        ceiling), up to the largest week seen.
    """
    curves = fit.internals.curves
    scaled, unit = model_exposure(fit, fit.panel.exposure[:, : fit.n_training_weeks])
    largest = np.quantile(scaled.reshape(-1, scaled.shape[2]), _LARGEST, axis=0)
    grid = np.linspace(0.0, fit.family.curve_ceiling(largest), _CURVE_POINTS)
    saturation = np.asarray(hill(jnp.asarray(grid), jnp.asarray(curves.slope), jnp.asarray(curves.half_saturation)))
    frames = [
        pd.DataFrame(
            {
                CHANNEL: name,
                "relative_exposure": grid[:, i],
                "exposure": grid[:, i] * unit[i],
                "saturation": saturation[:, i],
            }
        )
        for i, name in enumerate(fit.panel.channels)
    ]
    return pd.concat(frames, ignore_index=True)


def model_exposure(fit: FittedPanel, exposure: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Exposure as the Hill curve reads it, and what 1 on that scale is worth.

    Args:
        fit: the fit on its own panel.
        exposure: `[region, week, channel]` of the panel's regions, channel units.

    Returns:
        `[region, week, channel]`, in the unit that `ModelFamily.exposure_unit` names; and `[channel]` in channel units.
    """
    return fit.family.curve_exposure(fit.panel, fit.scales, fit.n_training_weeks, exposure)


def adjacency(fit: FittedPanel) -> pd.DataFrame:
    """Channel graph as a table, always acyclic.

    Row i, column j: by how many of its mean training weeks channel j's exposure rises with one more mean week of
    channel i's; 0 is no edge. For the paper's model it is E, the weight with which channel i's activity is mixed into
    channel j's. Its `notears` graph may have cycles; the weakest edges of each cycle are left out here.
    """
    names, edges = list(fit.panel.channels), fit.family.acyclic_edges(fit.internals)
    return pd.DataFrame(edges.astype(np.float64), index=names, columns=names)


def channel_graph(fit: FittedPanel) -> nx.DiGraph:
    """The graph of `adjacency`: one node per channel, edges with their `weight`."""
    table = adjacency(fit)
    graph = nx.DiGraph()
    graph.add_nodes_from(table.index)
    graph.add_weighted_edges_from(
        (source, target, float(table.loc[source, target]))
        for source in table.index
        for target in table.columns
        if table.loc[source, target] != 0
    )
    return graph
