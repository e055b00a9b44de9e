"""The channels' curves and the channel graph, as tables."""

import jax.numpy as jnp
import networkx as nx
import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.forward import internals
from deepcausalmmm_jax.axes import CHANNEL
from deepcausalmmm_jax.model.media import N_WAITS, MediaCurves
from deepcausalmmm_jax.model.paper.module import share_of_voice
from deepcausalmmm_jax.ops.acyclicity import strongest_acyclic
from deepcausalmmm_jax.ops.adstock import (
    binomial_kernel,
    delayed_geometric_kernel,
    delayed_kernel,
    geometric_kernel,
)
from deepcausalmmm_jax.ops.hill import hill
from deepcausalmmm_jax.training.fitted import Fitted

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
    elif fitted.config.adstock == "delayed_geometric" and fitted.config.model == "structural":
        kernel = delayed_geometric_kernel(decay, delay, N_WAITS, _DECAY_WEEKS)
    else:
        kernel = geometric_kernel(decay, _DECAY_WEEKS)
    lags = pd.RangeIndex(kernel.shape[0], name="lag")
    return pd.DataFrame(np.asarray(kernel, np.float64), index=lags, columns=list(fitted.panel.channels))


def hill_curves(fitted: Fitted) -> pd.DataFrame:
    """Saturation against carried-over exposure, for a region of typical intensity.

    Returns:
        Rows `channel`, `relative_exposure` (1 = the mean training week; in the paper's model the share of voice),
        `exposure` (channel units, per week and typical region: the mean over regions), `saturation` (share of the
        ceiling), up to the largest week seen.
    """
    curves = internals(fitted).curves
    scaled, unit = model_exposure(fitted, fitted.panel.exposure[:, : fitted.n_training_weeks])
    largest = np.quantile(scaled.reshape(-1, scaled.shape[2]), 0.995, axis=0)
    ceiling = largest if fitted.config.model == "paper" else np.maximum(largest, 1.0)
    grid = np.linspace(0.0, ceiling, _CURVE_POINTS)
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
        for i, name in enumerate(fitted.panel.channels)
    ]
    return pd.concat(frames, ignore_index=True)


def model_exposure(fitted: Fitted, exposure: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Exposure as the Hill curve sees it, and what 1 is worth.

    Args:
        fitted: the model.
        exposure: `[region, week, channel]` of the panel's regions, channel units.

    Returns:
        `[region, week, channel]`, 1 = the mean training week (in the paper's model the share of voice); and `[channel]`
        in channel units.
    """
    if fitted.config.model == "paper":
        whole = fitted.panel.exposure[:, : fitted.n_training_weeks].sum(axis=-1).mean()
        return np.asarray(share_of_voice(jnp.asarray(exposure, jnp.float32))), np.full(exposure.shape[-1], whole)
    return exposure / fitted.scales.exposure[:, None, :], fitted.scales.exposure.mean(axis=0)


def adjacency(fitted: Fitted) -> pd.DataFrame:
    """Channel graph as a table.

    Row i, column j holds by how many of its mean training weeks channel j's exposure rises with one more mean week
    of channel i's; 0 is no edge. Acyclic for certain. In the paper's model it is E, how much of channel i's activity is
    mixed into channel j's; its `notears` graph may have cycles, and the edges that close them, the weakest, are left
    out here.
    """
    names, inside = list(fitted.panel.channels), internals(fitted)
    edges = np.asarray(inside.relative_edges)
    if fitted.config.model == "paper":
        edges = np.where(strongest_acyclic(jnp.asarray(inside.edges)), inside.edges, 0.0)
    return pd.DataFrame(edges.astype(np.float64), index=names, columns=names)


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
