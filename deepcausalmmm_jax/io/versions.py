"""Versions of packages; of this one also where it runs from a checkout that nobody installed, as on a bare cluster."""

import tomllib
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_OURS = "deepcausalmmm_jax"
_UNKNOWN = "0+unknown"


@lru_cache(maxsize=32)
def version_of(name: str) -> str:
    """Version of a package.

    Args:
        name: as it is installed.

    Returns:
        Its version; of this package, where it is not installed, that of the checkout it runs from.

    Raises:
        PackageNotFoundError: another package, which is not installed.
    """
    try:
        return version(name)
    except PackageNotFoundError:
        if name != _OURS:
            raise
        return _of_checkout()


def _of_checkout() -> str:
    project = Path(__file__).resolve().parents[2] / "pyproject.toml"
    try:
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return _UNKNOWN
