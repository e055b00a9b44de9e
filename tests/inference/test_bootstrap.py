import dataclasses
import importlib
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import jax
import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.inference.bootstrap import _keys, _sample
from deepcausalmmm_jax.inference.resampling import Refits, _in_every_week, drawn
from deepcausalmmm_jax.training.prepare import prepare
from tests.processes import with_devices

bootstrap_module = importlib.import_module("deepcausalmmm_jax.inference.bootstrap")  # the package has its function


@pytest.fixture(scope="module")
def small_result(small_panel, quick):
    """A fit of small steps: those of the default make tenths of a point out of the rounding of a program's shape."""
    calm = dataclasses.replace(quick.training, learning_rate=0.005, max_epochs=50)
    return dcm.fit(small_panel, quick.replace(training=calm), holdout=8)


@pytest.fixture(scope="module")
def ensemble(small_result):
    return dcm.bootstrap(small_result, 5, seed=3, method="weights", checks=2, batch_size=1, progress=False)


@pytest.fixture(scope="module")
def sample(small_result):
    fitted = small_result.fitted
    return _sample(fitted, prepare(fitted.panel, fitted.weights, fitted.config), warm=True)


def _shares(ensemble):
    return ensemble.share_draws().to_numpy()


# Points of the KPI: programs of another shape round otherwise, and some hundred steps of Adam make more of it. Draws lie
# a point apart.
_ROUNDING = {"rtol": 2e-3, "atol": 1e-2}


def test_a_refit_that_diverged_is_left_out_and_counted(ensemble, small_result, monkeypatch, tmp_path):
    """The health card said that 0% of the refits had failed, however many had."""

    def with_one_diverged(refits, count):
        every = gathered(refits, count)
        status = np.where(np.arange(count) == 1, dcm.FitStatus.DIVERGED, np.asarray(every.status))
        return every._replace(status=status)

    gathered = bootstrap_module.gathered
    monkeypatch.setattr(bootstrap_module, "gathered", with_one_diverged)
    left = dcm.bootstrap(small_result, 5, seed=3, method="weights", checks=2, batch_size=1, progress=False)
    np.testing.assert_allclose(_shares(left), np.delete(_shares(ensemble), 1, axis=0), **_ROUNDING)
    again = dcm.load(left.save(tmp_path / "left.npz"))
    assert [one.replicates.failed for one in (ensemble, left, again)] == [0, 1, 1]
    assert len(left.replicates.check) == 1


def test_the_ensemble_keeps_the_point_estimate_and_puts_bounds_beside_it(ensemble, small_result):
    plain, bounded = small_result.media_summary(), ensemble.media_summary(level=0.8)
    np.testing.assert_allclose(bounded["incremental_outcome"], plain["incremental_outcome"])
    for name in ("incremental_outcome", "pct_of_contribution", "roi", "mroi", "cpik", "effectiveness"):
        assert (bounded[f"{name}_low"] <= bounded[f"{name}_high"]).all()
    wide, narrow = ensemble.media_summary(0.95), ensemble.media_summary(0.2)
    assert (wide["roi_low"] <= narrow["roi_low"]).all()


def test_refits_differ_from_each_other_and_lie_around_the_estimate(ensemble, small_result):
    share = ensemble.notes()["share"].to_numpy()
    assert (_shares(ensemble).std(axis=0) > 1e-3).all()
    assert (np.abs(_shares(ensemble).mean(axis=0) - share) < 0.5 * share + 2.0).all()


def test_national_intervals_add_up_over_regions(ensemble):
    low, high = ensemble.contribution_intervals(0.9).values
    assert (low <= high).all()
    draws = ensemble._contributed
    np.testing.assert_allclose(draws.national.sum(axis=1), draws.regional.sum(axis=1), rtol=1e-4, atol=1.0)


