"""The paper's model: DeepCausalMMM (arXiv 2510.13087; package version 1.0.21), reproduced number for number.

Parameters have the names and shapes of the published package's weights, so that those can be read one to one.
"""

from collections.abc import Callable
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import DTypeLike

from deepcausalmmm_jax.model.curves import MediaCurves
from deepcausalmmm_jax.model.outputs import Components, Internals
from deepcausalmmm_jax.model.paper.inputs import PaperDesign, PaperInputs
from deepcausalmmm_jax.ops.gru import GRUParameters, gru_scan
from deepcausalmmm_jax.ops.weekly_loop import scan_weeks

_LONGEST_DECAY = 0.8
_LARGEST_CARRIED = 10.0
_SLOPES = (2.0, 5.0)
_HALVES = (0.01, 1.0)
_TINY = 1e-8
_LEAST_CEILING = 0.1
_FADE = 3.0  # stable coefficients have decayed by exp(-3) at the end of the burn-in


class PaperTerms(NamedTuple):
    """Terms of the prediction and their ingredients, before the prediction scale; burn-in weeks left out."""

    media_adstock: Array  # [region, week, channel]
    media_hill: Array  # [region, week, channel]
    media_dag: Array  # [region, week, channel]
    media_coefficients: Array  # [region, week, channel]
    media_contributions: Array  # [region, week, channel]
    control_coefficients: Array  # [region, week, control]
    control_contributions: Array  # [region, week, control]
    baseline: Array  # [region, week]
    seasonal_contribution: Array  # [region, week]
    raw_prediction: Array  # [region, week]
    prediction: Array  # [region, week], raw times the prediction scale


