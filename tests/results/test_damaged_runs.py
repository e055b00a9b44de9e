"""A saved run that is not whole, or not ours, is refused in one sentence; nothing in it is run or allocated first."""

import io
import json
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.io.archive import read_arrays, read_forms, write_arrays
from deepcausalmmm_jax.results import checkpoint, integrity, migrations
from tests.fuzz.outcome import answered
from tests.fuzz.profile import cases

SAVED = Path(__file__).parent / "saved"
WHOLE = (SAVED / f"schema_{migrations.SCHEMA}" / "bootstrap.npz").read_bytes()


def refused(path):
    with pytest.raises(dcm.OutputError) as error:
        dcm.load(path)
    sentence = str(error.value)
    assert "\n" not in sentence
    assert str(path) in sentence


def put(folder, content):
    path = folder / "run.npz"
    path.write_bytes(content)
    return path


def loads_the_same_or_is_refused(path):
    """A flipped bit may lie in a time stamp of the archive, which says nothing about the run."""
    read = answered(lambda: checkpoint.read(path))
    if read is None:
        return
    fitted, replicates = read
    before = checkpoint.read(SAVED / f"schema_{migrations.SCHEMA}" / "bootstrap.npz")
    np.testing.assert_array_equal(fitted.panel.kpi, before[0].panel.kpi)
    np.testing.assert_array_equal(replicates.status, before[1].status)
    assert fitted.config == before[0].config


@given(at=st.integers(0, len(WHOLE) - 1), bit=st.integers(0, 7))
@cases("files")
def test_a_flipped_bit_is_found_or_harmless(tmp_path, at, bit):
    changed = bytearray(WHOLE)
    changed[at] ^= 1 << bit
    loads_the_same_or_is_refused(put(tmp_path, bytes(changed)))


@given(st.integers(0, len(WHOLE) - 1))
@cases("files")
def test_a_file_cut_off_anywhere_is_refused(tmp_path, length):
    refused(put(tmp_path, WHOLE[:length]))


@pytest.mark.parametrize("content", [b"", b"PK", b"\x80\x04N.", np.random.default_rng(0).bytes(5000), b"\x93NUMPY"])
def test_what_is_no_archive_is_refused(tmp_path, content):
    refused(put(tmp_path, content))


ARRAYS = read_arrays(SAVED / f"schema_{migrations.SCHEMA}" / "bootstrap.npz")
NAMES = sorted(ARRAYS)


def _changed_value(array):
    flat = array.copy().ravel()
    flat[0] = np.array(1) - flat[0] if flat.dtype.kind in "fiub" else "x"
    return flat.reshape(array.shape)


EDITS = {
    "missing": lambda arrays, name: {key: value for key, value in arrays.items() if key != name},
    "another name": lambda arrays, name: {(f"{key}x" if key == name else key): v for key, v in arrays.items()},
    "another value": lambda arrays, name: arrays | {name: _changed_value(arrays[name])},
    "another type": lambda arrays, name: arrays | {name: np.asarray(arrays[name]).astype("U20")},
    "one more axis": lambda arrays, name: arrays | {name: arrays[name][None]},
    "one more": lambda arrays, name: arrays | {f"{name}/more": np.zeros(3)},
    "empty": lambda arrays, name: arrays | {name: np.zeros((0,))},
}


@pytest.mark.slow
@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_array_is_refused_whichever_it_is(tmp_path, edit):
    for name in {*NAMES[::4], "manifest", "weights", "panel/kpi"}:  # every fourth, since each is a file to write
        if ARRAYS[name].size:
            refused(write_arrays(tmp_path / "run.npz", EDITS[edit](ARRAYS, name)))


@pytest.mark.slow
@pytest.mark.parametrize("schema", range(migrations.OLDEST, migrations.SCHEMA))
@pytest.mark.parametrize("kind", ["point", "bootstrap", "posterior"])
def test_runs_from_before_the_checksum_are_judged_by_their_shapes(tmp_path, schema, kind):
    arrays = read_arrays(SAVED / f"schema_{schema}" / f"{kind}.npz")
    for name in sorted(arrays)[schema % 4 :: 4]:  # a quarter, another one in the next version
        if name.startswith(("panel/", "scales/", "replicates/", "record/", "trained/", "weights", "refits/status")):
            for edit in ("one more axis", "empty"):
                refused(write_arrays(tmp_path / "run.npz", EDITS[edit](arrays, name)))


