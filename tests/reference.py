"""Slow, obvious implementations that the fast ones are compared with."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike

from eistool.circuit import Circuit, Element, Node, Series
from eistool.typing import ComplexArray, FloatArray

TWIN = "Custom"  # before the symbol of a built-in element: the same, registered as a user would


def tanh(z: ComplexArray) -> ComplexArray:
    """tanh for Re z >= 0, without overflow."""
    decay = np.exp(-2 * z)
    small = np.abs(z) < 1e-3
    result: ComplexArray = np.where(small, z - z**3 / 3 + 2 * z**5 / 15, (1 - decay) / (1 + decay))
    return result


def coth(z: ComplexArray) -> ComplexArray:
    """coth for Re z >= 0, without overflow."""
    return 1 / tanh(z)


def one_over_sinh(z: ComplexArray) -> ComplexArray:
    """1 / sinh for Re z >= 0, without overflow."""
    small = np.abs(z) < 1e-3
    series = 1 / z - z / 6 + 7 * z**3 / 360
    safe = np.where(small, 1, z)
    result: ComplexArray = np.where(small, series, 2 * np.exp(-safe) / (1 - np.exp(-2 * safe)))
    return result


def _blocking_line(omega: FloatArray, rail: float, other: float, Q: float, alpha: float) -> ComplexArray:
    s = rail + other
    nu = np.sqrt(s * Q * (1j * omega) ** alpha)
    Z: ComplexArray = rail * other / s + rail**2 / s * tanh(nu / 2) / (nu / 2)
    return Z


def _cathode_line(Re: float, Ri: float, Y: ComplexArray) -> ComplexArray:
    s = Re + Ri
    nu = np.sqrt(s * Y)
    return Re * Ri / s * (1 + 2 / nu * one_over_sinh(nu)) + (Re**2 + Ri**2) / s * coth(nu) / nu


def element_impedance(symbol: str, omega: ArrayLike, *p: float) -> ComplexArray:
    """Impedance of one element; parameters in the registry's order."""
    w = np.asarray(omega, dtype=float)
    jw = 1j * w
    formulas: dict[str, Callable[..., ComplexArray]] = {
        "R": lambda R: R + 0 * jw,
        "C": lambda C: 1 / (jw * C),
        "L": lambda L: jw * L,
        "La": lambda L, alpha: L * jw**alpha,
        "CPE": lambda Q, alpha: 1 / (Q * jw**alpha),
        "W": lambda sigma: sigma * (1 - 1j) / np.sqrt(w),
        "Wo": lambda R, tau: R * coth(np.sqrt(jw * tau)) / np.sqrt(jw * tau),
        "Ws": lambda R, tau: R * tanh(np.sqrt(jw * tau)) / np.sqrt(jw * tau),
        "FWo": lambda R, tau, alpha: R * coth((jw * tau) ** alpha) / (jw * tau) ** alpha,
        "FWs": lambda R, tau, alpha: R * tanh((jw * tau) ** alpha) / (jw * tau) ** alpha,
        "G": lambda R, tau: R / np.sqrt(1 + jw * tau),
        "FG": lambda R, tau, alpha: R / (1 + jw * tau) ** alpha,
        "K": lambda R, tau: R / (1 + jw * tau),
        "Zarc": lambda R, tau, alpha: R / (1 + (jw * tau) ** alpha),
        "HN": lambda R, tau, alpha, beta: R / (1 + (jw * tau) ** alpha) ** beta,
        "RL": lambda R, tau: jw * tau * R / (1 + jw * tau),
        "TLMee": lambda Re, Ri, Q, alpha: _blocking_line(w, Re, Ri, Q, alpha),
        "TLMii": lambda Re, Ri, Q, alpha: _blocking_line(w, Ri, Re, Q, alpha),
        "TLMie": lambda Re, Ri, Q, alpha: _cathode_line(Re, Ri, Q * jw**alpha),
        "TLMct": lambda Re, Ri, Rct, Q, alpha: _cathode_line(Re, Ri, Q * jw**alpha + 1 / Rct),
        "deLevie": lambda Ri, Q, alpha: np.sqrt(Ri / (Q * jw**alpha)) * coth(np.sqrt(Ri * Q * jw**alpha)),
    }
    return formulas[symbol.removeprefix(TWIN)](*p)


