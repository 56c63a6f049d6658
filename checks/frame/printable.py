"""The one place where text from outside (names, paths, tool output) is made fit for a status line."""

from __future__ import annotations

NAME_MAX = 64

# A pipe starts performance data wherever it stands; quotes and backticks are what web interfaces and shells trip over.
_SUBSTITUTES = str.maketrans({"|": "/", "`": "'", "$": "?", "<": "(", ">": ")", "\\": "/"})


def printable(text: str | bytes, limit: int = NAME_MAX) -> str:
    """``text`` as one line of printable ASCII of at most ``limit`` characters; what is not printable becomes "?"."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    flat = " ".join(text.translate(_SUBSTITUTES).split())
    return one_line(flat, limit)


def one_line(text: str, limit: int) -> str:
    """Our own text, which may hold a command line: one line of at most ``limit`` characters, without a pipe."""
    safe = text
    if not (text.isascii() and text.isprintable()) or "|" in text:
        safe = "".join(c if " " <= c <= "~" and c != "|" else "?" for c in text)
    return safe if len(safe) <= limit else safe[: limit - 3] + "..."


def printable_names(names: list[str]) -> dict[str, str]:
    """Name -> what it is called here: printable, and no two alike."""
    called: dict[str, str] = {}
    for name in sorted(names):
        base = candidate = printable(name)
        number = 2
        while candidate in called.values():
            candidate = f"{base}#{number}"
            number += 1
        called[name] = candidate
    return called
