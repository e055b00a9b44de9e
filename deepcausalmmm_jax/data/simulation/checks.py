"""Checks of the arguments of `simulate`; each raises DataError."""

from deepcausalmmm_jax.checks import closest
from deepcausalmmm_jax.data.simulation.worlds import WORLDS
from deepcausalmmm_jax.errors import DataError

KINDS = ("hill", *WORLDS)
# Arguments that only the kind "hill" has, and their defaults.
_HILL_ONLY = {"links": None, "link_lags": 0, "flighted": 1, "national": 0, "late": 0, "confounded": 1}


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


def check_sizes(n_regions: int, n_weeks: int, n_channels: int, n_controls: int, links: int) -> None:
    """Refuse a panel without regions, weeks or channels."""
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
        raise DataError(f"links={links} needs at least two channels, got n_channels={n_channels}.")


def check_lags(link_lags: int, n_weeks: int) -> None:
    """A lag as long as the panel would leave no week in which the link acts."""
    if not isinstance(link_lags, int) or isinstance(link_lags, bool) or not 0 <= link_lags < n_weeks:
        raise DataError(
            f"link_lags must be a whole number of weeks from 0 to below n_weeks={n_weeks}, got {link_lags!r}."
        )


def check_shares(media_share: float | None, noise: float | None, drift: float, outliers: float, missing: float) -> None:
    """Refuse shares and spreads out of range."""
    if media_share is not None and not 0 < media_share < 1:
        raise DataError(f"media_share must be between 0 and 1, got {media_share}.")
    for name, spread in (("noise", noise), ("drift", drift)):
        if spread is not None and spread < 0:
            raise DataError(f"{name} must be 0 or more, got {spread}.")
    for name, share in (("outliers", outliers), ("missing", missing)):
        if not 0 <= share <= 0.5:
            raise DataError(f"{name} must be from 0 to 0.5, got {share}.")
