"""Panels whose effects multiply: errors and coverage of shares beside the plain panel's, and the link by its evidence.

Run as `python benchmarks/link.py FIRST LAST`, seeds of the panels; one line a panel and link, and the means at the end.
"""

import sys
from typing import NamedTuple

import numpy as np

import deepcausalmmm_jax as dcm

SIZE = (1, 156, 3, 1)  # regions, weeks, channels, controls
_DRAWS = 200


class Row(NamedTuple):
    """What a fit with the true link says of one panel."""

    seed: int
    link: str
    error: float  # mean absolute error of the shares, percentage points
    inside: float  # share of the true shares within their 90 % intervals
    chosen: str  # by evidence
    lead: float  # of the log link, nats


def row_of(seed: int, link: str) -> Row:
    """Fit a simulated panel with its own link and let the evidence choose."""
    panel, truth = dcm.simulate(*SIZE, seed=seed, link=link)  # type: ignore[arg-type]
    posterior = dcm.PosteriorSettings(draws=_DRAWS)
    found = dcm.fit(panel, dcm.Config(link="auto", posterior=posterior), holdout=None, progress=False)
    evidence = found.link_evidence()
    lead = float(evidence.loc["log", "log_evidence"] - evidence.loc["identity", "log_evidence"])
    result = found
    if found.config.link != link:
        result = dcm.fit(panel, dcm.Config(link=link, posterior=posterior), holdout=None, progress=False)  # type: ignore[arg-type]
    assert isinstance(result, dcm.Ensemble)
    true = 100.0 * truth.parameters["share"].to_numpy()
    drawn = result.share_draws().to_numpy()
    low, high = np.quantile(drawn, [0.05, 0.95], axis=0)
    error = float(np.abs(drawn.mean(axis=0) - true).mean())
    inside = float(((low <= true) & (true <= high)).mean())
    return Row(seed, link, error, inside, found.config.link, lead)


def main() -> None:
    """Fit panels of both links."""
    first, last = int(sys.argv[1]), int(sys.argv[2])
    dcm.keep_programs()
    rows = []
    for seed in range(first, last + 1):
        for link in ("identity", "log"):
            rows.append(row_of(seed, link))
            print(*rows[-1], flush=True)
    for link in ("identity", "log"):
        own = [row for row in rows if row.link == link]
        error, inside = (np.mean([getattr(row, name) for row in own]) for name in ("error", "inside"))
        right = np.mean([row.chosen == link for row in own])
        print(f"{link}: error {error:.2f} points, coverage {inside:.0%}, chosen by evidence {right:.0%}, n={len(own)}")


if __name__ == "__main__":
    main()
