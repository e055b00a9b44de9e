"""The refits that each test asks for."""

from enum import StrEnum
from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.data.checks import identical_channels, varies_within_regions
from deepcausalmmm_jax.data.holdout import fewest_steps
from deepcausalmmm_jax.data.inputs import training_weeks
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.trust.refutations.changed import (
    with_future,
    with_noise,
    with_placebo,
    with_random_cause,
    with_shuffled,
)

DROPPED_WEEKS = (4, 8, 12)
NOISE = 0.01  # standard deviation of the noise on the inputs, as a share
FUTURE_WEEKS = 2  # how far ahead the exposure of the test `future` lies
_PER_DRAW = 4  # refits to random weights for each draw of the other tests, where the result has no standard errors
_BLOCK = 8  # weeks that share a random weight where there is one region, as in `bootstrap`
_NEW_CHANNEL, _NEW_CONTROL = "placebo channel", "random cause"


class RefutationTest(StrEnum):
    """The tests by name, in the order of the table."""

    PLACEBO = "placebo"
    FUTURE = "future"
    SHUFFLED = "shuffled"
    COMMON_CAUSE = "common_cause"
    HALVES = "halves"
    LAST_WEEKS = "last_weeks"
    PLAN = "plan"
    NOISE = "noise"
    SEEDS = "seeds"
    WARM_START = "warm_start"


class Refit(NamedTuple):
    """One refit that is asked for.

    Attributes:
        test: it belongs to; None for the refit that the others are compared with, and for those that give the spread.
        label: what was changed, in words.
        panel: to be refitted, without planned weeks.
        weights: `[region, week]`, 0 in weeks that are not learned from.
        emphasis: `[region, week]`, or `[region, 1]` for all weeks, factor on the weights; 0 leaves a region out.
        seed: of the random start.
        warm: whether it starts from the estimate in place of a random start.
        channel: name of the channel that was changed, or whose exposure was added at another time; empty where all are
            concerned.
        weeks: dropped; 0 for none.
        draw: seed of errors that lift tests are given, as in `bootstrap`; 0 to take them as measured.
    """

    test: RefutationTest | None
    label: str
    panel: Panel
    weights: np.ndarray
    emphasis: np.ndarray
    seed: int
    warm: bool = False
    channel: str = ""
    weeks: int = 0
    draw: int = 0


class Request(NamedTuple):
    """What is to be refuted, and how often.

    Attributes:
        panel: of the fit, without planned weeks.
        weights: `[region, week]` of the fit.
        share: `[channel]`, estimated share of the KPI, by which the largest channels are found.
        seed: of the fit.
        draws: of each random test.
        random: seed of all draws.
        spread: whether the standard errors must come from refits to random weights.
        dropped: numbers of last weeks to drop.
        most_channels: channels that are shuffled or moved ahead at most, the largest ones.
    """

    panel: Panel
    weights: np.ndarray
    share: np.ndarray
    seed: int
    draws: int
    random: int
    spread: bool
    dropped: tuple[int, ...]
    most_channels: int


def wanted_refits(request: Request, tests: tuple[RefutationTest, ...]) -> list[Refit]:
    """The refit to the panel itself, those that give the spread, and those of each test; in this order."""
    every = np.ones((len(request.panel.regions), 1))
    base = Refit(None, "nothing", request.panel, request.weights, every, request.seed)
    found = [base, *(_spread(base, request) if request.spread else [])]
    for test in tests:
        rng = np.random.default_rng([request.random, list(RefutationTest).index(test)])
        found += _REFITS[test](base, request, rng)
    return found


def _spread(base: Refit, request: Request) -> list[Refit]:
    rng = np.random.default_rng([request.random, len(RefutationTest)])
    weighted = _random_blocks if has_one_region(request.weights) else _random_regions
    count = _PER_DRAW * request.draws
    errors = np.random.default_rng([request.random, len(RefutationTest) + 1]).integers(1, 2**31, count)
    return [
        base._replace(label=f"random weights {i + 1}", emphasis=weighted(request, rng), draw=int(errors[i]))
        for i in range(count)
    ]


def has_one_region(weights: np.ndarray) -> bool:
    """Whether a single region is learned from, by its weights `[region, week]`."""
    return int(weights.any(axis=1).sum()) == 1


def _random_regions(request: Request, rng: np.random.Generator) -> np.ndarray:
    return rng.exponential(size=(len(request.panel.regions), 1))


