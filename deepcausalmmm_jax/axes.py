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

ALL_MEDIA: Final = "all media"  # rows of totals below those of channels
PAID_MEDIA: Final = "paid media"

RESERVED: Final = (*STRUCTURAL_COMPONENTS, "kpi", "prediction", ALL_MEDIA, PAID_MEDIA)  # no column may be called so

Variables = Mapping[str, Any]  # of a model: `params`, which are trained, and `fitted`, which training sets otherwise

ArrayT = TypeVar("ArrayT")  # kind of the arrays that a container holds: NumPy on the host, JAX on a device
