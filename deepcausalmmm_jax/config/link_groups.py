"""Groups of regions, each with a channel graph of its own."""

from numbers import Integral

from deepcausalmmm_jax.checks import shown
from deepcausalmmm_jax.errors import ConfigError

StatedGroups = tuple[tuple[str, tuple[str, ...]], ...]
LinkGroups = str | StatedGroups  # "one", "learn", or regions by the name of their group

_FORM = '"one", "learn", or regions by group such as (("north", ("a", "b")), ("south", ("c",)))'


def link_groups_from(value: object) -> LinkGroups:
    """Groups as settings hold them: names and regions as text, in nested tuples.

    Args:
        value: `one`, `learn`, or pairs of a group's name and its regions.

    Raises:
        ConfigError: another form, an empty group, a single group, or a group or region that is named twice.
    """
    if isinstance(value, str) and value in ("one", "learn"):
        return value
    if not isinstance(value, list | tuple) or not all(_is_group(entry) for entry in value):
        raise ConfigError(f"Setting link_groups must be {_FORM}, got {shown(value)}.")
    groups = tuple((str(name), tuple(str(region) for region in regions)) for name, regions in value)
    _refuse_few(groups)
    _refuse_repeats(groups)
    return groups


def _is_group(entry: object) -> bool:
    """Whether an entry is a name and a list of regions."""
    if not isinstance(entry, list | tuple) or len(entry) != 2 or not isinstance(entry[1], list | tuple):
        return False
    return all(isinstance(label, str | Integral) and not isinstance(label, bool) for label in (entry[0], *entry[1]))


def _refuse_few(groups: StatedGroups) -> None:
    for name, regions in groups:
        if not regions:
            raise ConfigError(f"The group {name!r} of link_groups has no region; name its regions, or leave it out.")
    if not groups:
        raise ConfigError('Setting link_groups names no group; state two or more, or set link_groups="one".')
    if len(groups) == 1:
        (name, regions), more = groups[0], len(groups[0][1]) - 1
        others = f" and {more} other{'s' * (more > 1)}" if more else ""
        raise ConfigError(
            f"Setting link_groups has one group alone, {name!r} with the region {regions[0]!r}{others}; state two or "
            'more, or set link_groups="one".'
        )


def _refuse_repeats(groups: StatedGroups) -> None:
    named: dict[str, str] = {}
    for group, regions in groups:
        if group in named.values():
            raise ConfigError(f"Setting link_groups has two groups {group!r}; give each a name of its own.")
        for region in regions:
            if region in named:
                both = f"the groups {named[region]!r} and {group!r}" if named[region] != group else f"{group!r} twice"
                raise ConfigError(f"Setting link_groups has the region {region!r} in {both}; name it once.")
            named[region] = group