MANIFESTS = {
    "no object": "[1]",
    "not JSON": "{",
    "nested too deeply": "[" * 100_000 + "]" * 100_000,
    "no schema": "{}",
    "a schema of text": '{"schema": "6"}',
    "a schema between two": '{"schema": 6.5}',
    "a huge number": '{"schema": ' + "9" * 5000 + "}",
}


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_hostile_manifest_is_refused(tmp_path, name):
    refused(write_arrays(tmp_path / "run.npz", ARRAYS | {"manifest": np.array(MANIFESTS[name])}))


@pytest.mark.parametrize("lists", [False, True], ids=["claims what its manifest lacks", "its manifest claims it too"])
def test_an_archive_that_claims_gigabytes_takes_no_memory(tmp_path, lists):
    """A thousand million zeros are a megabyte when compressed."""
    manifest = json.loads(str(ARRAYS["manifest"]))
    name, shape = "variables/params/large", (2**30,)
    rest = {key: value for key, value in ARRAYS.items() if key not in ("manifest", "checksum")}
    path = write_arrays(tmp_path / "run.npz", integrity.sealed(rest, manifest))
    if lists:
        manifest["arrays"] = json.loads(str(read_arrays(path)["manifest"]))["arrays"] | {name: ["<f4", shape]}
        path = write_arrays(path, read_arrays(path) | {"manifest": np.array(json.dumps(manifest))})
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f4", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open(f"{name}.npy", "w") as part:
        part.write(head.getvalue())
        for _ in range(16):
            part.write(bytes(2**24))
    tracemalloc.start()
    refused(path)
    assert tracemalloc.get_traced_memory()[1] < 2**26
    tracemalloc.stop()


def test_nothing_in_a_file_is_run(tmp_path):
    class Harm:
        def __reduce__(self):
            return (tmp_path.joinpath("harm").touch, ())

    path = tmp_path / "run.npz"
    np.savez(path, **ARRAYS | {"weights": np.array([Harm()], dtype=object)})
    refused(path)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("path", [None, 5, "a\0b", "x" * 5000])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(dcm.OutputError, match="needs the path of a|no saved fit"):
        dcm.load(path)


@pytest.mark.parametrize(
    "labels",
    [[True, False, True], [("a", 1), ("a", 2), ("b", 1)], [2**70, 2**70 + 1, 2**70 + 2], pd.date_range("2024-01-01 05:00", periods=3)],
    ids=["true and false", "tuples", "large numbers", "times of day"],
)  # fmt: skip
def test_labels_that_would_come_back_as_others_are_refused(tmp_path, labels):
    index = pd.Index(labels) if not isinstance(labels, list) else pd.Index(labels, dtype=object)
    with pytest.raises(dcm.OutputError, match=r"label .* cannot be saved"):
        checkpoint._labels(index)


@pytest.mark.parametrize(
    "labels",
    [["a", "=b", "01"], [1, 2, 2**62], pd.date_range("2024-01-01", periods=3, freq="7D"), [0.5, 1.5, 2.5]],
    ids=["text", "whole numbers", "days", "halves"],
)
def test_other_labels_come_back_as_they_were(labels):
    index = pd.Index(labels)
    again = checkpoint._index(json.loads(json.dumps(checkpoint._labels(index))))
    assert again.equals(index)


def test_the_forms_of_a_file_are_those_of_its_arrays():
    forms = read_forms(SAVED / f"schema_{migrations.SCHEMA}" / "bootstrap.npz")
    assert {name: form.shape for name, form in forms.items()} == {name: a.shape for name, a in ARRAYS.items()}
    assert sum(form.n_bytes for form in forms.values()) == sum(array.nbytes for array in ARRAYS.values())


def test_an_array_that_would_have_to_be_run_to_be_read_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="x is not an array of numbers or text"):
        write_arrays(tmp_path / "run.npz", {"x": np.array([object()])})
    assert not list(tmp_path.iterdir())


def test_a_file_has_the_arrays_that_it_was_given_and_no_other(tmp_path):
    given = {"x": np.ones(3), "y": np.array("a")}
    assert sorted(read_arrays(write_arrays(tmp_path / "run.npz", given))) == ["x", "y"]
