"""Simulated panels of known truth."""

import dataclasses
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from scipy.signal import lfilter

from deepcausalmmm_jax.data.difficulties import Roles, changed_budgets, check_roles, freaks, gaps, roles
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import DataError
from deepcausalmmm_jax.types import CHANNEL, COMPONENT, REGION, STRUCTURAL_COMPONENTS, TIME

_YEAR = 365.25 / 7
_REVENUE_PER_KPI = 12.5


@dataclass(frozen=True, eq=False)
class Truth:
    """What a simulated panel was made of.

    Attributes:
        contributions: `(region, time, channel)`, KPI units: what each channel added.
        parameters: by channel: `decay`, `slope`, `half_saturation` (in mean weeks of the region), `coefficient` (share
            of the mean KPI at full activity), `share` (of the KPI, over the whole panel), and
            whether the channel is `flighted`, `national`, `late`, `placebo` or `confounded`.
        adjacency: channel x channel; row i, column j: how strongly channel i's exposure drives channel j's.
        baseline: `(region, time)`, KPI units: everything but media and noise.
        noise: standard deviation of the noise, as a share of a region's mean KPI.
        effects: by channel, KPI units over the whole panel, with the channel's exposure at zero: `direct`, what its own
            contribution loses; `mediated`, what other channels lose because it no longer drives them; `total`.
        components: `(region, time, component)`, KPI units: baseline, trend, seasonality, each control and each channel,
            with the names of `FitResult.contributions`; with the noise they sum to the KPI.
        coefficients: `(region, time, channel)`, share of the region's mean KPI at full activity.
    """

    contributions: xr.DataArray
    parameters: pd.DataFrame
    adjacency: pd.DataFrame
    baseline: xr.DataArray
    noise: float
    effects: pd.DataFrame
    components: xr.DataArray
    coefficients: xr.DataArray


def simulate(
    n_regions: int = 20,
    n_weeks: int = 120,
    n_channels: int = 5,
    n_controls: int = 3,
    seed: int = 0,
    *,
    media_share: float = 0.25,
    noise: float = 0.06,
    drift: float = 0.1,
    links: int | None = None,
    flighted: int = 1,
    national: int = 0,
    late: int = 0,
    placebo: int = 0,
    confounded: int = 1,
    outliers: float = 0.0,
    missing: float = 0.0,
    start: str = "2022-01-03",
) -> tuple[Panel, Truth]:
    """A panel with the difficulties of real ones, and its truth.

    Regions differ in size, level, trend and responsiveness; the nation drifts; exposure comes in flights and seasons,
    some channels drive others' exposure; the last channel's exposure follows the first control, which moves the KPI
    itself (a confounder); effects carry over, saturate and drift in time.

    Args:
        n_regions: number of regions.
        n_weeks: number of weeks.
        n_channels: number of media channels, named `channel_1`, ...
        n_controls: number of controls, named `control_1`, ...
        seed: of all random draws; the same seed gives the same panel.
        media_share: share of the KPI that media bring, about.
        noise: standard deviation of the noise, as a share of a region's mean KPI.
        drift: spread of a channel's coefficient over time, in logs.
        links: times a link from one channel to another is drawn (a pair may be drawn twice); one for every third
            channel and one more when None.
        flighted: channels that are four weeks on air and four off, the first ones.
        national: channels with the same exposure in all regions, relative to their size, drawn by lot.
        late: channels that are silent in the first half of the weeks.
        placebo: channels without effect on the KPI.
        confounded: channels whose exposure follows the first control, the last ones.
        outliers: share of region-weeks whose KPI is off by six standard deviations of the noise.
        missing: share of region-weeks whose KPI is missing.
        start: Monday of the first week.

    Returns:
        The panel, with spend and revenue per KPI, and the truth.

    Raises:
        DataError: a size or share out of range.
    """
    links = n_channels // 3 + (n_channels >= 2) if links is None else links
    _check_sizes(n_regions, n_weeks, n_channels, n_controls, links)
    _check_shares(media_share, noise, drift, outliers, missing)
    counts = {"flighted": flighted, "national": national, "late": late, "placebo": placebo, "confounded": confounded}
    check_roles(counts, n_channels)
    difficult = np.random.default_rng([seed, 1])  # apart, so that an easy panel stays the same
    given = roles(difficult, n_channels, **counts)
    rng = np.random.default_rng(seed)
    weeks = pd.DatetimeIndex(pd.date_range(start, periods=n_weeks, freq="7D").to_numpy())
    size = np.exp(rng.normal(9.0, 0.7, n_regions))
    control = _autoregressive(rng, (n_regions, n_weeks, n_controls), 0.7)
    adjacency = _random_links(rng, n_channels, links)
    budgets = _budgets(rng, control, (n_regions, n_weeks, n_channels), given)
    relative, unit_exposure = _driven(budgets, adjacency)
    parameters = _curves(rng, n_channels)
    activity = _activity(relative, parameters)
    worth, parameters["coefficient"] = _worth(rng, activity, media_share, drift, given.placebo)
    media = worth * activity
    parts = _baseline(rng, weeks, control, 1.0 - media_share)
    base = parts.sum(axis=2)
    unit = size[:, None]
    error = noise * rng.normal(size=(n_regions, n_weeks))
    error = error + freaks(difficult, error.shape, outliers, noise)
    # A KPI counts sales or visits: the rare draw below zero is cut at a hundredth of the regional mean.
    kpi = np.maximum(base + media.sum(axis=2) + error, 0.01) * unit
    parameters["share"] = (media * unit[:, :, None]).sum(axis=(0, 1)) / kpi.sum()
    parameters = parameters.assign(**{name: given._asdict()[name] for name in Roles._fields})
    panel = _panel(rng, weeks, kpi, relative, control, size, list(parameters.index))
    panel = _with_gaps(panel, gaps(difficult, kpi.shape, missing))
    effects = _effects(budgets, adjacency, parameters, worth * unit[:, :, None], activity, unit_exposure)
    return panel, _truth(panel, parameters, adjacency, parts, media, worth, unit[:, :, None], noise, effects)


