import ast
import logging
import re
from pathlib import Path

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax import progress, steps
from deepcausalmmm_jax.posterior.sample import shares_of_wait
from tests.waiting import wait_until


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def _appear_after(monkeypatch, seconds):
    for module in (progress, steps):
        monkeypatch.setattr(module, "SOON", seconds)


def _drawn(capsys, words):
    """What was drawn until these words were."""
    shown = []

    def is_drawn():
        shown.append(capsys.readouterr().err)
        return words in "".join(shown)

    assert wait_until(is_drawn)
    return "".join(shown)


def test_lines_come_at_most_every_ten_seconds_with_the_time_left(clock, caplog):
    caplog.set_level(logging.INFO, "deepcausalmmm_jax")
    told = progress.Progress("bootstrap", "refits", 1000, done=20, show=False)
    for second, done in ((4, 21), (11, 30), (15, 35), (22, 40)):
        clock[0] = 100.0 + second
        told.update(done)
    told.close("All refits are done.")
    assert caplog.messages == [
        # 9 refits in the 7 s after the first one, which took the time of compilation
        "bootstrap: 30 of at most 1,000 refits, at most 754 s left",
        # 10 in the last 11 s, the later half of the steps
        "bootstrap: 40 of at most 1,000 refits, at most 1,056 s left",
        "bootstrap: All refits are done. 22.0 s.",
    ]


def test_the_first_line_has_no_estimate_since_it_is_the_time_of_compilation(clock, caplog):
    caplog.set_level(logging.INFO, "deepcausalmmm_jax")
    with progress.Progress("training", "epochs", 1500, show=False) as told:
        clock[0] += 20.0
        told.update(50)
    assert caplog.messages == ["training: compiling ...", "training: 50 of at most 1,500 epochs"]


def test_nothing_is_said_unless_it_is_asked_for(clock, capsys):
    told = progress.Progress("bootstrap", "refits", 100)
    clock[0] += 60
    told.update(50)
    assert capsys.readouterr().err == ""


def test_a_fit_logs_how_it_ended_and_draws_nothing_without_a_terminal(small_panel, quick, caplog, capsys):
    caplog.set_level(logging.INFO, "deepcausalmmm_jax")
    result = dcm.fit(small_panel, quick, holdout=8)
    assert caplog.messages[-1].startswith(f"training: {result.status.sentence}")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("terminal", "handlers"), [(True, 0), (False, 1)])
def test_plain_lines_go_to_standard_error_where_it_is_no_terminal(monkeypatch, terminal, handlers):
    log = logging.Logger("of this test")
    monkeypatch.setattr(progress, "_LOG", log)
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: terminal, raising=False)
    progress.log_to_stderr()
    progress.log_to_stderr()
    assert len(log.handlers) == handlers


def test_a_bar_is_drawn_where_it_is_wanted_and_ends_where_the_run_does(clock, capsys):
    with progress.Progress("training", "epochs", 100, show=True) as told:
        told.update(30, "objective 1.5")
        told.update(60)
    drawn = capsys.readouterr().err
    assert "training" in drawn
    assert "60 of at most 100 epochs" in drawn
    assert "objective 1.5" in drawn


def test_steps_are_shown_with_their_seconds_and_leave_nothing_behind(capsys, monkeypatch):
    _appear_after(monkeypatch, 0.02)
    with progress.drawn(True), steps.Steps("report") as wait:
        wait.step("charts")
        shown = _drawn(capsys, "report: charts")
        with steps.Steps("health") as within:
            within.step("checking")
            progress.time.sleep(0.1)
    shown += capsys.readouterr().err
    assert re.search(r"report: charts \[\d\d:\d\d\]", shown)
    assert "checking" not in shown
    assert shown.endswith("\r")


def test_steps_within_a_counted_run_are_silent(capsys, monkeypatch):
    _appear_after(monkeypatch, 0.02)
    with progress.drawn(True), progress.Progress("refute", "posteriors", 2), steps.Steps("posterior") as within:
        within.step("drawing")
        shown = _drawn(capsys, "refute")
        progress.time.sleep(0.1)
    shown += capsys.readouterr().err
    assert "refute" in shown
    assert "drawing" not in shown


def test_steps_say_which_of_how_many_they_are(capsys, monkeypatch):
    _appear_after(monkeypatch, 0.02)
    with progress.drawn(True), steps.Steps("report", {"checks": 2.0, "charts": 1.0}) as wait:
        wait.step("checks")
        wait.step("charts")
        shown = _drawn(capsys, "report: charts (2 of 2)")
    assert re.search(r"report: charts \(2 of 2\) \[\d\d:\d\d\]", shown)


