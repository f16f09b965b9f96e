"""Numeric arrays of MATLAB 5 files (``.mat``), as the MathWorks describe the format.

SciPy's ``loadmat`` is not used: damaged files end the process there.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from types import MappingProxyType

import numpy as np

from eistool.readers.content import MAX_BYTES, FileContent

MARK, MARK_73 = b"MATLAB 5.0 MAT-file", b"MATLAB 7.3 MAT-file"

_HEADER = 128  # bytes
_MATRIX, _COMPRESSED = 14, 15
_TYPES = MappingProxyType(
    {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
)
_NUMERIC_CLASSES = range(6, 16)  # double, single and integers
_COMPLEX = 0x0800
_MOST_DIMENSIONS = 2

_Element = tuple[int, bytes]


def read_arrays(content: FileContent) -> dict[str, np.ndarray]:
    """Return the numeric arrays of at most two dimensions; vectors have one.

    Raises
    ------
    ReaderError
        If the file is damaged, or unpacks to more than the size limit of files.
    """
    order = "<" if content.data[126:128] == b"IM" else ">"
    arrays: dict[str, np.ndarray] = {}
    left = MAX_BYTES
    for kind, element in _elements(content.data[_HEADER:], order):
        data, matrix = element, kind == _MATRIX
        if kind == _COMPRESSED:
            try:
                unpacked = zlib.decompressobj().decompress(element, left + 1)
            except zlib.error as error:
                raise content.error(f"broken compression ({error}); save the file again") from error
            left -= len(unpacked)
            if left < 0:
                raise content.error(
                    f"over {MAX_BYTES // 2**20} MiB when unpacked; keep only frequency and impedance"
                )
            inner = next(_elements(unpacked, order), (0, b""))
            data, matrix = inner[1], inner[0] == _MATRIX
        if matrix:
            arrays |= _array(data, order)
    return arrays


def _elements(data: bytes, order: str) -> Iterator[_Element]:
    """Yield type and bytes of successive elements, up to the first that is cut off."""
    place = 0
    while place + 8 <= len(data):
        (word,) = struct.unpack_from(f"{order}I", data, place)
        if word >> 16:  # up to four bytes stand in the tag itself
            kind, length, start, step = word & 0xFFFF, word >> 16, place + 4, 8
        else:
            kind, length = struct.unpack_from(f"{order}II", data, place)
            start, step = place + 8, 8 + length + (-length % 8 if kind != _COMPRESSED else 0)
        if start + length > len(data):
            return
        yield kind, data[start : start + length]
        place += step


def _array(data: bytes, order: str) -> dict[str, np.ndarray]:
    """Return an array by its name; nothing for other classes and damaged ones."""
    parts = [part for _, part in zip(range(5), _elements(data, order), strict=False)]
    if len(parts) < 4 or len(parts[0][1]) < 4:
        return {}
    (flags,) = struct.unpack_from(f"{order}I", parts[0][1])
    shape = [int(n) for n in np.frombuffer(parts[1][1][: len(parts[1][1]) // 4 * 4], f"{order}i4")]
    name = parts[2][1].decode("latin-1").strip("\0")
    if flags & 0xFF not in _NUMERIC_CLASSES or len(shape) != _MOST_DIMENSIONS or min(shape) < 1:
        return {}
    numbers = [_numbers(part, order) for part in parts[3 : 5 if flags & _COMPLEX else 4]]
    if any(array.size != math.prod(shape) for array in numbers):
        return {}
    array = numbers[0] if len(numbers) == 1 else numbers[0] + 1j * numbers[1]
    return {name: array if 1 in shape else array.reshape(shape, order="F")}


def _numbers(element: _Element, order: str) -> np.ndarray:
    kind, data = element
    if kind not in _TYPES:
        return np.array([], dtype=np.float64)
    dtype = np.dtype(f"{order}{_TYPES[kind]}")
    return np.frombuffer(data[: len(data) // dtype.itemsize * dtype.itemsize], dtype).astype(np.float64)
