"""Compilation of circuits to flat programs for the kernels."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from eistool.circuit.circuit import Circuit
from eistool.circuit.custom_elements import callback_address, take_error
from eistool.circuit.elements import CUSTOM_ELEMENTS, DIMENSIONS
from eistool.circuit.tree import Element, Node, Parallel, Series
from eistool.errors import CircuitError
from eistool.kernels import model, parameters
from eistool.typing import BoolArray, ComplexArray, FloatArray, IntArray

CACHE_LINE = 8  # doubles
# power laws A (jω)^n: row of ω^n, and row of ω^-n in groups that add admittances
_POWER_ROWS = {
    "R": (model.ROW_ONE, model.ROW_ONE),
    "L": (model.ROW_X, model.ROW_INVERSE),
    "C": (model.ROW_INVERSE, model.ROW_X),
    "W": (model.ROW_INVERSE_ROOT, model.ROW_ROOT),
}
_CODES = {
    "CPE": model.CPE,
    "La": model.LA,
    "Zarc": model.ZARC,
    "K": model.K,
    "RL": model.RL,
    "Ws": model.WS,
    "Wo": model.WO,
    "G": model.G,
    "FG": model.FG,
    "HN": model.HN,
    "FWs": model.FWS,
    "FWo": model.FWO,
    "TLMee": model.TLM_EE,
    "TLMii": model.TLM_II,
    "TLMie": model.TLM_IE,
    "TLMct": model.TLM_CT,
    "deLevie": model.DE_LEVIE,
}
_KINDS = {"tau": parameters.LOG_TAU, "exponent": parameters.EXPONENT}


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """Operations, groups and parameter tables of a circuit; see :mod:`eistool.kernels.model`.

    Parameters are ordered by operation: ``order[k]`` is the index of parameter k in the circuit.
    """

    operations: IntArray  # shape (o, 6); the row of a custom element is the address of its function
    in_hertz: BoolArray  # shape (o,): an exponent acts on ω instead of ω/ω0
    parents: IntArray  # shape (g,)
    order: IntArray  # shape (p,)
    groups: IntArray  # shape (p,)
    terms: IntArray  # shape (p,): index of the part of the outermost series
    kinds: IntArray  # shape (p,)
    nested: BoolArray  # shape (p,): amplitudes on which Z depends nonlinearly
    table: FloatArray  # shape (p, 5)
    index: IntArray  # shape (p, 3)
    # shape (a, 4): class and R, tau, alpha (or -1) of arcs in the outermost series; the rails of a line form a
    # separate class, ordered like time constants
    arcs: IntArray

    @property
    def loops(self) -> bool:
        """Whether the circuit can have an inductive loop, which a ladder of RC elements cannot describe."""
        return any(
            code in (model.RL, model.LA, model.CUSTOM)
            or (code == model.POWER and group > 0 and row == (model.ROW_X if sign > 0 else model.ROW_INVERSE))
            for code, group, _, sign, row, _ in self.operations.tolist()
        )

    def offsets(self, log_omega_0: float) -> FloatArray:
        """Return the shift of ln(ω/ω0) for each operation."""
        return np.where(self.in_hertz, log_omega_0, 0.0)

    def to_theta(self, values: FloatArray, scale: FloatArray) -> FloatArray:
        """Return theta for the circuit's parameter values; ``scale`` is (ln Z0, ln ω0)."""
        theta = np.empty(values.size)
        parameters.to_theta(self.table, self.index, scale, values[self.order], theta)
        return theta

    def to_values(self, theta: FloatArray, scale: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the circuit's parameter values, shape (p,), and dp/dtheta, shape (p, p)."""
        ordered = np.empty(theta.size)
        ordered_derivative = np.empty((theta.size, theta.size))
        parameters.to_values(self.table, self.index, scale, theta, ordered, ordered_derivative)
        values, derivative = np.empty_like(ordered), np.empty_like(ordered_derivative)
        values[self.order] = ordered
        derivative[self.order] = ordered_derivative
        return values, derivative

    def workspace(self, n: int) -> tuple[FloatArray, FloatArray]:
        """Return the kernels' ``sums`` and ``rows`` for n points, a multiple of the block width."""
        return aligned(self.parents.size, 2 * n), aligned(self.kinds.size, 2 * n)

    def evaluate(
        self, omega: FloatArray, theta: FloatArray, log_omega_0: float = 0.0
    ) -> tuple[ComplexArray, ComplexArray]:
        """Return Z, shape (n_freq,), and dZ/dtheta, shape (n_freq, p), at ω/ω0."""
        grid = frequency_grid(omega)
        sums, rows = self.workspace(grid.shape[1])
        offsets = self.offsets(log_omega_0)
        model.evaluate(self.operations, offsets, self.parents, self.groups, theta, grid, sums, rows)
        if error := take_error():
            raise CircuitError(error)
        return from_blocks(sums[0], omega.size), from_blocks(rows, omega.size).T


def frequency_grid(omega: FloatArray) -> FloatArray:
    """Return the kernels' ``grid``, shape (6, n), with n padded to a multiple of the block width."""
    x = np.ones(-(-omega.size // model.WIDTH) * model.WIDTH)
    x[: omega.size] = omega
    root = np.sqrt(x)
    return np.stack([np.log(x), np.ones_like(x), x, 1.0 / x, root, 1.0 / root], out=aligned(6, x.size))


def aligned(n_rows: int, length: int) -> FloatArray:
    """Return an uninitialised array that begins at a cache line, as rows of whole blocks then do too."""
    start = np.empty(n_rows * length + CACHE_LINE - 1)
    offset = -(start.__array_interface__["data"][0] // start.itemsize) % CACHE_LINE
    return start[offset : offset + n_rows * length].reshape(n_rows, length)


def to_blocks(real: FloatArray, imag: FloatArray, n: int) -> FloatArray:
    """Return a complex row in the kernels' layout, shape (2 n,), padded with 0."""
    planes = np.zeros((2, n))
    planes[0, : real.size] = real
    planes[1, : imag.size] = imag
    return planes.reshape(2, -1, model.WIDTH).transpose(1, 0, 2).reshape(-1)


def from_blocks(row: FloatArray, n_points: int) -> ComplexArray:
    """Return complex values from rows in the kernels' layout, shape (..., 2 n)."""
    blocks = row.reshape(*row.shape[:-1], -1, 2, model.WIDTH)
    values: ComplexArray = blocks[..., 0, :] + 1j * blocks[..., 1, :]
    return values.reshape(*row.shape[:-1], -1)[..., :n_points]


@functools.lru_cache(maxsize=256)
def compile_circuit(circuit: Circuit, arcs: bool = False, held: frozenset[int] = frozenset()) -> Program:
    """Return the program of a circuit.

    Parameters
    ----------
    circuit : Circuit
        The circuit.
    arcs : bool
        Whether to fuse every p(R,CPE) and p(R,C) to an arc of (R, tau, alpha).
    held : frozenset of int
        Indices of circuit parameters that are fixed or bounded in their own unit: a Q among them is neither
        replaced by a time constant nor scaled by the frequency unit of the data.
    """
    builder = _Builder(circuit, arcs, held)
    builder.add_node(circuit.tree, 0, impedances=True)
    return builder.program()


class _Builder:
    """Collects operations, groups and parameter tables of a tree."""

    def __init__(self, circuit: Circuit, arcs: bool, held: frozenset[int]) -> None:
        self.circuit = circuit
        self.fuse = arcs
        self.held = held
        self.operations: list[tuple[int, ...]] = []
        self.in_hertz: list[bool] = []
        self.parents = [-1]
        self.order: list[int] = []
        self.groups: list[int] = []
        self.terms: list[int] = []
        self.n_terms = 0
        self.nested: list[bool] = []
        self.table: list[tuple[float, ...]] = []
        self.index: list[tuple[int, int, int]] = []
        self.arcs: list[tuple[int, int, int, int]] = []

    def program(self) -> Program:
        kinds = [_KINDS.get(self.circuit.specs[i].kind, parameters.AMPLITUDE) for i in self.order]
        for row, (_, r, _) in enumerate(self.index):
            if r >= 0:
                kinds[row] = parameters.LOG_TAU
        nested = [n and kind == parameters.AMPLITUDE for n, kind in zip(self.nested, kinds, strict=True)]
        return Program(
            operations=np.array(self.operations, dtype=np.int64),
            in_hertz=np.array(self.in_hertz, dtype=np.bool_),
            parents=np.array(self.parents, dtype=np.int64),
            order=np.array(self.order, dtype=np.int64),
            groups=np.array(self.groups, dtype=np.int64),
            terms=np.array(self.terms, dtype=np.int64),
            kinds=np.array(kinds, dtype=np.int64),
            nested=np.array(nested, dtype=np.bool_),
            table=np.array(self.table, dtype=np.float64),
            index=np.array(self.index, dtype=np.int64),
            arcs=np.array(sorted(self.arcs), dtype=np.int64).reshape(-1, 4),
        )

    def add_node(self, node: Node, group: int, impedances: bool) -> None:
        """Add a node to a group that sums impedances, or admittances."""
        if isinstance(node, Series if impedances else Parallel):
            for part in node.parts:
                self.add_node(part, group, impedances)
            return
        if group == 0:
            self.n_terms += 1
        if isinstance(node, Element) and (impedances or node.symbol in (*_POWER_ROWS, "CPE", "La")):
            self.add_element(node, group, impedances)
        elif not (impedances and self.add_arc(node, group)):
            self.parents.append(group)
            self.add_node(node, len(self.parents) - 1, not impedances)

    def add_element(self, element: Element, group: int, impedances: bool) -> None:
        sign = 1 if impedances else -1
        first, count = self.first(element), len(element.spec.parameters)
        held = any(i in self.held for i in range(first, first + count))
        row = 0
        code = model.POWER
        if element.symbol in _POWER_ROWS:
            row = _POWER_ROWS[element.symbol][0 if impedances else 1]
        elif element.symbol in CUSTOM_ELEMENTS:
            code, row = model.CUSTOM, callback_address(element.symbol)
        else:
            code = _CODES[element.symbol]
        p = self.operation(code, group, sign, row, count, held)
        if element.symbol in ("Zarc", "K") and group == 0:
            self.arcs.append((code, p, p + 1, p + 2 if count > 2 else -1))
        if element.symbol in ("TLMie", "TLMct"):
            # Z is symmetric in the rails: the smaller resistance comes first, with a class for each line
            self.arcs += [(-1 - p, -1, p, -1), (-1 - p, -1, p + 1, -1)]
        kinds = [spec.kind for spec in element.spec.parameters]
        n_amplitudes = count - kinds.count("tau") - kinds.count("exponent")
        for i, spec in enumerate(element.spec.parameters):
            dimension = list(spec.dimension)
            alpha = -1
            if dimension[parameters.POWER_W_ALPHA]:
                alpha = p + kinds.index("exponent", i)
                dimension[parameters.POWER_W_ALPHA] = 0.0 if held else 1.0
            self.parameter(first + i, group, group > 0 or n_amplitudes > 1, dimension, alpha, -1)

    def add_arc(self, node: Node, group: int) -> bool:
        """Add p(R,CPE) or p(R,C) as an arc; return False for other nodes and held parameters."""
        parts = node.parts if isinstance(node, Parallel) else ()
        elements = {part.symbol: part for part in parts if isinstance(part, Element)}
        if not self.fuse or len(parts) != 2 or set(elements) not in ({"R", "CPE"}, {"R", "C"}):
            return False
        depressed = "CPE" in elements
        resistor, capacitor = elements["R"], elements["CPE" if depressed else "C"]
        r, q = self.first(resistor), self.first(capacitor)
        if q in self.held:
            return False
        p = self.operation(model.ZARC if depressed else model.K, group, 1, 0, 3 if depressed else 2, False)
        alpha = p + 2 if depressed else -1
        self.parameter(r, group, group > 0, DIMENSIONS["resistance"], -1, -1)
        self.parameter(q, group, False, DIMENSIONS["cpe" if depressed else "capacitance"], alpha, p)
        if depressed:
            self.parameter(q + 1, group, False, DIMENSIONS["exponent"], -1, -1)
        if group == 0:
            self.arcs.append((self.operations[-1][0], p, p + 1, alpha))
        return True

    def first(self, element: Element) -> int:
        return self.circuit.index(f"{element.name}.{element.spec.parameters[0].name}")

    def operation(self, code: int, group: int, sign: int, row: int, count: int, in_hertz: bool) -> int:
        """Add an operation and return the program's index of its first parameter."""
        p = len(self.order)
        self.operations.append((code, group, p, sign, row, count))
        self.in_hertz.append(in_hertz)
        return p

    def parameter(
        self, i: int, group: int, nested: bool, dimension: Sequence[float], alpha: int, resistance: int
    ) -> None:
        self.order.append(i)
        self.groups.append(group)
        self.terms.append(self.n_terms - 1)
        self.nested.append(nested)
        self.table.append(tuple(dimension))
        self.index.append((alpha, resistance, int(self.circuit.specs[i].kind == "exponent")))


def evaluate_impedance(
    circuit: Circuit, frequency: ArrayLike, values: Mapping[str, float] | ArrayLike
) -> ComplexArray:
    """Return the impedance of a circuit; see :meth:`Circuit.impedance`."""
    program, omega, theta = _problem(circuit, frequency, values)
    return program.evaluate(omega, theta)[0]


def evaluate_jacobian(
    circuit: Circuit, frequency: ArrayLike, values: Mapping[str, float] | ArrayLike
) -> ComplexArray:
    """Return the derivatives of the impedance of a circuit; see :meth:`Circuit.jacobian`."""
    program, omega, theta = _problem(circuit, frequency, values)
    by_theta = program.evaluate(omega, theta)[1]
    jacobian = np.empty_like(by_theta)
    # dp/dtheta is diagonal without arcs and at unit scale
    diagonal = np.diag(program.to_values(theta, np.zeros(2))[1][program.order])
    jacobian[:, program.order] = by_theta / diagonal
    return jacobian


def _problem(
    circuit: Circuit, frequency: ArrayLike, values: Mapping[str, float] | ArrayLike
) -> tuple[Program, FloatArray, FloatArray]:
    omega: FloatArray = 2 * np.pi * np.atleast_1d(np.array(frequency, dtype=np.float64))
    if omega.ndim != 1 or not np.all((omega > 0) & np.isfinite(omega)):
        raise CircuitError(f"{circuit}: expected a one-dimensional array of positive, finite frequencies in Hz")
    program = compile_circuit(circuit)
    return program, omega, program.to_theta(circuit.values(values), np.zeros(2))
