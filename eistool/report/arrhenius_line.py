"""The Arrhenius line of a row of ``arrhenius.csv``, with its confidence band."""

import math

import numpy as np

from eistool.constants import BOLTZMANN_EV, ZERO_CELSIUS
from eistool.materials.arrhenius_line import predict
from eistool.report.results import Row, number
from eistool.typing import FloatArray

N_POINTS = 60
_ROOM_K = 25.0 + ZERO_CELSIUS


def line_of(row: Row) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray] | None:
    """Return temperatures in °C, equidistant in 1/T, with σ in S/cm and both ends of its 95 % band.

    The band follows from the errors of Ea, ln σ0 and σ(25 °C), which determine the covariance. It is nan where
    one of them is missing, as in tables of older versions.
    """
    names = ("Ea_eV", "ln_sigma0", "T_min_C", "T_max_C")
    Ea, ln_sigma0, low, high = (number(row.get(name)) for name in names)
    if Ea is None or ln_sigma0 is None or low is None or high is None:
        return None
    form = row.get("form", "ln_sigmaT")
    T = 1 / np.linspace(1 / (high + ZERO_CELSIUS), 1 / (low + ZERO_CELSIUS), N_POINTS) - ZERO_CELSIUS
    covariance, quantile = _errors(row)
    sigma, u = predict(form, Ea, ln_sigma0, covariance, T)
    factor = np.exp(quantile * u / sigma)
    return T, sigma, sigma / factor, sigma * factor


def _errors(row: Row) -> tuple[FloatArray, float]:
    """Return the covariance of Ea and ln σ0, and the quantile of 95 % intervals."""
    names = ("u_Ea_eV", "u_ln_sigma0", "sigma_25C_S_per_cm", "u_sigma_25C_S_per_cm", "sigma_25C_high")
    u_Ea, u_level, sigma, u_sigma, high = (
        math.nan if (x := number(row.get(name))) is None else x for name in names
    )
    x, relative = 1 / (BOLTZMANN_EV * _ROOM_K), u_sigma / sigma
    common = ((x * u_Ea) ** 2 + u_level**2 - relative**2) / (2 * x)  # variance of ln σ(25 °C), solved for it
    quantile = math.log(high / sigma) / relative if relative > 0 else math.nan
    return np.array([[u_Ea**2, common], [common, u_level**2]]), quantile
