"""Custom elements: NumPy functions registered as circuit elements."""

import ctypes
import functools
import re
import threading
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from eistool.circuit.elements import (
    ALIASES,
    CUSTOM_ELEMENTS,
    DIMENSIONS,
    ELEMENTS,
    ElementSpec,
    Kind,
    ParameterSpec,
)
from eistool.errors import CircuitError
from eistool.typing import ComplexArray, FloatArray

Function = Callable[..., Any]  # (omega, *parameters) -> complex, shape (n_freq,)

_SYMBOL = re.compile(r"[A-Z][A-Za-z]*")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_KINDS: dict[str, Kind] = {
    "ohm": "resistance",
    "F": "capacitance",
    "H": "inductance",
    "H s^(α-1)": "inductance",
    "S s^α": "cpe",
    "ohm s^-1/2": "warburg",
    "s": "tau",
    "": "exponent",
}
_STEP = 1e-5  # in theta; truncation and rounding errors of the difference quotient are about equal


def register_element(
    symbol: str,
    parameters: Iterable[ParameterSpec | tuple[str, str]],
    impedance: Function,
    *,
    title: str = "",
    equation: str = "",
    replace: bool = False,
) -> ElementSpec:
    r"""Register a custom element for the current Python session.

    The element can be used in circuits like a built-in one. The function is called from the compiled search,
    with derivatives by central differences (accurate to about 1e-8 of \|Z\|), so that a fit takes tenths of a
    second instead of milliseconds.

    Parameters
    ----------
    symbol : str
        Letters, the first one a capital, for instance ``"Pore"``; ``Pore1`` is then an element of the first
        dialect. Circuit description codes such as ``"R(RQ)"`` accept built-in elements only.
    parameters : iterable of (name, unit) or ParameterSpec
        In the order of the function's arguments. The unit determines the treatment in fits: ``"ohm"``,
        ``"F"``, ``"H"``, ``"s"`` (time constant), ``"ohm s^-1/2"`` (Warburg coefficient), ``""`` (exponent,
        from 0.1 to 1), ``"S s^α"`` and ``"H s^(α-1)"``, where α is the next exponent in the list. Use a
        ``ParameterSpec`` to give the kind, or a different upper limit of an exponent.
    impedance : function of (omega, parameter, ...)
        Returns Z in ohm for an array of angular frequencies in 1/s. Its dimension must follow from the units
        of its parameters: pass dimensional constants as parameters and hold them with ``fixed``. Fits use
        internal units of impedance and time, so that the function must not compare ``omega`` or a parameter
        with a number in ohm or s. Values for which it fails or is not finite are skipped.
    title : str
        One-line description.
    equation : str
        LaTeX with parameters written as in the built-in elements: ``R_{ct}``, ``\tau``, ``\alpha``.
    replace : bool
        Whether to replace an element registered before with the same parameters.

    Returns
    -------
    ElementSpec
        Specification in the registry.

    Raises
    ------
    CircuitError
        If a symbol, name or unit is invalid, the symbol is in use, or the function fails, returns a wrong
        shape or non-finite numbers, or does not have the dimension of an impedance.

    Examples
    --------
    >>> import numpy as np
    >>> import eistool
    >>> def lossy(omega, R, tau, alpha):
    ...     return R / (1 + (1j * omega * tau) ** alpha)
    >>> _ = eistool.register_element("Lossy", [("R", "ohm"), ("tau", "s"), ("alpha", "")], lossy)
    >>> eistool.Circuit("R0-p(Lossy1,C1)").parameters
    ('R0', 'Lossy1.R', 'Lossy1.tau', 'Lossy1.alpha', 'C1')
    """
    if not isinstance(symbol, str) or not _SYMBOL.fullmatch(symbol):
        raise CircuitError(f"element {symbol!r}: expected letters, the first a capital, such as 'Pore'")
    if symbol in ELEMENTS or symbol in ALIASES:
        raise CircuitError(f"element {symbol}: the symbol of a built-in element; choose another symbol")
    specs = tuple(_parameter(symbol, item) for item in parameters)
    _check_parameters(symbol, specs)
    spec = ElementSpec(symbol, specs, equation or _plain_equation(symbol, specs), title or "custom element")
    known = _REGISTERED.get(symbol)
    if known is not None:
        if specs != known.specs:
            raise CircuitError(f"element {symbol}: registered with other parameters; choose another symbol")
        same = spec == CUSTOM_ELEMENTS[symbol] and _same_code(impedance, known.impedance)
        if not (same or replace):
            raise CircuitError(f"element {symbol}: registered before; choose another symbol, or give replace=True")
    element = _CustomElement(symbol, specs, impedance)
    element.check()
    if known is None:
        _REGISTERED[symbol] = element
    else:
        known.impedance = impedance  # existing circuits use the new function too
    CUSTOM_ELEMENTS[symbol] = spec
    return spec


