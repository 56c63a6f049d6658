"""Which of the items that are here are looked at: those like the patterns of an option, and not like --exclude's."""

from __future__ import annotations

from checks.frame.options import Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def options(flag: str, what: str, group: str) -> list[Option]:
    """The option for patterns of what is wanted, and --exclude."""
    only = f"only {what} like this (repeatable; shell pattern; what has no wildcard has to be here)"
    return [
        Option((flag,), only, "PATTERN", repeat=True, group=group),
        Option(("--exclude",), f"no {what} like this (repeatable; shell pattern)", "PATTERN", repeat=True, group=group),
    ]


def is_pattern(text: str) -> bool:
    """Whether it has wildcards."""
    return "*" in text or "?" in text or "[" in text


def matches(name: str, wanted: Sequence[str], unwanted: Sequence[str]) -> bool:
    """Whether names and shell patterns let a name pass; without any all do."""
    return (not wanted or _is_one_of(name, wanted)) and not _is_one_of(name, unwanted)


def _is_one_of(name: str, words: Sequence[str]) -> bool:
    if name in words:
        return True
    patterns = [word for word in words if is_pattern(word)]
    if not patterns:
        return False  # most often: no pattern is made for each name then
    from fnmatch import fnmatchcase

    return any(fnmatchcase(name, pattern) for pattern in patterns)


def named(wanted: Sequence[str]) -> list[str]:
    """Those without a wildcard: names of what has to be here."""
    return [word for word in wanted if not is_pattern(word)]


def none_left(what: str, option: str, wanted: Sequence[str], unwanted: Sequence[str]) -> str:
    """ "no bond here matches --bond"; "" when nothing was selected or left out."""
    options = [name for name, patterns in ((option, wanted), ("--exclude", unwanted)) if patterns]
    if options == [option]:
        return f"no {what} here matches {option}"
    return f"no {what} here is left by {' and '.join(options)}" if options else ""