class PaperMMM(nn.Module):
    """Share of voice -> adstock -> Hill -> graph; a GRU generates all coefficients; baseline and season beside it.

    Attributes:
        design: sizes and branches.
    """

    design: PaperDesign

    def setup(self) -> None:
        """Declare the parameters under their published names, and the seasonal profile."""
        for name, (init, shape) in parameter_starts(self.design).items():
            setattr(self, _attribute(name), self.param(name, init, shape))
        period = (self.design.n_regions, self.design.season_period)
        self.season = self.variable("fitted", "season", jnp.zeros, period)

    def __call__(self, inputs: PaperInputs, source_exposure: Array | None = None) -> tuple[Components, Internals]:
        """Components of the prediction, in the form that both models of this package give them.

        Args:
            inputs: the panel; its KPI is not read.
            source_exposure: `[region, week, channel]`, exposure that the graph's edges draw on where it is not the
                panel's own, for what-if questions.
        """
        terms = self.terms(inputs, source_exposure=source_exposure)
        scale = jax.nn.softplus(self.prediction_scale[0])
        components = Components(
            baseline=scale * terms.baseline,
            trend=jnp.zeros_like(terms.baseline),
            seasonality=scale * terms.seasonal_contribution,
            control=scale * terms.control_contributions,
            media=scale * terms.media_contributions,
        )
        decay, slope, half = self.curves()
        zero = jnp.zeros_like(decay)
        edges = self.edges()
        return components, Internals(
            variation=jnp.zeros_like(terms.media_coefficients),
            coefficient=scale * terms.media_coefficients,
            edges=edges,
            lagged_edges=jnp.zeros((0, *edges.shape)),
            relative_edges=jnp.zeros_like(edges),  # no channel's exposure drives another's in this model
            relative_lagged_edges=jnp.zeros((0, *edges.shape)),
            blend=jax.nn.sigmoid(self.interaction_weight) * edges,
            structure=jnp.zeros(()),
            curves=MediaCurves(decay, zero, slope, half, jnp.zeros(()), jnp.zeros(())),
            level=components.baseline[:, 0],
            log_scale_factors={},
            persistence=jnp.zeros(()),
            effective=jnp.ones(()),
            shared=jnp.zeros(()),
            noise=jnp.zeros(self.design.n_regions),
        )

    def terms(
        self, inputs: PaperInputs, dropout_key: Array | None = None, source_exposure: Array | None = None
    ) -> PaperTerms:
        """The forward pass.

        Args:
            inputs: the panel.
            dropout_key: random key while training; None to predict.
            source_exposure: as for `__call__`.
        """
        adstocked, saturated = self._saturated(inputs.exposure)
        source = saturated if source_exposure is None else self._saturated(source_exposure)[1]
        mix = jax.nn.sigmoid(self.interaction_weight)
        blended = (1.0 - mix) * saturated + mix * (source @ self.edges())
        control = self._padded(inputs.control)
        media_coefficient, control_coefficient = self._coefficients(blended, control, dropout_key)
        media, controls = blended * media_coefficient, control * control_coefficient
        level = jax.nn.relu(jax.nn.softplus(self.region_baseline) + jax.nn.softplus(self.global_bias[0]))
        baseline = jnp.broadcast_to(level[:, None], inputs.exposure.shape[:2])
        season = self.season.value[:, inputs.week % self.design.season_period]
        seasonal = jax.nn.softplus(self.seasonal_coeff[0]) * season
        media, controls = self._trimmed(media), self._trimmed(controls)
        raw = media.sum(axis=-1) + controls.sum(axis=-1) + baseline + seasonal
        return PaperTerms(
            media_adstock=self._trimmed(adstocked),
            media_hill=self._trimmed(saturated),
            media_dag=self._trimmed(blended),
            media_coefficients=self._trimmed(media_coefficient),
            media_contributions=media,
            control_coefficients=self._trimmed(control_coefficient),
            control_contributions=controls,
            baseline=baseline,
            seasonal_contribution=seasonal,
            raw_prediction=raw,
            prediction=raw * jax.nn.softplus(self.prediction_scale[0]),
        )

    def curves(self) -> tuple[Array, Array, Array]:
        """Decay, slope and half-saturation as the forward pass uses them, `[channel]` each."""
        return (
            jnp.minimum(jax.nn.sigmoid(self.alpha), _LONGEST_DECAY),
            jnp.clip(jax.nn.softplus(self.hill_a), *_SLOPES),
            jnp.clip(jax.nn.softplus(self.hill_g), *_HALVES),
        )

    def probabilities(self) -> Array:
        """p, sigmoid of the logits over the temperature, `[channel, channel]`, diagonal included."""
        return jax.nn.sigmoid(self.adj_logits / self.design.temperature)

    def edges(self) -> Array:
        """E, `[channel, channel]`: entry [i, j] is the edge i -> j; acyclic for the `triangular` graph alone."""
        n = self.design.n_channels
        allowed = jnp.triu(jnp.ones((n, n)), 1) if self.design.graph == "triangular" else 1.0 - jnp.eye(n)
        return self.probabilities() * allowed

    def _saturated(self, exposure: Array) -> tuple[Array, Array]:
        """Adstocked and saturated shares of voice, with the burn-in weeks before them."""
        shares = self._padded(share_of_voice(exposure))
        decay, slope, half = self.curves()

        def carry(before: Array, x: Array) -> tuple[Array, Array]:
            now = jnp.clip(x + decay * before, 0.0, _LARGEST_CARRIED)
            return now, now

        first = shares[:, 0]
        _, rest = scan_weeks(carry, first, jnp.swapaxes(shares[:, 1:], 0, 1))
        adstocked = jnp.concatenate([first[:, None], jnp.swapaxes(rest, 0, 1)], axis=1)
        power = (jax.nn.relu(adstocked) + _TINY) ** slope
        return adstocked, jnp.clip(power / (power + half**slope + _TINY), 0.0, 1.0)

    def _coefficients(self, blended: Array, control: Array, dropout_key: Array | None) -> tuple[Array, Array]:
        features = jnp.tanh(_linear(control, self.ctrl_mlp_0_weight, self.ctrl_mlp_0_bias))
        if dropout_key is not None and self.design.dropout > 0:
            kept = jax.random.bernoulli(dropout_key, 1.0 - self.design.dropout, features.shape)
            features = jnp.where(kept, features / (1.0 - self.design.dropout), 0.0)
        gru = GRUParameters(self.gru_weight_ih_l0.T, self.gru_weight_hh_l0.T, self.gru_bias_ih_l0, self.gru_bias_hh_l0)
        scan = jax.vmap(gru_scan, in_axes=(None, None, 0))
        hidden = scan(gru, self.h0[0, 0], jnp.concatenate([blended, features], axis=-1))
        media_ceiling = jax.nn.softplus(self.media_coeff_max_raw) + _LEAST_CEILING
        control_ceiling = jax.nn.softplus(self.ctrl_coeff_max_raw) + _LEAST_CEILING
        media = jax.nn.sigmoid(self._head("coeff_gen", hidden)) * media_ceiling
        controls = jnp.tanh(self._head("ctrl_coeff_gen", hidden)) * control_ceiling
        return self._burnt_in(media, self.stable_media_coeff), self._burnt_in(controls, self.stable_ctrl_coeff)

    def _head(self, name: str, hidden: Array) -> Array:
        for layer in (0, 2, 4):
            hidden = _linear(hidden, getattr(self, f"{name}_{layer}_weight"), getattr(self, f"{name}_{layer}_bias"))
            hidden = hidden if layer == 4 else jax.nn.relu(hidden)
        return hidden

    def _burnt_in(self, generated: Array, stable: Array) -> Array:
        """Stable coefficients that fade into generated ones over the first weeks."""
        n_weeks, burn_in = generated.shape[1], self.design.burn_in
        if n_weeks <= burn_in:
            return jnp.broadcast_to(stable, generated.shape)
        week = jnp.arange(n_weeks, dtype=generated.dtype)
        share = jnp.where(week < burn_in, jnp.exp(-_FADE * week / max(burn_in, 1)), 0.0)[:, None]
        return share * stable + (1.0 - share) * generated

    def _padded(self, values: Array) -> Array:
        return jnp.pad(values, ((0, 0), (self.design.padding, 0), (0, 0)))

    def _trimmed(self, values: Array) -> Array:
        return values[:, self.design.padding :]


