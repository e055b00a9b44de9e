"""Direct and mediated effects: what a channel earns itself, and what it earns by driving other channels."""

import networkx as nx
import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.curves import channel_graph
from deepcausalmmm_jax.attribution.forward import effects_by_channel
from deepcausalmmm_jax.axes import CHANNEL
from deepcausalmmm_jax.training.fitted import Fitted


def effects(fitted: Fitted) -> pd.DataFrame:
    r"""Effect of each channel over all region-weeks of the panel that have a row, by intervention on the graph.

    The channel's exposure is set to zero; for `total`, exposure of the channels downstream falls by what it drove,
    $x_j - [(I - B)^{-1}]_{ij} x_i$ but not below zero, and adstock, saturation, blend and coefficients are computed
    anew. Without edges direct and total are equal. Links are read off observed exposure: a common cause that is no
    control of the panel can pass for a link.

    Returns:
        A table by channel in KPI units:
        - `direct`: outcome lost with the channel at zero and every other channel as it was;
        - `mediated`: outcome lost beside that because the channels it drives fall, total less direct;
        - `total`;
        - `pct_mediated`: mediated in percent of total (empty where the total is 0);
        - `through`: the channels downstream of it, comma-separated.
    """
    lost = np.where(fitted.panel.present, effects_by_channel(fitted), 0.0).sum(axis=(2, 3))
    direct, total = lost[:, 0], lost[:, 1]
    graph = channel_graph(fitted)
    downstream = [", ".join(sorted(nx.descendants(graph, channel))) for channel in fitted.panel.channels]
    return pd.DataFrame(
        {
            "direct": direct,
            "mediated": total - direct,
            "total": total,
            "pct_mediated": 100.0 * (total - direct) / np.where(total == 0, np.nan, total),
            "through": downstream,
        },
        index=pd.Index(fitted.panel.channels, name=CHANNEL),
    )
