"""Simulation with the equations of the model itself: adstock, Hill curves, links and drifting coefficients."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from deepcausalmmm_jax.axes import CHANNEL
from deepcausalmmm_jax.data.simulation.curve_truth import CurveRequest, drawn_curves, true_activity
from deepcausalmmm_jax.data.simulation.hazards import Roles, changed_budgets, outliers
from deepcausalmmm_jax.data.simulation.reach import drawn_curves_of_frequency, drawn_frequency, effective
from deepcausalmmm_jax.data.simulation.request import (
    YEAR,
    LinkRequest,
    Request,
    Simulation,
    autoregressive,
)
from deepcausalmmm_jax.errors import DataError

_MEDIA_SHARE = 0.25
_NOISE = 0.06
_MOST_DRAWS = 1000  # of graphs that differ


def simulate_hill(
    rng: np.random.Generator,
    difficult: np.random.Generator,
    request: Request,
    given: Roles,
    links: LinkRequest,
    curves: CurveRequest,
) -> Simulation:
    """A panel simulated with Hill curves.

    Args:
        rng: for everything that every panel has.
        difficult: for additional difficulties; separate, so that panels without them do not change.
        request: sizes and shares.
        given: special channels.
        links: links between channels.
        curves: kinds of the channels' curves.
    """
    n_regions, n_weeks, n_channels = request.n_regions, len(request.weeks), request.n_channels
    media_share = _MEDIA_SHARE if request.media_share is None else request.media_share
    noise = _NOISE if request.noise is None else request.noise
    size = np.exp(rng.normal(9.0, 0.7, n_regions))
    control = autoregressive(rng, (n_regions, n_weeks, request.n_controls), 0.7)
    by_graph, group = _random_links(rng, n_channels, links), None
    by_lag = by_graph
    if links.groups > 1:
        by_graph = _with_other_graphs(by_graph, links)
        group = links.apart.permutation(np.arange(n_regions) % links.groups)
        by_lag = np.moveaxis(by_graph[group], 0, 1)
    budgets = _budgets(rng, control, (n_regions, n_weeks, n_channels), given)
    relative, unit_exposure = _driven(budgets, by_lag)
    parameters, frequency = drawn_curves(rng, curves), None
    if curves.reaches is not None:
        parameters = drawn_curves_of_frequency(curves.reaches, parameters, curves.n_reached)
        frequency = drawn_frequency(curves.reaches, relative.shape, curves.n_reached)
    activity = true_activity(effective(relative, frequency, parameters), parameters)
    worth, parameters["coefficient"] = _worth(rng, activity, media_share, request.drift, given.placebo)
    media = worth * activity
    parts = _baseline(rng, request.weeks, control, 1.0 - media_share)
    base = parts.sum(axis=2)
    unit = size[:, None]
    error = noise * rng.normal(size=(n_regions, n_weeks))
    error = error + outliers(difficult, error.shape, request.outliers, noise)
    # A KPI counts sales or visits: rare negative draws are clipped at one percent of the regional mean.
    kpi = np.maximum(base + media.sum(axis=2) + error, 0.01) * unit
    parameters["share"] = (media * unit[:, :, None]).sum(axis=(0, 1)) / kpi.sum()
    parameters = parameters.assign(**{name: given._asdict()[name] for name in Roles._fields})
    effects = _effects(budgets, by_lag, parameters, worth * unit[:, :, None], activity, unit_exposure, frequency)
    links_shown = _in_mean_weeks(by_graph, unit_exposure[:, 0], group)
    made = size, kpi, relative, control, parts, base, media, worth, parameters, links_shown, effects, noise

    def expected(other: np.ndarray) -> np.ndarray:
        n = other.shape[1]
        active = true_activity(effective(other, frequency, parameters), parameters)
        return np.asarray(base[:, :n] + (worth[:, :n] * active).sum(axis=2))

    return Simulation(*made, expected, frequency, group)


def _random_links(rng: np.random.Generator, n_channels: int, links: LinkRequest) -> np.ndarray:
    """Links from earlier to later channels in a random order, `[1 + lag, channel, channel]`."""
    by_lag = np.zeros((1 + links.longest_lag, n_channels, n_channels))
    order = rng.permutation(n_channels)
    for _ in range(links.draws):
        source, target = np.sort(rng.choice(n_channels, 2, replace=False))
        lag = int(links.lags.integers(1 + links.longest_lag))
        by_lag[lag, order[source], order[target]] = rng.uniform(0.3, 0.7)
    return by_lag


def _with_other_graphs(first: np.ndarray, links: LinkRequest) -> np.ndarray:
    """The links of the first group and as many of each other one, no two alike, `[group, 1 + lag, channel, channel]`.

    Raises:
        DataError: so few channels or links that the groups cannot all differ.
    """
    graphs = [first]
    others = links._replace(lags=links.apart)
    for _ in range(_MOST_DRAWS):
        drawn = _random_links(links.apart, first.shape[-1], others)
        if not any(((drawn != 0) == (graph != 0)).all() for graph in graphs):
            graphs.append(drawn)
        if len(graphs) == links.groups:
            return np.stack(graphs)
    raise DataError(
        f"link_groups={links.groups} needs graphs that differ, but {first.shape[-1]} channels with links={links.draws} "
        "have too few; ask for fewer groups, or for more channels or links."
    )


class _Budgets(NamedTuple):
    """Decisions of advertisers, before channels drive each other."""

    own: np.ndarray  # [region, week, channel], exposure if always on air
    on: np.ndarray  # [week, channel], 1 in weeks on air


def _budgets(rng: np.random.Generator, control: np.ndarray, shape: tuple[int, int, int], given: Roles) -> _Budgets:
    """Exposure of each channel before links, relative to the mean of each region."""
    n_regions, n_weeks, n_channels = shape
    log_level = 0.35 * autoregressive(rng, (1, n_weeks, n_channels), 0.8)
    log_level = log_level + 0.45 * autoregressive(rng, shape, 0.5)
    phase = rng.uniform(0, 2 * np.pi, n_channels)
    log_level = log_level + 0.3 * np.sin(2 * np.pi * np.arange(n_weeks)[:, None] / YEAR + phase)
    if control.shape[2]:
        log_level += 0.4 * control[:, :, :1] * given.confounded
    own = np.exp(log_level)
    own, on = changed_budgets(
        own / own.mean(axis=1, keepdims=True), _flights(rng, n_weeks, n_channels, given.flighted), given
    )
    return _Budgets(own, on)


def _driven(
    budgets: _Budgets, links: np.ndarray, unit: np.ndarray | None = None, silent: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Exposure including what other channels drive, and its unit.

    Args:
        budgets: of the channels.
        links: `[1 + lag, channel, channel]`, or `[1 + lag, region, channel, channel]`; before the first week there is
            nothing that acts with a lag.
        unit: `[region, 1, channel]`, exposure that counts as 1; None: the regional mean.
        silent: a channel whose exposure is zero throughout.
    """
    n_channels = links.shape[-1]
    on = budgets.on if silent is None else budgets.on * (np.arange(n_channels) != silent)
    driven = budgets.own * on
    for _ in range(n_channels):  # follows the links; no path in the graph is longer
        received = driven @ links[0]
        for lag in range(1, len(links)):
            received[:, lag:] += driven[:, :-lag] @ links[lag]
        driven = on * (budgets.own + received)
    unit = driven.mean(axis=1, keepdims=True) if unit is None else unit
    return driven / unit, unit


