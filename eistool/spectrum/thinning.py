"""Averages of long spectra over narrow bands of frequency."""

from typing import Annotated

import numpy as np

from eistool.spectrum.spectrum import Spectrum
from eistool.typing import FloatArray, IntArray, Threshold

MOST_POINTS: Annotated[
    int,
    Threshold(
        "points of a spectrum that is analysed as it is; longer ones are averaged in log f",
        "200 points a decade over ten decades: within such a band no impedance of a cell bends",
    ),
] = 2000
THINNED = "points averaged in log f to"


def thin(spectrum: Spectrum, most: int = MOST_POINTS) -> Spectrum:
    """Return a long spectrum as averages over bands of equal width in log f, other spectra unchanged.

    Time and memory of an analysis grow faster than the number of points, and noise is averaged out either way.

    Parameters
    ----------
    spectrum : Spectrum
        Masked points of a long one are left out.
    most : int
        Number of points above which a spectrum is long, and number of bands.

    Returns
    -------
    Spectrum
        With the mean log f and the mean impedance of each band that has points, a standard deviation of these
        means if the noise is known, and a note.

    Examples
    --------
    >>> f = np.geomspace(1e6, 1.0, 9000)
    >>> thin(Spectrum(f, 50 + 1e5 / (1j * f), label="hold"))
    Spectrum('hold', 2000 points, 1.00308 to 996934 Hz)
    """
    n = len(spectrum)
    if n <= most or not spectrum.mask.any():
        return spectrum
    used = spectrum.mask
    log_f, z = np.log(spectrum.frequency[used]), spectrum.impedance[used]
    low, high = float(log_f.min()), float(log_f.max())
    position = np.zeros(log_f.size) if low == high else (log_f - low) / (high - low)
    band: IntArray = np.minimum((position * most).astype(np.int64), most - 1)
    counts = np.bincount(band, minlength=most)
    kept = counts > 0

    def mean(values: FloatArray) -> FloatArray:
        return np.bincount(band, values, most)[kept] / counts[kept]

    frequency, impedance = np.exp(mean(log_f)), mean(z.real) + 1j * mean(z.imag)
    noise = None
    if spectrum.noise is not None:
        variance = mean(spectrum.noise.real[used] ** 2) + 1j * mean(spectrum.noise.imag[used] ** 2)
        noise = np.sqrt(variance.real / counts[kept]) + 1j * np.sqrt(variance.imag / counts[kept])
    step = -1 if log_f[0] > log_f[-1] else 1  # the direction of the sweep
    return Spectrum(
        frequency[::step],
        impedance[::step],
        spectrum.metadata,
        spectrum.label,
        noise=None if noise is None else noise[::step],
        notes=(*spectrum.notes, f"{int(used.sum())} of {n} {THINNED} {int(kept.sum())}"),
    )
