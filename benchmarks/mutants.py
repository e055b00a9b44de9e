"""Do the tests notice a fault? One operator, comparison or number changed at a time, and the share that a test sees.

python benchmarks/mutants.py [--each 6] [--seed 0] [--only data/cadence data/kpi_scale]

Run it from the repository with the `test` extra. Nothing on disk changes: each mutant is a module of a forked process.
One that no test fails for is a survivor, and the list of them is there to be read. Those that were read and found to be
the same program written otherwise stand in `same_programs.py` with the reason, and do not count.
"""

import argparse
import ast
import atexit
import copy
import importlib.abc
import importlib.machinery
import importlib.util
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, ModuleType
from typing import NamedTuple

from harness import record
from same_programs import is_same

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "deepcausalmmm_jax"
LIMIT = 60.0  # seconds that a mutant's tests may take; one that hangs is noticed


class Target(NamedTuple):
    """A module, and the test files that are there for it."""

    module: str
    tests: tuple[str, ...]


TARGETS = (
    Target("ops/hill", ("ops/test_hill", "ops/test_shapes")),
    Target("ops/saturation", ("ops/test_saturation", "ops/test_shapes")),
    Target("ops/adstock", ("ops/test_adstock", "ops/test_edges", "ops/test_shapes")),
    Target("ops/acyclicity", ("ops/test_acyclicity",)),
    Target("ops/autoregression", ("ops/test_autoregression",)),
    Target("ops/cholesky", ("ops/test_cholesky",)),
    Target("ops/effective_sample", ("ops/test_effective_sample",)),
    Target("ops/kalman", ("ops/test_kalman",)),
    Target("ops/logistic", ("ops/test_logistic",)),
    Target("ops/gru", ("ops/test_gru",)),
    Target("data/cadence", ("data/test_cadence", "data/test_calendar")),
    Target("data/dates", ("data/test_date_orders", "data/test_calendar", "data/test_panel")),
    Target("data/date_orders", ("data/test_date_orders", "data/test_cadence")),
    Target("data/kpi_scale", ("data/test_kpi_scale",)),
    Target("data/holdout", ("data/test_holdout",)),
    Target("data/season", ("data/test_season",)),
    Target("data/trailing_zeros", ("data/test_trailing_zeros",)),
    Target("data/outliers", ("data/test_outliers",)),
    Target("data/near_copies", ("data/test_panel_notes", "data/test_diagnosis")),
    Target("data/events", ("data/test_events",)),
    Target("data/bookings", ("data/test_bookings",)),
    Target("data/calendar", ("data/test_calendar", "data/test_cadence")),
    Target("data/panel_changes", ("data/test_panel_changes",)),
    Target("data/graph_constraints", ("data/test_graph_constraints",)),
    Target("data/exposure_innovations", ("data/test_exposure_innovations",)),
    Target("data/scaling", ("data/test_scaling", "data/test_kpi_scale")),
    Target("planning/cells", ("planning/test_cells",)),
    Target("planning/limits", ("planning/test_limits",)),
    Target("planning/limit_files", ("planning/test_limit_files",)),
    Target("planning/usual_limit", ("planning/test_usual_limit",)),
    Target("planning/flights", ("planning/test_flights",)),
    Target("planning/reach_limits", ("planning/test_reach_limits",)),
    Target("planning/targets", ("planning/test_targets", "planning/test_groups")),
    Target("planning/tables", ("planning/test_plan_tables", "planning/test_effects")),
    Target("planning/spend_tables", ("planning/test_spend_tables",)),
    Target("planning/plan_files", ("planning/test_saved_plans",)),
    Target("planning/budget_plan", ("planning/test_plan_advice", "planning/test_limit_files")),
    Target("planning/what_if", ("planning/test_scenario", "planning/test_changes")),
    Target("planning/curve_outcome", ("planning/test_curve_outcome",)),
    Target("planning/optimizer/projection", ("planning/test_projection",)),
    Target("planning/optimizer/polytope", ("planning/test_projection",)),
    Target("planning/optimizer/dual_newton", ("planning/test_projection",)),
    Target("planning/optimizer/search", ("planning/test_best_plans",)),
    Target("planning/optimizer/shadow_prices", ("planning/test_best_plans",)),
    Target("planning/optimizer/solvers", ("planning/test_best_plans",)),
    Target("planning/optimizer/starts", ("planning/test_best_plans",)),
    Target("planning/optimizer/tabulated", ("planning/test_best_plans",)),
    Target("planning/optimizer/total_search", ("planning/test_targets",)),
    Target("planning/optimizer/totals", ("planning/test_targets",)),
    Target("planning/optimizer/utility", ("planning/test_utility",)),
    Target("planning/optimizer/verification", ("planning/test_verification",)),
    Target("planning/fit_hill", ("planning/test_fit_hill",)),
    Target("planning/optimize_from_curves", ("planning/test_optimize_from_curves",)),
    Target("planning/next_weeks", ("planning/test_next_weeks",)),
    Target("planning/experiments/designs", ("planning/experiments/test_designs",)),
    Target("planning/experiments/preposterior", ("planning/experiments/test_preposterior",)),
)  # fmt: skip

