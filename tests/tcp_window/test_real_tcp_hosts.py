"""What must not alarm although it looks like a fault, what helps against one, and buffers against real pipes."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable

import pytest
from lab.tcp_path import RESPONDER, SERVER, TcpPath, built
from lab.tcp_peer import BULK, SINK, SLUGGISH, SOURCE, WEB, WEB_TLS
from support import Ran

pytestmark = pytest.mark.needs("gcc", "ip", "ethtool", "unshare", "nsenter", "setpriv", "sysctl")

FILE = ["--http", f"http://{SERVER}:{WEB}/file"]
UPLOAD = ["--probe", f"{SERVER}:{SINK}", "--upload"]
BOTH = ["--probe", f"{SERVER}:{RESPONDER}", "--responder"]
SMALL_BUFFER = 32768  # the kernel doubles it


@pytest.fixture(scope="module")
def middlebox() -> Iterator[Path]:
    program = built()
    yield program
    shutil.rmtree(program.parent)


def web(name: str) -> list[str]:
    return ["--http", f"http://{SERVER}:{WEB}/{name}"]


def established(path: TcpPath) -> list[Ran]:
    """The passive look from both ends at 6 connections each way."""
    busy = [path.traffic(SOURCE, 6, "take"), path.traffic(SINK, 6, "send")]
    time.sleep(1)
    seen = [path.check("--established"), path.check("--established", at=path.server)]
    for process in busy:
        path.stop(process)
    return seen


def wait_for(condition: Callable[[], bool]) -> None:
    """Until the condition is true."""
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def assert_fine(done: Ran, words: str) -> None:
    assert re.fullmatch(f"TCP_WINDOW OK - {words}(; scale .*)?", done.text), done.text
    assert (done.code, done.stderr) == (0, b"")


PATH = r"path to 10\.9\.0\.2:\d+"


def test_a_peer_with_small_buffers_is_fine(middlebox: Path) -> None:
    with TcpPath(middlebox, peer=SMALL_BUFFER) as path:
        assert_fine(path.check(*FILE), rf"{PATH} fine, scales 0 and 7; .* down")
        assert_fine(path.check(*UPLOAD), rf"{PATH} fine, scales 0 and 7; .* up")
        for done in established(path):
            assert_fine(done, "12 connections: all scaled")


def test_a_peer_that_has_stopped_reading_is_not_stuck_on_the_path(middlebox: Path) -> None:
    for buffer in (8192, SMALL_BUFFER):
        with TcpPath(middlebox, peer=buffer) as path:
            path.traffic(SLUGGISH, 8, "send")
            time.sleep(2)
            assert_fine(path.check("--established"), "8 connections: all scaled")


@pytest.mark.parametrize("window", [65535, 200_000])
def test_a_window_clamp_of_a_route_is_fine_and_shown(window: int, middlebox: Path) -> None:
    with TcpPath(middlebox) as path:
        path.respond()
        path.client.must("ip", "route", "add", f"{SERVER}/32", "dev", "c0", "window", str(window), "initcwnd", "20")
        scale = {65535: 0, 200_000: 2}[window]
        assert_fine(path.check(*FILE), rf"{PATH} fine, scales 7 and {scale}; .* down")
        assert_fine(path.check(*BOTH), rf"{PATH} fine, scales 7 and {scale}; .* down, .* up")
        for done in established(path):
            assert_fine(done, "12 connections: all scaled")
        shown = path.check("-v")
        assert f"route {SERVER}/32 has window {window} initcwnd 20" in shown.rest
        assert shown.perfdata["clamped_routes"] == "1;;;0"


def test_the_first_flight_of_routes_is_judged_when_asked_for(middlebox: Path) -> None:
    with TcpPath(middlebox) as path:
        path.client.must("ip", "route", "add", "default", "via", SERVER)
        path.client.must("ip", "route", "add", "192.0.2.0/24", "via", SERVER, "initcwnd", "40")
        assert_fine(path.check("--initcwnd", "10"), ".*")
        done = path.check("--initcwnd", "30")
        assert (done.code, done.text) == (1, "TCP_WINDOW WARNING - route default initcwnd 10 below 30")
        done = path.check("--initcwnd", "50")
        assert done.text == (
            "TCP_WINDOW WARNING - route 192.0.2.0/24 initcwnd 40 below 50; route default initcwnd 10 below 50"
        )


@pytest.mark.parametrize("timestamps", [1, 0])
def test_syn_cookies_are_no_fault_of_the_path(timestamps: int, middlebox: Path) -> None:
    with TcpPath(middlebox) as path:
        path.server.must("sysctl", "-qw", "net.ipv4.tcp_syncookies=2", f"net.ipv4.tcp_timestamps={timestamps}")
        path.respond()
        bare = "has a peer without TCP options, as with SYN cookies without timestamps"
        fine = "fine, scales 7 and 7" if timestamps else bare
        assert_fine(path.check(*FILE), rf"{PATH} {fine}; .* down")
        assert_fine(path.check(*UPLOAD), rf"{PATH} {fine}; .* up")
        assert_fine(path.check(*BOTH), rf"{PATH} {fine}; .* down, .* up")
        for done in established(path):
            assert_fine(done, "12 connections: all scaled")
        if not timestamps:
            assert re.search(r"^TCP timestamps are off: ", path.check("-v", at=path.server).output, re.MULTILINE)


def test_what_a_web_server_can_do_to_a_probe(middlebox: Path) -> None:
    with TcpPath(middlebox) as path:
        slow = path.check(*web("slow"))
        assert_fine(slow, rf"{PATH} fine, scales 7 and 7; [\d.]+ k?B/s down")
        hung = path.check(*web("hang"))
        assert hung.code == 3
        assert re.fullmatch(f"TCP_WINDOW UNKNOWN - {PATH} stalls; 0 B/s down, and not by the window scale", hung.text)
        small = path.check(*web("small"))
        assert (small.code, small.text.partition(str(WEB))[2]) == (3, " sent too little to judge a download")
        moved = path.check(*web("moved"))
        assert moved.text.partition(str(WEB))[2] == (
            " was not judged: it answered with HTTP status 302 (a redirection: name the URL it leads to)"
        )
        refused = path.check("--probe", f"{SERVER}:9")
        assert (refused.code, refused.text) == (
            3,
            f"TCP_WINDOW UNKNOWN - path to {SERVER}:9 was not judged: it refused the connection",
        )
        other = path.check("--probe", f"{SERVER}:{SOURCE}", "--responder")
        assert other.text == (
            f"TCP_WINDOW UNKNOWN - path to {SERVER}:{SOURCE} was not judged: it is no undergoal tcp-responder, or has"
            " too many clients"
        )
        assert other.code == 3
        nobody = path.check("--probe", "10.9.0.77:80", "-t", "2")
        assert nobody.code == 3
        assert re.search(r"10\.9\.0\.77:80 was not judged: it (did not take|cannot be reached)", nobody.text)


def test_the_pace_of_a_probe_can_be_judged(middlebox: Path) -> None:
    with TcpPath(middlebox) as path:
        done = path.check(*FILE, "--download-bytes-per-second-critical", "10000000:", "--rtt-warning", "0.01")
    pace = r"fine, scales 7 and 7; ([0-9.]+ kB/s) down, download at \1, round trip 4\d\.\d ms"
    assert re.fullmatch(f"TCP_WINDOW CRITICAL - {PATH} {pace}", done.text), done.text
    assert done.code == 2


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("fault", ["", "zero-syn", "zero-synack", "track"])
def test_a_web_server_with_tls(fault: str, middlebox: Path, tmp_path: Path) -> None:
    """Its handshake alone is some thousand bytes: the path shows in those already."""
    pem = tmp_path / "pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test", "-days", "2"]
    subprocess.run([*made, "-keyout", str(pem), "-out", f"{pem}.crt"], check=True, capture_output=True)
    pem.write_text(pem.read_text() + Path(f"{pem}.crt").read_text())
    with TcpPath(middlebox, fault, certificate=str(pem)) as path:
        done = path.check("--http", f"https://{SERVER}:{WEB_TLS}/file")
    words = {
        "": "fine, scales 7 and 7; ",
        "zero-syn": "zeroes our window scale: peer sees 50",
        "zero-synack": "zeroes the peer's window scale: we see ",
        "track": "has a firewall that tracks windows without their scale; ",
    }
    state = "CRITICAL" if fault else "OK"
    assert done.text.startswith(f"TCP_WINDOW {state} - path to {SERVER}:{WEB_TLS} {words[fault]}"), done.text
    assert (done.code, done.stderr) == (2 if fault else 0, b"")


def test_the_old_advice_fails_and_a_window_on_the_route_helps(middlebox: Path) -> None:
    with TcpPath(middlebox, "zero-syn") as path:
        path.client.must("sysctl", "-qw", "net.ipv4.tcp_rmem=4096 65535 65535")
        old = path.check(*FILE)
        assert (old.code, "zeroes our window scale" in old.text) == (2, True)
        assert "ip route add 10.9.0.2/32 via GATEWAY window 65535 (shrinking tcp_rmem does not help" in old.output
        path.client.must("ip", "route", "add", f"{SERVER}/32", "dev", "c0", "window", "65535")
        assert_fine(path.check(*FILE), rf"{PATH} fine, scales 7 and 0; \d+ kB/s down")
        path.client.must("ip", "route", "del", f"{SERVER}/32")
        path.client.must("sysctl", "-qw", "net.ipv4.tcp_window_scaling=0")
        off = path.check(*FILE)
        assert off.text == "TCP_WINDOW WARNING - host scale 0, windows up to 40 KiB, tcp_window_scaling is off"
        assert off.code == 1


@pytest.mark.needs("iptables")
@pytest.mark.parametrize(("chain", "flags"), [("PREROUTING", "SYN"), ("POSTROUTING", "SYN,ACK")])
def test_a_firewall_that_strips_the_option_as_netfilter_does(chain: str, flags: str, middlebox: Path) -> None:
    with TcpPath(middlebox) as path:
        path.respond()
        rule = ["-p", "tcp", "--tcp-flags", "SYN,ACK", flags, "-j", "TCPOPTSTRIP", "--strip-options", "wscale"]
        path.server.must("iptables", "-t", "mangle", "-A", chain, *rule)
        done = path.check(*BOTH)
        if flags == "SYN":
            assert (done.code, "strips the window scale from our SYN;" in done.text) == (1, True)
        else:
            assert (done.code, "strips the window scale from the peer's SYN-ACK: we take " in done.text) == (2, True)


def test_peers_that_lost_window_scaling_are_told_from_the_history(middlebox: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with TcpPath(middlebox) as path:
        before = path.traffic(SINK, 12, "send")
        assert path.check("--established", history=tmp_path).code == 0
        path.stop(before)
        wait_for(lambda: path.check("--established").perfdata["connections_remote_connections"].startswith("0;"))
        path.change("strip-syn")
        path.traffic(SINK, 12, "send")
        time.sleep(0.5)
        lost = path.check("--established", history=tmp_path)
        words = r"10\.9\.0\.0/24 100% of 12 connections lost window scaling since \d\d:\d\d"
        assert re.fullmatch(f"TCP_WINDOW WARNING - {words}", lost.text), lost.text
        assert path.check("--established", history=tmp_path).text == lost.text
        path.check("--established", "--accept", history=tmp_path)
        accepted = path.check("--established", history=tmp_path)
        assert accepted.text == "TCP_WINDOW WARNING - 10.9.0.0/24 12 of 12 connections without window scaling"


MIB = 1 << 20
# round trip in ms, the receiver's buffer, the sender's
PIPES = [
    (200, 4 * MIB, 4 * MIB),
    (100, MIB, 4 * MIB),
    (40, MIB, 4 * MIB),
    (100, 16 * MIB, MIB),
    (20, MIB // 4, 4 * MIB),
]


def test_buffers_allow_what_is_foretold(middlebox: Path) -> None:
    """Throughput against the bandwidth-delay arithmetic: the receiver's buffer limits, or the sender's."""

    def transfer(row: tuple[int, int, int]) -> tuple[float, float]:
        rtt, rmem, wmem = row
        buffers = (f"net.ipv4.tcp_rmem=4096 131072 {rmem}", f"net.ipv4.tcp_wmem=4096 16384 {wmem}")
        with TcpPath(middlebox, rtt_ms=rtt) as path:
            for host in (path.client, path.server):
                host.must("sysctl", "-qw", *buffers)
            done = path.check("--rate", "10Gbit", "--rtt", f"{rtt}ms")
            assert done.code == 1
            foretold = float(done.perfdata[f"10Gbit_x_{rtt}ms_expected_bytes_per_second"].split(";")[0])
            return foretold, path.bulk(BULK, 6)

    with ThreadPoolExecutor(2) as pool:
        found = dict(zip(PIPES, pool.map(transfer, PIPES)))
    print()
    for (rtt, rmem, wmem), (foretold, measured) in found.items():
        print(
            f"RTT {rtt:3} ms, rmem {rmem >> 10:6} KiB, wmem {wmem >> 10:5} KiB: foretold {foretold / 1e6:5.1f} MB/s,"
            f" measured {measured / 1e6:5.1f}"
        )
    assert {row: measured for row, (foretold, measured) in found.items() if not 0.7 < measured / foretold < 1.25} == {}
