"""Positions of US states and television markets (DMAs), for maps that need no network."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, NamedTuple

from deepcausalmmm_jax.data.panel import Panel

# One tile a state: its column and row in the usual tile grid.
_TILES = """
AK 0 0|ME 10 0|VT 9 1|NH 10 1|WA 0 2|ID 1 2|MT 2 2|ND 3 2|MN 4 2|IL 5 2|WI 6 2|MI 7 2|NY 8 2|RI 9 2|MA 10 2|OR 0 3|
NV 1 3|WY 2 3|SD 3 3|IA 4 3|IN 5 3|OH 6 3|PA 7 3|NJ 8 3|CT 9 3|CA 0 4|UT 1 4|CO 2 4|NE 3 4|MO 4 4|KY 5 4|WV 6 4|
VA 7 4|MD 8 4|DE 9 4|AZ 1 5|NM 2 5|KS 3 5|AR 4 5|TN 5 5|NC 6 5|SC 7 5|DC 8 5|OK 3 6|LA 4 6|MS 5 6|AL 6 6|GA 7 6|
HI 0 7|TX 3 7|FL 8 7
"""
_STATES = """
Alabama AL|Alaska AK|Arizona AZ|Arkansas AR|California CA|Colorado CO|Connecticut CT|Delaware DE|
District of Columbia DC|Florida FL|Georgia GA|Hawaii HI|Idaho ID|Illinois IL|Indiana IN|Iowa IA|Kansas KS|Kentucky KY|
Louisiana LA|Maine ME|Maryland MD|Massachusetts MA|Michigan MI|Minnesota MN|Mississippi MS|Missouri MO|Montana MT|
Nebraska NE|Nevada NV|New Hampshire NH|New Jersey NJ|New Mexico NM|New York NY|North Carolina NC|North Dakota ND|
Ohio OH|Oklahoma OK|Oregon OR|Pennsylvania PA|Rhode Island RI|South Carolina SC|South Dakota SD|Tennessee TN|Texas TX|
Utah UT|Vermont VT|Virginia VA|Washington WA|West Virginia WV|Wisconsin WI|Wyoming WY
"""


@dataclass(frozen=True)
class Geography:
    """Positions of a panel's regions on a map.

    Attributes:
        kind: `states` on a grid of tiles, or `markets` by longitude and latitude.
        at: x and y by the region's name, as text.
        label: text on the map, by the region's name.
    """

    kind: Literal["states", "markets"]
    at: dict[str, tuple[float, float]]
    label: dict[str, str]


class Market(NamedTuple):
    """A television market: its chief city, and where that lies, in degrees (rounded to 0.1)."""

    name: str
    latitude: float
    longitude: float


def geography_of(panel: Panel) -> Geography | None:
    """Positions of the panel's regions; None unless every region is recognised.

    US states are recognised by name or two letters, DMAs by Nielsen's code in a column with `dma` in its name.
    """
    names = [str(region) for region in panel.regions]
    if len(names) < 2:
        return None
    codes = {entry.rsplit(" ", 1)[0].lower(): entry.rsplit(" ", 1)[1] for entry in _entries(_STATES)}
    tiles = tile_grid()
    state = {name: codes.get(name.strip().lower(), name.strip().upper()) for name in names}
    if all(code in tiles for code in state.values()):
        return Geography("states", {name: tiles[code] for name, code in state.items()}, state)
    if "dma" not in panel.region_name.lower():
        return None
    known = markets()
    if not all(name in known for name in names):
        return None
    at = {name: _inset(known[name].longitude, known[name].latitude) for name in names}
    return Geography("markets", at, {name: known[name].name for name in names})


@cache
def markets() -> dict[str, Market]:
    """Television markets of the United States by Nielsen's code, from `dma_centres.csv`."""
    table = files("deepcausalmmm_jax.plots").joinpath("dma_centres.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(table.splitlines())
    return {row["code"]: Market(row["market"], float(row["latitude"]), float(row["longitude"])) for row in rows}


def tile_grid() -> dict[str, tuple[float, float]]:
    """Column and row of each state's tile, by its two letters."""
    return {code: (float(x), -float(y)) for code, x, y in (entry.split() for entry in _entries(_TILES))}


def _inset(longitude: float, latitude: float) -> tuple[float, float]:
    """Alaska and Hawaii moved below the south-west, as on most maps of the country."""
    if latitude > 50:
        return -118.0 + 0.3 * (longitude + 150.0), 26.0 + 0.3 * (latitude - 60.0)
    return (-110.0, 25.5) if longitude < -150 else (longitude, latitude)


def _entries(text: str) -> list[str]:
    return [entry.strip() for entry in text.replace("\n", "").split("|")]