_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_CALCULATED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.MatMult: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip


class Mutant(NamedTuple):
    """One change to a module."""

    line: int
    change: str
    tree: ast.Module


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """What may stand in a node's place."""
    match node:
        case ast.Compare(ops=[kind, *_]) if type(kind) in _COMPARED:
            other = copy.copy(node)
            other.ops = [_COMPARED[type(kind)](), *node.ops[1:]]
            yield other
        case ast.BinOp() if type(node.op) in _CALCULATED and not _is_text(node):
            yield ast.BinOp(node.left, _CALCULATED[type(node.op)](), node.right)
        case ast.BoolOp():
            yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert()):
            yield node.operand
        case ast.Constant(value=bool()):
            yield ast.Constant(not node.value)
        case ast.Constant(value=int()):
            yield ast.Constant(node.value + 1)
        case ast.Constant(value=float()):
            yield ast.Constant(node.value * 2.0 if node.value else 1.0)


def _is_text(node: ast.BinOp) -> bool:
    """Whether text is joined."""
    return any(isinstance(side, ast.JoinedStr) or isinstance(getattr(side, "value", None), str)
               for side in (node.left, node.right))  # fmt: skip


def places(tree: ast.AST) -> Iterator[tuple[ast.AST, str, int | None]]:
    """Parent, field and number in the field of every expression that does something; types and messages do nothing."""
    for field, value in ast.iter_fields(tree):
        if field in ("annotation", "returns", "decorator_list", "type_comment"):
            continue
        for number, child in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(child, ast.JoinedStr | ast.Raise) or not isinstance(child, ast.AST):
                continue
            if isinstance(child, ast.expr):
                yield tree, field, number if isinstance(value, list) else None
            yield from places(child)


def mutants(source: str) -> list[Mutant]:
    """Every change to a module, in its order."""
    tree, found = ast.parse(source), []
    for parent, field, number in places(tree):
        held = getattr(parent, field)
        node = held if number is None else held[number]
        for other in changes(node):
            ast.copy_location(other, node)
            _put(parent, field, number, other)
            found.append(Mutant(node.lineno, f"{ast.unparse(node)} -> {ast.unparse(other)}", copy.deepcopy(tree)))
            _put(parent, field, number, node)
    return found


def _put(parent: ast.AST, field: str, number: int | None, node: ast.AST) -> None:
    if number is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[number] = node


