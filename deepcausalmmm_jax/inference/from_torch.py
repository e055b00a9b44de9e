"""Reading a model that was trained by the published PyTorch package."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from deepcausalmmm_jax.checks import did_you_mean
from deepcausalmmm_jax.config.asked import require_config
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.asked_panel import require_panel
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.scaling import Scales
from deepcausalmmm_jax.errors import ConfigError, DataError, FitStatus
from deepcausalmmm_jax.model.paper.inputs import PaperDesign, PaperInputs
from deepcausalmmm_jax.model.paper.module import parameter_starts
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.training.families import family_of
from deepcausalmmm_jax.training.fitted import Fitted, TrainingRecord
from deepcausalmmm_jax.training.paper.family import PaperFamily
from deepcausalmmm_jax.training.prepare import prepare

# Part of a model saved by the published package, but without influence on its prediction.
_BUFFERS = {
    "media_coeff_momentum",
    "ctrl_coeff_momentum",
    "momentum_step",
    "tri_mask",
    "notears_rho",
    "notears_alpha",
    "notears_active",
    "time_trend_weight",
    "time_trend_bias",
    "trend_damping_raw",
}


def from_torch_state_dict(
    state: Mapping[str, ArrayLike],
    panel: Panel,
    *,
    config: Config | None = None,
    holdout: int | None = None,
    scales: Scales | None = None,
    season: np.ndarray | None = None,
) -> FitResult:
    """A result that predicts exactly as the saved weights of the published package (deepcausalmmm 1.0.21) do.

    PyTorch is not needed: pass `{name: tensor.numpy() for name, tensor in model.state_dict().items()}`.

    Args:
        state: arrays by their published names; the package's buffers are ignored.
        panel: the data that the model was trained on, with regions, channels and controls in the same order.
        config: from `Config.paper`, for the graph, the burn-in and the temperature, which the weights do not contain;
            sizes are read from the weights.
        holdout: number of last weeks with a KPI that the model has not seen; they are left out of the scales.
        scales: the published scaler's numbers, if they are not those of the training weeks: `kpi` `[region]`,
            `control_center` and `control_scale` `[region, control]`; the others are not read.
        season: `[region, period]`, seasonal profile from the first week on, if it is not that of the training weeks.

    Returns:
        The result. Its history is empty.

    Raises:
        ConfigError: the configuration is not the paper's; or a weight is missing, unknown or has the wrong shape.
        DataError: the panel has a different number of regions, channels or controls from the weights, or `season` or
            `scales` a different number of regions.
    """
    require_panel(panel, "from_torch_state_dict")
    config = Config.paper() if config is None else require_config(config, "from_torch_state_dict")
    if not isinstance(family_of(config), PaperFamily):
        raise ConfigError("from_torch_state_dict needs a configuration of the paper's model; use Config.paper().")
    weights = _weights(state)
    _refuse_other_sizes(weights, panel)
    config = Config.paper(
        config.graph,
        **{name: getattr(config.published, name) for name in config.published.__dataclass_fields__}
        | {"hidden_size": int(weights["gru.weight_hh_l0"].shape[-1])},
    )
    known = training_weights(panel, holdout)
    ready = prepare(panel, known, config, scales)
    assert isinstance(ready.inputs, PaperInputs)
    profile = np.asarray(ready.inputs.season if season is None else season, np.float32)
    _refuse_other_regions(profile, ready.scales, panel)
    _refuse_other_shapes(weights, PaperDesign.of(panel, config, profile.shape[1]))
    blank = np.zeros(0)
    record = TrainingRecord(blank, blank, blank, {}, FitStatus.TAKEN_OVER, 0.0)
    variables = {"params": weights, "fitted": {"season": profile}}
    return FitResult(Fitted(variables, panel, known, ready.scales, config, record, seed=0))


def _weights(state: Mapping[str, ArrayLike]) -> dict[str, np.ndarray]:
    """The trained arrays; none may be missing or unknown."""
    if not isinstance(state, Mapping):
        raise ConfigError(f"from_torch_state_dict needs the model's state_dict, got {type(state).__name__}.")
    wanted = set(parameter_starts(PaperDesign(1, 1, 1, 1, 2, 0.0, 0, 0, 1.0, "triangular")))
    arrays = {name: np.asarray(value, np.float32) for name, value in state.items() if name not in _BUFFERS}
    for name in arrays:
        if name not in wanted:
            hint = did_you_mean(name, wanted, "; pass the model's own state_dict.")
            raise ConfigError(f"The saved weights have {name!r}, which deepcausalmmm 1.0.21 does not{hint}")
    missing = sorted(wanted - set(arrays))
    if missing:
        raise ConfigError(f"The saved weights lack {missing[0]!r}; pass the whole state_dict of the model.")
    return arrays


def _refuse_other_sizes(weights: Mapping[str, np.ndarray], panel: Panel) -> None:
    regions, _, channels, controls = panel.shape
    for what, name, ours in (
        ("regions", "region_baseline", regions),
        ("channels", "alpha", channels),
        ("controls", "stable_ctrl_coeff", controls),
    ):
        theirs = weights[name].size
        if theirs != ours:
            raise DataError(
                f"The saved weights come from a model with {theirs} {what}, but the panel has {ours}; give the panel "
                "that the model was trained on."
            )


def _refuse_other_regions(season: np.ndarray, scales: Scales, panel: Panel) -> None:
    n_regions = len(panel.regions)
    for name, array in (
        ("season", season),
        ("scales.kpi", scales.kpi),
        ("scales.control_center", scales.control_center),
        ("scales.control_scale", scales.control_scale),
    ):
        if len(array) != n_regions:
            raise DataError(f"{name} is for {len(array)} regions, but the panel has {n_regions}.")
    if season.ndim != 2:
        raise DataError(f"season must be an array [region, period], got one with {season.ndim} axes.")


def _refuse_other_shapes(weights: Mapping[str, np.ndarray], design: PaperDesign) -> None:
    for name, (_, shape) in parameter_starts(design).items():
        if weights[name].shape != shape:
            raise ConfigError(
                f"The saved weight {name!r} has the shape {weights[name].shape}, but {shape} is what the others imply."
            )
