"""What is done to a CephFS, all of it in a helper process that may hang: its answer is written as it goes along.

Lines of JSON: [kind, path, ...]. The last "reading" line tells what a helper is stuck on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from errno import ENOENT, ENOTDIR, EOPNOTSUPP, ESTALE
from heapq import heappush, heapreplace

from checks.cephfs.statistics import NAMES, OUTLINE_NAMES, Directory, NoStatistics, Outline, parse, parse_outline
from checks.frame.selection import is_pattern
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol, TypeVar

    Found = TypeVar("Found", Directory, Outline)

    class Source(Protocol):
        """A file system to read: the Host, or libcephfs. Everything raises OSError, and may hang."""

        def attributes(self, path: str, names: Sequence[str]) -> list[bytes]:
            """Values of extended attributes, b"" for those that are not there."""

        def directories(self, path: str) -> list[str]:
            """Names of the directories in a directory."""

        def space(self, path: str) -> tuple[int, int]:
            """(total, available) bytes."""


CHILDREN_MAX = 50  # more of them are read all the same, but only the extreme ones are told
_EXTREMES = 8  # of each kind
_READING, _DIRECTORY, _PROBLEM, _SPACE, _COUNT = "reading", "directory", "problem", "space", "count"
NOT_CEPHFS = "is not on a CephFS"
NO_MATCH = "matches no directory"
VANISHING = "matches only directories that vanish before they are read"
_LISTINGS_MAX = 5  # of a pattern whose matches have all gone: an MDS can take longer to answer than they live
_VANISHED = (ENOENT, ENOTDIR, ESTALE)  # removed since it was listed


class Wish(Record):
    """A path to read, or a pattern of paths, and how many levels of children with it."""

    path: str
    depth: int


class Problem(Record):
    """A path that was not read."""

    code: int  # errno, 0 for another reason
    words: str


class Readings(Record):
    """What a helper has answered."""

    directories: dict[str, Directory]
    children: frozenset[str]  # those of the above that nobody named
    problems: dict[str, Problem]
    spaces: dict[str, tuple[int, int]]  # mount point -> (total, available)
    counts: dict[str, int]  # path -> how many children were read
    stage: str  # what it was reading last


def read_all(source: Source, wishes: list[Wish], point: str, say: Callable[[bytes], None]) -> None:
    """Read every wish and the space of the file system at ``point`` ("" for none)."""

    def tell(*words: object) -> None:
        say(json.dumps(words).encode() + b"\n")

    if point:
        tell(_READING, point)
        try:
            tell(_SPACE, point, *source.space(point))
        except OSError as error:
            tell(_PROBLEM, point, error.errno or 0, error.strerror or "")
    for wish in wishes:
        tell(_READING, wish.path)
        if not is_pattern(wish.path):
            _read_tree(source, wish.path, wish.depth, tell)
        else:
            _read_matches(source, wish, tell)


def _read_matches(source: Source, wish: Wish, tell: Callable[..., None]) -> None:
    listed = is_pattern(wish.path.rpartition("/")[2])  # else only the parents of what was named were seen to exist
    for _ in range(_LISTINGS_MAX):
        places, unread = _expanded(source, wish.path, tell)
        matches = [_read_tree(source, path, wish.depth, tell, True) for path in places]
        if unread or any(matches):
            return
        if not (places and listed):
            tell(_PROBLEM, wish.path, ENOENT, NO_MATCH)
            return
    tell(_PROBLEM, wish.path, ENOENT, VANISHING)


def _read_tree(source: Source, path: str, depth: int, tell: Callable[..., None], matched: bool = False) -> bool:
    """Whether there is such a directory; nothing is told of what a pattern ``matched`` and does not exist."""
    found = _read_one(source, path, NAMES, parse)
    if isinstance(found, Problem):
        if matched and found.code in _VANISHED:
            return False
        tell(_PROBLEM, path, *found)
        return True
    tell(_DIRECTORY, path, 0, *found)
    if not depth:
        return True
    extremes = Extremes()
    for child, outline in _below(source, path, depth, tell):
        extremes.add(child, outline)
    for child in extremes.chosen():
        found = _read_one(source, child, NAMES, parse)
        if not isinstance(found, Problem):
            tell(_DIRECTORY, child, 1, *found)
        elif found.code not in _VANISHED:
            tell(_PROBLEM, child, *found)
    tell(_COUNT, path, extremes.count)
    return True


def _below(source: Source, path: str, depth: int, tell: Callable[..., None]) -> Iterator[tuple[str, Outline]]:
    try:
        names = source.directories(path)
    except OSError as error:
        return tell(_PROBLEM, path, error.errno or 0, error.strerror or "")
    tell(_READING, f"{path} and {len(names)} directories in it")
    for name in names:
        child = f"{path.rstrip('/')}/{name}"
        found = _read_one(source, child, OUTLINE_NAMES, parse_outline)
        if isinstance(found, Problem):
            if found.code not in _VANISHED:
                tell(_PROBLEM, child, *found)
            continue
        yield child, found
        if depth > 1:
            yield from _below(source, child, depth - 1, tell)


def _read_one(
    source: Source, path: str, names: Sequence[str], parser: Callable[[list[bytes]], Found]
) -> Found | Problem:
    try:
        values = source.attributes(path, names)
        if not any(values):
            return Problem(0, NOT_CEPHFS)
        return parser(values)
    except NoStatistics as error:
        return Problem(0, f"has statistics that make no sense: {error}")
    except OSError as error:
        if error.errno == EOPNOTSUPP:
            return Problem(0, NOT_CEPHFS)
        return Problem(error.errno or 0, error.strerror or str(error))


def _expanded(source: Source, pattern: str, tell: Callable[..., None]) -> tuple[list[str], bool]:
    """The paths that a pattern may stand for, and whether some of it could not be read."""
    from fnmatch import fnmatchcase

    places, unread = [""], False
    for part in pattern.strip("/").split("/"):
        if not is_pattern(part):
            places = [f"{place}/{part}" for place in places]
            continue
        further = []
        for place in places:
            try:
                names = source.directories(place or "/")
            except OSError as error:
                if error.errno not in _VANISHED:
                    tell(_PROBLEM, place or "/", error.errno or 0, error.strerror or "")
                    unread = True
                continue
            further += [f"{place}/{name}" for name in sorted(names) if fnmatchcase(name, part)]
        places = further
    return places, unread


class Extremes:
    """Of any number of directories those that matter, in constant memory: all when they are few, else the extremes."""

    def __init__(self) -> None:
        self.count = 0
        self._few: list[str] = []
        self._heaps: tuple[list[tuple[float, str]], ...] = tuple([] for _ in range(6))

    def add(self, path: str, found: Outline) -> None:
        """Take one."""
        self.count += 1
        if self.count <= CHILDREN_MAX:
            self._few.append(path)
        keys = (
            found.rbytes,
            found.rentries,
            found.rbytes / found.max_bytes if found.max_bytes else -1.0,
            found.rentries / found.max_files if found.max_files else -1.0,
            found.rctime,
            -found.rctime,
        )
        for heap, key in zip(self._heaps, keys):
            if len(heap) < _EXTREMES:
                heappush(heap, (key, path))
            elif key > heap[0][0]:
                heapreplace(heap, (key, path))

    def chosen(self) -> list[str]:
        """Paths of those to be told."""
        if self.count <= CHILDREN_MAX:
            return self._few
        return sorted({path for heap in self._heaps for _, path in heap})


def parse_answer(answer: bytes) -> Readings:
    """What a helper has said, as far as it got."""
    found = Readings({}, frozenset(), {}, {}, {}, "")
    children = set()
    stage = ""
    for line in answer.split(b"\n")[:-1]:  # what stands after the last line's end was cut off
        if not line:
            continue
        kind, path, *rest = json.loads(line)
        if kind == _READING:
            stage = path
        elif kind == _DIRECTORY:
            found.directories[path] = Directory(*rest[1:])
            if rest[0]:
                children.add(path)
        elif kind == _PROBLEM:
            found.problems[path] = Problem(*rest)
        elif kind == _SPACE:
            found.spaces[path] = (rest[0], rest[1])
        elif kind == _COUNT:
            found.counts[path] = rest[0]
    return found._replace(children=frozenset(children), stage=stage)
