"""Reference of all columns as Markdown, for ``docs/results.md``."""

from typing import Any

from eistool.tables import TABLES
from eistool.tables.check import RESIDUALS
from eistool.tables.drt import GAMMA
from eistool.tables.table import Table

BEGIN = "<!-- made by python -m eistool.tables docs/results.md -->\n"
END = "<!-- end -->\n"
FILES = {GAMMA.name: "drt/*.csv", RESIDUALS.name: "check/*.csv"}  # one for each sweep


def updated(text: str) -> str:
    """Return a Markdown text with the columns of all tables between its markers.

    Raises
    ------
    ValueError
        If the text has no markers.
    """
    before, _, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"expected the lines {BEGIN.strip()} and {END.strip()} in the text")
    return before + BEGIN + "\n".join(_section(table) for table in (*TABLES, GAMMA, RESIDUALS)) + END + after


def _section(table: Table[Any]) -> str:
    lines = [f"### `{FILES.get(table.name, f'{table.name}.csv')}`: a row per {table.row_per}", ""]
    lines += ["| column | unit | |", "|---|---|---|"]
    lines += [f"| `{column.name}` | {column.unit} | {column.description} |" for column in table.columns]
    if table.more:
        lines += ["", f"{table.more[0].upper()}{table.more[1:]}."]
    return "\n".join(lines) + "\n"
