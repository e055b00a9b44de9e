"""`prior_predictive` and `prior_sensitivity`: what the priors imply, and how much the answers depend on them."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.prices import spent
from deepcausalmmm_jax.axes import CHANNEL
from deepcausalmmm_jax.checks import seed_number, whole_number
from deepcausalmmm_jax.config.asked import require_config
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.asked_panel import require_panel
from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.data.kpi_link import as_log_effects
from deepcausalmmm_jax.data.kpi_scale import counted_kpi, kpi_means, kpi_sizes
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.stated_priors import StatedPriors, revenue_where_on_air
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.inference.sample_posterior import as_trained
from deepcausalmmm_jax.posterior.density import log_priors
from deepcausalmmm_jax.posterior.parameters import n_coordinates
from deepcausalmmm_jax.posterior.prior import log_stated, prior_shares
from deepcausalmmm_jax.posterior.sample import density_of
from deepcausalmmm_jax.results.asked import require_result
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.training.families import family_of
from deepcausalmmm_jax.training.prepare import prepare

_MOVED = 0.1  # of an interval's width, beyond which an estimate counts as sensitive to its prior


def prior_predictive(panel: Panel, config: Config | None = None, draws: int = 1000, seed: int = 0) -> pd.DataFrame:
    """What the priors imply before the KPI is seen: the default ones, and what `config.priors` states of shares.

    Args:
        panel: the data; its spend turns shares into returns.
        config: settings; the defaults when None. Stated shares, ROI, CPIK and the total count; stated curves say
            nothing about shares.
        draws: number of draws from the priors.
        seed: of the draws.

    Returns:
        One row per draw. Columns `(share, channel)` and `(share, total)`, percent of the KPI; and `(roi, channel)` for
        channels with spend, revenue (KPI units where no revenue per KPI is known) per unit of spend, over region-weeks
        with a KPI. Under a log link these are the parts of `media_summary`, which add up to what all media add. What is
        stated of a channel is what is lost without it alone, which is more: with 30% and 20% stated of two channels and
        nothing of a third, their parts are 26% and 16%.

    Raises:
        ConfigError: a bad number of draws; a stated mROI, which says something about a share only together with a
            curve; a link that is still to be chosen; or the paper's model, which has no priors.
    """
    require_panel(panel, "prior_predictive")
    whole_number("draws", draws)
    seed = seed_number(seed)
    settings = Config() if config is None else require_config(config, "prior_predictive")
    _refuse_without_priors(settings)
    shares = prior_shares(settings, len(panel.channels), int(draws), seed, _stated_shares(panel, settings))
    total = shares.sum(axis=1)
    if settings.link == "log":  # the priors are of effects on the log, each a part of what all media add
        total = -np.expm1(-total)
        shares = shares / shares.sum(axis=1, keepdims=True) * total[:, None]
    columns = {("share", name): 100.0 * shares[:, m] for m, name in enumerate(panel.channels)}
    columns["share", "total"] = 100.0 * total
    if panel.spend is not None:
        size = kpi_means if settings.link == "log" else kpi_sizes
        counted = counted_kpi(panel, panel.weights, size(panel.kpi, panel.weights))
        revenue = revenue_where_on_air(panel, panel.weights, counted)
        paid = spent(panel)
        assert paid is not None
        spend = np.where((panel.weights > 0)[:, :, None], np.nan_to_num(paid), 0.0).sum(axis=(0, 1))
        columns |= {
            ("roi", name): shares[:, m] * revenue[m] / spend[m] for m, name in enumerate(panel.channels) if spend[m] > 0
        }
    return pd.DataFrame(columns, index=pd.RangeIndex(int(draws), name="draw"))


def _refuse_without_priors(config: Config) -> None:
    if not family_of(config).has_stated_priors:
        raise ConfigError("prior_predictive needs the default model: the paper's has no priors.")
    if config.link == "auto":
        raise ConfigError(
            'Setting link is "auto", and what priors imply for shares depends on the link; ask prior_predictive with '
            'link="identity" or link="log".'
        )


def _stated_shares(panel: Panel, config: Config) -> StatedPriors[np.ndarray] | None:
    """What is stated of shares, as the model has it; None where nothing is."""
    own = config.priors
    if own.mroi:
        raise ConfigError(
            "prior_predictive shows what priors imply for shares and ROI, but a prior on mroi implies nothing for "
            "them without a curve; leave priors.mroi out here."
        )
    if not (own.share or own.roi or own.cpik or own.total):
        return None
    inputs = prepare(panel, panel.weights, config.replace(curve="stated")).inputs  # shares need no curve
    assert isinstance(inputs, Inputs)
    return inputs.stated_priors


def _stated_of_draws(ensemble: Ensemble, effects: np.ndarray, stated: StatedPriors[np.ndarray]) -> np.ndarray:
    """Log density of stated shares and returns by draw, `[draw]`, with regions' own coefficients.

    Args:
        ensemble: draws.
        effects: `[draw, channel]`, its shares of the KPI.
        stated: the priors.
    """
    if ensemble.config.link == "log":  # parts of what all media add, as effects on the log
        total = effects.sum(axis=1, keepdims=True)
        effects, stated = effects / total * -np.log1p(-total), as_log_effects(stated)
    nats = log_stated(effects, stated)
    if not ensemble.config.priors.mroi:
        return nats
    drawn, returns = ensemble.draws("mroi"), ensemble.config.priors.mroi
    return nats - sum(0.5 * ((drawn[name].to_numpy() - mean) / sd) ** 2 for name, mean, sd in returns)


def prior_sensitivity(ensemble: Ensemble) -> pd.DataFrame:
    r"""How far the shares would move with priors half or twice as strong, without a refit.

    To first order: if the prior density is raised to a power, the mean of a share changes with the log of that power by
    the covariance of the share and the log prior density over the draws (power scaling, Kallioinen et al. 2024,
    equation 8). Reweighting draws by powers as far from 1 as 1/2 and 2 leaves a handful of them in as many dimensions.

    Args:
        ensemble: draws from the posterior, as `fit` and `sample_posterior` return them.

    Returns:
        By channel, percent of the KPI: `share`; `share_half` and `share_double`, with the priors of all coordinates
        (shares, curves, and the sizes of noise, trend, season, controls and regions), default and stated, raised to the
        power 1/2 and 2; `error`, the standard error of these two moves that the number of different draws leaves;
        `width` of the 90% interval; and `sensitive`, whether the move is larger than a tenth of that width and than
        twice its error.

    Raises:
        ConfigError: an ensemble of refits, which has no prior density; draws from another version's posterior.
    """
    require_result(ensemble, "prior_sensitivity")
    coordinates = ensemble.replicates.coordinates if isinstance(ensemble, Ensemble) else None
    if coordinates is None:
        raise ConfigError("prior_sensitivity needs draws from the posterior; make them with sample_posterior(result).")
    shares = ensemble.share_draws()
    trained, inputs, inside = as_trained(ensemble.fitted_panel.until_last_kpi)
    with jax.enable_x64(True):
        density, _ = density_of(trained, inputs, inside)
        if coordinates.shape[1] != n_coordinates(density.inputs):
            raise ConfigError(
                "The draws of this run are of an earlier version's posterior, which has other parameters; draw anew "
                "with sample_posterior(result) and ask prior_sensitivity of those."
            )
        nats = np.asarray(log_priors(jnp.asarray(coordinates, jnp.float64), density.inputs, density.priors))
    if len(ensemble.panel.regions) > 1:
        effects = shares.to_numpy() / 100.0
        nats = nats + _stated_of_draws(ensemble, effects, jax.tree.map(np.asarray, density.inputs.stated))
    table = pd.DataFrame({"share": shares.mean()})
    products = (shares - shares.mean()).mul(nats - nats.mean(), axis=0) * np.log(2.0)
    different = len(np.unique(coordinates, axis=0))  # draws of weights occur several times
    moved, error = products.sum() / (len(products) - 1), products.std() / np.sqrt(different)
    table["share_half"], table["share_double"] = table["share"] - moved, table["share"] + moved
    table["error"] = error
    table["width"] = shares.quantile(0.95) - shares.quantile(0.05)
    table["sensitive"] = moved.abs() > np.maximum(_MOVED * table["width"], 2.0 * error)
    return table.rename_axis(CHANNEL)
