"""Meyer-Neldel rule for the Arrhenius parameters of several samples."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from eistool.display import Shown, format_value
from eistool.fitting.result import UNRESOLVED
from eistool.materials.arrhenius import Arrhenius
from eistool.typing import Threshold

LEAST_SAMPLES: Annotated[
    int, Threshold("samples of a Meyer-Neldel line", "project definition, docs/materials.md")
] = 4
VARIATION: Annotated[
    float,
    Threshold("standard deviation of Ea over its error, of a Meyer-Neldel line", "about the 95 % level"),
] = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MeyerNeldel(Shown):
    """Line ln σ0 = a + Ea/E_MN over samples."""

    E_MN_eV: float
    u_E_MN_eV: float
    intercept: float
    u_intercept: float
    n_samples: int
    chi2_reduced: float
    status: str  # ok | not_resolvable
    reason: str

    def __repr__(self) -> str:
        if self.status != "ok":
            return f"MeyerNeldel({self.n_samples} samples: not resolvable, {self.reason})"
        return f"MeyerNeldel(E_MN = {format_value(self.E_MN_eV, self.u_E_MN_eV)} eV, {self.n_samples} samples)"


def meyer_neldel(fits: Sequence[Arrhenius]) -> MeyerNeldel:
    """Fit the line of ln σ0 against Ea of at least four samples.

    The errors of Ea and ln σ0 of a sample are almost perfectly correlated and alone produce a line of slope
    1/kBT. The line is therefore fitted with their covariance [1]_ and refused if the energies do not differ
    by more than their errors.

    References
    ----------
    .. [1] D. York et al., Am. J. Phys. 72 (2004) 367, doi:10.1119/1.1632486

    Examples
    --------
    >>> meyer_neldel([])
    MeyerNeldel(0 samples: not resolvable, 0 samples; give 4 or more)
    """
    known = [fit for fit in fits if fit.status in ("ok", "extrapolated")]
    x = np.array([fit.Ea_eV for fit in known])
    y = np.array([fit.ln_sigma0 for fit in known])
    if len(known) < LEAST_SAMPLES:
        return _refused(len(known), f"{len(known)} samples; give {LEAST_SAMPLES} or more")
    if len({fit.form for fit in known}) > 1:
        return _refused(len(known), "the energies are of different forms; use one form for all samples")
    covariances = np.array([fit.covariance for fit in known])
    deviation = float(np.std(x, ddof=1))
    typical = float(np.sqrt(np.mean(covariances[:, 0, 0])))
    if not deviation > VARIATION * typical:
        return _refused(len(known), f"Ea varies by {deviation:.2g} eV, with errors of {typical:.2g} eV")
    from scipy.optimize import minimize_scalar

    def fitted(slope: float) -> tuple[float, float, float]:
        direction = np.array([-slope, 1.0])
        weight = 1 / np.maximum(np.einsum("i,nij,j->n", direction, covariances, direction), 1e-12)
        level = float(np.average(y - slope * x, weights=weight))
        return float(np.sum(weight * (y - level - slope * x) ** 2)), level, float(weight.sum())

    # the errors of a sample align with 1/kBT; slopes are searched from -80 to 160 per eV
    grid = np.linspace(-80, 160, 481)
    i = int(np.argmin([fitted(slope)[0] for slope in grid]))
    ends = grid[max(i - 1, 0)], grid[min(i + 1, grid.size - 1)]
    slope = float(minimize_scalar(lambda b: fitted(b)[0], bounds=ends, method="bounded").x)
    chi2, level, weight = fitted(slope)
    reduced = chi2 / (len(known) - 2)
    step = 0.5
    curvature = (fitted(slope + step)[0] - 2 * chi2 + fitted(slope - step)[0]) / step**2
    u_slope = math.sqrt(2 / curvature * max(1.0, reduced)) if curvature > 0 else math.inf
    if not u_slope < UNRESOLVED * abs(slope):
        return _refused(len(known), "the points do not follow a line")
    return MeyerNeldel(
        E_MN_eV=1 / slope,
        u_E_MN_eV=u_slope / slope**2,
        intercept=level,
        u_intercept=math.sqrt(max(1.0, reduced) / weight + (float(x.mean()) * u_slope) ** 2),
        n_samples=len(known),
        chi2_reduced=reduced,
        status="ok",
        reason="",
    )


def _refused(n: int, reason: str) -> MeyerNeldel:
    return MeyerNeldel(
        E_MN_eV=math.nan, u_E_MN_eV=math.nan, intercept=math.nan, u_intercept=math.nan, n_samples=n,
        chi2_reduced=math.nan, status="not_resolvable", reason=reason,
    )  # fmt: skip
