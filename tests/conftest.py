"""Several CPU devices before JAX starts, a quick configuration, and panels that tests share."""

import atexit
import gc
import os
import shutil
import tempfile

from tests.processes import xla_flags

if "XLA_FLAGS" not in os.environ:  # once, for all workers
    os.environ["XLA_FLAGS"] = xla_flags(devices=2)
if "DEEPCAUSALMMM_JAX_CACHE" not in os.environ:  # all workers and command lines share programs, and leave none behind
    os.environ["DEEPCAUSALMMM_JAX_CACHE"] = tempfile.mkdtemp(prefix="deepcausalmmm_jax_tests_")
    atexit.register(shutil.rmtree, os.environ["DEEPCAUSALMMM_JAX_CACHE"], ignore_errors=True)

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import chex
import jax
import pytest
from hypothesis import settings

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.io import program_cache
from deepcausalmmm_jax.io.program_cache import make_room_for_more
from deepcausalmmm_jax.posterior import mode
from deepcausalmmm_jax.training import estimate
from deepcausalmmm_jax.training.structural_family import StructuralFamily
from tests.long_fits import LongFitsOptimised
from tests.order import SharedFits, place_of

# Tracing makes many objects that live on; to look through them all, again and again, took a twelfth of the time.
gc.set_threshold(100_000, 10, 10)
dcm.keep_programs()
jax.config.update("jax_traceback_in_locations_limit", 0)  # written for every operation, read by nobody here
if "xla_backend_optimization_level=0" in os.environ["XLA_FLAGS"]:  # but what runs hundreds of times
    quicker = {"xla_backend_optimization_level": 1}
    mode._evaluate._program = jax.jit(mode._evaluate._function, compiler_options=quicker)
    estimate.run_chunk._program = LongFitsOptimised(estimate.run_chunk, quicker)
program_cache._MOST_SHAPES = 60  # tests come back to the same few panels; a service does not
settings.register_profile("brief", max_examples=30)
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Files that share fits run on one worker."""
    return SharedFits(config, log)


def pytest_configure(config: pytest.Config) -> None:
    """Laws that name no number of examples are tried on fewer of them where the slow tests are left out as well."""
    if config.option.markexpr == "not slow":
        settings.load_profile("brief")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Hand out whole files, those that take longest first."""
    items.sort(key=place_of)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the shared panels."""
    if not SHARED.is_dir():
        pytest.skip(f"the shared data are not at {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def quick() -> dcm.Config:
    """A short training, enough to move, not to converge; and no draws."""
    return dcm.Config(
        training=dataclasses.replace(dcm.Training(), max_epochs=100, chunk_epochs=25),
        posterior=dcm.PosteriorSettings(method="none"),
    )


@pytest.fixture(scope="session")
def small_panel() -> dcm.Panel:
    """Four regions, 60 weeks, three channels, two controls."""
    return dcm.simulate(4, 60, 3, 2, seed=1)[0]


@pytest.fixture(scope="session")
def small_result(small_panel: dcm.Panel, quick: dcm.Config) -> dcm.FitResult:
    """A quick fit of the small panel."""
    return dcm.fit(small_panel, quick, holdout=8)


@pytest.fixture(scope="session")
def small_ensemble(small_result: dcm.FitResult) -> dcm.Ensemble:
    """Four quick refits of it."""
    return dcm.bootstrap(small_result, 4, seed=3, method="weights", checks=0, progress=False)


@pytest.fixture(scope="session")
def published() -> dcm.Config:
    """A short training of the paper's model."""
    short = {"hidden_size": 8, "epochs": 40, "warm_start_epochs": 10, "graph_warm_up": 10, "graph_interval": 5}
    return dcm.Config.paper("triangular", **short)


@pytest.fixture(scope="session")
def published_result(small_panel: dcm.Panel, published: dcm.Config) -> dcm.FitResult:
    """A quick fit of it to the small panel."""
    return dcm.fit(small_panel, published, holdout=8)


