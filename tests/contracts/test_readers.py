"""What every reader in the registry owes: garbage ends in spectra or in a ReaderError that names the file."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eistool.errors import ReaderError
from eistool.readers import READERS, Reader
from eistool.readers.content import FileContent
from eistool.readers.registry import find_reader
from tests.readers.test_biologic_mpr import PEIS, mpr
from tests.readers.test_delimited import VARIANTS
from tests.readers.test_instruments import DTA_VARIANTS, MPT_VARIANTS, ZPLOT_VARIANTS
from tests.readers.written import NEEDS, WRITTEN


def needed(name: str) -> bool:
    return name not in NEEDS or find_spec(NEEDS[name]) is not None


GOOD = {name: write() for name, write in WRITTEN.items() if needed(name)} | {
    "biologic_mpt": MPT_VARIANTS["plain"],
    "biologic_mpr": mpr(PEIS, 3),
    "gamry_dta": DTA_VARIANTS["plain"],
    "zplot": ZPLOT_VARIANTS["comments"].encode(),
    "delimited": VARIANTS["design_1"].encode(),
}


def by_name(name: str) -> Reader:
    return next(reader for reader in READERS if reader.name == name)


def content_for(reader: Reader, data: bytes) -> FileContent:
    return FileContent(Path(f"cell{reader.suffixes[0]}"), data)


def survives(reader: Reader, data: bytes) -> None:
    content = content_for(reader, data)
    reader.identify(content)
    try:
        spectra = reader.read(content)
    except ReaderError as error:
        assert content.path.name in str(error)  # noqa: PT017  # an error is one of two good ends
    else:
        assert spectra
        assert all(len(spectrum) for spectrum in spectra)


def test_every_reader_has_an_example() -> None:
    assert set(GOOD) | set(NEEDS) == {reader.name for reader in READERS}


@pytest.mark.parametrize("name", GOOD)
def test_own_file_is_identified_and_read(name: str) -> None:
    reader = by_name(name)
    content = content_for(reader, GOOD[name])
    assert find_reader(content) is reader
    [spectrum] = reader.read(content)
    assert any(note.startswith("sign of Im: ") for note in spectrum.notes)
    assert (spectrum.impedance.imag <= 0).all()


@pytest.mark.parametrize("reader", [r for r in READERS if not r.fallback], ids=lambda r: r.name)
def test_files_of_other_formats_are_not_claimed(reader: Reader) -> None:
    assert not any(
        reader.identify(content_for(reader, data)) for other, data in GOOD.items() if other != reader.name
    )


@pytest.mark.parametrize("name", GOOD)
@given(data=st.binary(max_size=400))
@settings(max_examples=60, deadline=None)
def test_garbage(name: str, data: bytes) -> None:
    survives(by_name(name), data)


@pytest.mark.parametrize("name", GOOD)
@given(data=st.text(alphabet="0123456789.,;-+eE \t\n\"'#|()ZRfnaI", max_size=400))
@settings(max_examples=60, deadline=None)
def test_garbage_of_numbers(name: str, data: str) -> None:
    survives(by_name(name), data.encode())


@pytest.mark.parametrize("name", GOOD)
@given(draw=st.data())
@settings(max_examples=100, deadline=None)
def test_damaged_files(name: str, draw: st.DataObject) -> None:
    data = bytearray(GOOD[name])
    for _ in range(draw.draw(st.integers(1, 6))):
        start = draw.draw(st.integers(0, len(data)))
        length = draw.draw(st.sampled_from([1, 2, 10, 200]))
        junk = draw.draw(
            st.sampled_from([b"", b"\x00", b"1e999", b"nan", b"-1e308", b"9" * 400, b"\t", b"\n", b'"', b","])
        )
        data[start : start + length] = junk
    survives(by_name(name), bytes(data))


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("cell", [b"1,", b"1 ", b"[1,", b'"', b"9"])
def test_a_line_of_megabytes(name: str, cell: bytes) -> None:
    survives(by_name(name), GOOD[name] + b"\n" + cell * (2_000_000 // len(cell)))
    survives(by_name(name), cell * (2_000_000 // len(cell)) + b"\n" + GOOD[name])
    middle = len(GOOD[name]) // 2
    survives(by_name(name), GOOD[name][:middle] + cell * (2_000_000 // len(cell)) + GOOD[name][middle:])
