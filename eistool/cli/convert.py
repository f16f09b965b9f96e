"""``eistool convert``: conversion of spectra between formats."""

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import click

from eistool.cli.options import electrode, inputs
from eistool.cli.output import echo, echo_json
from eistool.errors import ConfigError, OutputError
from eistool.escaping import file_name, printable, without_name

if TYPE_CHECKING:
    from eistool.spectrum import Spectrum

TARGETS = ("csv", "z", "mpt", "json")
SIDE_TABLE = "samples.csv"


@click.command(
    epilog="""\b
Examples:
  eistool convert measurements/ --to csv --out spectra
  eistool convert cell.mpr --to z --out for-zview
  eistool convert three_electrodes.mpr --electrode counter --to mpt --out counter
"""
)
@inputs
@electrode
@click.option(
    "--to", "style", type=click.Choice(TARGETS), default="csv", show_default=True, help="Format to write."
)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder for the files."
)
@click.option("--force", is_flag=True, help="Replace existing files.")
@click.pass_context
def command(
    context: click.Context,
    paths: tuple[Path, ...],
    samples: Path | None,
    as_json: bool,
    electrode: str,
    style: str,
    out: Path,
    force: bool,
) -> None:
    """Convert all spectra in files and folders to CSV, ZView (z), EC-Lab (mpt) text or JSON.

    Frequencies and impedances round-trip to the last digit. An mpt or json file holds all sweeps of its source;
    the other formats have one file per sweep, numbered if there are several. Masked points are included.
    Metadata are written to samples.csv in the folder, from which they are read back; json files hold them, with
    masks, noise and notes.

    Exit codes: 0 all done, 1 done but some files could not be read, 2 wrong usage, 3 nothing readable.
    """
    from eistool.batch import Breakdown, attempt
    from eistool.readers import SampleTables, load, scan

    tables = SampleTables(samples)
    spectra: dict[str, list[Spectrum]] = {}
    failures: dict[str, str] = {}
    for file in scan(paths):
        if file.ignored:
            continue
        sweeps = attempt(file.source, functools.partial(load, file, tables, electrode), raised=(ConfigError,))
        if isinstance(sweeps, Breakdown):
            failures[file.source] = without_name(sweeps.reason, printable(file.path.name))
        else:
            spectra[file.source] = sweeps
    written = _write(spectra, style, out, force)
    if as_json:
        echo_json({"written": written, "failures": failures})
    for source, reason in failures.items():
        echo(f"not read: {source}: {reason}", err=True)
    if not as_json:
        n_sweeps = sum(map(len, spectra.values()))
        echo(f"{n_sweeps} spectra of {len(spectra)} files in {len(written)} files in {out}")
    context.exit(3 if not spectra else 1 if failures else 0)


def _write(by_source: dict[str, list["Spectrum"]], style: str, out: Path, force: bool) -> list[str]:
    """Write the spectra of each source and the table of their metadata; return the file names."""
    from eistool.readers.writers import format_samples, write_spectra

    plan = list(_plan(by_source, style))
    beside = plan and style != "json"
    targets = [out / name for name, _ in plan] + ([out / SIDE_TABLE] if beside else [])
    existing = [target for target in targets if target.exists()]
    if existing and not force:
        raise ConfigError(f"{existing[0]} exists ({len(existing)} such files); choose another folder, or --force")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"{out}: cannot be created ({error.strerror or error}); choose another folder"
        ) from error
    try:
        for name, spectra in plan:
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            write_spectra(out / name, spectra, style)
        if beside:
            (out / SIDE_TABLE).write_text(format_samples(plan), encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{out}: cannot be written ({error.strerror or error})") from error
    return [name for name, _ in plan]


def _plan(by_source: dict[str, list["Spectrum"]], style: str) -> Iterator[tuple[str, Sequence["Spectrum"]]]:
    """Yield the name of each file and its spectra; sources that differ only in their suffix keep it."""
    from eistool.readers.writers import WRITERS

    stems = [str(PurePosixPath(source).with_suffix("")).lower() for source in by_source]
    for source, spectra in by_source.items():
        stem = str(PurePosixPath(source).with_suffix(""))
        stem = source if stems.count(stem.lower()) > 1 else stem
        suffix = WRITERS[style].suffix
        if WRITERS[style].several_sweeps or len(spectra) == 1:
            yield file_name(stem, suffix), spectra
        else:
            width = len(str(len(spectra)))
            yield from (
                (file_name(stem, f".{number:0{width}}{suffix}"), [spectrum])
                for number, spectrum in enumerate(spectra, start=1)
            )
