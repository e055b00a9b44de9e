"""Plans where a channel was paused, is new, or ran at 3 % of its usual level, against a solver that is not ours."""

import dataclasses
import time

import numpy as np
from scipy.optimize import minimize

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.horizon import past_weeks
from deepcausalmmm_jax.planning.cells import cells_of
from deepcausalmmm_jax.planning.outcome import REVENUE, Outcome

WEEKS = 8
MULTIPLES = (0.1, 0.5, 1.0, 1.5, 2.5, 5.0)  # of today's total
KINDS = {"as it was": 1.0, "at 3 %": 0.03, "paused": 0.0, "new": None}
_DRAWS, _POLISHED = 20_000, 12


def cases(seed=0, channels=4, epochs=600):
    """By kind and total: outcome of our plan over that of the other solver's best, and the seconds of a plan."""
    panel, _ = dcm.simulate(6, 104, channels, 2, seed=seed)
    result = dcm.fit(panel, dcm.Config(training=dcm.Training(max_epochs=epochs)), progress=False).fitted
    found = {}
    for name, share in KINDS.items():
        changed = _with_channel(result, share)
        outcome, today = _outcome(changed)
        for multiple in MULTIPLES:
            total = multiple * today.sum()
            began = time.perf_counter()
            plan = dcm.optimize_budget(dcm.FitResult(changed), total, weeks=WEEKS, limit=None)
            seconds = time.perf_counter() - began
            ours = outcome(plan.table["spend_plan"].to_numpy()[None])[0]
            best = _best(outcome, total, len(today), np.random.default_rng(seed))
            found[f"{name}, {multiple:g} x today"] = {
                "plan_over_other_solver": ours / best,
                "starts_at_best": f"{plan.starts_at_best} of {len(plan.starts)}",
                "seconds": seconds,
            }
    return found


def _with_channel(fitted, share):
    """The first channel in the planned weeks at a share of what it was; None for off in all weeks but eight."""
    panel = fitted.panel
    exposure, spend = panel.exposure.copy(), panel.spend.copy()
    late = slice(-WEEKS, None) if share is not None else slice(8, None)
    exposure[:, late, 0] *= share or 0.0
    spend[:, late, 0] *= share or 0.0
    return dataclasses.replace(fitted, panel=dataclasses.replace(panel, exposure=exposure, spend=spend))


def _outcome(fitted):
    """Revenue of plans `[plan, channel]` above no media, and today's spend."""
    fit = FittedPanel.of(fitted)
    horizon = past_weeks(fit, WEEKS)
    cells = cells_of(horizon, "channel", fitted.scales.exposure)
    outcome = Outcome(fit, None, horizon, cells)
    none = outcome.values(np.zeros((1, len(cells))), np.zeros((1, outcome.n_channels)))[0, 0, REVENUE].sum()
    return lambda plans: outcome.values(plans)[:, 0, REVENUE].sum(axis=-1) - none, cells.today


def _best(outcome, total, n, rng):
    """The best of many random plans, the best of them polished by Nelder and Mead's simplex."""
    shares = np.concatenate([rng.dirichlet(np.full(n, a), _DRAWS // 4) for a in (0.2, 0.5, 1.0, 3.0)])
    values = outcome(total * shares)
    unit = values.max()

    def falling(logs):
        plan = np.exp(logs - logs.max())
        return -outcome(total * plan[None] / plan.sum())[0] / unit

    starts = np.log(np.maximum(shares[np.argsort(-values)[:_POLISHED]], 1e-6))
    ended = [minimize(falling, start, method="Nelder-Mead", options={"maxfev": 400}) for start in starts]
    return unit * max(1.0, *(-end.fun for end in ended))