def share_of_voice(exposure: Array) -> Array:
    """Each channel's share of a region-week's exposure, `[region, week, channel]`; equal shares where there is none.

    The level of exposure is divided out: twice the exposure in all channels gives the same shares.
    """
    total = exposure.sum(axis=-1, keepdims=True)
    return jnp.where(total > 0, exposure / jnp.where(total > 0, total, 1.0), 1.0 / exposure.shape[-1])


def parameter_starts(design: PaperDesign) -> dict[str, tuple[Callable[..., Array], tuple[int, ...]]]:
    """Start and shape of every parameter by its published name.

    Layers start as PyTorch's do, uniform within 1 / sqrt(inputs). Four parameters (`coeff_range_raw` and its like) do
    not enter the prediction, only the sums of the penalties.
    """
    m, k, h = design.n_channels, design.n_controls, design.hidden_size
    half = max(h // 2, 1)
    starts = {
        "alpha": (_constant(0.8), (m,)),
        "hill_a": (_constant(2.5), (m,)),
        "hill_g": (_constant(0.0), (m,)),
        "adj_logits": (nn.initializers.normal(0.1), (m, m)),
        "interaction_weight": (_constant(-1.5), (m,)),
        "region_baseline": (_constant(1.0), (design.n_regions,)),
        "global_bias": (_constant(0.0), (1,)),
        "prediction_scale": (_constant(0.0), (1,)),
        "seasonal_coeff": (_constant(1.0), (1,)),
        "coeff_range_raw": (_constant(0.0), ()),
        "ctrl_coeff_range_raw": (_constant(0.0), ()),
        "stable_coeff_scale_raw": (_constant(-2.25), ()),
        "region_baseline_scale_raw": (_constant(-2.25), ()),
        "media_coeff_max_raw": (_constant(1.0), (m,)),
        "ctrl_coeff_max_raw": (_constant(1.5), (k,)),
        "h0": (_constant(0.0), (1, 1, h)),
        "stable_media_coeff": (_constant(0.0), (m,)),
        "stable_ctrl_coeff": (_constant(0.0), (k,)),
        "gru.weight_ih_l0": (_uniform(h), (3 * h, m + half)),
        "gru.weight_hh_l0": (_uniform(h), (3 * h, h)),
        "gru.bias_ih_l0": (_uniform(h), (3 * h,)),
        "gru.bias_hh_l0": (_uniform(h), (3 * h,)),
    }
    layers = [("ctrl_mlp.0", k, half)]
    for name, outputs in (("coeff_gen", m), ("ctrl_coeff_gen", k)):
        layers += [(f"{name}.0", h, h), (f"{name}.2", h, half), (f"{name}.4", half, outputs)]
    for name, inputs, outputs in layers:
        starts[f"{name}.weight"] = (_uniform(inputs), (outputs, inputs))
        starts[f"{name}.bias"] = (_uniform(inputs), (outputs,))
    return starts


def _attribute(name: str) -> str:
    return name.replace(".", "_")


def _linear(x: Array, weight: Array, bias: Array) -> Array:
    return x @ weight.T + bias


def _constant(value: float) -> Callable[..., Array]:
    return nn.initializers.constant(value)


def _uniform(inputs: int) -> Callable[..., Array]:
    bound = 1.0 / max(inputs, 1) ** 0.5

    def init(key: Array, shape: tuple[int, ...], dtype: DTypeLike = jnp.float32) -> Array:
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return init
