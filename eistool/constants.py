"""Physical constants (CODATA 2018), quantiles of the normal distribution, and the level of significance."""

from typing import Annotated

from eistool.typing import Threshold

BOLTZMANN_EV = 8.617333262e-5  # eV/K
ZERO_CELSIUS = 273.15  # K
VACUUM_F_PER_CM = 8.8541878128e-14  # permittivity of vacuum
ONE_SIDED_95 = 1.6448536269514722  # quantiles of limits with 95 % probability
TWO_SIDED_95 = 1.959963984540054
SIGNIFICANT: Annotated[
    float, Threshold("standard errors of a significant quantity", "3 σ: two-sided 0.27 % for normal errors")
] = 3.0
