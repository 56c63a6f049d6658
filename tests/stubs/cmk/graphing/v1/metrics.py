"""Stand-in of cmk.graphing.v1.metrics."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from . import Title


class Color(Enum):
    RED = auto()
    ORANGE = auto()
    DARK_ORANGE = auto()
    GREEN = auto()
    DARK_GREEN = auto()
    BLUE = auto()
    DARK_BLUE = auto()
    CYAN = auto()
    PURPLE = auto()
    DARK_PURPLE = auto()
    PINK = auto()
    BROWN = auto()


@dataclass(frozen=True)
class DecimalNotation:
    symbol: str


@dataclass(frozen=True)
class IECNotation:
    symbol: str


@dataclass(frozen=True)
class SINotation:
    symbol: str


@dataclass(frozen=True)
class TimeNotation:
    pass


@dataclass(frozen=True)
class Unit:
    notation: DecimalNotation | IECNotation | SINotation | TimeNotation


class Metric:
    def __init__(self, *, name: str, title: Title, unit: Unit, color: Color) -> None:
        if not name:
            raise ValueError(name)
        self.name, self.title, self.unit, self.color = name, title, unit, color
