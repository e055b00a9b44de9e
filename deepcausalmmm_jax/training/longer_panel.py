"""Variables of a fit as a start for a panel with more training weeks."""

import jax.numpy as jnp
import numpy as np

from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.bases import knot_basis
from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.data.inputs import knot_weeks
from deepcausalmmm_jax.model.parameters import Parameters


def on_longer_panel(
    variables: Variables,
    config: Config,
    n_before: int,
    n_after: int,
    raised: np.ndarray,
    n_knots: int,
    n_region_knots: int,
    cadence: Cadence = Cadence.WEEKLY,
) -> Variables:
    """Variables of a fit in the shapes of a panel that begins in the same week and has other training weeks.

    What has a value at the knots of a trend (the trends, the path of the coefficients) is read off at the new knots;
    after the last training week so far it keeps its last value, which is what a random walk expects. All else keeps
    its shape and its value: curves, coefficients, season, effects of controls, network, learned prior scales, noise
    and graph.

    Args:
        variables: of the model, numpy arrays in nested dicts.
        config: settings, for the spacing of the knots.
        n_before: training weeks of the fit.
        n_after: training weeks of the new panel.
        raised: `[region]`, by how much the mean KPI of the training weeks has risen, scaled.
        n_knots: knots of the national trend to make room for; those after the last one have no influence.
        n_region_knots: the same for the regions' deviations.
        cadence: of the panel.

    Returns:
        Variables with `n_knots` and `n_region_knots` knots.
    """
    own = Parameters.of(variables["params"])
    national = jnp.asarray(_read_off(cadence.steps(config.knot_spacing), n_before, n_after, n_knots))
    regional = jnp.asarray(_read_off(cadence.steps(config.region_knot_spacing), n_before, n_after, n_region_knots))
    continued = own._replace(
        trend=own.trend._replace(shared=national @ own.trend.shared, region=own.trend.region @ regional.T),
        coefficients=own.coefficients._replace(path=national @ own.coefficients.path),
        mean=own.mean + raised,
    )
    return {"params": continued.as_flax(), "fitted": variables["fitted"]}


def _read_off(spacing: int, n_before: int, n_after: int, n_knots: int) -> np.ndarray:
    """Weights of the old knots in the new ones, `[new knot, old knot]`; those after the last repeat it."""
    before, after = knot_weeks(n_before, spacing), knot_weeks(n_after, spacing)
    weeks = np.pad(after, (0, n_knots - len(after)), mode="edge")
    return np.asarray(knot_basis(weeks, before), np.float32)
