"""A FUSE file system that works until told to, and never answers again: ``hungfs.py MOUNTPOINT``, as root.

Whoever touches it after that is stuck as on a dead NFS or CephFS mount: once a request has been read by the server, not
even SIGKILL ends the wait for its answer. It has one directory, "sub". It says "mounted" on stdout; a byte on stdin
makes it say "silent" and be so; at the end of stdin it exits. When this process ends, the kernel aborts the connection
and the stuck ones get ENOTCONN; the mount is left to ``umount -l``.

Speaks the kernel's protocol on /dev/fuse itself (linux/fuse.h, version 7.31), with nothing but the standard library.
"""

from __future__ import annotations

import ctypes
import errno
import os
import select
import struct
import sys
from typing import Callable, NamedTuple

REQUEST = struct.Struct("=IIQQIIII")  # fuse_in_header: length, opcode, unique, node, uid, gid, pid, padding
REPLY = struct.Struct("=IiQ")  # fuse_out_header: length, -errno, unique
ATTRIBUTES = struct.Struct("=6Q10I")  # fuse_attr
ENTRY = struct.Struct("=4Q2I")  # fuse_entry_out, before its fuse_attr; all lifetimes are 0, so that nothing is cached
VALIDITY = struct.Struct("=QII")  # fuse_attr_out, before its fuse_attr; also the size of fuse_open_out
INIT = struct.Struct("=4I2H2I2H8I")  # fuse_init_out
LOOKUP, FORGET, GETATTR, INTERRUPT, INIT_CODE, OPENDIR, READDIR, RELEASEDIR = 1, 2, 3, 36, 26, 27, 28, 29
ACCESS, BATCH_FORGET = 34, 42
UNANSWERED = (FORGET, BATCH_FORGET, INTERRUPT)
ROOT, _SUB = 1, 2  # nodes
BUFFER = 1 << 18
_DIRECTORY = 0o40755


class Refusal(Exception):
    """An operation that fails with an errno."""

    def __init__(self, number: int) -> None:
        super().__init__(os.strerror(number))
        self.number = number


class Request(NamedTuple):
    """One question of the kernel."""

    opcode: int
    unique: int
    node: int
    body: bytes


def _attributes(node: int) -> bytes:
    return ATTRIBUTES.pack(node, 0, 0, 0, 0, 0, 0, 0, 0, _DIRECTORY, 2, 0, 0, 0, 4096, 0)


def _greet(_: Request) -> bytes:
    return INIT.pack(7, 31, 0, 0, 12, 9, 65536, 1, 16, 0, *[0] * 8)


def _look_up(request: Request) -> bytes:
    if request.node != ROOT or request.body.rstrip(b"\0") != b"sub":
        raise Refusal(errno.ENOENT)
    return ENTRY.pack(_SUB, 0, 0, 0, 0, 0) + _attributes(_SUB)


_OPERATIONS: dict[int, Callable[[Request], bytes]] = {
    INIT_CODE: _greet,
    LOOKUP: _look_up,
    GETATTR: lambda request: VALIDITY.pack(0, 0, 0) + _attributes(request.node),
    OPENDIR: lambda _: VALIDITY.pack(0, 0, 0),
    READDIR: lambda _: b"",
    RELEASEDIR: lambda _: b"",
    ACCESS: lambda _: b"",
}


def answer(request: Request) -> bytes:
    """The reply, header included."""
    try:
        if request.opcode not in _OPERATIONS:
            raise Refusal(errno.ENOSYS)
        content, error = _OPERATIONS[request.opcode](request), 0
    except Refusal as refusal:
        content, error = b"", refusal.number
    return REPLY.pack(REPLY.size + len(content), -error, request.unique) + content


def mount(place: str, source: str = "hungfs", kind: str = "fuse.hungfs") -> int:
    """Mount at ``place``; the descriptor on which the kernel asks."""
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other"
    no_set_id_no_devices = 6
    if libc.mount(source.encode(), os.fsencode(place), kind.encode(), no_set_id_no_devices, options.encode()):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), place)
    return device


def serve(device: int, control: int) -> None:
    """Answer until ``control`` has something to read, then only read; return when it is closed."""
    silent = greeted = False
    while True:
        readable, _, _ = select.select([device, control], [], [])
        if control in readable:
            if not os.read(control, 1):
                return
            silent = True
            print("silent", flush=True)
            continue
        data = os.read(device, BUFFER)
        _, opcode, unique, node, *_ = REQUEST.unpack_from(data)
        if not silent and opcode not in UNANSWERED:
            os.write(device, answer(Request(opcode, unique, node, data[REQUEST.size :])))
        if not greeted:  # before the first exchange everybody waits, but not yet for an answer
            greeted = True
            print("mounted", flush=True)


if __name__ == "__main__":
    serve(mount(sys.argv[1]), sys.stdin.fileno())
