"""undergoal.pyz: one file with all pure-Python modules and their bytecode, which runs without being unpacked."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from project import Project, Requirement, copy_modules, source_date, starter

if TYPE_CHECKING:
    from collections.abc import Iterable

# Not pure Python, so it cannot be inside: what needs it takes the system's.
OUTSIDE = ("psutil",)
# Where distributions keep modules; {version} is "python3.11".
PLACES = [
    "/usr/local/lib/{version}/dist-packages",
    "{prefix}/lib/python3/dist-packages",
    "{prefix}/lib64/{version}/site-packages",
    "{prefix}/lib/{version}/site-packages",
]
# One more name to be called by: that of the agent plugin, which the .mkp can bring in this form.
_AGENT_PLUGIN = {"undergoal.py": ("agent_plugins.agent", "main")}
_OWN = Path(__file__).parent / "zipapp"
_TELL_TAG = "import sys; print(sys.implementation.cache_tag)"
_LICENCE = re.compile("licen[cs]e|copying|notice", re.IGNORECASE)
# Parts that no command reaches: of dependencies, and what is for a Checkmk site or for makers of definitions.
_UNREACHED = ("tests", "examples", "emscripten", "cli", "checkmk", "definitions")


def build(made: Project, out: Path, python: str) -> Path:
    """Write undergoal.pyz into ``out``, with bytecode for ``python``, which its first line names."""
    with TemporaryDirectory() as scratch:
        tree = Path(scratch, "tree")
        _install([need for need in made.requirements if need.name not in OUTSIDE], tree, made)
        copy_modules(made, tree)
        for path in [path for path in tree.rglob("*") if path.is_dir() and path.name in _UNREACHED]:
            shutil.rmtree(path, ignore_errors=True)
        shutil.copy(_OWN / "certifi.py", tree)
        tag = subprocess.run([python, "-I", "-c", _TELL_TAG], check=True, capture_output=True, text=True).stdout.strip()
        commands = {**made.commands, **_AGENT_PLUGIN}
        (tree / "__main__.py").write_text(starter(made._replace(commands=commands), PLACES, tag))
        # Found by content, not by the time of the source: it is valid wherever the file is copied to.
        subprocess.run(
            [python, "-I", "-m", "compileall", "-q", "-b", "--invalidation-mode", "unchecked-hash", "-s", tree, tree],
            check=True,
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )
        _put_sources_apart(tree)
        shutil.copy(_OWN / "from_sources.py", tree)
        target = out / "undergoal.pyz"
        unfinished = Path(scratch, "undergoal.pyz")
        unfinished.write_bytes(f"#!{python} -IS\n".encode())
        _pack(tree, [path for path in tree.rglob("*") if path.is_file()], unfinished)
        unfinished.chmod(0o755)
        shutil.move(unfinished, target)
    return target


def _install(needs: list[Requirement], tree: Path, made: Project) -> None:
    """The requirements and what they need, pure Python only, with their licences in one file.

    pip download, as pip install does not look whether a wheel is for the oldest Python too; none needs more than
    to be unpacked.
    """
    with TemporaryDirectory() as wheels:
        subprocess.run(
            [
                sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--dest", wheels,
                "--only-binary=:all:", "--platform", "any", "--implementation", "py", "--abi", "none",
                "--python-version", f"{made.python[0]}.{made.python[1]}", *map(str, needs),
            ],
            check=True,
        )  # fmt: skip
        for wheel in Path(wheels).iterdir():
            zipfile.ZipFile(wheel).extractall(tree)
    licences = []
    for about in sorted(tree.glob("*.dist-info")):
        texts = sorted(path for path in about.rglob("*") if path.is_file() and _LICENCE.match(path.name))
        licences += [f"{about.stem}\n\n{path.read_text(errors='replace')}" for path in texts]
        shutil.rmtree(about)
    (tree / "LICENSES.txt").write_text("\n\n".join(licences))
    shutil.rmtree(tree / "certifi")
    for path in [path for path in tree.rglob("*") if path.is_file() and path.suffix in (".pyi", ".typed")]:
        path.unlink()


def _put_sources_apart(tree: Path) -> None:
    """All sources but the starter's into one file: Python reads the list of all files of a zip in each start."""
    sources = [path for path in tree.rglob("*.py") if path != tree / "__main__.py"]
    _pack(tree, sources, tree / "sources.zip")
    for path in sources:
        path.unlink()


def _pack(tree: Path, paths: Iterable[Path], target: Path) -> None:
    """Append a zip, the same for the same files. Only text is packed: the rest is cheaper to read as it is."""
    date = time.gmtime(max(source_date(), 315532800))[:6]  # zip knows no year before 1980
    with zipfile.ZipFile(target, "a") as archive:
        for path in sorted(paths):
            entry = zipfile.ZipInfo(str(path.relative_to(tree)), date)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_STORED if path.suffix in (".pyc", ".zip") else zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
