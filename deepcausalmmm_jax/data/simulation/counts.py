"""Simulated panels whose KPI counts something rare: whole numbers around the KPI of a panel whose effects multiply."""

import numpy as np

from deepcausalmmm_jax.checks import is_number
from deepcausalmmm_jax.data.simulation.request import Simulation
from deepcausalmmm_jax.errors import DataError

_SPREAD = 0.3  # of the weekly mean beyond the chance of counting, where none is asked for
_MOST = 1e6  # mean count


def check_counts(counts: object, outliers: float) -> None:
    """Refuse a mean count that the simulation does not have.

    Raises:
        DataError: naming the option.
    """
    if counts is None:
        return
    if not is_number(counts) or not 0 < float(counts) <= _MOST:  # type: ignore[arg-type]
        raise DataError(f"counts must be a mean count above 0, at most {_MOST:,.0f}, or None, got {counts!r}.")
    if outliers:
        raise DataError(f"outliers={outliers} is not for counts, which have large values by chance; leave one out.")


def with_counts(made: Simulation, mean: float, noise: float | None, rng: np.random.Generator) -> Simulation:
    r"""The simulation with a KPI that is counted: negative binomial around the KPI without noise.

    The count of a region and week with expectation $\mu$ is Poisson with mean $\mu g$, g from a gamma distribution
    with mean 1 and standard deviation `noise`, so that its variance is $\mu + (\mu \cdot noise)^2$.

    Args:
        made: a simulation whose effects multiply.
        mean: of the counts over all regions and weeks.
        noise: standard deviation of g; None for 0.3.
        rng: draws the counts.
    """
    spread = _SPREAD if noise is None else noise
    shares = made.base + made.media.sum(axis=2)
    factor = mean / (made.size[:, None] * shares).mean()
    size = made.size * factor
    expected = size[:, None] * shares
    more = 1.0 if spread == 0 else rng.gamma(spread**-2, spread**2, expected.shape)
    kpi = rng.poisson(expected * more).astype(float)
    return made._replace(
        size=size,
        kpi=kpi,
        parameters=made.parameters.assign(share=(made.media * size[:, None, None]).sum(axis=(0, 1)) / expected.sum()),
        effects=made.effects * factor,
        noise=spread,
    )