@pytest.mark.slow
def test_a_draw_depends_on_its_number_and_the_seed_alone(small_result, ensemble):
    fewer = dcm.bootstrap(small_result, 3, seed=3, method="weights", checks=0, batch_size=1, progress=False)
    np.testing.assert_allclose(_shares(fewer), _shares(ensemble)[:3], **_ROUNDING)
    other = dcm.bootstrap(small_result, 3, seed=4, method="weights", checks=0, batch_size=1, progress=False)
    assert np.abs(_shares(other) - _shares(fewer)).max() > 0.2


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["threads", "pmap"])  # the fixture's is shard_map
def test_engines_give_the_same_refits_when_replicates_do_not_divide(small_result, ensemble, engine):
    assert len(jax.devices()) > 1
    settings = {"seed": 3, "method": "weights", "checks": 0, "batch_size": 1, "progress": False}
    found = dcm.bootstrap(small_result, 5, engine=engine, **settings)
    np.testing.assert_allclose(_shares(found), _shares(ensemble), **_ROUNDING)


@pytest.mark.slow
def test_refits_side_by_side_need_no_controls(small_panel, quick):
    bare = dataclasses.replace(small_panel, controls=(), control=small_panel.control[:, :, :0])
    once = dataclasses.replace(quick.training, max_epochs=25)
    fitted = dcm.fit(bare, quick.replace(training=once), holdout=8).fitted
    ready = prepare(fitted.panel, fitted.weights, fitted.config)
    refits = Refits(ready.design, ready.schedule, "weights", 8, fitted.n_training_weeks, 2)
    found = jax.eval_shape(refits.__call__, _keys([0, 1, 2], 3), _sample(fitted, ready, warm=True))
    assert found.variables["params"]["control"]["region"].shape == (3, 4, 0)
    assert found.status.shape == (3,)


def test_region_draws_count_regions(sample):
    _, weights = drawn(jax.random.key(0), sample, "region", 8, 52)
    counts = np.asarray(weights)[:, 0]
    assert counts.sum() == len(counts)
    assert set(counts) <= set(range(len(counts) + 1))


def test_block_draws_lay_residuals_of_the_same_weeks_on_all_regions(sample):
    inputs, weights = drawn(jax.random.key(1), sample, "block", 4, 52)
    np.testing.assert_array_equal(weights, sample.weights)
    new = np.asarray(inputs.kpi - sample.prediction)[:, :52]
    old = np.array(sample.inputs.kpi - sample.prediction)[:, :52]
    old -= old.mean(axis=1, keepdims=True)
    source = [int(np.abs(old - new[:, [t]]).sum(axis=0).argmin()) for t in range(52)]
    np.testing.assert_allclose(new, old[:, source], atol=1e-5)
    assert (np.diff(np.array(source).reshape(-1, 4)) == 1).all()


def test_weeks_without_a_kpi_lend_the_residuals_of_the_region_in_turn():
    residual = np.array([[5.0, 9.0, 1.0, 3.0, 7.0], [1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 2.0, 3.0, 4.0, 5.0]])
    seen = np.array([[0, 1, 0, 1, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]], bool)
    filled = np.array([[9.0, 9.0, 3.0, 3.0, 9.0], [1.0, 2.0, 3.0, 4.0, 5.0], [0.0, 0.0, 0.0, 0.0, 0.0]])
    found = np.asarray(_in_every_week(residual, seen))
    np.testing.assert_allclose(found, filled - filled.mean(axis=1, keepdims=True), atol=1e-6)


@pytest.mark.parametrize("seen", [np.arange(60) >= 30, np.arange(60) % 3 == 0])
def test_blocks_vary_as_much_where_the_kpi_of_weeks_is_missing(sample, seen):
    some = sample._replace(weights=sample.weights.at[0].multiply(seen))
    used = np.flatnonzero(np.asarray(some.weights)[0, :52] > 0)
    own = np.asarray(sample.inputs.kpi - sample.prediction)[0, used]
    draws = [drawn(key, some, "block", 4, 52)[0].kpi[0] for key in _keys(list(range(100)), 0)]
    left = np.stack(draws)[:, used] - np.asarray(sample.prediction)[0, used]
    assert left.std() == pytest.approx(own.std(), rel=0.1)
    np.testing.assert_array_equal(np.stack(draws)[:, ~seen], np.tile(sample.inputs.kpi[0, ~seen], (100, 1)))


