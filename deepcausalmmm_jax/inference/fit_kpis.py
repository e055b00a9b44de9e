"""`fit_kpis`: several KPIs of the same media, whose curves are shared as far as the data say so."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.by_replicate import contributed
from deepcausalmmm_jax.attribution.curves import curve_kinds
from deepcausalmmm_jax.checks import did_you_mean, seed_number, shown, whole_number
from deepcausalmmm_jax.config.curves import HALF_LIVES, CurveKind
from deepcausalmmm_jax.config.lift_tests import refuse_repeats
from deepcausalmmm_jax.config.priors import CURVE_PARAMETERS
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.cadence import decay_per_week
from deepcausalmmm_jax.data.experiments import warn_of_lengths
from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import ConfigError, DataError
from deepcausalmmm_jax.inference.fit_many import Wanted, fit_all, prepared, weights_of
from deepcausalmmm_jax.inference.funnel import checked_funnel, given_earlier_stages
from deepcausalmmm_jax.inference.sample_posterior import has_draws
from deepcausalmmm_jax.model.log_prior import LOG_FREQUENCY_SLOPE
from deepcausalmmm_jax.model.media import TYPICAL_FREQUENCY_SLOPE
from deepcausalmmm_jax.parallel.devices import Devices, devices_for
from deepcausalmmm_jax.parallel.engines import Engine
from deepcausalmmm_jax.posterior.pooling import (
    Messages,
    Pooled,
    agreement,
    evidence,
    given_others,
    messages,
    n_shared,
)
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.results.kpi_fits import KpiFits

_NOTHING_SAID = 1e-6  # of a prior's variance that the other KPIs take away


def fit_kpis(
    panels: Mapping[str, Panel],
    config: Config | Mapping[str, Config] | None = None,
    holdout: int | None = 8,
    seed: int = 0,
    *,
    share: Sequence[str] = CURVE_PARAMETERS,
    funnel: Sequence[str] | None = None,
    engine: Engine | None = None,
    batch_size: int | None = None,
    devices: Devices = None,
    progress: bool | None = None,
) -> KpiFits:
    r"""Fit several KPIs of the same media, such as units and revenue, or sales and visits, and pool their curves.

    How long an effect lasts and where it saturates is much the same for all KPIs of a channel; how large it is need not
    be. Each KPI is fitted by itself. A curve parameter, in units of its default prior, then has a part that all KPIs
    share and one of its own, $z_k = \sqrt\rho \, u + \sqrt{1 - \rho} \, e_k$ with u and e standard normal, and the
    agreement $\rho$ comes from the marginal likelihood of all channels' estimates (parametric empirical Bayes; Morris
    1983). Each KPI is then refitted, and what the others' data say about its curves is the prior on them. With an
    agreement of 0, or a single KPI, nothing changes.

    Noise that two KPIs share, by the correlation of their residuals, is counted once: units and the revenue from them
    tell each other little (`posterior.pooling`).

    Args:
        panels: by the name of the KPI. All have the same regions and weeks, and the same exposure of the channels in
            common; KPI, controls and revenue per KPI may differ.
        config: settings of all, or by KPI; the defaults when None. A curve that `Config.priors` states is not pooled,
            nor is a parameter that means something else in another KPI, whose channel has another kind of curve.
        holdout: as in `fit`.
        seed: as in `fit`.
        share: which of `decay`, `half_saturation` and `slope` are pooled; an empty list pools nothing.
        funnel: KPIs that lead to each other, first to last, such as `["visits", "sales"]`; `KpiFits.effects` then shows
            how much of media's effect on a later one goes through the earlier ones. Each later KPI is fitted a second
            time.
        engine: as in `fit_many`, like all arguments below.
        batch_size: fits side by side on a core or device.
        devices: to fit on.
        progress: whether to show progress.

    Returns:
        The fits by KPI, how far they agree, and the funnel.

    Raises:
        DataError: panels with different media, one whose columns include another one's KPI, or one that cannot be
            fitted.
        ConfigError: nothing to fit, settings without draws, an unknown parameter or a bad number.
        FitError: a fit ended without usable parameters.
    """
    shared = _checked_share(share)
    _refuse_no_panels(panels)
    configs = _configs(panels, config)
    _refuse_other_media(panels)
    stages = checked_funnel(funnel, panels, configs)
    seed, working = seed_number(seed), devices_for(devices)
    if batch_size is not None:
        whole_number("batch_size", batch_size)
    pools = len(panels) > 1 and bool(shared)
    for kpi in panels if pools else ():
        _refuse_without_draws(kpi, panels[kpi], configs[kpi])
    wanted = []
    for kpi, panel in panels.items():
        weights = weights_of(panel, holdout, f"KPI {kpi}: ")
        refuse_repeats(configs[kpi].experiments)
        ready = prepared(panel, weights, configs[kpi], f"KPI {kpi}: ")
        warn_of_lengths(panel, configs[kpi].experiments, f"KPI {kpi}: ")
        wanted.append(Wanted(f"KPI {kpi}", panel, weights, configs[kpi], seed, ready))
    alone = fit_all(wanted, "fit_kpis", working, engine, batch_size, progress)
    results, pooling = dict(zip(panels, alone, strict=True)), _table({})
    if pools:
        said, units = _said(alone, shared)
        pooling = _table(said)
        priors = _priors(alone, said, units, _noise_correlation(alone))
        again = [at for at, entries in enumerate(priors) if entries]
        changed = [_with_priors(wanted[at], priors[at]) for at in again]
        fitted = fit_all(changed, "fit_kpis, curves shared", working, engine, batch_size, progress) if again else []
        results |= {list(panels)[at]: result for at, result in zip(again, fitted, strict=True)}
    split = given_earlier_stages(stages, dict(zip(panels, wanted, strict=True)), results)
    more = list(split.values())
    found = fit_all(more, "fit_kpis, earlier stages given", working, engine, batch_size, progress) if more else []
    return KpiFits(results, pooling, stages, dict(zip(split, found, strict=True)))


def _with_priors(one: Wanted, entries: tuple[tuple[str, str, float, float], ...]) -> Wanted:
    priors = dataclasses.replace(one.config.priors, curve=(*one.config.priors.curve, *entries))
    config = one.config.replace(priors=priors)
    return one._replace(config=config, ready=prepared(one.panel, one.weights, config))


class _Units:
    """What a coordinate of 0 and a difference of 1 mean for one KPI and parameter."""

    def __init__(self, result: FitResult, parameter: str) -> None:
        inputs, own = result.fitted_panel.until_last_kpi.inputs, result.config.posterior
        assert isinstance(inputs, Inputs)
        n_channels, kinds = len(result.panel.channels), curve_kinds(result.fitted_panel)
        # half-saturations are in the KPI's own mean weeks; with other training weeks these are other numbers of units
        self.week = np.zeros(n_channels)
        if parameter == "decay":  # a week: not every kind's usual decay a step is that of half a week's effect
            self.centre = np.asarray(kinds.usual_decay()) + np.log(kinds.step_weeks)
            self.spread = np.full(n_channels, result.config.penalties.decay)
        elif parameter == "slope":  # with reach and frequency it is a slope of frequency, which has another prior
            of_frequency = np.array(kinds.having("half_frequency"))
            self.centre = np.where(of_frequency, np.log(TYPICAL_FREQUENCY_SLOPE), np.log(own.slope))
            self.spread = np.where(of_frequency, LOG_FREQUENCY_SLOPE, own.slope_spread)
        else:
            self.centre = np.log(np.asarray(inputs.burst, np.float64) * own.half_saturation)
            self.spread = np.full(n_channels, own.half_saturation_spread)
            self.week = np.log(result.fitted.scales.exposure).mean(axis=0)


def _said(results: Sequence[FitResult], shared: tuple[str, ...]) -> tuple[dict[str, Messages], dict[str, list[_Units]]]:
    """What each KPI says about each parameter, `[kpi, channel]` over all channels, on one scale; and the scales."""
    channels = _channels([result.panel for result in results])
    drawn = [_log_draws(result) for result in results]
    said, units = {}, {}
    for parameter in shared:
        own, same = [_Units(result, parameter) for result in results], _alike(results, parameter)
        base = _over_kpis([unit.centre + unit.week for unit in own], results, channels)
        mean, variance = (np.full((len(results), len(channels)), np.nan) for _ in range(2))
        for k, (result, unit) in enumerate(zip(results, own, strict=True)):
            at = [channels.index(name) for name in result.panel.channels]
            stated = result.config.priors.stated_curves() | {entry[:2] for entry in result.config.priors.curve}
            pooled = np.array([(name, parameter) not in stated and name in same for name in result.panel.channels])
            coordinates = (drawn[k][parameter] + unit.week - base[at]) / unit.spread
            mean[k, at] = np.where(pooled, coordinates.mean(axis=0), np.nan)
            variance[k, at] = np.where(pooled, coordinates.var(axis=0, ddof=1), np.nan)
        said[parameter], units[parameter] = messages(mean, variance), own
    return said, units


def _alike(results: Sequence[FitResult], parameter: str) -> set[str]:
    """Channels of which a parameter means the same in all KPIs, whose curves may be of different kinds."""
    meanings: dict[str, set[object]] = {}
    for result in results:
        for name, kind in zip(result.panel.channels, curve_kinds(result.fitted_panel).channels, strict=True):
            own = {_meaning(kind, parameter)} if parameter in kind.parameters else set()
            meanings[name] = meanings.get(name, set()) | own
    return {name for name, found in meanings.items() if len(found) < 2}


def _meaning(kind: CurveKind, parameter: str) -> object:
    """What tells a parameter of one kind of curve from that of another; the half-saturation is the same for all."""
    if parameter == "decay":
        return "of a step" if kind.adstock in HALF_LIVES else kind.adstock
    return kind.saturation_first, kind.saturation if parameter == "slope" else None


def _log_draws(result: FitResult) -> dict[str, np.ndarray]:
    """Draws of the parameters in logs, of the decay a week in logits, `[draw, channel]`; NaN where a curve has none."""
    assert isinstance(result, Ensemble)
    curves = contributed(result.fitted_panel, result.replicates.variables).curves
    found = {name: np.asarray(curves[name], np.float64) for name in CURVE_PARAMETERS}
    decay = decay_per_week(found["decay"], result.panel.cadence)
    return {name: np.log(values) for name, values in found.items()} | {"decay": np.log(decay) - np.log1p(-decay)}


def _over_kpis(values: list[np.ndarray], results: Sequence[FitResult], channels: tuple[str, ...]) -> np.ndarray:
    """Mean over the KPIs that have the channel, `[channel]`."""
    table = np.full((len(results), len(channels)), np.nan)
    for k, result in enumerate(results):
        table[k, [channels.index(name) for name in result.panel.channels]] = values[k]
    return np.asarray(np.nanmean(table, axis=0))


def _priors(
    results: Sequence[FitResult],
    said: Mapping[str, Messages],
    units: Mapping[str, list[_Units]],
    correlation: np.ndarray,
) -> list[tuple[tuple[str, str, float, float], ...]]:
    """By KPI, the entries of `Priors.curve` that the other KPIs give."""
    channels = _channels([result.panel for result in results])
    found: list[list[tuple[str, str, float, float]]] = [[] for _ in results]
    for parameter, heard in said.items():
        given: Pooled = given_others(heard, agreement(heard), correlation)
        base = _over_kpis([unit.centre + unit.week for unit in units[parameter]], results, channels)
        for k, result in enumerate(results):
            stated = result.config.priors.stated_curves() | {entry[:2] for entry in result.config.priors.curve}
            for channel in result.panel.channels:
                at, own = channels.index(channel), result.panel.channels.index(channel)
                unit = units[parameter][k]
                if given.sd[k, at] ** 2 > 1.0 - _NOTHING_SAID or (channel, parameter) in stated:
                    continue
                log = base[at] + unit.spread[own] * given.mean[k, at] - unit.week[own]
                median = 1.0 / (1.0 + np.exp(-log)) if parameter == "decay" else np.exp(log)
                found[k].append((channel, parameter, float(median), float(unit.spread[own] * given.sd[k, at])))
    return [tuple(entries) for entries in found]


def _noise_correlation(results: Sequence[FitResult]) -> np.ndarray:
    """Correlation of the residuals over the weeks that both learned from, regions in their scales, `[kpi, kpi]`."""
    residuals, learned = [], []
    for fit in (result.fitted_panel for result in results):
        residuals.append((fit.panel.kpi - fit.prediction) / fit.scales.kpi[:, None])
        learned.append(fit.weights > 0)
    found = np.eye(len(results))
    for a, b in combinations(range(len(results)), 2):
        both = learned[a] & learned[b]
        if both.sum() > 1:
            one, other = (residuals[k][both] - residuals[k][both].mean() for k in (a, b))
            size = np.sqrt((one**2).sum() * (other**2).sum())
            found[a, b] = found[b, a] = (one * other).sum() / size if size > 0 else 0.0
    return found


def _table(said: Mapping[str, Messages]) -> pd.DataFrame:
    rows = {}
    for parameter, heard in said.items():
        rows[parameter] = {
            "agreement": agreement(heard),
            "evidence": evidence(heard),
            "channels": n_shared(heard),
        }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["agreement", "evidence", "channels"])
    return table.rename_axis("parameter")


def _channels(panels: Iterable[Panel]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for panel in panels for name in panel.channels))


def _checked_share(share: object) -> tuple[str, ...]:
    names = None if isinstance(share, str) or not isinstance(share, Iterable) else tuple(share)
    if names is None:
        raise ConfigError(f"share must be a list of {', '.join(CURVE_PARAMETERS)}, got {shown(share)}.")
    for name in names:
        if name not in CURVE_PARAMETERS:
            hint = did_you_mean(name, CURVE_PARAMETERS, f"; known are {', '.join(CURVE_PARAMETERS)}.")
            raise ConfigError(f"share names {shown(name)}, which is not a parameter that KPIs can share{hint}")
    return tuple(name for name in CURVE_PARAMETERS if name in names)


def _refuse_no_panels(panels: object) -> None:
    if not isinstance(panels, Mapping) or not panels:
        raise ConfigError('fit_kpis needs panels by the name of their KPI, such as {"sales": panel, "visits": other}.')
    for kpi, panel in panels.items():
        if not isinstance(kpi, str) or not kpi.strip():
            raise ConfigError(f"fit_kpis needs names of KPIs that are text, got {shown(kpi)}.")
        if not isinstance(panel, Panel):
            raise DataError(
                f"The KPI {kpi} needs a Panel, got {type(panel).__name__}; build one with Panel.from_dataframe."
            )


def _configs(panels: Mapping[str, Panel], config: object) -> dict[str, Config]:
    """Settings by KPI."""
    unknown = [kpi for kpi in config if kpi not in panels] if isinstance(config, Mapping) else []
    if unknown:
        hint = did_you_mean(unknown[0], tuple(panels))
        raise ConfigError(f"There are settings for {shown(unknown[0])}, which is not a KPI{hint}")
    given = {kpi: config.get(kpi) if isinstance(config, Mapping) else config for kpi in panels}
    for one in given.values():
        if one is not None and not isinstance(one, Config):
            raise ConfigError(f"fit_kpis needs a Config, or one by KPI, got {type(one).__name__}.")
    found = {kpi: one if isinstance(one, Config) else Config() for kpi, one in given.items()}
    if any(one.curve == "auto" for one in found.values()):
        raise ConfigError(
            'fit_kpis cannot choose the curves itself; fit one KPI with curve="auto" and pass its result.config.'
        )
    return found


def _refuse_other_media(panels: Mapping[str, Panel]) -> None:
    """Refuse panels that are not KPIs of the same media, and a KPI that is a column of another one's panel."""
    for (first, a), (second, b) in combinations(panels.items(), 2):
        if not a.regions.equals(b.regions) or not a.weeks.equals(b.weeks) or a.cadence != b.cadence:
            raise DataError(
                f"The KPIs {first} and {second} differ in regions or weeks; build both panels from one table, and "
                'leave the weeks before a KPI begins empty, with missing_kpi="mask".'
            )
        for channel in a.channels:
            if channel not in b.channels:
                continue
            one, other = (p.exposure[:, :, p.channels.index(channel)] for p in (a, b))
            if not np.array_equal(one, other):
                region, week = np.argwhere(one != other)[0]
                raise DataError(
                    f"Channel {channel!r} has different exposure for {first} and for {second}, first in region "
                    f"{a.regions[region]}, {a.cadence.unit} {a.week_label(int(week))}; KPIs that share curves need the "
                    "same media."
                )
    names = {panel.kpi_name: kpi for kpi, panel in panels.items()}
    for kpi, panel in panels.items():
        for column in (*panel.controls, *panel.channels):
            if column in names and names[column] != kpi:
                raise DataError(
                    f"The panel of {kpi} has {column!r} among its columns, which is itself a KPI and would absorb part "
                    "of the media effect; leave it out of controls and media."
                )


def _refuse_without_draws(kpi: str, panel: Panel, config: Config) -> None:
    if not has_draws(config, panel):
        raise ConfigError(
            f'The curves of {kpi} cannot be shared without draws from its posterior; set posterior.method="laplace", '
            "or share=[] for separate fits."
        )
