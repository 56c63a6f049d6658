"""Where the recorded history of a check lies: looked for as the runs of the check do, without making anything."""

from __future__ import annotations

import os

from checks.frame.mountinfo import remote_mounts
from checks.frame.paths import UnsafePath, check_trusted
from checks.frame.state import Surroundings, candidates
from perfdata.record import Record

_ENDING = ".sqlite"


class NothingRecorded(Exception):
    """There is no history that may be read; the reason names the places."""


class Recording(Record):
    """One file of history."""

    path: str
    target: str  # what the check looked at beyond its host, as the file is called by it; "" for none


def directory(around: Surroundings, explicit: str | None) -> str:
    """The directory that a run of this user would keep its history in, where it exists. Raises NothingRecorded."""
    mounts = remote_mounts(around.mountinfo)
    reasons = []
    for path in [explicit] if explicit else candidates(around):
        try:
            check_trusted(path, mounts, around.uid)
            if not os.path.isdir(path):
                raise NotADirectoryError(20, "Not a directory")
            return path
        except UnsafePath as error:
            reasons.append(str(error))
        except FileNotFoundError:
            reasons.append(f"there is no {path}")
        except OSError as error:
            reasons.append(f"{path}: {error.strerror}")
    raise NothingRecorded(f"nothing recorded yet: {', '.join(reasons) or 'no home directory'}")


def recordings(place: str, check: str) -> list[Recording]:
    """The files of one check (checks/frame/history.py, file_name), by name. Raises NothingRecorded."""
    try:
        names = sorted(os.listdir(place))
    except OSError as error:
        raise NothingRecorded(f"cannot search {place}: {error.strerror}") from None
    found = []
    for name in names:
        rest = name.removeprefix(check)
        # "-" begins a target or a network namespace, "@" a captured tree; no check has either in its name
        if name.startswith(check) and rest.endswith(_ENDING) and rest[0] in "-@.":
            found.append(Recording(os.path.join(place, name), rest.removesuffix(_ENDING).lstrip("-")))
    if not found:
        raise NothingRecorded(f"{check} has recorded nothing yet in {place}")
    return found


def matching(found: list[Recording], targets: list[str]) -> list[Recording]:
    """Those whose target holds one of the texts; "mfsmaster:9421" finds a file called by mfsmaster-9421."""
    if not targets:
        return found
    wanted = [as_in_file_name(target) for target in targets]
    chosen = [recording for recording in found if any(text in recording.target for text in wanted)]
    if not chosen:
        there = ", ".join(recording.target or "the one without a target" for recording in found)
        raise NothingRecorded(f"no target holds {' or '.join(targets)}; there is {there}")
    return chosen


def as_in_file_name(target: str) -> str:
    """A target as files are called by it."""
    return "".join(c if c.isascii() and (c.isalnum() or c in ".-@") else "_" for c in target.replace(":", "-"))
