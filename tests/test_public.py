"""What users see: the public names, the shape of the reprs, and lazy imports."""

import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import eistool
from eistool.drt import SuggestedCircuit
from tests.approval import NUMBER, difference, significant_digits

PUBLIC = [
    "CellGeometry",
    "Circuit",
    "CircuitError",
    "ConfigError",
    "DRT",
    "DRTPeak",
    "EistoolError",
    "Event",
    "FitError",
    "FitResult",
    "Metadata",
    "OutputError",
    "Profile",
    "ReaderError",
    "Series",
    "Spectrum",
    "SpectrumError",
    "Tracks",
    "__version__",
    "analyze_ir_drop",
    "analyze_polarization",
    "arrhenius",
    "assign",
    "average_spectra",
    "bruce_vincent",
    "check_kramers_kronig",
    "check_z_hit",
    "compare_circuits",
    "compute_drt",
    "compute_drt_tikhonov",
    "conductivity",
    "deembed",
    "fit",
    "fit_global",
    "fit_iter",
    "fit_many",
    "hilbert_score",
    "load_circuit",
    "normalize_by_area",
    "read",
    "read_polarization",
    "read_profile",
    "register_element",
    "regress_thickness",
    "separator_budget",
    "simulate",
    "subtract_lead",
    "subtract_stray_capacitance",
    "subtract_symmetric_cell",
    "take_readings",
    "track",
]
GOLDEN = Path(__file__).parent / "golden"


def test_public_names_are_frozen() -> None:
    assert eistool.__all__ == PUBLIC
    for name in PUBLIC:
        assert getattr(eistool, name) is not None
        assert name in dir(eistool)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(eistool, "noth" + "ing")


def test_every_public_name_is_documented() -> None:
    undocumented = [name for name in PUBLIC if name != "__version__" and not getattr(eistool, name).__doc__]
    assert not undocumented


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        ("import eistool", ["numpy"]),
        ("import eistool; eistool.__version__", ["numpy"]),
        ("import eistool; eistool.Spectrum", ["numba"]),
        ("import eistool; eistool.read", ["scipy"]),
        ("import eistool; eistool.fit", ["impedance", "lmfit", "matplotlib", "pandas"]),
    ],
)
def test_imports_are_lazy(code: str, unwanted: list[str]) -> None:
    check = f"{code}; import sys; print([name for name in {unwanted} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def examples() -> dict[str, Any]:
    """Return one object of each kind."""
    metadata = eistool.Metadata(sample_id="S17", temperature_C=25.0, soc_pct=50.0)
    circuit = eistool.load_circuit("bulk_gb_spike")
    f = np.geomspace(1e6, 0.1, 36)
    values = {"R_b": 100, "CPE_b.Q": 1e-9, "CPE_b.alpha": 0.95, "R_gb": 300, "CPE_gb.Q": 1e-7}
    values |= {"CPE_gb.alpha": 0.85, "CPE1.Q": 1e-5, "CPE1.alpha": 0.9}
    values = dict(zip(circuit.parameters, values.values(), strict=True))
    spectrum = eistool.simulate(circuit, f, values, noise=0.003, seed=1, metadata=metadata, label="S17_25C.mpt")
    result = eistool.fit(spectrum.crop(f_min=0.5), circuit)
    ranked = eistool.compare_circuits(spectrum, [circuit, "R0-CPE1"])
    spectra = [
        eistool.simulate(
            "R0-CPE1", f, [R, 1e-5, 0.9], 0.003, seed, eistool.Metadata(temperature_C=T), label=f"{T} °C"
        )
        for seed, (T, R) in enumerate([(0, 100), (20, 45), (40, 23)])
    ]
    together = eistool.fit_global(spectra, "R0-CPE1", ["CPE1.alpha"], {"R0": "arrhenius"}, {"CPE1.Q": 1e4})
    objects = {
        "metadata": metadata,
        "circuit": circuit,
        "spectrum": spectrum.crop(f_min=0.5),
        "series": eistool.Series((spectrum,), by="soc"),
        "geometry": eistool.CellGeometry(thickness_um=1000, diameter_mm=10),
        "fit": result,
        "parameters": result.parameters,
        "processes": result.processes,
        "ranked": ranked[0],
        "global": together,
        "law": together.laws["R0"],
        "suggested": SuggestedCircuit(circuit, dict.fromkeys(circuit.parameters, 0.5), 0.9, 0.0, "2 peaks"),
    }
    hours = np.linspace(0.0, 7200.0, 3)
    objects["profile"] = eistool.Profile(hours, hours / 1e4 + 2, np.full(3, 1e-3), hours / 3600, "2024-03-05")
    t = np.arange(0.0, 7200.0, 10.0)
    noise = 1e-3 * np.random.default_rng(1).standard_normal(t.size)
    cell = eistool.CellGeometry(thickness_um=100, diameter_mm=10)
    objects |= {
        "polarization": eistool.analyze_polarization(t, 1e-6 * (1 + np.exp(-t / 500) + noise), 0.5, cell),
        "subtraction": eistool.subtract_symmetric_cell(
            (275.2, 0.5), ((23.0, 0.2), (0.9, 0.1)), layers=2, counter_electrodes=2, electrode=cell
        ),
        "irdrops": eistool.analyze_ir_drop(
            t, np.where(t < 3600, 1e-3, 0.0), np.where(t < 3600, 2.05, 2.0) + noise
        ),
    }
    celsius = np.array([-20.0, 0, 20, 40])
    sigma = np.exp(11.731 - 0.31 / (8.617333262e-5 * (celsius + 273.15))) / (celsius + 273.15)
    objects |= {
        "conductivity": eistool.conductivity(result, eistool.CellGeometry(thickness_um=1000, diameter_mm=10)),
        "assigned": eistool.assign(result, eistool.CellGeometry(thickness_um=1000, diameter_mm=10)),
        "arrhenius": eistool.arrhenius(celsius, sigma, 0.02 * sigma, u_geometry=0.02, label="S17"),
    }
    charge = [
        eistool.simulate(
            "R0-Zarc1-Zarc2", f, [10, 30, 1e-4, 0.9, R, 3e-2, 0.9], 0.003, i, eistool.Metadata(soc_pct=float(i))
        )
        for i, R in enumerate([1e-9, 1e-9, 1e-9, 20, 21, 22])
    ]
    tracks = eistool.track(eistool.Series(charge, by="soc"), jobs=1)
    objects |= {"tracks": tracks, "event": tracks.events[0], "tracked_process": tracks.processes[1]}
    objects |= {"trend": tracks.trend(), "extremum": tracks.extrema()[0]}
    drt = eistool.compute_drt(spectrum.crop(f_min=0.5))
    objects |= {"drt": drt, "peak": drt.peaks[0]}
    return objects


