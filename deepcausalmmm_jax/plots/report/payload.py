"""Data of the page: figures with few digits, and each region's series at two bytes a number."""

import base64
import html
import json
import math
from typing import TypeAlias

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from deepcausalmmm_jax.attribution.accuracy import NAIVE_FORECASTS
from deepcausalmmm_jax.plots.annotations import OTHERS, group_name
from deepcausalmmm_jax.plots.contribution import BASE_NAME, EVENTS, grouped_contributions
from deepcausalmmm_jax.plots.controls import control_names
from deepcausalmmm_jax.plots.report.region_bands import region_bands
from deepcausalmmm_jax.plots.report.region_totals import natural_order, region_measures, region_parts
from deepcausalmmm_jax.plots.theme import TEMPLATE
from deepcausalmmm_jax.results.fit_result import FitResult

Json: TypeAlias = "dict[str, Json] | list[Json] | str | float | int | bool | None"

_DIGITS = 5
_BUDGET = 2_500_000  # bytes for the regions' series
_BUDGET_OF_BANDS = 1_000_000  # bytes for their weekly intervals
_MISSING = -32768
_LARGEST = 32767
_TOP = 12


def figure_data(figure: go.Figure) -> dict[str, Json]:
    """Traces and layout as plain lists with few digits; titles apart, the shared template left out.

    `title` is the figure's title, `subject` that without the regions it is of.
    """
    given = json.loads(figure.to_json(validate=False))
    layout = {name: value for name, value in given["layout"].items() if name not in ("template", "title", "meta")}
    title, subject = (html.unescape(text) for text in (figure.layout.title.text, figure.layout.meta["subject"]))
    return {"title": title, "subject": subject, "data": _plain(given["data"]), "layout": _plain(layout)}


def template_data() -> Json:
    """The shared look, once for all figures."""
    whole = json.loads(go.Figure(layout={"template": TEMPLATE}).to_json())
    return _plain(whole["layout"]["template"])


def region_data(result: FitResult) -> dict[str, Json] | None:
    """Series and totals of each region, largest KPI first; None for a national panel.

    The smallest regions are left out where all would take too many bytes.
    """
    panel = result.panel
    if len(panel.regions) < 2:
        return None
    seen = panel.weights > 0
    kpi = np.where(seen, panel.kpi, np.nan)
    prediction = result.contributions.values.sum(axis=-1)
    series = {"kpi": kpi, "prediction": np.where(seen, prediction, np.nan), "residual": kpi - prediction}
    series |= _naive_grids(result) | _parts(result)
    most = _BUDGET // (len(series) * len(panel.weeks) * 8 // 3)
    order = np.argsort(-np.nansum(kpi, axis=1), kind="stable")[: max(1, most)]
    names = [str(panel.regions[row]) for row in order]
    matrices: dict[str, Json] = {
        measure: _rows(table.loc[names].to_numpy()) for measure, table in region_measures(result).items()
    }
    parts: dict[str, Json] = {figure: _rows(table.to_numpy()[order]) for figure, table in region_parts(result).items()}
    bands = region_bands(result, [int(row) for row in order], _BUDGET_OF_BANDS)
    return {
        "names": list(names),
        "sorted": list(natural_order(names)),
        "all": len(panel.regions),
        "parts": parts,
        "series": {name: _packed(grid[order]) for name, grid in series.items()},
        "bands": {name: _packed(grid) for name, grid in bands.items()},
        "matrices": matrices,
    }


def _naive_grids(result: FitResult) -> dict[str, np.ndarray]:
    panel, table = result.panel, result.forecasts(by_region=True)
    rows = panel.regions.get_indexer(pd.Index(table[panel.region_name]))
    columns = panel.weeks.get_indexer(pd.Index(table[panel.time_name]))
    grids = {}
    for name in NAIVE_FORECASTS:
        if result.holdout and table[name].notna().any():
            grids[name] = np.full(panel.kpi.shape, np.nan)
            grids[name][rows, columns] = table[name]
    return grids


def _parts(result: FitResult) -> dict[str, np.ndarray]:
    """Contributions by region, grouped as in the figures, `[region, week]` by name."""
    channels = list(result.panel.channels)
    of_events, of_others = (group_name(result.panel, name) for name in (EVENTS, OTHERS))
    values = result.contributions.values
    names = [str(name) for name in result.contributions["component"].values]
    kept = [name for name in grouped_contributions(result, _TOP).columns if name in channels]
    parts = {f"part:{name}": values[:, :, names.index(name)] for name in kept}
    treatments, events = [entry.name for entry in result.panel.treatments], result.panel.event_names
    parts |= {f"part:{name}": values[:, :, names.index(name)] for name in treatments}
    if events:
        parts[f"part:{of_events}"] = values[:, :, [names.index(name) for name in events]].sum(axis=-1)
    parts |= {f"control:{name}": values[:, :, names.index(name)] for name in control_names(result)}
    base = [i for i, name in enumerate(names) if name not in (*channels, *treatments, *events)]
    rest = [i for i, name in enumerate(names) if name in channels and name not in kept]
    parts[f"part:{BASE_NAME}"] = values[:, :, base].sum(axis=-1)
    return parts | ({f"part:{of_others}": values[:, :, rest].sum(axis=-1)} if rest else {})


def _packed(grid: np.ndarray) -> dict[str, Json]:
    """`[region, week]` as 16-bit integers with one step size a region, in base64."""
    size = np.abs(np.where(np.isnan(grid), 0.0, grid)).max(axis=1)
    step = np.where(size > 0, size / _LARGEST, 1.0)
    whole = np.where(np.isnan(grid), _MISSING, np.round(grid / step[:, None]))
    packed = whole.astype("<i2").tobytes()
    return {"step": [float(f"{value:.7g}") for value in step], "packed": base64.b64encode(packed).decode()}


def _rows(values: np.ndarray) -> Json:
    return [[_plain(float(value)) for value in row] for row in values]


def _plain(value: Json) -> Json:
    """Nested lists without plotly's packed arrays or needless digits; values that are not finite become None."""
    if isinstance(value, dict):
        if "bdata" in value and "dtype" in value:
            array = np.frombuffer(base64.b64decode(str(value["bdata"])), dtype=np.dtype(str(value["dtype"])))
            shape = [int(n) for n in str(value.get("shape", len(array))).split(",")]
            return _plain(array.reshape(shape).tolist())
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
    if isinstance(value, str) and len(value) >= 19 and value[10:19] == "T00:00:00":
        return value[:10]
    return value
