"""Options from one table: parsed here in half a millisecond, explained by argparse when --help is asked for.

argparse does not parse: it costs a sixth of a whole run, takes the range in ``-w -5:-1`` for an option, abbreviates
(a typo then sets another option) and ends in exit code 2, which every engine shows as CRITICAL.
"""

from __future__ import annotations

from types import SimpleNamespace

from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable


class UsageError(Exception):
    """The command line is wrong; the text names the option and the reason."""


class Option(Record):
    """One option. Without a metavar it is a switch; ``parse`` turns its text into the setting or raises ValueError."""

    flags: tuple[str, ...]  # ("-w", "--warning"): long ones give the setting its name
    help: str
    metavar: str = ""
    parse: Callable[[str], Any] | None = None
    default: Any = None
    repeat: bool = False  # a switch counts, a value is appended to a list
    group: str = ""  # heading in --help

    @property
    def setting(self) -> str:
        """The attribute that holds it: "state_dir" for --state-dir."""
        return self.flags[-1].lstrip("-").replace("-", "_")


def asks_for(arguments: list[str], flags: tuple[str, ...]) -> bool:
    """Whether --help or --version stands anywhere: they win over every other option, also over a wrong one."""
    return any(argument in flags for argument in arguments)


def parse(options: list[Option], arguments: list[str]) -> SimpleNamespace:
    """Settings by name, defaults included. Raises UsageError.

    A word after an option that takes a value is always its value, so that a range may begin with a minus sign.
    """
    by_flag = {flag: option for option in options for flag in option.flags}
    settings = SimpleNamespace(
        **{option.setting: _unset(option) for option in options},
    )
    rest = _split_clusters(arguments, by_flag)
    while rest:
        word = rest.pop(0)
        flag, equals, value = word.partition("=")
        option = by_flag.get(flag)
        if option is None:
            kind = "unknown option" if word.startswith("-") else "unexpected argument"
            raise UsageError(f"{kind} {flag}")
        if not option.metavar:
            if equals:
                raise UsageError(f"option {flag} takes no value")
            setattr(settings, option.setting, getattr(settings, option.setting) + 1 if option.repeat else True)
            continue
        if not equals:
            if not rest:
                raise UsageError(f"option {flag} needs a value ({option.metavar})")
            value = rest.pop(0)
        _store(settings, option, flag, value)
    return settings


def _unset(option: Option) -> Any:
    if option.metavar:
        return list(option.default or ()) if option.repeat else option.default
    return 0 if option.repeat else False


def _store(settings: SimpleNamespace, option: Option, flag: str, value: str) -> None:
    try:
        parsed = option.parse(value) if option.parse else value
    except ValueError as error:
        raise UsageError(f"option {flag}: {error}") from None
    if option.repeat:
        getattr(settings, option.setting).append(parsed)
    else:
        setattr(settings, option.setting, parsed)


def _split_clusters(arguments: list[str], by_flag: dict[str, Option]) -> list[str]:
    """``-vvw10`` as ``-v -v -w=10``; a value that follows its option is left alone."""
    words: list[str] = []
    value_follows = False
    for word in arguments:
        if value_follows or not word.startswith("-") or word.startswith("--") or word[2:3] in ("", "="):
            words.append(word)
            value_follows = not value_follows and word in by_flag and bool(by_flag[word].metavar)
            continue
        letters = word[1:]
        while letters:
            option = by_flag.get("-" + letters[0])
            if option is not None and option.metavar and letters[1:]:
                words.append(f"-{letters[0]}={letters[1:].removeprefix('=')}")
                break
            words.append("-" + letters[0])
            letters = letters[1:]
            value_follows = option is not None and bool(option.metavar) and not letters
    return words


def help_text(program: str, description: str, epilog: str, options: list[Option]) -> str:
    """--help, at most 80 columns wide, by argparse's formatter."""
    import argparse

    parser = argparse.ArgumentParser(
        prog=program,
        description=description,
        epilog=epilog,
        add_help=False,
        usage=f"{program} [OPTIONS]",
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, width=79, max_help_position=26),
    )
    groups: dict[str, Any] = {}
    for option in options:
        group = groups.setdefault(option.group, parser.add_argument_group(option.group or "options"))
        text = option.help.replace("%", "%%")
        if option.metavar:
            group.add_argument(*option.flags, metavar=option.metavar, help=text)
        else:
            group.add_argument(*option.flags, action="store_true", help=text)
    return parser.format_help()


def seconds(minimum: float, maximum: float) -> Callable[[str], float]:
    """A parser for a time span in seconds, or with a unit (90, 1.5h, 2d), within bounds."""

    def parse_seconds(text: str) -> float:
        from checks.frame.ranges import number

        value = number(text, "s")
        if not minimum <= value <= maximum:
            raise ValueError(f"'{text}' is not between {minimum:g} and {maximum:g} seconds")
        return value

    return parse_seconds


def absolute_path(text: str) -> str:
    """A parser for an absolute path."""
    if not text.startswith("/") or "\0" in text:
        raise ValueError("needs an absolute path")
    return text
