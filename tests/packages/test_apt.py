"""The .deb in the hands of apt: dependencies from Debian, updates from a repository, and what is left in the end."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from conformance.black_box import expected_text
from lab import scratch_root
from lab.booted_root import BootedRoot
from lab.scratch_root import ScratchRoot
from packages.conftest import control_field
from support import check, command, fixture_arguments, run

from checks import CHECKS
from checks.frame.state import SYSTEM_DIRECTORY

pytestmark = [pytest.mark.needs("dpkg-deb", "mmdebstrap", "unshare")]

PLUGINS = "/usr/lib/nagios/plugins"
STATE = f"{SYSTEM_DIRECTORY}/nagios"


def installed(root: ScratchRoot, *packages: str) -> list[str]:
    """Those of these packages that are installed."""
    shown = root.run("dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n", *packages).output
    return sorted(re.findall("^(.*) installed$", shown, re.MULTILINE))


def offer(root: ScratchRoot, package: Path, scratch: Path) -> None:
    """This package in a repository of its own, of which apt is told."""
    content = package.read_bytes()
    about = run(["/usr/bin/dpkg-deb", "--field", str(package)]).output
    about += f"Filename: ./{package.name}\nSize: {len(content)}\nSHA256: {hashlib.sha256(content).hexdigest()}\n"
    (scratch / "Packages").write_text(about)
    (scratch / "own.list").write_text("deb [trusted=yes] file:/srv/repository ./\n")
    root.must("mkdir", "/srv/repository")
    root.put(package, "/srv/repository")
    root.put(scratch / "Packages", "/srv/repository")
    root.put(scratch / "own.list", "/etc/apt/sources.list.d")
    only = ["Dir::Etc::SourceList=/etc/apt/sources.list.d/own.list", "Dir::Etc::SourceParts=-"]
    root.apt("update", *(word for option in (*only, "APT::Get::List-Cleanup=0") for word in ("-o", option)))


def test_a_life(
    root: ScratchRoot, package: Path, following: Path, depends: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Like the one with dpkg, but apt brings and takes away what the package needs."""
    needed = [name for name in depends if name != "python3"]
    root.must("apt-mark", "auto", *needed)
    root.apt("purge", "--autoremove", *needed)
    assert installed(root, *depends) == ["python3"]

    root.put(package, "/tmp")
    root.apt("install", f"/tmp/{package.name}")
    assert installed(root, "undergoal", *depends) == [*depends, "undergoal"]
    suggested = re.findall(r"[\w.-]+", control_field(package, "Suggests"))
    assert control_field(package, "Recommends") == ""
    assert installed(root, *suggested) == ["sudo"]  # which was there before
    manual = root.must("apt-mark", "showmanual").split()
    assert [name for name in ("undergoal", *depends) if name in manual] == ["undergoal", "python3"]

    root.namespace.must("ip", "link", "add", "br0", "type", "bridge")
    bridge = [f"{PLUGINS}/check_docker_bridge", "--no-docker"]
    ran = root.run(*bridge, user="nagios")
    assert (ran.code, ran.text, ran.stderr) == (0, "DOCKER_BRIDGE OK - br0 0/1023 ports", b"")
    (history,) = root.find(STATE, "-type", "f", "-size", "+0")
    kept = root.must("md5sum", history)
    root.namespace.must("ip", "link", "delete", "br0")

    offer(root, following, tmp_path_factory.mktemp("offer"))
    assert re.search(r"^ +undergoal\n", root.apt("upgrade"), re.MULTILINE)
    assert root.run(*bridge, "--version").output == "check_docker_bridge 99.0\n"
    assert root.must("md5sum", history) == kept

    root.apt("remove", "undergoal")
    assert installed(root, "undergoal", *depends) == depends
    assert root.must("md5sum", history) == kept
    root.apt("autoremove")
    assert installed(root, *depends) == ["python3"]
    assert root.find("/usr", "-path", "*undergoal*", "-o", "-name", "check_docker_bridge") == []
    assert root.must("md5sum", history) == kept

    root.apt("install", "undergoal")
    ran = root.run(*bridge, user="nagios")
    assert (ran.code, ran.stderr) == (2, b"")
    assert re.match("DOCKER_BRIDGE CRITICAL - br0 .*(gone|missing)", ran.text)
    root.apt("purge", "--autoremove", "undergoal")
    assert installed(root, "undergoal", *depends) == ["python3"]
    assert root.find("/usr", "/var", "/etc", "-path", "*undergoal*", "-not", "-path", "/var/log/*") == []


