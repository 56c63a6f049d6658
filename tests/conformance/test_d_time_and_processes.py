"""Assertions 31 to 37: nothing takes longer than allowed, and nothing is left behind."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from support import HOSTS, PLAIN_ENVIRONMENT, Ran, check, command, fixture_arguments, run

from conformance.black_box import NO_ANSWER, every_check, expected_text, fresh_state, help_of, replay
from conformance.fake_docker import Behaviour, FakeDocker, endless, silent, trickling
from conformance.history_file import history
from conformance.hung_mount import HungMount
from conformance.namespace import with_bridge
from conformance.processes import no_descendants_left, running_with, started, stop

MEMORY_MAX = 100 << 20  # bytes
READY = 0.5  # seconds after which a check has long been waiting for what hangs
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@every_check
def test_31_the_default_timeout_is_below_that_of_every_engine(name: str) -> None:
    text = help_of(name)
    default = re.search(r"--timeout SECONDS answer within this time.*?\(default ([\d.]+)s\)", text)
    assert default
    assert 1 <= float(default[1]) <= (30 if "vendor tool" in text else 8)


@every_check
@pytest.mark.parametrize("timeout", [1.0, 2.0])
def test_32_what_hangs_is_unknown_in_time_and_named(name: str, timeout: float, state: Path) -> None:
    done = replay(name, "hang", state, "-t", f"{timeout}")
    assert (done.code, done.stderr) == (3, b"")
    assert done.text == expected_text(name, "hang")
    assert done.seconds < timeout + 1


@every_check
def test_32_a_locked_history_costs_the_history_and_not_the_verdict(name: str, state: Path) -> None:
    replay(name, "ok", state)
    with closing(sqlite3.connect(history(state))) as other:
        other.execute("BEGIN EXCLUSIVE")
        done = replay(name, "ok", state, "-t", "2")
    assert done.text == f"{expected_text(name, 'ok')}; state not saved"
    assert (done.code, done.stderr) == (0, b"")
    assert done.seconds < 3
    assert [line for line in done.rest if line.startswith("state not saved: ") and "locked" in line]


@pytest.mark.parametrize("behaviour", [silent, trickling])
@pytest.mark.needs("unshare", "ip")
def test_32_a_docker_that_does_not_answer_is_unknown_in_time(behaviour: Behaviour, state: Path, tmp_path: Path) -> None:
    with FakeDocker(tmp_path / "docker.sock", behaviour) as docker:
        options = ["--docker-socket", str(docker.path), "--state-dir", str(state), "-t", "1"]
        done = run([*with_bridge(), *command("check_docker_bridge"), *options])
        assert docker.asked == 1
    assert done.text == "DOCKER_BRIDGE UNKNOWN - Docker did not answer in time; 1 ok"
    assert done.perfdata["docker0_ports"] == "0;900;1000;0;1023"
    assert (done.code, done.stderr) == (3, b"")
    assert done.seconds < 2


@pytest.mark.needs("umount")
@every_check
def test_33_a_hung_file_system_is_unknown_in_time_and_takes_one_helper(
    name: str, state: Path, hung_mount: HungMount
) -> None:
    arguments = ["--root", hung_mount.sub, "--state-dir", str(state), "-t", "1"]
    hung_mount.hang()

    first = check(name, *arguments)
    assert (first.code, first.stderr) == (3, b"")
    assert first.line.startswith(f"{name.upper()} UNKNOWN - ")
    assert NO_ANSWER.search(first.line)
    assert "reading /" in first.line
    assert first.seconds < 2
    stuck = running_with(hung_mount.sub)
    assert [_sleep_of(pid) for pid in stuck] == ["D"]

    second = check(name, *arguments)
    assert (second.code, second.stderr) == (3, b"")
    assert re.search(rf"still blocked for \d+ s in an earlier run's helper, process {min(stuck)}\b", second.line)
    assert second.seconds < 0.8
    assert running_with(hung_mount.sub) == stuck

    hung_mount.close()
    _wait_until_gone(stuck)
    shutil.copytree(HOSTS / name / "ok", hung_mount.sub)
    assert check(name, *arguments).text == expected_text(name, "ok")


def _sleep_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]


def _wait_until_gone(pids: set[int]) -> None:
    end = time.monotonic() + 2
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < end, "the helper outlived the mount it was stuck on"
        time.sleep(0.01)


@pytest.mark.needs("umount")
@every_check
def test_33_a_hung_state_directory_costs_the_history_and_not_the_verdict(name: str, hung_mount: HungMount) -> None:
    hung_mount.hang()
    done = replay(name, "ok", Path(hung_mount.sub), "-t", "2")
    assert done.text == f"{expected_text(name, 'ok')}; state not saved"
    assert done.rest == [f"state not saved: {hung_mount.place} is on fuse.hungfs, which may hang"]
    assert (done.code, done.stderr) == (0, b"")
    assert done.seconds < 3
    assert running_with(hung_mount.sub) == set()


@pytest.mark.needs("umount")
@every_check
def test_33_a_hung_working_directory_is_not_touched(name: str, state: Path, hung_mount: HungMount) -> None:
    waits_in_its_directory = 'read go; exec "$@" </dev/null'
    argv = [*command(f"check_{name}"), *fixture_arguments(name, "ok"), "--state-dir", str(state)]
    with started(["sh", "-c", waits_in_its_directory, "sh", *argv], cwd=hung_mount.place, stdin=-1) as process:
        hung_mount.hang()
        stdout, stderr = process.communicate(b"go\n", timeout=10)
    assert (process.returncode, stderr) == (0, b"")
    assert stdout.decode().startswith(expected_text(name, "ok") + " | ")


@pytest.mark.needs("umount", "unshare", "ip")
def test_33_a_docker_socket_on_a_hung_file_system_is_not_touched(state: Path, hung_mount: HungMount) -> None:
    hung_mount.hang()
    options = ["--docker-socket", hung_mount.sub, "--state-dir", str(state), "-t", "2"]
    done = run([*with_bridge(), *command("check_docker_bridge"), *options])
    reason = f"Docker {hung_mount.place} is on fuse.hungfs, which may hang"
    assert done.code == 3
    assert done.line.startswith(f"DOCKER_BRIDGE UNKNOWN - {reason}"[:120])
    assert done.seconds < 1


@every_check
@pytest.mark.parametrize("number", SIGNALS)
def test_34_signals_are_answered_at_once(name: str, number: signal.Signals, state: Path) -> None:
    argv = [*command(f"check_{name}"), *fixture_arguments(name, "hang"), "--state-dir", str(state)]
    with no_descendants_left(), started(argv) as process:
        time.sleep(READY)
        done = stop(process, number)
    assert (done.code, done.stderr) == (3, b"")
    assert re.fullmatch(
        rf"{name.upper()} UNKNOWN - stopped by {number.name} after \d\.\d s while [ -{{}}~]+\n", done.output
    )
    assert done.seconds < 0.5


@every_check
@pytest.mark.parametrize("host", ["ok", "critical", "hang"])
def test_35_nothing_is_left_running(name: str, host: str, state: Path) -> None:
    with no_descendants_left():
        replay(name, host, state, "-t", "1")


@pytest.mark.needs("umount")
@every_check
def test_35_a_run_that_times_out_leaves_nothing_that_holds_its_output(
    name: str, state: Path, hung_mount: HungMount
) -> None:
    hung_mount.hang()
    check(name, "--root", hung_mount.sub, "--state-dir", str(state), "-t", "1")
    (stuck,) = running_with(hung_mount.sub)
    held = {os.readlink(f"/proc/{stuck}/fd/{number}") for number in (0, 1, 2)}
    assert held == {"/dev/null"}


@pytest.mark.needs("unshare", "ip")
def test_36_an_endless_answer_takes_no_memory(state: Path, tmp_path: Path) -> None:
    with FakeDocker(tmp_path / "docker.sock", endless) as docker:
        options = ["--docker-socket", str(docker.path), "--state-dir", str(state), "-t", "4"]
        done, memory = run_measured([*with_bridge(), *command("check_docker_bridge"), *options])
        assert docker.asked == 1
    assert done.text == "DOCKER_BRIDGE UNKNOWN - Docker answered more than 16 MiB; 1 ok"
    assert (done.code, done.stderr) == (3, b"")
    assert memory < MEMORY_MAX


@every_check
def test_36_an_endless_file_takes_no_memory(name: str, state: Path) -> None:
    """Every file of the healthy host in turn never ends: /dev/zero."""
    root = state / "root"
    shutil.copytree(HOSTS / name / "ok", root)
    for file in [path for path in root.rglob("*") if path.is_file() and path.name not in ("expected", "arguments")]:
        content = file.read_bytes()
        file.unlink()
        file.symlink_to("/dev/zero")
        options = ["--root", str(root), "--state-dir", str(fresh_state(state)), "-t", "2"]
        done, memory = run_measured([*command(f"check_{name}"), *options])
        assert done.code in (0, 1, 2, 3), file
        assert done.line.startswith(f"{name.upper()} "), file
        assert (done.stderr, memory < MEMORY_MAX) == (b"", True), (file, memory)
        file.unlink()
        file.write_bytes(content)


MEASURE = """
import os, resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
with open(sys.argv[1], "w") as file:
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024, file=file)
sys.exit(code)
"""


def run_measured(argv: list[str]) -> tuple[Ran, int]:
    """Run a command; the most memory that it or a child of it had, in bytes."""
    receive, send = os.pipe()
    with closing(os.fdopen(receive)) as answer:
        done = run([sys.executable, "-c", MEASURE, f"/dev/fd/{send}", *argv], pass_fds=(send,))
        os.close(send)
        return done, int(answer.read())


@pytest.mark.needs("strace")
@every_check
@pytest.mark.parametrize("captured", [True, False])
def test_37_children_are_started_by_absolute_path_in_the_c_locale(
    name: str, captured: bool, state: Path, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    argv = ["strace", "-f", "-v", "-s", "9999", "-e", "trace=execve", "-o", str(trace), *command(f"check_{name}")]
    arguments = fixture_arguments(name, "critical") if captured else []
    done = run([*argv, *arguments, "--state-dir", str(state)], environment={**PLAIN_ENVIRONMENT, "LC_ALL": "C.UTF-8"})
    assert done.stderr == b""
    program, *children = re.findall(r"execve\((.*)", trace.read_text())
    assert program.startswith(f'"{command(f"check_{name}")[0]}"')
    assert [child for child in children if not re.match(r'"/[^"]+"', child)] == []
    assert [child for child in children if '"LC_ALL=C"' not in child] == []
    assert [child for child in children if re.match(r'"[^"]*/(ba|da)?sh"', child)] == []
