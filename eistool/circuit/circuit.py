"""Equivalent circuits: element tree, and names, units and order of the parameters."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from eistool.circuit.elements import ParameterSpec, canonical_name
from eistool.circuit.grammar import parse
from eistool.circuit.latex import to_latex
from eistool.circuit.tree import Element, Node, leaves
from eistool.display import html_table
from eistool.errors import CircuitError
from eistool.forwarding import forward
from eistool.typing import ComplexArray, FloatArray

if TYPE_CHECKING:
    from impedance.models.circuits.circuits import BaseCircuit


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Circuit:
    """Equivalent circuit; circuits are equal if their element trees are equal.

    Parameters
    ----------
    expression : str
        ``-`` denotes series and ``p(a,b,...)`` parallel, as in impedance.py; circuit description codes such
        as ``"R(RQ)Q"`` are also accepted. The repr is the canonical form of the former.

    Raises
    ------
    CircuitError
        If the expression is invalid; the message gives the position of the error.

    Examples
    --------
    >>> circuit = Circuit("R0-p(R1,Q1)")
    >>> circuit
    R0-p(R1,CPE1)
    >>> circuit.parameters
    ('R0', 'R1', 'CPE1.Q', 'CPE1.alpha')
    >>> circuit == Circuit("R0(R1Q1)")
    True
    """

    tree: Node
    elements: tuple[Element, ...] = field(compare=False)
    parameters: tuple[str, ...] = field(compare=False)  # "R0", "CPE1.Q", "CPE1.alpha"
    full_names: tuple[str, ...] = field(compare=False)  # "R0.R", "CPE1.Q", "CPE1.alpha"
    specs: tuple[ParameterSpec, ...] = field(compare=False)
    roles: Mapping[str, str] = field(compare=False)  # element name -> role, for library circuits
    _index: dict[str, int] = field(compare=False)
    _hash: int = field(compare=False)  # of the tree; circuits are the keys of many caches

    def __init__(self, expression: str) -> None:
        if not isinstance(expression, str):
            raise CircuitError(f"circuit: {expression!r}; give an expression such as 'R0-p(R1,C1)'")
        self._fill(parse(expression))

    @classmethod
    def from_tree(cls, tree: Node, roles: Mapping[str, str] | None = None) -> "Circuit":
        """Return the circuit of a tree of elements with distinct names and, optionally, roles."""
        circuit = cls.__new__(cls)
        circuit._fill(tree, roles)
        return circuit

    @classmethod
    def from_impedance_py(cls, model: "BaseCircuit | str") -> "Circuit":
        """Return the circuit of an impedance.py model, or of its circuit string.

        Raises
        ------
        CircuitError
            If eistool has no equivalent of an element.

        See Also
        --------
        eistool.circuit.values_from_impedance_py : parameter values by eistool's names.
        """
        circuit: Circuit = forward("from_impedance_py")(model)
        return circuit

    def _fill(self, tree: Node, roles: Mapping[str, str] | None = None) -> None:
        elements = tuple(leaves(tree))
        _check_distinct([element.name for element in elements])
        pairs = [(element, spec) for element in elements for spec in element.spec.parameters]
        full = tuple(f"{element.name}.{spec.name}" for element, spec in pairs)
        short = tuple(
            element.name if len(element.spec.parameters) == 1 else name
            for (element, _), name in zip(pairs, full, strict=True)
        )
        index = {name: i for names in (full, short) for i, name in enumerate(names)}
        specs = tuple(spec for _, spec in pairs)
        contents = (tree, elements, short, full, specs, MappingProxyType(dict(roles or {})), index, hash(tree))
        for name, value in zip(self.__slots__, contents, strict=True):
            object.__setattr__(self, name, value)

    def __hash__(self) -> int:
        return self._hash

    @property
    def units(self) -> tuple[str, ...]:
        """Units of the parameters; empty for exponents."""
        return tuple(spec.unit for spec in self.specs)

    def index(self, name: str) -> int:
        """Return the index of a parameter given by full or short name.

        Raises
        ------
        CircuitError
            If the circuit has no such parameter; the message suggests similar names.

        Examples
        --------
        >>> Circuit("R0-CPE1").index("R0"), Circuit("R0-CPE1").index("R0.R")
        (0, 0)
        >>> Circuit("R0-Q1").index("Q1.alpha")
        2
        """
        known = name if name in self._index or not isinstance(name, str) else canonical_name(name)
        if known not in self._index:
            close = difflib.get_close_matches(str(name), self._index, n=3) or self.parameters
            raise CircuitError(f"{self}: no parameter {name!r}; did you mean {', '.join(close)}?")
        return self._index[known]

    def values(self, values: Mapping[str, float] | ArrayLike) -> FloatArray:
        """Return parameter values as an array in the circuit's order.

        Parameters
        ----------
        values : mapping or array_like, shape (n_parameters,)
            Values by full or short name, or in the circuit's order.

        Raises
        ------
        CircuitError
            If a value is missing, unknown, not finite or negative, or an exponent is outside (0, 1].

        Examples
        --------
        >>> Circuit("R0-CPE1").values({"CPE1.Q": 1e-6, "CPE1.alpha": 0.9, "R0": 10}).tolist()
        [10.0, 1e-06, 0.9]
        """
        if isinstance(values, Mapping):
            values = self._in_order(values)
        try:
            array: FloatArray = np.array(values, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise CircuitError(f"{self}: values are not numbers ({error})") from error
        if array.shape != (len(self.parameters),):
            raise CircuitError(
                f"{self}: values of shape {array.shape}; give {len(self.parameters)}: {', '.join(self.parameters)}"
            )
        for name, spec, value in zip(self.parameters, self.specs, array, strict=True):
            good = 0 < value <= 1 if spec.kind == "exponent" else 0 <= value < np.inf
            if not good:
                allowed = "a number in (0, 1]" if spec.kind == "exponent" else "a finite, non-negative number"
                raise CircuitError(f"{self}: {name}={value:g}; give {allowed}")
        return array

    def _in_order(self, values: Mapping[str, float]) -> list[float]:
        ordered: dict[int, float] = {}
        for name, value in values.items():
            index = self.index(name)
            if index in ordered:
                raise CircuitError(f"{self}: {self.parameters[index]} is given twice; remove one value")
            ordered[index] = value
        missing = [name for i, name in enumerate(self.parameters) if i not in ordered]
        if missing:
            raise CircuitError(f"{self}: no value for {', '.join(missing)}; give all {len(self.parameters)}")
        return [ordered[i] for i in range(len(self.parameters))]

    def impedance(self, frequency: ArrayLike, values: Mapping[str, float] | ArrayLike) -> ComplexArray:
        """Return the complex impedance in ohm.

        Parameters
        ----------
        frequency : array_like, shape (n_freq,)
            Positive frequencies in Hz.
        values : mapping or array_like, shape (n_parameters,)
            See :meth:`values`.

        Returns
        -------
        ComplexArray, shape (n_freq,)

        Examples
        --------
        >>> Circuit("R0-p(R1,C1)").impedance([1e6, 1e-3], [10, 100, 1e-6]).round(1)
        array([ 10.-0.2j, 110.-0.j ])
        """
        impedance: ComplexArray = forward("evaluate_impedance")(self, frequency, values)
        return impedance

    def jacobian(self, frequency: ArrayLike, values: Mapping[str, float] | ArrayLike) -> ComplexArray:
        """Return the derivatives of the impedance with respect to the parameters.

        Parameters
        ----------
        frequency, values
            As for :meth:`impedance`.

        Returns
        -------
        ComplexArray, shape (n_freq, n_parameters)

        Examples
        --------
        >>> Circuit("R0-L0").jacobian([1.0], [10, 1e-6]).round(3)
        array([[1.+0.j   , 0.+6.283j]])
        """
        jacobian: ComplexArray = forward("evaluate_jacobian")(self, frequency, values)
        return jacobian

    def to_latex(self) -> str:
        r"""Return the equation of the impedance as LaTeX without dollar signs.

        Examples
        --------
        >>> print(Circuit("R0-p(R1,C1)").to_latex())
        Z(\omega)=R_{0}+\frac{1}{\frac{1}{R_{1}}+j\omega C_{1}}
        """
        return rf"Z(\omega)={to_latex(self.tree)}"

    def to_impedance_py(self, values: Mapping[str, float] | ArrayLike | None = None) -> "BaseCircuit":
        """Return an ``impedance.models.circuits.CustomCircuit``.

        Parameters
        ----------
        values : mapping or array_like, optional
            Converted to impedance.py's parameters as ``initial_guess``; empty by default.

        Raises
        ------
        CircuitError
            If impedance.py has no equivalent of an element.
        """
        model: BaseCircuit = forward("to_impedance_py")(self, values)
        return model

    def __repr__(self) -> str:
        return str(self.tree)

    def __reduce__(self) -> tuple[Any, ...]:
        return Circuit.from_tree, (self.tree, dict(self.roles))

    def _repr_html_(self) -> str:
        titles = [element.spec.title for element in self.elements for _ in element.spec.parameters]
        rows = list(zip(self.parameters, self.units, titles, strict=True))
        return html_table(repr(self), ("parameter", "unit", "element"), rows)


def _check_distinct(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise CircuitError(f"circuit: {name} occurs twice; give every element a unique label")
        seen.add(name)
