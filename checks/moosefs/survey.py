"""Reading: everything this check asks of the masters, the chunkservers and this host, before anything is judged."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from types import SimpleNamespace

from checks.frame.host import Host
from checks.frame.plugin import NothingHere
from checks.frame.unread import Reader, Unread, next_step
from checks.moosefs.configured import MASTER_PORT, Endpoint, local_addresses, masters, starred_disks
from checks.moosefs.talk import MooseTalk
from checks.moosefs.wire.frames import Request
from checks.moosefs.wire.info import COMMUNITY, INFO, LEADER, STATES, Info, parse_info
from checks.moosefs.wire.loop import CHUNK_LOOP, Loop, parse_loop
from checks.moosefs.wire.matrix import Matrix, class_matrix_request, matrix_requests, parse_matrix
from checks.moosefs.wire.servers import Server, parse_servers, server_list_request
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from checks.moosefs.wire.disks import Disk
    from checks.moosefs.wire.loop import FileSystemTest
    from checks.moosefs.wire.missing import MissingChunk

    Script = Generator[Request, bytes, object]

CHUNKS, MARKED, SERVERS, DISKS, METALOGGERS, METADATA, SPACE, FILES = PARTS = (
    "chunks",
    "marked",
    "servers",
    "disks",
    "metaloggers",
    "metadata",
    "space",
    "files",
)
_RESERVE = 0.3  # share of the time, and at most
_RESERVE_MAX = 1.0  # seconds, kept for the verdict
_DISKS_SECONDS = 3.0  # for all chunkservers together: they are a hop away, or not to be reached
_CLASSES_MAX = 64
_MISSING_MAX = 4 << 20  # bytes
_MISSING_SHOWN = 10


class MasterView(Record):
    """What the leading master said; None or () where it was not asked."""

    info: Info
    servers: tuple[Server, ...] | None = None
    matrix: Matrix | None = None
    loop: Loop | None = None
    files: FileSystemTest | None = None
    metaloggers: int | None = None
    missing: tuple[MissingChunk, ...] = ()
    classes: tuple[tuple[str, Matrix], ...] = ()  # by storage class
    by_tool: bool = False  # asked through mfscli


class Survey(Record):
    """What was seen of one cluster."""

    endpoint: Endpoint
    master: MasterView | None
    address: str  # of that master
    others: tuple[tuple[str, str], ...]  # (address, "follower" or "refused the connection") of the other masters
    elect: bool  # a master waits to be elected, and none leads
    disks: dict[str, tuple[Disk, ...]]  # by server
    disks_unseen: dict[str, str]  # server -> why
    starred: frozenset[str]  # paths starred in this host's mfshdd.cfg
    local: frozenset[str]  # this host's addresses, when disks are starred
    unread: tuple[Unread, ...]  # files of this host that might have said more


class NoMaster(Exception):
    """No master gave an account of the cluster; the text says what each of them did."""

    next_step = "look at the master: is mfsmaster running there, and is its port for clients open to this host?"
    tool = ""  # what mfscli did in its place


class UnknownMaster(NoMaster):
    """It answers, but in no way that is known here, and mfscli did not help."""

    next_step = "say which version it is to whoever maintains this check; the mfscli of MooseFS 4 would help"

    def __init__(self, reason: str, tool: str) -> None:
        super().__init__(reason)
        self.tool = f"; {tool}"


class UnreadConfiguration(NoMaster):
    """No master is known, and a file that may name one cannot be read: this is not NothingHere either."""

    def __init__(self, unread: Unread) -> None:
        super().__init__(f"no master known: {unread}")
        self.next_step = f"name the master with -H; {next_step(unread)}"


class SeveralMasters(NoMaster):
    """This host is configured for more than one: something is here, so this is not NothingHere."""

    next_step = "make a service for each of them"


def endpoint(reader: Reader, settings: SimpleNamespace) -> Endpoint:
    """The master to ask: -H and -p, or the one this host is configured for. Raises NothingHere, NoMaster."""
    if settings.hostname:
        return Endpoint(settings.hostname, settings.port or MASTER_PORT)
    found = configured_masters(reader)
    if not found:
        raise NothingHere("no MooseFS mount, client or chunkserver configured on this host; name the master with -H")
    if len(found) > 1:
        raise SeveralMasters(f"several masters configured ({', '.join(map(str, found))}); name one with -H")
    return Endpoint(found[0].host, settings.port or found[0].port)


def configured_masters(reader: Reader) -> list[Endpoint]:
    """The masters this host is configured for. Raises UnreadConfiguration where none is known for want of rights."""
    found = masters(reader)
    if not found and reader.unread:
        raise UnreadConfiguration(next(iter(reader.unread.values())))
    return found


def survey(host: Host, settings: SimpleNamespace, parts: frozenset[str]) -> Survey:
    """Ask everything the ``parts`` need. Raises NothingHere, NoMaster."""
    reader = Reader(host)
    place = endpoint(reader, settings)
    host.deadline.stage = f"asking the master {place}"
    view, address, others, elect = _ask_masters(host, place, parts, settings)
    starred, local = _starred(reader, settings, parts)
    disks, unseen = _ask_chunkservers(host, view, parts, starred, local) if view else ({}, {})
    unread = tuple(reader.unread.values())
    return Survey(place, view, address, others, elect, disks, unseen, frozenset(starred), frozenset(local), unread)


def name_of(server: Server) -> str:
    """How the master shows a server: ADDRESS:PORT."""
    return f"{server.address}:{server.port}"


def _reserve(host: Host) -> float:
    return min(_RESERVE_MAX, _RESERVE * host.deadline.total)


def _ask_masters(
    host: Host, place: Endpoint, parts: frozenset[str], settings: SimpleNamespace
) -> tuple[MasterView | None, str, tuple[tuple[str, str], ...], bool]:
    """The leader's account, its address, what the others are, and whether an election is under way."""
    try:
        addresses = host.resolve(place.host, _reserve(host))
    except OSError as error:
        raise NoMaster(f"{place.host}: {error}") from None
    talks = _converse(host, addresses, place.port, parts, settings)
    leading = [talk for talk in talks if talk.result and _leads(talk.result)]
    if not leading:
        # whoever follows knows whom: a name may have the addresses of some of the masters only
        told = {talk.result.info.leader for talk in talks if talk.result} - {"", *addresses}
        if told:
            more = _converse(host, sorted(told), place.port, parts, settings)
            talks += more
            leading = [talk for talk in more if talk.result and _leads(talk.result)]
    if leading:
        return leading[0].result, leading[0].address, _others(talks, leading[0]), False
    unknown = [talk for talk in talks if talk.unknown_layout]
    if unknown:
        return _by_tool(host, unknown[0], place), unknown[0].address, _others(talks, unknown[0]), False
    if any(talk.result for talk in talks):
        elect = any(talk.result and STATES.get(talk.result.info.state) == "elect" for talk in talks)
        return None, "", _others(talks, None), elect
    raise NoMaster(_silence(place, talks))


