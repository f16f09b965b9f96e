"""Elements of the user's own: a NumPy function that takes part in circuits like any built-in element."""

import ctypes
import functools
import re
import threading
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from eistool.circuit.elements import ALIASES, DIMENSIONS, ELEMENTS, OWN_ELEMENTS, ElementSpec, Kind, ParameterSpec
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
_STEP = 1e-5  # in theta: truncation and rounding of the difference quotient are about equal


def register_element(
    symbol: str,
    parameters: Iterable[ParameterSpec | tuple[str, str]],
    impedance: Function,
    *,
    title: str = "",
    equation: str = "",
    replace: bool = False,
) -> ElementSpec:
    r"""Add an element of one's own, for as long as Python runs.

    Circuits are then written, simulated, fitted and compared with it as with the built-in elements. The
    function is called from the compiled search, with derivatives by central differences (to about 1e-8 of
    \|Z\|), so that a fit takes tens of milliseconds instead of one or two.

    Parameters
    ----------
    symbol : str
        Letters, beginning with a capital one, for instance ``"Pore"``; ``Pore1`` is then an element of
        the first dialect. Circuit description codes such as ``"R(RQ)"`` have built-in elements only.
    parameters : iterable of (name, unit) or ParameterSpec
        In the order in which the function takes them. The unit says how a fit treats a parameter:
        ``"ohm"``, ``"F"``, ``"H"``, ``"s"`` (a time constant), ``"ohm s^-1/2"`` (a Warburg coefficient),
        ``""`` (an exponent, from 0.1 to 1), ``"S s^α"`` and ``"H s^(α-1)"``, where α is the next exponent
        in the list. A ``ParameterSpec`` states the kind, and another upper end for an exponent.
    impedance : function of (omega, parameter, ...)
        Returns Z in ohm for an array of angular frequencies in 1/s. It must have the dimension that its
        units say: pass a constant of your own as a parameter, and hold it with ``fixed``. A fit calls it
        in units of impedance and time of its own, so that it must not compare ``omega`` or a parameter
        with a number in ohm or s. Values for which it fails or gives no finite number are passed over.
    title : str
        What it is, in one line.
    equation : str
        LaTeX, with the parameters as in the built-in elements: ``R_{ct}``, ``\tau``, ``\alpha``.
    replace : bool
        Put a new function in the place of one registered before with the same parameters.

    Returns
    -------
    ElementSpec
        The entry of the registry.

    Raises
    ------
    CircuitError
        If symbol, name or unit are not possible, the symbol is taken, or the function fails, returns
        another shape or numbers that are not finite, or its dimension is not that of its parameters.

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
        raise CircuitError(f"element {symbol!r}: give letters, the first a capital, such as 'Pore'")
    if symbol in ELEMENTS or symbol in ALIASES:
        raise CircuitError(f"element {symbol}: this is a built-in element; choose another symbol")
    specs = tuple(_parameter(symbol, item) for item in parameters)
    _check_parameters(symbol, specs)
    spec = ElementSpec(symbol, specs, equation or _plain_equation(symbol, specs), title or "own element")
    known = _OWN.get(symbol)
    if known is not None:
        if specs != known.specs:
            raise CircuitError(f"element {symbol}: registered with other parameters; choose another symbol")
        same = spec == OWN_ELEMENTS[symbol] and _same_code(impedance, known.impedance)
        if not (same or replace):
            raise CircuitError(f"element {symbol}: registered before; choose another symbol, or give replace=True")
    own = _Own(symbol, specs, impedance)
    own.check()
    if known is None:
        _OWN[symbol] = own
    else:
        known.impedance = impedance  # for the circuits that were made before, too
    OWN_ELEMENTS[symbol] = spec
    return spec


def callback_address(symbol: str) -> int:
    """Return the address at which compiled code calls a registered element."""
    return _OWN[symbol].address


def take_error() -> str:
    """Return what first went wrong in an own element since the last call, in this thread, and forget it.

    Raises
    ------
    BaseException
        If it was no error but an interruption.
    """
    error, _first.error = _first.error, ""
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
                f"element {symbol}: {name} is a {specs[i].kind!r}; choose from {', '.join(DIMENSIONS)}"
            )
        if name in names[:i]:
            raise CircuitError(f"element {symbol}: parameter {name} is there twice; give each its own name")
    fractional = [i for i, spec in enumerate(specs) if spec.dimension[4]]
    for i in fractional:
        if "exponent" not in [spec.kind for spec in specs[i:]]:
            raise CircuitError(f"element {symbol}: {names[i]} in {specs[i].unit}; give the exponent α after it")
    if not any(spec.dimension[2] for spec in specs):
        raise CircuitError(f"element {symbol}: no parameter has a dimension with ohm; give one, for instance R")


def _same_code(one: Function, other: Function) -> bool:
    """Return whether two functions are the same, as when a notebook's cell has been run again."""
    if one is other:
        return True
    code = getattr(one, "__code__", None)
    if code is None or code != getattr(other, "__code__", None):
        return False
    parts = ("__defaults__", "__kwdefaults__", "__closure__")
    try:
        return all(getattr(one, part) == getattr(other, part) for part in parts)
    except ValueError:  # arrays among them
        return False


