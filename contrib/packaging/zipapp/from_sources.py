"""Modules from the sources that lie packed in the zipapp, for a Python that its bytecode is not for.

They lie apart, as Python reads the list of all files of a zip in each start, and half the files are half the time.
"""

from __future__ import annotations

import io
import sys
import zipfile
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.util import spec_from_loader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from zipimport import zipimporter

ARCHIVE = "sources.zip"


class _Sources(MetaPathFinder, InspectLoader):
    """Finds and loads what is in the archive."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._names = frozenset(archive.namelist())

    def _file(self, fullname: str) -> str:
        path = fullname.replace(".", "/")
        return next((name for name in (f"{path}/__init__.py", f"{path}.py") if name in self._names), "")

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return spec_from_loader(fullname, self) if self._file(fullname) else None

    def is_package(self, fullname: str) -> bool:
        return self._file(fullname).endswith("/__init__.py")

    def get_source(self, fullname: str) -> str:
        return self._archive.read(self._file(fullname)).decode()


def use(whole: zipimporter) -> None:
    """Import from these sources first."""
    packed = whole.get_data(f"{whole.archive}/{ARCHIVE}")
    sys.meta_path.insert(0, _Sources(zipfile.ZipFile(io.BytesIO(packed))))
