"""Stand-in of cmk.graphing.v1.graphs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from . import Title


@dataclass(frozen=True)
class MinimalRange:
    lower: float
    upper: float


class Graph:
    def __init__(
        self,
        *,
        name: str,
        title: Title,
        minimal_range: MinimalRange | None = None,
        compound_lines: Sequence[str] = (),
        simple_lines: Sequence[str] = (),
        optional: Sequence[str] = (),
        conflicting: Sequence[str] = (),
    ) -> None:
        assert name
        assert compound_lines or simple_lines
        assert all((*compound_lines, *simple_lines, *optional, *conflicting))
        self.name, self.title, self.minimal_range = name, title, minimal_range
        self.lines, self.optional = [*compound_lines, *simple_lines], list(optional)
