"""Which items of a kind the options choose (--bridge, --bond; --exclude): exact names and shell patterns."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def is_pattern(text: str) -> bool:
    """Whether it has wildcards."""
    return "*" in text or "?" in text or "[" in text


def chooses(wanted: Sequence[str], excluded: Sequence[str], name: str) -> bool:
    """Whether these choose the item of this name; nothing wanted by name: all but what is excluded."""
    return (not wanted or _is_one_of(name, wanted)) and not _is_one_of(name, excluded)


def _is_one_of(name: str, words: Sequence[str]) -> bool:
    if name in words:
        return True
    patterns = [word for word in words if is_pattern(word)]
    if not patterns:
        return False  # most often: no pattern is made for each name then
    from fnmatch import fnmatchcase

    return any(fnmatchcase(name, pattern) for pattern in patterns)


def named(wanted: Sequence[str]) -> list[str]:
    """Those that are asked for by name, which are missed when they are not there."""
    return [word for word in wanted if not is_pattern(word)]