def shown(objects: dict[str, Any]) -> dict[str, str]:
    """Return their texts and HTML."""
    # how many starts agree is not the same on every processor
    texts = {
        f"{name}.txt": re.sub(r"\d+ of \d+ starts", "N of M starts", repr(thing)) + "\n"
        for name, thing in objects.items()
    }
    return texts | {
        f"{name}.html": thing._repr_html_() + "\n"
        for name, thing in objects.items()
        if hasattr(thing, "_repr_html_")
    }


@pytest.fixture(scope="module")
def objects() -> dict[str, Any]:
    return examples()


@pytest.fixture(scope="module")
def reprs(objects: dict[str, Any]) -> dict[str, str]:
    return shown(objects)


def test_every_result_has_a_table(objects: dict[str, Any]) -> None:
    spectrum = objects["spectrum"]
    others = {
        "kramers_kronig": eistool.check_kramers_kronig(spectrum),
        "z_hit": eistool.check_z_hit(spectrum),
        "hilbert": eistool.hilbert_score(spectrum),
        "reading": eistool.take_readings(spectrum)["R_first"],
        "thickness": eistool.regress_thickness([100, 200, 300], [15, 25, 35], [0.1] * 3, 1.0),
    }
    without = {"circuit", "parameters", "processes", "assigned"}  # no result, or several
    lengths = {"kramers_kronig": 36, "z_hit": 36, "hilbert": 36, "conductivity": 3, "tracked_process": 6, "law": 2}
    for name, thing in (objects | others).items():
        if name in without:
            continue
        frame = thing.to_dataframe()
        assert isinstance(frame, pd.DataFrame)
        assert len(frame) == lengths.get(name, len(frame)) > 0, name
        assert frame.columns.is_unique, name
        assert not frame.map(lambda cell: isinstance(cell, list | dict | tuple)).any(axis=None), name
    conductivity = objects["conductivity"]
    row = conductivity.to_dataframe().set_index("quantity").loc["total"]
    assert row["sigma_S_per_cm"] == conductivity.total.sigma_S_per_cm
    event = objects["event"].to_dataframe()
    assert event["evidence.delta_bic"].item() == objects["event"].evidence["delta_bic"]


def test_no_kind_of_result_is_without_a_table() -> None:
    rooms = [
        "spectrum",
        "validation",
        "drt",
        "fitting",
        "materials",
        "direct_current",
        "symmetric_cell",
        "tracking",
    ]
    missing = []
    for module in pkgutil.walk_packages(eistool.__path__, "eistool."):
        if module.name.split(".")[1] not in rooms:
            continue
        for name, kind in vars(importlib.import_module(module.name)).items():
            if isinstance(kind, type) and hasattr(kind, "to_dict") and not hasattr(kind, "to_dataframe"):
                missing.append(name)
    assert missing == []


def test_reprs_are_as_approved(reprs: dict[str, str]) -> None:
    """After a wanted change, look at the new texts and write them with ``python -m tests.test_public``."""
    for name, text in reprs.items():
        approved = (GOLDEN / name).read_text(encoding="utf-8")
        assert not difference(text, approved), f"{name}: {difference(text, approved)}"


def test_reprs_print_at_most_six_digits(reprs: dict[str, str]) -> None:
    long = {
        f"{name}: {number}"
        for name, text in reprs.items()
        for number in NUMBER.findall(text)
        if significant_digits(number) > 6
    }
    assert not long


if __name__ == "__main__":
    for file_name, content in shown(examples()).items():
        (GOLDEN / file_name).write_text(content, encoding="utf-8")
