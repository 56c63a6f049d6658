"""A metric for every measure of the catalogue, a graph for every forecast, perfometers for what fills up."""

from __future__ import annotations

from cmk.graphing.v1 import Title
from cmk.graphing.v1.graphs import Graph, MinimalRange
from cmk.graphing.v1.metrics import Color, DecimalNotation, IECNotation, Metric, SINotation, TimeNotation, Unit
from cmk.graphing.v1.perfometers import Closed, FocusRange, Open, Perfometer

from agent_plugins.checkmk.rows import is_middle, name_of_metric, rate_name
from agent_plugins.checkmk.tables import CHECKS
from perfdata.catalogue import CATALOGUE, COUNTER

_COLORS = (
    Color.BLUE, Color.GREEN, Color.ORANGE, Color.PURPLE, Color.CYAN, Color.RED, Color.BROWN, Color.PINK,
    Color.DARK_BLUE, Color.DARK_GREEN, Color.DARK_ORANGE, Color.DARK_PURPLE,
)  # fmt: skip
_LIKELY = 100.0  # where the scale of a perfometer without a limit bends


def unit_of(unit: str) -> Unit:
    """A unit of the catalogue as Checkmk shows it."""
    if unit == "s":
        return Unit(TimeNotation())
    if unit == "B" or unit.startswith("B/"):
        return Unit(IECNotation(unit))
    if unit == "bit/s":
        return Unit(SINotation(unit))
    return Unit(DecimalNotation(unit.removeprefix("1") if unit.startswith("1/") else unit))


def focus_of(measure: str) -> FocusRange:
    """From nothing to full, where there is such a thing."""
    limits = {name: limit for check in CHECKS for name, limit in check.filling}
    if CATALOGUE[measure].unit == "%":
        return FocusRange(Closed(0), Closed(100))
    if measure in limits:
        return FocusRange(Closed(0), Closed(limits[measure]))
    return FocusRange(Closed(0), Open(_LIKELY))


for _place, _kind in enumerate(CATALOGUE.values()):
    _color = _COLORS[_place % len(_COLORS)]
    globals()[f"metric_{name_of_metric(_kind.name)}"] = Metric(
        name=name_of_metric(_kind.name), title=Title(_kind.title), unit=unit_of(_kind.unit), color=_color
    )
    if _kind.kind == COUNTER:
        globals()[f"metric_{rate_name(_kind.name)}"] = Metric(
            name=rate_name(_kind.name),
            title=Title(f"{_kind.title} per second"),
            unit=Unit(DecimalNotation("/s")),
            color=_color,
        )
    if is_middle(_kind.name):
        _three = [
            name_of_metric(f"{_kind.name.removesuffix('seconds')}{bound}seconds") for bound in ("lower_", "", "upper_")
        ]
        globals()[f"graph_{name_of_metric(_kind.name)}"] = Graph(
            name=name_of_metric(_kind.name),
            title=Title(_kind.title),
            minimal_range=MinimalRange(0, 3600),
            simple_lines=_three,
            optional=[_three[0], _three[2]],
        )

for _measure in dict.fromkeys(
    [check.main_measure for check in CHECKS] + [kind.name for kind in CATALOGUE.values() if kind.unit == "%"]
):
    globals()[f"perfometer_{name_of_metric(_measure)}"] = Perfometer(
        name=name_of_metric(_measure), focus_range=focus_of(_measure), segments=[name_of_metric(_measure)]
    )
