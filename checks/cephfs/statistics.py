"""CephFS' recursive statistics of a directory: virtual extended attributes, read by name (they are not listed).

Source: client/Client.cc and fs/ceph/xattr.c of Ceph and Linux; docs.ceph.com, "CephFS quotas" and "Layout fields". The
MDS adds them up lazily: a write reaches the parents after some seconds. rctime only ever moves forward.
"""

from __future__ import annotations

import re

from perfdata.record import Record

NAMES = (
    "ceph.dir.rbytes",
    "ceph.dir.rfiles",
    "ceph.dir.rsubdirs",
    "ceph.dir.rentries",
    "ceph.dir.rctime",
    "ceph.quota.max_bytes",
    "ceph.quota.max_files",
)
_REQUIRED = 5  # the rest is absent where no quota is set
_RCTIME = re.compile(rb"(\d{1,12})(?:\.(\d{1,12}))?\Z")


class NoStatistics(Exception):
    """The values are not those of a CephFS directory; the text says which."""


class Directory(Record):
    """What CephFS knows of everything below a directory."""

    rbytes: int
    rfiles: int
    rsubdirs: int  # itself among them, and so among its entries
    rentries: int
    rctime: float  # unix seconds of the last change below, by the clock of its client; 0 if it never held anything
    max_bytes: int  # quotas; 0 for none
    max_files: int  # counts rentries: Ceph refuses a file or directory once there are so many, itself included


def parse(values: list[bytes]) -> Directory:
    """The statistics from the values of NAMES in their order, b"" for an absent one. Raises NoStatistics."""
    numbers = []
    for name, value in zip(NAMES, values):
        if name == "ceph.dir.rctime":
            numbers.append(parse_rctime(value))
        elif value.isdigit() and len(value) < 20:
            numbers.append(int(value))
        elif not value and len(numbers) >= _REQUIRED:
            numbers.append(0)
        else:
            raise NoStatistics(f"{name} is no number")
    if len(numbers) != len(NAMES):
        raise NoStatistics("some are missing")
    return Directory(*numbers)  # type: ignore[arg-type]


def parse_rctime(value: bytes) -> float:
    """Unix seconds from "SECONDS.NANOSECONDS". Raises NoStatistics.

    Some releases write the nanoseconds with a "09" before them (a format that lacked its "%"), some without leading
    zeros: the fraction is only taken when it is as long as nanoseconds are.
    """
    match = _RCTIME.match(value)
    if not match:
        raise NoStatistics("ceph.dir.rctime is no time")
    fraction = match[2] or b""
    if len(fraction) == 11 and fraction.startswith(b"09"):
        fraction = fraction[2:]
    return int(match[1]) + (int(fraction) / 1e9 if len(fraction) == 9 else 0.0)
