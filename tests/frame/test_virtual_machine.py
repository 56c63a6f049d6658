"""The virtual machine of the lab: a kernel of its own, this machine's files, and a disk that is kept."""

from __future__ import annotations

import sys

import pytest
from lab.virtual_machine import KEPT, MachineError, VirtualMachine, network_card

pytestmark = pytest.mark.needs("kernel", "qemu-system-x86_64")

CARDS = network_card("52:54:00:11:11:11") + network_card("52:54:00:22:22:22")

FIRST_BOOT = f"""
uname -r
cat /sys/class/net/eth0/address /sys/class/net/eth1/address
ls /proc/net/bonding | wc -l
{sys.executable} -c 'import nagiosplugin; print(nagiosplugin.__name__)'
echo kept > {KEPT}/file; echo lost > /etc/lost
echo aside >&2
exit 3
"""


def test_two_boots() -> None:
    """Status and both outputs come back; what is on the disk is there in the next boot, and nothing else is."""
    with VirtualMachine("bonding max_bonds=0", "e1000", devices=CARDS, keeps=True) as machine:
        first = machine.run("sh", "-c", FIRST_BOOT)
        version, *lines = first.output.splitlines()
        assert "-amd64" in version
        assert lines == ["52:54:00:11:11:11", "52:54:00:22:22:22", "0", "nagiosplugin"]
        assert (first.code, first.stderr) == (3, b"aside\n")
        second = machine.run("sh", "-c", f"cat {KEPT}/file; ls /etc/lost /sys/class/net", devices=[])
        assert second.output.split() == ["kept", "/sys/class/net:", "bonding_masters", "lo"]


def test_a_command_that_hangs() -> None:
    """It ends in time, with what it said until then."""
    with VirtualMachine() as machine, pytest.raises(MachineError, match=r"(?s)did not end within 1 s.*before it hung"):
        machine.run("sh", "-c", "echo before it hung; sleep 1000", seconds=1)
