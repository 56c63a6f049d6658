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
    "ceph.quota",
)
# What tells whether one of ten thousand directories stands out: each further name is a request to the client more.
OUTLINE_NAMES = ("ceph.dir.rbytes", "ceph.dir.rentries", "ceph.dir.rctime", "ceph.quota")
_RCTIME = re.compile(rb"(\d{1,12})(?:\.(\d{1,12}))?\Z")
_QUOTA = re.compile(rb"max_bytes=(\d{1,19}) max_files=(\d{1,19})\Z")


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


class Outline(Record):
    """The part of a Directory by which it is compared with others."""

    rbytes: int
    rentries: int
    rctime: float
    max_bytes: int
    max_files: int


def parse(values: list[bytes]) -> Directory:
    """The statistics from the values of NAMES in their order, b"" for an absent one. Raises NoStatistics."""
    if len(values) != len(NAMES):
        raise NoStatistics("some are missing")
    rbytes, rfiles, rsubdirs, rentries = (_count(name, value) for name, value in zip(NAMES, values[:4]))
    return Directory(rbytes, rfiles, rsubdirs, rentries, parse_rctime(values[4]), *parse_quota(values[5]))


def parse_outline(values: list[bytes]) -> Outline:
    """The same from the values of OUTLINE_NAMES."""
    rbytes, rentries, rctime, quota = values
    return Outline(
        _count("ceph.dir.rbytes", rbytes),
        _count("ceph.dir.rentries", rentries),
        parse_rctime(rctime),
        *parse_quota(quota),
    )


def _count(name: str, value: bytes) -> int:
    if value.isdigit() and len(value) < 20:
        return int(value)
    raise NoStatistics(f"{name} is no number")


def parse_quota(value: bytes) -> tuple[int, int]:
    """(bytes, files) from "max_bytes=N max_files=N", 0 for no limit, as for b"": no quota. Raises NoStatistics."""
    if not value:
        return 0, 0
    match = _QUOTA.match(value)
    if not match:
        raise NoStatistics("ceph.quota is no quota")
    return int(match[1]), int(match[2])


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
