"""Text from files, made safe for terminals, tables and file names."""

import hashlib
import os
import re

# control characters, surrogates of undecodable bytes, line separators, and marks that reverse the direction
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_GUARDED = re.compile(r"''*[=+\-@\t\r]")
MAX_NAME = 200  # bytes; file systems take 255, and temporary names are longer


def printable(text: str, keep: str = "") -> str:
    r"""Return a text with its control characters and undecodable bytes written out.

    Parameters
    ----------
    text : str
        From a file, its name or an error message.
    keep : str
        Characters to leave as they are, such as line ends.

    Examples
    --------
    >>> print(printable("a\x1b[31m.csv"), printable("latin\udce9.csv"))
    a\x1b[31m.csv latin\xe9.csv
    """
    return _UNSAFE.sub(lambda match: match[0] if match[0] in keep else _written_out(match[0]), text)


def _written_out(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, in a file name
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def source_name(path: str) -> str:
    r"""Return a path for tables and the terminal, different for different paths.

    Examples
    --------
    >>> print(source_name("a/b\udce9.csv"), source_name(r"a/b\xe9.csv"))
    a/b\xe9.csv a/b\\xe9.csv
    """
    return printable(path.replace("\\", "\\\\"))


def file_name(source: str, ending: str) -> str:
    """Return the path of a file about a source, below any folder: shortened, and without a way out of it.

    Parameters
    ----------
    source : str
        Relative path, with forward slashes.
    ending : str
        Appended to its name.

    Examples
    --------
    >>> file_name("pellet/S17_25C.mpt", ".1.png"), file_name("../../etc", ".png")
    ('pellet/S17_25C.mpt.1.png', '_/_/etc.png')
    >>> len(file_name(250 * "n", ".png"))
    200
    """
    parts = printable(source.replace(":", "_") if os.name == "nt" else source).split("/")
    *folders, name = ("_" if part in ("", ".", "..") else part for part in parts)
    return "/".join([*(_shortened(folder, "") for folder in folders), _shortened(name, ending)])


def _shortened(name: str, ending: str) -> str:
    data = name.encode()
    room = MAX_NAME - len(ending.encode())
    if len(data) <= room:
        return name + ending
    mark = hashlib.blake2b(data, digest_size=4).hexdigest()
    return data[: room - len(mark) - 1].decode(errors="ignore") + "~" + mark + ending


def defuse(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: marked by ``'`` where it starts like one.

    Examples
    --------
    >>> defuse("=1+1"), defuse("a=b"), defuse("'=1")
    ("'=1+1", 'a=b', "''=1")
    """
    return f"'{text}" if _FORMULA.match(text) else text


def restore(cell: str) -> str:
    """Return the text of a cell written by :func:`defuse`.

    Examples
    --------
    >>> restore("'=1+1"), restore("'a'")
    ('=1+1', "'a'")
    """
    return cell[1:] if _GUARDED.match(cell) else cell


def without_name(reason: str, *names: str) -> str:
    """Return a reason without the name of its file at the beginning, for a place where the name stands beside it.

    Examples
    --------
    >>> without_name("x.csv, line 4: expected a number", "x.csv")
    'line 4: expected a number'
    """
    for name in names:
        if reason.startswith((f"{name}: ", f"{name}, ")):
            return reason[len(name) + 2 :]
    return reason
