"""Icinga 2's API: actions/process-check-result over HTTPS (Icinga 2 documentation, "12. REST API").

Only through verified TLS; no redirect is followed, no proxy and no .netrc of the environment is used. When an answer
is lost on its way nobody knows whether the result arrived: then Icinga is asked, before anything is sent again.
"""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from checks.delivery.results import Later, Rejected, Result
from checks.frame.printable import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import requests

_CONNECT, _ANSWER = 5.0, 10.0  # seconds
_REASON_MAX = 120
_SAME_MOMENT = 0.001  # seconds that a timestamp may lose on its way through JSON and back


def api_url(text: str) -> str:
    """A checked https://HOST[:PORT]. Raises ValueError."""
    parts = urlsplit(text)
    if parts.scheme != "https":
        raise ValueError("needs https://HOST[:PORT]; results and credentials never go over plain HTTP")
    if "@" in parts.netloc:
        raise ValueError("holds credentials, which everybody can read there: put them into a file")
    if not parts.hostname or parts.query or parts.fragment or parts.path.strip("/"):
        raise ValueError("needs https://HOST[:PORT] and nothing after it")
    return f"https://{parts.netloc}"


class IcingaApi:
    """One connection for all results."""

    def __init__(
        self, url: str, login: tuple[str, str] | None, authority: str, certificate: tuple[str, str] | None, source: str
    ) -> None:
        """``authority``: a file of CA certificates, "" for the system's; ``source``: who says it, for Icinga."""
        import requests

        self.name = url
        self._url = url
        self._source = source
        self._unclear: set[Result] = set()  # sent, but the answer was lost
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = authority or True
        self._session.auth = login
        self._session.cert = certificate
        self._session.headers["Accept"] = "application/json"

    def send(self, result: Result) -> None:
        """See Target."""
        if result in self._unclear:
            arrived = self._arrived(result)
            self._unclear.discard(result)
            if arrived:
                return
        body = {
            "type": "Service",
            "service": f"{result.host}!{result.service}",
            "exit_status": result.state,
            "plugin_output": result.text,
            "performance_data": result.perfdata.split(),
            "check_source": self._source,
            "execution_start": result.start,
            "execution_end": result.end,
        }
        reply = self._ask("POST", "/v1/actions/process-check-result", result, body)
        self._judge(reply, result)

    def _ask(self, method: str, target: str, result: Result | None, body: object = None) -> requests.Response:
        """One request. ``result`` is what it carries, which nobody knows about if the answer is lost."""
        import requests

        try:
            return self._session.request(
                method, self._url + target, json=body, timeout=(_CONNECT, _ANSWER), allow_redirects=False
            )
        except requests.exceptions.SSLError as error:
            raise Rejected(_tls_reason(error)) from None
        except OSError as error:  # all of requests' are, also a file of certificates that is not there
            if _never_connected(error):
                raise Later("cannot be reached") from None
            if not isinstance(error, requests.exceptions.RequestException):
                raise Rejected(printable(str(error), _REASON_MAX)) from None
            if result is not None:
                self._unclear.add(result)
            raise Later("broke off before it answered") from None

    def _judge(self, reply: requests.Response, result: Result) -> None:
        """Raises Rejected or Later unless the result was taken."""
        if reply.status_code in (301, 302, 303, 307, 308):
            raise Rejected("redirects to another place, which is not followed")
        if reply.status_code in (401, 403):
            raise Rejected("does not know these credentials, or they may not process check results")
        if reply.status_code == 404:
            raise Rejected(f"has no service {result.host}!{result.service}, or these credentials may not see it")
        if reply.status_code in (429, 502, 503, 504):
            raise Later(f"answered {reply.status_code} {printable(reply.reason, 40)}")
        rows = _rows(reply)
        codes = [int(row.get("code", 0)) for row in rows]
        if reply.status_code == 200 and codes and all(code == 200 for code in codes):
            return
        if codes == [409]:  # a newer result is there already: this one is history
            return
        said = " ".join(str(row.get("status", "")) for row in rows)
        raise Rejected(f"answered {reply.status_code} {printable(said or reply.reason, _REASON_MAX)}")

    def _arrived(self, result: Result) -> bool:
        """Whether Icinga has this result, or a newer one. Raises Rejected when it does not say."""
        name = quote(f"{result.host}!{result.service}", safe="")
        reply = self._ask("GET", f"/v1/objects/services/{name}?attrs=last_check_result", None)
        if reply.status_code in (429, 502, 503, 504):
            raise Later(f"answered {reply.status_code} {printable(reply.reason, 40)}")
        try:
            last = _rows(reply)[0]["attrs"]["last_check_result"]
            return last is not None and float(last["execution_end"]) >= result.end - _SAME_MOMENT
        except (LookupError, TypeError, ValueError):
            raise Rejected(
                "broke off, and does not say whether it arrived (objects/query/Service is needed): not sent again"
            ) from None


def _rows(reply: requests.Response) -> list[dict[str, Any]]:
    try:
        rows = reply.json()["results"]
    except (ValueError, LookupError, TypeError):
        return []
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _never_connected(error: BaseException) -> bool:
    """Whether nothing can have been sent: there was no connection at all."""
    import requests
    from urllib3.exceptions import NewConnectionError

    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", cause), NewConnectionError)


def _tls_reason(error: BaseException) -> str:
    """The verdict of OpenSSL, out of the wrappings."""
    text = str(error)
    found = text.partition("certificate verify failed: ")[2].partition(" (_ssl")[0].rstrip(")'")
    return f"is not trusted: {printable(found, 80)}" if found else f"TLS failed: {printable(text[-80:], 80)}"
