"""The table of thresholds in docs/theory.md, generated from the annotations of module constants."""

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import eistool
from eistool.typing import Threshold

PAGE = Path(__file__).parents[1] / "docs" / "theory.md"
BEGIN, END = "<!-- thresholds: begin -->", "<!-- thresholds: end -->"


def thresholds() -> Iterator[tuple[str, str, object, Threshold]]:
    """Yield package, name, value and annotation of every threshold."""
    for module in sorted(pkgutil.walk_packages(eistool.__path__, "eistool."), key=lambda module: module.name):
        if module.name.endswith("__main__"):
            continue
        loaded = importlib.import_module(module.name)
        for name, hint in vars(loaded).get("__annotations__", {}).items():
            for annotation in getattr(hint, "__metadata__", ()):
                if isinstance(annotation, Threshold):
                    yield module.name.removeprefix("eistool."), name, getattr(loaded, name), annotation


def table() -> str:
    """Return the table as Markdown."""
    rows = []
    for module, name, value, annotation in thresholds():
        number = f"{value:.6g}" if isinstance(value, float) else value
        meaning, source = (text.replace("|", "\\|") for text in (annotation.meaning, annotation.source))
        rows.append(f"| `{module}` | `{name}` | {number} | {meaning} | {source} |")
    return "\n".join(["| module | constant | value | decision | source |", "|---|---|---|---|---|", *rows])


def page() -> str:
    """Return docs/theory.md with the present table."""
    text = PAGE.read_text(encoding="utf-8")
    return f"{text.partition(BEGIN)[0]}{BEGIN}\n{table()}\n{END}{text.partition(END)[2]}"


def test_the_table_is_up_to_date() -> None:
    """After a wanted change, write the page anew with ``python -m tests.test_thresholds``."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_threshold_has_a_meaning_and_a_source() -> None:
    found = list(thresholds())
    assert found
    assert all(annotation.meaning and annotation.source for *_, annotation in found)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
