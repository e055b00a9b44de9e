"""Settings that the data adjusted: learned prior scales with their evidence, and stated priors beside estimates."""

from collections.abc import Mapping
from typing import Any, cast

import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax import Array

from deepcausalmmm_jax.attribution.fitted_panel import MORE, FittedPanel
from deepcausalmmm_jax.attribution.prices import spent
from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.data.cadence import decay_per_week
from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.io.on_device import single
from deepcausalmmm_jax.io.quick_compile import jit_once
from deepcausalmmm_jax.model.coefficients import is_constant_in_training
from deepcausalmmm_jax.model.design import Design
from deepcausalmmm_jax.model.laplace import laplace_terms
from deepcausalmmm_jax.model.log_prior import penalty_terms
from deepcausalmmm_jax.model.outputs import ComponentsRegionsLast, Internals
from deepcausalmmm_jax.model.parameters import Parameters
from deepcausalmmm_jax.model.prior_scales import LEARNED, PEAKS, PriorScales, learned_scales
from deepcausalmmm_jax.model.share_prior import Shares
from deepcausalmmm_jax.model.structural import signed
from deepcausalmmm_jax.model.training_data import training_data
from deepcausalmmm_jax.ops.adstock import half_life
from deepcausalmmm_jax.training.families import model_for
from deepcausalmmm_jax.training.hyperparameters import Hyperparameters

TUNING_COLUMNS = ("set", "learned", "factor", "evidence")
_QUANTITIES = (
    "share",
    "roi",
    "mroi",
    "cpik",
    "decay",
    "half_life",
    "half_saturation",
    "slope",
    "half_frequency",
)
PRIOR_COLUMNS = ("quantity", "name", "stated", "sd", "found", "sds_apart")


def tuning_table(fit: FittedPanel) -> pd.DataFrame:
    """The prior scales of `Penalties` that the data adjusted.

    Returns:
        By prior scale: `set` in the configuration, `learned`, the `factor` between them, and `evidence`: log Bayes
        factor, in nats, of the learned scale against the set one with all else as fitted (Laplace's approximation;
        above 3 is strong). Empty where nothing was learned.
    """
    if not (fit.family.has_learned_scales and fit.config.tune):
        return pd.DataFrame(columns=list(TUNING_COLUMNS), index=pd.Index([], name="size"), dtype=float)
    past = fit.until_last_kpi
    inputs = past.inputs
    assert isinstance(inputs, Inputs)
    assert isinstance(fit.design, Design)
    factors = fit.variables["params"]["sizes"]
    weights, base = single(past.weights), Hyperparameters.of(fit.config).scales
    learned, fixed = (
        _cost(fit.variables, inputs, weights, base, given, fit.design)
        for given in (factors, {name: np.zeros((), np.float32) for name in LEARNED})
    )
    rows = {}
    for name in _adjusted(fit.design.n_regions, bool(inputs.season_peaks.any())):
        size, factor = getattr(fit.config.penalties, name), float(np.exp(factors[name]))
        rows[name] = (size, size * factor, factor, float(fixed[name]) - float(learned[name]))
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(TUNING_COLUMNS)).rename_axis("size")


def _adjusted(n_regions: int, has_peaks: bool) -> tuple[str, ...]:
    """The prior scales that training learns; without those of what it holds constant, or the season lacks."""
    absent = {"time_variation"} if is_constant_in_training(n_regions) else set()
    if not has_peaks:
        absent |= set(PEAKS)
    return tuple(name for name in LEARNED if name not in absent)


@jit_once("design")
def _cost(
    variables: Variables,
    inputs: Inputs[Array],
    weights: Array,
    base: PriorScales,
    factors: Mapping[str, Any],
    design: Design,
) -> dict[str, Array]:
    """Penalty and Laplace term of each prior scale that is learned, at given factors on the scales, nats."""
    outcome = model_for(design).apply(variables, inputs, method="components_regions_last")
    terms, inside = cast(tuple[ComponentsRegionsLast, Internals], outcome)
    scales = learned_scales(base, factors, jnp.ones(()))
    share = Shares(jnp.zeros(terms.media.shape[1]), jnp.zeros(()))
    optional = jnp.zeros_like(inputs.graph_constraints.free)
    penalties = penalty_terms(
        Parameters.of(variables["params"]), terms, inside, share, scales, inputs, optional, design.kinds
    )
    laplace = laplace_terms(terms.media, inside, training_data(inputs, weights), scales, design.kinds.step_weeks)
    return {name: penalties[name] + laplace[name] for name in LEARNED}


