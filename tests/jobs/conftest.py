"""A small folder of spectra that fits in milliseconds."""

from pathlib import Path

import pytest

from tests.batch.folders import make_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with two good files in two subfolders, three sweeps in all."""
    return make_folder(tmp_path / "measurements")
