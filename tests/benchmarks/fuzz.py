"""Fuzzing of the readers: damaged files must give spectra or a ReaderError with the file name.

The numbers of spectra are compared with those of the undamaged file, and every change is classed: numbers that
stand in the damaged file as they were read, numbers of another file that was spliced in, another unit, frequency
or sign for all points, and the rest; each with and without a warning.

    python -m tests.benchmarks.fuzz --files 20000

Mutates the files of EISTOOL_REAL_DATA and one written example of each reader. A file that needs over 5 s of
CPU, lifts the worker above 500 MB, or ends in anything else is a finding, printed with the command that
makes it again: ``--only N --keep FOLDER``.
"""

import argparse
import contextlib
import io
import multiprocessing
import os
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

import numpy as np

import eistool
from eistool.errors import ReaderError
from eistool.readers import doubts
from eistool.readers.content import FileContent
from eistool.readers.registry import KNOWN_SUFFIXES
from tests.contracts.test_readers import GOOD, by_name

CPU_S, WALL_S, PEAK_MB = 5.0, 60.0, 500.0
LONGEST = 60 * 2**20  # bytes; above 64 MiB a file is refused by its size alone
BOMB = 700 * 2**20
BIG_SEED = 150_000  # bytes; larger files are mutated rarely, their readers are the same

Rng = np.random.Generator
_NUMBER = re.compile(rb"[-+]?\d[\d.,]*(?:[eE][-+]?\d+)?")
_HUGE = (b"1e308", b"-1e999", b"1e-320", b"9" * 400, b"0", b"-0", b"1e5000", b"1_000", b"0x10", b"\xc2\xb2")
_WORDS = (b"nan", b"NaN", b"-inf", b"#NAME?", b"", b"-", b"1,5", b"1.5.2", b"=1/0", b"true", b'"')


@dataclass(frozen=True, slots=True)
class Seed:
    """File to be damaged: name and bytes."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of a file: ``spectra``, ``error``, or a finding in ``trouble``."""

    index: int
    name: str
    kind: str
    cpu_s: float
    peak_mb: float
    trouble: str = ""
    change: str = ""


def _some(rng: Rng, items: Sequence[bytes]) -> bytes:
    return items[int(rng.integers(len(items)))]


def _place(rng: Rng, data: bytes) -> int:
    return int(rng.integers(len(data) + 1))


def _cut(rng: Rng, data: bytes, other: bytes) -> bytes:
    return data[: _place(rng, data)]


def _cut_front(rng: Rng, data: bytes, other: bytes) -> bytes:
    return data[_place(rng, data) :]


def _splice(rng: Rng, data: bytes, other: bytes) -> bytes:
    return data[: _place(rng, data)] + other[_place(rng, other) :]


def _flip_bits(rng: Rng, data: bytes, other: bytes) -> bytes:
    array = np.frombuffer(data, np.uint8).copy()
    places = rng.integers(array.size, size=int(rng.integers(1, 20)))
    array[places] ^= (1 << rng.integers(8, size=places.size)).astype(np.uint8)
    return array.tobytes()


def _random_bytes(rng: Rng, data: bytes, other: bytes) -> bytes:
    at, n = _place(rng, data), int(rng.choice([1, 2, 4, 8, 64, 1000]))
    return data[:at] + rng.bytes(n) + data[at + n :]