def _random_blocks(request: Request, rng: np.random.Generator) -> np.ndarray:
    """A weight for each block of weeks, as in `bootstrap`; one for all weeks would only weigh data against priors."""
    week, length = np.arange(request.weights.shape[1]), request.panel.cadence.steps(_BLOCK)
    n_blocks = max(1, -(-training_weeks(request.weights) // length))
    return rng.exponential(size=n_blocks)[np.minimum(week // length, n_blocks - 1)][None, :]


def _placebo(base: Refit, request: Request, rng: np.random.Generator) -> list[Refit]:
    name, found = _new_name(_NEW_CHANNEL, base.panel.channels), []
    for _ in range(request.draws):
        placebo = with_placebo(base.panel, rng, name)
        source = base.panel.channels[placebo.channel]
        label = f"{source} moved by {base.panel.cadence.several(placebo.weeks)} as one more channel"
        found.append(_refit(base, RefutationTest.PLACEBO, label, placebo.panel, source))
    return _learnable(found)


def _future(base: Refit, request: Request, _: np.random.Generator) -> list[Refit]:
    name, found = _new_name(_NEW_CHANNEL, base.panel.channels), []
    later = base.panel.cadence.steps(FUTURE_WEEKS)
    for m in _largest(request):
        source = base.panel.channels[m]
        label = f"{source} of {base.panel.cadence.several(later)} later as one more channel"
        panel = with_future(base.panel, m, later, name)
        found.append(_refit(base, RefutationTest.FUTURE, label, panel, source))
    return _learnable(found)


def _shuffled(base: Refit, request: Request, rng: np.random.Generator) -> list[Refit]:
    found = []
    for m in _largest(request):
        name = base.panel.channels[m]
        label = f"{base.panel.cadence.unit}s of {name} shuffled"
        found.append(_refit(base, RefutationTest.SHUFFLED, label, with_shuffled(base.panel, m, rng), name))
    return _learnable(found)


def _common_cause(base: Refit, request: Request, rng: np.random.Generator) -> list[Refit]:
    name = _new_name(_NEW_CONTROL, base.panel.controls)
    panels = (with_random_cause(base.panel, rng, name) for _ in range(request.draws))
    return [
        _refit(base, RefutationTest.COMMON_CAUSE, f"random control {i + 1}", panel) for i, panel in enumerate(panels)
    ]


def _halves(base: Refit, request: Request, rng: np.random.Generator) -> list[Refit]:
    """Two halves of the regions; of the weeks where a single region has information."""
    n_regions, n_weeks = base.weights.shape
    own, informed = base._replace(test=RefutationTest.HALVES), np.flatnonzero(base.weights.any(axis=1))
    if has_one_region(base.weights):
        first = np.arange(n_weeks) < int(np.flatnonzero(base.weights[informed[0]] > 0).mean()) + 1
        unit = base.panel.cadence.unit
        parts = {f"first half of the {unit}s": first, f"second half of the {unit}s": ~first}
        return _learnable([own._replace(label=label, weights=base.weights * part) for label, part in parts.items()])
    order = rng.permutation(informed)
    found = []
    for i, part in enumerate(np.array_split(order, 2)):
        kept = np.isin(np.arange(n_regions), part).astype(float)[:, None]
        found.append(own._replace(label=f"half {i + 1}: {len(part)} region{'s' * (len(part) > 1)}", emphasis=kept))
    return found


def _last_weeks(base: Refit, request: Request, _: np.random.Generator) -> list[Refit]:
    last = int(np.flatnonzero(base.weights.any(axis=0))[-1]) + 1
    own, found = base._replace(test=RefutationTest.LAST_WEEKS), []
    for weeks in request.dropped:
        weights = base.weights.copy()
        weights[:, last - weeks : last] = 0.0
        label = f"last {base.panel.cadence.several(weeks)} dropped"
        found.append(own._replace(label=label, weights=weights, weeks=weeks))
    return _learnable(found)


def _noise(base: Refit, request: Request, rng: np.random.Generator) -> list[Refit]:
    panels = (with_noise(base.panel, rng, NOISE) for _ in range(request.draws))
    return [_refit(base, RefutationTest.NOISE, f"{NOISE:.0%} noise {i + 1}", panel) for i, panel in enumerate(panels)]


def _seeds(base: Refit, request: Request, _: np.random.Generator) -> list[Refit]:
    others = (request.seed + 1 + i for i in range(request.draws))
    return [base._replace(test=RefutationTest.SEEDS, label=f"random start {seed}", seed=seed) for seed in others]


def _warm_start(base: Refit, request: Request, _: np.random.Generator) -> list[Refit]:
    return [base._replace(test=RefutationTest.WARM_START, label="start from the estimate", warm=True)]


def _none(base: Refit, request: Request, _: np.random.Generator) -> list[Refit]:
    return []  # the plan is made from the refits of `last_weeks`


_REFITS = {
    RefutationTest.PLACEBO: _placebo,
    RefutationTest.FUTURE: _future,
    RefutationTest.SHUFFLED: _shuffled,
    RefutationTest.COMMON_CAUSE: _common_cause,
    RefutationTest.HALVES: _halves,
    RefutationTest.LAST_WEEKS: _last_weeks,
    RefutationTest.PLAN: _none,
    RefutationTest.NOISE: _noise,
    RefutationTest.SEEDS: _seeds,
    RefutationTest.WARM_START: _warm_start,
}


def _refit(base: Refit, test: RefutationTest, label: str, panel: Panel, channel: str = "") -> Refit:
    return base._replace(test=test, label=label, panel=panel, channel=channel)


def _largest(request: Request) -> list[int]:
    """Positions of the largest channels, in the order of the panel."""
    return sorted(np.argsort(-request.share, kind="stable")[: request.most_channels].tolist())


def _learnable(refits: list[Refit]) -> list[Refit]:
    """The refits that can be learned from: in what was changed or left, a channel may be off air or like another."""
    return [refit for refit in refits if _can_learn(refit.panel, refit.weights > 0)]


def _can_learn(panel: Panel, used: np.ndarray) -> bool:
    channels = np.moveaxis(panel.exposure, 2, 0)
    enough = used.sum(axis=1).max() >= fewest_steps(panel)
    varies = all(values[used].any() and varies_within_regions(values, used) for values in channels)
    return bool(enough and varies and not any(identical_channels(panel, used)))


def _new_name(wanted: str, taken: tuple[str, ...]) -> str:
    while wanted in taken:
        wanted += "'"
    return wanted
