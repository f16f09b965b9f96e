"""Joint distribution of relaxation times of a series: γ(τ, coordinate), smooth along both."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from eistool.constants import TWO_SIDED_95
from eistool.display import html_table, plain
from eistool.drt.grid import BEYOND, PER_DECADE, check_points
from eistool.drt.process import LEVEL_SIGMA, SLOPE_SIGMA
from eistool.errors import SpectrumError
from eistool.spectrum import Series, Spectrum
from eistool.spectrum.series import COORDINATES
from eistool.typing import FloatArray

if TYPE_CHECKING:
    import pandas as pd

STEPS = 40  # Gauss-Newton steps at most
LARGEST_STEP = 1.0  # in ln γ
FIRST_PRECISION = 300.0, 30.0  # initial, along ln τ and along the series
MOST_CHANGE = 5.0  # factor of a precision in one step
LEVEL = math.log(0.01)  # prior mean of ln γ
CLOSEST = 0.1  # least spacing relative to the median, for repeated coordinates
FEWEST = 3  # spectra, for second differences along the series


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SeriesDRT:
    """γ(τ, coordinate) with its 95 % band.

    ``precision_tau`` and ``precision_series`` are the precisions of ln γ along ln τ (second differences) and
    between spectra (first differences), both determined by their evidence.
    """

    series: Series
    tau: FloatArray  # s, shape (n_tau,)
    gamma: FloatArray  # ohm per unit of ln τ, shape (n, n_tau)
    gamma_low: FloatArray
    gamma_high: FloatArray
    R_inf: FloatArray  # ohm, shape (n,)
    noise: float  # relative to |Z|
    precision_tau: float
    precision_series: float

    def to_dict(self) -> dict[str, Any]:
        """Return the map as plain Python objects."""
        arrays = {n: getattr(self, n).tolist() for n in ("tau", "gamma", "gamma_low", "gamma_high", "R_inf")}
        numbers = {n: getattr(self, n) for n in ("noise", "precision_tau", "precision_series")}
        as_dict: dict[str, Any] = plain({"coordinate": self.series.coordinate.tolist(), **arrays, **numbers})
        return as_dict

    def to_dataframe(self) -> "pd.DataFrame":
        """Return γ and its band, one row per spectrum and τ."""
        import pandas as pd

        n, n_tau = self.gamma.shape
        return pd.DataFrame(
            {
                COORDINATES[self.series.by]: np.repeat(self.series.coordinate, n_tau),
                "tau_s": np.tile(self.tau, n),
                "gamma_ohm": self.gamma.ravel(),
                "gamma_low_ohm": self.gamma_low.ravel(),
                "gamma_high_ohm": self.gamma_high.ravel(),
            }
        )

    def __repr__(self) -> str:
        return (
            f"SeriesDRT of {len(self.series)} spectra by {self.series.by}: "
            f"τ {self.tau[0]:.2g} to {self.tau[-1]:.2g} s, noise {100 * self.noise:.2g} %"
        )

    def _repr_html_(self) -> str:
        rows = [
            (f"{x:g}", f"{self.tau[int(np.argmax(g))]:.2g}", f"{g.max():.4g}")
            for x, g in zip(self.series.coordinate, self.gamma, strict=True)
        ]
        return html_table(repr(self), (COORDINATES[self.series.by], "τ of the largest γ / s", "γ / ohm"), rows)


def compute_series_drt(series: Series) -> SeriesDRT:
    """Compute one distribution of relaxation times for all spectra of a series.

    The model of each spectrum is Z = R∞ + jωL + 1/(jωC) + ∫ γ/(1 + jωτ) d ln τ with γ = exp(f). f is smooth
    along ln τ and between spectra; both precisions and the noise follow from the data by Fellner-Schall
    steps [1]_. Changes between spectra are thus separated from noise.

    Raises
    ------
    SpectrumError
        If there are fewer than three spectra or one has too few points.

    References
    ----------
    .. [1] S. N. Wood, M. Fasiolo, Biometrics 73 (2017) 1071, doi:10.1111/biom.12666

    Examples
    --------
    >>> from eistool import Metadata, simulate
    >>> f = np.geomspace(1e5, 0.1, 37)
    >>> def at(soc):
    ...     return simulate("R0-Zarc1", f, [10, 40 + soc / 10, 1e-3, 0.85], 0.005, int(soc), Metadata(soc_pct=soc))
    >>> drt = compute_series_drt(Series([at(float(soc)) for soc in range(0, 100, 20)], by="soc"))
    >>> top = drt.tau[drt.gamma[2].argmax()]
    >>> bool(5e-4 < top < 2e-3)
    True
    """
    spectra = list(series)
    if len(spectra) < FEWEST:
        raise SpectrumError(f"series DRT: {len(spectra)} spectra; give {FEWEST} or more")
    for spectrum in spectra:
        check_points(spectrum)
    return _Joint(series, spectra).solve()


class _Joint:
    """Joint problem: one block of unknowns (f, R∞, L, 1/C) per spectrum, coupled by f only."""

    def __init__(self, series: Series, spectra: list[Spectrum]) -> None:
        self.series = series
        omega = [s.omega[s.mask] for s in spectra]
        low, high = min(1 / w.max() for w in omega), max(1 / w.min() for w in omega)
        self.step = math.log(10) / PER_DECADE
        self.log_tau = np.arange(
            math.log(low) - BEYOND * math.log(10), math.log(high) + BEYOND * math.log(10) + self.step, self.step
        )
        n = self.n = self.log_tau.size
        self.unit = float(np.median([np.median(np.abs(s.impedance[s.mask])) for s in spectra]))
        centre = math.sqrt(low * high)
        self.rows, self.data = [], []
        for s, w in zip(spectra, omega, strict=True):
            z = s.impedance[s.mask] / self.unit
            kernel = self.step / (1 + 1j * w[:, None] * np.exp(self.log_tau))
            x = w * centre
            wide = np.column_stack([kernel, np.ones_like(x), 1j * x, 1 / (1j * x)]) / np.abs(z)[:, None]
            self.rows.append(np.vstack([wide.real, wide.imag]))
            self.data.append(np.concatenate([(z / np.abs(z)).real, (z / np.abs(z)).imag]))
        difference = np.diff(np.eye(n), 2, axis=0)
        self.curvature = difference.T @ difference
        slope = np.diff(np.eye(n), axis=0)
        outside = (self.log_tau[1:] < math.log(low)) | (self.log_tau[:-1] > math.log(high))
        weight = outside / (SLOPE_SIGMA * self.step) ** 2
        self.fixed = slope.T @ (weight[:, None] * slope) + np.eye(n) / (n * LEVEL_SIGMA**2)
        wanted = np.where(self.log_tau[1:] < math.log(low), self.step, -self.step)
        self.pull = slope.T @ (weight * wanted) + LEVEL / (n * LEVEL_SIGMA**2)
        gaps = np.abs(np.diff(series.coordinate))
        usual = float(np.median(gaps)) or 1.0
        self.links = 1 / np.maximum(gaps / usual, CLOSEST)
        path = np.diff(np.eye(len(spectra)), axis=0)
        self.along = np.linalg.eigvalsh(path.T @ (self.links[:, None] * path))
        self.across = np.linalg.eigvalsh(self.curvature)

    def solve(self) -> SeriesDRT:
        count, n = len(self.rows), self.n
        f = np.full((count, n), math.log(0.05))
        extra = np.zeros((count, 3))
        smooth, link = FIRST_PRECISION
        variance = 1e-4
        for step in range(STEPS):
            move, diagonal, blocks, traces = self._newton(f, extra, smooth, link, variance)
            cut = min(1.0, LARGEST_STEP / max(float(np.abs(move[:, :n]).max()), 1e-12))
            f += cut * move[:, :n]
            extra += cut * move[:, n:]
            residuals = [
                y - rows @ np.concatenate([np.exp(log_gamma), e])
                for y, rows, log_gamma, e in zip(self.data, self.rows, f, extra, strict=True)
            ]
            total = sum(y.size for y in self.data)
            freedom = max(total - blocks, 0.3 * total)
            variance = max(float(sum(r @ r for r in residuals)) / freedom, 1e-12)
            if cut == 1.0 and step > 2:
                new_smooth, new_link = self._precisions(f, smooth, link, traces)
                done = float(np.abs(move[:, :n]).max()) < 0.05 and all(
                    abs(math.log(a / b)) < 0.05 for a, b in ((new_smooth, smooth), (new_link, link))
                )
                smooth, link = new_smooth, new_link
                if done:
                    break
        half_width = TWO_SIDED_95 * np.sqrt(np.maximum(diagonal, 0))
        gamma = self.unit * np.exp(f)
        return SeriesDRT(
            self.series, np.exp(self.log_tau), gamma, gamma * np.exp(-half_width), gamma * np.exp(half_width),
            self.unit * extra[:, 0], math.sqrt(variance), smooth, link,
        )  # fmt: skip

    def _newton(
        self, f: FloatArray, extra: FloatArray, smooth: float, link: float, variance: float
    ) -> tuple[FloatArray, FloatArray, float, tuple[float, float]]:
        """Return the step, the variances of f, the effective number of parameters, and both tr(V S)."""
        count, n = f.shape
        size = n + 3
        weights = np.zeros(count)
        weights[:-1] += self.links
        weights[1:] += self.links
        factors: list[FloatArray] = []
        right: list[FloatArray] = []
        fits: list[FloatArray] = []
        for s in range(count):
            jacobian = self.rows[s].copy()
            gamma = np.exp(f[s])
            jacobian[:, :n] *= gamma
            residual = self.data[s] - self.rows[s] @ np.concatenate([gamma, extra[s]])
            fit = jacobian.T @ jacobian / variance
            matrix = fit.copy()
            matrix[:n, :n] += smooth * self.curvature + self.fixed + link * weights[s] * np.eye(n)
            matrix[n:, n:] += 1e-9 * np.eye(3)
            gradient = jacobian.T @ residual / variance
            gradient[:n] += self.pull - (smooth * self.curvature + self.fixed) @ f[s]
            if s > 0:
                gradient[:n] -= link * self.links[s - 1] * (f[s] - f[s - 1])
            if s < count - 1:
                gradient[:n] -= link * self.links[s] * (f[s] - f[s + 1])
            if s > 0:  # eliminate the previous spectrum
                c = link * self.links[s - 1]
                matrix[:n, :n] -= c**2 * factors[-1][:n, :n]
                gradient[:n] += c * (factors[-1] @ right[-1])[:n]
            factors.append(np.asarray(np.linalg.inv(matrix), dtype=np.float64))
            right.append(gradient)
            fits.append(fit)
        move = np.empty((count, size))
        diagonal = np.empty((count, n))
        effective = curvature = links = 0.0
        after = np.zeros((size, size))
        for s in range(count - 1, -1, -1):
            inverse = factors[s]
            if s < count - 1:
                c = link * self.links[s]
                move[s] = inverse @ right[s] + c * inverse[:, :n] @ move[s + 1, :n]
                gain = c * inverse[:, :n]
                cross = gain @ after[:n, :n]  # covariance with the next spectrum
                covariance = inverse + gain @ after[:n, :n] @ gain.T
                links += self.links[s] * float(
                    np.trace(covariance[:n, :n]) + np.trace(after[:n, :n]) - 2 * np.trace(cross[:n])
                )
            else:
                move[s], covariance = inverse @ right[s], inverse
            diagonal[s] = np.diag(covariance)[:n]
            effective += float(np.sum(covariance * fits[s]))
            curvature += float(np.sum(covariance[:n, :n] * self.curvature))
            after = covariance
        return move, diagonal, effective, (curvature, links)

    def _precisions(
        self, f: FloatArray, smooth: float, link: float, traces: tuple[float, float]
    ) -> tuple[float, float]:
        prior = smooth * self.across[:, None] + link * self.along + 1e-9
        parts = (np.maximum(self.across, 0)[:, None] / prior, np.maximum(self.along, 0) / prior)
        steps = self.links[:, None] * np.square(np.diff(f, axis=0))
        roughness = (float(np.sum((f @ self.curvature) * f)), float(np.sum(steps)))
        new = []
        for now, part, trace, rough in zip((smooth, link), parts, traces, roughness, strict=True):
            factor = max(float(part.sum()) - trace, 1e-9) / max(rough, 1e-9)
            new.append(float(np.clip(now * np.clip(factor, 1 / MOST_CHANGE, MOST_CHANGE), 1e-2, 1e8)))
        return new[0], new[1]
