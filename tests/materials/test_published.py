"""Measured pellets with published values."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from eistool import CellGeometry, conductivity, fit, read
from eistool.cli import main


def test_bulk_and_grain_boundary_of_a_lagp_pellet(real_data: Path) -> None:
    base = real_data / "EISFitpython"
    report = (base / "Example_scripts" / "Example2" / "EIS_fit_report.txt").read_text(encoding="utf-8")
    published = [float(value) for value in re.findall(r"^R\d = +(\S+)", report, re.MULTILINE)]
    spectrum = read(base / "EIS_Data" / "Example-2" / "Example2b.txt")[0].crop(f_min=5)
    # the geometry is not published; that of a pellet of about 1 mm and 10 mm identifies the arcs
    conductivities = conductivity(
        fit(spectrum, "p(R1,CPE1)-p(R2,CPE2)-CPE3"), CellGeometry(cell_constant_per_cm=0.13)
    )
    assert conductivities.bulk is not None
    assert conductivities.grain_boundary is not None
    assert conductivities.total is not None
    assert [one.status for one in conductivities.values] == ["ok", "ok", "ok"]
    resistances = (conductivities.bulk.R_ohm, conductivities.grain_boundary.R_ohm, conductivities.total.R_ohm)
    assert resistances == pytest.approx((*published, sum(published)), rel=1e-3)


def test_activation_energy_of_a_published_table(real_data: Path) -> None:
    """A liquid electrolyte: ln σ against 1/T gives 0.108 eV."""
    table = real_data / "MADAP" / "test" / "testfile" / "supported" / "for_test_arr.csv"
    result = CliRunner().invoke(main, ["arrhenius", str(table), "--form", "ln_sigma", "--json"])
    [row] = json.loads(result.stdout)
    assert row["Ea_eV"] == pytest.approx(0.108, abs=5e-4)
