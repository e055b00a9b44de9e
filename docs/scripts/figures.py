"""A griffe extension: the figures of `deepcausalmmm_jax.plots` under the names that users call.

The package loads a figure's module when it is first used, which a reader of the source cannot see; the table of
figures in `plots/__init__.py` says where each one is.
"""

import ast
from typing import Any

from griffe import Alias, Extension, Module


class Figures(Extension):
    """Adds `deepcausalmmm_jax.plots.NAME` for each figure."""

    def on_package(self, *, pkg: Module, **_: Any) -> None:
        """Read the table once the package has been parsed."""
        if pkg.name != "deepcausalmmm_jax":
            return
        plots = pkg["plots"]
        for module, figures in ast.literal_eval(str(plots["_MODULES"].value)).items():
            for figure in figures:
                plots.set_member(figure, Alias(figure, f"{plots.path}.{module}.{figure}"))
