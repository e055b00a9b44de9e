"""Writing files so that each appears whole or not at all."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from deepcausalmmm_jax.errors import OutputError


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> Path:
    """Write a file beside its place and move it there when it is done; what was there before stays until then.

    Args:
        path: where it is to be; folders are made.
        write: puts the content into an open binary file.

    Returns:
        `path`.

    Raises:
        OutputError: the folder or file cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            write(file)
        os.replace(unfinished, path)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink()
        raise OutputError(f"{path} cannot be written: {error.strerror}.") from None
    return path


def refuse_unwritable(folder: Path) -> None:
    """Find out, before any work is done, whether results can be written to a folder; leaves no trace.

    Raises:
        OutputError: the folder is a file, or cannot be made or written to.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    probe = folder / f".writable.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(f"The output folder {folder} cannot be written to: {error.strerror}.") from None
    finally:
        for path in missing:
            if path.is_dir():
                path.rmdir()
