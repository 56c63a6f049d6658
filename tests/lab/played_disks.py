"""Disks that play good, sick and failing ones, down to the SCSI and ATA commands that smartctl sends.

A SATA disk behind SAT (ATA PASS-THROUGH, SAT-4), and a SAS disk with its log pages (SPC-4, SBC-3). What a disk has not
is refused as a real one would. iscsi_target.py puts them on a network, QEMU's MegaRAID controllers in front of that.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

BLOCKS, BLOCK_SIZE = 131072, 512
GOOD, CHECK_CONDITION = 0, 2
_ILLEGAL_REQUEST, _ABORTED_COMMAND, _RECOVERED = 5, 0xB, 1
_INVALID_COMMAND, _INVALID_FIELD = 0x20, 0x24


class Reply(NamedTuple):
    """What a command comes to."""

    status: int = GOOD
    data: bytes = b""
    sense: bytes = b""


def sense(key: int, asc: int, ascq: int = 0) -> bytes:
    """Fixed format sense data."""
    return bytes([0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, asc, ascq, 0, 0, 0, 0])


def refused(asc: int = _INVALID_COMMAND) -> Reply:
    """ILLEGAL REQUEST."""
    return Reply(CHECK_CONDITION, b"", sense(_ILLEGAL_REQUEST, asc))


def text(words: str, size: int) -> bytes:
    """ASCII, padded with spaces."""
    return words.encode().ljust(size)[:size]


class PlayedDisk:
    """What all disks have in common: who they are, their size, and blocks full of zeros."""

    vendor = model = revision = ""

    def __init__(self, serial: str, wwn: int) -> None:
        self.serial = serial
        self.wwn = wwn

    def command(self, cdb: bytes) -> Reply:
        """Answer a command descriptor block."""
        code = cdb[0]
        if code in (0x00, 0x1B, 0x1E, 0x35):  # TEST UNIT READY, START STOP UNIT, PREVENT REMOVAL, SYNCHRONIZE CACHE
            return Reply()
        if code == 0x12:
            return self._inquiry(cdb)
        if code == 0x25:  # READ CAPACITY (10)
            return Reply(data=struct.pack(">II", BLOCKS - 1, BLOCK_SIZE))
        if code == 0x9E:  # READ CAPACITY (16)
            size = int.from_bytes(cdb[10:14], "big")
            return Reply(data=struct.pack(">QI", BLOCKS - 1, BLOCK_SIZE).ljust(32, b"\0")[:size])
        if code == 0x28:  # READ (10)
            return Reply(data=bytes(BLOCK_SIZE * int.from_bytes(cdb[7:9], "big")))
        if code == 0x88:  # READ (16)
            return Reply(data=bytes(BLOCK_SIZE * int.from_bytes(cdb[10:14], "big")))
        if code == 0xA0:  # REPORT LUNS
            return Reply(data=struct.pack(">II", 8, 0) + bytes(8))
        if code == 0x03:  # REQUEST SENSE
            return Reply(data=self.own_sense()[: cdb[4]])
        if code in (0x1A, 0x5A):
            return self._mode_sense(cdb)
        return self.special(cdb)

    def special(self, cdb: bytes) -> Reply:
        """Commands of one kind of disk."""
        return refused()

    def own_sense(self) -> bytes:
        """What it says of itself when asked."""
        return sense(0, 0)

    def mode_pages(self) -> dict[int, bytes]:
        """Mode pages by number."""
        return {8: bytes([8, 18, 4]) + bytes(17)}  # caching: write cache on

    def _inquiry(self, cdb: bytes) -> Reply:
        size = int.from_bytes(cdb[3:5], "big")
        if not cdb[1] & 1:
            head = bytes([0, 0, 6, 2, 91, 0, 0, 2])
            words = text(self.vendor, 8) + text(self.model, 16) + text(self.revision, 4)
            return Reply(data=(head + words + bytes(60))[:size])
        pages = {
            0x80: self.serial.encode(),
            0x83: bytes([1, 3, 0, 8]) + self.wwn.to_bytes(8, "big"),
            0xB0: bytes(60),
            0xB1: struct.pack(">HBB", 7200, 0, 2) + bytes(56),  # turns, 3.5 inches
        }
        pages[0x00] = bytes([0, *pages])
        page = cdb[2]
        if page not in pages:
            return refused(_INVALID_FIELD)
        return Reply(data=(struct.pack(">BBH", 0, page, len(pages[page])) + pages[page])[:size])

    def _mode_sense(self, cdb: bytes) -> Reply:
        page, pages = cdb[2] & 0x3F, self.mode_pages()
        if page != 0x3F and page not in pages:
            return refused(_INVALID_FIELD)
        content = b"".join(pages.values()) if page == 0x3F else pages[page]
        if cdb[0] == 0x1A:
            return Reply(data=(bytes([len(content) + 3, 0, 0, 0]) + content)[: cdb[4]])
        head = struct.pack(">HBBHH", len(content) + 6, 0, 0, 0, 0)
        return Reply(data=(head + content)[: int.from_bytes(cdb[7:9], "big")])


class Attribute(NamedTuple):
    """One SMART attribute of a SATA disk."""

    number: int
    flags: int
    value: int
    worst: int
    threshold: int
    raw: int


def attributes(
    reallocated: int = 0, pending: int = 0, reported: int = 0, health: int = 100, celsius: int = 34
) -> list[Attribute]:
    """A disk's attributes, most of them dull."""
    left = 100 - min(reported, 99)
    return [
        Attribute(1, 0x0F, 82, 63, 44, 161532368),
        Attribute(3, 0x03, 95, 95, 0, 0),
        Attribute(5, 0x33, health, health, 10, reallocated),
        Attribute(7, 0x0F, 80, 60, 30, 103254789),
        Attribute(9, 0x32, 72, 72, 0, 24891),
        Attribute(12, 0x32, 100, 100, 20, 42),
        Attribute(187, 0x32, left, left, 0, reported),
        Attribute(194, 0x22, celsius, 45, 0, celsius),
        Attribute(197, 0x12, 100, 100, 0, pending),
        Attribute(198, 0x10, 100, 100, 0, pending),
        Attribute(199, 0x3E, 200, 200, 0, 0),
    ]


