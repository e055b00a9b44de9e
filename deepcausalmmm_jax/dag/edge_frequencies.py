"""What `bootstrap_dag` returns: how often each edge is found in resampled rows, and how its weight varies."""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from deepcausalmmm_jax.checks import is_number, shown
from deepcausalmmm_jax.dag.learned_graph import Noise
from deepcausalmmm_jax.errors import ConfigError


@dataclass(frozen=True, eq=False)
class EdgeFrequencies:
    """How often each edge is found when observations are resampled.

    Attributes:
        frequency: `[variable, variable]`, share of replicates with the edge i -> j.
        lagged_frequency: `[lag, variable, variable]`, the same from 1, 2, ... rows before.
        low: `[variable, variable]`, lower end of the interval of the weight, with 0 in replicates without the edge.
        high: upper end of it.
        lagged_low: `[lag, variable, variable]`, as `low`.
        lagged_high: as `high`.
        level: of the intervals, 0 to 1.
        noise: `equal` or `unequal`, as found or asked for on all rows.
        replicates: number of resamples.
        names: of the variables.
    """

    frequency: np.ndarray
    lagged_frequency: np.ndarray
    low: np.ndarray
    high: np.ndarray
    lagged_low: np.ndarray
    lagged_high: np.ndarray
    level: float
    noise: Noise
    replicates: int
    names: tuple[Hashable, ...]

    def stable_edges(self, min_frequency: float = 0.8) -> list[tuple[Hashable, Hashable, float]]:
        """Edges within a row found at least this often, as (source, target, frequency), the most frequent first.

        Raises:
            ConfigError: `min_frequency` is not between 0 and 1.
        """
        if not is_number(min_frequency) or not 0 <= min_frequency <= 1:
            raise ConfigError(f"min_frequency is a share of the replicates, 0 to 1, got {shown(min_frequency)}.")
        found = [
            (self.names[i], self.names[j], float(self.frequency[i, j])) for i, j in np.argwhere(self.frequency > 0)
        ]
        return sorted((edge for edge in found if edge[2] >= min_frequency), key=lambda edge: -edge[2])

    def table(self) -> pd.DataFrame:
        """One row per edge that was ever found, the most frequent first.

        Columns: source, target, lag, frequency, either_way, low, high.

        `either_way` is the share of replicates with an edge between the two in either direction: where it is high and
        `frequency` is not, the link is certain but its direction is not.
        """
        blocks = [(0, self.frequency, self.low, self.high)]
        lagged = zip(self.lagged_frequency, self.lagged_low, self.lagged_high, strict=True)
        blocks += [(lag, *block) for lag, block in enumerate(lagged, start=1)]
        rows = []
        for lag, frequency, low, high in blocks:
            for i, j in np.argwhere(frequency > 0):
                if i != j:
                    either = frequency[i, j] + (frequency[j, i] if lag == 0 else 0.0)
                    rows.append((self.names[i], self.names[j], lag, frequency[i, j], either, low[i, j], high[i, j]))
        columns = ["source", "target", "lag", "frequency", "either_way", "low", "high"]
        return pd.DataFrame(rows, columns=columns).sort_values("frequency", ascending=False, ignore_index=True)
