"""Assignment of the arcs of a fit: candidates by capacitance, and evidence for grain boundaries."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Annotated, Any

import numpy as np

from eistool.circuit import Circuit, Element, Node, Series
from eistool.circuit.tree import join, leaves
from eistool.constants import VACUUM_F_PER_CM
from eistool.display import format_fixed, format_value
from eistool.errors import EistoolError
from eistool.fitting import FitResult, Process, fit_many
from eistool.fitting.arcs import arcs
from eistool.fitting.result import STRONG
from eistool.materials.capacitance import EffectiveCapacitance, effective_capacitance
from eistool.spectrum import CellGeometry, check_geometry
from eistool.typing import Threshold

IRVINE = "Irvine, Sinclair and West, doi:10.1002/adma.19900020304"
TOLERANCE: Annotated[
    float, Threshold("factor on the capacitances of the table", "orders of magnitude are tabulated; " + IRVINE)
] = 3.0
PERMITTIVITY: Annotated[
    tuple[float, float],
    Threshold("relative permittivity of a bulk", "usual for other than ferroelectrics"),
] = (5.0, 100.0)

THROUGH: Annotated[
    Mapping[str, tuple[float, float]],
    Threshold("capacitances through a pellet, C L/A in F/cm", IRVINE),
] = MappingProxyType(
    {
        "bulk": (1e-12, 1e-12),
        "grain_boundary": (1e-11, 1e-8),
        "phase": (1e-11, 1e-11),
        "ferroelectric_bulk": (1e-10, 1e-9),
    }
)
FACES: Annotated[Mapping[str, tuple[float, float]], Threshold("capacitances of faces, C/A in F/cm²", IRVINE)] = (
    MappingProxyType({"surface_layer": (1e-9, 1e-7), "electrode": (1e-7, 1e-5), "reaction": (1e-4, 1e-4)})
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignedProcess(Process):
    """Arc or blocking electrode with its candidate assignments.

    ``assignment`` is the role of the circuit library if it gives one, else the first candidate. A blocking
    electrode has an infinite R and no τ.

    References
    ----------
    .. [1] J. T. S. Irvine, D. C. Sinclair, A. R. West, Adv. Mater. 2 (1990) 132,
       doi:10.1002/adma.19900020304
    """

    candidates: tuple[str, ...]  # by capacitance, the most probable first
    by_role: bool  # whether the assignment is a role of the circuit library
    C_brug: float  # F
    u_C_brug: float
    C_brug_blocking: float
    u_C_brug_blocking: float
    C_through_F_per_cm: float  # C L/A
    C_face_F_per_cm2: float  # C / A
    permittivity: float  # assuming a bulk
    u_permittivity: float
    delta_bic: float  # increase of BIC without the arc; nan if not tested
    reason: str

    def __repr__(self) -> str:
        R = "blocking" if math.isinf(self.R) else f"R = {format_value(self.R, self.u_R)} ohm"
        return f"AssignedProcess({self.name} {self.assignment or 'unknown'}: {R}, {self.reason})"


def assign(
    result: FitResult, cell: CellGeometry | None = None, evidence: bool = True
) -> tuple[AssignedProcess, ...]:
    """Assign the arcs of a fit to candidate processes, in order of τ.

    Parameters
    ----------
    result : FitResult
        Fit of any circuit.
    cell : CellGeometry, optional
        By default from the metadata of the spectrum; if unknown, L/A = 1/cm and A = 1 cm² are assumed.
    evidence : bool
        Whether possible grain boundaries are tested by a fit without their arc.

    Notes
    -----
    Processes through the pellet are identified by C L/A, those on a face by C/A [1]_, within a factor of 3.
    The permittivity C L/(A ε0) of a bulk is 5 to 100. Of two arcs compatible with bulk, the faster one is
    bulk, and the slower one a grain boundary if its C is larger.

    Examples
    --------
    >>> from eistool import CellGeometry, fit, load_circuit, simulate
    >>> from eistool.circuit.library import load_library_circuit
    >>> example = load_library_circuit("bulk_gb_spike").example
    >>> spectrum = simulate("bulk_gb_spike", example.frequency, example.values, noise=0.003, seed=1)
    >>> arcs = assign(fit(spectrum, "bulk_gb_spike"), CellGeometry(thickness_um=1000, diameter_mm=10))
    >>> [(one.name, one.assignment, one.candidates[0]) for one in arcs]
    [('R_b', 'bulk', 'bulk'), ('R_gb', 'grain_boundary', 'grain_boundary'), ('CPE1', 'electrode', 'electrode')]
    """
    check_geometry(cell)
    if not result.success:
        return ()
    cell = cell or CellGeometry.from_metadata(result.spectrum.metadata)
    names = {arc[0].split(".")[0] for arc in arcs(result.circuit.tree)}
    assigned = _in_order([_arc(result, process, cell) for process in result.processes if process.name in names])
    if evidence:
        assigned = [_with_evidence(result, one) for one in assigned]
    return (*assigned, *_electrodes(result, cell, assigned))


def plausible_grain_boundary(process: AssignedProcess) -> bool:
    """Return whether the capacitance of an arc is compatible with grain boundaries."""
    return _within(process.C_through_F_per_cm, THROUGH["grain_boundary"])


def grain_boundary_objection(process: AssignedProcess) -> str:
    """Return the condition for a grain boundary that an arc does not meet, or an empty string.

    Its apex must lie in the window, its capacitance be plausible, and BIC rise by more than 10 without it.
    """
    if not plausible_grain_boundary(process):
        capacitance = (
            f"C L/A = {process.C_through_F_per_cm:.2g} F/cm" if math.isfinite(process.C_eff) else "alpha < 0.6"
        )
        return f"the capacitance of {process.name} is not that of grain boundaries ({capacitance})"
    if process.status != "ok":
        outside = "has its apex outside the window" if process.status == "extrapolated" else "is not resolved"
        return f"{process.name} {outside}"
    if not process.delta_bic > STRONG:
        rise = format_fixed(process.delta_bic, 1)
        return f"without {process.name} the BIC rises by {rise} only, not by more than {STRONG:g}"
    return ""


def _candidates(through: float, face: float) -> tuple[str, ...]:
    """Return candidates by capacitance, those without tolerance first, in the order of the tables."""
    distances = {name: _distance(through, ends) for name, ends in THROUGH.items()}
    distances |= {name: _distance(face, ends) for name, ends in FACES.items()}
    if _is_permittivity(through / VACUUM_F_PER_CM):
        distances["bulk"] = 0.0
    near = [name for name, distance in distances.items() if distance <= math.log(TOLERANCE)]
    # distances may be equal but for their last bits
    return tuple(sorted(near, key=lambda name: round(distances[name], 9)))


def _distance(value: float, ends: tuple[float, float]) -> float:
    """Return the logarithm of the factor by which a value lies outside a range, 0 inside."""
    return max(0.0, math.log(ends[0] / value), math.log(value / ends[1]))


def _within(value: float, ends: tuple[float, float]) -> bool:
    return ends[0] / TOLERANCE <= value <= ends[1] * TOLERANCE


def _is_permittivity(value: float) -> bool:
    return PERMITTIVITY[0] <= value <= PERMITTIVITY[1]


def _scales(cell: CellGeometry | None) -> tuple[float, float, float]:
    """Return L/A, its relative uncertainty, and A; 1 if unknown."""
    if cell is None or cell.cell_constant_per_cm is None:
        return 1.0, 0.0, 1.0
    constant = cell.cell_constant_per_cm
    return constant, (cell.u_cell_constant_per_cm or 0.0) / constant, cell.area_cm2 or 1.0


def _arc(result: FitResult, process: Process, cell: CellGeometry | None) -> AssignedProcess:
    constant, u_constant, area = _scales(cell)
    brug = _capacitances(result, process)
    through = process.C_eff * constant
    permittivity = through / VACUUM_F_PER_CM
    u_relative = math.hypot(process.u_C_eff / process.C_eff, u_constant)
    candidates = _candidates(through, process.C_eff / area) if math.isfinite(through) else ()
    role = process.assignment if process.assignment != "process" else ""
    return AssignedProcess(
        **_contents(process) | {"assignment": role or next(iter(candidates), "")},
        candidates=candidates,
        by_role=bool(role),
        C_brug=brug.brug,
        u_C_brug=brug.u_brug,
        C_brug_blocking=brug.brug_blocking,
        u_C_brug_blocking=brug.u_brug_blocking,
        C_through_F_per_cm=through,
        C_face_F_per_cm2=process.C_eff / area,
        permittivity=permittivity,
        u_permittivity=permittivity * u_relative,
        delta_bic=math.nan,
        reason=_reason(role, candidates, through, permittivity, cell is None),
    )


def _contents(process: Process) -> dict[str, Any]:
    return {field.name: getattr(process, field.name) for field in fields(Process)}


def _reason(role: str, candidates: Sequence[str], through: float, permittivity: float, assumed: bool) -> str:
    if not math.isfinite(through):
        text = "no effective capacitance below alpha = 0.6"
    elif candidates:
        text = f"C L/A = {through:.2g} F/cm suggests {' or '.join(candidates)}"
        text += f", εr = {permittivity:.2g} as bulk" if "bulk" in (role, *candidates) else ""
    else:
        text = f"C L/A = {through:.2g} F/cm matches no entry of the table"
    if assumed:
        text += " (cell unknown: L/A = 1/cm and 1 cm² assumed)"
    return f"{role} by the circuit library; {text}" if role else text


def _in_order(arcs: list[AssignedProcess]) -> list[AssignedProcess]:
    """Keep the fastest bulk candidate as bulk; a slower one becomes a grain boundary if its C is larger."""
    bulk: AssignedProcess | None = None
    ordered = []
    for one in arcs:
        if not one.by_role and one.assignment == "bulk":
            if bulk is not None:
                others = tuple(name for name in one.candidates if name != "bulk")
                larger = one.C_eff > bulk.C_eff
                others = (
                    ("grain_boundary", *(name for name in others if name != "grain_boundary")) if larger else ()
                )
                text = "slower than the bulk arc" + (", with a larger C" if larger else ", without a larger C")
                one = replace(
                    one, candidates=others, assignment=next(iter(others), ""), reason=f"{one.reason}; {text}"
                )
            bulk = bulk or one
        elif one.assignment == "bulk":
            bulk = bulk or one
        ordered.append(one)
    return ordered


def _with_evidence(result: FitResult, one: AssignedProcess) -> AssignedProcess:
    if one.status != "ok" or one.assignment not in ("grain_boundary", "phase", ""):
        return one
    rival = fit_without(result, one.name)
    return one if rival is None else replace(one, delta_bic=rival.bic - result.bic)


def fit_without(result: FitResult, name: str) -> FitResult | None:
    """Return the fit of the circuit without the arc of a resistor, or None if no circuit remains.

    An inductance is tried in addition if the circuit has none, since it can replace a fast arc.
    """
    parts = series_parts(result.circuit)
    rest = tuple(part for part in parts if name not in {element.name for element in leaves(part)})
    if not rest or len(rest) == len(parts):
        return None
    rivals: list[Node] = [join(Series, rest)]
    symbols = {element.symbol for part in rest for element in leaves(part)}
    if not symbols & {"L", "La", "RL"}:
        rivals.append(join(Series, (Element("L", "0"), *rest)))
    fits = []
    for rival in rivals:
        names = {element.name for element in leaves(rival)}
        roles = {element: role for element, role in result.circuit.roles.items() if element in names}
        circuit = Circuit.from_tree(rival, roles)
        held = {
            p: result.parameters[p].value
            for p in circuit.parameters
            if result.parameters.get(p) is not None and result.parameters[p].status == "fixed"
        }
        try:
            fits += fit_many([result.spectrum], circuit, jobs=1, fixed=held, weighting=result.weighting)
        except EistoolError:  # no free parameter remains
            continue
    return min((other for other in fits if other.success), key=lambda other: other.bic, default=None)


def _capacitances(result: FitResult, process: Process) -> EffectiveCapacitance:
    """Return the capacitances of an arc, with faster arcs as part of the series resistance."""
    names = next(names for names in arcs(result.circuit.tree) if names[0].split(".")[0] == process.name)
    faster = [other.name for other in result.processes if other.tau < process.tau]
    return _effective_capacitance(result, names, [*_series_resistors(result.circuit), *faster])


def _effective_capacitance(
    result: FitResult, names: tuple[str, ...], before: Sequence[str]
) -> EffectiveCapacitance:
    """Return the capacitances of an element from (R, Q, alpha), (R, tau, alpha), or (Q, alpha) if it blocks."""
    circuit = result.circuit
    index = [circuit.index(name) for name in names]
    kinds = [circuit.specs[i].kind for i in index]
    values = [float(result.values[i]) for i in index]
    jacobian = np.zeros((4, len(circuit.parameters)))  # of Q, alpha, R, R_s
    alpha = 1.0
    if "exponent" in kinds:
        alpha = values[kinds.index("exponent")]
        jacobian[1, index[kinds.index("exponent")]] = 1.0
    R = None
    if "resistance" in kinds:
        R = values[0]
        jacobian[2, index[0]] = 1.0
    if "tau" in kinds:
        tau = values[kinds.index("tau")]
        R = values[0]
        Q = tau**alpha / R
        jacobian[0, index[0]] = -Q / R
        jacobian[0, index[kinds.index("tau")]] = Q * alpha / tau
        jacobian[0] += jacobian[1] * Q * math.log(tau)
    else:
        at = 0 if R is None else 1
        Q = values[at]
        jacobian[0, index[at]] = 1.0
    series = [circuit.index(f"{name}.R") for name in before]
    jacobian[3, series] = 1.0
    R_s = float(sum(result.values[i] for i in series)) if series else None
    return effective_capacitance(Q, alpha, R, R_s, jacobian @ result.covariance @ jacobian.T)


def series_parts(circuit: Circuit) -> tuple[Node, ...]:
    """Return the series parts of a circuit."""
    return circuit.tree.parts if isinstance(circuit.tree, Series) else (circuit.tree,)


def _series_resistors(circuit: Circuit) -> list[str]:
    parts = series_parts(circuit)
    return [part.name for part in parts if isinstance(part, Element) and part.symbol == "R"]


def _electrodes(
    result: FitResult, cell: CellGeometry | None, faster: Sequence[AssignedProcess]
) -> list[AssignedProcess]:
    """Return the constant-phase elements and capacitors in series: blocking electrodes."""
    _, _, area = _scales(cell)
    electrodes = []
    for part in series_parts(result.circuit):
        if not isinstance(part, Element) or part.symbol not in ("CPE", "C"):
            continue
        names = tuple(f"{part.name}.{spec.name}" for spec in part.spec.parameters)
        before = [*_series_resistors(result.circuit), *(one.name for one in faster)]
        capacitances = _effective_capacitance(result, names, before)
        is_capacitor = part.symbol == "C"
        C = result.parameters[names[0]].value if is_capacitor else capacitances.brug_blocking
        u_C = result.parameters[names[0]].stderr if is_capacitor else capacitances.u_brug_blocking
        alpha = result.parameters.get(f"{part.name}.alpha")
        role = result.parameters[names[0]].role
        candidates = tuple(name for name, ends in FACES.items() if _within(C / area, ends))
        suggestion = f"C/A = {C / area:.2g} F/cm² suggests {' or '.join(candidates) or 'no entry of the table'}"
        if not math.isfinite(C):
            suggestion = "its capacitance is unknown"
        electrodes.append(
            AssignedProcess(
                name=part.name,
                R=math.inf,
                u_R=math.nan,
                tau=math.inf,
                u_tau=math.nan,
                alpha=1.0 if alpha is None else alpha.value,
                u_alpha=0.0 if alpha is None else alpha.stderr,
                C_eff=C,
                u_C_eff=u_C,
                apex_Hz=0.0,
                u_apex_Hz=math.nan,
                assignment=role or next(iter(candidates), ""),
                status="ok",
                tau_status="ok",
                edge=False,
                candidates=candidates,
                by_role=bool(role),
                C_brug=math.nan,
                u_C_brug=math.nan,
                C_brug_blocking=capacitances.brug_blocking,
                u_C_brug_blocking=capacitances.u_brug_blocking,
                C_through_F_per_cm=math.nan,
                C_face_F_per_cm2=C / area,
                permittivity=math.nan,
                u_permittivity=math.nan,
                delta_bic=math.nan,
                reason=f"blocks; {suggestion}",
            )
        )
    return electrodes
