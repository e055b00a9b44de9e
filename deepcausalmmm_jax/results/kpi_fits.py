"""KpiFits: fits of several KPIs of the same media, side by side, and how far they share curves."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pandas as pd

from deepcausalmmm_jax.axes import CHANNEL
from deepcausalmmm_jax.checks import shown
from deepcausalmmm_jax.errors import ConfigError, OutputError
from deepcausalmmm_jax.io.atomic_write import write_text, written_together
from deepcausalmmm_jax.io.html_tables import html_tables
from deepcausalmmm_jax.io.write_csv import csv_text
from deepcausalmmm_jax.results import read_result
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult

KPI = "kpi"
KPIS_FILE, _POOLING, _FIT = "kpis.json", "pooling.csv", "fit.npz"
_SUMMARY = ("spend", "incremental_outcome", "pct_of_contribution", "roi", "mroi")
_POOLING_COLUMNS = ("parameter", "agreement", "evidence", "channels")


@dataclass(frozen=True, eq=False)
class KpiFits(Mapping[str, FitResult]):
    """Fits of several KPIs of the same media, by the name of the KPI: `fits["sales"]` is that of one.

    Each is what `fit` gives with its own `config`, whose `priors.curve` holds what the other KPIs say about its curves.

    Attributes:
        results: by KPI.
        pooling: a row for each curve parameter that may be shared: the `agreement` of the KPIs, the share of the prior
            variance that they have in common, 0 for curves of their own and 1 for one curve; its `evidence`, nats, of
            curves that have something in common against curves of each KPI's own; and the number of `channels` that two
            KPIs or more say something about.
    """

    results: Mapping[str, FitResult]
    pooling: pd.DataFrame

    def __getitem__(self, kpi: str) -> FitResult:
        if kpi not in self.results:
            raise ConfigError(f"There is no KPI {shown(kpi)}; known are {', '.join(self.results)}.")
        return self.results[kpi]

    def __iter__(self) -> Iterator[str]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    def __contains__(self, kpi: object) -> bool:
        return kpi in self.results

    def __repr__(self) -> str:
        shared = [f"{name} {rho:.2f}" for name, rho in self.pooling["agreement"].items()]
        return f"KpiFits({', '.join(self.results)}; agreement: {', '.join(shared) or 'not asked for'})"

    def _repr_html_(self) -> str:
        return html_tables({"KPIs and channels": self.summary(), "Curves shared": self.pooling}, "KpiFits", "")

    def summary(self, level: float = 0.9) -> pd.DataFrame:
        """KPIs and channels side by side.

        Args:
            level: of the intervals.

        Returns:
            By `kpi` and `channel`: those of the columns of `FitResult.media_summary` that compare KPIs, with `_low` and
            `_high` where the fits have draws. Spend is that of all KPIs together, so that the ROI of a channel by KPI
            add up where all are worth money.

        Raises:
            ConfigError: a level that is not between 0 and 1.
        """
        tables = {}
        for kpi, result in self.results.items():
            table = result.media_summary(level) if isinstance(result, Ensemble) else result.media_summary()
            names = [f"{name}{end}" for name in _SUMMARY for end in ("", "_low", "_high")]
            tables[kpi] = table[[name for name in names if name in table]]
        return pd.concat(tables, names=[KPI, CHANNEL])

    def curves(self) -> pd.DataFrame:
        """Parameters of the channels' curves, by `kpi` and `channel`; see `FitResult.curve_parameters`."""
        return pd.concat({kpi: one.curve_parameters for kpi, one in self.results.items()}, names=[KPI, CHANNEL])

    def save(self, folder: str | Path) -> Path:
        """Write each fit into a folder of its own, and the tables beside them; `load` reads the folder.

        Args:
            folder: made where it does not exist.

        Returns:
            The folder.

        Raises:
            OutputError: the folder cannot be written.
        """
        folder, places = Path(folder), _places(tuple(self.results))
        told = {"schema": 1, "kpis": [{"name": kpi, "folder": place} for kpi, place in places.items()]}
        with written_together(folder) as new:
            for kpi, place in places.items():
                self.results[kpi].save(new / place / _FIT)
            write_text(new / "summary.csv", csv_text(self.summary().reset_index(), index=False))
            write_text(new / _POOLING, csv_text(self.pooling.reset_index(), index=False))
            write_text(new / KPIS_FILE, json.dumps(told, indent=1))
        return folder

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read what `save` wrote.

        Raises:
            OutputError: there is nothing of the kind, or it is damaged.
        """
        folder = Path(folder)
        try:
            told = json.loads((folder / KPIS_FILE).read_text(encoding="utf-8"))
            places = {entry["name"]: str(entry["folder"]) for entry in told["kpis"]}
            pooling = pd.read_csv(folder / _POOLING)[list(_POOLING_COLUMNS)].set_index("parameter")
        except Exception:  # whatever damaged JSON or CSV raises
            raise OutputError(f"{folder} holds no saved fits of several KPIs.") from None
        if any(Path(place).name != place for place in places.values()):
            raise OutputError(
                f"{folder / KPIS_FILE} names a folder outside {folder}: it was changed since it was saved."
            )
        return cls({kpi: read_result.load(folder / place / _FIT) for kpi, place in places.items()}, pooling)


def _places(kpis: tuple[str, ...]) -> dict[str, str]:
    """A folder's name for each KPI, readable and each once, whatever the KPIs are called."""
    found: dict[str, str] = {}
    for kpi in kpis:
        plain = re.sub(r"[^\w-]+", "_", kpi).strip("_") or "kpi"
        taken = {name.lower() for name in found.values()}
        number, name = 2, plain
        while name.lower() in taken:
            name, number = f"{plain}_{number}", number + 1
        found[kpi] = name
    return found
