"""Where a result comes from: data, settings, versions, machine, command and time."""

from dataclasses import dataclass
from typing import Self

import pandas as pd

from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.fingerprint import fingerprint
from deepcausalmmm_jax.training.fitted import Fitted
from deepcausalmmm_jax.training.origin import Origin

_SHORT = 12  # digits of a fingerprint or a commit that are shown


@dataclass(frozen=True)
class Provenance:
    """Everything needed to say how a result was produced, and to reproduce it; kept in saved runs.

    What is not known is empty: runs saved before schema 8 have their versions only.

    Attributes:
        fingerprint: of the panel: 64 hexadecimal digits that depend on its figures and names and not on the machine.
        config: settings.
        seed: of the random start.
        holdout: weeks that were held out.
        versions: of the package and the libraries that its numbers depend on.
        python: version of Python.
        platform: operating system and processor.
        device: kind of the device that JAX computes on by default.
        command: the command line, where there was one.
        finished: end of the training in UTC, as `2026-11-26T14:30:00+00:00`.
        commit: git commit of the package, where it was imported from a checkout.
        updated_from: fingerprint of the data of the run that this one updates; empty for a fit from a random start.
    """

    fingerprint: str
    config: Config
    seed: int
    holdout: int
    versions: dict[str, str]
    python: str
    platform: str
    device: str
    command: str
    finished: str
    commit: str
    updated_from: str

    @classmethod
    def of(cls, fitted: Fitted) -> Self:
        """The provenance of a fit."""
        origin = fitted.record.origin or Origin(versions={})
        return cls(
            fingerprint=fingerprint(fitted.panel),
            config=fitted.config,
            seed=fitted.seed,
            holdout=fitted.n_holdout_weeks,
            versions=dict(origin.versions),
            python=origin.python,
            platform=origin.platform,
            device=origin.device,
            command=origin.command,
            finished=origin.finished,
            commit=origin.commit,
            updated_from=origin.updated_from,
        )

    @property
    def table(self) -> pd.DataFrame:
        """Facts other than the settings, one a row, with the column `value`; empty where nothing is known."""
        facts: dict[str, object] = {
            "data": self.fingerprint[:_SHORT],
            "updated from data": self.updated_from[:_SHORT],
            "seed": self.seed,
            "weeks held out": self.holdout,
            "finished": self.finished,
            "command": self.command,
            "commit": self.commit[:_SHORT],
            "python": self.python,
            "platform": self.platform,
            "device": self.device,
        }
        facts |= self.versions
        return pd.DataFrame({"value": [str(value) for value in facts.values()]}, index=pd.Index(facts, name="fact"))

    def _repr_html_(self) -> str:
        return str(self.table.to_html())
