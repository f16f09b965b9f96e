"""Descriptions of a spectrum, a free γ or elements with a deviation: γ, peaks and their errors."""

import copy
import math
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np

from eistool.drt.elements import COUNT, NAMES, Sum
from eistool.drt.grid import TUNED
from eistool.drt.negative_blocks import Subtracted
from eistool.drt.peaks import PROMINENT
from eistool.drt.process import Data, GaussianProcess, weighed
from eistool.kernels.drt import CONSTANT, CPE, GERISCHER, RC, add_product, times
from eistool.typing import FloatArray, Threshold

FLOOR = 1e-9  # of γ, relative to the highest: keeps logarithms finite
LEAST_PROBABILITY: Annotated[float, Threshold("least probability of the prominence of a free peak", TUNED)] = 0.9
SADDLE_ERROR: Annotated[
    float, Threshold("error of the border of two free peaks, in ln τ: its area at the saddle adds to u(R)", TUNED)
] = 0.5


@dataclass(slots=True)
class ScaledPeak:
    """Peak in units of the grid."""

    log_tau: float
    u_log_tau: float
    R: float
    u_R: float
    height: float
    prominence: float
    probability: float
    code: int | None  # of the element; None for a free γ


class Description:
    """ln γ on the fine grid with its covariance SᵀS, and the quantities derived from it."""

    def __init__(self, data: Data, process: GaussianProcess, elements: Sum | None, evidence: float) -> None:
        self.data, self.process, self.elements, self.evidence = data, process, elements, evidence
        grid = data.grid
        self.weights = np.full(grid.fine.size, grid.fine_step)
        self.weights[[0, -1]] *= 0.5
        self.root = process.covariance_root(grid)
        errors = np.sqrt((process.root**2).sum(axis=0))
        if elements is None:
            self.name = "free"
            self.log_gamma = np.einsum("i,ij", process.f, grid.spline)
            self.negative = np.zeros(grid.fine.size)
            self.linear = process.extra
            self.beyond, root_R = 0.0, np.zeros(process.root.shape[0])
        else:
            self.name = elements.name
            p = elements.theta.size
            self.theta = elements.theta + process.extra[:p]
            self.linear = elements.linear + process.extra[p:]
            root_R = self._sum_of_elements(elements)
        self.errors = errors[-self.linear.size :]
        self.gamma = np.exp(self.log_gamma)
        root_R = root_R + weighed(self.root, self.weights * self.gamma)
        self.subtracted = Subtracted(data, process) if data.n_windows else None
        if self.subtracted is not None:
            self.name += ", signed"
            lost = np.exp(self.subtracted.log_gamma)
            self.negative = self.negative + lost
            root_R -= weighed(self.subtracted.root, self.weights * lost)
        self.R_pol = float(self.weights @ (self.gamma - self.negative)) + self.beyond
        self.u_R_pol = float(np.sqrt(root_R @ root_R))

    @property
    def peaks(self) -> list[ScaledPeak]:
        """Peaks in order of τ."""
        peaks = self._free_peaks() if self.elements is None else self._element_peaks(self.elements)
        if self.subtracted is None:
            return peaks
        mirrored = copy.copy(self)
        mirrored.log_gamma, mirrored.root = self.subtracted.falling, self.subtracted.falling_root
        mirrored.gamma = np.exp(mirrored.log_gamma)
        peaks += [replace(peak, R=-peak.R, height=-peak.height) for peak in mirrored._free_peaks()]
        return sorted(peaks, key=lambda peak: peak.log_tau)

    def _sum_of_elements(self, elements: Sum) -> FloatArray:
        """Set γ and its covariance root; return the root of the resistance beyond the range of τ or in atoms."""
        grid, root = self.data.grid, self.process.root
        n, h = self.process.n_logarithms, grid.fine_step
        self.smooth_root = self.root
        self.root = self.root.copy()
        keep = elements.positive[:, None]
        parts = elements.gammas(grid.fine, h, self.theta)
        total = np.maximum((parts * keep).sum(axis=0), 1e-300)
        deviation = np.einsum("i,ij", self.process.f - self.process.mean, grid.spline)
        self.factor = np.exp(deviation)
        self.parts = parts
        derivative = elements.derivatives_of_gamma(grid.fine, h, self.theta)
        add_product(root, n, derivative / np.maximum(total, FLOOR * max(float(total.max()), 1e-3)), self.root)
        self.log_gamma = np.log(np.maximum(total * self.factor, 1e-300))
        self.negative = (parts * ~keep).sum(axis=0)
        self.beyond = 0.0
        root_R = np.zeros(root.shape[0])
        for part, e, at in zip(parts, elements.elements, elements.offsets, strict=True):
            if e.code == CPE:
                continue
            size = e.sign * math.exp(self.theta[at])
            self.beyond += size - e.sign * float(self.weights @ part)
            gradient = np.zeros(COUNT[e.code])
            gradient[0] = size
            if e.sign > 0:
                gradient -= derivative[at : at + COUNT[e.code]] @ self.weights
            root_R += root[:, n + at : n + at + COUNT[e.code]] @ gradient
        return root_R

    def drift(self, order: FloatArray) -> tuple[float, float]:
        """Return the relative change of Z from first to last point by the residuals, and its standard error.

        Parameters
        ----------
        order : FloatArray, shape (n_freq,)
            Time of each point, 0 to 1.
        """
        data, process = self.data, self.process
        variance = process.variance
        n = process.f.size
        change = data.weight * np.tile(order - order.mean(), 2) * (data.y - process.residual)
        score = float(change @ process.residual) / variance
        pull = np.empty(process.rows.shape[0])
        times(process.rows, change / variance, pull)
        pull[:n] *= np.exp(process.f)
        pull[n : process.n_logarithms] *= np.exp(process.further)
        absorbed = np.empty_like(pull)
        times(process.root, pull, absorbed)
        information = float(change @ (change / data.weight)) / variance - float(absorbed @ absorbed)
        if not information > 0:
            return 0.0, math.inf
        return score / information, 1 / math.sqrt(information)

    def _free_peaks(self) -> list[ScaledPeak]:
        grid, f, gamma = self.data.grid, self.log_gamma, self.gamma
        h = grid.fine_step
        kept = [int(top) for top in np.flatnonzero((f[1:-1] > f[:-2]) & (f[1:-1] >= f[2:])) + 1]
        # a tail may be higher than any peak
        last = grid.window[1] - math.log(10) if self.data.phasances else math.inf
        highest = max((float(gamma[top]) for top in kept if grid.fine[top] < last), default=0.0)
        limits: list[tuple[int, int, float, float]] = []
        while kept:
            limits = [self._limits(kept, k) for k in range(len(kept))]
            weak = [
                k
                for k, (_, _, prominence, probability) in enumerate(limits)
                if prominence < PROMINENT * highest or probability < LEAST_PROBABILITY
            ]
            if not weak:
                break
            # the area of a rejected maximum belongs to its neighbour
            del kept[min(weak, key=lambda k: limits[k][2])]
        peaks = []
        for top, (left, right, prominence, probability) in zip(kept, limits, strict=False):
            bend = float(f[top - 1] - 2 * f[top] + f[top + 1]) / h**2
            slope = float(f[top + 1] - f[top - 1]) / (2 * h)
            root_tau = (self.root[:, top + 1] - self.root[:, top - 1]) / (2 * h) / bend
            inside = np.zeros_like(gamma)
            inside[left : right + 1] = gamma[left : right + 1] * h
            root_R = weighed(self.root, inside)
            # the division of the area at a saddle between two peaks is arbitrary
            shared = sum(gamma[side] ** 2 for side in (left, right) if kept[0] < side < kept[-1])
            peaks.append(
                ScaledPeak(
                    float(grid.fine[top]) - slope / bend, float(np.sqrt(root_tau @ root_tau)),
                    float(inside.sum()), math.sqrt(float(root_R @ root_R) + SADDLE_ERROR**2 * float(shared)),
                    float(gamma[top]), prominence, probability, None,
                )
            )  # fmt: skip
        return peaks

    def _limits(self, tops: list[int], k: int) -> tuple[int, int, float, float]:
        """Return both ends of a peak, its prominence, and the probability that this is positive."""
        f, top = self.log_gamma, tops[k]
        start = tops[k - 1] if k > 0 else 0
        end = tops[k + 1] if k + 1 < len(tops) else f.size - 1
        left = start + int(np.argmin(f[start : top + 1]))
        right = top + int(np.argmin(f[top : end + 1]))
        saddle = left if f[left] > f[right] else right
        difference = self.root[:, top] - self.root[:, saddle]
        z = float((f[top] - f[saddle]) / max(math.sqrt(difference @ difference), 1e-12))
        probability = 0.5 * (1 + math.erf(z / math.sqrt(2)))
        return left, right, float(self.gamma[top] - self.gamma[saddle]), probability

    def _element_peaks(self, elements: Sum) -> list[ScaledPeak]:
        grid, root = self.data.grid, self.process.root
        n, h = self.process.n_logarithms, grid.fine_step
        peaks = []
        for part, e, at in zip(self.parts, elements.elements, elements.offsets, strict=True):
            if e.code == CPE:
                continue
            R, log_tau = math.exp(self.theta[at]), float(self.theta[at + 1])
            gamma = part * self.factor
            top = int(np.argmax(gamma))
            root_R = root[:, n + at] * R
            root_tau = root[:, n + at + 1]
            if e.code != RC:
                if e.sign > 0:
                    R += float(self.weights @ (part * (self.factor - 1)))
                    root_R = root_R + weighed(self.smooth_root, self.weights * gamma)
                if e.code not in (GERISCHER, CONSTANT) and 0 < top < gamma.size - 1:
                    f = np.log(np.maximum(gamma[top - 1 : top + 2], 1e-300))
                    bend = min(float(f[0] - 2 * f[1] + f[2]) / h**2, -1e-3)
                    log_tau = float(grid.fine[top]) - float(f[2] - f[0]) / (2 * h) / bend
                    root_tau = root_tau - (self.smooth_root[:, top + 1] - self.smooth_root[:, top - 1]) / (
                        2 * h * bend
                    )
            u_R = float(np.sqrt(root_R @ root_R))
            # gain of a Gaussian posterior over R = 0, where the other parameters are undefined
            gain = 0.5 * (R / max(u_R, 1e-300)) ** 2 - 0.5 * math.log(self.data.y.size)
            others = self.gamma[top] - gamma[top]
            atom = e.code == RC
            peaks.append(
                ScaledPeak(
                    log_tau, float(np.sqrt(root_tau @ root_tau)), e.sign * R, u_R,
                    math.inf if atom else e.sign * float(gamma[top]),
                    math.inf if atom else max(float(gamma[top] - others), 0.0),
                    1 / (1 + math.exp(-min(max(gain, -50.0), 50.0))), e.code,
                )
            )  # fmt: skip
        return sorted(peaks, key=lambda peak: peak.log_tau)


def shape_of(code: int | None) -> str:
    """Return "free" or the name of the element that describes a peak."""
    return "free" if code is None else NAMES[code]
