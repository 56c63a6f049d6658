"""The agent plugin when something is missing, not to be trusted, hangs, crashes, or prints what it should not."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from lab.checkmk_agent import INSTALLATION, PLUGIN, Agent, Called
from lab.checkmk_local import parse_line
from lab.made_checks import ODD
from support import HOSTS, TESTS, as_root_on_debian

from checks import CHECKS, __version__

as_root = pytest.mark.skipif(not as_root_on_debian(), reason="needs root on Debian")
ONLY_BRIDGES = [f"{name}=off" for name in CHECKS if name != "docker_bridge"]
BRIDGES = HOSTS / "docker_bridge"
PACKAGES = next((INSTALLATION / "lib").glob("python3*/site-packages"))


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    made = Agent(tmp_path)
    made.install()
    return made


def documents(called: Called, name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in called.lines(name)]


def local(called: Called) -> dict[str, tuple[str, str]]:
    return {found.name: (found.state, found.summary) for found in map(parse_line, called.lines("local"))}


# --- what is missing, and what is refused ---


def deployment_error(called: Called) -> str:
    assert called.codes == [0]
    assert called.names[0] == "undergoal_agent"
    (document,) = documents(called, "undergoal_agent")
    return str(document["deployment_error"])


def test_undergoal_is_not_installed(agent: Agent, tmp_path: Path) -> None:
    agent.configure("mode=both", installation=tmp_path / "nowhere")
    called = agent.call()
    reason = f"undergoal is not installed: looked for a venv or packages in {tmp_path / 'nowhere'}"
    assert deployment_error(called) == reason
    assert local(called) == {"undergoal agent plugin": ("3", reason)}


def test_a_place_beside_the_agent_comes_first_in_the_list(agent: Agent) -> None:
    agent.configure(installation=None)
    if not os.path.exists("/opt/undergoal"):
        listed = f"{agent.library}/undergoal, /opt/undergoal, /usr/lib/undergoal, /usr/local/lib/undergoal"
        assert deployment_error(agent.call()) == (
            f"undergoal is not installed: looked for a venv or packages in {listed}"
        )


@as_root
@pytest.mark.parametrize("what", ["bin/python3", "bin", "lib", "."])
def test_root_runs_nothing_that_others_can_write(agent: Agent, tmp_path: Path, what: str) -> None:
    fake = tmp_path / "fake"
    (fake / "bin").mkdir(parents=True)
    (fake / "lib/python3/site-packages/agent_plugins").mkdir(parents=True)
    (fake / "bin/python3").write_text("#!/bin/sh\necho '<<<pwned>>>'\n")
    (fake / "bin/python3").chmod(0o755)
    agent.configure(installation=fake)
    assert agent.call().names == ["pwned"], "it would be run"
    (fake / what).chmod(0o777)
    place = os.path.normpath(fake / what)
    assert deployment_error(agent.call()) == f"{fake} is not used: {place} is writable by others (mode 0777)"
    (fake / what).chmod(0o755)
    os.chown(fake / what, 65534, 65534)
    assert deployment_error(agent.call()) == f"{fake} is not used: {place} belongs to another user (uid 65534)"


@as_root
def test_root_uses_no_configuration_that_others_can_write(agent: Agent) -> None:
    shutil.copytree(INSTALLATION, agent.library / "undergoal", symlinks=True)
    agent.configure("mode=local", "docker_bridge=off")
    path = agent.confdir / "undergoal.cfg"
    path.chmod(0o666)
    (about,) = documents(agent.call(), "undergoal_agent")
    assert about["problems"] == [f"{path} is not used: {path} is writable by others (mode 0666)"]


def test_packages_in_a_directory_are_run_by_the_agents_python(agent: Agent, tmp_path: Path) -> None:
    """As a distribution's package lays them down."""
    packages = tmp_path / "packages"
    for name in ("checks", "perfdata", "agent_plugins", "nagiosplugin"):
        shutil.copytree(PACKAGES / name, packages / name)
    agent.configure(*ONLY_BRIDGES, f"docker_bridge_options=--root {BRIDGES / 'ok'}", installation=packages)
    assert documents(agent.call(), "undergoal_docker_bridge")[0]["text"] == "docker0 12/1023 ports"


