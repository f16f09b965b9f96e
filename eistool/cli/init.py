"""``eistool init``: a commented ``eistool.toml``."""

from pathlib import Path

import click

from eistool.cli.output import echo
from eistool.errors import ConfigError


@click.command(
    epilog="""\b
Examples:
  eistool init
  eistool init measurements/
"""
)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".")
@click.option("--force", is_flag=True, help="Replace an existing file.")
def command(folder: Path, force: bool) -> None:
    """Write an eistool.toml into FOLDER, by default the working folder, with every key commented.

    The nearest eistool.toml in or above the spectra holds defaults for fit and subtract. An existing file is kept.
    """
    from eistool.batch.files import write_whole
    from eistool.settings import FILE_NAME, commented_defaults

    path = folder / FILE_NAME
    if path.exists() and not force:
        raise ConfigError(f"{path} exists; edit it, or replace it with --force")
    write_whole(path, commented_defaults().encode("utf-8"))
    echo(f"{path}: uncomment a line to change a default")
