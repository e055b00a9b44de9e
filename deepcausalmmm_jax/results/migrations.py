"""From saved fits of earlier schemas to the present one, step by step, so that old runs open.

Whoever changes what a file holds raises `SCHEMA`, adds the step from the schema before to `_STEPS`, and keeps a saved
run of that schema under `tests/results/saved/`, which a test opens.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from deepcausalmmm_jax.results.saved_roles import WITHOUT_ROLES

SCHEMA = 16
OLDEST = 5  # before it the model had another form: exposure before the first week was no part of it

Arrays = dict[str, np.ndarray]
Manifest = dict[str, Any]
_Step = Callable[[Arrays, Manifest], tuple[Arrays, Manifest]]


def migrated(arrays: Arrays, manifest: Manifest) -> tuple[Arrays, Manifest]:
    """A saved fit as the present schema has it.

    Args:
        arrays: by name, as read.
        manifest: of a schema from `OLDEST` to `SCHEMA`.

    Returns:
        Both in the form of `SCHEMA`; what came in is left as it was.
    """
    for schema in range(manifest["schema"], SCHEMA):
        arrays, manifest = _STEPS[schema](arrays, manifest)
        manifest = {**manifest, "schema": schema + 1}
    return arrays, manifest


def _from_5(arrays: Arrays, manifest: Manifest) -> tuple[Arrays, Manifest]:
    """Zeros at the end of the KPI were not asked about, and draws had no diagnostics.

    Some files of schema 5 were written after either came in; what they hold stays.
    """
    manifest = {"trailing_zeros": "ask", **manifest}
    if "replicates" in manifest:
        undiagnosed = {"pareto_k": math.nan, "r_hat": math.nan, "chains": 1}
        manifest["replicates"] = {**undiagnosed, **manifest["replicates"]}
    return arrays, manifest


def _from_6(arrays: Arrays, manifest: Manifest) -> tuple[Arrays, Manifest]:
    """Schema 7 added a checksum and the forms of the arrays, which are checked where the file is read."""
    return arrays, manifest


def _from_7(arrays: Arrays, manifest: Manifest) -> tuple[Arrays, Manifest]:
    """Schema 8 added where the fit was made; of earlier ones only the versions are known, those of the saving."""
    return arrays, {"origin": {"versions": manifest["versions"]}, **manifest}


def _from_8(arrays: Arrays, manifest: Manifest) -> tuple[Arrays, Manifest]:
    """Schema 9 added other calendars than weeks, roles and events of columns, and curves by channel."""
    return arrays, {"cadence": "weekly", **WITHOUT_ROLES, **manifest}


def _from_9(arrays: Arrays, manifest: Manifest) -> tuple[Arrays, Manifest]:
    """Schema 10 added reach and frequency, and the log link; an array or a setting that is not there means neither."""
    return arrays, manifest


def _from_10(arrays: Arrays, manifest: Manifest) -> tuple[Arrays, Manifest]:
    """Schema 11 added the hidden demand of fits with lift tests; a fit without the array has none."""
    return arrays, manifest


def _from_11(arrays: Arrays, manifest: Manifest) -> tuple[Arrays, Manifest]:
    """Schema 12 added the shocks that all regions share; fits before it were trained as if there were none."""
    independent = "fitted/effective"
    shared = {
        name.removesuffix(independent) + "fitted/shared": np.zeros_like(array)
        for name, array in arrays.items()
        if name.endswith(independent)
    }
    return arrays | shared, manifest


def _from_12(arrays: Arrays, manifest: Manifest) -> tuple[Arrays, Manifest]:
    """Schema 13 added graphs by group of regions; a fit without the setting has one graph, with arrays as before."""
    return arrays, manifest


def _from_13(arrays: Arrays, manifest: Manifest) -> tuple[Arrays, Manifest]:
    """Schema 14 gave pairs of the season prior scales that fall; before it all were alike."""
    return arrays, {**manifest, "config": {**manifest["config"], "harmonic_decay": 0.0}}


def _from_14(arrays: Arrays, manifest: Manifest) -> tuple[Arrays, Manifest]:
    """Schema 15 gave pairs of the season beyond the second a prior scale of their own; before it they had the first's.

    Draws of schema 14 lack its coordinate; they are read as those of an earlier posterior.
    """
    own = {"seasonality": "season_peaks", "seasonality_region": "season_peaks_region"}
    learned = {
        name.removesuffix(f"sizes/{theirs}") + f"sizes/{new}": array
        for theirs, new in own.items()
        for name, array in arrays.items()
        if name.endswith(f"sizes/{theirs}")
    }
    config = manifest["config"]
    penalties = config.get("penalties", {})
    scales = {new: penalties[theirs] for theirs, new in own.items() if theirs in penalties}
    own_config = {**config, "penalties": {**penalties, **scales}} if scales else config
    return arrays | learned, {**manifest, "config": own_config}


def _from_15(arrays: Arrays, manifest: Manifest) -> tuple[Arrays, Manifest]:
    """Schema 16 gave the scales of a season's peaks a prior spread of their own; before it they had that of the others.

    Draws are kept as coordinates, which mean what they meant with the spread that they were drawn with.
    """
    config = manifest["config"]
    posterior = config.get("posterior")
    if posterior is None:
        return arrays, manifest
    own = {**posterior, "peaks_spread": posterior["size_spread"]}
    return arrays, {**manifest, "config": {**config, "posterior": own}}


_STEPS: Mapping[int, _Step] = {
    5: _from_5,
    6: _from_6,
    7: _from_7,
    8: _from_8,
    9: _from_9,
    10: _from_10,
    11: _from_11,
    12: _from_12,
    13: _from_13,
    14: _from_14,
    15: _from_15,
}
