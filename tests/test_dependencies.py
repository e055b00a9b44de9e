"""What the package needs is listed with its licence, and a machine with the numerical core alone can fit and plan."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
DECLARED = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
CORE = ("jax", "flax", "optax", "chex", "numpy", "pandas", "scipy", "xarray", "networkx")


def _names(requirements):
    return {re.match(r"[\w-]+", one)[0] for one in requirements}


@pytest.mark.parametrize("extra", [None, *DECLARED["optional-dependencies"]])
def test_every_dependency_has_a_bound_and_stands_on_its_page(extra):
    wanted = DECLARED["dependencies"] if extra is None else DECLARED["optional-dependencies"][extra]
    assert all(re.search(r"[<>=]", one) for one in wanted)
    page = (PROJECT / "docs" / "dependencies.md").read_text()
    listed = set(re.findall(r"[\w-]+", page if extra is None else re.search(rf"^\| `{extra}` .*$", page, re.M)[0]))
    assert _names(wanted) <= listed


def test_the_lock_file_has_all_that_ci_installs():
    locked = {
        line.split("==")[0].lower().replace("_", "-")
        for line in (PROJECT / ".ci" / "lock.txt").read_text().splitlines()
    }
    extras = DECLARED["optional-dependencies"]
    assert _names([*DECLARED["dependencies"], *extras["test"], *extras["lint"], *extras["docs"]]) <= locked


@pytest.mark.slow
def test_fits_refits_and_plans_import_the_numerical_core_alone():
    others = sorted(_names(DECLARED["dependencies"]) - set(CORE))
    assert "plotly" in others
    code = f"""
import sys
for name in {[name.replace("-", "_") for name in others]}:
    sys.modules[name] = None
from deepcausalmmm_jax import bootstrap, cross_validate, fit, fit_many, load, optimize_budget, sample_posterior, scenario, simulate
simulate(1, 30, 1, 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-1000:]
