"""What the user states about the channel graph, as masks over lags and pairs of channels."""

from collections.abc import Iterator
from typing import Generic, NamedTuple

import numpy as np

from deepcausalmmm_jax.axes import ArrayT
from deepcausalmmm_jax.checks import did_you_mean
from deepcausalmmm_jax.config.links import Links
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.errors import ConfigError


class GraphConstraints(NamedTuple, Generic[ArrayT]):
    """Constraints on the edges, `[1 + lag, channel, channel]` each, entry [l, i, j] for i -> j after l weeks."""

    free: ArrayT  # 1 where an edge may be learned
    required: ArrayT  # 1 where there must be one
    fixed: ArrayT  # its value in mean weeks where the user gave it, else 0


class _Stated(NamedTuple):
    """A link that must be there."""

    source: str
    target: str
    lag: int
    value: float | None  # None: to be learned

    def __str__(self) -> str:
        return f"{self.source} -> {self.target}" + (f" at lag {self.lag}" if self.lag else "")


def graph_constraints(channels: tuple[str, ...], config: Config) -> GraphConstraints[np.ndarray]:
    """Masks from `Config.graph`, `Config.link_lags` and `Config.links`.

    Only the edges within a week can form a cycle; the order of a `triangular` graph and tiers hold at every lag.

    Raises:
        ConfigError: a link names an unknown channel or links a channel to itself, the links contradict each other or
            the kind of graph, or the required links of a week form a cycle.
    """
    links, n = config.links, len(channels)
    position = {name: i for i, name in enumerate(channels)}
    for name in links.channels():
        _refuse_unknown(name, channels)
    pairs = np.triu(np.ones((n, n)), 1) if config.graph == "triangular" else 1.0 - np.eye(n)
    for later, tier in enumerate(links.tiers):
        for earlier in links.tiers[:later]:
            pairs[np.ix_([position[name] for name in tier], [position[name] for name in earlier])] = 0.0
    allowed = np.repeat(pairs[None], 1 + config.link_lags, axis=0)
    for source, target, *lag in links.forbid:
        allowed[lag[0] if lag else slice(None), position[str(source)], position[str(target)]] = 0.0
    required, fixed = np.zeros(allowed.shape), np.zeros(allowed.shape)
    for link in _stated(links):
        edge = link.lag, position[link.source], position[link.target]
        if not allowed[edge]:
            raise ConfigError(
                f"The link {link} is required or fixed, but forbidden by links.forbid, the order of "
                f"links.tiers or the {config.graph} graph; drop one of the two."
            )
        required[edge] = 1.0
        fixed[edge] = 0.0 if link.value is None else link.value
    _refuse_cycle(required[0], channels)
    for link in _stated(links):
        if link.value is not None:
            allowed[link.lag, position[link.source], position[link.target]] = 0.0
    return GraphConstraints(allowed, required, fixed)


def refuse_lags_without_weeks(link_lags: int, trained: np.ndarray, unit: str = "week") -> None:
    """Check that some week has all the weeks before it that a lagged link is learned from.

    Args:
        link_lags: longest lag of a link, in weeks.
        trained: `[region, week]`, whether the fit may learn from the region-week.
        unit: one step in words.

    Raises:
        ConfigError: no region has enough weeks in a row.
    """
    least = link_lags + 2  # an innovation is made of two weeks
    longest, run = 0, np.zeros(len(trained), int)
    for week in trained.T:
        run = np.where(week, run + 1, 0)
        longest = max(longest, int(run.max()))
    if link_lags and longest < least:
        raise ConfigError(
            f"Setting link_lags={link_lags} needs {least} training {unit}s in a row in some region, but the longest "
            f"run is {longest}; set fewer lags."
        )


def _stated(links: Links) -> Iterator[_Stated]:
    """Required links, then fixed ones.

    Raises:
        ConfigError: a link that is fixed twice.
    """
    for source, target, *lag in links.require:
        yield _Stated(str(source), str(target), int(lag[0]) if lag else 0, None)
    seen = set()
    for source, target, value, *lag in links.fix:
        link = _Stated(source, target, int(lag[0]) if lag else 0, float(value))
        if link[:3] in seen:
            raise ConfigError(f"The link {link} is fixed twice in links.fix; keep one of the two.")
        seen.add(link[:3])
        yield link


def _refuse_unknown(name: str, channels: tuple[str, ...]) -> None:
    if name not in channels:
        hint = did_you_mean(name, channels, f"; known are {', '.join(channels)}.")
        raise ConfigError(f"Setting links names the channel {name!r}, which the panel does not have{hint}")


def _refuse_cycle(required: np.ndarray, channels: tuple[str, ...]) -> None:
    if not required.any():
        return
    import networkx as nx  # a fifth of a second, which fits without required links do not wait for

    graph = nx.DiGraph([(channels[i], channels[j]) for i, j in np.argwhere(required > 0)])
    if not nx.is_directed_acyclic_graph(graph):
        names = [source for source, _ in nx.find_cycle(graph)]
        raise ConfigError(
            f"The required and fixed links form a cycle, {' -> '.join([*names, names[0]])}; drop one of them."
        )
