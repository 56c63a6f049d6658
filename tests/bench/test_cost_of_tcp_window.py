"""What check_tcp_window costs against a naive check and ss: ratios, measured in pairs in one run (-s)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.installation import MEASURED_HERE, NAIVE
from bench.pairs import Cost, table
from lab.namespaces import Namespace, end
from support import PLAIN_ENVIRONMENT, command

HERE = Path(__file__).resolve().parent
CHECK = command("check_tcp_window")
CONNECTIONS = 33_000
PARSING_SS = str(HERE / "parsing_ss.py")

pytestmark = [
    pytest.mark.needs("unshare", "nsenter", "ip", "ss", "sysctl"),
    MEASURED_HERE,
]

# Ends of connections; arguments: "listen" or "connect", port, how many. They are held until stdin closes.
_HOLD = """
import resource, socket, sys
port, count = int(sys.argv[2]), int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
held = []
if sys.argv[1] == "listen":
    listener = socket.socket()
    listener.bind(("10.8.0.2", port))
    listener.listen(4096)
    print("ready", flush=True)
    for _ in range(count):
        held.append(listener.accept()[0])
else:
    for _ in range(count):
        held.append(socket.create_connection(("10.8.0.2", port)))
print("done", flush=True)
sys.stdin.read()
"""
_PORTS = (5001, 5002)  # a process may not have as many files as this is about


@pytest.fixture(scope="module")
def namespace() -> Iterator[Namespace]:
    with Namespace() as made:
        yield made


@pytest.fixture(scope="module")
def busy_server() -> Iterator[Namespace]:
    """A host with 33,000 connections over a veth."""
    processes = []
    with Namespace() as server, Namespace() as client:
        server.must("ip", "link", "add", "s0", "type", "veth", "peer", "name", "c0", "netns", str(client.pid))
        for host, device, address in ((server, "s0", "10.8.0.2"), (client, "c0", "10.8.0.1")):
            host.must("ip", "address", "add", f"{address}/24", "dev", device)
            host.must("ip", "link", "set", device, "up")
        server.must("sysctl", "-qw", "net.ipv4.tcp_max_syn_backlog=8192", "net.core.somaxconn=4096")
        client.must("sysctl", "-qw", "net.ipv4.ip_local_port_range=10000 65000")
        try:
            for host, role in ((server, "listen"), (client, "connect")):
                for port in _PORTS:
                    argv = [sys.executable, "-c", _HOLD, role, str(port), str(CONNECTIONS // len(_PORTS))]
                    process = subprocess.Popen(
                        [*host.enter, *argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
                    )
                    processes.append(process)
                    assert role == "connect" or said(process) == b"ready\n"
            assert [said(process) for process in processes] == [b"done\n"] * len(processes)
            yield server
        finally:
            for process in processes:
                end(process, 5)


def said(process: subprocess.Popen[bytes]) -> bytes:
    """The next line of its output."""
    assert process.stdout is not None
    return process.stdout.readline()


def costs(namespace: Namespace, rows: list[tuple[str, list[str]]], rounds: int = 25) -> dict[str, Cost]:
    order = json.dumps({"rounds": rounds, "rows": rows, "environment": PLAIN_ENVIRONMENT})
    found = [Cost(*row) for row in json.loads(namespace.must(sys.executable, str(HERE / "pairs.py"), order))]
    print(f"\n{table(found)}")
    return {cost.label: cost for cost in found}


def test_settings(namespace: Namespace, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    found = costs(
        namespace,
        [
            ("naive check", NAIVE),
            ("settings, no history", [*CHECK, "--no-history"]),
            ("settings", [*CHECK, "--state-dir", str(tmp_path)]),
            ("no connections, no history", [*CHECK, "--no-history", "--established"]),
        ],
    )
    assert [cost.code for cost in found.values()] == [0, 0, 0, 0]
    assert found["settings, no history"].ratio <= 0.90
    assert found["settings"].ratio <= 1.15
    assert max(cost.rss_mb for cost in found.values()) <= 30


def test_a_busy_server(busy_server: Namespace, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    found = costs(
        busy_server,
        [
            ("ss -tin", ["/usr/bin/ss", "-tin"]),
            ("ss -tinm, parsed", [sys.executable, PARSING_SS]),
            ("33,000 connections, no history", [*CHECK, "--established", "--no-history"]),
            ("33,000 connections", [*CHECK, "--established", "--state-dir", str(tmp_path)]),
        ],
        9,
    )
    assert [cost.code for cost in found.values()] == [0, 0, 0, 0]
    check, parsed = found["33,000 connections"], found["ss -tinm, parsed"]
    assert check.ratio <= 1.0
    assert check.ratio <= 0.6 * parsed.ratio
    assert check.rss_mb <= 30
