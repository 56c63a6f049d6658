"""Assertions 38 to 43: whatever the check is started in."""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
from pathlib import Path

import pytest
from support import HOSTS, PLAIN_ENVIRONMENT, SCRIPTS, check, command, fixture_arguments, run

from conformance.black_box import AS_NOBODY, OUTPUT, Gallery, every_check, expected_text, fresh_state, replay
from conformance.fake_docker import FakeDocker, healthy
from conformance.namespace import no_network, with_bridge

ENVIRONMENTS: dict[str, dict[str, str]] = {
    "empty": {},
    "no PATH": {"LANG": "C.UTF-8", "HOME": "/"},
    "no HOME": {"PATH": "/usr/bin"},
    "HOME that is not there": {"HOME": "/nonexistent"},
    "C": {"LC_ALL": "C"},
    "C, taken literally": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    "POSIX, taken literally": {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    "Latin 1": {"LC_ALL": "de_DE.ISO-8859-1", "PYTHONUTF8": "0"},
    "Turkish": {"LC_ALL": "tr_TR.UTF-8"},
    "Turkish in Latin 5": {"LC_ALL": "tr_TR.ISO-8859-9", "PYTHONUTF8": "0"},
    "a locale that is not there": {"LC_ALL": "xx_XX.KOI8-X"},
    "ASCII output": {"PYTHONIOENCODING": "ascii"},
    "strict Latin 1 output": {"PYTHONIOENCODING": "latin-1:strict"},
    "unbuffered": {"PYTHONUNBUFFERED": "1"},
    "verbose warnings": {"PYTHONWARNINGS": "always", "PYTHONDEVMODE": "1"},
}


@pytest.fixture(scope="session")
def locales(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which the locales above are really there, where they can be compiled."""
    if not shutil.which("localedef") or not Path("/usr/share/i18n/locales/tr_TR").exists():
        return {}
    place = tmp_path_factory.mktemp("locales")
    for language, charset in (("de_DE", "ISO-8859-1"), ("tr_TR", "UTF-8"), ("tr_TR", "ISO-8859-9")):
        argv = ["localedef", "-i", language, "-f", charset, str(place / f"{language}.{charset}")]
        subprocess.run(argv, check=False, capture_output=True)
    return {"LOCPATH": str(place)}


@every_check
@pytest.mark.parametrize("host", ["ok", "critical", "hostile"])
@pytest.mark.parametrize("kind", list(ENVIRONMENTS))
def test_38_the_environment_changes_no_byte(
    name: str, host: str, kind: str, state: Path, locales: dict[str, str], gallery: Gallery
) -> None:
    environment = {**ENVIRONMENTS[kind], **(locales if ENVIRONMENTS[kind] else {})}
    assert replay(name, host, state, "-v", environment=environment)[:3] == gallery.run(name, host, "-v")[:3]


@every_check
@pytest.mark.parametrize(
    "before",
    [
        'cd "$0" && rmdir "$0"',
        'cd "$0" && chmod 000 "$0"',
        "umask 000",
        "umask 077",
        "umask 777",
        "trap '' TERM INT HUP ALRM CHLD PIPE",
    ],
)
def test_39_working_directory_umask_and_ignored_signals_change_nothing(
    name: str, before: str, state: Path, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    argv = [*command(f"check_{name}"), *fixture_arguments(name, "ok"), "--state-dir", str(state)]
    done = run(["sh", "-c", f'{before} && exec "$@"', str(place), *argv])
    assert (done.code, done.text, done.stderr) == (0, expected_text(name, "ok"), b"")
    assert [oct(path.stat().st_mode) for path in state.iterdir() if path.stat().st_mode & 0o077] == []


@every_check
@pytest.mark.parametrize("handles", [6, 7, 8, 10, 16])
def test_39_few_file_handles_are_a_verdict_or_unknown(name: str, handles: int, state: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (handles, handles))

    done = replay(name, "ok", state, preexec_fn=limit)
    assert done.code in (0, 3)
    assert done.stderr == b""
    assert OUTPUT.match(done.line)
    assert not re.search("Traceback|Error", done.output)


@every_check
def test_40_a_closed_stdin_changes_nothing(name: str, state: Path) -> None:
    argv = [*command(f"check_{name}"), *fixture_arguments(name, "ok"), "--state-dir", str(state)]
    done = run(["sh", "-c", 'exec "$@" <&-', "sh", *argv])
    assert (done.code, done.text, done.stderr) == (0, expected_text(name, "ok"), b"")


@every_check
@pytest.mark.parametrize("host", ["ok", "critical"])
@pytest.mark.parametrize("unbuffered", [{}, {"PYTHONUNBUFFERED": "1"}], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("where", [">&-", ">/dev/full", "<&- >&- 2>&-"])
def test_40_a_verdict_that_cannot_be_written_is_exit_code_3(
    name: str, host: str, unbuffered: dict[str, str], where: str, state: Path
) -> None:
    argv = [*command(f"check_{name}"), *fixture_arguments(name, host), "--state-dir", str(state)]
    done = run(["sh", "-c", f'exec "$@" {where}', "sh", *argv], environment={**PLAIN_ENVIRONMENT, **unbuffered})
    assert done[:3] == (3, b"", b"")
    assert [path for path in state.iterdir() if name.upper().encode() in path.read_bytes()] == []


@every_check
@pytest.mark.parametrize("flags", [(), ("--help",), ("--version",), ("--no-such-option",)], ids=" ".join)
def test_40_nobody_listening_is_exit_code_3(name: str, flags: tuple[str, ...], state: Path) -> None:
    argv = [*command(f"check_{name}"), *fixture_arguments(name, "critical"), "--state-dir", str(state), *flags]
    receive, send = os.pipe()
    os.close(receive)
    try:
        done = subprocess.run(
            argv, stdout=send, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, env=PLAIN_ENVIRONMENT, check=False
        )
    finally:
        os.close(send)
    assert (done.returncode, done.stderr) == (3, b"")


@pytest.mark.needs("setpriv")
@every_check
def test_41_without_rights_there_is_an_answer(name: str, open_directory: Path) -> None:
    place = open_directory / "host"
    shutil.copytree(HOSTS / name / "ok", place)
    done = run([*AS_NOBODY, *command(f"check_{name}"), "--root", str(place), "--no-history"])
    assert (done.code, done.text, done.stderr) == (0, expected_text(name, "ok"), b"")
    for path in place.rglob("*"):
        path.chmod(0)
    place.chmod(0)
    done = run([*AS_NOBODY, *command(f"check_{name}"), "--root", str(place), "--no-history"])
    assert (done.code, done.stderr) == (3, b"")
    assert re.search("permission denied|may not", done.output, re.IGNORECASE), done.output


@pytest.mark.needs("setpriv", "unshare", "ip")
def test_41_a_docker_that_may_not_be_asked_is_unknown_with_the_line_that_grants_it(open_directory: Path) -> None:
    with FakeDocker(open_directory / "docker.sock", healthy, mode=0o600) as docker:
        argv = [*command("check_docker_bridge"), "--docker-socket", str(docker.path), "--no-history"]
        done = run([*with_bridge(), *AS_NOBODY, *argv])
        assert docker.asked == 0
    assert (done.code, done.stderr) == (3, b"")
    assert done.text == "DOCKER_BRIDGE UNKNOWN - Docker may not be asked by nobody; 1 ok"
    rule = f"nobody ALL=(root) NOPASSWD: {SCRIPTS}/check_docker_bridge --docker-socket {docker.path} --no-history"
    assert [line for line in done.rest if line.startswith("next: ") and rule in line]
    assert done.perfdata["docker0_ports"] == "0;900;1000;0;1023"


@pytest.mark.needs("setpriv", "unshare", "ip", "mount")
def test_41_without_being_told_to_ask_docker_the_bridges_are_judged(open_directory: Path) -> None:
    with FakeDocker(open_directory / "docker.sock", healthy, mode=0o600):
        argv = [*command("check_docker_bridge"), "--no-history"]
        done = run([*with_bridge(run_directory=str(open_directory)), *AS_NOBODY, *argv])
    assert (done.code, done.text, done.stderr) == (0, "DOCKER_BRIDGE OK - docker0 0/1023 ports", b"")
    said = "\n".join(done.rest)
    assert "Docker may not be asked by nobody at /run/docker.sock" in said
    assert f"nobody ALL=(root) NOPASSWD: {SCRIPTS}/check_docker_bridge --no-history" in said


@pytest.mark.needs("strace")
@every_check
@pytest.mark.parametrize("arguments", [["--root", "ok"], [], ["--help"]], ids=["captured", "real", "help"])
def test_42_no_internet_socket_is_opened(name: str, arguments: list[str], state: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    if arguments[:1] == ["--root"]:
        arguments = fixture_arguments(name, "ok")
    argv = ["strace", "-f", "-e", "trace=socket,connect,execve", "-o", str(trace), *command(f"check_{name}")]
    run([*argv, *arguments, "--state-dir", str(state)])
    calls = trace.read_text()
    assert "execve(" in calls
    assert not re.search(r"AF_INET6?\b|AF_PACKET", calls)


@pytest.mark.needs("unshare")
@every_check
def test_42_no_network_is_needed(name: str, state: Path, tmp_path: Path) -> None:
    argv = [*command(f"check_{name}"), *fixture_arguments(name, "ok"), "--state-dir", str(state)]
    assert run([*no_network(), *argv])[:3] == replay(name, "ok", fresh_state(tmp_path))[:3]


@pytest.mark.needs("unshare", "ip", "mount", "strace")
def test_42_dockers_default_socket_is_used_where_there_is_one(tmp_path: Path, state: Path) -> None:
    place = tmp_path / "run"
    place.mkdir()
    with FakeDocker(place / "docker.sock", healthy) as docker:
        argv = [*command("check_docker_bridge"), "--state-dir", str(state)]
        done = run([*with_bridge(run_directory=str(place)), *argv])
        assert docker.asked == 1
    assert (done.code, done.stderr) == (0, b"")
    assert done.text == "DOCKER_BRIDGE OK - docker0 0/1023 ports"
    assert done.perfdata["docker0_endpoints"] == "12;;;0;1023"


@pytest.mark.needs("strace")
@every_check
def test_43_secrets_of_the_environment_are_shown_nowhere(name: str, state: Path, tmp_path: Path) -> None:
    secret = "Xyzzy-plugh-8421"
    names = ("DOCKER_AUTH_CONFIG", "API_TOKEN", "PASSWORD", "HTTP_PROXY")
    environment = {**PLAIN_ENVIRONMENT, **dict.fromkeys(names, secret)}
    trace = tmp_path / "trace"
    strace = ["strace", "-f", "-s", "9999", "-e", "trace=execve,write,pwrite64,sendto", "-o", str(trace)]
    for host in ("critical", "hostile"):
        argv = [*command(f"check_{name}"), *fixture_arguments(name, host), "--state-dir", str(fresh_state(state))]
        done = run([*strace, *argv, "-vvv"], environment=environment)
        assert secret not in done.output
        assert "write(" in trace.read_text()
        assert secret not in trace.read_text()
    assert secret not in check(name, "--help", environment=environment).output
    assert [path for path in state.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()] == []
