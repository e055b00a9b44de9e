"""Simulation-based calibration: is the sampler right where the model is right (Talts et al. 2018)?

python benchmarks/sbc.py [--replicates 100] [--first 0] [--variants model,default]

Parameters are drawn from the prior of the posterior, and a KPI from the model with them; where the draws of a fit are
draws from the posterior, the rank of the true value among them is uniform. `default` fits have all default settings but
one: the likelihood counts in full, since here the model is the true one (`posterior.coarsening`).
`model` fits leave out what the simulation does not have and the posterior takes as fixed: robust weights and the
channel graph; so they test the sampler alone, and need no training.
"""

import argparse
import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from harness import record
from jax.flatten_util import ravel_pytree
from scipy.stats import chisquare

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.inference.sample_posterior import as_trained
from deepcausalmmm_jax.posterior.density import contributions
from deepcausalmmm_jax.posterior.inputs import PosteriorInputs
from deepcausalmmm_jax.posterior.linear import Linear, fitted_values
from deepcausalmmm_jax.posterior.parameters import CoordinatePriors, Quantities, prior_medians, quantities
from deepcausalmmm_jax.posterior.sample import density_of, sample
from deepcausalmmm_jax.posterior.variables import shares_of

WEEKS, CHANNELS, CONTROLS = 104, 3, 2
RANKS = 99  # draws that a true value is ranked among, thinned to be nearly independent; then 100 ranks are possible
BINS = 10
UNIT = 1000.0  # KPI units of the mean week
_IN_FULL = dcm.PosteriorSettings(coarsening=1e6)
_ALONE = dcm.Config(
    graph="none",
    tune=False,
    training=dcm.Training(huber_delta=1e6, max_epochs=1, chunk_epochs=1),
    posterior=_IN_FULL,
)
_UNTRAINED = _ALONE.replace(posterior=dataclasses.replace(_IN_FULL, method="none"))
VARIANTS = {"model": _ALONE, "default": dcm.Config(posterior=_IN_FULL)}


class Simulated(NamedTuple):
    """A KPI of the model with parameters from its prior."""

    panel: dcm.Panel
    coordinates: np.ndarray  # [coordinate]
    share: np.ndarray  # [channel], of the KPI


def reference(seed: int) -> tuple[dcm.Panel, PosteriorInputs, CoordinatePriors]:
    """Exposure and controls of one region, as the posterior reads them; the KPI plays no part."""
    panel, _ = dcm.simulate(1, WEEKS, CHANNELS, CONTROLS, seed)
    past = dcm.fit(panel, _UNTRAINED, holdout=None, progress=False).fitted_panel.until_last_kpi
    with jax.enable_x64(True):
        density, _ = density_of(*as_trained(past))
        own = density.inputs
        unlinked = dataclasses.replace(own, blend=jnp.zeros_like(own.blend))
    return panel, unlinked, density.priors


def simulated(seed: int) -> Simulated:
    """A KPI drawn from prior and model, given that its mean is one unit and no week is negative.

    Both conditions concern the KPI alone, so they leave the posterior given it as it is. The first makes the scale by
    which a fit divides the KPI the scale of the prior: the level follows from the rest, and is accepted in proportion
    to its prior density.
    """
    panel, inputs, priors = reference(seed)
    rng = np.random.default_rng([seed, 1])
    with jax.enable_x64(True):
        median, unravel = ravel_pytree(prior_medians(inputs))
    while True:
        vector = rng.standard_normal(median.size)
        with jax.enable_x64(True):
            found = quantities(unravel(jnp.asarray(vector)), inputs, priors)
            kpi = _kpi(rng, found, inputs)
        level = 1.0 - kpi.mean()
        accepted = rng.uniform() < np.exp(-0.5 * (level / float(priors.level)) ** 2)
        if accepted and (kpi + level > 0).all():
            own = dataclasses.replace(panel, kpi=UNIT * (kpi + level)[None])
            return Simulated(own, vector, np.asarray(found.share))


def _kpi(rng: np.random.Generator, found: Quantities, inputs: PosteriorInputs) -> np.ndarray:
    """`[week]`, with a level of 0."""

    def normal(scale: Any, *shape: int) -> Any:
        return jnp.asarray(float(scale) * rng.standard_normal(shape))

    n_terms, n_controls = inputs.season.shape[1], inputs.control.shape[2]
    linear = Linear(
        variation=normal(found.time_variation, inputs.exposure.shape[1], inputs.variation.shape[1]),
        trend=normal(found.trend, inputs.ramps.shape[1]),
        season=normal(found.seasonality, n_terms),
        control=normal(found.control, n_controls),
        demand=None,
        level=jnp.zeros(1),
        trend_region=jnp.zeros((1, inputs.region_ramps.shape[1])),
        season_region=jnp.zeros((1, n_terms)),
        control_region=jnp.zeros((1, n_controls)),
        media_region=jnp.zeros((1, inputs.exposure.shape[1])),
    )
    expected = np.asarray(fitted_values(found, contributions(found, inputs), linear, inputs))[0]
    noise, persistence = float(found.noise), float(found.persistence)
    residual = np.empty(len(expected))
    residual[0] = noise / np.sqrt(1.0 - persistence**2) * rng.standard_normal()
    for week, shock in enumerate(noise * rng.standard_normal(len(expected) - 1), start=1):
        residual[week] = persistence * residual[week - 1] + shock
    return expected + residual


