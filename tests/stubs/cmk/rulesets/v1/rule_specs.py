"""Stand-in of cmk.rulesets.v1.rule_specs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from .form_specs import Dictionary


class Topic(Enum):
    OPERATING_SYSTEM = "operating_system"


@dataclass(frozen=True)
class HostAndItemCondition:
    item_title: Any


@dataclass(frozen=True)
class CheckParameters:
    title: Any
    topic: Topic
    parameter_form: Callable[[], Dictionary]
    name: str
    condition: HostAndItemCondition
    is_deprecated: bool = False
    help_text: Any = None
    create_enforced_service: bool = True

    def __post_init__(self) -> None:
        assert self.name.isidentifier()


@dataclass(frozen=True)
class AgentConfig:
    title: Any
    topic: Topic
    parameter_form: Callable[[], Dictionary]
    name: str
    is_deprecated: bool = False
    help_text: Any = None

    def __post_init__(self) -> None:
        assert self.name.isidentifier()
