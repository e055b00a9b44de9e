import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.checks import amount, did_you_mean, is_number, whole_number


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_whole_numbers_of_every_kind_come_back_as_int(value):
    assert whole_number("draws", value) == 3
    assert type(whole_number("draws", value)) is int


@pytest.mark.parametrize("value", [2, True, 3.0, "3", None, np.bool_(True), np.nan])
def test_what_is_no_whole_number_or_too_small_is_refused(value):
    with pytest.raises(dcm.ConfigError, match="^draws must be a whole number, 3 or more, got "):
        whole_number("draws", value, 3)


@pytest.mark.parametrize(("value", "right"), [(1, True), (np.float32(2.5), True), (True, False), (np.inf, False), ("1", False), (None, False)])  # fmt: skip
def test_numbers_are_finite_and_no_truth_values(value, right):
    assert is_number(value) is right


def test_a_name_that_is_close_is_suggested_and_else_the_message_ends_as_asked():
    assert did_you_mean("chanel", ["tv", "channel"]) == "; did you mean 'channel'?"
    assert did_you_mean("mars", ["tv", "channel"]) == "."
    assert did_you_mean(7, ["tv"], "; known are tv.") == "; known are tv."


@pytest.mark.parametrize(("value", "text"), [(1e6, "1,000,000"), (1.087461234e8, "108,746,000"), (0.25, "0.25"), (5, "5"), (1e12, "1,000,000,000,000")])  # fmt: skip
def test_amounts_have_six_digits_and_no_exponent(value, text):
    assert amount(value) == text
