"""Atomic writes of the files of a result folder."""

import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import eistool
from eistool.errors import OutputError
from eistool.readers import RUN
from eistool.tables import Table, to_csv
from eistool.typing import JSON, PathLike

PROBES = 5  # of a folder that comes and goes


def probe(folder: Path) -> None:
    """Raise an OSError if a folder cannot be created or written to; create no files.

    Parameters
    ----------
    folder : Path
        Need not exist.
    """
    for _ in range(PROBES):
        # another run, which probes too, has removed the folder again
        with suppress(FileNotFoundError, FileExistsError):
            return _probe(folder)
    return _probe(folder)


def _probe(folder: Path) -> None:
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    made: list[Path] = []
    name = folder / f".probe.{os.getpid()}.{secrets.token_hex(4)}"
    try:
        for place in reversed(missing):
            place.mkdir(exist_ok=True)
            made.append(place)
        _write(name, b"")
        name.unlink()
    finally:
        for place in reversed(made):
            with suppress(OSError):  # another run has begun in it
                place.rmdir()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an OSError into an OutputError that names the file and the next step."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror or error}): the run could not go on; make room or "
            "restore the folder, and run the same command again: what is finished is kept"
        ) from error


def write_whole(path: Path, data: bytes, aside: Path | None = None) -> None:
    """Write a file under a temporary name, wait until it is on the disk, then rename it.

    Parameters
    ----------
    path : Path
        File to write or replace.
    data : bytes
        Its content.
    aside : Path, optional
        Existing folder of the temporary file, on the same disk; by default that of the file.

    Raises
    ------
    OutputError
        If this is impossible.
    """
    with writing(path):
        _write(path, data, aside)


def _write(path: Path, data: bytes, aside: Path | None = None) -> None:
    name = f".{path.name[:100]}.{os.getpid()}.{secrets.token_hex(4)}.tmp"
    temporary = (aside or path.parent) / name
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        with suppress(OSError):  # of the disk, reported already
            temporary.unlink(missing_ok=True)


def sync_file(path: Path) -> None:
    """Wait until a file is on the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def fsync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where the system can."""
    with suppress(OSError):  # Windows opens no folders
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def write_file(path: Path, data: bytes, aside: Path | None = None) -> None:
    """Write a file with :func:`write_whole`, and create its folder.

    Raises
    ------
    OutputError
        If this is impossible.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, data, aside)


def write_table(out: Path, table: Table[Any], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows as a table of the result folder."""
    write_file(out / f"{table.name}.csv", to_csv(table.fill(rows)))


def read_run(out: Path) -> JSON:
    """Return ``run.json`` of a result folder; empty if there is none that can be read."""
    try:
        values = json.loads((out / RUN).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def write_run(out: Path, run: JSON, aside: Path | None = None) -> None:
    """Write ``run.json``, with the version and the working folder first."""
    first = {"version": eistool.__version__}
    with suppress(OSError):  # a working folder that is gone
        first["working_folder"] = str(Path.cwd())
    text = json.dumps({**first, **run, **first}, indent=2, ensure_ascii=False, default=str)
    write_file(out / RUN, f"{text}\n".encode(errors="backslashreplace"), aside)


def write_finished_run(
    out: Path, command: Sequence[str], settings: Mapping[str, Any], inputs: Mapping[str, PathLike], exit_code: int
) -> None:
    """Write ``run.json`` of a command that has finished, with the hashes of its inputs."""
    hashes = {source: hashlib.sha256(Path(path).read_bytes()).hexdigest() for source, path in inputs.items()}
    write_run(
        out,
        {
            "state": "done",
            "generation": int(read_run(out).get("generation") or 0) + 1,
            "exit_code": exit_code,
            "command": list(command),
            "settings": dict(settings),
            "inputs": dict(sorted(hashes.items())),
            "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        },
    )
