"""Ensemble: a fit with draws or refits, and the same accessors with intervals."""

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import xarray as xr

from deepcausalmmm_jax.attribution.by_replicate import Contributed, Earned, contributed, earned
from deepcausalmmm_jax.attribution.carry_over import carry_over
from deepcausalmmm_jax.attribution.curve_bands import hill_bands
from deepcausalmmm_jax.attribution.curves_to_draw import curves_to_draw
from deepcausalmmm_jax.attribution.diagnostics import channel_trust, share_covariance
from deepcausalmmm_jax.attribution.intervals import (
    LEAST_RANGE,
    drifted,
    interval,
    outside,
    standard_error,
    summary_draws,
    with_interval,
)
from deepcausalmmm_jax.attribution.least_width import at_least_as_wide, relative_errors
from deepcausalmmm_jax.attribution.links import link_weights, links_of_refits, strongest_first
from deepcausalmmm_jax.attribution.main_figures import main_figures
from deepcausalmmm_jax.attribution.mediation import effect_draws
from deepcausalmmm_jax.attribution.notes import (
    NOTE,
    ChannelNote,
    ChannelTrust,
    NoteKind,
    Notes,
    few_or_not,
    narrow_or_not,
    with_note,
)
from deepcausalmmm_jax.axes import CHANNEL, COMPONENT, TIME, Variables
from deepcausalmmm_jax.data.link_groups import channel_table
from deepcausalmmm_jax.errors import ConfigError, OutputError
from deepcausalmmm_jax.model.family import AnyInputs
from deepcausalmmm_jax.results import checkpoint
from deepcausalmmm_jax.results.computed_once import computed_once
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.results.inference_data import inference_data
from deepcausalmmm_jax.results.judged_by_draws import judged_by_draws, says_little
from deepcausalmmm_jax.results.sampling_diagnostics import sampling_diagnostics, starts_compared, untrusted_or_not
from deepcausalmmm_jax.training.fitted import Fitted, Replicates

_LEVEL = 0.9
_BOUNDS = ("low", "high")


