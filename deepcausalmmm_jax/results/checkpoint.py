"""One file per fit: arrays and a JSON manifest in a NumPy archive; nothing in it is executed on loading."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Literal, TypedDict

import numpy as np
import pandas as pd

from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.scaling import Scales
from deepcausalmmm_jax.errors import FitStatus, OutputError
from deepcausalmmm_jax.io.archive import flat, nested, read_arrays, read_forms, under, write_arrays
from deepcausalmmm_jax.io.output_path import output_path
from deepcausalmmm_jax.io.program_cache import make_room_for_more
from deepcausalmmm_jax.io.versions import version_of
from deepcausalmmm_jax.results.integrity import (
    MANIFEST,
    damaged,
    refuse_long_manifest,
    refuse_wrong_checksum,
    refuse_wrong_forms,
    sealed,
)
from deepcausalmmm_jax.results.migrations import OLDEST, SCHEMA, Manifest, migrated
from deepcausalmmm_jax.results.saved_roles import roles_as_json, roles_from_json
from deepcausalmmm_jax.training.fitted import (
    CurveEvidence,
    Fitted,
    LiftsBefore,
    LinkEvidence,
    LinkGroupEvidence,
    Replicates,
    TrainingRecord,
)
from deepcausalmmm_jax.training.origin import Origin

_PANEL_ARRAYS = (
    *("kpi", "weights", "present", "exposure", "control", "spend", "revenue_per_kpi", "population"),
    "national_weights",
    "frequency",
)
_REFIT_ARRAYS = ("status", "epochs", "check")
_REFIT_FACTS = (
    *("method", "block", "seed", "warm_start", "seconds", "compile_seconds", "pareto_k", "r_hat", "chains"),
    "failed",
)
_RECORD_ARRAYS = ("objective", "acyclicity", "learning_rate")


class _Labels(TypedDict):
    """Labels of regions or weeks, as JSON holds them."""

    kind: Literal["date", "integer", "float", "text"]
    values: list[str] | list[int] | list[float]


def save(fitted: Fitted, path: str | Path, replicates: Replicates | None = None) -> Path:
    """Write a fit. The file appears whole or not at all; one that was there before stays until then.

    Args:
        fitted: what to keep.
        path: file to write; `.npz` is added where it has no ending.
        replicates: refits to keep with it.

    Returns:
        The path written.

    Raises:
        OutputError: the file cannot be written, or a region or week has a label that a file cannot hold.
    """
    path = output_path(path)
    path = path if path.suffix else path.with_suffix(".npz")
    arrays, manifest = _arrays(fitted), _manifest(fitted)
    if replicates is not None:
        arrays |= {f"replicates/{name}": leaf for name, leaf in flat(replicates.variables).items()}
        arrays |= {f"refits/{name}": getattr(replicates, name) for name in _REFIT_ARRAYS}
        if replicates.coordinates is not None:
            arrays["refits/coordinates"] = replicates.coordinates
        manifest["replicates"] = {name: getattr(replicates, name) for name in _REFIT_FACTS}
    return write_arrays(path, sealed(arrays, manifest))


def read(path: str | Path) -> tuple[Fitted, Replicates | None]:
    """Read what `save` wrote: the fit, and its refits where there are any.

    Raises:
        OutputError: there is no such file, or it is not a saved fit, was changed since, or was written by a later
            version.
    """
    try:
        path = Path(path)
        there = path.is_file()
    except (TypeError, ValueError, OSError):
        raise OutputError(f"load needs the path of a saved fit, got {path!r}.") from None
    if not there:
        raise OutputError(f"There is no saved fit at {path}.")
    make_room_for_more()  # what is asked of a run compiles as much as a fit does
    try:
        return _read(path)
    except OutputError:
        raise
    except Exception:  # whatever a damaged archive raises: errors of zlib, tokenize, struct, of memory and recursion
        raise damaged(path) from None


def _read(path: Path) -> tuple[Fitted, Replicates | None]:
    forms = read_forms(path)
    refuse_long_manifest(forms)
    manifest = json.loads(str(read_arrays(path, {MANIFEST})[MANIFEST]))
    if manifest["schema"] > SCHEMA:
        raise OutputError(
            f"{path} was written by version {manifest['versions']['deepcausalmmm_jax']}; upgrade to read it."
        )
    if manifest["schema"] < OLDEST:
        raise OutputError(f"{path} was written by a version whose model was different; fit the panel again.")
    refuse_wrong_forms(forms, manifest)
    arrays = read_arrays(path)
    refuse_wrong_checksum(arrays, manifest)
    arrays, manifest = migrated(arrays, manifest)
    return _fitted(arrays, manifest), _replicates(arrays, manifest)


def _manifest(fitted: Fitted) -> Manifest:
    panel, record = fitted.panel, fitted.record
    packages = ("deepcausalmmm_jax", "jax", "flax", "numpy")
    return {
        "schema": SCHEMA,
        "versions": {name: version_of(name) for name in packages},
        "config": fitted.config.to_dict(),
        "seed": fitted.seed,
        "status": int(record.status),
        "seconds": record.seconds,
        "origin": None if record.origin is None else asdict(record.origin),
        "regions": _labels(panel.regions),
        "weeks": _labels(panel.weeks),
        "channels": panel.channels,
        "controls": panel.controls,
        "names": [panel.kpi_name, panel.region_name, panel.time_name],
        "trailing_zeros": panel.trailing_zeros,
        **roles_as_json(panel),
        "cadence": str(panel.cadence),
    }


def _labels(index: pd.Index) -> _Labels:
    """Labels as JSON holds them; those that would come back as other ones are refused."""
    labels = _written(index)
    if not _index(labels).equals(index):
        raise OutputError(
            f"The label {index[0]!r} of a region or week cannot be saved, since it is not text, a whole number or a "
            "date; convert the labels to text."
        )
    return labels


def _written(index: pd.Index) -> _Labels:
    if isinstance(index, pd.DatetimeIndex):
        return {"kind": "date", "values": [str(week.date()) for week in index]}
    if pd.api.types.is_integer_dtype(index):
        return {"kind": "integer", "values": [int(label) for label in index]}
    if pd.api.types.is_float_dtype(index):
        return {"kind": "float", "values": [float(label) for label in index]}
    return {"kind": "text", "values": [str(label) for label in index]}


def _index(labels: _Labels) -> pd.Index:
    if labels["kind"] == "date":
        return pd.DatetimeIndex(labels["values"])
    return pd.Index(labels["values"])


def _arrays(fitted: Fitted) -> dict[str, np.ndarray]:
    arrays = {f"variables/{name}": leaf for name, leaf in flat(fitted.variables).items()}
    if fitted.trained is not None:
        arrays |= {f"trained/{name}": leaf for name, leaf in flat(fitted.trained).items()}
    if fitted.lifts_before is not None:
        arrays |= {f"lifts_before/{name}": array for name, array in fitted.lifts_before._asdict().items()}
    if fitted.curve_evidence is not None:
        kinds, evidence = fitted.curve_evidence
        arrays |= {f"curve_evidence/{kind}": value for kind, value in zip(kinds, evidence, strict=True)}
    if fitted.link_evidence is not None:
        links, by_link = fitted.link_evidence
        arrays |= {f"link_evidence/{link}": value for link, value in zip(links, by_link, strict=True)}
    if fitted.link_group_evidence is not None:
        arrays |= {f"link_group_evidence/{k}": value for k, value in zip(*fitted.link_group_evidence, strict=True)}
    panel = {name: getattr(fitted.panel, name) for name in _PANEL_ARRAYS}
    arrays |= {f"panel/{name}": array for name, array in panel.items() if array is not None}
    arrays |= {f"scales/{name}": array for name, array in fitted.scales._asdict().items() if array is not None}
    arrays |= {f"record/{name}": getattr(fitted.record, name) for name in _RECORD_ARRAYS}
    arrays |= {f"terms/{name}": term for name, term in fitted.record.terms.items()}
    return arrays | {"weights": fitted.weights}


def _fitted(arrays: dict[str, np.ndarray], manifest: Manifest) -> Fitted:
    kpi_name, region_name, time_name = manifest["names"]
    panel_arrays = under("panel/", arrays)
    panel = Panel(
        regions=_index(manifest["regions"]),
        weeks=_index(manifest["weeks"]),
        channels=tuple(manifest["channels"]),
        controls=tuple(manifest["controls"]),
        kpi_name=kpi_name,
        region_name=region_name,
        time_name=time_name,
        trailing_zeros=manifest["trailing_zeros"],
        **roles_from_json(manifest),
        cadence=Cadence(manifest["cadence"]),
        **{name: panel_arrays.get(name) for name in _PANEL_ARRAYS},  # type: ignore[arg-type]
    )
    record = TrainingRecord(
        **under("record/", arrays),
        terms=under("terms/", arrays),
        status=FitStatus(manifest["status"]),
        seconds=manifest["seconds"],
        origin=None if manifest["origin"] is None else Origin(**manifest["origin"]),
    )
    return Fitted(
        variables=nested(under("variables/", arrays)),
        panel=panel,
        weights=arrays["weights"],
        scales=Scales(**under("scales/", arrays)),
        config=Config.from_dict(manifest["config"]),
        record=record,
        seed=manifest["seed"],
        trained=nested(trained) if (trained := under("trained/", arrays)) else None,
        lifts_before=LiftsBefore(**before) if (before := under("lifts_before/", arrays)) else None,
        curve_evidence=_curve_evidence(under("curve_evidence/", arrays)),
        link_evidence=_link_evidence(under("link_evidence/", arrays)),
        link_group_evidence=_link_group_evidence(under("link_group_evidence/", arrays)),
    )


def _curve_evidence(by_kind: dict[str, np.ndarray]) -> CurveEvidence | None:
    return CurveEvidence(tuple(by_kind), np.array([float(value) for value in by_kind.values()])) if by_kind else None


def _link_evidence(by_link: dict[str, np.ndarray]) -> LinkEvidence | None:
    return LinkEvidence(tuple(by_link), np.array([float(value) for value in by_link.values()])) if by_link else None


def _link_group_evidence(by_number: dict[str, np.ndarray]) -> LinkGroupEvidence | None:
    if not by_number:
        return None
    numbers = tuple(sorted(map(int, by_number)))
    return LinkGroupEvidence(numbers, np.array([float(by_number[str(number)]) for number in numbers]))


def _replicates(arrays: dict[str, np.ndarray], manifest: Manifest) -> Replicates | None:
    if "replicates" not in manifest:
        return None
    facts: Manifest = {**under("refits/", arrays), **manifest["replicates"]}
    return Replicates(nested(under("replicates/", arrays)), **facts)
