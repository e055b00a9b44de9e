"""Nested arrays in one NumPy archive; reading it executes no code."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from deepcausalmmm_jax.io.atomic_write import write_whole

Tree = dict[str, "Tree | np.ndarray"]  # arrays in nested dicts


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    """Write arrays by name; the file appears whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    return write_whole(path, lambda file: np.savez_compressed(file, allow_pickle=False, **arrays))


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Arrays by name; errors of the file are raised as NumPy raises them."""
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def under(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays whose names start with a prefix, under their names without it."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def flat(tree: Mapping[str, object], prefix: str = "") -> dict[str, np.ndarray]:
    """Leaves of nested dicts, by path."""
    leaves: dict[str, np.ndarray] = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            leaves |= flat(value, f"{prefix}{name}/")
        else:
            leaves[f"{prefix}{name}"] = np.asarray(value)
    return leaves


def nested(leaves: Mapping[str, np.ndarray]) -> Tree:
    """Nested dicts from leaves by path, the inverse of `flat`."""
    tree: Tree = {}
    for name, leaf in leaves.items():
        *path, last = name.split("/")
        branch = tree
        for step in path:
            below = branch.setdefault(step, {})
            if not isinstance(below, dict):
                raise ValueError(f"{name} lies below {step}, which is an array itself")
            branch = below
        branch[last] = leaf
    return tree
