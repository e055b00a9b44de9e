"""The channels' curves and the channel graph, as tables."""

from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax import Array

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.axes import CHANNEL
from deepcausalmmm_jax.config.curves import HALF_LIVES, CurveKind, CurveKinds
from deepcausalmmm_jax.data.link_groups import channel_table
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.io.on_device import single
from deepcausalmmm_jax.io.quick_compile import jit_once
from deepcausalmmm_jax.model.curves import OPTIONAL, MediaCurves, finite_kernel, saturation_by_channel
from deepcausalmmm_jax.ops.adstock import delayed_geometric_kernel, geometric_kernel

if TYPE_CHECKING:
    import networkx as nx

_CURVE_POINTS = 101
_DECAY_WEEKS, _FEWEST_LAGS = 13, 4  # of a kernel without a last lag that are shown
_LARGEST = 0.995  # quantile of the weeks on air, at which a curve ends


def curve_parameters(fit: FittedPanel) -> pd.DataFrame:
    """Parameters by channel.

    Returns:
        Columns `decay`, `delay` (weeks), `slope`, `half_saturation` (mean training weeks of a region of typical
        intensity) and `coefficient` (share of the KPI at full activity, mean over regions and training weeks).
        Where any channel has them, also `scale` (weeks) and `shape` of a Weibull carry-over and the `exponent` of a
        root. What a channel's kind does not have is missing. In front stand `adstock`, `saturation` and
        `saturation_first`, unless all channels have one carry-over followed by Hill curves.
    """
    inside, kinds = fit.internals, curve_kinds(fit)
    curves: MediaCurves = inside.curves
    optional = [name for name in OPTIONAL if getattr(curves, name) is not None]
    found = {
        name: having(kinds, name, getattr(curves, name)) for name in ("decay", "slope", "half_saturation", *optional)
    }
    coefficient = inside.coefficient[:, : fit.n_training_weeks].mean(axis=(0, 1))
    found["delay"] = np.where(kinds.having("scale"), np.nan, curves.delay)
    names = ["decay", "delay", "slope", "half_saturation", *optional]
    table = pd.DataFrame(
        {name: found[name] for name in names} | {"coefficient": coefficient},
        index=pd.Index(fit.panel.channels, name=CHANNEL),
        dtype=np.float64,
    )
    if len(kinds.groups()) > 1 or (kinds.channels[0].saturation, kinds.channels[0].saturation_first) != ("hill", False):
        for at, name in enumerate(("adstock", "saturation", "saturation_first")):
            table.insert(at, name, [getattr(kind, name) for kind in kinds.channels])
    return table


def curve_kinds(fit: FittedPanel) -> CurveKinds:
    """Kinds of carry-over and saturation of the channels."""
    return fit.family.curve_kinds(fit.config, fit.panel)


def having(kinds: CurveKinds, parameter: str, values: np.ndarray) -> np.ndarray:
    """Values of a parameter, `[..., channel]`, missing for channels whose kind does not have it."""
    return np.where(kinds.having(parameter), values, np.nan)


def adstock_decay(fit: FittedPanel) -> pd.DataFrame:
    """Share of an exposure's effect that comes `lag` weeks later; one row per lag, one column per channel."""
    curves: MediaCurves = fit.internals.curves
    shown, kinds = max(_FEWEST_LAGS, fit.panel.cadence.steps(_DECAY_WEEKS)), curve_kinds(fit)
    parts = {
        kind: np.asarray(_kernel(curves.of(np.array(at)), kind, kinds.max_lag, shown), np.float64)
        for kind, at in kinds.groups()
    }
    table = np.zeros((max(len(part) for part in parts.values()), len(kinds.channels)))
    for kind, at in kinds.groups():
        table[: len(parts[kind]), at] = parts[kind]
    return pd.DataFrame(table, index=pd.RangeIndex(len(table), name="lag"), columns=list(fit.panel.channels))


@jit_once("kind", "max_lag", "shown")
def _kernel(curves: MediaCurves, kind: CurveKind, max_lag: int, shown: int) -> Array:
    """Weights of channels of one kind, `[lag, channel]`; those of a kernel without a last lag up to `shown`."""
    if kind.adstock == "none":
        return jnp.ones((1, len(curves.decay)))
    if kind.adstock not in HALF_LIVES:
        return finite_kernel(curves, kind, max_lag)
    if kind.adstock == "geometric":
        return geometric_kernel(curves.decay, shown)
    return delayed_geometric_kernel(curves.decay, jnp.asarray(curves.delay), kind.n_waits, shown)


@jit_once("kinds")
def saturations(exposure: Array, curves: MediaCurves, kinds: CurveKinds) -> Array:
    """`saturation_by_channel`, compiled: on its own each of its operations would be a program."""
    return saturation_by_channel(exposure, curves, kinds)


def hill_curves(fit: FittedPanel) -> pd.DataFrame:
    """Saturation against carried-over exposure, for a region of typical intensity.

    Returns:
        Rows `channel`, `relative_exposure` (1 = the mean training week; in the paper's model the share of voice),
        `exposure` (channel units, per week and typical region: the mean over those in which the channel ran),
        `saturation` (share of the maximum; of a kind without one the activity, 1/2 at the exposure that
        `docs/tasks/curves.md` names), up to the largest week seen.
    """
    curves = fit.internals.curves
    scaled, unit = model_exposure(fit, fit.panel.exposure[:, : fit.n_training_weeks])
    on_air = [weeks[weeks > 0] for weeks in scaled.reshape(-1, scaled.shape[2]).T]  # bursts are few of all weeks
    largest = np.array([np.quantile(weeks, _LARGEST) if len(weeks) else 0.0 for weeks in on_air])
    shares = np.linspace(0.0, 1.0, _CURVE_POINTS)[:, None] ** 2  # dense near zero, where curves bend the most
    grid = shares * fit.family.curve_ceiling(largest)
    saturation = np.asarray(saturations(single(grid), curves, curve_kinds(fit)))
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
    channel j's. Its `notears` graph may have cycles; the weakest edges of each cycle are left out here. Where regions
    have graphs by group, rows are `(group, channel)`, so that `adjacency.loc["north"]` is the table of one group.
    """
    names, edges = list(fit.panel.channels), fit.family.acyclic_edges(fit.internals)
    return channel_table(edges.astype(np.float64), names, fit.link_groups)


def channel_graph(fit: FittedPanel, group: str | None) -> "nx.DiGraph":
    """The graph of `adjacency`: one node per channel, edges with their `weight`.

    Args:
        fit: the fit.
        group: of regions, where they have graphs by group; else None.

    Raises:
        ConfigError: a group that the fit does not have, or none where it has several.
    """
    import networkx as nx  # a fifth of a second, which no command waits for

    table, groups = adjacency(fit), fit.link_groups
    if group is not None and not groups:
        raise ConfigError(f"All regions of this fit have one graph, so it has no group {group!r}; leave group out.")
    if groups:
        if group not in groups:
            asked = "names no group" if group is None else f"asks for the group {group!r}"
            raise ConfigError(f"graph {asked}, but the graphs of this fit are by group: give {_one_of(groups)}.")
        table = pd.DataFrame(table.loc[group])
    graph = nx.DiGraph()
    graph.add_nodes_from(table.index)
    graph.add_weighted_edges_from(
        (source, target, float(table.loc[source, target]))
        for source in table.index
        for target in table.columns
        if table.loc[source, target] != 0
    )
    return graph


def _one_of(groups: tuple[str, ...]) -> str:
    *first, last = (repr(name) for name in groups)
    return f"{', '.join(first)} or {last}"
