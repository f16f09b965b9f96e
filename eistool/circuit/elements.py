"""Registry of circuit elements."""

import difflib
import re
from collections.abc import Collection
from dataclasses import dataclass
from math import inf, log
from typing import Literal

from eistool.errors import CircuitError

Kind = Literal["resistance", "capacitance", "inductance", "cpe", "warburg", "tau", "exponent"]

# sign, constant, and powers of Z0, ω0 and ω0^α of the dimensionless parameter
DIMENSIONS: dict[Kind, tuple[float, float, float, float, float]] = {
    "resistance": (1.0, 0.0, -1.0, 0.0, 0.0),
    "capacitance": (-1.0, 0.0, 1.0, 1.0, 0.0),
    "inductance": (1.0, 0.0, -1.0, 1.0, 0.0),
    "cpe": (-1.0, 0.0, 1.0, 0.0, 1.0),
    "warburg": (1.0, 0.5 * log(2.0), -1.0, -0.5, 0.0),
    "tau": (1.0, 0.0, 0.0, 1.0, 0.0),
    "exponent": (1.0, 0.0, 0.0, 0.0, 0.0),
}
_GREEK = (
    "alpha",
    "beta",
    "gamma",
    "delta",
    "kappa",
    "lambda",
    "mu",
    "nu",
    "omega",
    "phi",
    "sigma",
    "tau",
    "theta",
)


@dataclass(frozen=True, slots=True)
class ParameterSpec:
    """Parameter of an element; exponents lie in (0, 1], all others in [0, inf)."""

    name: str
    unit: str
    kind: Kind
    upper: float = inf  # upper end of the search range of fits; 1 for exponents

    @property
    def lower(self) -> float:
        """Lower end of the search range of fits."""
        return 0.1 if self.kind == "exponent" else 0.0

    @property
    def dimension(self) -> tuple[float, float, float, float, float]:
        """Row of :data:`DIMENSIONS`; for an L in H s^(α-1) the power of ω0 is α."""
        sign, constant, power_z, power_w, power_w_alpha = DIMENSIONS[self.kind]
        if self.unit == L_ALPHA.unit:
            return sign, constant, power_z, 0.0, 1.0
        return sign, constant, power_z, power_w, power_w_alpha

    @property
    def latex(self) -> str:
        r"""Symbol in the equation of the element, for instance ``R_e`` or ``\alpha``."""
        if self.name in _GREEK:
            return f"\\{self.name}"
        base, subscript = self.name[0], self.name[1:]
        return f"{base}_{{{subscript}}}" if subscript else base


@dataclass(frozen=True, slots=True)
class ElementSpec:
    """Type of element: parameters in order, and impedance as LaTeX."""

    symbol: str
    parameters: tuple[ParameterSpec, ...]
    equation: str
    title: str


R = ParameterSpec("R", "ohm", "resistance")
RE = ParameterSpec("Re", "ohm", "resistance")
RI = ParameterSpec("Ri", "ohm", "resistance")
RCT = ParameterSpec("Rct", "ohm", "resistance")
C = ParameterSpec("C", "F", "capacitance")
L = ParameterSpec("L", "H", "inductance")
L_ALPHA = ParameterSpec("L", "H s^(α-1)", "inductance")
Q = ParameterSpec("Q", "S s^α", "cpe")
SIGMA = ParameterSpec("sigma", "ohm s^-1/2", "warburg")
TAU = ParameterSpec("tau", "s", "tau")
ALPHA = ParameterSpec("alpha", "", "exponent", 1.0)
BETA = ParameterSpec("beta", "", "exponent", 1.0)
# above 1/2 the real part of an anomalous finite Warburg element is negative
ALPHA_DIFFUSION = ParameterSpec("alpha", "", "exponent", 0.5)

# transmission lines: resistances R_e and R_i along the rails, admittance Y between them
_S = r"R_{e}+R_{i}"
_Y = r"Q(j\omega)^{\alpha}"
_NU = rf"\sqrt{{({_S}){_Y}}}"
_NU_CT = rf"\sqrt{{({_S})\left({_Y}+\frac{{1}}{{R_{{ct}}}}\right)}}"
_PARALLEL = rf"\frac{{R_{{e}}R_{{i}}}}{{{_S}}}"


def _blocking_line(rail: str) -> str:
    return rf"{_PARALLEL}+\frac{{2{rail}^{{2}}}}{{{_S}}}\,\frac{{\tanh\left(\frac{{1}}{{2}}{_NU}\right)}}{{{_NU}}}"


def _cathode_line(nu: str) -> str:
    both = rf"\frac{{R_{{e}}^{{2}}+R_{{i}}^{{2}}}}{{{_S}}}\,\frac{{\coth{nu}}}{{{nu}}}"
    return rf"{_PARALLEL}\left(1+\frac{{2}}{{{nu}\,\sinh{nu}}}\right)+{both}"


_ROOT = r"\sqrt{j\omega\tau}"
_POWER = r"(j\omega\tau)^{\alpha}"

