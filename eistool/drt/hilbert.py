"""Bayesian Hilbert transform: consistency scores of real and imaginary parts."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from eistool.display import Tabular, brief_repr, html_table, plain
from eistool.drt.grid import check_points
from eistool.drt.tikhonov import matrices_of, minimize
from eistool.errors import SpectrumError
from eistool.spectrum import Spectrum
from eistool.typing import ComplexArray, FloatArray

if TYPE_CHECKING:
    from pandas import DataFrame

WEIGHTINGS = ("modulus", "unit")
SERIES = 3  # number of linear terms: R∞, L and 1/C
SMOOTHNESS = (1e-8, 1e8)  # searched range of σβ²/σλ²
SIGNAL = (1e-4, 1e16)  # searched range of σβ²/σn²
QUADRATURE = np.linspace(-8, 8, 161)  # nodes in standard deviations


@dataclass(frozen=True, slots=True)
class PartScore:
    """Agreement of one part of Z with the transform of the other; 1 is perfect.

    ``within`` holds the shares of points whose measured value lies within 1, 2 and 3 standard deviations
    of the prediction by the other part: 0.683, 0.954 and 0.997 for consistent data.
    """

    mean: float
    hellinger: float
    jensen_shannon: float
    within: tuple[float, float, float]

    __repr__ = brief_repr


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class HilbertScore(Tabular):
    """Consistency of a spectrum, from :func:`hilbert_score`.

    Attributes
    ----------
    spectrum
        Scored spectrum.
    real, imag : PartScore
        Scores of the two parts.
    impedance, u_impedance : ComplexArray, shape (n_freq,)
        Real part predicted by the imaginary part and vice versa, in ohm, and the standard deviations of
        measured values about them; nan at unused points.
    """

    spectrum: Spectrum
    real: PartScore
    imag: PartScore
    impedance: ComplexArray
    u_impedance: ComplexArray

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as plain Python objects."""
        as_dict: dict[str, Any] = plain({"label": self.spectrum.label, "real": self.real, "imag": self.imag})
        return as_dict

    def to_dataframe(self) -> "DataFrame":
        """Return a pandas table with a row for each point: predicted parts and their deviations in ohm."""
        return self.spectrum.to_dataframe().assign(
            predicted_real_ohm=self.impedance.real,
            predicted_imag_ohm=self.impedance.imag,
            u_real_ohm=self.u_impedance.real,
            u_imag_ohm=self.u_impedance.imag,
        )

    def __repr__(self) -> str:
        lines = [f"Hilbert transform of {self.spectrum.label!r}; 1 is perfect"]
        lines += [
            f"  {name}: means {s.mean:.3f}, Hellinger {s.hellinger:.3f}, Jensen-Shannon {s.jensen_shannon:.3f}, "
            f"within 1, 2, 3 σ {s.within[0]:.0%}, {s.within[1]:.0%}, {s.within[2]:.0%}"
            for name, s in (("real", self.real), ("imag", self.imag))
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [
            (
                name,
                f"{s.mean:.3f}",
                f"{s.hellinger:.3f}",
                f"{s.jensen_shannon:.3f}",
                *(f"{w:.0%}" for w in s.within),
            )
            for name, s in (("real", self.real), ("imaginary", self.imag))
        ]
        columns = ("part", "means", "Hellinger", "Jensen-Shannon", "within 1 σ", "2 σ", "3 σ")
        return html_table(f"Hilbert transform of {self.spectrum.label}", columns, rows)


def hilbert_score(spectrum: Spectrum, *, weighting: str = "modulus") -> HilbertScore:
    """Score the agreement of real and imaginary parts by the Bayesian Hilbert transform.

    Each part alone gives a Gaussian posterior of γ (hat functions, eight per decade) and of R∞, or L and 1/C,
    with the prior exp(-|x|²/2σβ² - ∫ (γ″)²/2σλ²) and noise σn, all three by maximum evidence. Its prediction
    of the other part is compared with the posterior of that part [1]_: both follow from one γ if, and only
    if, the spectrum obeys the Kramers-Kronig relations. The capacitance is not in [1]_; it improves the scores
    of blocking spectra, but a blocking CPE still lowers them, since much of its γ lies beyond the window.

    Parameters
    ----------
    spectrum : Spectrum
        At least 6 points in any order; masked points are left out.
    weighting : {"modulus", "unit"}
        Standard deviation of the noise: proportional to |Z|, or constant as in [1]_.

    Returns
    -------
    HilbertScore

    Raises
    ------
    SpectrumError
        If there are too few points or the weighting is invalid.

    References
    ----------
    .. [1] J. Liu, T. H. Wan, F. Ciucci, Electrochim. Acta 357 (2020) 136864,
       doi:10.1016/j.electacta.2020.136864

    Examples
    --------
    >>> import numpy as np
    >>> from eistool import hilbert_score, simulate
    >>> s = simulate("R0-p(R1,CPE1)", np.geomspace(1e6, 0.01, 81), [10, 50, 1e-4, 0.8], noise=0.002, seed=1)
    >>> hilbert_score(s).real.mean > 0.95
    True
    """
    check_points(spectrum)
    used = np.flatnonzero(spectrum.mask)
    if weighting not in WEIGHTINGS:
        raise SpectrumError(f"{spectrum.label}: weighting={weighting!r}; choose {', '.join(WEIGHTINGS)}")
    matrices = matrices_of(spectrum.frequency[used], "piecewise-linear", 2.0, 2)
    unit = float(np.median(np.abs(spectrum.impedance[used])))
    z = spectrum.impedance[used] / unit
    weight = 1 / np.abs(z) if weighting == "modulus" else np.ones(z.size)
    real = np.arange(2 * z.size) < z.size
    # coordinates in which the roughness is diagonal; the first are R∞, L and 1/C, without roughness
    _, values, vt = np.linalg.svd(matrices.roughness, full_matrices=True)
    roughness = np.zeros(SERIES + vt.shape[0])
    roughness[SERIES : SERIES + values.size] = values**2
    parts = [
        np.hstack([matrices.linear[half], matrices.gamma[half] @ vt.T]) * weight[:, None] for half in (real, ~real)
    ]
    y = [z.real * weight, z.imag * weight]
    posteriors = [_Posterior(rows, data, roughness) for rows, data in zip(parts, y, strict=True)]
    scores, predicted = [], []
    for k in (0, 1):
        same, other = posteriors[k], posteriors[1 - k]
        linear, gamma = parts[k].copy(), parts[k].copy()
        linear[:, SERIES:], gamma[:, :SERIES] = 0, 0
        series, series_variance = same.predict(linear)
        direct, direct_variance = same.predict(gamma)
        transformed, transformed_variance = other.predict(gamma)
        expected = series + transformed
        sigma = np.sqrt(series_variance + transformed_variance + same.variance)
        distance = np.abs(y[k] - expected) / sigma
        distributions = direct, direct_variance, transformed, transformed_variance
        scores.append(
            PartScore(
                mean=_mean_score(direct / weight, transformed / weight),
                hellinger=1 - float(np.mean(_hellinger(*distributions))),
                jensen_shannon=1 - float(np.mean(_divergence(*distributions))),
                within=tuple(float(np.mean(distance < sigmas)) for sigmas in (1, 2, 3)),  # type: ignore[arg-type]
            )
        )
        predicted.append((expected / weight, sigma / weight))
    impedance = np.full(len(spectrum), complex(math.nan, math.nan))
    u_impedance = impedance.copy()
    impedance[used] = unit * (predicted[0][0] + 1j * predicted[1][0])
    u_impedance[used] = unit * (predicted[0][1] + 1j * predicted[1][1])
    return HilbertScore(spectrum, scores[0], scores[1], impedance, u_impedance)


class _Posterior:
    """Posterior of x in y = Ax + noise, with prior precisions (1 + κ roughness)/σβ²; κ, σβ, σn by evidence."""

    __slots__ = ("_mean", "_root", "variance")

    def __init__(self, rows: FloatArray, y: FloatArray, roughness: FloatArray) -> None:
        n = y.size

        def decompose(smoothness: float, full: bool = False) -> tuple[FloatArray, FloatArray, float, FloatArray]:
            u, beta, vt = np.linalg.svd(rows / np.sqrt(1 + smoothness * roughness), full_matrices=full)
            b = u[:, : beta.size].T @ y
            return beta, b, float(np.sum((y - u[:, : beta.size] @ b) ** 2)), vt

        def noise(beta: FloatArray, b: FloatArray, rest: float, signal: float) -> float:
            return max((rest + float(np.sum(b**2 / (1 + signal * beta**2)))) / n, 1e-30)

        def best(smoothness: float) -> tuple[float, float]:
            beta, b, rest, _ = decompose(smoothness)

            def negative_log_evidence(signal: float) -> float:
                size = n * math.log(noise(beta, b, rest, signal))
                return 0.5 * (size + float(np.sum(np.log1p(signal * beta**2))))

            signal = minimize(negative_log_evidence, *SIGNAL, per_decade=2)
            return negative_log_evidence(signal), signal

        smoothness = minimize(lambda kappa: best(kappa)[0], *SMOOTHNESS, per_decade=1)
        signal = best(smoothness)[1]
        beta, b, rest, vt = decompose(smoothness, full=True)
        self.variance = noise(beta, b, rest, signal)
        gain, mean = np.full(vt.shape[0], signal), np.zeros(vt.shape[0])
        gain[: beta.size] /= 1 + signal * beta**2
        mean[: beta.size] = gain[: beta.size] * beta * b
        root = (vt / np.sqrt(1 + smoothness * roughness)).T
        self._mean = root @ mean
        self._root = root * np.sqrt(self.variance * gain)

    def predict(self, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return mean and variance of linear functions of x."""
        return rows @ self._mean, ((rows @ self._root) ** 2).sum(axis=1)


def _mean_score(a: FloatArray, b: FloatArray) -> float:
    return float(1 - np.linalg.norm(a - b) / (np.linalg.norm(a) + np.linalg.norm(b)))


def _hellinger(a: FloatArray, a_variance: FloatArray, b: FloatArray, b_variance: FloatArray) -> FloatArray:
    """Return the Hellinger distance of normal distributions, 0 to 1."""
    total = a_variance + b_variance
    overlap = np.sqrt(2 * np.sqrt(a_variance * b_variance) / total) * np.exp(-0.25 * (a - b) ** 2 / total)
    distance: FloatArray = np.sqrt(np.maximum(1 - overlap, 0))
    return distance


def _divergence(a: FloatArray, a_variance: FloatArray, b: FloatArray, b_variance: FloatArray) -> FloatArray:
    """Return the Jensen-Shannon divergence of normal distributions in bits, 0 to 1."""
    weight = np.exp(-0.5 * QUADRATURE**2)
    weight /= weight.sum()
    total = np.zeros_like(a)
    for (p, p_variance), (q, q_variance) in (
        ((a, a_variance), (b, b_variance)),
        ((b, b_variance), (a, a_variance)),
    ):
        x = p[:, None] + np.sqrt(p_variance)[:, None] * QUADRATURE
        log_p = -0.5 * QUADRATURE**2 - 0.5 * np.log(p_variance)[:, None]
        log_q = -0.5 * (x - q[:, None]) ** 2 / q_variance[:, None] - 0.5 * np.log(q_variance)[:, None]
        total += 0.5 * (log_p - np.logaddexp(log_p, log_q) + math.log(2)) @ weight
    return total / math.log(2)
