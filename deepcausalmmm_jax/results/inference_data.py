"""Draws in the form that ArviZ reads."""

from importlib import import_module

import numpy as np

from deepcausalmmm_jax.attribution.by_replicate import Contributed
from deepcausalmmm_jax.axes import CHANNEL, REGION, TIME
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.training.fitted import Fitted

_OF_DRAWS = ("chain", "draw")  # axes that ArviZ adds


def inference_data(
    fitted: Fitted, chains: int, shares: np.ndarray, summary: dict[str, np.ndarray], curves: Contributed
) -> object:
    """Draws by chain, with channels as a coordinate, and the KPI, which is `kpi` where its own name has a meaning here.

    Args:
        fitted: the model.
        chains: number of chains that the draws consist of, one after the other.
        shares: `[draw, channel]`, of the KPI.
        summary: columns of `media_summary`, `[draw, channel]`.
        curves: of the draws.

    Raises:
        ConfigError: ArviZ is not installed.
    """
    try:
        arviz = import_module("arviz")
    except ImportError:
        raise ConfigError('to_inference_data needs ArviZ: pip install "deepcausalmmm_jax[bayes]".') from None
    by_channel = {"share": shares, **curves.curves, **{name: summary[name] for name in ("incremental_outcome", "roi")}}
    posterior = {name: _by_chain(values, chains) for name, values in by_channel.items() if np.isfinite(values).any()}
    dims = {name: [CHANNEL] for name in posterior}
    posterior["total_share"] = _by_chain(shares.sum(axis=1), chains)
    panel = fitted.panel
    coords = {CHANNEL: list(panel.channels), REGION: list(panel.regions), TIME: list(panel.weeks)}
    taken = {*posterior, *coords, *_OF_DRAWS}  # ArviZ has one list of dimensions for all
    kpi = "kpi" if panel.kpi_label in taken else panel.kpi_label
    return arviz.from_dict(
        posterior=posterior,
        observed_data={kpi: np.where(panel.weights > 0, panel.kpi, np.nan)},
        coords=coords,
        dims={**dims, kpi: [REGION, TIME]},
    )


def _by_chain(values: np.ndarray, chains: int) -> np.ndarray:
    """`[chain, draw, ...]` from `[draw, ...]`."""
    return values.reshape(chains, -1, *values.shape[1:])
