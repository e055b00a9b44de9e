"""Checks of the arguments of `simulate`; each raises DataError."""

from numbers import Integral

import pandas as pd

from deepcausalmmm_jax.checks import closest, is_number, shown
from deepcausalmmm_jax.data.simulation.worlds import WORLDS
from deepcausalmmm_jax.errors import DataError

KINDS = ("hill", *WORLDS)
# Arguments that only the kind "hill" has, and their defaults.
_HILL_ONLY = {"links": None, "link_lags": 0, "link_groups": 1, "flighted": 1, "national": 0, "late": 0, "confounded": 1}


def check_kind(kind: str) -> None:
    """Refuse a kind of panel that does not exist."""
    if kind not in KINDS:
        near = closest(kind, KINDS)
        hint = "" if near is None else f" (did you mean {near!r}?)"
        raise DataError(f"There is no kind of panel {kind!r}{hint}; known are {', '.join(KINDS)}.")


def refuse_hill_only(kind: str, asked: dict[str, int | None]) -> None:
    """Refuse an argument that worlds do not have."""
    for name, value in asked.items():
        if name in _HILL_ONLY and value != _HILL_ONLY[name]:
            raise DataError(f"{name}={value} is only for the kind 'hill'; the kind {kind!r} draws its own budgets.")


def refuse_difficulties(kind: str, asked: dict[str, object]) -> None:
    """Refuse what is not simulated on another calendar than weeks."""
    if kind != "hill":
        raise DataError(f"cadence is only for the kind 'hill'; panels of the kind {kind!r} are simulated by the week.")
    for name, value in asked.items():
        default = {**_HILL_ONLY, "placebo": value, "outliers": 0.0}[name]
        if value != default:
            raise DataError(f"{name}={value} is only for panels that are simulated by the week; leave cadence out.")


def check_sizes(n_regions: int, n_weeks: int, n_channels: int, n_controls: int, links: int | None) -> None:
    """Refuse a panel without regions, weeks or channels, and sizes that are no whole numbers."""
    least = {
        "n_regions": (n_regions, 1),
        "n_weeks": (n_weeks, 2),
        "n_channels": (n_channels, 1),
        "n_controls": (n_controls, 0),
        "links": (0 if links is None else links, 0),
    }
    for name, (value, bound) in least.items():
        if not isinstance(value, Integral) or isinstance(value, bool) or value < bound:
            raise DataError(f"{name} must be a whole number, {bound} or more, got {shown(value)}.")
    if links and n_channels < 2:
        raise DataError(f"links={links} needs at least two channels, got n_channels={n_channels}.")


def check_lags(link_lags: int, n_weeks: int) -> None:
    """A lag as long as the panel would leave no week in which the link acts."""
    if not isinstance(link_lags, int) or isinstance(link_lags, bool) or not 0 <= link_lags < n_weeks:
        raise DataError(
            f"link_lags must be a whole number of weeks from 0 to below n_weeks={n_weeks}, got {link_lags!r}."
        )


def check_groups(link_groups: int, n_regions: int, links: int) -> None:
    """Refuse groups without regions, and groups that differ in nothing."""
    whole = isinstance(link_groups, Integral) and not isinstance(link_groups, bool)
    if not whole or not 1 <= link_groups <= n_regions:
        raise DataError(
            f"link_groups must be a whole number of groups from 1 to n_regions={n_regions}, got {shown(link_groups)}."
        )
    if link_groups > 1 and links == 0:
        raise DataError(f"link_groups={link_groups} needs links that differ, but links is 0; ask for one or more.")


def weeks_from(start: str, n_weeks: int) -> pd.DatetimeIndex:
    """Days of the weeks of a panel, the first of which is `start`.

    Raises:
        DataError: it is not a day, or the last week is beyond the calendar of pandas.
    """
    try:
        first = pd.Timestamp(None if isinstance(start, bool | float) else start)
        if pd.isna(first):
            raise ValueError
        return pd.DatetimeIndex(pd.date_range(first, periods=n_weeks, freq="7D").to_numpy())
    except (ValueError, TypeError, OverflowError, AttributeError):
        raise DataError(f"start must be a day such as '2022-01-03', got {shown(start)}.") from None


def check_shares(media_share: float | None, noise: float | None, drift: float, outliers: float, missing: float) -> None:
    """Refuse shares and spreads out of range."""
    numbers = {"media_share": media_share, "noise": noise, "drift": drift, "outliers": outliers, "missing": missing}
    for name, value in numbers.items():
        if not is_number(value) and not (value is None and name in ("media_share", "noise")):
            raise DataError(f"{name} must be a number, got {shown(value)}.")
    if media_share is not None and not 0 < media_share < 1:
        raise DataError(f"media_share must be between 0 and 1, got {media_share}.")
    for name, spread in (("noise", noise), ("drift", drift)):
        if spread is not None and spread < 0:
            raise DataError(f"{name} must be 0 or more, got {spread}.")
    for name, share in (("outliers", outliers), ("missing", missing)):
        if not 0 <= share <= 0.5:
            raise DataError(f"{name} must be from 0 to 0.5, got {share}.")
