"""`prior_predictive` and `prior_sensitivity`: what the priors imply, and how much the answers depend on them."""

import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.prices import spent
from deepcausalmmm_jax.axes import CHANNEL
from deepcausalmmm_jax.checks import seed_number, whole_number
from deepcausalmmm_jax.config.asked import require_config
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.asked_panel import require_panel
from deepcausalmmm_jax.data.kpi_scale import counted_kpi, kpi_means, kpi_sizes
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.posterior.prior import prior_shares
from deepcausalmmm_jax.results.asked import require_result
from deepcausalmmm_jax.results.ensemble import Ensemble

_POWERS = {"half": 0.5, "double": 2.0}
_MOVED = 0.1  # of an interval's width, beyond which an estimate counts as sensitive to its prior


def prior_predictive(panel: Panel, config: Config | None = None, draws: int = 1000, seed: int = 0) -> pd.DataFrame:
    """What the default priors imply before the KPI is seen.

    Args:
        panel: the data; its spend turns shares into returns.
        config: settings; the defaults when None.
        draws: number of draws from the priors.
        seed: of the draws.

    Returns:
        One row per draw. Columns `(share, channel)` and `(share, total)`, percent of the KPI; and `(roi, channel)` for
        channels with spend, revenue (KPI units where no revenue per KPI is known) per unit of spend, over region-weeks
        with a KPI.

    Raises:
        ConfigError: a bad number of draws.
    """
    require_panel(panel, "prior_predictive")
    whole_number("draws", draws)
    seed = seed_number(seed)
    settings = Config() if config is None else require_config(config, "prior_predictive")
    shares = prior_shares(settings, len(panel.channels), int(draws), seed)
    total = shares.sum(axis=1)
    if settings.link == "log":  # the priors are of effects on the log, each a part of what all media add
        total = -np.expm1(-total)
        shares = shares / shares.sum(axis=1, keepdims=True) * total[:, None]
    columns = {("share", name): 100.0 * shares[:, m] for m, name in enumerate(panel.channels)}
    columns["share", "total"] = 100.0 * total
    if panel.spend is not None:
        worth = 1.0 if panel.revenue_per_kpi is None else np.where(panel.present, panel.revenue_per_kpi, 0.0)
        size = kpi_means if settings.link == "log" else kpi_sizes
        counted = counted_kpi(panel, panel.weights, size(panel.kpi, panel.weights))
        revenue = float((np.where(panel.weights > 0, counted, 0.0) * worth).sum())
        paid = spent(panel)
        assert paid is not None
        spend = np.where((panel.weights > 0)[:, :, None], np.nan_to_num(paid), 0.0).sum(axis=(0, 1))
        columns |= {
            ("roi", name): shares[:, m] * revenue / spend[m] for m, name in enumerate(panel.channels) if spend[m] > 0
        }
    return pd.DataFrame(columns, index=pd.RangeIndex(int(draws), name="draw"))


def prior_sensitivity(ensemble: Ensemble) -> pd.DataFrame:
    """How far the shares would move with priors half or twice as strong, without a refit.

    The draws are reweighted by powers of their prior density (power scaling, Kallioinen et al. 2024).

    Args:
        ensemble: draws from the posterior, as `fit` and `sample_posterior` return them.

    Returns:
        By channel, percent of the KPI: `share`, `share_half` and `share_double` with a prior raised to the power 0.5
        and 2, `width` of the 90% interval, and `sensitive`, whether either moves the share by more than a tenth of that
        width.

    Raises:
        ConfigError: an ensemble of refits, which has no prior density.
    """
    require_result(ensemble, "prior_sensitivity")
    coordinates = ensemble.replicates.coordinates if isinstance(ensemble, Ensemble) else None
    if coordinates is None:
        raise ConfigError("prior_sensitivity needs draws from the posterior; make them with sample_posterior(result).")
    shares = ensemble.share_draws()
    nats = -0.5 * (coordinates**2).sum(axis=1)
    table = pd.DataFrame({"share": shares.mean()})
    for name, power in _POWERS.items():
        weight = np.exp((power - 1.0) * (nats - nats.mean()) - np.max((power - 1.0) * (nats - nats.mean())))
        table[f"share_{name}"] = (shares.to_numpy() * weight[:, None]).sum(axis=0) / weight.sum()
    low, high = shares.quantile(0.05), shares.quantile(0.95)
    table["width"] = high - low
    moved = table[["share_half", "share_double"]].sub(table["share"], axis=0).abs().max(axis=1)
    table["sensitive"] = moved > _MOVED * table["width"]
    return table.rename_axis(CHANNEL)
