"""``eistool methods``: a paragraph for a paper."""

from pathlib import Path

import click

from eistool.cli.output import echo


@click.command(
    epilog="""\b
Example:
  eistool methods results
"""
)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR")
def command(folder: Path) -> None:
    """Print a paragraph on the methods of a run, with version, settings and citations.

    The paragraph is also written to methods.md in the folder, and the references to methods.bib.
    """
    from eistool.batch.files import write_file
    from eistool.report.methods import write_methods
    from eistool.report.results import read_results

    text, bibliography = write_methods(read_results(folder))
    write_file(folder / "methods.md", text.encode())
    write_file(folder / "methods.bib", bibliography.encode())
    echo(text.rstrip())
    echo(f"\nReferences in {folder / 'methods.bib'}")