@pytest.mark.parametrize("shows", [None, False])
def test_steps_are_silent_without_a_terminal_and_where_no_progress_is_wanted(capsys, monkeypatch, shows):
    _appear_after(monkeypatch, 0.01)
    with progress.drawn(shows), steps.Steps("report") as wait:
        wait.step("charts")
        progress.time.sleep(0.05)
    assert capsys.readouterr().err == ""


def test_the_time_of_compilation_is_no_part_of_the_time_left(capsys):
    with progress.Progress("training", "epochs", 1500, show=True) as told:
        assert "training: compiling [00:00]" in capsys.readouterr().err
        told.update(50)
        assert "50 of at most 1500 epochs [00:00]" in capsys.readouterr().err


def _left(ends, total=100, now=None):
    """Seconds left after steps that ended at these times with these counts."""
    pace = progress.Pace(total)
    for second, done in ends:
        pace.note(float(second), done)
    return pace.left(float(ends[-1][0] if now is None else now))


@pytest.mark.parametrize("compiling", [1.0, 30.0, 600.0])
def test_no_second_of_the_first_step_is_counted(compiling):
    ends = [(compiling + 2.0 * step, 10 * (step + 1)) for step in range(5)]
    assert _left(ends[:1]) is None
    assert _left(ends) == pytest.approx(10.0)


def test_a_run_that_becomes_quicker_is_not_judged_by_its_slow_start():
    slow, quick = [(30 * step, step) for step in range(1, 6)], [(150 + step, 5 + 5 * step) for step in range(1, 19)]
    assert _left(slow) == pytest.approx(95 * 30.0)
    assert _left(slow + quick) == pytest.approx(1.0)  # "25 minutes left", by the mean of all steps: 8 s


@pytest.mark.parametrize(("now", "left"), [(20.0, 80.0), (25.0, 75.0), (30.0, 70.0), (500.0, 70.0)])
def test_while_a_step_lasts_the_seconds_fall_until_it_should_have_ended(now, left):
    assert _left([(10, 10), (20, 20)], now=now) == pytest.approx(left)


def test_the_end_is_never_said_to_have_come_before_it_has():
    assert _left([(10, 90), (20, 99)], now=40.0) == 1.0


def test_the_bar_shows_the_seconds_left_at_the_recent_pace(clock, capsys):
    with progress.Progress("bootstrap", "refits", 200, show=True) as told:
        for second, done in ((100, 10), (105, 20), (110, 30)):
            clock[0] = 100.0 + second
            told.update(done)
        told._bar.refresh()
    assert "at most 01:25 left" in capsys.readouterr().err


def test_steps_say_what_is_left_from_their_shares_once_the_second_has_ended(clock, capsys):
    with (
        progress.drawn(True),
        steps.Steps("report", {"checks": 3.0, "tables": 1.0, "charts": 2.0, "page": 1.0}) as wait,
    ):
        wait.step("checks")
        clock[0] += 60.0  # compiling
        wait.step("tables")
        assert wait.left(clock[0]) is None
        clock[0] += 2.0
        wait.step("charts")
        assert [wait.left(clock[0] + later) for later in (0.0, 3.0, 4.0, 5.0)] == [6.0, 3.0, 2.0, 2.0]
        assert wait.left(clock[0] + 5.1) is None, "a quarter longer than its share: the share is wrong"
        clock[0] += 4.0
        wait.step("page")
        assert wait.left(clock[0]) == 2.0
        wait._bar.refresh()
    assert "report: page (4 of 4)" in (shown := capsys.readouterr().err)
    assert "about 00:02 left" in shown


def test_a_notebook_counts_as_a_terminal(monkeypatch):
    assert not progress.on_terminal()
    monkeypatch.setitem(progress.sys.modules, "ipykernel", progress)
    assert progress.on_terminal()


@pytest.fixture
def shown(clock, capsys):
    """A wait of three steps, the first of which compiled for a minute and the second took its 10 s."""
    with (
        progress.drawn(True),
        steps.Steps("plan", {"compiling": 60.0, "preparing": 10.0, "searching": 30.0, "page": 5.0}) as wait,
    ):
        wait.step("compiling")
        clock[0] += 60.0
        wait.step("preparing")
        clock[0] += 10.0
        wait.step("searching")
        yield wait


