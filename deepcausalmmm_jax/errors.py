"""What can go wrong, as exceptions with one clear sentence each, and the ways a fit can end."""

from enum import IntEnum


class DeepCausalMMMError(Exception):
    """Base of all errors that this package raises on purpose; the text is one sentence for the user."""


class DataError(DeepCausalMMMError, ValueError):
    """The table, the panel or the request does not fit the data: names the column, region or week."""


class DataWarning(UserWarning):
    """The panel can be learned from, but something in it should be known first: names the column, region or week."""


class ConfigError(DeepCausalMMMError, ValueError):
    """A setting is unknown, of the wrong kind or out of range: names the setting."""


class FitError(DeepCausalMMMError, RuntimeError):
    """Training ended without usable parameters."""


class PlanError(DeepCausalMMMError, RuntimeError):
    """A plan was found that misses a limit: names the limit, and by how much."""


class OutputError(DeepCausalMMMError, OSError):
    """A file or folder cannot be read or written: names the path."""


class FitStatus(IntEnum):
    """How training ended. Inside compiled code it is the number; `sentence` is for people."""

    RUNNING = 0
    CONVERGED = 1
    EPOCH_LIMIT = 2
    DIVERGED = 3
    COMPLETED = 4
    TAKEN_OVER = 5
    WORSE_THAN_MEAN = 6

    @property
    def sentence(self) -> str:
        """One sentence on what the status means and what to do."""
        return _SENTENCES[self]


_SENTENCES = {
    FitStatus.WORSE_THAN_MEAN: "The fit failed: it predicts its own training weeks worse than the regional means do; "
    "no figure of it can be trusted; look for weeks with a wrong KPI, or for controls that run away.",
    FitStatus.TAKEN_OVER: "Weights were taken over from the published package; nothing was trained here.",
    FitStatus.COMPLETED: "All epochs of the published schedule were run.",
    FitStatus.RUNNING: "Training was interrupted before the objective stopped falling.",
    FitStatus.CONVERGED: "The training objective stopped falling.",
    FitStatus.EPOCH_LIMIT: "The limit of epochs was reached while the objective was still falling; raise max_epochs.",
    FitStatus.DIVERGED: "The training objective became infinite or NaN; lower the learning rate or check the data "
    "for extreme values.",
}
