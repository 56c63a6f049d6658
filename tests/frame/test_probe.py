"""Judgement and wording, with a made-up check whose findings each test gives."""

from __future__ import annotations

from typing import Any

import pytest

from checks.frame.command import all_options, default_settings
from checks.frame.host import Host
from checks.frame.options import UsageError, parse
from checks.frame.plugin import UNREADABLE, Examination, Judged, NothingHere, Plugin, Run, option_name
from checks.frame.probe import conclude
from checks.frame.readings import Fact, FactRule, Finding, Levels, Measure, fact
from perfdata.clock import Clock
from perfdata.nagios import render
from perfdata.outcome import CRITICAL, OK, UNKNOWN, WARNING, Detail, Item, Outcome, Said, Value


class Toy(Plugin):
    """Judges what it is given."""

    name = "toy"
    items = ("toy", "toys")
    main_measure = "ports"
    levels = {  # noqa: RUF012
        "ports": Levels("900", "1000", "Because."),
        "until_full_lower_seconds": Levels("", "2h:"),
        "growth_per_hour": Levels(),
        "leaked_ports": Levels("0"),
    }
    facts = {  # noqa: RUF012
        "broken": FactRule(CRITICAL, "broken by {who}", "ask {who} about {item}"),
        "odd": FactRule(WARNING, "odd", "look at {item}"),
        "fine": FactRule(OK, "fine so far", "never said"),
    }

    def __init__(self, findings: list[Finding], titles: dict[str, str] | None = None, *details: Detail) -> None:
        self.examination = Examination(findings, titles or {}, details)

    def examine(self, run: Run) -> Examination:
        return self.examination

    def sentence(self, title: str, judged: list[Judged]) -> str:
        words = [f"{j.finding.value:g}" if isinstance(j.finding, Measure) else j.words for j in judged]
        return f"{title} {', '.join(words)}"


def ports(item: str, value: float) -> Measure:
    return Measure(item, "ports", value, 0, 1023)


def judge(plugin: Plugin, *arguments: str) -> Outcome:
    settings = parse(all_options(plugin), list(arguments))
    return conclude(plugin, Run(Host("/nowhere"), settings, Clock(0, 0, ""), None))


def value(item: str, number: float, warning: str = "900", critical: str = "1000") -> Value:
    return Value(item, "ports", number, warning, critical, 0, 1023)


def test_one_item_that_is_fine() -> None:
    outcome = judge(Toy([ports("a", 12)]))
    items = (Item("a", "a", OK, "a 12"),)
    assert outcome == Outcome("toy", OK, "a 12", (Detail(1, "OK: a 12"),), (value("a", 12),), items=items)


def test_items_worst_first_each_with_what_was_said_of_it() -> None:
    outcome = judge(Toy([ports("a", 12), ports("b", 950), fact("c", "broken", who="rust")]))
    broken = Said(CRITICAL, "broken", "broken by rust", "ask rust about c")
    assert outcome.items == (
        Item("c", "c", CRITICAL, "c broken by rust", False, (broken,)),
        Item("b", "b", WARNING, "b 950"),
        Item("a", "a", OK, "a 12"),
    )


def test_many_items_that_are_fine_the_most_telling_first() -> None:
    outcome = judge(Toy([ports("a", 12), ports("b", 800), ports("c", 800)]))
    assert outcome == Outcome(
        "toy",
        OK,
        "3 toys, b 800",
        (Detail(1, "OK: b 800"), Detail(1, "OK: c 800"), Detail(1, "OK: a 12")),
        (value("a", 12), value("b", 800), value("c", 800)),
        items=(Item("b", "b", OK, "b 800"), Item("c", "c", OK, "c 800"), Item("a", "a", OK, "a 12")),
    )


def test_the_worst_item_comes_first_and_the_fine_ones_are_counted() -> None:
    findings = [ports("a", 12), ports("b", 901), ports("c", 13), ports("d", 1001), ports("e", 950)]
    outcome = judge(Toy([*findings, fact("f", UNREADABLE, reason="not readable", next_step="become root")]))
    assert outcome.state == CRITICAL
    assert outcome.text == "d 1001; f not readable; e 950; b 901; 2 ok"
    assert outcome.details == (
        Detail(0, "next: become root"),
        Detail(1, "CRITICAL: d 1001"),
        Detail(1, "UNKNOWN: f not readable"),
        Detail(1, "WARNING: e 950"),
        Detail(1, "WARNING: b 901"),
        Detail(1, "OK: c 13"),
        Detail(1, "OK: a 12"),
    )


