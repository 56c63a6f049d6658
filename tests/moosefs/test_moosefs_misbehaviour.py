"""Masters that misbehave, versions nobody knows, mfscli in their place, and bytes in any order."""

from __future__ import annotations

import json
import os
import struct
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab.mfs_memory import Master
from lab.mfs_replica import (
    BEHAVIOURS,
    CHUNK_LOOP,
    CLASSES,
    FS_TEST,
    INFO,
    LAYOUTS,
    MATRIX,
    METALOGGERS,
    MISSING,
    SERVERS,
    Chunkserver,
    Disk,
    DiskReplica,
    MasterReplica,
    Raw,
    Replica,
    Scenario,
    encode_disk,
    raw,
)
from moosefs.test_mfscli_json import PRINTED
from support import Ran, check, command, run

from checks.frame.command import Session, all_options
from checks.frame.options import parse
from checks.moosefs import PLUGIN, survey, tool
from checks.moosefs.survey import PARTS, MasterView
from checks.moosefs.talk import MooseTalk
from checks.moosefs.wire.disks import parse_disks
from checks.moosefs.wire.frames import Request
from perfdata.outcome import UNKNOWN, WARNING, Outcome

LOOK = "next: look at the master: is mfsmaster running there, and is its port for clients open to this host?"
FOREIGN = "does not speak MooseFS' protocol for clients; is {port} its port for clients (9421)?"
CLOSED = "closed the connection; is {port} its port for clients (9421)?"
LATE = "did not answer in time"
NOPS = struct.pack(">LLL", 0, 4, 0)


def ask(server: Replica, *arguments: str) -> Ran:
    return check("moosefs", "-H", "127.0.0.1", "-p", str(server.port), "-t", "1", "--no-history", *arguments)


def unknown(ran: Ran, port: int, reason: str) -> None:
    """One whole line, exit code 3, in time, and nothing else."""
    said = reason.format(port=port)
    assert (ran.code, ran.output, ran.stderr) == (3, f"MOOSEFS UNKNOWN - 127.0.0.1:{port} {said}\n{LOOK}\n", b"")
    assert in_time(ran)


def in_time(ran: Ran) -> bool:
    """A second, and what starting takes on this machine at this moment."""
    return ran.seconds < 2 or ran.seconds < 1 + 5 * check("moosefs", "--version").seconds


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("eof", CLOSED),
        ("silence", LATE),
        ("stopped", LATE),
        ("truncated header", LATE),
        ("truncated header, eof", CLOSED),
        ("truncated reply", LATE),
        ("truncated reply, eof", CLOSED),
        ("garbage", FOREIGN),
        ("nops", LATE),
        ("nop of 1 GB", "sent nothing but idle messages"),
        ("another reply", FOREIGN),
        ("http", FOREIGN),
        ("a byte at a time", LATE),
    ],
)
def test_behaviours(behaviour: str, reason: str) -> None:
    with raw(behaviour) as server:
        unknown(ask(server), server.port, reason)


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("huge", "announced 4294967295 bytes for master information, more than that can be"),
        ("huge, sent", "announced 4294967295 bytes for master information, more than that can be"),
        ("unknown layout", "its master information has 777 bytes, a layout unknown here"),
        ("empty reply", "its master information has 0 bytes, a layout unknown here"),
        ("zeros", "its master information has 149 bytes, but names version 0.0.0"),
    ],
)
def test_lengths_that_nobody_knows(behaviour: str, reason: str) -> None:
    """mfscli is asked then, which may or may not be installed where this test runs."""
    with raw(behaviour) as server:
        ran = ask(server)
    assert (ran.code, ran.stderr) == (3, b"")
    assert ran.text.startswith(f"MOOSEFS UNKNOWN - 127.0.0.1:{server.port}: {reason}; ")
    assert in_time(ran)


def test_every_behaviour_is_tried() -> None:
    tried = [
        *test_behaviours.pytestmark[0].args[1],  # type: ignore[attr-defined]
        *test_lengths_that_nobody_knows.pytestmark[0].args[1],  # type: ignore[attr-defined]
    ]
    assert {behaviour for behaviour, _ in tried} == set(BEHAVIOURS)


def behaving(data: bytes, then: str) -> Raw:
    server = Raw("eof")
    server._data, server._then = data, then
    return server


