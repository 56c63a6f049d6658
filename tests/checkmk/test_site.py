"""The extension on a site: services, verdicts that agree with the host's, rules, forecasts, versions, bad sections."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lab.checkmk_agent import Agent, parse
from lab.checkmk_local import parse_line
from lab.checkmk_site import STUBS, Host, Shown, Site
from support import HOSTS

from agent_plugins.mkp import build
from checks import CHECKS, __version__, load
from perfdata import checkmk
from perfdata.catalogue import CATALOGUE, COUNTER
from perfdata.outcome import CRITICAL, OK, UNKNOWN, WARNING, Detail, Item, Outcome, Said, Value

BRIDGE = checkmk.Naming("Docker bridge", "host")
STALE = -1


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(build()[1], tmp_path_factory.mktemp("site"))


@pytest.fixture
def host(site: Site) -> Host:
    return Host(site)


def ports(value: float, item: str = "br0") -> Value:
    return Value(item, "ports", value, "900", "1000", 0, 1023)


def outcome(*values: Value, items: tuple[Item, ...] | None = None, state: int = OK, text: str = "said") -> Outcome:
    names = dict.fromkeys(value.item for value in values)
    return Outcome(
        "docker_bridge",
        state,
        text,
        (),
        values,
        items=tuple(Item(n, n, OK, n) for n in names) if items is None else items,
    )


def section(made: Outcome, at: float = 1e9, naming: checkmk.Naming = BRIDGE) -> str:
    return "\n".join(checkmk.section(made, naming, __version__, at)) + "\n"


def received(host: Host, *values: Value, rule: dict[str, object] | None = None) -> Shown:
    host.receive(section(outcome(*values)))
    host.discover()
    return host.check("Docker bridge br0", rule)


# --- the whole chain, on captured hosts ---


@pytest.mark.parametrize("captured", ["ok", "warning", "critical", "hang", "huge", "hostile"])
@pytest.mark.parametrize("check", CHECKS)
def test_a_site_judges_as_the_host_does(site: Site, tmp_path: Path, check: str, captured: str) -> None:
    """The same state for every service that both have, and the same one for all of them together."""
    arguments = HOSTS / check / captured / "arguments"
    options = f"--root {HOSTS / check / captured} {arguments.read_text() if arguments.exists() else ''} -t 3"
    agent = Agent(tmp_path)
    agent.install()
    agent.configure(
        *(f"{name}=off" for name in CHECKS if name != check),
        "mode=both",
        f"{check}_options={' '.join(options.split())}",
    )
    called = agent.call()
    host = Host(site)
    host.receive(called)
    host.discover()
    everything = host.check_all()
    quoted = str.maketrans({"'": "`", '"': "`"})  # as local lines have it
    shown = {name.translate(quoted): found.state for name, found in everything.items() if "agent plugin" not in name}
    local = {
        found.name.removeprefix("undergoal "): int(found.state)
        for found in map(parse_line, called.lines("local"))
        if found.name != "undergoal agent plugin"
    }
    assert {name: state for name, state in shown.items() if state != STALE} == local


def test_what_a_service_shows(site: Site, tmp_path: Path) -> None:
    agent = Agent(tmp_path)
    agent.install()
    others = [f"{name}=off" for name in CHECKS if name != "docker_bridge"]
    agent.configure(*others, f"docker_bridge_options=--root {HOSTS / 'docker_bridge' / 'critical'}")
    host = Host(site)
    host.receive(agent.call())
    assert host.discover() == [
        "Docker bridge host",
        "Docker bridge br-6c4947e8f94f",
        "Docker bridge br-e8cb9fe0b031",
        "Docker bridge docker",
        "Docker bridge docker0",
        "Undergoal agent plugin",
    ]
    shown = host.check("Docker bridge docker0")
    assert shown.state == 2
    assert shown.summary == (
        "Bridge ports: 1011 of 1023 (warning above 900, critical above 1000)(!!),"
        " netdev_max_backlog 1000 below its ports loses broadcast ARP(!),"
        " exchange full: runner-1018 could not start(!!)"
    )
    assert shown.details.split("\n") == [
        "Bridge ports: 1011 of 1023 (warning above 900, critical above 1000)(!!)",
        "Leaked ports: 0",
        "Addresses left: 64522 of 65533",
        "Addresses used: 1.54%",
        "Docker endpoints: 1011 of 1023",
        "netdev_max_backlog 1000 below its ports loses broadcast ARP",
        "next: sysctl -w net.core.netdev_max_backlog=4096(!)",
        "exchange full: runner-1018 could not start",
        "next: free ports (docker ps; stop or move containers), then docker start runner-1018"
        " (or docker rm runner-1018)(!!)",
    ]
    metric = shown.metrics["undergoal_ports"]
    assert (metric.value, metric.levels, metric.boundaries) == (1011, (900, 1000), (0, 1023))
    assert host.check("Docker bridge br-e8cb9fe0b031").summary == "metrics, Bridge ports: 6 of 1023"
    assert host.check("Docker bridge docker").summary == "Docker, Free address pools: 28"
    assert host.check("Docker bridge host").summary == "ARP table overflows: 0"
    assert host.check("Undergoal agent plugin")[:2] == (0, f"version {__version__}: docker_bridge")


# --- rules ---


@pytest.mark.parametrize(
    ("value", "parameter", "state"),
    [
        (900, ("host", None), OK),
        (901, ("host", None), WARNING),
        (1001, ("host", None), CRITICAL),
        (901, ("range", {"warning": "950", "critical": ""}), OK),
        (951, ("range", {"warning": "950", "critical": ""}), WARNING),
        (5, ("range", {"warning": "", "critical": "10:"}), CRITICAL),
        (500, ("upper", ("fixed", (500.0, 600.0))), WARNING),
        (600, ("upper", ("fixed", (500.0, 600.0))), CRITICAL),
        (499, ("upper", ("fixed", (500.0, 600.0))), OK),
        (500, ("lower", ("fixed", (500.0, 400.0))), OK),
        (499, ("lower", ("fixed", (500.0, 400.0))), WARNING),
        (399, ("lower", ("fixed", (500.0, 400.0))), CRITICAL),
        (1001, ("upper", ("no_levels", None)), OK),
    ],
)
def test_levels_at_their_ends(host: Host, value: float, parameter: object, state: int) -> None:
    assert received(host, ports(value), rule={"ports": parameter}).state == state


@pytest.mark.parametrize(
    ("parameter", "text"),
    [
        (("range", {"warning": "x", "critical": ""}), "the rule for it cannot be used: 'x' is not a range such as"),
        (("upper", ("predictive", ())), "the rule for it cannot be used: levels of the kind predictive"),
        (("upper", None), "the rule for it cannot be used"),
    ],
)
def test_a_rule_that_cannot_be_used_is_no_ok(host: Host, parameter: object, text: str) -> None:
    shown = received(host, ports(1), rule={"ports": parameter})
    assert shown.state == UNKNOWN
    assert text in shown.summary


def test_times_and_sizes_in_rules_take_units(host: Host) -> None:
    soon = Value("br0", "until_full_lower_seconds", 7200)
    shown = received(
        host, ports(1), soon, rule={"until_full_lower_seconds": ("range", {"warning": "24h:", "critical": ""})}
    )
    assert (shown.state, shown.summary) == (
        WARNING,
        "Bridge ports: 1 of 1023, Time until full, lower bound: 2 h (warning below 24 h)(!)",
    )


def test_every_judged_measure_can_be_set_and_forms_refuse_what_is_no_range(site: Site) -> None:
    from cmk.rulesets.v1.form_specs.validators import ValidationError

    for check in CHECKS:
        spec = site.found["rulesets"][f"rule_spec_undergoal_{check}"]
        plugin = site.plugins[f"undergoal_{check}"]
        assert spec.name == plugin.check_ruleset_name == plugin.name
        form = spec.parameter_form()
        assert list(form.elements) == list(load(check).levels) == list(plugin.check_default_parameters)
        for measure, levels in load(check).levels.items():
            choice = form.elements[measure].parameter_form
            assert [element.name for element in choice.elements] == ["host", "range", "upper", "lower"]
            ranges = choice.elements[1].parameter_form.elements
            fields = [ranges[level].parameter_form for level in ("warning", "critical")]
            assert [field.prefill.value for field in fields] == [levels.warning, levels.critical]
            for field in fields:
                (validate,) = field.custom_validate
                validate("")
                validate("10:20")
                with pytest.raises(ValidationError):
                    validate("10,20")
    assert site.found["rulesets"]["rule_spec_undergoal_agent_config"].parameter_form().elements


# --- items that come and go ---


def test_what_has_no_service_yet_is_told_by_the_whole(host: Host) -> None:
    host.receive(section(outcome(ports(1))))
    host.discover()
    said = (Said(WARNING, "marked", "not yet removable", "wait"),)
    items = (
        Item("br0", "br0", OK, "br0"),
        Item("br1", "web", CRITICAL, "web 1001"),
        Item("d1", "disk d1", WARNING, "disk d1 not yet removable", False, said),
        Item("d2", "disk d2", OK, "disk d2 safe", False, (Said(OK, "safe", "safe to pull"),)),
    )
    host.receive(section(outcome(ports(1), ports(1001, "br1"), items=items)))
    shown = host.check("Docker bridge host")
    assert shown.state == CRITICAL
    assert shown.summary == (
        "web: Bridge ports: 1001 of 1023 (warning above 900, critical above 1000)"
        " (no service of its own yet: run a service discovery)(!!), disk d1: not yet removable(!),"
        " 1 with a service of its own"
    )
    assert "disk d2: safe to pull" in shown.details.split("\n")
    assert host.check("Docker bridge br0").state == OK
    host.discover()
    assert host.check("Docker bridge host").state == WARNING
    assert host.check("Docker bridge br1").state == CRITICAL
    assert "Docker bridge d1" not in host.services


def test_an_item_that_is_gone_keeps_its_service_critical(host: Host) -> None:
    host.receive(section(outcome(ports(1))))
    host.discover()
    gone = Item(
        "br0", "br0", CRITICAL, "br0 gone", False, (Said(CRITICAL, "gone", "gone, last seen 2 h ago", "accept"),)
    )
    host.receive(section(outcome(items=(gone,))))
    shown = host.check("Docker bridge br0")
    assert (shown.state, shown.summary) == (CRITICAL, "gone, last seen 2 h ago(!!)")
    assert host.check("Docker bridge host").state == OK, "said once"


def test_an_item_that_nobody_speaks_of_is_not_found(host: Host) -> None:
    host.receive(section(outcome(ports(1), ports(2, "br1"))))
    host.discover()
    host.receive(section(outcome(ports(2, "br1"))))
    assert host.check("Docker bridge br0")[:2] == (UNKNOWN, "Item not found in monitoring data")


def test_an_item_called_as_the_whole(host: Host) -> None:
    items = (Item("host", "host", OK, "host"), Item("", "host", OK, "host"))
    values = (ports(1001, "host"), Value("", "arp_table_fulls_total", 0))
    host.receive(section(outcome(*values, items=items)))
    assert host.discover() == ["Docker bridge host", "Docker bridge host (item)"]
    assert [host.check(name).state for name in host.services] == [OK, CRITICAL]


# --- when the host could not look ---


def test_a_check_that_failed_is_one_unknown_and_its_items_are_stale(host: Host) -> None:
    host.receive(section(outcome(ports(1))))
    host.discover()
    host.receive(section(outcome(items=(), state=UNKNOWN, text="timed out after 8.0 s while asking Docker")))
    assert host.check("Docker bridge host")[:2] == (UNKNOWN, "timed out after 8.0 s while asking Docker(?)")
    assert host.check("Docker bridge br0")[:2] == (STALE, "timed out after 8.0 s while asking Docker")


def test_deployment_errors(host: Host) -> None:
    reason = "docker_bridge_options: unknown option --x"
    lines = checkmk.error_section("undergoal_docker_bridge", reason) + checkmk.error_section(
        "undergoal_agent", "missing"
    )
    host.receive("\n".join(lines))
    assert host.discover() == ["Docker bridge host", "Undergoal agent plugin"]
    assert host.check("Docker bridge host")[:2] == (UNKNOWN, f"{reason}(?)")
    assert host.check("Undergoal agent plugin")[:2] == (UNKNOWN, "missing(?)")


def test_problems_of_the_configuration_are_a_warning(host: Host) -> None:
    about = {"format": 1, "version": "9.9", "checks": [], "problems": ["undergoal.cfg: unknown key x"]}
    host.receive(f"<<<undergoal_agent:sep(0)>>>\n{json.dumps(about)}\n")
    host.discover()
    shown = host.check("Undergoal agent plugin")
    assert shown[:2] == (WARNING, "undergoal.cfg: unknown key x(!), version 9.9: nothing to look at here")
    assert shown.details.split("\n")[-1] == f"this extension is version {__version__}"


def test_notes_are_shown_in_the_details(host: Host) -> None:
    details = (Detail(0, "next: x"), Detail(0, "state not saved: full"), Detail(1, "y"))
    host.receive(section(outcome(ports(1))._replace(details=details)))
    host.discover()
    assert host.check("Docker bridge host").details == "1 with a service of its own\nstate not saved: full"


# --- sections of other versions, and no sections at all ---


def edited(text: str, **fields: object) -> str:
    header, run, *items = text.strip().split("\n")
    return "\n".join([header, json.dumps({**json.loads(run), **fields}), *items])


@pytest.mark.parametrize(
    ("format_", "text"),
    [
        (2, f"the agent plugin ({__version__}) is newer than this extension: update the extension(?)"),
        (0, "the agent plugin is older than this extension: update the agent plugin(?)"),
        (-1, "the agent plugin is older than this extension: update the agent plugin(?)"),
    ],
)
def test_another_format_is_unknown_and_says_what_to_update(host: Host, format_: int, text: str) -> None:
    host.receive(section(outcome(ports(1))))
    host.discover()
    host.receive(edited(section(outcome(ports(1001))), format=format_))
    assert host.check("Docker bridge host")[:2] == (UNKNOWN, text)
    assert host.check("Docker bridge br0").state == STALE


def test_a_newer_section_of_the_same_format_is_understood(host: Host) -> None:
    """Measures, facts and names that this extension does not know."""
    item = {
        "service": "br0", "whole": False, "title": "br0", "lasting": True, "colour": "red",
        "measures": {
            "ports": {"value": 1, "warning": "900", "critical": "1000", "trend": 7},
            "new_measure": {"value": 12.5, "warning": "10", "critical": ""},
        },
        "facts": [{"state": 2, "code": "new_fact", "words": "on fire", "next_step": "run", "since": 7}],
    }  # fmt: skip
    header, run, _ = section(outcome(ports(1))).strip().split("\n")
    host.receive("\n".join([header, json.dumps({**json.loads(run), "mood": "good"}), json.dumps(item)]))
    host.discover()
    shown = host.check("Docker bridge br0")
    assert shown[:2] == (CRITICAL, "Bridge ports: 1, New measure: 12.5 (warning above 10)(!), on fire(!!)")
    assert shown.metrics["undergoal_new_measure"].value == 12.5


def test_an_older_section_of_the_same_format_is_judged_by_the_tables(host: Host) -> None:
    item = {"service": "br0", "measures": {"ports": {"value": 1001}}, "facts": [{"state": 1}]}
    host.receive(f'<<<undergoal_docker_bridge:sep(0)>>>\n{{"format":1}}\n{json.dumps(item)}\n')
    host.discover()
    assert host.check("Docker bridge br0")[:2] == (
        CRITICAL,
        "Bridge ports: 1001 (warning above 900, critical above 1000)(!!), ?(!)",
    )


BAD_ITEMS = [
    "{", "[]", "7", "null", '{"service": ""}', '{"service": 7}', '{"service": "x", "measures": []}',
    '{"service": "x", "measures": {"ports": {"value": "7"}}}',
    '{"service": "x", "measures": {"ports": {"value": true}}}',
    '{"service": "x", "measures": {"ports": {"value": NaN}}}',
    '{"service": "x", "measures": {"until_full_seconds": {"value": Infinity}}}',
    '{"service": "x", "measures": {"a:b": {"value": 1}}}',
    '{"service": "x", "measures": {"ports": {}}}', '{"service": "x", "facts": [{"state": 4, "words": "w"}]}',
    '{"service": "x", "facts": [{}]}', '{"service": "x", "facts": 7}',
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD_ITEMS)
def test_an_item_that_cannot_be_read_hides_no_other_and_is_no_ok(host: Host, bad: str) -> None:
    host.receive(section(outcome(ports(1001))) + bad)
    host.discover()
    shown = host.check("Docker bridge host")
    assert shown.state == UNKNOWN
    assert shown.summary.startswith("1 of 2 items cannot be read: was the section cut off?(?)")
    assert host.check("Docker bridge br0").state == CRITICAL


@pytest.mark.parametrize(
    "bad",
    [
        "{",
        "[]",
        "7",
        "x" * 1000,
        '{"format": "one"}',
        '{"format": 1, "state": 9}',
        '{"format": 1, "time": []}',
        "[" * 100_000,
        '{"format": 1, "time": NaN}',
    ],
)
def test_a_section_that_cannot_be_read(host: Host, bad: str) -> None:
    host.receive(f"<<<undergoal_docker_bridge:sep(0)>>>\n{bad}\n")
    host.discover()
    shown = host.check("Docker bridge host")
    assert shown[:2] == (
        UNKNOWN,
        "the section cannot be read: its first line is no JSON object of the agent plugin's(?)",
    )


def test_a_section_cut_anywhere_is_never_an_ok(host: Host) -> None:
    made = outcome(ports(1001), ports(1001, "br1"), state=CRITICAL)
    whole = section(made).strip()
    host.receive(whole)
    host.discover()
    start = whole.index("\n") + 1
    for length in range(start + 1, len(whole), 7):
        host.receive(whole[:length])
        states = [host.check(name).state for name in host.services]
        assert UNKNOWN in states or CRITICAL in states, whole[:length]


def test_an_empty_section_has_no_services(host: Host) -> None:
    host.receive("<<<undergoal_docker_bridge:sep(0)>>>\n")
    assert host.discover() == []


# --- forecasts and rates from the site's own memory ---


def series(host: Host, values: list[tuple[float, tuple[Value, ...]]], name: str = "Docker bridge br0") -> list[Shown]:
    shown = []
    for at, found in values:
        host.receive(section(outcome(*found), at=at))
        if name not in host.services:
            host.discover()
        shown.append(host.check(name))
    return shown


def test_a_bridge_that_fills_up_on_a_host_without_history(host: Host) -> None:
    shown = series(host, [(1e9 + 60 * minute, (ports(500 + minute),)) for minute in range(40)])
    early, late = shown[5], shown[-1]
    assert "undergoal_until_full_seconds" not in early.metrics, "fewer than four samples"
    expected = (1023 - 539) * 60
    assert late.metrics["undergoal_until_full_seconds"].value == pytest.approx(expected, rel=0.02)
    assert late.metrics["undergoal_growth_per_hour"].value == pytest.approx(60, rel=0.02)
    bounds = [late.metrics[f"undergoal_until_full_{bound}_seconds"].value for bound in ("lower", "upper")]
    assert bounds[0] < expected < bounds[1]
    assert late.summary == "Bridge ports: 539 of 1023, Time until full: 8 h"
    rule: dict[str, object] = {"until_full_lower_seconds": ("range", {"warning": "", "critical": "24h:"})}
    assert host.check("Docker bridge br0", rule).state == CRITICAL


def test_what_the_host_foresees_is_not_foreseen_again(host: Host) -> None:
    growth = Value("br0", "growth_per_hour", 7.0)
    shown = series(host, [(1e9 + 60 * minute, (ports(500 + minute), growth)) for minute in range(40)])
    assert shown[-1].metrics["undergoal_growth_per_hour"].value == 7
    assert "undergoal_until_full_seconds" not in shown[-1].metrics


def test_a_result_shown_again_is_no_sample_and_a_clock_set_back_starts_anew(host: Host) -> None:
    shown = series(host, [(1e9 + 600 * (minute // 10), (ports(500 + minute // 10),)) for minute in range(40)])
    assert "undergoal_until_full_seconds" in shown[-1].metrics
    shown = series(host, [(5e8, (ports(600),)), (5e8 + 60, (ports(700),))])
    assert "undergoal_until_full_seconds" not in shown[-1].metrics


def test_what_does_not_grow_has_no_time_until_full(host: Host) -> None:
    for step in (0, -1):
        shown = series(host, [(1e9 + 400 * n, (ports(500 + n * step),)) for n in range(10)])
        assert "undergoal_until_full_seconds" not in shown[-1].metrics


def test_work_that_shrinks_is_done_at_some_time(host: Host) -> None:
    cluster = checkmk.Naming("MooseFS", "cluster")
    for n in range(12):
        values = (Value("", "undergoal", 0), Value("", "work_left", 5000 - 100 * n, "", ""))
        made = Outcome("moosefs", OK, "said", (), values, items=(Item("", "", OK, "fine"),))
        host.receive(section(made, at=1e9 + 400 * n, naming=cluster))
        host.discover()
        shown = host.check("MooseFS cluster")
    assert shown.metrics["undergoal_until_done_seconds"].value == pytest.approx(3900 / 100 * 400, rel=0.05)
    assert shown.summary == "Undergoal chunks: 0, Time until done: 4 h"


def test_counters_have_rates_once_there_are_two(host: Host) -> None:
    def made(total: float) -> tuple[Value, ...]:
        return (Value("br0", "arp_table_fulls_total", total),)

    shown = series(host, [(1e9, made(10)), (1e9 + 60, made(40)), (1e9 + 120, made(3)), (1e9 + 180, made(3))])
    rates = [found.metrics.get("undergoal_arp_table_fulls_rate") for found in shown]
    assert [rate and rate.value for rate in rates] == [None, 0.5, None, 0]


@pytest.mark.parametrize("damage", [7, "x", [1], [[1]], [["a", "b"]]])
def test_a_damaged_memory_costs_the_forecast_only(host: Host, damage: object) -> None:
    received(host, ports(1))
    host._stores["Docker bridge br0"] = repr({"samples_ports": damage})
    assert host.check("Docker bridge br0").state == OK


# --- what a site demands of an extension ---


def test_functions_are_as_the_site_wants_them(site: Site) -> None:
    for plugin in site.plugins.values():
        with_item = "%s" in plugin.service_name
        assert inspect.isgeneratorfunction(plugin.check_function)
        assert inspect.isgeneratorfunction(plugin.discovery_function)
        wanted = ["item"] * with_item + ["params"] * (plugin.check_default_parameters is not None) + ["section"]
        assert list(inspect.signature(plugin.check_function).parameters) == wanted
        assert list(inspect.signature(plugin.discovery_function).parameters) == ["section"]
        assert plugin.name in site.sections
    for found in site.sections.values():
        assert list(inspect.signature(found.parse_function).parameters) == ["string_table"]
        assert found.name.replace("_", "").isalnum()


def test_every_measure_has_its_metric_and_every_line_is_one(site: Site) -> None:
    graphing = site.found["graphing"]
    metrics = {found.name: found for name, found in graphing.items() if name.startswith("metric_")}
    counters = {
        f"undergoal_{name.removesuffix('_total')}_rate" for name, kind in CATALOGUE.items() if kind.kind == COUNTER
    }
    assert set(metrics) == {f"undergoal_{name}" for name in CATALOGUE} | counters
    for name, found in graphing.items():
        lines = found.lines if name.startswith("graph_") else found.segments if name.startswith("perfometer_") else []
        assert set(lines) <= set(metrics)
        assert name.endswith(found.name)
    assert {name for name in graphing if name.startswith("graph_")} == {
        f"graph_undergoal_{name}" for name in CATALOGUE if f"{name.removesuffix('_seconds')}_lower_seconds" in CATALOGUE
    }
    for check in CHECKS:
        assert f"perfometer_undergoal_{load(check).main_measure}" in graphing


def test_the_extension_needs_nothing_that_a_site_has_not(site: Site) -> None:
    code = (
        f"import sys; sys.path = [{str(site.local / 'lib/python3')!r}, {str(STUBS)!r}, *sys.path]\n"
        "for group in ('agent_based', 'graphing', 'rulesets'):\n"
        "    __import__(f'cmk_addons.plugins.undergoal.{group}.undergoal')\n"
        "ours = ('checks', 'perfdata', 'agent_plugins', 'nagiosplugin')\n"
        "assert not [name for name in sys.modules if name.split('.')[0] in ours]\n"
    )
    done = subprocess.run(["/usr/bin/python3", "-I", "-S", "-c", code], capture_output=True, check=False, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_the_bakery_puts_into_an_agent(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from types import ModuleType, SimpleNamespace

    registered: dict[str, Any] = {}
    api = ModuleType("api")
    api.OS = SimpleNamespace(LINUX="linux")  # type: ignore[attr-defined]
    api.Plugin = api.PluginConfig = lambda **fields: fields  # type: ignore[attr-defined]
    api.register = SimpleNamespace(bakery_plugin=lambda **fields: registered.update(fields))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "bakery.bakery_api", ModuleType("bakery.bakery_api"))
    monkeypatch.setitem(sys.modules, "bakery.bakery_api.v1", api)
    source = (site.local / "lib/python3/cmk/base/cee/plugins/bakery/undergoal.py").read_text()
    exec(compile(source, "bakery", "exec"), {"__name__": "bakery.undergoal", "__package__": "bakery"})
    assert registered["name"] == site.found["rulesets"]["rule_spec_undergoal_agent_config"].name
    bake = registered["files_function"]
    conf = {
        "deployment": ("cached", 300.0),
        "installation": "/opt/undergoal",
        "cephfs": {"run": "on", "options": "--path /mnt/x", "interval": 600.0},
    }
    plugin, config = bake(conf)
    assert plugin == {"base_os": "linux", "source": Path("undergoal.py"), "interval": 300}
    assert (config["target"], config["include_header"]) == (Path("undergoal.cfg"), True)
    assert config["lines"] == [
        "installation=/opt/undergoal",
        "cephfs=on",
        "cephfs_options=--path /mnt/x",
        "cephfs_interval=600",
    ]
    assert list(bake({"deployment": ("do_not_deploy", None)})) == []
    assert next(iter(bake({"deployment": ("sync", None)})))["interval"] is None
    from agent_plugins.settings import configure

    assert configure("\n".join(config["lines"])).problems == ()


def test_headers_are_split_as_a_site_splits_them() -> None:
    """The tests' own parser does not forgive what a site would take for a header."""
    with pytest.raises(ValueError, match="a header that nobody meant"):
        parse("<<<undergoal_x:sep(0)>>>\n<<<not a section>>>\n")
