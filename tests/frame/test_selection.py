"""A selection that matches nothing: never OK unless --absent-ok says so; what was named has to be here all the same."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from lab.paper_raid import PaperController, PaperDisk, PaperVolume
from lab.paper_smartctl import smart
from lab.paper_storcli import storcli
from lab.replay_tool import write_answers
from support import HOSTS, Ran, check, fixture_arguments

from checks.frame.selection import is_pattern, matches, named, none_left


def look(name: str, *arguments: str) -> Ran:
    return check(name, *fixture_arguments(name, "ok"), "--no-history", *arguments)


# a wildcard that nothing is like: as if there were nothing of this kind here
NOTHING_LIKE_IT = [
    ("bond", ("--bond", "x*"), "no bond here matches --bond"),
    ("bond", ("--bond", "x*", "--bond", "y?"), "no bond here matches --bond"),
    ("bond", ("--exclude", "*"), "no bond here is left by --exclude"),
    ("bond", ("--bond", "bond*", "--exclude", "*"), "no bond here is left by --bond and --exclude"),
    ("docker_bridge", ("--bridge", "x*"), "no bridge here matches --bridge"),
    ("docker_bridge", ("--bridge", "x*", "--no-docker"), "no bridge here matches --bridge"),
    ("docker_bridge", ("--exclude", "*"), "no bridge here is left by --exclude"),
    ("docker_bridge", ("--bridge", "*", "--exclude", "*"), "no bridge here is left by --bridge and --exclude"),
]


@pytest.mark.parametrize(("name", "selection", "words"), NOTHING_LIKE_IT)
def test_a_wildcard_that_matches_nothing(name: str, selection: tuple[str, ...], words: str) -> None:
    without, allowed = look(name, *selection), look(name, *selection, "--absent-ok")
    assert (without.code, without.output) == (3, f"{name.upper()} UNKNOWN - {words}\n")
    assert (allowed.code, allowed.output) == (0, f"{name.upper()} OK - {words}\n")


NAMED = [
    ("bond", ("--bond", "x"), "x no such bond", "correct --bond x, or run it where that bond is"),
    ("bond", ("--bond", "x", "--bond", "y*"), "x no such bond", "correct --bond x, or run it where that bond is"),
    ("docker_bridge", ("--bridge", "x"), "x no such bridge", "correct --bridge x, or run it where that bridge is"),
    ("cephfs", ("--path", "/mnt/x"), "/mnt/x no such directory", "correct --path /mnt/x"),
    ("cephfs", ("--path", "/mnt/x*"), "/mnt/x* matches no directory", "correct --path /mnt/x*"),
    ("cephfs", ("--path", "/x/*"), "/x/* matches no directory", "correct --path /x/*"),
    ("megaraid", ("--controller", "9"), "c9 no such controller", "correct --controller 9; there is 0"),
    ("megaraid", ("--controller", "9", "--local"), "c9 no such controller", "correct --controller 9; there is 0"),
]


@pytest.mark.parametrize("absent_ok", [(), ("--absent-ok",)])
@pytest.mark.parametrize(("name", "selection", "words", "step"), NAMED)
def test_what_was_named_and_is_not_here(
    name: str, selection: tuple[str, ...], words: str, step: str, absent_ok: tuple[str, ...]
) -> None:
    ran = look(name, *selection, *absent_ok)
    assert (ran.code, ran.text) == (3, f"{name.upper()} UNKNOWN - {words}")
    assert ran.rest == [f"next: {step}"]


def test_help_says_so() -> None:
    for name in ("bond", "docker_bridge", "cephfs", "megaraid"):
        words = " ".join(check(name, "--help").output.split())
        assert (
            "OK instead of UNKNOWN when there is nothing of this kind here, or nothing that a wildcard matches" in words
        )
        assert "has to be here" in words


def test_one_controller_that_is_here_does_not_hide_that_another_is_not() -> None:
    ran = look("megaraid", "--controller", "0", "--controller", "9")
    assert (ran.code, ran.text) == (3, "MEGARAID UNKNOWN - c9 no such controller; 5 ok")
    assert look("megaraid", "--controller", "0").text == look("megaraid").text


# --- controllers: each way to read them ---

SICK = PaperController(
    number=1,
    serial="XYZ",
    pci="00:03:00:00",
    battery=None,
    disks=[PaperDisk(0, serial="ABC0"), PaperDisk(1, serial="ABC1", state="Failed")],
    volumes=[PaperVolume(level="RAID1", state="Dgrd")],
)


def test_controllers_of_files(tmp_path: Path) -> None:
    files = []
    for number, text in enumerate(storcli([PaperController(), SICK]).values()):
        (tmp_path / f"{number}.json").write_text(text)
        files += ["--from-file", str(tmp_path / f"{number}.json")]
    lines = [
        check("megaraid", "--no-history", *files, *(word for n in numbers for word in ("--controller", n))).text
        for numbers in ("0", "1", "9")
    ]
    assert lines[0].startswith("MEGARAID OK - PERC H730P Mini: 1 volume, 4 disks")
    assert lines[1].startswith("MEGARAID CRITICAL - c1 v0 RAID1 degraded, not rebuilding; c1 e252:s1 (ABC1) failed")
    assert lines[2] == "MEGARAID UNKNOWN - c9 no such controller"


def test_controllers_without_a_vendor_tool(tmp_path: Path) -> None:
    root = tmp_path / "host"
    driver = root / "sys/bus/pci/drivers/megaraid_sas"
    driver.mkdir(parents=True)
    driver.with_name("megaraid_sas.ls").write_text("0000:02:00.0\n0000:03:00.0\n")
    (driver / "0000:02:00.0.ls").write_text("host0\n")
    (driver / "0000:03:00.0.ls").write_text("host4\n")
    scan = '{"devices": [{"name": "/dev/bus/0", "type": "megaraid,5"}, {"name": "/dev/bus/4", "type": "megaraid,6"}]}'
    answers: dict[str, str | bytes] = {
        "-j --scan": scan,
        "-j -x -d megaraid,5 /dev/bus/0": smart(PaperDisk(5)),
        "-j -x -d megaraid,6 /dev/bus/4": smart(PaperDisk(6), passed=False, now=5, realloc=9),
    }
    write_answers(root / "commands" / "smartctl", answers)

    def one(*numbers: str) -> str:
        words = [word for number in numbers for word in ("--controller", number)]
        return check("megaraid", "--root", str(root), "--no-history", "--tool", "none", *words).text

    failing = "MEGARAID CRITICAL - c1 d6 (Z1Z00006) failing: reallocated 9"
    assert one() == f"{failing}; 1 ok"
    assert (one("0"), one("1")) == ("MEGARAID OK - 1 disk", failing)
    assert one("9") == "MEGARAID UNKNOWN - c9 no such controller"


def test_where_no_controller_can_be_read_nothing_is_said_of_the_one_that_was_named(tmp_path: Path) -> None:
    shutil.copytree(HOSTS / "megaraid" / "ok" / "proc", tmp_path / "host" / "proc")
    (tmp_path / "host" / "sys/bus/pci/drivers").mkdir(parents=True)
    arguments = ("megaraid", "--root", str(tmp_path / "host"), "--no-history", "--controller", "9")
    assert check(*arguments).output == "MEGARAID UNKNOWN - no MegaRAID controller here\n"
    assert check(*arguments, "--absent-ok").output == "MEGARAID OK - no MegaRAID controller here\n"


# --- the patterns themselves ---


@pytest.mark.parametrize(
    ("wanted", "unwanted", "expected"),
    [
        ([], [], True),
        (["bond*"], [], True),
        (["x", "bond0"], [], True),
        (["BOND0"], [], False),
        (["bond"], [], False),
        ([], ["bond?"], False),
        ([], ["x*"], True),
        (["bond0"], ["[ab]ond0"], False),
    ],
)
def test_patterns(wanted: list[str], unwanted: list[str], expected: bool) -> None:
    assert matches("bond0", wanted, unwanted) is expected


def test_a_name_that_looks_like_a_pattern_is_still_a_name() -> None:
    assert matches("br-1f[2]", ["br-1f[2]"], [])
    assert not matches("br-1f2", [], ["br-1f[2]"])
    assert [is_pattern(text) for text in ("", "br0", "a*", "a?", "a[")] == [False, False, True, True, True]


def test_names_and_words() -> None:
    assert named(["a", "b*", "c?", "d[1]", "e]"]) == ["a", "e]"]
    assert none_left("bond", "--bond", [], []) == ""
