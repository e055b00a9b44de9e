"""`load`: whatever was saved, a fit, an ensemble or a plan, from its file or its folder."""

from pathlib import Path

from deepcausalmmm_jax.checks import shown
from deepcausalmmm_jax.errors import OutputError
from deepcausalmmm_jax.planning.budget_plan import BudgetPlan
from deepcausalmmm_jax.planning.plan_files import PLAN_FILE
from deepcausalmmm_jax.results import read_result
from deepcausalmmm_jax.results.kpi_fits import KPIS_FILE, KpiFits

ENSEMBLE_FILE, FIT_FILE = "ensemble.npz", "fit.npz"


def load(path: str | Path) -> object:
    """Open what was saved: a fit, an ensemble where draws or refits were saved with it, fits of several KPIs, a plan.

    Args:
        path: a file that `save` wrote, or a folder: of the commands `fit`, `fit-kpis`, `update` or `bootstrap`, of
            `BudgetPlan.save` or `KpiFits.save`, or one with a single saved result. Of an ensemble and a fit in one
            folder, the ensemble.

    Returns:
        A `FitResult`, an `Ensemble`, a `KpiFits` or a `BudgetPlan`.

    Raises:
        OutputError: nothing was saved there, it is damaged, or it is unclear which of several results is meant.
    """
    try:
        place = Path(path)
        is_folder = place.is_dir()
    except (TypeError, ValueError, OSError):
        raise OutputError(f"load needs the path of a file or folder, got {shown(path)}.") from None
    if not is_folder:
        if place.name == KPIS_FILE:
            return KpiFits.load(place.parent)
        return BudgetPlan.load(place.parent) if place.name == PLAN_FILE else read_result.load(place)
    if (place / KPIS_FILE).is_file():
        return KpiFits.load(place)
    found = _result_in(place)
    plan = (place / PLAN_FILE).is_file()
    if found is not None and plan:
        raise OutputError(f"{place} holds a fit and a plan; say which, as {found} or {place / PLAN_FILE}.")
    if plan:
        return BudgetPlan.load(place)
    if found is None:
        raise OutputError(f"{place} holds no saved fit, ensemble or plan; name the folder or the file of one.")
    return read_result.load(found)


def result_file(run: Path) -> Path:
    """The saved result of a run: its own path, or in a folder the ensemble if there is one, else the fit.

    Raises:
        OutputError: the folder is one of several KPIs, each of which is a run of its own.
    """
    if not run.is_dir():
        return run
    if (run / KPIS_FILE).is_file():
        each = [str(fit.parent) for fit in sorted(run.glob(f"*/{FIT_FILE}"))]
        raise OutputError(f"{run} holds fits of several KPIs; name the folder of one of them: {', '.join(each)}.")
    return run / ENSEMBLE_FILE if (run / ENSEMBLE_FILE).exists() else run / FIT_FILE


def _result_in(folder: Path) -> Path | None:
    """The file of the one result in a folder; None without one."""
    named = result_file(folder)
    if named.is_file():
        return named
    others = sorted(folder.glob("*.npz"))
    if len(others) > 1:
        raise OutputError(f"{folder} holds {len(others)} .npz files; name one of them, such as {others[0]}.")
    return others[0] if others else None
