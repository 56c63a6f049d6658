"""Words of the tools for states and policies, all versions and spellings, as those of readings.py."""

from __future__ import annotations

from checks.megaraid.readings import (
    BACKGROUND,
    BAD,
    CHECK,
    COPYBACK,
    DEGRADED,
    ERASING,
    FAILED,
    GOOD,
    INITIALISE,
    JBOD,
    MISSING,
    OFFLINE,
    ONLINE,
    OPTIMAL,
    PARTIAL,
    REBUILD,
    RECONSTRUCT,
    RECOVERY,
    SHIELDED,
    SPARE,
    UNSUPPORTED,
)

_VOLUMES = {
    "optl": OPTIMAL,
    "optimal": OPTIMAL,
    "pdgd": PARTIAL,
    "partially degraded": PARTIAL,
    "partial degraded": PARTIAL,
    "dgrd": DEGRADED,
    "degraded": DEGRADED,
    "ofln": OFFLINE,
    "offln": OFFLINE,
    "offline": OFFLINE,
    "failed": OFFLINE,
    "rec": RECOVERY,
    "recovery": RECOVERY,
}
VOLUME_STATES = frozenset(_VOLUMES.values())
# storcli's words, and MegaCli's "Firmware state" without what stands behind a comma
_DISKS = {
    "onln": ONLINE,
    "online": ONLINE,
    "ugood": GOOD,
    "unconfigured(good)": GOOD,
    "unconfigured good": GOOD,
    "ubad": BAD,
    "unconfigured(bad)": BAD,
    "unconfigured bad": BAD,
    "ghs": SPARE,
    "dhs": SPARE,
    "hotspare": SPARE,
    "hot spare": SPARE,
    "global hot spare": SPARE,
    "global hotspare": SPARE,
    "dedicated hot spare": SPARE,
    "dedicated hotspare": SPARE,
    "offln": OFFLINE,
    "offline": OFFLINE,
    "failed": FAILED,
    "rbld": REBUILD,
    "rebuild": REBUILD,
    "rebuilding": REBUILD,
    "cpybck": COPYBACK,
    "copyback": COPYBACK,
    "copy back": COPYBACK,
    "jbod": JBOD,
    "msng": MISSING,
    "missing": MISSING,
    "ugshld": SHIELDED,
    "hspshld": SHIELDED,
    "cfshld": SHIELDED,
    "cbshld": SHIELDED,
    "ugunsp": UNSUPPORTED,
    "ubunsp": BAD,
    "sntze": ERASING,
    # storcli2 and perccli2: "State" says what a drive is for, "Status" how it is
    "conf/online": ONLINE,
    "uconf/good": GOOD,
    "uconf/bad": BAD,
    "uconf/unusbl": BAD,
    "ghs/good": SPARE,
    "dhs/good": SPARE,
    "jbod/online": JBOD,
    "jbod/good": JBOD,
}
_SECOND_WORDS = {  # of storcli2's State/Status, where the pair is not listed
    "online": ONLINE,
    "good": GOOD,
    "bad": BAD,
    "unusable": BAD,
    "unusbl": BAD,
    "failed": FAILED,
    "replace": FAILED,
    "offline": OFFLINE,
    "offln": OFFLINE,
    "missing": MISSING,
    "msng": MISSING,
    "rebuild": REBUILD,
    "rbld": REBUILD,
    "copyback": COPYBACK,
    "cpybck": COPYBACK,
}
_ENDS = {"shld": SHIELDED, "sntz": ERASING, "dgrd": DEGRADED, "unsp": UNSUPPORTED}  # of storcli2's State
# flags of a battery's firmware that are bad news when they are set, and what to call them
COMPLAINTS = {
    "battery pack missing": "pack missing",
    "battery replacement required": "replacement required",
    "replacement required": "replacement required",
    "remaining capacity low": "capacity low",
    "learn cycle timeout": "learn cycle timed out",
    "i2c errors detected": "I2C errors",
    "no space to cache offload": "no space to offload the cache",
    "pack is about to fail & should be replaced": "about to fail",
    "over temperature": "over temperature",
    "over charged": "over charged",
}
_WRITE = {
    "writeback": "wb",
    "wb": "wb",
    "writethrough": "wt",
    "wt": "wt",
    "alwayswriteback": "awb",
    "always writeback": "awb",
    "always write back": "awb",
    "force write back": "awb",
    "forcewriteback": "awb",
    "awb": "awb",
    "fwb": "awb",
    "write back": "wb",
    "write through": "wt",
}
_READ = {
    "readahead": "ahead",
    "ra": "ahead",
    "r": "ahead",
    "read ahead": "ahead",
    "readaheadnone": "none",
    "nr": "none",
    "nora": "none",
    "no read ahead": "none",
    "noreadahead": "none",
    "readadaptive": "adaptive",
    "adaptivereadahead": "adaptive",
    "adra": "adaptive",
}
_IO = {"direct": "direct", "directio": "direct", "d": "direct", "cached": "cached", "cachedio": "cached", "c": "cached"}
_OPERATIONS = (
    ("background init", BACKGROUND),
    ("bgi", BACKGROUND),
    ("consistency", CHECK),
    ("cc", CHECK),
    ("recon", RECONSTRUCT),
    ("migrat", RECONSTRUCT),
    ("transform", RECONSTRUCT),
    ("expan", RECONSTRUCT),
    ("oce", RECONSTRUCT),
    ("rebuild", REBUILD),
    ("copyback", COPYBACK),
    ("copy back", COPYBACK),
    ("init", INITIALISE),
)


