"""Whatever happens to the terminal, results are on disk first; an interrupt says what is kept."""

import gc
import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.cli import output
from deepcausalmmm_jax.cli.output import prepare_streams, say, say_aside, stoppable
from tests.cli.test_app import COMMAND, FIT, run
from tests.processes import with_devices

SIMULATE = ("simulate", "--regions", "2", "--weeks", "20", "--channels", "1", "--controls", "0", "--out")
RESULTS = {"report.html", "contributions.csv", "media_summary.csv", "metrics.csv", "fit.npz"}


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A table whose channels no ASCII terminal can show, and a model that compiles sooner than the default."""
    folder = tmp_path_factory.mktemp("output")
    paper = dcm.Config.paper(hidden_size=2, epochs=6, warm_start_epochs=2)
    (folder / "quick.toml").write_text(paper.to_toml())
    ran = run("simulate", "--regions", 3, "--weeks", 40, "--channels", 2, "--controls", 1, "--out", "sim", cwd=folder)
    assert ran.returncode == 0, ran.stderr
    table = pd.read_csv(folder / "sim" / "panel.csv")
    table.rename(columns={"channel_1": "tévé_1", "channel_1_spend": "tévé_1_spend"}).to_csv(
        folder / "sim" / "panel.csv", index=False
    )
    return folder


NAMED = {"channel_?": "tévé_1,channel_2", "channel_?_spend": "tévé_1_spend,channel_2_spend"}
ARGUMENTS = [NAMED.get(argument, argument) for argument in FIT]


ASCII = {"PYTHONIOENCODING": "ascii", "PYTHONUNBUFFERED": "1"}


def test_a_fit_is_on_disk_though_the_terminal_knows_ascii_alone_and_its_reader_is_gone(workplace):
    environment = with_devices(1) | ASCII
    read, write = os.pipe()
    os.close(read)  # as `| head -1` does it after a line
    ran = subprocess.run(
        [COMMAND, *ARGUMENTS, "--out", "run"], cwd=workplace, env=environment, stdout=write, stderr=subprocess.PIPE, check=False
    )  # fmt: skip
    os.close(write)
    assert ran.returncode == 0, ran.stderr
    assert all(line.startswith(b"training: ") for line in ran.stderr.splitlines())
    assert {path.name for path in (workplace / "run").iterdir()} == RESULTS


@pytest.mark.slow
def test_a_scenario_names_a_channel_in_letters_that_the_terminal_does_not_know(workplace):
    environment = with_devices(1) | ASCII
    subprocess.run(
        [COMMAND, *ARGUMENTS, "--out", "asked"], cwd=workplace, env=environment, capture_output=True, check=True
    )
    ran = subprocess.run([COMMAND, "scenario", "asked", "--change", "tévé_1*1.2", "--out", "what_if.csv"], cwd=workplace,
                         env=environment, capture_output=True, check=False)  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert (workplace / "what_if.csv").exists()


@pytest.mark.slow
@pytest.mark.parametrize("stream", ["1", "2"])
def test_a_closed_stream_stops_no_command(workplace, stream):
    ran = subprocess.run(
        f"{COMMAND} {' '.join(SIMULATE)} closed_{stream} {stream}>&-", shell=True, cwd=workplace, check=False
    )
    assert ran.returncode == 0
    assert (workplace / f"closed_{stream}" / "panel.csv").exists()


def test_a_full_disk_behind_standard_output_is_one_sentence_after_the_files(workplace):
    with open("/dev/full", "w") as full:
        ran = subprocess.run([COMMAND, *SIMULATE, "full"], cwd=workplace, stdout=full, stderr=subprocess.PIPE, text=True, check=False)  # fmt: skip
    assert ran.returncode == 2
    assert ran.stderr == "deepcausalmmm-jax: Standard output cannot be written: No space left on device.\n"
    assert (workplace / "full" / "panel.csv").exists()


@pytest.mark.parametrize(
    ("sign", "code"), [pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow), (signal.SIGTERM, 143)]
)
def test_an_interrupted_fit_says_what_is_kept_and_how_to_go_on(workplace, sign, code):
    long = "[training]\nmax_epochs = 1000000\nchunk_epochs = 5\ntolerance = 0.0\npatience = 1000000\n"
    (workplace / "long.toml").write_text(long)
    arguments = ["long.toml" if argument == "quick.toml" else argument for argument in ARGUMENTS]
    before = {path: path.read_bytes() for path in (workplace / "sim").iterdir()}
    ours = signal.signal(sign, signal.SIG_DFL)  # a suite in the background ignores interrupts, and so would the fit
    with subprocess.Popen(
        [COMMAND, *arguments, "--out", "sim"], cwd=workplace, env=with_devices(1), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True
    ) as process:  # fmt: skip
        signal.signal(sign, ours)
        assert "compiling" in process.stderr.readline()
        time.sleep(1)
        process.send_signal(sign)
        try:
            _, told = process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == code
    assert "Stopped. Nothing was written to sim, and an unfinished fit cannot be resumed; run the same command" in told
    assert "Traceback" not in told
    assert {path: path.read_bytes() for path in (workplace / "sim").iterdir()} == before


def test_text_goes_nowhere_once_its_reader_is_gone(capfd):
    script = "import os, sys; from deepcausalmmm_jax.cli.output import say, finish; os.close(0)\nfor _ in range(9999): say('text ' * 99)\nfinish(); print('done', file=sys.stderr)"
    ran = subprocess.run(f"{sys.executable} -c \"{script}\" | head -1", shell=True, capture_output=True, text=True, check=False)  # fmt: skip
    assert ran.stdout.startswith("text")
    assert ran.stderr == "done\n"


def test_text_is_printed_where_someone_reads(capsys):
    say("found")
    say_aside("aside")
    assert capsys.readouterr() == ("found\n", "aside\n")


def test_an_interrupt_in_a_stoppable_part_is_an_exit_with_one_sentence(capsys):
    with pytest.raises(SystemExit) as stopped, stoppable("Everything is kept."):
        raise KeyboardInterrupt
    assert stopped.value.code == 130
    assert capsys.readouterr().err == "\ndeepcausalmmm-jax: Stopped. Everything is kept.\n"


@pytest.mark.parametrize(("sign", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_request_to_stop_that_a_callback_swallowed_is_made_again(sign, code, monkeypatch, capsys):
    monkeypatch.setattr(output, "_REPEAT", 0.1)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)  # which prepare_streams replaces
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    signal.signal(sign, signal.SIG_DFL if sign == signal.SIGTERM else signal.default_int_handler)
    swallowed, began = [], time.monotonic()

    def collected(*_):
        gc.callbacks.remove(collected)
        swallowed.append(sign)
        signal.raise_signal(sign)

    @stoppable("Everything is kept.")
    def command():
        gc.callbacks.append(collected)
        gc.collect()
        time.sleep(30)

    try:
        prepare_streams()
        with pytest.raises(SystemExit) as stopped:
            command()
        time.sleep(0.3)  # nothing more comes once it is answered
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert swallowed == [sign]
    assert time.monotonic() - began < 10
    assert stopped.value.code == code
    assert capsys.readouterr().err == "\ndeepcausalmmm-jax: Stopped. Everything is kept.\n"
