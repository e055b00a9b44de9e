"""`FitResult.plot`: a figure of a result by name."""

import inspect

import plotly.graph_objects as go

from deepcausalmmm_jax import plots
from deepcausalmmm_jax.checks import did_you_mean
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.results.fit_result import FitResult


def figure_of(result: FitResult, name: str | None, options: dict[str, object]) -> go.Figure:
    """A figure of `dcm.plots` that is drawn from a result, or from its panel.

    Args:
        result: the fit.
        name: of the figure; None takes the returns of the channels, or without spend their contributions.
        options: arguments of the figure besides the result.

    Raises:
        ConfigError: an unknown figure, or one that is drawn from something else.
    """
    if name is None:
        has_spend = bool(result.media_summary()["roi"].notna().any())
        name = "channel_returns" if has_spend else "contribution_total"
    if name not in plots.__all__:
        raise ConfigError(f"There is no figure {name!r}{did_you_mean(name, plots.__all__, _known())}")
    draw = getattr(plots, name)
    first = next(iter(inspect.signature(draw).parameters))
    if first not in ("result", "panel"):
        raise ConfigError(f"The figure {name} is not drawn from a fit alone; call dcm.plots.{name}.")
    figure: go.Figure = draw(result if first == "result" else result.panel, **options)
    return figure


def _known() -> str:
    return f"; there are {', '.join(plots.__all__)}."
