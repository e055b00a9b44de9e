"""Reading a fit or an ensemble back."""

from pathlib import Path

from deepcausalmmm_jax.results import checkpoint
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult


def load(path: str | Path) -> FitResult:
    """Read a fit, or an ensemble where refits were saved with it.

    Raises:
        OutputError: there is no such file, or it is not a saved fit.
    """
    fitted, replicates = checkpoint.read(path)
    return FitResult(fitted) if replicates is None else Ensemble(fitted, replicates)
