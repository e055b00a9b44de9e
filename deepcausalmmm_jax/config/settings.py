"""Settings of a fit: validated frozen dataclasses, read from and written to TOML."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from deepcausalmmm_jax.checks import check_kinds, refuse_unknown, require, shown
from deepcausalmmm_jax.config.curves import (
    AdstockKind,
    ChannelCurves,
    CurveKind,
    CurveKinds,
    SaturationKind,
    channel_curves_from,
    kinds_of,
    refuse_priors_of_absent_parameters,
)
from deepcausalmmm_jax.config.flat import settings_table
from deepcausalmmm_jax.config.kpi_link import KpiReading, LinkKind, refuse_link, settle_link, with_own_link
from deepcausalmmm_jax.config.lift_tests import LiftTest, lift_tests_from
from deepcausalmmm_jax.config.link_groups import LinkGroups, link_groups_from
from deepcausalmmm_jax.config.links import Links, refuse_graph_settings
from deepcausalmmm_jax.config.paper import Published, refuse_beside_paper
from deepcausalmmm_jax.config.penalties import Penalties
from deepcausalmmm_jax.config.priors import PosteriorSettings, Priors
from deepcausalmmm_jax.config.slips import names_slips
from deepcausalmmm_jax.config.toml import read_toml, toml_lines
from deepcausalmmm_jax.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

CurveChoice = Literal["stated", "auto"]
GraphKind = Literal["notears", "dagma", "triangular", "none"]
Precision = Literal["highest", "tf32", "bfloat16"]
ModelKind = Literal["structural", "paper"]
_MOST = {"max_lag": 520, "hidden_size": 4096, "knot_spacing": 10_000, "region_knot_spacing": 10_000}
_MOST_EPOCHS = 10_000_000


@names_slips
@dataclass(frozen=True)
class Training:
    """How the objective is minimised.

    Attributes:
        learning_rate: initial learning rate of Adam.
        huber_delta: residual, in standard deviations of the noise, beyond which the loss is linear.
        max_epochs: maximum number of epochs, each over all data, run in whole chunks of `chunk_epochs`.
        chunk_epochs: epochs between two checks of the objective and updates of the progress bar.
        tolerance: smallest decrease of the objective over a chunk, in nats per observation, that counts as progress.
        patience: chunks without progress before the learning rate is reduced.
        step_cuts: reductions of the learning rate, to a third each, before training ends.
    """

    learning_rate: float = 0.02
    huber_delta: float = 2.0
    max_epochs: int = 1500
    chunk_epochs: int = 50
    tolerance: float = 1e-4
    patience: int = 2
    step_cuts: int = 2

    def __post_init__(self) -> None:
        check_kinds(self)
        for name in ("learning_rate", "huber_delta"):
            require(getattr(self, name) > 0, name, getattr(self, name), "a number above 0")
        require(self.tolerance >= 0, "tolerance", self.tolerance, "0 or more")
        require(self.learning_rate <= 10, "learning_rate", self.learning_rate, "at most 10")
        for name in ("max_epochs", "chunk_epochs", "patience"):
            require(getattr(self, name) >= 1, name, getattr(self, name), "1 or more")
            require(getattr(self, name) <= _MOST_EPOCHS, name, getattr(self, name), f"at most {_MOST_EPOCHS:,}")
        require(self.step_cuts >= 0, "step_cuts", self.step_cuts, "0 or more")


@names_slips
@dataclass(frozen=True)
class Config:
    """All settings of a fit; the defaults suit most panels.

    Attributes:
        model: `structural`, the default model; or `paper`, the published DeepCausalMMM, which uses only `graph`
            (`triangular` or `notears`) and `published`. `Config.paper()` sets it up.
        tune: whether the prior scales in `penalties` for trend, season, controls, pooling and variation over time are
            learned from the data, by their marginal likelihood; False uses them as given.
        adstock: kind of carry-over. `geometric` has no last lag; nor has `delayed_geometric`, which begins after a
            learned delay that may be close to zero; `delayed` peaks at a learned lag; `binomial`, `weibull_pdf` (which
            may rise first) and `weibull_cdf` end at `max_lag`; `none` has an effect in its own week only.
        max_lag: lags of the `delayed`, `binomial` and Weibull kinds, in weeks.
        min_slope: lower bound of the Hill slope (the paper's is 2; below 1 the curve is concave everywhere, near 0 it
            is a step).
        saturation: kind of saturation: `hill`, `michaelis_menten` and `logistic` have a maximum; `log`, `root` and
            `linear` have none.
        saturation_first: whether exposure saturates within its own week, before it carries over; else it carries over
            first and then saturates.
        curves: channels whose curves are of other kinds than these.
        curve: `stated` for these kinds; `auto` to let the evidence choose the kind of saturation of all channels, see
            `FitResult.curve_evidence`.
        graph: how the graph of channels is kept acyclic: `notears` (trace-exponential), `dagma` (log-determinant),
            `triangular` (a channel may only drive later ones), or `none` for no graph.
        graph_threshold: edges weaker than this are dropped, in standard deviations of the target per standard deviation
            of the source.
        graph_evidence: edges whose strength is fewer standard errors than this above zero are dropped.
        link_lags: weeks up to which a channel may drive another with a lag; 0 for links within the week alone.
        link_groups: `one` graph for all regions; `learn` to find groups of regions with a graph each, and their number,
            by the evidence of exposure; or regions by group, as (("north", ("a", "b")), ("south", ("c",))).
        hidden_size: number of hidden states of the GRU that varies coefficients over time.
        season_length: weeks in a year.
        harmonics: Fourier pairs of the yearly season; on long steps no more than these can tell apart.
        harmonic_decay: how fast the prior scale of pairs beyond the second falls: that of pair k is
            `penalties.season_peaks`, which the data adjust, times (2 / k) to this power. With 0 all pairs are alike.
        knot_spacing: weeks between knots of the national trend; 1 is a random walk.
        region_knot_spacing: weeks between knots of the deviation of a region from it.
        links: prior knowledge about links between channels.
        priors: prior knowledge about channels and controls, in business terms.
        experiments: lift tests, which count as evidence beside the KPI.
        posterior: priors of shares, curves and scales, and how the posterior is computed.
        penalties: prior scales of what the model learns.
        training: how the objective is minimised.
        published: settings of the paper's model.
        precision: precision of the factors of matrix products in training: `highest` (single, 24 bits), `tf32` (11) or
            `bfloat16` (8); sums are in single precision. The lower ones are faster on accelerators that support them;
            a CPU rounds in the same way and gains no speed.
        link: `identity`, where effects add up to the KPI; `log`, where they multiply, each a factor on it; `auto` to
            let the evidence choose, see `FitResult.link_evidence`. Where none is stated, `identity`; of counts, `log`.
        counts: whether the KPI counts something that is zero in some weeks, such as policies sold: whole numbers from a
            negative binomial distribution around a mean to which effects multiply. They take no link but `log`.

    Raises:
        ConfigError: a value of the wrong kind or out of range.
    """

    model: ModelKind = "structural"
    tune: bool = True
    adstock: AdstockKind = "delayed_geometric"
    max_lag: int = 13
    min_slope: float = 0.05
    saturation: SaturationKind = "hill"
    saturation_first: bool = False
    curves: tuple[ChannelCurves, ...] = ()
    curve: CurveChoice = "stated"
    graph: GraphKind = "notears"
    graph_threshold: float = 0.1
    graph_evidence: float = 4.0
    link_lags: int = 0
    link_groups: LinkGroups = "one"
    links: Links = field(default_factory=Links)
    priors: Priors = field(default_factory=Priors)
    experiments: tuple[LiftTest, ...] = ()
    hidden_size: int = 8
    season_length: float = 365.25 / 7
    harmonics: int = 6
    harmonic_decay: float = 1.0
    knot_spacing: int = 1
    region_knot_spacing: int = 13
    posterior: PosteriorSettings = field(default_factory=PosteriorSettings)
    penalties: Penalties = field(default_factory=Penalties)
    training: Training = field(default_factory=Training)
    published: Published = field(default_factory=Published)
    precision: Precision = "highest"
    link: LinkKind = None  # type: ignore[assignment]  # as stated; a made Config has one, see `settle_link`
    counts: bool = False

    def __post_init__(self) -> None:
        settle_link(self)
        check_kinds(self)
        object.__setattr__(self, "experiments", lift_tests_from(self.experiments))
        object.__setattr__(self, "link_groups", link_groups_from(self.link_groups))
        object.__setattr__(self, "curves", channel_curves_from(self.curves))
        refuse_priors_of_absent_parameters(self.priors, self.common_curve, self.curves)
        if self.model == "paper":
            refuse_beside_paper(self)
        refuse_link(self)
        for name, most in _MOST.items():
            require(getattr(self, name) >= 1, name, getattr(self, name), "1 or more")
            require(getattr(self, name) <= most, name, getattr(self, name), f"at most {most:,}")
        require(0 <= self.harmonics <= 100, "harmonics", self.harmonics, "from 0 to 100")
        require(0 <= self.harmonic_decay <= 10, "harmonic_decay", self.harmonic_decay, "from 0 to 10")
        require(0 < self.min_slope < 5, "min_slope", self.min_slope, "between 0 and 5")
        require(0 <= self.graph_threshold < 1, "graph_threshold", self.graph_threshold, "from 0 to below 1")
        require(self.graph_evidence >= 0, "graph_evidence", self.graph_evidence, "0 or more")
        refuse_graph_settings(self)
        in_weeks = 1 < self.season_length <= 10_000
        require(in_weeks, "season_length", self.season_length, "above 1 week and at most 10,000")

    @property
    def reading(self) -> KpiReading:
        """How the model reads the KPI."""
        return "counts" if self.counts else self.link

    @property
    def common_curve(self) -> CurveKind:
        """Kinds of the channels that have none of their own."""
        return CurveKind(self.adstock, self.saturation, self.saturation_first)

    def curve_kinds(self, channels: tuple[str, ...], max_lag: int, step_weeks: float = 1.0) -> CurveKinds:
        """Kinds of the curves of a panel's channels; see `CurveKinds` for `max_lag` and `step_weeks`.

        Raises:
            ConfigError: curves of a channel that the panel does not have.
        """
        return kinds_of(channels, self.common_curve, self.curves, max_lag).paced(step_weeks)

    def replace(self, **changes: Any) -> Self:
        """A copy with some settings changed, e.g. `config.replace(graph="none")`.

        Raises:
            ConfigError: an unknown setting or an invalid value.
        """
        refuse_unknown(type(self), changes, "")
        return dataclasses.replace(self, **with_own_link(self, changes))

    @classmethod
    def paper(cls, graph: GraphKind = "triangular", **changes: Any) -> Self:
        """The published DeepCausalMMM (arXiv 2510.13087), trained as published except for its data leaks.

        Args:
            graph: `triangular` or `notears`.
            changes: settings of `Published` to change, e.g. `epochs=300`.

        Raises:
            ConfigError: an unknown setting or an invalid value.
        """
        refuse_unknown(Published, changes, "published.")
        return cls(model="paper", graph=graph, published=Published(**changes))

    @classmethod
    def from_toml(cls, path: str | Path) -> Self:
        """Read settings from a TOML file; settings that it does not contain keep their defaults.

        Raises:
            ConfigError: the file cannot be read or parsed, or has an unknown setting or an invalid value.
        """
        return cls.from_dict(read_toml(path))

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> Self:
        """Settings from nested tables, as in a TOML file.

        Raises:
            ConfigError: an unknown setting or an invalid value.
        """
        if not isinstance(table, Mapping):
            raise ConfigError(f"Settings must be a table by name, got {shown(table)}.")
        refuse_unknown(cls, table, "")
        sections: dict[str, type] = {
            "links": Links,
            "priors": Priors,
            "posterior": PosteriorSettings,
            "penalties": Penalties,
            "training": Training,
            "published": Published,
        }
        values = dict(table)
        for name, section in sections.items():
            if name not in values:
                continue
            if not isinstance(values[name], dict):
                raise ConfigError(f"Setting {name} must be a table of settings, got {values[name]!r}.")
            refuse_unknown(section, values[name], f"{name}.")
            values[name] = section(**values[name])
        return cls(**values)

    def summary(self, *, everything: bool = False) -> "pd.DataFrame":
        """Settings that differ from the defaults, by dotted name: value and default.

        Args:
            everything: whether to list all settings.
        """
        return settings_table(self, type(self)(), everything)

    def _repr_html_(self) -> str:
        changed = self.summary()
        table = changed.to_html(border=0) if len(changed) else "<p>All settings have their defaults.</p>"
        return f"<h3>Config</h3>{table}"

    def to_dict(self) -> dict[str, Any]:
        """All settings as nested tables of numbers and strings."""
        return dataclasses.asdict(self)

    def to_toml(self) -> str:
        """All settings as TOML, which `from_toml` reads back as an equal Config."""
        tables = {key: value for key, value in self.to_dict().items() if isinstance(value, dict)}
        lists = ("experiments", "curves")
        plain = {key: value for key, value in self.to_dict().items() if key not in (*tables, *lists)}
        blocks = [toml_lines(plain)]
        blocks += [f"[[{name}]]\n{toml_lines(entry)}" for name in lists for entry in self.to_dict()[name]]
        blocks += [f"[{name}]\n{toml_lines(table)}" for name, table in tables.items()]
        return "\n\n".join(blocks) + "\n"
