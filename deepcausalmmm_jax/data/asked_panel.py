"""What functions say that are given something else than the panel they work on."""

from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import DataError


def require_panel(value: object, function: str) -> Panel:
    """The panel that a function works on.

    Args:
        value: what the function was given.
        function: its public name.

    Raises:
        DataError: it is no Panel.
    """
    if isinstance(value, Panel):
        return value
    raise DataError(f"{function} needs a Panel, got {type(value).__name__}; build one with Panel.from_dataframe.")