def _extreme_words(rng: Rng, data: bytes, other: bytes) -> bytes:
    # whole numbers of binary files: lengths, counts, identifiers
    at = 4 * int(rng.integers(max(1, len(data) // 4))) + int(rng.integers(4))
    word = _some(
        rng, (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f", b"\0\0\x80\x7f", b"\1\0\0\0", b"\xff\xff\0\0")
    )
    return data[:at] + word + data[at + 4 :]


def _lines(data: bytes) -> list[bytes]:
    return data.splitlines(keepends=True)


def _shuffle_lines(rng: Rng, data: bytes, other: bytes) -> bytes:
    lines = _lines(data)
    first = int(rng.integers(len(lines) + 1))
    return b"".join([*lines[:first], *(lines[first + i] for i in rng.permutation(len(lines) - first))])


def _drop_lines(rng: Rng, data: bytes, other: bytes) -> bytes:
    keep = rng.random() ** 0.3
    return b"".join(line for line in _lines(data) if rng.random() < keep)


def _repeat_lines(rng: Rng, data: bytes, other: bytes) -> bytes:
    lines = _lines(data) or [b"\n"]
    at, n = int(rng.integers(len(lines))), int(rng.integers(1, 20))
    return b"".join([*lines[:at], *(lines[at : at + n] * int(rng.choice([2, 10, 300]))), *lines[at + n :]])


def _change_numbers(rng: Rng, data: bytes, other: bytes) -> bytes:
    values = _HUGE if rng.random() < 0.5 else _WORDS
    share = rng.choice([0.002, 0.05, 1.0])
    return _NUMBER.sub(lambda match: _some(rng, values) if rng.random() < share else match[0], data)


def _change_marks(rng: Rng, data: bytes, other: bytes) -> bytes:
    marks = [b",", b".", b"\t", b";", b" ", b"\n", b'"', b"|", b"\0", b"\r", b"-", b"="]
    old, new = (marks[i] for i in rng.choice(len(marks), 2, replace=False))
    return data.replace(old, new) if rng.random() < 0.5 else data.replace(old, new, int(rng.integers(1, 5)))


def _other_encoding(rng: Rng, data: bytes, other: bytes) -> bytes:
    encoding = ("utf-16", "utf-16-be", "utf-8-sig", "utf-32")[int(rng.integers(4))]
    text = data.decode("latin-1").encode(encoding)
    return text[int(rng.integers(3)) :]


_UNITS = (
    b"1,",
    b"9",
    b" ",
    b"\t1.5",
    b"(",
    b'"',
    b"[",
    b"{",
    b"a",
    b"-",
    b"1e5;",
    b"freq/Hz\t",
    b"\0",
    b"\n",
    b"1\n",
)


def _long_line(rng: Rng, data: bytes, other: bytes) -> bytes:
    n = int(rng.choice([3_000, 200_000]))
    return _fill(data, _place(rng, data), _some(rng, _UNITS), n)


def _fill(data: bytes, at: int, unit: bytes, n: int) -> bytes:
    return (data[:at] + unit * (n // len(unit)) + data[at:])[:LONGEST]


def _zip_bomb(rng: Rng, data: bytes) -> bytes:
    """Return a ZIP archive (as ``.xlsx`` is) with a member that unpacks to 700 MB, or the file in a ZIP."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        if zipfile.is_zipfile(io.BytesIO(data)):
            with zipfile.ZipFile(io.BytesIO(data)) as original:
                names = original.namelist()
                blown = names[int(rng.integers(len(names)))] if names else "a"
                for name in names:
                    if name != blown:
                        with contextlib.suppress(zipfile.BadZipFile, NotImplementedError, RuntimeError):
                            archive.writestr(name, original.read(name))
        else:
            blown = "xl/worksheets/sheet1.xml"
        with archive.open(blown, "w", force_zip64=True) as member:
            member.write(b'<?xml version="1.0"?><worksheet><sheetData>')
            for _ in range(BOMB // 2**20):
                member.write(b"<row></row>" * (2**20 // 11))
    return buffer.getvalue()


COMMON: tuple[Callable[[Rng, bytes, bytes], bytes], ...] = (
    _cut,
    _cut_front,
    _splice,
    _flip_bits,
    _random_bytes,
    _extreme_words,
    _shuffle_lines,
    _drop_lines,
    _repeat_lines,
    _change_numbers,
    _change_marks,
    _other_encoding,
    _long_line,
)


def mutate(rng: Rng, data: bytes, other: bytes) -> bytes:
    """Return a damaged copy; ``other`` is a file that it may be spliced with."""
    for _ in range(1 + int(rng.geometric(0.6))):
        if data:
            data = COMMON[int(rng.integers(len(COMMON)))](rng, data, other)[:LONGEST]
    return data


def find_seeds(folder: Path | None) -> list[Seed]:
    """Return an example of each reader, and the measured files with a suffix of spectra."""
    seeds = [Seed(f"{name}{by_name(name).suffixes[0]}", data) for name, data in GOOD.items()]
    if folder is not None:
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        seeds += [Seed(path.name, path.read_bytes()) for path in paths if path.suffix.lower() in KNOWN_SUFFIXES]
    return [seed for seed in seeds if seed.data]


def make(index: int, seed: int, seeds: Sequence[Seed]) -> tuple[str, bytes, Seed]:
    """Return name and bytes of the file with a number, and the file that was damaged.

    The first are as large as a file may be: the beginning of each kind of file with one unit repeated behind
    it, and a bomb of each kind. Of the others, kinds come equally often.
    """
    rng = np.random.default_rng([seed, index])
    suffixes = sorted({Path(s.name).suffix.lower() for s in seeds})
    kind, unit = index % len(suffixes), index // len(suffixes)
    extreme = unit <= len(_UNITS)
    suffix = suffixes[kind if extreme else int(rng.integers(len(suffixes)))]
    of_kind = [s for s in seeds if Path(s.name).suffix.lower() == suffix]
    small = [s for s in of_kind if len(s.data) < BIG_SEED] or of_kind
    if extreme:
        data = small[0].data
        bomb = unit == len(_UNITS)
        return (
            f"fuzz{index}{suffix}",
            _zip_bomb(rng, data) if bomb else _fill(data, _place(rng, data), _UNITS[unit], LONGEST),
            small[0],
        )
    pool = small if rng.random() < 0.98 else of_kind
    chosen = pool[int(rng.integers(len(pool)))]
    other = seeds[int(rng.integers(len(seeds)))]
    return f"fuzz{index}{suffix}", mutate(rng, chosen.data, other.data[:BIG_SEED]), chosen


def attempt(path: Path, found: list[eistool.Spectrum] | None = None) -> tuple[str, str]:
    """Read a file as spectra, and as a cycling record too; return the kind of end, and trouble if any.

    ``found`` gains the spectra.
    """
    kind = ""
    for reader in (eistool.read, eistool.read_profile):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                warnings.simplefilter("ignore", UserWarning)
                result = reader(path)
        except ReaderError as error:
            kind = kind or "error"
            if not str(error).startswith(path.name):
                return kind, f"the error does not begin with the file's name: {error}"
        except (Exception, RecursionError, MemoryError):  # noqa: BLE001  # whatever it is, it is a finding
            return "crash", f"{reader.__name__}: {traceback.format_exc(limit=-4)}"
        else:
            kind = kind or "spectra"
            if not result:
                return kind, f"{reader.__name__} returned nothing"
            if found is not None and isinstance(result, list):
                found += result
    return kind, ""


Points = dict[tuple[float, complex], None]


def points_of(spectra: Sequence[eistool.Spectrum]) -> Points:
    """Return the points of spectra in their order, each once."""
    return dict.fromkeys(
        point for s in spectra for point in zip(s.frequency.tolist(), s.impedance.tolist(), strict=True)
    )


def _numbers_in(data: bytes) -> set[float]:
    text = FileContent(Path("x"), data).text
    found = set()
    for match in _NUMBER.finditer(text.encode("utf-8", "replace")):
        for token in (match[0], match[0].replace(b",", b".")):
            with contextlib.suppress(ValueError):
                found.add(abs(float(token)))
    return found


def change(whole: Points, spectra: Sequence[eistool.Spectrum], data: bytes) -> str:
    """Return the class of the difference between the points of a damaged file and those of the whole one."""
    read = points_of(spectra)
    warned = "warned" if any(doubts(s) for s in spectra) else "noted" if len(spectra[0].notes) > 1 else "silent"
    new = [point for point in read if point not in whole]
    if not new:
        return "same points" if len(read) == len(whole) else f"fewer points, {warned}"
    f, z = (np.array(column) for column in zip(*new, strict=True))
    known_f = {point[0]: point[1] for point in whole}
    if len(new) >= 5 and len(new) == len(read):
        same = [k for k in range(len(new)) if f[k] in known_f]
        ratio = np.array([z[k] / known_f[f[k]] for k in same if known_f[f[k]]])
        if ratio.size > len(new) / 2 and np.ptp(ratio.real) + np.ptp(ratio.imag) < 1e-9 * abs(ratio[0]):
            return f"Z of another unit, {warned}"
        if same and all(z[k] == np.conj(known_f[f[k]]) for k in same):
            return f"Im of another sign, {warned}"
        if set(z.tolist()) <= {point[1] for point in whole}:
            return f"other frequencies, {warned}"
    if not FileContent(Path("x"), data).is_text:
        return f"numbers from changed bytes, {warned}"
    numbers = _numbers_in(data)
    literal = [x in numbers and abs(w.real) in numbers and abs(w.imag) in numbers for x, w in new]
    if all(literal):
        return f"numbers as they stand in the damaged file, {warned}"
    if not any(x in known_f for x, _ in new):
        return f"frequencies as they stand, in units or logarithms, {warned}"
    return f"Z computed from damaged numbers, {warned}"


def _work(pipe: Connection, seed: int, seeds: Sequence[Seed], folder: Path) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    # bombs end in a MemoryError, not in the machine's swap
    resource.setrlimit(resource.RLIMIT_AS, (6 * 2**30, hard))
    wholes: dict[str, Points] = {}
    while (index := pipe.recv()) is not None:
        name, data, chosen = make(index, seed, seeds)
        path = folder / name
        path.write_bytes(data)
        size = len(data)
        del data
        _forget_peak()
        start = time.process_time()
        spectra: list[eistool.Spectrum] = []
        kind, trouble = attempt(path, spectra)
        cpu_s, peak_mb = time.process_time() - start, _peak_mb()
        if not trouble and cpu_s > CPU_S:
            trouble = f"took {cpu_s:.1f} s of CPU"
        if not trouble and peak_mb > PEAK_MB:
            trouble = f"reached {peak_mb:.0f} MB"
        found = ""
        if spectra and size < LONGEST:
            if chosen.name not in wholes:
                wholes[chosen.name] = _read_whole(chosen, folder)
            found = change(wholes[chosen.name], spectra, path.read_bytes())
        path.unlink()
        pipe.send(Outcome(index, name, kind, cpu_s, peak_mb, trouble, found))


def _read_whole(seed: Seed, folder: Path) -> Points:
    path = folder / f"whole{os.getpid()}{Path(seed.name).suffix}"
    path.write_bytes(seed.data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return points_of(eistool.read(path))
    except ReaderError:
        return {}
    finally:
        path.unlink()


def _forget_peak() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak_mb() -> float:
    """Return the largest memory since the peak was forgotten (elsewhere than on Linux: since the start)."""
    try:
        match = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    except OSError:
        match = None
    return int(match[1]) / 1024 if match else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(indices: Sequence[int], seed: int, seeds: Sequence[Seed], jobs: int) -> Iterator[Outcome]:
    """Yield the outcome of each file; a worker that hangs or dies is replaced."""
    context = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as folder:
        waiting = list(reversed(indices))
        busy: dict[Connection, tuple[multiprocessing.process.BaseProcess, int, float]] = {}

        def start() -> None:
            ours, theirs = context.Pipe()
            worker = context.Process(target=_work, args=(theirs, seed, seeds, Path(folder)), daemon=True)
            worker.start()
            theirs.close()
            hand(ours, worker)

        def hand(pipe: Connection, worker: multiprocessing.process.BaseProcess) -> None:
            if waiting:
                busy[pipe] = worker, waiting.pop(), time.monotonic()
                pipe.send(busy[pipe][1])
            else:
                pipe.send(None)
                worker.join()

        for _ in range(min(jobs, len(waiting))):
            start()
        while busy:
            for ready in wait(list(busy), timeout=1.0):
                assert isinstance(ready, Connection)
                worker, index, _ = busy.pop(ready)
                try:
                    yield ready.recv()
                    hand(ready, worker)
                except (EOFError, ConnectionError):
                    worker.join()
                    yield Outcome(index, "", "crash", 0, 0, f"the worker died with exit code {worker.exitcode}")
                    start() if waiting else None
            late = [p for p, (_, _, since) in busy.items() if time.monotonic() - since > WALL_S]
            for pipe in late:
                worker, index, _ = busy.pop(pipe)
                worker.kill()
                worker.join()
                yield Outcome(index, "", "hang", WALL_S, 0, f"no end within {WALL_S:.0f} s")
                start() if waiting else None


def main() -> int:
    """Run, and print counts, the slowest, the largest, and every finding."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first file")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", type=int, action="append", help="only the file with this number")
    parser.add_argument("--keep", type=Path, help="write the files of --only into this folder")
    options = parser.parse_args()
    real = os.environ.get("EISTOOL_REAL_DATA")
    seeds = find_seeds(Path(real) if real else None)
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
        for index in options.only or ():
            name, data, _ = make(index, options.seed, seeds)
            (options.keep / name).write_bytes(data)
            print(f"{options.keep / name}: {len(data)} bytes")
    indices = options.only or range(options.first, options.first + options.files)
    outcomes: list[Outcome] = []
    for outcome in run(indices, options.seed, seeds, options.jobs):
        outcomes.append(outcome)
        if outcome.trouble:
            print(
                f"FINDING --seed {options.seed} --only {outcome.index} ({outcome.name}): {outcome.trouble}",
                flush=True,
            )
        if len(outcomes) % 1000 == 0:
            print(f"{len(outcomes)} files, {sum(bool(o.trouble) for o in outcomes)} findings", file=sys.stderr)
    kinds = Counter(outcome.kind for outcome in outcomes)
    suffixes = Counter(Path(outcome.name).suffix for outcome in outcomes)
    print(
        f"{len(outcomes)} files from {len(seeds)} seeds: " + ", ".join(f"{n} {kind}" for kind, n in kinds.items())
    )
    print("suffixes: " + ", ".join(f"{n} {suffix}" for suffix, n in sorted(suffixes.items())))
    changes = Counter(outcome.change for outcome in outcomes if outcome.change)
    for kind, n in changes.most_common():
        example = next(outcome for outcome in outcomes if outcome.change == kind)
        print(f"{n:6d} {kind} (for instance --only {example.index})")
    for title, key in (("slowest", "cpu_s"), ("largest", "peak_mb")):
        worst = sorted(outcomes, key=lambda o: -getattr(o, key))[:3]
        print(f"{title}: " + ", ".join(f"{o.name} {o.cpu_s:.2f} s {o.peak_mb:.0f} MB" for o in worst))
    findings = sum(bool(outcome.trouble) for outcome in outcomes)
    print(f"{findings} findings")
    return int(findings > 0)


if __name__ == "__main__":
    sys.exit(main())