def _truth(
    panel: Panel,
    parameters: pd.DataFrame,
    adjacency: np.ndarray,
    parts: np.ndarray,
    media: np.ndarray,
    worth: np.ndarray,
    unit: np.ndarray,
    noise: float,
    effects: pd.DataFrame,
) -> Truth:
    """What the panel was made of, labelled; `parts` of the baseline, `media` and `worth` are `[region, week, term]`."""
    names = list(parameters.index)
    components = [*STRUCTURAL_COMPONENTS, *panel.controls, *names]
    baseline = _labelled(parts.sum(axis=2, keepdims=True) * unit, panel, COMPONENT, ["baseline"], "baseline")
    return Truth(
        contributions=_labelled(media * unit, panel, CHANNEL, names, "contribution"),
        parameters=parameters,
        adjacency=pd.DataFrame(adjacency, index=names, columns=names),
        baseline=baseline.squeeze(COMPONENT, drop=True),
        noise=noise,
        effects=effects,
        components=_labelled(np.concatenate([parts, media], axis=2) * unit, panel, COMPONENT, components, "component"),
        coefficients=_labelled(worth, panel, CHANNEL, names, "coefficient"),
    )


def _labelled(values: np.ndarray, panel: Panel, axis: str, names: list[str], name: str) -> xr.DataArray:
    """Values `[region, week, name]` with their labels."""
    coords = {REGION: panel.regions, TIME: panel.weeks, axis: names}
    return xr.DataArray(values, dims=(REGION, TIME, axis), coords=coords, name=name)


def _check_sizes(n_regions: int, n_weeks: int, n_channels: int, n_controls: int, links: int) -> None:
    least = {
        "n_regions": (n_regions, 1),
        "n_weeks": (n_weeks, 2),
        "n_channels": (n_channels, 1),
        "n_controls": (n_controls, 0),
        "links": (links, 0),
    }
    for name, (value, bound) in least.items():
        if value < bound:
            raise DataError(f"{name} must be {bound} or more, got {value}.")
    if links and n_channels < 2:
        raise DataError(f"links={links} needs two channels or more, got n_channels={n_channels}.")


def _check_shares(media_share: float, noise: float, drift: float, outliers: float, missing: float) -> None:
    if not 0 < media_share < 1:
        raise DataError(f"media_share must be between 0 and 1, got {media_share}.")
    for name, spread in (("noise", noise), ("drift", drift)):
        if spread < 0:
            raise DataError(f"{name} must be 0 or more, got {spread}.")
    for name, share in (("outliers", outliers), ("missing", missing)):
        if not 0 <= share <= 0.5:
            raise DataError(f"{name} must be from 0 to 0.5, got {share}.")


def _with_gaps(panel: Panel, missing: np.ndarray) -> Panel:
    return dataclasses.replace(
        panel, kpi=np.where(missing, 0.0, panel.kpi), weights=np.where(missing, 0.0, panel.weights)
    )


