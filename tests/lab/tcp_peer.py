"""The far end of a path: a web server, a port that sends for ever and one that takes for ever. Ends with its stdin.

As a script: argument 1 is the address to listen on, argument 2 SO_RCVBUF of what is accepted or 0, argument 3, if any,
a file with a certificate and its key, for the web server to speak TLS too.
"""

from __future__ import annotations

import http.server
import socket
import ssl
import sys
import threading
import time
from contextlib import suppress

WEB, WEB_TLS, SOURCE, SINK, SLUGGISH, BULK = 8080, 8443, 5001, 5002, 5003, 5004
FILE_SIZE = 1 << 20


class _Web(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """/file is long; /small is short; /slow drips; /hang never comes; /moved is elsewhere."""
        if self.path == "/hang":
            threading.Event().wait(30)
        self.send_response(302 if self.path == "/moved" else 200)
        if self.path == "/moved":
            self.send_header("Location", "/file")
        content = b"w" * (200 if self.path in ("/small", "/moved") else FILE_SIZE)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with suppress(OSError):
            if self.path == "/slow":
                for _ in range(60):
                    self.wfile.write(b"s" * 100)
                    threading.Event().wait(0.2)
            self.wfile.write(content)

    def do_POST(self) -> None:
        """Takes everything."""
        with suppress(OSError):
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            self.send_response(200)
            self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


def _source(connection: socket.socket) -> None:
    with suppress(OSError):
        while True:
            connection.send(b"d" * 16384)
            time.sleep(0.02)  # as much as is needed to be always busy where a window is misread


def _bulk(connection: socket.socket) -> None:
    with suppress(OSError):
        while True:
            connection.send(b"b" * 262144)


def _sink(connection: socket.socket) -> None:
    with suppress(OSError):
        while connection.recv(1 << 20):
            pass


def _sluggish(connection: socket.socket) -> None:
    """Reads a little, and then nothing any more."""
    with suppress(OSError):
        connection.recv(1000)
        threading.Event().wait(60)


def _listen(address: str, port: int, buffer: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if buffer:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    listener.bind((address, port))
    listener.listen(256)
    return listener


def _serve(listener: socket.socket, work: object) -> None:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=work, args=(connection,), daemon=True).start()  # type: ignore[arg-type]


def main() -> None:
    """Serve until stdin ends."""
    address, buffer, certificate = sys.argv[1], int(sys.argv[2]), "".join(sys.argv[3:])
    for port, work in ((SOURCE, _source), (SINK, _sink), (SLUGGISH, _sluggish), (BULK, _bulk)):
        threading.Thread(target=_serve, args=(_listen(address, port, buffer), work), daemon=True).start()
    for port in (WEB, WEB_TLS) if certificate else (WEB,):
        web = http.server.ThreadingHTTPServer((address, port), _Web)
        if buffer:
            web.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        if port == WEB_TLS:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            # the handshake is made when something is read, by the thread that reads it
            web.socket = context.wrap_socket(web.socket, server_side=True, do_handshake_on_connect=False)
        web.handle_error = lambda *_: None  # type: ignore[method-assign]
        threading.Thread(target=web.serve_forever, daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
