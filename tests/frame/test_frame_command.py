"""What every check does around its own work: help, the one list of checks, errors nobody foresaw, lean imports."""

from __future__ import annotations

import configparser
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support import PROJECT

import checks
from checks.frame.command import Session, all_options, common_options, unforeseen
from checks.frame.host import Host
from checks.frame.options import help_text, parse
from checks.frame.plugin import Examination, NothingHere, Plugin, Run
from checks.frame.probe import threshold_options
from perfdata.clock import Clock
from perfdata.outcome import OK, UNKNOWN, Outcome


class Raising(Plugin):
    """Fails while it reads."""

    name = "raising"

    def __init__(self, error: Exception) -> None:
        self.error = error

    def examine(self, run: Run) -> Examination:
        run.host.deadline.stage = "reading toys"
        raise self.error


def verdict(error: Exception, *arguments: str) -> Outcome:
    plugin = Raising(error)
    session = Session(plugin, parse(all_options(plugin), list(arguments)))
    return session.verdict(Run(Host("/nowhere", session.deadline), session.settings, Clock(0, 0, ""), None))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("bad | value\nline 2"), "bad / value line 2"),
        (KeyError("Id"), "'Id'"),
        (OSError(5, "x", "/secret/name"), "Input/output error"),
        (RuntimeError("long " * 100), "long long"),
        (ZeroDivisionError(), ""),
        (ModuleNotFoundError("No module", name="psutil"), "the Python module psutil is not installed here"),
    ],
)
def test_what_nobody_foresaw_is_one_line_with_its_place(error: Exception, reason: str) -> None:
    outcome = verdict(error)
    assert (outcome.check, outcome.state, outcome.details, outcome.values) == ("raising", UNKNOWN, (), ())
    assert re.match(r"failed while reading toys at test_frame_command\.py:\d+: ?" + re.escape(reason), outcome.text)
    assert len(outcome.text) <= 140
    assert "\n" not in outcome.text
    assert not re.search(r"Error|Traceback|Exception", outcome.text.replace("Input/output error", ""))


def test_an_error_that_was_never_raised() -> None:
    assert unforeseen(ValueError("x"), "starting") == "failed while starting at : x"


@pytest.mark.parametrize(("arguments", "state"), [([], UNKNOWN), (["--absent-ok"], OK)])
def test_nothing_here(arguments: list[str], state: int) -> None:
    assert verdict(NothingHere("no toys\nhere"), *arguments) == Outcome("raising", state, "no toys here", applies=False)


def test_last_words() -> None:
    plugin = Raising(ValueError())
    session = Session(plugin, parse(all_options(plugin), []))
    session.deadline.stage = "asking Docker"
    assert session.last_words("timed out") == Outcome("raising", UNKNOWN, "timed out after 0.0 s while asking Docker")
    session.ready = Outcome("raising", OK, "all fine")
    outcome = session.last_words("timed out")
    assert (outcome.state, outcome.text) == (OK, "all fine; state not saved")


TOY_PROGRAM = """
from checks.frame.command import main
from checks.frame.plugin import Plugin
class Toy(Plugin):
    name = "toy"
    def examine(self, run):
        {body}
main(Toy())
"""


