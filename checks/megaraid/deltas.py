"""Error counters against kept baselines: what was there when the check first looked is history, what is new is news.

Keyed by the disk's serial number, so that a disk that moves keeps its past and a new one in its place has none.
"""

from __future__ import annotations

from perfdata import baseline
from perfdata.baseline import CounterBaseline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import SimpleNamespace

    from perfdata.series import Series

_ANY_BOOT = "disk"  # these counters outlive boots
_SELF_COUNTED = 10  # errors between two runs that are put down to the asking itself


def increase(
    key: str,
    name: str,
    value: int | None,
    history: Series | None,
    settings: SimpleNamespace,
    self_counting: bool = False,
) -> int:
    """How much a counter has grown since it was accepted; 0 without history.

    ``self_counting``: "Other Error Count" grows by one or two at each question on healthy disks, so small steps are
    taken as they come, and only a burst is reported.
    """
    if value is None or history is None:
        return 0
    kept = baseline.parse(history.note(key, name))
    now = history.clock.time
    if kept is not None and self_counting and 0 <= value - kept.last <= _SELF_COUNTED:
        kept_now = baseline.advance(
            CounterBaseline(value, _ANY_BOOT, kept.increase, kept.raised),
            value,
            _ANY_BOOT,
            now,
            settings.hold,
            settings.accept,
        )
    else:
        kept_now = baseline.advance(kept, value, _ANY_BOOT, now, settings.hold, settings.accept)
    if kept_now != kept:
        history.keep(key, name, baseline.as_note(kept_now))
    return kept_now.increase
