"""Exceptions of the package, and the ways a fit can end."""

from enum import IntEnum


class DeepCausalMMMError(Exception):
    """Base class of all errors that this package raises deliberately; the message is one sentence for the user."""


class DataError(DeepCausalMMMError, ValueError):
    """The table, the panel or the request is invalid; the message names the column, region or week."""


class DataWarning(UserWarning):
    """The panel can be fitted, but has a problem that the user should know; names the column, region or week."""


class ConfigError(DeepCausalMMMError, ValueError):
    """A setting is unknown, of the wrong type or out of range; the message names it."""


class FitError(DeepCausalMMMError, RuntimeError):
    """Training ended without usable parameters."""


class PlanError(DeepCausalMMMError, RuntimeError):
    """The plan found violates a limit; the message names the limit and the size of the violation."""


class OutputError(DeepCausalMMMError, OSError):
    """A file or folder cannot be read or written; the message names the path."""


class FitStatus(IntEnum):
    """How training ended: a number inside compiled code, and a `sentence` for the user."""

    RUNNING = 0
    CONVERGED = 1
    EPOCH_LIMIT = 2
    DIVERGED = 3
    COMPLETED = 4
    TAKEN_OVER = 5
    WORSE_THAN_MEAN = 6

    @property
    def sentence(self) -> str:
        """One sentence on the meaning of the status and what to do."""
        return _SENTENCES[self]


_SENTENCES = {
    FitStatus.WORSE_THAN_MEAN: "The fit failed: it predicts its own training weeks worse than the regional means do, "
    "so none of its figures can be trusted; look for weeks with a wrong KPI or controls with extreme values.",
    FitStatus.TAKEN_OVER: "Weights were imported from the published package; nothing was trained.",
    FitStatus.COMPLETED: "Training completed all epochs of the published schedule.",
    FitStatus.RUNNING: "Training was interrupted before it converged.",
    FitStatus.CONVERGED: "Training converged.",
    FitStatus.EPOCH_LIMIT: "Training reached max_epochs before it converged; raise max_epochs.",
    FitStatus.DIVERGED: "The training objective became infinite or NaN; lower the learning rate, or look for "
    "extreme values in the data.",
}
