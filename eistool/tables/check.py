"""Tables of the validity of spectra."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eistool.spectrum import Spectrum
from eistool.tables.table import KEY_COLUMNS, Column, Rows, Table

if TYPE_CHECKING:
    from eistool.validation import KramersKronig, ZHit


@dataclass(frozen=True, slots=True, eq=False)
class Validity:
    """Both tests of a spectrum, or the reason for their absence."""

    spectrum: Spectrum
    kramers_kronig: "KramersKronig | None" = None
    z_hit: "ZHit | None" = None
    failure: str = ""

    @property
    def passed(self) -> bool | None:
        """Verdict of the Kramers-Kronig test, False if Z-HIT fails; None if undecided."""
        if self.kramers_kronig is None:
            return None
        if self.z_hit is not None and self.z_hit.passed is False:
            return False
        return self.kramers_kronig.passed

    @property
    def reason(self) -> str:
        """Reasons for not passing, in one line."""
        texts = [test.reason for test in (self.kramers_kronig, self.z_hit) if test is not None]
        return "; ".join(dict.fromkeys(text for text in (self.failure, *texts) if text))


@dataclass(frozen=True, slots=True, eq=False)
class _Tests:
    """Both tests of a spectrum."""

    spectrum: Spectrum
    kk: "KramersKronig"
    z_hit: "ZHit"


CHECKS: Table[_Tests] = Table(
    "check",
    "sweep checked",
    (
        *KEY_COLUMNS,
        Column("status", "", "`passed`, `not_passed` or `undecided`"),
        Column("reason", "", "reasons: drift, outliers, nonlinearity"),
        Column("kk_passed", "", "verdict of the Kramers-Kronig test", lambda t: t.kk.passed),
        Column("kk_max_residual", "", "largest residual of the common ladder", lambda t: t.kk.max_residual),
        Column("noise", "", "standard deviation relative to \\|Z\\|", lambda t: t.kk.noise_relative),
        Column("n_rc", "", "RC elements of the ladder", lambda t: t.kk.n_rc or None),
        Column(
            "n_rc_mu", "", "first number of RC elements with µ below its limit", lambda t: t.kk.n_rc_mu or None
        ),
        Column("mu", "", "1 - Σ\\|R < 0\\|/Σ(R > 0) of the ladder", lambda t: t.kk.mu),
        Column("form", "", "`impedance` or `admittance`: quantity described by the ladder", lambda t: t.kk.form),
        Column(
            "kk_misfit",
            "",
            "largest difference between the common ladder and the separate ones",
            lambda t: t.kk.misfit,
        ),
        Column("kk_p_value", "", "probability of that difference by chance", lambda t: t.kk.p_value),
        Column("drift", "", "change of Z over the sweep by Kramers-Kronig", lambda t: t.kk.drift),
        Column("u_drift", "", "its standard uncertainty", lambda t: t.kk.u_drift),
        Column("n_outliers", "", "number of proposed outliers", lambda t: t.kk.outliers.size),
        Column(
            "outliers_Hz",
            "Hz",
            "their frequencies, separated by spaces",
            lambda t: " ".join(map(repr, np.sort(t.spectrum.frequency[t.kk.outliers]).tolist())),
        ),
        Column("z_hit_passed", "", "verdict of Z-HIT", lambda t: t.z_hit.passed),
        Column("z_hit_drift", "", "change of \\|Z\\| at the lowest frequency by Z-HIT", lambda t: t.z_hit.drift),
        Column("u_z_hit_drift", "", "its standard uncertainty", lambda t: t.z_hit.u_drift),
        Column(
            "z_hit_drift_below_Hz",
            "Hz",
            "frequency below which the modulus drifts",
            lambda t: t.z_hit.drift_below_Hz,
        ),
        Column("z_hit_max_residual", "", "largest residual of Z-HIT", lambda t: t.z_hit.max_residual),
    ),
)

RESIDUALS: Table[_Tests] = Table(
    "residuals",
    "point",
    (
        Column("frequency_Hz", "Hz", "frequency", lambda t: t.spectrum.frequency),
        Column("z_real_ohm", "ohm", "measured Re Z", lambda t: t.spectrum.impedance.real),
        Column("z_imag_ohm", "ohm", "measured Im Z", lambda t: t.spectrum.impedance.imag),
        Column("kk_real_ohm", "ohm", "Re Z of the common ladder", lambda t: t.kk.impedance.real),
        Column("kk_imag_ohm", "ohm", "Im Z of the common ladder", lambda t: t.kk.impedance.imag),
        Column("residual_real", "", "real residual relative to \\|Z\\|", lambda t: t.kk.residual.real),
        Column("residual_imag", "", "imaginary residual relative to \\|Z\\|", lambda t: t.kk.residual.imag),
        Column("noise_real_ohm", "ohm", "noise of Re Z", lambda t: t.kk.noise.real),
        Column("noise_imag_ohm", "ohm", "noise of Im Z", lambda t: t.kk.noise.imag),
        Column("z_hit_ohm", "ohm", "\\|Z\\| of the Z-HIT reconstruction", lambda t: np.abs(t.z_hit.impedance)),
        Column("z_hit_residual", "", "residual of Z-HIT", lambda t: t.z_hit.residual),
        Column(
            "outlier",
            "",
            "whether the point is a proposed outlier",
            lambda t: np.isin(np.arange(len(t.spectrum)), t.kk.outliers).tolist(),
        ),
        Column("mask_reason", "", "reason for excluding the point", lambda t: t.spectrum.mask_reason),
    ),
)


def check_tables(validity: Validity) -> dict[str, Rows]:
    """Return the row of ``check.csv`` and the residuals, if both tests were made."""
    if validity.kramers_kronig is None or validity.z_hit is None:
        return {"check": Rows.of({"status": "failed", "reason": validity.failure})}
    tests = _Tests(validity.spectrum, validity.kramers_kronig, validity.z_hit)
    status = {True: "passed", False: "not_passed", None: "undecided"}[validity.passed]
    row = CHECKS.row(tests, status=status, reason=validity.reason)
    return {"check": Rows.of(row), "residuals": RESIDUALS.points(tests)}
