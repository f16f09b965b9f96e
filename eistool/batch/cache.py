"""Results derived from several records, kept by the content they depend on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import eistool
from eistool.batch.files import write_whole
from eistool.batch.store import digest, seal, unseal


class Cache:
    """Values that JSON can hold, each in a file named after the hash of its inputs.

    Parameters
    ----------
    folder : Path, optional
        Created with the first value; without a folder nothing is kept.
    fresh : bool
        Whether to compute all values anew.
    aside : Path, optional
        Folder of temporary files.

    Examples
    --------
    >>> Cache().get(["S17", 3], lambda: 5)
    5
    """

    def __init__(self, folder: Path | None = None, *, fresh: bool = False, aside: Path | None = None) -> None:
        self.folder = folder
        self._aside = aside
        self._fresh = fresh
        self.used: set[str] = set()

    def get(self, inputs: object, compute: Callable[[], Any]) -> Any:
        """Return the value for these inputs, computed if it is not kept.

        The value passes through JSON in any case, so that a kept one is the same.
        """
        name = digest([eistool.__version__, inputs])
        self.used.add(name)
        path = None if self.folder is None else self.folder / name[:2] / name
        if path is not None and not self._fresh:
            try:
                return unseal(path.read_bytes())[0]
            except (OSError, ValueError):  # not there, or damaged
                pass
        line = seal(compute(), allow_nan=True)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, line, self._aside)
        return unseal(line)[0]

    def clean_up(self) -> None:
        """Remove the values that were not used."""
        for path in [] if self.folder is None else self.folder.glob("??/*"):
            if path.name not in self.used:
                path.unlink(missing_ok=True)
