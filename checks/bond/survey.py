"""Reading: everything this check looks at, once, before anything is judged.

No file is read that waits for the kernel's rtnl lock (speed, duplex and carrier in sysfs do), which a wedged driver
holds for ever. psutil has addresses and speeds too, but not who owns a MAC; importing it costs more than all of this.
"""

from __future__ import annotations

from types import SimpleNamespace

from checks.bond.proc_bonding import BondingTextError, BondText, parse_bonding
from checks.frame import selection
from checks.frame.host import Host
from checks.frame.unread import Reader
from perfdata.record import Record

_PROC, _NET = "/proc/net/bonding", "/sys/class/net"
MACHINE_ID = "/etc/machine-id"
_ADMIN_UP = 1  # IFF_UP
_PERMANENT = 0  # NET_ADDR_PERM
RANDOM, STOLEN, PINNED = 1, 2, 3  # linux/netdevice.h: NET_ADDR_RANDOM, NET_ADDR_STOLEN, NET_ADDR_SET
OTHER_NAMESPACE = "/sys shows another network namespace than /proc"


class LinkExtra(Record):
    """What sysfs adds to a link; None and "" where a capture does not have it."""

    address: str  # its MAC now
    carrier_changes: int | None  # up and down, since the interface was made


class Bond(Record):
    """One bond and all that belongs to it."""

    name: str
    text: BondText
    address: str  # "" in a capture without sysfs
    assigned: int  # addr_assign_type: RANDOM, STOLEN, PINNED; 0 where an old kernel or a capture does not say
    ifindex: int
    admin_up: bool
    actor_system: str  # the LACP system that was set; "" for none, or where it is not shown
    extras: dict[str, LinkExtra]  # by link
    uppers: tuple[str, ...]  # interfaces on top of it: VLANs, bridges
    made_from: dict[str, list[str]]  # itself and its uppers -> identifiers of addresses that were made from a MAC
    upper_addresses: dict[str, str]  # upper -> its MAC, where it has such an address


class Survey(Record):
    """What was seen of this host."""

    bonds: tuple[Bond, ...]
    unreadable: dict[str, str]  # bond -> why
    absent: tuple[str, ...]  # bonds that were named and are not there
    empty: tuple[str, ...]  # bonds without links that nobody switched on: the module makes bond0 so
    teams: tuple[str, ...]
    outside: dict[str, str]  # hardware interfaces in no bond -> permanent MAC
    stacked: frozenset[str]  # links that have their MAC from an interface below them (VLANs), of those with a MAC twice
    machine: str  # machine-id


def matches(name: str, settings: SimpleNamespace) -> bool:
    """Whether --bond and --exclude let this one pass."""
    return selection.matches(name, settings.bond, settings.exclude)


def list_bonds(host: Host) -> list[str]:
    """The bonds of this process's network namespace; none where the driver is not loaded. Raises OSError."""
    try:
        return sorted(host.entries(_PROC))
    except FileNotFoundError:
        return []


def list_teams(host: Host) -> list[str]:
    """The devices of the team driver. Raises OSError."""
    # asked only where the driver is there: an answer of netlink's takes longer than the rest of a run
    if not host.captured and not host.exists("/sys/module/team"):
        return []
    return sorted(link.name for link in host.links("team"))


def survey(reader: Reader, settings: SimpleNamespace) -> Survey:
    """Read the bonds, and what stands beside them. Raises OSError when bonds cannot be listed."""
    host = reader.host
    host.deadline.stage = "listing bonds"
    listed = list_bonds(host)
    wanted = [name for name in listed if matches(name, settings)]
    made_from = _made_from(reader)
    bonds, unreadable, empty = [], {}, []
    for name in wanted:
        host.deadline.stage = f"reading {name}"
        try:
            bond = _read(reader, name, made_from)
            if not bond.text.links and not bond.admin_up:
                empty.append(name)
            else:
                bonds.append(bond)
        except FileNotFoundError:
            if name in list_bonds(host):  # else it was removed since it was listed
                unreadable[name] = OTHER_NAMESPACE
        except OSError as error:
            unreadable[name] = f"cannot be read: {error.strerror}"
        except (BondingTextError, ValueError) as error:
            unreadable[name] = str(error)
    if not listed and host.exists(f"{_NET}/bonding_masters"):
        unreadable.update((name, OTHER_NAMESPACE) for name in _masters(host) if matches(name, settings))
    named = selection.named(settings.bond)
    teams = tuple(name for name in list_teams(host) if matches(name, settings))
    outside = _outside(reader, bonds) if bonds and not _without_sysfs(host) else {}
    return Survey(
        tuple(bonds),
        unreadable,
        tuple(name for name in named if name not in listed and name not in teams and name not in unreadable),
        tuple(empty),
        teams,
        outside,
        _stacked(host, bonds, outside),
        machine_id(reader),
    )


def machine_id(reader: Reader) -> str:
    """The first digits of this installation's machine-id; "" where there is none, or it cannot be read."""
    return reader.text(MACHINE_ID)[:64].encode("ascii", "replace").decode().strip()[:12]


def _masters(host: Host) -> list[str]:
    """Bonds that sysfs shows; those with links only, as every namespace may have an empty bond0."""
    names = [name for name in host.text(f"{_NET}/bonding_masters").split(" ") if name.strip()]
    return [name.strip("\n") for name in names if _optional(host, f"{_NET}/{name.strip()}/bonding/slaves").strip()]


