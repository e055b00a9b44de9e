"""Fits of a funnel: each KPI once more, with the KPIs that come before it among its controls."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from deepcausalmmm_jax.checks import did_you_mean, shown
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.checks import refuse_unfit
from deepcausalmmm_jax.data.kpi_scale import kpi_means
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import ConfigError, DataError
from deepcausalmmm_jax.inference.fit_many import Wanted, prepared
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.training.families import family_of


def checked_funnel(funnel: object, panels: Mapping[str, Panel], configs: Mapping[str, Config]) -> tuple[str, ...]:
    """Names of the stages in their order; empty where no funnel is asked for.

    Raises:
        ConfigError: no list of two KPIs or more, an unknown or repeated one, or a later stage whose effects multiply.
        DataError: a channel of an earlier stage that a later one lacks, or a column that is called like a stage.
    """
    if funnel is None:
        return ()
    names = () if isinstance(funnel, str | Mapping) or not isinstance(funnel, Iterable) else tuple(funnel)
    if len(names) < 2:
        example = ", ".join(repr(name) for name in list(panels)[:2])
        raise ConfigError(
            f"funnel must be a list of two or more KPIs, first to last, such as [{example}], got {shown(funnel)}."
        )
    for name in names:
        if name not in panels:
            hint = did_you_mean(name, tuple(panels), f"; the KPIs are {', '.join(panels)}.")
            raise ConfigError(f"funnel names {shown(name)}, which is not a KPI{hint}")
        if names.count(name) > 1:
            raise ConfigError(f"funnel names {name} twice; name each stage once.")
    for later, name in enumerate(names[1:], 1):
        if family_of(configs[name]).controls_follow_exposure:
            raise ConfigError(f"funnel needs controls with effects of their own; the paper's model of {name} has none.")
        if configs[name].link != "identity":
            own, other = f"link={configs[name].link!r}", 'link="identity"'
            own, other = ("counts=True", "counts=False") if configs[name].counts else (own, other)
            raise ConfigError(
                f"funnel splits effects that add up, and those on {name} do not with {own}; set {other} for {name}, or "
                "leave funnel out."
            )
        for stage in names[:later]:
            _refuse_unrelated(stage, panels[stage], name, panels[name])
    return names


def _refuse_unrelated(stage: str, earlier: Panel, name: str, later: Panel) -> None:
    lacking = [channel for channel in earlier.channels if channel not in later.channels]
    if lacking:
        raise DataError(
            f"Channel {lacking[0]!r} is in the panel of {stage} but not in that of {name}; a funnel needs the channels "
            "of each stage in all later stages."
        )
    if stage in (*later.controls, *later.channels):
        raise DataError(f"The panel of {name} has a column {stage!r}, like the stage before it; rename the stage.")


def given_earlier_stages(
    stages: Sequence[str], wanted: Mapping[str, Wanted], results: Mapping[str, FitResult]
) -> dict[str, Wanted]:
    """By KPI after the first, the fit that has the stages before it as its last controls, in their order.

    Lift tests, and priors of the effects of media, are of effects by all ways; these fits leave them out.

    Args:
        stages: in their order.
        wanted: the fits by KPI.
        results: what they came to; their settings are taken.

    Raises:
        DataError: two stages have too few weeks in common to learn from.
    """
    found = {}
    for later, name in enumerate(stages[1:], 1):
        panel, weights = _with_stages(wanted[name], stages[:later], [wanted[stage].panel for stage in stages[:later]])
        label = f"{name} given {', '.join(stages[:later])}"
        try:
            refuse_unfit(panel, weights)
        except DataError as error:
            raise DataError(f"KPI {label}: {error}") from None
        own = results[name].config
        priors = dataclasses.replace(own.priors, share=(), roi=(), cpik=(), mroi=(), total=())
        config = own.replace(priors=priors, experiments=())
        ready = prepared(panel, weights, config)
        found[name] = Wanted(f"KPI {label}", panel, weights, config, wanted[name].seed, ready)
    return found


def _with_stages(one: Wanted, names: Sequence[str], panels: Sequence[Panel]) -> tuple[Panel, np.ndarray]:
    """The panel up to its last KPI with the stages as further controls, and the weights of its weeks.

    A week in which a stage was not observed is not learned from; there the stage has the mean of its region, since one
    of all regions would be a jump in a small one.
    """
    panel = one.panel.until_last_kpi()
    n_weeks = len(panel.weeks)
    weights, columns = one.weights[:, :n_weeks], []
    for stage in panels:
        observed = stage.weights[:, :n_weeks] > 0
        kpi = stage.kpi[:, :n_weeks]
        columns.append(np.where(observed, kpi, kpi_means(kpi, observed)[:, None]))
        weights = weights * observed
    control = np.concatenate([panel.control, np.stack(columns, axis=-1)], axis=-1)
    return dataclasses.replace(panel, controls=(*panel.controls, *names), control=control), weights
