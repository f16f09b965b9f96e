"""Simulated records in the formats of instruments."""

from pathlib import Path

import numpy as np

from eistool.typing import FloatArray
from tests.direct_current.holds import Protocol, simulate

A3 = ((280, 6.4e-10), (220, 2.8e-11), (230, 2.8e-10))  # µm, S/cm
A4 = (0.031, 0.022, 0.042)
A5 = (0.56e-4, 0.39e-4, 0.41e-4)
B4 = (4.7e-10, 4.2e-9)
STYLES = ("mpt", "DTA", "csv")
HEADER = "file,sample_id,thickness_um,u_thickness_um,diameter_mm,u_diameter_mm,cell_type,r_lead_ohm"
STACK_OHM = 47.8  # two electrolyte layers and two counter electrodes


def cell_constant(thickness_um: float, diameter_mm: float = 10.0) -> float:
    return float(thickness_um * 1e-4 / (np.pi * (diameter_mm / 20) ** 2))


def write_record(path: Path, time: FloatArray, current: FloatArray, voltage: FloatArray) -> None:
    """Write a record in the format of the suffix; CSV as a German spreadsheet program does."""
    rows = zip(time.tolist(), current.tolist(), voltage.tolist(), strict=True)
    if path.suffix == ".mpt":
        lines = ["EC-Lab ASCII FILE", "Nb header lines : 5", "", "Chronoamperometry / Chronocoulometry"]
        lines.append("mode\tox/red\ttime/s\tcontrol/V\tEwe/V\tI/mA")
        lines += [f"2\t1\t{t:.6E}\t{V:.6E}\t{V:.6E}\t{i * 1e3:.7E}" for t, i, V in rows]
    elif path.suffix == ".DTA":
        lines = ["EXPLAIN", "TAG\tCHRONOA", "CURVE\tTABLE", "\tPt\tT\tVf\tIm\tOver", "\t#\ts\tV vs. Ref.\tA\tbits"]
        lines += [f"\t{n}\t{t:.6G}\t{V:.6E}\t{i:.6E}\t..........." for n, (t, i, V) in enumerate(rows)]
    else:
        lines = ["Zeit / h;Strom / nA;Spannung / V"]
        lines += [f"{t / 3600:.8f};{i * 1e9:.6f};{V:.6f}".replace(".", ",") for t, i, V in rows]
    path.write_text("\n".join(lines) + "\n", encoding="latin-1")


def write_conductors(folder: Path) -> dict[str, float]:
    """Write electrolytes (A3, B4) and sulphur electrodes (A4) with a samples table; return their S/cm."""
    folder.mkdir()
    rows, true = [HEADER], dict[str, float]()
    for n, (L, sigma) in enumerate(A3):
        protocol = Protocol(
            resistance_ohm=cell_constant(L) / sigma, wander=3e-3, drift=2e-3, offset_A=2e-11 * (n - 1), dt_s=60
        )
        _add(folder, f"A3_{n}.{STYLES[n]}", protocol, n, rows, true, f"{L},3,10,0.02,blocking,", sigma)
    for n, sigma in enumerate(A4):
        protocol = Protocol(
            resistance_ohm=cell_constant(500) / sigma, lead_ohm=0.3, voltages_V=(0.1,), noise=1e-3, drift=1e-3,
            hold_s=18000, dt_s=10, terms=((0.1, 800),), offset_A=1e-6,
        )  # fmt: skip
        _add(folder, f"A4_{n}.mpt", protocol, n + 10, rows, true, "500,5,10,0.02,blocking,0.3", sigma)
    for n, sigma in enumerate(B4):
        protocol = Protocol(
            resistance_ohm=cell_constant(1000) / sigma, voltages_V=(0.25, 0.5, 0.75), hold_s=36000, dt_s=60,
            offset_A=3e-11,
        )  # fmt: skip
        _add(folder, f"B4_{n}.csv", protocol, n + 20, rows, true, "1000,10,10,0.02,blocking,", sigma)
    (folder / "samples.csv").write_text("\n".join(rows) + "\n")
    return true


def write_stacks(folder: Path) -> dict[str, float]:
    """Write electron-blocking cells of sulphur electrodes (A5), and return their S/cm."""
    folder.mkdir()
    rows, true = [HEADER], dict[str, float]()
    for n, sigma in enumerate(A5):
        _add(
            folder,
            f"A5_{n}.mpt",
            stack(100, sigma),
            n + 30,
            rows,
            true,
            "100,1.5,10,0.02,electron_blocking,",
            sigma,
        )
    (folder / "samples.csv").write_text("\n".join(rows) + "\n")
    return true


def stack(thickness_um: float, sigma: float, tau: float = 520.0) -> Protocol:
    """Return the polarisation of an electron-blocking cell: 0.5 V for 2 h."""
    return Protocol(
        resistance_ohm=cell_constant(thickness_um) / sigma + STACK_OHM, voltages_V=(0.5,), noise=1e-3, drift=1e-3,
        hold_s=7200, dt_s=5, zero_s=600, terms=((0.8, tau), (3, 20)), offset_A=1e-7,
    )  # fmt: skip


def _add(
    folder: Path, name: str, protocol: Protocol, seed: int, rows: list[str], true: dict[str, float], geometry: str,
    sigma: float,
) -> None:  # fmt: skip
    write_record(folder / name, *simulate(protocol, seed))
    rows.append(f"{name},{name.partition('.')[0]},{geometry}")
    true[name] = sigma
