"""Eligibility of spectra as evidence: linearity, stationarity and repeatability."""

from typing import Annotated

import numpy as np

from eistool.spectrum import Spectrum
from eistool.tracking.accuracy import CHECKED
from eistool.typing import Threshold
from eistool.validation import check_kramers_kronig

LARGEST_DRIFT_MV: Annotated[
    float,
    Threshold("drift of the voltage over a sweep, in mV, that excludes a spectrum", "half of 10 mV"),
] = 5.0
HARMLESS = ("outliers", "noise")  # reasons that do not produce false arcs
LARGEST_DIFFERENCE: Annotated[
    float, Threshold("relative difference of repeated points that excludes a spectrum", CHECKED)
] = 0.03


def inconsistency(spectrum: Spectrum) -> str:
    """Return the reason why a spectrum is not eligible as evidence, or an empty string."""
    drift = spectrum.metadata.ewe_drift_mV
    if drift is not None and abs(drift) > LARGEST_DRIFT_MV:
        return f"{spectrum.label}: the voltage drifts by {drift:.1f} mV over the sweep"
    return _repeated(spectrum) or _kramers_kronig(spectrum)


def _kramers_kronig(spectrum: Spectrum) -> str:
    verdict = check_kramers_kronig(spectrum)
    # single outliers and noise hide arcs, but do not imitate them
    grave = [reason.text for reason in verdict.reasons if reason.kind not in HARMLESS]
    return f"{spectrum.label}: {'; '.join(grave)}" if verdict.passed is False and grave else ""


def _repeated(spectrum: Spectrum) -> str:
    """Compare points with the same frequency."""
    f, z = spectrum.frequency[spectrum.mask], spectrum.impedance[spectrum.mask]
    order = np.argsort(f, kind="stable")
    same = np.flatnonzero(np.isclose(f[order][1:], f[order][:-1], rtol=1e-6))
    if not same.size:
        return ""
    a, b = z[order][same], z[order][same + 1]
    worst = float((np.abs(a - b) / np.abs(a)).max())
    return f"{spectrum.label}: repeated points differ by {worst:.1%}" if worst > LARGEST_DIFFERENCE else ""