def _autoregressive(rng: np.random.Generator, shape: tuple[int, ...], memory: float) -> np.ndarray:
    """Stationary AR(1) along axis 1 with unit variance."""
    shocks = rng.normal(size=shape) * np.sqrt(1.0 - memory**2)
    shocks[:, 0] /= np.sqrt(1.0 - memory**2)
    return lfilter([1.0], [1.0, -memory], shocks, axis=1)


def _random_links(rng: np.random.Generator, n_channels: int, links: int) -> np.ndarray:
    """Links, always from an earlier to a later channel of a random order."""
    adjacency = np.zeros((n_channels, n_channels))
    order = rng.permutation(n_channels)
    for _ in range(links):
        source, target = np.sort(rng.choice(n_channels, 2, replace=False))
        adjacency[order[source], order[target]] = rng.uniform(0.3, 0.7)
    return adjacency


class _Budgets(NamedTuple):
    """What advertisers decide, before channels drive each other."""

    own: np.ndarray  # [region, week, channel], exposure were it always on air
    on: np.ndarray  # [week, channel], 1 in weeks on air


def _budgets(rng: np.random.Generator, control: np.ndarray, shape: tuple[int, int, int], given: Roles) -> _Budgets:
    """Exposure of each channel's own, relative to each region's mean."""
    n_regions, n_weeks, n_channels = shape
    log_level = 0.35 * _autoregressive(rng, (1, n_weeks, n_channels), 0.8)
    log_level = log_level + 0.45 * _autoregressive(rng, shape, 0.5)
    phase = rng.uniform(0, 2 * np.pi, n_channels)
    log_level = log_level + 0.3 * np.sin(2 * np.pi * np.arange(n_weeks)[:, None] / _YEAR + phase)
    if control.shape[2]:
        log_level += 0.4 * control[:, :, :1] * given.confounded
    own = np.exp(log_level)
    own, on = changed_budgets(
        own / own.mean(axis=1, keepdims=True), _flights(rng, n_weeks, n_channels, given.flighted), given
    )
    return _Budgets(own, on)


