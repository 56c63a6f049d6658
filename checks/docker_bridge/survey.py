"""Reading: everything this check looks at, once, before anything is judged."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from types import SimpleNamespace

from checks.docker_bridge.bridges import Bridge, Neighbours, Port, read_neighbours, read_ports
from checks.frame import selection
from checks.frame.host import Host
from checks.frame.unread import Reader, Unread
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from checks.docker_bridge.docker_api import DockerView

DEFAULT_SOCKETS = ("/run/docker.sock", "/var/run/docker.sock")
_ROUTES = "/proc/net/route"
_RESERVE_MAX = 1.0  # seconds kept for the verdict when Docker hangs
_SECOND_LOOK = 1.0  # seconds after which ports without an endpoint are counted again


class DockerSilence(Record):
    """Why Docker was not asked, or gave no answer."""

    reason: str  # what to say of Docker: "did not answer in time"
    denied: bool = False  # this user may not; somebody can grant it
    broken: bool = False  # it is there and should have answered
    socket: str = ""


class Stray(Record):
    """More ports than endpoints, seen twice within a second."""

    ports: tuple[Port, ...]
    endpoints: int


class Survey(Record):
    """What was seen of this host."""

    bridges: tuple[Bridge, ...]  # those that match the patterns
    unreadable: dict[str, str]  # bridge -> why
    absent: tuple[str, ...]  # bridges that were named and are not there
    neighbours: Neighbours
    docker: DockerView | None
    silence: DockerSilence | None  # None when Docker was asked
    routes: tuple[str, ...] | None  # IPv4 subnets this host has routes to; None when they are not to be seen
    stray: dict[str, Stray | None]  # by bridge; None when the second look was not possible
    unread: tuple[Unread, ...] = ()  # files of this host that might have said more


def matches(name: str, settings: SimpleNamespace) -> bool:
    """Whether --bridge and --exclude let this bridge pass."""
    return selection.matches(name, settings.bridge, settings.exclude)


def survey(host: Host, settings: SimpleNamespace) -> Survey:
    """Read the bridges, the kernel's neighbouring limits, and Docker. Raises OSError when links cannot be listed."""
    host.deadline.stage = "listing network bridges"
    found = {name: ifindex for ifindex, name in host.bridges() if matches(name, settings)}
    bridges, unreadable = _read_bridges(host, found)
    named = selection.named(settings.bridge)
    docker, silence = _ask_docker(host, settings)
    stray = _read_stray(host, bridges, docker) if docker and not settings.no_history else {}
    reader = Reader(host)
    neighbours = read_neighbours(reader)
    routes = _read_routes(reader) if docker else ()
    return Survey(
        tuple(bridges),
        unreadable,
        tuple(name for name in named if name not in found),
        neighbours,
        docker,
        silence,
        routes,
        stray,
        tuple(reader.unread.values()),
    )


def _read_bridges(host: Host, found: dict[str, int]) -> tuple[list[Bridge], dict[str, str]]:
    bridges, unreadable = [], {}
    for name, ifindex in found.items():
        try:
            bridges.append(Bridge(name, ifindex, host.bridge_ports(ifindex, name)))
        except FileNotFoundError:
            continue  # removed since it was listed
        except OSError as error:
            unreadable[name] = error.strerror or "cannot be read"
    return bridges, unreadable


def still_missing(host: Host, names: Sequence[str]) -> list[str]:
    """Which of these bridges are not there on a second look: a network may just have been made or removed."""
    present = {name for _, name in host.bridges()} if names else set()
    return [name for name in names if name not in present]


def _ask_docker(host: Host, settings: SimpleNamespace) -> tuple[DockerView | None, DockerSilence | None]:
    if settings.no_docker:
        return None, DockerSilence("was not asked (--no-docker)")
    explicit = bool(settings.docker_socket)
    path = settings.docker_socket or next((path for path in DEFAULT_SOCKETS if host.has_socket(path)), "")
    if not path:
        return None, DockerSilence("is not here")
    from checks.docker_bridge.docker_api import DockerReplyError, read_docker
    from checks.frame.grants import user_name
    from checks.frame.paths import UnsafePath
    from checks.frame.unix_http import HttpError

    host.deadline.stage = f"asking Docker at {path}"
    try:
        with closing(host.http(path, min(_RESERVE_MAX, host.deadline.total * 0.3))) as http:
            return read_docker(http, path), None
    except (HttpError, DockerReplyError, UnsafePath) as error:
        return None, DockerSilence(str(error), broken=True, socket=path)
    except TimeoutError:
        return None, DockerSilence("did not take the connection in time", broken=True, socket=path)
    except PermissionError:
        return None, DockerSilence(f"may not be asked by {user_name()}", denied=True, broken=explicit, socket=path)
    except OSError as error:
        return None, DockerSilence(f"cannot be reached: {error.strerror}", broken=explicit, socket=path)


def _read_stray(host: Host, bridges: Sequence[Bridge], docker: DockerView) -> dict[str, Stray | None]:
    """Those bridges that have more ports than Docker has endpoints, also on a second look.

    When containers stop, their endpoints go before their ports: measured, 35 ports without an endpoint for a tenth of a
    second while 40 containers were removed.
    """
    networks = {network.bridge: network for network in docker.networks}
    suspects = [
        (bridge, networks[bridge.name])
        for bridge in bridges
        if bridge.name in networks and bridge.ports > len(docker.endpoints[networks[bridge.name].identity])
    ]
    stray: dict[str, Stray | None] = {bridge.name: None for bridge, _ in suspects}
    if not suspects or host.deadline.left(_RESERVE_MAX) < 2 * _SECOND_LOOK:
        return stray
    from checks.docker_bridge.docker_api import DockerReplyError, read_endpoints
    from checks.frame.unix_http import HttpError

    if not host.captured:
        time.sleep(_SECOND_LOOK)
    for bridge, network in suspects:
        try:
            with closing(host.http(docker.socket, _RESERVE_MAX)) as http:
                endpoints = len(read_endpoints(http, network))
            ports = tuple(read_ports(host, bridge))
        except (HttpError, DockerReplyError, OSError):
            continue
        if len(ports) > endpoints:
            stray[bridge.name] = Stray(ports, endpoints)
        else:
            del stray[bridge.name]
    return stray


def _read_routes(reader: Reader) -> tuple[str, ...] | None:
    from checks.docker_bridge.addresses import parse_routes

    text = reader.text(_ROUTES)
    if _ROUTES in reader.unread:
        return None
    try:
        return tuple(parse_routes(text))
    except ValueError:
        reader.unread[_ROUTES] = Unread(_ROUTES, "makes no sense")
        return None
