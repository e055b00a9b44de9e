"""What shares are a percentage of, in words."""

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel


def sized_share(fit: FittedPanel) -> float:
    """Share of the regions whose KPI lies around zero, so that its size counts in place of its mean."""
    return float((fit.size_over_mean() != 0).mean())


def share_basis(fit: FittedPanel) -> str:
    """What `pct_of_contribution` is a percentage of, to follow `% of`: `predicted sales`, or what takes its place.

    Args:
        fit: the fit on its own panel.
    """
    kpi, sized = fit.panel.kpi_label, sized_share(fit)
    if sized == 0.0:
        return f"predicted {kpi}"
    if sized == 1.0:
        return f"the size of {kpi} (which lies around zero)"
    return f"predicted {kpi} (its size in regions where it lies around zero)"
