"""Compiled programs: kept on disk for the next process, and forgotten in this one when there are too many."""

import ctypes
import gc
import hashlib
import os
import platform
import stat
from collections.abc import Hashable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import jax

from deepcausalmmm_jax.io.kept_programs import forget_loaded, keep_in

SWITCH = "DEEPCAUSALMMM_JAX_CACHE"
_FOLDER = "jax_compilation_cache_dir"
_OFF = ("off", "0", "no", "false")
_LIMIT = 2**30  # bytes
_QUICK = 0.0  # seconds; all are kept: a report has some thirty small programs, each read in a tenth of its compile time
_MOST_SHAPES = 8  # of fits whose programs stay in memory; those of one shape take some 75 MiB
# A compiled program takes hundreds of memory maps (twice as many with JAX 0.12 as with 0.10), of which Linux allows a
# process 65,530; XLA ends the process when it gets no more. A fit with draws and its report take up to 10,000.
_MOST_MAPS = 0.6  # of those allowed
_MAPS, _MAPS_ALLOWED = Path("/proc/self/maps"), Path("/proc/sys/vm/max_map_count")
_fitted_shapes: set[Hashable] = set()


def keep_programs(folder: str | Path | None = None) -> Path | None:
    """Keep compiled programs on disk from now on; the command line does this on its own, the library only when called.

    Anyone who can write to the folder can run code as the user, so only the user may have access to it. Its name
    contains the versions and the processor that its programs are compiled for. The environment variable
    `DEEPCAUSALMMM_JAX_CACHE` turns this off (`off`) or names the folder; a folder set for JAX itself
    (`JAX_COMPILATION_CACHE_DIR`) takes precedence. If the folder cannot be made, or others have access to it, programs
    are not kept.

    Args:
        folder: where to keep them; by default `deepcausalmmm_jax` under `$XDG_CACHE_HOME`, or under `~/.cache`.

    Returns:
        The folder in use; None if programs are not kept.
    """
    wish = os.environ.get(SWITCH, "")
    if wish.lower() in _OFF and wish:
        return None
    configured: str | None = getattr(jax.config, _FOLDER)
    if configured:
        return Path(configured)
    above = Path(folder or wish or _home() / "deepcausalmmm_jax")
    place = above / f"jax-{version('jax')}-jaxlib-{version('jaxlib')}-{_processor()}"
    try:
        place.mkdir(parents=True, exist_ok=True)
        if not _is_own(place):
            return None
        place.chmod(0o700)
        _make_room(place)
    except (OSError, RuntimeError):
        return None
    jax.config.update(_FOLDER, str(place))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", _QUICK)
    keep_in(place)
    return place


def make_room_for(shape: Hashable) -> None:
    """Forget the compiled programs in memory if this fit's shape would be one too many.

    A service that fits panels of ever new shapes would otherwise grow without bound. What is fitted again afterwards is
    compiled again, or read from disk where `keep_programs` was called.

    Args:
        shape: everything that the fit's program depends on.
    """
    make_room_for_more()
    if shape not in _fitted_shapes and len(_fitted_shapes) >= _MOST_SHAPES:
        forget_programs()
    _fitted_shapes.add(shape)


def make_room_for_more() -> None:
    """Forget the compiled programs in memory if the process comes near the system's limit of memory maps.

    Fits are not all that compiles: a service that reads ever new runs and writes their reports comes here too.
    """
    if _has_many_maps():
        forget_programs()


def _has_many_maps() -> bool:
    try:
        with _MAPS.open("rb") as maps:
            return sum(1 for _ in maps) > _MOST_MAPS * int(_MAPS_ALLOWED.read_text())
    except (OSError, ValueError):
        return False  # another system, without such a limit


def forget_programs() -> None:
    """Forget all compiled programs in memory, and give what they took back to the system."""
    jax.clear_caches()
    forget_loaded()
    _fitted_shapes.clear()
    gc.collect()
    # The C library keeps what XLA's compiler freed, in pieces: several times what the programs themselves take.
    with suppress(OSError, AttributeError):  # another system's C library
        ctypes.CDLL(None).malloc_trim(0)


def _home() -> Path:
    named = os.environ.get("XDG_CACHE_HOME", "")
    return Path(named) if Path(named).is_absolute() else Path.home() / ".cache"


def _processor() -> str:
    """A short name for the type of processor: programs compiled for one may crash on another."""
    facts = [platform.machine(), platform.processor()]
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        facts += sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))})
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:12]


def _is_own(place: Path) -> bool:
    facts = place.lstat()
    return stat.S_ISDIR(facts.st_mode) and (not hasattr(os, "getuid") or facts.st_uid == os.getuid())


def _make_room(place: Path) -> None:
    """Remove the least recently used files until the rest is below the size limit."""
    files = [(path, path.stat()) for path in place.iterdir() if path.is_file()]
    total = sum(facts.st_size for _, facts in files)
    for path, facts in sorted(files, key=lambda item: max(item[1].st_atime, item[1].st_mtime)):
        if total <= _LIMIT:
            return
        with suppress(OSError):
            path.unlink()
            total -= facts.st_size