def callback_address(symbol: str) -> int:
    """Return the address of the callback of a registered element."""
    return _REGISTERED[symbol].address


def take_error() -> str:
    """Return and clear the first error of a custom element in this thread since the last call.

    Raises
    ------
    BaseException
        If the element was interrupted, for instance by KeyboardInterrupt.
    """
    error, _pending.error = _pending.error, ""
    if isinstance(error, str):
        return error
    raise error


def _parameter(symbol: str, item: ParameterSpec | tuple[str, str]) -> ParameterSpec:
    if isinstance(item, ParameterSpec):
        return item
    try:
        name, unit = item
        kind = _KINDS[unit := unit.replace("alpha", "α")]
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        units = ", ".join(repr(known) for known in _KINDS)
        raise CircuitError(
            f"element {symbol}: parameter {item!r}; give (name, unit) with one of the units {units}"
        ) from error
    return ParameterSpec(name, unit, kind, 1.0 if kind == "exponent" else np.inf)


def _check_parameters(symbol: str, specs: tuple[ParameterSpec, ...]) -> None:
    names = [spec.name for spec in specs]
    for i, name in enumerate(names):
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise CircuitError(f"element {symbol}: parameter {name!r}; give letters and digits, such as R")
        if specs[i].kind not in DIMENSIONS:
            raise CircuitError(
                f"element {symbol}: kind of {name} is {specs[i].kind!r}; choose from {', '.join(DIMENSIONS)}"
            )
        if name in names[:i]:
            raise CircuitError(f"element {symbol}: parameter {name} occurs twice; give each a unique name")
    fractional = [i for i, spec in enumerate(specs) if spec.dimension[4]]
    for i in fractional:
        if "exponent" not in [spec.kind for spec in specs[i:]]:
            raise CircuitError(f"element {symbol}: {names[i]} in {specs[i].unit}; add the exponent α after it")
    if not any(spec.dimension[2] for spec in specs):
        raise CircuitError(f"element {symbol}: no parameter has a unit with ohm; add one, for instance R")


def _same_code(one: Function, other: Function) -> bool:
    """Return whether two functions are equal, as after running a notebook cell again."""
    if one is other:
        return True
    code = getattr(one, "__code__", None)
    if code is None or code != getattr(other, "__code__", None):
        return False
    parts = ("__defaults__", "__kwdefaults__", "__closure__")
    try:
        return all(getattr(one, part) == getattr(other, part) for part in parts)
    except ValueError:  # arrays cannot be compared
        return False


def _plain_equation(symbol: str, specs: tuple[ParameterSpec, ...]) -> str:
    arguments = ",".join(spec.latex for spec in specs)
    return rf"Z_{{\mathrm{{{symbol}}}}}\left(\omega,{arguments}\right)"


class _Pending(threading.local):
    """First error of this thread: a message, or an interruption to be raised."""

    error: str | BaseException = ""


