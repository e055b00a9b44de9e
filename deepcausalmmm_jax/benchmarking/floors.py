"""What a computation needs at least: operations, bytes, and steps one after the other, read off its program."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from deepcausalmmm_jax.benchmarking.ceilings import Ceilings

_FREE = ("broadcast_in_dim", "reshape", "squeeze", "transpose", "convert_element_type", "copy", "slice")


class Floors(NamedTuple):
    """Needs of a program."""

    products: float  # operations in matrix products
    others: float  # operations elsewhere, one an element
    streamed: float  # bytes that loops over weeks read and write
    steps: float  # passes of the innermost loops, one after the other

    def plus(self, other: "Floors", times: float = 1.0) -> "Floors":
        """With another program run after it, so many times."""
        return Floors(*(a + times * b for a, b in zip(self, other, strict=True)))

    def per(self, times: int) -> "Floors":
        """The needs of one of so many repetitions."""
        return Floors(*(a / times for a in self))

    def least_ms(self, ceilings: Ceilings) -> dict[str, float]:
        """Milliseconds by what would take them, were nothing else to be done."""
        return {
            "products": 1e-6 * self.products / ceilings.gflops,
            "bytes": 1e-6 * self.streamed / ceilings.gbytes,
            "steps": 1e-3 * self.steps * ceilings.step_us,
        }


def floors(function: Callable[..., Any], *arguments: Any) -> Floors:
    """Count a function's needs; it is traced, not run.

    A loop whose length the data decide counts once; of two branches the dearer counts.
    """
    program = jax.make_jaxpr(function)(*arguments)
    ends = sum(map(_bytes, [*program.jaxpr.invars, *program.jaxpr.outvars]))
    return _of(program.jaxpr).plus(Floors(0.0, 0.0, ends, 0.0))


def _of(jaxpr: Any) -> Floors:
    total = Floors(0.0, 0.0, 0.0, 0.0)
    for equation in jaxpr.eqns:
        total = total.plus(_of_equation(equation))
    return total


def _of_equation(equation: Any) -> Floors:
    name, inner = equation.primitive.name, [_of(sub) for sub in _subprograms(equation)]
    if name == "scan":
        length, kept = equation.params["length"], equation.params["num_consts"] + equation.params["num_carry"]
        moved = [*equation.invars[kept:], *equation.outvars[equation.params["num_carry"] :]]
        body = inner[0]
        whole = Floors(0.0, 0.0, sum(map(_bytes, moved)), 0.0).plus(body, length)
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
        depth = math.prod(equation.invars[0].aval.shape[axis] for axis in contracted)
        return Floors(2.0 * size * depth, 0.0, 0.0, 0.0)
    if name.startswith("reduce") or name.startswith("arg"):
        size = max(map(_size, equation.invars))
    return Floors(0.0, 0.0 if name in _FREE else float(size), 0.0, 0.0)


def _subprograms(equation: Any) -> list[Any]:
    if equation.primitive.name.startswith(("custom_jvp", "custom_vjp")):
        names = [name for name in ("call_jaxpr", "jaxpr", "fun_jaxpr") if name in equation.params]
        candidates = [equation.params[names[0]]] if names else []
    else:
        candidates = list(equation.params.values())
    flat = [item for value in candidates for item in (value if isinstance(value, tuple | list) else (value,))]
    closed = [getattr(item, "jaxpr", item) for item in flat]
    return [item for item in closed if hasattr(item, "eqns")]


def _size(variable: Any) -> int:
    return math.prod(getattr(variable.aval, "shape", ()))


def _bytes(variable: Any) -> int:
    item = getattr(getattr(variable.aval, "dtype", None), "itemsize", 4)
    return _size(variable) * item
