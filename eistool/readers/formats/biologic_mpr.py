"""BioLogic EC-Lab and BT-Lab binary files (``.mpr``).

Layout, sizes and identifiers were derived from files with a text export; identifiers of columns that occur in
none of them are from the MIT-licensed ``biologic-converter`` of cheminfo.
"""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

import numpy as np

from eistool.readers.content import FileContent
from eistool.readers.formats.biologic import UNSET, name_columns, to_sweeps
from eistool.readers.tables.table import Table
from eistool.spectrum import Spectrum
from eistool.typing import FloatArray, IntArray

SUFFIXES = (".mpr",)

_MAGIC = b"BIO-LOGIC MODULAR FILE\x1a"
_MODULE = b"MODULE"
_LONG = 0xFFFFFFFF  # in place of the length: the length follows in 8 bytes
_TECHNIQUES = MappingProxyType(
    {4: "GCPL", 6: "CV", 11: "OCV", 24: "CA", 25: "CP", 28: "WAIT", 29: "PEIS", 30: "GEIS", 50: "ZIR", 108: "LSV"}
)
_MASS_UNITS = MappingProxyType({1: 1e3, 2: 1.0})  # to mg
_AREA, _MASS, _MASS_UNIT, _STARTED = 0x211, 0x24C, 0x251, 0x249  # offsets in settings and log
_FREQUENCY_UNITS = (1e6, 1e3, 1.0, 1e-3, 1e-6)
_DAY_ZERO = datetime(1899, 12, 30)  # of the clock in the log

# mode, ox/red, error, control changes, Ns changes, counter inc.: they share one byte of a row
_FLAGS = frozenset((1, 2, 3, 21, 31, 65))

