"""Whole lines of the check over captured hosts that were changed in one place."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support import HOSTS, Ran, check

MIB = 1 << 20


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A copy of the healthy host."""
    root = tmp_path / "host"
    shutil.copytree(HOSTS / "tcp_window" / "ok", root)
    return root


def setting(host: Path, name: str, value: object) -> None:
    """Change a sysctl; None removes it."""
    path = host / "proc/sys/net" / name
    if value is None:
        path.unlink()
    else:
        path.write_text(f"{value}\n")


def run(host: Path, *options: str) -> Ran:
    return check("tcp_window", "--root", str(host), "--no-history", *options)


def assert_line(done: Ran, code: int, text: str) -> None:
    assert (done.code, done.text, done.stderr) == (code, f"TCP_WINDOW {text}", b"")


def test_the_healthy_host(host: Path) -> None:
    done = run(host)
    assert done.line == (
        "TCP_WINDOW OK - scale 7, windows up to 3.8 MiB | wscale=7;1:;;0;14 dead_peer_seconds=924.6s;;;0"
        " receive_window_bytes=3932160B;;;0 send_window_bytes=2726297B;;;0 clamped_routes=2;;;0"
    )
    assert done.rest == []
    assert run(host, "-v").rest == [
        "OK: host scale 7, windows up to 3.8 MiB",
        "route default has initcwnd 20",
        "route 192.0.2.0/24 has window 65535",
    ]


def test_scaling_that_is_off_is_read_first(host: Path) -> None:
    setting(host, "ipv4/tcp_window_scaling", 0)
    done = run(host)
    assert_line(done, 1, "WARNING - host scale 0, windows up to 64 KiB, tcp_window_scaling is off")
    assert done.rest[0].startswith(
        "next: sysctl -w net.ipv4.tcp_window_scaling=1; to spare one broken path: ip route add"
    )


def test_a_maximum_that_no_window_can_use(host: Path) -> None:
    setting(host, "ipv4/tcp_wmem", f"4096 16384 {2 << 30}")
    setting(host, "core/rmem_max", (1 << 30) + 1)
    done = run(host)
    assert_line(
        done,
        1,
        "WARNING - host scale 14, windows up to 3.8 MiB, tcp_wmem maximum 2.0 GiB above 1 GiB,"
        " rmem_max maximum 1.0 GiB above 1 GiB",
    )


def test_a_pipe_that_the_buffers_fill(host: Path) -> None:
    done = run(host, "--rate", "1Gbit", "--rtt", "20ms")
    assert_line(done, 0, "OK - 1Gbit x 20ms 100% usable; scale 7, windows up to 3.8 MiB")
    assert done.perfdata["1Gbit_x_20ms_pipe_percent"] == "100%;100:;;0;100"
    assert done.perfdata["1Gbit_x_20ms_expected_bytes_per_second"] == "125000000;;;0"
    assert done.rest == []


def test_a_pipe_that_they_do_not_fill(host: Path) -> None:
    done = run(host, "--rate", "10Gbit", "--rtt", "80ms")
    assert_line(
        done, 1, "WARNING - 10Gbit x 80ms 2.7% usable, tcp_wmem allows 34.1 MB/s, 95 MiB in flight would fill it"
    )
    assert done.rest == [
        "next: for 10Gbit x 80ms sysctl -w net.ipv4.tcp_rmem='4096 131072 160432128'"
        " net.ipv4.tcp_wmem='4096 16384 154140672'"
    ]
    assert run(host, "--rate", "10Gbit", "--rtt", "80ms", "--pipe-warning", "2:").code == 0
    assert run(host, "--rate", "10Gbit", "--rtt", "80ms", "--pipe-critical", "3:").code == 2


@pytest.mark.parametrize(
    ("name", "value", "limit"),
    [
        ("ipv4/tcp_rmem", "4096 131072 1048576", "tcp_rmem allows 8.2 MB/s"),
        ("ipv4/tcp_wmem", "4096 16384 1048576", "tcp_wmem allows 8.5 MB/s"),
        ("ipv4/tcp_window_scaling", "0", "tcp_window_scaling allows 819 kB/s"),
        ("ipv4/tcp_moderate_rcvbuf", "0", "tcp_moderate_rcvbuf allows 1.0 MB/s"),
    ],
)
def test_what_limits_is_named(name: str, value: str, limit: str, host: Path) -> None:
    setting(host, name, value)
    done = run(host, "--rate", "1Gbit", "--rtt", "80ms")
    assert limit in done.text, done.text
    assert done.code == 1


