"""Where a user wants a file or folder to be written."""

import os
from pathlib import Path

from deepcausalmmm_jax.checks import shown
from deepcausalmmm_jax.errors import OutputError


def output_path(asked: object) -> Path:
    """A path as given by the user.

    Raises:
        OutputError: it is no text and no path, or names nothing.
    """
    if isinstance(asked, str | os.PathLike) and "\0" not in (text := str(asked)) and text.strip():
        return Path(asked)
    raise OutputError(f"The place to write to must be the path of a file or folder, got {shown(asked)}.")
