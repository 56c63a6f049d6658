"""Parsers are total: any bytes give readings, and what two tools say of one RAID is the same."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lab.paper_megacli import megacli
from lab.paper_raid import PaperBattery, PaperController, PaperDisk, PaperVolume
from lab.paper_storcli import storcli, storcli2
from lab.paper_storcli_text import storcli_text

from checks.megaraid import megacli as megacli_module
from checks.megaraid import smart
from checks.megaraid import storcli as storcli_module
from checks.megaraid.files import parse_any
from checks.megaraid.megacli_fields import inquiry
from checks.megaraid.readings import Disk, Operation, Readings, VirtualDrive, merged, whole
from checks.megaraid.words import disk_cache, disk_state, megacli_policy, operation, storcli_policy, volume_state

PAPER = [
    PaperController(
        volumes=[
            PaperVolume(level="RAID6", state="Pdgd", operation=("Background Initialization", 4, 6)),
            PaperVolume(number=1, group=1, level="RAID1", cache="NRWTD", default="WriteThrough", disk_cache="Enabled"),
        ],
        disks=[
            PaperDisk(0, media=3, other=9),
            PaperDisk(1, state="Failed", celsius=None),
            PaperDisk(2, sas=True, model="ST3300657SS", serial="6SJ17KP5", predictive=2, alert=True),
            PaperDisk(3, state="Rbld", progress=(37, 60)),
            PaperDisk(4, group=1),
            PaperDisk(5, group=1),
            PaperDisk(6, enclosure=None, state="GHS", group=None, down=True),
        ],
        correctable=2,
        foreign=1,
        missing=((0, 1),),
    ),
    PaperController(number=1, serial="XYZ", pci="00:03:00:00", battery=None, volumes=[], disks=[]),
]


def read(parse: Callable[[bytes], Readings], answers: dict[str, str], *left_out: str) -> Readings:
    """All answers as one."""
    return merged([parse(text.encode()) for words, text in answers.items() if not any(w in words for w in left_out)])


def comparable(readings: Readings) -> list[object]:
    """What every tool says: texts of the tools and what only some of them know are left out."""
    return [
        [
            controller._replace(pci="", status="Optimal", bad_volumes=None, failed_disks=None, suspect_disks=None)
            for controller in readings.controllers
        ],
        sorted(
            (
                disk._replace(words="", identity="", model=disk.model.replace("SEAGATE ", ""), interface="")
                for disk in readings.disks
            ),
            key=str,
        ),
        [volume._replace(group=None, io="", disk_cache="") for volume in readings.volumes],
        readings.batteries,
        readings.foreign,
        [number for number, _ in readings.missing],
        readings.problems,
        readings.none_here,
        readings.understood,
    ]


def test_four_tools_say_the_same() -> None:
    said = {
        "MegaCli": comparable(read(megacli_module.parse, megacli(PAPER))),
        "storcli": comparable(read(storcli_module.parse, storcli(PAPER))),
        "text": comparable(read(storcli_module.parse, storcli_text(storcli(PAPER)))),
    }
    assert said["storcli"] == said["text"]
    assert said["MegaCli"] == said["storcli"]


def test_what_it_is() -> None:
    readings = read(storcli_module.parse, storcli(PAPER))
    assert readings.volumes == (
        VirtualDrive(0, 0, 0, "RAID6", "partially degraded", "wb", "wb", "ahead", "direct", False, "off", False),
        VirtualDrive(0, 1, 1, "RAID1", "optimal", "wt", "wt", "none", "direct", False, "on", False),
    )
    assert readings.disks[2] == Disk(
        0, 252, 2, 2, "online", 0, "6SJ17KP5", "6SJ17KP5", "ST3300657SS", "SAS", False, 0, 0, 2, True, 34,
        False, False, "Onln",
    )  # fmt: skip
    assert readings.operations == (
        Operation(0, "v0", "background initialisation", 4),
        Operation(0, "e252:s3", "", 37),
    )
    assert [disk.place for disk in readings.disks][-2:] == ["e252:s5", "s6"]


def test_storcli2_says_the_same_of_what_it_knows() -> None:
    second, first = read(storcli_module.parse, storcli2(PAPER)), read(storcli_module.parse, storcli(PAPER))
    assert [disk.state for disk in second.disks] == [disk.state for disk in first.disks]
    assert [disk.serial for disk in second.disks] == [disk.serial for disk in first.disks]
    assert [disk.media_errors for disk in second.disks] == [disk.media_errors for disk in first.disks]
    assert [volume.state for volume in second.volumes] == [volume.state for volume in first.volumes]
    assert [volume.write_default for volume in second.volumes] == [volume.write_default for volume in first.volumes]
    assert [(c.model, c.roc, c.disks) for c in second.controllers] == [
        (c.model, c.roc, c.disks) for c in first.controllers
    ]


def test_twice_the_same_is_the_same() -> None:
    for parse, answers in ((megacli_module.parse, megacli(PAPER)), (storcli_module.parse, storcli(PAPER))):
        once = read(parse, answers)
        twice = merged([once, once])
        assert comparable(twice) == comparable(once)
        assert comparable(merged([parse(text.encode() * 2) for text in answers.values()]))[1] == comparable(once)[1]


TEXTS = [
    text.encode()
    for answers in (megacli(PAPER), storcli(PAPER), storcli2(PAPER), storcli_text(storcli(PAPER)))
    for text in answers.values()
]


@pytest.mark.parametrize("parse", [megacli_module.parse, storcli_module.parse, parse_any])
@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_damage_gives_readings(parse: Callable[[bytes], Readings], data: st.DataObject) -> None:
    """Cut, doubled, with bytes in the middle replaced, or another tool's."""
    text = data.draw(st.sampled_from(TEXTS))
    start, end = sorted((data.draw(st.integers(0, len(text))), data.draw(st.integers(0, len(text)))))
    middle = data.draw(st.binary(max_size=40))
    for damaged in (text[:start], text[start:end], text[:start] + middle + text[end:], text[end:] + text[:start]):
        assert isinstance(parse(damaged), Readings)


