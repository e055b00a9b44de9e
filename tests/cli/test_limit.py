import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.cli.planning import _limit


@pytest.mark.parametrize(
    ("text", "limit"), [("auto", "auto"), ("none", None), ("0.3", 0.3), ("0", 0.0), ("30%", "30%")]
)
def test_a_limit_is_a_share_or_a_word(text, limit):
    assert _limit(text) == limit


def test_another_word_is_refused():
    with pytest.raises(
        dcm.ConfigError, match="--limit must be a number such as 0.3 or 30%, auto or none, got 'a third'"
    ):
        _limit("a third")
