"""Schema: which column of a file is what, and how the file is written; kept beside the file as TOML."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, get_args

from deepcausalmmm_jax.checks import did_you_mean, shown
from deepcausalmmm_jax.config.toml import read_toml, toml_lines
from deepcausalmmm_jax.data.files.number_style import Decimal
from deepcausalmmm_jax.errors import ConfigError, DataError
from deepcausalmmm_jax.io.atomic_write import write_text

Rows = Literal["weekly", "daily"]

_NO_LONGER = "; edit the schema, or delete it to have the columns found again."
_LISTS = ("media", "controls", "categories", "ignored")
_TABLES = ("spend", "products")
_TEXTS = ("layout", "time", "kpi", "region", "population", "names", "values", "delimiter", "encoding", "sheet")


@dataclass(frozen=True)
class Schema:
    """Roles of a file's columns.

    Attributes:
        layout: name of the layout that was recognised, for people.
        time: column of the days or weeks.
        kpi: column of the KPI.
        media: columns of exposure, one a channel; names in `products` are channels too.
        region: column of the regions; None for a national file.
        spend: pairs of channel and column of spend.
        controls: columns of numbers that affect the KPI.
        categories: columns of words; each word but `na`, `none` and the like becomes a control of 0 and 1.
        products: triples of a channel and two columns, reach and frequency, whose product is its exposure.
        revenue_per_kpi: column or number; None where it is unknown.
        population: column of each region's population.
        ignored: columns that are not used.
        rows: `weekly` or `daily`; days are brought to weeks, sums of KPI, exposure and spend, means of all else.
        names: column that names what `values` holds, of a file with one row a number; or the channel, of a file with
            one row a channel.
        values: column of the numbers of such a file; None where each channel has a row of several numbers.
        delimiter: between columns; None for files that are no text.
        encoding: of the characters; None for files that are no text.
        decimal: sign before decimals.
        sheet: of a workbook.
    """

    layout: str
    time: str
    kpi: str
    media: tuple[str, ...]
    region: str | None = None
    spend: tuple[tuple[str, str], ...] = ()
    controls: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    products: tuple[tuple[str, str, str], ...] = ()
    revenue_per_kpi: str | float | None = None
    population: str | None = None
    ignored: tuple[str, ...] = ()
    rows: Rows = "weekly"
    names: str | None = None
    values: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    decimal: Decimal = "."
    sheet: str | None = None

    @property
    def summary(self) -> str:
        """What was taken for what, in one line."""
        spend = dict(self.spend)
        own = [name for name in self.media if spend.get(name) == name]
        parts = [f"{self.layout}: weeks from {self.time!r}" + (", days added up" if self.rows == "daily" else "")]
        parts.append(f"regions from {self.region!r}" if self.region else "one region")
        parts.append(f"KPI {self.kpi!r}")
        paid = f", spend known for {len(spend)}" if spend else ", no spend"
        same = f" ({len(own)} of them by their spend alone)" if own else ""
        parts.append(f"{len(self.media)} channels ({_some(self.media)}){paid}{same}")
        parts.append(f"controls: {_some((*self.controls, *self.categories)) or 'none'}")
        if self.revenue_per_kpi is not None:
            parts.append(f"revenue per KPI from {self.revenue_per_kpi!r}")
        if any(self.ignored):
            parts.append(f"not used: {_some(tuple(name for name in self.ignored if name))}")
        return "; ".join(parts) + "."

    def save(self, path: Path) -> Path:
        """Write the schema as TOML.

        Raises:
            OutputError: the file cannot be written.
        """
        plain = {k: v for k, v in dataclasses.asdict(self).items() if k not in _TABLES}
        lines = "# Which column is what. Edit it and read the file again; delete it to have the columns found again.\n"
        lines += toml_lines(plain) + "\n"
        for name, table in (("spend", dict(self.spend)), ("products", {a: [b, c] for a, b, c in self.products})):
            if table:
                lines += f"\n[{name}]\n" + toml_lines({_quoted(key): value for key, value in table.items()}) + "\n"
        return write_text(path, lines)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a schema that `save` wrote, or a person edited.

        Raises:
            ConfigError: the file cannot be read, lacks a column that every panel needs, or has an unknown entry.
        """
        return cls.from_dict(read_toml(path), str(path))

    @classmethod
    def from_dict(cls, table: dict[str, Any], place: str = "The schema") -> Self:
        """A schema from the tables of a TOML file; errors as for `load`."""
        known = [item.name for item in dataclasses.fields(cls)]
        for name in table:
            if name not in known:
                raise ConfigError(f"{place} has an unknown entry {name!r}{did_you_mean(name, known)}")
        values: dict[str, Any] = {"layout": "as the schema says", **table}
        for name in ("time", "kpi", "media"):
            if not values.get(name):
                raise ConfigError(f"{place} does not say {name}.")
        for name in _TEXTS:
            if values.get(name) is not None and not isinstance(values[name], str):
                raise ConfigError(f"{place}: {name} must be a text, got {shown(values[name])}.")
        for name, allowed in (("rows", get_args(Rows)), ("decimal", get_args(Decimal))):
            if values.get(name, allowed[0]) not in allowed:
                raise ConfigError(f"{place}: {name} must be one of {', '.join(allowed)}, got {shown(values[name])}.")
        values |= {name: _list_of(values.get(name, []), name, place) for name in _LISTS}
        values["spend"] = tuple(_by_channel(values.get("spend", {}), "spend", place))
        pairs = _by_channel(values.get("products", {}), "products", place)
        values["products"] = tuple((channel, *_pair_of(pair, place)) for channel, pair in pairs)
        return cls(**values)

    def refuse_missing(self, columns: list[str]) -> None:
        """Refuse a file that lacks a column of the schema.

        Raises:
            DataError: names it.
        """
        for column in self._used():
            if column not in columns:
                raise DataError(
                    f"The schema names a column {column!r} that the file does not have"
                    f"{did_you_mean(column, columns, _NO_LONGER)}"
                )

    def unmentioned(self, columns: list[str]) -> list[str]:
        """Columns of a file that the schema neither uses nor ignores, such as a new channel's."""
        known = {*self._used(), *self.ignored}
        return [column for column in columns if column not in known]

    def _used(self) -> list[str]:
        used = [self.time, self.kpi, self.region, self.population, *self.controls, *self.categories]
        used += [column for _, column in self.spend]
        made = {channel for channel, *_ in self.products}
        used += [name for name in self.media if name not in made]
        used += [column for _, *pair in self.products for column in pair]
        if isinstance(self.revenue_per_kpi, str):
            used.append(self.revenue_per_kpi)
        return [column for column in used if column is not None]


def _list_of(given: object, name: str, place: str) -> tuple[str, ...]:
    if not isinstance(given, list | tuple) or not all(isinstance(entry, str) for entry in given):
        raise ConfigError(f"{place}: {name} must be a list of columns, got {shown(given)}.")
    return tuple(given)


def _by_channel(given: object, name: str, place: str) -> Iterable[tuple[str, Any]]:
    if not isinstance(given, dict):
        raise ConfigError(f"{place}: {name} must be a table by channel, got {shown(given)}.")
    return given.items()


def _pair_of(given: object, place: str) -> tuple[str, str]:
    if not isinstance(given, list | tuple) or len(given) != 2 or not all(isinstance(name, str) for name in given):
        raise ConfigError(f"{place}: products must name a column of reach and one of frequency, got {shown(given)}.")
    return given[0], given[1]


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _quoted(key: str) -> str:
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
