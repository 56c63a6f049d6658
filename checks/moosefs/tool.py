"""mfscli of MooseFS 4, for a master whose replies are not known here: it costs twenty times as much, but knows its own.

The mfscli of MooseFS 3 prints no JSON; a master it does not know either is UNKNOWN.
"""

from __future__ import annotations

import os

from checks.frame.host import Host
from checks.frame.printable import printable
from checks.moosefs.survey import MasterView

DIRECTORIES = ("/usr/bin", "/usr/local/bin", "/usr/sbin", "/opt/mfs/bin")


class ToolProblem(Exception):
    """Nothing usable came from mfscli; the text says why."""


def ask(host: Host, address: str, port: int, reserve: float) -> MasterView:
    """The account of a master through mfscli. Raises ToolProblem."""
    from checks.frame import bounded
    from checks.frame.mountinfo import remote_mounts
    from checks.frame.paths import UnsafePath, check_trusted
    from checks.moosefs.mfscli_json import ARGUMENTS, parse
    from checks.moosefs.wire.frames import UnknownLayout

    path = next((f"{place}/mfscli" for place in DIRECTORIES if os.path.isfile(f"{place}/mfscli")), "")
    if host.captured or not path:
        raise ToolProblem("no mfscli here to ask instead")
    host.deadline.stage = f"asking {path}"
    try:
        check_trusted(path, remote_mounts(host.text("/proc/self/mountinfo")), os.geteuid())
        answer = bounded.run([path, "-H", address, "-P", str(port), *ARGUMENTS], host.deadline.left(reserve))
        view = parse(answer.output[max(0, answer.output.find(b"{")) :])  # warnings may stand before it
    except (UnsafePath, bounded.HelperTimeout, bounded.HelperOverflow, OSError) as error:
        raise ToolProblem(f"{path}: {printable(str(error), 80)}") from None
    except UnknownLayout as error:
        raise ToolProblem(f"{path}{str(error).removeprefix('mfscli')}") from None
    return MasterView(
        view.info,
        view.servers,
        view.matrix,
        view.loop,
        metaloggers=view.metaloggers,
        by_tool=True,
    )
