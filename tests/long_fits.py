"""Training compiled with some effort where it runs for long: a full fit of twenty regions then takes half the time."""

from typing import Any

import jax

from deepcausalmmm_jax.io.quick_compile import QuickJit

_LONG = 500  # epochs
_LARGE = 5_000  # regions x weeks x channels; of smaller panels the additional compiling takes longer than is saved


class LongFitsOptimised:
    """The program of a function with `schedule`, and its other program for long fits of large panels."""

    def __init__(self, function: QuickJit[Any, Any], options: dict[str, Any]) -> None:
        self._brief = function._program
        self._long = jax.jit(function._function, static_argnames=function._static, compiler_options=options)

    def __call__(self, state: Any, inputs: Any, *rest: Any, **named: Any) -> Any:
        """The outcome; as `run_chunk`."""
        long = named["schedule"].max_epochs >= _LONG and inputs.exposure.size >= _LARGE
        return (self._long if long else self._brief)(state, inputs, *rest, **named)

    def lower(self, *arguments: Any, **named: Any) -> jax.stages.Lowered:
        """The program of brief fits, lowered."""
        return self._brief.lower(*arguments, **named)
