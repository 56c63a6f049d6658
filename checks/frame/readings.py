"""What checks say of what they saw: numbers (Measure) and truths (Fact), and the tables that give them a meaning."""

from __future__ import annotations

from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union


class Measure(Record):
    """One number that a reading offers."""

    item: str  # printable name of the bond, bridge, disk; "" for the host
    name: str  # in perfdata.catalogue
    value: int | float
    minimum: int | float | None = None
    maximum: int | float | None = None


class Fact(Record):
    """What is true of an item without being a number. ``code`` is a key of its check's FACTS."""

    item: str
    code: str
    parameters: tuple[tuple[str, object], ...] = ()


if TYPE_CHECKING:
    Finding = Union[Measure, Fact]
else:
    Finding = (Measure, Fact)  # for isinstance


class FactRule(Record):
    """What a fact means: the one row per code in a check's FACTS."""

    state: int  # of perfdata.outcome
    words: str  # format string over the fact's parameters and {item}
    next_step: str = ""  # the same; what the person who is paged does about it


class Levels(Record):
    """Default thresholds of one measure: the row that options, --help and definitions are made from."""

    warning: str = ""  # Nagios range, "" for none
    critical: str = ""
    why: str = ""  # one sentence for --help: why this default


def fact(item: str, code: str, **parameters: object) -> Fact:
    """A Fact with its parameters by name."""
    return Fact(item, code, tuple(parameters.items()))
