"""Settings of the paper's model, with the published values as defaults."""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from deepcausalmmm_jax.checks import check_kinds, require
from deepcausalmmm_jax.config.priors import Priors
from deepcausalmmm_jax.config.slips import names_slips

if TYPE_CHECKING:
    from deepcausalmmm_jax.config.settings import Config


@names_slips
@dataclass(frozen=True)
class Published:
    """DeepCausalMMM 1.0.21 (arXiv 2510.13087) as published; penalties are summed over all trained parameters.

    Attributes:
        hidden_size: number of hidden states of the GRU.
        dropout: share of the transformed controls dropped in each training epoch.
        burn_in: weeks of zeros before the data, over which generated coefficients replace the stable ones.
        temperature: of the sigmoid of the edges.
        epochs: number of epochs of AdamW.
        warm_start_epochs: epochs with squared error before those.
        warm_start_learning_rate: learning rate of the warm start.
        learning_rate: initial learning rate of AdamW.
        weight_decay: of AdamW.
        plateau_patience: epochs without a lower objective before the learning rate is reduced.
        plateau_factor: factor of that reduction.
        coefficient_clip: maximum gradient norm of the parameters of the coefficients.
        clip: maximum gradient norm of all other parameters, and of all together in the warm start.
        huber_delta: residual, as a share of the mean KPI, beyond which the loss is linear.
        media_share: share of the prediction that the attribution prior fixes for media.
        attribution_weight: weight of that prior, as a share of the Huber loss.
        seasonal_weight: weight of the prior on the seasonal coefficient, likewise.
        graph_weight: weight of the penalties of the graph.
        sparsity_weight: weight of the sparsity of the stable coefficients and the GRU.
        l1: penalty on the absolute values of all parameters.
        l2: penalty on the squares of all parameters.
        graph_warm_up: epochs of AdamW before cycles are penalised (`notears` only).
        graph_interval: epochs between two increases of that penalty.
        ridge: penalty of the regression that initialises the stable media coefficients. They act only in burn-in weeks,
            which do not count here, so that they hardly matter.

    Raises:
        ConfigError: a value of the wrong kind or out of range.
    """

    hidden_size: int = 280
    dropout: float = 0.12
    burn_in: int = 6
    temperature: float = 0.5
    epochs: int = 1500
    warm_start_epochs: int = 50
    warm_start_learning_rate: float = 1e-4
    learning_rate: float = 0.01
    weight_decay: float = 5e-5
    plateau_patience: int = 300
    plateau_factor: float = 0.8
    coefficient_clip: float = 1.0
    clip: float = 2.0
    huber_delta: float = 0.25
    media_share: float = 0.4
    attribution_weight: float = 0.5
    seasonal_weight: float = 0.1
    graph_weight: float = 0.008
    sparsity_weight: float = 0.001
    l1: float = 5e-5
    l2: float = 2e-4
    graph_warm_up: int = 500
    graph_interval: int = 100
    ridge: float = 0.01

    def __post_init__(self) -> None:
        check_kinds(self)
        least = {"hidden_size": 2, "epochs": 1, "plateau_patience": 1, "graph_interval": 1}
        most = {"hidden_size": 4096, "burn_in": 1000, "epochs": 10_000_000, "warm_start_epochs": 10_000_000}
        for name, bound in most.items():
            require(getattr(self, name) <= bound, f"published.{name}", getattr(self, name), f"at most {bound:,}")
        for item in fields(self):
            value, bound = getattr(self, item.name), least.get(item.name, 0)
            require(value >= bound, f"published.{item.name}", value, f"{bound} or more")
        for name in ("temperature", "learning_rate", "huber_delta", "coefficient_clip", "clip"):
            require(getattr(self, name) > 0, f"published.{name}", getattr(self, name), "above 0")
        require(self.dropout < 1, "published.dropout", self.dropout, "below 1")
        require(self.media_share < 1, "published.media_share", self.media_share, "below 1")
        require(0 < self.plateau_factor <= 1, "published.plateau_factor", self.plateau_factor, "above 0, at most 1")


def refuse_beside_paper(config: "Config") -> None:
    """Raise ConfigError for settings that the paper's model does not know.

    Args:
        config: settings that ask for it.
    """
    plain = (config.saturation, config.saturation_first, config.curves, config.curve) == ("hill", False, (), "stated")
    require(plain, "saturation", config.saturation, "hill for the paper's model, whose curves are fixed")
    require(not config.experiments, "experiments", config.experiments, "empty: the paper's model takes no lift tests")
    known = config.graph in ("triangular", "notears")
    require(known, "graph", config.graph, "triangular or notears for the paper's model")
    require(not config.links.channels(), "links", config.links, "empty, since the paper's model does not use it")
    require(config.link_lags == 0, "link_lags", config.link_lags, "0, since the paper's model has no lagged links")
    one = config.link_groups == "one"
    require(one, "link_groups", config.link_groups, "one, since the paper's model has one graph for all regions")
    require(config.priors == Priors(), "priors", config.priors, "empty, since the paper's model does not use it")
