"""`posterior_density`: the density that draws come from, for a sampler of your own."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax import Array

from deepcausalmmm_jax.checks import seed_number
from deepcausalmmm_jax.config.kpi_link import LinkKind
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.inference.sample_posterior import as_trained
from deepcausalmmm_jax.posterior.mode import Density, best_of, flat_density, starts
from deepcausalmmm_jax.posterior.parameters import PosteriorParameters, prior_medians
from deepcausalmmm_jax.posterior.sample import density_of, settled_modes
from deepcausalmmm_jax.posterior.variables import shares_of
from deepcausalmmm_jax.results.asked import require_result
from deepcausalmmm_jax.results.fit_result import FitResult


@dataclass(frozen=True, eq=False)
class PosteriorDensity:
    """Log density of the posterior of a fit, as a function of a vector.

    Everything that is linear given the curves is integrated out; a few dozen coordinates are left, each standard normal
    a priori: the share of all media and how channels divide it, curves, and the scales of noise, trend, season,
    controls and regions.

    Attributes:
        names: `[coordinate]`, such as `decay[tv]`.
        mode: `[coordinate]`, where the density is highest.
        channels: of the panel.
    """

    names: tuple[str, ...]
    mode: np.ndarray
    channels: tuple[str, ...]
    _density: Density
    _link: LinkKind = "identity"

    def __call__(self, vector: Array) -> Array:
        """Log density at `[coordinate]`, nats, up to a constant.

        A pure function of JAX arrays, to be differentiated, compiled and mapped; call it within
        `jax.enable_x64(True)`, since it is computed in double precision.

        Raises:
            ConfigError: a vector of another length.
        """
        if jnp.shape(vector) != self.mode.shape:
            raise ConfigError(
                f"The density needs a vector of {len(self.mode)} coordinates, got an array of shape "
                f"{jnp.shape(vector)}; map it over several vectors with jax.vmap."
            )
        return flat_density(self._density.inputs, self._density.priors)[1](vector)

    def shares(self, vectors: np.ndarray) -> pd.DataFrame:
        """Percent of the KPI by channel at `[draw, coordinate]`, one row per draw.

        Raises:
            ConfigError: a log link, under which the coordinates are of effects on the log of the KPI.
        """
        if self._link == "log":
            raise ConfigError(
                "Under a log link the coordinates alone do not determine shares of the KPI; use share_draws() of a "
                "fit with draws."
            )
        with jax.enable_x64(True):
            found = shares_of(jnp.asarray(vectors), self._density.inputs, self._density.priors)
            return pd.DataFrame(100.0 * np.asarray(found), columns=list(self.channels)).rename_axis("draw")


def posterior_density(result: FitResult, seed: int = 0) -> PosteriorDensity:
    """The density that `sample_posterior` draws from, for a sampler of your own.

    Args:
        result: a fit of the default model.
        seed: of the random starts of the search for the mode, at which the weights of outliers and the noise levels are
            set.

    Raises:
        ConfigError: a fit of the paper's model, which has no priors.
    """
    require_result(result, "posterior_density")
    if not result.family.has_posterior:
        raise ConfigError("posterior_density needs the default model: the paper's has no priors and so no posterior.")
    rng = np.random.default_rng(seed_number(seed))
    trained, inputs, inside = as_trained(result.fitted_panel.until_last_kpi)
    with jax.enable_x64(True):
        density, _ = density_of(trained, inputs, inside)
        begin = starts(density.inputs, density.n_starts, rng)
        modes, settled = settled_modes(density, trained.config.training.huber_delta, begin)
        medians = prior_medians(settled.inputs)
    panel = trained.panel
    return PosteriorDensity(
        _names(medians, panel.channels, panel.controls),
        modes.position[best_of(modes)],
        panel.channels,
        settled,
        trained.config.link,
    )


def _names(medians: PosteriorParameters, channels: tuple[str, ...], controls: tuple[str, ...]) -> tuple[str, ...]:
    """A name for each coordinate, in the order of the vector."""
    found: list[str] = []
    for name, value in medians._asdict().items():
        if value is None:
            continue
        over = () if value.ndim == 0 else controls if name == "signed_control" else channels
        found += [f"{name}[{own}]" for own in over] if value.ndim else [name]
    return tuple(found)
