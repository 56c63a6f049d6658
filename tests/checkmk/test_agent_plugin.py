"""The agent plugin under an agent: sections, local lines, configuration, and where it runs."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.checkmk_agent import INSTALLATION, Agent, Called
from lab.checkmk_local import parse_line
from support import HOSTS, PROJECT, as_root_on_debian

from agent_plugins.settings import configure
from checks import CHECKS, __version__

as_root = pytest.mark.skipif(not as_root_on_debian(), reason="needs root on Debian")
BRIDGES = HOSTS / "docker_bridge"
ONLY_BRIDGES = [f"{name}=off" for name in CHECKS if name != "docker_bridge"]
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    made = Agent(tmp_path)
    made.install()
    return made


def bridges(agent: Agent, host: str, *lines: str, options: str = "") -> Called:
    """One call, with docker_bridge alone looking at a captured host."""
    agent.configure(*ONLY_BRIDGES, f"docker_bridge_options=--root {BRIDGES / host} {options}", *lines)
    called = agent.call()
    assert called.codes == [0]
    return called


def documents(called: Called, name: str = "undergoal_docker_bridge") -> list[dict[str, object]]:
    return [json.loads(line) for line in called.lines(name)]


def local(called: Called) -> dict[str, tuple[str, str]]:
    """Service -> (state, summary), of the local lines; each has to be well-formed."""
    return {found.name: (found.state, found.summary) for found in map(parse_line, called.lines("local"))}


# --- sections and local lines ---


def test_a_whole_section(agent: Agent) -> None:
    called = bridges(agent, "critical")
    assert called.names == ["undergoal_agent", "undergoal_docker_bridge"]
    assert documents(called, "undergoal_agent") == [
        {"format": 1, "version": __version__, "checks": ["docker_bridge"], "problems": []}
    ]
    run, *items = documents(called)
    assert abs(float(str(run.pop("time"))) - time.time()) < 60
    assert run == {
        "format": 1,
        "version": __version__,
        "check": "docker_bridge",
        "state": 2,
        "text": "docker0 1011/1023 ports, exchange full: runner-1018 could not start, netdev_max_backlog 1000 below its"
        " ports loses broadcast ARP; 2 ok",
        "notes": [],
    }
    assert [item["service"] for item in items] == ["docker0", "docker", "br-e8cb9fe0b031", "br-6c4947e8f94f", "host"]
    assert items[0] == {
        "service": "docker0",
        "whole": False,
        "title": "docker0",
        "lasting": True,
        "measures": {
            "ports": {"value": 1011, "warning": "900", "critical": "1000", "minimum": 0, "maximum": 1023},
            "leaked_ports": {"value": 0, "warning": "0", "critical": "", "minimum": 0},
            "addresses_left": {"value": 64522, "warning": "", "critical": "1:", "minimum": 0, "maximum": 65533},
            "addresses_used_percent": {"value": 1.54, "warning": "90", "critical": "", "minimum": 0, "maximum": 100},
            "endpoints": {"value": 1011, "warning": "", "critical": "", "minimum": 0, "maximum": 1023},
        },
        "facts": [
            {
                "state": 1,
                "code": "backlog_below_ports",
                "words": "netdev_max_backlog 1000 below its ports loses broadcast ARP",
                "next_step": "sysctl -w net.core.netdev_max_backlog=4096",
            },
            {
                "state": 2,
                "code": "exchange_full",
                "words": "exchange full: runner-1018 could not start",
                "next_step": "free ports (docker ps; stop or move containers), then docker start runner-1018"
                " (or docker rm runner-1018)",
            },
        ],
    }
    assert items[4] == {
        "service": "host",
        "whole": True,
        "title": "host",
        "lasting": True,
        "measures": {"arp_table_fulls_total": {"value": 0, "warning": "", "critical": "", "minimum": 0}},
        "facts": [],
    }


def test_whole_local_lines(agent: Agent) -> None:
    called = bridges(agent, "critical", "mode=local")
    assert called.names == ["local"]
    assert called.header("local").options == {"sep": "0"}
    assert called.lines("local") == [
        f'0 "undergoal agent plugin" - version {__version__}: docker_bridge',
        '0 "undergoal Docker bridge host" undergoal_arp_table_fulls_total=0;;;0 host fine',
        '2 "undergoal Docker bridge docker0" undergoal_ports=1011;900;1000;0;1023|undergoal_leaked_ports=0;0;;0'
        "|undergoal_addresses_left=64522;;;0;65533|undergoal_addresses_used_percent=1.54;90;;0;100"
        "|undergoal_endpoints=1011;;;0;1023 docker0 1011/1023 ports, exchange full: runner-1018 could not start,"
        " netdev_max_backlog 1000 below its ports loses broadcast ARP"
        "\\nnext: sysctl -w net.core.netdev_max_backlog=4096"
        "\\nnext: free ports (docker ps; stop or move containers), then docker start runner-1018"
        " (or docker rm runner-1018)",
        '0 "undergoal Docker bridge docker" undergoal_address_pools_free=28;;;0 Docker fine',
        '0 "undergoal Docker bridge br-e8cb9fe0b031" undergoal_ports=6;900;1000;0;1023|undergoal_leaked_ports=0;0;;0'
        "|undergoal_addresses_left=65527;;;0;65533|undergoal_addresses_used_percent=0.01;90;;0;100"
        "|undergoal_endpoints=6;;;0;1023 metrics 6/1023 ports",
        '0 "undergoal Docker bridge br-6c4947e8f94f" undergoal_ports=3;900;1000;0;1023|undergoal_leaked_ports=0;0;;0'
        "|undergoal_addresses_left=65530;;;0;65533|undergoal_addresses_used_percent=0;90;;0;100"
        "|undergoal_endpoints=3;;;0;1023 ingress_proxy 3/1023 ports",
    ]


def test_both_at_once_are_the_same_run(agent: Agent) -> None:
    called = bridges(agent, "warning", "mode=both")
    assert called.names == ["undergoal_agent", "undergoal_docker_bridge", "local"]
    names = {f"undergoal Docker bridge {item['service']}" for item in documents(called)[1:]}
    assert set(local(called)) == {*names, "undergoal agent plugin", "undergoal Docker bridge host"}


@pytest.mark.parametrize("host", ["ok", "warning", "critical", "hang", "huge", "hostile"])
@pytest.mark.parametrize("check", CHECKS)
def test_every_captured_host_of_every_check(agent: Agent, check: str, host: str) -> None:
    """Hostile names included: no line is a header that is none, every local line is well-formed."""
    arguments = HOSTS / check / host / "arguments"
    options = f"--root {HOSTS / check / host} {arguments.read_text() if arguments.exists() else ''} -t 3"
    agent.configure(
        *(f"{name}=off" for name in CHECKS if name != check),
        "mode=both",
        f"{check}=on",
        f"{check}_options={' '.join(options.split())}",
    )
    called = agent.call()
    assert called.codes == [0]
    assert called.names == ["undergoal_agent", f"undergoal_{check}", "local"]
    run, *items = documents(called, f"undergoal_{check}")
    expected = (HOSTS / check / host / "expected").read_text().split(" - ")[0].split()[-1]
    assert run["state"] == ["OK", "WARNING", "CRITICAL", "UNKNOWN"].index(expected)
    assert len({item["service"] for item in items}) == len(items)
    services = local(called)
    assert len(services) == len(called.lines("local"))
    states = [int(state) for state, _ in services.values()]
    order = [0, 1, 3, 2]
    assert max(states, key=order.index) == run["state"]


def test_what_is_not_here_is_left_out_unless_it_is_asked_for(agent: Agent, tmp_path: Path) -> None:
    (tmp_path / "empty/sys/class/net").mkdir(parents=True)
    options = f"docker_bridge_options=--root {tmp_path / 'empty'}"
    agent.configure(*ONLY_BRIDGES, options)
    assert agent.call().names == ["undergoal_agent"]
    agent.configure(*ONLY_BRIDGES, options, "docker_bridge=on", "mode=both")
    called = agent.call()
    (run,) = documents(called)
    assert (run["state"], run["text"]) == (3, "no Linux bridge on this host")
    assert local(called)["undergoal Docker bridge host"] == ("3", "no Linux bridge on this host")


# --- its configuration ---


def test_what_is_wrong_in_the_configuration_is_said_and_the_rest_done(agent: Agent) -> None:
    called = bridges(
        agent,
        "ok",
        "moosefs=maybe",
        "dockr_bridge=off",
        "nonsense",
        "timeout=0",
        "mode=both",
        "cephfs_options=--paht /x",
        "cephfs=on",
    )
    (about,) = documents(called, "undergoal_agent")
    assert about["problems"] == [
        f"undergoal.cfg: line {len(CHECKS) + 4} is not KEY=VALUE",
        "undergoal.cfg: timeout=0 is not a number of seconds from 3 to 3600",
        "undergoal.cfg: moosefs=maybe is none of on, off, auto",
        "undergoal.cfg: unknown key dockr_bridge",
        "undergoal.cfg: cephfs_options: unknown option --paht",
    ]
    assert documents(called, "undergoal_cephfs") == [
        {"format": 1, "deployment_error": "cephfs_options: unknown option --paht"}
    ]
    services = local(called)
    assert services["undergoal agent plugin"][0] == "1"
    assert services["undergoal CephFS host"] == ("3", "cephfs_options: unknown option --paht")
    assert services["undergoal Docker bridge host"] == ("0", "host fine")


def test_the_configuration_in_the_readme_is_a_right_one() -> None:
    text = (PROJECT / "README.md").read_text().split("undergoal.cfg` is optional:\n\n")[1].split("\n\n")[0]
    configuration = configure(text)
    assert (configuration.mode, configuration.timeout, configuration.problems) == ("both", 25, ())
    assert {wanted.name: (wanted.options, wanted.interval) for wanted in configuration.checks} == {
        **{name: ("", 0) for name in CHECKS if name != "docker_bridge"},
        "cephfs": ("--path /mnt/ceph/backup --max-age 26h", 0),
        "megaraid": ("", 600),
    }


@pytest.mark.parametrize("option", ["--accept", "--help", "--version", "--state-user nagios"])
def test_options_for_runs_by_hand_are_refused(agent: Agent, option: str) -> None:
    called = bridges(agent, "ok", options=option)
    name = option.split(" ", maxsplit=1)[0]
    assert documents(called) == [
        {"format": 1, "deployment_error": f"docker_bridge_options: option {name} is for runs by hand"}
    ]


def test_thresholds_of_the_host_are_in_its_section(agent: Agent) -> None:
    called = bridges(agent, "ok", options="-w 5 -c 20")
    run, *items = documents(called)
    assert run["state"] == 1
    assert items[0]["measures"]["ports"] == {  # type: ignore[index]
        "value": 12, "warning": "5", "critical": "20", "minimum": 0, "maximum": 1023,
    }  # fmt: skip


def test_an_installation_with_a_python_of_its_own(agent: Agent, tmp_path: Path) -> None:
    own = tmp_path / "own"
    shutil.copytree(INSTALLATION, own, symlinks=True, ignore=shutil.ignore_patterns("mypy*", "ruff*", "pip*"))
    interpreter = own / "bin/python3"
    binary = interpreter.resolve()
    interpreter.unlink()
    shutil.copy(binary, interpreter)
    agent.configure(*ONLY_BRIDGES, f"docker_bridge_options=--root {BRIDGES / 'warning'}", installation=own)
    assert documents(agent.call())[0]["state"] == 1


def test_no_configuration_at_all_and_no_directory_for_it(agent: Agent, tmp_path: Path) -> None:
    agent.confdir.rmdir()
    shutil.copytree(INSTALLATION, agent.library / "undergoal", symlinks=True)
    assert agent.call().names[0] == "undergoal_agent"


# --- intervals ---


def test_a_check_with_an_interval_shows_its_last_result_meanwhile(agent: Agent, tmp_path: Path) -> None:
    host = tmp_path / "host"
    shutil.copytree(BRIDGES / "ok", host)
    agent.configure(*ONLY_BRIDGES, f"docker_bridge_options=--root {host}", "docker_bridge_interval=300", "mode=both")
    first = agent.call()
    shutil.rmtree(host)
    shutil.copytree(BRIDGES / "warning", host)
    second = agent.call()
    assert second.raw == first.raw
    cached = first.header("undergoal_docker_bridge").options["cached"]
    assert re.fullmatch(r"\d+,300", cached)
    assert {parse_line(line).cached for line in first.lines("local")} == {None, tuple(map(int, cached.split(",")))}
    agent.configure(*ONLY_BRIDGES, f"docker_bridge_options=--root {host} -v", "docker_bridge_interval=300")
    assert documents(agent.call())[0]["state"] == 1, "other options are another check"
    agent.configure(*ONLY_BRIDGES, f"docker_bridge_options=--root {host}", "docker_bridge_interval=1")
    time.sleep(1.1)
    assert documents(agent.call())[0]["state"] == 1


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"at": 9e99, "options": ""}', "\0" * 100, "directory"])
def test_a_damaged_cache_costs_a_run(agent: Agent, damage: str) -> None:
    bridges(agent, "ok", "docker_bridge_interval=300")
    (kept,) = agent.vardir.rglob("agent-docker_bridge.json")
    kept.unlink()
    if damage == "directory":
        kept.mkdir()
    else:
        kept.write_text(damage)
    assert documents(bridges(agent, "ok", "docker_bridge_interval=300"))[0]["state"] == 0


@as_root
def test_a_cache_that_somebody_else_can_write_is_not_believed(agent: Agent) -> None:
    first = bridges(agent, "ok", "docker_bridge_interval=300")
    (kept,) = agent.vardir.rglob("agent-docker_bridge.json")
    kept.write_text(kept.read_text().replace("12/1023", "13/1023"))
    assert documents(bridges(agent, "ok", "docker_bridge_interval=300"))[0]["text"] == "docker0 13/1023 ports"
    kept.chmod(0o666)
    assert documents(bridges(agent, "ok", "docker_bridge_interval=300"))[0]["text"] == documents(first)[0]["text"]


def test_apart_from_the_agent(tmp_path: Path) -> None:
    agent = Agent(tmp_path)
    agent.install(300)
    agent.configure(*ONLY_BRIDGES, f"docker_bridge_options=--root {BRIDGES / 'ok'}", "mode=both")
    assert agent.call().sections == []
    agent.run_apart()
    called = agent.call()
    assert called.names == ["undergoal_agent", "undergoal_docker_bridge", "local"]
    assert re.fullmatch(r"\d+,300", called.header("undergoal_docker_bridge").options["cached"])


# --- where it runs ---


@pytest.fixture
def readable() -> Iterator[Path]:
    """A directory that others can look into, unlike pytest's."""
    with tempfile.TemporaryDirectory(prefix="undergoal-agent-") as made:
        yield Path(made)