def test_several_pipes_the_worst_first(host: Path) -> None:
    done = run(host, "--rate", "1Gbit", "--rtt", "10ms", "--rate", "10Gbit", "--rtt", "8ms")
    assert_line(
        done, 1, "WARNING - 10Gbit x 8ms 27.3% usable, tcp_wmem allows 341 MB/s, 9.5 MiB in flight would fill it"
    )
    assert {"1Gbit_x_10ms_pipe_percent", "10Gbit_x_8ms_pipe_percent"} <= set(done.perfdata)


def test_a_pipe_that_no_buffer_fills(host: Path) -> None:
    done = run(host, "--rate", "1Tbit", "--rtt", "1")
    assert done.code == 1
    assert done.rest == ["next: for 1Tbit x 1 use several connections: buffers of 1 GiB are not enough for one"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--rate", "1Gbit"], "--rate and --rtt go together"),
        (["--rate", "1Gbit"] * 3 + ["--rtt", "1ms"] * 2, "as many --rate as --rtt, or one of either"),
        (["--upload"], "--upload needs --probe HOST:PORT or --http URL"),
        (["--responder"], "--responder needs --probe HOST:PORT or --http URL"),
        (["--http", "http://192.0.2.1/", "--responder"], "--http and --probe are two probes: one at a time"),
        (["--http", "https://192.0.2.1/", "--upload"], "--upload needs an http URL: TLS hides where an upload waits"),
    ],
)
def test_options_that_do_not_go_together(options: list[str], reason: str, host: Path) -> None:
    assert_line(run(host, *options), 3, f"UNKNOWN - host scale 7, windows up to 3.8 MiB, wrong options: {reason}"[:149])


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--rate", "fast"),
        ("--rtt", "-1ms"),
        ("--rtt", "0"),
        ("--initcwnd", "0"),
        ("--initcwnd", "9" * 5000),
        ("--min-connections", "-1"),
        ("--probe", "nowhere"),
        ("--probe", ":80"),
        ("--probe", "192.0.2.1:0"),
        ("--probe", "192.0.2.1:99999"),
        ("--probe", "a b:80"),
        ("--probe", "-x:80"),
        ("--probe", "192.0.2.1:\u0661"),
        ("--http", "ftp://192.0.2.1/"),
        ("--http", "http://"),
        ("--http", "http://a b/"),
        ("--http", "http://user:secret@192.0.2.1/"),
        ("--http", "http://192.0.2.1:x/"),
        ("--http", "http://[::1/"),
    ],
)
def test_values_that_make_no_sense(option: str, value: str, host: Path) -> None:
    done = run(host, option, value)
    assert (done.code, done.stderr, done.output.count("\n")) == (3, b"", 1)
    assert done.output.startswith(f"UNKNOWN - check_tcp_window: option {option}: ")
    assert "secret" not in done.output


def test_a_captured_host_is_not_probed(host: Path) -> None:
    done = run(host, "--probe", "192.0.2.1:80")
    assert_line(done, 3, "UNKNOWN - path to 192.0.2.1:80 was not judged: it is not probed: this is a captured host")


