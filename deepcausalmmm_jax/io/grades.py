"""Grades of findings: what a reader has to do about them."""

from enum import StrEnum


class Grade(StrEnum):
    """How a check of data, of an estimate or of a plan ended."""

    NOT_RUN = "not run"  # nobody looked: neither good nor bad
    PASS = "pass"  # nothing to do
    LOOK = "look"  # read it before the result is used
    FAIL = "fail"  # mend it before the result is used


ORDER = tuple(Grade)  # from what asks for least to what asks for most
