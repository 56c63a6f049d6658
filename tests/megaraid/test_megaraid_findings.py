"""Every fault that a controller can tell of, in the words of four tools: the same line, the same exit code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lab.paper_megacli import megacli
from lab.paper_raid import PaperBattery, PaperController, PaperDisk, PaperVolume
from lab.paper_storcli import storcli, storcli2
from lab.paper_storcli_text import storcli_text
from lab.replay_tool import capture
from support import Ran, check

Dialect = Callable[[list[PaperController]], dict[str, str]]


def refuses_json(controllers: list[PaperController]) -> dict[str, str]:
    """An old storcli: it answers in text, and to JSON with a syntax error."""
    answers = storcli(controllers)
    refusals = dict.fromkeys(answers, "syntax error, unexpected TOKEN_UNKNOWN\n")
    texts = {words.removesuffix(" nolog"): text for words, text in storcli_text(answers).items()}
    return {**refusals, **{f"{words} J": refusals[f"{words} nolog J"] for words in texts}, **texts}


DIALECTS: dict[str, Dialect] = {
    "MegaCli64": megacli,
    "storcli64": storcli,
    "perccli": refuses_json,
    "storcli2": storcli2,
}
every_dialect = pytest.mark.parametrize("tool", DIALECTS)
all_but_storcli2 = pytest.mark.parametrize("tool", ["MegaCli64", "storcli64", "perccli"])


def disks(*changed: PaperDisk, count: int = 4) -> list[PaperDisk]:
    """Four good disks, some of them changed."""
    by_slot = {disk.slot: disk for disk in changed}
    return [by_slot.get(slot) or PaperDisk(slot) for slot in range(max(count, *(d.slot + 1 for d in changed), 0))]


def run(place: Path, tool: str, *controllers: PaperController, options: tuple[str, ...] = ()) -> Ran:
    """The check on these controllers, asked with this tool."""
    root = capture(place / "host", tool, DIALECTS[tool](list(controllers)))
    done = check("megaraid", "--root", str(root), "--no-history", *options)
    assert done.stderr == b""
    return done


def one(**changes: Any) -> PaperController:
    """A controller with one thing changed."""
    return PaperController(**changes)


def line(ran: Ran) -> str:
    """Line 1 without the name of the tool."""
    text = ran.text.removeprefix("MEGARAID ")
    for tool in DIALECTS:
        text = text.replace(f" ({tool})", "")
    return text


@every_dialect
def test_all_is_well(tool: str, tmp_path: Path) -> None:
    done = run(tmp_path, tool, one())
    assert (done.code, done.text) == (0, f"MEGARAID OK - PERC H730P Mini: 1 volume, 4 disks ({tool})")
    errors = {f"c0_e252_s{slot}_media_errors_total": "0c;;;0" for slot in range(4)}
    heat = {f"c0_e252_s{slot}_disk_celsius": "34" for slot in range(4)}
    rest = {"c0_roc_celsius": "60", "c0_CacheVault_battery_celsius": "30"}
    assert done.perfdata == {"disks": "4;;;0", "virtual_drives": "1;;;0", "spares": "0;;;0", **heat, **rest, **errors}


FAULTS: dict[str, tuple[PaperController, int, str]] = {
    "degraded": (
        one(volumes=[PaperVolume(level="RAID1", state="Dgrd")]),
        2,
        "CRITICAL - c0 v0 RAID1 degraded, not rebuilding; 4 ok",
    ),
    "offline": (one(volumes=[PaperVolume(level="RAID0", state="OfLn")]), 2, "CRITICAL - c0 v0 RAID0 offline; 4 ok"),
    "failed": (
        one(disks=disks(PaperDisk(2, state="Failed", celsius=None))),
        2,
        "CRITICAL - c0 e252:s2 (Z1Z00002) failed; 3 ok",
    ),
    "offline disk": (
        one(disks=disks(PaperDisk(2, state="Offln"))),
        2,
        "CRITICAL - c0 e252:s2 (Z1Z00002) offline; 3 ok",
    ),
    "unconfigured bad": (
        one(disks=disks(PaperDisk(2, state="UBad", group=None))),
        2,
        "CRITICAL - c0 e252:s2 (Z1Z00002) unconfigured bad; 3 ok",
    ),
    "spares": (
        one(
            disks=disks(
                PaperDisk(4, state="GHS", group=None, down=True),
                PaperDisk(5, state="DHS", group=None),
                PaperDisk(6, state="UGood", group=None, down=True),
            )
        ),
        0,
        "OK - PERC H730P Mini: 1 volume, 7 disks, 2 spares",
    ),
    "jbod": (one(disks=disks(PaperDisk(4, state="JBOD", group=None))), 0, "OK - PERC H730P Mini: 1 volume, 5 disks"),
    "predicted": (
        one(disks=disks(PaperDisk(1, predictive=107))),
        1,
        "WARNING - c0 e252:s1 (Z1Z00001) about to fail: 107 predictive failures; 3 ok",
    ),
    "foreign": (one(foreign=2), 1, "WARNING - c0 foreign configuration (2); 4 ok"),
    "foreign disk": (
        one(disks=disks(PaperDisk(3, state="UGood", group=None, foreign=True))),
        1,
        "WARNING - c0 foreign configuration (1); 4 ok",
    ),
    "write-through": (
        one(volumes=[PaperVolume(cache="RWTD")]),
        1,
        "WARNING - c0 v0 RAID6 write-back fell to write-through; 4 ok",
    ),
    "no cache": (
        one(volumes=[PaperVolume(cache="NRWTD", default="WriteThrough")], battery=None, cache_mb=0),
        0,
        "OK - PERC H730P Mini: 1 volume, 4 disks",
    ),
    "hot chip": (one(roc=110), 1, "WARNING - c0 chip at 110 C; 4 ok"),
    "too hot chip": (one(roc=116), 2, "CRITICAL - c0 chip at 116 C; 4 ok"),
    "hot disk": (one(disks=disks(PaperDisk(0, celsius=61))), 1, "WARNING - c0 e252:s0 (Z1Z00000) 61 C; 3 ok"),
    "too hot disk": (one(disks=disks(PaperDisk(0, celsius=66))), 2, "CRITICAL - c0 e252:s0 (Z1Z00000) 66 C; 3 ok"),
    "warm flash": (
        one(disks=disks(PaperDisk(0, celsius=66, solid=True))),
        0,
        "OK - PERC H730P Mini: 1 volume, 4 disks",
    ),
    "memory": (one(uncorrectable=3), 2, "CRITICAL - c0 3 uncorrectable memory errors; 4 ok"),
    "errors that count themselves": (
        one(disks=disks(PaperDisk(0, other=556475), PaperDisk(1, other=16548))),
        0,
        "OK - PERC H730P Mini: 1 volume, 4 disks",
    ),
    "preserved": (one(preserved=True), 2, "CRITICAL - c0 keeps unwritten data of a lost virtual drive; 4 ok"),
    "without an enclosure": (
        one(disks=[PaperDisk(slot, enclosure=None) for slot in range(2)]),
        0,
        "OK - PERC H730P Mini: 1 volume, 2 disks",
    ),
    "gaps in numbers": (
        one(volumes=[PaperVolume(number=0), PaperVolume(number=5, group=0)]),
        0,
        "OK - PERC H730P Mini: 2 volumes, 4 disks",
    ),
    "nothing configured": (one(volumes=[]), 0, "OK - PERC H730P Mini: 0 volumes, 4 disks"),
}
WITHOUT_ENCLOSURES = ("storcli2",)  # their drives always have one


@every_dialect
@pytest.mark.parametrize("fault", FAULTS)
def test_faults(tool: str, fault: str, tmp_path: Path) -> None:
    controller, code, words = FAULTS[fault]
    if fault == "without an enclosure" and tool in WITHOUT_ENCLOSURES:
        tool = "storcli64"
    done = run(tmp_path, tool, controller)
    assert (line(done), done.code) == (words, code)


@all_but_storcli2
@pytest.mark.parametrize(
    ("controller", "code", "words"),
    [
        (one(missing=((0, 1),)), 2, "row 1; 4 ok"),
        (one(disks=disks(PaperDisk(1, alert=True))), 1, "(Z1Z00001) about to fail: SMART alert; 3 ok"),
        (
            one(battery=PaperBattery(state="Failed", kind="BBU")),
            1,
            "WARNING - c0 BBU failed; 4 ok",
        ),
        (
            one(battery=PaperBattery(flags={"Battery Replacement required": "Yes"})),
            1,
            "WARNING - c0 CacheVault replacement required; 4 ok",
        ),
        (
            one(
                battery=PaperBattery(state="Failed", kind="BBU"),
                volumes=[PaperVolume(bad_bbu_ok=True)],
            ),
            1,
            "WARNING - c0 BBU failed; c0 v0 RAID6 caches writes without a working battery; 4 ok",
        ),
        (one(volumes=[PaperVolume(bad_bbu_ok=True)]), 0, "1 volume, 4 disks"),
        (
            one(battery=PaperBattery(kind="BBU", flags={"Learn Cycle Active": "Yes", "Remaining Capacity Low": "Yes"})),
            0,
            "1 volume, 4 disks",
        ),
        (
            one(
                battery=PaperBattery(kind="BBU", flags={"Learn Cycle Active": "Yes"}),
                volumes=[PaperVolume(cache="RWTD")],
            ),
            0,
            "1 volume, 4 disks",
        ),
    ],
)
def test_what_storcli2_tells_otherwise(
    tool: str, controller: PaperController, code: int, words: str, tmp_path: Path
) -> None:
    done = run(tmp_path, tool, controller)
    assert line(done).endswith(words)
    assert done.code == code


def test_the_energy_pack_of_storcli2(tmp_path: Path) -> None:
    done = run(tmp_path, "storcli2", one(battery=PaperBattery(state="Critical")))
    assert (line(done), done.code) == ("WARNING - c0 CacheVault critical; 4 ok", 1)


def test_an_old_battery_says_nothing_and_is_fine(tmp_path: Path) -> None:
    done = run(tmp_path, "MegaCli64", one(battery=PaperBattery(kind="BBU", state="")))
    assert (line(done), done.code) == ("OK - PERC H730P Mini: 1 volume, 4 disks", 0)


@pytest.mark.parametrize("tool", ["MegaCli64", "storcli64"])
def test_a_drive_that_is_a_cache_has_no_state(tool: str, tmp_path: Path) -> None:
    """The controller counts it, and its state column is empty or odd."""
    answers = DIALECTS[tool]([one(volumes=[PaperVolume(), PaperVolume(number=1)])])
    for words, text in answers.items():
        cached = text.replace("Virtual Drive: 1 (Target Id: 1)", "CacheCade Virtual Drive: 1 (Target Id: 1)")
        head, place, tail = cached.partition('"DG/VD": "0/1"')
        answers[words] = head + place + tail.replace('"RAID6"', '"Cac0"', 1).replace('"Optl"', '"-"', 1)
    root = capture(tmp_path / "host", tool, answers)
    done = check("megaraid", "--root", str(root), "--no-history")
    assert (line(done), done.code) == ("OK - PERC H730P Mini: 1 volume, 4 disks", 0)


def test_pinned_cache(tmp_path: Path) -> None:
    done = run(tmp_path, "MegaCli64", one(pinned=(2,), preserved=True))
    assert (line(done), done.code) == ("CRITICAL - c0 v2 lost, with unwritten data in the cache; 4 ok", 2)


@pytest.mark.parametrize(
    ("tool", "told"), [("MegaCli64", "2.6-2.8 h"), ("storcli64", "1.8-4.1 h"), ("perccli", "1.8-4.1 h")]
)
@pytest.mark.parametrize(
    ("level", "state", "options", "code", "words"),
    [
        ("RAID6", "Pdgd", (), 1, "WARNING - c0 v0 RAID6 partially degraded, rebuild 37 %, done in {}; 4 ok"),
        ("RAID6", "Dgrd", (), 1, "WARNING - c0 v0 RAID6 degraded, rebuild 37 %, done in {}; 4 ok"),
        ("RAID5", "Dgrd", (), 2, "CRITICAL - c0 v0 RAID5 degraded, rebuild 37 %, no redundancy left, done in {}; 4 ok"),
        ("RAID1", "Dgrd", ("--rebuilding", "warning"), 1,
         "WARNING - c0 v0 RAID1 degraded, rebuild 37 %, done in {}; 4 ok"),
        ("RAID1", "Dgrd", ("--rebuilding", "critical"), 2,
         "CRITICAL - c0 v0 RAID1 degraded, rebuild 37 %, no redundancy left, done in {}; 4 ok"),
        ("RAID6", "Optl", (), 1, "WARNING - c0 e252:s3 (Z1Z00003) rebuild 37 %, done in {}; 3 ok"),
    ],
)  # fmt: skip
def test_rebuilds(
    tool: str, told: str, level: str, state: str, options: tuple[str, ...], code: int, words: str, tmp_path: Path
) -> None:
    """Degraded and rebuilding with redundancy left is a warning; without it, or not rebuilding, it is critical."""
    rebuilding = PaperDisk(3, state="Rbld", progress=(37, 97), left="2 Hours 45 Minutes")
    controller = one(disks=disks(rebuilding), volumes=[PaperVolume(level=level, state=state)])
    done = run(tmp_path, tool, controller, options=options)
    assert (line(done), done.code) == (words.format(told), code)


def test_a_second_lost_disk_takes_the_redundancy_of_raid6(tmp_path: Path) -> None:
    lost = [PaperDisk(2, state="Offln"), PaperDisk(3, state="Rbld", progress=(37, 97))]
    done = run(tmp_path, "storcli64", one(disks=disks(*lost), volumes=[PaperVolume(state="Dgrd")]))
    assert line(done) == (
        "CRITICAL - c0 v0 RAID6 degraded, rebuild 37 %, no redundancy left; c0 e252:s2 (Z1Z00002) offline; 3 ok"
    )


@pytest.mark.parametrize(("tool", "told"), [("MegaCli64", "58-60 min"), ("storcli64", "40-90 min")])
def test_copyback(tool: str, told: str, tmp_path: Path) -> None:
    disk = PaperDisk(4, state="Cpybck", progress=(50, 60), left="1 Hours")
    done = run(tmp_path, tool, one(disks=disks(disk)))
    assert line(done) == f"WARNING - c0 e252:s4 (Z1Z00004) copyback 50 %, done in {told}; 4 ok"
    assert done.perfdata["c0_e252_s4_until_done_seconds"] == "3600s"
    assert done.code == 1


def test_no_forecast_at_nothing(tmp_path: Path) -> None:
    disk = PaperDisk(3, state="Rbld", progress=(0, 30))
    done = run(tmp_path, "MegaCli64", one(disks=disks(disk), volumes=[PaperVolume(state="Pdgd")]))
    assert line(done) == "WARNING - c0 v0 RAID6 partially degraded, rebuild 0 %; 4 ok"
    assert not [label for label in done.perfdata if "until" in label]


@pytest.mark.parametrize(
    ("operation", "level", "options", "code", "words"),
    [
        (("Check Consistency", 4, 616), "RAID5", (), 0, "; c0 v0 RAID5 consistency check 4 %, done in 8-10 d"),
        (("Background Initialization", 0, 36), "RAID5", (), 0,
         "; c0 v0 RAID5 background initialisation 0 % (parity is not valid yet)"),
        (("Background Initialization", 50, 60), "RAID1", (), 0,
         "; c0 v0 RAID1 background initialisation 50 %, done in 58-60 min"),
        (("Initialization", 10, 10), "RAID6", (), 0, "; c0 v0 RAID6 initialisation 10 %, done in 81-90 min"),
        (("Reconstruction", 0, 26), "RAID5", (), 0, "; c0 v0 RAID5 reconstruction 0 %"),
        (("Reconstruction", 0, 26), "RAID5", ("--reconstruction", "warning"), 1,
         "WARNING - c0 v0 RAID5 reconstruction 0 %; 4 ok"),
    ],
)  # fmt: skip
def test_operations(
    operation: tuple[str, int, int], level: str, options: tuple[str, ...], code: int, words: str, tmp_path: Path
) -> None:
    done = run(tmp_path, "MegaCli64", one(volumes=[PaperVolume(level=level, operation=operation)]), options=options)
    assert line(done) == (f"OK - PERC H730P Mini: 1 volume, 4 disks{words}" if code == 0 else words)
    assert done.code == code


def test_storcli_names_operations_without_a_time(tmp_path: Path) -> None:
    done = run(tmp_path, "storcli64", one(volumes=[PaperVolume(operation=("Consistency Check", 36, 0))]))
    assert line(done) == "OK - PERC H730P Mini: 1 volume, 4 disks; c0 v0 RAID6 consistency check 36 %"


@pytest.mark.parametrize(
    ("option", "code", "words"),
    [
        (("--learn-cycle", "ok"), 0, "OK - PERC H730P Mini: 1 volume, 4 disks"),
        (("--learn-cycle", "warning"), 1, "WARNING - c0 BBU learn cycle; 4 ok"),
        (("--learn-cycle", "critical"), 2, "CRITICAL - c0 BBU learn cycle; 4 ok"),
    ],
)
def test_learn_cycles(option: tuple[str, str], code: int, words: str, tmp_path: Path) -> None:
    """A battery that is being charged for a requested cycle is in it too, whatever it says of its state."""
    flags = {"Learn Cycle Requested": "Yes", "Charging Status": "Charging"}
    battery = PaperBattery(kind="BBU", state="Non Operational", flags=flags)
    done = run(tmp_path, "MegaCli64", one(battery=battery), options=option)
    assert (line(done), done.code) == (words, code)


@pytest.mark.parametrize(("option", "code"), [("warning", 1), ("critical", 2)])
def test_predicted(option: str, code: int, tmp_path: Path) -> None:
    done = run(tmp_path, "storcli64", one(disks=disks(PaperDisk(1, alert=True))), options=("--predicted", option))
    assert done.code == code


@pytest.mark.parametrize(
    ("policy", "volume", "words"),
    [
        ("disk-cache=off,read=ahead", PaperVolume(), ""),
        ("disk-cache=off", PaperVolume(disk_cache="Enabled"), "disk-cache is on, not off"),
        ("disk-cache=default", PaperVolume(disk_cache="Enabled"), "disk-cache is on, not default"),
        ("read=ahead", PaperVolume(cache="NRWBD"), "read is none, not ahead"),
        ("io=direct", PaperVolume(cache="RWBC"), "io is cached, not direct"),
        ("write=wb", PaperVolume(cache="RWTD", default="WriteThrough"), "write is wt, not wb"),
    ],
)
@all_but_storcli2
def test_expected_policies(tool: str, policy: str, volume: PaperVolume, words: str, tmp_path: Path) -> None:
    done = run(tmp_path, tool, one(volumes=[volume]), options=("--expect-policy", policy))
    assert line(done) == (
        f"WARNING - c0 v0 RAID6 {words}; 4 ok" if words else "OK - PERC H730P Mini: 1 volume, 4 disks"
    )


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("-c", "12:12"), 2, "CRITICAL - PERC H730P Mini: 1 volume, 4 disks; 4 ok"),
        (("-c", "4:4"), 0, "OK - PERC H730P Mini: 1 volume, 4 disks"),
        (("--spares-warning", "1:"), 1, "WARNING - PERC H730P Mini: 1 volume, 4 disks; 4 ok"),
        (("--virtual-drives-critical", "2:2"), 2, "CRITICAL - PERC H730P Mini: 1 volume, 4 disks; 4 ok"),
        (("--disk-celsius-warning", "30"), 1,
         "WARNING - " + "; ".join(f"c0 e252:s{slot} (Z1Z0000{slot}) 34 C" for slot in range(4))),
        (("--roc-celsius-critical", "50"), 2, "CRITICAL - c0 chip at 60 C; 4 ok"),
    ],
)  # fmt: skip
def test_thresholds(options: tuple[str, ...], code: int, words: str, tmp_path: Path) -> None:
    done = run(tmp_path, "storcli64", one(), options=options)
    assert (line(done), done.code) == (words, code)


def test_own_thresholds_take_the_place_of_the_defaults(tmp_path: Path) -> None:
    hot = one(roc=116, disks=disks(PaperDisk(0, celsius=70)))
    done = run(tmp_path, "storcli64", hot, options=("--roc-celsius-warning", "120", "--disk-celsius-warning", "80"))
    assert done.code == 0


@every_dialect
def test_two_controllers_in_one_output(tool: str, tmp_path: Path) -> None:
    second = PaperController(
        number=1,
        model="PERC H810",
        serial="XYZ",
        pci="00:03:00:00",
        battery=None,
        disks=[PaperDisk(0, serial="ABC0"), PaperDisk(1, serial="ABC1", state="Failed")],
        volumes=[PaperVolume(level="RAID1", state="Dgrd")],
    )
    done = run(tmp_path, tool, one(), second)
    assert line(done) == "CRITICAL - c1 v0 RAID1 degraded, not rebuilding; c1 e252:s1 (ABC1) failed; 5 ok"
    assert done.perfdata["disks"] == "5;;;0"
    first_only = check("megaraid", "--root", str(tmp_path / "host"), "--no-history", "--controller", "0")
    assert line(first_only) == "OK - PERC H730P Mini: 1 volume, 4 disks"


@every_dialect
@pytest.mark.parametrize("change", ["crlf", "no_utf8"])
def test_line_ends_and_bytes_that_are_no_text(tool: str, change: str, tmp_path: Path) -> None:
    sick = one(disks=disks(PaperDisk(2, state="Failed", celsius=None)))
    root = capture(tmp_path / "host", tool, DIALECTS[tool]([sick]))
    for file in (root / "commands" / tool).iterdir():
        content = file.read_bytes()
        content = content.replace(b"\n", b"\r\n") if change == "crlf" else content.replace(b"0001", b"\xff\xfe01")
        file.write_bytes(content)
    done = check("megaraid", "--root", str(root), "--no-history")
    assert done.code == 2
    assert line(done).startswith("CRITICAL - c0 e252:s2 (Z1Z00002) failed")


@every_dialect
def test_a_disk_that_is_not_listed_is_missed(tool: str, tmp_path: Path) -> None:
    """The controller counts four disks, and its list is cut before the last."""
    if tool == "MegaCli64":
        answers = megacli([one()])
        words = "-PDList -aALL -NoLog"
        answers[words] = answers[words].split("Slot Number: 3")[0].rsplit("Enclosure Device ID", 1)[0]
        text = "c0 lists 3 of its 4 disks; 3 ok"
    else:
        answers = DIALECTS[tool]([one()])
        answers = {
            words: text.replace('"252:3"', '"x:3"').replace("252:3 ", "x:3   ") for words, text in answers.items()
        }
        text = "c0 a drive cannot be read: x:3; 4 ok"  # its details have its place in their names
        if tool == "storcli2":
            text = "c0 lists 3 of its 4 disks, a drive cannot be read: x:3; 3 ok"
    root = capture(tmp_path / "host", tool, answers)
    done = check("megaraid", "--root", str(root), "--no-history")
    assert done.code == 3
    assert line(done) == f"UNKNOWN - {text}"


def test_every_fact_has_its_words() -> None:
    """A code without a row in the table would be an error on the day it is needed."""
    from checks.frame.plugin import COMMON_FACTS
    from checks.megaraid import assess_controllers, assess_disks, assess_operations, assess_smart, assess_volumes
    from checks.megaraid.tables import FACTS

    names = ("VD_", "DISK_", "BATTERY_", "LEARNING_", "CONTROLLER_", "ECC_", "ROC_")
    modules = (assess_controllers, assess_disks, assess_operations, assess_volumes)
    constants = [(name, value) for module in modules for name, value in vars(module).items()]
    codes = {value for name, value in constants if name.startswith(names) and isinstance(value, str)}
    codes |= {
        value
        for name, value in vars(assess_smart).items()
        if name.isupper() and isinstance(value, str) and not name.startswith("_")
    }
    assert len(codes) > 30
    assert codes - {*FACTS, *COMMON_FACTS} == set()