@pytest.mark.parametrize(
    ("body", "pattern"),
    [
        ("raise LookupError('no way')", r"TOY UNKNOWN - failed while reading the host at <string>:\d+: no way"),
        ("return 1 / 0", r"TOY UNKNOWN - failed while reading the host at <string>:\d+: division by zero"),
        ("import no_such_module", r"TOY UNKNOWN - failed .*: the Python module no_such_module is not installed here"),
        ("return self.examine(run)", r"TOY UNKNOWN - failed while .*: maximum recursion depth exceeded.*"),
    ],
)
def test_a_whole_run_that_fails_is_one_line_and_3(body: str, pattern: str) -> None:
    program = TOY_PROGRAM.format(body=body)
    ran = subprocess.run([sys.executable, "-c", program, "--no-history"], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (3, "")
    assert re.fullmatch(pattern.replace("<string>", "(<|\\()string(>|\\))") + "\n", ran.stdout), ran.stdout


def test_checks_are_the_console_scripts() -> None:
    setup = configparser.ConfigParser()
    setup.read(PROJECT / "setup.cfg")
    scripts = dict(
        line.replace(" ", "").split("=")
        for line in setup["options.entry_points"]["console_scripts"].split("\n")
        if line
    )
    assert scripts == {
        "undergoal": "checks.undergoal:main",
        **{f"check_{name}": f"checks.{name}:main" for name in checks.CHECKS},
    }


def test_load() -> None:
    assert [checks.load(name).name for name in checks.CHECKS] == list(checks.CHECKS)
    with pytest.raises(KeyError):
        checks.load("os")


@pytest.mark.parametrize("name", checks.CHECKS)
def test_help_explains_every_option_and_default(name: str) -> None:
    plugin = checks.load(name)
    options = all_options(plugin)
    text = help_text(f"check_{name}", plugin.description, plugin.examples, options)
    flat = " ".join(text.split())
    for option in options:
        assert all(flag in flat for flag in option.flags)
        assert option.help
    for option, default in zip(
        threshold_options(plugin),
        (level for levels in plugin.levels.values() for level in (levels.warning, levels.critical)),
    ):
        start = flat.index(f"{option.flags[-1]} RANGE")
        assert f"(default {default or 'none'})" in flat[start : start + 200]
    assert max(map(len, text.split("\n"))) <= 80
    assert text.isascii()
    assert plugin.main_measure in plugin.levels
    longest = 30 if "vendor tool" in plugin.description else 8
    assert all((plugin.question, plugin.outage, plugin.description, plugin.examples, 1 <= plugin.timeout <= longest))


@pytest.mark.parametrize("name", checks.CHECKS)
def test_no_two_options_share_a_flag_or_a_setting(name: str) -> None:
    options = all_options(checks.load(name))
    flags = [flag for option in options for flag in option.flags]
    assert len(set(flags)) == len(flags)
    assert len({option.setting for option in options}) == len(options)
    assert {"-h", "--help", "-V", "--version", "-v", "-t", "--timeout", "-w", "-c", "--root"} <= set(flags)


def test_the_default_timeout_is_announced() -> None:
    [timeout] = [option for option in common_options(8.0) if option.setting == "timeout"]
    assert (timeout.default, "(default 8s)" in timeout.help) == (8.0, True)


LEAN = """
import json, sys
before = set(sys.modules)
import checks.docker_bridge
from checks.frame.command import Session, all_options
from checks.frame.options import parse
from perfdata import nagios
plugin = checks.docker_bridge.PLUGIN
settings = parse(all_options(plugin), ["--root", sys.argv[1], "--no-docker", "--no-history"])
output = nagios.render(Session(plugin, settings).outcome()).decode()
loaded = sorted(set(sys.modules) - before)
import logging
import nagiosplugin
from checks.frame import judging

class Load(nagiosplugin.Resource):
    def probe(self):
        yield nagiosplugin.Metric("load", 7, context="load")

check = nagiosplugin.Check(Load(), nagiosplugin.ScalarContext("load", "5", "10"), nagiosplugin.Summary())
check()
print(json.dumps({
    "output": output,
    "loaded": loaded,
    "logging": [hasattr(logging, name) for name in ("getLogger", "Handler", "basicConfig")],
    "logs": logging.getLogger("x").isEnabledFor(logging.CRITICAL),
    "state": str(check.state), "summary": check.summary_str, "perfdata": [str(p) for p in check.perfdata],
    "same": all(getattr(nagiosplugin, n) is getattr(judging, n) for n in judging.__all__ if hasattr(nagiosplugin, n)),
}))
"""
HEAVY = {
    *(
        "logging",
        "tempfile",
        "json",
        "sqlite3",
        "http.client",
        "requests",
        "psutil",
        "pySMART",
        "argparse",
        "subprocess",
    ),
    *("dataclasses", "asyncio", "multiprocessing", "email", "ssl", "urllib.request", "socket", "ipaddress", "fnmatch"),
}


def test_a_plain_run_imports_nothing_heavy_and_leaves_libraries_whole(tmp_path: Path) -> None:
    bridge = tmp_path / "sys/class/net/docker0"
    (bridge / "bridge").mkdir(parents=True)
    (bridge / "ifindex").write_text("5\n")
    (bridge / "brif.ls").write_text("veth1\nveth2\n")
    ran = subprocess.run(
        [sys.executable, "-c", LEAN, str(tmp_path)], capture_output=True, text=True, check=True, cwd=PROJECT
    )
    seen = json.loads(ran.stdout)
    assert seen.pop("output") == ("DOCKER_BRIDGE OK - docker0 2/1023 ports | docker0_ports=2;900;1000;0;1023\n")
    assert sorted(set(seen.pop("loaded")) & HEAVY) == []
    assert seen == {
        "logging": [True, True, True],
        "logs": True,
        "state": "warning",
        "summary": "load is 7 (outside range 0:5)",
        "perfdata": ["load=7;5;10"],
        "same": True,
    }
