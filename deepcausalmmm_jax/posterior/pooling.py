r"""Partial pooling of a curve parameter over KPIs: how alike they are, and what the others say about each.

All in prior standard deviations: before any data a parameter of channel m has the coordinate $z_{km} \sim N(0, 1)$ for
each KPI k, and KPIs share a part of it,

$$z_{km} = \sqrt{\rho} \, u_m + \sqrt{1 - \rho} \, e_{km}, \qquad u_m, e_{km} \sim N(0, 1).$$

With $\rho = 0$ each KPI has its own curve and its usual prior, with $\rho = 1$ all have one. $\rho$ is estimated from
all channels together by its marginal likelihood (parametric empirical Bayes; Morris 1983), from the means and variances
of the draws of each KPI, whose likelihoods are taken as normal. With a handful of channels that likelihood is flat, and
its maximum often 0 or 1 by chance; the mean of $\rho$ under it, uniform a priori, is taken instead.

KPIs that share noise, such as units and the revenue from them, say partly the same twice. With correlation r of their
noise and sd $s_a, s_b$ of their estimates of one and the same value, the second adds to the first the precision

$$\frac{(s_a - r s_b)^2}{s_a^2 s_b^2 (1 - r^2)}$$

by generalised least squares; as much of it is heard, and never more than $1 / s_b^2$.
"""

from typing import NamedTuple

import numpy as np

_RHO = np.linspace(0.0, 1.0, 101)
_MOST_ALIKE = 0.99  # correlation of noise beyond which another KPI is taken to say as little


class Messages(NamedTuple):
    """What each KPI's own data say, as a normal likelihood; both `[kpi, channel]` and 0 where they say nothing."""

    precision: np.ndarray
    weighted_mean: np.ndarray  # precision times mean


class Pooled(NamedTuple):
    """Prior of each KPI's coordinate given the data of all others, `[kpi, channel]` each."""

    mean: np.ndarray
    sd: np.ndarray


def messages(mean: np.ndarray, variance: np.ndarray) -> Messages:
    """The likelihoods, from posteriors `[kpi, channel]` under a standard normal prior; NaN where there is none.

    A posterior that is as wide as the prior says nothing.
    """
    known = np.isfinite(mean) & np.isfinite(variance) & (variance > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(known, np.maximum(1.0 / variance - 1.0, 0.0), 0.0)
        weighted = np.where(precision > 0, mean / variance, 0.0)
    return Messages(precision, weighted)


def agreement(said: Messages) -> float:
    r"""$\rho$, the share of the prior variance that the KPIs have in common: its posterior mean, uniform a priori.

    0 where no channel has two KPIs that say something about it.
    """
    if not n_shared(said):
        return 0.0
    nats = _nats(said)
    weight = np.exp(nats - nats.max())
    return float((weight * _RHO).sum() / weight.sum())


def evidence(said: Messages) -> float:
    r"""Log Bayes factor, nats, of an unknown $\rho$, uniform a priori, against none: curves of each KPI's own."""
    nats = _nats(said)
    return float(np.logaddexp.reduce(nats) - np.log(len(nats)) - nats[0])


def n_shared(said: Messages) -> int:
    """Number of channels that two KPIs or more say something about."""
    return int(((said.precision > 0).sum(axis=0) > 1).sum())


def _nats(said: Messages) -> np.ndarray:
    return np.array([log_likelihood(said, rho) for rho in _RHO])


def log_likelihood(said: Messages, rho: float) -> float:
    r"""Log marginal likelihood of $\rho$, nats up to a constant.

    $\int N(z; 0, A) \, e^{h^T z - z^T \Lambda z / 2} dz$ for each channel, with $A = \rho 1 1^T + (1 - \rho) I$, which
    holds for a $\Lambda$ with zeros too.
    """
    n_kpis = len(said.precision)
    prior = rho + (1.0 - rho) * np.eye(n_kpis)
    total = 0.0
    for precision, weighted in zip(said.precision.T, said.weighted_mean.T, strict=True):
        inner = np.eye(n_kpis) + prior * precision[None, :]
        total += 0.5 * (weighted @ np.linalg.solve(inner, prior @ weighted) - np.linalg.slogdet(inner)[1])
    return total


def unheard(said: Messages, correlation: np.ndarray) -> np.ndarray:
    """How much of what the others say is news to each KPI.

    Between two KPIs as stated above. Of several others that share noise among themselves, each counts by its weight in
    the mean of equally precise estimates. A negative correlation counts as none.

    Args:
        said: the likelihoods.
        correlation: of the noise, `[kpi, kpi]`.

    Returns:
        `[kpi, other, channel]`, from 0 to 1, and 0 for the KPI itself.
    """
    n_kpis = len(said.precision)
    alike = np.clip(correlation, 0.0, _MOST_ALIKE)
    own, other = said.precision[:, None], said.precision[None, :]
    wider = np.sqrt(
        np.divide(own, other, out=np.zeros((n_kpis, *said.precision.shape)), where=other > 0)
    )  # sd of the other over its own
    r = alike[:, :, None]
    added = np.minimum(np.maximum(1.0 - r * wider, 0.0) ** 2 / (1.0 - r**2), 1.0)
    for k in range(n_kpis):
        others = np.arange(n_kpis) != k
        among = alike[np.ix_(others, others)]
        np.fill_diagonal(among, 1.0)
        added[k, others] *= np.clip(np.linalg.solve(among, np.ones(n_kpis - 1)), 0.0, 1.0)[:, None]
        added[k, k] = 0.0
    return added


def given_others(said: Messages, rho: float, correlation: np.ndarray | None = None) -> Pooled:
    """Prior of each KPI's coordinate given what the others say.

    With its own likelihood it gives the posterior by all KPIs, so that no data count twice.

    Args:
        said: the likelihoods.
        rho: the agreement.
        correlation: of the KPIs' noise, `[kpi, kpi]`; None where it is independent.

    Returns:
        Mean and sd.
    """
    n_kpis = len(said.precision)
    prior = rho + (1.0 - rho) * np.eye(n_kpis)
    heard = unheard(said, np.eye(n_kpis) if correlation is None else correlation)
    mean, sd = (np.zeros(said.precision.shape) for _ in range(2))
    for k in range(n_kpis):
        for m, (precision, weighted) in enumerate(zip(said.precision.T, said.weighted_mean.T, strict=True)):
            inner = np.eye(n_kpis) + prior * (precision * heard[k, :, m])[None, :]
            covariance = np.linalg.solve(inner, prior)
            mean[k, m], sd[k, m] = covariance[k] @ (weighted * heard[k, :, m]), np.sqrt(covariance[k, k])
    return Pooled(mean, sd)
