"""Contents of a file, read and decoded once."""

import codecs
import hashlib
import os
import re
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from eistool.errors import ReaderError
from eistool.escaping import printable

MAX_BYTES = 64 * 1024 * 1024
MAX_LINES = 1_000_000
MAX_LINE = 1_000_000  # characters; splitting a longer one takes many times its memory

_PAUSES = (0.05, 0.2, 0.5)  # s, before a file that changes is read again

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_HEAD = 2_000_000  # characters
_LINE_END = re.compile(r"\r\n|\r|\n")
_CONTROL = re.compile("[\0-\b\x0e-\x1a\x1c-\x1f]")


@dataclass(frozen=True, eq=False)
class FileContent:
    """Bytes and text of one file.

    Parameters
    ----------
    path : Path
        Origin of the bytes: the name for messages, the suffix for ambiguous contents.
    data : bytes
        The file, or its beginning.

    Examples
    --------
    >>> FileContent(Path("a.csv"), "1;2".encode("utf-16-le")).encoding
    'utf-16-le'
    """

    path: Path
    data: bytes

    @classmethod
    def open(cls, path: Path, limit: int | None = None) -> "FileContent":
        """Return the content of a file, or of its first ``limit`` bytes.

        Raises
        ------
        ReaderError
            If the file cannot be opened, is empty, larger than 64 MiB, or still being written.
        """
        name = printable(path.name)
        try:
            size = path.stat().st_size
            if limit is None and size > MAX_BYTES:
                raise ReaderError(
                    f"{name}: {size / 2**20:.0f} MiB; expected at most "
                    f"{MAX_BYTES // 2**20} MiB: split it, or export only the impedance columns"
                )
            data = _read_settled(path) if limit is None else _read(path, limit)[0]
        except OSError as error:
            raise ReaderError(f"{name}: cannot be opened ({error.strerror or error})") from error
        if not data.strip():
            raise ReaderError(f"{name}: the file is empty; export it again")
        return cls(path, data)

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the bytes, in hexadecimal digits."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def suffix(self) -> str:
        """Suffix in lower case, with its dot."""
        return self.path.suffix.lower()

    @cached_property
    def encoding(self) -> str:
        """Encoding by byte order mark, else UTF-16 by zero bytes, else UTF-8, else Latin-1."""
        for bom, name in _BOMS:
            if self.data.startswith(bom):
                return name
        head = self.data[:2000]
        zeros_even, zeros_odd = head[0::2].count(0), head[1::2].count(0)
        if max(zeros_even, zeros_odd) > 0.3 * len(head) / 2:
            return "utf-16-be" if zeros_even > zeros_odd else "utf-16-le"
        try:
            self.data.decode("utf-8")
        except UnicodeDecodeError:
            return "latin-1"
        return "utf-8"

    @cached_property
    def text(self) -> str:
        """Decoded text; invalid characters become U+FFFD."""
        return self.data.decode(self.encoding, errors="replace")

    @cached_property
    def lines(self) -> list[str]:
        """Lines without their ends, for all three conventions.

        Raises
        ------
        ReaderError
            If there are more than a million lines, or more than a million characters in one.
        """
        n_lines = max(self.text.count("\n"), self.text.count("\r"))
        if n_lines > MAX_LINES:
            raise self.error(f"{n_lines} lines; expected at most {MAX_LINES}: split the file")
        lines = _LINE_END.split(self.text)
        for number, line in enumerate(lines, start=1):
            if len(line) > MAX_LINE:
                raise self.error(f"{len(line)} characters in a line; expected at most {MAX_LINE}", number)
        return lines

    @property
    def ended(self) -> bool:
        """Whether the last line has a line end."""
        return self.text.endswith(("\n", "\r"))

    @cached_property
    def first_lines(self) -> list[str]:
        """Lines of the first 2 million characters."""
        return _LINE_END.split(self.text[:_HEAD])

    @cached_property
    def is_text(self) -> bool:
        """Whether the first 4000 characters have no control characters."""
        return _CONTROL.search(self.text[:4000]) is None

    def error(self, message: str, line: int | None = None) -> ReaderError:
        """Return a ReaderError with file name and line, counted from 1; the caller raises it."""
        return ReaderError(printable(f"{self.path.name}{'' if line is None else f', line {line}'}: {message}"))


def resolved(path: Path) -> Path:
    """Return the absolute path without links; links in a circle are kept."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        return path.absolute()


def _read(path: Path, limit: int) -> tuple[bytes, tuple[int, int]]:
    """Return the first bytes of a file, and its size and date before they were read."""
    status = path.stat()
    data = b""
    if status.st_size:  # streams of the kernel have none, and may never end
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            data = file.read(min(MAX_BYTES + 1, limit))
    return data, (status.st_size, status.st_mtime_ns)


def _read_settled(path: Path) -> bytes:
    """Return a file that does not change meanwhile; one that does is read again.

    Raises
    ------
    ReaderError
        If it keeps changing.
    """
    for pause in (*_PAUSES, None):
        data, before = _read(path, MAX_BYTES + 1)
        status = path.stat()
        if before == (status.st_size, status.st_mtime_ns) and len(data) == status.st_size:
            return data
        if pause is not None:
            time.sleep(pause)
    raise ReaderError(
        f"{printable(path.name)}: the file is still being written; read it again when it is complete"
    )
