"""The badges of the README as one picture of our own, from pyproject.toml: no outside service is asked."""

import re
import tomllib
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[2]
_LETTER, _MARGIN, _HEIGHT, _GAP = 6.6, 8.0, 20, 8.0  # pixels; width of a letter at 11 pixels


def badges_drawing() -> str:
    """Versions of Python and JAX, licence and state, as an SVG."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pythons = [one.rsplit(" ", 1)[1] for one in project["classifiers"] if re.search(r"Python :: 3\.\d+$", one)]
    jax = next(one for one in project["dependencies"] if one.startswith("jax>"))
    state = next(one for one in project["classifiers"] if one.startswith("Development Status"))
    told = {
        "python": " | ".join(pythons),
        "jax": jax.removeprefix("jax").replace(",", ", "),
        "licence": str(project["license"]),
        "state": state.rsplit(" - ", 1)[1].lower(),
    }
    parts, left = [], 0.0
    for name, value in told.items():
        drawn, width = _badge(name, value, left)
        parts.append(drawn)
        left += width + _GAP
    size = f'width="{left - _GAP:.0f}" height="{_HEIGHT}"'
    said = escape("; ".join(f"{name} {value}" for name, value in told.items()), {'"': "&quot;"})
    body = "".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{said}" '
        f'font-family="Verdana, DejaVu Sans, sans-serif" font-size="11">{body}</svg>\n'
    )


def _badge(name: str, value: str, left: float) -> tuple[str, float]:
    """A badge from `left` on, and its width."""
    first, second = (_LETTER * len(text) + 2 * _MARGIN for text in (name, value))
    boxes = (
        f'<rect x="{left:.1f}" width="{first:.1f}" height="{_HEIGHT}" fill="#3e4c59"/>'
        f'<rect x="{left + first:.1f}" width="{second:.1f}" height="{_HEIGHT}" fill="#00609c"/>'
    )
    texts = "".join(
        f'<text x="{at:.1f}" y="14" text-anchor="middle" fill="#fff">{escape(text)}</text>'
        for at, text in ((left + first / 2, name), (left + first + second / 2, value))
    )
    return boxes + texts, first + second
