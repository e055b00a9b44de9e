"""Numbers of any size are shown in significant digits, and never as zero or as powers of ten."""

import pytest

from deepcausalmmm_jax.io.plain_numbers import plain_number


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (1234567.8, 4, "1,234,568"),
        (1234.5, 3, "1,234"),
        (1234.5, 6, "1,234.5"),
        (-999.96, 4, "-1,000"),
        (12.5, 4, "12.5"),
        (0.17, 3, "0.17"),
        (0.00042317, 3, "0.000423"),
        (2.5e-7, 3, "0.00000025"),
        (-3e-12, 3, "0"),
        (0.0, 3, "0"),
        (float("inf"), 3, "inf"),
    ],
)
def test_a_number_is_written_in_its_significant_digits(value, digits, text):
    assert plain_number(value, digits) == text
