"""TOML files: read with one sentence for every fault, and written."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

from deepcausalmmm_jax.checks import shown
from deepcausalmmm_jax.errors import ConfigError


def read_toml(path: str | Path) -> dict[str, object]:
    """The tables of a TOML file.

    Raises:
        ConfigError: the file cannot be read or parsed.
    """
    try:
        with Path(path).open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise ConfigError(f"The configuration {shown(str(path))} cannot be read: {error.strerror}.") from None
    except RecursionError:
        raise ConfigError(f"The configuration {path} has lists or tables nested too deeply.") from None
    except TypeError:
        raise ConfigError(f"from_toml needs the path of a file, got {shown(path)}.") from None
    except UnicodeError:
        raise ConfigError(f"The configuration {shown(str(path))} is not valid TOML: it is not UTF-8 text.") from None
    except ValueError as error:  # TOML or characters that are not valid, a path or a number that is too long
        raise ConfigError(f"The configuration {shown(str(path))} is not valid TOML: {error}.") from None


def toml_lines(table: Mapping[str, object]) -> str:
    """A table of plain settings as TOML; those that are None, which TOML does not have, are left out."""
    # JSON's strings, numbers and lists are also valid TOML.
    return "\n".join(f"{key} = {json.dumps(value)}" for key, value in table.items() if value is not None)
