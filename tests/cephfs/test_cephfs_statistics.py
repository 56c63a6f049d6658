"""Values of extended attributes, mounts and helpers' answers: any bytes give a record or one clear error."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from errno import EACCES, EIO, ENOENT, ENOTDIR, EOPNOTSUPP, ESTALE

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.cephfs.mounts import ceph_mounts, is_ceph, mount_of
from checks.cephfs.reading import (
    CHILDREN_MAX,
    NO_MATCH,
    NOT_CEPHFS,
    VANISHING,
    Extremes,
    Problem,
    Readings,
    Wish,
    parse_answer,
    read_all,
)
from checks.cephfs.statistics import (
    NAMES,
    Directory,
    NoStatistics,
    Outline,
    parse,
    parse_outline,
    parse_quota,
    parse_rctime,
)
from checks.cephfs.survey import item_of
from checks.frame.mountinfo import Mount

EMPTY = Directory(0, 0, 1, 1, 0.0, 0, 0)


def directory(**changes: int) -> Directory:
    return EMPTY._replace(**changes)


def values(found: Directory) -> list[bytes]:
    """What the file system answers for it."""
    quota = b"max_bytes=%d max_files=%d" % (found.max_bytes, found.max_files)
    counts = [str(count).encode() for count in (found.rbytes, found.rfiles, found.rsubdirs, found.rentries)]
    return [*counts, b"%.9f" % found.rctime, quota if found.max_bytes or found.max_files else b""]


def outline(found: Directory) -> Outline:
    return Outline(found.rbytes, found.rentries, found.rctime, found.max_bytes, found.max_files)


# statistics


def test_the_values_of_a_directory() -> None:
    assert parse([b"5", b"2", b"1", b"3", b"1790000000.123456789", b"max_bytes=10 max_files=20"]) == Directory(
        5, 2, 1, 3, 1790000000.123456789, 10, 20
    )
    assert parse([b"0", b"0", b"1", b"1", b"0.000000000", b""]) == EMPTY
    assert parse_outline([b"5", b"3", b"7.000000000", b"max_bytes=0 max_files=20"]) == Outline(5, 3, 7.0, 0, 20)
    assert parse_outline([b"0", b"1", b"0.000000000", b""]) == outline(EMPTY)


@pytest.mark.parametrize(
    "text", [b"10", b"max_bytes=10", b"max_bytes=-1 max_files=0", b"max_bytes=1 max_files=2 ", b"max_bytes= max_files="]
)
def test_what_is_no_quota(text: bytes) -> None:
    with pytest.raises(NoStatistics, match=r"ceph\.quota is no quota"):
        parse_quota(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (b"1790000000.850975247", 1790000000.850975247),
        (b"1790000000.09850975247", 1790000000.850975247),  # "%ld.09%ld", a bug of some releases
        (b"1790000000.0912", 1790000000.0),  # and its nanoseconds without leading zeros
        (b"1790000000", 1790000000.0),
        (b"0.000000000", 0.0),
    ],
)
def test_forms_of_rctime(text: bytes, seconds: float) -> None:
    assert parse_rctime(text) == seconds


@pytest.mark.parametrize(
    "text", [b"", b"x", b"-1.0", b"1.", b".5", b"1.2.3", b"1" * 13, b"1e9", b" 1", b"1\n", b"\xff"]
)
def test_what_is_no_rctime(text: bytes) -> None:
    with pytest.raises(NoStatistics, match=r"ceph\.dir\.rctime is no time"):
        parse_rctime(text)


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("wrong", [b"", b"-1", b"1 ", b"0x1", b"1" * 20, b"\xb2", b"nan"])
def test_a_value_that_is_missing_or_no_number(place: int, wrong: bytes) -> None:
    said = values(EMPTY)
    said[place] = wrong
    with pytest.raises(NoStatistics, match=NAMES[place].replace(".", r"\.")):
        parse(said)


@pytest.mark.parametrize("count", range(len(NAMES)))
def test_too_few_values(count: int) -> None:
    with pytest.raises(NoStatistics):
        parse(values(EMPTY)[:count])


ANYTHING = st.one_of(st.binary(max_size=24), st.integers(0, 1 << 70).map(lambda n: str(n).encode()))


@given(st.lists(ANYTHING, max_size=9))
def test_any_bytes_give_a_directory_or_no_statistics(said: list[bytes]) -> None:
    try:
        found = parse(said)
    except NoStatistics:
        return
    assert all(0 <= field < 1e20 for field in found)


@given(st.lists(ANYTHING, min_size=4, max_size=4))
def test_any_bytes_give_an_outline_or_no_statistics(said: list[bytes]) -> None:
    try:
        found = parse_outline(said)
    except NoStatistics:
        return
    assert all(0 <= field < 1e20 for field in found)


@given(st.integers(0, 10**12 - 1), st.integers(0, 999_999_999))
def test_rctime_is_exact_to_the_microsecond(seconds: int, nanoseconds: int) -> None:
    assert parse_rctime(b"%d.%09d" % (seconds, nanoseconds)) == pytest.approx(seconds + nanoseconds / 1e9, abs=1e-3)


# mounts

MOUNTINFO = (
    "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "40 21 0:40 / /mnt/ceph rw,relatime shared:2 - ceph 10.0.0.1:6789:/ rw,name=admin\n"
    "41 21 0:41 / /mnt/fuse rw,nosuid - fuse.ceph-fuse ceph-fuse rw,user_id=0\n"
    "42 21 0:42 / /mnt/old rw - fuse.ceph ceph-fuse rw\n"
    "43 21 0:43 / /mnt/older rw - fuse ceph-fuse rw\n"
    "44 21 0:44 / /mnt/sshfs rw - fuse sshfs rw\n"
    "45 21 0:45 / /mnt/a\\040b\\011c\\012d\\134e\\056 rw - ceph x:/y\\040z rw\n"
)


def test_all_kinds_of_mounts() -> None:
    assert ceph_mounts(MOUNTINFO) == [
        Mount("/mnt/ceph", "ceph", "10.0.0.1:6789:/"),
        Mount("/mnt/fuse", "fuse.ceph-fuse", "ceph-fuse"),
        Mount("/mnt/old", "fuse.ceph", "ceph-fuse"),
        Mount("/mnt/older", "fuse", "ceph-fuse"),
        Mount("/mnt/a b\tc\nd\\e.", "ceph", "x:/y z"),
    ]
    assert [is_ceph("nfs4", "ceph-fuse"), is_ceph("ceph", "")] == [False, True]


@given(st.text(alphabet=st.sampled_from("/ -\\\n0123ceph.fus"), max_size=200))
def test_any_mountinfo_gives_a_list(text: str) -> None:
    assert all(isinstance(mount, Mount) for mount in ceph_mounts(text))


@pytest.mark.parametrize(
    ("path", "point"),
    [
        ("/mnt/ceph", "/mnt/ceph"),
        ("/mnt/ceph/a", "/mnt/ceph"),
        ("/mnt/ceph/in/a", "/mnt/ceph/in"),
        ("/mnt/ceph2", ""),
        ("/mnt", ""),
        ("/mnt/ceph/*", "/mnt/ceph"),
    ],
)
def test_the_mount_that_a_path_lies_below(path: str, point: str) -> None:
    mounts = [Mount(place, "ceph", "x") for place in ("/mnt/ceph/in", "/mnt/ceph")]
    assert mount_of(path, mounts) == point


def test_everything_lies_below_the_root() -> None:
    assert mount_of("/any/where", [Mount("/", "ceph", "x"), Mount("/any", "ceph", "x")]) == "/any"
    assert mount_of("/else/where", [Mount("/", "ceph", "x")]) == "/"


def test_items_are_unique_whatever_else_is_there() -> None:
    assert item_of("/mnt/ceph") == "/mnt/ceph"
    alike = [
        "/mnt/a|b",
        "/mnt/a/b",
        "/mnt/a\\b",
        "/mnt/" + "x" * 80,
        "/mnt/" + "x" * 81,
        "/a \n",
        "/a\udcff",
        "/a\udcfe",
    ]
    assert len({item_of(path) for path in alike}) == len(alike)
    assert all(len(item_of(path)) <= 64 and item_of(path).isascii() for path in alike)


# reading


class Tree:
    """A Source of a few directories, each with its children; others raise."""

    def __init__(self, statistics: dict[str, Directory], errors: dict[str, int] | None = None) -> None:
        self.statistics = statistics
        self.errors = errors or {}
        self.listed: list[str] = []
        self.asked: dict[str, int] = {}

    def attributes(self, path: str, names: Sequence[str]) -> list[bytes]:
        if path in self.errors:
            raise OSError(self.errors[path], "no")
        if path not in self.statistics:
            raise OSError(ENOENT, "none")
        self.asked[path] = self.asked.get(path, 0) + 1
        known = dict(zip(NAMES, values(self.statistics[path])))
        return [known[name] for name in names]

    def directories(self, path: str) -> list[str]:
        self.listed.append(path)
        if f"list {path}" in self.errors:
            raise OSError(self.errors[f"list {path}"], "no list")
        known = {*self.statistics, *self.errors}
        inside = path.rstrip("/") + "/"
        return sorted({name[len(inside) :].split("/")[0] for name in known if name.startswith(inside)} - {""})

    def space(self, path: str) -> tuple[int, int]:
        if "space" in self.errors:
            raise OSError(self.errors["space"], "no space")
        return 100, 40


def ask(tree: Tree, *wishes: Wish, point: str = "") -> Readings:
    said: list[bytes] = []
    read_all(tree, list(wishes), point, said.append)
    return parse_answer(b"".join(said))


def test_paths_and_the_space() -> None:
    tree = Tree({"/m/a": directory(rbytes=5), "/m/b": EMPTY}, {"/m/c": EACCES})
    found = ask(tree, Wish("/m/a", 0), Wish("/m/c", 0), Wish("/m/d", 0), point="/m")
    assert found.directories == {"/m/a": directory(rbytes=5)}
    assert found.children == frozenset()
    assert found.problems == {"/m/c": Problem(EACCES, "no"), "/m/d": Problem(ENOENT, "none")}
    assert (found.spaces, found.counts, found.stage) == ({"/m": (100, 40)}, {}, "/m/d")
    assert tree.listed == []


def test_space_that_cannot_be_read_is_a_problem_of_the_mount() -> None:
    assert ask(Tree({}, {"space": EIO}), point="/m").problems == {"/m": Problem(EIO, "no space")}


@pytest.mark.parametrize(
    ("depth", "names"), [(0, []), (1, ["a", "b"]), (2, ["a", "a/x", "b"]), (3, ["a", "a/x", "a/x/y", "b"])]
)
def test_levels(depth: int, names: list[str]) -> None:
    tree = Tree({f"/m{name}": EMPTY for name in ("", "/a", "/a/x", "/a/x/y", "/b")})
    found = ask(tree, Wish("/m", depth))
    assert sorted(found.children) == [f"/m/{name}" for name in names]
    assert set(found.directories) == {"/m", *found.children}
    assert found.counts == ({"/m": len(names)} if depth else {})


def test_children_that_cannot_be_read_and_those_that_vanished() -> None:
    errors = {"/m/a": EACCES, "/m/b": ENOENT, "/m/c": ESTALE, "/m/d": ENOTDIR, "list /m/e": EIO}
    found = ask(Tree({"/m": EMPTY, "/m/e": EMPTY}, errors), Wish("/m", 2))
    assert found.problems == {"/m/a": Problem(EACCES, "no"), "/m/e": Problem(EIO, "no list")}
    assert found.children == {"/m/e"}


class Foreign(Tree):
    def attributes(self, path: str, names: Sequence[str]) -> list[bytes]:
        return [b""] * len(names)


class Broken(Tree):
    def attributes(self, path: str, names: Sequence[str]) -> list[bytes]:
        return [b"x"] * len(names)


def test_what_is_no_cephfs() -> None:
    assert ask(Foreign({}), Wish("/m", 1)).problems == {"/m": Problem(0, NOT_CEPHFS)}
    assert ask(Tree({}, {"/m": EOPNOTSUPP}), Wish("/m", 1)).problems == {"/m": Problem(0, NOT_CEPHFS)}
    words = "has statistics that make no sense: ceph.dir.rbytes is no number"
    assert ask(Broken({}), Wish("/m", 1)).problems == {"/m": Problem(0, words)}


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("/m/*", ["/m/anna", "/m/bert"]),
        ("/m/[ab]*a", ["/m/anna"]),
        ("/m/?ert", ["/m/bert"]),
        ("/*/anna", ["/m/anna"]),
        ("/m/*/backup", ["/m/anna/backup"]),
        ("/m/*/*", ["/m/anna/backup", "/m/bert/x"]),
    ],
)
def test_patterns(pattern: str, paths: list[str]) -> None:
    tree = Tree(dict.fromkeys(("/m", "/m/anna", "/m/anna/backup", "/m/bert", "/m/bert/x"), EMPTY))
    found = ask(tree, Wish(pattern, 0))
    assert (sorted(found.directories), found.problems) == (paths, {})


@pytest.mark.parametrize("pattern", ["/m/x*", "/m/*/none", "/x/*", "/m/a/*"])
def test_a_pattern_that_matches_nothing(pattern: str) -> None:
    tree = Tree({"/m": EMPTY, "/m/a": EMPTY}, {"list /x": ENOENT})
    assert ask(tree, Wish(pattern, 0)).problems == {pattern: Problem(ENOENT, NO_MATCH)}


class Restless(Tree):
    """What a listing tells is gone when it is read, for a number of listings."""

    def __init__(self, listings: int) -> None:
        super().__init__({"/m": EMPTY, "/m/a": EMPTY})
        self.restless = listings

    def attributes(self, path: str, names: Sequence[str]) -> list[bytes]:
        if len(self.listed) <= self.restless:
            raise OSError(ENOENT, "none")
        return super().attributes(path, names)


def test_matches_that_vanish_before_they_are_read_are_listed_again() -> None:
    assert list(ask(Restless(4), Wish("/m/*", 0)).directories) == ["/m/a"]
    restless = Restless(99)
    assert ask(restless, Wish("/m/*", 0)).problems == {"/m/*": Problem(ENOENT, VANISHING)}
    assert len(restless.listed) == 5


def test_a_child_that_vanishes_after_it_was_chosen_is_not_told() -> None:
    class Late(Tree):
        def attributes(self, path: str, names: Sequence[str]) -> list[bytes]:
            if self.asked.get(path) == 1:
                raise OSError(self.errors[f"late {path}"], "late")
            return super().attributes(path, names)

    tree = Late({"/m": EMPTY, "/m/a": EMPTY, "/m/b": EMPTY}, {"late /m/a": ENOENT, "late /m/b": EIO})
    found = ask(tree, Wish("/m", 1))
    assert (list(found.directories), found.problems) == (["/m"], {"/m/b": Problem(EIO, "late")})


def test_of_many_children_only_those_that_are_told_are_read_in_full() -> None:
    many = {f"/m/{number:03}": directory(rbytes=number) for number in range(200)}
    tree = Tree({"/m": EMPTY, **many})
    told = ask(tree, Wish("/m", 1)).children
    assert {path for path, count in tree.asked.items() if count == 2} == told
    assert max(tree.asked.values()) == 2


def test_a_pattern_below_what_cannot_be_listed_says_so() -> None:
    tree = Tree({"/m/a": EMPTY}, {"list /m": EACCES})
    assert ask(tree, Wish("/m/*", 0)).problems == {"/m": Problem(EACCES, "no list")}


def extremes_of(found: list[tuple[str, Directory]]) -> set[str]:
    """Slowly: the eight largest by each key."""
    keys: list[Callable[[Directory], float]] = [
        lambda d: d.rbytes,
        lambda d: d.rentries,
        lambda d: d.rbytes / d.max_bytes if d.max_bytes else -1.0,
        lambda d: d.rentries / d.max_files if d.max_files else -1.0,
        lambda d: d.rctime,
        lambda d: -d.rctime,
    ]
    return {path for key in keys for path, _ in sorted(found, key=lambda entry: key(entry[1]), reverse=True)[:8]}


def numbers() -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(0, 10**6), min_size=1, max_size=200, unique=True)


@given(numbers(), st.randoms(use_true_random=False))
def test_extremes_are_those_of_brute_force(seeds: list[int], random: object) -> None:
    found = [
        (f"/m/{seed}", Directory(seed, 0, 1, (seed * 7919) % 1000003, (seed * 104729) % 1000003, 1000, 1000))
        for seed in seeds
    ]
    extremes = Extremes()
    for path, statistics in found:
        extremes.add(path, outline(statistics))
    chosen = extremes.chosen()
    assert extremes.count == len(found)
    assert len(chosen) == len(set(chosen)) <= CHILDREN_MAX
    if len(found) <= CHILDREN_MAX:
        assert chosen == [path for path, _ in found]
    else:
        assert set(chosen) == extremes_of(found)


def test_extremes_of_equals_stay_few() -> None:
    extremes = Extremes()
    for number in range(1000):
        extremes.add(f"/m/{number:04}", outline(EMPTY))
    assert (extremes.count, len(extremes.chosen())) == (1000, 8)


# what a helper says


def test_an_answer_that_was_cut_off() -> None:
    said: list[bytes] = []
    read_all(Tree({"/m": EMPTY, "/m/a": directory(rbytes=7)}), [Wish("/m", 1)], "/m", said.append)
    whole = b"".join(said)
    seen = set()
    for length in range(len(whole) + 1):
        found = parse_answer(whole[:length])
        seen.add((len(found.directories), found.stage))
    assert seen == {(0, ""), (0, "/m"), (1, "/m"), (1, "/m and 1 directories in it"), (2, "/m and 1 directories in it")}
    assert parse_answer(b"") == parse_answer(b"\n") == Readings({}, frozenset(), {}, {}, {}, "")


def test_names_of_any_bytes_survive_the_way() -> None:
    name = "/m/\udcff\n\"'|\x00é"
    assert list(ask(Tree({name: EMPTY}), Wish(name, 0)).directories) == [name]
    assert json.dumps(name).isascii()
