"""python3 -m checks.definitions DIR"""

from __future__ import annotations

import os
import sys

from checks.definitions import documents


def main() -> None:
    """Write every document below the directory that is named."""
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit("usage: python3 -m checks.definitions DIR")
    for name, content in documents().items():
        path = os.path.join(sys.argv[1], name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as file:
            file.write(content)


if __name__ == "__main__":
    main()
