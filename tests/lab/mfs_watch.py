"""What the master of a lab's cluster says of it, twice a second: an account that owes nothing to the code under test.

As a script, inside the cluster's namespace: arguments HOST PORT SECONDS; prints one JSON array per look. It speaks to
MooseFS 3.0 as packaged, and asks again after a while when the master is not there.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import time
from typing import NamedTuple

_MATRIX, _LOOP, _SERVERS = 516, 514, 500
_SERVER = struct.Struct(">8BHHQQLQQLLLLLB")


class Look(NamedTuple):
    """One look at the master."""

    at: float  # CLOCK_MONOTONIC, the same in all namespaces
    counting: int  # not 0: the numbers mean nothing yet
    chunks: int
    missing: int
    work: int  # copies to make for all goals, those on marked disks not counted
    held: int  # of these, the ones that there are on marked disks
    loop_start: int  # of the last whole loop over chunks
    loop_end: int
    removal: dict[
        str, int
    ]  # address -> 0 not looked at yet, 1 not yet, 2 may go; of connected servers with marked disks


def _ask(master: socket.socket, kind: int) -> bytes:
    master.sendall(struct.pack(">LL", kind, 0))
    while True:
        answer, length = struct.unpack(">LL", _exactly(master, 8))
        payload = _exactly(master, length)
        if answer == kind + 1:
            return payload


def _exactly(master: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = master.recv(size - len(data))
        if not more:
            raise ConnectionError
        data += more
    return data


def _copies_to_make(cells: tuple[int, ...]) -> int:
    return sum((goal - copies) * cells[11 * goal + copies] for goal in range(1, 11) for copies in range(goal))


def look(master: socket.socket) -> Look:
    """Ask once."""
    matrix = _ask(master, _MATRIX)
    loop_start, loop_end = struct.unpack_from(">LL", _ask(master, _LOOP))
    removal = {}
    for entry in _SERVER.iter_unpack(_ask(master, _SERVERS)):
        flags, _, _, _, *address = entry[:8]
        if not flags & 1 and entry[14]:
            removal[".".join(map(str, address))] = entry[-1]
    everything, regular = (struct.unpack_from(">121L", matrix, 1 + place) for place in (0, 484))
    work = _copies_to_make(regular)
    return Look(
        time.monotonic(),
        matrix[0],
        sum(everything[11:]),
        sum(everything[11::11]),
        work,
        work - _copies_to_make(everything),
        loop_start,
        loop_end,
        removal,
    )


def main(host: str, port: int, seconds: float) -> None:
    """Look again and again."""
    while True:
        try:
            with socket.create_connection((host, port), 5) as master:
                while True:
                    print(json.dumps(look(master)), flush=True)
                    time.sleep(seconds)
        except OSError:
            time.sleep(seconds)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
