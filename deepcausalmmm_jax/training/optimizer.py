"""Optimiser: Adam with clipped gradients and a step size that is set from outside."""

import optax


def make_optimizer() -> optax.GradientTransformation:
    """Adam (Kingma & Ba 2015) without a step size: the caller multiplies by it and may cut it during a fit.

    Squared gradients are averaged over a hundred epochs. Over Adam's usual thousand, the large gradients of the first
    epochs would keep the steps small for the whole fit.
    """
    return optax.chain(optax.clip_by_global_norm(1.0), optax.scale_by_adam(b1=0.95, b2=0.99))
