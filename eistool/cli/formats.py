"""``eistool formats``: readable file formats."""

import json

import click


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
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("format", "files", "usual suffixes", box=None)
    for reader in READERS:
        table.add_row(reader.name, reader.title, " ".join(reader.suffixes))
    console = Console()
    console.print(table)
    console.print("\nNot read yet:")
    for suffix, (title, remedy) in UNSUPPORTED.items():
        console.print(f"  {suffix:11} {title}: {remedy}", markup=False, highlight=False)
