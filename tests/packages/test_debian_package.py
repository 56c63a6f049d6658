"""The .deb in a Debian of its own: installed, used as nagios, updated, removed, purged."""

from __future__ import annotations

import io
import os
import re
import tarfile
from pathlib import Path

import pytest
from conformance.black_box import expected_text
from lab.builder import build, commands
from lab.scratch_root import ScratchRoot
from packages.conftest import control_field
from support import PROJECT, check, command, fixture_arguments, run

from checks import CHECKS
from checks.frame.state import SYSTEM_DIRECTORY

pytestmark = [pytest.mark.needs("dpkg-deb", "mmdebstrap", "lintian", "unshare")]

PLUGINS = "/usr/lib/nagios/plugins"
HOME = "/usr/lib/undergoal"
STATE = f"{SYSTEM_DIRECTORY}/nagios"


@pytest.fixture
def installed(root: ScratchRoot, package: Path) -> ScratchRoot:
    root.install(package)
    return root


def bytecode(root: ScratchRoot) -> list[str]:
    return root.find("/usr/lib/undergoal", "-name", "*.pyc")


def modules(root: ScratchRoot) -> list[str]:
    return root.find("/usr/lib/undergoal", "-name", "*.py")


def test_lintian_finds_no_error(package: Path) -> None:
    own = {**os.environ, "DEBFULLNAME": "Ada", "DEBEMAIL": "ada@debian.org"}
    (signed,) = build(package.parent, "deb", environment=own)
    assert control_field(signed, "Maintainer") == "Ada <ada@debian.org>"
    ran = run(["/usr/bin/lintian", "--fail-on", "error", "--no-override", str(signed)])
    assert (ran.code, re.findall("^E: .*", ran.output, re.MULTILINE)) == (0, [])
    (anybodys,) = build(package.parent, "deb")
    ran = run(["/usr/bin/lintian", "--fail-on", "error", str(anybodys)])
    assert (ran.code, re.findall("^E: .*", ran.output, re.MULTILINE)) == (0, [])


def test_the_same_source_makes_the_same_file(package: Path, tmp_path: Path) -> None:
    umask = os.umask(0o077)
    try:
        (again,) = build(tmp_path, "deb")
    finally:
        os.umask(umask)
    assert again.read_bytes() == package.read_bytes()


def test_nothing_is_in_force_that_nobody_asked_for(package: Path) -> None:
    listing = run(["/usr/bin/dpkg-deb", "--contents", str(package)]).output.splitlines()
    files = {line.split()[5].lstrip("."): line.split()[0] for line in listing if not line.startswith("d")}
    homes = (f"{HOME}/", f"{PLUGINS}/check_", "/usr/bin/undergoal", "/usr/share/")
    assert [name for name in files if not name.startswith(homes)] == []
    assert [name for name in files if name.endswith(".pyc")] == []
    assert {line.split()[1] for line in listing} == {"root/root"}
    assert {mode for name, mode in files.items() if mode[0] == "-" and name.startswith(f"{HOME}/checks/")} == {
        "-rw-r--r--"
    }
    contrib = {path.relative_to(PROJECT / "contrib") for path in (PROJECT / "contrib").rglob("*") if path.is_file()}
    examples = {str(path) for path in contrib if path.parts[0] != "packaging" and "__pycache__" not in path.parts}
    prefix = "/usr/share/doc/undergoal/examples/"
    assert {name[len(prefix) :] for name in files if name.startswith(prefix)} == examples


def test_units_call_the_command_where_it_is(following: Path) -> None:
    content = run(["/usr/bin/dpkg-deb", "--fsys-tarfile", str(following)]).stdout
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        unit = archive.extractfile("./usr/share/doc/undergoal/examples/systemd/newcomer.service")
        assert unit is not None
        assert unit.read() == b"ExecStart=/usr/bin/undergoal list\n"


def test_installed(installed: ScratchRoot) -> None:
    links = {name: f"{'/usr/bin' if name == 'undergoal' else PLUGINS}/{name}" for name in commands()}
    for name, place in links.items():
        assert installed.must("readlink", "-f", place) == f"{HOME}/undergoal\n"
        assert installed.run(place, "--version").output.split()[0] == name
    assert installed.must("dpkg", "--verify", "undergoal") == ""
    compiled = {re.sub(r"__pycache__/(\w+)\.cpython-\d+\.pyc$", r"\1.py", name) for name in bytecode(installed)}
    assert compiled == set(modules(installed)) != set()
    owners = installed.must("stat", "-c", "%U:%G %a", SYSTEM_DIRECTORY, STATE).splitlines()
    assert owners == ["root:root 755", "nagios:nagios 700"]
    rtupdate = "/usr/share/python3/runtime.d/undergoal.rtupdate"
    before = bytecode(installed)
    installed.must("find", HOME, "-name", "*.pyc", "-delete")
    installed.must(rtupdate, "rtupdate", "python3.11", "python3.11")
    assert bytecode(installed) == before