def _swapped(words: str, size: int) -> bytes:
    """An ATA string: the two characters of each word are the wrong way round."""
    padded = text(words, size)
    return b"".join(padded[place + 1 : place + 2] + padded[place : place + 1] for place in range(0, size, 2))


def _summed(sector: bytes) -> bytes:
    """A sector whose bytes add up to 0."""
    padded = sector.ljust(511, b"\0")[:511]
    return padded + bytes([-sum(padded) & 0xFF])


class SataDisk(PlayedDisk):
    """A SATA disk behind SAT."""

    vendor, model, revision = "ATA", "ST3000NM0033-9ZM", "SN04"
    full_model = "ST3000NM0033-9ZM178"

    def __init__(self, serial: str, wwn: int, table: list[Attribute], failing: bool = False, errors: int = 0) -> None:
        super().__init__(serial, wwn)
        self._table = table
        self._failing = failing
        self._errors = errors

    def special(self, cdb: bytes) -> Reply:
        """ATA PASS-THROUGH (12) and (16)."""
        if cdb[0] == 0x85:
            features, count, low, middle, high, command = (cdb[place] for place in (4, 6, 8, 10, 12, 14))
        elif cdb[0] == 0xA1:
            features, count, low, middle, high, command = (cdb[place] for place in (3, 4, 5, 6, 7, 9))
        else:
            return refused()
        data = self._ata(command, features, low)
        if data is None:
            return Reply(CHECK_CONDITION, b"", self._registers(_ABORTED_COMMAND, count, low, middle, high, 0x51, 4))
        if (command, features) == (0xB0, 0xDA):  # SMART RETURN STATUS answers in registers
            middle, high = (0xF4, 0x2C) if self._failing else (0x4F, 0xC2)
        if command == 0xE5:  # CHECK POWER MODE: active
            count = 0xFF
        if cdb[2] & 0x20:  # CK_COND: registers wanted
            return Reply(CHECK_CONDITION, data, self._registers(_RECOVERED, count, low, middle, high, 0x50, 0))
        return Reply(data=data)

    @staticmethod
    def _registers(key: int, count: int, low: int, middle: int, high: int, status: int, error: int) -> bytes:
        """Descriptor sense data with an ATA Status Return descriptor (SAT-4, 12.2.2.6)."""
        asc, ascq = (0, 0x1D) if key == _RECOVERED else (0, 0)
        head = bytes([0x72, key, asc, ascq, 0, 0, 0, 14])
        return head + bytes([9, 12, 0, error, 0, count, 0, low, 0, middle, 0, high, 0, status])

    def _ata(self, command: int, features: int, low: int) -> bytes | None:
        """Data of an ATA command, None when it is aborted."""
        if command == 0xEC:
            return self._identify()
        if command == 0xE5:
            return b""
        if command != 0xB0:
            return None
        if features == 0xD0:
            return self._smart_data()
        if features == 0xD1:
            return self._smart_thresholds()
        if features == 0xD5:
            return self._smart_log(low)
        return b"" if features in (0xD2, 0xD8, 0xD9, 0xDA, 0xDB) else None

    def _identify(self) -> bytes:
        words = [0] * 256
        words[0] = 0x0C5A
        for start, content in (
            (10, _swapped(self.serial, 20)),
            (23, _swapped(self.revision, 8)),
            (27, _swapped(self.full_model, 40)),
        ):
            words[start : start + len(content) // 2] = struct.unpack(f"<{len(content) // 2}H", content)
        words[49], words[53] = 0x2F00, 7
        words[60], words[61] = BLOCKS & 0xFFFF, BLOCKS >> 16
        words[76], words[77], words[80], words[81] = 0x0E, 6, 0x1F0, 0x29
        words[82:88] = [0x746B, 0x7D01, 0x4163, 0x7469, 0xBC01, 0x4163]  # SMART, its logs and self-tests, 48 bits
        words[100], words[101], words[106], words[168] = BLOCKS & 0xFFFF, BLOCKS >> 16, 0x6003, 2
        words[108:112] = struct.unpack(">4H", self.wwn.to_bytes(8, "big"))
        words[217], words[222] = 7200, 0x107F
        content = struct.pack("<256H", *words)[:510] + b"\xa5"
        return content + bytes([-sum(content) & 0xFF])

    def _smart_data(self) -> bytes:
        rows = b"".join(
            struct.pack("<BHBB6sB", a.number, a.flags, a.value, a.worst, a.raw.to_bytes(6, "little"), 0)
            for a in self._table
        )
        tail = bytes([0x82, 0, 0x58, 2, 0, 0x7B, 3, 0, 1, 0, 1, 90, 2])  # offline collection done, capabilities
        return _summed((struct.pack("<H", 10) + rows).ljust(362, b"\0") + tail)

    def _smart_thresholds(self) -> bytes:
        rows = b"".join(bytes([a.number, a.threshold]) + bytes(10) for a in self._table)
        return _summed(struct.pack("<H", 10) + rows)

    def _smart_log(self, address: int) -> bytes | None:
        if address == 0:  # directory: one sector each of the two logs
            directory = bytearray(512)
            directory[0] = directory[2] = directory[12] = 1
            return bytes(directory)
        if address == 1:
            return _summed(self._error_log())
        return _summed(b"\1") if address == 6 else None

    def _error_log(self) -> bytes:
        """The summary: the last of the errors is an unreadable sector."""
        log = bytearray(512)
        log[0] = 1
        if self._errors:
            log[1] = 1
            log[50:62] = bytes([0, 0, 8, 0xFF, 0xFF, 0xFF, 0x4F, 0x60]) + struct.pack("<I", 1000)
            log[62:70] = bytes([0, 0x40, 8, 0xFF, 0xFF, 0xFF, 0x4F, 0x51])
            log[89:92] = b"\3" + struct.pack("<H", 12345)
            log[452:454] = struct.pack("<H", self._errors)
        return bytes(log)


class SasDisk(PlayedDisk):
    """A SAS disk."""

    vendor, model, revision = "SEAGATE", "ST3300657SS", "000B"
    _TRIP = 68  # degrees

    def __init__(
        self,
        serial: str,
        wwn: int,
        celsius: int = 36,
        exception: tuple[int, int] = (0, 0),
        uncorrected: int = 0,
        grown: int = 0,
    ) -> None:
        super().__init__(serial, wwn)
        self._celsius = celsius
        self._exception = exception  # asc, ascq of its informational exception
        self._uncorrected = uncorrected
        self._grown = grown

    def own_sense(self) -> bytes:
        """See PlayedDisk."""
        return sense(0, *self._exception)

    def mode_pages(self) -> dict[int, bytes]:
        """With error recovery and informational exceptions."""
        return {1: bytes([1, 10]) + bytes(10), **super().mode_pages(), 0x1C: bytes([0x1C, 10, 0x10, 6]) + bytes(8)}

    def special(self, cdb: bytes) -> Reply:
        """LOG SENSE and READ DEFECT DATA."""
        if cdb[0] == 0x4D:
            return self._log_sense(cdb)
        if cdb[0] == 0x37:
            return Reply(data=struct.pack(">BBH", 0, 0x0D, self._grown * 8)[: int.from_bytes(cdb[7:9], "big")])
        if cdb[0] == 0xB7:
            return Reply(data=struct.pack(">BBHI", 0, 0x0D, 0, self._grown * 8)[: int.from_bytes(cdb[6:10], "big")])
        return refused()

    def _log_sense(self, cdb: bytes) -> Reply:
        page, pages = cdb[2] & 0x3F, self._log_pages()
        if page not in pages or cdb[3]:
            return refused(_INVALID_FIELD)
        content = struct.pack(">BBH", page, 0, len(pages[page])) + pages[page]
        return Reply(data=content[: int.from_bytes(cdb[7:9], "big")])

    def _log_pages(self) -> dict[int, bytes]:
        def counters(uncorrected: int) -> bytes:
            values = (10, 0, 0, 10, 20, 10**12, uncorrected)
            return b"".join(struct.pack(">HBBQ", code, 2, 8, value) for code, value in enumerate(values))

        def degrees(code: int, value: int) -> bytes:
            return struct.pack(">HBBBB", code, 3, 2, 0, value)

        pages = {
            0x02: counters(0),
            0x03: counters(self._uncorrected),
            0x05: counters(0),
            0x06: struct.pack(">HBBQ", 0, 2, 8, 0),
            0x0D: degrees(0, self._celsius) + degrees(1, self._TRIP),
            0x0E: struct.pack(">HBB", 1, 3, 6) + b"201512" + struct.pack(">HBBIHBBI", 3, 3, 4, 10000, 4, 3, 4, 87),
            0x10: b"".join(struct.pack(">HBB", number, 3, 16) + bytes(16) for number in range(1, 21)),
            0x2F: struct.pack(">HBBBBBB", 0, 3, 4, *self._exception, self._celsius, 0),
        }
        return {0x00: bytes([0, *pages]), **pages}


def cast() -> list[PlayedDisk]:
    """Six disks: SATA good, sick and failing, SAS good, predicting its failure, too hot."""
    wwn = 0x5000C50000000000
    return [
        SataDisk("Z1Z00001", wwn + 1, attributes()),
        SataDisk("Z1Z00002", wwn + 2, attributes(reallocated=1864, pending=24, reported=37), errors=37),
        SataDisk("Z1Z00003", wwn + 3, attributes(reallocated=65535, health=1), failing=True, errors=99),
        SasDisk("6SJ17KP5", wwn + 5),
        SasDisk("6SJ17KP6", wwn + 6, exception=(0x5D, 0x10), uncorrected=72605, grown=1934),
        SasDisk("6SJ17KP7", wwn + 7, celsius=71, exception=(0x0B, 1)),
    ]
