"""Prior knowledge about links between channels, and what of it fits the graph that is asked for."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deepcausalmmm_jax.checks import is_number, require
from deepcausalmmm_jax.config.slips import names_slips
from deepcausalmmm_jax.errors import ConfigError

if TYPE_CHECKING:
    from deepcausalmmm_jax.config.settings import Config

_MOST_LINK_LAGS = 8


@names_slips
@dataclass(frozen=True)
class Links:
    """Prior knowledge about links between channels; channels by name, from source to target.

    A lag, in weeks, may follow as the last entry of a link: `("tv", "search", 1)` is the link from tv to search a week
    later.

    Attributes:
        forbid: pairs (source, target) without an edge: `(("search", "tv"),)` states that search does not drive tv, in
            the same week or later. With a lag the link is forbidden at that lag alone.
        require: pairs with an edge, however weak; in the same week where no lag is given.
        fix: triples (source, target, value): an edge of known strength, namely exposure of the target, in its mean
            weeks, per mean week of exposure of the source; in the same week where no lag is given.
        tiers: groups of channels in funnel order; no channel drives one of an earlier tier, at any lag. Channels in no
            tier are unrestricted.

    Raises:
        ConfigError: a malformed entry, a link from a channel to itself, or a channel in two tiers.
    """

    forbid: tuple[tuple[str, str] | tuple[str, str, int], ...] = ()
    require: tuple[tuple[str, str] | tuple[str, str, int], ...] = ()
    fix: tuple[tuple[str, str, float] | tuple[str, str, float, int], ...] = ()
    tiers: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        for name in ("forbid", "require", "fix", "tiers"):
            value = getattr(self, name)
            is_nested = isinstance(value, list | tuple) and all(isinstance(entry, list | tuple) for entry in value)
            require(is_nested, f"links.{name}", value, "a list of lists of channels")
            object.__setattr__(self, name, tuple(tuple(entry) for entry in value))
        for name, links in (("forbid", self.forbid), ("require", self.require), ("fix", self.fix)):
            for link in links:
                _check_link(name, link)
        named = [channel for tier in self.tiers for channel in tier]
        require(all(isinstance(channel, str) for channel in named), "links.tiers", self.tiers, "names of channels")
        twice = sorted({channel for channel in named if named.count(channel) > 1})
        require(not twice, "links.tiers", self.tiers, f"free of repeats ({', '.join(twice)} appears twice)")

    def channels(self) -> tuple[str, ...]:
        """All channels that are named, each once."""
        pairs = (link[:2] for link in (*self.forbid, *self.require, *self.fix))
        return tuple(dict.fromkeys(channel for group in (*pairs, *self.tiers) for channel in group))

    def longest_lag(self) -> int:
        """The longest lag of a link that is named with one, in weeks."""
        lags = (*(link[2:] for link in (*self.forbid, *self.require)), *(link[3:] for link in self.fix))
        return max((int(lag) for group in lags for lag in group), default=0)


def refuse_graph_settings(config: "Config") -> None:
    """Raise ConfigError for lags out of range, and for links that need a graph, or lags, that the others do not have.

    Args:
        config: settings.
    """
    lags_allowed = f"a whole number of weeks from 0 to {_MOST_LINK_LAGS}"
    require(0 <= config.link_lags <= _MOST_LINK_LAGS, "link_lags", config.link_lags, lags_allowed)
    given = (("links", config.links.channels()), ("link_lags", config.link_lags))
    for name, wanted in (*given, ("link_groups", config.link_groups != "one")):
        if config.graph == "none" and wanted:
            raise ConfigError(f'Setting {name} needs a channel graph, but graph is "none"; set graph="notears".')
    if config.links.longest_lag() > config.link_lags:
        raise ConfigError(
            f"Setting links names a link with a lag of {config.links.longest_lag()}, but link_lags is "
            f"{config.link_lags}; set link_lags={config.links.longest_lag()}."
        )


def _check_link(name: str, link: tuple[object, ...]) -> None:
    given = 3 if name == "fix" else 2  # entries before the lag
    wanted = "(source, target, value)" if name == "fix" else "(source, target)"
    numbers = [value for value in link[2:given] if is_number(value)]
    named = len(link) >= 2 and all(isinstance(channel, str) for channel in link[:2])
    lags = [lag for lag in link[given:] if isinstance(lag, int) and not isinstance(lag, bool) and lag >= 0]
    right = named and 2 + len(numbers) == given and len(link) == given + len(lags) <= given + 1
    require(right, f"links.{name}", link, f"of the form {wanted}, with a lag in weeks behind it if any")
    require(link[0] != link[1], f"links.{name}", link, "a link between two different channels")