def test_a_single_region_gets_random_weights_by_blocks_of_weeks(sample):
    alone = sample._replace(weights=sample.weights[:1])
    weights = np.asarray(drawn(jax.random.key(0), alone, "weights", 4, 52)[1])[0, :52].reshape(-1, 4)
    assert (weights == weights[:, :1]).all()
    assert len(np.unique(weights[:, 0])) == 13


def test_random_weights_have_mean_one(sample):
    draws = np.stack([np.asarray(drawn(key, sample, "weights", 8, 52)[1])[:, 0] for key in _keys(list(range(200)), 0)])
    assert abs(draws.mean() - 1.0) < 0.1
    assert (draws >= 0).all()


def test_warm_starts_are_checked_against_cold_ones(ensemble):
    table = ensemble.warm_start_check()
    assert list(table.columns) == ["warm", "cold", "difference", "largest", "spread"]
    np.testing.assert_allclose(table["difference"], table["warm"] - table["cold"])
    assert (table["largest"] >= table["difference"].abs() - 1e-9).all()


@pytest.mark.parametrize("warm", [True, False])
def test_regions_count_in_a_refit_as_in_the_fit_from_whatever_start(warm, small_result):
    variables = small_result.fitted.variables
    shared = {
        **variables,
        "fitted": {**variables["fitted"], "effective": np.float32(0.4), "shared": np.float32(2.0)},
    }  # as regions that share shocks
    fitted = dataclasses.replace(small_result.fitted, variables=shared)
    start = _sample(fitted, prepare(fitted.panel, fitted.weights, fitted.config), warm=warm).start
    assert float(start["fitted"]["effective"]) == pytest.approx(0.4)
    assert float(start["fitted"]["shared"]) == pytest.approx(2.0)


def test_an_ensemble_survives_saving(ensemble, small_result, tmp_path):
    again = dcm.load(ensemble.save(tmp_path / "ensemble.npz"))
    assert isinstance(again, dcm.Ensemble)
    np.testing.assert_array_equal(_shares(again), _shares(ensemble))
    assert again.warm_start_check().equals(ensemble.warm_start_check())
    plain = dcm.load(small_result.save(tmp_path / "fit.npz"))
    assert not isinstance(plain, dcm.Ensemble)
    with pytest.raises(dcm.OutputError, match="without refits"):
        dcm.Ensemble.load(tmp_path / "fit.npz")


def test_a_run_goes_on_from_what_is_on_disk(small_result, ensemble, tmp_path):
    def run(replicates):
        return dcm.bootstrap(
            small_result, replicates, seed=3, method="weights", checks=0, batch_size=1, out=tmp_path, progress=False
        )

    run(2)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    found = run(5)
    assert all((tmp_path / name).stat().st_mtime_ns == then for name, then in before.items())
    np.testing.assert_allclose(_shares(found), _shares(ensemble), **_ROUNDING)


@pytest.mark.slow
def test_a_damaged_file_is_done_again_and_another_run_is_refused(small_result, small_panel, quick, tmp_path):
    def run(result=small_result, **changes):
        settings = {"seed": 3, "method": "weights", "checks": 0, "batch_size": 1, "out": tmp_path, "progress": False}
        return dcm.bootstrap(result, 2, **(settings | changes))

    first = run()
    for path in tmp_path.glob("*.npz"):
        path.write_bytes(path.read_bytes()[:100])
    np.testing.assert_array_equal(_shares(run()), _shares(first))
    higher = dataclasses.replace(small_panel, kpi=small_panel.kpi * 1.1)
    other_settings = quick.replace(penalties=dataclasses.replace(quick.penalties, trend=0.2))
    with pytest.raises(dcm.OutputError, match="another run"):
        run(seed=4)
    with pytest.raises(dcm.OutputError, match="another run"):
        run(dcm.fit(higher, quick, holdout=8))
    with pytest.raises(dcm.OutputError, match="another run"):
        run(dcm.fit(small_panel, other_settings, holdout=8))


