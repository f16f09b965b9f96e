"""The columns in the documentation are those of the code."""

from pathlib import Path

import pytest

from eistool.spectrum.metadata import METADATA_FIELDS
from eistool.tables import TABLES
from eistool.tables.reference import updated
from eistool.tables.spectra import SPECTRA

DOCUMENT = Path(__file__).parents[2] / "docs" / "results.md"


def test_documented_columns_are_current() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert updated(text) == text, "run python -m eistool.tables docs/results.md"


def test_text_without_markers() -> None:
    with pytest.raises(ValueError, match="expected the lines"):
        updated("# Results\n")


def test_columns_are_described_once() -> None:
    assert len({table.name for table in TABLES}) == len(TABLES)
    for table in TABLES:
        assert len(set(table.names)) == len(table.names), table.name
        for column in table.columns:
            assert column.description, f"{table.name}: {column.name}"
            assert "|" not in column.description.replace("\\|", "")


def test_spectra_have_all_metadata() -> None:
    assert set(METADATA_FIELDS) - set(SPECTRA.names) == {"file", "include"}