@pytest.mark.parametrize("name", CHECKS)
def test_nagios_sees_what_the_installed_check_says(installed: ScratchRoot, name: str) -> None:
    before = bytecode(installed)
    for host in ("ok", "warning", "critical", "hostile"):
        arguments = [*fixture_arguments(name, host), "-v", "--no-history"]
        ran = installed.run(f"{PLUGINS}/check_{name}", *arguments, user="nagios")
        assert expected_text(name, host) in ran.output
        assert ran[:3] == run([*command(f"check_{name}"), *arguments])[:3]
    for words in (["--help"], ["--bogus"]):
        assert installed.run(f"{PLUGINS}/check_{name}", *words, user="nagios")[:3] == check(name, *words)[:3]
    assert bytecode(installed) == before


def test_a_life(root: ScratchRoot, package: Path, following: Path) -> None:
    """A real bridge is watched as nagios over an update; removal keeps what was learnt, a purge does not."""
    root.namespace.must("ip", "link", "add", "br0", "type", "bridge")
    root.namespace.fill("br0", 5, "p")
    root.install(package)
    bridge = [f"{PLUGINS}/check_docker_bridge", "--no-docker"]
    ran = root.run(*bridge, user="nagios")
    assert (ran.code, ran.text, ran.stderr) == (0, "DOCKER_BRIDGE OK - br0 5/1023 ports", b"")
    ran = root.run("/usr/bin/undergoal", "--no-history", user="nagios")
    assert (ran.code, ran.stderr) == (0, b"")
    assert re.search(r"^OK +docker_bridge +br0 5/1023 ports", ran.output, re.MULTILINE)
    (history,) = root.find(STATE, "-type", "f", "-size", "+0")
    kept = root.must("md5sum", history)
    assert root.must("stat", "-c", "%U %a", history) == "nagios 600\n"

    root.install(following)
    assert root.must("md5sum", history) == kept
    assert root.run(*bridge, "--version").output == "check_docker_bridge 99.0\n"
    assert f"{HOME}/checks/newcomer.py" in modules(root)
    assert len(bytecode(root)) == len(modules(root))
    root.namespace.must("ip", "link", "delete", "br0")
    ran = root.run(*bridge, user="nagios")
    assert ran.code == 2
    assert re.match("DOCKER_BRIDGE CRITICAL - br0 .*(gone|missing)", ran.text)

    root.install(package)  # and back
    assert not [name for name in [*modules(root), *bytecode(root)] if "newcomer" in name]
    assert root.run(*bridge, user="nagios").code == 2

    root.must("dpkg", "--remove", "undergoal")
    assert root.find("/usr", "-path", "*undergoal*", "-o", "-name", "check_docker_bridge") == []
    assert root.find(STATE, "-type", "f", "-size", "+0") == [history]

    root.install(following)
    assert root.run(*bridge, user="nagios").code == 2
    root.must("dpkg", "--purge", "undergoal")
    assert root.find("/usr", "/var", "/etc", "-path", "*undergoal*", "-not", "-path", "/var/log/*") == []


def test_the_line_that_it_prints_lets_nagios_run_it_as_root(installed: ScratchRoot) -> None:
    installed.namespace.must("ip", "link", "add", "br0", "type", "bridge")
    listen = "import socket; socket.socket(socket.AF_UNIX).bind('/run/docker.sock')"
    installed.must("python3", "-c", listen)
    installed.must("chmod", "0600", "/run/docker.sock")
    argv = [f"{PLUGINS}/check_docker_bridge", "-v", "--no-history"]
    denied = installed.run(*argv, user="nagios").output
    assert "Docker may not be asked by nagios at /run/docker.sock" in denied
    (rule,) = re.findall(r"nagios ALL=\(root\) NOPASSWD: \S+ -v --no-history", denied)
    installed.must(
        "sh", "-c", f"umask 227; echo '{rule}' >/etc/sudoers.d/undergoal; visudo -cf /etc/sudoers.d/undergoal"
    )
    granted = installed.run("sudo", "-n", *argv, user="nagios").output
    assert granted.startswith("DOCKER_BRIDGE OK - br0 0/1023 ports")
    assert "may not be asked" not in granted
    assert installed.run("sudo", "-n", *argv[:2], user="nagios").code == 1


def test_a_history_at_home_stays_in_use(root: ScratchRoot, package: Path) -> None:
    root.must("install", "-d", "-o", "nagios", "-m", "0700", "/var/lib/nagios/.local/state/undergoal")
    root.install(package)
    assert root.find(SYSTEM_DIRECTORY) == [SYSTEM_DIRECTORY]
