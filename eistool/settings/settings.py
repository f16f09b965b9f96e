"""Lookup of settings and circuit folders."""

import os
import re
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import ValidationError

from eistool.errors import ConfigError
from eistool.escaping import printable
from eistool.settings.schema import TABLES, Settings, SubtractionSettings
from eistool.typing import PathLike

FILE_NAME = "eistool.toml"
CIRCUITS_VARIABLE = "EISTOOL_CIRCUITS"
MAX_BYTES = 1_000_000
_LONGEST = 80  # characters of a value in a message

_HEADER = re.compile(r"\s*\[\[?\s*([^\]#]+?)\s*\]")
_KEY = re.compile(r"\s*([\w.\"'-][\w.\"' -]*?)\s*=")
_AT_LINE = re.compile(r"\s*\(at line (\d+), column (\d+)\)")
_RESISTANCE = re.compile(r"[\d.eE+-]+(,[\d.eE+-]+)?")


def load_settings(folder: PathLike) -> Settings:
    """Return the settings of the nearest ``eistool.toml`` in or above a folder, or the defaults.

    Parameters
    ----------
    folder : path
        A folder, or a file in it.

    Raises
    ------
    ConfigError
        If the file is not valid TOML, or has an unknown key or a wrong value; the message gives file, line,
        key and allowed values.

    Examples
    --------
    >>> load_settings("/").fit.weighting
    'auto'
    """
    start = Path(folder).resolve()
    path = next((p / FILE_NAME for p in (start, *start.parents) if _is_file(p / FILE_NAME)), None)
    if path is None:
        return Settings()
    text = _read(path)
    try:
        settings = Settings.model_validate(_parse(path, text))
    except ValidationError as error:
        mistake = error.errors()[0]
        location = [part for part in mistake["loc"] if isinstance(part, str)]
        raise ConfigError(f"{_place(path, text, location)}: {first_error(error)}") from error
    full = _full_cells(path, text, settings.subtraction)
    symmetric = settings.subtraction.symmetric
    if symmetric is not None and not _RESISTANCE.fullmatch(symmetric):
        symmetric = str(path.parent / symmetric)
    update: dict[str, object] = {
        "subtraction": settings.subtraction.model_copy(update={"full": full, "symmetric": symmetric})
    }
    if settings.circuits is not None:
        update["circuits"] = _circuits(path, text, settings.circuits)
    return settings.model_copy(update=update)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # in a folder that cannot be entered
        return False


def _read(path: Path) -> str:
    try:
        size = path.stat().st_size
        data = path.read_bytes() if 0 < size <= MAX_BYTES else b""
        if size > MAX_BYTES:
            raise ConfigError(f"{path}: {size} bytes; expected at most {MAX_BYTES}: write only settings")
        return data.decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror or error}); allow reading it") from error
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}, line {line}: not UTF-8; save the file as UTF-8") from error


def _parse(path: Path, text: str) -> dict[str, object]:
    hint = "write TOML such as [fit] and circuit = 'spike'"
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = _AT_LINE.search(str(error))
        lines = text.split("\n")
        line = int(match[1]) if match else len(text.rstrip().split("\n"))  # at the end
        key = _KEY.match(lines[line - 1])
        where = f"{path}, line {line}" + (f", key {key[1]!r}" if key else "")
        raise ConfigError(f"{where}: {_AT_LINE.sub('', str(error))}; {hint}") from error
    except (RecursionError, ValueError) as error:  # nested too deeply; a number of too many digits
        lines = text.split("\n")
        longest = max(range(len(lines)), key=lambda i: len(lines[i]))
        key = _KEY.match(lines[longest])
        where = f"{path}, line {longest + 1}" + (f", key {key[1]!r}" if key else "")
        reason = "nested too deeply" if isinstance(error, RecursionError) else "a number has too many digits"
        raise ConfigError(f"{where}: {reason}; {hint}") from error


