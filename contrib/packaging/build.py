"""Builds the packages: python3 contrib/packaging/build.py [--out DIR] [--python FILE] [deb] [zipapp] [sdist] [wheel]

deb needs dpkg-deb, zipapp needs pip, sdist and wheel need the module build in the Python that runs this. Without a
name all four are built. The same source and date ($SOURCE_DATE_EPOCH, or that of the last commit) make the same files.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import debian_package
import one_file
from project import ROOT, copy_source, project, source_date

KINDS = ("deb", "zipapp", "sdist", "wheel")
_NEEDS = {"zipapp": "pip", "sdist": "build", "wheel": "build"}


def python_packages(kinds: list[str], out: Path) -> list[Path]:
    """sdist and wheel, from a copy; both together make the wheel from the sdist."""
    with TemporaryDirectory() as scratch:
        source, made = Path(scratch, "undergoal"), Path(scratch, "made")
        source.mkdir()
        copy_source(source)
        shutil.copy(Path(__file__).parent / "MANIFEST.in", source)
        only = [] if len(kinds) > 1 else [f"--{kinds[0]}"]
        done = subprocess.run(
            [sys.executable, "-m", "build", *only, "--outdir", made, source],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "SOURCE_DATE_EPOCH": str(source_date())},
            check=False,
        )
        if done.returncode:
            sys.exit(done.stdout.decode(errors="replace"))
        return [Path(shutil.copy(path, out)) for path in sorted(made.iterdir())]


def main() -> None:
    """Build what is asked for and print where it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--out", type=Path, default=ROOT / "dist", metavar="DIR", help="default: dist in the checkout")
    parser.add_argument(
        "--python", default="/usr/bin/python3", metavar="FILE", help="that runs the zipapp (default: /usr/bin/python3)"
    )
    asked = parser.parse_args()
    kinds = [kind for kind in KINDS if kind in (asked.kinds or KINDS)]
    wrong = [kind for kind in asked.kinds if kind not in KINDS]
    missing = [
        f"{kind} needs the Python module {need}"
        for kind, need in _NEEDS.items()
        if kind in kinds and not find_spec(need)
    ]
    if wrong or missing:
        parser.error(f"no such package: {', '.join(wrong)}" if wrong else "; ".join(missing) + f" in {sys.executable}")
    asked.out.mkdir(parents=True, exist_ok=True)
    made = project()
    if "deb" in kinds:
        print(debian_package.build(made, asked.out))
    if "zipapp" in kinds:
        print(one_file.build(made, asked.out, asked.python))
    python_kinds = [kind for kind in kinds if kind in ("sdist", "wheel")]
    if python_kinds:
        print(*python_packages(python_kinds, asked.out), sep="\n")


if __name__ == "__main__":
    main()
