r"""How far an unobserved cause can move an estimate, by its partial R2 with the treatment and with the outcome.

Cinelli & Hazlett 2020, "Making sense of sensitivity: extending omitted variable bias", Journal of the Royal Statistical
Society B 82, 39-67. For an estimate with standard error s, t = estimate / s and df degrees of freedom, a cause Z with
partial R2 $R_D$ with the treatment and $R_Y$ with the outcome moves the estimate by
$s \sqrt{df} \sqrt{R_Y R_D / (1 - R_D)}$ at most.
"""

from typing import NamedTuple

import numpy as np
from scipy import special


class Cause(NamedTuple):
    """Strength of a cause.

    Attributes:
        r2_treatment: partial R2 with the treatment, given everything observed.
        r2_outcome: partial R2 with the outcome, given everything observed and the treatment.
    """

    r2_treatment: float
    r2_outcome: float


def partial_r2(t: float, degrees: float) -> float:
    """Partial R2 of treatment and outcome, from the t value of the estimate (section 4.2).

    Args:
        t: estimate over standard error.
        degrees: of freedom.
    """
    return t**2 / (t**2 + degrees)


def robustness_value(t: float, degrees: float, q: float = 1.0, alpha: float | None = None) -> float:
    r"""Partial R2 with both treatment and outcome that moves the estimate by a share q of itself (section 4.3).

    $\frac12 (\sqrt{f^4 + 4 f^2} - f^2)$ with $f = q |t| / \sqrt{df}$, less $t^*_{\alpha, df-1} / \sqrt{df-1}$ where
    the end of the interval is to reach that point in place of the estimate.

    Args:
        t: estimate over standard error.
        degrees: of freedom, above 1.
        q: share of the estimate; 1 moves it to zero.
        alpha: 1 less the level of the interval; None for the estimate itself.

    Returns:
        From 0 to 1; 0 where the interval holds the point without any cause.
    """
    f = q * abs(t) / np.sqrt(degrees)
    if alpha is not None:
        f -= critical(alpha, degrees) / np.sqrt(degrees - 1.0)
    if f <= 0:
        return 0.0
    return float(0.5 * (np.sqrt(f**4 + 4.0 * f**2) - f**2))


def critical(alpha: float, degrees: float) -> float:
    """Quantile of Student's t for the interval, with one degree of freedom less for the unobserved cause."""
    return -float(special.stdtrit(degrees - 1.0, alpha / 2.0))


def bias_bound(error: float, degrees: float, cause: Cause) -> float:
    """The most by which a cause can move the estimate, in its unit (equation 8).

    Args:
        error: standard error of the estimate.
        degrees: of freedom.
        cause: its strength.
    """
    if cause.r2_treatment >= 1.0:
        return float("inf")
    return float(error * np.sqrt(degrees * cause.r2_outcome * cause.r2_treatment / (1.0 - cause.r2_treatment)))


def adjusted_error(error: float, degrees: float, cause: Cause) -> float:
    """Standard error of the estimate if the cause were observed (section 3.2)."""
    if cause.r2_treatment >= 1.0:
        return float("inf")
    return float(
        error * np.sqrt((1.0 - cause.r2_outcome) / (1.0 - cause.r2_treatment) * degrees / max(degrees - 1.0, 1e-9))
    )


def as_strong_as(observed: Cause, times: float) -> Cause:
    """The strongest cause that is a number of times as strong as an observed one (section 4.4, equations 13 and 14).

    Args:
        observed: partial R2 of a control with the treatment given the other controls, and with the outcome given the
            treatment and the other controls.
        times: how many times as much of treatment and outcome the cause explains.

    Returns:
        Its strength; 1 where nothing would be left unexplained.
    """
    d, y = observed.r2_treatment, observed.r2_outcome
    if times * d >= 1.0 - d or y >= 1.0:  # no cause can be that much stronger than this control
        return Cause(1.0, 1.0)
    treatment = times * d / (1.0 - d)
    shared = times * d**2 / ((1.0 - times * d) * (1.0 - d))
    if shared >= 1.0:
        return Cause(treatment, 1.0)
    eta = (np.sqrt(times) + np.sqrt(shared)) / np.sqrt(1.0 - shared)
    return Cause(float(treatment), float(min(eta**2 * y / (1.0 - y), 1.0)))
