"""Files of a result folder are whole or not there."""

import os
from pathlib import Path


def probe(folder: Path) -> None:
    """Raise an OSError if a folder cannot be made or written to; nothing is left behind.

    Parameters
    ----------
    folder : Path
        Need not exist.
    """
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    made: list[Path] = []
    try:
        for place in reversed(missing):
            place.mkdir()
            made.append(place)
        write_whole(folder / ".probe", b"")
        (folder / ".probe").unlink()
    finally:
        for place in reversed(made):
            place.rmdir()


def write_whole(path: Path, data: bytes) -> None:
    """Write a file under a temporary name in its folder, then rename it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
