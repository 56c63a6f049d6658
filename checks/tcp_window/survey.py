"""Reading: everything this check looks at, once, before anything is judged."""

from __future__ import annotations

from types import SimpleNamespace

from checks.frame.host import Host
from checks.frame.unread import Unread
from checks.tcp_window.routes import Route, read_routes
from checks.tcp_window.settings import Settings, read_settings
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from checks.tcp_window.passive import Passive
    from checks.tcp_window.pipe import Pipe
    from checks.tcp_window.probe import Probed, Target

_RESERVE, _RESERVE_MAX = 0.3, 1.0  # share of the time, and at most these seconds, for the verdict


class Survey(Record):
    """What was seen."""

    settings: Settings
    unreadable: dict[str, Unread]  # setting -> why
    routes: list[Route] | None  # None: not to be seen
    routes_problem: str
    routes_hang: bool
    pipes: list[Pipe]
    passive: Passive | None  # None: not asked for
    cookies: int | None  # SYN cookies sent since boot
    target: Target | None
    probed: Probed | None
    probe_problem: str
    wrong: str  # options that do not go together


def survey(host: Host, options: SimpleNamespace) -> Survey:
    """Never raises OSError: what cannot be read is in the result."""
    host.deadline.stage = "reading TCP settings"
    settings, unreadable = read_settings(host)
    routes, routes_problem, routes_hang = _routes(host)
    wrong = ""
    pipes: list[Pipe] = []
    if options.rate or options.rtt:
        from checks.tcp_window import pipe

        try:
            pipes = pipe.pipes(options.rate, options.rtt)
        except ValueError as error:
            wrong = str(error)
    passive, cookies = None, None
    if options.established:
        from checks.tcp_window.netstat import cookies_sent
        from checks.tcp_window.passive import watch

        passive = watch(host, min(_RESERVE_MAX, _RESERVE * host.deadline.total))
        cookies = cookies_sent(host)
    target, probed, problem = None, None, ""
    if options.probe or options.http or options.upload or options.responder:
        from checks.tcp_window.probe import ProbeFailed, probe, target_from

        try:
            target = target_from(options)
            if target is not None:
                if host.captured:
                    raise ProbeFailed("is not probed: this is a captured host")
                probed = probe(host, target, settings)
        except ValueError as error:
            wrong = str(error)
        except ProbeFailed as error:
            problem = str(error)
    return Survey(
        settings,
        unreadable,
        routes,
        routes_problem,
        routes_hang,
        pipes,
        passive,
        cookies,
        target,
        probed,
        problem,
        wrong,
    )


def _routes(host: Host) -> tuple[list[Route] | None, str, bool]:
    host.deadline.stage = "reading routes"
    try:
        routes, more = read_routes(host)
        return routes, "there are too many to look at all" if more else "", False
    except FileNotFoundError:
        return None, "they were not captured", False
    except TimeoutError:
        return None, "the kernel did not answer in time", True
    except OSError as error:
        return None, error.strerror or str(error), False
