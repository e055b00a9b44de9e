"""Operations, bytes and sequential steps that a computation needs at least, counted in its program."""

import math
from collections.abc import Callable
from typing import NamedTuple, ParamSpec

import jax
from jax.extend.core import Jaxpr, JaxprEqn, Literal, Var

from deepcausalmmm_jax.benchmarking.machine_limits import MachineLimits

_Arguments = ParamSpec("_Arguments")
_FREE = ("broadcast_in_dim", "reshape", "squeeze", "transpose", "convert_element_type", "copy", "slice")


class OperationCounts(NamedTuple):
    """What a program needs at least."""

    products: float  # operations in matrix products
    others: float  # other operations, one per element
    streamed: float  # bytes read and written by loops over weeks
    steps: float  # sequential iterations of the innermost loops

    def plus(self, other: "OperationCounts", times: float = 1.0) -> "OperationCounts":
        """Counts of this program followed by another one, which runs `times` times."""
        return OperationCounts(*(a + times * b for a, b in zip(self, other, strict=True)))

    def per(self, times: int) -> "OperationCounts":
        """Counts of one of `times` equal repetitions."""
        return OperationCounts(*(a / times for a in self))

    def least_ms(self, limits: MachineLimits) -> dict[str, float]:
        """Milliseconds that products, bytes and steps would take if nothing else had to be done."""
        return {
            "products": 1e-6 * self.products / limits.gflops,
            "bytes": 1e-6 * self.streamed / limits.gbytes,
            "steps": 1e-3 * self.steps * limits.step_us,
        }


def count_operations(
    function: Callable[_Arguments, object], *args: _Arguments.args, **kwargs: _Arguments.kwargs
) -> OperationCounts:
    """Count the operations of a function; it is traced, not run.

    A loop whose length depends on data counts once; of several branches the most expensive one counts.
    """
    program = jax.make_jaxpr(function)(*args, **kwargs)
    ends = sum(map(_bytes, [*program.jaxpr.invars, *program.jaxpr.outvars]))
    return _of(program.jaxpr).plus(OperationCounts(0.0, 0.0, ends, 0.0))


def _of(jaxpr: Jaxpr) -> OperationCounts:
    total = OperationCounts(0.0, 0.0, 0.0, 0.0)
    for equation in jaxpr.eqns:
        total = total.plus(_of_equation(equation))
    return total


def _of_equation(equation: JaxprEqn) -> OperationCounts:
    name, inner = equation.primitive.name, [_of(sub) for sub in _subprograms(equation)]
    if name == "scan":
        length, body = equation.params["length"], inner[0]
        whole = OperationCounts(0.0, 0.0, _streamed(equation), 0.0).plus(body, length)
        return whole._replace(steps=length * max(1.0, body.steps))
    if name == "cond" and inner:
        return max(inner, key=lambda branch: branch.products + branch.others)
    if inner:
        total = inner[0]
        for part in inner[1:]:
            total = total.plus(part)
        return total
    size = max((_size(out) for out in equation.outvars), default=0)
    if name == "dot_general":
        (contracted, _), _ = equation.params["dimension_numbers"]
        depth = math.prod(_shape(equation.invars[0])[axis] for axis in contracted)
        return OperationCounts(2.0 * size * depth, 0.0, 0.0, 0.0)
    if name.startswith("reduce") or name.startswith("arg"):
        size = max(map(_size, equation.invars))
    return OperationCounts(0.0, 0.0 if name in _FREE else float(size), 0.0, 0.0)


def _streamed(scan: JaxprEqn) -> float:
    """Bytes of what a loop reads and writes step by step: what has one axis more outside the loop than within.

    Told by shapes, because JAX 0.10 and 0.11 describe the arguments of a scan in different ways.
    """
    (within,) = _subprograms(scan)
    pairs = [*zip(scan.invars, within.invars, strict=True), *zip(scan.outvars, within.outvars, strict=True)]
    return float(sum(_bytes(outer) for outer, inner in pairs if len(_shape(outer)) > len(_shape(inner))))


def _subprograms(equation: JaxprEqn) -> list[Jaxpr]:
    if equation.primitive.name.startswith(("custom_jvp", "custom_vjp")):
        names = [name for name in ("call_jaxpr", "jaxpr", "fun_jaxpr") if name in equation.params]
        candidates = [equation.params[names[0]]] if names else []
    else:
        candidates = list(equation.params.values())
    flat = [item for value in candidates for item in (value if isinstance(value, tuple | list) else (value,))]
    closed = [getattr(item, "jaxpr", item) for item in flat]
    return [item for item in closed if hasattr(item, "eqns")]


def _shape(variable: Var | Literal) -> tuple[int, ...]:
    return tuple(getattr(variable.aval, "shape", ()))


def _size(variable: Var | Literal) -> int:
    return math.prod(_shape(variable))


def _bytes(variable: Var | Literal) -> int:
    item = getattr(getattr(variable.aval, "dtype", None), "itemsize", 4)
    return _size(variable) * item