# names of the text export, by type and identifier
_DOUBLE = {
    4: "time/s",
    7: "dq/mA.h",
    11: "<I>/mA",
    13: "(Q-Qo)/mA.h",
    23: "dQ/mA.h",
    24: "cycle number",
    74: "Energy/W.h",
    123: "Energy charge/W.h",
    124: "Energy discharge/W.h",
    125: "Capacitance charge/µF",
    126: "Capacitance discharge/µF",
    467: "Q charge/discharge/mA.h",
}
_SINGLE = {
    5: "control/V/mA",
    6: "Ewe/V",
    8: "I/mA",
    9: "Ece/V",
    16: "Analog IN 1/V",
    17: "Analog IN 2/V",
    19: "control/V",
    20: "control/mA",
    32: "freq/Hz",
    33: "|Ewe|/V",
    34: "|I|/A",
    35: "Phase(Z)/deg",
    36: "|Z|/Ohm",
    37: "Re(Z)/Ohm",
    38: "-Im(Z)/Ohm",
    70: "P/W",
    75: "Analog OUT/V",
    76: "<I>/mA",
    77: "<Ewe>/V",
    78: "Cs-2/µF-2",
    96: "|Ece|/V",
    98: "Phase(Zce)/deg",
    99: "|Zce|/Ohm",
    100: "Re(Zce)/Ohm",
    101: "-Im(Zce)/Ohm",
    168: "Rcmp/Ohm",
    169: "Cs/µF",
    172: "Cp/µF",
    173: "Cp-2/µF-2",
    174: "<Ewe>/V",
    430: "Phase(Zwe-ce)/deg",
    431: "|Zwe-ce|/Ohm",
    432: "Re(Zwe-ce)/Ohm",
    433: "-Im(Zwe-ce)/Ohm",
    434: "(Q-Qo)/C",
    435: "dQ/C",
    441: "<Ece>/V",
    462: "Temperature/°C",
    471: "<Ece>/V",
    473: "THD Ewe/%",
    474: "THD I/%",
    476: "NSD Ewe/%",
    477: "NSD I/%",
    479: "NSR Ewe/%",
    480: "NSR I/%",
} | dict.fromkeys(range(486, 498), "harmonic")
_COUNT = {468: "half cycle", 469: "z cycle"}
_SHORT = {39: "I Range", 131: "Ns"}
_COLUMNS: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        identifier: (name, kind)
        for kind, names in (("<f8", _DOUBLE), ("<f4", _SINGLE), ("<u4", _COUNT), ("<u2", _SHORT))
        for identifier, name in names.items()
    }
)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Start of the data module in one version.

    Parameters
    ----------
    count : str
        Format of the number of columns.
    room : int
        Number of column identifiers, used or not.
    gap : int
        Bytes between identifiers and rows.
    """

    count: str
    room: int
    gap: int

    @property
    def first_row(self) -> int:
        return 4 + struct.calcsize(f"<{self.count}") + 2 * self.room + self.gap


_LAYOUTS = MappingProxyType({2: _Layout("B", 200, 0), 3: _Layout("B", 200, 1), 11: _Layout("H", 500, 1)})


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """Table and settings of a file.

    Parameters
    ----------
    columns : dict
        Arrays of shape (n_rows,) by the names of the text export.
    technique : str, optional
        EC-Lab's short name.
    started_at : str, optional
        ISO 8601; ``time/s`` counts from then.
    settings : bytes
        Raw bytes of the settings module.
    loops : IntArray, shape (n_loops,)
        First rows of the loops of techniques.
    unknown : tuple of int
        Identifiers of unknown columns; the columns after the first one are not read.
    """

    columns: dict[str, FloatArray]
    technique: str | None
    started_at: str | None
    settings: bytes
    loops: IntArray
    unknown: tuple[int, ...]

    @property
    def doubt(self) -> str:
        """Description of the unknown columns for messages, empty without any."""
        if not self.unknown:
            return ""
        return f"column{'s' if len(self.unknown) > 1 else ''} of unknown identifier " + ", ".join(
            map(str, self.unknown)
        )


def identify(content: FileContent) -> bool:
    """Return whether the file starts with the signature of EC-Lab."""
    return content.data.startswith(_MAGIC)


def load(content: FileContent, electrode: str = "working") -> list[Spectrum]:
    """Return one spectrum per sweep of an electrode, or of the cell.

    Raises
    ------
    ReaderError
        If the file is damaged, its version or a required column is unknown, or it has no impedance.
    """
    recording = read_recording(content)
    columns = name_columns(list(recording.columns), electrode)
    arrays = list(recording.columns.values())
    table = Table(columns, {c.index: arrays[c.index] for c in columns if c.quantity})
    frequency = table.find("frequency")
    if frequency is None:
        if recording.unknown:
            raise content.error(
                f"no frequency before the {recording.doubt}; export the file as text (.mpt) in EC-Lab"
            )
        raise content.error(
            f"no spectrum: a {recording.technique or 'technique'} file without frequencies "
            f"({', '.join(list(recording.columns)[:6])}, ...); use read_profile or --profile for a cycling record"
        )
    n_rows = table.n_rows
    loop = np.searchsorted(recording.loops, np.arange(n_rows), side="right").astype(np.float64)
    spectra = to_sweeps(content, table, _settings(recording, table.of(frequency)), electrode, None, loop)
    if not recording.unknown:
        return spectra
    note = f"not read: the {recording.doubt}, and the columns after it"
    return [Spectrum(s.frequency, s.impedance, s.metadata, notes=(*s.notes, note)) for s in spectra]


def read_recording(content: FileContent) -> Recording:
    """Return the table of a file, with impedance or without.

    Raises
    ------
    ReaderError
        If the file is damaged, or the version of its data module is unknown.
    """
    modules = _modules(content)
    if "VMP data" not in modules:
        raise content.error(
            f"no data module (modules: {', '.join(modules) or 'none'}); the run may not have started, or the "
            "file is truncated"
        )
    version, body = modules["VMP data"]
    columns, unknown = _columns(content, version, body)
    settings = modules.get("VMP Set", (0, b""))[1]
    technique = _TECHNIQUES.get(settings[0]) if settings else None
    started = _started(modules.get("VMP LOG", (0, b""))[1])
    loops = _loops(modules.get("VMP loop", (0, b""))[1])
    return Recording(columns, technique, started, settings, loops, unknown)


def _modules(content: FileContent) -> dict[str, tuple[int, bytes]]:
    """Return version and body of each module by its name."""
    data = content.data
    at = data.find(_MODULE, len(_MAGIC))
    if at < 0:
        raise content.error("no module after the first line; the file is truncated: copy it again")
    modules: dict[str, tuple[int, bytes]] = {}
    while at < len(data):
        if not data.startswith(_MODULE, at):
            raise content.error(f"no module starts at byte {at}; the file is damaged: copy it again")
        try:
            (length,), size = struct.unpack_from("<I", data, at + 41), 57
            if length == _LONG:
                (length, version), size = struct.unpack_from("<QI", data, at + 45), 65
            else:
                (version,) = struct.unpack_from("<I", data, at + 45)
        except struct.error:
            raise content.error(
                f"the file ends at byte {len(data)}, in the header of a module; copy it again"
            ) from None
        name = data[at + 6 : at + 16].decode("latin-1").strip()
        begin, end = at + size, at + size + length
        if end > len(data):
            raise content.error(
                f"the module {name!r} ends at byte {end}, the file at {len(data)}; it is truncated: copy it again"
            )
        modules.setdefault(name, (version, data[begin:end]))
        at = end
    return modules


def _columns(content: FileContent, version: int, body: bytes) -> tuple[dict[str, FloatArray], tuple[int, ...]]:
    if version not in _LAYOUTS:
        raise content.error(
            f"version {version} of the data module; supported are {', '.join(map(str, _LAYOUTS))}: "
            "export the file as text (.mpt) in EC-Lab"
        )
    layout = _LAYOUTS[version]
    if len(body) < layout.first_row:
        raise content.error(
            f"the data module has {len(body)} bytes; expected {layout.first_row} before the rows: copy it again"
        )
    n_rows, n_columns = struct.unpack_from(f"<I{layout.count}", body)
    if n_rows == 0:
        raise content.error("the table has no rows; the run may have ended before the first point")
    if not 0 < n_columns <= layout.room:
        raise content.error(f"{n_columns} columns; expected 1 to {layout.room}: copy the file again")
    identifiers = np.frombuffer(body, "<u2", n_columns, layout.first_row - layout.gap - 2 * layout.room).tolist()
    stride, rest = divmod(len(body) - layout.first_row, n_rows)
    places, unknown, width = _places(identifiers)
    if rest or stride < width or (stride > width and not unknown):
        of_unknown = f", and the unknown identifiers {', '.join(map(str, unknown))}" if unknown else ""
        raise content.error(
            f"{len(body) - layout.first_row} bytes for {n_rows} rows; expected {width} bytes per row for the "
            f"columns {', '.join(map(str, identifiers[:20]))}{of_unknown}"
        )
    formats = [(name, (kind, place)) for name, kind, place in places]
    dtype = np.dtype(
        {
            "names": [name for name, _ in formats],
            "formats": [kind for _, (kind, _) in formats],
            "offsets": [place for _, (_, place) in formats],
            "itemsize": stride,
        }
    )
    rows = np.frombuffer(body, dtype, n_rows, layout.first_row)
    return {name: rows[name].astype(np.float64) for name, _ in formats}, unknown


def _places(identifiers: list[int]) -> tuple[list[tuple[str, str, int]], tuple[int, ...], int]:
    """Return name, type and offset of the columns before an unknown one, unknown identifiers, and row width."""
    places: list[tuple[str, str, int]] = []
    names: set[str] = set()
    place, has_flags = 0, False
    for k, identifier in enumerate(identifiers):
        if identifier in _FLAGS:
            place += not has_flags
            has_flags = True
            continue
        if identifier not in _COLUMNS:
            return places, tuple(i for i in identifiers[k:] if i not in _COLUMNS and i not in _FLAGS), place
        name, kind = _COLUMNS[identifier]
        if name not in names:  # mean and momentary values may share a name: keep the first
            names.add(name)
            places.append((name, kind, place))
        place += np.dtype(kind).itemsize
    return places, (), place


def _settings(recording: Recording, frequency: FloatArray) -> dict[str, object]:
    settings = recording.settings
    area, mass = _single(settings, _AREA), _single(settings, _MASS)
    to_mg = _MASS_UNITS.get(settings[_MASS_UNIT]) if len(settings) > _MASS_UNIT else None
    return {
        "technique": recording.technique,
        "started_at": recording.started_at,
        "amplitude_mV": _amplitude(settings, frequency) if recording.technique == "PEIS" else None,
        "area_cm2": area if _entered(area) else None,
        "mass_mg": mass * to_mg if to_mg is not None and _entered(mass) else None,
    }


def _entered(value: float) -> bool:
    return 0 < value < math.inf and value != UNSET


def _single(data: bytes, place: int) -> float:
    """Return the single-precision number at an offset, to seven digits; nan after the end."""
    if len(data) < place + 4:
        return math.nan
    return float(f"{struct.unpack_from('<f', data, place)[0]:.7g}")


def _amplitude(settings: bytes, frequency: FloatArray) -> float | None:
    """Return Va in mV, 16 bytes after the first frequency of the sweep.

    The offset differs between versions. It is identified by the first frequency, which is the highest
    measured one, the last frequency, which does not exceed the measured ones, and their units.
    """
    swept = frequency[np.isfinite(frequency) & (frequency > 0)]
    candidates: set[float] = set()
    for place in range(_MASS, len(settings) - 20 if swept.size else 0):
        units = settings[place + 4], settings[place + 9]
        if max(units) >= len(_FREQUENCY_UNITS):
            continue
        first = _single(settings, place) * _FREQUENCY_UNITS[units[0]]
        last = _single(settings, place + 5) * _FREQUENCY_UNITS[units[1]]
        if math.isclose(first, swept.max(), rel_tol=0.02) and 1e-6 < last < 1.1 * swept.min():
            candidates.add(_single(settings, place + 16))
    amplitude = candidates.pop() if len(candidates) == 1 else math.nan
    return amplitude if 0 < amplitude < 1e4 else None


def _started(log: bytes) -> str | None:
    if len(log) < _STARTED + 8:
        return None
    (days,) = struct.unpack_from("<d", log, _STARTED)
    if not 30_000 < days < 80_000:  # 1982 to 2119
        return None
    started = _DAY_ZERO + timedelta(milliseconds=round(days * 86_400_000))
    return started.isoformat()


def _loops(body: bytes) -> IntArray:
    """Return the first rows of the loops; the last index is the number of rows."""
    if len(body) < 8:
        return np.empty(0, dtype=np.int64)
    (count,) = struct.unpack_from("<I", body)
    indices = np.frombuffer(body, "<u4", min(count, (len(body) - 4) // 4), 4)
    return np.unique(indices.astype(np.int64))
