"""Generations of a result folder: the files that belong together, and a mark while they change.

A run writes all its tables under temporary names, marks ``run.json`` as ``writing``, renames the tables, removes
those of an older run of the same job, and marks the generation as complete. A program that reads several tables
compares the mark before and after.
"""

import contextlib
import json
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from eistool.batch.files import fsync_folder, read_run, sync_file, write_run, write_whole
from eistool.errors import ReaderError
from eistool.typing import JSON

PRIVATE = ".eistool"  # folder of the store, below the result folder
_MANIFEST = "files.json"


@contextlib.contextmanager
def one_generation(out: Path) -> Iterator[None]:
    """Read several files of a result folder that one run has written together.

    Raises
    ------
    ReaderError
        If the tables are being written, or were while they were read.
    """
    before = _mark(out)
    if before[1] == "writing":
        raise ReaderError(
            f"{out}: its tables are being written, or their run was ended in the midst of it; try again in a "
            "moment, or run that command again"
        )
    yield
    if _mark(out) != before:
        raise ReaderError(f"{out}: its tables were replaced while they were read; run the command again")


def _mark(out: Path) -> tuple[Any, Any]:
    run = read_run(out)
    return run.get("generation"), "writing" if run.get("state") == "writing" else ""


class Output:
    """Files that one run of a job writes into a result folder.

    Parameters
    ----------
    out : Path
        Result folder.
    job : str
        Name of the job; files of other jobs are left alone.
    temporary : Path
        Folder of temporary files on the same disk, which exists while the run is at work.
    """

    def __init__(self, out: Path, job: str, temporary: Path) -> None:
        self.folder = out
        self.temporary = temporary
        self.names: dict[str, str] = {}  # of this run, tables apart, with what they show
        self._job = job
        self._noted = self._known()

    def write(self, name: str, data: bytes, content: str) -> None:
        """Write a file whole, under a temporary name, then renamed; ``content`` marks what it shows."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.temporary / "file"
        temporary.write_bytes(data)
        temporary.replace(path)
        self.names[name] = content

    def shows(self, name: str, content: str) -> bool:
        """Return whether a file of an earlier run shows this, and was not changed since."""
        entry = self._noted.get(name)
        return entry is not None and entry["content"] == content and _state(self.folder / name) == entry["state"]

    def keep(self, name: str, content: str) -> None:
        """Take a file of an earlier run for one of this run."""
        self.names[name] = content

    def remove(self, name: str) -> None:
        """Remove a file, if it exists."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            (self.folder / name).unlink()

    def replace_tables(
        self,
        write: Callable[[Path], Collection[str]],
        run: JSON,
        names: Collection[str] = (),
        check: Callable[[], None] = lambda: None,
    ) -> int:
        """Replace all tables at once, and return the number of their generation.

        Parameters
        ----------
        write : callable
            Writes the tables into a folder, and returns their names.
        run : dict
            Contents of ``run.json``, for the state after.
        names : collection of str
            Further files that belong to the new generation; others of this job are removed.
        check : callable
            Called before anything changes; raises if this run may not write any more.
        """
        folder = self.temporary / "tables"
        folder.mkdir(parents=True, exist_ok=True)
        tables = write(folder)
        before = read_run(self.folder)
        number = int(before.get("generation") or 0) + 1
        check()
        for name in tables:
            sync_file(folder / name)
        write_run(self.folder, {**before, "state": "writing", "generation": number}, self.temporary)
        for name in tables:
            (folder / name).replace(self.folder / name)
        self.forget({*tables, *names}, number)
        fsync_folder(self.folder)
        write_run(self.folder, {**run, "generation": number, "older": self.older(number)}, self.temporary)
        return number

    def forget(self, current: Collection[str], number: int) -> None:
        """Note the files of this job, and remove those of its older runs that are not among them."""
        known = self._known()
        files = {name: entry for name, entry in known.items() if entry["job"] != self._job}
        for name in sorted(known.keys() - files.keys() - set(current)):
            self.remove(name)
            with contextlib.suppress(OSError):  # not empty
                if "/" in name:
                    (self.folder / name).parent.rmdir()
        for name in sorted(current):
            content = self.names.get(name) or known.get(name, {}).get("content", "")
            state = _state(self.folder / name)
            files[name] = {"job": self._job, "generation": number, "content": content, "state": state}
        write_whole(self.folder / PRIVATE / _MANIFEST, json.dumps(files).encode(), self.temporary)

    def is_intact(self) -> bool:
        """Return whether all files of this job are as its last run left them."""
        files = [(name, entry) for name, entry in self._noted.items() if entry["job"] == self._job]
        return bool(files) and all(_state(self.folder / name) == entry["state"] for name, entry in files)

    def older(self, number: int) -> dict[str, Any]:
        """Return the job and the generation of the tables that other jobs have left in the folder."""
        return {
            name: {"job": entry["job"], "generation": entry["generation"]}
            for name, entry in self._known().items()
            if entry["job"] != self._job and name.endswith(".csv") and "/" not in name
            if entry["generation"] < number and (self.folder / name).exists()
        }

    def _known(self) -> dict[str, dict[str, Any]]:
        """Return the files that were noted last."""
        names = ("job", "generation", "content", "state")
        try:
            values = json.loads((self.folder / PRIVATE / _MANIFEST).read_text(encoding="utf-8"))
            return {str(file): {name: entry[name] for name in names} for file, entry in values.items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return {}


def _state(path: Path) -> list[int] | None:
    """Return size and time of change of a file; None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns]
