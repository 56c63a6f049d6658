"""What a site knows of a check: rows made from the check's own tables."""

from __future__ import annotations

from perfdata.catalogue import CATALOGUE, Kind
from perfdata.record import Record


class Level(Record):
    """Default thresholds of a measure, as Nagios ranges; "" for none."""

    measure: str
    warning: str
    critical: str
    why: str


class Check(Record):
    """One check."""

    name: str  # "docker_bridge"
    called: str  # "Docker bridge"
    whole: str  # "host"
    item: str  # "bridge"
    question: str
    outage: str
    main_measure: str
    levels: tuple[Level, ...]
    filling: tuple[tuple[str, float], ...] = ()  # measures that fill something up, and where it is full
    shrinking: str = ""  # the measure of work that shrinks to nothing

    @property
    def plugin(self) -> str:
        """The name of its section, its check plugin and its ruleset, which can never change."""
        return f"undergoal_{self.name}"


def kind_of(measure: str) -> Kind:
    """What a measure means; one that a newer agent plugin sends is called by its name."""
    return CATALOGUE.get(measure) or Kind(measure, "", measure.replace("_", " ").capitalize(), "")


def is_middle(measure: str) -> bool:
    """Whether this is the likeliest of three, until_full_seconds between its bounds."""
    return measure.endswith("_seconds") and f"{measure.removesuffix('_seconds')}_lower_seconds" in CATALOGUE


def name_of_metric(measure: str) -> str:
    """The name of its metric: those are global."""
    return f"undergoal_{measure}"


def rate_name(counter: str) -> str:
    """The name of the metric of a counter's rate."""
    return f"undergoal_{counter.removesuffix('_total')}_rate"