def circuit_impedance(
    circuit: Circuit, frequency: ArrayLike, values: Mapping[str, float] | ArrayLike
) -> ComplexArray:
    """Impedance of a circuit, shape (n_freq,): walk the tree."""
    omega = 2 * np.pi * np.asarray(frequency, dtype=float)
    ordered = circuit.values(values)

    def walk(node: Node) -> ComplexArray:
        if isinstance(node, Element):
            names = [f"{node.name}.{spec.name}" for spec in node.spec.parameters]
            return element_impedance(node.symbol, omega, *(ordered[circuit.index(name)] for name in names))
        parts = np.array([walk(part) for part in node.parts])
        total: ComplexArray = parts.sum(axis=0) if isinstance(node, Series) else 1 / (1 / parts).sum(axis=0)
        return total

    return walk(circuit.tree)


def circuit_jacobian(
    circuit: Circuit, frequency: ArrayLike, values: Mapping[str, float] | ArrayLike, step: float = 1e-5
) -> ComplexArray:
    """Derivative by central differences, shape (n_freq, n_parameters); exponents must be below 1."""
    ordered = circuit.values(values)
    columns = []
    for i, value in enumerate(ordered):
        h = step * value
        up, down = ordered.copy(), ordered.copy()
        up[i], down[i] = value + h, value - h
        difference = circuit_impedance(circuit, frequency, up) - circuit_impedance(circuit, frequency, down)
        columns.append(difference / (up[i] - down[i]))
    return np.column_stack(columns)


def ladder_impedance(rails: tuple[float, float], Y: ComplexArray, contacts: str, n: int = 2000) -> ComplexArray:
    """Transmission line of ``n`` segments with shunt admittances Y, one per frequency.

    ``contacts`` names the rails (e or i) that the left and the right terminal touch, for instance "ie".
    """
    Re, Ri = rails
    left, right = (1.0 if contact == "e" else 0.0 for contact in contacts)
    result = []
    for y in Y:
        # v = Ve - Vi and the current Ie, of a total of 1: dv = (Ri - (Re + Ri) Ie) dx, dIe = -y v dx
        generator = np.array([[0, -(Re + Ri), Ri], [-y, 0, 0], [0, 0, 0]]) / n
        segment = np.linalg.solve(np.eye(3) - generator / 2, np.eye(3) + generator / 2)
        line = np.linalg.matrix_power(segment, n)
        v_left = (right - line[1, 1] * left - line[1, 2]) / line[1, 0]
        v_right = line[0, 0] * v_left + line[0, 1] * left + line[0, 2]
        drop_e = Re * (v_left - v_right + Ri) / (Re + Ri)
        result.append(drop_e - v_left * (1 - left) + v_right * (1 - right))
    return np.array(result)


def rc_ladder(
    omega: FloatArray,
    data: ComplexArray,
    sigma: FloatArray,
    tau: FloatArray,
    part: str,
    extra: ComplexArray | None = None,
) -> tuple[FloatArray, ComplexArray, float]:
    """Return coefficients (K of all τ, R, L, 1/C), fitted values and the sum of squares of a part or of both.

    ω of L and 1/C is relative to the geometric mean of the range; ``extra`` is one more term.
    """
    middle = np.sqrt(omega.min() * omega.max())
    columns = [1 / (1 + 1j * omega * t) for t in tau]
    columns += [np.ones_like(omega) + 0j, 1j * omega / middle, middle / (1j * omega)]
    if extra is not None:
        columns.append(extra)
    matrix = np.column_stack(columns)
    rows = {"real": matrix.real / sigma[0][:, None], "imag": matrix.imag / sigma[1][:, None]}
    values = {"real": data.real / sigma[0], "imag": data.imag / sigma[1]}
    chosen = ("real", "imag") if part == "complex" else (part,)
    a, b = np.vstack([rows[name] for name in chosen]), np.hstack([values[name] for name in chosen])
    x = np.linalg.lstsq(a, b, rcond=1e-15)[0]
    return x, matrix @ x, float(np.sum((b - a @ x) ** 2))


def cheapest_links(a: FloatArray, b: FloatArray, birth: float) -> float:
    """Least cost of linking two sets of arcs (log τ, log R), by trying all ways."""
    if not len(a) or not len(b):
        return birth * (len(a) + len(b))
    best = birth + cheapest_links(a[1:], b, birth)
    for j in range(len(b)):
        tau, R = a[0] - b[j]
        cost = tau**2 + 0.25 * R**2 + 0.25 * (tau - R) ** 2
        best = min(best, cost + cheapest_links(a[1:], np.delete(b, j, axis=0), birth))
    return float(best)
