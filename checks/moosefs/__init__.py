"""check_moosefs: undergoal chunks, when the resync is done, and whether a marked disk may be pulled."""

from checks.moosefs.check import PLUGIN, main

__all__ = ["PLUGIN", "main"]
