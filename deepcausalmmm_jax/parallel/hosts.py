"""Several hosts under `jax.distributed`: who does what, whether all were asked the same, and gathering the parts."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils

from deepcausalmmm_jax.errors import ConfigError


def own_share(count: int) -> list[int]:
    """Numbers of this host's pieces of work, equally many on each; the last hosts repeat the last piece."""
    per_host = -(-count // jax.process_count())
    first = per_host * jax.process_index()
    return [min(number, count - 1) for number in range(first, first + per_host)]


def gathered(own: Sequence[Any], count: int) -> Any:
    """All hosts' outcomes in the order of their numbers.

    Args:
        own: outcomes of `own_share(count)`, trees of arrays of the same shapes.
        count: pieces of work of all hosts together.

    Returns:
        A tree of the same form, each array with a leading axis of `count`, the same on all hosts.
    """
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *own)
    if jax.process_count() > 1:
        stacked = jax.tree.map(np.asarray, multihost_utils.process_allgather(stacked, tiled=True))
    return jax.tree.map(lambda leaf: leaf[:count], stacked)


def refuse_disagreement(arguments: Mapping[str, object]) -> None:
    """Compare what the hosts were asked to do; nothing happens on a single one.

    Args:
        arguments: by name, values whose `repr` says what they are.

    Raises:
        ConfigError: on all hosts alike, where one was asked otherwise.
    """
    if jax.process_count() == 1:
        return
    everywhere = multihost_utils.process_allgather(fingerprints(arguments))
    said = disagreement(list(arguments), np.asarray(everywhere))
    if said is not None:
        raise ConfigError(said)


def fingerprints(arguments: Mapping[str, object]) -> np.ndarray:
    """`[argument, byte]`, 32 bytes each."""
    digests = [hashlib.sha256(repr(value).encode()).digest() for value in arguments.values()]
    return np.stack([np.frombuffer(digest, np.uint8) for digest in digests])


def disagreement(names: Sequence[str], everywhere: np.ndarray) -> str | None:
    """The sentence for hosts that were asked to do different things, None where all agree.

    Args:
        names: of the arguments.
        everywhere: `[host, argument, byte]`, fingerprints.
    """
    differs = (everywhere != everywhere[0]).any(axis=-1)
    if not differs.any():
        return None
    host = int(differs.any(axis=1).argmax())
    what = ", ".join(name for name, other in zip(names, differs[host], strict=True) if other)
    return f"Host {host} was started with another {what} than host 0; start all hosts with the same arguments."
