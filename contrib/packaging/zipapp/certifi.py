"""certifi for the zipapp: the certificates that the system trusts, which its administrator keeps up to date.

The real one would unpack its own list into a temporary file in every run.
"""

from __future__ import annotations

import os

_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Arch, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # SUSE
)


def where() -> str:
    """The file with the system's CA certificates; when there is none, requests says which one it missed."""
    return next((path for path in _BUNDLES if os.path.exists(path)), _BUNDLES[0])


def contents() -> str:
    """What is in it."""
    with open(where(), encoding="ascii", errors="replace") as file:
        return file.read()
