import dataclasses
import sys
import types

import numpy as np
import pytest

import deepcausalmmm_jax as dcm

NUTS = dcm.PosteriorSettings(method="nuts")


@pytest.fixture
def no_extras(monkeypatch):
    for name in ("blackjax", "arviz"):
        monkeypatch.setitem(sys.modules, name, None)


def test_without_blackjax_the_method_is_refused_before_anything_is_computed(no_extras, trained, national, quick):
    with pytest.raises(
        dcm.ConfigError, match=r'method="nuts" needs BlackJAX: pip install "deepcausalmmm_jax\[bayes\]"'
    ):
        dcm.sample_posterior(trained, method="nuts")
    with pytest.raises(dcm.ConfigError, match="needs BlackJAX"):
        dcm.fit(national[0], quick.replace(posterior=NUTS), progress=False)


def test_without_arviz_its_export_is_refused(no_extras, national_ensemble):
    with pytest.raises(dcm.ConfigError, match="to_inference_data needs ArviZ"):
        national_ensemble.to_inference_data()


def test_the_no_u_turn_sampler_agrees_with_the_short_chains(trained, national_ensemble, tmp_path):
    pytest.importorskip("blackjax", reason="the extra bayes is not installed")
    ensemble = dcm.sample_posterior(trained, 202, "nuts")
    assert len(ensemble.replicates) == 204
    assert ensemble.replicates.chains == 4
    assert ensemble.sampling()["r_hat"] < 1.1
    ours, theirs = national_ensemble.notes(), ensemble.notes()
    width = theirs["share_high"] - theirs["share_low"]
    for column in ("share", "share_low", "share_high"):
        assert (np.abs(ours[column] - theirs[column]) < 0.35 * width).all()
    again = dcm.load(ensemble.save(tmp_path / "nuts.npz"))
    assert again.replicates.chains == 4


def test_arviz_reads_the_draws_by_chain(trained):
    pytest.importorskip("blackjax", reason="the extra bayes is not installed")
    arviz = pytest.importorskip("arviz", reason="the extra bayes is not installed")
    ensemble = dcm.sample_posterior(trained, 100, "nuts")
    data = ensemble.to_inference_data()
    assert data.posterior.sizes == {"chain": 4, "draw": 25, "channel": 2}
    draws = ensemble.share_draws().to_numpy() / 100
    np.testing.assert_allclose(data.posterior["share"].values.reshape(100, 2), draws)
    np.testing.assert_allclose(data.posterior["total_share"].values.ravel(), draws.sum(axis=1))
    assert arviz.summary(data, var_names=["share", "roi"])["r_hat"].max() < 1.5  # of 25 draws a chain
    assert data.observed_data["sales"].sizes == {"region": 1, "time": 104}


@pytest.mark.parametrize("kpi", ["share", "total_share", "roi", "region", "channel", "draw"])
def test_a_kpi_named_like_a_figure_of_the_draws_is_exported_as_kpi(national_ensemble, monkeypatch, kpi):
    given = {}
    arviz = types.SimpleNamespace(from_dict=lambda **parts: given.update(parts))
    monkeypatch.setitem(sys.modules, "arviz", arviz)
    fitted = national_ensemble.fitted
    panel = dataclasses.replace(fitted.panel, kpi_name=kpi)
    dcm.Ensemble(dataclasses.replace(fitted, panel=panel), national_ensemble.replicates).to_inference_data()
    assert list(given["observed_data"]) == ["kpi"]
    assert given["dims"]["share"] == ["channel"]
    assert given["dims"]["kpi"] == ["region", "time"]
    assert not {"total_share", "region", "time"} & set(given["dims"])