def _driven(
    budgets: _Budgets, adjacency: np.ndarray, unit: np.ndarray | None = None, silent: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Exposure with what other channels drive, and its unit.

    Args:
        budgets: of the channels.
        adjacency: links.
        unit: `[region, 1, channel]`, exposure that counts as 1; the regional mean when None.
        silent: a channel whose exposure is zero throughout.
    """
    on = budgets.on if silent is None else budgets.on * (np.arange(len(adjacency)) != silent)
    driven = budgets.own * on
    for _ in range(len(adjacency)):  # along the links, each once; the graph has no longer path
        driven = on * (budgets.own + driven @ adjacency)
    unit = driven.mean(axis=1, keepdims=True) if unit is None else unit
    return driven / unit, unit


def _effects(
    budgets: _Budgets,
    adjacency: np.ndarray,
    parameters: pd.DataFrame,
    worth: np.ndarray,
    activity: np.ndarray,
    unit: np.ndarray,
) -> pd.DataFrame:
    """Effects of silencing each channel, by the simulator's own equations; `worth` in KPI units per activity."""
    rows = {}
    for m, channel in enumerate(parameters.index):
        silenced = _activity(_driven(budgets, adjacency, unit, silent=m)[0], parameters)
        lost = (worth * (activity - silenced)).sum(axis=(0, 1))
        rows[channel] = {"direct": lost[m], "mediated": lost.sum() - lost[m], "total": lost.sum()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(CHANNEL)


def _flights(rng: np.random.Generator, n_weeks: int, n_channels: int, flighted: np.ndarray) -> np.ndarray:
    """1 in weeks on air: flighted channels four weeks on, four off; about every fourth one pauses at times."""
    on = np.ones((n_weeks, n_channels))
    if n_channels > 1:
        first = rng.integers(2)
        turn = (np.arange(n_weeks) // 4)[:, None] % 2 == (first + np.arange(n_channels)) % 2
        on = np.where(flighted, turn, on)
    for channel in range(3, n_channels, 4):
        pauses = rng.choice(max(n_weeks // 8, 1), max(n_weeks // 32, 1), replace=False)
        on[np.isin(np.arange(n_weeks) // 8, pauses), channel] = 0.0
    return on


def _curves(rng: np.random.Generator, n_channels: int) -> pd.DataFrame:
    """Adstock and Hill curve of each channel, half-saturation in mean weeks of the region."""
    return pd.DataFrame(
        {
            "decay": rng.uniform(0.2, 0.8, n_channels),
            "slope": rng.uniform(1.0, 2.5, n_channels),
            "half_saturation": rng.uniform(0.7, 2.0, n_channels),
        },
        index=pd.Index([f"channel_{m + 1}" for m in range(n_channels)], name=CHANNEL),
    )


def _activity(relative: np.ndarray, parameters: pd.DataFrame) -> np.ndarray:
    """Adstock and Hill, written apart from the model's own code so that the truth does not share its mistakes."""
    activity = np.zeros_like(relative)
    for m, (decay, slope, half) in enumerate(parameters[["decay", "slope", "half_saturation"]].to_numpy()):
        carried = lfilter([1.0 - decay], [1.0, -decay], relative[:, :, m], axis=1)
        activity[:, :, m] = carried**slope / (carried**slope + half**slope)
    return activity


def _worth(
    rng: np.random.Generator, activity: np.ndarray, media_share: float, drift: float, placebo: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """KPI per activity relative to the mean KPI, `[region, week, channel]`, and each channel's coefficient."""
    n_regions, n_weeks, n_channels = activity.shape
    split = rng.dirichlet(np.full(n_channels, 2.0)) * ~placebo
    split = split / split.sum()
    coefficient = media_share * split / activity.mean(axis=(0, 1))
    by_region = np.exp(rng.normal(0.0, 0.25, (n_regions, 1, n_channels)))
    wander = drift * _autoregressive(rng, (1, n_weeks, n_channels), 0.97)
    by_week = np.exp(wander - wander.mean(axis=1, keepdims=True))
    return coefficient * by_region * by_week, coefficient


def _baseline(rng: np.random.Generator, weeks: pd.DatetimeIndex, control: np.ndarray, level: float) -> np.ndarray:
    """Level, trend, season and each control, relative to the mean KPI, `[region, week, 3 + control]`."""
    n_regions, n_weeks, n_controls = control.shape
    time = np.arange(n_weeks)
    levels = level * np.exp(rng.normal(0.0, 0.05, (n_regions, 1)))
    slopes = rng.normal(0.0, 0.1, (n_regions, 1)) * (time / max(n_weeks, 52) - 0.5)
    national = 0.03 * _autoregressive(rng, (1, n_weeks), 0.85)
    angle = 2 * np.pi * (time + weeks[0].day_of_year / 7) / _YEAR
    harmonics = np.concatenate([[np.sin(k * angle) / k, np.cos(k * angle) / k] for k in (1, 2)])
    season = rng.normal(0.0, 0.06, (1, 4)) @ harmonics
    effect = np.where(np.arange(n_controls) == 0, 0.06, rng.normal(0.0, 0.03, n_controls))
    by_region = effect * (1.0 + rng.normal(0.0, 0.3, (n_regions, n_controls)))
    shape = (n_regions, n_weeks)
    parts = [np.broadcast_to(part, shape) for part in (levels, slopes + national, season)]
    return np.concatenate([np.stack(parts, axis=2), control * by_region[:, None, :]], axis=2)


def _panel(
    rng: np.random.Generator,
    weeks: pd.DatetimeIndex,
    kpi: np.ndarray,
    relative: np.ndarray,
    control: np.ndarray,
    size: np.ndarray,
    channels: list[str],
) -> Panel:
    """Exposure in impressions, priced per thousand."""
    n_regions, n_weeks, n_channels = relative.shape
    reach = np.exp(rng.normal(np.log(30.0), 0.8, n_channels)) * np.exp(rng.normal(0.0, 0.2, (n_regions, n_channels)))
    exposure = np.round(relative * (size[:, None] * reach)[:, None, :])
    cost = rng.uniform(2.0, 25.0, n_channels) / 1000.0
    price = cost * np.exp(0.1 * rng.normal(size=(1, n_weeks, n_channels)))
    return Panel(
        regions=pd.Index([f"region_{r + 1:0{len(str(n_regions))}d}" for r in range(n_regions)]),
        weeks=weeks,
        channels=tuple(channels),
        controls=tuple(f"control_{k + 1}" for k in range(control.shape[2])),
        kpi=kpi,
        weights=np.ones(kpi.shape),
        present=np.ones(kpi.shape, dtype=bool),
        exposure=exposure,
        control=control,
        spend=exposure * price,
        revenue_per_kpi=np.full(kpi.shape, _REVENUE_PER_KPI),
        kpi_name="sales",
    )
