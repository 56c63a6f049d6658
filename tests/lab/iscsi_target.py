"""An iSCSI target on the loopback for QEMU's libiscsi: one connection per logical unit, each a played disk (RFC 7143).

Only what that initiator needs: login without authentication or digests, commands that read, NOP, task management and
logout. Logical unit N is disk N; one that is not there answers as SPC-4 wants it.
"""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Sequence
from types import TracebackType

from lab.played_disks import CHECK_CONDITION, PlayedDisk, Reply, sense

NAME = "iqn.2026-01.test:disks"
_HEADER = 48
_PIECE = 65536  # bytes of data in one PDU
_WINDOW = 63  # commands
_NOP_OUT, _COMMAND, _TASK, _LOGIN, _TEXT, _LOGOUT = 0, 1, 2, 3, 4, 6
_NOP_IN, _RESPONSE, _TASK_DONE, _LOGIN_DONE, _TEXT_DONE, _DATA_IN, _LOGOUT_DONE = (
    0x20,
    0x21,
    0x22,
    0x23,
    0x24,
    0x25,
    0x26,
)
_NO_TAG = b"\xff" * 4
_NO_SUCH_UNIT = Reply(CHECK_CONDITION, b"", sense(5, 0x25))
_SETTINGS = {
    "HeaderDigest": "None",
    "DataDigest": "None",
    "InitialR2T": "No",
    "ImmediateData": "Yes",
    "MaxBurstLength": "262144",
    "FirstBurstLength": "262144",
    "MaxRecvDataSegmentLength": "262144",
    "MaxConnections": "1",
    "DefaultTime2Wait": "2",
    "DefaultTime2Retain": "0",
    "MaxOutstandingR2T": "1",
    "ErrorRecoveryLevel": "0",
    "DataPDUInOrder": "Yes",
    "DataSequenceInOrder": "Yes",
    "IFMarker": "No",
    "OFMarker": "No",
}


class _Connection(socketserver.BaseRequestHandler):
    """One initiator."""

    server: _Server

    def handle(self) -> None:
        """Answer PDUs until the other side goes."""
        self._sent, self._expected = 1, 1  # StatSN, ExpCmdSN
        try:
            while self._pdu():
                continue
        except (EOFError, ConnectionError):
            return

    def _receive(self, size: int) -> bytes:
        content = b""
        while len(content) < size:
            piece = self.request.recv(size - len(content))
            if not piece:
                raise EOFError
            content += piece
        return content

    def _send(self, header: bytearray, data: bytes = b"", counts: bool = True) -> None:
        """Send a PDU with the present sequence numbers; ``counts``: it has a status number of its own."""
        struct.pack_into(">III", header, 24, self._sent if counts else 0, self._expected, self._expected + _WINDOW)
        self._sent += counts
        header[5:8] = len(data).to_bytes(3, "big")
        self.request.sendall(bytes(header) + data + bytes(-len(data) % 4))

    def _pdu(self) -> bool:
        head = self._receive(_HEADER)
        size = int.from_bytes(head[5:8], "big")
        self._receive(head[4] * 4)
        data = self._receive(size + -size % 4)[:size]
        kind = head[0] & 0x3F
        if kind == _LOGIN:
            self._login(head, data)
            return True
        if not head[0] & 0x40:  # not immediate: it takes a number
            self._expected = int.from_bytes(head[24:28], "big") + 1
        if kind == _COMMAND:
            self._command(head)
        elif kind == _NOP_OUT:
            if head[16:20] != _NO_TAG:
                self._send(self._header(_NOP_IN, head, tag_of_target=True), data)
        elif kind == _TASK:
            self._send(self._header(_TASK_DONE, head))
        elif kind == _TEXT:
            self._send(self._header(_TEXT_DONE, head, tag_of_target=True), f"TargetName={NAME}\0".encode())
        elif kind == _LOGOUT:
            self._send(self._header(_LOGOUT_DONE, head))
            return False
        return True

    @staticmethod
    def _header(kind: int, asked: bytes, tag_of_target: bool = False) -> bytearray:
        header = bytearray(_HEADER)
        header[0], header[1], header[16:20] = kind, 0x80, asked[16:20]
        if tag_of_target:
            header[20:24] = _NO_TAG
        return header

    def _login(self, asked: bytes, data: bytes) -> None:
        """Agree to the next stage, and to whatever was offered as far as it is known here."""
        offered = dict(pair.split("=", 1) for pair in data.decode().split("\0") if "=" in pair)
        answers = {key: _SETTINGS[key] for key in offered if key in _SETTINGS}
        if "AuthMethod" in offered:
            answers["AuthMethod"] = "None"
        if "TargetName" in offered:
            answers["TargetPortalGroupTag"] = "1"
        self._expected = int.from_bytes(asked[24:28], "big")
        transit, stages = asked[1] & 0x80, asked[1] & 0x0F
        header = self._header(_LOGIN_DONE, asked)
        header[1] = transit | (stages if transit else stages & 0x0C)
        header[8:16] = asked[8:16]
        if transit and stages & 3 == 3:
            header[14:16] = b"\0\1"  # the session's handle
        self._send(header, "".join(f"{key}={value}\0" for key, value in answers.items()).encode())

    def _command(self, asked: bytes) -> None:
        unit, wanted, reads = asked[9], int.from_bytes(asked[20:24], "big"), bool(asked[1] & 0x40)
        disks = self.server.disks
        reply = disks[unit].command(asked[32:48]) if unit < len(disks) else _NO_SUCH_UNIT
        data = reply.data[:wanted] if reads else b""
        for number, start in enumerate(range(0, len(data), _PIECE)):
            piece = data[start : start + _PIECE]
            header = self._header(_DATA_IN, asked, tag_of_target=True)
            header[1] = 0x80 if start + len(piece) == len(data) else 0
            struct.pack_into(">II", header, 36, number, start)
            self._send(header, piece, counts=False)
        header = self._header(_RESPONSE, asked)
        header[3] = reply.status
        if reads and len(data) < wanted:  # less than there was room for
            header[1] |= 2
            struct.pack_into(">I", header, 44, wanted - len(data))
        self._send(header, struct.pack(">H", len(reply.sense)) + reply.sense if reply.sense else b"")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, disks: list[PlayedDisk]) -> None:
        self.disks = disks
        super().__init__(("127.0.0.1", 0), _Connection)


class IscsiTarget:
    """A target with these disks, as a context manager."""

    def __init__(self, disks: list[PlayedDisk]) -> None:
        self._server = _Server(disks)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def url(self, unit: int) -> str:
        """What QEMU calls a logical unit."""
        host, port = self._server.server_address[:2]
        return f"iscsi://{host!s}:{port}/{NAME}/{unit}"

    def __enter__(self) -> IscsiTarget:
        self._thread.start()
        return self

    def __exit__(self, *_: TracebackType | type[BaseException] | BaseException | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def behind_megaraid(target: IscsiTarget, units: Sequence[int], controller: str = "megasas-gen2") -> list[str]:
    """QEMU's options: a MegaRAID controller with these units of the target as its disks 0, 1, ..."""
    name = controller.replace("-", "")
    options = ["-device", f"{controller},id={name}"]
    for number, unit in enumerate(units):
        drive = f"{name}d{number}"
        place = f"if=none,id={drive},file={target.url(unit)},format=raw,file.initiator-name=iqn.2026-01.test:{name}"
        options += ["-drive", place, "-device", f"scsi-generic,bus={name}.0,scsi-id={number},drive={drive}"]
    return options