def volume_state(word: str) -> str:
    """The state of a virtual drive; a word that is not known comes back as it is."""
    return _VOLUMES.get(" ".join(word.lower().split()), word)


def disk_state(word: str, status: str = "") -> str:
    """The state of a disk, "" for a word that is not known. ``status``: the second word that storcli2 uses."""
    first = " ".join(word.lower().strip("-").split())
    if status:
        second = status.lower().strip()
        return _DISKS.get(f"{first}/{second}") or _second_state(first, _SECOND_WORDS.get(second, ""))
    if "/" in first and first not in _DISKS:
        return disk_state(*first.split("/", 1))
    return _DISKS.get(first, "")


def _second_state(first: str, state: str) -> str:
    """Of storcli2's "ConfShld", "JBODDgrd" and the like, which say more than "Online" or "Good" behind them."""
    if state in ("", ONLINE, GOOD):
        for end, meaning in _ENDS.items():
            if first.endswith(end):
                return meaning
    return state


def operation(name: str) -> str:
    """The kind of an operation; a name that is not known comes back in lower case."""
    lower = " ".join(name.lower().split())
    for part, kind in _OPERATIONS:
        if lower.startswith(part) or (len(part) > 4 and part in lower):
            return kind
    return lower


def megacli_policy(text: str) -> dict[str, str]:
    """Of "WriteBack, ReadAhead, Direct, No Write Cache if Bad BBU": write, read, io, and bad_bbu "ok" or "no"."""
    found: dict[str, str] = {}
    for part in text.split(","):
        word = " ".join(part.lower().split())
        for name, known in (("write", _WRITE), ("read", _READ), ("io", _IO)):
            if word in known:
                found[name] = known[word]
        if word.endswith("if bad bbu"):
            found["bad_bbu"] = "no" if word.startswith("no ") else "ok"
    return found


def storcli_policy(text: str) -> dict[str, str]:
    """Of storcli's "NRWBD", "RAWBC", and storcli2's "NR,WB"."""
    found: dict[str, str] = {}
    if "," in text:
        return megacli_policy(text)
    if text.strip().startswith("Ra"):  # the adaptive one of old versions; "RAWB" is R and AWB
        found["read"], text = "adaptive", text.strip()[2:]
    rest = text.strip().upper()
    for read in ("NR", "R"):
        if rest.startswith(read):
            found["read"], rest = _READ[read.lower()], rest[len(read) :]
            break
    for write in ("AWB", "FWB", "WB", "WT"):
        if rest.startswith(write):
            found["write"], rest = _WRITE[write.lower()], rest[len(write) :]
            break
    if rest in ("D", "C"):
        found["io"] = _IO[rest.lower()]
    return found


def write_policy(text: str) -> str:
    """Of one policy alone: "WriteBack" is "wb"; "" when it is not known."""
    return _WRITE.get(" ".join(text.lower().split()), "")


def disk_cache(text: str) -> str:
    """ "Disabled", "Disk's Default", "dsbl": "off", "on", "default"; "" when it is not known."""
    lower = text.lower().strip()
    for part, meaning in (("dis", "off"), ("dsbl", "off"), ("en", "on"), ("def", "default"), ("dflt", "default")):
        if lower.startswith("disk"):
            return "default" if "default" in lower else ""
        if lower.startswith(part):
            return meaning
    return ""