def _plain_equation(symbol: str, specs: tuple[ParameterSpec, ...]) -> str:
    arguments = ",".join(spec.latex for spec in specs)
    return rf"Z_{{\mathrm{{{symbol}}}}}\left(\omega,{arguments}\right)"


class _First(threading.local):
    """What first went wrong in this thread: a message, or an interruption that is still to be raised."""

    error: str | BaseException = ""


class _Own:
    """A registered function, and what calls it from compiled code."""

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
        """Where compiled code finds the function, as long as this object lives."""
        from eistool.kernels.model import WIDTH
        from eistool.kernels.own import CALLBACK

        self._width = WIDTH
        callback = CALLBACK(self._called)
        self._callbacks.append(callback)  # kept alive, all of them: threads may get here at the same time
        address = ctypes.cast(callback, ctypes.c_void_p).value
        assert address is not None  # noqa: S101
        return address

    def check(self) -> None:
        """Try the function at values of order one, and the same in other units of impedance and time.

        Raises
        ------
        CircuitError
            If it fails, or its result does not change with the units as an impedance does.
        """
        omega = np.geomspace(0.01, 100.0, 9)
        values = np.where(self._exponent, [0.8 * spec.upper for spec in self.specs], 1.3)
        z = self._z(omega, values)
        for z0, omega_0 in ((3.0, 7.0), (1e4, 1e6), (1e-4, 1e-6)):  # far off: a number in ohm or s shows itself
            scaled = values.copy()
            for i, spec in enumerate(self.specs):
                _, _, power_z, power_w, power_w_alpha = spec.dimension
                alpha = values[i:][self._exponent[i:]][:1].sum()  # the next exponent
                scaled[i] *= z0**-power_z * omega_0 ** -(power_w + power_w_alpha * alpha)
            if not np.allclose(self._z(omega * omega_0, scaled), z0 * z, rtol=1e-6, atol=0.0):
                units = ", ".join(f"{spec.name} in {spec.unit or '1'}" for spec in self.specs)
                raise CircuitError(
                    f"element {self.symbol}: the result is no impedance in ohm if {units}; mend a unit, or make a "
                    "constant within the function one more parameter, which a fit can hold with fixed={...}"
                )

    def _z(self, omega: FloatArray, values: FloatArray) -> ComplexArray:
        """Return what the function gives, checked."""
        omega.setflags(write=False)  # the next call takes the same array
        try:
            with np.errstate(all="ignore"):
                z = np.asarray(self.impedance(omega, *values.tolist()))
        except Exception as error:
            names = ", ".join(spec.name for spec in self.specs)
            raise CircuitError(
                f"element {self.symbol}: {type(error).__name__}: {error}; it was called as "
                f"impedance(omega, {names}) with {self._given(values)}"
            ) from error
        if z.shape != omega.shape or z.dtype.kind not in "cf":
            raise CircuitError(
                f"element {self.symbol}: the function returned {z.dtype} of shape {z.shape}; "
                f"return {omega.size} complex numbers, one for each omega"
            )
        if not np.isfinite(z).all():
            bad = np.flatnonzero(~np.isfinite(z))[0]
            raise CircuitError(
                f"element {self.symbol}: the function returned {z[bad]} at omega={omega[bad]:g}, "
                f"{self._given(values)}; return finite numbers"
            )
        return z.astype(np.complex128)

    def _given(self, values: FloatArray) -> str:
        return ", ".join(f"{spec.name}={value:g}" for spec, value in zip(self.specs, values, strict=True))

    def _called(self, n: int, offset: float, log_x: int, theta: int, total: int, rows: int) -> None:
        """Add Z to the sum of the element's group, and write its derivatives, at ω = exp(ln x + offset)."""
        k = len(self.specs)
        group = _view(total, 2 * n).reshape(-1, 2, self._width)
        derivatives = _view(rows, k * 2 * n).reshape(k, -1, 2, self._width)
        try:
            if not isinstance(_first.error, str):
                raise CircuitError("interrupted")
            z, by_theta = self._evaluate(np.exp(_view(log_x, n) + offset), _view(theta, k), offset)
        except CircuitError as error:
            _first.error = _first.error or str(error)
            group[:] = derivatives[:] = np.nan
        except BaseException as error:  # noqa: BLE001 - nothing can be raised through compiled code
            _first.error = error
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
        z = np.array([self._z(omega, row) for row in np.where(self._exponent, moved, positive)])
        up, down = np.split(z[1:], 2)
        return z[0], (up - down) / (2 * _STEP)


def _view(address: int, n: int) -> FloatArray:
    return np.ctypeslib.as_array((ctypes.c_double * n).from_address(address))


_OWN: dict[str, _Own] = {}
_first = _First()