def _converse(
    host: Host, addresses: Sequence[str], port: int, parts: frozenset[str], settings: SimpleNamespace
) -> list[MooseTalk]:
    drafts: dict[str, MasterView] = {}
    talks = [
        MooseTalk(address, port, _master_script(address, parts, settings.verbose, drafts)) for address in addresses
    ]
    # half of the time when more may have to be asked: the leader that followers name, disks after a closer look
    share = 0.5 if len(addresses) > 1 or settings.verbose else 1.0
    host.converse(
        talks,
        share * host.deadline.left(_reserve(host)),
        lambda: any(talk.result and _leads(talk.result) for talk in talks),
    )
    for talk in talks:
        talk.result = talk.result or drafts.get(talk.address)
    return talks


def _leads(view: MasterView) -> bool:
    return view.info.state in (None, COMMUNITY, LEADER)


def _others(talks: Sequence[MooseTalk], leading: MooseTalk | None) -> tuple[tuple[str, str], ...]:
    return tuple(
        (talk.address, STATES.get(talk.result.info.state, "in a state unknown here") if talk.result else talk.problem)
        for talk in talks
        if talk is not leading and (talk.result or talk.problem)
    )


def _silence(place: Endpoint, talks: Sequence[MooseTalk]) -> str:
    """Why nothing was heard, of one master in full, of several in short."""
    if len(talks) > 1:
        return f"none of {len(talks)} masters answers: " + ", ".join(f"{t.address} {t.problem}" for t in talks)
    talk = talks[0]
    wrong = "closed the connection", "does not speak MooseFS' protocol for clients"
    hint = f"; is {place.port} its port for clients (9421)?" if talk.problem in wrong else ""
    return f"{place} {talk.problem}{hint}"


