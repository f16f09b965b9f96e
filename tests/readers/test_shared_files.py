"""Every file of measured spectra is read with the sweeps and points it has, or refused for a reason."""

import re
from pathlib import Path

import pytest

from eistool.readers.registry import UNSUPPORTED
from tests.benchmarks.shared_files import UNREAD, Outcome, outcomes


@pytest.fixture(scope="module")
def found(real_data: Path) -> list[Outcome]:
    return list(outcomes(real_data, compare=False))


def may_be_refused(outcome: Outcome) -> bool:
    suffix = Path(outcome.source).suffix.lower()
    not_yet = suffix in UNSUPPORTED and any(
        re.search(s, outcome.source) and why in outcome.error for s, why in UNREAD.items()
    )
    return bool(outcome.no_spectrum) or not_yet


def test_nothing_else_is_refused(found: list[Outcome]) -> None:
    assert len(found) > 140
    assert [(o.source, o.error) for o in found if o.error and not may_be_refused(o)] == []


def test_what_is_no_spectrum_is_refused_and_named(found: list[Outcome]) -> None:
    assert [o.source for o in found if o.no_spectrum and not o.error] == []
    assert [o.source for o in found if o.error and Path(o.source).name not in o.error] == []


def test_sweeps_and_points_are_those_of_the_manifest(found: list[Outcome]) -> None:
    read = [o for o in found if not o.error]
    assert sum(bool(o.told) for o in read) > 110
    assert [(o.source, o.sweeps, o.told) for o in read if not o.as_told] == []
    # a sweep up before the one down, and the temperatures of a file, are spectra of their own
    other = {Path(o.source).name: o.sweeps for o in read if o.told and o.sweeps != o.told}
    assert other == {
        "rc-data.ism": "1 x 20 + 1 x 55",
        "500uR_measurement_pro.ism": "1 x 90 + 1 x 160",
        "Test_X4_22-50-70-90DEG.txt": "4 x 60",
    }
