"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# a first call may compile, and the machine may be busy; everywhere the same examples
settings.register_profile("eistool", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)  # new examples: pytest --hypothesis-profile explore
settings.load_profile("eistool")

# they compile every kernel anew: no worker shall begin with one when the others are done
LONGEST = ("test_a_wheel_in_a_fresh_environment_fits_the_sample_data", "test_a_fit_needs_no_folder_to_write_to")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.name not in LONGEST)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of measured spectra, which is no part of the project."""
    folder = os.environ.get("EISTOOL_REAL_DATA")
    if not folder:
        pytest.skip("EISTOOL_REAL_DATA is not set: no measured spectra to read")
    path = Path(folder)
    if not path.is_dir():
        pytest.skip(f"EISTOOL_REAL_DATA={folder} is no folder")
    return path
