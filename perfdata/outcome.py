"""What a check concluded, as plain data: the one input of every renderer."""

from __future__ import annotations

from perfdata.record import Record

OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
STATE_WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")

# A certain fault outranks a doubt, and a doubt outranks a warning: with UNKNOWN on top (its exit code is the
# highest), one unreadable item would hide the item that is burning.
BY_SEVERITY = (CRITICAL, UNKNOWN, WARNING, OK)


def worst(states: list[int]) -> int:
    """The state that wins, in the order CRITICAL, UNKNOWN, WARNING, OK; UNKNOWN when there is none at all."""
    for state in BY_SEVERITY:
        if state in states:
            return state
    return UNKNOWN


class Value(Record):
    """One measured number with the thresholds it was judged by."""

    item: str  # what it was measured on, printable: "docker0"; "" for the host itself
    measure: str  # its name in the catalogue
    value: int | float  # in the catalogue's unit
    warning: str = ""  # Nagios range in the value's unit, "" when none was set
    critical: str = ""
    minimum: int | float | None = None
    maximum: int | float | None = None


class Detail(Record):
    """One line of long output, shown from this -v level on."""

    verbosity: int
    line: str


class Said(Record):
    """One fact of an item, judged and worded."""

    state: int
    code: str
    words: str
    next_step: str = ""


class Item(Record):
    """What was concluded of one item: its part of the verdict."""

    item: str  # as in the values; "" for the host itself
    title: str  # how people call it
    state: int
    sentence: str
    lasting: bool = True  # it stays: monitoring systems that make a service of each item make one of it
    said: tuple[Said, ...] = ()


class Outcome(Record):
    """The verdict of one run of one check."""

    check: str  # "docker_bridge"
    state: int  # one of OK, WARNING, CRITICAL, UNKNOWN
    text: str  # one printable line without the status word
    details: tuple[Detail, ...] = ()
    values: tuple[Value, ...] = ()
    applies: bool = True  # False: there is nothing of this kind on this host
    items: tuple[Item, ...] = ()  # worst first; none when nothing could be judged item by item
