"""check_bond: same MAC as last boot? - and every way in which a bond is less than it seems."""

from checks.bond.check import PLUGIN, main

__all__ = ["PLUGIN", "main"]