@pytest.mark.parametrize(
    ("findings", "state", "text"),
    [
        ([ports("a", 901), fact("b", UNREADABLE, reason="?", next_step="")], UNKNOWN, "b ?; a 901"),
        ([ports("a", 1001), fact("b", UNREADABLE, reason="?", next_step="")], CRITICAL, "a 1001; b ?"),
        ([ports("a", 1), fact("a", "broken", who="Eve")], CRITICAL, "a 1, broken by Eve"),
        ([ports("a", 1), fact("b", "odd"), fact("c", "fine")], WARNING, "b odd; 1 ok"),
        ([ports("a", 1), fact("", "fine")], OK, "a 1"),
        ([ports("a", 901), Measure("a", "leaked_ports", 3)], WARNING, "a 901, 3"),
        ([fact("b", "fine")], OK, "b fine so far"),
        ([], UNKNOWN, "nothing was measured"),
    ],
)
def test_which_state_wins(findings: list[Finding], state: int, text: str) -> None:
    outcome = judge(Toy(findings))
    assert (outcome.state, outcome.text) == (state, text)


def test_more_than_fits_is_counted() -> None:
    names = [f"bridge-{number:03}" for number in range(100)]
    outcome = judge(Toy([*(ports(name, 901) for name in names), ports("fine", 1)]))
    assert outcome.text == f"{'; '.join(f'{name} 901' for name in names[:8])} and 92 more; 1 ok"
    assert len("TOY CRITICAL - " + outcome.text) <= 160
    assert len(outcome.values) == 101
    assert render(outcome).split(b" | ")[0] == b"TOY WARNING - " + outcome.text.encode()


@pytest.mark.parametrize("number", [-1, -1e9, 0, 1e12])
def test_a_threshold_that_is_not_set_never_alerts(number: float) -> None:
    growth = Measure("a", "growth_per_hour", number)
    outcome = judge(Toy([growth]))
    values, items = (Value("a", "growth_per_hour", number),), (Item("a", "a", OK, f"a {number:g}"),)
    assert outcome == Outcome("toy", OK, f"a {number:g}", (), values, items=items)


def test_a_measure_without_a_row_of_levels_is_only_shown() -> None:
    outcome = judge(Toy([Measure("a", "endpoints", 10**9)]))
    assert (outcome.state, outcome.values) == (OK, (Value("a", "endpoints", 10**9),))


@pytest.mark.parametrize(
    ("arguments", "number", "state", "warning", "critical"),
    [
        ([], 900, OK, "900", "1000"),
        ([], 901, WARNING, "900", "1000"),
        ([], 1001, CRITICAL, "900", "1000"),
        (["-w", "10", "-c20"], 11, WARNING, "10", "20"),
        (["-w", "10", "-c20"], 21, CRITICAL, "10", "20"),
        (["--warning=@5:6"], 5, WARNING, "@5:6", "1000"),
        (["--warning", "~:", "--critical=~:"], 9999, OK, "", ""),
        (["-w", "-5:-1"], 0, WARNING, "-5:-1", "1000"),
        (["-w", "-5:-1"], -5, CRITICAL, "-5:-1", "1000"),
        (["-w", "-5:-1", "-c", "~:1000"], -5, OK, "-5:-1", "~:1000"),
    ],
)
def test_thresholds_judge_and_are_announced(
    arguments: list[str], number: float, state: int, warning: str, critical: str
) -> None:
    outcome = judge(Toy([ports("a", number)]), *arguments)
    assert (outcome.state, outcome.values) == (state, (value("a", number, warning, critical),))


