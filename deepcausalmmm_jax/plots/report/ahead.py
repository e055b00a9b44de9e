"""What takes long and draws nothing, computed in a thread of its own while the page's thread goes on."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import NamedTuple

from deepcausalmmm_jax.planning.budget_plan import BudgetPlan
from deepcausalmmm_jax.plots.report.planner import Planner, planner
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.steps import uncounted


class Ahead(NamedTuple):
    """What is being computed.

    Attributes:
        curves: done once the result keeps its response curves.
        planner: what `planner` returns.
    """

    curves: Future[None]
    planner: Future[tuple[Planner | None, str]]


@contextmanager
def computed_ahead(result: FitResult, plan: BudgetPlan | None, currency: str | None) -> Iterator[Ahead]:
    """Begin with the response curves and the planner, in turn: compiled programs leave the interpreter to others.

    Args:
        result: the fit.
        plan: as `planner` takes it.
        currency: as `planner` takes it.
    """

    def curves() -> None:
        with uncounted():  # the steps shown are those of the page's thread
            result.spend_response()

    def board() -> tuple[Planner | None, str]:
        with uncounted():
            return planner(result, plan, currency)

    _ = result.fitted_panel.inputs  # which both threads read: from Python 3.12 on each would prepare them
    pool = ThreadPoolExecutor(1)
    try:
        yield Ahead(pool.submit(copy_context().run, curves), pool.submit(copy_context().run, board))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
