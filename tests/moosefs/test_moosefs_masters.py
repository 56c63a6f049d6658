"""A name with several addresses: the leader is used, whoever else is there, or not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from lab.mfs_memory import Master, Watched, line, lines
from lab.mfs_replica import CHUNK_LOOP, INFO, MATRIX, SERVERS, Chunkserver, MasterReplica, Replica, Scenario, raw
from support import Ran, command, run

from perfdata.outcome import CRITICAL, OK, UNKNOWN

DUMMY, LEADER, ELECT, FOLLOWER, USURPER, DEPUTY = range(6)
PRO = ["1.7", "2.0", "2.1", "3.0.32", "3.0", "4.4", "4.17", "4.26", "4.59"]
A, B, C = "10.77.0.1", "10.77.0.2", "10.77.0.3"
NAME = "mfsmaster"


def state(number: int) -> tuple[int, int, int, int]:
    """Stable, in sync."""
    return number, number, 1, 1


def master(number: int, layout: str = "3.0", leader: str = "0.0.0.0") -> Master:
    known = Scenario(state=state(number), leader=leader, servers=[Chunkserver("10.77.1.1")])
    # whoever does not lead may have an old view of things
    known.cells = {(2, 2): (1000, 1000)} if number == LEADER else {(2, 0): (1000, 1000)}
    return Master(layout, known)


def cluster(path: Path, masters: dict[str, Master | str], named: Sequence[str] | None = None) -> Watched:
    watched = Watched(path)
    watched.services = {a: m if isinstance(m, str) else m.hears for a, m in masters.items()}
    watched.names = {NAME: tuple(masters if named is None else named)}
    return watched


def ask(watched: Watched, *arguments: str) -> tuple[int, str, list[str]]:
    outcome = watched.run(0, "--only", "chunks", *arguments, host=NAME)
    return outcome.state, line(outcome), [said for said in lines(outcome, 1) if "master" in said]


@pytest.mark.parametrize("layout", PRO)
@pytest.mark.parametrize("place", [0, 2])
def test_the_leader_is_used_wherever_it_stands(tmp_path: Path, layout: str, place: int) -> None:
    masters = [master(FOLLOWER, layout, B), master(FOLLOWER, layout, B)]
    masters.insert(place, master(LEADER, layout))
    code, text, said = ask(cluster(tmp_path, dict(zip((A, B, C), masters))))
    assert (code, text) == (OK, "MOOSEFS OK - no undergoal chunks")
    assert masters[place].requests == [INFO, SERVERS, MATRIX, CHUNK_LOOP]
    others = [number for number in range(3) if number != place]
    assert [masters[number].requests for number in others] == [[INFO], [INFO]]
    leader, *rest = said
    assert leader.startswith(f"master {(A, B, C)[place]} MooseFS ")
    assert rest == [f"master {(A, B, C)[number]} follower" for number in others]


@pytest.mark.parametrize("number", [DUMMY, ELECT, FOLLOWER, USURPER, DEPUTY])
def test_no_other_state_leads(tmp_path: Path, number: int) -> None:
    code, text, said = ask(cluster(tmp_path, {A: master(number), B: master(LEADER)}))
    assert (code, text) == (OK, "MOOSEFS OK - no undergoal chunks")
    assert said[1] == f"master {A} {('dummy', '', 'elect', 'follower', 'usurper', 'deputy')[number]}"


def test_a_dead_address_is_named(tmp_path: Path) -> None:
    code, text, said = ask(cluster(tmp_path, {A: "refused the connection", B: master(LEADER)}))
    assert (code, text) == (OK, "MOOSEFS OK - no undergoal chunks")
    assert said[1] == f"master {A} refused the connection"


def test_followers_name_a_leader_that_the_name_has_not(tmp_path: Path) -> None:
    masters: dict[str, Master | str] = {A: master(FOLLOWER, leader=C), B: master(FOLLOWER, leader=C), C: master(LEADER)}
    code, text, said = ask(cluster(tmp_path, masters, [A, B]))
    assert (code, text) == (OK, "MOOSEFS OK - no undergoal chunks")
    assert said[0].startswith(f"master {C} MooseFS")
    assert said[1:] == [f"master {A} follower", f"master {B} follower"]


def test_followers_whose_leader_is_dead(tmp_path: Path) -> None:
    masters: dict[str, Master | str] = {A: master(FOLLOWER, leader=C), C: "did not answer in time"}
    code, text, said = ask(cluster(tmp_path, masters, [A]))
    assert (code, text) == (
        UNKNOWN,
        f"MOOSEFS UNKNOWN - no leader answered: {A} follower, {C} did not answer in time",
    )
    assert said[0] == "next: name every master with -H"


def test_followers_that_name_one_of_themselves(tmp_path: Path) -> None:
    code, text, _ = ask(cluster(tmp_path, {A: master(FOLLOWER, leader=B), B: master(FOLLOWER, leader=A)}))
    assert (code, text) == (UNKNOWN, f"MOOSEFS UNKNOWN - no leader answered: {A} follower, {B} follower")


@pytest.mark.parametrize("layout", PRO)
def test_an_election_without_leader(tmp_path: Path, layout: str) -> None:
    code, text, said = ask(cluster(tmp_path, {A: master(ELECT, layout), B: "refused the connection"}))
    assert (code, text) == (CRITICAL, f"MOOSEFS CRITICAL - no leader: {A} elect, {B} refused the connection")
    assert said[0] == "next: look at the masters that do not answer: a majority has to be up"


def test_an_election_that_is_over_elsewhere(tmp_path: Path) -> None:
    masters: dict[str, Master | str] = {A: master(ELECT), B: master(FOLLOWER, leader=C), C: master(LEADER)}
    assert ask(cluster(tmp_path, masters, [A, B]))[:2] == (OK, "MOOSEFS OK - no undergoal chunks")


def test_nobody_answers(tmp_path: Path) -> None:
    code, text, _ = ask(cluster(tmp_path, {A: "refused the connection", B: "did not answer in time"}))
    assert (code, text) == (
        UNKNOWN,
        f"MOOSEFS UNKNOWN - none of 2 masters answers: {A} refused the connection, {B} did not answer in time",
    )


def test_one_that_nobody_knows_does_not_stand_before_the_leader(tmp_path: Path) -> None:
    strange = Master()
    strange.replace[INFO] = bytes(777)
    code, text, said = ask(cluster(tmp_path, {A: strange, B: master(LEADER)}))
    assert (code, text) == (OK, "MOOSEFS OK - no undergoal chunks")
    assert said[1] == f"master {A} its master information has 777 bytes, a layout unknown here"


# --- black box: a name with several lines in /etc/hosts ---

HERE = ["127.0.0.11", "127.0.0.12", "127.0.0.13"]
OF_THIS_HOST = pytest.mark.needs("unshare", "mount")


def under_one_name(path: Path, port: int, addresses: Sequence[str], *arguments: str) -> Ran:
    hosts = path / "hosts"
    hosts.write_text("".join(f"{address} cluster.test\n" for address in addresses))
    script = f"mount --bind '{hosts}' /etc/hosts && exec \"$@\""
    asked = ["-H", "cluster.test", "-p", str(port), "--no-history", "--only", "chunks", "-v", *arguments]
    return run(
        [
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-e",
            "-c",
            script,
            "sh",
            *command("check_moosefs"),
            *asked,
        ]
    )


@contextmanager
def on_one_port(*servers: Replica | None) -> Iterator[int]:
    """Servers on the three addresses; None is nobody."""
    with ExitStack() as stack:
        for server in servers:
            if server is not None:
                stack.enter_context(server)
        yield next(server.port for server in servers if server is not None)


def free_port() -> int:
    """A port that nobody has on any of the addresses."""
    with socket.socket() as probe:
        probe.bind(("0.0.0.0", 0))
        port: int = probe.getsockname()[1]
    return port


def pro(address: str, port: int, number: int, leader: str = "0.0.0.0") -> MasterReplica:
    return MasterReplica("3.0", Scenario(state=state(number), leader=leader, servers=[]), host=address, port=port)


def delay(server: Replica, until: threading.Event, seconds: float) -> None:
    """Let a server think before each answer."""
    answer = server.answer

    def slowly(command: int, payload: bytes) -> bytes | None:
        until.wait(seconds)
        return answer(command, payload)

    server.answer = slowly  # type: ignore[method-assign]


@OF_THIS_HOST
@pytest.mark.parametrize("first", ["nobody", "stopped", "silence", "nops"])
def test_a_dead_first_address_costs_nothing(tmp_path: Path, first: str) -> None:
    """With the default time: the answer does not wait for it."""
    port = free_port()
    dead = None if first == "nobody" else raw(first, host=HERE[0], port=port)
    leader, follower = pro(HERE[2], port, LEADER), pro(HERE[1], port, FOLLOWER, HERE[2])
    with on_one_port(dead, follower, leader):
        ran = under_one_name(tmp_path, port, HERE)
    assert (ran.code, ran.text, ran.stderr) == (0, "MOOSEFS OK - no undergoal chunks", b"")
    assert ran.seconds < 6
    assert (leader.requests, follower.requests[:1]) in [
        ([INFO, SERVERS, MATRIX, CHUNK_LOOP], [INFO]),
        ([INFO, SERVERS, MATRIX, CHUNK_LOOP], []),
    ]
    assert f"master {HERE[2]} MooseFS 3.0.117" in ran.rest
    # the leader may be heard to the end before the follower is heard at all
    assert {f"master {HERE[1]} follower", f"master {HERE[1]} was not waited for"} & set(ran.rest)
    assert (f"master {HERE[0]} refused the connection" in ran.rest) == (first == "nobody")


@OF_THIS_HOST
@pytest.mark.parametrize("first", ["nobody", "silence"])
def test_the_leader_that_followers_name_is_asked(tmp_path: Path, first: str) -> None:
    """Also when another address of the name does not answer: there is time left for the leader."""
    port = free_port()
    dead = None if first == "nobody" else raw(first, host=HERE[0], port=port)
    leader, follower = pro(HERE[2], port, LEADER), pro(HERE[1], port, FOLLOWER, HERE[2])
    delay(leader, threading.Event(), 0.1)
    with on_one_port(dead, follower, leader):
        ran = under_one_name(tmp_path, port, HERE[:2], "-t", "6")
    assert (ran.code, ran.text) == (0, "MOOSEFS OK - no undergoal chunks")
    assert leader.requests == [INFO, SERVERS, MATRIX, CHUNK_LOOP]


@OF_THIS_HOST
def test_an_election(tmp_path: Path) -> None:
    port = free_port()
    with on_one_port(pro(HERE[0], port, ELECT), pro(HERE[1], port, ELECT)):
        ran = under_one_name(tmp_path, port, HERE)
    assert (ran.code, ran.text) == (
        2,
        "MOOSEFS CRITICAL - no leader: 127.0.0.11 elect, 127.0.0.12 elect, 127.0.0.13 refused the connection",
    )


@OF_THIS_HOST
def test_only_followers(tmp_path: Path) -> None:
    port = free_port()
    with on_one_port(pro(HERE[0], port, FOLLOWER, HERE[2]), pro(HERE[1], port, FOLLOWER, HERE[2])):
        ran = under_one_name(tmp_path, port, HERE[:2])
    assert (ran.code, ran.text) == (
        3,
        "MOOSEFS UNKNOWN - no leader answered: 127.0.0.11 follower, 127.0.0.12 follower, 127.0.0.13 refused the"
        " connection",
    )


@OF_THIS_HOST
def test_a_follower_that_is_slower_than_its_leader_is_not_called_dead(tmp_path: Path) -> None:
    port = free_port()
    slow = pro(HERE[0], port, FOLLOWER, HERE[1])
    held = threading.Event()
    delay(slow, held, 3)
    with on_one_port(slow, pro(HERE[1], port, LEADER)):
        ran = under_one_name(tmp_path, port, HERE[:2])
        held.set()
    assert (ran.code, ran.text) == (0, "MOOSEFS OK - no undergoal chunks")
    assert f"master {HERE[0]} did not answer in time" not in ran.rest
