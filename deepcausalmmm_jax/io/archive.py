"""Nested arrays in one NumPy archive; reading it executes no code, and allocates nothing before sizes are checked."""

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.io.atomic_write import write_whole

Tree = dict[str, "Tree | np.ndarray"]  # arrays in nested dicts


class Form(NamedTuple):
    """Type and shape of an array."""

    dtype: str  # as NumPy writes it, e.g. `<f4`
    shape: tuple[int, ...]

    @property
    def n_bytes(self) -> int:
        """Memory that the array takes."""
        size = np.dtype(self.dtype).itemsize
        for length in self.shape:  # whole numbers of Python, which do not overflow
            size *= length
        return size


def form_of(array: np.ndarray) -> Form:
    """Type and shape of an array."""
    return Form(array.dtype.str, tuple(array.shape))


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    """Write arrays by name; the file appears whole or not at all.

    Raises:
        OutputError: the file cannot be written.
        ValueError: an array is neither of numbers nor of text.
    """
    if pickled := [name for name, array in arrays.items() if np.asarray(array).dtype.hasobject]:
        raise ValueError(f"{pickled[0]} is not an array of numbers or text")  # reading it would run code
    # NumPy 2.0 has no `allow_pickle` here, and would write it as one more array.
    return write_whole(path, lambda file: np.savez_compressed(file, **arrays))  # type: ignore[arg-type]


def read_forms(path: Path) -> dict[str, Form]:
    """Type and shape of every array of a file, from the beginnings of its parts; the arrays are not read.

    Raises:
        ValueError: a part is no array of numbers or text, occurs twice, or is not as long as its beginning says; other
            errors of the file are raised as NumPy and zipfile raise them.
    """
    forms: dict[str, Form] = {}
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            name = entry.filename.removesuffix(".npy")
            if name == entry.filename or name in forms:
                raise ValueError(f"{entry.filename} is not an array, or occurs twice")
            with archive.open(entry) as part:
                major, _ = np.lib.format.read_magic(part)
                read = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
                shape, _, dtype = read(part)
                begin = part.tell()
            form = Form(dtype.str, tuple(int(length) for length in shape))
            if dtype.hasobject or min(form.shape, default=0) < 0 or begin + form.n_bytes != entry.file_size:
                raise ValueError(f"{name} does not have the size that it declares")
            forms[name] = form
    return forms


def read_arrays(path: Path, names: set[str] | None = None) -> dict[str, np.ndarray]:
    """Arrays by name; errors of the file are raised as NumPy raises them.

    Args:
        path: of the file.
        names: of the arrays to read; None for all.
    """
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files if names is None or name in names}


def checksum(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 over names, types, shapes and values of arrays, in any order."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name}\0{array.dtype.str}\0{np.shape(arrays[name])}\0".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def under(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
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
