"""Stand-in of cmk.agent_based.v2 (Checkmk's plugin API reference, "Agent based API ver. 2")."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any

_stores: list[MutableMapping[str, Any]] = []


class State(Enum):
    OK = 0
    WARN = 1
    CRIT = 2
    UNKNOWN = 3

    @classmethod
    def worst(cls, *states: State) -> State:
        order = (cls.OK, cls.WARN, cls.UNKNOWN, cls.CRIT)
        return max(states, key=order.index)


class IgnoreResultsError(RuntimeError):
    """Makes a service stale."""


class GetRateError(IgnoreResultsError):
    """There is no rate yet."""


class Service:
    def __init__(
        self,
        *,
        item: str | None = None,
        parameters: Mapping[str, object] | None = None,
        labels: Sequence[object] | None = None,
    ) -> None:
        if item is not None and not (item and isinstance(item, str)):
            raise TypeError(f"item {item!r}")
        if parameters is not None and not isinstance(parameters, dict):
            raise TypeError(f"parameters {parameters!r}")
        self.item, self.parameters, self.labels = item, dict(parameters or {}), list(labels or [])


class Result:
    def __init__(
        self, *, state: State, summary: str | None = None, notice: str | None = None, details: str | None = None
    ) -> None:
        if not isinstance(state, State):
            raise TypeError(f"state {state!r}")
        if (summary is None) == (notice is None):
            raise TypeError("exactly one of summary and notice")
        for text in (summary, notice, details):
            if text is not None and not (text and isinstance(text, str)):
                raise ValueError(f"text {text!r}")
        if summary is not None and "\n" in summary:
            raise ValueError("a summary is one line")
        self.state = state
        self.summary = summary or (str(notice).replace("\n", ", ") if state is not State.OK else "")
        self.details = details or summary or str(notice)


class Metric:
    def __init__(
        self,
        name: str,
        value: float,
        *,
        levels: tuple[float | None, float | None] | None = None,
        boundaries: tuple[float | None, float | None] | None = None,
    ) -> None:
        if not name or set(name) & set(" :/\\='"):
            raise TypeError(f"name {name!r}")
        pairs = [(None, None) if pair is None else pair for pair in (levels, boundaries)]
        for pair in pairs:
            if not isinstance(pair, tuple) or len(pair) != 2:
                raise TypeError(f"pair {pair!r}")
        for number in (value, *pairs[0], *pairs[1]):
            if number is not None and not isinstance(number, (int, float)):
                raise TypeError(f"number {number!r}")
        if not isinstance(value, (int, float)):
            raise TypeError(f"value {value!r}")
        self.name, self.value, self.levels, self.boundaries = name, float(value), pairs[0], pairs[1]


@dataclass
class AgentSection:
    name: str
    parse_function: Callable[[list[list[str]]], Any]
    parsed_section_name: str | None = None


@dataclass
class CheckPlugin:
    name: str
    service_name: str
    discovery_function: Callable[..., Iterator[Service]]
    check_function: Callable[..., Iterator[Any]]
    sections: list[str] | None = None
    check_default_parameters: Mapping[str, object] | None = None
    check_ruleset_name: str | None = None


@contextmanager
def value_store(store: MutableMapping[str, Any]) -> Iterator[None]:
    """For the tests: what get_value_store() gives meanwhile."""
    _stores.append(store)
    try:
        yield
    finally:
        _stores.pop()


def get_value_store() -> MutableMapping[str, Any]:
    return _stores[-1]


def get_rate(
    value_store: MutableMapping[str, Any], key: str, time: float, value: float, *, raise_overflow: bool = False
) -> float:
    last = value_store.get(key)
    value_store[key] = (time, value)
    if not isinstance(last, (tuple, list)):
        raise GetRateError("the first value")
    if time <= last[0]:
        raise GetRateError("no time has passed")
    rate = (value - last[1]) / (time - last[0])
    if raise_overflow and rate < 0:
        raise GetRateError("negative")
    return float(rate)