def _place(path: Path, text: str, location: Sequence[str]) -> str:
    """Return file and line of a key, or of its table."""
    table: list[str] = []
    best, line = 0, 1
    for number, row in enumerate(text.split("\n"), start=1):
        if header := _HEADER.match(row):
            found = table = _parts(header[1])
        elif key := _KEY.match(row):
            found = [*table, *_parts(key[1])]
        else:
            continue
        if len(found) > best and found == list(location[: len(found)]):
            best, line = len(found), number
    return f"{path}, line {line}"


def _parts(dotted: str) -> list[str]:
    return [part.strip().strip("\"'") for part in dotted.split(".")]


def _full_cells(path: Path, text: str, subtraction: SubtractionSettings) -> tuple[str, ...]:
    """Return resistances, and the files that match patterns; nothing outside the folder is searched."""
    folder, cells = path.parent, []
    for pattern in subtraction.full:
        if _RESISTANCE.fullmatch(pattern):
            cells.append(pattern)
            continue
        where = f"{_place(path, text, ('subtraction', 'full'))}: subtraction.full = {_short(pattern)}"
        if Path(pattern).is_absolute() or ".." in Path(pattern).parts or "\0" in pattern:
            raise ConfigError(
                f"{where}; expected files or patterns in or below {folder}: name others with --full, or move "
                "eistool.toml"
            )
        try:
            files = sorted(file for file in folder.glob(pattern) if file.resolve().is_relative_to(folder))
        except (OSError, RuntimeError, ValueError, NotImplementedError) as error:
            raise ConfigError(f"{where}; no valid pattern ({error}): write for instance full_*.mpt") from error
        cells += [str(file) for file in files] if files else [str(folder / pattern)]
    return tuple(cells)


def _circuits(path: Path, text: str, circuits: Path) -> Path:
    where = f"{_place(path, text, ('circuits',))}: circuits = {_short(str(circuits))}"
    try:
        folder = (path.parent / circuits).resolve()
        known = folder.is_dir()
    except (OSError, RuntimeError, ValueError) as error:
        raise ConfigError(f"{where}; no valid path ({error})") from error
    if not known:
        raise ConfigError(f"{where}; folder {folder} not found: create it, or correct the path")
    return folder


def circuit_folders(folder: PathLike, named: Iterable[PathLike] = ()) -> tuple[Path, ...]:
    """Return the folders of the user's circuits, in search order.

    The order is: named folders (command-line option), the environment variable ``EISTOOL_CIRCUITS`` (separated
    as in ``PATH``), and the key ``circuits`` of the nearest ``eistool.toml``.

    Parameters
    ----------
    folder : path
        Folder in or above which ``eistool.toml`` is searched.
    named : iterable of paths
        Folders to search first.

    Raises
    ------
    ConfigError
        If a folder does not exist; the message names the option, variable or file that refers to it.

    Examples
    --------
    >>> circuit_folders("/", ["/tmp"])[0].name
    'tmp'
    """
    sources = [("--circuits", Path(name)) for name in named]
    variable = os.environ.get(CIRCUITS_VARIABLE, "")
    sources += [(CIRCUITS_VARIABLE, Path(name).expanduser()) for name in variable.split(os.pathsep) if name]
    for source, path in sources:
        if not path.is_dir():
            raise ConfigError(
                f"{source}: folder {path} not found; give a folder with a NAME.toml for each circuit"
            )
    default = load_settings(folder).circuits
    return tuple(dict.fromkeys([path for _, path in sources] + ([] if default is None else [default])))


def first_error(error: ValidationError) -> str:
    """Return the first mistake in words: the key, its value and the allowed ones."""
    mistake = error.errors()[0]
    *table, key = (str(part) for part in mistake["loc"])
    name = ".".join([*table, key])
    if mistake["type"] == "extra_forbidden":
        model = TABLES.get(".".join(table), Settings)
        return f"unknown key {name!r}; allowed are {', '.join(model.model_fields)}"
    return f"{name} = {_short(mistake['input'])}; {mistake['msg'][0].lower()}{mistake['msg'][1:]}"


def _short(value: object) -> str:
    text = printable(repr(value))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
