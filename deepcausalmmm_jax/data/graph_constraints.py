"""What the user states about the channel graph, as masks over pairs of channels."""

from typing import Generic, NamedTuple

import networkx as nx
import numpy as np

from deepcausalmmm_jax.axes import ArrayT
from deepcausalmmm_jax.checks import did_you_mean
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.errors import ConfigError


class GraphConstraints(NamedTuple, Generic[ArrayT]):
    """Constraints on the edges, `[channel, channel]` each, entry [i, j] for the edge i -> j."""

    free: ArrayT  # 1 where an edge may be learned
    required: ArrayT  # 1 where there must be one
    fixed: ArrayT  # its value in mean weeks where the user gave it, else 0


def graph_constraints(channels: tuple[str, ...], config: Config) -> GraphConstraints[np.ndarray]:
    """Masks from `Config.graph` and `Config.links`.

    Raises:
        ConfigError: a link names an unknown channel or links a channel to itself, the links contradict each other or
            the kind of graph, or the required links form a cycle.
    """
    links, n = config.links, len(channels)
    position = {name: i for i, name in enumerate(channels)}
    for name in links.channels():
        _refuse_unknown(name, channels)
    allowed = np.triu(np.ones((n, n)), 1) if config.graph == "triangular" else 1.0 - np.eye(n)
    for source, target in links.forbid:
        allowed[position[source], position[target]] = 0.0
    for later, tier in enumerate(links.tiers):
        for earlier in links.tiers[:later]:
            allowed[np.ix_([position[name] for name in tier], [position[name] for name in earlier])] = 0.0
    required, fixed = np.zeros((n, n)), np.zeros((n, n))
    for source, target, value in (*((s, t, None) for s, t in links.require), *links.fix):
        edge = position[source], position[target]
        if not allowed[edge]:
            raise ConfigError(
                f"The link {source} -> {target} is required or fixed, but forbidden by links.forbid, the order of "
                f"links.tiers or the {config.graph} graph; drop one of the two."
            )
        required[edge] = 1.0
        fixed[edge] = 0.0 if value is None else value
    _refuse_cycle(required, channels)
    for source, target, _ in links.fix:
        allowed[position[source], position[target]] = 0.0
    return GraphConstraints(allowed, required, fixed)


def _refuse_unknown(name: str, channels: tuple[str, ...]) -> None:
    if name not in channels:
        hint = did_you_mean(name, channels, f"; known are {', '.join(channels)}.")
        raise ConfigError(f"Setting links names the channel {name!r}, which the panel does not have{hint}")


def _refuse_cycle(required: np.ndarray, channels: tuple[str, ...]) -> None:
    graph = nx.DiGraph([(channels[i], channels[j]) for i, j in np.argwhere(required > 0)])
    if not nx.is_directed_acyclic_graph(graph):
        names = [source for source, _ in nx.find_cycle(graph)]
        raise ConfigError(
            f"The required and fixed links form a cycle, {' -> '.join([*names, names[0]])}; drop one of them."
        )
