"""undergoal.pyz says byte for byte what the installed commands say, from anywhere, and leaves nothing anywhere."""

from __future__ import annotations

import importlib.util
import io
import re
import struct
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from conformance.black_box import AS_NOBODY, expected_text
from lab.builder import build, commands, one_file
from lab.checkmk_site import unpack
from lab.namespaces import Namespace
from support import PLAIN_ENVIRONMENT, Ran, command, fixture_arguments, run

from checks import CHECKS

PYTHON = "/usr/bin/python3"
PLACES = ("/usr/local/lib", "/usr/lib/python3/dist-packages")  # what is not Python's own, on Debian

pytestmark = [pytest.mark.skipif(not Path(PYTHON).exists(), reason=f"there is no {PYTHON}")]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the zipapp and its links, which others may read."""
    made = tmp_path_factory.mktemp("zipapp")
    made.chmod(0o755)
    one_file(made)
    return made


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    with Namespace() as made:
        yield made


def said(ran: Ran) -> tuple[int, str, str]:
    """What came back, without the time it took."""
    return ran.code, ran.stdout.decode(), ran.stderr.decode()


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["--bogus"]], ids=" ".join)
@pytest.mark.parametrize("name", commands())
def test_every_command_speaks_as_the_installed_one(place: Path, name: str, arguments: list[str]) -> None:
    found = said(run([str(place / name), *arguments]))
    assert found == said(run([*command(name), *arguments]))
    assert (found[0], found[2]) == (3, "")
    assert name in found[1]


@pytest.mark.parametrize("host", ["ok", "warning", "critical", "hostile"])
@pytest.mark.parametrize("name", CHECKS)
def test_every_check_judges_as_the_installed_one(place: Path, name: str, host: str, tmp_path: Path) -> None:
    arguments = [*fixture_arguments(name, host), "-v"]
    answers: list[tuple[int, str, str]] = []
    for argv in ([str(place / f"check_{name}")], command(f"check_{name}")):
        state = tmp_path / str(len(answers))
        state.mkdir(mode=0o700)
        answers.append(said(run([*argv, *arguments, "--state-dir", str(state)])))
        assert list(state.iterdir()), "no history was kept"
    assert answers[0] == answers[1]
    assert expected_text(name, host) in answers[0][1]


def test_the_command_for_people(place: Path) -> None:
    assert said(run([str(place / "undergoal"), "list"])) == said(run([*command("undergoal"), "list"]))
    assert said(run([str(place / "undergoal.pyz"), "list"])) == said(run([*command("undergoal"), "list"]))


def test_as_the_agent_plugin_of_an_mkp(place: Path, tmp_path: Path) -> None:
    """The whole chain: built into the package, unpacked on a site, copied to a host without any installation."""
    build_mkp = [sys.executable, "-m", "agent_plugins.mkp", str(tmp_path), str(place / "undergoal.pyz")]
    ran = run(build_mkp)
    assert (ran.code, ran.stderr) == (0, b"")
    unpack(Path(ran.output.strip()).read_bytes(), tmp_path / "site")
    plugin = tmp_path / "site" / "share/check_mk/agents/plugins/undergoal.py"
    assert plugin.read_bytes() == (place / "undergoal.pyz").read_bytes()
    (tmp_path / "undergoal.cfg").write_text(
        "mode=both\n"
        + "".join(f"{name}=off\n" for name in CHECKS[1:])
        + f"{CHECKS[0]}_options={' '.join(fixture_arguments(CHECKS[0], 'critical'))} --no-history\n"
    )
    ran = run([str(plugin)], environment={**PLAIN_ENVIRONMENT, "MK_CONFDIR": str(tmp_path), "MK_VARDIR": str(tmp_path)})
    assert (ran.code, ran.stderr) == (0, b"")
    sections = [line for line in ran.output.split("\n") if line.startswith("<<<")]
    assert sections == ["<<<undergoal_agent:sep(0)>>>", f"<<<undergoal_{CHECKS[0]}:sep(0)>>>", "<<<local:sep(0)>>>"]
    assert any(line.startswith("2 ") for line in ran.output.split("\n"))


@pytest.mark.parametrize("options", [["-I"], ["-IS"], ["-I", "-W", "error"]], ids=" ".join)
def test_any_way_to_start_it(place: Path, options: list[str]) -> None:
    ran = run(
        [PYTHON, *options, str(place / f"check_{CHECKS[0]}"), *fixture_arguments(CHECKS[0], "ok"), "--no-history"]
    )
    assert (ran.code, ran.stderr) == (0, b"")
    assert ran.text == expected_text(CHECKS[0], "ok")


def test_a_link_with_a_wrong_name_is_no_verdict(place: Path) -> None:
    (place / "check_dokcer_bridge").symlink_to("undergoal.pyz")
    ran = run([str(place / "check_dokcer_bridge")])
    assert (ran.code, ran.stderr) == (3, b"")
    assert ran.output.startswith("UNKNOWN - check_dokcer_bridge: there is no such check, only check_")
    assert len(ran.output) <= 161


def test_a_python_that_is_too_old(place: Path) -> None:
    pretend = "import runpy, sys; sys.version_info = (3, 6, 8); runpy.run_path(sys.orig_argv[-1], run_name='__main__')"
    ran = run([PYTHON, "-I", "-c", pretend, str(place / "check_cephfs")])
    assert (ran.code, ran.output, ran.stderr) == (
        3,
        "UNKNOWN - check_cephfs: needs Python 3.9 or later, this is 3.6\n",
        b"",
    )
    (place / "plugins").mkdir()
    (place / "plugins" / "undergoal.py").symlink_to("../undergoal.pyz")
    ran = run([PYTHON, "-I", "-c", pretend, str(place / "plugins" / "undergoal.py")])
    assert (ran.code, ran.output, ran.stderr) == (
        0,
        '<<<undergoal_agent:sep(0)>>>\n{"format": 1, "deployment_error": "needs Python 3.9 or later, this is 3.6"}\n',
        b"",
    )


@pytest.mark.parametrize("name", CHECKS)
def test_another_python_reads_the_sources(place: Path, tmp_path: Path, name: str) -> None:
    """One that calls itself so, and to which all bytecode that is inside is foreign."""
    foreign = tmp_path / f"check_{name}"
    with zipfile.ZipFile(place / "undergoal.pyz") as whole, zipfile.ZipFile(foreign, "w") as part:
        for member in whole.namelist():
            content = whole.read(member)
            part.writestr(member, b"\0\0\r\n" + content[4:] if member.endswith(".pyc") else content)
    pretend = (
        "import runpy, sys; sys.implementation.cache_tag = 'cpython-399'; del sys.argv[0];"
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    arguments = [*fixture_arguments(name, "ok"), "--no-history"]
    ran = run([PYTHON, "-IS", "-c", pretend, str(foreign), *arguments])
    assert (ran.code, ran.text, ran.stderr) == (0, expected_text(name, "ok"), b"")
    assert run([PYTHON, "-IS", str(foreign), *arguments]).code == 3  # which shows that the bytecode is of no use


def test_every_module_is_inside_with_its_bytecode_and_none_that_is_compiled_for_a_machine(place: Path) -> None:
    magic = bytes.fromhex(
        run([PYTHON, "-c", "import importlib.util; print(importlib.util.MAGIC_NUMBER.hex())"]).output.strip()
    )
    with zipfile.ZipFile(place / "undergoal.pyz") as archive:
        names = archive.namelist()
        with zipfile.ZipFile(io.BytesIO(archive.read("sources.zip"))) as packed:
            sources = packed.namelist()
        compiled = [f"{name}c" for name in (*sources, "__main__.py")]
        assert sorted(names) == sorted([*compiled, "__main__.py", "from_sources.py", "sources.zip", "LICENSES.txt"])
        for name in compiled:
            head = archive.read(name)[:8]
            # 1: found by the hash of its source, which is not looked at: valid wherever the file is copied to
            assert (head[:4], struct.unpack("<I", head[4:])[0]) == (magic, 1), name
        licences = archive.read("LICENSES.txt").decode()
    tops = {name.split("/")[0] for name in sources}
    assert {"checks", "perfdata", "agent_plugins", "nagiosplugin", "requests", "pySMART"} <= tops
    assert "psutil" not in tops
    assert {"nagiosplugin", "requests", "urllib3"} <= set(re.findall(r"^(\w+)-[\d.]+$", licences, re.MULTILINE))


@pytest.mark.needs("unshare", "setpriv", "strace")
def test_it_runs_from_a_read_only_place_and_writes_nothing(place: Path, namespace: Namespace, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    namespace.must("mount", "--bind", str(place), "/mnt")
    namespace.must("mount", "-o", "remount,bind,ro", "/mnt")
    traced = ["strace", "-f", "-qq", "-e", "trace=file"]
    path = "import sys; sys.path.insert(0, '/mnt/undergoal.pyz')"
    importing = f"{path}; import requests, pySMART; print(requests.certs.where())"
    name = CHECKS[0]
    for argv, answer in (
        ([f"/mnt/check_{name}", *fixture_arguments(name, "ok"), "--no-history"], expected_text(name, "ok")),
        ([PYTHON, "-IS", "-c", importing], "/etc/ssl/certs/ca-certificates.crt"),
    ):
        ran = namespace.run(*AS_NOBODY, *traced, *argv, cwd="/")
        calls = ran.stderr.decode(errors="replace")
        assert (ran.code, ran.text) == (0, answer)
        assert "/mnt/" in calls
        written = re.findall(r".*(?:O_WRONLY|O_RDWR|O_CREAT|mkdir|rename|symlink|unlink).*", calls)
        assert [call for call in written if "/dev/null" not in call] == []


@pytest.mark.needs("unshare")
def test_without_anything_of_the_system_every_check_runs(place: Path, namespace: Namespace, tmp_path: Path) -> None:
    for directory in filter(lambda name: Path(name).exists(), PLACES):
        namespace.must("mount", "--bind", str(tmp_path), directory)
    looked_for = "import sys, importlib.util as u; sys.exit(u.find_spec('psutil') is not None)"
    assert namespace.run(PYTHON, "-I", "-c", looked_for).code == 0
    for name in CHECKS:
        ran = namespace.run(str(place / f"check_{name}"), *fixture_arguments(name, "ok"), "--no-history")
        assert (ran.code, ran.stderr) == (0, b"")
        assert ran.text == expected_text(name, "ok")


@pytest.mark.needs("unshare")
def test_what_is_not_inside_is_taken_from_the_system_or_named(
    place: Path, namespace: Namespace, tmp_path: Path
) -> None:
    lacking = tmp_path / "check_docker_bridge"
    with zipfile.ZipFile(place / "undergoal.pyz") as whole, zipfile.ZipFile(lacking, "w") as part:
        for entry in whole.infolist():
            if not entry.filename.startswith("nagiosplugin/"):
                part.writestr(entry, whole.read(entry))
    system = tmp_path / "system"
    system.mkdir()
    for directory in filter(lambda name: Path(name).exists(), PLACES):
        namespace.must("mount", "--bind", str(system), directory)
    argv = [PYTHON, "-IS", str(lacking), *fixture_arguments("docker_bridge", "ok"), "--no-history"]
    ran = namespace.run(*argv)
    reason = f"the Python module nagiosplugin is not installed ({PYTHON})"
    assert said(ran) == (3, f"UNKNOWN - check_docker_bridge: cannot run: {reason}\n", "")
    found = importlib.util.find_spec("nagiosplugin")
    assert found is not None
    assert found.origin is not None
    (system / "nagiosplugin").symlink_to(Path(found.origin).parent)
    assert namespace.run(*argv).code == 0


def test_the_same_source_makes_the_same_file(place: Path, tmp_path: Path) -> None:
    (again,) = build(tmp_path, "zipapp", environment={"PYTHONHASHSEED": "7"})
    assert again.read_bytes() == (place / "undergoal.pyz").read_bytes()
    assert run([sys.executable, str(again), "--version"], environment=PLAIN_ENVIRONMENT).code == 3
