"""``eistool formats``: readable file formats."""

import click

from eistool.cli.output import console, echo_json


@click.command(
    epilog="""\b
Example:
  eistool formats
"""
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list instead.")
def command(as_json: bool) -> None:
    """List the readable file formats.

    Formats are recognized by content; the suffixes listed are the usual ones.
    """
    from eistool.readers import READERS
    from eistool.readers.registry import UNSUPPORTED

    rows = [
        {"name": r.name, "title": r.title, "suffixes": list(r.suffixes), "read": True, "remedy": ""}
        for r in READERS
    ]
    rows += [
        {"name": "", "title": title, "suffixes": [suffix], "read": False, "remedy": remedy}
        for suffix, (title, remedy) in UNSUPPORTED.items()
    ]
    if as_json:
        echo_json(rows)
        return
    from rich.table import Table

    table = Table("format", "files", "usual suffixes", box=None)
    for reader in READERS:
        table.add_row(reader.name, reader.title, " ".join(reader.suffixes))
    terminal = console()
    terminal.print(table)
    terminal.print("\nNot read yet:")
    for suffix, (title, remedy) in UNSUPPORTED.items():
        terminal.print(f"  {suffix:11} {title}: {remedy}")