@pytest.mark.slow
def test_a_killed_run_gives_the_numbers_of_an_undisturbed_one(small_result, tmp_path):
    small_result.save(tmp_path / "fit.npz")
    script = textwrap.dedent(
        f"""
        import deepcausalmmm_jax as dcm
        result = dcm.load({str(tmp_path / "fit.npz")!r})
        dcm.bootstrap(result, 6, seed=3, method="weights", checks=0, batch_size=1, out={str(tmp_path / "run")!r})
        """
    )
    process = subprocess.Popen([sys.executable, "-c", script], env=with_devices(1))
    deadline = time.monotonic() + 240
    while not list((tmp_path / "run").glob("refits_*.npz")):
        assert process.poll() is None or process.returncode == 0
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    settings = {"seed": 3, "method": "weights", "checks": 0, "batch_size": 1, "progress": False}
    resumed = dcm.bootstrap(small_result, 6, out=tmp_path / "run", **settings)
    undisturbed = dcm.bootstrap(small_result, 6, **settings)
    np.testing.assert_allclose(_shares(resumed), _shares(undisturbed), **_ROUNDING)


@pytest.mark.slow
def test_two_hosts_give_the_refits_of_one(small_result, ensemble, tmp_path):
    small_result.save(tmp_path / "fit.npz")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    script = Path(__file__).parents[2] / "examples" / "bootstrap_hosts.py"
    options = f"--replicates 5 --method weights --seed 3 --batch-size 1 --out {tmp_path / 'refits'} --to {tmp_path / 'all.npz'}"
    hosts = [
        subprocess.Popen(
            [
                sys.executable,
                script,
                tmp_path / "fit.npz",
                *options.split(),
                "--coordinator",
                address,
                "--hosts",
                "2",
                "--host",
                str(host),
            ],
            env=with_devices(1),
        )
        for host in range(2)
    ]
    try:
        assert [host.wait(timeout=300) for host in hosts] == [0, 0]
    finally:
        for host in hosts:
            host.kill()
    np.testing.assert_allclose(_shares(dcm.load(tmp_path / "all.npz")), _shares(ensemble), **_ROUNDING)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"replicates": 0}, "replicates must be a whole number, 1 or more"),
        ({"replicates": 2.5}, "replicates must be"),
        ({"method": "jackknife"}, "method must be one of region, block, weights"),
        ({"engine": "gpu"}, "engine must be one of threads, shard_map, pmap"),
        ({"block": 99}, "longer than the 52 training weeks"),
        (
            {"block": 4, "method": "weights"},
            "block is the length of blocks of weeks, which refits by weights do not draw",
        ),
        ({"block": 4, "method": "region"}, "which refits by region do not draw; leave it out, or set method='block'"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"checks": -1}, "checks must be"),
    ],
)
def test_bad_requests_are_one_sentence(small_result, changes, said):
    with pytest.raises(dcm.ConfigError, match=said):
        dcm.bootstrap(small_result, **({"replicates": 2} | changes))


def test_levels_out_of_range_are_refused(ensemble):
    with pytest.raises(dcm.ConfigError, match="level must be between 0 and 1"):
        ensemble.notes(level=90)


def test_more_refits_than_the_disk_holds_are_refused_before_any_work(small_result, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 20_000))
    with pytest.raises(dcm.OutputError, match="3 refits take about .* GiB free; ask for fewer"):
        dcm.bootstrap(small_result, 3, out=tmp_path)
    assert list(tmp_path.glob("*.npz")) == []


def test_compiling_is_told_apart_from_running(ensemble):
    made = ensemble.replicates
    assert made.compile_seconds > 0
    assert made.seconds > 0


def test_refits_are_made_on_the_scales_that_they_are_read_with(small_result, monkeypatch):
    """An update keeps the scales of the run before it, which are not those of its own weeks."""
    fitted = small_result.fitted
    kept = fitted.scales._replace(kpi=1.3 * fitted.scales.kpi)
    trained_on = []

    def seen(*given):
        trained_on.append(prepare(*given).scales.kpi)
        raise InterruptedError

    monkeypatch.setattr(bootstrap_module, "prepare", seen)
    with pytest.raises(InterruptedError):
        dcm.bootstrap(dcm.FitResult(dataclasses.replace(fitted, scales=kept)), replicates=2, checks=0, progress=False)
    np.testing.assert_array_equal(trained_on, [kept.kpi])
