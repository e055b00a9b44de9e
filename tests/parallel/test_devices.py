"""One fit and many over simulated devices."""

import subprocess
import sys
import textwrap

import jax
import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.parallel.sharding import over_regions
from tests.processes import with_devices

_ROUNDING = {"rtol": 5e-3, "atol": 5e-2}  # a hundred steps of Adam in another order of sums


def _shares(result):
    return result.media_summary()["pct_of_contribution"].to_numpy()


def test_the_papers_fit_spread_over_devices_by_region_is_the_fit_on_one(small_panel, published_result, published):
    assert len(jax.devices()) > 1
    spread = dcm.fit(small_panel, published, holdout=8, devices="cpu", progress=False)
    np.testing.assert_allclose(_shares(spread), _shares(published_result), **_ROUNDING)


@pytest.mark.slow
def test_a_fit_spread_over_devices_by_region_is_the_fit_on_one(small_panel, small_result, quick, limit_traces):
    limit_traces(1)
    spread = dcm.fit(small_panel, quick, holdout=8, devices="cpu", progress=False)
    np.testing.assert_allclose(_shares(spread), _shares(small_result), **_ROUNDING)
    one, other = spread.fitted.record.objective, small_result.fitted.record.objective
    np.testing.assert_allclose(one[:10], other[:10], rtol=1e-5)


def test_regions_that_do_not_divide_lie_on_fewer_devices_and_that_is_said():
    arrays = np.zeros((6, 4)), np.zeros(5)
    by_region, by_week = over_regions(arrays, jax.devices(), 6)
    assert by_region.sharding.shard_shape((6, 4)) == (3, 4)
    assert by_week.sharding.shard_shape((5,)) == (5,)
    with pytest.warns(UserWarning, match="5 regions cannot be divided evenly among 2 devices, so only 1 is used"):
        assert len(over_regions(np.zeros(5), jax.devices(), 5).sharding.device_set) == 1


def test_a_device_that_is_absent_is_one_sentence(small_panel, published_result):
    for call in (dcm.fit, dcm.fit_many):
        with pytest.raises(dcm.ConfigError, match="JAX finds no gpu device on this host, only cpu"):
            call(small_panel, devices="gpu")
    with pytest.raises(dcm.ConfigError, match="JAX finds no gpu device on this host, only cpu"):
        dcm.bootstrap(published_result, 2, devices="gpu")


_EIGHT = """
import jax, numpy as np
import deepcausalmmm_jax as dcm

assert len(jax.devices()) == 8
panel = dcm.simulate(8, 30, 2, 1, seed=3)[0]
tiny = dcm.Config.paper(hidden_size=2, epochs=6, warm_start_epochs=2)
seeds = list(range(9))
want = [dcm.fit(panel, tiny, seed=seed, progress=False) for seed in seeds]
close = lambda a, b: np.testing.assert_allclose(a.predict(), b.predict(), rtol=1e-4)
for engine in ("shard_map", "pmap", "threads"):
    for one, other in zip(dcm.fit_many(panel, tiny, seeds=seeds, engine=engine, progress=False), want, strict=True):
        close(one, other)
    print(engine)
close(dcm.fit(panel, tiny, seed=0, devices="cpu", progress=False), want[0])
print("by region")
"""


@pytest.mark.slow
def test_eight_devices_give_the_numbers_of_one_for_every_engine():
    environment = with_devices(8) | {"NPROC": "8"}
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_EIGHT)], env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split("\n")[:4] == ["shard_map", "pmap", "threads", "by region"]
