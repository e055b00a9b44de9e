"""The wheel holds all that the package needs, and neither it nor a saved run needs a network."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
RUN = PROJECT / "tests" / "results" / "saved" / "schema_8" / "point.npz"

NO_NETWORK = """
import socket
def refused(*_):
    raise OSError("this process may not use a network")
socket.socket.connect = socket.socket.connect_ex = socket.create_connection = socket.getaddrinfo = refused
"""
USE = f"""
import sys
from pathlib import Path
import deepcausalmmm_jax as dcm
assert Path(dcm.__file__).is_relative_to(sys.argv[1]), dcm.__file__
result = dcm.load({str(RUN)!r})
print(len(result.media_summary()))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(PROJECT)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        if "hatchling" in made.stderr:
            pytest.skip("no package index is within reach, from which pip takes hatchling to build the wheel")
        pytest.fail(made.stderr[-2000:])
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the wheel installs."""
    folder = tmp_path_factory.mktemp("installed")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def test_the_wheel_holds_the_package_and_nothing_else(wheel, unpacked):
    inside = {path.name for path in unpacked.iterdir()}
    assert inside == {"deepcausalmmm_jax", "-".join(wheel.name.split("-")[:2]) + ".dist-info"}
    sources = {p.relative_to(PROJECT) for p in (PROJECT / "deepcausalmmm_jax").rglob("*") if p.is_file()}
    packed = {p.relative_to(unpacked) for p in (unpacked / "deepcausalmmm_jax").rglob("*") if p.is_file()}
    assert packed == {path for path in sources if "__pycache__" not in path.parts}


@pytest.mark.slow
def test_a_saved_run_answers_without_the_checkout_and_without_a_network(unpacked):
    environment = os.environ | {"PYTHONPATH": str(unpacked)}
    command = [sys.executable, "-c", NO_NETWORK + USE, str(unpacked)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=unpacked, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) >= 2


def test_a_checkout_that_nobody_installed_knows_its_version():
    look = "import sys; sys.path.insert(0, sys.argv[1]); import deepcausalmmm_jax; print(deepcausalmmm_jax.__version__)"
    command = [sys.executable, "-S", "-c", look, str(PROJECT)]  # -S: no installed packages at all
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert f'version = "{done.stdout.strip()}"' in (PROJECT / "pyproject.toml").read_text()
