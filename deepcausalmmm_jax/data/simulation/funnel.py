"""Simulated funnels: KPIs that lead to each other, such as visits and sales, with true effects by every way."""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from deepcausalmmm_jax.axes import CHANNEL
from deepcausalmmm_jax.checks import is_number, seed_number, shown
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.simulation.curve_truth import true_activity
from deepcausalmmm_jax.data.simulation.simulate import simulate
from deepcausalmmm_jax.errors import DataError

_MEDIA_SHARE, _NOISE = 0.35, 0.05  # of the first stage
_THROUGH, _DIRECT = (0.4, 0.7), (0.05, 0.2)  # shares of a later stage
_SHOCK, _MEMORY, _LATER = 0.6, 0.8, 0.5  # of the demand that all stages have in common
_OTHERS = 1_000_000  # between the seed of the media and that of what else moves a later stage


@dataclass(frozen=True, eq=False)
class FunnelTruth:
    """True effects of media on the stages of a simulated funnel.

    Attributes:
        effects: by `kpi` and `channel`, KPI units over all weeks: `direct`, what a channel does to a stage by no other
            one; `mediated`, by way of the stages before it; `total`.
        through: by `kpi` and earlier `stage`: share of the KPI of a usual week that comes from that stage directly, the
            same in every region.
    """

    effects: pd.DataFrame
    through: pd.DataFrame


@dataclass(frozen=True, eq=False)
class _Stage:
    """A stage as a share of its usual week."""

    kpi: np.ndarray  # [region, week]
    direct: np.ndarray  # [region, week, channel]
    total: np.ndarray  # [region, week, channel]
    size: np.ndarray  # [region, 1], KPI units
    through: np.ndarray  # [earlier stage], share of the usual week that comes from it


def simulate_funnel(
    stages: Sequence[str] = ("visits", "sales"),
    n_regions: int = 4,
    n_weeks: int = 104,
    n_channels: int = 3,
    n_controls: int = 1,
    seed: int = 0,
    *,
    common: float = 0.0,
) -> tuple[dict[str, Panel], FunnelTruth]:
    """Simulate KPIs of the same media that lead to each other, and the true effects along every path.

    The first stage is a panel of `simulate`, with 35% from media. Of each later stage 40 to 70% come from the stages
    before it, in the same week, and 5 to 20% from media directly, with curves of their own; it has a baseline, a season
    and noise of its own that no column shows.

    Args:
        stages: names of the KPIs, first to last, two or more.
        n_regions: number of regions.
        n_weeks: number of weeks.
        n_channels: number of media channels, named `channel_1`, ...
        n_controls: number of controls of the first stage, named `control_1`, ...
        seed: random seed; the same seed gives the same panels.
        common: size of an unobserved demand, whose weekly shocks have a spread of 0.6 times this share of the first
            stage. It persists (AR(1), 0.8 a week), adds to the first stage in full and to later ones by half, and makes
            a larger part of an effect seem mediated than is.

    Returns:
        Panels by the name of the stage, as `fit_kpis` takes them, and the true effects. Only the last has revenue per
        KPI.

    Raises:
        DataError: fewer than two stages, a name twice or taken by a column, or a number out of range.
    """
    names = _checked(stages)
    if not is_number(common) or common < 0:
        raise DataError(f"common must be a number of 0 or more, got {shown(common)}.")
    seed = seed_number(seed)
    media, truth = simulate(
        n_regions,
        n_weeks,
        n_channels,
        n_controls,
        seed,
        confounded=0,
        links=0,
        media_share=_MEDIA_SHARE,
        noise=_NOISE,
    )
    if taken := [name for name in names if name in (*media.channels, *media.controls)]:
        raise DataError(f"stages names {taken[0]!r}, which is a column of the panel; give it another name.")
    rng = np.random.default_rng([seed, 9])
    demand = _demand(rng, (n_regions, n_weeks), common)
    usual = media.kpi.mean(axis=1, keepdims=True)
    effect = truth.contributions.values / usual[:, :, None]
    made = [_Stage(media.kpi / usual + demand, effect, effect, usual, np.zeros(0))]
    for later in range(1, len(names)):
        other = simulate(n_regions, n_weeks, n_channels, n_controls, later * _OTHERS + seed, confounded=0, links=0)
        rest = _relative(other[0].kpi - other[1].contributions.values.sum(axis=2))
        active = _relative(true_activity(_relative(media.exposure), other[1].parameters))
        made.append(_later_stage(rng, made, rest, active, _LATER * demand))
    return _panels(names, made, media), FunnelTruth(_effects(names, made, media), _through(names, made))


