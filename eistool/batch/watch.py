"""A folder that is still being filled: its files, and those among them that have stopped growing."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

State = tuple[int, int]  # size, time of change in ns


@dataclass(eq=False, slots=True)
class Watch:
    """Files of folders, looked at again and again.

    Network folders send no messages on changes, and clocks differ: a file has stopped growing if it looks the
    same for a while by the clock of this machine.

    Parameters
    ----------
    paths : sequence of Path
        Files and folders.
    out : Path
        Result folder, which is not looked at.
    settle : float
        Seconds without a change after which a file is complete.
    clock : callable
        Returns the time in s.
    """

    paths: Sequence[Path]
    out: Path
    settle: float
    clock: Callable[[], float] = time.monotonic
    _seen: dict[Path, tuple[State, float]] = field(default_factory=dict)

    def look(self) -> tuple[dict[Path, State], frozenset[Path]]:
        """Return the states of the files that are complete, and the files that are still growing.

        Raises
        ------
        OSError
            If a path is away.
        """
        now, known = self.clock(), self._seen
        present = {path: state for root in self.paths for path, state in _states(root, self.out.resolve())}
        self._seen = {}
        for path, state in present.items():
            before, since = known.get(path, (state, now))
            self._seen[path] = state, since if before == state else now
        growing = frozenset(path for path, (_, since) in self._seen.items() if now - since < self.settle)
        return {path: state for path, state in present.items() if path not in growing}, growing


def _states(root: Path, out: Path) -> list[tuple[Path, State]]:
    """Return the state of each file at or below a path."""
    root = root.resolve()
    status = root.stat()
    if not root.is_dir():
        return [(root, (status.st_size, status.st_mtime_ns))]
    found = []

    def away(error: OSError) -> None:
        if Path(error.filename) == root:
            raise error

    for folder, subfolders, names in os.walk(root, onerror=away):
        subfolders[:] = [name for name in subfolders if not name.startswith(".") and Path(folder, name) != out]
        for name in names:
            path = Path(folder, name)
            try:
                status = path.stat()
            except OSError:  # gone since
                continue
            found.append((path, (status.st_size, status.st_mtime_ns)))
    return found
