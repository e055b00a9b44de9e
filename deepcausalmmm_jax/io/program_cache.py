"""Compiled programs kept on disk, so that the next process need not compile them again."""

import hashlib
import os
import platform
import stat
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import jax

SWITCH = "DEEPCAUSALMMM_JAX_CACHE"
_FOLDER = "jax_compilation_cache_dir"
_OFF = ("off", "0", "no", "false")
_LIMIT = 2**30  # bytes
_QUICK = 0.5  # seconds to compile below which a program is not worth a file


def keep_programs(folder: str | Path | None = None) -> Path | None:
    """Keep compiled programs on disk from now on; the command line does so by itself, the library when it is asked.

    Whoever can write to the folder can run code, so it must be the user's alone, and it is named after the versions and
    the processor that its programs are for. `DEEPCAUSALMMM_JAX_CACHE=off` switches this off, and with another value
    names the folder; where JAX has a folder already (`JAX_COMPILATION_CACHE_DIR`), that one stays. A folder that cannot
    be made or is not the user's alone is done without.

    Args:
        folder: where to keep them; None takes `$XDG_CACHE_HOME/deepcausalmmm_jax`, by default under `~/.cache`.

    Returns:
        The folder in use, None where there is none.
    """
    wish = os.environ.get(SWITCH, "")
    if wish.lower() in _OFF and wish:
        return None
    told: str | None = getattr(jax.config, _FOLDER)
    if told:
        return Path(told)
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
    return place


def _home() -> Path:
    named = os.environ.get("XDG_CACHE_HOME", "")
    return Path(named) if Path(named).is_absolute() else Path.home() / ".cache"


def _processor() -> str:
    """A short name for the kind of processor: programs of one may crash on another."""
    facts = [platform.machine(), platform.processor()]
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        facts += sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))})
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:12]


def _is_own(place: Path) -> bool:
    facts = place.lstat()
    return stat.S_ISDIR(facts.st_mode) and (not hasattr(os, "getuid") or facts.st_uid == os.getuid())


def _make_room(place: Path) -> None:
    """Remove what was used longest ago until the rest is below the limit."""
    files = [(path, path.stat()) for path in place.iterdir() if path.is_file()]
    total = sum(facts.st_size for _, facts in files)
    for path, facts in sorted(files, key=lambda item: max(item[1].st_atime, item[1].st_mtime)):
        if total <= _LIMIT:
            return
        with suppress(OSError):
            path.unlink()
            total -= facts.st_size
