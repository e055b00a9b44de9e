"""Contributions: the prediction split into its terms, by region and week."""

import numpy as np
import pandas as pd
import xarray as xr

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.axes import COMPONENT, REGION, STRUCTURAL_COMPONENTS, TIME
from deepcausalmmm_jax.data.extend import continued
from deepcausalmmm_jax.data.panel import Panel


def contributions(fit: FittedPanel, panel: Panel | None = None) -> xr.DataArray:
    """Every term of the prediction.

    Args:
        fit: the fit on its own panel.
        panel: the weeks and regions wanted; the panel of the fit when None.

    Returns:
        `(region, time, component)` in KPI units: baseline, trend, seasonality, each control, each channel; they sum
        to the prediction. The coordinate `kind` is `baseline`, `control`, `treatment`, `event` or `media`. Treatments
        are counted from their baselines and events from weeks without them; a control is counted from its mean. A
        region-week without a row has none: nobody knows what ran in it, and in no other table is it counted.

    Raises:
        DataError: the panel does not connect with the training weeks.
    """
    if panel is None:
        wanted, terms = fit.panel, fit.components.stacked()
    else:
        full, weeks, regions = continued(fit.panel, panel)
        wanted, terms = panel, fit.on(full).components.stacked()[regions][:, weeks]
    names = [*STRUCTURAL_COMPONENTS, *fit.panel.controls, *fit.panel.channels]
    kinds = ["baseline"] * len(STRUCTURAL_COMPONENTS) + control_kinds(fit.panel) + ["media"] * len(fit.panel.channels)
    return xr.DataArray(
        np.where(wanted.present[:, :, None], terms, np.nan),
        dims=(REGION, TIME, COMPONENT),
        coords={REGION: wanted.regions, TIME: wanted.weeks, COMPONENT: names, "kind": (COMPONENT, kinds)},
        name="contribution",
        attrs={"units": fit.panel.kpi_label},
    )


def control_kinds(panel: Panel) -> list[str]:
    """What each control is: `control`, `treatment` or `event`."""
    kinds = dict.fromkeys((entry.name for entry in panel.treatments), "treatment")
    kinds |= dict.fromkeys(panel.event_names, "event")
    return [kinds.get(name, "control") for name in panel.controls]


def prediction_from(terms: xr.DataArray) -> xr.DataArray:
    """`(region, time)`: sum of the contributions; missing where there are none."""
    prediction = terms.sum(COMPONENT, skipna=False).rename("prediction")
    prediction.attrs = dict(terms.attrs)
    return prediction


def contribution_table(terms: xr.DataArray, panel: Panel) -> pd.DataFrame:
    """Contributions as a table, one row per region and week that the panel has, columns by component.

    The columns `kpi` (empty where it is not observed) and `prediction` come before the components.
    """
    n_rows = panel.present.size
    keys = pd.MultiIndex.from_product([panel.regions, panel.weeks], names=[panel.region_name, panel.time_name])
    names = [str(name) for name in terms[COMPONENT].values]
    wide = pd.DataFrame(terms.values.reshape(n_rows, len(names)), columns=names)
    table = pd.concat([keys.to_frame(index=False), wide], axis=1)
    present, weights = panel.present.ravel(), panel.weights.ravel()
    kpi = pd.Series(panel.kpi.ravel()).where(weights > 0)
    table.insert(2, "kpi", kpi)
    table.insert(3, "prediction", terms.values.sum(axis=-1).ravel())
    return table[present].reset_index(drop=True)
