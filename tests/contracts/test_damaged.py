"""The damages of the fuzzing benchmark, a few for each reader, here within the process."""

from pathlib import Path

import numpy as np
import pytest

from eistool.errors import ReaderError
from eistool.readers.content import MAX_LINE, MAX_LINES, FileContent
from tests.benchmarks.fuzz import attempt, find_seeds, make, mutate
from tests.contracts.test_readers import GOOD, by_name

N_DAMAGED = 60


@pytest.mark.parametrize("name", GOOD)
def test_ends_in_spectra_or_in_a_reader_error(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"cell{by_name(name).suffixes[0]}"
    kinds = set()
    for index in range(N_DAMAGED):
        path.write_bytes(mutate(np.random.default_rng(index), GOOD[name], GOOD["delimited"]))
        kind, trouble = attempt(path)
        assert not trouble, f"damage {index} of {name}: {trouble}"
        kinds.add(kind)
    assert "error" in kinds  # else nothing was damaged


def test_a_number_makes_the_same_file_again() -> None:
    seeds = find_seeds(None)
    assert make(500, 5, seeds) == make(500, 5, seeds) != make(501, 5, seeds)


def test_too_many_lines_and_too_long_ones_are_refused(tmp_path: Path) -> None:
    content = FileContent(tmp_path / "cell.mpt", b"EC-Lab ASCII FILE" + b"\n" * (MAX_LINES + 1))
    with pytest.raises(ReaderError, match=rf"cell\.mpt: {MAX_LINES + 1} lines; expected at most {MAX_LINES}"):
        by_name("biologic_mpt").read(content)
    content = FileContent(tmp_path / "cell.mpt", b"EC-Lab ASCII FILE\n" + b"\t1" * MAX_LINE)
    with pytest.raises(ReaderError, match=rf"cell\.mpt, line 2: {2 * MAX_LINE} characters in a line; expected"):
        by_name("biologic_mpt").read(content)


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("unit", [b"\n", b" ", b"\t", b"1", b",", b"(", b'"'])
def test_what_repeats_does_not_cost_its_square(name: str, unit: bytes, tmp_path: Path) -> None:
    # a pattern that is tried anew at each character would run for minutes
    path = tmp_path / f"cell{by_name(name).suffixes[0]}"
    for place in (20, 300):
        path.write_bytes(GOOD[name][:place] + unit * 100_000 + GOOD[name][place:])
        _, trouble = attempt(path)
        assert not trouble
