"""From what each end of a connection saw to the fault of the path between them: pure, no clock, no I/O.

What is told apart, and by what:

- both ends: the scale that one announced against the one that arrived at the other decides;
- one end: the option missing in the handshake; the peer's window whose right edge moved back, which no peer may do
  (RFC 9293, 3.8.6) and so was misread here; a download that crawls or stalls, but not with a window without scale.
"""

from __future__ import annotations

from perfdata.record import Record

FINE = "path_fine"
HANDSHAKE_FINE = "handshake_fine"
HANDSHAKE_UNCLEAR = "handshake_unclear"
STRIPPED = "path_strips"
STRIPPED_SYN = "path_strips_syn"
STRIPPED_SYNACK = "path_strips_synack"
ZEROED_TO_US = "path_zeroes_to_us"
ZEROED_TO_PEER = "path_zeroes_to_peer"
TRACKED = "path_tracks"
STALLED = "path_stalls"
BARE = "peer_bare"
OWN_OFF = "own_scaling_off"
PEER_OFF = "peer_scaling_off"
CRAWLS = "path_crawls"
TOO_SMALL = "too_small"

_EDGE_SLACK = 1 << 14  # bytes: a scaled window is rounded down to its unit
_EDGE_FACTOR = 8
_STALL = 1.8  # seconds without data: a window of crumbs takes one or less from one to the next
_SEGMENTS_LEAST = 3
_DOUBLINGS = 2
_FEW = 10
_BETTER = 4  # times as fast: then it was the scale


class End(Record):
    """One end of a connection after its handshake."""

    scaling: bool  # both SYN had the option, as seen here
    sent: int  # the scale this end announced
    got: int  # the scale of the peer, as it arrived here
    bare: bool  # no option at all was agreed on
    offers: bool  # this host's own setting
    cookies: bool = False  # this host answers with SYN cookies, or did


class Download(Record):
    """Data towards us."""

    received: int  # bytes
    segments: int | None
    seconds: float
    gap: float  # seconds at the end without data
    raw_window: int  # what a peer sees that knows no scale
    rtt: float
    complete: bool  # all that was asked for
    scale: int  # announced by us

    @property
    def rate(self) -> float:
        """Bytes per second."""
        return self.received / self.seconds if self.seconds > 0 else 0.0

    @property
    def stalls(self) -> bool:
        """Something is missing, and nothing comes any more."""
        return not self.complete and self.gap >= _STALL

    @property
    def crawls(self) -> bool:
        """Segments of the size that a peer sends who knows no scale, and few of them in a round trip."""
        if self.scale == 0 or self.stalls or self.rate * self.rtt > _FEW * self.raw_window:
            return False
        if self.segments is None:  # before Linux 4.6
            return not self.complete
        return self.segments >= _SEGMENTS_LEAST and self.received <= self.segments * self.raw_window

    @property
    def suspicious(self) -> bool:
        """Worth a second look with a window that needs no scale."""
        return self.stalls or self.crawls


class Upload(Record):
    """Data towards the peer."""

    acked: int  # bytes
    seconds: float
    complete: bool
    shrunk: bool  # the right edge of the peer's window moved back
    starved: bool  # waited for a window smaller than a segment nearly all the time
    backoff: int  # doublings of the retransmission timer
    gap: float  # seconds at the end in which nothing was acknowledged

    @property
    def stalls(self) -> bool:
        """Something is missing, is sent again and again, and nothing is acknowledged any more."""
        return not self.complete and self.backoff >= _DOUBLINGS and self.gap >= _STALL

    @property
    def rate(self) -> float:
        """Bytes per second."""
        return self.acked / self.seconds if self.seconds > 0 else 0.0


class Seen(Record):
    """All that is known of a path."""

    near: End
    far: End | None = None
    shrunk: bool = False  # on any connection: see Upload
    download: Download | None = None
    again: Download | None = None  # the same with a window that needs no scale
    upload: Upload | None = None


def edge_moved_back(first_window: int | None, acked: int | None, window: int | None) -> bool:
    """Whether the peer's window now ends before it did in the handshake, whose window is never scaled.

    And by far: a proxy that answers the handshake for a server may promise somewhat more than the server has.
    """
    if first_window is None or acked is None or window is None or acked <= 0:
        return False
    return acked + window < first_window - _EDGE_SLACK and window * _EDGE_FACTOR <= first_window


def classify(seen: Seen) -> str:
    """The fault, or FINE."""
    by_handshake = _by_both_ends(seen.near, seen.far) if seen.far else _by_handshake(seen)
    if by_handshake:
        return by_handshake
    if seen.shrunk or (seen.upload is not None and (seen.upload.shrunk or seen.upload.starved)):
        return ZEROED_TO_US
    by_transfer = _by_transfer(seen)
    if by_transfer:
        return by_transfer
    if seen.download or seen.upload:
        return FINE
    return HANDSHAKE_FINE if seen.near.got else HANDSHAKE_UNCLEAR


def _by_both_ends(near: End, far: End) -> str:
    if near.scaling and far.scaling:
        if far.got != near.sent:
            return ZEROED_TO_PEER
        return ZEROED_TO_US if near.got != far.sent else ""
    if far.scaling:
        return STRIPPED_SYNACK
    if not near.offers:
        return OWN_OFF
    if not far.offers:
        return PEER_OFF
    if far.bare and far.cookies:
        return BARE
    return STRIPPED_SYN


def _by_handshake(seen: Seen) -> str:
    near = seen.near
    if near.scaling:
        return ""
    if seen.shrunk or (seen.upload is not None and (seen.upload.shrunk or seen.upload.starved)):
        return STRIPPED_SYNACK
    if not near.offers:
        return OWN_OFF
    return BARE if near.bare else STRIPPED


def _by_transfer(seen: Seen) -> str:
    upload, download, again = seen.upload, seen.download, seen.again
    if upload is not None and upload.stalls:
        return TRACKED if upload.acked > 0 else STALLED
    if download is None:
        return "" if upload is None or upload.complete or upload.acked > 0 else STALLED
    if download.suspicious and again is not None and _scale_was_it(download, again):
        return TRACKED if download.stalls else ZEROED_TO_PEER
    if download.stalls:
        return STALLED
    if download.crawls and again is None and seen.far is None:
        return CRAWLS
    if download.complete and (download.segments or 0) < _SEGMENTS_LEAST:
        return TOO_SMALL
    return ""


def _scale_was_it(scaled: Download, unscaled: Download) -> bool:
    if unscaled.scale != 0 or unscaled.stalls:
        return False
    return unscaled.received > 0 and unscaled.rate >= _BETTER * scaled.rate