@pytest.mark.parametrize(
    ("data", "then", "reason"),
    [
        pytest.param(NOPS * 50_000, "wait", "sent nothing but idle messages", id="idle messages at full speed"),
        pytest.param(NOPS * 999, "nops", "sent nothing but idle messages", id="one too many"),
        pytest.param(NOPS * 900, "drip", LATE, id="idle messages byte by byte"),
        pytest.param(struct.pack(">LL", 1, 0), "wait", FOREIGN, id="unknown command"),
        pytest.param(struct.pack(">LL", INFO, 0), "wait", FOREIGN, id="an echo"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", "wait", FOREIGN, id="ssh"),
        pytest.param(bytes(7), "close", CLOSED, id="seven bytes"),
    ],
)
def test_more_of_it(data: bytes, then: str, reason: str) -> None:
    with behaving(data, then) as server:
        unknown(ask(server), server.port, reason)


def test_nobody_listens() -> None:
    with raw("eof") as server:
        pass
    unknown(ask(server), server.port, "refused the connection")


def test_a_slow_master_that_sends_idle_messages_is_heard() -> None:
    class Slow(MasterReplica):
        def answer(self, command: int, payload: bytes) -> bytes | None:
            time.sleep(0.02)
            reply = super().answer(command, payload)
            return None if reply is None else reply

    with Slow("3.0", Scenario(servers=[]), nops=0.001) as server:
        ran = check("moosefs", "-H", "127.0.0.1", "-p", str(server.port), "--no-history", "--only", "chunks")
    assert (ran.code, ran.text) == (0, "MOOSEFS OK - no undergoal chunks")


# --- versions nobody knows, and mfscli ---


@contextmanager
def strange(which: int, length: int = 777) -> Iterator[MasterReplica]:
    scenario = Scenario(servers=[], cells={(2, 2): (9, 9)})
    with MasterReplica("3.0", scenario) as server:
        server.replace[which] = b"\xee" * length
        yield server


def outcome(server: Replica, *arguments: str, seconds: str = "5") -> Outcome:
    words = ["-H", "127.0.0.1", "-p", str(server.port), "--no-history", "-t", seconds, *arguments]
    return Session(PLUGIN, parse(all_options(PLUGIN), words)).outcome()


LISTS = [
    (INFO, "master information"),
    (SERVERS, "list of chunkservers"),
    (MATRIX, "chunk matrix"),
    (CHUNK_LOOP, "chunk loop"),
    (METALOGGERS, "list of metaloggers"),
]


@pytest.mark.parametrize(("which", "name"), LISTS)
def test_without_mfscli_the_length_is_named(which: int, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool, "DIRECTORIES", ())
    with strange(which) as server:
        found = outcome(server)
    assert (found.state, found.text) == (
        UNKNOWN,
        f"127.0.0.1:{server.port}: its {name} has 777 bytes, a layout unknown here; no mfscli here to ask instead",
    )


@pytest.mark.parametrize(
    ("which", "length", "reason"),
    [
        (FS_TEST, 20, "its file system test has 20 bytes, a layout unknown here"),
        (FS_TEST, 40, "its file system test has 40 bytes, but announces a text of 4008636142"),
        (MATRIX, 3874, "announced 3874 bytes for chunk matrix, more than that can be"),
        (INFO, 1025, "announced 1025 bytes for master information, more than that can be"),
    ],
)
def test_lengths(which: int, length: int, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool, "DIRECTORIES", ())
    with strange(which, length) as server:
        found = outcome(server)
    assert (found.state, found.text) == (
        UNKNOWN,
        f"127.0.0.1:{server.port}: {reason}; no mfscli here to ask instead",
    )


@pytest.mark.parametrize("which", [MISSING, CLASSES])
def test_a_closer_look_that_fails_costs_no_verdict(which: int) -> None:
    scenario = Scenario(servers=[], cells={(2, 2): (9, 9), (2, 1): (1, 1), (2, 0): (1, 1)})
    scenario.classes = {1: ("one", {(2, 1): (1, 1)})}
    with MasterReplica("4.59", scenario) as server:
        server.replace[which] = bytes(19)
        ran = check("moosefs", "-H", "127.0.0.1", "-p", str(server.port), "--no-history", "--only", "chunks", "-v")
    assert (ran.code, ran.text) == (2, "MOOSEFS CRITICAL - 1 of 11 chunks missing, 1 endangered")


def test_a_closer_look_that_hangs_costs_no_verdict() -> None:
    class Hanging(MasterReplica):
        def answer(self, command: int, payload: bytes) -> bytes | None:
            if command == MISSING:
                time.sleep(2.5)
            return super().answer(command, payload)

    with DiskReplica(host="127.0.0.2") as chunkserver:
        scenario = Scenario(
            servers=[Chunkserver("127.0.0.2", chunkserver.port)], cells={(2, 2): (9, 9), (2, 0): (1, 1)}
        )
        with Hanging("4.59", scenario) as server:
            words = ["-H", "127.0.0.1", "-p", str(server.port), "--no-history", "-t", "2", "--only", "chunks,disks"]
            quiet = check("moosefs", *words)
            ran = check("moosefs", *words, "-v")
    assert quiet.code == ran.code == 2
    assert quiet.text == ran.text


JSON = json.dumps(PRINTED)


@pytest.fixture
def tools() -> Iterator[Path]:
    """A directory with a short name, as those of tools are."""
    with tempfile.TemporaryDirectory() as place:
        yield Path(place)


@pytest.fixture
def mfscli(tools: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Make a script the mfscli of this host."""
    monkeypatch.setattr(tool, "DIRECTORIES", (str(tools / "nowhere"), str(tools)))

    def write(script: str) -> Path:
        place = tools / "mfscli"
        place.write_text(f"#!/bin/sh\n{script}\n")
        place.chmod(0o755)
        (tools / "printed").write_text(JSON)
        return place

    return write


@pytest.mark.parametrize("which", [INFO, SERVERS, MATRIX, CHUNK_LOOP])
def test_the_verdict_of_mfscli(mfscli: Callable[[str], Path], tools: Path, which: int) -> None:
    mfscli(f'echo "$@" > {tools}/asked; cat {tools}/printed')
    with strange(which) as server:
        found = outcome(server, "--only", "chunks,servers")
    assert (tools / "asked").read_text() == f"-H 127.0.0.1 -P {server.port} -j -n -SIG -SIM -SIC -SIL -SCS -SMB\n"
    assert (found.state, found.text) == (
        WARNING,
        "7410 of 18000 chunks undergoal, no target server for 7410 copies; server 10.77.0.1:9524 disconnected",
    )
    assert "master 127.0.0.1 MooseFS 3.0.117, asked through mfscli" in [detail.line for detail in found.details]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        pytest.param("exit 0", "/mfscli printed something that is not JSON", id="prints nothing, exit 0: 3.0.117"),
        ("echo Working master servers not found", "/mfscli printed something that is not JSON"),
        ("exec sleep 60", "no answer within "),
        ("while :; do echo 1111111111111111111111111111111111; done", "answered more than 1048576 bytes"),
        ("trap '' TERM; while :; do :; done", "no answer within "),
        ("echo '{}'", "/mfscli printed no dataset"),
    ],
)
def test_an_mfscli_that_does_not_help(mfscli: Callable[[str], Path], script: str, reason: str) -> None:
    mfscli(script)
    before = time.monotonic()
    with strange(MATRIX) as server:
        found = outcome(server, seconds="2")
    assert time.monotonic() - before < 4
    assert found.state == UNKNOWN
    assert found.text.startswith(f"127.0.0.1:{server.port}: its chunk matrix has 777 bytes, a layout unknown here; ")
    assert reason in found.text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize(
    ("mode", "owner", "reason"), [(0o755, 12345, "belongs to another user"), (0o777, 0, "writable")]
)
def test_an_mfscli_of_somebody_else_is_not_run(
    mfscli: Callable[[str], Path], tools: Path, mode: int, owner: int, reason: str
) -> None:
    place = mfscli(f"touch {tools}/was-run")
    os.chown(place, owner, owner)
    place.chmod(mode)
    with strange(MATRIX) as server:
        found = outcome(server)
    assert found.state == UNKNOWN
    assert "its chunk matrix has 777 bytes" in found.text
    assert reason in found.text
    assert not (tools / "was-run").exists()


def test_addresses_of_mfscli_that_are_none(mfscli: Callable[[str], Path], tools: Path) -> None:
    """They are connected to: a name would be looked up, a port beyond 65535 is an error that nobody expects."""
    document = json.loads(JSON)
    for change in ({"ip": None}, {"ip": "localhost"}, {"port": 65536}):
        mfscli(f"cat {tools}/printed")
        changed = json.loads(JSON)
        changed["dataset"]["chunkservers"][0].update(change)
        (tools / "printed").write_text(json.dumps(changed))
        with strange(MATRIX) as server:
            found = outcome(server)
        assert found.state == UNKNOWN
        assert "its chunk matrix has 777 bytes, a layout unknown here; " in found.text, change
    assert document["dataset"]["chunkservers"][0]["ip"] == "10.77.0.1"


@pytest.mark.needs("unshare", "mount")
def test_mfscli_in_a_black_box(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir(0o755)
    (tools / "printed").write_text(JSON)
    (tools / "mfscli").write_text("#!/bin/sh\nexec cat /usr/local/bin/printed\n")
    (tools / "mfscli").chmod(0o755)
    covered = (
        f"mount --bind {tools} /usr/local/bin; [ ! -e /usr/bin/mfscli ] || mount --bind {tools}/mfscli /usr/bin/mfscli"
    )
    with strange(INFO) as server:
        words = ["-H", "127.0.0.1", "-p", str(server.port), "--no-history", "--only", "chunks"]
        ran = run(
            [
                "unshare", "--mount", "--propagation", "private", "sh", "-e", "-c", f'{covered}; exec "$@"', "sh",
                *command("check_moosefs"), *words,
            ]
        )  # fmt: skip
    assert (ran.code, ran.text, ran.stderr) == (
        1,
        "MOOSEFS WARNING - 7410 of 18000 chunks undergoal, no target server for 7410 copies",
        b"",
    )
    assert ran.perfdata["work_left"] == "7410;;;0"


# --- bytes in any order ---


def conversation(layout: str, parts: frozenset[str], verbosity: int) -> MooseTalk:
    return MooseTalk("10.0.0.1", 9421, survey._master_script("10.0.0.1", parts, verbosity, {}))


def rich() -> Scenario:
    scenario = Scenario(clock=1795219030.0, cells={(2, 2): (90, 80), (2, 1): (3, 13), (2, 0): (4, 4)})
    scenario.missing = [(1, 2, 3, 0)]
    scenario.classes = {1: ("one", {(2, 1): (3, 3)}), 2: ("two", {(2, 2): (90, 90)})}
    scenario.metaloggers = [((3, 0, 234), "10.0.0.9")]
    scenario.servers = [Chunkserver(csid=number) for number in range(5)]
    return scenario


def held(layout: str, cuts: Callable[[int], list[int]], nops: Callable[[], int]) -> MasterView:
    """The result of a conversation whose answers arrive in pieces, with idle messages between them."""
    master = Master(layout, rich())
    talk = conversation(layout, frozenset(PARTS), 1)
    said = talk.feed(b"")
    rest = b""
    while not talk.over:
        request, length = struct.unpack_from(">LL", said)
        reply = master.answer(request, said[8:])
        assert reply is not None
        assert len(said) == 8 + length
        stream = rest + NOPS * nops() + struct.pack(">LL", request + 1, len(reply)) + reply
        trailing = NOPS * nops()
        said, rest = b"", b""
        ends = sorted({*(cut for cut in cuts(len(stream)) if 0 < cut < len(stream)), len(stream)})
        start = 0
        for end in ends:
            assert not said
            piece = stream[start:end]
            said = talk.feed(piece + (trailing if end == len(stream) else b""))
            start = end
        assert said or talk.over
    assert talk.problem == ""
    result: MasterView = talk.result
    return result


WHOLE = {layout: held(layout, lambda _: [], lambda: 0) for layout in LAYOUTS}


@given(st.data())
def test_however_the_bytes_are_split(data: st.DataObject) -> None:
    layout = data.draw(st.sampled_from(sorted(LAYOUTS)))
    split = held(
        layout,
        lambda size: data.draw(st.lists(st.integers(1, size), max_size=8)),
        lambda: data.draw(st.integers(0, 3)),
    )
    assert split == WHOLE[layout]


def test_byte_by_byte() -> None:
    for layout in ("1.4", "1.6", "3.0", "4.59", "lizardfs"):
        assert held(layout, lambda size: list(range(size)), lambda: 1) == WHOLE[layout]


def told(talk: MooseTalk) -> bool:
    """Over with a result or a reason, or waiting for more."""
    if not talk.over:
        return talk.problem == "" and talk.result is None
    return (talk.result is None) == bool(talk.problem)


LISTENERS: list[Callable[[], Generator[Request, bytes, object]]] = [
    lambda: survey._master_script("x", frozenset(PARTS), 1, {}),
    survey._disk_script,
]
HEADERS = st.builds(
    lambda kind, length: struct.pack(">LL", kind, length),
    st.sampled_from([0, 1, 501, 511, 513, 515, 517, 523, 543, 545, 601, 1 << 31]),
    st.sampled_from([0, 4, 52, 68, 76, 101, 121, 149, 205, 484, 969, 64, 65, 1 << 31]) | st.integers(0, 300),
)
REPLIES = [Master(layout, rich()).answer(INFO, b"") or b"" for layout in sorted(LAYOUTS)]
INFOS = st.sampled_from(REPLIES).map(lambda reply: struct.pack(">LL", INFO + 1, len(reply)) + reply)


@given(st.sampled_from(LISTENERS), st.lists(st.binary(max_size=600) | HEADERS | INFOS, max_size=12))
def test_any_bytes(listener: Callable[[], Generator[Request, bytes, object]], pieces: list[bytes]) -> None:
    talk = MooseTalk("10.0.0.1", 9421, listener())
    talk.feed(b"")
    for piece in pieces:
        if talk.over:
            break
        if piece:
            talk.feed(piece)
        assert told(talk)
    if not talk.over:
        talk.fail("closed the connection")
    assert told(talk)


@given(st.lists(st.binary(max_size=80), max_size=4))
def test_any_disks(entries: list[bytes]) -> None:
    listed = b"".join(encode_disk(Disk(entry)) for entry in entries)
    assert [disk.path for disk in parse_disks(listed)] == [
        entry.decode("utf-8", "surrogateescape") for entry in entries
    ]
