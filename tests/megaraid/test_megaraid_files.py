"""--from-file: what a tool printed at another time."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab.paper_megacli import megacli
from lab.paper_raid import PaperController, PaperDisk
from lab.paper_smartctl import smart
from lab.paper_storcli import storcli
from support import check

SICK = [PaperController(disks=[PaperDisk(0), PaperDisk(1, state="Failed", celsius=None)])]


@pytest.mark.parametrize("answers", [megacli(SICK), storcli(SICK)])
def test_several_files_are_one_host(answers: dict[str, str], tmp_path: Path) -> None:
    options = []
    for number, text in enumerate(answers.values()):
        file = tmp_path / f"{number}.txt"
        file.write_text(text)
        options += ["--from-file", str(file)]
    (tmp_path / "smart.json").write_text(smart(PaperDisk(7), passed=False, now=5, realloc=9))
    done = check("megaraid", "--no-history", *options, "--from-file", str(tmp_path / "smart.json"))
    assert (done.code, done.stderr) == (2, b"")
    assert done.text == (
        "MEGARAID CRITICAL - smart.json (Z1Z00007) failing: reallocated 9; c0 e252:s1 (Z1Z00001) failed; 1 ok"
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "file.txt cannot be read: No such file or directory"),
        (b"", "file.txt holds nothing that MegaCli, storcli or smartctl print"),
        (b"hello\nworld: yes\n", "file.txt holds nothing that MegaCli, storcli or smartctl print"),
        (b"\0\xff\xfe|", "file.txt holds nothing that MegaCli, storcli or smartctl print"),
        (b'{"Controllers": [{"Command', "MegaRAID an answer is no JSON, or was cut"),
        (b"\nExit Code: 0x00\n", "file.txt holds nothing that MegaCli, storcli or smartctl print"),
    ],
)
def test_what_says_nothing_is_no_good_news(content: bytes | None, words: str, tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    if content is not None:
        file.write_bytes(content)
    done = check("megaraid", "--no-history", "--from-file", str(file))
    assert (done.code, done.text, done.stderr) == (3, f"MEGARAID UNKNOWN - {words}", b"")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--from-file", "relative"), "option --from-file: needs an absolute path"),
        (("--tool", "raidcli"), "option --tool: 'raidcli' is not one of auto, storcli, perccli, megacli, none"),
        (("--learn-cycle", "x"), "option --learn-cycle: 'x' is not one of ok, warning, critical"),
        (("--expect-policy", "read=fast"), "option --expect-policy: 'read=fast' is not one of write=wb/wt/awb,"),
        (("--controller", "-1"), "option --controller: '-1' is not a number"),
    ],
)
def test_wrong_options(options: tuple[str, str], reason: str) -> None:
    done = check("megaraid", *options)
    assert done.code == 3
    assert done.line.startswith(f"UNKNOWN - check_megaraid: {reason}")
