"""The timers and services of contrib/systemd under a real systemd: installed from the .deb, enabled, fired by time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.booted_root import BootedRoot
from lab.icinga import HOST, PASSWORD, USER_NAME, Icinga
from lab.scratch import wait_until
from lab.scratch_root import ScratchRoot

pytestmark = [pytest.mark.needs("dpkg-deb", "mmdebstrap", "unshare", "icinga2")]

UNITS = "/etc/systemd/system"
EXAMPLES = "/usr/share/doc/undergoal/examples/systemd"
METRICS, SUBMIT = "undergoal-prometheus", "undergoal-submit"
TEXTFILES = "/var/lib/prometheus/node-exporter"  # as Debian's node_exporter comes
TEXTFILE = f"{TEXTFILES}/undergoal.prom"
SCRAPE = "from urllib.request import urlopen; print(urlopen('http://127.0.0.1:9100/metrics').read().decode())"
# What root may not do in a unit that is sandboxed, and what the user still has to be able to: to become root by sudo
PROBE = (
    "for place in /usr /etc /home /root; do sudo -n touch $place/probe; done; sudo -n touch /tmp/probe && sudo -n id -u"
)
EACH_MINUTE = ["OnBootUSec=1min", "OnUnitActiveUSec=1min"]
SERVICES = ("docker_bridge", "tcp_window")


@pytest.fixture(scope="module")
def icinga() -> Iterator[Icinga]:
    """An Icinga in the same network as the units."""
    with Icinga({name: ["/bin/true"] for name in SERVICES}) as started:
        yield started


@pytest.fixture(scope="module")
def root(
    debian: Path, package: Path, icinga: Icinga, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ScratchRoot]:
    with ScratchRoot(debian, tmp_path_factory.mktemp("units"), icinga.namespace) as made:
        made.install(package)
        made.must("sh", "-c", f"cp {EXAMPLES}/undergoal-* {UNITS}/")
        made.namespace.must("ip", "link", "add", "br0", "type", "bridge")
        made.namespace.fill("br0", 5, "p")
        yield made


@pytest.fixture(scope="module")
def booted(root: ScratchRoot) -> Iterator[BootedRoot]:
    with BootedRoot(root) as made:
        made.must("mkdir", "-m", "755", "/etc/undergoal")
        yield made


def add(booted: BootedRoot, unit: str, *lines: str) -> None:
    """A drop-in with these lines beside what the unit has."""
    text = "\n".join(lines)
    booted.must("mkdir", "-p", f"{UNITS}/{unit}.d")
    booted.must("sh", "-c", 'printf "%s\\n" "$1" >"$2"', "sh", text, f"{UNITS}/{unit}.d/test.conf")
    booted.must("systemctl", "daemon-reload")


def every_second(booted: BootedRoot, name: str, *lines: str) -> None:
    """Let a timer fire each second, instead of each minute; ``lines``: for the section Service."""
    add(booted, f"{name}.timer", "[Timer]", "OnBootSec=", "OnBootSec=1s", "OnUnitActiveSec=1s", "RandomizedDelaySec=0")
    add(booted, f"{name}.service", "[Unit]", "StartLimitIntervalSec=0", "[Service]", *lines)
    booted.must("systemctl", "restart", f"{name}.timer")


def times(booted: BootedRoot, name: str) -> list[str]:
    """When a timer fires."""
    shown = booted.must("systemctl", "show", f"{name}.timer", "--property", "TimersMonotonic")
    return sorted(re.findall(r"On\w+=\w+", shown))


def wait_for_metric(booted: BootedRoot, line: str) -> None:
    def is_there() -> bool:
        return line in booted.run("cat", TEXTFILE).output.splitlines()

    wait_until(is_there, 20, lambda: f"no {line}; {booted.journal(f'{METRICS}.service')}")


def wait_for_result(booted: BootedRoot, name: str, result: str) -> None:
    """Until a run of the service has ended like this."""

    def has_ended() -> bool:
        state, found = booted.properties(f"{name}.service", "ActiveState", "Result")
        return state in ("inactive", "failed") and found == result

    wait_until(has_ended, 20, lambda: f"never {result}; {booted.journal(f'{name}.service')}")


def lasting(metrics: str) -> list[str]:
    """Without what differs from run to run."""
    return [line for line in metrics.splitlines() if not re.match("undergoal_(check_duration|last_run)_seconds", line)]


def samples(metrics: str) -> dict[str, float]:
    """Metric with its labels -> number."""
    lines = [line.rpartition(" ") for line in metrics.splitlines() if not line.startswith("#")]
    return {name: float(number) for name, _, number in lines if name}


def test_the_timer_brings_the_metrics_to_prometheus(booted: BootedRoot) -> None:
    booted.must("systemctl", "enable", "--now", f"{METRICS}.timer")
    assert booted.must("systemctl", "is-enabled", f"{METRICS}.timer") == "enabled\n"
    assert booted.properties(f"{METRICS}.timer", "ActiveState", "SubState") == ["active", "waiting"]
    assert times(booted, METRICS) == EACH_MINUTE
    every_second(booted, METRICS)
    wait_for_metric(booted, 'undergoal_ports{check="docker_bridge",item="br0"} 5')
    booted.must("systemctl", "stop", f"{METRICS}.timer")
    wait_for_result(booted, METRICS, "success")

    metrics = booted.must("cat", TEXTFILE)
    beside = booted.run("/usr/bin/undergoal", "prometheus", user="nagios")
    assert (beside.code, beside.stderr) == (0, b"")
    assert lasting(metrics) == lasting(beside.output)
    assert booted.must("stat", "-c", "%n %U %a", TEXTFILES, TEXTFILE).splitlines() == [
        f"{TEXTFILES} root 755",
        f"{TEXTFILE} nagios 644",
    ]
    assert booted.must("find", TEXTFILES, "-type", "f") == f"{TEXTFILE}\n"
    booted.must("systemctl", "start", "prometheus-node-exporter")
    wait_until(lambda: booted.run("python3", "-c", SCRAPE).code == 0, 20, lambda: "node_exporter does not answer")
    scraped = samples(booted.must("python3", "-c", SCRAPE))
    assert scraped["node_textfile_scrape_error"] == 0
    assert {name: number for name, number in scraped.items() if name.startswith("undergoal_")} == samples(metrics)


def test_the_sandbox_is_in_force_and_lets_sudo_through(booted: BootedRoot) -> None:
    booted.must("sh", "-c", "umask 227; echo 'nagios ALL=(root) NOPASSWD: ALL' >/etc/sudoers.d/nagios")
    add(booted, f"{METRICS}.service", "[Service]", f"ExecStartPre=/bin/sh -c '{PROBE}'")
    booted.must("systemctl", "start", f"{METRICS}.service")
    said = booted.journal(f"{METRICS}.service").splitlines()
    assert [line for line in said if line.startswith("touch: ") or line == "0"] == [
        *(
            f"touch: cannot touch '{place}/probe': Read-only file system"
            for place in ("/usr", "/etc", "/home", "/root")
        ),
        "0",
    ]
    assert booted.run("test", "-e", "/tmp/probe").code == 1


def test_neither_a_bad_check_nor_a_failed_run_stops_it(booted: BootedRoot, root: ScratchRoot) -> None:
    every_second(booted, METRICS)
    root.namespace.must("ip", "link", "delete", "br0")
    wait_for_metric(booted, 'undergoal_check_state{check="docker_bridge"} 2')
    wait_for_result(booted, METRICS, "success")
    booted.must("mv", TEXTFILES, f"{TEXTFILES}.away")
    wait_for_result(booted, METRICS, "exit-code")
    assert f"mv: cannot move '/var/lib/undergoal/nagios/undergoal.prom' to '{TEXTFILE}': No such file" in (
        booted.journal(f"{METRICS}.service")
    )
    booted.must("mkdir", TEXTFILES)
    wait_for_metric(booted, 'undergoal_check_state{check="docker_bridge"} 2')
    wait_for_result(booted, METRICS, "success")
    booted.must("systemctl", "disable", "--now", f"{METRICS}.timer")


def test_without_credentials_nothing_is_submitted(booted: BootedRoot) -> None:
    assert booted.run("systemctl", "start", f"{SUBMIT}.service").code == 1
    # 243: "Failed to set up credentials" (systemd.exec)
    assert booted.properties(f"{SUBMIT}.service", "Result", "ExecMainStatus") == ["exit-code", "243"]


def test_the_timer_submits_to_icinga(booted: BootedRoot, root: ScratchRoot, icinga: Icinga) -> None:
    root_only = "/etc/undergoal/icinga-credentials"
    booted.must("sh", "-c", 'umask 377; echo "$1" >"$2"', "sh", f"{USER_NAME}:{PASSWORD}", root_only)
    root.put(icinga.authority, "/etc/undergoal/icinga-ca.crt")
    booted.must("sh", "-c", "echo 127.0.0.1 localhost master.example >/etc/hosts")
    booted.must("sed", "-i", "s/icinga-master.example/master.example/", f"{UNITS}/{SUBMIT}.service")
    assert booted.must("hostname") == f"{HOST}\n"
    assert times(booted, SUBMIT) == EACH_MINUTE
    every_second(booted, SUBMIT, f"ExecStartPre=-/bin/cat {root_only}")
    booted.must("systemctl", "enable", "--now", f"{SUBMIT}.timer")
    found = icinga.wait_for(set(SERVICES), 1)
    booted.must("systemctl", "disable", "--now", f"{SUBMIT}.timer")
    wait_for_result(booted, SUBMIT, "success")
    assert {name: seen["output"].split(" - ")[0] for name, seen in found.items()} == {
        "docker_bridge": "DOCKER_BRIDGE CRITICAL",
        "tcp_window": "TCP_WINDOW OK",
    }
    said = booted.journal(f"{SUBMIT}.service")
    assert f"cat: {root_only}: Permission denied" in said
    assert "OK - undergoal submit: 2 results (1 CRITICAL, 1 OK) to https://master.example:5665" in said
    assert PASSWORD not in said
    assert booted.run("ls", f"/run/credentials/{SUBMIT}.service").code != 0


def test_the_same_unit_submits_through_files(booted: BootedRoot) -> None:
    place = "/var/lib/nagios4"
    booted.must("install", "-d", "-o", "nagios", "-m", "750", place, f"{place}/rw", f"{place}/spool")
    submit = "/usr/bin/undergoal submit --within 1s docker_bridge"
    add(booted, f"{SUBMIT}.service", "[Service]", "ExecStart=", f"ExecStart={submit} --spool {place}/spool")
    booted.must("systemctl", "start", f"{SUBMIT}.service")
    assert re.search(
        "^host_name=node1\nservice_description=docker_bridge\n(.*\n)*return_code=2\noutput=DOCKER_BRIDGE CRITICAL",
        booted.must("sh", "-c", f"for mark in {place}/spool/*.ok; do cat ${{mark%.ok}}; done"),
        re.MULTILINE,
    )
    booted.must("mkfifo", f"{place}/rw/nagios.cmd")
    booted.must("chown", "nagios", f"{place}/rw/nagios.cmd")
    to_pipe = f"ExecStart={submit} --nagios-cmd {place}/rw/nagios.cmd"
    add(booted, f"{SUBMIT}.service", "[Service]", "ExecStart=", to_pipe)
    assert booted.run("systemctl", "start", f"{SUBMIT}.service").code == 1
    assert "not submitted: docker_bridge: has no reader: Nagios does not run" in booted.journal(f"{SUBMIT}.service")
    heard = f"systemctl start {SUBMIT}.service & timeout 20 head -n 1 {place}/rw/nagios.cmd; wait"
    assert "PROCESS_SERVICE_CHECK_RESULT;node1;docker_bridge;2;DOCKER_BRIDGE CRITICAL" in booted.must("sh", "-c", heard)
