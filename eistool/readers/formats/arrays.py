"""NumPy and MATLAB arrays (``.npy``, ``.npz``, ``.mat``) and Parquet tables."""

import importlib
import io
import tokenize
import warnings

import numpy as np

from eistool.errors import ReaderError
from eistool.readers.content import MAX_BYTES, FileContent
from eistool.readers.formats.matlab import MARK, MARK_73, read_arrays
from eistool.readers.tables.columns import Column, parse_column, pick
from eistool.readers.tables.impedance_table import spectra_of
from eistool.readers.tables.sheets import BROKEN_ARCHIVE, check_archive
from eistool.readers.tables.table import Table
from eistool.readers.tables.unnamed import name_columns
from eistool.spectrum import Spectrum

NPZ_SUFFIXES, NPY_SUFFIXES, MAT_SUFFIXES, PARQUET_SUFFIXES = (".npz",), (".npy",), (".mat",), (".parquet",)

_EXPECTED = "expected arrays frequency and impedance (complex), or frequency, z_real and z_imag"


def identify_npz(content: FileContent) -> bool:
    """Return whether this is a ZIP archive whose first file is a NumPy array."""
    return content.data.startswith(b"PK\x03\x04") and b".npy" in content.data[:300]


def load_npz(content: FileContent) -> list[Spectrum]:
    """Return one spectrum per row of the impedances, which may have two dimensions.

    Raises
    ------
    ReaderError
        If the archive is broken or too large, or its arrays are objects or not a spectrum.
    """
    check_archive(content)
    try:
        with warnings.catch_warnings(), np.load(io.BytesIO(content.data), allow_pickle=False) as archive:
            warnings.simplefilter("ignore")  # about headers written by Python 2
            arrays = {name: array for name in archive.files if isinstance(array := archive[name], np.ndarray)}
    except (*BROKEN_ARCHIVE, MemoryError, tokenize.TokenError) as error:
        raise content.error(f"unreadable arrays ({error}); save them again with numpy.savez") from error
    return _spectra(content, arrays)


def identify_npy(content: FileContent) -> bool:
    """Return whether the file starts with the mark of a NumPy array."""
    return content.data.startswith(b"\x93NUMPY")


def load_npy(content: FileContent) -> list[Spectrum]:
    """Return one spectrum per sweep of a table with named fields, or with three columns.

    Raises
    ------
    ReaderError
        If the array is broken, holds objects, or is not a table of frequency and impedance.
    """
    try:
        array = np.load(io.BytesIO(content.data), allow_pickle=False)
    except (*BROKEN_ARCHIVE, MemoryError, tokenize.TokenError) as error:
        raise content.error(f"unreadable array ({error}); save it again with numpy.save") from error
    if array.dtype.names:
        return _spectra(content, {name: np.ravel(array[name]) for name in array.dtype.names})
    if (
        array.ndim != 2
        or 3 not in array.shape
        or not np.issubdtype(array.dtype, np.number)
        or np.iscomplexobj(array)
    ):
        raise content.error(
            f"an array {array.shape} of {array.dtype}; expected named fields, or three columns of real numbers "
            "(frequency, Re, Im): numpy.savez keeps names"
        )
    table = np.asarray(array if array.shape[1] == 3 else array.T, dtype=np.float64)
    unnamed = [Column(i, "", quantity) for i, quantity in enumerate(("frequency", "real", "imag"))]
    named, note = name_columns(Table(unnamed, dict(enumerate(table.T))))
    return spectra_of(named, content.error, guessed=True, notes=[note])


def identify_mat(content: FileContent) -> bool:
    """Return whether the file has the header of MATLAB 5 or 7.3, and a name of a frequency or impedance."""
    if content.data.startswith(MARK_73):
        return True
    if not content.data.startswith(MARK):
        return False
    try:
        columns, _ = _columns(read_arrays(content))
    except ReaderError:
        return False
    return pick(columns, "frequency") is not None or pick(columns, "omega") is not None


def load_mat(content: FileContent) -> list[Spectrum]:
    """Return one spectrum per row of the impedances, as in NumPy archives.

    Raises
    ------
    ReaderError
        If the file is of MATLAB 7.3, broken or too large, or its arrays are not a spectrum.
    """
    if content.data.startswith(MARK_73):
        raise content.error("a file of MATLAB 7.3; save it with save(..., '-v7')")
    return _spectra(content, read_arrays(content))


def _spectra(content: FileContent, arrays: dict[str, np.ndarray]) -> list[Spectrum]:
    """Return one spectrum per row of the impedances among named arrays."""
    columns, values = _columns(arrays)
    frequency = pick(columns, "frequency") or pick(columns, "omega")
    if frequency is None:
        raise content.error(f"no frequency among the arrays {_shapes(arrays)}; {_EXPECTED}")
    n = values[frequency.index].shape[-1] if values[frequency.index].ndim else 0
    used = {i: array for i, array in values.items() if array.ndim in (1, 2) and array.shape[-1] == n}
    n_spectra = {array.shape[0] for array in used.values() if array.ndim == 2} or {1}
    if frequency.index not in used or len(n_spectra) > 1:
        raise content.error(f"arrays {_shapes(arrays)} of different lengths; {_EXPECTED}")
    spectra: list[Spectrum] = []
    for k in range(n_spectra.pop()):
        row = {
            i: np.asarray(array[k] if array.ndim == 2 else array, dtype=np.float64) for i, array in used.items()
        }
        spectra += spectra_of(Table(columns, row), content.error)
    return spectra


def _columns(arrays: dict[str, np.ndarray]) -> tuple[list[Column], dict[int, np.ndarray]]:
    """Return columns and numbers of the arrays, two columns for a complex one."""
    parts: list[tuple[str, np.ndarray]] = []
    for name, array in arrays.items():
        if np.iscomplexobj(array):
            parts += [("Re(Z)", array.real), ("Im(Z)", array.imag)]
        elif np.issubdtype(array.dtype, np.number):
            parts.append((name, array))
    columns = [parse_column(name, i) for i, (name, _) in enumerate(parts)]
    return columns, {c.index: parts[c.index][1] for c in columns if c.quantity}


def _shapes(arrays: dict[str, np.ndarray]) -> str:
    return ", ".join(f"{name} {array.shape}" for name, array in list(arrays.items())[:8]) or "(none)"


def identify_parquet(content: FileContent) -> bool:
    """Return whether the file starts with the mark of Parquet."""
    return content.data.startswith(b"PAR1")


def load_parquet(content: FileContent) -> list[Spectrum]:
    """Return one spectrum per sweep of a table of points.

    Raises
    ------
    ReaderError
        If pyarrow is not installed, the file is broken or too large, or the table is not a spectrum.
    """
    try:
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise content.error(
            "Parquet files need pyarrow; run 'pip install pyarrow', or save the table as CSV"
        ) from error
    try:
        file = parquet.ParquetFile(io.BytesIO(content.data))
        groups = (file.metadata.row_group(i).total_byte_size for i in range(file.metadata.num_row_groups))
        if (size := sum(groups)) > MAX_BYTES:
            raise content.error(f"{size / 2**20:.0f} MiB when unpacked; keep only the impedance columns")
        frame = file.read().to_pandas()
        columns = [parse_column(str(name), i) for i, name in enumerate(frame.columns)]
        values = {c.index: frame.iloc[:, c.index].to_numpy(np.float64) for c in columns if c.quantity}
    except BROKEN_ARCHIVE as error:
        raise content.error(f"unreadable Parquet table ({error}); save it again") from error
    return spectra_of(Table(columns, values), content.error)