def _master_script(
    address: str, parts: frozenset[str], verbosity: int, drafts: dict[str, MasterView]
) -> Generator[Request, bytes, MasterView]:
    """What is asked of a master, in as few requests as it takes: INFO alone of one that does not lead.

    All that the verdict needs is in ``drafts`` before a closer look is taken, which may fail.
    """
    info = parse_info((yield INFO))
    view = MasterView(info)
    if not _leads(view):
        return view
    if parts & {CHUNKS, MARKED, SERVERS, DISKS}:
        view = view._replace(servers=_in_order(parse_servers(info, (yield server_list_request(info)))))
    if parts & {CHUNKS, MARKED}:
        requests = matrix_requests(info)
        replies = []
        for request in requests:
            replies.append((yield request))
        view = view._replace(
            matrix=parse_matrix(info, replies) if requests else None,
            loop=parse_loop((yield CHUNK_LOOP)),
        )
    if FILES in parts:
        from checks.moosefs.wire.loop import FS_TEST, parse_fs_test

        view = view._replace(files=parse_fs_test((yield FS_TEST)))
    if METALOGGERS in parts:
        from checks.moosefs.wire.servers import METALOGGERS as METALOGGER_LIST
        from checks.moosefs.wire.servers import parse_metaloggers

        view = view._replace(metaloggers=len(parse_metaloggers((yield METALOGGER_LIST))))
    drafts[address] = view
    if verbosity and view.matrix is not None and CHUNKS in parts:
        view = yield from _look_closer(view, view.matrix)
    return view


def _in_order(servers: tuple[Server, ...]) -> tuple[Server, ...]:
    """By address: the master's order is that in which they registered, another one after each of its restarts."""
    return tuple(sorted(servers, key=lambda server: ([int(part) for part in server.address.split(".")], server.port)))


def _look_closer(view: MasterView, matrix: Matrix) -> Generator[Request, bytes, MasterView]:
    """For people: which chunks are missing, and which storage classes lack copies."""
    from checks.moosefs.wire.classes import classes_request, parse_classes
    from checks.moosefs.wire.missing import missing_request, parse_missing

    info = view.info
    lost = missing_request(info)
    if matrix.missing and lost is not None:
        view = view._replace(
            missing=parse_missing(info, (yield lost._replace(reply_max=_MISSING_MAX)))[:_MISSING_SHOWN]
        )
    named = classes_request(info)
    if matrix.lacking and class_matrix_request(info, 0) is not None and named is not None:
        found = parse_classes(info, (yield named))
        for number in sorted(number for number, described in found.items() if described.has_chunks)[:_CLASSES_MAX]:
            request = class_matrix_request(info, number)
            if request is not None:
                one = parse_matrix(info, [(yield request)])
                view = view._replace(classes=(*view.classes, (found[number].name, one)))
    return view


def _by_tool(host: Host, talk: MooseTalk, place: Endpoint) -> MasterView:
    """What the installed mfscli makes of a master whose answers are not known here. Raises NoMaster."""
    from checks.moosefs.tool import ToolProblem, ask

    try:
        return ask(host, talk.address, place.port, _reserve(host))
    except ToolProblem as problem:
        raise UnknownMaster(f"{place}: {talk.problem}", str(problem)) from None


def _starred(reader: Reader, settings: SimpleNamespace, parts: frozenset[str]) -> tuple[set[str], set[str]]:
    if not parts & {MARKED, DISKS}:
        return set(), set()
    starred = starred_disks(reader, settings.hdd_config)
    return starred, local_addresses(reader) if starred else set()


def _ask_chunkservers(
    host: Host, view: MasterView, parts: frozenset[str], starred: set[str], local: set[str]
) -> tuple[dict[str, tuple[Disk, ...]], dict[str, str]]:
    """The disks of those servers whose disks matter, all asked at once; who cannot be reached costs only its own."""
    wanted = [
        server
        for server in view.servers or ()
        if not server.disconnected
        and (DISKS in parts or (MARKED in parts and (server.marked_total > 0 or (starred and server.address in local))))
    ]
    if not wanted:
        return {}, {}
    host.deadline.stage = f"asking {len(wanted)} chunkservers for their disks"
    talks = [MooseTalk(server.address, server.port, _disk_script()) for server in wanted]
    host.converse(talks, min(_DISKS_SECONDS, host.deadline.left(_reserve(host))))
    seen, unseen = {}, {}
    for server, talk in zip(wanted, talks):
        if talk.result is None:
            unseen[name_of(server)] = talk.problem
        else:
            seen[name_of(server)] = talk.result
    return seen, unseen


def _disk_script() -> Script:
    from checks.moosefs.wire.disks import DISKS, parse_disks

    return parse_disks((yield DISKS))
