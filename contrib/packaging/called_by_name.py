"""Runs the command it is called by: check_NAME and undergoal are links to this file.

The four settings below are filled in when a package is built. It starts without site (python3 -S), which would cost a
twentieth of a whole run for places that are looked into only when a module is missing; so they are named here. What
stands in this file must run, and be refused in time, from Python 3.6 on.
"""

import sys

COMMANDS = {}  # type: dict[str, tuple[str, str]]  # name -> module, function
PLACES = []  # type: list[str]  # where modules are, after Python's own
MINIMUM = (3, 9)  # version of Python
BYTECODE = ""  # of the only Python that finds its bytecode here and no sources beside it; "": they are beside it
AGENT_PLUGIN = "undergoal.py"  # in /usr/lib/check_mk_agent/plugins


def command(name: str) -> str:
    """The command behind the name of a link; "" for a check that does not exist, which must not look like a verdict."""
    if name in COMMANDS:
        return name
    return "" if name.startswith("check_") else "undergoal"


def refuse(name: str, reason: str) -> None:
    """UNKNOWN in the form that every engine understands; as an agent plugin in that of a section."""
    if name == AGENT_PLUGIN:
        words = ascii(reason)[1:-1].replace("\\", "/").replace('"', "'").replace("<", "(")
        sys.stdout.write(f'<<<undergoal_agent:sep(0)>>>\n{{"format": 1, "deployment_error": "{words}"}}\n')
        sys.stdout.flush()
        sys.exit(0)
    sys.stdout.write(ascii(f"UNKNOWN - {name}: {reason}")[1:-1].replace("|", "/")[:160] + "\n")
    sys.stdout.flush()
    sys.exit(3)


def start() -> None:
    """Import the command's module and call its main, which does not come back; what it needs first may be missing."""
    name = sys.argv[0].rpartition("/")[2]
    found = command(name)
    if not found:
        refuse(
            name, "there is no such check, only " + ", ".join(word for word in COMMANDS if word.startswith("check_"))
        )
    if sys.version_info < MINIMUM:
        refuse(name, "needs Python {}.{} or later, this is {}.{}".format(*MINIMUM, *sys.version_info[:2]))
    version = "python{}.{}".format(*sys.version_info)
    sys.path += [place.format(prefix=sys.prefix, version=version) for place in PLACES]
    module, function = COMMANDS[found]
    try:
        if BYTECODE and sys.implementation.cache_tag != BYTECODE:
            __import__("from_sources").use(__loader__)  # type: ignore[name-defined]
        getattr(__import__(module, None, None, [function]), function)()
    except Exception as error:
        missing = isinstance(error, ImportError) and error.name
        reason = f"the Python module {missing} is not installed" if missing else repr(error)
        refuse(name, f"cannot run: {reason} ({sys.executable})")


if __name__ == "__main__":
    start()
