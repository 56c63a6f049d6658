"""What each measure and each fact means: default ranges, states, words, and what to do about it."""

from __future__ import annotations

from checks.frame.readings import FactRule, Levels
from checks.tcp_window import assess
from perfdata.outcome import CRITICAL, OK, UNKNOWN, WARNING

_OWN_SCALE_ZERO = "ip route add {address}/32 via GATEWAY window 65535"
_OLD_ADVICE = "shrinking tcp_rmem does not help on current kernels"

LEVELS = {
    "wscale": Levels("1:", "", "Without it no connection has a window above 64 KiB."),
    "pipe_percent": Levels("100:", "", "With --rate and --rtt: share of the bandwidth that the buffers allow."),
    "stuck": Levels("0", "4", "A few are a bad line at their end; more are a path of yours."),
    "unscaled_percent": Levels("", "", "Off: some peers have no window scaling; a network of them is told anyway."),
    "rwnd_limited_percent": Levels("", "", "Of connections that have been sending: those that waited for windows."),
    "sndbuf_limited_percent": Levels("", "", "The same for their own send buffer."),
    "download_bytes_per_second": Levels("", "", "Of a probe, over 20 kB: far below what a long download reaches."),
    "upload_bytes_per_second": Levels("", "", "The same."),
    "rtt_seconds": Levels("", "", ""),
    "dead_peer_seconds": Levels("", "", "Off: it is a choice; NFS over TCP and databases block for so long."),
}

FACTS = {
    assess.SCALING_OFF: FactRule(
        WARNING,
        "tcp_window_scaling is off",
        "sysctl -w net.ipv4.tcp_window_scaling=1; to spare one broken path: ip route add PEER/32 via GATEWAY"
        " window 65535",
    ),
    assess.TOO_LARGE: FactRule(
        WARNING,
        "{name} maximum {size} above 1 GiB",
        "set the maximum of {name} to 1 GiB at most: no window can be larger",
    ),
    assess.NARROW: FactRule(OK, "{limit} allows {pace}, {needs} in flight would fill it"),
    assess.SHORT_FLIGHT: FactRule(
        WARNING,
        "initcwnd {initcwnd} below {wanted}",
        "ip route change (the words of this route) initcwnd {wanted}",
    ),
    assess.STUCK_ZEROED: FactRule(
        WARNING,
        "{count} stuck, {pieces} at a time: its scale zeroed on the way",
        "a middlebox rewrites the option in its SYN; for {item} alone, there: ip route add THIS-HOST/32"
        " via GATEWAY window 65535",
    ),
    assess.STUCK_STRIPPED: FactRule(
        WARNING,
        "{count} stuck, {pieces} at a time: its scale stripped on the way",
        "a middlebox removes the option from its SYN-ACK; for this host alone, at {item}: ip route add"
        " THIS-HOST/32 via GATEWAY window 65535",
    ),
    assess.UNSCALED: FactRule(
        WARNING,
        "{unscaled} of {count} connections without window scaling",
        "ask a peer there for its net.ipv4.tcp_window_scaling; if it is 1, probe the path: check_tcp_window"
        " --probe PEER:PORT",
    ),
    assess.LOST: FactRule(
        WARNING,
        "{percent}% of {count} connections lost window scaling since {since}",
        "a firewall on the way was changed then, or peers were; --accept once explained",
    ),
    "path_fine": FactRule(OK, "fine, scales {scales}{pace}"),
    "handshake_fine": FactRule(OK, "handshake fine, scales {scales}; no transfer was made"),
    "handshake_unclear": FactRule(
        OK, "handshake with scale 0 from the peer: small buffers, or zeroed; no transfer was made"
    ),
    "path_strips": FactRule(
        WARNING,
        "has no window scaling: stripped from our SYN, or not supported by the peer{pace}",
        "undergoal tcp-responder at the other end and --responder here tell which of them",
    ),
    "path_strips_syn": FactRule(
        WARNING,
        "strips the window scale from our SYN{pace}",
        "find the firewall that removes TCP option 3 (iptables TCPOPTSTRIP, nft reset tcp option window)",
    ),
    "path_strips_synack": FactRule(
        CRITICAL,
        "strips the window scale from the peer's SYN-ACK{window}{pace}",
        "find the firewall that removes TCP option 3; until then, at {address}: ip route add THIS-HOST/32"
        " via GATEWAY window 65535",
    ),
    "path_zeroes_to_us": FactRule(
        CRITICAL,
        "zeroes the peer's window scale{window}{pace}",
        "find the middlebox that rewrites TCP option 3; until then, at {address}: ip route add THIS-HOST/32"
        " via GATEWAY window 65535",
    ),
    "path_zeroes_to_peer": FactRule(
        CRITICAL,
        "zeroes our window scale: peer sees {sees} bytes, not {offered}{pace}",
        f"find the middlebox that rewrites TCP option 3; until then: {_OWN_SCALE_ZERO} ({_OLD_ADVICE})",
    ),
    "path_tracks": FactRule(
        CRITICAL,
        "has a firewall that tracks windows without their scale{pace}",
        "find the firewall that drops segments as out of window; until then, at both ends:"
        f" {_OWN_SCALE_ZERO} ({_OLD_ADVICE})",
    ),
    "path_stalls": FactRule(
        UNKNOWN,
        "stalls{pace}, and not by the window scale",
        "is the peer hung, or does the path drop large packets? ping -M do -s 1472 {address}",
    ),
    "path_crawls": FactRule(
        UNKNOWN,
        "crawls{pace}; no second look showed whether it is the window scale",
        "give it more time: -t 12",
    ),
    "peer_bare": FactRule(OK, "has a peer without TCP options, as with SYN cookies without timestamps{pace}"),
    "own_scaling_off": FactRule(OK, "not judged: tcp_window_scaling is off here{pace}"),
    "peer_scaling_off": FactRule(
        WARNING,
        "fine, but tcp_window_scaling is off there{pace}",
        "at {address}: sysctl -w net.ipv4.tcp_window_scaling=1",
    ),
    "too_small": FactRule(UNKNOWN, "sent too little to judge a download", "name a file of 20 kB or more with --http"),
}
