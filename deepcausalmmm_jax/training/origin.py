"""Where a fit was made: versions, machine, command and time, so that it can be repeated and compared."""

import platform
import shlex
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Self

import jax

from deepcausalmmm_jax.io.versions import version_of

PACKAGES = ("deepcausalmmm_jax", "jax", "jaxlib", "flax", "optax", "numpy", "scipy", "pandas")
_PROGRAM = "deepcausalmmm-jax"
_COMMIT_LENGTH = 40  # hexadecimal digits


@dataclass(frozen=True)
class Origin:
    """Where and when a fit was made; what is not known, as in runs saved by earlier versions, is empty.

    Attributes:
        versions: of the package and the libraries that its numbers depend on.
        python: version of Python.
        platform: operating system and processor.
        device: kind of the device that JAX computes on by default.
        command: the command line, where there was one.
        finished: end of the training in UTC, as `2026-11-26T14:30:00+00:00`.
        commit: of the package's checkout, where it is one.
        updated_from: fingerprint of the data of the run that this one updates; empty for a fit from a random start.
    """

    versions: dict[str, str]
    python: str = ""
    platform: str = ""
    device: str = ""
    command: str = ""
    finished: str = ""
    commit: str = ""
    updated_from: str = ""

    @classmethod
    def now(cls) -> Self:
        """This process, at this moment."""
        return cls(
            versions=_versions(),
            python=platform.python_version(),
            platform=platform.platform(),
            device=f"{jax.default_backend()}: {jax.devices()[0].device_kind}",
            command=_command(),
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
            commit=_commit(),
        )


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version_of(name)
        except PackageNotFoundError:
            continue
    return found


def _command() -> str:
    """The command line of this process, if it is that of the package; a script or a notebook has none."""
    if not sys.argv or Path(sys.argv[0]).stem != _PROGRAM:
        return ""
    return shlex.join([_PROGRAM, *sys.argv[1:]])


@lru_cache(maxsize=1)
def _commit() -> str:
    """Commit of the checkout that the package is imported from, read from its files; empty where there is none."""
    return commit_of(Path(__file__).resolve().parents[2])


def commit_of(checkout: Path) -> str:
    """Commit of a checkout; empty where the folder is none or its files cannot be read.

    Args:
        checkout: a folder with a `.git` folder, or a `.git` file as work trees have it.
    """
    try:
        git = checkout / ".git"
        if git.is_file():
            git = (checkout / git.read_text().removeprefix("gitdir:").strip()).resolve()
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref:"):
            return _as_commit(head)
        name = head.removeprefix("ref:").strip()
        common = git / "commondir"
        shared = (git / common.read_text().strip()).resolve() if common.is_file() else git
        for folder in (git, shared):
            if (folder / name).is_file():
                return _as_commit((folder / name).read_text().strip())
        packed = (line.split() for line in (shared / "packed-refs").read_text().splitlines())
        return next((_as_commit(parts[0]) for parts in packed if len(parts) == 2 and parts[1] == name), "")
    except (OSError, UnicodeDecodeError):
        return ""


def _as_commit(text: str) -> str:
    return text if len(text) == _COMMIT_LENGTH and all(c in "0123456789abcdef" for c in text) else ""
