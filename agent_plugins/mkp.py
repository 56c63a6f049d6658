"""Builds undergoal-VERSION.mkp, the extension of a Checkmk site: python -m agent_plugins.mkp DIRECTORY

An MKP is a compressed tar of a manifest (as a Python literal and as JSON) and of one tar for each part of a site that
gets files (docs.checkmk.com, "Checkmk extension packages"). What is built of the same sources is the same, byte by
byte: names are in order, and there are no times in it.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import pprint
import re
import sys
import tarfile

from agent_plugins.checkmk.rows import Check, kind_of
from agent_plugins.collect import collect
from perfdata.levels import range_in_words

NAME = "undergoal"
HOME = f"cmk_addons.plugins.{NAME}"  # where its modules are at home on a site
PERFDATA = ("catalogue", "eta", "levels", "numbers", "outcome", "record")  # need nothing but each other
MODULES = (
    "rows", "section", "judging", "forecast", "services",
    "agent_based/undergoal", "graphing/undergoal", "rulesets/undergoal",
)  # fmt: skip
BAKERY = "python3/cmk/base/cee/plugins/bakery/undergoal.py"
_HERE = os.path.dirname(os.path.abspath(__file__))

Files = dict[str, bytes]  # path within a part of the site -> content


def _source(*path: str) -> str:
    with open(os.path.join(_HERE, *path), encoding="utf-8") as file:
        return file.read()


def at_home(source: str) -> str:
    """The source of a module with its imports as they are on a site."""
    source = re.sub(r"^from agent_plugins\.checkmk\b", f"from {HOME}", source, flags=re.MULTILINE)
    return re.sub(r"^from perfdata\b", f"from {HOME}.perfdata", source, flags=re.MULTILINE)


def tables_module(version: str, checks: tuple[Check, ...]) -> str:
    """The tables of all checks as a module."""
    rows = ",\n    ".join(repr(check) for check in checks)
    return (
        '"""The tables of all checks, written by agent_plugins/mkp.py of undergoal."""\n\n'
        f"from {HOME}.rows import Check, Level\n\n"
        f"VERSION = {version!r}\n\nCHECKS = (\n    {rows},\n)\n"
    )


def man_page(check: Check) -> str:
    """The page of a check plugin, in Checkmk's format."""
    lines = [
        f"title: {check.called}: {check.question}",
        "agents: linux",
        "catalog: os/misc",
        "license: MIT",
        f"distribution: {NAME}",
        "description:",
        f" {check.question}",
        "",
        f" The outage behind it: {check.outage}.",
        "",
        " The agent plugin undergoal.py runs the check on the host, where undergoal has to be",
        " installed. Facts keep the state that the host gave them; numbers are judged here, by the",
        " levels of the host unless a rule sets others. WARN or CRIT by default:",
        "",
    ]
    for row in check.levels:
        kind = kind_of(row.measure)
        levels = (("WARN", row.warning), ("CRIT", row.critical))
        words = [f"{name} {range_in_words(text, kind.unit)}" for name, text in levels if text]
        lines.append(f" {kind.title}: {', '.join(words) or 'never'}")
    lines += [
        "",
        "item:",
        f' "{check.whole}", or the name of what is looked at, such as a {check.item}.',
        "",
        "discovery:",
        f' One service named "{check.called} {check.whole}" on every host with this section, and one for',
        " each item that is there to stay. What has no service yet is told by the former.",
        "",
    ]
    return "\n".join(lines)


def parts() -> dict[str, Files]:
    """All files of the package by the part of the site they go to."""
    version, checks = collect()
    plugins = {f"{NAME}/{module}.py": at_home(_source("checkmk", f"{module}.py")) for module in MODULES}
    plugins.update(
        {f"{NAME}/perfdata/{module}.py": at_home(_source("..", "perfdata", f"{module}.py")) for module in PERFDATA}
    )
    plugins[f"{NAME}/tables.py"] = tables_module(version, checks)
    plugins.update({f"{NAME}/checkman/{check.plugin}": man_page(check) for check in checks})
    plugins[f"{NAME}/checkman/undergoal_agent"] = man_page_of_agent()
    texts = {
        "agents": {f"plugins/{NAME}.py": _source("undergoal.py")},
        "cmk_addons_plugins": plugins,
        "lib": {BAKERY: _source("checkmk", "bakery.py")},
    }
    return {part: {path: text.encode() for path, text in sorted(files.items())} for part, files in texts.items()}


def man_page_of_agent() -> str:
    """The page of the check plugin that speaks of the agent plugin."""
    return "\n".join(
        (
            "title: Undergoal: Agent Plugin",
            "agents: linux",
            "catalog: os/misc",
            "license: MIT",
            f"distribution: {NAME}",
            "description:",
            " Which version of undergoal a host runs, and which checks. WARN when something in its",
            " undergoal.cfg cannot be understood, UNKNOWN when undergoal is not installed there.",
            "",
            "discovery:",
            " One service on every host with the agent plugin undergoal.py.",
            "",
        )
    )


def manifest(version: str, files: dict[str, Files]) -> dict[str, object]:
    """What the site shows of the package."""
    return {
        "author": "the authors of undergoal",
        "description": "Services, graphs and rules for undergoal's checks, and the agent plugin that runs them.",
        "download_url": "",
        "files": {part: list(paths) for part, paths in files.items()},
        "name": NAME,
        "title": "undergoal: faults that other suites miss",
        "version": version,
        "version.min_required": "2.3.0",
        "version.packaged": f"{NAME} {version}",
        "version.usable_until": None,
    }


def _tar(files: Files, mode: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size, member.mode, member.mtime = len(content), mode, 0
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def build() -> tuple[str, bytes]:
    """(file name, content) of the package."""
    version, _ = collect()
    files = parts()
    about = manifest(version, files)
    content = {"info": f"{pprint.pformat(about)}\n".encode(), "info.json": json.dumps(about, sort_keys=True).encode()}
    for part, members in files.items():
        content[f"{part}.tar"] = _tar(members, 0o755 if part == "agents" else 0o644)
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, compresslevel=9, mtime=0) as packed:
        packed.write(_tar(content, 0o644))
    return f"{NAME}-{version}.mkp", buffer.getvalue()


def main(arguments: list[str]) -> int:
    """The command."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: python -m agent_plugins.mkp DIRECTORY", file=sys.stderr)
        return 2
    name, content = build()
    path = os.path.join(arguments[0], name)
    try:
        with open(path, "wb") as file:
            file.write(content)
    except OSError as error:
        print(f"{path}: {error.strerror}", file=sys.stderr)
        return 1
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
