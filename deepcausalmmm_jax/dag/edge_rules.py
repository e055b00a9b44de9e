"""What the user knows of the edges: forbidden and required ones, tiers, and variables that nothing drives."""

from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

import networkx as nx
import numpy as np

from deepcausalmmm_jax.checks import did_you_mean
from deepcausalmmm_jax.errors import ConfigError

Edge = tuple[Hashable, Hashable] | tuple[Hashable, Hashable, int]


class EdgeRules(NamedTuple):
    """Masks over pairs of a candidate (a variable now, a row before, and so on) and a target; boolean `[D, d]`."""

    free: np.ndarray  # the pair may have an edge
    required: np.ndarray  # it must have one


def edge_rules(
    names: tuple[Hashable, ...],
    lags: int,
    forbid: Iterable[Edge] = (),
    require: Iterable[Edge] = (),
    tiers: Sequence[Sequence[Hashable]] = (),
    exogenous: Sequence[Hashable] = (),
) -> EdgeRules:
    """Masks from rules.

    Args:
        names: of the d variables.
        lags: rows before that may drive a variable.
        forbid: edges (source, target) that do not exist at any lag, or (source, target, lag) at that lag.
        require: edges (source, target), within a row, or (source, target, lag).
        tiers: groups of variables in causal order; none drives one of an earlier tier, at any lag. Variables in no tier
            are unrestricted.
        exogenous: variables that no other drives, at any lag.

    Raises:
        ConfigError: a rule of another form or about an unknown variable, rules that contradict each other, a required
            edge against time, or required edges that form a cycle.
    """
    d = len(names)
    position = {name: j for j, name in enumerate(names)}
    free = np.ones((1 + lags, d, d), bool)
    free[0][np.diag_indices(d)] = False
    others = ~np.eye(d, dtype=bool)
    for earlier, later in _pairs_of_tiers(_groups("tiers", tiers)):
        for source in later:
            for target in earlier:
                free[:, _known("tiers", source, position), _known("tiers", target, position)] = False
    alone = [_known("exogenous", name, position) for name in _names("exogenous", exogenous)]
    free[:, :, alone] &= ~others[:, alone]
    for rule, edges in (("forbid", forbid), ("require", require)):
        if isinstance(edges, str) or not isinstance(edges, Iterable):
            raise ConfigError(f"{rule} must be a list of edges (source, target), got {edges!r}.")
    for edge in forbid:
        source, target, lag = _edge("forbid", edge, position, lags)
        free[slice(None) if lag is None else lag, source, target] = False
    required = np.zeros_like(free)
    for edge in require:
        source, target, lag = _edge("require", edge, position, lags)
        if target in alone:
            raise ConfigError(f"The edge {edge!r} is required, but nothing drives {names[target]!r}: it is exogenous.")
        if not free[lag or 0, source, target]:
            raise ConfigError(f"The edge {edge!r} is required, but forbidden by forbid or tiers; drop one of the two.")
        required[lag or 0, source, target] = True
    _refuse_cycle(required[0], names)
    return rules_by_lag(free, required)


def rules_by_lag(free: np.ndarray, required: np.ndarray) -> EdgeRules:
    """Rules from boolean masks `[1 + lag, d, d]`; an edge required within a row leaves its reverse no place.

    So its direction is known where the observations leave it open.
    """
    d = free.shape[-1]
    free = np.concatenate([free[:1] & ~required[0].T, free[1:]])
    return EdgeRules(free.reshape(-1, d), required.reshape(-1, d))


def _groups(rule: str, value: object) -> list[tuple[Hashable, ...]]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ConfigError(f"{rule} must be a sequence of groups of variables, got {value!r}.")
    return [_names(rule, group) for group in value]


def _names(rule: str, value: object) -> tuple[Hashable, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ConfigError(f"{rule} must name variables in a sequence, got {value!r}.")
    return tuple(value)


def _pairs_of_tiers(
    tiers: list[tuple[Hashable, ...]],
) -> list[tuple[tuple[Hashable, ...], tuple[Hashable, ...]]]:
    named = [name for tier in tiers for name in tier]
    twice = next((name for name in named if named.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"tiers names {twice!r} twice; a variable belongs to one tier.")
    return [(earlier, later) for k, later in enumerate(tiers) for earlier in tiers[:k]]


def _known(rule: str, name: Hashable, position: dict[Hashable, int]) -> int:
    if name not in position:
        names = [str(known) for known in position]
        hint = did_you_mean(name, names, f"; known are {', '.join(names)}.")
        raise ConfigError(f"{rule} names the variable {name!r}, which X does not have{hint}")
    return position[name]


def _edge(rule: str, edge: object, position: dict[Hashable, int], lags: int) -> tuple[int, int, int | None]:
    if isinstance(edge, str) or not isinstance(edge, Sequence) or len(edge) not in (2, 3):
        raise ConfigError(f"{rule} must hold edges (source, target) or (source, target, lag), got {edge!r}.")
    source, target = (_known(rule, name, position) for name in edge[:2])
    if len(edge) == 2:
        lag = None
    else:
        lag = edge[2]
        if isinstance(lag, bool) or not isinstance(lag, int | np.integer):
            raise ConfigError(f"The lag of {edge!r} in {rule} must be a whole number of rows, got {lag!r}.")
        if lag < 0:
            raise ConfigError(f"The edge {edge!r} in {rule} runs against time; a lag is 0 or more rows.")
        if lag > lags:
            raise ConfigError(f"The edge {edge!r} in {rule} has lag {lag}, but lags is {lags}; raise lags.")
    if source == target and not lag:
        raise ConfigError(f"The edge {edge!r} in {rule} links a variable to itself; name two, or a lag of 1 or more.")
    return source, target, None if lag is None else int(lag)


def _refuse_cycle(required: np.ndarray, names: tuple[Hashable, ...]) -> None:
    graph = nx.DiGraph([(names[i], names[j]) for i, j in np.argwhere(required)])
    if not nx.is_directed_acyclic_graph(graph):
        around = [str(source) for source, _ in nx.find_cycle(graph)]
        raise ConfigError(f"The required edges form a cycle, {' -> '.join([*around, around[0]])}; drop one of them.")
