"""How many cases the fuzzers try: 200 in all by default, 5,000 by `make fuzz`."""

import os

from hypothesis import HealthCheck, settings

_SHARE = {"tables": 0.5, "settings": 0.3, "files": 0.1, "commands": 0.1}
_ALL = int(os.environ.get("DEEPCAUSALMMM_JAX_FUZZ", "200"))


def cases(kind: str) -> settings:
    """Settings of Hypothesis for one kind of input."""
    return settings(
        max_examples=max(1, int(_SHARE[kind] * _ALL)),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    )
