"""Whether a saved fit is whole: forms of its arrays before they are read, and a checksum of everything afterwards."""

import json
from collections.abc import Mapping

import numpy as np

from deepcausalmmm_jax.errors import OutputError
from deepcausalmmm_jax.io.archive import Form, checksum, form_of
from deepcausalmmm_jax.results.migrations import Arrays, Manifest

MANIFEST, CHECKSUM = "manifest", "checksum"
CHECKED_FROM = 7  # schemas before it had neither checksum nor forms
_LONGEST_MANIFEST = 2**28  # bytes
_ROOM = 2**28  # bytes of a model whose size does not depend on the panel
_PER_CELL = 64  # arrays as large as the panel that a model may keep
_ROUND = 2  # the estimate, and the end of the training


def sealed(arrays: Arrays, manifest: Manifest) -> Arrays:
    """The arrays of a file, with the manifest, which lists the form of each, and a checksum of everything."""
    manifest = {**manifest, "arrays": {name: list(form_of(np.asarray(array))) for name, array in arrays.items()}}
    whole = arrays | {MANIFEST: np.array(json.dumps(manifest))}
    return whole | {CHECKSUM: np.array(checksum(whole))}


def refuse_long_manifest(forms: Mapping[str, Form]) -> None:
    """Check the manifest's form before it is read.

    Raises:
        ValueError: there is none, or it is no text of a plausible length.
    """
    form = forms[MANIFEST]
    if form.shape != () or not form.dtype.startswith("<U") or form.n_bytes > _LONGEST_MANIFEST:
        raise ValueError("the manifest is not text")


def refuse_wrong_forms(forms: Mapping[str, Form], manifest: Manifest) -> None:
    """Check the forms of all arrays against the manifest, before any of them is read.

    Raises:
        ValueError: an array is missing, has another shape than the labels of the panel and the number of refits give
            it, or is larger than any model of this panel needs.
    """
    if manifest["schema"] >= CHECKED_FROM:
        listed = {name: Form(dtype, tuple(shape)) for name, (dtype, shape) in manifest["arrays"].items()}
        if listed != {name: form for name, form in forms.items() if name not in (MANIFEST, CHECKSUM)}:
            raise ValueError("the arrays are not those that the manifest lists")
    _refuse_other_panel(forms, manifest)
    _refuse_other_refits(forms)
    _refuse_too_large(forms)


def refuse_wrong_checksum(arrays: Arrays, manifest: Manifest) -> None:
    """Check the content.

    Raises:
        ValueError: it is not what was written.
    """
    if manifest["schema"] >= CHECKED_FROM:
        rest = {name: array for name, array in arrays.items() if name != CHECKSUM}
        if str(arrays[CHECKSUM]) != checksum(rest):
            raise ValueError("the checksum of the content does not match")


def damaged(path: object) -> OutputError:
    """The error for a file that is no saved fit, or no longer one."""
    return OutputError(
        f"{path} is not a fit saved by this package, or is damaged; restore it from a backup, or fit again."
    )


def _refuse_other_panel(forms: Mapping[str, Form], manifest: Manifest) -> None:
    n_regions, n_weeks = (len(manifest[name]["values"]) for name in ("regions", "weeks"))
    n_channels, n_controls = len(manifest["channels"]), len(manifest["controls"])
    by_week = (n_regions, n_weeks)
    needed: dict[str, tuple[int, ...]] = {
        name: by_week for name in ("panel/kpi", "panel/weights", "panel/present", "weights")
    }
    needed |= {"panel/exposure": (*by_week, n_channels), "panel/control": (*by_week, n_controls)}
    needed |= {"scales/kpi": (n_regions,)}
    needed |= {f"scales/{name}": (n_regions, n_channels) for name in ("exposure", "intensity", "history")}
    needed |= {f"scales/{name}": (n_regions, n_controls) for name in ("control_center", "control_scale")}
    n_epochs = forms["record/objective"].shape
    needed |= {f"record/{name}": n_epochs for name in ("acyclicity", "learning_rate")}
    needed |= {name: n_epochs for name in forms if name.startswith("terms/")}
    optional: dict[str, tuple[int, ...]] = {"panel/spend": (*by_week, n_channels), "panel/revenue_per_kpi": by_week}
    optional |= {"panel/population": (n_regions,), "panel/national_weights": (n_regions,)}
    wanted = needed | {name: shape for name, shape in optional.items() if name in forms}
    if any(forms[name].shape != shape for name, shape in wanted.items()) or len(n_epochs) != 1:
        raise ValueError("an array does not have the shape of the panel")
    if any(np.dtype(forms[name].dtype).kind not in "fiub" for name in wanted):
        raise ValueError("an array holds no real numbers")


def _refuse_too_large(forms: Mapping[str, Form]) -> None:
    """A compressed file may claim a thousand times its own size."""
    one = _ROOM + _PER_CELL * (forms["panel/exposure"].n_bytes + forms["weights"].n_bytes)
    refits = max(1, *forms["refits/status"].shape) if "refits/status" in forms else 1
    many = ("replicates/", "refits/")
    of_refits = sum(form.n_bytes for name, form in forms.items() if name.startswith(many))
    rest = sum(form.n_bytes for name, form in forms.items() if not name.startswith(many))
    if rest > _ROUND * one or of_refits > refits * one:
        raise ValueError("the arrays are larger than a model of this panel can be")


def _refuse_other_refits(forms: Mapping[str, Form]) -> None:
    """Refits have the variables of the fit, each with a leading axis; the same holds for the end of the training."""
    of_fit = {name.removeprefix("variables/"): form for name, form in forms.items() if name.startswith("variables/")}
    if not of_fit:
        raise ValueError("there are no variables")
    leading = {"trained/": (), "replicates/": forms["refits/status"].shape if "refits/status" in forms else ()}
    for prefix, axis in leading.items():
        found = {name.removeprefix(prefix): form for name, form in forms.items() if name.startswith(prefix)}
        wanted = {name: (*axis, *form.shape) for name, form in of_fit.items()}
        if found and {name: form.shape for name, form in found.items()} != wanted:
            raise ValueError("refits and fit have different variables")
