"""Smoothing: the likely course of a state over weeks of which each says something, and how likely all of it is."""

import jax
import jax.numpy as jnp
from jax import Array


def smoothed(transition: Array, moved: Array, start: Array, information: Array, evidence: Array) -> tuple[Array, Array]:
    r"""Mean of a Gaussian state $x_{t+1} = F x_t + w_t$ given all weeks, and the log-likelihood of what they say.

    Week t adds $-\frac12 x' J_t x + h_t' x$ to the log-density of its state, however many series it was seen in. The
    filter runs in that form, and the smoother is the one that goes back with adjoints (Bryson & Frazier 1963), so that
    no covariance of a state is ever inverted; it may be singular.

    Args:
        transition: F, `[state, state]`.
        moved: covariance of w, `[state, state]`.
        start: covariance of the state of the first week, with mean zero, `[state, state]`.
        information: J, `[week, state, state]`; zero in weeks without a word.
        evidence: h, `[week, state]`.

    Returns:
        The mean, `[week, state]`, and the log-likelihood, nats, without what does not hang on F, w and the start.
    """
    identity = jnp.eye(start.shape[0])

    def forward(state: tuple[Array, Array], week: tuple[Array, Array]) -> tuple[tuple[Array, Array], tuple[Array, ...]]:
        mean, covariance = state
        said, seen = week
        through = jnp.linalg.inv(identity + said @ covariance)  # (I + J P)^-1
        surprise = seen - said @ mean
        gained = covariance @ through
        _, spread = jnp.linalg.slogdet(through)
        worth = 0.5 * surprise @ gained @ surprise + seen @ mean - 0.5 * mean @ said @ mean + 0.5 * spread
        ahead = transition @ (mean + gained @ surprise)
        wide = transition @ (0.5 * (gained + gained.T)) @ transition.T + moved
        return (ahead, wide), (mean, covariance, through, surprise, worth)

    begin = (jnp.zeros(start.shape[0]), start)
    _, (means, covariances, through, surprises, worths) = jax.lax.scan(forward, begin, (information, evidence))

    def backward(adjoint: Array, week: tuple[Array, Array, Array, Array]) -> tuple[Array, Array]:
        mean, covariance, through, surprise = week
        here = through @ (surprise + transition.T @ adjoint)
        return here, mean + covariance @ here

    nothing = jnp.zeros(start.shape[0])
    _, course = jax.lax.scan(backward, nothing, (means, covariances, through, surprises), reverse=True)
    return course, worths.sum()
