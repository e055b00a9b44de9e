"""Direct and mediated effects: a channel's own outcome, and the outcome of the channels that it drives."""

import jax
import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.forward import effects_by_member
from deepcausalmmm_jax.attribution.links import link_draws, link_weights
from deepcausalmmm_jax.axes import CHANNEL, Variables
from deepcausalmmm_jax.io.on_device import on_device, single
from deepcausalmmm_jax.model.design import Design


def effects(fit: FittedPanel) -> pd.DataFrame:
    r"""Effect of each channel over the region-weeks up to the last KPI that have a row, by intervention on the graph.

    The channel's exposure is set to zero; for `total`, exposure of the channels downstream falls by what it drove,
    $x_j - [(I - B)^{-1}]_{ij} x_i$ but not below zero, and adstock, saturation, blend and coefficients are computed
    again. Links with a lag are followed week by week: what the channel drove arrives that many weeks later, and what
    arrives after the panel's last week does not count. Where regions have graphs by group, each region's exposure falls
    by the graph of its own group. Links are estimated from observed exposure: a common cause that is not among the
    panel's controls can appear as a link.

    For `direct` all else that other channels do stays as it was, also what the graph blends of the channel's activity
    into theirs. `incremental_outcome` of `media_summary` counts that part: it differs from `direct` for channels that
    drive others. Without edges the two and `total` are equal.

    Returns:
        A table by channel in KPI units:
        - `direct`: outcome lost with the channel at zero and the activity of every other channel as it was;
        - `mediated`: further outcome lost because exposure of the channels it drives falls, total less direct;
        - `total`;
        - `pct_mediated`: mediated in percent of total (empty where the total is 0);
        - `through`: the channels downstream of it, in any group, comma-separated.
    """
    lost = np.where(fit.panel.past, fit.effects(), 0.0).sum(axis=(2, 3))
    direct, total = lost[:, 0], lost[:, 1]
    there = (link_weights(fit) != 0).any(axis=-3)
    names, reached = fit.panel.channels, np.any([_reached(own) for own in there.reshape(-1, *there.shape[-2:])], axis=0)
    downstream = [", ".join(sorted(names[j] for j in np.flatnonzero(row))) for row in reached]
    return pd.DataFrame(
        {
            "direct": direct,
            "mediated": total - direct,
            "total": total,
            "pct_mediated": 100.0 * (total - direct) / np.where(total == 0, np.nan, total),
            "through": downstream,
        },
        index=pd.Index(names, name=CHANNEL),
    )


def effect_draws(fit: FittedPanel, variables: Variables, edges: np.ndarray | None) -> dict[str, np.ndarray]:
    """The figures of `effects` by member of an ensemble, `[member, channel]`.

    Args:
        fit: the fit on its own panel.
        variables: of the members, each array with a leading axis `[member]`.
        edges: links of the members, `[member, *group, 1 + lag, channel, channel]`, mean weeks. None for draws from the
            posterior, which all have the links of the training: each draw gets weights within their standard errors, so
            that intervals take the links as there, but not as known exactly.
    """
    own = link_weights(fit)
    if edges is None:
        edges = link_draws(fit, len(jax.tree.leaves(variables)[0]))
    followed = np.concatenate([edges, own[None]])
    by_graph = (followed != 0).reshape(-1, *own.shape[-2:])
    drives = by_graph.any(axis=(0, 2)) if isinstance(fit.design, Design) else np.ones(edges.shape[-1], bool)
    counted = single(fit.scales.kpi[:, None] * fit.panel.past)
    at = on_device(np.flatnonzero(drives).astype(np.int32))
    found = effects_by_member(on_device(variables), single(edges), fit.inputs, counted, at, fit.design)
    direct, of_drivers = (np.asarray(part, np.float64) for part in found)
    total = direct.copy()
    total[:, drives] = of_drivers
    share = 100.0 * (total - direct) / np.where(total == 0, np.nan, total)
    return {"direct": direct, "mediated": total - direct, "total": total, "pct_mediated": share}


def _reached(edges: np.ndarray) -> np.ndarray:
    """Whether some path leads from one channel to another, `[source, target]`; a channel does not reach itself."""
    reached = edges.copy()
    for middle in range(len(edges)):
        reached |= reached[:, [middle]] & reached[[middle], :]
    np.fill_diagonal(reached, False)
    return reached
