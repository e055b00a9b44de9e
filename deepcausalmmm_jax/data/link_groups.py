"""Groups of a panel's regions, each with a channel graph of its own."""

import numpy as np
import pandas as pd

from deepcausalmmm_jax.axes import CHANNEL, REGION
from deepcausalmmm_jax.checks import did_you_mean
from deepcausalmmm_jax.config.link_groups import StatedGroups
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import ConfigError

GROUP = "group"  # column, index level or series of the names of groups


def stated_groups(panel: Panel, config: Config) -> StatedGroups:
    """The groups of `Config.link_groups`; none where all regions have one graph, or there is a single channel.

    Raises:
        ConfigError: a region that the panel does not have, or one of the panel's in no group.
    """
    groups = config.link_groups
    if isinstance(groups, str) or len(panel.channels) < 2:
        return ()
    regions, named = [str(region) for region in panel.regions], [region for _, own in groups for region in own]
    for region in named:
        if region not in regions:
            hint = did_you_mean(region, regions, "; take it out of its group.")
            raise ConfigError(f"Setting link_groups names the region {region!r}, which the panel does not have{hint}")
    for region in regions:
        if region not in named:
            raise ConfigError(f"Setting link_groups has no group for the region {region!r}; name it in one group.")
    return groups


def in_group(panel: Panel, config: Config) -> np.ndarray | None:
    """Which regions are in which group, `[group, region]`, 1 or 0; None where all regions have one graph.

    Raises:
        ConfigError: groups that do not fit the panel.
    """
    groups = stated_groups(panel, config)
    if not groups:
        return None
    regions = np.array([str(region) for region in panel.regions])
    return np.stack([np.isin(regions, own) for _, own in groups]).astype(float)


def group_of_regions(panel: Panel, config: Config) -> pd.Series:
    """Name of each region's group, by region; missing where all regions have one graph."""
    by_region = {region: name for name, own in stated_groups(panel, config) for region in own}
    index = pd.Index(panel.regions, name=REGION)
    return pd.Series([by_region.get(str(region)) for region in panel.regions], index, dtype=object, name=GROUP)


def channel_table(values: np.ndarray, channels: list[str], groups: tuple[str, ...]) -> pd.DataFrame:
    """`[*group, channel, channel]` as a table, with rows by group and channel where there are groups."""
    if not groups:
        return pd.DataFrame(values, index=channels, columns=channels)
    rows = pd.MultiIndex.from_product([groups, channels], names=[GROUP, CHANNEL])
    return pd.DataFrame(values.reshape(-1, len(channels)), index=rows, columns=channels)
