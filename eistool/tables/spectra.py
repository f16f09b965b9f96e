"""Tables of the sweeps read, and of inputs without a result."""

import math
from typing import TYPE_CHECKING, Any

from eistool.readers import doubts
from eistool.spectrum import Spectrum
from eistool.tables.table import KEY_COLUMNS, Column, Rows, Table

if TYPE_CHECKING:
    from eistool.tables.check import Validity


def _fact(name: str, unit: str, description: str) -> Column[Spectrum]:
    return Column(name, unit, description, lambda spectrum: getattr(spectrum.metadata, name))


SPECTRA: Table[Spectrum] = Table(
    "spectra",
    "sweep read",
    (
        *KEY_COLUMNS,
        _fact("format", "", "format of the file"),
        _fact("technique", "", "technique given in the file"),
        _fact("started_at", "", "start of the sweep, local time of the instrument, ISO 8601"),
        _fact("time_h", "h", "time since the start of the measurement"),
        _fact("ewe_mean_V", "V", "mean potential of the working electrode"),
        _fact("ewe_drift_mV", "mV", "change of that potential over the sweep"),
        _fact("i_mean_mA", "mA", "mean current"),
        Column("n_points", "", "number of points; a long spectrum is averaged, see reader_notes", len),
        Column("f_min_Hz", "Hz", "lowest frequency read", lambda spectrum: spectrum.frequency.min()),
        Column("f_max_Hz", "Hz", "highest frequency read", lambda spectrum: spectrum.frequency.max()),
        _fact("sample_id", "", "sample; by default, samples are separated by folder"),
        _fact("cell_type", "", "`blocking`, `symmetric`, `electron_blocking`, `full` or `other`"),
        _fact("stack", "", "layers of the cell"),
        _fact("material", "", "material"),
        _fact("temperature_C", "°C", "temperature"),
        _fact("u_temperature_C", "K", "its standard uncertainty"),
        _fact("thickness_um", "µm", "thickness of the electrolyte"),
        _fact("u_thickness_um", "µm", "its standard uncertainty"),
        _fact("diameter_mm", "mm", "diameter of the pellet"),
        _fact("u_diameter_mm", "mm", "its standard uncertainty"),
        _fact("electrode_diameter_mm", "mm", "diameter of electrodes smaller than the pellet"),
        _fact("area_cm2", "cm²", "area, in place of a diameter"),
        _fact("cell_constant_per_cm", "1/cm", "L/A, in place of the geometry"),
        _fact("composition_x", "", "composition"),
        _fact("mass_mg", "mg", "mass"),
        _fact("density_g_cm3", "g/cm³", "density"),
        _fact("pressure_MPa", "MPa", "pressure during the measurement"),
        _fact("pressure_fab_MPa", "MPa", "pressure of fabrication"),
        _fact("loading_mg_cm2", "mg/cm²", "loading"),
        _fact("nominal_capacity_mAh", "mAh", "nominal capacity"),
        _fact("r_lead_ohm", "ohm", "resistance of the leads"),
        _fact("amplitude_mV", "mV", "amplitude of the excitation"),
        _fact("bias_V", "V", "bias"),
        _fact("reference", "", "reference electrode"),
        _fact("soc_pct", "%", "state of charge"),
        _fact("capacity_mAh", "mAh", "charge passed since the start of the cycling record"),
        _fact("voltage_V", "V", "cell voltage"),
        _fact("direction", "", "`charge` or `discharge`"),
        _fact("cycle", "", "cycle"),
        _fact("circuit", "", "circuit named in the samples table"),
        _fact("notes", "", "notes of the samples table"),
        Column("kk_passed", "", "verdict of the Kramers-Kronig test on the points used; empty if undecided"),
        Column(
            "kk_max_residual", "", "largest real or imaginary residual of the common ladder, relative to \\|Z\\|"
        ),
        Column(
            "noise",
            "",
            "standard deviation of real and imaginary parts relative to \\|Z\\|, from the Kramers-Kronig test; if "
            "undecided, the residual of a free sum of RC elements in units of the weighting",
        ),
        Column("status", "", "`ok`, `poor_model`, `failed` or `left_out`"),
        Column("reason", "", "reason of a status other than `ok`"),
        Column("n_used", "", "number of points used"),
        Column("masked", "", "points left out by `--mask auto`, with the reason"),
        Column("reader_notes", "", "decisions of the reader, the sign of Im first", lambda s: "; ".join(s.notes)),
        Column("reader_warning", "", "reasons to doubt the reading, also printed", lambda s: "; ".join(doubts(s))),
    ),
)

FAILURES: Table[object] = Table(
    "failures",
    "input without a result",
    (
        *KEY_COLUMNS,
        Column(
            "stage",
            "",
            "`read`, `fit`, `drt`, `check`, `derive`, `track` or `draw`; for the last three, source may be "
            "a sample, a series or a picture",
        ),
        Column("error", "", "reason"),
    ),
)


def spectrum_row(
    spectrum: Spectrum, status: str, reason: str, noise: float | None = None, validity: "Validity | None" = None
) -> dict[str, Any]:
    """Return the row of a sweep; the noise of its Kramers-Kronig test replaces ``noise``."""
    test = None if validity is None else validity.kramers_kronig
    if test is not None and math.isfinite(test.noise_relative):
        noise = test.noise_relative
    return SPECTRA.row(
        spectrum,
        kk_passed=None if test is None else test.passed,
        kk_max_residual=None if test is None else test.max_residual,
        noise=noise,
        status=status,
        reason=reason,
        masked=None if validity is None else validity.masked,
    )


def failure_rows(stage: str, error: str) -> Rows:
    """Return the row of an input without a result."""
    return Rows.of({"stage": stage, "error": error})
