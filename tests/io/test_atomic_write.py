"""Files appear whole or not at all, those of one run together, and nothing but a regular file is ever replaced."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from deepcausalmmm_jax.errors import OutputError
from deepcausalmmm_jax.io.atomic_write import (
    refuse_unwritable,
    refuse_unwritable_file,
    write_text,
    write_whole,
    written_together,
)
from deepcausalmmm_jax.io.unfinished import unfinished_name


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_writers_in_one_process_never_mix_their_content(tmp_path):
    texts = [letter * 200_000 for letter in "abcdefgh"]

    def write(text):
        def in_pieces(file):
            for begin in range(0, len(text), 10_000):
                file.write(text[begin : begin + 10_000].encode())

        write_whole(tmp_path / "file", in_pieces)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, texts * 4))
    assert (tmp_path / "file").read_text() in texts
    assert names(tmp_path) == ["file"]


def test_a_failed_write_leaves_the_older_file_and_nothing_else(tmp_path):
    write_text(tmp_path / "file", "old")

    def fail(file):
        file.write(b"half")
        raise MemoryError

    with pytest.raises(MemoryError):
        write_whole(tmp_path / "file", fail)
    assert (tmp_path / "file").read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_characters_that_utf_8_lacks_do_not_stop_a_file(tmp_path):
    write_text(tmp_path / "file", "a\ud800b")
    assert (tmp_path / "file").read_text() == "a\\ud800b"


def test_a_link_stays_a_link_and_its_file_is_written(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    for name in ("there", "not yet there"):
        (tmp_path / name).symlink_to(tmp_path / "elsewhere" / name)
    write_text(tmp_path / "elsewhere" / "there", "old")
    for name in ("there", "not yet there"):
        write_text(tmp_path / name, "new")
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / "elsewhere" / name).read_text() == "new"


def _pipe(path):
    os.mkfifo(path)


def _link_to_a_pipe(path):
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to(path.with_name("pipe"))


def _circle(path):
    path.symlink_to(path)


def _lasting(path):
    """What the system says of a file, but for when it was last read."""
    facts = path.lstat()
    return facts.st_mode, facts.st_ino, facts.st_nlink, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns


@pytest.mark.parametrize("make", [_pipe, _link_to_a_pipe, os.mkdir, _circle])
@pytest.mark.parametrize("refuses", [lambda path: write_text(path, "text"), refuse_unwritable_file])
def test_what_is_no_regular_file_is_left_as_it_is(tmp_path, make, refuses):
    make(tmp_path / "there")
    before = _lasting(tmp_path / "there")
    with pytest.raises(OutputError, match=r"there .*(choose another name|cannot be written)"):
        refuses(tmp_path / "there")
    assert _lasting(tmp_path / "there") == before


def test_files_of_a_block_appear_together_at_its_end(tmp_path):
    write_text(tmp_path / "a", "old")
    with written_together(tmp_path) as folder:
        write_text(folder / "a", "new")
        write_text(folder / "b", "new")
        assert (tmp_path / "a").read_text() == "old"
        assert not (tmp_path / "b").exists()
    assert {name: (tmp_path / name).read_text() for name in names(tmp_path)} == {"a": "new", "b": "new"}


def _raise(folder):
    raise OutputError("no room")


def _put_a_folder_in_the_way(folder):
    (folder.parent / "c").mkdir()
    write_text(folder / "c", "new")


@pytest.mark.parametrize("spoil", [_raise, _put_a_folder_in_the_way])
def test_where_one_file_fails_none_is_new(tmp_path, spoil):
    write_text(tmp_path / "a", "old")

    def write_all():
        with written_together(tmp_path) as folder:
            write_text(folder / "a", "new")
            spoil(folder)

    with pytest.raises(OutputError):
        write_all()
    assert (tmp_path / "a").read_text() == "old"
    assert set(names(tmp_path)) <= {"a", "c"}


def test_a_folder_made_for_files_that_failed_is_gone(tmp_path):
    def write_none():
        with written_together(tmp_path / "new" / "run"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_none()
    assert names(tmp_path) == []


def _killed_while_writing(folder, sign):
    """A process that was ended in the middle of its files; returns the names that it left."""
    script = textwrap.dedent(f"""
        import sys, time
        from pathlib import Path
        sys.path.insert(0, {os.getcwd()!r})
        import types
        package = types.ModuleType("deepcausalmmm_jax")  # the package without JAX, which takes seconds to load
        package.__path__ = [{os.path.join(os.getcwd(), "deepcausalmmm_jax")!r}]
        sys.modules["deepcausalmmm_jax"] = package
        from deepcausalmmm_jax.io.atomic_write import write_text, write_whole, written_together
        def slowly(file):
            file.write(b"half")
            file.flush()
            print("begun", flush=True)
            time.sleep(60)
        with written_together(Path({str(folder)!r})) as place:
            write_text(place / "a", "new")
            write_whole(place / "b", slowly)
    """)
    # A suite in the background ignores interrupts, and so would what it runs.
    ours = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    finally:
        signal.signal(signal.SIGINT, ours)
    with process:
        assert process.stdout.readline() == b"begun\n"
        process.send_signal(sign)
        process.wait()
    return names(folder)


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_killed_run_leaves_the_older_files_and_the_next_run_its_litter_to_the_dustbin(tmp_path, sign):
    write_text(tmp_path / "a", "old")
    left = _killed_while_writing(tmp_path, sign)
    assert (tmp_path / "a").read_text() == "old"
    assert "b" not in left
    refuse_unwritable(tmp_path)
    assert names(tmp_path) == ["a"]


def test_what_a_running_process_is_writing_is_kept_and_what_is_a_day_old_is_not(tmp_path):
    ours, old = (tmp_path / unfinished_name("file") for _ in range(2))
    theirs = tmp_path / unfinished_name("file").replace(f".{os.getpid()}.", f".{os.getppid()}.")
    other = tmp_path / ".file.12345.unfinished"  # no name of ours
    for path in (ours, old, theirs, other):
        path.touch()
    os.utime(old, (time.time() - 90_000,) * 2)
    write_text(tmp_path / "file", "text")
    assert set(names(tmp_path)) == {"file", ours.name, theirs.name, other.name}


def test_names_of_unfinished_files_are_short_enough_and_differ():
    made = {unfinished_name("ä" * 120) for _ in range(100)}
    assert len(made) == 100
    assert max(len(name.encode()) for name in made) <= 255


def test_a_path_that_no_file_can_have_is_refused_in_one_sentence(tmp_path):
    for refuse in (refuse_unwritable, refuse_unwritable_file):
        with pytest.raises(OutputError, match="cannot be written"):
            refuse(tmp_path / "a\0b")
