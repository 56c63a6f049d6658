"""A download from, or an upload to a web server over a connection whose tcp_info is looked at: http.client speaks."""

from __future__ import annotations

from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlsplit

from checks import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ssl import SSLContext

    from checks.tcp_window.connection import Connection

_AGENT = f"undergoal/{__version__} check_tcp_window"
_READ_SIZE = 16384
_LEAST = 0.05  # seconds: none at all would mean not to wait


def parse_url(text: str) -> tuple[str, int, str]:
    """Host, port and the URL itself. Raises ValueError."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or not text.isascii() or parts.username:
        raise ValueError("needs a URL such as http://192.0.2.10/file")
    if any(c <= " " or c == "\x7f" for c in text):
        raise ValueError("needs a URL without blanks")
    return parts.hostname, parts.port or (443 if parts.scheme == "https" else 80), text


def _path(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


class Body:
    """What a server sends for a URL; everything that takes time is made before the connection is."""

    def __init__(self, url: str) -> None:
        self.problem = ""
        self._url = url
        self._response: HTTPResponse | None = None
        self._talk = HTTPConnection(urlsplit(url).netloc)
        self._tls: SSLContext | None = None
        if urlsplit(url).scheme == "https":
            import ssl

            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self._tls.check_hostname = False  # the path is looked at, not the server; nothing secret is said
            self._tls.verify_mode = ssl.CERT_NONE

    def _begin(self, connection: Connection) -> HTTPResponse:
        if self._tls is not None:
            name = urlsplit(self._url).hostname
            connection.socket = self._tls.wrap_socket(connection.socket, server_hostname=name)
        connection.socket.settimeout(max(_LEAST, connection.patience()))
        self._talk.sock = connection.socket
        self._talk.request("GET", _path(self._url), headers={"User-Agent": _AGENT, "Accept-Encoding": "identity"})
        connection.socket.settimeout(max(_LEAST, connection.patience()))
        response = self._talk.getresponse()
        if response.status >= 300:
            self.problem = f"answered with HTTP status {response.status}"
            if response.status < 400:
                self.problem += " (a redirection: name the URL it leads to)"
        return response

    def read(self, connection: Connection) -> bytes:
        """Some bytes of it, b"" at its end; it is asked for at the first read."""
        if self._response is None:
            self._response = self._begin(connection)
        return self._response.read1(_READ_SIZE)


def post_head(url: str, size: int) -> bytes:
    """What comes before ``size`` bytes of an upload. Raises ValueError for https, whose bytes are not ours to send."""
    parts = urlsplit(url)
    return (
        f"POST {_path(url)} HTTP/1.1\r\nHost: {parts.netloc}\r\nUser-Agent: {_AGENT}\r\n"
        f"Content-Type: application/octet-stream\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n"
    ).encode("ascii")
