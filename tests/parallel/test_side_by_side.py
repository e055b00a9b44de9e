"""Runs of a compiled program in threads."""

import threading
import time

import pytest

from deepcausalmmm_jax.parallel import side_by_side as threads
from deepcausalmmm_jax.parallel.side_by_side import side_by_side, threads_for


@pytest.fixture(params=[1, 2, 5])
def cores(request, monkeypatch):
    monkeypatch.setattr(threads, "cores", lambda: request.param)
    return request.param


@pytest.mark.parametrize("is_compiled", [False, True])
@pytest.mark.parametrize("n", [0, 1, 2, 7])
def test_outcomes_keep_the_order_of_their_tasks(cores, n, is_compiled):
    def run(task):
        time.sleep(0.002 * (n - task))  # later tasks end first
        return task**2

    assert side_by_side(run, range(n), is_compiled=is_compiled, is_shown=True) == [task**2 for task in range(n)]


def test_there_are_never_more_threads_than_cores_or_tasks(cores):
    assert threads_for(3) == min(cores, 3)
    assert threads_for(0) == 1


def test_the_first_task_runs_alone_where_the_program_is_still_to_be_compiled(monkeypatch):
    monkeypatch.setattr(threads, "cores", lambda: 4)
    ended = []

    def run(task):
        assert task == 0 or ended
        time.sleep(0.01)
        ended.append(task)
        return threading.get_ident()

    assert side_by_side(run, range(5))[0] == threading.get_ident()
    assert sorted(ended) == list(range(5))


def test_compiled_programs_run_at_the_same_time(monkeypatch):
    monkeypatch.setattr(threads, "cores", lambda: 2)
    both = threading.Barrier(2, timeout=120)
    side_by_side(lambda _: both.wait(), range(2), is_compiled=True)  # a barrier that one thread alone would never pass


def test_an_error_ends_the_wait_without_what_has_not_begun(cores):
    begun = []

    def run(task):
        begun.append(task)
        time.sleep(0.01)
        raise ValueError(f"task {task}")

    with pytest.raises(ValueError, match="task 0"):
        side_by_side(run, range(100), is_compiled=True)
    assert len(begun) < 100
