"""What a check is: one description, from which its options, help, judgement and wording come."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace

from checks.frame.readings import Fact, FactRule, Finding, Levels
from perfdata.outcome import UNKNOWN, Detail
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from checks.frame.host import Host
    from checks.frame.options import Option
    from perfdata.clock import Clock
    from perfdata.series import Series

UNREADABLE = "unreadable"

# Every check may have items that are there and cannot be read.
COMMON_FACTS: dict[str, FactRule] = {UNREADABLE: FactRule(UNKNOWN, "{reason}", "{next_step}")}


class NothingHere(Exception):
    """There is nothing of this kind on this host; the text says what was looked for."""


class Run(Record):
    """All that a check may use in one run."""

    host: Host
    settings: SimpleNamespace  # by option
    clock: Clock
    history: Series | None  # None: switched off or unavailable


class Judged(Record):
    """A finding with its state (perfdata.outcome) and, for a fact, its words and next step."""

    state: int
    finding: Finding
    words: str = ""
    next_step: str = ""


class Examination(Record):
    """What a check found out in one run, before anything is judged."""

    findings: list[Finding]
    titles: Mapping[str, str] = {}  # item -> how people call it, where that is more than the item's name
    details: tuple[Detail, ...] = ()


class Plugin:
    """One check. Subclasses are stateless; everything of a run is in its Run and Examination."""

    name = ""  # "docker_bridge"
    question = ""  # what it answers, in one line
    outage = ""  # the story behind it, in one line
    description = ""  # for --help
    examples = ""  # for --help; each one works
    called = ""  # how people call what it looks at, in the names of services: "MooseFS"; "" for its name
    whole = "host"  # what the item "" is, there
    items = ("item", "items")
    counts_fine = True  # "; 2 ok" after what is not
    timeout = 8.0  # seconds; below the 10 of check_by_ssh and NRPE
    main_measure = ""  # what -w and -c judge
    levels: Mapping[str, Levels] = {}  # every judged measure with its defaults, in the order of importance
    facts: Mapping[str, FactRule] = {}
    as_root = ""  # what it sees only as root, where a sudo rule for the whole check is the way to that
    plotted = ""  # the measure that "undergoal history" draws; "" for the main one
    plotted_things = ""  # what it counts: "copies"
    plotted_limit: float | None = None  # what it fills up; None when it is work that shrinks to nothing
    filling: Mapping[str, float] = {}  # measures that fill something up, and where it is full

    def options(self) -> list[Option]:
        """Options beside the common ones and the thresholds."""
        return []

    def targets(self, host: Host) -> list[str]:
        """The items this check would look at here without being told; no connection is opened for it."""
        raise NotImplementedError

    def target(self, host: Host, settings: SimpleNamespace) -> str:
        """What is looked at beyond this host ("mfsmaster:9421"): each has a history of its own. "" for none."""
        return ""

    def examine(self, run: Run) -> Examination:
        """Read everything, then say what was found. Raises NothingHere."""
        raise NotImplementedError

    def sentence(self, title: str, judged: list[Judged]) -> str:
        """One item in words, its worst first; ``judged`` holds all findings of the item."""
        raise NotImplementedError

    def all_fine(self, sentences: list[str]) -> str:
        """The text when every item is fine; ``sentences`` are those of the items, the most telling first."""
        return sentences[0] if len(sentences) == 1 else f"{len(sentences)} {self.items[1]}, {sentences[0]}"

    def is_main(self, judged: list[Judged]) -> bool:
        """Whether this is one of the items that are counted: it has the main measure."""
        return any(not isinstance(j.finding, Fact) and j.finding.name == self.main_measure for j in judged)

    def is_told(self, judged: list[Judged]) -> bool:
        """Whether an item is named although it is fine."""
        return self.is_main(judged)

    def is_lasting(self, judged: list[Judged]) -> bool:
        """Whether an item is there to stay, and so worth a service of its own.

        It is what is told of or measured, and what should be there and is gone or cannot be read.
        """
        return self.is_told(judged) or any(
            not isinstance(j.finding, Fact) or j.finding.code == UNREADABLE or j.finding.code.endswith("gone")
            for j in judged
        )

    def urgency(self, judged: list[Judged]) -> float:
        """Orders items of the same state: larger comes first."""
        values = [j.finding.value for j in judged if not isinstance(j.finding, Fact)]
        return float(values[0]) if values else 0.0


def option_name(measure: str) -> str:
    """What the options of a measure are called: "until-full" for until_full_lower_seconds."""
    words = measure.split("_")
    while words[-1] in ("seconds", "bytes", "percent", "total", "lower", "upper"):
        words.pop()
    return "-".join(words)
