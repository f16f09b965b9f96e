"""Effective capacitances of constant-phase elements with uncertainties."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from eistool.display import Shown
from eistool.fitting.processes import MIN_ALPHA
from eistool.typing import FloatArray


@dataclass(frozen=True, slots=True, repr=False)
class EffectiveCapacitance(Shown):
    """Three effective capacitances of one constant-phase element in F; nan if undefined.

    ``hsu_mansfeld`` holds for a distribution through the thickness (bulk, grain boundaries, films), ``brug``
    for one along a surface with the charge-transfer resistance R in parallel, and ``brug_blocking`` for one
    along a surface without charge transfer.
    """

    hsu_mansfeld: float
    u_hsu_mansfeld: float
    brug: float
    u_brug: float
    brug_blocking: float
    u_brug_blocking: float


def effective_capacitance(
    Q: float,
    alpha: float,
    R: float | None = None,
    R_s: float | None = None,
    covariance: FloatArray | None = None,
) -> EffectiveCapacitance:
    """Return the effective capacitances of Z = 1/(Q(jω)^alpha).

    Parameters
    ----------
    Q, alpha : float
        In S s^alpha, and the exponent.
    R : float, optional
        Parallel resistance in ohm; None if the element blocks.
    R_s : float, optional
        Series resistance in ohm.
    covariance : FloatArray, shape (4, 4), optional
        Covariance of Q, alpha, R and R_s in their units; 0 for exact or missing values.

    Notes
    -----
    Hsu-Mansfeld [1]_: Q^(1/α) R^((1-α)/α). Brug [2]_: Q^(1/α) (1/R_s + 1/R)^((α-1)/α), and with R → ∞
    for a blocking electrode. All are nan for α < 0.6, and uncertainties without a covariance.

    References
    ----------
    .. [1] C. H. Hsu, F. Mansfeld, Corrosion 57 (2001) 747, doi:10.5006/1.3280607
    .. [2] G. J. Brug et al., J. Electroanal. Chem. 176 (1984) 275, doi:10.1016/S0022-0728(84)80324-1

    Examples
    --------
    >>> C = effective_capacitance(2e-5, 0.8, R=100.0, R_s=53.05)
    >>> f"{C.hsu_mansfeld:.3e} {C.brug:.3e} {C.brug_blocking:.3e}"
    '4.229e-06 3.245e-06 3.610e-06'
    """
    if alpha < MIN_ALPHA:
        return EffectiveCapacitance(*[math.nan] * 6)
    from uncertainties import correlated_values, umath

    known = np.array([Q, alpha, 1.0 if R is None else R, 1.0 if R_s is None else R_s])
    scale = np.array([Q, 1.0, known[2], known[3]])  # logarithms of all but the exponent
    relative = np.zeros((4, 4)) if covariance is None else covariance / np.outer(scale, scale)
    log_q, a, log_r, log_rs = correlated_values(
        [math.log(Q), alpha, math.log(known[2]), math.log(known[3])], relative
    )
    logs: list[Any] = [None] * 3
    if R is not None:
        logs[0] = (log_q + (1 - a) * log_r) / a
    if R_s is not None:
        logs[2] = (log_q + (1 - a) * log_rs) / a
        if R is not None:
            logs[1] = (log_q + (a - 1) * umath.log(umath.exp(-log_rs) + umath.exp(-log_r))) / a
    values: list[float] = []
    for log in logs:
        value = math.nan if log is None else math.exp(log.nominal_value)
        values += [value, math.nan if log is None or covariance is None else value * float(log.std_dev)]
    return EffectiveCapacitance(*values)