def ranked(drawn: Simulated, config: dcm.Config, seed: int) -> list[dict[str, Any]]:
    """A row a quantity: rank of the true value among the draws of a fit, and whether its intervals cover it."""
    shares, coordinates, r_hat = _alone(drawn, seed) if config is _ALONE else _by_default(drawn, config, seed)
    quantities_of = {f"share {at}": (shares[:, at], drawn.share[at]) for at in range(shares.shape[1])}
    quantities_of["total"] = shares.sum(axis=1), drawn.share.sum()
    for at, name in enumerate(_names()):
        quantities_of[name] = coordinates[:, at], drawn.coordinates[at]
    rows = []
    for name, (draws, true) in quantities_of.items():
        low90, high90, low50, high50 = np.percentile(draws, (5.0, 95.0, 25.0, 75.0))
        thinned = draws[np.linspace(0, len(draws) - 1, RANKS).round().astype(int)]
        rows.append(
            {
                "quantity": name,
                "rank": int((thinned < true).sum()),
                "in90": bool(low90 <= true <= high90),
                "in50": bool(low50 <= true <= high50),
                "r_hat": r_hat,
            }
        )
    return rows


def _by_default(drawn: Simulated, config: dcm.Config, seed: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Draws of a fit: shares `[draw, channel]`, coordinates `[draw, coordinate]`, and their R-hat."""
    ensemble = dcm.fit(drawn.panel, config, holdout=None, seed=seed, progress=False)
    assert isinstance(ensemble, dcm.Ensemble)
    coordinates = ensemble.replicates.coordinates
    assert coordinates is not None
    return ensemble.share_draws().to_numpy() / 100.0, coordinates, float(ensemble.sampling()["r_hat"])


def _alone(drawn: Simulated, seed: int) -> tuple[np.ndarray, np.ndarray, float]:
    """The same of the sampler alone."""
    past = dcm.fit(drawn.panel, _UNTRAINED, holdout=None, seed=seed, progress=False).fitted_panel.until_last_kpi
    fitted, inputs, inside = as_trained(past)
    posterior = sample(fitted, inputs, inside, _UNTRAINED.posterior.draws, "hmc", seed)
    with jax.enable_x64(True):
        density, _ = density_of(fitted, inputs, inside)
        shares = np.asarray(shares_of(jnp.asarray(posterior.vectors), density.inputs, density.priors))
    return shares, posterior.vectors, posterior.r_hat


def _names() -> list[str]:
    """Of the coordinates, in the order of the vector; those without a number are one a fit."""
    shared = ("total", "history", "noise", "persistence", "trend", "seasonality", "control", "time_variation")
    order = ("total", "split", "decay", "delay", "slope", "half_saturation", *shared[1:])
    return [f"z {name}" if name in shared else f"z {name} {at}" for name in order for at in _over(name in shared)]


def _over(one: bool) -> range:
    return range(1 if one else CHANNELS)


def summary(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """By quantity, channels together: coverage, chi-square of the ranks in `BINS`, and the largest ECDF difference.

    `p` of the difference is by simulation of uniform ranks. Where channels are pooled, both p-values take their ranks
    as independent, though those of one fit are not quite.
    """
    pooled = rows["quantity"].str.replace(r" \d+$", "", regex=True)
    found = {}
    for name, part in rows.groupby(pooled, sort=False):
        rank = part["rank"].to_numpy()
        counts = np.bincount(rank * BINS // (RANKS + 1), minlength=BINS)
        distance = _ecdf_difference(rank)
        chance = [_ecdf_difference(rng.integers(0, RANKS + 1, len(rank))) for _ in range(2000)]
        found[str(name)] = {
            "n": len(part),
            "cover90": part["in90"].mean(),
            "cover50": part["in50"].mean(),
            "mean_rank": rank.mean() / RANKS,
            "chi2_p": chisquare(counts).pvalue,
            "ecdf": distance,
            "ecdf_95": float(np.quantile(chance, 0.95)),
            "ecdf_p": float(np.mean(np.array(chance) >= distance)),
            "bins": " ".join(map(str, counts)),
        }
    return pd.DataFrame.from_dict(found, orient="index")


def _ecdf_difference(rank: np.ndarray) -> float:
    """Largest distance of the ranks' distribution function from the uniform one."""
    step = np.bincount(rank, minlength=RANKS + 1).cumsum() / len(rank)
    return float(np.abs(step - np.arange(1, RANKS + 2) / (RANKS + 1)).max())


def main() -> None:
    """Print coverage and uniformity of ranks by quantity, and write them with all ranks as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="seed of the first replicate")
    parser.add_argument("--variants", default="model,default")
    asked = parser.parse_args()
    rows = []
    for seed in range(asked.first, asked.first + asked.replicates):
        drawn = simulated(seed)
        for variant in asked.variants.split(","):
            rows += [{"variant": variant, "seed": seed} | row for row in ranked(drawn, VARIANTS[variant], seed)]
        print(seed, f"r_hat {rows[-1]['r_hat']:.3f}", flush=True)
    table, figures = pd.DataFrame(rows), {}
    for variant, part in table.groupby("variant", sort=False):
        found = summary(part, np.random.default_rng(0))
        print(f"{variant!s}\n{found.to_string(float_format=lambda value: f'{value:.3f}')}")
        figures[str(variant)] = found.to_dict(orient="index")
    print("wrote", record("sbc", {"table": figures, "replicates": asked.replicates}))


if __name__ == "__main__":
    main()
