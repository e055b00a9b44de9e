"""Numbers as people write them."""


def plain_number(value: float) -> str:
    """A number with thousands separators: no decimals from 1000 on, else four digits; 0 where only rounding is left."""
    return f"{value:,.0f}" if abs(value) >= 1000 else "0" if abs(value) < 1e-6 else f"{value:.4g}"