def _checked(stages: object) -> tuple[str, ...]:
    names = () if isinstance(stages, str) or not isinstance(stages, Iterable) else tuple(stages)
    if len(names) < 2 or not all(isinstance(name, str) and name.strip() for name in names):
        raise DataError(f"stages must be a list of two or more names, first to last, got {shown(stages)}.")
    if len(set(names)) < len(names):
        raise DataError(f"stages names {max(names, key=names.count)!r} twice; name each stage once.")
    return names


def _demand(rng: np.random.Generator, shape: tuple[int, int], common: float) -> np.ndarray:
    """Demand that no column shows, `[region, week]`, zero in the first week."""
    shocks, demand = rng.normal(size=shape) * _SHOCK * common, np.zeros(shape)
    for week in range(1, shape[1]):
        demand[:, week] = _MEMORY * demand[:, week - 1] + shocks[:, week]
    return demand


def _later_stage(
    rng: np.random.Generator, earlier: Sequence[_Stage], rest: np.ndarray, active: np.ndarray, demand: np.ndarray
) -> _Stage:
    """A stage after others.

    Args:
        rng: of all draws.
        earlier: the stages before it.
        rest: `[region, week]`, what else moves it, around 1.
        active: `[region, week, channel]`, activity of media, around 1.
        demand: `[region, week]`, its share of the demand that all stages have in common.
    """
    through = np.full(1, rng.uniform(*_THROUGH))
    part = rng.dirichlet(np.ones(active.shape[2])) * rng.uniform(*_DIRECT)
    size = np.exp(rng.normal(8.0, 0.5, (len(rest), 1)))
    if len(earlier) > 1:
        through = through * rng.dirichlet(np.ones(len(earlier)))
    direct = active * part
    by_stage = sum(share * stage.kpi for share, stage in zip(through, earlier, strict=True))
    mediated = sum(share * stage.total for share, stage in zip(through, earlier, strict=True))
    kpi = (1.0 - through.sum() - part.sum()) * rest + by_stage + direct.sum(axis=2) + demand
    return _Stage(kpi, direct, direct + mediated, size, through)


def _panels(names: tuple[str, ...], made: Sequence[_Stage], media: Panel) -> dict[str, Panel]:
    found = {}
    for name, stage in zip(names, made, strict=True):
        worth = media.revenue_per_kpi if name == names[-1] else None
        found[name] = dataclasses.replace(media, kpi=stage.kpi * stage.size, kpi_name=name, revenue_per_kpi=worth)
    return found


def _effects(names: tuple[str, ...], made: Sequence[_Stage], media: Panel) -> pd.DataFrame:
    tables = {}
    for name, stage in zip(names, made, strict=True):
        direct, total = ((part * stage.size[:, :, None]).sum(axis=(0, 1)) for part in (stage.direct, stage.total))
        columns = {"direct": direct, "mediated": total - direct, "total": total}
        tables[name] = pd.DataFrame(columns, index=pd.Index(media.channels, name=CHANNEL))
    return pd.concat(tables, names=["kpi", CHANNEL])


def _through(names: tuple[str, ...], made: Sequence[_Stage]) -> pd.DataFrame:
    rows = [
        (names[later], names[earlier], float(share))
        for later, stage in enumerate(made)
        for earlier, share in enumerate(stage.through)
    ]
    return pd.DataFrame(rows, columns=["kpi", "stage", "share"]).set_index(["kpi", "stage"])


def _relative(values: np.ndarray) -> np.ndarray:
    """Over each region's mean week."""
    return np.asarray(values / values.mean(axis=1, keepdims=True))
