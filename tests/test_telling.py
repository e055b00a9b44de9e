import logging

import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax import telling


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(telling.time, "monotonic", lambda: now[0])
    return now


def test_lines_come_at_most_every_ten_seconds_with_the_time_left(clock, caplog):
    caplog.set_level(logging.INFO, "deepcausalmmm_jax")
    told = telling.Telling("refits", 100, done=20)
    for second, done in ((4, 21), (11, 30), (15, 35), (22, 40)):
        clock[0] = 100.0 + second
        told.at(done)
    told.end("All are done.")
    assert caplog.messages == [
        "refits: 30 of 100, at most 77 s left",
        "refits: 40 of 100, at most 66 s left",
        "refits: All are done. 22.0 s.",
    ]


def test_nothing_is_said_unless_it_is_asked_for(clock, capsys):
    told = telling.Telling("refits", 100)
    clock[0] += 60
    told.at(50)
    assert capsys.readouterr().err == ""


def test_a_fit_logs_how_it_ended_and_draws_nothing_without_a_terminal(small_panel, quick, caplog, capsys):
    caplog.set_level(logging.INFO, "deepcausalmmm_jax")
    result = dcm.fit(small_panel, quick, holdout=8)
    assert caplog.messages[-1].startswith(f"training, epochs: {result.status.sentence}")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("terminal", "handlers"), [(True, 0), (False, 1)])
def test_plain_lines_go_to_standard_error_where_it_is_no_terminal(monkeypatch, terminal, handlers):
    log = logging.Logger("of this test")
    monkeypatch.setattr(telling, "_LOG", log)
    monkeypatch.setattr(telling.sys.stderr, "isatty", lambda: terminal, raising=False)
    telling.tell_in_plain_text()
    telling.tell_in_plain_text()
    assert len(log.handlers) == handlers
