"""Output of all commands: safe for terminals of any encoding, without styles where ``NO_COLOR`` is set."""

import codecs
import io
import json
import os
import re
import sys
from typing import TYPE_CHECKING, Any

import click

from eistool.escaping import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_SPELLED = {
    "Ω": "ohm", "µ": "u", "μ": "u", "°": "deg", "±": "+-", "²": "2", "³": "3", "·": "*", "−": "-",
    "–": "-", "→": "->", "≤": "<=", "≥": ">=", "≈": "~", "√": "sqrt", "α": "alpha", "γ": "gamma", "Δ": "delta ",
    "ε": "epsilon", "σ": "sigma", "τ": "tau", "φ": "phi", "χ": "chi", "ω": "omega", "π": "pi", "…": "...",
}  # fmt: skip
_STYLE = re.compile("(\x1b\\[[0-9;]*m)")
_NOT_JSON = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def _spell_out(error: UnicodeError) -> tuple[str, int]:
    """Return units and signs in ASCII, and other characters as escapes: an error handler of codecs."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_SPELLED.get(c, c.encode("ascii", "backslashreplace").decode()) for c in lacking), error.end


codecs.register_error("eistool.spell_out", _spell_out)


def prepare_streams() -> None:
    """Let stdout and stderr spell out what their encoding lacks, in place of an exception."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="eistool.spell_out")


def echo(text: str = "", *, err: bool = False, nl: bool = True) -> None:
    """Print a text, control characters written out."""
    click.echo(printable(text, keep="\n\t"), err=err, nl=nl)


def echo_styled(text: str) -> None:
    """Print a text with colours, whose names are printable; other control characters are written out."""
    parts = _STYLE.split(text)
    click.echo("".join(part if _STYLE.fullmatch(part) else printable(part, keep="\n\t") for part in parts))


def echo_json(value: Any) -> None:
    """Print a value as JSON; without UTF-8 as ASCII."""
    utf8 = (getattr(sys.stdout, "encoding", None) or "").lower().startswith("utf")
    text = json.dumps(value, indent=2, ensure_ascii=not utf8)
    click.echo(_NOT_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text))


def console(*, err: bool = False, **options: Any) -> "Console":
    """Return a terminal for styled text, which must be printable; ``NO_COLOR`` removes all styles."""
    from rich.console import Console

    if os.environ.get("NO_COLOR"):
        options["color_system"] = None
    return Console(stderr=err, highlight=False, markup=False, **options)


def echo_table(terminal: "Console", table: "Table") -> None:
    """Print a table of printable cells, without spaces at the ends of its lines."""
    with terminal.capture() as capture:
        terminal.print(table)
    click.echo("\n".join(line.rstrip() for line in capture.get().splitlines()))
