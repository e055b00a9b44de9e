"""Settings of the paper's model, with the published values as defaults."""

from dataclasses import dataclass, fields

from deepcausalmmm_jax.checks import check_kinds, require


@dataclass(frozen=True)
class Published:
    """DeepCausalMMM 1.0.21 (arXiv 2510.13087) as published; sums of penalties run over all trained parameters.

    Attributes:
        hidden_size: states of the GRU.
        dropout: share of the transformed controls that is dropped in each epoch of training.
        burn_in: weeks of zeros before the data, over which generated coefficients take over from stable ones.
        temperature: of the edges' sigmoid.
        epochs: epochs of AdamW.
        warm_start_epochs: epochs with squared error before that.
        warm_start_learning_rate: step size of those.
        learning_rate: first step size of AdamW.
        weight_decay: of AdamW.
        plateau_patience: epochs without a lower objective before the step size is cut.
        plateau_factor: what it is multiplied by then.
        coefficient_clip: largest gradient norm of the coefficients' parameters.
        clip: the same for all others, and for all together in the warm start.
        huber_delta: residual, as a share of the mean KPI, beyond which it counts linearly.
        media_share: media's share of the prediction that the attribution prior pins.
        attribution_weight: of that prior, as a share of the Huber loss.
        seasonal_weight: of the prior on the seasonal coefficient, likewise.
        graph_weight: of the graph's penalties.
        sparsity_weight: of the stable coefficients and the GRU.
        l1: of the absolute values of all parameters.
        l2: of the squares of all parameters.
        graph_warm_up: epochs of AdamW before acyclicity is priced (`notears` only).
        graph_interval: epochs between two raises of its price.
        ridge: of the regression that starts the stable media coefficients. Those act in burn-in weeks alone, which do
            not count here, so that they hardly matter.

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
        for item in fields(self):
            value, bound = getattr(self, item.name), least.get(item.name, 0)
            require(value >= bound, f"published.{item.name}", value, f"{bound} or more")
        for name in ("temperature", "learning_rate", "huber_delta", "coefficient_clip", "clip"):
            require(getattr(self, name) > 0, f"published.{name}", getattr(self, name), "above 0")
        require(self.dropout < 1, "published.dropout", self.dropout, "below 1")
        require(self.media_share < 1, "published.media_share", self.media_share, "below 1")
        require(0 < self.plateau_factor <= 1, "published.plateau_factor", self.plateau_factor, "above 0, at most 1")
