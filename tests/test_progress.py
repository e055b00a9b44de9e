import logging

import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax import progress


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


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
    monkeypatch.setattr(progress, "_SOON", 0.02)
    with progress.drawn(True), progress.Steps("report") as wait:
        wait.step("charts")
        progress.time.sleep(0.2)
        with progress.Steps("health") as within:
            within.step("checking")
            progress.time.sleep(0.1)
    shown = capsys.readouterr().err
    assert "report: charts [00:00]" in shown
    assert "checking" not in shown
    assert shown.endswith("\r")


def test_steps_say_which_of_how_many_they_are(capsys, monkeypatch):
    monkeypatch.setattr(progress, "_SOON", 0.02)
    with progress.drawn(True), progress.Steps("report", {"checks": 2.0, "charts": 1.0}) as wait:
        wait.step("checks")
        wait.step("charts")
        progress.time.sleep(0.1)
    assert "report: charts (2 of 2) [00:00]" in capsys.readouterr().err


@pytest.mark.parametrize("shows", [None, False])
def test_steps_are_silent_without_a_terminal_and_where_no_progress_is_wanted(capsys, monkeypatch, shows):
    monkeypatch.setattr(progress, "_SOON", 0.01)
    with progress.drawn(shows), progress.Steps("report") as wait:
        wait.step("charts")
        progress.time.sleep(0.05)
    assert capsys.readouterr().err == ""


def test_the_time_of_compilation_is_no_part_of_the_time_left(capsys):
    with progress.Progress("training", "epochs", 1500, show=True) as told:
        assert "training: compiling [00:00]" in capsys.readouterr().err
        told.update(50)
        assert "50 of at most 1500 epochs [00:00, at most ? left]" in capsys.readouterr().err


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
        progress.Steps("report", {"checks": 3.0, "tables": 1.0, "charts": 2.0, "page": 1.0}) as wait,
    ):
        wait.step("checks")
        clock[0] += 60.0  # compiling
        wait.step("tables")
        assert wait.left(clock[0]) is None
        clock[0] += 2.0
        wait.step("charts")
        assert [wait.left(clock[0] + later) for later in (0.0, 3.0, 4.0, 9.0)] == [6.0, 3.0, 2.0, 2.0]
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
