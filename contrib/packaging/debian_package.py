"""The .deb: modules in /usr/lib/undergoal, where no other package's `checks` can meet them, and links to one starter.

dpkg-deb alone builds it. Bytecode is not shipped (Debian's rule) but compiled when it is installed, and again when
Debian's Python changes.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import subprocess
import textwrap
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from project import ROOT, Project, copy_modules, source_date, starter

HOME = "usr/lib/undergoal"
PLUGINS = "usr/lib/nagios/plugins"
DOCS = "usr/share/doc/undergoal"
STATE = "var/lib/undergoal"
_TEMPLATES = Path(__file__).parent / "debian"

# The packages of the requirements. pySMART is not in Debian and not missed there: it reads what smartctl printed before
# version 7.0, and every Debian that has the Python needed here has a newer one.
PACKAGES = {
    "nagiosplugin": "python3-nagiosplugin",
    "psutil": "python3-psutil",
    "requests": "python3-requests",
    "pySMART": "",
}
_NOBODY = "undergoal@localhost"
_RELATIONS = {">=": ">=", "<": "<<"}


def build(made: Project, out: Path) -> Path:
    """Write undergoal_VERSION_all.deb into ``out``."""
    date = source_date()
    with TemporaryDirectory() as scratch:
        tree = Path(scratch, "tree")
        _fill(made, tree, date)
        files = sorted(path for path in tree.rglob("*") if path.is_file() and not path.is_symlink())
        control = tree / "DEBIAN"
        control.mkdir()
        _write(control / "control", _control(made, sum(-(-path.stat().st_size // 1024) for path in files)))
        sums = [f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(tree)}\n" for path in files]
        _write(control / "md5sums", "".join(sums))
        for script in ("postinst", "prerm", "postrm"):
            _write(control / script, (_TEMPLATES / script).read_text(), 0o755)
        _tidy(tree, date)
        target = out / f"undergoal_{made.version}_all.deb"
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", "-Zxz", "--build", str(tree), str(target)],
            check=True,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "SOURCE_DATE_EPOCH": str(date)},
        )
    return target


def depends(made: Project) -> str:
    """The control field. A requirement whose package nobody has decided on is an error."""
    relations = [f"python3 (>= {made.python[0]}.{made.python[1]})"]
    for need in made.requirements:
        package = PACKAGES[need.name]
        if package:
            relations += [f"{package} ({_RELATIONS[operator]} {version})" for operator, version in need.versions]
    return ", ".join(relations)


def _maintainer() -> str:
    """As Debian's own tools are told: $DEBFULLNAME and $DEBEMAIL. Without them it is nobody who could be reached."""
    return f"{os.environ.get('DEBFULLNAME', 'undergoal')} <{os.environ.get('DEBEMAIL', _NOBODY)}>"


def _control(made: Project, size: int) -> str:
    return (_TEMPLATES / "control").read_text().format(
        version=made.version,
        maintainer=_maintainer(),
        size=size,
        depends=depends(made),
        summary=made.summary[0].lower() + made.summary[1:],
        checks=textwrap.fill(", ".join(name for name in made.commands if name.startswith("check_")) + ".", 76,
                             initial_indent=" ", subsequent_indent=" "),
    )  # fmt: skip


def _fill(made: Project, tree: Path, date: int) -> None:
    """All files, as they are after the installation."""
    home = tree / HOME
    copy_modules(made, home)
    start = "#!/usr/bin/python3 -IS\n" + starter(made, [f"/{HOME}", "/usr/lib/python3/dist-packages"])
    _write(home / "undergoal", start, 0o755)
    for name in made.commands:
        place = PLUGINS if name.startswith("check_") else "usr/bin"
        (tree / place).mkdir(parents=True, exist_ok=True)
        (tree / place / name).symlink_to(os.path.relpath(f"/{HOME}/undergoal", f"/{place}"))
    (tree / STATE).mkdir(parents=True)
    _write(tree / "usr/share/python3/runtime.d/undergoal.rtupdate", (_TEMPLATES / "rtupdate").read_text(), 0o755)
    if "DEBEMAIL" not in os.environ:
        _write(tree / "usr/share/lintian/overrides/undergoal", (_TEMPLATES / "lintian-overrides").read_text())
    _write_docs(made, tree / DOCS, date)


def _write_docs(made: Project, docs: Path, date: int) -> None:
    """What explains it, and as examples the definitions and sudo rules: nothing of them is in force unless copied."""
    # the builder is of no use to who has the package
    shutil.copytree(ROOT / "contrib", docs / "examples", ignore=shutil.ignore_patterns("packaging", "__pycache__"))
    for unit in docs.rglob("*.service"):
        unit.write_text(unit.read_text().replace("/opt/undergoal/bin/", "/usr/bin/"))
    shutil.copy(ROOT / "README.md", docs)
    _, copyright_line, licence = (ROOT / "LICENSE").read_text().split("\n\n", 2)
    licence = "".join(f" {line or '.'}\n" for line in licence.rstrip().split("\n"))
    holder = copyright_line.replace("Copyright (c) ", "")
    template = (_TEMPLATES / "copyright").read_text()
    _write(docs / "copyright", template.format(copyright=holder, licence=licence.rstrip("\n")))
    when = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(date))
    changes = f"undergoal ({made.version}) unstable; urgency=medium\n\n  * Version {made.version}.\n\n"
    packed = gzip.compress(f"{changes} -- {_maintainer()}  {when}\n".encode(), 9, mtime=0)
    (docs / "changelog.gz").write_bytes(packed)


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def _tidy(tree: Path, date: int) -> None:
    """The same modes and dates whatever the checkout's and the umask."""
    for path in [tree, *tree.rglob("*")]:
        if not path.is_symlink():
            executable = path.is_dir() or (path.stat().st_mode & 0o100 and path.read_bytes().startswith(b"#!"))
            path.chmod(0o755 if executable else 0o644)
        os.utime(path, (date, date), follow_symlinks=False)
