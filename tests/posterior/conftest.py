import dataclasses

import pytest

import deepcausalmmm_jax as dcm

DRAWS = 60


@pytest.fixture(scope="session")
def drawn(quick: dcm.Config) -> dcm.Config:
    """A short training, and draws from the posterior."""
    return quick.replace(posterior=dcm.PosteriorSettings(draws=DRAWS))


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
def trained(national_ensemble: dcm.Ensemble) -> dcm.FitResult:
    """The same as training left it."""
    fitted = national_ensemble.fitted
    return dcm.FitResult(dataclasses.replace(fitted, variables=fitted.trained, trained=None))
