"""Whether a spectrum may speak for an event: linear, steady, and with the same value where it was repeated."""

import numpy as np

from eistool.spectrum import Spectrum
from eistool.validation import check_kramers_kronig

LARGEST_DRIFT_MV = 5.0  # of the voltage over a sweep: half a usual amplitude
HARMLESS = ("outliers", "noise")
LARGEST_DRIFT = 0.01  # of Z over a sweep


def inconsistency(spectrum: Spectrum) -> str:
    """Return why a spectrum cannot speak for an event, or nothing."""
    drift = spectrum.metadata.ewe_drift_mV
    if drift is not None and abs(drift) > LARGEST_DRIFT_MV:
        return f"{spectrum.label}: the voltage drifts by {drift:.1f} mV over the sweep"
    return _repeated(spectrum) or _kramers_kronig(spectrum)


def _kramers_kronig(spectrum: Spectrum) -> str:
    verdict = check_kramers_kronig(spectrum)
    # single outliers and noise hide things, and pretend none
    grave = [reason.text for reason in verdict.reasons if reason.kind not in HARMLESS]
    return f"{spectrum.label}: {'; '.join(grave)}" if verdict.passed is False and grave else ""


def _repeated(spectrum: Spectrum) -> str:
    """Compare points of the same frequency."""
    f, z = spectrum.frequency[spectrum.mask], spectrum.impedance[spectrum.mask]
    order = np.argsort(f, kind="stable")
    same = np.flatnonzero(np.isclose(f[order][1:], f[order][:-1], rtol=1e-6))
    if not same.size:
        return ""
    a, b = z[order][same], z[order][same + 1]
    worst = float((np.abs(a - b) / np.abs(a)).max())
    return f"{spectrum.label}: repeated points differ by {worst:.1%}" if worst > 3 * LARGEST_DRIFT else ""
