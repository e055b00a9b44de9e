"""Groups of regions with a channel graph each, from the command line: a word, or a CSV file."""

from pathlib import Path

from deepcausalmmm_jax.config.link_groups import LinkGroups
from deepcausalmmm_jax.data.readers.read_table import file_at, read_table
from deepcausalmmm_jax.errors import ConfigError

_DELIMITERS = (",", ";", "\t", "|")
_COLUMNS = ("region", "group")


def read_link_groups(text: str) -> LinkGroups:
    """Groups as `Config.link_groups` takes them.

    Args:
        text: `one`, `learn`, or the path of a file with the columns region and group, a row a region, separated by
            commas, semicolons, tabs or bars.

    Raises:
        DataError: the file cannot be read.
        ConfigError: a column that is missing or there twice, or a row with a region or a group alone.
    """
    if text in ("one", "learn"):
        return text
    path = Path(text)
    if not path.is_file():
        raise ConfigError(f"--link-groups must be one, learn, or a CSV file of region and group, got {text!r}.")
    header = file_at(path).read_text(encoding="utf-8-sig", errors="replace").partition("\n")[0]
    table = read_table(path, max(_DELIMITERS, key=header.count))
    table.columns = [str(name).strip().lower() for name in table.columns]
    for name in _COLUMNS:
        count = list(table.columns).count(name)
        if count != 1:
            has = "no column" if count == 0 else f"{count} columns"
            raise ConfigError(f"{path} has {has} {name!r}; groups need region and group.")
    groups: dict[str, list[str]] = {}
    for region, group in table[list(_COLUMNS)].fillna("").astype(str).to_numpy().tolist():
        if not region.strip() and not group.strip():
            continue
        if not region.strip() or not group.strip():
            missing, there = ("region", f"group {group!r}") if not region.strip() else ("group", f"region {region!r}")
            raise ConfigError(f"{path}: a row with the {there} has no {missing}.")
        groups.setdefault(group.strip(), []).append(region.strip())
    return tuple((group, tuple(regions)) for group, regions in groups.items())
