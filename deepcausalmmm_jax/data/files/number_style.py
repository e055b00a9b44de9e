"""Numbers as spreadsheets write them: decimal commas, thousands separators, currency signs, accountants' brackets."""

import re
from collections.abc import Iterable, Sequence
from typing import Literal, cast, get_args

import numpy as np
import pandas as pd

from deepcausalmmm_jax.checks import require
from deepcausalmmm_jax.data.readers.numbers import as_numbers
from deepcausalmmm_jax.errors import DataError

Decimal = Literal[".", ","]

CURRENCY_CODES = ("USD", "EUR", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "JPY", "INR", "CAD", "AUD", "NZD")
_SIGNS = rf"[$€£¥₹₩₽₺₫฿]|\b(?:{'|'.join(CURRENCY_CODES)})\b|R\$|kr\.?|zł"
_MONEY = re.compile(rf"^\s*(?:{_SIGNS})\s*|\s*(?:{_SIGNS})\s*$", re.IGNORECASE)
_CURRENCIES = {"$": "USD CAD AUD NZD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "ZŁ": "PLN", "KR": "SEK NOK DKK"}
_BRACKETS = re.compile(r"\((.*)\)")
_GROUPED = re.compile(r"(?<=\d)[\s\u00a0\u202f\u2009'’](?=\d{3}(?:\D|$))")
_PERCENT = re.compile(r"(?<=[\d.,])\s?%$")
_NUMBER = re.compile(r"[+-]?(?:\d[\d.,]*|[.,]\d+)(?:[eE][+-]?\d+)?")
_WITH_UNIT = re.compile(
    r"[+-]?\d[\d.,]*\s?(?:k|m|b|mm|mn|bn|mio\.?|mrd\.?|tsd\.?|thousand|million|lakh|crore)", re.IGNORECASE
)
_NOTHING = re.compile(r"[-\u2013\u2014.x]+|n\.?/?a\.?|#\S+|none|null|nil|nan|keine?|off", re.IGNORECASE)
_TENS_OF_THOUSANDS = r"^[+-]?\d{2,3}[.,]\d{3}$"
_OTHER_STYLE = "another style"  # no number, so that the column stays text and is refused where it is used
_MOST_WORDS = 0.5  # share of cells that are no numbers, from which on a column is one of words
_FEWEST_MARKED = 3  # cells that might be thousands
_DIGITS = 3  # in a group of thousands
_MOST_CELLS = 50_000  # more tell nothing new about the style


def decimal_named(sign: object) -> Decimal | None:
    """The sign before decimals as a user states it; None where it is to be found out.

    Raises:
        ConfigError: another sign.
    """
    require(sign in (None, *get_args(Decimal)), "decimal", sign, "'.' or ','")
    return cast(Decimal | None, sign)


def bare(cell: object) -> str:
    """A cell without currency and percent signs, blanks between thousands, and brackets around negative numbers.

    A percentage stays one: 8.3% is 8.3.
    """
    text = str(cell).strip().replace("\u2212", "-")
    brackets = _BRACKETS.fullmatch(text)
    text = f"-{brackets[1]}" if brackets else text
    minus, rest = ("-", text[1:]) if text.startswith("-") else ("", text)
    rest = _PERCENT.sub("", _MONEY.sub("", rest)) or rest  # EUR alone is a name
    if rest.startswith("-") and not minus:
        minus, rest = "-", rest[1:]
    return minus + _GROUPED.sub("", rest.strip())


def is_currency(text: str) -> bool:
    """Whether a text is a currency sign or code and nothing else."""
    return not _MONEY.sub("", text.strip())


def mixed_currencies(columns: Iterable[pd.Series]) -> tuple[str, ...]:
    """Currency signs and codes that cannot all be of one currency; none where they can, as `$` and `CAD` do.

    Args:
        columns: cells as written, of amounts or of currencies alone.
    """
    marks: set[str] = set()
    for column in columns:
        if not pd.api.types.is_numeric_dtype(column) and _plain_numbers(column) is None:
            cells = [str(cell) for cell in column.dropna().drop_duplicates()[:_MOST_CELLS]]
            priced = [cell.strip(" \u2212-+()") for cell in cells if is_currency(cell) or _NUMBER.fullmatch(bare(cell))]
            marks |= {found[0].strip(" .").upper() for cell in priced if (found := _MONEY.search(cell))}
    meant = [set(_CURRENCIES.get(mark, mark).split()) for mark in marks]
    return () if not meant or set.intersection(*meant) else tuple(sorted(marks))


def decimal_sign(table: pd.DataFrame, delimiter: str | None, used: Sequence[str] | None = None) -> Decimal:
    """The sign before decimals in a table of texts: `1.234,5` and `0,5` have a comma, `1,234.5` and `0.5` a point.

    Where only whole thousands are written (`1,234`), commas separate thousands unless semicolons separate columns.

    Args:
        table: cells as written.
        delimiter: between columns of the file; None where it has none.
        used: columns that are read, None for all; the others tell only where these do not.

    Raises:
        DataError: one column has both; or nothing tells decimals from thousands, and a column has whole numbers below a
            thousand beside some that would have three decimals each.
    """
    read = list(table.columns if used is None else used)
    found = _shown_in(table[read]) or _shown_in(table.drop(columns=read))
    if found is not None:
        return found
    usual: Decimal = "," if delimiter == ";" else "."
    for name in read:
        _ask_about_thousands(table[name], usual)
    if delimiter != ",":  # where commas are in quotes, they separate thousands
        _ask_where_all_are_marked(table, "." if usual == "," else ",", read)
    return usual


def _shown_in(table: pd.DataFrame) -> Decimal | None:
    """The sign before decimals that the columns show; None where they show none."""
    found: dict[Decimal, str] = {}
    for name in table.columns:
        own = _signs_of(table[name])
        if len(own) == 2:
            raise DataError(
                f"Column {name!r} writes decimals in two ways, {own['.']!r} and {own[',']!r}; write all with a point."
            )
        found |= own
    if len(found) == 2:
        raise DataError(
            f"The table writes decimals in two ways, {found['.']!r} and {found[',']!r}; write all with a point."
        )
    return next(iter(found), None)


def _ask_where_all_are_marked(table: pd.DataFrame, thousands: Decimal, read: Sequence[str]) -> None:
    """Refuse columns that are read, such as `1.799`, `1.812`, `1.804` with semicolons: thousands, or decimals.

    Whole numbers below a thousand beside such cells, in any column, show that the sign separates thousands.
    """
    marked: list[pd.Series] = []
    for name in table.columns:
        cells = _texts(table[name])
        if not cells.str.contains(thousands, regex=False).any():
            continue
        texts = pd.Series([bare(cell) for cell in cells.drop_duplicates()[:_MOST_CELLS]], dtype=str)
        if len(texts) < _FEWEST_MARKED or not texts.str.fullmatch(_NUMBER).all():
            continue
        is_money = bool(cells.map(lambda cell: bool(_MONEY.search(cell))).any())
        if is_money and texts.str.contains(_TENS_OF_THOUSANDS).any():
            return  # money has cents, not thousandths; only the price of fuel has, of a few units
        if not texts.str.contains(thousands, regex=False).all():
            return
        if name in read and (texts.str.count(re.escape(thousands)) == 1).all():
            marked.append(table[name])
    if marked:
        cell = str(_texts(marked[0]).iloc[0])
        raise DataError(
            f"Column {marked[0].name!r} has {cell!r} and the like, and nothing in the table tells whether "
            f"{thousands!r} separates thousands or decimals; set decimal='.' or ',' (--decimal)."
        )


def _texts(column: pd.Series) -> pd.Series:
    """The cells of a column that are text."""
    if pd.api.types.is_numeric_dtype(column):
        return pd.Series([], dtype=str)
    return pd.Series([cell for cell in column.dropna() if isinstance(cell, str)], dtype=str)


def _ask_about_thousands(column: pd.Series, decimal: Decimal) -> None:
    """Refuse `348` beside `2.977`, `1.433` and `4.120` where the sign might separate thousands: 1,000 times as much."""
    if pd.api.types.is_numeric_dtype(column):
        return
    cells = column.dropna().drop_duplicates()[:_MOST_CELLS]
    if cells.astype(str).str.contains(decimal, regex=False).sum() < _FEWEST_MARKED:
        return  # as in most tables, at once
    texts = [bare(cell) for cell in cells]
    if not all(_NUMBER.fullmatch(text) for text in texts):
        return
    marked = [text for text in texts if decimal in text]
    whole = [text for text in texts if text.lstrip("+-").isdecimal()]
    if len(marked) < _FEWEST_MARKED or not whole or any(len(text.lstrip("+-")) > _DIGITS for text in whole):
        return
    if all(text.count(decimal) == 1 and _sign_in(text) is None for text in marked):
        way_out = marked[0].replace(decimal, "")
        raise DataError(
            f"Column {column.name!r} has {marked[0]!r} beside whole numbers such as {whole[0]!r}, and nothing in the "
            f"table tells whether {decimal!r} separates thousands or decimals; write {way_out}, or {marked[0]}0 if "
            "these are decimals."
        )


def with_points(column: pd.Series, decimal: Decimal) -> pd.Series:
    """A column whose cells are numbers, as numbers; any other column as it is."""
    if pd.api.types.is_numeric_dtype(column):
        return column
    if decimal == "." and (plain := _plain_numbers(column)) is not None:
        return plain
    distinct = column.dropna().unique()
    read = {cell: _with_point(bare(cell), decimal) if isinstance(cell, str) else cell for cell in distinct}
    numbers, bad = as_numbers(pd.Series([read[cell] for cell in distinct], dtype=object))
    if bad.any() or np.isnan(numbers).all():  # a region may be called NA
        return column
    return column.map(dict(zip(distinct, numbers, strict=True))).astype(float)


def refuse_other_sign(column: pd.Series, decimal: Decimal) -> None:
    """Refuse a column that shows another sign before decimals than a schema or a user says; `1.890` would be 1,890.

    Raises:
        DataError: names a cell.
    """
    other: Decimal = "," if decimal == "." else "."
    if (cell := _signs_of(column).get(other)) is not None:
        raise DataError(
            f"Column {column.name!r} has {cell!r}, but decimal={decimal!r} is said to stand before decimals; correct "
            f"that in the schema, or pass decimal={other!r} (--decimal {other!r})."
        )


def refuse_percent_beside_shares(column: pd.Series) -> None:
    """Refuse a column with `6.1%` beside `0.018`, of which one is a hundred times the other.

    Raises:
        DataError: names a cell of each kind.
    """
    cells = _texts(column)
    percent = cells.str.strip().str.rstrip(")").str.endswith("%")
    if percent.any() and not percent.all():
        plain = [cell for cell in cells[~percent] if not re.fullmatch(r"[-+\s0.,]*", cell)]
        if plain:
            raise DataError(
                f"Column {column.name!r} has {cells[percent].iloc[0]!r} beside {plain[0]!r}; write all cells with a "
                "percent sign, or none."
            )


def refuse_words_among_numbers(column: pd.Series, decimal: Decimal, *, is_amount: bool = False) -> None:
    """Refuse a column most of whose cells are numbers, but not all, and one of numbers in units such as thousands.

    Args:
        column: cells as written.
        decimal: sign before decimals.
        is_amount: whether the column's name says that it holds amounts, so that `5m` is no word.

    Raises:
        DataError: names the first cell that is none.
    """
    if pd.api.types.is_numeric_dtype(column):
        return
    cells = column.dropna()
    in_units = [str(cell) for cell in cells if _WITH_UNIT.fullmatch(bare(cell))]
    if is_amount and len(in_units) > _MOST_WORDS * len(cells):
        raise DataError(
            f"Column {column.name!r} has numbers in units, such as {in_units[0]!r}; write the numbers in full."
        )
    numbers, bad = as_numbers(pd.Series([_with_point(bare(cell), decimal) for cell in cells], dtype=object))
    good = int(np.isfinite(numbers).sum())
    nothing = is_amount and good and all(_NOTHING.fullmatch(str(cell).strip()) for cell in cells[bad])
    if bad.any() and (good > bad.sum() or nothing):
        first = int(bad.argmax())
        row = int(np.flatnonzero(column.notna().to_numpy())[first]) + 1
        raise DataError(
            f"Column {column.name!r} has {str(cells.iloc[first])!r} in row {row} and numbers in "
            f"{'most' if good > bad.sum() else 'some'} others; correct it: write 0 where nothing was, or empty "
            "the cell where it is not known."
        )


def _with_point(text: str, decimal: Decimal) -> str:
    if not _NUMBER.fullmatch(text):
        return text
    thousands = "," if decimal == "." else "."
    text, exponent = _parted(text)
    whole, mark, rest = text.partition(decimal)
    groups = whole.lstrip("+-").split(thousands)
    if not _well_grouped([len(group) for group in groups]) or thousands in rest or decimal in rest:
        return _OTHER_STYLE
    return whole.replace(thousands, "") + ("." + rest if mark else "") + exponent


def _well_grouped(digits: list[int]) -> bool:
    """Whether groups of so many digits are how thousands are written, in the West (1,234,567) or India (12,34,567)."""
    if len(digits) == 1:
        return True
    indian = len(digits) > 2 and 1 <= digits[0] <= 2 and all(n == 2 for n in digits[1:-1])
    western = 1 <= digits[0] <= _DIGITS and all(n == _DIGITS for n in digits[1:-1])
    return digits[-1] == _DIGITS and (western or indian)


def _parted(text: str) -> tuple[str, str]:
    """A number, and its exponent if it has one."""
    at = text.upper().find("E")
    return (text, "") if at < 0 else (text[:at], text[at:])


def _sign_in(text: str) -> Decimal | None:
    """The decimal sign of a number, if it shows which of its signs that is."""
    if not _NUMBER.fullmatch(text):
        return None
    text, exponent = _parted(text)
    commas, points = text.count(","), text.count(".")
    if exponent and commas + points == 1:
        return "," if commas else "."
    if commas and points:
        return "," if text.rfind(",") > text.rfind(".") else "."
    if commas + points == 0:
        return None
    mark: Decimal = "," if commas else "."
    if commas + points > 1:
        return "." if mark == "," else ","
    whole, _, rest = text.lstrip("+-").partition(mark)
    groups_thousands = len(rest) == 3 and 1 <= len(whole) <= 3 and not whole.startswith("0")
    if groups_thousands and mark == ",":
        return None
    return mark if not groups_thousands else None


def _signs_of(column: pd.Series) -> dict[Decimal, str]:
    """The decimal signs that a column of numbers shows, each with a cell; none where it holds anything else."""
    if pd.api.types.is_numeric_dtype(column):
        return {}
    distinct = column.dropna().drop_duplicates()[:_MOST_CELLS]
    distinct = distinct[[isinstance(cell, str) for cell in distinct]]  # a number of a workbook shows no style
    if _plain_numbers(distinct) is not None:
        telling = distinct[distinct.str.contains(r"\.(?:\d{1,2}|\d{4,})?$|^[+-]?(?:0|\d{4,})?\.", na=False)]
        return {".": str(telling.iloc[0])} if len(telling) else {}
    own: dict[Decimal, str] = {}
    if distinct.astype(str).str.endswith("%").any():
        return own  # percentages are often pasted from elsewhere, in another style than the table
    for cell in distinct:
        text = bare(cell)
        if not _NUMBER.fullmatch(text):
            return {}
        sign = _sign_in(text)
        if sign is not None:
            own.setdefault(sign, str(cell))
    return own


def _plain_numbers(column: pd.Series) -> pd.Series | None:
    """The numbers of a column of texts that all have a point before decimals and nothing else; None of another."""
    texts = column.dropna()
    if not all(isinstance(cell, str) for cell in texts):
        return None
    numbers = pd.to_numeric(texts, errors="coerce")
    return None if numbers.isna().any() else numbers.astype(float).reindex(column.index)
