"""What every input must lead to: an answer of finite numbers, or one sentence of ours."""

import warnings
from collections.abc import Callable
from typing import TypeVar

from deepcausalmmm_jax.errors import DeepCausalMMMError

Answer = TypeVar("Answer")


def answered(run: Callable[[], Answer]) -> Answer | None:
    """The answer, or None where the input was refused; any other error fails the test that calls this."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return run()
        except DeepCausalMMMError as refusal:
            sentence = str(refusal)
            assert sentence.strip()
            assert "\n" not in sentence, sentence
            assert "Traceback" not in sentence
            assert len(sentence) < 1200, sentence
            return None
