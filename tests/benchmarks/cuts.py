"""Text files cut at a random place, or with a lost, doubled or shifted cell: no wrong point may be accepted.

``python -m tests.benchmarks.cuts --files 10000`` damages the text files of EISTOOL_REAL_DATA and compares every
point that is read with those of the whole file.
"""

import argparse
import os
import re
import sys
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eistool.errors import ReaderError
from eistool.readers import doubts, scan
from eistool.readers.content import FileContent
from eistool.readers.registry import find_reader
from eistool.spectrum import Spectrum
from eistool.typing import ComplexArray, FloatArray

_CELLS = {mark: re.compile(rb"[^\r\n%s]+" % mark) for mark in (b"\t", b";", b",", b" ")}


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """Undamaged file and its points."""

    path: Path
    data: bytes
    frequency: FloatArray
    impedance: ComplexArray


def read_bytes(path: Path, data: bytes) -> list[Spectrum]:
    """Return the spectra in the bytes of a file; none if it is refused."""
    content = FileContent(path, data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            reader = find_reader(content) if data.strip() else None
            return [] if reader is None else reader.read(content)
        except ReaderError:
            return []


def _points(spectra: list[Spectrum]) -> tuple[FloatArray, ComplexArray]:
    return np.concatenate([s.frequency for s in spectra]), np.concatenate([s.impedance for s in spectra])


def text_files(folder: Path) -> list[Whole]:
    """Return the text files with spectra."""
    files = []
    for found in scan([folder]):
        content = None if found.ignored else FileContent.open(found.path)
        if content is not None and content.is_text and (spectra := read_bytes(found.path, content.data)):
            files.append(Whole(found.path, content.data, *_points(spectra)))
    return files


def cut(rng: np.random.Generator, data: bytes) -> bytes:
    """Return the beginning of a file."""
    return data[: int(rng.integers(1, len(data)))]


def move_cell(rng: np.random.Generator, data: bytes) -> bytes:
    """Return the file with one cell lost, doubled, or pushed to the right by an empty one."""
    ends = [match.end() for match in re.finditer(rb"[\r\n]+", data)]
    if len(ends) < 4:
        return data
    k = int(rng.integers(len(ends) // 2, len(ends)))  # tables are in the second half
    start, end = ends[k - 1], ends[k]
    mark = next((mark for mark in _CELLS if mark in data[start:end]), b" ")
    cells = list(_CELLS[mark].finditer(data, start, end))
    if len(cells) < 3:
        return data
    cell = cells[int(rng.integers(len(cells) - 1))]
    after = data[cell.end() : cell.end() + 1]
    kind = int(rng.integers(3))
    middle = (b"", cell[0] + after + cell[0] + after, after + cell[0] + after)[kind]
    return data[: cell.start()] + middle + data[cell.end() + 1 :]


def wrong_points(whole: Whole, spectra: list[Spectrum]) -> int:
    """Return the number of points that the whole file does not have."""
    known = set(zip(whole.frequency.tolist(), whole.impedance.tolist(), strict=True))
    f, z = _points(spectra)
    return sum(point not in known for point in zip(f.tolist(), z.tolist(), strict=True))


def main() -> int:
    """Print the outcomes of both kinds of damage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="write the first files with wrong points into this folder")
    options = parser.parse_args()
    folder = Path(os.environ.get("EISTOOL_REAL_DATA", ""))
    if not folder.name or not folder.is_dir():
        sys.exit("set EISTOOL_REAL_DATA to the folder of measured spectra")
    files = text_files(folder)
    failed = 0
    for damage in (cut, move_cell):
        rng = np.random.default_rng(options.seed)
        counts: Counter[str] = Counter()
        wrong: Counter[str] = Counter()
        for number in range(options.files):
            # each file as often as the others; of large ones mostly the beginning, since they take long
            whole = files[number % len(files)]
            data = damage(rng, whole.data)
            if len(data) > 300_000 and rng.random() < 0.9:
                continue
            spectra = read_bytes(whole.path, data)
            n_wrong = wrong_points(whole, spectra) if spectra else 0
            lost = bool(spectra) and sum(map(len, spectra)) < whole.frequency.size
            told = bool(spectra) and bool(doubts(spectra[0]))
            whole_lines = damage is cut and data[-1:] in b"\r\n"
            kind = "all points" if not lost else f"fewer points, {'with' if told else 'without'} a warning"
            if n_wrong:
                kind = "of another sign, cut between two lines" if whole_lines else "wrong"
            counts[kind if spectra else "refused"] += 1
            if n_wrong:
                wrong[f"{whole.path.name}: {n_wrong} of {sum(map(len, spectra))} points"] += 1
                if options.keep and len(wrong) < 20:
                    options.keep.mkdir(parents=True, exist_ok=True)
                    (options.keep / f"{damage.__name__}{number}_{whole.path.name}").write_bytes(data)
        print(f"{damage.__name__}: {counts.total()} files from {len(files)}: "
              + ", ".join(f"{n} {kind}" for kind, n in counts.most_common()))  # fmt: skip
        for name, n in wrong.most_common(15):
            print(f"  {n} x {name}")
        failed += counts["wrong"]
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
