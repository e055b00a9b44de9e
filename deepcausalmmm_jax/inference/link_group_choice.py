"""Groups of regions with a channel graph each, found by the evidence of exposure before the fit."""

from typing import TYPE_CHECKING

import numpy as np

from deepcausalmmm_jax.config.link_groups import StatedGroups
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.graph_constraints import GraphConstraints
from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.training.fitted import LinkGroupEvidence
from deepcausalmmm_jax.training.prepare import prepare

if TYPE_CHECKING:
    from deepcausalmmm_jax.dag.graph_groups import GraphGroups

_LEAST_REGIONS = 8
# Of a group: regions that differ by chance were groups of their own in a tenth of simulated panels without links.
_REGIONS_A_GROUP = 4
_STILL = 1e-4  # variance of regional deviations, as a share of that of exposure: below it only rounding is left


def with_link_groups(panel: Panel, weights: np.ndarray, config: Config) -> tuple[Config, LinkGroupEvidence | None]:
    """Settings with groups of regions in the place of `link_groups="learn"`, and the evidence that they rest on.

    The groups are those of `learn_dag(groups="learn")` with the regional deviations of the exposure innovations of the
    training weeks as observations, each region a unit: what all regions have in common is one observation a week,
    however many regions there are, and would look like evidence of many. Channels with the same exposure in every
    region have no deviations and do not take part. Links are constrained as in the fit, and those weaker than
    `Config.graph_threshold` distinguish no groups. A group has four regions at least. No KPI is read, and no exposure
    after the training weeks.

    Args:
        panel: of the fit.
        weights: `[region, week]`, 0 in weeks that are not learned from.
        config: settings; those with other groups, or one graph, are returned as they are. One channel has no links.

    Returns:
        The settings; and the evidence by number of groups, None where nothing was to be found.

    Raises:
        ConfigError: fewer than eight regions, or a region with too few training weeks.
    """
    if config.link_groups != "learn":
        return config, None
    if len(panel.channels) < 2:
        return config.replace(link_groups="one"), None
    regions = [str(region) for region in panel.regions]
    if len(regions) < _LEAST_REGIONS:
        raise ConfigError(
            f'link_groups="learn" needs {_LEAST_REGIONS} regions or more, and the panel has {len(regions)}; state the '
            'groups, or set link_groups="one".'
        )
    past, one = panel.until_last_kpi(), config.replace(link_groups="one")
    read = one.replace(curve="stated", link="identity" if one.link == "auto" else one.link)
    inputs = prepare(past, weights[:, : len(past.weeks)], read).inputs
    assert isinstance(inputs, Inputs)
    deviations, trained = (
        np.asarray(inputs.innovations.regional, np.float64),
        np.asarray(inputs.innovations.trained) > 0,
    )
    varying = np.flatnonzero((deviations**2).mean(axis=(0, 1)) > _STILL)
    if len(varying) < 2:
        return one, LinkGroupEvidence((1,), np.zeros(1))
    _refuse_short(trained, regions, len(varying), config.link_lags, panel.cadence.unit)
    found = _found(deviations[:, :, varying], trained, inputs.graph_constraints, varying, config)
    evidence = LinkGroupEvidence(tuple(int(k) for k in found.evidence.index), found.evidence.to_numpy(np.float64))
    groups = _stated(found, regions)
    return (config.replace(link_groups=groups) if len(groups) > 1 else one), evidence


def _refuse_short(trained: np.ndarray, regions: list[str], n_channels: int, lags: int, unit: str) -> None:
    """Check that each region has more complete weeks, `trained` `[region, week]`, than a channel may have parents."""
    complete = trained.copy()
    for lag in range(1, lags + 1):
        complete[:, lag:] &= trained[:, :-lag]
        complete[:, :lag] = False
    count, least = complete.sum(axis=1), n_channels * (1 + lags) + lags + 3
    if (count < least).any():
        short = int(np.argmax(count < least))
        after = f"{lags + 1} others" if lags else "another"
        raise ConfigError(
            f'link_groups="learn" needs {least} training {unit}s right after {after} in every region, and the region '
            f'{regions[short]!r} has {count[short]}; drop it, state the groups, or set link_groups="one".'
        )


def _found(
    deviations: np.ndarray, trained: np.ndarray, constraints: GraphConstraints, varying: np.ndarray, config: Config
) -> "GraphGroups":
    """Groups of units `[region, week, channel]`; `varying` are the positions of their channels in the constraints."""
    from deepcausalmmm_jax.dag.edge_rules import rules_by_lag  # with scipy.stats, which other fits do not wait for
    from deepcausalmmm_jax.dag.learn import Search
    from deepcausalmmm_jax.dag.learn_groups import learned_groups
    from deepcausalmmm_jax.dag.samples import read_samples

    free, required = (
        np.asarray(part)[:, varying[:, None], varying] > 0
        for part in (constraints.free + (np.asarray(constraints.fixed) != 0), constraints.required)
    )
    required &= free  # an edge that is fixed at 0 is none
    own = np.eye(len(varying), dtype=bool)
    free[1:] |= own  # a channel's persistence
    samples = read_samples(deviations, config.link_lags, None, trained)
    how = Search("notears", 0.0, config.graph_threshold, "unequal", refine=True)
    return learned_groups(samples, rules_by_lag(free, required), how, None)


def _stated(found: "GraphGroups", regions: list[str]) -> StatedGroups:
    """Groups as settings have them, named by their numbers from 1, the largest first.

    Regions of a group that is too small go to the likeliest of the others.
    """
    chance, label = found.chance.to_numpy().copy(), found.labels.to_numpy(int)  # [region, group], [region]
    size = np.bincount(label, minlength=chance.shape[1])
    while size[label].min() < _REGIONS_A_GROUP:
        smallest = label[size[label].argmin()]
        chance[:, smallest] = -1.0
        label = np.where(label == smallest, chance.argmax(axis=1), label)
        size = np.bincount(label, minlength=chance.shape[1])
    ranked = sorted(set(label.tolist()), key=lambda group: (-size[group], group))
    return tuple(
        (str(number + 1), tuple(region for region, own in zip(regions, label == group, strict=True) if own))
        for number, group in enumerate(ranked)
    )
