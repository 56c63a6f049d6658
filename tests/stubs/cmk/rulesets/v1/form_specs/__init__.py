"""Stand-in of cmk.rulesets.v1.form_specs: everything by keyword, names are identifiers, choices exist."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto
from keyword import iskeyword
from typing import Any, Generic, TypeVar

T = TypeVar("T")


def _identifier(name: str) -> None:
    if not name.isidentifier() or iskeyword(name):
        raise ValueError(f"{name!r} is no identifier")


class DefaultValue(Generic[T]):
    def __init__(self, value: T) -> None:
        self.value = value


class InputHint(Generic[T]):
    def __init__(self, value: T) -> None:
        self.value = value


class LevelDirection(Enum):
    UPPER = "upper"
    LOWER = "lower"


class TimeMagnitude(Enum):
    SECOND = auto()
    MINUTE = auto()
    HOUR = auto()
    DAY = auto()


class IECMagnitude(Enum):
    BYTE = auto()
    KIBI = auto()
    MEBI = auto()
    GIBI = auto()
    TEBI = auto()


class FormSpec(Generic[T]):
    def __init__(
        self,
        *,
        title: Any = None,
        help_text: Any = None,
        migrate: Callable[[object], T] | None = None,
        custom_validate: tuple[Callable[[T], object], ...] | None = None,
    ) -> None:
        self.title, self.help_text, self.custom_validate = title, help_text, custom_validate or ()


class String(FormSpec[str]):
    def __init__(self, *, prefill: Any = None, label: Any = None, macro_support: bool = False, **form: Any) -> None:
        super().__init__(**form)
        self.prefill = prefill


class Float(FormSpec[float]):
    def __init__(self, *, unit_symbol: str = "", label: Any = None, prefill: Any = None, **form: Any) -> None:
        super().__init__(**form)
        self.unit_symbol = unit_symbol


class Percentage(FormSpec[float]):
    def __init__(self, *, label: Any = None, prefill: Any = None, **form: Any) -> None:
        super().__init__(**form)


class TimeSpan(FormSpec[float]):
    def __init__(
        self, *, displayed_magnitudes: Sequence[TimeMagnitude], label: Any = None, prefill: Any = None, **form: Any
    ) -> None:
        super().__init__(**form)
        assert all(isinstance(magnitude, TimeMagnitude) for magnitude in displayed_magnitudes)


class DataSize(FormSpec[int]):
    def __init__(
        self, *, displayed_magnitudes: Sequence[IECMagnitude], label: Any = None, prefill: Any = None, **form: Any
    ) -> None:
        super().__init__(**form)
        assert all(isinstance(magnitude, IECMagnitude) for magnitude in displayed_magnitudes)


class FixedValue(FormSpec[Any]):
    def __init__(self, *, value: Any, label: Any = None, **form: Any) -> None:
        super().__init__(**form)
        self.value, self.label = value, label


class SingleChoiceElement:
    def __init__(self, name: str, title: Any) -> None:
        _identifier(name)
        self.name, self.title = name, title


class SingleChoice(FormSpec[str]):
    def __init__(self, *, elements: Sequence[SingleChoiceElement], prefill: Any = None, **form: Any) -> None:
        super().__init__(**form)
        assert not isinstance(prefill, DefaultValue) or prefill.value in {element.name for element in elements}
        self.elements = elements


class CascadingSingleChoiceElement:
    def __init__(self, *, name: str, title: Any, parameter_form: FormSpec[Any]) -> None:
        _identifier(name)
        self.name, self.title, self.parameter_form = name, title, parameter_form


class CascadingSingleChoice(FormSpec[tuple[str, object]]):
    def __init__(
        self, *, elements: Sequence[CascadingSingleChoiceElement], label: Any = None, prefill: Any = None, **form: Any
    ) -> None:
        super().__init__(**form)
        assert not isinstance(prefill, DefaultValue) or prefill.value in {element.name for element in elements}
        self.elements, self.prefill = elements, prefill


class DictElement:
    def __init__(self, *, parameter_form: FormSpec[Any], required: bool = False, render_only: bool = False) -> None:
        self.parameter_form, self.required = parameter_form, required


class Dictionary(FormSpec[Mapping[str, object]]):
    def __init__(
        self, *, elements: Mapping[str, DictElement], ignored_elements: tuple[str, ...] = (), **form: Any
    ) -> None:
        super().__init__(**form)
        for name in elements:
            _identifier(name)
        assert not set(elements) & set(ignored_elements)
        self.elements = elements


class SimpleLevels(FormSpec[Any], Generic[T]):
    def __init__(
        self,
        *,
        form_spec_template: FormSpec[T],
        level_direction: LevelDirection,
        prefill_fixed_levels: DefaultValue[tuple[T, T]] | InputHint[tuple[T, T]],
        **form: Any,
    ) -> None:
        super().__init__(**form)
        self.form_spec_template, self.level_direction = form_spec_template, level_direction
