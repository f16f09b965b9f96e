"""One spectrum, written as every instrument's program would write it."""

import importlib
import io
import json
import struct
import zipfile
from collections.abc import Callable, Sequence
from types import MappingProxyType

import numpy as np

from eistool.typing import ComplexArray, FloatArray

F: FloatArray = np.geomspace(1e5, 1.0, 16)
Z: ComplexArray = np.asarray(20 + 500 / (1 + 2j * np.pi * F * 1e-3), dtype=np.complex128)


def rows(*columns: FloatArray, sep: str = "\t", decimal: str = ".") -> str:
    """Return lines of numbers that read back as they were."""
    lines = (sep.join(repr(float(x)).replace(".", decimal) for x in row) for row in zip(*columns, strict=True))
    return "\n".join(lines) + "\n"


def ism(
    frequency: FloatArray = F,
    impedance: ComplexArray = Z,
    *,
    texts: Sequence[str] = ("160724", "cell 7", "0.9995V, Ampl: 10mV", "10.006nA", "23.8+-0.1C", ""),
    time: float = 1.4055895e9,
    significance: int = 999,
) -> bytes:
    """Return a Zahner file: version, last index, four arrays, significances, texts with their case swapped."""
    n = frequency.size
    arrays = (frequency, np.abs(impedance), np.angle(impedance), time + np.arange(n))
    body = b"".join(np.asarray(array, ">f8").tobytes() for array in arrays)
    swapped = b"".join(struct.pack(">H", len(text)) + text.swapcase().encode() for text in texts)
    head = b"\x00\x00\xff\xff\xff\xfe" + (n - 1).to_bytes(6, "big")
    return head + body + np.full(n, significance, ">i2").tobytes() + swapped


PAR_NAMES = (
    "Segment #, Point #, E(V), I(A), Elapsed Time(s), Status, Frequency(Hz), E Real, "
    "Z Real, Z Imag, AC Amplitude, 0"
)


def par(segments: Sequence[ComplexArray] = (Z,), *, area: float = 1, names: str = PAR_NAMES) -> bytes:
    """Return a VersaStudio file with a d.c. point before each sweep, all sweeps in one segment."""
    lines = [
        "<Application>", "Name=VersaStudio", "</Application>", "", "<Action0>",
        f"Working Electrode Area (cm2)={area:g}", "Name=Common", "</Action0>", "<Experiment>",
        "TimeAcquired=9:40:30 AM", "DateAcquired=Thursday, July 19, 2018", "</Experiment>", "<Action1>",
        "Name=Potentiostatic EIS", "</Action1>", "<Segment1>", "Type=2", f"Definition={names}",
    ]  # fmt: skip
    for k, z in enumerate(segments):
        lines.append(f"{k},0,{0.1 * k},1e-3,0.0,53,0,0,0,0,0.02,0")
        for i, (f, zi) in enumerate(zip(F.tolist(), z.tolist(), strict=True)):
            lines.append(f"{k},{i},{0.1 * k},1e-3,{i},53,{f!r},0,{zi.real!r},{zi.imag!r},0.02,0")
    return "\n".join([*lines, "</Segment1>", "<Graph1>", "</Graph1>"]).encode("utf-8-sig")


def pssession(
    channels: Sequence[ComplexArray] = (Z,),
    *,
    lower: bool = False,
    admittance: int = 1,
    encoding: str = "utf-16",
    method: str = "METHOD_ID=eis\r\nAMPLITUDE=1.0E-002\r\nAREA=0.0E+000\r\n",
) -> bytes:
    """Return a PSTrace session with a voltammogram and one impedance measurement of several channels."""

    def array(kind: int, values: FloatArray) -> dict[str, object]:
        return {"Type": "PalmSens.Data.DataArray", "ArrayType": kind,
                "DataValues": [{"V": float(v), "S": 0} for v in values]}  # fmt: skip

    def data_set(z: ComplexArray) -> dict[str, object]:
        values = [array(5, F), array(7, z.real), array(8, -z.imag), array(1, 0.2 + 0 * F), array(2, 1.5 + 0 * F)]
        return {"Type": "PalmSens.Data.DataSetEIS",
                "Values": values + ([array(13, admittance * (1 / z).imag)] if admittance else [])}  # fmt: skip

    curve = {"Type": "PalmSens.Data.DataSetCommon", "Values": [array(0, F), array(1, F), array(2, F)]}
    scans = [{"Title": f"CH {k}: 16 freqs", "DataSet": data_set(z)} for k, z in enumerate(channels, start=1)]
    session = {"Type": "PalmSens.DataFiles.SessionFile", "CoreVersion": "5.11", "Measurements": [
        {"Title": "Cyclic Voltammetry", "TimeStamp": 1, "DataSet": curve, "EISDataList": []},
        {"Title": "Impedance Spectroscopy", "TimeStamp": 638895739666773365, "DataSet": data_set(channels[0]),
         "Method": method, "EISDataList": scans},
    ]}  # fmt: skip
    text = json.dumps(session)
    for key in ("Type", "CoreVersion", "Measurements", "Title", "TimeStamp", "DataSet", "Values", "DataValues",
                "ArrayType", "EISDataList", "Method", "V", "S"):  # fmt: skip
        text = text.replace(f'"{key}":', f'"{key.lower()}":') if lower else text
    return (text + "\ufeff").encode(encoding)


