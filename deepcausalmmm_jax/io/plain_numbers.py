"""Numbers as people write them."""

from math import floor, isfinite, log10

_ROUNDING = 1e-9  # a KPI per head or per impression may be as small as a millionth


def plain_number(value: float, digits: int = 4) -> str:
    """A number with thousands separators and without powers of ten; 0 where only rounding is left.

    Args:
        value: any size.
        digits: significant ones, those before the decimal point all shown.
    """
    if not isfinite(value):
        return f"{value:,.0f}"
    if abs(value) < _ROUNDING:
        return "0"
    decimals = max(0, digits - 1 - floor(log10(abs(value))))
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if decimals else text
