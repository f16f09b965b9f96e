"""Spectra that wait on the local disk until they are computed, so that memory does not grow with a batch."""

import os
import pickle
import tempfile
import threading
import weakref
from dataclasses import dataclass, field

from eistool.spectrum import Spectrum

IN_MEMORY = 16 * 2**20  # bytes; smaller batches never touch the disk


class Spool:
    """Temporary file of spectra, gone with its last user."""

    def __init__(self) -> None:
        # unpickled by this process and its own workers only: nobody else can open the file
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - open as long as it is used
        weakref.finalize(self, self._file.close)
        self._lock = threading.Lock()

    def add(self, data: bytes) -> "Points":
        """Store a pickled spectrum."""
        with self._lock:
            self._file.seek(0, os.SEEK_END)
            start = self._file.tell()
            self._file.write(data)
        return Points(self, start, len(data))

    def read(self, start: int, length: int) -> bytes:
        """Return the bytes of a spectrum."""
        with self._lock:
            self._file.seek(start)
            return self._file.read(length)


@dataclass(frozen=True, slots=True)
class Points:
    """A pickled spectrum in a spool; in another process, its bytes."""

    spool: Spool | None = field(repr=False)
    start: int
    length: int
    data: bytes = field(default=b"", repr=False)

    def __call__(self) -> Spectrum:
        """Return the spectrum."""
        spectrum: Spectrum = pickle.loads(self._bytes())  # noqa: S301 - bytes of this process
        return spectrum

    def _bytes(self) -> bytes:
        return self.data if self.spool is None else self.spool.read(self.start, self.length)

    def __reduce__(self) -> tuple[type["Points"], tuple[None, int, int, bytes]]:
        return Points, (None, 0, self.length, self._bytes())