@pytest.mark.parametrize("seconds", [2.0, 90.0])
@pytest.mark.parametrize("first", [0.0, 300.0])
def test_passes_that_are_alike_by_a_third_never_say_more_than_twice_what_is_left(shown, clock, seconds, first):
    takes = seconds * np.random.default_rng(0).uniform(2 / 3, 4 / 3, 30)
    takes[0] += first  # it compiles
    for number in steps.parts(range(30)):
        if number > 2:
            left, told = takes[number:].sum(), shown.left(clock[0]) - 5.0  # without the page
            assert 0.5 * left < told < 2.0 * left
        clock[0] += takes[number]


def test_loops_within_loops_share_the_time_of_their_pass(shown, clock):
    for outer in steps.parts(range(4)):
        for inner in steps.parts(range(5)):
            if outer + inner > 1:
                assert shown.left(clock[0]) == pytest.approx(5.0 + 3.0 * (20 - 5 * outer - inner))
            clock[0] += 3.0
    shown.step("page")
    assert shown.left(clock[0]) == pytest.approx(5.0 * (10.0 + 60.0) / (10.0 + 30.0)), "the search took twice its share"


def test_loops_that_repeat_nobody_knows_how_often_say_nothing(shown, clock):
    for _ in range(3):
        for _ in steps.parts(range(4)):
            clock[0] += 9.0
    clock[0] += 60.0
    assert shown.left(clock[0]) is None
    with steps.uncounted():
        assert list(steps.parts("ab")) == ["a", "b"]


def test_a_loop_that_ends_early_leaves_the_pace_as_it_was_and_says_at_most(shown, clock):
    with steps.portion(0.0, 0.5):
        for number in steps.parts(range(10), at_most=True):
            clock[0] += 2.0
            if number == 4:
                break
    assert shown.left(clock[0]) == pytest.approx(5.0 + 2.0 * 15)
    with steps.portion(0.5, 1.0):
        for number in steps.parts(range(10)):
            clock[0] += 2.0
            if number == 1:
                assert shown.left(clock[0]) == pytest.approx(5.0 + 2.0 * 8)
    shown._draw()
    assert "at most 00:06 left" in shown._bar.bar_format


def test_nothing_is_counted_where_nothing_is_shown():
    with progress.drawn(False), steps.Steps("plan", {"searching": 1.0}) as wait:
        wait.step("searching")
        assert list(steps.parts([3, 4])) == [3, 4]
        assert wait.left(0.0) is None


MEASURED = {  # regions and weeks: seconds of the steps of a first `sample_posterior` on two cores
    (4, 60): (0.2, 14.4, 4.1, 10.8),
    (8, 60): (0.2, 30.3, 9.2, 7.5),
    (20, 60): (0.1, 10.7, 15.7, 10.6),
    (20, 104): (0.3, 43.8, 67.0, 23.3),
}


@pytest.mark.parametrize("size", MEASURED)
def test_the_time_left_of_draws_is_right_within_a_factor_of_two_as_their_last_step_begins(size, clock):
    with steps.Steps("posterior", shares_of_wait(size[0])) as wait:
        for name, seconds in zip(wait.shares, MEASURED[size], strict=True):
            wait.step(name)
            left = wait.left(clock[0])
            clock[0] += seconds
    assert 0.5 <= left / MEASURED[size][-1] <= 2.0


def _named(tree):
    """Names of the steps that a file begins, and those that it gives shares of time."""
    begun, shared = set(), []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            begun |= {node.args[0].value} if called in ("step", "tell") else set()
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in (
            "_SHARES",
            "_SHARES_OF_MANY",
            "_WITH_DRAWS",
            "_WITHOUT",
        ):
            shared.append([key.value for key in node.value.keys])
    return begun, shared


@pytest.mark.parametrize(
    "files",
    [
        ("planning/optimize_budget.py",),
        ("planning/scenario.py",),
        ("planning/response_curves.py",),
        ("planning/experiments/plan_experiments.py",),
        ("posterior/sample.py",),
        ("trust/health.py",),
        ("plots/report/write.py", "plots/report/page.py"),
    ],
    ids=lambda files: files[0],
)
def test_every_step_of_a_wait_has_its_share(files):
    root = Path(progress.__file__).parent
    found = [_named(ast.parse((root / file).read_text())) for file in files]
    begun, shared = set().union(*(names for names, _ in found)), [each for _, all_ in found for each in all_]
    assert begun
    assert all(set(each) == begun for each in shared)