@as_root
def test_as_nobody_with_a_directory_of_its_own(readable: Path) -> None:
    """A single-directory deployment whose agent is not root."""
    agent = Agent(readable, single=True)
    agent.install()
    for directory, _, _ in os.walk(readable):
        os.chown(directory, 65534, 65534)
    agent.configure(*ONLY_BRIDGES, f"docker_bridge_options=--root {BRIDGES / 'critical'}", "docker_bridge_interval=60")
    called = agent.call(*NOBODY)
    assert documents(called)[0]["state"] == 2
    assert documents(called)[0]["notes"] == []
    state = agent.vardir / "undergoal"
    assert (state.stat().st_uid, stat.S_IMODE(state.stat().st_mode)) == (65534, 0o700)


@pytest.fixture
def read_only(agent: Agent) -> Agent:
    """With a MK_VARDIR that cannot be written to, not even by root."""
    agent.environment["MK_VARDIR"] = "/proc/undergoal"
    return agent


def test_a_vardir_that_cannot_be_written_costs_history_and_cache_only(read_only: Agent) -> None:
    called = bridges(read_only, "critical", "docker_bridge_interval=300", "mode=both")
    run, *_ = documents(called)
    assert run["state"] == 2
    assert str(run["text"]).endswith("; state not saved")
    assert len(run["notes"]) == 1  # type: ignore[arg-type]
    assert str(run["notes"][0]).startswith("state not saved: /proc")  # type: ignore[index]
    assert local(called)["undergoal Docker bridge docker0"][0] == "2"
    whole = next(found for found in map(parse_line, called.lines("local")) if found.name.endswith("bridge host"))
    assert [line for line in whole.details if line.startswith("state not saved: /proc")]


@as_root
@pytest.mark.needs("mount", "umount")
def test_a_full_vardir(agent: Agent) -> None:
    done = os.system(f"mount -t tmpfs -o size=16k,mode=755 none {agent.vardir}")
    assert done == 0
    try:
        (agent.vardir / "cache").mkdir()
        with open(agent.vardir / "filler", "wb", buffering=0) as filler:
            try:
                while filler.write(bytes(1024)):
                    continue
            except OSError:
                pass
        called = bridges(agent, "critical", "docker_bridge_interval=300")
        run, *items = documents(called)
        assert (run["state"], len(items)) == (2, 5)
        assert "state not saved" in str(run["text"])
        assert not list(agent.vardir.rglob("*.json*"))
    finally:
        os.system(f"umount -l {agent.vardir}")
