"""Contributions: the prediction taken apart, region by region and week by week."""

import pandas as pd
import xarray as xr

from deepcausalmmm_jax.attribution.forward import components
from deepcausalmmm_jax.axes import COMPONENT, REGION, STRUCTURAL_COMPONENTS, TIME
from deepcausalmmm_jax.data.extend import continued
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.training.fitted import Fitted


def contributions(fitted: Fitted, panel: Panel | None = None) -> xr.DataArray:
    """Every term of the prediction.

    Args:
        fitted: the model.
        panel: the weeks and regions wanted; the panel of the fit when None.

    Returns:
        `(region, time, component)` in KPI units: baseline, trend, seasonality, each control, each channel; they sum
        to the prediction. The coordinate `kind` tells `baseline`, `control` and `media` apart.

    Raises:
        DataError: the panel does not connect with the training weeks.
    """
    if panel is None:
        wanted, terms = fitted.panel, components(fitted, fitted.panel).stacked()
    else:
        full, weeks, regions = continued(fitted.panel, panel)
        wanted, terms = panel, components(fitted, full).stacked()[regions][:, weeks]
    names = [*STRUCTURAL_COMPONENTS, *fitted.panel.controls, *fitted.panel.channels]
    kinds = (
        ["baseline"] * len(STRUCTURAL_COMPONENTS)
        + ["control"] * len(fitted.panel.controls)
        + ["media"] * len(fitted.panel.channels)
    )
    return xr.DataArray(
        terms,
        dims=(REGION, TIME, COMPONENT),
        coords={REGION: wanted.regions, TIME: wanted.weeks, COMPONENT: names, "kind": (COMPONENT, kinds)},
        name="contribution",
        attrs={"units": fitted.panel.kpi_name},
    )


def prediction_from(terms: xr.DataArray) -> xr.DataArray:
    """`(region, time)`: sum of the contributions."""
    prediction = terms.sum(COMPONENT).rename("prediction")
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
