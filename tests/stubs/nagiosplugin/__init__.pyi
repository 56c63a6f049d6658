"""Types of the part of nagiosplugin that checks/frame/judging.py imports; the package ships none."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

class ServiceState(NamedTuple):
    code: int
    text: str
    def __int__(self) -> int: ...

Ok: ServiceState
Warn: ServiceState
Critical: ServiceState
Unknown: ServiceState

class Range(tuple[bool, float, float]):
    def __new__(cls, spec: str | Range = "") -> Range: ...
    @property
    def invert(self) -> bool: ...
    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float: ...
    def match(self, value: float) -> bool: ...

class Metric(NamedTuple):
    name: str
    value: Any
    uom: str | None = None
    min: float | None = None
    max: float | None = None
    context: str | None = None
    contextobj: Context | None = None
    resource: Resource | None = None
    def replace(self, **attr: Any) -> Metric: ...

class Result(NamedTuple):
    state: ServiceState
    hint: str | None = None
    metric: Metric | None = None

class Results:
    results: list[Result]
    def __iter__(self) -> Iterator[Result]: ...
    def __len__(self) -> int: ...

class Resource:
    @property
    def name(self) -> str: ...
    def probe(self) -> Iterable[Metric]: ...

class Context:
    name: str
    def __init__(self, name: str) -> None: ...
    def evaluate(self, metric: Metric, resource: Resource) -> Result: ...
    def performance(self, metric: Metric, resource: Resource) -> None: ...

class ScalarContext(Context):
    warning: Range
    critical: Range
    def __init__(self, name: str, warning: Range | None = None, critical: Range | None = None) -> None: ...

class Summary:
    def ok(self, results: Results) -> str: ...
    def problem(self, results: Results) -> str: ...
    def verbose(self, results: Results) -> list[str]: ...

class Check:
    results: Results
    def __init__(self, *objects: Resource | Context | Summary) -> None: ...
    def __call__(self) -> None: ...
