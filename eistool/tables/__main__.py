"""Update of the column reference in Markdown files: ``python -m eistool.tables docs/results.md``."""

import sys
from pathlib import Path

from eistool.tables.reference import updated

if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        path.write_text(updated(path.read_text(encoding="utf-8")), encoding="utf-8")
