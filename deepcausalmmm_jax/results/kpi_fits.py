"""KpiFits: fits of several KPIs of the same media, side by side, and how far they share curves."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Self

import pandas as pd

from deepcausalmmm_jax.attribution.stage_effects import Fit, Outcome, mediated, stage_table
from deepcausalmmm_jax.axes import CHANNEL
from deepcausalmmm_jax.checks import shown
from deepcausalmmm_jax.errors import ConfigError, OutputError
from deepcausalmmm_jax.io.atomic_write import write_text, written_together
from deepcausalmmm_jax.io.html_tables import html_tables
from deepcausalmmm_jax.io.output_path import output_path
from deepcausalmmm_jax.io.write_csv import csv_text
from deepcausalmmm_jax.results import read_result
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult

KPI = "kpi"
KPIS_FILE, _POOLING, _FIT, _GIVEN = "kpis.json", "pooling.csv", "fit.npz", "given_earlier_stages"
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
        funnel: KPIs that lead to each other, first to last; empty where none was asked for.
        given: by KPI of the funnel after the first, a fit with the stages before it among its controls, so that its
            channels have only the effects that bypass these stages. `effects` reads it.
    """

    results: Mapping[str, FitResult]
    pooling: pd.DataFrame
    funnel: tuple[str, ...] = ()
    given: Mapping[str, FitResult] = field(default_factory=dict)

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
        tables = {"KPIs and channels": self.summary(), "Curves shared": self.pooling}
        tables |= {"Through earlier stages": self.effects()} if self.funnel else {}
        return html_tables(tables, "KpiFits", "")

    def summary(self, level: float = 0.9) -> pd.DataFrame:
        """KPIs and channels side by side.

        Args:
            level: of the intervals.

        Returns:
            By `kpi` and `channel`: those of the columns of `FitResult.media_summary` that compare KPIs, with `_low` and
            `_high` where the fits have draws; and `roi_of`, what ROI and marginal ROI count per unit of spend:
            `revenue`, or the KPI where it has none. Spend is that of all KPIs together, up to the KPI's last week, so
            that a channel's ROIs add up over KPIs where all of them have a revenue and end in the same week.

        Raises:
            ConfigError: a level that is not between 0 and 1.
        """
        tables = {}
        for kpi, result in self.results.items():
            table = result.media_summary(level) if isinstance(result, Ensemble) else result.media_summary()
            names = [f"{name}{end}" for name in _SUMMARY for end in ("", "_low", "_high")]
            of = kpi if result.panel.revenue_per_kpi is None else "revenue"
            tables[kpi] = table[[name for name in names if name in table]].assign(roi_of=of)
        return pd.concat(tables, names=[KPI, CHANNEL])

    def effects(self, level: float = 0.9) -> pd.DataFrame:
        """How much of what media do to a KPI of the funnel goes through the stages before it.

        The total is that of the KPI's own fit. What goes through a stage is the channel's effect on it times the effect
        of a unit of the stage on the KPI where media are held; the rest is direct. A common cause of the stages that is
        not among the controls makes the split wrong, and leaves the total as it is. Draws of the fits are taken as
        independent.

        Args:
            level: of the intervals, which there are where all fits have draws.

        Returns:
            By `kpi`, the first of the funnel left out, and `channel`: see `attribution.stage_effects.stage_table`.

        Raises:
            ConfigError: the KPIs were fitted without a funnel, or a level that is not between 0 and 1.
        """
        if not self.funnel:
            raise ConfigError(
                'These KPIs were fitted without a funnel; name one, as in fit_kpis(..., funnel=["visits", "sales"]).'
            )
        tables = {}
        for later, kpi in enumerate(self.funnel[1:], 1):
            own = self.results[kpi]
            drawn = own.draws("incremental_outcome").to_numpy() if isinstance(own, Ensemble) else None
            total = Outcome(FitResult.media_summary(own)["incremental_outcome"].to_numpy(), drawn)
            parts = partial(stage_table, own.panel.channels, total, self._mediated[kpi], self.funnel[:later])
            tables[kpi] = own._told(parts, level)
        return pd.concat(tables, names=[KPI, CHANNEL])

    @cached_property
    def _mediated(self) -> dict[str, Outcome]:
        """What goes through earlier stages, by KPI."""
        found = {}
        for later, kpi in enumerate(self.funnel[1:], 1):
            stages = [Fit(one.fitted_panel, one._members) for one in map(self.__getitem__, self.funnel[:later])]
            given = Fit(self.given[kpi].fitted_panel, self.given[kpi]._members)
            found[kpi] = mediated(stages, given, self.results[kpi].panel.past)
        return found

    def curves(self) -> pd.DataFrame:
        """Parameters of the channels' curves, by `kpi` and `channel`; see `FitResult.curve_parameters`."""
        return pd.concat({kpi: one.curve_parameters for kpi, one in self.results.items()}, names=[KPI, CHANNEL])

    def save(self, folder: str | Path) -> Path:
        """Write each fit into a folder of its own, and the tables beside them; `load` reads the folder.

        Args:
            folder: made where it does not exist; files of the same names in it are replaced.

        Returns:
            The folder.

        Raises:
            OutputError: the folder cannot be written.
        """
        folder, places = output_path(folder), _places(tuple(self.results))
        told = {"schema": 1, "kpis": [{"name": kpi, "folder": place} for kpi, place in places.items()]}
        told |= {"funnel": list(self.funnel)} if self.funnel else {}
        with written_together(folder) as new:
            for kpi, place in places.items():
                self.results[kpi].save(new / place / _FIT)
            for kpi, one in self.given.items():
                one.save(new / _GIVEN / places[kpi] / _FIT)
            write_text(new / "summary.csv", csv_text(self.summary().reset_index(), index=False))
            if self.funnel:
                write_text(new / "effects.csv", csv_text(self.effects().reset_index(), index=False))
            write_text(new / _POOLING, csv_text(self.pooling.reset_index(), index=False))
            write_text(new / KPIS_FILE, json.dumps(told, indent=1))
        return folder

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read what `save` wrote.

        Raises:
            OutputError: there is no such folder, or it is damaged.
        """
        folder = Path(folder)
        try:
            told = json.loads((folder / KPIS_FILE).read_text(encoding="utf-8"))
            places = {entry["name"]: str(entry["folder"]) for entry in told["kpis"]}
            funnel = tuple(str(kpi) for kpi in told.get("funnel", ()))
            given_places = {kpi: places[kpi] for kpi in funnel[1:]}
            pooling = pd.read_csv(folder / _POOLING)[list(_POOLING_COLUMNS)].set_index("parameter")
        except Exception:  # whatever damaged JSON or CSV raises
            raise OutputError(f"{folder} holds no saved fits of several KPIs.") from None
        if any(Path(place).name != place for place in places.values()):
            raise OutputError(
                f"{folder / KPIS_FILE} names a folder outside {folder}: it was changed after it was saved."
            )
        results = {kpi: read_result.load(folder / place / _FIT) for kpi, place in places.items()}
        given = {kpi: read_result.load(folder / _GIVEN / place / _FIT) for kpi, place in given_places.items()}
        return cls(results, pooling, funnel, given)


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
