import json
from contextlib import nullcontext

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from typer.testing import CliRunner

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.benchmarking import epochs, suite
from deepcausalmmm_jax.benchmarking.machine_limits import MachineLimits
from deepcausalmmm_jax.benchmarking.operation_counts import OperationCounts, count_operations
from deepcausalmmm_jax.benchmarking.plan import Plan
from deepcausalmmm_jax.benchmarking.refits import parts
from deepcausalmmm_jax.benchmarking.suite import exponents
from deepcausalmmm_jax.cli.app import app
from deepcausalmmm_jax.cli.benchmark import measure

_SMALL = (2, 24, 2, 1)
_PLAN = Plan(
    single=_SMALL,
    paper=dcm.Config.paper(hidden_size=2, epochs=10),
    full_fit=False,
    base=_SMALL,
    regions=(2,),
    weeks=(24,),
    channels=(2,),
    refit=_SMALL,
    replicates=(2,),
    largest=None,
    matrix=64,
    epochs=1,
    times=1,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("benchmark")
    with pytest.MonkeyPatch.context() as patched:  # every number of workers compiles anew
        patched.setattr(suite, "parts", lambda devices: [1])
        patched.setattr(suite, "programs_compiled_anew", nullcontext)
        measure(_PLAN, place)
    return place


@pytest.mark.slow
def test_figures_come_as_json_table_and_page(folder):
    found = json.loads((folder / "benchmark.json").read_text())
    assert {"machine", "ceilings", "single", "scaling", "replicates", "workers", "seconds"} <= set(found)
    assert found["machine"]["versions"]["jax"] == jax.__version__
    assert found["scaling"][0]["regions"] == 2
    default, paper = found["single"]
    for row in (default, paper):
        assert row["ms_per_epoch"] > 0
        assert row["compile_s"] > 0
        assert 0 < row["share_of_product_ceiling"] < 1.5
        assert row["steps"] >= 2 * 24  # weeks forward and backward
        assert row["epoch_ms"] == pytest.approx(row["forward_ms"] + row["backward_ms"] + row["rest_ms"])
    assert "Refits by number" in (folder / "benchmark.txt").read_text()
    page = (folder / "benchmark.html").read_text()
    assert "Plotly.newPlot" in page
    assert "<script src" not in page


def test_a_device_that_is_absent_is_one_sentence(tmp_path):
    ran = CliRunner().invoke(app, ["benchmark", "--quick", "--devices", "gpu", "--out", str(tmp_path / "never")])
    assert isinstance(ran.exception, dcm.ConfigError)
    assert "no gpu device on this host" in str(ran.exception)
    assert not (tmp_path / "never").exists()


def test_products_and_steps_are_counted_through_loops_and_branches():
    a = jnp.ones((3, 4))

    def step(h, _):
        h = jax.lax.cond(h.sum() > 0, lambda: (h @ a) @ a.T, lambda: h)
        return h, h[0, 0]

    needs = count_operations(lambda h: jax.lax.scan(step, h, length=5), jnp.ones((2, 3)))
    assert needs.products == 5 * (2 * 2 * 3 * 4 + 2 * 2 * 4 * 3)
    assert needs.steps == 5
    nested = count_operations(lambda h: jax.lax.scan(lambda c, _: (jax.lax.scan(step, c, length=7)[0], None), h, length=2), jnp.ones((2, 3)))  # fmt: skip
    assert nested.steps == 14


def test_gradients_pass_the_loop_twice():
    def loss(x):
        return jax.lax.scan(lambda h, row: (jnp.tanh(h + row), None), jnp.zeros(3), x)[0].sum()

    assert count_operations(jax.grad(loss), jnp.ones((6, 3))).steps == 12


def test_bytes_that_a_loop_reads_and_writes_week_by_week_are_counted():
    carried, weeks, constant = jnp.zeros(3), jnp.ones((6, 3)), jnp.ones((3, 3))

    def loop(carried, weeks, constant):
        return jax.lax.scan(lambda h, row: (jnp.tanh(constant @ h + row), h.sum()), carried, weeks)

    ends = 4 * (3 + 6 * 3 + 3 * 3 + 3 + 6)  # arguments and results of the program
    by_week = 4 * (6 * 3 + 6)
    assert count_operations(loop, carried, weeks, constant).streamed == ends + by_week


def test_needs_become_times_by_the_machines_limits():
    least = OperationCounts(2e9, 0.0, 3e9, 1000.0).least_ms(MachineLimits(100.0, 30.0, 0.5))
    assert least == pytest.approx({"products": 20.0, "bytes": 100.0, "steps": 0.5})


def test_exponents_leave_out_the_smallest_size():
    rows = [{"against": "weeks", "size": n, "ms_per_epoch": 5.0 if n == 1 else 3.0 * n**0.8} for n in (1, 2, 4, 8)]
    assert exponents(rows) == {"weeks": pytest.approx(0.8)}


def test_workers_are_compared_up_to_all():
    found = parts(tuple(jax.local_devices()))
    assert found[0] == 1
    assert found[-1] == len(jax.local_devices())
    assert (np.diff(found) > 0).all()


def test_no_part_of_an_epoch_takes_less_than_no_time(monkeypatch):
    """On a busy machine the gradient may be timed below the model forward, which is a part of it."""
    timed = iter((0.010, 0.012, 0.011))  # the epoch, and its two parts in whatever order
    monkeypatch.setattr(epochs, "seconds", lambda call, times: next(timed))
    row = epochs.where_it_goes(_SMALL, dcm.Config(), epochs=1, times=1)
    assert min(row.values()) >= 0
    assert row["epoch_ms"] == pytest.approx(10.0)
    assert row["epoch_ms"] == pytest.approx(row["forward_ms"] + row["backward_ms"] + row["rest_ms"])
