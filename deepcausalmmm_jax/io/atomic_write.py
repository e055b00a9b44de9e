"""Writing files so that each appears whole or not at all."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from deepcausalmmm_jax.errors import OutputError


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> Path:
    """Write a temporary file next to `path` and move it there when complete; until then an older file stays.

    Args:
        path: of the file; missing folders are made.
        write: writes the content to an open binary file.

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


def write_text(path: Path, text: str) -> Path:
    """Write a text file in UTF-8; it appears whole or not at all.

    Args:
        path: of the file; missing folders are made.
        text: its content.

    Returns:
        `path`.

    Raises:
        OutputError: the folder or file cannot be written.
    """
    return write_whole(path, lambda file: file.write(text.encode()))


def refuse_unwritable(folder: Path) -> None:
    """Check, before any work is done, that results can be written to a folder; leaves no trace.

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
