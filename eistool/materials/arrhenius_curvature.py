"""Laws for a curved Arrhenius plot: Vogel-Fulcher-Tammann, and two straight lines."""

import math
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np

from eistool.constants import BOLTZMANN_EV, ZERO_CELSIUS
from eistool.materials.arrhenius_line import information
from eistool.typing import FloatArray, Threshold

LEAST_TEMPERATURES: Annotated[
    int, Threshold("temperatures needed for other laws", "with fewer, the penalty of AICc alone decides")
] = 8
LEAST_IN_PIECE: Annotated[
    int, Threshold("temperatures of each straight line", "two determine it, one tests it")
] = 3
T0_GAP_K = 20.0  # K, least distance of T0 from the lowest temperature, where the law diverges

_MISSING: Mapping[str, float] = dict.fromkeys(
    ("Ea_eV", "u_Ea_eV", "ln_sigma0", "u_ln_sigma0", "sigma_25C_S_per_cm", "u_sigma_25C_S_per_cm"), math.nan
)


def competing_laws(
    temperature_C: FloatArray, sigma: FloatArray, u_relative: FloatArray | None, reference: float
) -> list[dict[str, Any]]:
    """Return the fields of an ``Alternative`` for each law, if there are enough temperatures.

    Parameters
    ----------
    temperature_C, sigma : FloatArray, shape (n,)
        Temperatures in °C and conductivities in S/cm.
    u_relative : FloatArray, shape (n,), or None
        Relative error of each σ.
    reference : float
        AICc of the straight line.

    Notes
    -----
    The residuals of both laws, as of the straight line, are those of ln σ, so that AICc is comparable.

    References
    ----------
    .. [1] G. S. Fulcher, J. Am. Ceram. Soc. 8 (1925) 339, doi:10.1111/j.1151-2916.1925.tb16731.x
    .. [2] N. Sugiura, Commun. Stat. Theory Methods 7 (1978) 13, doi:10.1080/03610927808827599
    """
    if np.unique(temperature_C).size < LEAST_TEMPERATURES:
        return []
    kelvin = temperature_C + ZERO_CELSIUS
    weight = np.ones_like(kelvin) if u_relative is None else u_relative**-2.0
    laws = [_vft(kelvin, sigma, weight), _pieces(kelvin, sigma, weight)]
    return [_finished(*law, n=kelvin.size, reference=reference) for law in laws]


def _finished(law: dict[str, Any], chi2: float, n_parameters: int, *, n: int, reference: float) -> dict[str, Any]:
    aicc = information(chi2, n, n_parameters)
    better = aicc < reference
    text = "describes the points better than a straight line" if better else "no better than a straight line"
    return {
        **_MISSING, **law, "chi2": chi2, "aicc": aicc, "delta_aicc": aicc - reference,
        "status": "ok", "reason": text,
    }  # fmt: skip


def _solve(columns: list[FloatArray], y: FloatArray, weight: FloatArray) -> tuple[FloatArray, float]:
    root = np.sqrt(weight)
    matrix = np.column_stack(columns) * root[:, None]
    values = np.asarray(np.linalg.lstsq(matrix, y * root)[0], dtype=np.float64)
    return values, float(np.sum((y * root - matrix @ values) ** 2))


def _vft(kelvin: FloatArray, sigma: FloatArray, weight: FloatArray) -> tuple[dict[str, Any], float, int]:
    """Fit ln(σ √T) = ln A - B/(T - T0), in which only T0 is not linear."""
    from scipy.optimize import minimize_scalar

    y = np.log(sigma * np.sqrt(kelvin))
    one = np.ones_like(kelvin)

    def chi2(t0: float) -> float:
        return _solve([one, -1 / (kelvin - t0)], y, weight)[1]

    highest = float(kelvin.min()) - T0_GAP_K
    grid = np.linspace(0.0, highest, 60)
    i = int(np.argmin([chi2(t0) for t0 in grid]))
    ends = grid[max(i - 1, 0)], grid[min(i + 1, grid.size - 1)]
    t0 = float(minimize_scalar(chi2, bounds=ends, method="bounded").x)
    (log_a, b), least = _solve([one, -1 / (kelvin - t0)], y, weight)
    room = 25.0 + ZERO_CELSIUS
    at_room = math.exp(log_a - b / (room - t0)) / math.sqrt(room) if room > t0 else math.nan
    parameters = {"ln_A": float(log_a), "B_K": float(b), "T0_K": t0, "B_eV": float(b) * BOLTZMANN_EV}
    return {"form": "vft", "sigma_25C_S_per_cm": at_room, "parameters": parameters}, least, 3


def _pieces(kelvin: FloatArray, sigma: FloatArray, weight: FloatArray) -> tuple[dict[str, Any], float, int]:
    """Fit ln(σT) by two straight lines in 1/T with a free break point."""
    from scipy.optimize import minimize_scalar

    x = 1 / (BOLTZMANN_EV * kelvin)
    y = np.log(sigma * kelvin)
    one = np.ones_like(x)
    ordered = np.sort(x)
    low, high = ordered[LEAST_IN_PIECE - 1], ordered[-LEAST_IN_PIECE]

    def chi2(knot: float) -> float:
        return _solve([one, x, np.maximum(x - knot, 0)], y, weight)[1]

    grid = np.linspace(low, high, 40)
    i = int(np.argmin([chi2(knot) for knot in grid]))
    ends = grid[max(i - 1, 0)], grid[min(i + 1, grid.size - 1)]
    knot = float(minimize_scalar(chi2, bounds=ends, method="bounded").x)
    (level, warm, more), least = _solve([one, x, np.maximum(x - knot, 0)], y, weight)
    break_C = 1 / (BOLTZMANN_EV * knot) - ZERO_CELSIUS
    parameters = {
        "Ea_warm_eV": -float(warm),
        "Ea_cold_eV": -float(warm + more),
        "break_C": break_C,
    }
    room = 1 / (BOLTZMANN_EV * (25.0 + ZERO_CELSIUS))
    at_room = math.exp(level + warm * room + more * max(room - knot, 0)) / (25.0 + ZERO_CELSIUS)
    return {"form": "piecewise", "sigma_25C_S_per_cm": at_room, "parameters": parameters}, least, 4
