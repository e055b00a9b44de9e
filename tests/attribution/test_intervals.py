import dataclasses

import jax
import numpy as np
import pandas as pd

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.intervals import outside


def test_rows_whose_estimate_is_outside_its_interval_are_found():
    table = pd.DataFrame(
        {"roi": [1.0, 2.0, 3.0, np.nan], "roi_low": [0.5, 2.5, 1.0, np.nan], "roi_high": [1.5, 3.0, 2.0, np.nan]}
    )
    np.testing.assert_array_equal(outside(table), [False, True, True, False])


def test_an_estimate_outside_its_interval_is_told_and_one_inside_is_not(small_ensemble):
    fitted, made = small_ensemble.fitted, small_ensemble.replicates
    alike = jax.tree.map(lambda own: np.repeat(np.asarray(own)[None], 4, axis=0), fitted.variables)
    same = dcm.Ensemble(fitted, dataclasses.replace(made, variables=alike))
    assert not same.media_summary()["note"].str.contains("outside").any()
    alike["params"]["coefficients"]["level"][:, 0] += 2.0  # every refit gives the first channel seven times as much
    apart = dcm.Ensemble(fitted, dataclasses.replace(made, variables=alike))
    for table in (apart.media_summary(), apart.notes()):
        assert "outside its interval" in table["note"].iloc[0]
