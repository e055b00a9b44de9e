"""Precision of matrix products during training, the same on every device."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, ParamSpec, TypeVar

import jax
from jax import Array
from jax.extend.core import Jaxpr

P = ParamSpec("P")
ResultT = TypeVar("ResultT")

_NATIVE = {"highest": "highest", "tf32": "tensorfloat32", "bfloat16": "bfloat16"}
_EXPONENT = 8
_MANTISSA = {"tf32": 10, "bfloat16": 7}  # bits


def at_precision(function: Callable[P, ResultT], precision: str) -> Callable[P, ResultT]:
    """The function with the factors of its matrix products rounded; sums stay in single precision.

    Accelerators have such products in hardware. JAX has none on a CPU, so there the factors are rounded before a
    product in full precision: the same numbers, without the speed.

    Args:
        function: arrays in, arrays out; gradients computed inside it are rounded too.
        precision: `highest`, `tf32` or `bfloat16`.
    """

    def at_native_precision(*arguments: P.args, **named: P.kwargs) -> ResultT:
        with jax.default_matmul_precision(_NATIVE[precision]):
            return function(*arguments, **named)

    if precision == "highest" or jax.default_backend() != "cpu":
        return at_native_precision
    return _rounded(function, _MANTISSA[precision])


def _rounded(function: Callable[P, ResultT], mantissa: int) -> Callable[P, ResultT]:
    def wrapped(*arguments: P.args, **named: P.kwargs) -> ResultT:
        leaves, structure = jax.tree.flatten((arguments, named))

        def of_leaves(*given: Array) -> ResultT:
            own, by_name = jax.tree.unflatten(structure, given)
            return function(*own, **by_name)

        program, shapes = jax.make_jaxpr(of_leaves, return_shape=True)(*leaves)
        outcome = _run(program.jaxpr, program.consts, mantissa, *leaves)
        return jax.tree.unflatten(jax.tree.structure(shapes), outcome)

    return wrapped


def _run(jaxpr: Jaxpr, constants: Sequence[Array], mantissa: int, *arguments: Array) -> list[Array]:
    """Evaluate a traced function with rounded factors in its products, those in loops and branches included."""
    values = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*constants, *arguments], strict=True))
    for equation in jaxpr.eqns:
        given = [item.val if hasattr(item, "val") else values[item] for item in equation.invars]
        if equation.primitive.name == "dot_general":
            given = [_short(value, mantissa) for value in given]
        settings = {name: _rewritten(value, mantissa) for name, value in equation.params.items()}
        bound: Any = equation.primitive.get_bind_params(settings)
        functions, settings = bound if isinstance(bound, tuple) else ((), bound)  # JAX changed it between 0.10 versions
        outcome = equation.primitive.bind(*functions, *given, **settings)
        outcome = outcome if equation.primitive.multiple_results else [outcome]
        values.update(zip(equation.outvars, outcome, strict=True))
    return [item.val if hasattr(item, "val") else values[item] for item in jaxpr.outvars]


def _short(value: Array, mantissa: int) -> Array:
    is_single = jax.numpy.result_type(value) == jax.numpy.float32
    return jax.lax.reduce_precision(value, _EXPONENT, mantissa) if is_single else value


def _rewritten(setting: Any, mantissa: int) -> Any:
    """A function among an operation's settings, such as the body of a loop, with its products rounded."""
    if type(setting) in (tuple, list):  # branches; a linear solve has a tuple type of its own, which is left alone
        return type(setting)(_rewritten(item, mantissa) for item in setting) if _any_function(setting) else setting
    if hasattr(setting, "jaxpr") and hasattr(setting, "consts"):
        return _traced(setting.jaxpr, setting.consts, mantissa)
    if hasattr(setting, "eqns") and not setting.constvars:
        return _traced(setting, (), mantissa).jaxpr
    return setting


def _any_function(settings: Iterable[object]) -> bool:
    return any(hasattr(item, "eqns") or hasattr(item, "jaxpr") for item in settings)


def _traced(jaxpr: Jaxpr, constants: Sequence[Array], mantissa: int) -> Any:
    kinds: list[Any] = [variable.aval for variable in jaxpr.invars]
    shapes = [jax.ShapeDtypeStruct(kind.shape, kind.dtype, weak_type=kind.weak_type) for kind in kinds]
    return jax.make_jaxpr(partial(_run, jaxpr, constants, mantissa))(*shapes)
