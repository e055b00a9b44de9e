"""Names of files that are being written, and the removal of those that a killed run has left."""

import hashlib
import os
import platform
import re
import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path

_DAY = 86_400.0  # seconds
# .NAME.HOST.PID.RANDOM.unfinished
_PATTERN = re.compile(r"\.(?P<name>.+)\.(?P<host>[0-9a-f]{8})\.(?P<pid>\d+)\.[0-9a-f]{16}\.unfinished", re.DOTALL)


def unfinished_name(name: str) -> str:
    """A new name for a file that is to become `name`; no two writers, in one process or in several, get the same."""
    kept = name.encode()[:120].decode(errors="ignore")  # file systems allow 255 bytes
    return f".{kept}.{_host()}.{os.getpid()}.{secrets.token_hex(8)}.unfinished"


def remove_leftovers(folder: Path, name: str | None = None) -> None:
    """Remove unfinished files whose process has ended, or that are older than a day.

    Args:
        folder: where they are.
        name: of the finished file; None for any.
    """
    wanted = None if name is None else name.encode()[:120].decode(errors="ignore")
    with suppress(OSError):
        for path in list(folder.iterdir()):
            match = _PATTERN.fullmatch(path.name)
            if match is None or (wanted is not None and match["name"] != wanted):
                continue
            with suppress(OSError):
                abandoned = match["host"] == _host() and not _is_running(int(match["pid"]))
                if not abandoned and time.time() - path.lstat().st_mtime < _DAY:
                    continue
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink()


def _host() -> str:
    """A short name for this machine, or container: elsewhere the number of a process means another one, or none."""
    name = platform.node()
    with suppress(OSError):
        name += os.readlink("/proc/self/ns/pid")
    return hashlib.sha256(name.encode()).hexdigest()[:8]


def _is_running(pid: int) -> bool:
    if os.name == "nt":  # there, signal 0 is no question but an interrupt; leftovers go after a day
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # it belongs to another user
        return True
    return True
