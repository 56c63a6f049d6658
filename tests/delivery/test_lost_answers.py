"""An API that breaks off, redirects or lies: nothing twice, nothing lost silently, no secret in a wrong place."""

from __future__ import annotations

import http.server
import json
import re
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from checks.delivery.icinga_api import IcingaApi, api_url
from checks.delivery.nagios_files import Spool, one_text
from checks.delivery.results import Later, Rejected, Result, deliver
from checks.delivery.secrets import NoCredentials, credentials

RESULT = Result("web1", "bond", 2, "BOND CRITICAL - bond0 down\nnext: look", "bond0_slaves=1;2:", 100.5, 101.25)
LOGIN = ("submitter", "a-secret")
pytestmark = pytest.mark.needs("openssl")


class Api(http.server.ThreadingHTTPServer):
    """Answers as its script says; what it was asked, and the results it took."""

    may_ask = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.script: list[str] = []
        self.taken: list[dict[str, Any]] = []
        self.asked: list[str] = []


class Answer(http.server.BaseHTTPRequestHandler):
    """One request."""

    server: Api
    protocol_version = "HTTP/1.1"

    def _reply(self, status: int, document: object, **headers: str) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        step = self.server.script.pop(0) if self.server.script else "take"
        self.server.asked.append(f"POST {step}")
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if step in ("take", "take and break off"):
            self.server.taken.append(body)
        if step.endswith("break off"):
            self.close_connection = True
            return
        if step == "busy":
            self._reply(503, {"error": 503, "status": "Icinga is reloading."})
        elif step == "redirect":
            host, port = self.server.server_address[:2]
            self._reply(307, {}, Location=f"http://{host!s}:{port}/elsewhere")
        elif step == "refuse":
            self._reply(500, {"results": [{"code": 500, "status": "no\x1b[31m | such <thing>"}]})
        elif step == "nonsense":
            self._reply(200, ["what?"])
        elif step == "nothing":
            self._reply(200, {"results": []})
        else:
            self._reply(200, {"results": [{"code": 200, "status": "Successfully processed check result"}]})

    def do_GET(self) -> None:
        self.server.asked.append("GET")
        if not self.server.may_ask:
            self._reply(403, {"error": 403, "status": "Missing permission"})
            return
        last = self.server.taken[-1] if self.server.taken else None
        self._reply(200, {"results": [{"attrs": {"last_check_result": last}}]})

    def log_message(self, format: str, *args: object) -> None:
        """Not on stderr."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key", "-out", "crt"],
        cwd=place, check=True, capture_output=True,
    )  # fmt: skip
    return place


@pytest.fixture
def api(certificate: Path) -> Iterator[Api]:
    server = Api()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "crt", certificate / "key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def target(api: Api, certificate: Path) -> IcingaApi:
    return IcingaApi(f"https://127.0.0.1:{api.server_address[1]}", LOGIN, str(certificate / "crt"), None, "web1")


def no_pause(_: float) -> None:
    return


@pytest.mark.parametrize(
    ("script", "asked"),
    [
        ([], ["POST take"]),
        (["busy", "busy"], ["POST busy", "POST busy", "POST take"]),
        (["take and break off"], ["POST take and break off", "GET"]),
        (["break off"], ["POST break off", "GET", "POST take"]),
        (["break off", "take and break off"], ["POST break off", "GET", "POST take and break off", "GET"]),
    ],
)
def test_it_arrives_once(api: Api, target: IcingaApi, script: list[str], asked: list[str]) -> None:
    api.script = list(script)
    assert deliver([RESULT], target, 20, no_pause) == []
    assert api.asked == asked
    (taken,) = api.taken
    assert taken["service"] == "web1!bond"
    assert (taken["exit_status"], taken["plugin_output"]) == (2, RESULT.text)
    assert taken["performance_data"] == ["bond0_slaves=1;2:"]
    assert (taken["execution_start"], taken["execution_end"], taken["check_source"]) == (100.5, 101.25, "web1")


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("redirect", "redirects to another place, which is not followed"),
        ("refuse", "answered 500 no?[31m / such (thing)"),
        ("nonsense", "answered 200 OK"),
        ("nothing", "answered 200 OK"),
    ],
)
def test_what_is_refused_is_not_sent_again(api: Api, target: IcingaApi, script: str, reason: str) -> None:
    api.script = [script]
    other = RESULT._replace(service="other")
    (failed,) = deliver([RESULT, other], target, 20, no_pause)
    assert (failed.result, failed.reason) == (RESULT, reason)
    assert api.asked == [f"POST {script}", "POST take"]  # nothing went to where the redirect points


def test_whoever_may_not_ask_does_not_send_twice(api: Api, target: IcingaApi) -> None:
    api.script, api.may_ask = ["take and break off"], False
    (failed,) = deliver([RESULT], target, 20, no_pause)
    assert "does not say whether it arrived" in failed.reason
    assert len(api.taken) == 1


def test_time_runs_out(api: Api, target: IcingaApi) -> None:
    api.script = ["busy"] * 100
    pauses: list[float] = []
    failed = deliver([RESULT, RESULT._replace(service="other")], target, 8.0, pauses.append)
    assert [one.reason for one in failed] == ["answered 503 Service Unavailable"] * 2
    assert pauses == [0.5, 1.0, 2.0, 4.0]


def test_nobody_there(certificate: Path) -> None:
    nobody = IcingaApi("https://127.0.0.1:1", LOGIN, str(certificate / "crt"), None, "web1")
    with pytest.raises(Later, match="cannot be reached"):
        nobody.send(RESULT)


def test_a_certificate_of_another_host(api: Api, certificate: Path) -> None:
    port = api.server_address[1]
    for url, authority in ((f"https://localhost:{port}", str(certificate / "crt")), (f"https://127.0.0.1:{port}", "")):
        with pytest.raises(Rejected, match="is not trusted: "):
            IcingaApi(url, LOGIN, authority, None, "web1").send(RESULT)
    assert api.asked == []


def test_the_environment_cannot_weaken_it(
    api: Api, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login other password other\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate / "crt"))
    url = f"https://127.0.0.1:{api.server_address[1]}"
    IcingaApi(url, LOGIN, str(certificate / "crt"), None, "web1").send(RESULT)
    with pytest.raises(Rejected, match="is not trusted: "):
        IcingaApi(url, LOGIN, "", None, "web1").send(RESULT)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("http://master:5665", "plain HTTP"),
        ("https://user:password@master:5665", "credentials"),
        ("https://", "https://HOST"),
        ("https://master:5665/v1", "nothing after it"),
        ("master:5665", "https://HOST"),
    ],
)
def test_urls_that_are_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        api_url(text)
    assert "password" not in str(caught.value)
    assert urlsplit(api_url("https://master:5665/")).netloc == "master:5665"


def test_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o700)
    file = tmp_path / "credentials"
    file.write_text("submitter:a:secret\n")
    file.chmod(0o600)
    assert credentials(str(file)) == ("submitter", "a:secret")
    assert credentials("") is None
    monkeypatch.setenv("UNDERGOAL_CREDENTIALS", "me:x")
    assert credentials("") == ("me", "x")
    assert credentials("") is None  # forgotten, so that no child has it
    for mode in (0o640, 0o604, 0o644, 0o620):
        file.chmod(mode)
        with pytest.raises(NoCredentials, match="by others"):
            credentials(str(file))
    # as systemd shows it to the user of a unit: readable for root and, by an ACL, for that user
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    file.chmod(0o440)
    assert credentials(str(file)) == ("submitter", "a:secret")
    for mode in (0o444, 0o460, 0o441):
        file.chmod(mode)
        with pytest.raises(NoCredentials, match="by others"):
            credentials(str(file))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "other"))
    file.chmod(0o440)
    with pytest.raises(NoCredentials, match="by others"):
        credentials(str(file))
    file.chmod(0o600)
    for content in ("", "nocolon", ":x", "x:", "a:b\nc:d"):
        file.write_text(content)
        with pytest.raises(NoCredentials) as caught:
            credentials(str(file))
        assert not content or content not in str(caught.value)
    (tmp_path / "open").mkdir(mode=0o777)
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(NoCredentials, match="writable by others"):
        credentials(str(tmp_path / "open/credentials"))


def test_a_result_in_the_spool_is_never_of_this_second(tmp_path: Path) -> None:
    """Nagios drops it without a word when its own clock is a tick behind."""
    before = time.time()
    Spool(str(tmp_path)).send(RESULT)
    (path,) = (path for path in tmp_path.iterdir() if path.suffix != ".ok")
    (written,) = re.findall(r"^file_time=(\d+)$", path.read_text(), re.MULTILINE)
    assert before - 3 < int(written) < int(time.time())


def test_the_spool_is_whole_or_nothing(tmp_path: Path) -> None:
    Spool(str(tmp_path)).send(RESULT)
    first, second = sorted(path.name for path in tmp_path.iterdir())
    assert second == f"{first}.ok"
    assert len(first) == 7
    assert "\noutput=BOND CRITICAL - bond0 down | bond0_slaves=1;2:\\nnext: look\n" in (tmp_path / first).read_text()
    with pytest.raises(Rejected, match="cannot be written: No such file"):
        Spool(str(tmp_path / "nowhere")).send(RESULT)


def test_lines_that_do_not_fit_are_left_out_whole() -> None:
    result = RESULT._replace(text="first\nsecond\\\nthird", perfdata="")
    assert one_text(result, 100) == "first\\nsecond\\\\\\nthird"
    assert one_text(result, 20) == "first\\nsecond\\\\"
    assert one_text(result, 3) == "first"