@pytest.fixture(scope="module")
def trixie(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScratchRoot]:
    """Debian 13, without a Python until apt brings it."""
    base = scratch_root.make(tmp_path_factory.mktemp("trixie") / "base", ["systemd"], "trixie")
    with ScratchRoot(base, tmp_path_factory.mktemp("layer")) as root:
        assert installed(root, "python3") == []
        root.put(package, "/tmp")
        root.apt("install", f"/tmp/{package.name}")
        yield root


def test_debian_13_has_all_that_it_needs(trixie: ScratchRoot, depends: list[str]) -> None:
    assert installed(trixie, "undergoal", *depends) == [*depends, "undergoal"]
    assert trixie.must("python3", "--version").startswith("Python 3.13.")
    assert trixie.must("dpkg", "--verify", "undergoal") == ""
    compiled = trixie.find("/usr/lib/undergoal", "-name", "*.cpython-313.pyc")
    assert len(compiled) == len(trixie.find("/usr/lib/undergoal", "-name", "*.py")) != 0
    assert trixie.must("stat", "-c", "%U:%G %a", STATE) == "nagios:nagios 700\n"
    ran = trixie.run("/usr/bin/undergoal", user="nagios")
    assert (ran.code, ran.stderr) == (0, b"")
    assert re.search("^OK +tcp_window ", ran.output, re.MULTILINE)


@pytest.mark.parametrize("name", CHECKS)
def test_on_debian_13_nagios_sees_the_same(trixie: ScratchRoot, name: str) -> None:
    for host in ("ok", "warning", "critical", "hostile"):
        arguments = [*fixture_arguments(name, host), "-v", "--no-history"]
        ran = trixie.run(f"{PLUGINS}/check_{name}", *arguments, user="nagios")
        assert expected_text(name, host) in ran.output
        assert ran[:3] == run([*command(f"check_{name}"), *arguments])[:3]
    assert trixie.run(f"{PLUGINS}/check_{name}", "--bogus", user="nagios")[:3] == check(name, "--bogus")[:3]
    # argparse names the value of an option once since Python 3.13: -w, --warning RANGE
    told = trixie.run(f"{PLUGINS}/check_{name}", "--help", user="nagios")
    here = check(name, "--help")
    assert (told.code, told.stderr) == (here.code, here.stderr) == (3, b"")
    assert re.findall("--[a-z-]+", told.output) == re.findall("--[a-z-]+", here.output)


def test_the_systemd_of_debian_13_runs_the_units(trixie: ScratchRoot) -> None:
    """Its copies of credentials have an ACL, unlike those of Debian 12, where test_units.py sees more."""
    textfiles = "/var/lib/prometheus/node-exporter"
    trixie.must("sh", "-c", "cp /usr/share/doc/undergoal/examples/systemd/* /etc/systemd/system/")
    trixie.must("mkdir", "-p", textfiles, "/etc/undergoal")
    trixie.must("sh", "-c", "umask 377; echo user:secret >/etc/undergoal/icinga-credentials")
    trixie.must("cp", "/etc/ssl/certs/ca-certificates.crt", "/etc/undergoal/icinga-ca.crt")
    trixie.must("sed", "-i", "s/icinga-master.example/127.0.0.1/; s/ submit / submit --within 1s /",
                "/etc/systemd/system/undergoal-submit.service")  # fmt: skip
    with BootedRoot(trixie) as booted:
        booted.must("systemctl", "start", "undergoal-prometheus.service")
        assert 'undergoal_check_state{check="tcp_window"} 0\n' in booted.must("cat", f"{textfiles}/undergoal.prom")
        assert booted.run("systemctl", "start", "undergoal-submit.service").code == 1
        assert booted.journal("undergoal-submit.service").splitlines() == [
            "UNKNOWN - undergoal submit: 1 of 1 results not submitted to https://127.0.0.1:5665",
            "not submitted: tcp_window: cannot be reached",
        ]
