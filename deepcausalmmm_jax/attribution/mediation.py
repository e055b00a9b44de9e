"""Direct and mediated effects: a channel's own outcome, and the outcome of the channels that it drives."""

import networkx as nx
import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.links import link_weights
from deepcausalmmm_jax.axes import CHANNEL


def effects(fit: FittedPanel) -> pd.DataFrame:
    r"""Effect of each channel over all region-weeks of the panel that have a row, by intervention on the graph.

    The channel's exposure is set to zero; for `total`, exposure of the channels downstream falls by what it drove,
    $x_j - [(I - B)^{-1}]_{ij} x_i$ but not below zero, and adstock, saturation, blend and coefficients are computed
    again. Links with a lag are followed week by week: what the channel drove arrives that many weeks later, and what
    arrives after the panel's last week does not count. Without edges direct and total are equal. Links are estimated
    from observed exposure: a common cause that is not among the panel's controls can appear as a link.

    Returns:
        A table by channel in KPI units:
        - `direct`: outcome lost with the channel at zero and every other channel as it was;
        - `mediated`: further outcome lost because exposure of the channels it drives falls, total less direct;
        - `total`;
        - `pct_mediated`: mediated in percent of total (empty where the total is 0);
        - `through`: the channels downstream of it, comma-separated.
    """
    lost = np.where(fit.panel.present, fit.effects(), 0.0).sum(axis=(2, 3))
    direct, total = lost[:, 0], lost[:, 1]
    names, graph = fit.panel.channels, nx.DiGraph()
    graph.add_nodes_from(names)
    graph.add_edges_from((names[i], names[j]) for i, j in np.argwhere((link_weights(fit) != 0).any(axis=0)))
    downstream = [", ".join(sorted(nx.descendants(graph, channel))) for channel in names]
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