class _CustomElement:
    """Registered function with its callback for compiled code."""

    def __init__(self, symbol: str, specs: tuple[ParameterSpec, ...], impedance: Function) -> None:
        self.symbol = symbol
        self.specs = specs
        self.impedance = impedance
        self._callbacks: list[Any] = []
        self._exponent = np.array([spec.kind == "exponent" for spec in specs])
        self._sign, self._constant, _, self._power_w, _ = np.array([spec.dimension for spec in specs]).T
        steps = _STEP * np.eye(len(specs))
        self._steps = np.vstack([np.zeros(len(specs)), steps, -steps])

    @functools.cached_property
    def address(self) -> int:
        """Address of the callback, valid for the lifetime of this object."""
        from eistool.kernels.callback import CALLBACK
        from eistool.kernels.model import WIDTH

        self._width = WIDTH
        callback = CALLBACK(self._call)
        self._callbacks.append(callback)  # all kept alive: several threads may create one at the same time
        address = ctypes.cast(callback, ctypes.c_void_p).value
        assert address is not None  # noqa: S101
        return address

    def check(self) -> None:
        """Evaluate the function at values of order one, and in other units of impedance and time.

        Raises
        ------
        CircuitError
            If the function fails, or its result does not scale like an impedance.
        """
        omega = np.geomspace(0.01, 100.0, 9)
        values = np.where(self._exponent, [0.8 * spec.upper for spec in self.specs], 1.3)
        z = self._impedance(omega, values)
        for z0, omega_0 in ((3.0, 7.0), (1e4, 1e6), (1e-4, 1e-6)):  # extreme, to reveal constants in ohm or s
            scaled = values.copy()
            for i, spec in enumerate(self.specs):
                _, _, power_z, power_w, power_w_alpha = spec.dimension
                alpha = values[i:][self._exponent[i:]][:1].sum()  # the next exponent
                scaled[i] *= z0**-power_z * omega_0 ** -(power_w + power_w_alpha * alpha)
            if not np.allclose(self._impedance(omega * omega_0, scaled), z0 * z, rtol=1e-6, atol=0.0):
                units = ", ".join(f"{spec.name} in {spec.unit or '1'}" for spec in self.specs)
                raise CircuitError(
                    f"element {self.symbol}: not an impedance in ohm for {units}; correct a unit, or "
                    "pass constants within the function as parameters and hold them with fixed={...}"
                )

    def _impedance(self, omega: FloatArray, values: FloatArray) -> ComplexArray:
        """Return the checked result of the function."""
        omega.setflags(write=False)  # the array is reused in the next call
        try:
            with np.errstate(all="ignore"):
                z = np.asarray(self.impedance(omega, *values.tolist()))
        except Exception as error:
            names = ", ".join(spec.name for spec in self.specs)
            raise CircuitError(
                f"element {self.symbol}: {type(error).__name__}: {error}; it was called as "
                f"impedance(omega, {names}) with {self._format(values)}"
            ) from error
        if z.shape != omega.shape or z.dtype.kind not in "cf":
            raise CircuitError(
                f"element {self.symbol}: the function returned {z.dtype} of shape {z.shape}; "
                f"return {omega.size} complex numbers, one per omega"
            )
        if not np.isfinite(z).all():
            bad = np.flatnonzero(~np.isfinite(z))[0]
            raise CircuitError(
                f"element {self.symbol}: the function returned {z[bad]} at omega={omega[bad]:g}, "
                f"{self._format(values)}; return finite numbers"
            )
        return z.astype(np.complex128)

    def _format(self, values: FloatArray) -> str:
        return ", ".join(f"{spec.name}={value:g}" for spec, value in zip(self.specs, values, strict=True))

    def _call(self, n: int, offset: float, log_x: int, theta: int, total: int, rows: int) -> None:
        """Add Z at ω = exp(ln x + offset) to the sum of the group, and write its derivatives."""
        k = len(self.specs)
        group = _view(total, 2 * n).reshape(-1, 2, self._width)
        derivatives = _view(rows, k * 2 * n).reshape(k, -1, 2, self._width)
        try:
            if not isinstance(_pending.error, str):
                raise CircuitError("interrupted")
            z, by_theta = self._evaluate(np.exp(_view(log_x, n) + offset), _view(theta, k), offset)
        except CircuitError as error:
            _pending.error = _pending.error or str(error)
            group[:] = derivatives[:] = np.nan
        except BaseException as error:  # noqa: BLE001 - exceptions cannot pass through compiled code
            _pending.error = error
            group[:] = derivatives[:] = np.nan
        else:
            group[:, 0] += z.real.reshape(-1, self._width)
            group[:, 1] += z.imag.reshape(-1, self._width)
            derivatives[:, :, 0] = by_theta.real.reshape(k, -1, self._width)
            derivatives[:, :, 1] = by_theta.imag.reshape(k, -1, self._width)

    def _evaluate(self, omega: FloatArray, theta: FloatArray, offset: float) -> tuple[ComplexArray, ComplexArray]:
        """Return Z, and dZ/dtheta by central differences, shape (k, n)."""
        moved = theta + self._steps
        with np.errstate(over="ignore"):
            positive = np.exp(self._sign * moved - self._constant - self._power_w * offset)
        z = np.array([self._impedance(omega, row) for row in np.where(self._exponent, moved, positive)])
        up, down = np.split(z[1:], 2)
        return z[0], (up - down) / (2 * _STEP)


def _view(address: int, n: int) -> FloatArray:
    return np.ctypeslib.as_array((ctypes.c_double * n).from_address(address))


_REGISTERED: dict[str, _CustomElement] = {}
_pending = _Pending()
