"""Figures and the report: tables in, plotly figures or HTML out; no estimate is computed here.

Every figure is a function from a result, an ensemble or a panel to a `plotly.graph_objects.Figure`; plotly is loaded
with the first figure, not with the package.
"""

from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import plotly.graph_objects as go

_MODULES = {
    "fit": ("training_progress", "actual_and_predicted", "regional_fit", "holdout_scatter"),
    "residual": ("residuals", "residual_autocorrelation"),
    "contribution": ("contribution_over_time", "contribution_total"),
    "composition": ("contribution_donut", "contribution_waterfall"),
    "controls": ("controls_over_time", "control_ranges"),
    "returns": ("channel_returns", "spend_and_effect_share"),
    "region": ("region_heatmap", "region_map"),
    "response": ("adstock_decay", "hill_curves", "coefficients_over_time", "response_curves"),
    "frequency": ("frequency_effect",),
    "graph": ("graph_network", "graph_heatmap", "effects"),
    "structure": ("learned_graph", "graph_groups"),
    "runs": ("run_changes",),
    "uncertainty": ("cross_validation", "distributions"),
    "budget": ("plan_against_history", "outcome_against_history"),
    "experiments": ("experiment_values", "experiment_match"),
    "refuted": ("refutation",),
    "health": ("health_card",),
    "panel": ("panel_kpi", "panel_exposure", "panel_spend", "panel_gaps"),
}
_WHERE = {figure: module for module, figures in _MODULES.items() for figure in figures}

__all__ = list(_WHERE)  # noqa: PLE0605


def __getattr__(name: str) -> Callable[..., "go.Figure"]:
    if name not in _WHERE:
        raise AttributeError(f"deepcausalmmm_jax.plots has no figure {name!r}; it has {', '.join(_WHERE)}.")
    figure: Callable[..., go.Figure] = getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    return _checked_and_in_units(figure)


def _checked_and_in_units(figure: Callable[..., "go.Figure"]) -> Callable[..., "go.Figure"]:
    """The figure, drawn of what it is of, with its texts in the unit of its panel: weeks, days, months or quarters."""

    @wraps(figure)
    def drawn(*given: object, **options: object) -> "go.Figure":
        check_arguments(figure, given, options)
        made = figure(*given, **options)
        subjects = (getattr(one, "panel", one) for one in (*given, *options.values()))
        panel = next((one for one in subjects if isinstance(one, Panel)), None)
        return made if panel is None else in_units(made, panel)

    from deepcausalmmm_jax.data.panel import Panel
    from deepcausalmmm_jax.plots.arguments import check_arguments
    from deepcausalmmm_jax.plots.units import in_units  # plotly is loaded with the first figure

    return drawn


def __dir__() -> list[str]:
    return list(_WHERE)