def test_a_host_without_tcp(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert_line(done, 3, "UNKNOWN - no TCP settings are to be seen here (/proc/sys/net/ipv4)")
    assert run(tmp_path, "--absent-ok").code == 0
    done = run(tmp_path, "--established")
    assert_line(
        done, 3, "UNKNOWN - connections not all seen: the kernel knows no sock_diag for TCP (modprobe tcp_diag)"
    )


def test_connections_that_the_kernel_does_not_tell(host: Path) -> None:
    (host / "netlink" / "tcp").unlink()
    (host / "netlink" / "tcp.hang").touch()
    done = run(host, "--established", "-t", "1")
    assert_line(done, 3, "UNKNOWN - connections not all seen: the kernel did not answer in time")
    assert done.seconds < 2
    assert done.perfdata["wscale"] == "7;1:;;0;14"
    assert "connections_remote_connections" not in done.perfdata


def test_an_endless_list_of_connections(host: Path) -> None:
    (host / "netlink" / "tcp").unlink()
    (host / "netlink" / "tcp").symlink_to("/dev/zero")
    done = run(host, "--established", "-t", "3")
    assert done.code == 3
    assert "not all seen: the kernel gave no list that makes sense" in done.text


@pytest.mark.parametrize("name", ["ipv4/tcp_rmem", "ipv4/tcp_wmem", "ipv4/tcp_retries2", "core/rmem_max"])
def test_a_setting_that_is_absent_is_no_fault(name: str, host: Path) -> None:
    setting(host, name, None)
    assert run(host).code == 0
    assert ("not seen: net.core.rmem_max, which can make the scale larger" in run(host, "-v").rest) == name.startswith(
        "core"
    )


def test_a_pipe_cannot_be_judged_without_buffers(host: Path) -> None:
    setting(host, "ipv4/tcp_rmem", None)
    done = run(host, "--rate", "1Gbit", "--rtt", "1ms")
    assert_line(done, 3, "UNKNOWN - 1Gbit x 1ms cannot be judged: tcp_rmem or tcp_wmem is not known")


def test_routes_that_cannot_be_seen_matter_when_they_are_asked_for(host: Path) -> None:
    (host / "netlink" / "routes").unlink()
    assert_line(run(host), 0, "OK - scale 7, windows up to 3.8 MiB")
    assert "not seen: routes; they were not captured" in run(host, "-v").rest
    done = run(host, "--initcwnd", "10")
    assert_line(done, 3, "UNKNOWN - host scale 7, windows up to 3.8 MiB, routes not seen: they were not captured")


def test_syn_cookies_without_timestamps_are_said(host: Path) -> None:
    setting(host, "ipv4/tcp_timestamps", 0)
    assert_line(run(host), 0, "OK - scale 7, windows up to 3.8 MiB")
    assert "TCP timestamps are off: connections taken with SYN cookies have no window scaling" in run(host, "-v").rest


def test_thresholds_for_what_is_off_by_default(host: Path) -> None:
    done = run(host, "--dead-peer-warning", "300")
    assert_line(done, 1, "WARNING - host scale 7, windows up to 3.8 MiB, a dead peer blocks for 15 min")
    critical = HOSTS / "tcp_window" / "critical"
    assert run(critical, "--established", "--stuck-critical", "10").code == 1
    off = run(critical, "--established", "--stuck-warning", "~:", "--stuck-critical", "~:")
    assert_line(off, 0, "OK - 12 connections: 6 stuck on a misread window; scale 7, windows up to 3.8 MiB")
    assert run(critical, "--established", "--rwnd-limited-warning", "50").code == 2


def test_a_network_is_told_from_so_many_connections_on() -> None:
    warning = HOSTS / "tcp_window" / "warning"
    assert run(warning, "--established", "--min-connections", "12").code == 1
    assert_line(
        run(warning, "--established", "--min-connections", "13"),
        0,
        "OK - 12 connections: 100% unscaled; scale 7, windows up to 3.8 MiB",
    )


def test_every_measure_has_its_row_in_the_catalogue() -> None:
    from checks import load
    from perfdata.catalogue import CATALOGUE

    assert set(load("tcp_window").levels) <= set(CATALOGUE)
    seen = run(HOSTS / "tcp_window" / "critical", "--established", "--rate", "1Gbit", "--rtt", "1ms").perfdata
    measures = {label.removeprefix("connections_").removeprefix("1Gbit_x_1ms_") for label in seen}
    assert measures <= set(CATALOGUE)
    assert len(measures) == 12


def test_triage_opens_no_connection() -> None:
    from checks import load
    from checks.frame.host import Host

    assert load("tcp_window").targets(Host(str(HOSTS / "tcp_window" / "ok"))) == ["TCP settings"]
    assert load("tcp_window").targets(Host("/nonexistent")) == []
