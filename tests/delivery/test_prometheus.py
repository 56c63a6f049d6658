"""Metrics: whole files, read by Debian's real promtool; nobody ever reads half of one."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from pathlib import Path

import pytest
from support import HOSTS, command, fixture_arguments, run

from checks import CHECKS
from perfdata.catalogue import CATALOGUE, COUNTER
from perfdata.outcome import CRITICAL, OK, UNKNOWN, Outcome, Value
from perfdata.prometheus import Examined, render

UNDERGOAL = [*command("undergoal"), "prometheus"]
_LABEL = r'[a-z_]+="(?:[^"\\\n]|\\[\\n"])*"'
SAMPLE = re.compile(rf"([a-z_]+)(?:\{{{_LABEL}(?:,{_LABEL})*\}})? -?[\d.]+\Z")


def job(name: str, host: str, state: Path) -> str:
    words = [*fixture_arguments(name, host), "--state-dir", str(state / f"{name}{host}"), "-t", "2"]
    return f"{name}_{host}={name} {' '.join(words)}"


def test_the_whole_file() -> None:
    values = (
        Value('a"b\\c\nd', "ports", 7, "900"),
        Value("", "arp_table_fulls_total", 3),
        Value("x", "ports", float("nan")),
        Value("br0", "ports", 1023),
        Value("br0", "growth_per_hour", -0.00000012),
    )
    found = [
        Examined("docker_bridge", Outcome("docker_bridge", CRITICAL, "text", (), values), 0.25),
        Examined("second", Outcome("docker_bridge", OK, "text", (), (Value("br0", "ports", 1),)), 1.0),
        Examined("bond", Outcome("bond", UNKNOWN, "text"), 0.0),
    ]
    assert render(found, 1700000000.9).decode() == (
        "# HELP undergoal_check_state Verdict of a check: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.\n"
        "# TYPE undergoal_check_state gauge\n"
        'undergoal_check_state{check="docker_bridge"} 2\n'
        'undergoal_check_state{check="docker_bridge",service="second"} 0\n'
        'undergoal_check_state{check="bond"} 3\n'
        "# HELP undergoal_check_duration_seconds Time that a check took.\n"
        "# TYPE undergoal_check_duration_seconds gauge\n"
        'undergoal_check_duration_seconds{check="docker_bridge"} 0.25\n'
        'undergoal_check_duration_seconds{check="docker_bridge",service="second"} 1\n'
        'undergoal_check_duration_seconds{check="bond"} 0\n'
        "# HELP undergoal_last_run_seconds When the checks were run, in unix time.\n"
        "# TYPE undergoal_last_run_seconds gauge\n"
        "undergoal_last_run_seconds 1700000000\n"
        "# HELP undergoal_ports Ports attached to a Linux bridge, which takes 1023 at most.\n"
        "# TYPE undergoal_ports gauge\n"
        'undergoal_ports{check="docker_bridge",item="a\\"b\\\\c\\nd"} 7\n'
        'undergoal_ports{check="docker_bridge",item="br0"} 1023\n'
        'undergoal_ports{check="docker_bridge",service="second",item="br0"} 1\n'
        "# HELP undergoal_growth_per_hour Ports gained per hour at the present rate; negative when shrinking.\n"
        "# TYPE undergoal_growth_per_hour gauge\n"
        'undergoal_growth_per_hour{check="docker_bridge",item="br0"} 0\n'
        "# HELP undergoal_arp_table_fulls_total Times the kernel's ARP table was full, since boot.\n"
        "# TYPE undergoal_arp_table_fulls_total counter\n"
        'undergoal_arp_table_fulls_total{check="docker_bridge"} 3\n'
    )


@pytest.mark.needs("promtool")
def test_promtool_likes_every_check_in_every_state(tmp_path: Path) -> None:
    jobs = [job(name, host.name, tmp_path) for name in CHECKS for host in (HOSTS / name).iterdir() if host.is_dir()]
    done = run([*UNDERGOAL, *jobs, "nothing=no_such_check"])
    assert (done.code, done.stderr) == (0, b"")
    checked = subprocess.run(["promtool", "check", "metrics"], input=done.stdout, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
    samples = [line for line in done.output.splitlines() if not line.startswith("#")]
    assert [line for line in samples if not SAMPLE.match(line)] == []
    assert len({line.rpartition(" ")[0] for line in samples}) == len(samples)
    states = [line for line in samples if line.startswith("undergoal_check_state{")]
    assert len(states) == len(jobs) + 1
    assert {line[-1] for line in states} == {"0", "1", "2", "3"}


@pytest.mark.needs("promtool")
def test_promtool_likes_the_whole_catalogue() -> None:
    values = tuple(Value("x", name, 1) for name in CATALOGUE)
    content = render([Examined("a", Outcome("a", OK, "", (), values), 1.0)], 1.0)
    checked = subprocess.run(["promtool", "check", "metrics"], input=content, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
    assert all(name.endswith("_total") for name, kind in CATALOGUE.items() if kind.kind == COUNTER)


def test_bits_are_bytes_here() -> None:
    values = (Value("bond0", "speed_bits", 20_000_000_000),)
    content = render([Examined("bond", Outcome("bond", OK, "", (), values), 1.0)], 1.0).decode()
    assert '\nundergoal_speed_bytes_per_second{check="bond",item="bond0"} 2500000000\n' in content


def test_the_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """Read all the time while it is written again and again."""
    target = tmp_path / "undergoal.prom"
    argv = [*UNDERGOAL, "--output", str(target), job("cephfs", "huge", tmp_path)]
    assert run(argv)[:3] == (0, b"", b"")
    size, ends, over = target.stat().st_size, set(), threading.Event()

    def read() -> None:
        while not over.is_set():
            ends.add(target.read_bytes()[-1:])

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(5):
        assert run(argv)[:3] == (0, b"", b"")
    over.set()
    reader.join()
    assert ends == {b"\n"}
    assert target.stat().st_mode & 0o777 == 0o644
    assert target.stat().st_size > size / 2 > 10_000
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_what_cannot_be_written_is_said_and_the_old_file_stays(tmp_path: Path) -> None:
    done = run([*UNDERGOAL, "--output", "/nonexistent/x.prom", "docker_bridge --root /nonexistent"])
    assert (done.code, done.stderr) == (3, b"")
    assert done.output == (
        "UNKNOWN - undergoal prometheus: /nonexistent/x.prom not written: No such file or directory\n"
    )
    target = tmp_path / "a.prom"
    target.mkdir()
    (tmp_path / "a.prom/old").touch()
    done = run([*UNDERGOAL, "--output", str(target), "docker_bridge --root /nonexistent"])
    assert done.code == 3
    assert sorted(os.listdir(tmp_path)) == ["a.prom"]


def test_two_of_one_name_are_refused() -> None:
    done = run([*UNDERGOAL, "bond", "bond"])
    assert done.code == 3
    assert "two checks of one name: name them, SERVICE=CHECK" in done.output
