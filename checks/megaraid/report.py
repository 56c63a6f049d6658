"""A report of smartctl's, of which any part may be missing or of another kind than it should be."""

from __future__ import annotations

from checks.megaraid.readings import whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Report:
    """Reading from nested objects of which any may be missing or of another kind."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content

    def at(self, *path: str) -> Any:
        """What stands at a path, else None."""
        here: Any = self.content
        for name in path:
            here = here.get(name) if isinstance(here, dict) else None
        return here

    def number(self, *path: str) -> int | None:
        """A whole number at a path."""
        found = self.at(*path)
        return whole(found) if isinstance(found, (int, float, str)) else None

    def text(self, *path: str) -> str:
        """A text at a path."""
        found = self.at(*path)
        return " ".join(found.split()) if isinstance(found, str) else ""

    def rows(self, *path: str) -> list[dict[str, Any]]:
        """A list of objects at a path."""
        found = self.at(*path)
        return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
