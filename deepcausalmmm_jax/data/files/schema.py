"""Schema: which column of a file is what, and how the file is written; kept beside the file as TOML."""

import dataclasses
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, get_args

from deepcausalmmm_jax.checks import did_you_mean, shown
from deepcausalmmm_jax.config.toml import read_toml, toml_lines
from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.data.files.number_style import Decimal
from deepcausalmmm_jax.data.treatments import TreatmentBaseline, treatments_from
from deepcausalmmm_jax.errors import ConfigError, DataError
from deepcausalmmm_jax.io.atomic_write import write_text

Rows = Literal["weekly", "daily", "monthly", "quarterly"]

_NO_LONGER = "; edit the schema, or delete it to have the columns found again."
_LISTS = ("media", "organic", "controls", "categories", "national", "ignored")
_TABLES = ("spend", "products", "treatments", "reach")
_CHANNELS = ("organic", "products", "reach")  # beside media
_SEAL = "# As written: "  # before the checksum of the lines above, which tells an edited file from another
_TEXTS = ("layout", "time", "kpi", "region", "population", "names", "values", "delimiter", "encoding", "sheet")


@dataclass(frozen=True)
class Schema:
    """Roles of a file's columns.

    Attributes:
        layout: name of the layout that was recognised, for display.
        time: column of the days or weeks.
        kpi: column of the KPI.
        media: columns of exposure, one a channel; names in `products` and `reach` are channels too.
        region: column of the regions; None for a national file.
        spend: pairs of channel and column of spend.
        organic: columns of exposure that is not paid for; names in `products` may be among them.
        controls: columns of numbers that affect the KPI.
        treatments: pairs of a column that affects the KPI and is credited for it, and its baseline: `min`, `max` or a
            number.
        national: channels, controls and treatments with one figure per week for the whole country in every region.
        categories: columns of text; each value except `na`, `none` and the like becomes a control of 0 and 1.
        products: triples of a channel and two columns, reach and frequency, whose product is its exposure.
        revenue_per_kpi: column or number; None where it is unknown.
        population: column of each region's population.
        ignored: columns that are not used.
        rows: `weekly`, `daily`, `monthly` or `quarterly`: how far apart the rows of the file are.
        cadence: that of the panel; None for weeks from weekly and daily rows, else for that of the rows. Days are
            aggregated to weeks unless it is `daily`: sums of KPI, exposure and spend, means of all else.
        names: column that names what `values` holds, of a file with one row per number; or the channel, of a file with
            one row per channel.
        values: column of the numbers of such a file; None where each channel has a row of several numbers.
        delimiter: between columns; None for files that are not text.
        encoding: of the characters; None for files that are no text.
        decimal: sign before decimals.
        sheet: of a workbook.
        reach: triples of a channel and two columns, people reached and contacts for each of them.
    """

    layout: str
    time: str
    kpi: str
    media: tuple[str, ...]
    region: str | None = None
    spend: tuple[tuple[str, str], ...] = ()
    organic: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    treatments: tuple[tuple[str, TreatmentBaseline], ...] = ()
    national: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    products: tuple[tuple[str, str, str], ...] = ()
    revenue_per_kpi: str | float | None = None
    population: str | None = None
    ignored: tuple[str, ...] = ()
    rows: Rows = "weekly"
    cadence: Rows | None = None
    names: str | None = None
    values: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    decimal: Decimal = "."
    sheet: str | None = None
    reach: tuple[tuple[str, str, str], ...] = ()

    def __post_init__(self) -> None:
        """Channels that only `products` or `reach` name are media."""
        made = (channel for channel, *_ in (*self.products, *self.reach) if channel not in self.organic)
        new = dict.fromkeys(channel for channel in made if channel not in self.media)
        object.__setattr__(self, "media", (*self.media, *new))

    @property
    def summary(self) -> str:
        """The role of each column, in one line."""
        spend = dict(self.spend)
        own = [name for name in self.media if spend.get(name) == name]
        added = ", days added up" if self.adds_up_days else ""
        parts = [f"{self.layout}: {Cadence(self.panel_cadence).unit}s from {self.time!r}{added}"]
        parts.append(f"regions from {self.region!r}" if self.region else "one region")
        parts.append(f"KPI {self.kpi!r}")
        paid = f", spend known for {len(spend)}" if spend else ", no spend"
        same = f" ({len(own)} of them by their spend alone)" if own else ""
        parts.append(f"{len(self.media)} channel{'s' * (len(self.media) != 1)} ({_some(self.media)}){paid}{same}")
        if self.reach:
            parts.append(f"reach and frequency: {_some(tuple(channel for channel, *_ in self.reach))}")
        if self.organic:
            parts.append(f"organic, without budget: {_some(self.organic)}")
        if self.treatments:
            named = tuple(f"{name} (from {baseline})" for name, baseline in self.treatments)
            parts.append(f"treatments, credited: {_some(named)}")
        if self.national:
            parts.append(f"national: {_some(self.national)}")
        parts.append(f"controls: {_some((*self.controls, *self.categories)) or 'none'}")
        if self.revenue_per_kpi is not None:
            of_a_column = isinstance(self.revenue_per_kpi, str)
            parts.append(f"revenue per KPI {'from ' if of_a_column else ''}{self.revenue_per_kpi!r}")
        if any(self.ignored):
            parts.append(f"not used: {_some(tuple(name for name in self.ignored if name))}")
        return "; ".join(parts) + "."

    @property
    def adds_up_days(self) -> bool:
        """Whether days are aggregated to weeks."""
        return self.rows == "daily" and self.cadence in (None, "weekly")

    @property
    def panel_cadence(self) -> Rows:
        """Cadence of the panel."""
        return self.cadence or ("weekly" if self.rows == "daily" else self.rows)

    def save(self, path: Path) -> Path:
        """Write the schema as TOML.

        Raises:
            OutputError: the file cannot be written.
        """
        plain = {k: v for k, v in dataclasses.asdict(self).items() if k not in _TABLES}
        lines = "# Which column is what. Edit it and read the file again; delete it to have the columns found again.\n"
        lines += toml_lines(plain) + "\n"
        tables: dict[str, dict[str, object]] = {"spend": dict(self.spend), "treatments": dict(self.treatments)}
        for name, triples in (("products", self.products), ("reach", self.reach)):
            tables[name] = {channel: [reach, frequency] for channel, reach, frequency in triples}
        for name, table in tables.items():
            if table:
                lines += f"\n[{name}]\n" + toml_lines({_quoted(key): value for key, value in table.items()}) + "\n"
        return write_text(path, lines + _SEAL + _sum_of(lines) + "\n")

    @staticmethod
    def is_edited(path: Path) -> bool:
        """Whether a file of a schema is not as `save` wrote it."""
        try:
            lines, seal, written = path.read_text(encoding="utf-8").rpartition(_SEAL)
        except (OSError, UnicodeError):
            return True
        return bool(seal) and written.strip() != _sum_of(lines)  # without a seal it is of an earlier version

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a schema that `save` wrote, edited or not.

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
            if not values.get(name) and not (name == "media" and any(values.get(other) for other in _CHANNELS)):
                raise ConfigError(f"{place} does not give {name}.")
        for name in _TEXTS:
            if values.get(name) is not None and not isinstance(values[name], str):
                raise ConfigError(f"{place}: {name} must be text, got {shown(values[name])}.")
        for name, choices in (("rows", Rows), ("cadence", Rows), ("decimal", Decimal)):
            allowed = get_args(choices)
            if name in values and values[name] not in allowed:
                raise ConfigError(f"{place}: {name} must be one of {', '.join(allowed)}, got {shown(values[name])}.")
        values |= {name: _list_of(values.get(name, []), name, place) for name in _LISTS}
        values["spend"] = tuple(_by_channel(values.get("spend", {}), "spend", place))
        values |= {name: _pairs(values.get(name, {}), name, place) for name in ("products", "reach")}
        credited = dict(_by_channel(values.get("treatments", {}), "treatments", place))
        try:
            values["treatments"] = tuple((entry.name, entry.baseline) for entry in treatments_from(credited))
        except DataError as reason:
            raise ConfigError(f"{place}: {reason}") from None
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

    def refuse_contradictions(self) -> None:
        """Refuse a column with a role that is ignored too, or a category too; a panel refuses other pairs of roles.

        Raises:
            DataError: names it.
        """
        others = self._used()
        for column in self.categories:
            others.remove(column)
        for name, roles in (("categories", others), ("ignored", self._used())):
            for column in getattr(self, name):
                if column in roles:
                    raise DataError(f"The schema lists {column!r} in {name} and gives it another role; remove one.")

    def unmentioned(self, columns: list[str]) -> list[str]:
        """Columns of a file that the schema neither uses nor ignores, such as a new channel's."""
        known = {*self._used(), *self.ignored}
        return [column for column in columns if column not in known]

    def _used(self) -> list[str]:
        used = [self.time, self.kpi, self.region, self.population, *self.controls, *self.categories]
        used += [column for _, column in self.spend]
        made = {channel for channel, *_ in (*self.products, *self.reach)}
        used += [name for name in (*self.media, *self.organic) if name not in made]
        used += [name for name, _ in self.treatments]
        used += [column for _, *pair in (*self.products, *self.reach) for column in pair]
        if isinstance(self.revenue_per_kpi, str):
            used.append(self.revenue_per_kpi)
        return [column for column in used if column is not None]


def _list_of(given: object, name: str, place: str) -> tuple[str, ...]:
    if not isinstance(given, list | tuple) or not all(isinstance(entry, str) for entry in given):
        raise ConfigError(f"{place}: {name} must be a list of columns, got {shown(given)}.")
    return tuple(given)


def _by_channel(given: object, name: str, place: str) -> Iterable[tuple[str, object]]:
    if not isinstance(given, dict):
        raise ConfigError(f"{place}: {name} must be a table by channel, got {shown(given)}.")
    return given.items()


def _pairs(given: object, name: str, place: str) -> tuple[tuple[str, str, str], ...]:
    return tuple((channel, *_pair_of(pair, name, place)) for channel, pair in _by_channel(given, name, place))


def _pair_of(given: object, name: str, place: str) -> tuple[str, str]:
    if not isinstance(given, list | tuple) or len(given) != 2 or not all(isinstance(column, str) for column in given):
        raise ConfigError(f"{place}: {name} must name a column of reach and one of frequency, got {shown(given)}.")
    return given[0], given[1]


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _sum_of(lines: str) -> str:
    return f"{zlib.crc32(lines.replace(chr(13), '').encode()):08x}"


def _quoted(key: str) -> str:
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
