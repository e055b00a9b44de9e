"""The channels' curves and the channel graph, as tables."""

import jax.numpy as jnp
import networkx as nx
import numpy as np
import pandas as pd

from deepcausalmmm_jax.analysis.forward import internals
from deepcausalmmm_jax.model.media import MediaCurves
from deepcausalmmm_jax.ops.adstock import binomial_kernel, delayed_kernel, geometric_kernel
from deepcausalmmm_jax.ops.hill import hill
from deepcausalmmm_jax.train.fitted import Fitted
from deepcausalmmm_jax.types import CHANNEL

_CURVE_POINTS = 101
_DECAY_WEEKS = 13


def curve_parameters(fitted: Fitted) -> pd.DataFrame:
    """Parameters by channel.

    Columns: `decay`, `delay` (weeks), `slope`, `half_saturation` (in mean training weeks of a region
    of typical intensity), `coefficient` (KPI share at full activity, mean over regions).
    """
    inside = internals(fitted)
    curves: MediaCurves = inside.curves
    return pd.DataFrame(
        {
            "decay": curves.decay,
            "delay": curves.delay,
            "slope": curves.slope,
            "half_saturation": curves.half_saturation,
            "coefficient": inside.coefficient[:, : fitted.n_training_weeks].mean(axis=(0, 1)),
        },
        index=pd.Index(fitted.panel.channels, name=CHANNEL),
        dtype=np.float64,
    )


def adstock_decay(fitted: Fitted) -> pd.DataFrame:
    """Share of an exposure's effect that falls `lag` weeks later; index lag, a column a channel."""
    curves = internals(fitted).curves
    decay, delay = jnp.asarray(curves.decay), jnp.asarray(curves.delay)
    if fitted.config.adstock == "delayed":
        kernel = delayed_kernel(decay, delay, fitted.config.max_lag)
    elif fitted.config.adstock == "binomial":
        kernel = binomial_kernel(decay, fitted.config.max_lag)
    else:
        kernel = geometric_kernel(decay, _DECAY_WEEKS)
    lags = pd.RangeIndex(kernel.shape[0], name="lag")
    return pd.DataFrame(np.asarray(kernel, np.float64), index=lags, columns=list(fitted.panel.channels))


def hill_curves(fitted: Fitted) -> pd.DataFrame:
    """Saturation against carried-over exposure, for a region of typical intensity.

    Returns:
        Rows `channel`, `relative_exposure` (1 = the mean training week), `exposure` (channel units, per week and
        typical region: the mean over regions), `saturation` (share of the ceiling), up to the largest week seen.
    """
    curves = internals(fitted).curves
    scaled = fitted.panel.exposure[:, : fitted.n_training_weeks] / fitted.scales.exposure[:, None, :]
    largest = np.quantile(scaled.reshape(-1, scaled.shape[2]), 0.995, axis=0)
    grid = np.linspace(0.0, np.maximum(largest, 1.0), _CURVE_POINTS)
    saturation = np.asarray(hill(jnp.asarray(grid), jnp.asarray(curves.slope), jnp.asarray(curves.half_saturation)))
    unit = fitted.scales.exposure.mean(axis=0)
    frames = [
        pd.DataFrame(
            {
                CHANNEL: name,
                "relative_exposure": grid[:, i],
                "exposure": grid[:, i] * unit[i],
                "saturation": saturation[:, i],
            }
        )
        for i, name in enumerate(fitted.panel.channels)
    ]
    return pd.concat(frames, ignore_index=True)


def adjacency(fitted: Fitted) -> pd.DataFrame:
    """Channel graph as a table.

    Row i, column j holds by how many of its mean training weeks channel j's exposure rises with one more mean week
    of channel i's; 0 is no edge. Acyclic for certain.
    """
    names = list(fitted.panel.channels)
    return pd.DataFrame(internals(fitted).relative_edges.astype(np.float64), index=names, columns=names)


def channel_graph(fitted: Fitted) -> nx.DiGraph:
    """The graph of `adjacency`: a node a channel, edges with their `weight`."""
    table = adjacency(fitted)
    graph = nx.DiGraph()
    graph.add_nodes_from(table.index)
    graph.add_weighted_edges_from(
        (source, target, float(table.loc[source, target]))
        for source in table.index
        for target in table.columns
        if table.loc[source, target] != 0
    )
    return graph
