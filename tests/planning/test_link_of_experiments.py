import dataclasses

import pytest

import deepcausalmmm_jax as dcm


def test_tests_are_not_planned_where_they_could_not_be_learned_from(small_ensemble):
    multiplied = small_ensemble.config.replace(link="log")
    ensemble = dcm.Ensemble(dataclasses.replace(small_ensemble.fitted, config=multiplied), small_ensemble.replicates)
    with pytest.raises(dcm.ConfigError, match=r'plan_experiments needs link="identity"'):
        dcm.plan_experiments(ensemble)
