"""``eistool rerun``: a run of a result folder, repeated."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import eistool
from eistool.cli.output import echo
from eistool.errors import ConfigError

if TYPE_CHECKING:
    from eistool.settings import Settings

_MOST_NAMED = 5


@click.command(
    epilog="""\b
Examples:
  eistool rerun results/run.json
  eistool rerun results/run.json --out again
"""
)
@click.argument("run", type=click.Path(exists=True, path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="New result folder.  [default: beside the old one]")
@click.pass_context
def command(context: click.Context, run: Path, out: Path | None) -> None:
    """Repeat the run that a run.json describes, and compare the tables of both.

    Options and settings are those of the first run, whatever eistool.toml says now. The new tables are equal
    byte for byte unless inputs, samples tables or the version of eistool changed; tables and inputs that differ
    are named.

    Exit codes: those of the command; 1 if a table differs.
    """
    from eistool.batch.files import read_run
    from eistool.cli import main
    from eistool.readers import RUN

    folder = (run if run.is_dir() else run.parent).resolve()
    path = folder / RUN
    old = read_run(folder)
    arguments = arguments_of(path, old)
    settings = settings_of_run(path, old)
    new = (out or folder.with_name(f"{folder.name}-rerun")).resolve()
    if new == folder:
        raise ConfigError(f"--out {new} is the folder of the first run; choose another one")
    if old.get("version") != eistool.__version__:
        echo(f"note: the first run was of eistool {old.get('version')}, this is {eistool.__version__}", err=True)
    with working_folder(path, old):
        code = main.main([*arguments, "--out", str(new)], "eistool", obj=settings, standalone_mode=False)
    different = [name for name, equal in _compare(folder, new).items() if not equal]
    changed = _changed(old, read_run(new)) if different else []
    if different:
        echo(f"{len(different)} tables differ from {folder}: {', '.join(different)}")
        more = f" and {len(changed) - _MOST_NAMED} more" if len(changed) > _MOST_NAMED else ""
        echo(f"inputs that changed: {', '.join(changed[:_MOST_NAMED]) or 'none'}{more}")
    else:
        echo(f"All tables are equal to those in {folder}")
    context.exit(code or int(bool(different)))


def arguments_of(
    path: Path, run: Mapping[str, Any], without: Sequence[str] = ("--out",), flags: Sequence[str] = ()
) -> list[str]:
    """Return the arguments of the command of a ``run.json``, without some options and flags."""
    command = run.get("command")
    if not isinstance(command, list) or len(command) < 2 or not all(isinstance(word, str) for word in command):
        raise ConfigError(f"{path}: no command to repeat; expected a run.json of eistool fit, drt, check or track")
    kept: list[str] = []
    words = iter(command[1:])
    for word in words:
        if word in without:
            next(words, None)
        elif word not in flags and word.partition("=")[0] not in without:
            kept.append(word)
    return kept


def settings_of_run(path: Path, run: Mapping[str, Any]) -> "Settings":
    """Return the settings of a run in place of those of eistool.toml."""
    from pydantic import ValidationError

    from eistool.settings import FitSettings, Settings, SubtractionSettings, first_error

    known = run.get("settings") or {}
    fit = {name: known[name] for name in FitSettings.model_fields if name in known}
    subtraction = {name: known[name] for name in SubtractionSettings.model_fields if name in known}
    try:
        return Settings(fit=FitSettings(**fit), subtraction=SubtractionSettings(**subtraction))
    except ValidationError as error:
        raise ConfigError(f"{path}, settings: {first_error(error)}") from error


@contextmanager
def working_folder(path: Path, run: Mapping[str, Any]) -> Iterator[None]:
    """Work in the folder of the first run, to which its paths are relative."""
    here, folder = Path.cwd(), run.get("working_folder")
    if folder is not None and not Path(folder).is_dir():
        raise ConfigError(f"{path}: the run was started in {folder}, which is gone; its inputs cannot be found")
    os.chdir(folder or here)
    try:
        yield
    finally:
        os.chdir(here)


def _compare(old: Path, new: Path) -> dict[str, bool]:
    names = sorted({path.name for folder in (old, new) for path in folder.glob("*.csv")})
    return {name: _content(old / name) == _content(new / name) for name in names}


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> Sequence[str]:
    before, after = old.get("inputs") or {}, new.get("inputs") or {}
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
