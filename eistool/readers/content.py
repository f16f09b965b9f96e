"""Contents of a file, read and decoded once."""

import codecs
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from eistool.errors import ReaderError
from eistool.escaping import printable

MAX_BYTES = 64 * 1024 * 1024
MAX_LINES = 1_000_000
MAX_LINE = 1_000_000  # characters; splitting a longer one takes many times its memory

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
            If the file cannot be opened, is empty, or is larger than 64 MiB.
        """
        name = printable(path.name)
        try:
            size = path.stat().st_size
            if limit is None and size > MAX_BYTES:
                raise ReaderError(
                    f"{name}: {size / 2**20:.0f} MiB; expected at most "
                    f"{MAX_BYTES // 2**20} MiB: split it, or export only the impedance columns"
                )
            data = b""
            if size:  # streams of the kernel have none, and may never end
                with path.open("rb") as file:
                    data = file.read(min(MAX_BYTES, limit or MAX_BYTES))
        except OSError as error:
            raise ReaderError(f"{name}: cannot be opened ({error.strerror or error})") from error
        if not data.strip():
            raise ReaderError(f"{name}: the file is empty; export it again")
        return cls(path, data)

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
