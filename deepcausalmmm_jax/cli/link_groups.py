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
        ConfigError: a missing column, or a row without a region or a group.
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
        if name not in table:
            raise ConfigError(f"{path} has no column {name!r}; groups need region and group.")
    groups: dict[str, list[str]] = {}
    for line, (region, group) in enumerate(table[list(_COLUMNS)].fillna("").astype(str).to_numpy().tolist(), start=2):
        if not region.strip() or not group.strip():
            missing = "region" if not region.strip() else "group"
            raise ConfigError(f"{path}: line {line} has no {missing}.")
        groups.setdefault(group.strip(), []).append(region.strip())
    return tuple((group, tuple(regions)) for group, regions in groups.items())