@pytest.mark.parametrize("parse", [megacli_module.parse, storcli_module.parse, parse_any, smart.parse])
@given(st.binary(max_size=300))
@settings(max_examples=100, deadline=None)
def test_any_bytes_give_readings(parse: Callable[[bytes], object], content: bytes) -> None:
    assert parse(content) is not None
    assert parse(b'{"Controllers": ' + content) is not None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["VD LIST", "PD LIST", "Status", "EID:Slt", "DG/VD", "VD Info", "Cachevault_Info",
                             "Drives List",
                             "Response Data", "Command Status", "TOPOLOGY", "Progress%", "FOREIGN PD LIST", "State", "",
                             "Drive /c0/e1/s2 - Detailed Information", "Drive /c0/e1/s2 State", "VD0 Properties"]),
            inner,
            max_size=5,
        ),
        max_leaves=25,
    )
)  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_any_document_gives_readings(content: object) -> None:
    for data in (content, {"Response Data": content}, {"Command Status": content}):
        assert isinstance(storcli_module.parse(json.dumps({"Controllers": [data]}).encode()), Readings)


@pytest.mark.parametrize(
    ("raw", "serial", "model"),
    [
        (" SEAGATE ST3300657SS     000B6SJ17KP5            ", "6SJ17KP5", "SEAGATE ST3300657SS"),
        (" ATA     ST31000528AS    CC38            9VP3PAN5", "9VP3PAN5", "ST31000528AS"),
        ("             9VP3PAN5ST31000528AS                            CC38    ", "9VP3PAN5", "ST31000528AS"),
        (f" {'S1ATNSAD123456A':>20}{'Samsung SSD 840 PRO Series':40}DXM05B0Q", "S1ATNSAD123456A",
         "Samsung SSD 840 PRO Series"),
        (" ATA ST31000528AS CC38 9VP3PAN5", "9VP3PAN5", "ATA ST31000528AS CC38 9VP3PAN5"),
        (" ", "", ""),
    ],
)  # fmt: skip
def test_inquiry_data(raw: str, serial: str, model: str) -> None:
    found = inquiry(raw)
    assert found[0] == serial
    assert len(raw.split()) < 2 or len(raw.rstrip()) < 40 or found[1] == model


@pytest.mark.parametrize(
    ("text", "number"),
    [("61C (141.80 F)", 61), (" 37 ", 37), ("-5", -5), ("N/A", None), ("", None), ("0C", 0), (True, None), (4.9, 4)],
)  # fmt: skip
def test_numbers(text: object, number: int | None) -> None:
    assert whole(text) == number


def test_words() -> None:
    assert [volume_state(word) for word in ("Optl", "Pdgd", "dgrd", "OfLn", "Partially  Degraded", "Odd")] == [
        "optimal", "partially degraded", "degraded", "offline", "partially degraded", "Odd",
    ]  # fmt: skip
    assert [disk_state(word) for word in ("Online", "Unconfigured(bad)", "CfShld", "Conf/Online", "odd")] == [
        "online", "bad", "shielded", "online", "",
    ]  # fmt: skip
    assert [disk_state("Conf", status) for status in ("Online", "Rebuild", "Failed", "Offline", "Missing", "Odd")] == [
        "online", "rebuild", "failed", "offline", "missing", "",
    ]  # fmt: skip
    assert storcli_policy("NRAWBC") == {"read": "none", "write": "awb", "io": "cached"}
    assert storcli_policy("RWTD") == {"read": "ahead", "write": "wt", "io": "direct"}
    assert storcli_policy("NR,WB") == {"read": "none", "write": "wb"}
    assert storcli_policy("") == {}
    assert megacli_policy("WriteBack, ReadAdaptive, Cached, Write Cache OK if Bad BBU") == {
        "write": "wb", "read": "adaptive", "io": "cached", "bad_bbu": "ok",
    }  # fmt: skip
    assert [disk_cache(word) for word in ("Disabled", "Enabled", "Disk's Default", "dflt", "x")] == [
        "off", "on", "default", "default", "",
    ]  # fmt: skip
    assert [operation(word) for word in ("Check Consistency", "BGI", "CC", "Background Init", "OCE", "Rebuild")] == [
        "consistency check", "background initialisation", "consistency check", "background initialisation",
        "reconstruction", "rebuild",
    ]  # fmt: skip


def test_a_battery_that_is_gone_is_told(  # the flag alone is no fault on a card that says it has none
) -> None:
    flags = {"Battery Pack Missing": "Yes"}
    readings = read(megacli_module.parse, megacli([PaperController(battery=PaperBattery(kind="BBU", flags=flags))]))
    assert readings.batteries[0].complaints == ("pack missing",)
