"""When work in progress is done, from what the tool says of it and from what was recorded of it.

The tools say how many percent are done, in whole ones, and some say since when or how long it will take. At P percent
after T minutes, what is left takes T * (100 - P) / P; as P may be almost one more, there are two bounds. At 0 percent
nobody knows. Recorded samples, once there are enough, see a change of pace that an average hides.
"""

from __future__ import annotations

from perfdata import eta
from perfdata.eta import Forecast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from checks.megaraid.readings import Operation
    from perfdata.series import Series

LEFT = "progress_left_percent"
_WINDOW = 7 * 86400.0
_PATIENCE = 12 * 3600.0  # seconds; a percent of a large array may take hours
_TOOL_UPPER = 1.5  # what a tool's own estimate may be wrong by


def forecast(operation: Operation, item: str, history: Series | None) -> Forecast | None:
    """Seconds until it is done, or None."""
    if operation.percent is None:
        return None
    recorded = _recorded(operation.percent, item, history)
    if recorded is not None:
        return recorded
    if operation.left is not None:
        seconds = operation.left * 60.0
        return Forecast(seconds / _TOOL_UPPER, seconds, seconds * _TOOL_UPPER)
    return at_average_pace(operation.percent, operation.minutes)


def at_average_pace(percent: int, minutes: int | None) -> Forecast | None:
    """From how much was done in how many minutes."""
    if not minutes or not 0 < percent < 100:
        return None
    seconds = minutes * 60.0
    middle = seconds * (100 - percent) / percent
    return Forecast(seconds * (99 - percent) / (percent + 1), middle, middle)


def _recorded(percent: int, item: str, history: Series | None) -> Forecast | None:
    """From recorded samples; records this one."""
    if history is None:
        return None
    left = float(100 - percent)
    samples = [(sample.at, sample.value) for sample in history.window(item, LEFT, _WINDOW)]
    history.append(item, LEFT, left)
    now = history.clock.uptime
    going = eta.countdown([*samples, (now, left)], now, _PATIENCE)
    return going.forecast if going.phase == eta.FALLING else None
