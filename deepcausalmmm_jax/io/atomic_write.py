"""Writing files so that each appears whole or not at all, and so that the files of one run appear together."""

import errno
import os
import shutil
import signal
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from deepcausalmmm_jax.errors import OutputError
from deepcausalmmm_jax.io.unfinished import remove_leftovers, unfinished_name

_LATER = {getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)}


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> Path:
    """Write a temporary file next to `path` and move it there when complete; until then an older file stays.

    A symbolic link stays one: the file that it points to is written. Leftovers of killed runs that wrote the same file
    are removed.

    Args:
        path: of the file; missing folders are made.
        write: writes the content to an open binary file.

    Returns:
        `path`.

    Raises:
        OutputError: the folder or file cannot be written, or `path` is a folder or a device.
    """
    place = regular_place(path)
    unfinished = place.with_name(unfinished_name(place.name))
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(place.parent, place.name)
        with unfinished.open("xb") as file:
            write(file)
        os.replace(unfinished, place)
    except OSError as error:
        raise _unwritable(path, error) from None
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
    return path


def write_text(path: Path, text: str) -> Path:
    """Write a text file in UTF-8; it appears whole or not at all.

    Args:
        path: of the file; missing folders are made.
        text: its content.

    Returns:
        `path`.

    Raises:
        OutputError: the folder or file cannot be written, or `path` is a folder or a device.
    """
    return write_whole(path, lambda file: file.write(text.encode(errors="backslashreplace")))


@contextmanager
def written_together(folder: Path) -> Iterator[Path]:
    """A place for files that belong together, also in folders: all appear in `folder` at the end, or none does.

    Until the block ends without an error the folder holds what it held before. An interrupt or a request to terminate
    waits until all files are in place; only a kill that cannot be caught, in the milliseconds in which they are moved,
    can leave some of them new and others old.

    Args:
        folder: made where it does not exist.

    Yields:
        A new folder to write the files to.

    Raises:
        OutputError: the folder cannot be written, or a name in it belongs to a folder or a device.
    """
    try:
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(folder)
        staged = folder / unfinished_name("results")
        staged.mkdir()
    except OSError as error:
        raise _unwritable(folder, error) from None
    done = False
    try:
        yield staged
        files = sorted(path for path in staged.rglob("*") if not path.is_dir())
        places = [regular_place(folder / file.relative_to(staged)) for file in files]
        try:
            with _signals_later():
                for place in places:
                    place.parent.mkdir(parents=True, exist_ok=True)
                for file, place in zip(files, places, strict=True):
                    _move(file, place)
        except OSError as error:
            raise _unwritable(folder, error) from None
        done = True
    finally:
        shutil.rmtree(staged, ignore_errors=True)
        if not done:
            _remove_empty(missing)


def refuse_unwritable(folder: Path) -> None:
    """Check, before any work is done, that results can be written to a folder; leaves no trace.

    Leftovers of killed runs are removed from it.

    Raises:
        OutputError: the folder is a file, or cannot be made or written to.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    probe = folder / unfinished_name("probe")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(folder)
        probe.touch()
        probe.unlink()
    except (OSError, ValueError) as error:  # a ValueError: the path has a character that no file name can have
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise OutputError(f"The output folder {folder} cannot be written to: {reason}.") from None
    finally:
        _remove_empty(missing)


def refuse_unwritable_file(path: Path) -> None:
    """Check, before any work is done, that a file can be written; leaves no trace.

    Raises:
        OutputError: its folder cannot be made or written to, or the name belongs to a folder or a device.
    """
    refuse_unwritable(regular_place(path).parent)


def regular_place(path: Path) -> Path:
    """Where a file of this name lies, all symbolic links followed.

    Raises:
        OutputError: something is there that is no regular file, such as a folder or a device.
    """
    try:
        place = path.resolve()
        kind = place.stat().st_mode
    except FileNotFoundError:
        return place
    except (OSError, RuntimeError, ValueError) as error:  # a RuntimeError: links in a circle
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise OutputError(f"{path} cannot be written: {reason}.") from None
    if not stat.S_ISREG(kind):
        what = "a folder" if stat.S_ISDIR(kind) else "a device or a pipe, not a regular file"
        raise OutputError(f"{path} is {what}, and was left untouched; choose another name.")
    return place


def _move(file: Path, place: Path) -> None:
    """Move a file, also to another disk, where a link may point."""
    try:
        os.replace(file, place)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with file.open("rb") as source:
            write_whole(place, lambda target: shutil.copyfileobj(source, target))


@contextmanager
def _signals_later() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _LATER)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _remove_empty(folders: list[Path]) -> None:
    """Remove folders that were made for nothing, the innermost first."""
    for folder in folders:
        with suppress(OSError, ValueError):  # not empty, or never made
            folder.rmdir()


def _unwritable(path: Path, error: OSError) -> OutputError:
    return error if isinstance(error, OutputError) else OutputError(f"{path} cannot be written: {error.strerror}.")
