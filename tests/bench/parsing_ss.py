"""The usual way to look at TCP connections, as a yardstick: ss -tinm, and a regular expression for each number."""

import re
import subprocess

text = subprocess.run(["/usr/bin/ss", "-tinmHO"], capture_output=True, text=True, check=True).stdout
scaled = stuck = 0
for line in text.splitlines():
    scale = re.search(r"wscale:(\d+),(\d+)", line)
    window = re.search(r"snd_wnd:(\d+)", line)
    mss = re.search(r"\bmss:(\d+)", line)
    limited = re.search(r"rwnd_limited:(\d+)", line)
    scaled += bool(scale)
    if window and mss and limited and int(window[1]) < int(mss[1]):
        stuck += 1
print(f"{scaled} scaled, {stuck} stuck")
