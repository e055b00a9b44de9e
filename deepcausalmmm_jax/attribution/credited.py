"""Controls that are credited: treatments against their baselines, events against none."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.scaling import Scales
from deepcausalmmm_jax.model.structural import signed


class Baselines(NamedTuple):
    """What controls are compared with, by region and control; 0 throughout where a control is not credited."""

    credited: np.ndarray  # [control], whether it is a treatment or an event
    value: np.ndarray  # [region, control], in the control's unit
    score: np.ndarray  # [region, control], as the model reads it: from the centre, in `Scales.control_scale`


def baselines_of(panel: Panel, scales: Scales) -> Baselines:
    """Baselines of the treatments and events of a fit.

    A treatment's lowest and highest values are those of the region up to the last week with a KPI, its own or where it
    has no rows those of all. An event is compared with weeks without it.

    Args:
        panel: that of the fit.
        scales: of the fit.
    """
    stated = {entry.name: entry.baseline for entry in panel.treatments}
    credited = np.isin(np.array(panel.controls, dtype=str), [*stated, *panel.event_names])
    value = np.zeros((len(panel.regions), len(panel.controls)))
    for name, baseline in stated.items():
        at = panel.controls.index(name)
        if isinstance(baseline, str):
            seen = np.where(panel.past, panel.control[:, :, at], np.nan)
            lowest, every = (np.nanmin, np.nanmin(seen)) if baseline == "min" else (np.nanmax, np.nanmax(seen))
            known = panel.past.any(axis=1)
            value[known, at] = lowest(seen[known], axis=1)
            value[~known, at] = every
        else:
            value[:, at] = float(baseline)
    score = np.where(credited, (value - scales.control_center) / scales.control_scale, 0.0)
    return Baselines(credited, value, score)


def control_effects(variables: Variables, sign: np.ndarray) -> np.ndarray:
    """Effects of controls per unit of `Scales.control_scale`, share of `Scales.kpi`.

    Args:
        variables: of the structural model, or sets of them with a leading axis.
        sign: `[control]`, of the stated priors.

    Returns:
        `[..., region, control]`, double precision.
    """
    own = variables["params"]["control"]
    shared, region = (np.asarray(own[name], np.float64) for name in ("shared", "region"))
    effect = shared[..., None, :] + region
    return effect if not np.any(sign) else np.asarray(signed(jnp.asarray(effect, jnp.float32), jnp.asarray(sign)))