@pytest.fixture(scope="session")
def earlier_result(small_panel: dcm.Panel, quick: dcm.Config) -> dcm.FitResult:
    """A quick fit of the small panel as it was four weeks ago."""
    return dcm.fit(small_panel.select(weeks=slice(0, 56)), quick, holdout=8, progress=False)


@pytest.fixture(scope="session")
def reached_panel() -> dcm.Panel:
    """Two regions, 60 weeks, three channels, the first with reach and frequency."""
    return dcm.simulate(2, 60, 3, 1, seed=1, reach_frequency=1)[0]


@pytest.fixture(scope="session")
def reached_result(reached_panel: dcm.Panel, quick: dcm.Config) -> dcm.FitResult:
    """A quick fit of it, with a stated half-frequency and a lift test."""
    priors = dcm.Priors(half_frequency=(("channel_1", 4.0, 0.01),))
    weeks = [str(reached_panel.weeks[at].date()) for at in (20, 23)]
    test = dcm.LiftTest("channel_1", *weeks, lift=1e4, standard_error=1e4, kind="holdback")
    return dcm.fit(reached_panel, quick.replace(priors=priors, experiments=(test,)), holdout=8)


@pytest.fixture
def limit_traces(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Fail from here on if a chunk of training is traced, and so compiled, more often than a given number of times."""

    unlimited = estimate._PreciseRecipe.run_chunk

    def limit(times: int) -> None:
        chex.clear_trace_counter()
        limited = chex.assert_max_traces(unlimited, n=times)
        monkeypatch.setattr(estimate._PreciseRecipe, "run_chunk", limited)

    return limit


@pytest.fixture
def prepared_weeks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of weeks of the panels that are prepared for the default model from here on, in turn."""
    weeks: list[int] = []
    original = StructuralFamily.inputs

    def inputs(family: StructuralFamily, panel: dcm.Panel, *rest: Any) -> Any:
        weeks.append(len(panel.weeks))
        return original(family, panel, *rest)

    monkeypatch.setattr(StructuralFamily, "inputs", inputs)
    return weeks


@pytest.fixture(scope="session")
def drawn(quick: dcm.Config) -> dcm.Config:
    """A short training, and draws from the posterior with the likelihood in full: two years are to show two channels."""
    return quick.replace(posterior=dcm.PosteriorSettings(draws=60, coarsening=1e6))


@pytest.fixture(scope="session")
def national() -> tuple[dcm.Panel, dcm.Truth]:
    """One region, 104 weeks, two channels, one control."""
    return dcm.simulate(1, 104, 2, 1, seed=5, noise=0.03, confounded=0)


@pytest.fixture(scope="session")
def national_ensemble(national: tuple[dcm.Panel, dcm.Truth], drawn: dcm.Config) -> dcm.Ensemble:
    """Its fit as users get it: draws from the posterior by themselves."""
    result = dcm.fit(national[0], drawn, progress=False)
    assert isinstance(result, dcm.Ensemble)
    return result


@pytest.fixture(scope="session")
def unsure_ensemble(drawn: dcm.Config) -> dcm.Ensemble:
    """A fit of the same shapes to a panel that says little: much noise, few effects."""
    panel = dcm.simulate(1, 104, 2, 1, seed=6, noise=0.3, media_share=0.03, confounded=0)[0]
    result = dcm.fit(panel, drawn, progress=False)
    assert isinstance(result, dcm.Ensemble)
    return result


@pytest.fixture(scope="session")
def trained(national_ensemble: dcm.Ensemble) -> dcm.FitResult:
    """The same as training left it."""
    fitted = national_ensemble.fitted
    return dcm.FitResult(dataclasses.replace(fitted, variables=fitted.trained, trained=None))


@pytest.fixture(autouse=True, scope="module")
def room_for_programs():
    """Forget compiled programs where there are many, after each file: not every file fits, reads or reports."""
    yield
    make_room_for_more()
