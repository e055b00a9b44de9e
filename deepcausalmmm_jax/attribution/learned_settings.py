"""What the data made of the settings: learned sizes with their evidence, and stated priors beside what was found."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.forward import components, internals, kpi_learned_from
from deepcausalmmm_jax.model.laplace import LEARNED, tuned, volume_terms
from deepcausalmmm_jax.model.log_prior import penalty_terms
from deepcausalmmm_jax.model.structural import signed
from deepcausalmmm_jax.model.training_data import training_data
from deepcausalmmm_jax.training.estimate import model_for
from deepcausalmmm_jax.training.fitted import Fitted
from deepcausalmmm_jax.training.hyperparameters import Hyperparameters
from deepcausalmmm_jax.training.prepare import design_of, inputs_of

TUNING_COLUMNS = ("set", "learned", "factor", "evidence")
PRIOR_COLUMNS = ("quantity", "name", "stated", "sd", "found", "sds_apart")


def tuning_table(fitted: Fitted) -> pd.DataFrame:
    """The sizes of `Penalties` that the data adjusted.

    Returns:
        By size: `set` in the configuration, `learned`, `factor` between the two, and `evidence`: log evidence, in nats,
        that the learned size has over the set one with all else as fitted (Laplace's approximation; above 3 is
        strong). Empty where nothing was tuned.
    """
    if fitted.config.model == "paper" or not fitted.config.tune:
        return pd.DataFrame(columns=list(TUNING_COLUMNS), index=pd.Index([], name="size"), dtype=float)
    past = fitted.panel.until_last_kpi()
    inputs = inputs_of(fitted, past)
    outcome: Any = model_for(design_of(fitted)).apply(fitted.variables, inputs, method="planes")
    planes, inside = outcome
    data = training_data(inputs, jnp.asarray(fitted.weights[:, : len(past.weeks)], jnp.float32))
    base = Hyperparameters.of(fitted.config).penalties
    share = jnp.zeros(planes.media.shape[1])
    factors = fitted.variables["params"]["sizes"]

    def cost(given: dict[str, Any]) -> dict[str, float]:
        sizes = tuned(base, given, jnp.ones(()))
        optional = jnp.zeros_like(inside.edges)
        penalties = penalty_terms(
            fitted.variables["params"], planes, inside, share, sizes, inputs, optional, fitted.config.adstock
        )
        volumes = volume_terms(planes.media, inside, data, sizes)
        return {name: float(penalties[name] + volumes[name]) for name in LEARNED}

    learned, fixed = cost(factors), cost({name: jnp.zeros(()) for name in LEARNED})
    rows = {}
    for name in LEARNED:
        size, factor = getattr(fitted.config.penalties, name), float(np.exp(factors[name]))
        rows[name] = (size, size * factor, factor, fixed[name] - learned[name])
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(TUNING_COLUMNS)).rename_axis("size")


def prior_table(fitted: Fitted) -> pd.DataFrame:
    """Stated priors beside what the fit found.

    Returns:
        A row a stated prior: `quantity`, `name` of the channel or control, `stated` value and `sd`, the value `found`,
        and `sds_apart`, how many standard deviations lie between: beyond 2 the data speak against what was stated.
    """
    priors = fitted.config.priors
    rows: list[tuple[Any, ...]] = []
    if fitted.config.model == "structural" and (priors.channels() or priors.control_sign):
        found = _found(fitted)
        for quantity in ("share", "roi", "decay", "half_saturation", "slope"):
            for channel, value, sd in getattr(priors, quantity):
                now = found[quantity][fitted.panel.channels.index(channel)]
                rows.append((quantity, channel, value, sd, now, (now - value) / sd))
        for control, direction in priors.control_sign:
            effect = found["control"][fitted.panel.controls.index(control)]
            rows.append(("control_sign", control, direction, np.nan, effect, np.nan))
    return pd.DataFrame(rows, columns=list(PRIOR_COLUMNS))


def _found(fitted: Fitted) -> dict[str, np.ndarray]:
    """Values over the training weeks; controls by their effect per standard deviation, mean over regions."""
    panel, used = fitted.panel, fitted.weights > 0
    inside, media = internals(fitted), components(fitted, fitted.panel).media
    worth = np.ones(used.shape) if panel.revenue_per_kpi is None else panel.revenue_per_kpi
    spend = np.full(media.shape, np.nan) if panel.spend is None else panel.spend
    paid = np.where(used[:, :, None], spend, 0.0).sum(axis=(0, 1))
    effect = fitted.variables["params"]["control"]
    sign = inputs_of(fitted, panel).beliefs.control_sign
    control = signed(jnp.asarray(effect["shared"] + effect["region"]), sign)
    return {
        "share": media[used].sum(axis=0) / kpi_learned_from(fitted),
        "roi": (media * worth[:, :, None])[used].sum(axis=0) / np.where(paid > 0, paid, np.nan),
        "decay": inside.curves.decay,
        "half_saturation": inside.curves.half_saturation,
        "slope": inside.curves.slope,
        "control": np.asarray(control, np.float64).mean(axis=0),
    }
