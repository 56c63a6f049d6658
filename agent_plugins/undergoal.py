#!/usr/bin/env python3
"""Check_MK agent plugin: finds the private installation of undergoal on this host and lets it run every check.

Goes to $MK_LIBDIR/plugins/, or to plugins/300/ to run apart from the agent. Its configuration is
$MK_CONFDIR/undergoal.cfg. It always exits with 0: what is missing is said in its section. As root it runs nothing that
another user could have put there.
"""

import os
import stat
import sys

__version__ = "0.1.0"

SECTION = "undergoal_agent"
PLACES = ("/opt/undergoal", "/usr/lib/undergoal", "/usr/local/lib/undergoal")
PACKAGE = "agent_plugins"
MODULE = "agent_plugins.agent"
LINKS_MAX = 40

# What is run of an installation, by its interpreter or by this one. What it lacks has to be said in a section.
CODE = """
import os, sys
sys.path[:0] = {path!r}
try:
    from {module} import main
except Exception as error:
    import json
    text = {place!r} + " is not complete: " + str(error)
    print("<<<{section}:sep(0)>>>")
    print(json.dumps({{"format": 1, "deployment_error": text}}).replace("<", chr(92) + "u003c"), flush=True)
    os._exit(0)
main({binaries!r})
"""


class Refused(Exception):
    """Not used; the reason is the text."""


def check_trusted(path: str) -> None:
    """Raise Refused unless nobody but root can put something else in the place of this absolute path."""
    pending = [part for part in reversed(path.split("/")) if part]
    here, links = "/", 0
    while True:
        status = os.lstat(here)
        if status.st_uid != 0:
            raise Refused(f"{here} belongs to another user (uid {status.st_uid})")
        if stat.S_ISLNK(status.st_mode):
            links += 1
            if links > LINKS_MAX:
                raise Refused(f"{path} has too many symbolic links")
            target = os.readlink(here)
            pending += [part for part in reversed(target.split("/")) if part]
            here = "/" if target.startswith("/") else os.path.dirname(here)
        elif status.st_mode & 0o022 and not (status.st_mode & stat.S_ISVTX and stat.S_ISDIR(status.st_mode)):
            raise Refused(f"{here} is writable by others (mode {stat.S_IMODE(status.st_mode):04o})")
        part = "."
        while pending and part == ".":
            part = pending.pop()
        if part == ".":
            return
        here = os.path.dirname(here) if part == ".." else os.path.join(here, part)


def read_config() -> "dict[str, str]":
    """Values by key of undergoal.cfg; only the two that matter here are used."""
    path = os.path.join(os.environ.get("MK_CONFDIR") or "/etc/check_mk", "undergoal.cfg")
    found: dict[str, str] = {}
    try:
        if os.geteuid() == 0:
            check_trusted(os.path.abspath(path))
        with open(path, "rb") as file:
            lines = file.read(65536).decode("utf-8", "replace").splitlines()
    except (OSError, Refused):
        return found  # the installation says what is wrong with it
    for line in lines:
        key, equals, value = line.partition("=")
        if equals and not line.lstrip().startswith("#"):
            found[key.strip()] = value.strip().strip("'\"")
    return found


def places(config: "dict[str, str]") -> "list[str]":
    """Where undergoal may be: the configured place, or beside the agent, or one of a fixed list."""
    if config.get("installation"):
        return [config["installation"]]
    library = os.environ.get("MK_LIBDIR", "")
    return ([os.path.join(library, "undergoal")] if library.startswith("/") else []) + list(PLACES)


def run(place: str) -> None:
    """Run undergoal from there, and exit with 0; return when there is nothing. Raises Refused, OSError."""
    if not place.startswith("/"):
        raise Refused(f"installation={place} is not an absolute path")
    binaries = os.path.join(place, "bin")
    interpreter = os.path.join(binaries, "python3")
    if os.path.exists(interpreter):
        library = os.path.join(place, "lib")
        paths = [os.path.join(library, name, "site-packages") for name in sorted(os.listdir(library))]
        trusted = [interpreter]
    else:
        paths, trusted = [place], []
    paths = [path for path in paths if os.path.isdir(os.path.join(path, PACKAGE))]
    if not paths:
        return
    if not trusted and sys.version_info < (3, 9):
        raise Refused(f"undergoal needs Python 3.9, and this is {sys.version_info[0]}.{sys.version_info[1]}")
    if os.geteuid() == 0:
        for path in trusted + [os.path.join(path, PACKAGE) for path in paths]:
            check_trusted(path)
    code = CODE.format(path=paths, module=MODULE, place=place, section=SECTION, binaries=binaries)
    if trusted and os.path.realpath(interpreter) != os.path.realpath(sys.executable):
        os.execv(interpreter, [interpreter, "-I", "-c", code])
    del sys.path[0]  # the directory of the agent's plugins
    exec(compile(code, MODULE, "exec"), {"__name__": MODULE})


def complain(reason: str, mode: str) -> None:
    """Say what is missing where the site looks for it, and exit with 0."""
    import json

    lines = [f"<<<{SECTION}:sep(0)>>>"]
    lines.append(json.dumps({"format": 1, "deployment_error": reason}).replace("<", "\\u003c"))
    if mode in ("local", "both"):
        text = "".join(c if " " <= c <= "~" and c not in "|<>\\" else "?" for c in reason)
        lines += ["<<<local:sep(0)>>>", f'3 "undergoal agent plugin" - {text}']
    try:
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
    finally:
        os._exit(0)


def main() -> None:
    """Find it and run it; it exits with 0 then."""
    config = read_config()
    refused = []
    looked_at = places(config)
    for place in looked_at:
        try:
            run(place)
        except Refused as error:
            refused.append(f"{place} is not used: {error}")
        except OSError as error:
            refused.append(f"{place} is not used: {error.strerror}")
    missing = f"undergoal is not installed: looked for a venv or packages in {', '.join(looked_at)}"
    complain("; ".join(refused) or missing, config.get("mode", ""))


if __name__ == "__main__":
    main()
