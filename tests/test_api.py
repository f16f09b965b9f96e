"""The public API: docs/api.md is generated from the names, and signatures follow one order."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import eistool

PAGE = Path(__file__).parents[1] / "docs" / "api.md"
STUB = Path(eistool.__file__).with_suffix(".pyi")
FUNCTIONS = [name for name in eistool.__all__ if inspect.isfunction(getattr(eistool, name))]
MOST_POSITIONAL = 6
HEAD = """# Python API

All names are attributes of `eistool`; `help(eistool.fit)` shows arguments, units, errors and an example.
Arguments come in one order: data, model, then options by keyword. Written by `python -m tests.test_api`; a test
compares it with the names.
"""


def subjects() -> Iterator[tuple[str, list[str]]]:
    """Yield subjects and their names, as the stub groups them."""
    for block in STUB.read_text(encoding="utf-8").split("\n\n"):
        head, *lines = block.strip().splitlines()
        if head.startswith("# "):
            yield head.removeprefix("# "), [line.rpartition(" ")[2] for line in lines]


def _line(name: str) -> str:
    thing = getattr(eistool, name)
    summary = " ".join((inspect.getdoc(thing) or "").partition("\n\n")[0].split())
    summary = re.sub(r":\w+:`[~.]*([\w.]+)`", r"`\1`", summary).replace("|", r"\|")
    arguments = ""
    if inspect.isfunction(thing):
        arguments = f"({', '.join(_argument(p) for p in inspect.signature(thing).parameters.values())})"
    return f"| `{name}{arguments}` | {summary} |"


def _argument(parameter: inspect.Parameter) -> str:
    return parameter.name if parameter.default is parameter.empty else f"{parameter.name}=…"


def page() -> str:
    """Return the page."""
    parts = [HEAD]
    for subject, names in subjects():
        parts += [f"## {subject}\n", "| name | |\n|---|---|", *map(_line, names), ""]
    return "\n".join(parts)


def test_the_page_is_up_to_date() -> None:
    """After a wanted change, write the page anew with ``python -m tests.test_api``."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_name_has_one_subject() -> None:
    names = [name for _, group in subjects() for name in group]
    assert sorted([*names, "__version__"]) == eistool.__all__


@pytest.mark.parametrize("name", FUNCTIONS)
def test_arguments_are_few_and_options_have_defaults(name: str) -> None:
    parameters = inspect.signature(getattr(eistool, name)).parameters.values()
    positional = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert len(positional) <= MOST_POSITIONAL
    optional = [p.default is not p.empty for p in positional]
    assert optional == sorted(optional)  # what must be given comes first


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