class Ensemble(FitResult):
    """What `fit`, `sample_posterior` and `bootstrap` return: estimates, with intervals from draws or refits.

    Attributes:
        fitted: the estimate.
        replicates: draws from the posterior, or refits.
    """

    def __init__(self, fitted: Fitted, replicates: Replicates, prepared: AnyInputs | None = None) -> None:
        super().__init__(fitted, prepared)
        self.replicates = replicates

    def __repr__(self) -> str:
        kind = "draws" if self.from_posterior else "refits"
        return f"Ensemble({len(self.replicates)} {kind} by {self.replicates.method}, of {super().__repr__()})"

    @property
    def from_posterior(self) -> bool:
        """Whether the replicates are draws from the posterior; else they are refits."""
        return self.replicates.coordinates is not None

    @cached_property
    def _contributed(self) -> Contributed:
        return contributed(self.fitted_panel, self.replicates.variables)

    @property
    def _shares(self) -> np.ndarray:
        """Share of the KPI in the training weeks, `[replicate, channel]`."""
        return self._contributed.share

    @cached_property
    def _earned(self) -> Earned:
        return earned(self.fitted_panel, self.replicates.variables)

    @cached_property
    def _summary_draws(self) -> dict[str, np.ndarray]:
        return summary_draws(self._earned, self.panel)

    @property
    def _members(self) -> Variables:
        return self.replicates.variables

    def share_draws(self) -> pd.DataFrame:
        """Share of the KPI in the training weeks, percent; one row per member as it is, one column per channel."""
        return self._by_member(100 * self._shares)

    def draws(self, column: str = "pct_of_contribution") -> pd.DataFrame:
        """A column of `media_summary` by member; one row per member, one column per channel.

        Raises:
            ConfigError: a column that has no draws.
        """
        if not isinstance(column, str) or column not in self._summary_draws:
            raise ConfigError(f"column must be one of {', '.join(self._summary_draws)}, got {column!r}.")
        return self._by_member(self._summary_draws[column])

    def _by_member(self, values: np.ndarray) -> pd.DataFrame:
        index = pd.RangeIndex(len(self.replicates), name="replicate")
        return pd.DataFrame(values, index=index, columns=list(self.panel.channels))

    def baseline_draws(self) -> np.ndarray:
        """Predicted KPI without any media, all regions, up to the last week with a KPI, KPI units, `[replicate]`."""
        regional = self._contributed.regional
        return np.asarray(regional[:, :, : regional.shape[2] - len(self.panel.channels)].sum(axis=(1, 2)))

    def media_summary(self, level: float = _LEVEL, *, planned: bool = False) -> pd.DataFrame:
        """`FitResult.media_summary` with `_low` and `_high` beside every estimated column.

        Intervals from refits are at least as wide as the standard errors of the fit say, since refits do not show how
        far curves may be off. The column `note` says where intervals are known to be too narrow, and where an estimate
        lies outside its refits.

        Raises:
            ConfigError: a level that is not between 0 and 1.
        """
        drawn = earned(self.fitted_panel, self._members, True) if planned else self._earned
        draws = summary_draws(drawn, self.panel, planned)
        return self._no_narrower(self._with_interval(super().media_summary(planned=planned), draws, level), level)

    def summary(self, level: float = _LEVEL) -> pd.DataFrame:
        """`FitResult.summary`, with the interval of `roi` (without spend, of the outcome) as in `media_summary`.

        Raises:
            ConfigError: a level that is not between 0 and 1.
        """
        table = main_figures(self.fitted_panel, FitResult.media_summary(self), self._earned, level)
        return self._no_narrower(table, level)

    def carry_over(self, level: float = _LEVEL) -> pd.DataFrame:
        """`FitResult.carry_over` with `_low` and `_high` beside shares, weeks and payback.

        Raises:
            ConfigError: a level that is not between 0 and 1.
        """
        decay = self._contributed.curves["decay"]
        return self._told(partial(carry_over, self.fitted_panel, self._members, decay=decay), level)

    def notes(self, level: float = _LEVEL) -> pd.DataFrame:
        """`FitResult.notes`, with the standard error and an interval of each share, see `media_summary`.

        Raises:
            ConfigError: a level that is not between 0 and 1.
        """
        table = self._with_interval(self.channel_trust.shown(), {"share": 100 * self._shares}, level)
        return self._no_narrower(table, level)

    def _no_narrower(self, table: pd.DataFrame, level: float) -> pd.DataFrame:
        """The table with intervals of refits at least as wide as the errors of the fit, which count the curves too."""
        if self.from_posterior:
            return table
        paid = FitResult.media_summary(self)["spend"].to_numpy(np.float64) > 0
        error = relative_errors(self.fitted_panel, self._share_covariance, list(table.index), paid)
        return at_least_as_wide(table, error, level)

    @cached_property
    def _share_covariance(self) -> np.ndarray:
        return share_covariance(self.fitted_panel)

    def _with_interval(self, table: pd.DataFrame, draws: Mapping[str, np.ndarray], level: float) -> pd.DataFrame:
        """The table with intervals, and what is to be known of them in the column `note`."""
        return self._noted(with_interval(table, draws, level), drifted(table, draws, level))

    def _noted(self, table: pd.DataFrame, far: np.ndarray) -> pd.DataFrame:
        """The table, with what is to be known of its intervals in the column `note`; `far` as from `drifted`."""
        table = table if NOTE in table else table.assign(**{NOTE: ""})
        table = with_note(table, far, ChannelNote(NoteKind.OUTSIDE_INTERVAL))
        for note in self.coverage_notes:
            table = with_note(table, np.ones(len(table), bool), note)
        return table

    def _told(self, made: Callable[[float], pd.DataFrame], level: float) -> pd.DataFrame:
        table = made(level)
        return self._noted(table, outside(made(LEAST_RANGE) if level < LEAST_RANGE else table))

    @property
    def _same_exposure(self) -> bool:
        """Whether all members saw the exposure of the panel, so that they say nothing about the channel graph."""
        return self.from_posterior or self.replicates.method == "block"

    @property
    def coverage_notes(self) -> Notes:
        """Notes on all intervals: too narrow, with their measured coverage; of few draws, or of untrusted ones."""
        blocks = self.replicates.method == "block"
        tested = bool(self.config.experiments)
        narrow = narrow_or_not(from_posterior=self.from_posterior, blocks=blocks, tested=tested)
        return (*narrow, *few_or_not(len(self.replicates)), *untrusted_or_not(self.replicates))

    @cached_property
    def channel_trust(self) -> ChannelTrust:
        """What `notes` shows, with notes as kinds and numbers; errors from the draws, of refits at least the fit's."""
        error = standard_error(self._shares)
        if not self.from_posterior:
            error = np.fmax(error, np.sqrt(np.diag(self._share_covariance)))
        trust = channel_trust(self.fitted_panel, error)
        little = says_little(self.fitted_panel, self._shares, from_posterior=self.from_posterior)
        return judged_by_draws(trust, self._shares, little, refits=not self.from_posterior)

    def sampling(self) -> pd.Series:
        """Diagnostics of draws from the posterior.

        Returns:
            `method`, `draws`, `pareto_k` (of importance weights around the mode; above 0.7 `laplace` fails), `r_hat`
            (of Markov chains; above 1.3 they have not mixed) and `trusted`. For refits only method and number.
        """
        return sampling_diagnostics(self.replicates)

    def to_inference_data(self) -> object:
        """Draws of shares, curves, outcome and ROI as `arviz.InferenceData`, by chain where the draws are chains.

        Raises:
            ConfigError: ArviZ is not installed (the extra `bayes`).
        """
        return inference_data(self.fitted, self.replicates.chains, self._shares, self._summary_draws, self._contributed)

    def contribution_intervals(self, level: float = _LEVEL) -> xr.DataArray:
        """National contributions with their interval, `(bound, time, component)`, KPI units; bound: low, high.

        Raises:
            ConfigError: a level that is not between 0 and 1.
        """
        return self._component_intervals(self._contributed.national, TIME, self.panel.weeks, level)

    def region_intervals(self, level: float = _LEVEL) -> xr.DataArray:
        """Contributions by region up to the last KPI, with their interval, `(bound, region, component)`, KPI units.

        Raises:
            ConfigError: a level that is not between 0 and 1.
        """
        return self._component_intervals(self._contributed.regional, "region", self.panel.regions, level)

    def _component_intervals(self, drawn: np.ndarray, axis: str, labels: pd.Index, level: float) -> xr.DataArray:
        """`(bound, axis, component)` from `[replicate, label, component]`."""
        return xr.DataArray(
            interval(drawn, level),
            dims=("bound", axis, COMPONENT),
            coords={"bound": list(_BOUNDS), axis: labels, COMPONENT: self.contributions[COMPONENT].values},
            name="contribution",
            attrs={"units": self.panel.kpi_label, "level": level},
        )

    def curve_intervals(self, level: float = _LEVEL) -> pd.DataFrame:
        """`curve_parameters` with `_low` and `_high`.

        Raises:
            ConfigError: a level that is not between 0 and 1.
        """
        draws = self._contributed.curves | {"coefficient": self._contributed.coefficient}
        return with_interval(self.curve_parameters, draws, level)

    def hill_intervals(self, level: float = _LEVEL) -> pd.DataFrame:
        """`hill_curves` with `saturation_low` and `saturation_high`.

        Raises:
            ConfigError: a level that is not between 0 and 1.
        """
        return hill_bands(self.fitted_panel, self._contributed.curves, level)

    @computed_once
    def spend_response(self) -> pd.DataFrame:
        """`FitResult.spend_response`, with intervals where the members are few enough to be run at every point."""
        return curves_to_draw(self.fitted_panel, self.replicates)

    @cached_property
    def edge_frequency(self) -> pd.DataFrame:
        """Channel x channel: share of the refits whose graph has the edge from the row to the column in the same week.

        Draws from the posterior all have the graph found in training, so for them every share is 0 or 1; refits to
        blocks of weeks all see the same exposure, from which the graph is learned.
        """
        often = (self._contributed.edges[..., 0, :, :] != 0).mean(axis=0)
        found = channel_table(often, list(self.panel.channels), self.fitted_panel.link_groups)
        return found if found.index.nlevels > 1 else found.rename_axis(index=CHANNEL)

    def links(self, level: float = _LEVEL) -> pd.DataFrame:
        """`FitResult.links`; from refits, intervals are percentiles of the weight, which is 0 in refits without it.

        A further column `share_of_refits` says how many have the link, and `note` where a weight lies outside its
        interval. Draws from the posterior all have the links found in training, and refits to blocks of weeks all see
        the same exposure: for them there are no such columns, and the intervals are those of a single fit.

        Raises:
            ConfigError: a level that is not between 0 and 1.
        """
        table = super().links(level)
        if self._same_exposure:
            return table
        at = strongest_first(link_weights(self.fitted_panel))
        drawn = np.stack([own[at] for own in self._contributed.edges])
        return links_of_refits(table, drawn, level)

    def effects(self, level: float = _LEVEL) -> pd.DataFrame:
        """`FitResult.effects` with `_low` and `_high` beside every figure; see `attribution.mediation.effect_draws`.

        Raises:
            ConfigError: a level that is not between 0 and 1.
        """
        return self._with_interval(super().effects(), self._effect_draws, level)

    @cached_property
    def _effect_draws(self) -> dict[str, np.ndarray]:
        own = None if self._same_exposure else self._contributed.edges
        return effect_draws(self.fitted_panel, self._members, own)

    def warm_start_check(self) -> pd.DataFrame:
        """Whether refits from the point estimate and from a random start agree, on the same draws.

        Returns:
            By channel, percentage points of the KPI: `warm` and `cold`, mean shares over the draws checked;
            `difference`, the mean of warm less cold; `largest`, the largest one; `spread`, the standard deviation over
            all refits, against which the differences should be small. Draws of which a refit diverged are left out.
            Empty where nothing was checked.
        """
        return starts_compared(self.replicates, self._shares, self.panel.channels)

    def save(self, path: str | Path) -> Path:
        """Write fit and refits to one file (`.npz`), to be read by `load`.

        Raises:
            OutputError: the file cannot be written.
        """
        return checkpoint.save(self.fitted, path, self.replicates)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote.

        Raises:
            OutputError: there is no such file, it is not a saved fit, or it has no refits.
        """
        fitted, replicates = checkpoint.read(path)
        if replicates is None:
            raise OutputError(f"{path} holds a fit without refits; load it with deepcausalmmm_jax.load.")
        return cls(fitted, replicates)