def prior_table(fit: FittedPanel) -> pd.DataFrame:
    """Stated priors beside what the fit found.

    Returns:
        One row per stated prior: `quantity`, `name` of the channel or control, `stated` value and `sd`, the value
        `found`, and `sds_apart`, the distance in standard deviations: beyond 2 the data contradict the stated prior.
        A prior of `curve`, such as `curve decay`, has the median for its value, and its spread and distance are those
        of the log (of a decay, the logit).
    """
    priors = fit.config.priors
    rows: list[tuple[str | float, ...]] = []
    if fit.family.has_stated_priors and (priors.channels() or priors.control_sign or priors.total):
        found = _found(fit)
        if priors.total:
            value, sd = priors.total
            now = float(found["total"])
            rows.append(("total", "all media", value, sd, now, (now - value) / sd))
        for quantity in _QUANTITIES:
            for channel, value, sd in getattr(priors, quantity):
                now = found[quantity][fit.panel.channels.index(channel)]
                rows.append((quantity, channel, value, sd, now, (now - value) / sd))
        for channel, parameter, median, spread in priors.curve:
            now = float(found[parameter][fit.panel.channels.index(channel)])
            apart = (_unbounded(parameter, now) - _unbounded(parameter, median)) / spread
            rows.append((f"curve {parameter}", channel, median, spread, now, apart))
        for control, direction in priors.control_sign:
            effect = found["control"][fit.panel.controls.index(control)]
            rows.append(("control_sign", control, direction, np.nan, effect, np.nan))
    return pd.DataFrame(rows, columns=list(PRIOR_COLUMNS))


def _unbounded(parameter: str, value: float) -> float:
    """The log of a curve parameter, of a decay its logit."""
    return float(np.log(value / (1.0 - value) if parameter == "decay" else value))


def _found(fit: FittedPanel) -> dict[str, np.ndarray]:
    """Values over the training weeks; controls by their effect per standard deviation, mean over regions."""
    panel, used = fit.panel, fit.weights > 0
    inside = fit.internals
    # Under a log link what is stated of a channel is what is lost without it, see `data.kpi_link`.
    media = fit.lost(0.0) if fit.has_log_link else fit.components.media
    worth = np.ones(used.shape) if panel.revenue_per_kpi is None else panel.revenue_per_kpi
    found = spent(panel)
    spend = np.full(media.shape, np.nan) if found is None else found
    paid = np.where(used[:, :, None], spend, 0.0).sum(axis=(0, 1))
    effect = fit.variables["params"]["control"]
    assert isinstance(fit.inputs, Inputs)
    sign = fit.inputs.stated_priors.control_sign
    control = signed(jnp.asarray(effect["shared"] + effect["region"]), sign)
    effects = media[used].sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        cost = paid / effects
    return {
        "share": effects / fit.kpi_learned_from(),
        # Under a log link what is lost without all media is less than the sum of what is lost without each alone.
        "total": fit.components.media[used].sum() / fit.kpi_learned_from(),
        "cpik": cost,
        "mroi": _marginal_return(fit, worth, paid) if fit.config.priors.mroi else np.full(len(paid), np.nan),
        "roi": (media * worth[:, :, None])[used].sum(axis=0) / np.where(paid > 0, paid, np.nan),
        "decay": decay_per_week(np.asarray(inside.curves.decay), panel.cadence),
        "half_life": np.asarray(half_life(jnp.asarray(inside.curves.decay)), np.float64) * panel.cadence.weeks,
        "half_saturation": inside.curves.half_saturation,
        "slope": inside.curves.slope,
        "half_frequency": inside.curves.half_frequency,
        "control": np.asarray(control, np.float64).mean(axis=0),
    }


def _marginal_return(fit: FittedPanel, worth: np.ndarray, paid: np.ndarray) -> np.ndarray:
    """Incremental revenue per unit of 1% more spend, `[channel]`; `paid` is the spend of the training weeks."""
    gained = -(fit.lost(1.0 + MORE) * worth[:, :, None])[fit.weights > 0].sum(axis=0)
    return np.asarray(gained / (MORE * np.where(paid > 0, paid, np.nan)))
