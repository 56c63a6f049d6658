"""One HTTPS request from inside a namespace: reads JSON {method, url, body, ca, user}, prints {status, reply}.

The status is 0 when there is no connection.
"""

from __future__ import annotations

import base64
import json
import ssl
import sys
import urllib.error
import urllib.request


def main() -> None:
    """Ask, and print the answer."""
    order = json.load(sys.stdin)
    request = urllib.request.Request(
        order["url"],
        None if order["body"] is None else json.dumps(order["body"]).encode(),
        {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "Authorization": "Basic " + base64.b64encode(order["user"].encode()).decode(),
        },
        method=order["method"],
    )
    try:
        with urllib.request.urlopen(
            request, timeout=10, context=ssl.create_default_context(cafile=order["ca"])
        ) as reply:
            print(json.dumps({"status": reply.status, "reply": json.load(reply)}))
    except urllib.error.HTTPError as error:
        print(json.dumps({"status": error.code, "reply": error.read().decode()}))
    except OSError as error:
        print(json.dumps({"status": 0, "reply": str(error)}))


if __name__ == "__main__":
    main()
