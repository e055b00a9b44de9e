"""Programs quick to compile, and kept: on a CPU most of the wait for a fit is JAX's and XLA's, not training's."""

import os
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache, update_wrapper
from typing import Generic, ParamSpec, TypeVar, cast

import jax

from deepcausalmmm_jax.io.kept_programs import call_of, program_for

P = ParamSpec("P")
R = TypeVar("R")
_Options = tuple[tuple[str, bool | int], ...]

# XLA's fusion emitters make the epoch of a small panel a few percent quicker and take a third of the time to compile;
# LLVM's optimisation beyond level 1 matters only for what runs hundreds of times, and level 1 only for what has loops.
_RUNS_OFTEN: _Options = (("xla_cpu_use_fusion_emitters", False),)
_RUNS_ONCE: _Options = (*_RUNS_OFTEN, ("xla_backend_optimization_level", 1))
_RUNS_BRIEFLY: _Options = (*_RUNS_OFTEN, ("xla_backend_optimization_level", 0))
_SMALL = 100_000  # numbers: 20 regions x 120 weeks x 5 channels have 51,000, 190 x 101 x 13 have 595,000


class QuickJit(Generic[P, R]):
    """`jax.jit` of a function, compiled with less effort on a CPU; other devices, and users' own flags, are left alone.

    Where programs are kept (`keep_programs`), the next process finds this one without tracing the function.
    JAX refuses such options for a function that is compiled as part of another; called there, it is inlined.
    """

    def __init__(self, function: Callable[P, R], static: Sequence[str], options: _Options) -> None:
        self._function, self._static, self._options = function, static, options
        update_wrapper(self, function)

    def __call__(self, *arguments: P.args, **named: P.kwargs) -> R:
        """The function of these arguments; within another trace, such as `jax.eval_shape`, it is part of that."""
        if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves((arguments, named))):
            return self._function(*arguments, **named)
        call = call_of(self._function, self._static, arguments, named)
        whole = None if call is None else program_for(call, self._options, self._compiled)
        if call is None or whole is None:
            return cast(R, self._program(*arguments, **named))
        return cast(R, whole(call))

    def lower(self, *arguments: P.args, **named: P.kwargs) -> jax.stages.Lowered:
        """The program for these arguments, lowered but not compiled."""
        return self._program.lower(*arguments, **named)

    @cached_property
    def _program(self) -> jax.stages.Wrapped:
        return self._compiled(self._function, self._static)

    def _compiled(self, function: Callable[..., object], static: Sequence[str] = ()) -> jax.stages.Wrapped:
        # Asked for at the first call, not at import: which options XLA knows can only be asked once it has a device.
        return jax.jit(function, static_argnames=static, compiler_options=_known(self._options))


def jit_often(*static: str) -> Callable[[Callable[P, R]], QuickJit[P, R]]:
    """Compile a function that runs hundreds of times: no slower to run by more than a few percent.

    Args:
        static: names of the arguments that decide the program.
    """
    return lambda function: QuickJit(function, static, _RUNS_OFTEN)


def jit_once(*static: str) -> Callable[[Callable[P, R]], QuickJit[P, R]]:
    """Compile a function that runs once or twice a fit.

    Args:
        static: names of the arguments that decide the program.
    """
    return lambda function: QuickJit(function, static, _RUNS_ONCE)


def jit_briefly(*static: str) -> Callable[[Callable[P, R]], QuickJit[P, R]]:
    """Compile a function that passes over the panel once, a few times a fit, in a few times the milliseconds.

    On the real panel a forward pass takes 38 ms instead of 11, and less than a third of the second to compile.

    Args:
        static: names of the arguments that decide the program.
    """
    return lambda function: QuickJit(function, static, _RUNS_BRIEFLY)


def jit_kept(*static: str) -> Callable[[Callable[P, R]], QuickJit[P, R]]:
    """Compile a function as `jax.jit` does, with full effort, and keep its program where programs are kept.

    Args:
        static: names of the arguments that decide the program.
    """
    return lambda function: QuickJit(function, static, ())


def options_for_refits(size: int) -> dict[str, bool | int] | None:
    """Compiler options for a program that trains a batch.

    Compiling such a program for a small panel takes longer than tens of refits take to run, and with less effort they
    run no slower; on large panels they do, by a tenth.

    Args:
        size: numbers in the arrays that one refit reads.

    Returns:
        None for full effort, as on devices other than a CPU.
    """
    return _known(_RUNS_ONCE if size <= _SMALL else ())


def _known(options: _Options) -> dict[str, bool | int] | None:
    """Those that this XLA has, on a CPU, and that the user has left alone."""
    return {name: value for name, value in options if _is_free(name) and _is_known(name, value)} or None


def _is_free(name: str) -> bool:
    """Whether the user has left the flag alone."""
    return name not in os.environ.get("XLA_FLAGS", "")


@lru_cache(maxsize=8)
def _is_known(name: str, value: bool | int) -> bool:
    """Whether this is a CPU whose XLA has the flag; a flag that it does not have is an error."""
    if jax.default_backend() != "cpu":
        return False
    try:
        jax.jit(lambda x: x, compiler_options={name: value}).lower(0.0).compile()
    except Exception:  # of many types, depending on JAX's version; without the flag programs only compile longer
        return False
    return True
