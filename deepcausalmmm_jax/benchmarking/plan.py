"""What the suite measures, and at which sizes."""

from dataclasses import dataclass, field

from deepcausalmmm_jax.benchmarking.panels import Shape
from deepcausalmmm_jax.config.settings import Config


@dataclass(frozen=True)
class Plan:
    """Sizes of the suite; `Plan()` takes about five minutes on two cores, `Plan.quick()` below one.

    Attributes:
        single: shape of the panel that is fitted with the default and with the paper's model.
        paper: settings of the latter.
        full_fit: whether the default fit is run to its end.
        base: shape from which one size at a time departs.
        regions: numbers of regions.
        weeks: numbers of weeks.
        channels: numbers of channels.
        refit: shape of the panel that is refitted.
        replicates: numbers of refits.
        largest: shape of the fit whose peak memory is taken in a process of its own; None for none.
        matrix: rows of the matrices by which the machine is measured.
        epochs: in a chunk of a measurement.
        times: measurements of which the median is taken.
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
        """The same questions at sizes that say little but answer soon."""
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