_SPECS = (
    ElementSpec("R", (R,), r"R", "resistor"),
    ElementSpec("C", (C,), r"\frac{1}{j\omega C}", "capacitor"),
    ElementSpec("L", (L,), r"j\omega L", "inductor"),
    ElementSpec("La", (L_ALPHA, ALPHA), r"L(j\omega)^{\alpha}", "modified inductor"),
    ElementSpec("CPE", (Q, ALPHA), rf"\frac{{1}}{{{_Y}}}", "constant phase element"),
    ElementSpec("W", (SIGMA,), r"\frac{\sigma(1-j)}{\sqrt{\omega}}", "semi-infinite Warburg diffusion"),
    ElementSpec(
        "Wo",
        (R, TAU),
        rf"R\,\frac{{\coth{_ROOT}}}{{{_ROOT}}}",
        "finite Warburg, reflecting (open)",
    ),
    ElementSpec("Ws", (R, TAU), rf"R\,\frac{{\tanh{_ROOT}}}{{{_ROOT}}}", "finite Warburg, transmissive (short)"),
    ElementSpec(
        "FWo",
        (R, TAU, ALPHA_DIFFUSION),
        rf"R\,\frac{{\coth{_POWER}}}{{{_POWER}}}",
        "anomalous finite Warburg, reflecting",
    ),
    ElementSpec(
        "FWs",
        (R, TAU, ALPHA_DIFFUSION),
        rf"R\,\frac{{\tanh{_POWER}}}{{{_POWER}}}",
        "anomalous finite Warburg, transmissive",
    ),
    ElementSpec("G", (R, TAU), r"\frac{R}{\sqrt{1+j\omega\tau}}", "Gerischer"),
    ElementSpec("FG", (R, TAU, ALPHA), r"\frac{R}{(1+j\omega\tau)^{\alpha}}", "fractal Gerischer"),
    ElementSpec("K", (R, TAU), r"\frac{R}{1+j\omega\tau}", "RC arc by its time constant"),
    ElementSpec("Zarc", (R, TAU, ALPHA), rf"\frac{{R}}{{1+{_POWER}}}", "depressed arc (Cole-Cole)"),
    ElementSpec(
        "HN",
        (R, TAU, ALPHA, BETA),
        rf"\frac{{R}}{{\left(1+{_POWER}\right)^{{\beta}}}}",
        "skewed depressed arc (Havriliak-Negami)",
    ),
    ElementSpec("RL", (R, TAU), r"\frac{j\omega\tau R}{1+j\omega\tau}", "resistor parallel to an inductor"),
    ElementSpec("TLMee", (RE, RI, Q, ALPHA), _blocking_line("R_{e}"), "ion-blocking transmission line"),
    ElementSpec("TLMii", (RE, RI, Q, ALPHA), _blocking_line("R_{i}"), "electron-blocking transmission line"),
    ElementSpec("TLMie", (RE, RI, Q, ALPHA), _cathode_line(_NU), "composite cathode line, blocking"),
    ElementSpec(
        "TLMct", (RE, RI, RCT, Q, ALPHA), _cathode_line(_NU_CT), "composite cathode line with charge transfer"
    ),
    ElementSpec(
        "deLevie",
        (RI, Q, ALPHA),
        rf"\sqrt{{\frac{{R_{{i}}}}{{{_Y}}}}}\,\coth\sqrt{{R_{{i}}{_Y}}}",
        "pore (de Levie) line, blocking",
    ),
)

ELEMENTS: dict[str, ElementSpec] = {spec.symbol: spec for spec in _SPECS}
CUSTOM_ELEMENTS: dict[str, ElementSpec] = {}  # filled by register_element
ALIASES = {"Q": "CPE"}
_ALIASED = re.compile(rf"({'|'.join(ALIASES)})(?=\d|_)")


def canonical_name(name: str) -> str:
    """Return the name of a parameter with aliases of element symbols replaced.

    Examples
    --------
    >>> canonical_name("Q1.alpha"), canonical_name("R1")
    ('CPE1.alpha', 'R1')
    """
    return _ALIASED.sub(lambda match: ALIASES[match[1]], name, count=1) if _ALIASED.match(name) else name


def known_symbols() -> dict[str, str]:
    """Return all accepted symbols and aliases with their symbols in the registry."""
    return {symbol: symbol for symbol in (*ELEMENTS, *CUSTOM_ELEMENTS)} | ALIASES


def element_spec(symbol: str) -> ElementSpec:
    """Return the specification of a built-in or registered element.

    Raises
    ------
    CircuitError
        If the symbol is unknown; the message suggests similar ones.

    Examples
    --------
    >>> element_spec("Zarc").title
    'depressed arc (Cole-Cole)'
    """
    spec = ELEMENTS.get(symbol) or CUSTOM_ELEMENTS.get(symbol)
    if spec is None:
        raise CircuitError(f"unknown element '{symbol}'; {choices(symbol, known_symbols())}")
    return spec


def choices(symbol: str, symbols: Collection[str]) -> str:
    """Return the remedy for an unknown symbol: similar symbols, all symbols, registration."""
    folded = {name.casefold(): name for name in symbols}
    close = [folded[name] for name in difflib.get_close_matches(symbol.casefold(), folded)]
    nearest = f"did you mean {', '.join(close)}? " if close else ""
    register = "; eistool.register_element adds your own" if ELEMENTS.keys() <= set(symbols) else ""
    return f"{nearest}choose from {', '.join(symbols)}{register}"
