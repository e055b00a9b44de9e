"""Finished refits on disk, so that an interrupted run resumes where it stopped."""

import hashlib
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import jax
import numpy as np

from deepcausalmmm_jax.errors import OutputError
from deepcausalmmm_jax.inference.resampling import Refit
from deepcausalmmm_jax.io.archive import flat, nested, read_arrays, under, write_arrays
from deepcausalmmm_jax.io.atomic_write import write_whole
from deepcausalmmm_jax.io.unfinished import remove_leftovers

_MANIFEST = "refits.json"
_OVERHEAD = 4096  # bytes per refit for the archive's own records
_NAME = re.compile(r"refits_(\d{6})_(\d{6})\.npz")


class Store:
    """A folder of finished chunks of one run.

    Attributes:
        folder: where they are.
    """

    def __init__(self, folder: Path, identity: str) -> None:
        """Open a folder, or begin one.

        Args:
            folder: made where it does not exist.
            identity: of the run, from `identity_of`.

        Raises:
            OutputError: the folder holds another run's refits, or cannot be written.
        """
        self.folder = folder
        remove_leftovers(folder)
        manifest = folder / _MANIFEST
        if manifest.exists():
            try:
                known = json.loads(manifest.read_text())["identity"]
            except (OSError, ValueError, KeyError, TypeError):
                raise OutputError(f"{manifest} is damaged; remove the folder or choose another one.") from None
            if known != identity:
                raise OutputError(
                    f"The folder {folder} holds the refits of another run: its panel, settings, method or seed were "
                    f"different; choose another folder."
                )
            return
        content = json.dumps({"identity": identity}).encode()
        write_whole(manifest, lambda file: file.write(content))

    def finished(self, replicates: int) -> dict[int, Refit]:
        """Finished refits by the number of their draw; a damaged file counts as missing."""
        found: dict[int, Refit] = {}
        for path in sorted(self.folder.iterdir()):
            if not _NAME.fullmatch(path.name):
                continue
            try:
                arrays = read_arrays(path)
                chunk = Refit(nested(under("variables/", arrays)), arrays["status"], arrays["epochs"])
                numbers = arrays["number"]
            except Exception:  # whatever a damaged archive raises, its refits are run again
                continue
            for at, number in enumerate(numbers):
                if number < replicates:
                    found[int(number)] = jax.tree.map(lambda leaf, at=at: leaf[at], chunk)
        return found

    def refuse_full_disk(self, count: int, size: int) -> None:
        """Check, before any work is done, that `count` refits of `size` bytes each fit on the disk.

        Raises:
            OutputError: they do not.
        """
        needed, free = count * (size + _OVERHEAD), shutil.disk_usage(self.folder).free
        if needed > free:
            raise OutputError(
                f"{count} refits take about {needed / 2**30:.2g} GiB, but {self.folder} has {free / 2**30:.2g} GiB "
                f"free; ask for fewer, or choose a folder on another disk."
            )

    def keep(self, numbers: Sequence[int], chunk: Refit) -> None:
        """Write a finished chunk.

        Raises:
            OutputError: the file cannot be written.
        """
        arrays = {f"variables/{name}": leaf for name, leaf in flat(chunk.variables).items()}
        arrays |= {"status": np.asarray(chunk.status), "epochs": np.asarray(chunk.epochs)}
        arrays |= {"number": np.asarray(numbers)}
        write_arrays(self.folder / f"refits_{numbers[0]:06d}_{numbers[-1]:06d}.npz", arrays)


def identity_of(arrays: object, settings: Mapping[str, object]) -> str:
    """A fingerprint of everything that determines the numbers of a run, except the number of refits.

    Args:
        arrays: a tree of arrays.
        settings: by name, as JSON can write them.
    """
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for leaf in jax.tree.leaves(arrays):
        array = np.ascontiguousarray(leaf)
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
