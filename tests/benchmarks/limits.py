"""Time and memory of inputs that are far too large, each in a process of its own.

Run ``python -m tests.benchmarks.limits``. The inputs are written to a temporary folder: text files of 1,000 to
900,000 points of one sweep, which are fitted with ``--circuit auto``; a workbook of 14 million empty cells in one
row, and one with 12 million empty shared strings, both of which are refused.
"""

import importlib
import io
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

import eistool

SIZES = (1_000, 2_000, 10_000, 100_000, 900_000)
CIRCUIT, VALUES = "R0-p(R1,CPE1)-CPE2", [20, 100, 1e-6, 0.9, 1e-3, 0.8]
SPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRINGS = "xl/sharedStrings.xml"


def write_text(path: Path, n_points: int) -> None:
    """Write one sweep of a simulated cell as CSV."""
    s = eistool.simulate(CIRCUIT, np.geomspace(1e6, 1e-2, n_points), VALUES, noise=0.003, seed=1)
    points = zip(s.frequency.tolist(), s.impedance.real.tolist(), s.impedance.imag.tolist(), strict=True)
    lines = (f"{f!r},{real!r},{imag!r}\n" for f, real, imag in points)
    path.write_text("frequency_Hz,z_real_ohm,z_imag_ohm\n" + "".join(lines), encoding="ascii")


def write_workbook(path: Path, cells: int = 0, strings: int = 0) -> None:
    """Write a workbook with empty cells in one row, and empty shared strings."""
    openpyxl = importlib.import_module("openpyxl")
    buffer = io.BytesIO()
    openpyxl.Workbook().save(buffer)
    sheet = f'<worksheet xmlns="{SPACE}"><sheetData><row>{cells * "<c/>"}</row></sheetData></worksheet>'
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    link = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
    with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as new:
        for part in old.infolist():
            data = old.read(part)
            if part.filename == "xl/worksheets/sheet1.xml":
                data = sheet.encode()
            elif part.filename == "[Content_Types].xml":
                override = f'<Override PartName="/{STRINGS}" ContentType="{kind}"/></Types>'
                data = data.replace(b"</Types>", override.encode())
            elif part.filename == "xl/_rels/workbook.xml.rels":
                relation = f'<Relationship Id="rId99" Type="{link}" Target="/{STRINGS}"/></Relationships>'
                data = data.replace(b"</Relationships>", relation.encode())
            new.writestr(part.filename, data)
        new.writestr(STRINGS, f'<sst xmlns="{SPACE}">{strings * "<si/>"}</sst>')


def measure(name: str, size: int, *arguments: str) -> None:
    """Print exit code, time and peak memory of a command, and its last line."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "eistool.cli", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        lines = process.stdout.read().decode("utf-8", errors="replace").strip().splitlines()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds, megabytes = time.perf_counter() - start, usage.ru_maxrss / 1024
    print(f"{name:34} {size / 1e3:8.0f} kB  {seconds:6.1f} s  {megabytes:6.0f} MB  exit {process.returncode}")
    print(f"    {lines[1] if arguments[0] == 'fit' else lines[0]}"[:150], flush=True)


def main() -> None:
    """Print the figures."""
    # files are written by another process: the memory of this one would count for its children
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(1) as writer:
        for n_points in SIZES:
            path = Path(folder, f"{n_points}.csv")
            writer.submit(write_text, path, n_points).result()
            out = str(Path(folder, f"out{n_points}"))
            options = ["--jobs", "1", "--plots", "none", "--no-progress"]
            measure(f"text of {n_points} points", path.stat().st_size, "fit", str(path), "--out", out, *options)
        for name, given in (("empty cells", {"cells": 14_000_000}), ("empty strings", {"strings": 12_000_000})):
            path = Path(folder, f"{name}.xlsx")
            writer.submit(write_workbook, path, **given).result()
            measure(f"workbook of {sum(given.values())} {name}", path.stat().st_size, "inspect", str(path))


if __name__ == "__main__":
    main()
