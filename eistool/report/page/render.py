"""The report of a result folder as HTML that needs nothing else."""

import base64
import hashlib
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

from eistool.display import brief
from eistool.escaping import without_name
from eistool.report.page.samples import ENERGY_COLUMNS, energy_rows, sample_contents
from eistool.report.page.series import series_contents, series_names
from eistool.report.page.sweeps import CONDITIONS, Line, Sweeps
from eistool.report.page.words import advise
from eistool.report.results import Results, key_of, name_of, number, read_results
from eistool.typing import JSON, PathLike

MOST_ROWS = 200  # of a further table
MOST_BYTES = 12_000_000  # of a page, approximately
LINE_BYTES = 1_300  # of a row in the table of sweeps
MOST_REASONS = 30  # of failures and warnings shown at once
_FURTHER = ("polarization", "subtraction", "irdrop", "composition", "arrhenius_alternatives", "check")
_STAGES = {
    "read": "could not be read",
    "fit": "could not be fitted",
    "drt": "without a distribution",
    "check": "could not be checked",
}
_STATE_WORDS = (
    ("ok", "described well"),
    ("poor_model", "described poorly"),
    ("failed", "failed"),
    ("left_out", "left out"),
)


def render_pages(folder: PathLike, name: str = "report.html", *, live: bool = False) -> list[str]:
    """Return the report of a result folder as HTML: one page, several for very large folders.

    Everything is made from the tables and ``run.json``. A page loads nothing: scripts and styles are part of
    it, and a content security policy forbids any request. Details of sweeps are compressed and read when shown.
    A page that would exceed :data:`MOST_BYTES` is continued on the next one, see :func:`page_name`; the first
    has all that concerns the whole folder.

    Parameters
    ----------
    folder : path
        Result folder.
    name : str
        File name of the first page.
    live : bool
        Whether the pages are served by ``eistool serve``, with a panel for refits.

    Raises
    ------
    ConfigError
        If the folder was not written by eistool, or a table cannot be read.
    """
    results = read_results(folder)
    sweeps = Sweeps(results)
    lines = list(sweeps.lines())
    samples = sample_contents(results)
    assets = ("head.js", "plotly-cartesian.min.js", "report.js", *(("serve.js",) if live else ()))
    first, *scripts = map(_asset, assets)
    whole = [
        *_chunks("samples", [{"samples": samples}] if samples else []),
        *_chunks("series", series_contents(results, sweeps.numbers)),
    ]
    fixed = sum(map(len, (first, *scripts, _asset("report.css"))))
    parts = _split(lines, list(_chunks("sweep", sweeps.details())), fixed, sum(len(data) for _, data in whole))
    pages = [
        {
            "name": page_name(name, i),
            "from": f"{part[0].name} to {part[-1].name}" if (part := lines[where]) else "",
            "n": len(part),
            "states": ", ".join(f"{n} {words}" for _, words, n in _states(part)),
        }
        for i, (where, _) in enumerate(parts, start=1)
    ]
    shared = {
        "title": results.folder.resolve().name,
        "run": results.run,
        "command": " ".join(map(str, results.run.get("command", ()))),
        "n_sweeps": len(lines),
        "all_states": _states(lines),
        "kk": sweeps.verdicts(),
        "tested": bool(results.rows("fits") or results.rows("check")),
        "n_unread": sum(row.get("stage") == "read" for row in results.rows("failures")),
        "advice": advise(results),
        "failures": _failures(results),
        "conditions": [(i, CONDITIONS[i][1]) for i in sweeps.shown_conditions],
        "shown": {"circuit": any(line.circuit for line in lines)}
        | {one: any(getattr(line, one)[0] for line in lines) for one in ("chi2", "R_inf", "R_total", "sigma")},
        "samples": [sample["name"] for sample in samples],
        "energy_columns": ENERGY_COLUMNS,
        "energies": energy_rows(results),
        "series": series_names(results),
        "further": [table for one in _FURTHER if (table := _further(results, one))],
        "warnings": [str(text) for text in results.run.get("warnings", ())],
        "ignored": [
            str(one.get("source", one)) for one in results.run.get("ignored", ()) if isinstance(one, dict)
        ],
        "most": MOST_REASONS,
        "style": _asset("report.css"),
        "scripts": scripts,
        "first": first,
        "policy": _policy([first, *scripts], live),
        "live": live,
        "pages": pages,
    }
    template = _environment().get_template("report.html.j2")
    return [
        str(
            template.render(
                **shared,
                page=i,
                lines=lines[where],
                states=_states(lines[where]),
                chunks=[*chunks, *(whole if i == 1 else ())],
            )
        )
        for i, (where, chunks) in enumerate(parts, start=1)
    ]


