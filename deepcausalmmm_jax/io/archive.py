"""Nested arrays in one NumPy archive; nothing in it is executed on reading."""

from pathlib import Path
from typing import Any

import numpy as np

from deepcausalmmm_jax.io.atomic_write import write_whole


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    """Write arrays by name; the file appears whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    return write_whole(path, lambda file: np.savez_compressed(file, allow_pickle=False, **arrays))


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Arrays by name; whatever is wrong with the file is raised as NumPy says it."""
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def under(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays whose names begin so, without the beginning."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def flat(tree: dict[str, Any], prefix: str = "") -> dict[str, np.ndarray]:
    """Leaves of nested dicts by their path."""
    leaves: dict[str, np.ndarray] = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            leaves |= flat(value, f"{prefix}{name}/")
        else:
            leaves[f"{prefix}{name}"] = np.asarray(value)
    return leaves


def nested(leaves: dict[str, np.ndarray]) -> dict[str, Any]:
    """Nested dicts from leaves by their path."""
    tree: dict[str, Any] = {}
    for name, leaf in leaves.items():
        *path, last = name.split("/")
        branch = tree
        for step in path:
            branch = branch.setdefault(step, {})
        branch[last] = leaf
    return tree
