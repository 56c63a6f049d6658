"""check_tcp_window: is the path eating the window scaling, and can these buffers fill the pipe?"""

from checks.tcp_window.check import PLUGIN, main

__all__ = ["PLUGIN", "main"]