def _in_mean_weeks(by_graph: np.ndarray, unit: np.ndarray, group: np.ndarray | None) -> np.ndarray:
    """Links as what a mean week of the source adds to the target, in its mean weeks, as fits tell them.

    Links are drawn for exposure before others drive it; with what they drive, mean weeks are larger.

    Args:
        by_graph: `[*group, 1 + lag, channel, channel]`, as drawn.
        unit: `[region, channel]`, mean exposure with what others drive.
        group: `[region]`, position of its group; None where all regions have the same links.
    """
    ratio = unit[:, :, None] / unit[:, None, :]  # [region, source, target]
    if group is None:
        return np.asarray(by_graph * ratio.mean(axis=0))
    return np.stack([links * ratio[group == number].mean(axis=0) for number, links in enumerate(by_graph)])


def _effects(
    budgets: _Budgets,
    links: np.ndarray,
    parameters: pd.DataFrame,
    worth: np.ndarray,
    activity: np.ndarray,
    unit: np.ndarray,
    frequency: np.ndarray | None,
) -> pd.DataFrame:
    """Effects of turning off each channel, by the equations of the simulator; `worth` in KPI units per activity."""
    rows = {}
    for m, channel in enumerate(parameters.index):
        exposure = effective(_driven(budgets, links, unit, silent=m)[0], frequency, parameters)
        silenced = true_activity(exposure, parameters)
        lost = (worth * (activity - silenced)).sum(axis=(0, 1))
        rows[channel] = {"direct": lost[m], "mediated": lost.sum() - lost[m], "total": lost.sum()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(CHANNEL)


def _flights(rng: np.random.Generator, n_weeks: int, n_channels: int, flighted: np.ndarray) -> np.ndarray:
    """1 in weeks on air: flighted channels are four weeks on and four off; every fourth channel has some pauses."""
    on = np.ones((n_weeks, n_channels))
    if n_channels > 1:
        first = rng.integers(2)
        turn = (np.arange(n_weeks) // 4)[:, None] % 2 == (first + np.arange(n_channels)) % 2
        on = np.where(flighted, turn, on)
    for channel in range(3, n_channels, 4):
        pauses = rng.choice(max(n_weeks // 8, 1), max(n_weeks // 32, 1), replace=False)
        on[np.isin(np.arange(n_weeks) // 8, pauses), channel] = 0.0
    return on


def _worth(
    rng: np.random.Generator, activity: np.ndarray, media_share: float, drift: float, placebo: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """KPI per activity relative to the mean KPI, `[region, week, channel]`, and each channel's coefficient."""
    n_regions, n_weeks, n_channels = activity.shape
    split = rng.dirichlet(np.full(n_channels, 2.0)) * ~placebo
    split = split / split.sum()
    coefficient = media_share * split / activity.mean(axis=(0, 1))
    by_region = np.exp(rng.normal(0.0, 0.25, (n_regions, 1, n_channels)))
    wander = drift * autoregressive(rng, (1, n_weeks, n_channels), 0.97)
    by_week = np.exp(wander - wander.mean(axis=1, keepdims=True))
    return coefficient * by_region * by_week, coefficient


def _baseline(rng: np.random.Generator, weeks: pd.DatetimeIndex, control: np.ndarray, level: float) -> np.ndarray:
    """Level, trend, season and each control, relative to the mean KPI, `[region, week, 3 + control]`."""
    n_regions, n_weeks, n_controls = control.shape
    time = np.arange(n_weeks)
    levels = level * np.exp(rng.normal(0.0, 0.05, (n_regions, 1)))
    slopes = rng.normal(0.0, 0.1, (n_regions, 1)) * (time / max(n_weeks, 52) - 0.5)
    national = 0.03 * autoregressive(rng, (1, n_weeks), 0.85)
    angle = 2 * np.pi * (time + weeks[0].day_of_year / 7) / YEAR
    harmonics = np.concatenate([[np.sin(k * angle) / k, np.cos(k * angle) / k] for k in (1, 2)])
    season = rng.normal(0.0, 0.06, (1, 4)) @ harmonics
    effect = np.where(np.arange(n_controls) == 0, 0.06, rng.normal(0.0, 0.03, n_controls))
    by_region = effect * (1.0 + rng.normal(0.0, 0.3, (n_regions, n_controls)))
    shape = (n_regions, n_weeks)
    parts = [np.broadcast_to(part, shape) for part in (levels, slopes + national, season)]
    return np.concatenate([np.stack(parts, axis=2), control * by_region[:, None, :]], axis=2)
