"""Names of axes and components."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

REGION: Final = "region"
TIME: Final = "time"
CHANNEL: Final = "channel"
COMPONENT: Final = "component"

BASELINE: Final = "baseline"
TREND: Final = "trend"
SEASONALITY: Final = "seasonality"

STRUCTURAL_COMPONENTS: Final = (BASELINE, TREND, SEASONALITY)

Variables = Mapping[str, Any]  # of a model: `params`, which are trained, and `fitted`, which training sets otherwise

ArrayT = TypeVar("ArrayT")  # kind of the arrays that a container holds: NumPy on the host, JAX on a device
