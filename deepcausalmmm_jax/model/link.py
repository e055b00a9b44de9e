r"""The log link: terms that add up on the log of the KPI, as terms that add up to the KPI itself."""

from types import ModuleType

import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.model.outputs import Components, Internals

_NEAR_ZERO = 1e-3  # below it (exp(x) - 1) / x by its series, whose gradient is finite at 0


def added_up(terms: Components, variance: Array, xp: ModuleType = jnp) -> Components:
    r"""Terms in KPI units from terms on the log of the KPI; their sum is the expected KPI, exactly.

    With level l, the other terms of the baseline $b_i$ (trend, season, controls) and the channels' $m_j$, all on the
    log scale, the expected KPI over `Scales.kpi` is $p = e^{l - 1 + v / 2 + \sum b_i + \sum m_j}$ with the variance v
    of the residuals on that scale. Media are counted first, against the KPI without any of them,
    $p_0 = p e^{-\sum m_j}$; together they are $p - p_0$, which is split in proportion to the $m_j$. The rest is split
    in the same way around the level: $e^{l - 1 + v / 2}$ is the baseline, and $p_0$ less that is split in proportion
    to the $b_i$. Where these cancel, $(e^x - 1) / x$ for their sum x tends to 1, so that every term stays finite and
    keeps its sign: the split is that of Aumann & Shapley (1974) within each of the two groups.

    Args:
        terms: on the log scale, as the model adds them up.
        variance: `[region]`, of the residuals around the prediction, on the log scale.
        xp: `jax.numpy`, or `numpy` for double precision on the host.

    Returns:
        Terms in `Scales.kpi`.
    """
    base = xp.exp(terms.baseline - 1.0 + 0.5 * variance[:, None])
    others = terms.trend + terms.seasonality + terms.control.sum(axis=-1)
    per_other = base * _slope(others, xp)
    media = terms.media.sum(axis=-1)
    per_media = base * xp.exp(others) * _slope(media, xp)
    return Components(
        baseline=base,
        trend=per_other * terms.trend,
        seasonality=per_other * terms.seasonality,
        control=per_other[..., None] * terms.control,
        media=per_media[..., None] * terms.media,
    )


def residual_variance(internals: Internals) -> Array:
    """Variance of a week's residual around the prediction, `[region]`, from its innovations and their persistence.

    Of counts it is 0, since the model adds up the log of their mean.
    """
    if internals.log_variance is not None:
        return internals.log_variance
    return internals.noise**2 * (1.0 + internals.shared) / (1.0 - internals.persistence**2)


def kpi_per_effect(terms: Components, variance: Array) -> Array:
    """What all media add to the expected KPI, per unit of their effect on its log, `[region, week]`, `Scales.kpi`.

    A channel's part of what they add is this times its own effect. Arguments as for `added_up`.
    """
    return without_media(terms, variance) * slope_of(terms.media.sum(axis=-1))


def without_media(terms: Components, variance: Array) -> Array:
    """Expected KPI with all media at zero, `[region, week]`, `Scales.kpi`; arguments as for `added_up`."""
    others = terms.trend + terms.seasonality + terms.control.sum(axis=-1)
    return jnp.exp(terms.baseline - 1.0 + 0.5 * variance[:, None] + others)


def slope_of(effect: Array) -> Array:
    """(exp(x) - 1) / x: what the KPI gains, as a share of it, per unit of an effect x on its log."""
    return _slope(effect, jnp)


def _slope(x: Array, xp: ModuleType) -> Array:
    """(exp(x) - 1) / x, which is 1 at 0."""
    near = xp.abs(x) < _NEAR_ZERO
    safe = xp.where(near, 1.0, x)
    slope: Array = xp.where(near, 1.0 + x / 2.0 + x**2 / 6.0, xp.expm1(safe) / safe)
    return slope
