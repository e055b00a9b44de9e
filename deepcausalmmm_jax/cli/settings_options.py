"""Options for the settings of a fit, shared by the commands that fit."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, get_args

import typer

from deepcausalmmm_jax.checks import did_you_mean
from deepcausalmmm_jax.cli.columns import listed
from deepcausalmmm_jax.cli.link_groups import read_link_groups
from deepcausalmmm_jax.config.kpi_link import LinkKind
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.config.toml import read_toml
from deepcausalmmm_jax.errors import ConfigError

ConfigFile = Annotated[Path | None, typer.Option("--config", help="TOML file of settings.")]
Link = Annotated[
    str | None,
    typer.Option(
        "--link",
        help="identity: effects add up; log: they multiply; auto: by the evidence. [default: identity, or the file's]",
    ),
]

Counts = Annotated[
    bool,
    typer.Option(
        "--counts", help="The KPI counts something that is zero in some weeks; effects multiply. [TOML: counts]"
    ),
]
CountedKpis = Annotated[
    list[str] | None,
    typer.Option(
        "--counts", help="KPIs that count something that is zero in some weeks; repeat, or separate by commas."
    ),
]


LinkGroupsOption = Annotated[
    str | None,
    typer.Option(
        "--link-groups",
        help="Regions with links of their own: one, learn, or a CSV file of region and group. [default: one, or the "
        "file's]",
    ),
]


def settings_of(file: Path | None, link: str | None, counts: bool = False, link_groups: str | None = None) -> Config:
    """Settings of a file, with those that are options of their own in their place.

    Args:
        file: TOML file; None for the defaults.
        link: see `Config.link`; None to take the file's.
        counts: whether the KPI is counted; False to take the file's.
        link_groups: see `read_link_groups`; None to take the file's.

    Raises:
        ConfigError: the files, or the options, hold what settings cannot be.
        DataError: a file of groups that cannot be read.
    """
    if link is not None and link not in get_args(LinkKind):
        raise ConfigError(f"--link must be {', '.join(get_args(LinkKind)[:-1])} or auto, got {link!r}.")
    if counts and link in ("identity", "auto"):
        raise ConfigError(f"--link {link} is not for --counts, whose effects multiply; leave one of the two out.")
    table = {} if file is None else read_toml(file)
    table |= {} if link is None else {"link": link}
    table |= {} if link_groups is None else {"link_groups": read_link_groups(link_groups)}
    return Config.from_dict(table | ({"counts": True} if counts else {}))


def settings_by_kpi(
    file: Path | None, link: str | None, counted: Sequence[str] | None, kpis: Sequence[str]
) -> dict[str, Config]:
    """Settings of each KPI: those of `settings_of`, with counts for the ones that are counted.

    Args:
        file: TOML file; None for the defaults.
        link: of the KPIs that are not counted; None to take the file's.
        counted: names of KPIs, also several in one text, separated by commas.
        kpis: all of them.

    Raises:
        ConfigError: the file, or the options, hold what settings cannot be, or a name is no KPI.
    """
    names = listed(counted or (), kpis)
    for name in names:
        if name not in kpis:
            hint = did_you_mean(name, kpis, f"; the KPIs are {', '.join(kpis)}.")
            raise ConfigError(f"--counts names {name!r}, which is not a KPI{hint}")
    return {kpi: settings_of(file, None if kpi in names else link, kpi in names) for kpi in kpis}


def refuse_two_holdouts(holdout: int | None, no_holdout: bool) -> None:
    """Refuse a number of weeks to hold out beside none.

    Raises:
        ConfigError: both are given.
    """
    if no_holdout and holdout is not None:
        raise ConfigError(f"--holdout {holdout} and --no-holdout contradict each other; leave one of the two out.")
