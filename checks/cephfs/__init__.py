"""check_cephfs: who fills a CephFS, when is it full, and is what should be written every night still written."""

from checks.cephfs.check import PLUGIN, main

__all__ = ["PLUGIN", "main"]