def windeta(kind: str = "sig", temperatures: Sequence[float] = (25.0,), *, measured: bool = False) -> bytes:
    """Return WinDETA's text: ``kind`` is sig, eps, zs or abs."""
    diameter, thickness = 1.0, 0.1  # cm
    cell_constant = thickness / (np.pi * diameter**2 / 4)
    sigma = cell_constant / Z
    eps = sigma / (2j * np.pi * F * 8.8541878128e-14)
    columns, names = {
        "sig": ((sigma.real, -sigma.imag), ("Sig' [S/cm]", "Sig'' [S/cm]")),
        "eps": ((eps.real, -eps.imag), ("Eps'    ", "Eps''   ")),
        "zs": ((Z.real, Z.imag), ("Zs' [Ohms]", "Zs'' [Ohms]")),
        "abs": ((np.abs(Z), np.rad2deg(np.angle(Z))), ("|Z| [Ohms]", "Phase(Z) [°]")),
    }[kind]
    head = (
        "Pellet 3, 18.2.2025, 10:9\n"
        "Diameter[mm] 1.000e+01  Thickness[mm] 1.000e+00  Spacer Capacity[pF] 0.000e+00  Edge Correction On"
        "  Electrode Thickness[mm] 2.00e+00\nFixed value(s) :  AC Volt  [Vrms]=1.0000e-01\n"
        " Freq. [Hz]\t Temp. [°C]\t " + "\t ".join(names) + ("\t M Temp [°C]" if measured else "") + "\n"
    )
    parts = [
        (F, np.full(F.size, t), *columns, *([np.full(F.size, t + 0.5)] if measured else [])) for t in temperatures
    ]
    return (head + "".join(rows(*part) for part in parts)).encode("latin-1")


def idf(columns: str = "", *, n: int = F.size, method: str = "Impedance") -> bytes:
    """Return an Ivium data file."""
    body = columns or rows(Z.real, Z.imag, F, sep=" ")
    return f"\x02Version=11\nMethod={method}\nTitle=cell\nprimary_data\n3\n{n}\n{body}QR=0\n".encode("latin-1")


def xlsx(sheets: dict[str, list[list[object]]] | None = None) -> bytes:
    """Return a workbook; needs openpyxl."""
    openpyxl = importlib.import_module("openpyxl")
    table: list[list[object]] = [["Freq(Hz)", "Z'(a)", "Z''(b)"]]
    table += [[float(f), float(z.real), float(z.imag)] for f, z in zip(F, Z, strict=True)]
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, cells in ({"cell": table} if sheets is None else sheets).items():
        sheet = book.create_sheet(name)
        for row in cells:
            sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def npz(**arrays: object) -> bytes:
    """Return NumPy's archive of arrays."""
    file = io.BytesIO()
    np.savez(file, **(arrays or {"frequency": F, "impedance": Z}))  # type: ignore[arg-type]
    return file.getvalue()


def npy() -> bytes:
    """Return NumPy's table of an arc, without names."""
    arc = 50 + 400 / (1 + (2j * np.pi * F * 2e-4) ** 0.85)
    file = io.BytesIO()
    np.save(file, np.column_stack([F, arc.real, arc.imag]))
    return file.getvalue()


def mat() -> bytes:
    """Return MATLAB's arrays."""
    file = io.BytesIO()
    importlib.import_module("scipy.io").savemat(file, {"frequency": F, "impedance": Z})
    return file.getvalue()


def spectra_json() -> bytes:
    """Return a spectrum as eistool writes it."""
    from eistool.readers.writers import format_spectra
    from eistool.spectrum import Spectrum

    return format_spectra([Spectrum(F, Z, notes=["sign of Im: known"])], "json").encode()


def parquet() -> bytes:
    """Return a Parquet table; needs pyarrow."""
    import pandas as pd

    file = io.BytesIO()
    pd.DataFrame({"frequency_Hz": F, "z_real_ohm": Z.real, "z_imag_ohm": Z.imag}).to_parquet(file)
    return file.getvalue()


def lists(temperatures: Sequence[float] = (25.0,), sep: str = ";") -> bytes:
    """Return a table with lists in its cells, as pandas writes it."""
    names = (
        "experimentID",
        "temperature [°C]",
        "frequency [Hz]",
        "real impedance Z' [Ohm]",
        "imaginary impedance Z'' [Ohm]",
    )
    quote = '"' if sep == "," else ""
    arrays = [f"{quote}{array.tolist()}{quote}" for array in (F, Z.real, Z.imag)]
    lines = [sep.join(["LE1", repr(float(t)), *arrays]) for t in temperatures]
    return "\n".join([sep.join(names), *lines, ""]).encode()


def bomb(name: str, size: int) -> bytes:
    """Return an archive of which one file is nothing but zeros."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, b"\x00" * size)
    return file.getvalue()


# what a reader needs besides eistool, by its name
NEEDS = MappingProxyType({"workbook": "openpyxl", "parquet": "pyarrow"})
WRITTEN: MappingProxyType[str, Callable[[], bytes]] = MappingProxyType(
    {
        "zahner_ism": ism,
        "versastudio_par": par,
        "palmsens_pssession": pssession,
        "novocontrol": windeta,
        "ivium": idf,
        "workbook": xlsx,
        "npz": npz,
        "npy": npy,
        "mat": mat,
        "eistool_json": spectra_json,
        "parquet": parquet,
        "spectrum_rows": lists,
    }
)
