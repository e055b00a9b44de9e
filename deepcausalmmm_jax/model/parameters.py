"""The trained parameters as attributes: the one place that knows under which names flax keeps them.

Saved fits hold the flax names, so those must not change.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from jax import Array

Collection = Mapping[str, Any]  # one of the collections of a model's variables, `params` or `fitted`, by module


class MediaParameters(NamedTuple):
    """Unconstrained parameters of `model.media.Media`."""

    decay: Array  # [channel]
    slope: Array  # [channel]
    half_saturation: Array  # [channel]
    locality: Array  # []
    history: Array  # []
    delay: Array | None = None  # [channel], where a channel's kind has one, like all that follow
    scale: Array | None = None
    shape: Array | None = None
    exponent: Array | None = None
    half_frequency: Array | None = None

    def as_flax(self) -> dict[str, Array]:
        """The flax collection that this is a view of."""
        return {name: array for name, array in self._asdict().items() if array is not None}


class CoefficientParameters(NamedTuple):
    """Parameters of `model.coefficients.Coefficients`."""

    level: Array  # [channel], log
    region: Array  # [region, channel], log deviation
    path: Array  # [knot, channel]
    gru: Mapping[str, Array]


class PooledParameters(NamedTuple):
    """A shared coefficient and the regions' deviations from it."""

    shared: Array  # [term]
    region: Array  # [region, term]


class GraphParameters(NamedTuple):
    """Parameters of `model.graph.ChannelGraph`; of graphs by group, with a leading axis `[group]`."""

    edge: Array  # [channel, channel]
    mix: Array  # [channel]
    lagged: Array | None = None  # [lag, channel, channel], where links may act with a lag

    def as_flax(self) -> dict[str, Array]:
        """The flax collection that this is a view of."""
        return {name: array for name, array in self._asdict().items() if array is not None}


class EquationParameters(NamedTuple):
    """Parameters of `model.graph.ExposureEquations`, `[2, channel]` each."""

    location: Array
    scale: Array
    log_skew: Array
    persistence: Array | None = None  # inverse hyperbolic tangent, where links may act with a lag

    def as_flax(self) -> dict[str, Array]:
        """The flax collection that this is a view of."""
        return {name: array for name, array in self._asdict().items() if array is not None}


class Parameters(NamedTuple):
    """All trained parameters of `StructuralMMM`."""

    media: MediaParameters
    coefficients: CoefficientParameters
    mean: Array  # [region], mean prediction
    trend: PooledParameters  # terms are knots
    seasonality: PooledParameters
    control: PooledParameters
    log_scale_factors: Mapping[str, Array]  # scalars, see `LearnedScales`
    persistence: Array  # [], logit
    noise: Array  # [region], log
    graph: GraphParameters | None  # None where the model has no graph, like the next
    equations: EquationParameters | None
    demand: Array | None = None  # [channel], see `model.demand`; with lift tests

    @classmethod
    def of(cls, params: Collection) -> Self:
        """View of the flax collection `params`."""
        return cls(
            media=MediaParameters(**params["media"]),
            coefficients=CoefficientParameters(**params["coefficients"]),
            mean=params["level"]["mean"],
            trend=PooledParameters(**params["trend"]),
            seasonality=PooledParameters(**params["seasonality"]),
            control=PooledParameters(**params["control"]),
            log_scale_factors=params["sizes"],
            persistence=params["persistence"],
            noise=params["noise"],
            graph=GraphParameters(**params["graph"]) if "graph" in params else None,
            equations=EquationParameters(**params["equations"]) if "equations" in params else None,
            demand=params["demand"]["per_activity"] if "demand" in params else None,
        )

    def as_flax(self) -> dict[str, object]:
        """The flax collection that this is a view of."""
        params: dict[str, object] = {
            "media": self.media.as_flax(),
            "coefficients": self.coefficients._asdict(),
            "level": {"mean": self.mean},
            "trend": self.trend._asdict(),
            "seasonality": self.seasonality._asdict(),
            "control": self.control._asdict(),
            "sizes": self.log_scale_factors,
            "persistence": self.persistence,
            "noise": self.noise,
        }
        if self.graph is not None:
            params["graph"] = self.graph.as_flax()
        if self.equations is not None:
            params["equations"] = self.equations.as_flax()
        if self.demand is not None:
            params["demand"] = {"per_activity": self.demand}
        return params
