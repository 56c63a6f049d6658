"""Results of checks that are not run at every call of the agent: one file each, beside the history of the checks."""

from __future__ import annotations

import os

from perfdata.outcome import Outcome
from perfdata.record import Record

_SIZE_MAX = 8 << 20  # bytes


class Entry(Record):
    """A result that was kept."""

    outcome: Outcome
    at: float  # when it was made, seconds since the epoch


def _path(name: str) -> str:
    """Where the result of a check is kept. Raises StateUnavailable, OSError."""
    from checks.frame.state import state_directory, surroundings

    return os.path.join(state_directory(surroundings()), f"agent-{name}.json")


def load(name: str, options: str, interval: int, now: float) -> Entry | None:
    """The kept result of the same check with the same options, while it is younger than ``interval`` seconds."""
    import json

    from checks.frame.state import StateUnavailable
    from perfdata import as_json
    from perfdata.series import SeriesError, refuse_shared

    try:
        path = _path(name)
        refuse_shared(path)
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with open(descriptor, encoding="utf-8") as file:
            kept = json.loads(file.read(_SIZE_MAX))
        at = float(kept["at"])
        if kept["options"] != options or not at <= now < at + interval:
            return None
        return Entry(as_json.parse(kept["outcome"]), at)
    except (StateUnavailable, SeriesError, OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def save(name: str, options: str, outcome: Outcome, now: float) -> None:
    """Keep a result; where that is not possible the check is run at every call."""
    import contextlib
    import json

    from checks.frame.state import StateUnavailable
    from perfdata import as_json

    document = json.dumps({"at": now, "options": options, "outcome": as_json.as_document(outcome)})
    with contextlib.suppress(StateUnavailable, OSError):
        path = _path(name)
        temporary = f"{path}.{os.getpid()}"
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(document)
            os.replace(temporary, path)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
