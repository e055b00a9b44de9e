"""What the suite measures, and at which sizes."""

from dataclasses import dataclass, field

from deepcausalmmm_jax.benchmarking.panels import Shape
from deepcausalmmm_jax.config.settings import Config


@dataclass(frozen=True)
class Plan:
    """Sizes of the suite; `Plan()` takes about five minutes on two cores, `Plan.quick()` less than one.

    Attributes:
        single: shape of the panel that the default model and the paper's model are fitted to.
        paper: settings of the paper's model.
        full_fit: whether a whole default fit is run.
        base: shape of which one size at a time is varied.
        regions: numbers of regions.
        weeks: numbers of weeks.
        channels: numbers of channels.
        refit: shape of the panel that is refitted.
        replicates: numbers of refits.
        largest: shape of the fit whose peak memory is measured in a separate process; None skips it.
        matrix: rows of the matrices that the machine's limits are measured with.
        epochs: per measured chunk.
        times: measurements; the median counts.
    """

    single: Shape = (190, 101, 13, 7)
    paper: Config = field(default_factory=Config.paper)
    full_fit: bool = True
    base: Shape = (200, 104, 10, 3)
    regions: tuple[int, ...] = (50, 200, 800, 3200)
    weeks: tuple[int, ...] = (52, 104, 208, 416)
    channels: tuple[int, ...] = (5, 10, 20, 40)
    refit: Shape = (20, 120, 5, 3)
    replicates: tuple[int, ...] = (1, 10, 100, 1000)
    largest: Shape | None = (3200, 208, 30, 3)
    matrix: int = 2048
    epochs: int = 5
    times: int = 3

    @classmethod
    def quick(cls) -> "Plan":
        """The same questions at sizes too small to be informative but quick to run."""
        return cls(
            single=(8, 40, 3, 1),
            paper=Config.paper(hidden_size=16, epochs=50),
            full_fit=False,
            base=(8, 40, 3, 1),
            regions=(8, 32),
            weeks=(40,),
            channels=(3,),
            refit=(8, 40, 3, 1),
            replicates=(4, 16),
            largest=None,
            matrix=512,
            epochs=2,
        )
