"""The sample spectra: made by their recipe, read in several formats, fitted well."""

import runpy
from pathlib import Path

import pytest

from eistool import read
from eistool.jobs import FitOptions, fit_folder
from tests.batch.folders import rows

DATA = Path(__file__).parents[1] / "data"
SUFFIXES = (".csv", ".mpt", ".DTA", ".z")


def spectra_files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.suffix in SUFFIXES)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_recipe_writes_the_same_files(tmp_path: Path) -> None:
    runpy.run_path(str(DATA / "make.py"))["main"](tmp_path)
    assert spectra_files(tmp_path) == spectra_files(DATA)
    assert sum(map(len, spectra_files(DATA).values())) < 500_000


def test_every_file_is_described_with_its_licence() -> None:
    text = (DATA / "README.md").read_text(encoding="utf-8")
    patterns = [f"{line.split('`')[1]}" for line in text.splitlines() if line.startswith("| `")]
    files = spectra_files(DATA)
    assert all(any(Path(name).match(pattern) for pattern in patterns) for name in files)
    assert text.count("CC0 1.0 |") == len(patterns)


def test_formats_and_metadata() -> None:
    spectra = read(DATA)
    assert {s.metadata.format for s in spectra} == {"biologic_mpt", "delimited", "gamry_dta", "zplot"}
    assert all(s.metadata.cell_type and s.metadata.temperature_C is not None for s in spectra)
    pellet = sorted(s.metadata.temperature_C for s in spectra if s.metadata.cell_type == "blocking")  # type: ignore[type-var]
    assert (pellet[0], pellet[-1]) == (-40, 60)


def test_every_spectrum_is_fitted_well(tmp_path: Path) -> None:
    summary = fit_folder([DATA], tmp_path / "out", FitOptions())
    assert summary.exit_code == 0
    assert summary.counts["ok"] == len(summary.records) == summary.n_read
    # the bulk arcs of the two coldest spectra have their apexes above the window
    assert all(warning.startswith("LBPSI017, Arrhenius of bulk: ") for warning in summary.warnings)
    values = {row["source"]: row for row in rows(tmp_path / "out" / "fits.csv")}
    # 0.1 cm / (2.4 mS/cm x 0.785 cm²)
    assert float(values["pellet/LBPSI017_25C.mpt"]["R0"]) == pytest.approx(53.05, rel=0.01)
    for source, row in values.items():
        if source.startswith("soc/cell") and row["R3"]:
            assert float(row["R3"]) == pytest.approx(15, rel=0.15)
