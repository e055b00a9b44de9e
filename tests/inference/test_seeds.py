"""A seed that no generator takes is refused by everything that draws, before any work is done."""

import pytest

import deepcausalmmm_jax as dcm

DRAWS = {
    "fit": lambda panel, result, seed: dcm.fit(panel, seed=seed),
    "fit_many": lambda panel, result, seed: dcm.fit_many(panel, seeds=[0, seed]),
    "cross_validate": lambda panel, result, seed: dcm.cross_validate(panel, result.config, seeds=[seed]),
    "bootstrap": lambda panel, result, seed: dcm.bootstrap(result, 2, seed=seed),
    "sample_posterior": lambda panel, result, seed: dcm.sample_posterior(result, seed=seed),
    "prior_predictive": lambda panel, result, seed: dcm.prior_predictive(panel, seed=seed),
    "forecast_draws": lambda panel, result, seed: result.forecast_draws(seed=seed),
    "simulate": lambda panel, result, seed: dcm.simulate(2, 20, 1, 0, seed),
    "fit_hill": lambda panel, result, seed: dcm.fit_hill([1, 2, 3, 4, 5], [1, 2, 3, 4, 5], seed=seed),
    "Search": lambda panel, result, seed: dcm.Search(seed=seed),
}


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, None, "1"])
@pytest.mark.parametrize("name", DRAWS)
def test_a_seed_out_of_range_is_refused(name, seed, small_panel, small_result):
    with pytest.raises(dcm.ConfigError, match="must be a whole number, 0 or more and below 2"):
        DRAWS[name](small_panel, small_result, seed)
