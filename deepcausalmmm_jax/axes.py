"""Names of the axes and of the components, in one place."""

from typing import Final

REGION: Final = "region"
TIME: Final = "time"
CHANNEL: Final = "channel"
COMPONENT: Final = "component"

BASELINE: Final = "baseline"
TREND: Final = "trend"
SEASONALITY: Final = "seasonality"

STRUCTURAL_COMPONENTS: Final = (BASELINE, TREND, SEASONALITY)
