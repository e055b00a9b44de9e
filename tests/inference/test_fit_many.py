import dataclasses

import jax
import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.inference.fit_many import prepared, weights_of
from deepcausalmmm_jax.inference.many import Fits, Task
from deepcausalmmm_jax.inference.rolling_origin import stacked
from deepcausalmmm_jax.parallel.devices import devices_for
from deepcausalmmm_jax.parallel.hosts import disagreement, fingerprints, own_share


def _shares(result):
    return result.media_summary()["pct_of_contribution"].to_numpy()


@pytest.fixture(scope="module")
def other_panel():
    return dcm.simulate(4, 60, 3, 2, seed=2)[0]


@pytest.fixture(scope="module")
def short(quick):
    """So few epochs that rounding, which grows from some sixty epochs on, is still small."""
    return quick.replace(training=dataclasses.replace(quick.training, max_epochs=50))


@pytest.fixture(scope="module")
def many(small_panel, other_panel, short):
    return dcm.fit_many([small_panel, other_panel], short, seeds=[0, 5], progress=False)


@pytest.mark.slow
def test_each_of_many_fits_is_the_single_one(many, small_panel, other_panel, short):
    assert len(many) == 4
    first, single = dcm.fit(small_panel, short), dcm.fit(other_panel, short, seed=5)
    np.testing.assert_allclose(_shares(many[0]), _shares(first), rtol=1e-3, atol=1e-2)
    np.testing.assert_allclose(_shares(many[3]), _shares(single), rtol=1e-3, atol=1e-2)
    np.testing.assert_allclose(many[3].predict(), single.predict(), rtol=2e-4)
    assert [result.fitted.seed for result in many] == [0, 5, 0, 5]
    assert many[2].panel is other_panel
    assert len(many[3].fitted.record.objective) == len(single.fitted.record.objective)
    assert many[3].fitted.record.seconds > 0


@pytest.mark.slow
def test_fits_side_by_side_need_no_controls(small_panel, short):
    bare = dataclasses.replace(small_panel, controls=(), control=small_panel.control[:, :, :0])
    one = prepared(bare, weights := weights_of(bare, 8, ""), short)
    several = stacked([Task(jax.random.key(seed), one.inputs, weights, one.hyperparameters) for seed in range(3)])
    variables, history = jax.eval_shape(Fits(one.design, one.schedule, 2).__call__, several, None)
    assert variables["params"]["control"]["region"].shape == (3, 4, 0)
    assert history.status.shape == (3,)


_TINY = dcm.Config.paper(hidden_size=2, epochs=20, warm_start_epochs=5)


@pytest.mark.slow
def test_fits_of_other_shapes_are_grouped_by_program(small_panel):
    smaller = small_panel.select(regions=list(small_panel.regions[:3]))
    faster = _TINY.replace(published=dataclasses.replace(_TINY.published, learning_rate=0.02))
    found = dcm.fit_many([small_panel, smaller], [_TINY, faster], progress=False)
    assert [result.panel.shape[0] for result in found] == [4, 4, 3, 3]
    assert [result.fitted.config.published.learning_rate for result in found] == [0.01, 0.02, 0.01, 0.02]
    assert np.abs(_shares(found[3]) - _shares(found[2])).max() > 1e-4


def test_bad_requests_name_the_panel(small_panel, quick):
    silent = dataclasses.replace(small_panel, exposure=small_panel.exposure * np.array([1.0, 0.0, 1.0]))
    with pytest.raises(dcm.DataError, match="Panel 1: Channel .* is zero"):
        dcm.fit_many([small_panel, silent], quick)
    with pytest.raises(dcm.DataError, match="Entry 1 of panels must be a Panel, got str"):
        dcm.fit_many([small_panel, "panel.csv"], quick)
    test = dcm.LiftTest("channel_2", "2022-05-23", "2022-07-11", 900.0, 90.0, regions=("region_4",))
    fewer, tested = small_panel.select(regions=["region_1", "region_2"]), quick.replace(experiments=(test,))
    with pytest.raises(dcm.DataError, match="Panel 1: The lift test .* is in region 'region_4'"):
        dcm.fit_many([small_panel, fewer], tested)
    with pytest.raises(dcm.DataError, match="KPI visits: The lift test .* is in region 'region_4'"):
        dcm.fit_kpis({"visits": fewer, "sales": fewer}, dcm.Config(experiments=(test,)))
    for changes, said in (
        ({"seeds": []}, "at least one seed"),
        ({"configs": []}, "at least one configuration"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"devices": "gpu"}, "JAX finds no gpu device on this host, only cpu"),
        ({"devices": []}, "devices must be among those of this host"),
    ):
        with pytest.raises(dcm.ConfigError, match=said):
            dcm.fit_many(small_panel, **changes)


@pytest.mark.slow
def test_a_fit_that_breaks_is_named(small_panel, short):
    wild = short.replace(training=dataclasses.replace(short.training, learning_rate=10.0))
    with pytest.raises(dcm.FitError, match="panel 0, setting 1, seed 0"):
        dcm.fit_many(small_panel, [short, wild], seeds=[0, 5], progress=False)


def test_devices_may_be_named_or_listed():
    assert devices_for("cpu") == tuple(jax.local_devices())
    assert devices_for(jax.local_devices()[:1]) == tuple(jax.local_devices()[:1])


def test_hosts_that_were_asked_otherwise_are_told_what_differs():
    names = ["panel", "seed"]
    asked = [{"panel": "a", "seed": 1}, {"panel": "a", "seed": 1}, {"panel": "a", "seed": 2}]
    everywhere = np.stack([fingerprints(arguments) for arguments in asked])
    assert disagreement(names, everywhere[:2]) is None
    assert "Host 2 was started with a different seed from host 0" in disagreement(names, everywhere)


def test_a_single_host_does_all_the_work():
    assert own_share(3) == [0, 1, 2]