def _optional(host: Host, path: str) -> str:
    """The first line of a file; "" where there is none."""
    try:
        return host.text(path).partition("\n")[0]
    except FileNotFoundError:
        return ""


def _made_from(reader: Reader) -> dict[str, list[str]]:
    from checks.bond.addresses import parse_link_local

    return parse_link_local(reader.text("/proc/net/if_inet6"))


def _read(reader: Reader, name: str, made_from: dict[str, list[str]]) -> Bond:
    """One bond. Raises OSError, BondingTextError, ValueError with the reason."""
    host = reader.host
    if _without_sysfs(host):
        text = parse_bonding(host.text(f"{_PROC}/{name}"))
        nothing = {link.name: LinkExtra("", None) for link in text.links}
        return Bond(name, text, "", 0, 0, bool(text.links), "", nothing, (), {}, {})
    directory = f"{_NET}/{name}"
    text, names = _consistent(host, name)
    ifindex = host.number(f"{directory}/ifindex")
    if host.ifindex(name) not in (ifindex, None):
        raise ValueError(OTHER_NAMESPACE)
    address = host.text(f"{directory}/address").strip()
    if not address:
        raise ValueError("its MAC cannot be read")
    flags = _optional(host, f"{directory}/flags")
    uppers = tuple(sorted(entry[6:] for entry in names if entry.startswith("upper_")))
    tagged = {upper: made_from[upper] for upper in (name, *uppers) if upper in made_from and _by_mac(reader, upper)}
    return Bond(
        name,
        text,
        address,
        host.number(f"{directory}/addr_assign_type") or 0,
        ifindex or 0,
        bool(int(flags, 16) & _ADMIN_UP) if flags else bool(text.links),
        _actor_system(host, directory) if text.system else "",
        {link.name: _extra(host, link.name) for link in text.links},
        uppers,
        tagged,
        {upper: _optional(host, f"{_NET}/{upper}/address") for upper in tagged if upper != name},
    )


def _consistent(host: Host, name: str) -> tuple[BondText, list[str]]:
    """The driver's text, and the names in sysfs' directory, which agree on the links: on the second look at the latest.

    They can differ for a moment while a link is added, and for good when sysfs shows another namespace.
    """
    for _ in range(2):
        text = parse_bonding(host.text(f"{_PROC}/{name}"))
        names = host.entries(f"{_NET}/{name}")
        lowers = {entry[6:] for entry in names if entry.startswith(("lower_", "slave_"))}  # the latter before 3.14
        if lowers == {link.name for link in text.links} or (host.captured and not lowers):
            return text, names
    raise ValueError("its links differ between /proc and /sys (another network namespace?)")


def _without_sysfs(host: Host) -> bool:
    """Whether this is a capture of /proc only."""
    return host.captured and not host.exists(_NET)


def _by_mac(reader: Reader, name: str) -> bool:
    """Whether this interface makes its addresses from its MAC; a capture that does not say does."""
    path = f"/proc/sys/net/ipv6/conf/{name}/addr_gen_mode"
    return reader.text(path).strip() in ("0", "") and path not in reader.unread


def _actor_system(host: Host, directory: str) -> str:
    text = _optional(host, f"{directory}/bonding/ad_actor_system").strip()
    return "" if text == "00:00:00:00:00:00" else text


def _extra(host: Host, link: str) -> LinkExtra:
    return LinkExtra(
        _optional(host, f"{_NET}/{link}/address").strip(),
        host.number(f"{_NET}/{link}/carrier_changes"),
    )


def _stacked(host: Host, bonds: list[Bond], outside: dict[str, str]) -> frozenset[str]:
    """Links that stand on another interface and so have its MAC, which several may have; asked of suspects only."""
    owners: dict[str, list[str]] = {}
    for bond in bonds:
        for link in bond.text.links:
            owners.setdefault(link.permanent, []).append(link.name)
    taken = set(outside.values())
    suspects = [name for mac, names in owners.items() if mac and (len(names) > 1 or mac in taken) for name in names]
    return frozenset(name for name in suspects if _has_lower(host, name))


def _has_lower(host: Host, name: str) -> bool:
    try:
        return any(entry.startswith("lower_") for entry in host.entries(f"{_NET}/{name}"))
    except OSError:
        return False


def _outside(reader: Reader, bonds: list[Bond]) -> dict[str, str]:
    """Hardware interfaces that are in no bond, with the MACs they were made with.

    Not those that have another's MAC by design: ports of a switch chip (their iflink is another's index), further
    interfaces of a radio, functions that stand behind a master.
    """
    host = reader.host
    inside = {link.name for bond in bonds for link in bond.text.links}
    found = {}
    for name in host.entries(_NET):
        directory = f"{_NET}/{name}"
        try:
            if name in inside or not host.exists(f"{directory}/device") or host.exists(f"{directory}/phy80211"):
                continue
            behind = host.exists(f"{directory}/master") and not host.exists(f"{directory}/brport")
            own = host.number(f"{directory}/iflink") == host.number(f"{directory}/ifindex")
            if own and not behind and host.number(f"{directory}/addr_assign_type") == _PERMANENT:
                found[name] = host.text(f"{directory}/address").strip()
        except PermissionError as error:
            reader.note(directory, error)
        except (OSError, ValueError):
            continue  # it went away, or is stranger than a network card
    return found