def test_an_installation_that_lacks_something_says_what(agent: Agent, tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    (packages / "agent_plugins").mkdir(parents=True)
    (packages / "agent_plugins/__init__.py").touch()
    agent.configure(installation=packages)
    reason = f"{packages} is not complete: No module named 'agent_plugins.agent'"
    assert deployment_error(agent.call()) == reason


# --- checks that hang, crash, or print what they should not ---


def made(agent: Agent, *names: str, broken: bool = False) -> Called:
    """A call of the agent with an installation whose checks are made up (lab/made_checks.py)."""
    place = agent.library.parent / "made" / "agent_plugins"
    place.mkdir(parents=True)
    (place / "__init__.py").touch()
    (place / "agent.py").write_text(
        "def main(binaries):\n"
        "    import sys\n"
        f"    sys.path[:1] = {[str(PACKAGES), str(TESTS)]!r}\n"
        "    del sys.modules['agent_plugins'], sys.modules['agent_plugins.agent']\n"
        "    from lab.made_checks import main\n"
        f"    main({list(names)!r}, {broken})\n"
    )
    agent.configure("mode=both", installation=place.parent)
    called = agent.call()
    assert called.codes == [0]
    return called


def test_a_check_that_hangs_and_one_that_crashes_take_no_other_with_them(agent: Agent) -> None:
    called = made(agent, "hangs", "crashes", "raises", "odd")
    names = ("hangs", "crashes", "raises")
    runs = [documents(called, f"undergoal_{name}")[0] for name in names]
    assert [(run["state"], str(run["text"]).split(" at ")[0]) for run in runs] == [
        (3, "did not answer in time; its process was killed"),
        (3, "its process said nothing"),
        (3, "failed while reading the host"),
    ]
    assert str(runs[2]["text"]).endswith(": (((x)))")
    assert called.seconds < 8
    assert called.names == ["undergoal_agent", *(f"undergoal_{name}" for name in (*names, "odd")), "local"]
    services = local(called)
    assert [services[f"undergoal {name.capitalize()} host"][0] for name in names] == ["3", "3", "3"]


def test_a_name_that_would_begin_a_section_begins_none(agent: Agent) -> None:
    called = made(agent, "odd")
    assert called.names == ["undergoal_agent", "undergoal_odd", "local"]
    assert documents(called, "undergoal_odd")[1]["service"] == ODD
    assert len(called.lines("local")) == len(local(called)) == 3


def test_five_hundred_items(agent: Agent) -> None:
    called = made(agent, "many")
    assert len(called.lines("undergoal_many")) == 501
    services = local(called)
    assert len(services) == 502
    assert services["undergoal Many item-499"] == ("0", "item-499 seven")
    assert services["undergoal Many host"] == ("0", "500 with services of their own")


def test_a_configured_time_ends_everything(agent: Agent) -> None:
    agent.configure(*ONLY_BRIDGES, f"docker_bridge_options=--root {BRIDGES / 'hang'}", "timeout=3", "docker_bridge=on")
    called = agent.call()
    assert documents(called, "undergoal_docker_bridge")[0]["state"] == 3
    assert called.seconds < 4


def test_what_nobody_foresaw_is_said_on_both_ways(agent: Agent) -> None:
    called = made(agent, "odd", broken=True)
    (document,) = documents(called, "undergoal_agent")
    assert str(document["deployment_error"]).startswith("failed while running the checks at made_checks.py:")
    state, text = local(called)["undergoal agent plugin"]
    assert (state, text) == ("3", document["deployment_error"])


def test_the_plugin_is_one_file_that_needs_nothing() -> None:
    text = PLUGIN.read_text()
    assert f'__version__ = "{__version__}"\n' in text
    assert text.startswith("#!/usr/bin/env python3\n")
    modules = {line.split()[1].rstrip(",") for line in text.splitlines() if line.startswith(("import ", "from "))}
    assert modules == {"os", "stat", "sys"}
