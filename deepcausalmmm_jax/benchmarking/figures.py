"""Types of the suite's figures, ready for JSON."""

from typing import NotRequired, TypedDict

Figures = dict[str, float]  # by name; the unit is part of the name
Row = dict[str, str | float]  # figures, and what they were measured on


class MachineFacts(TypedDict):
    """Machine, devices and versions."""

    processor: str
    cores: int
    platform: str
    devices: list[str]
    python: str
    versions: dict[str, str]


class SuiteFigures(TypedDict):
    """Figures by question."""

    machine: MachineFacts
    ceilings: Figures  # measured limits of the machine
    single: list[Row]  # by model
    scaling: list[Row]  # against one size at a time
    exponents: Figures  # by axis
    replicates: list[Figures]  # refits, against their number
    workers: list[Figures]  # refits, against cores or devices
    largest: NotRequired[Figures]  # peak memory of a large fit
    seconds: float  # of the whole suite
