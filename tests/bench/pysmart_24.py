#!/usr/bin/env python3
"""SMART of so many disks behind MegaRAID the way pySMART does it: argv is the directory of smartctl, and a number."""

import os
import sys

os.environ["PATH"] = f"{sys.argv[1]}:/usr/bin:/bin"

from pySMART import Device

for number in range(int(sys.argv[2])):
    disk = Device("/dev/bus/0", interface=f"megaraid,{number}")
    assert disk.serial, "pySMART has read nothing"
