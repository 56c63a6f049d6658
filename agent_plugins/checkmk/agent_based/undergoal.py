"""One section and one check plugin for every check, and one for the agent plugin itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cmk.agent_based.v2 import (
    AgentSection,
    CheckPlugin,
    GetRateError,
    IgnoreResultsError,
    Metric,
    Result,
    Service,
    State,
    get_rate,
    get_value_store,
)

from agent_plugins.checkmk.judging import HOST
from agent_plugins.checkmk.rows import Check, kind_of, name_of_metric, rate_name
from agent_plugins.checkmk.section import Section, parse
from agent_plugins.checkmk.services import Number, Told, Unseen, discover, tell
from agent_plugins.checkmk.tables import CHECKS, VERSION
from perfdata.catalogue import COUNTER
from perfdata.outcome import OK, UNKNOWN, WARNING


def parse_undergoal(string_table: list[list[str]]) -> Section | None:
    """See agent_plugins/checkmk/section.py."""
    return parse(string_table)


def result(told: Told) -> Result:
    """A line as Checkmk's class; a summary is one line there, and never empty."""
    text = " ".join(told.text.split()) or "?"
    if told.in_summary:
        return Result(state=State(told.state), summary=text, details=told.details or text)
    return Result(state=State(told.state), notice=text, details=told.details or text)


def numbers(number: Number, time: float, store: Any) -> Iterator[Metric]:
    """The metric of a measure, and its rate where it counts."""
    yield Metric(name_of_metric(number.measure), number.value, levels=number.upper, boundaries=number.bounds)
    if kind_of(number.measure).kind == COUNTER:
        try:
            rate = get_rate(store, f"rate_{number.measure}", time, number.value, raise_overflow=True)
        except GetRateError:
            return  # the first of them, or counting began anew
        yield Metric(rate_name(number.measure), rate)


def discovery_of(check: Check) -> Callable[[Section], Iterator[Service]]:
    """The discovery function of a check."""

    def discover_undergoal(section: Section) -> Iterator[Service]:
        for item, parameters in discover(check, section):
            yield Service(item=item, parameters=parameters)

    return discover_undergoal


def check_of(check: Check) -> Callable[[str, Mapping[str, object], Section], Iterator[Result | Metric]]:
    """The check function of a check."""

    def check_undergoal(item: str, params: Mapping[str, object], section: Section) -> Iterator[Result | Metric]:
        store = get_value_store()
        try:
            for told in tell(check, item, params, section, store):
                if isinstance(told, Told):
                    yield result(told)
                else:
                    yield from numbers(told, section.time, store)
        except Unseen as reason:
            raise IgnoreResultsError(str(reason)) from None

    return check_undergoal


for _check in CHECKS:
    globals()[f"agent_section_{_check.plugin}"] = AgentSection(name=_check.plugin, parse_function=parse_undergoal)
    globals()[f"check_plugin_{_check.plugin}"] = CheckPlugin(
        name=_check.plugin,
        service_name=f"{_check.called} %s",
        discovery_function=discovery_of(_check),
        check_function=check_of(_check),
        check_default_parameters={row.measure: (HOST, None) for row in _check.levels},
        check_ruleset_name=_check.plugin,
    )


def discover_agent(section: Section) -> Iterator[Service]:
    """The agent plugin is there, or says that undergoal is missing."""
    yield Service()


def check_agent(section: Section) -> Iterator[Result]:
    """Which version runs what, and what is wrong with its configuration."""
    if section.problem:
        yield result(Told(UNKNOWN, section.problem))
        return
    for problem in section.problems:
        yield result(Told(WARNING, problem))
    yield result(Told(OK, f"version {section.version}: {', '.join(section.checks) or 'nothing to look at here'}"))
    if section.version and section.version != VERSION:
        yield result(Told(OK, f"this extension is version {VERSION}", "", False))


agent_section_undergoal_agent = AgentSection(name="undergoal_agent", parse_function=parse_undergoal)
check_plugin_undergoal_agent = CheckPlugin(
    name="undergoal_agent",
    service_name="Undergoal agent plugin",
    discovery_function=discover_agent,
    check_function=check_agent,
)
