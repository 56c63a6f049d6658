"""nagiosplugin, which judges: its Resource, Metric, Context, Summary and Check, imported lean.

Its Runtime, main(), guarded, Cookie, LogTail and MultiArg are not used: Runtime is a singleton that prints the first
check's text for the second one, guarded prints tracebacks, Cookie loses data. Importing them and logging (of which
nagiosplugin uses one logger, for one warning) is a third of a whole run, so stand-ins take their places during the
import. The package itself is untouched, and whoever imports logging later gets the real one.
"""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

_UNUSED = {"cookie": ("Cookie",), "logtail": ("LogTail",), "multiarg": ("MultiArg",), "runtime": ("Runtime", "guarded")}


def _stand_in(module: str, **content: object) -> None:
    sys.modules[module] = ModuleType(module)
    sys.modules[module].__dict__.update(content)


def _say_nothing(*_: object) -> None:
    return


_lean = "nagiosplugin" not in sys.modules
_quiet = _lean and "logging" not in sys.modules
if _lean:
    for _module, _names in _UNUSED.items():
        _stand_in(f"nagiosplugin.{_module}", **dict.fromkeys(_names))
if _quiet:
    _stand_in("logging", getLogger=lambda _name: SimpleNamespace(warning=_say_nothing))
try:
    from nagiosplugin import (
        Check,
        Context,
        Critical,
        Metric,
        Ok,
        Range,
        Resource,
        Result,
        Results,
        ScalarContext,
        Summary,
        Unknown,
        Warn,
    )
finally:
    if _quiet:
        del sys.modules["logging"]

__all__ = [
    "NEVER",
    "STATES",
    "Check",
    "Context",
    "Critical",
    "Metric",
    "Ok",
    "Range",
    "Resource",
    "Result",
    "Results",
    "ScalarContext",
    "Summary",
    "Unknown",
    "Warn",
]

NEVER = Range("~:")  # a threshold that is not set: an empty Range would be "0:", on which negative values alert
STATES = (Ok, Warn, Critical, Unknown)  # indexed by perfdata.outcome's numbers
