"""Optimiser: Adam with clipped gradients, its step size set from outside."""

import optax


def make_optimizer() -> optax.GradientTransformation:
    """Adam (Kingma & Ba 2015) without a step size: the caller multiplies, so that it may cut the step in flight.

    Squared gradients are remembered over a hundred epochs: over a thousand, the large ones of the first epochs would
    hold back the steps for as long as a fit lasts.
    """
    return optax.chain(optax.clip_by_global_norm(1.0), optax.scale_by_adam(b1=0.95, b2=0.99))