class Changed(importlib.abc.MetaPathFinder, importlib.machinery.SourceFileLoader):
    """Loads one module from a changed tree."""

    def __init__(self, target: Target, tree: ast.Module) -> None:
        super().__init__(f"{PACKAGE}.{target.module.replace('/', '.')}", str(ROOT / PACKAGE / f"{target.module}.py"))
        self._code = compile(ast.fix_missing_locations(tree), self.path, "exec")

    def find_spec(
        self, fullname: str, path: object = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The module's own spec, with this loader."""
        ours = fullname == self.name
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self) if ours else None

    def get_code(self, fullname: str) -> CodeType:
        """The changed code."""
        return self._code


def passes(target: Target, tree: ast.Module, limit: float = LIMIT) -> bool:
    """Whether the module's tests pass in a forked process that has this tree in the module's place."""
    child = os.fork()
    if child == 0:
        os.setsid()  # whatever the tests start ends with it
        silent = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silent, stream)
        sys.meta_path.insert(0, Changed(target, tree))
        import pytest

        files = [str(ROOT / "tests" / f"{name}.py") for name in target.tests]
        known = "ignore::pytest.PytestAssertRewriteWarning"  # its plugins are imported before it
        os._exit(int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-W", known, *files])))
    until = time.monotonic() + limit
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status == 0
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def import_what_tests_import() -> None:
    """Import everything but the package, so that each fork need not; a fork must come before JAX starts its threads."""
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    from tests.processes import xla_flags

    os.environ.setdefault("XLA_FLAGS", xla_flags(devices=2))
    if "DEEPCAUSALMMM_JAX_CACHE" not in os.environ:  # what no mutant changes is compiled once
        os.environ["DEEPCAUSALMMM_JAX_CACHE"] = tempfile.mkdtemp(prefix="deepcausalmmm_jax_mutants_")
        atexit.register(shutil.rmtree, os.environ["DEEPCAUSALMMM_JAX_CACHE"], ignore_errors=True)
    for name in ("jax", "flax.linen", "optax", "chex", "pandas", "xarray", "scipy.optimize", "scipy.signal", "networkx",
                 "hypothesis.strategies", "hypothesis.extra.numpy", "pytest", "polars", "openpyxl"):  # fmt: skip
        importlib.import_module(name)


def main() -> None:
    """Change, test, count, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=6, help="mutants of a module, drawn from all of it")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", metavar="MODULE", help="these modules, as in data/cadence")
    wanted = parser.parse_args()
    import_what_tests_import()
    draw, tried, survivors = random.Random(wanted.seed), {}, []
    for target in TARGETS:
        source = (ROOT / PACKAGE / f"{target.module}.py").read_text()
        every = mutants(source)
        chosen = sorted(draw.sample(every, min(wanted.each, len(every))), key=lambda mutant: mutant.line)
        if wanted.only and target.module not in wanted.only:
            continue
        began = time.monotonic()
        if not passes(target, ast.parse(source), 10 * LIMIT):
            raise SystemExit(f"The tests of {target.module} fail, or take too long, without any change.")
        limit = max(LIMIT, 5 * (time.monotonic() - began))
        alive = [mutant for mutant in chosen if passes(target, mutant.tree, limit)]
        lines = source.splitlines()
        same = [mutant for mutant in alive if is_same(target.module, lines[mutant.line - 1], mutant.change)]
        alive, count = [mutant for mutant in alive if mutant not in same], len(chosen) - len(same)
        tried[target.module] = {"mutants": count, "killed": count - len(alive), "same": len(same), "of": len(every)}
        survivors += [f"{target.module}.py:{mutant.line} {mutant.change}" for mutant in alive]
        print(target.module, tried[target.module], *survivors[len(survivors) - len(alive) :], sep="\n  ", flush=True)
    number, killed, same = (sum(row[name] for row in tried.values()) for name in ("mutants", "killed", "same"))
    print(f"{killed} of {number} noticed ({killed / number:.0%}); {same} more are the same program written otherwise")
    record("mutants", {"modules": tried, "survivors": survivors, "mutants": number, "noticed": killed / number})


if __name__ == "__main__":
    main()
