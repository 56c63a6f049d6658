"""check_megaraid: RAID state, and the health of every disk behind a MegaRAID controller."""

from checks.megaraid.check import PLUGIN, main

__all__ = ["PLUGIN", "main"]
