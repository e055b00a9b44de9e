"""Several hosts under `jax.distributed`: dividing work, checking that all got the same arguments, and gathering."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils

from deepcausalmmm_jax.errors import ConfigError

_Tree = TypeVar("_Tree")


def own_share(count: int) -> list[int]:
    """Indices of the tasks of this host; every host gets equally many, and the last hosts repeat the last task."""
    per_host = -(-count // jax.process_count())
    first = per_host * jax.process_index()
    return [min(number, count - 1) for number in range(first, first + per_host)]


def gathered(own: Sequence[_Tree], count: int) -> _Tree:
    """Outcomes of all hosts, in the order of their tasks.

    Args:
        own: outcomes of `own_share(count)`, trees of arrays of the same shapes.
        count: number of tasks of all hosts together.

    Returns:
        A tree of the same form, each array with a leading axis of `count`, the same on all hosts.
    """
    stacked: _Tree = jax.tree.map(lambda *leaves: np.stack(leaves), *own)
    if jax.process_count() > 1:
        stacked = jax.tree.map(np.asarray, multihost_utils.process_allgather(stacked, tiled=True))
    cut: _Tree = jax.tree.map(lambda leaf: leaf[:count], stacked)
    return cut


def refuse_disagreement(arguments: Mapping[str, object]) -> None:
    """Check that all hosts were started with the same arguments; on a single host nothing is done.

    Args:
        arguments: by name; two values count as equal if their `repr` is.

    Raises:
        ConfigError: on every host, if the arguments of one differ.
    """
    if jax.process_count() == 1:
        return
    everywhere = multihost_utils.process_allgather(fingerprints(arguments))
    said = disagreement(list(arguments), np.asarray(everywhere))
    if said is not None:
        raise ConfigError(said)


def fingerprints(arguments: Mapping[str, object]) -> np.ndarray:
    """SHA-256 of each argument, `[argument, byte]`, 32 bytes each."""
    digests = [hashlib.sha256(repr(value).encode()).digest() for value in arguments.values()]
    return np.stack([np.frombuffer(digest, np.uint8) for digest in digests])


def disagreement(names: Sequence[str], everywhere: np.ndarray) -> str | None:
    """Message for hosts whose arguments differ; None if all agree.

    Args:
        names: of the arguments.
        everywhere: `[host, argument, byte]`, fingerprints.
    """
    differs = (everywhere != everywhere[0]).any(axis=-1)
    if not differs.any():
        return None
    host = int(differs.any(axis=1).argmax())
    what = ", ".join(name for name, other in zip(names, differs[host], strict=True) if other)
    return f"Host {host} was started with a different {what} from host 0; start all hosts with the same arguments."
