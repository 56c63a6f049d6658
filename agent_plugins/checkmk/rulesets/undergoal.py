"""A ruleset for the thresholds of every check, and one for the agents that are baked."""

from __future__ import annotations

from functools import partial
from typing import Any

from cmk.rulesets.v1 import Help, Label, Message, Title
from cmk.rulesets.v1.form_specs import (
    CascadingSingleChoice,
    CascadingSingleChoiceElement,
    DataSize,
    DefaultValue,
    DictElement,
    Dictionary,
    FixedValue,
    Float,
    IECMagnitude,
    InputHint,
    LevelDirection,
    Percentage,
    SimpleLevels,
    SingleChoice,
    SingleChoiceElement,
    String,
    TimeMagnitude,
    TimeSpan,
)
from cmk.rulesets.v1.form_specs.validators import ValidationError
from cmk.rulesets.v1.rule_specs import AgentConfig, CheckParameters, HostAndItemCondition, Topic

from agent_plugins.checkmk.judging import HOST, LOWER, RANGE, UPPER
from agent_plugins.checkmk.rows import Check, Level, kind_of
from agent_plugins.checkmk.tables import CHECKS
from perfdata.levels import bounds, range_in_words

_MAGNITUDES = (TimeMagnitude.DAY, TimeMagnitude.HOUR, TimeMagnitude.MINUTE, TimeMagnitude.SECOND)
_SIZES = (IECMagnitude.BYTE, IECMagnitude.KIBI, IECMagnitude.MEBI, IECMagnitude.GIBI, IECMagnitude.TEBI)


def validate_range(text: str, unit: str) -> None:
    """Raise ValidationError for what is neither empty nor a range."""
    try:
        if text:
            bounds(text, unit)
    except ValueError as error:
        raise ValidationError(Message("%s") % str(error)) from None


def _range_form(row: Level, unit: str, level: str, default: str) -> String:
    return String(
        title=Title("%s outside") % level,
        help_text=Help("A Nagios range: 10, 10:, ~:10, 10:20 or @10:20. Times take units: 24h. Empty: never."),
        prefill=DefaultValue(default),
        custom_validate=(partial(validate_range, unit=unit),),
    )


def _number_form(unit: str) -> Any:
    if unit == "s":
        return TimeSpan(displayed_magnitudes=_MAGNITUDES)
    if unit == "B" or unit.startswith("B/"):
        return DataSize(displayed_magnitudes=_SIZES)
    return Percentage() if unit == "%" else Float(unit_symbol=unit)


def _levels_form(unit: str, direction: LevelDirection) -> SimpleLevels[Any]:
    nothing: Any = (0, 0) if unit == "B" or unit.startswith("B/") else (0.0, 0.0)
    return SimpleLevels(
        form_spec_template=_number_form(unit), level_direction=direction, prefill_fixed_levels=InputHint(nothing)
    )


def default_words(row: Level) -> str:
    """The defaults of a measure for people."""
    unit = kind_of(row.measure).unit
    words = [
        f"{name} {range_in_words(text, unit)}" for name, text in (("WARN", row.warning), ("CRIT", row.critical)) if text
    ]
    return ", ".join(words) or "none"


def measure_form(row: Level) -> CascadingSingleChoice:
    """What can be said of one measure."""
    kind = kind_of(row.measure)
    ranges = {
        "warning": DictElement(parameter_form=_range_form(row, kind.unit, "WARN", row.warning), required=True),
        "critical": DictElement(parameter_form=_range_form(row, kind.unit, "CRIT", row.critical), required=True),
    }
    choices: tuple[tuple[str, str, Any], ...] = (
        (HOST, "Levels of the host", FixedValue(value=None, label=Label("Default: %s") % default_words(row))),
        (RANGE, "Nagios ranges", Dictionary(elements=ranges)),
        (UPPER, "Upper levels", _levels_form(kind.unit, LevelDirection.UPPER)),
        (LOWER, "Lower levels", _levels_form(kind.unit, LevelDirection.LOWER)),
    )
    return CascadingSingleChoice(
        title=Title(kind.title),
        help_text=Help(f"{kind.help} {row.why}".strip()),
        prefill=DefaultValue(HOST),
        elements=[
            CascadingSingleChoiceElement(name=name, title=Title(title), parameter_form=form)
            for name, title, form in choices
        ],
    )


def parameters_of(check: Check) -> Dictionary:
    """All thresholds of a check."""
    return Dictionary(
        elements={row.measure: DictElement(parameter_form=measure_form(row)) for row in check.levels},
        ignored_elements=("known",),
    )


def _check_config(check: Check) -> Dictionary:
    return Dictionary(
        title=Title(check.called),
        elements={
            "run": DictElement(
                parameter_form=SingleChoice(
                    title=Title("Run this check"),
                    elements=[
                        SingleChoiceElement(name="auto", title=Title("Where there is something to look at")),
                        SingleChoiceElement(name="on", title=Title("Always")),
                        SingleChoiceElement(name="off", title=Title("Never")),
                    ],
                    prefill=DefaultValue("auto"),
                )
            ),
            "options": DictElement(
                parameter_form=String(
                    title=Title("Options"), help_text=Help(f"As on the command line: check_{check.name} --help")
                )
            ),
            "interval": DictElement(
                parameter_form=TimeSpan(
                    title=Title("Time between two runs"),
                    displayed_magnitudes=_MAGNITUDES,
                    prefill=DefaultValue(300.0),
                )
            ),
        },
    )


def agent_config() -> Dictionary:
    """What the bakery (agent_plugins/checkmk/bakery.py) puts into an agent."""
    return Dictionary(
        elements={
            "deployment": DictElement(
                required=True,
                parameter_form=CascadingSingleChoice(
                    title=Title("Deployment"),
                    prefill=DefaultValue("sync"),
                    elements=[
                        CascadingSingleChoiceElement(
                            name="sync",
                            title=Title("With every call of the agent"),
                            parameter_form=FixedValue(value=None),
                        ),
                        CascadingSingleChoiceElement(
                            name="cached",
                            title=Title("Apart from the agent, every"),
                            parameter_form=TimeSpan(displayed_magnitudes=_MAGNITUDES, prefill=DefaultValue(300.0)),
                        ),
                        CascadingSingleChoiceElement(
                            name="do_not_deploy", title=Title("Not at all"), parameter_form=FixedValue(value=None)
                        ),
                    ],
                ),
            ),
            "installation": DictElement(
                parameter_form=String(
                    title=Title("Where undergoal is installed"), prefill=DefaultValue("/opt/undergoal")
                )
            ),
            **{check.name: DictElement(parameter_form=_check_config(check)) for check in CHECKS},
        }
    )


for _check in CHECKS:
    globals()[f"rule_spec_{_check.plugin}"] = CheckParameters(
        name=_check.plugin,
        title=Title("Undergoal: %s") % _check.called,
        topic=Topic.OPERATING_SYSTEM,
        parameter_form=partial(parameters_of, _check),
        condition=HostAndItemCondition(item_title=Title(_check.item.capitalize())),
        help_text=Help(_check.question),
    )

rule_spec_undergoal_agent_config = AgentConfig(
    name="undergoal",
    title=Title("Undergoal (Linux)"),
    topic=Topic.OPERATING_SYSTEM,
    parameter_form=agent_config,
    help_text=Help("undergoal itself has to be installed on the host: the agent plugin finds it and runs it."),
)
