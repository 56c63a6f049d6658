"""Which of the items that are here are looked at: those like the patterns of an option, and not like --exclude's."""

from __future__ import annotations

from checks.frame.options import Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_WILD = "*?["


def options(flag: str, what: str, group: str) -> list[Option]:
    """The option for patterns of what is wanted, and --exclude."""
    only = f"only {what} like this (repeatable; shell pattern; what has no wildcard has to be here)"
    return [
        Option((flag,), only, "PATTERN", repeat=True, group=group),
        Option(("--exclude",), f"no {what} like this (repeatable; shell pattern)", "PATTERN", repeat=True, group=group),
    ]


def matches(name: str, wanted: Sequence[str], unwanted: Sequence[str]) -> bool:
    """Whether shell patterns let a name pass; without any all do."""
    if not wanted and not unwanted:
        return True
    from fnmatch import fnmatchcase

    passes = not wanted or any(fnmatchcase(name, pattern) for pattern in wanted)
    return passes and not any(fnmatchcase(name, pattern) for pattern in unwanted)


def named(wanted: Sequence[str]) -> list[str]:
    """Those without a wildcard: names of what has to be here."""
    return [pattern for pattern in wanted if not any(sign in pattern for sign in _WILD)]


def none_left(what: str, option: str, wanted: Sequence[str], unwanted: Sequence[str]) -> str:
    """ "no bond here matches --bond"; "" when nothing was selected or left out."""
    options = [name for name, patterns in ((option, wanted), ("--exclude", unwanted)) if patterns]
    if options == [option]:
        return f"no {what} here matches {option}"
    return f"no {what} here is left by {' and '.join(options)}" if options else ""
