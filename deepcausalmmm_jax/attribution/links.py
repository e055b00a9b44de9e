"""The links between channels as a table, with intervals from the equations they were estimated by."""

from statistics import NormalDist
from typing import cast

import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax import Array

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.intervals import drifted, interval, require_level
from deepcausalmmm_jax.attribution.notes import ChannelNote, NoteKind, with_note
from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.data.exposure_innovations import ExposureInnovations
from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.data.link_groups import GROUP
from deepcausalmmm_jax.io.on_device import single
from deepcausalmmm_jax.io.quick_compile import jit_once
from deepcausalmmm_jax.model.design import Design
from deepcausalmmm_jax.model.graph import LinkTerms
from deepcausalmmm_jax.model.innovation_rows import over_groups
from deepcausalmmm_jax.training.prune_graph import equations_of, refined_edges
from deepcausalmmm_jax.training.structural import structural_model

COLUMNS = ("source", "target", "lag", "weight", "weight_low", "weight_high")


def link_weights(fit: FittedPanel) -> np.ndarray:
    """Edges in mean weeks, `[*group, 1 + lag, channel, channel]`; those within a week as in `curves.adjacency`."""
    within, lagged = fit.family.acyclic_edges(fit.internals), np.asarray(fit.internals.relative_lagged_edges)
    return np.concatenate([within[..., None, :, :], lagged], axis=-3).astype(np.float64)


def links(fit: FittedPanel, level: float) -> pd.DataFrame:
    """One row per link, the strongest first.

    Args:
        fit: the fit on its own panel.
        level: of the intervals.

    Returns:
        Columns `source`, `target`, `lag` (weeks after which it acts), `weight` (mean weeks that the target's exposure
        gains per mean week of the source's), and `weight_low` and `weight_high`: the weight less and plus its standard
        error times a normal quantile. The interval takes the link as there; it is missing where the user fixed the
        weight, and in the paper's model. Where regions have graphs by group, `group` is the first column, and the
        interval is from the group's own regions.

    Raises:
        ConfigError: a level that is not between 0 and 1.
    """
    require_level(level)
    weights, errors = link_weights(fit), _standard_errors(fit)
    width = NormalDist().inv_cdf(0.5 + level / 2) * errors
    at = strongest_first(weights)
    names = np.asarray(fit.panel.channels, object)
    lag, source, target = at[-3:]
    columns = (names[source], names[target], lag, weights[at], (weights - width)[at], (weights + width)[at])
    table = pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))
    if fit.link_groups:
        table.insert(0, GROUP, np.asarray(fit.link_groups, object)[at[0]])
    return table


def links_of_refits(table: pd.DataFrame, drawn: np.ndarray, level: float) -> pd.DataFrame:
    """Links with percentiles of their refits for intervals, `share_of_refits`, and a `note` on those outside theirs.

    Args:
        table: of the fit, see `links`; its intervals are replaced.
        drawn: weights in the refits, `[refit, link]`; 0 where a refit has no such link.
        level: of the intervals.
    """
    low, high = interval(drawn, level)
    wide = table.assign(weight_low=low, weight_high=high, share_of_refits=(drawn != 0).mean(axis=0), note="")
    far = drifted(table[["weight"]], {"weight": drawn}, level)
    return with_note(wide, far, ChannelNote(NoteKind.LINK_OUTSIDE_INTERVAL))


def link_draws(fit: FittedPanel, n_draws: int) -> np.ndarray:
    """Weights of the links of the fit within their standard errors, `[draw, *group, 1 + lag, channel, channel]`.

    In mean weeks; normal and independent, the same at every call. A weight without a standard error stays as it is.
    """
    weights, errors = link_weights(fit), _standard_errors(fit)
    spread = np.where((weights != 0) & np.isfinite(errors), errors, 0.0)
    drawn: np.ndarray = weights + spread * np.random.default_rng(0).standard_normal((n_draws, *weights.shape))
    return drawn


def strongest_first(weights: np.ndarray) -> tuple[np.ndarray, ...]:
    """Positions (*group, lag, source, target) of the links in `weights`, `[*group, 1 + lag, channel, channel]`."""
    at = np.nonzero(weights)
    order = np.argsort(-np.abs(weights[at]), kind="stable")
    return tuple(axis[order] for axis in at)


def _standard_errors(fit: FittedPanel) -> np.ndarray:
    """Standard errors of the learned links in mean weeks, `[*group, 1 + lag, channel, channel]`; NaN for others."""
    if not isinstance(fit.design, Design) or "graph" not in fit.variables["fitted"]:
        return np.full(link_weights(fit).shape, np.nan)
    errors = _errors(fit.variables, cast(Inputs[Array], fit.inputs), single(fit.weights), fit.design)
    unit = np.asarray(fit.variables["fitted"]["graph"]["unit"], np.float64)
    in_weeks = np.asarray(errors, np.float64) * unit / unit[:, None]
    return np.where(np.isfinite(in_weeks), in_weeks, np.nan)


@jit_once("design")
def _errors(variables: Variables, inputs: Inputs[Array], weights: Array, design: Design) -> Array:
    equations = equations_of(structural_model(design), variables["params"], variables["fitted"])
    graph, innovations = variables["fitted"]["graph"], inputs.innovations

    def errors(own: ExposureInnovations[Array], links: LinkTerms, kept: LinkTerms) -> Array:
        learned = jnp.concatenate([kept.within[None], kept.lagged]) if "lagged_kept" in graph else kept.within[None]
        return refined_edges(equations._replace(links=links), learned > 0, own, weights).errors

    kept = LinkTerms(jnp.asarray(graph["kept"]), graph.get("lagged_kept"))
    if innovations.in_group is None:
        return errors(innovations, equations.links, kept)
    return over_groups(errors, innovations, equations.links, kept)