def page_name(name: str, page: int) -> str:
    """Return the file name of a page of a report.

    Examples
    --------
    >>> page_name("report.html", 1), page_name("report.html", 3)
    ('report.html', 'report-3.html')
    """
    return name if page == 1 else f"{Path(name).stem}-{page}{Path(name).suffix}"


def _split(
    lines: Sequence[Line], chunks: Sequence[tuple[str, str]], fixed: int, whole: int
) -> list[tuple[slice, Sequence[tuple[str, str]]]]:
    """Return the sweeps of each page, and their details, by the size of the page in bytes."""
    sizes = [LINE_BYTES + len(data) for _, data in chunks]
    ends: list[int] = []
    size = fixed + whole
    for i, one in enumerate(sizes):
        if size + one > MOST_BYTES and i > (ends[-1] if ends else 0):
            ends.append(i)
            size = fixed
        size += one
    places = [slice(*pair) for pair in pairwise([0, *ends, len(lines)])]
    return [(where, chunks[where]) for where in places]


def _states(lines: Iterable[Line]) -> list[tuple[str, str, int]]:
    """Return the states that occur, in words, and the number of sweeps in each."""
    counts = Counter(line.status for line in lines)
    return [(name, words, counts[name]) for name, words in _STATE_WORDS if counts[name]]


@cache
def _asset(name: str) -> str:
    return files("eistool.report.page").joinpath("assets", name).read_text(encoding="utf-8")


@cache
def _environment() -> Any:
    from jinja2 import DictLoader, Environment, StrictUndefined
    from markupsafe import Markup, escape

    environment = Environment(
        loader=DictLoader({"report.html.j2": _asset("report.html.j2")}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # `code` in texts of the program, after everything is escaped
    environment.filters["code"] = lambda text: Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704
    environment.filters["verbatim"] = Markup
    return environment


def _policy(scripts: Iterable[str], live: bool) -> str:
    """Return the content security policy: these scripts alone, and no request but to the server of a live page."""
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    connect = "connect-src 'self'; " if live else ""
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        f"{connect}base-uri 'none'; form-action 'none'"
    )


def _chunks(kind: str, contents: Iterable[JSON]) -> list[tuple[str, str]]:
    """Return the identifier and the compressed JSON of each part."""
    return [
        (f"{kind}-{i}", base64.b64encode(zlib.compress(_compact(one), 6)).decode())
        for i, one in enumerate(contents)
    ]


def _compact(contents: JSON) -> bytes:
    return json.dumps(contents, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _failures(results: Results) -> list[tuple[str, str, list[str]]]:
    """Return stage, reason and names of inputs without a result, the most frequent reason first."""
    groups: dict[tuple[str, str], list[str]] = {}
    for row in results.rows("failures"):
        name = name_of(key_of(row))
        reason = without_name(row.get("error", ""), name, row.get("source", "").rpartition("/")[2])
        groups.setdefault((_STAGES.get(row.get("stage", ""), row.get("stage", "")), reason), []).append(name)
    order = Counter({key: len(names) for key, names in groups.items()})
    return [(*key, groups[key]) for key, _ in order.most_common()]


def _further(results: Results, name: str) -> JSON | None:
    rows = results.rows(name)
    if not rows:
        return None
    columns = [column for column in rows[0] if any(row.get(column) for row in rows)]
    return {
        "name": name,
        "columns": columns,
        "rows": [[_short(row.get(column, "")) for column in columns] for row in rows[:MOST_ROWS]],
        "total": len(rows),
    }


def _short(text: str) -> str:
    value = number(text)
    return text if value is None or value.is_integer() else brief(value)
