"""Stand-in of cmk.graphing.v1.perfometers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Closed:
    value: float


@dataclass(frozen=True)
class Open:
    value: float


@dataclass(frozen=True)
class FocusRange:
    lower: Closed | Open
    upper: Closed | Open


class Perfometer:
    def __init__(self, *, name: str, focus_range: FocusRange, segments: Sequence[str]) -> None:
        assert name
        assert segments
        self.name, self.focus_range, self.segments = name, focus_range, list(segments)
