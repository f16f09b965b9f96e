"""The verdict on a sweep, as the tables hold it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from eistool.batch.derived import BREAKDOWNS
from eistool.batch.store import Rows
from eistool.batch.tables import number
from eistool.errors import EistoolError
from eistool.spectrum import Spectrum

if TYPE_CHECKING:
    from eistool.validation import KramersKronig, ZHit


@dataclass(frozen=True, slots=True, eq=False)
class Validity:
    """Both tests of a spectrum, or why there are none."""

    spectrum: Spectrum
    kramers_kronig: "KramersKronig | None" = None
    z_hit: "ZHit | None" = None
    failure: str = ""

    @property
    def passed(self) -> bool | None:
        """The verdict of Kramers and Kronig, unless Z-HIT fails; where that cannot tell, it says nothing."""
        if self.kramers_kronig is None:
            return None
        if self.z_hit is not None and self.z_hit.passed is False:
            return False
        return self.kramers_kronig.passed

    @property
    def reason(self) -> str:
        """Why it did not pass, in one line."""
        texts = [test.reason for test in (self.kramers_kronig, self.z_hit) if test is not None]
        return "; ".join(dict.fromkeys(text for text in (self.failure, *texts) if text))

    @property
    def columns(self) -> dict[str, Any]:
        """What ``spectra.csv`` says of it."""
        test = self.kramers_kronig
        if test is None:
            return {}
        noise = number(test.noise_relative)
        return {"kk_passed": test.passed, "kk_max_residual": number(test.max_residual), "noise": noise}

    @property
    def tables(self) -> dict[str, Rows]:
        """The row of ``check.csv``, and the curves."""
        kk, z_hit = self.kramers_kronig, self.z_hit
        if kk is None or z_hit is None:
            return {"check": Rows.of({"status": "failed", "reason": self.failure})}
        outliers = np.sort(self.spectrum.frequency[kk.outliers])
        row = {
            "status": {True: "passed", False: "not_passed", None: "undecided"}[self.passed],
            "reason": self.reason or None,
            **self.columns,
            "n_rc": kk.n_rc or None,
            "n_rc_mu": kk.n_rc_mu or None,
            "mu": number(kk.mu),
            "form": kk.form,
            "kk_misfit": number(kk.misfit),
            "kk_p_value": number(kk.p_value),
            "drift": number(kk.drift),
            "u_drift": number(kk.u_drift),
            "n_outliers": outliers.size,
            "outliers_Hz": " ".join(map(repr, outliers.tolist())) or None,
            "z_hit_passed": z_hit.passed,
            "z_hit_drift": number(z_hit.drift),
            "u_z_hit_drift": number(z_hit.u_drift),
            "z_hit_drift_below_Hz": number(z_hit.drift_below_Hz),
            "z_hit_max_residual": number(z_hit.max_residual),
        }
        return {"check": Rows.of(row), "residuals": self._curve(kk, z_hit)}

    def _curve(self, kk: "KramersKronig", z_hit: "ZHit") -> Rows:
        spectrum = self.spectrum
        columns: dict[str, list[Any]] = {
            "frequency_Hz": spectrum.frequency.tolist(),
            "z_real_ohm": spectrum.impedance.real.tolist(),
            "z_imag_ohm": spectrum.impedance.imag.tolist(),
        }
        curves = {
            "kk_real_ohm": kk.impedance.real,
            "kk_imag_ohm": kk.impedance.imag,
            "residual_real": kk.residual.real,
            "residual_imag": kk.residual.imag,
            "noise_real_ohm": kk.noise.real,
            "noise_imag_ohm": kk.noise.imag,
            "z_hit_ohm": np.abs(z_hit.impedance),
            "z_hit_residual": z_hit.residual,
        }
        columns |= {name: [number(value) for value in curve.tolist()] for name, curve in curves.items()}
        columns["outlier"] = np.isin(np.arange(len(spectrum)), kk.outliers).tolist()
        columns["mask_reason"] = [reason or None for reason in spectrum.mask_reason]
        return Rows(tuple(columns), tuple(zip(*columns.values(), strict=True)))


def validate(spectrum: Spectrum, *, z_hit: bool = False) -> Validity:
    """Return the verdict on a spectrum; nothing that goes wrong with one is raised: the batch goes on."""
    from eistool.validation import check_kramers_kronig, check_z_hit

    try:
        test = check_kramers_kronig(spectrum)
        other = check_z_hit(spectrum, kramers_kronig=test) if z_hit else None
    except BREAKDOWNS as error:
        said = (
            str(error)
            if isinstance(error, EistoolError)
            else f"{spectrum.label}: the computation broke down ({error})"
        )
        return Validity(spectrum, failure=said)
    return Validity(spectrum, test, other)


def prepare(spectrum: Spectrum, mask: str, weighting: str) -> Validity:
    """Return the verdict on what is to be fitted: masked as asked for, with noise where weights need it."""
    found = validate(spectrum)
    if found.kramers_kronig is not None and mask != "none":
        masked = found.kramers_kronig.masked(mask)
        if masked.n_used < spectrum.n_used:
            found = validate(masked)
    if found.kramers_kronig is None or weighting != "noise":
        return found
    return Validity(found.kramers_kronig.with_noise(), found.kramers_kronig)
