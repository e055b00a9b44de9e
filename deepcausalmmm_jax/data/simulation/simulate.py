"""Simulated panels with known effects."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr

from deepcausalmmm_jax.axes import CHANNEL, COMPONENT, REGION, STRUCTURAL_COMPONENTS, TIME
from deepcausalmmm_jax.checks import seed_number
from deepcausalmmm_jax.config.lift_tests import LiftTest
from deepcausalmmm_jax.data.cadence import cadence_named
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.data.link_groups import GROUP, channel_table
from deepcausalmmm_jax.data.panel import Panel, weeks_up_to_last
from deepcausalmmm_jax.data.simulation.checks import (
    check_groups,
    check_kind,
    check_lags,
    check_shares,
    check_sizes,
    refuse_difficulties,
    refuse_hill_only,
    weeks_from,
)
from deepcausalmmm_jax.data.simulation.clock import simulate_days
from deepcausalmmm_jax.data.simulation.counterfactual import Counterfactual
from deepcausalmmm_jax.data.simulation.counts import check_counts, with_counts
from deepcausalmmm_jax.data.simulation.credited import NOTHING_CREDITED, check_credited, with_credited
from deepcausalmmm_jax.data.simulation.curve_truth import PLAIN, CurveRequest, asked_kinds
from deepcausalmmm_jax.data.simulation.hazards import check_roles, gaps, roles
from deepcausalmmm_jax.data.simulation.hill_world import simulate_hill
from deepcausalmmm_jax.data.simulation.log_link import check_link, with_log_link
from deepcausalmmm_jax.data.simulation.reach import check_reach, with_reach
from deepcausalmmm_jax.data.simulation.request import LinkRequest, Request, Simulation
from deepcausalmmm_jax.data.simulation.worlds import WORLDS, simulate_world
from deepcausalmmm_jax.errors import DataError

_REVENUE_PER_KPI = 12.5
# And their defaults.


@dataclass(frozen=True, eq=False)
class Truth:
    """The true effects behind a simulated panel.

    With a kind other than "hill", or with a cadence, there are no links, and effects and carry-over include those of
    exposure before the first week. In the kind "multiplicative" the contribution of a channel is the expected KPI minus
    the expected KPI with that channel at zero, and likewise for the other components except the baseline, which is only
    the level; since factors multiply, these need not sum to the KPI.

    Attributes:
        contributions: `(region, time, channel)`, KPI units: contribution of each channel.
        parameters: by channel: `decay`, `slope`, `half_saturation` (in mean weeks of the region), `coefficient` (share
            of the mean KPI at full activity), `share` (of the KPI, over the whole panel), and whether the channel is
            `flighted`, `national`, `late`, `placebo` or `confounded`. Kinds other than "hill" add `saturation` and
            `carry_over` (names of the curve and the kernel), `peak_week` (weeks from an exposure to its strongest
            effect) and `stopped` (off air after the first third). The decay of kernels that are not geometric, the
            slope of curves other than Hill's, and the half-saturation of curves without a maximum (whose full activity
            is that of a mean week on air) are NaN. `confounded` then also includes channels that follow unobserved
            demand. Other curves add their parameters and kinds, see `curve_truth.drawn_curves`; reach and frequency add
            `half_frequency` and `best_frequency`, contacts per person reached.
        adjacency: channel x channel; row i, column j: what a mean week of channel i adds to channel j in the same
            week, in its mean weeks, as in `FitResult.adjacency`; with groups of regions, rows are `(group, channel)`.
        links: all links: `source`, `target`, `lag` in weeks, `weight` in the same unit (a flighted target follows only
            while it is on air); with groups of regions, `group` comes first.
        link_groups: group of each region, by region; missing where all have the same links.
        baseline: `(region, time)`, KPI units: everything but media and noise.
        noise: standard deviation of the noise, as a share of a region's mean KPI (of the KPI, if multiplicative); of
            counts, of their mean beyond the chance of counting.
        effects: by channel, KPI units over the whole panel, lost if its exposure were zero: `direct`, of its own
            contribution; `mediated`, of channels that it drives; `total`. Budgets that follow sales are kept fixed.
        components: `(region, time, component)`, KPI units: baseline, trend, seasonality, each control and each channel,
            with the names of `FitResult.contributions`; with the noise they sum to the KPI, unless multiplicative.
            Unobserved demand is part of the trend.
        coefficients: `(region, time, channel)`, share of the region's mean KPI at full activity (the effect on the log
            of the KPI, if multiplicative).
        counterfactual: the KPI under other exposure, from which `lift` is computed.
        credited: by treatment and event: `kind`, `baseline`, `incremental_outcome` over the whole panel against it, and
            `outcome_per_unit`, KPI of a week if it is one unit higher in every region; KPI units.
    """

    contributions: xr.DataArray
    parameters: pd.DataFrame
    adjacency: pd.DataFrame
    links: pd.DataFrame
    link_groups: pd.Series
    baseline: xr.DataArray
    noise: float
    effects: pd.DataFrame
    components: xr.DataArray
    coefficients: xr.DataArray
    counterfactual: Counterfactual
    credited: pd.DataFrame

    def lift(self, test: LiftTest, panel: Panel, holdout: int | None = 8) -> float:
        """The lift that a test without error would have measured, in its unit.

        Exposure of other channels is as in the panel, including those that the tested channel drives.

        Args:
            test: the test; its own lift and error are not read.
            panel: the simulated panel.
            holdout: weeks that a fit holds out, since a lift counts up to the last training week.

        Raises:
            DataError: a test that does not fit the panel.
        """
        return self.counterfactual.lift(test, panel, weeks_up_to_last(training_weights(panel, holdout)))


def simulate(
    n_regions: int = 20,
    n_weeks: int = 120,
    n_channels: int = 5,
    n_controls: int = 3,
    seed: int = 0,
    *,
    kind: str = "hill",
    media_share: float | None = None,
    noise: float | None = None,
    drift: float = 0.1,
    links: int | None = None,
    link_lags: int = 0,
    link_groups: int = 1,
    flighted: int = 1,
    national: int = 0,
    late: int = 0,
    placebo: int = 0,
    confounded: int = 1,
    outliers: float = 0.0,
    missing: float = 0.0,
    treatments: int = 0,
    events: int = 0,
    start: str = "2022-01-03",
    cadence: str | None = None,
    adstock: str | Sequence[str] | None = None,
    saturation: str | Sequence[str] | None = None,
    saturation_first: bool = False,
    link: Literal["identity", "log"] = "identity",
    counts: float | None = None,
    reach_frequency: int = 0,
) -> tuple[Panel, Truth]:
    """Simulate a panel with the difficulties of real ones, and its true effects.

    Regions differ in size, level, trend and responsiveness; the national level drifts; exposure comes in flights and
    seasons; effects carry over, saturate and drift over time. In the kind "hill" some channels drive the exposure of
    others, and the exposure of the last channel follows the first control, which also affects the KPI (a confounder).

    The other kinds do not follow the equations of the model. Each has one special property; otherwise the curve of
    every channel (Hill, logarithmic, power, tanh or logistic; concave or S-shaped), its geometric carry-over and its
    flighting are drawn at random, as are the media share (10 to 45%) and the noise (2 to 6%) of each panel:

    - saturation: `linear`, `logarithmic`, `power`, `tanh`, `logistic`, the same curve for all channels;
    - carry-over: `delayed` (strongest 1 to 4 weeks later), `weibull` (survival of a Weibull distribution), `two_speed`
      (a fast and a slow geometric part);
    - KPI: `multiplicative` (its logarithm is the sum of all effects);
    - budgets: `follows_sales` (the budget of a week follows a power of the KPI of the last four), `follows_season` (all
      peak with the season of the KPI), `always_on` (exposure varies by a few percent; media contribute 20 to 60% of the
      KPI), `bursts` (one to four bursts per channel), `new_and_stopped` (some channels start in the last third, some
      stop in the first), `collinear` (exposures of the first two channels have a correlation of about 0.95);
    - environment: `unobserved_demand` (affects the budgets of some channels and the KPI, and is not a control),
      `trend_breaks` (one to three breaks of the level or slope of the baseline), `noise_controls` (six additional
      controls without effect), `heavy_tails` (noise from a t-distribution with 3 degrees of freedom), `moves_together`
      (a strong weekly shock shared by regions, and a national random walk).

    Args:
        n_regions: number of regions.
        n_weeks: number of weeks.
        n_channels: number of media channels, named `channel_1`, ...
        n_controls: number of controls, named `control_1`, ...; those of `noise_controls` are additional.
        seed: random seed; the same seed gives the same panel.
        kind: equations of the simulation, see above.
        media_share: approximate share of the KPI that media contribute; None: 0.25 in the kind "hill", random in
            others. The effect of a channel that is rarely on air is limited to 40% of the KPI in those weeks.
        noise: standard deviation of the noise, as a share of the mean KPI of a region; None: 0.06 in the kind "hill",
            random in others.
        drift: spread of the coefficient of a channel over time, in logs.
        links: number of draws of a link from one channel to another (a pair may be drawn twice); None: one per three
            channels and one more. This option, the next five and `confounded` are for the kind "hill".
        link_lags: longest lag of a link, in weeks; the lag of each is drawn from 0 to it. The links are between the
            same channels, and as strong, as with a lag of 0.
        link_groups: number of groups of regions of about the same size, each with links of its own, so many of each.
        flighted: number of channels, the first ones, that are alternately four weeks on air and four weeks off.
        national: number of channels, drawn at random, with the same exposure in all regions relative to their size.
        late: number of channels that are off air in the first half of the weeks.
        placebo: number of channels without effect on the KPI.
        confounded: number of channels, the last ones, whose exposure follows the first control.
        outliers: share of region-weeks whose KPI is off by six standard deviations of the noise.
        missing: share of region-weeks whose KPI is missing.
        treatments: number of treatments, named `treatment_1`, ...: by turns a promotion, which is on or off, and a
            price relative to its list price.
        events: number of events, named `event_1`, ..., one day of every year each, some with days around it.
        start: Monday of the first week.
        cadence: `daily`, `weekly`, `monthly` or `quarterly`: the truth is simulated day by day over these weeks and
            added up, so that the same seed gives the same truth whatever the cadence; with Hill curves and geometric
            carry-over by the day, patterns over the days of the week and none of the difficulties of the options
            above. None for the kinds above, which are simulated week by week.
        adstock: kind of carry-over, or one for each channel, as in `Config`; None for `geometric`. This option and the
            next two are for the kind "hill", simulated by the week.
        saturation: kind of saturation, likewise; None for `hill`.
        saturation_first: whether exposure saturates before it carries over.
        link: `log` for a KPI whose log is the sum of all effects, with contributions that add up by the rule of
            `Config.link`; for the kind "hill", simulated by the week, without treatments and events.
        counts: mean of a KPI that counts something rare, over all regions and weeks: whole numbers, zeros among them,
            from a negative binomial distribution around a mean whose log is the sum of all effects (`link="log"`, which
            need not be given). `noise` is then the spread of that mean beyond the chance of counting; None: 0.3.
        reach_frequency: number of channels, the first ones, with reach and frequency; the latter varies by a factor of
            three. For the kind "hill", simulated by the week.

    Returns:
        The panel, with spend and revenue per KPI, and the true effects.

    Raises:
        DataError: a size or share out of range, an unknown kind, or an option that the kind does not have.
    """
    check_kind(kind)
    numbers = {"flighted": flighted, "national": national, "late": late, "placebo": placebo, "confounded": confounded}
    asked_links = {"links": links, "link_lags": link_lags, "link_groups": link_groups}
    if cadence is not None:
        refuse_difficulties(kind, {**numbers, **asked_links, "outliers": outliers})
    if kind != "hill":
        refuse_hill_only(kind, {**numbers, **asked_links})
    if kind != "hill" or cadence is not None:
        numbers, links = dict.fromkeys(numbers, 0) | {"placebo": placebo}, 0
    check_sizes(n_regions, n_weeks, n_channels, n_controls, links)
    links = n_channels // 3 + (n_channels >= 2) if links is None else links
    check_lags(link_lags, n_weeks)
    check_groups(link_groups, n_regions, links)
    check_shares(media_share, noise, drift, outliers, missing)
    check_roles(numbers, n_channels)
    check_reach(reach_frequency, n_channels, kind, cadence)
    check_credited(treatments, events, kind == "multiplicative", cadence)
    kinds = asked_kinds(adstock, saturation, saturation_first, n_channels)
    if set(kinds) != {PLAIN} and (kind != "hill" or cadence is not None):
        raise DataError("adstock and saturation are only for the kind 'hill' without a cadence; leave them out.")
    check_counts(counts, outliers)
    link = link if counts is None else "log"
    check_link(link, kind, cadence, treatments + events)
    seed = seed_number(seed)
    difficult = np.random.default_rng([seed, 1])  # separate, so that panels without difficulties do not change
    given = roles(difficult, n_channels, **numbers)
    rng = np.random.default_rng(seed)
    weeks = weeks_from(start, n_weeks)
    request = Request(weeks, n_regions, n_channels, n_controls, media_share, noise, drift, outliers)
    if cadence is not None:
        panel, made, unit = simulate_days(rng, request, cadence_named(cadence), given.placebo)
        panel = _with_gaps(panel, gaps(difficult, panel.kpi.shape, missing))
        return panel, _truth(panel, made, unit, NOTHING_CREDITED.truth)
    if kind == "hill":
        apart = np.random.default_rng([seed, 7])
        asked = LinkRequest(links, link_lags, np.random.default_rng([seed, 2]), link_groups, apart)
        kinds, reaches = with_reach(kinds, reach_frequency), np.random.default_rng([seed, 5])
        curves = CurveRequest(kinds, np.random.default_rng([seed, 4]), reach_frequency, reaches)
        made = simulate_hill(rng, difficult, request, given, asked, curves)
    else:
        made = simulate_world(WORLDS[kind], rng, difficult, request, given.placebo)
    made = with_log_link(made) if link == "log" else made
    made, credited = with_credited(made, np.random.default_rng([seed, 4]), treatments, events, weeks)
    panel, unit = _panel(rng, weeks, made)
    if counts is not None:
        made = with_counts(made, counts, noise, np.random.default_rng([seed, 6]))
        panel = dataclasses.replace(panel, kpi=made.kpi)
    panel = _with_gaps(credited.given_to(panel), gaps(difficult, panel.kpi.shape, missing))
    return panel, _truth(panel, made, unit, credited.truth)


def _truth(panel: Panel, made: Simulation, exposure_unit: np.ndarray, credited: pd.DataFrame) -> Truth:
    """True effects with labels, in KPI units."""
    names, unit, groups = list(panel.channels), made.size[:, None, None], _group_names(made)
    components = [*STRUCTURAL_COMPONENTS, *panel.controls, *names]
    parts = np.concatenate([made.parts, made.media], axis=2)
    baseline = _labelled(made.base[:, :, None] * unit, panel, COMPONENT, ["baseline"], "baseline")
    return Truth(
        contributions=_labelled(made.media * unit, panel, CHANNEL, names, "contribution"),
        parameters=made.parameters,
        adjacency=channel_table(made.links[..., 0, :, :], names, groups),
        links=_link_table(made.links, names, groups),
        link_groups=_groups_of_regions(panel, made, groups),
        baseline=baseline.squeeze(COMPONENT, drop=True),
        noise=made.noise,
        effects=made.effects,
        components=_labelled(parts * unit, panel, COMPONENT, components, "component"),
        coefficients=_labelled(made.worth, panel, CHANNEL, names, "coefficient"),
        counterfactual=Counterfactual(made.size, exposure_unit, made.expected),
        credited=credited,
    )


def _group_names(made: Simulation) -> tuple[str, ...]:
    return () if made.group is None else tuple(str(number + 1) for number in range(len(made.links)))


def _groups_of_regions(panel: Panel, made: Simulation, groups: tuple[str, ...]) -> pd.Series:
    names = [None] * len(panel.regions) if made.group is None else [groups[number] for number in made.group]
    return pd.Series(names, pd.Index(panel.regions, name=REGION), dtype=object, name=GROUP)


def _link_table(links: np.ndarray, names: list[str], groups: tuple[str, ...]) -> pd.DataFrame:
    """One row per link."""
    at, labels = np.nonzero(links), np.asarray(names, object)
    lag, source, target = at[-3:]
    columns = {"source": labels[source], "target": labels[target], "lag": lag.astype(int), "weight": links[at]}
    by_group = {GROUP: np.asarray(groups, object)[at[0]]} if groups else {}
    return pd.DataFrame(by_group | columns)


def _labelled(values: np.ndarray, panel: Panel, axis: str, names: list[str], name: str) -> xr.DataArray:
    """Values `[region, week, name]` with their labels."""
    coords = {REGION: panel.regions, TIME: panel.weeks, axis: names}
    return xr.DataArray(values, dims=(REGION, TIME, axis), coords=coords, name=name)


def _with_gaps(panel: Panel, missing: np.ndarray) -> Panel:
    return dataclasses.replace(
        panel, kpi=np.where(missing, 0.0, panel.kpi), weights=np.where(missing, 0.0, panel.weights)
    )


def _panel(rng: np.random.Generator, weeks: pd.DatetimeIndex, made: Simulation) -> tuple[Panel, np.ndarray]:
    """Exposure in impressions, priced per thousand; and the impressions that count as 1, `[region, channel]`."""
    n_regions, n_weeks, n_channels = made.relative.shape
    reach = np.exp(rng.normal(np.log(30.0), 0.8, n_channels)) * np.exp(rng.normal(0.0, 0.2, (n_regions, n_channels)))
    unit = made.size[:, None] * reach
    exposure = np.round(made.relative * unit[:, None, :])
    if made.frequency is not None:
        often = np.where(np.isnan(made.frequency), 1.0, made.frequency)
        exposure = np.round(exposure / often) * often
    cost = rng.uniform(2.0, 25.0, n_channels) / 1000.0
    price = cost * np.exp(0.1 * rng.normal(size=(1, n_weeks, n_channels)))
    panel = Panel(
        regions=pd.Index([f"region_{r + 1:0{len(str(n_regions))}d}" for r in range(n_regions)]),
        weeks=weeks,
        channels=tuple(made.parameters.index),
        controls=tuple(f"control_{k + 1}" for k in range(made.control.shape[2])),
        kpi=made.kpi,
        weights=np.ones(made.kpi.shape),
        present=np.ones(made.kpi.shape, dtype=bool),
        exposure=exposure,
        control=made.control,
        spend=exposure * price,
        revenue_per_kpi=np.full(made.kpi.shape, _REVENUE_PER_KPI),
        kpi_name="sales",
        frequency=None if made.frequency is None else np.where(exposure > 0, made.frequency, 0.0 * made.frequency),
    )
    return panel, unit