@pytest.mark.parametrize(
    ("arguments", "measure", "number", "state", "announced"),
    [
        ([], "until_full_lower_seconds", 7199, CRITICAL, ("", "7200:")),
        ([], "until_full_lower_seconds", 7200, OK, ("", "7200:")),
        (["--until-full-warning", "1d:"], "until_full_lower_seconds", 80000, WARNING, ("86400:", "7200:")),
        (["--growth-per-hour-critical=50"], "growth_per_hour", -0.1, CRITICAL, ("", "50")),
        (["--growth-per-hour-critical=~:50"], "growth_per_hour", -0.1, OK, ("", "~:50")),
        (["--leaked-ports-warning", "3"], "leaked_ports", 3, OK, ("3", "")),
        (["--leaked-ports-critical", "3"], "leaked_ports", 4, CRITICAL, ("0", "3")),
    ],
)
def test_every_measure_has_its_own_options(
    arguments: list[str], measure: str, number: float, state: int, announced: tuple[str, str]
) -> None:
    outcome = judge(Toy([Measure("a", measure, number)]), *arguments)
    assert (outcome.state, outcome.values) == (state, (Value("a", measure, number, *announced),))


@pytest.mark.parametrize("flag", ["-w", "--critical", "--until-full-warning", "--leaked-ports-critical"])
@pytest.mark.parametrize("text", ["10:5", "abc", "", "5%"])
def test_a_bad_threshold_is_named(flag: str, text: str) -> None:
    with pytest.raises(UsageError) as wrong:
        judge(Toy([]), flag, text)
    assert str(wrong.value).startswith(f"option {flag}: '{text}' ")


def test_important_measures_of_all_items_come_first_in_performance_data() -> None:
    findings: list[Finding] = []
    for item in ("a", "b"):
        findings += [Measure(item, name, 0) for name in ("endpoints", "leaked_ports", "growth_per_hour", "ports")]
    assert [(v.item, v.measure) for v in judge(Toy(findings)).values] == [
        (item, name) for name in ("ports", "growth_per_hour", "leaked_ports", "endpoints") for item in ("a", "b")
    ]


def test_titles_are_words_and_items_stay_labels() -> None:
    outcome = judge(Toy([ports("br-12", 901), fact("", "odd")], {"br-12": "web", "": "host"}))
    assert outcome.text == "web 901; host odd"
    assert render(outcome, 1).decode().split("\n") == [
        "TOY WARNING - web 901; host odd | br_12_ports=901;900;1000;0;1023",
        "next: look at ",
        "WARNING: web 901",
        "WARNING: host odd",
        "",
    ]


def test_next_steps_are_said_once_each_for_the_worst_and_four_at_most() -> None:
    facts = [fact("z", "broken", who="Eve"), fact("z", "broken", who="Eve"), *(fact(f"{n}", "odd") for n in range(9))]
    steps = [detail for detail in judge(Toy(list(facts))).details if detail.verbosity == 0]
    assert steps == [Detail(0, f"next: {step}") for step in ("ask Eve about z", "look at 0", "look at 1", "look at 2")]


def test_details_of_the_examination_come_last() -> None:
    outcome = judge(Toy([ports("a", 1)], None, Detail(0, "not seen: much"), Detail(2, "no history")))
    assert outcome.details == (Detail(1, "OK: a 1"), Detail(0, "not seen: much"), Detail(2, "no history"))


def test_nothing_here_is_the_callers_to_word() -> None:
    class Empty(Toy):
        def examine(self, run: Run) -> Examination:
            raise NothingHere("no toys")

    with pytest.raises(NothingHere):
        judge(Empty([]))


def test_an_unknown_fact_is_a_mistake_that_shows() -> None:
    with pytest.raises(KeyError):
        judge(Toy([Fact("a", "no such code")]))


@pytest.mark.parametrize(
    ("measure", "name"),
    [
        ("ports", "ports"),
        ("until_full_lower_seconds", "until-full"),
        ("addresses_used_percent", "addresses-used"),
        ("arp_table_fulls_total", "arp-table-fulls"),
        ("growth_per_hour", "growth-per-hour"),
    ],
)
def test_option_names(measure: str, name: str) -> None:
    assert option_name(measure) == name


def test_default_settings_are_those_of_a_run_without_options() -> None:
    plain: Any = default_settings(Toy([]), no_history=False)
    assert (plain.warning, plain.leaked_ports_critical, plain.no_history) == (
        (False, 0, 900),
        (False, float("-inf"), float("inf")),
        False,
    )
    assert default_settings(Toy([]), no_history=True).no_history is True
