"""Candidate circuits of ``--circuit auto`` by cell type, and the choice among them."""

import functools
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import numpy as np
from scipy.ndimage import median_filter

from eistool.circuit import Circuit
from eistool.circuit.library import load_circuit
from eistool.circuit.limits import dc_resistance
from eistool.circuit.tree import Element, Node, Series, leaves, without
from eistool.constants import TWO_SIDED_95
from eistool.fitting import FitResult, Process, Quantity
from eistool.fitting.engine import Draft, complete_fit
from eistool.fitting.result import NEAR_TIE, TIE, UNRESOLVED
from eistool.spectrum import Metadata, Spectrum
from eistool.spectrum.geometry import consistent_geometry
from eistool.typing import PathLike, Threshold

if TYPE_CHECKING:
    from eistool.drt import SuggestedCircuit
    from eistool.tables.drt import Distribution

PELLET_CAPACITANCE_F: Annotated[
    tuple[float, float],
    Threshold(
        "capacitance in F of an evident arc of a pellet at L/A = 1/cm",
        "bulk 1e-12 to grain boundary 1e-8, doi:10.1002/adma.19900020304, within a factor of 3",
    ),
] = (3e-13, 3e-8)

ARC_EXPONENTS: Annotated[
    tuple[float, float],
    Threshold(
        "exponents of arcs with --circuit auto", "0.5 is that of diffusion; below, a CPE acts as a resistor"
    ),
] = (0.5, 1.0)
TAIL_EXPONENTS: Annotated[
    tuple[float, float],
    Threshold(
        "exponents of tails with --circuit auto",
        "engineering choice: anomalous diffusion reaches down to 0.3",
    ),
] = (0.3, 1.0)
VERY_STRONG: Annotated[
    float,
    Threshold(
        "twice the log evidence with which a spectrum keeps another circuit than its series",
        "very strong evidence by Kass and Raftery, doi:10.1080/01621459.1995.10476572",
    ),
] = 10.0
SMALLEST_ARC: Annotated[
    float,
    Threshold(
        "share of the total, and of |Z| for its rise, above which an arc of a blocking pellet is evident",
        "engineering choice: three times POOR_RESIDUAL",
    ),
] = 0.03
NEGLIGIBLE_EVIDENCE: Annotated[
    float,
    Threshold(
        "difference in log evidence beyond which a circuit has no part in averages or choices",
        "project definition: weight below 5e-5; beyond the differences that decide between circuits",
    ),
] = 10.0
INDUCTIVE_POINTS = 3  # highest frequencies that show an inductance of leads

LEAST_WEIGHT: Annotated[
    float, Threshold("weight of a circuit suggested by the DRT that is fitted", "project definition: 1 %")
] = 0.01

_BY_CELL_TYPE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "blocking": ("spike", "r0_arc_spike", "bulk_spike", "bulk_gb_spike"),
        "symmetric": (
            "nonblocking", "symmetric_li", "symmetric_li_sei", "symmetric_in", "symmetric_in_diffusion", "polymer",
        ),
        "electron_blocking": ("electron_blocking_stack", "symmetric_in", "symmetric_in_diffusion", "nonblocking"),
        "full": ("assb2", "assb2_diffusion", "assb3", "assb3_diffusion", "assb_gb", "randles_finite"),
    }
)  # fmt: skip
# one to three arcs with each kind of tail; no circuit that needs knowledge of the cell
_GENERAL = (
    "spike", "r0_arc_spike", "randles_simple", "randles", "randles_finite", "nonblocking", "assb2",
    "assb2_diffusion", "assb3", "assb3_diffusion",
)  # fmt: skip


def candidates(metadata: Metadata, folders: Iterable[PathLike] = ()) -> tuple[Circuit, ...]:
    """Return the circuits to compare for a spectrum.

    An unknown cell gets a general list without roles, since its arcs cannot be assigned. A circuit of the
    folders precedes the built-in one of its name.

    Examples
    --------
    >>> candidates(Metadata(cell_type="blocking"))[0].roles["R0"]
    'electrolyte'
    >>> dict(candidates(Metadata())[0].roles)
    {}
    """
    circuits = tuple(load_circuit(name, folders) for name in candidate_names(metadata))
    if metadata.cell_type in _BY_CELL_TYPE:
        return circuits
    return tuple(Circuit.from_tree(circuit.tree) for circuit in circuits)


def candidate_names(metadata: Metadata) -> tuple[str, ...]:
    """Return the library names of the circuits to compare, in the order of :func:`candidates`."""
    return _BY_CELL_TYPE.get(metadata.cell_type or "", _GENERAL)


def every_candidate() -> tuple[Circuit, ...]:
    """Return all circuits that may be compared for a spectrum of some cell."""
    names = dict.fromkeys(name for group in (*_BY_CELL_TYPE.values(), _GENERAL) for name in group)
    return tuple(load_circuit(name) for name in names)


def grown(drt: "Distribution", metadata: Metadata, circuits: Sequence[Circuit]) -> "tuple[SuggestedCircuit, ...]":
    """Return the circuits that a DRT suggests beside the given ones, without roles; none for a known cell.

    The circuits of a known cell assign their arcs, and a suggested one cannot.
    """
    if metadata.cell_type in _BY_CELL_TYPE or drt.result is None:
        return ()
    known = {_shape(circuit) for circuit in circuits}
    likely = (one for one in drt.suggested if one.weight > LEAST_WEIGHT)
    return tuple(one for one in likely if _shape(one.circuit) not in known)


def _shape(circuit: Circuit) -> tuple[str, ...]:
    """Return the parts in series without their labels, sorted, so that equal circuits compare equal."""
    parts = circuit.tree.parts if isinstance(circuit.tree, Series) else (circuit.tree,)
    return tuple(sorted(_unlabelled(part) for part in parts))


def _unlabelled(node: Node) -> str:
    if isinstance(node, Element):
        return node.symbol
    return f"{type(node).__name__}({','.join(sorted(map(_unlabelled, node.parts)))})"


def typical_exponents(circuit: Circuit) -> dict[str, tuple[float, float]]:
    """Return bounds of the exponents of constant-phase elements that circuits of real cells have.

    Below, an element of an arc takes the place of a resistor, and one of a tail that of an arc.

    Examples
    --------
    >>> typical_exponents(Circuit("R0-p(R1,CPE1)-CPE2"))
    {'CPE1.alpha': (0.5, 1.0), 'CPE2.alpha': (0.3, 1.0)}
    """
    tails = {part.name for part in _parts(circuit) if isinstance(part, Element) and part.symbol == "CPE"}
    names = [element.name for element in circuit.elements if element.symbol in ("CPE", "Zarc")]
    return {f"{name}.alpha": TAIL_EXPONENTS if name in tails else ARC_EXPONENTS for name in names}


def with_leads(circuit: Circuit, spectrum: Spectrum) -> tuple[Circuit, ...]:
    """Return the variants of a circuit with other inductances of leads, if the spectrum is inductive.

    An inductor gets the exponent of the skin effect; a circuit without one gets both.
    """
    fastest = np.argsort(spectrum.frequency[spectrum.mask])[-INDUCTIVE_POINTS:]
    if not (spectrum.impedance[spectrum.mask][fastest].imag > 0).any():
        return ()
    names = {element.name for element in circuit.elements}
    rest = [
        part for part in _parts(circuit) if not (isinstance(part, Element) and part.symbol in ("L", "La", "RL"))
    ]
    leads = [Element("La", "0")] if "L0" in names else [Element("L", "0"), Element("La", "0")]
    if names & {"La0", "RL0"}:
        return ()
    return tuple(Circuit.from_tree(Series((lead, *rest)), circuit.roles) for lead in leads)


def _parts(circuit: Circuit) -> tuple[Node, ...]:
    return circuit.tree.parts if isinstance(circuit.tree, Series) else (circuit.tree,)


def choose(results: Sequence[FitResult], metadata: Metadata, library: Collection[Circuit] = ()) -> FitResult:
    """Return the fit to take: the one with the most evidence, or a simpler one that ties with it.

    A circuit that describes the data precedes all others. Another one than those of the library needs strong
    evidence, since the same data suggested it. A blocking pellet gets a spike unless the arcs of another
    circuit are evident: apex in the window, capacitance of bulk or grain boundaries, and R above 3 u and 3 %
    of the total; or unless spike does not describe it, and -Im Z rises with frequency somewhere, as in an arc.
    """
    usable = [result for result in results if result.success]
    describing = [result for result in usable if result.status == "ok"]
    if metadata.cell_type == "blocking":
        evident = [result for result in describing or usable if _arcs_are_evident(result, metadata)]
        if evident:  # a spike has no arcs
            return _most_evidence(evident)
        if not describing or not _shows_an_arc(results[0].spectrum):
            return min(results, key=lambda result: len(result.circuit.elements))
        # a resistor beside an arc that is not resolved in the window would pass for the leads
        without = [result for result in describing if "R0" not in result.parameters or _arcs_are_inside(result)]
        largest = max(result.log_evidence for result in describing)
        describing = [r for r in without if largest - r.log_evidence < VERY_STRONG / 2] or describing
    if not describing:
        return min(usable, key=lambda result: result.bic, default=results[0])
    best = _most_evidence(describing)
    named = [result for result in describing if result.circuit in library]
    if named and best.circuit not in library:
        first = _most_evidence(named)
        if best.log_evidence - first.log_evidence < NEAR_TIE / 2:
            return first
    return best


def nested_start(circuit: Circuit, results: Iterable[Draft | FitResult]) -> dict[str, float]:
    """Return start values from the best fit of a circuit whose parts in series this circuit has too.

    Examples
    --------
    >>> import numpy as np
    >>> from eistool import fit, simulate
    >>> spectrum = simulate("R0-CPE1", np.geomspace(1, 1e5, 31), [10, 1e-5, 0.9], noise=0.01, seed=1)
    >>> start = nested_start(Circuit("L0-R0-p(R1,CPE1)-CPE2"), [fit(spectrum, "R0-CPE1")])
    >>> sorted(start)
    ['CPE2.Q', 'CPE2.alpha', 'R0.R']
    """
    best, start = math.inf, dict[str, float]()
    for result in results:
        places = _places(result.circuit, circuit)
        if result.success and result.chi2 < best and places:
            best, start = result.chi2, {name: float(result.values[i]) for name, i in places.items()}
    return start


@functools.lru_cache(maxsize=1024)  # the same candidates for every sweep
def _places(smaller: Circuit, circuit: Circuit) -> Mapping[str, int]:
    """Return the parameters of a circuit with their places in a smaller one; empty if it has another part."""
    known = [(_unlabelled(part), part) for part in _parts(circuit)]
    places = {}
    for part in _parts(smaller):
        match = next((pair for pair in known if pair[0] == _unlabelled(part)), None)
        if match is None:
            return {}
        known.remove(match)
        for own, other in zip(leaves(part), leaves(match[1]), strict=True):
            for spec in own.spec.parameters:
                places[f"{other.name}.{spec.name}"] = smaller.index(f"{own.name}.{spec.name}")
    return places


def leave_out(
    fit: FitResult, refit: Callable[[Circuit, Mapping[str, float]], Draft | FitResult], kept: Collection[str] = ()
) -> tuple[list[FitResult], tuple[Quantity, ...]]:
    """Leave out parts in series with vague resistances, one after the other, while the evidence allows it.

    A smaller circuit is preferred where it describes the data as well: its evidence may be lower by an
    insignificant amount, since it has fewer parameters.

    Parameters
    ----------
    fit : FitResult
        Fit that was chosen.
    refit : callable
        Fit of another circuit to the same data, from given start values; its errors may be left for later.
    kept : collection of str
        Parameters whose elements stay, such as those with bounds of the user.

    Returns
    -------
    fits : list of FitResult
        Of smaller and smaller circuits, the last one the choice; empty if every part is needed.
    left_out : tuple of Quantity
        Resistances that the choice is without, with their limits.
    """
    fits: list[FitResult] = []
    limits: list[Quantity] = []
    while True:
        smaller = [
            (refit(circuit, {name: fit.parameters[name].value for name in circuit.full_names}), gone)
            for circuit, gone in _smaller(fit, {name.split(".")[0] for name in kept})
        ]
        best, gone = max(smaller, key=lambda pair: pair[0].log_evidence, default=(fit, []))
        worse = fit.log_evidence - best.log_evidence
        if best is fit or best.status != fit.status or worse > TIE / 2:
            return fits, tuple(limits)
        fit = complete_fit(best)
        fits.append(fit)
        limits += gone


def _smaller(fit: FitResult, kept: Collection[str]) -> Iterator[tuple[Circuit, list[Quantity]]]:
    """Yield the circuit without a part whose resistance is vague, or with this resistance infinite; and limits."""
    for part in _parts(fit.circuit):
        elements = {element.name for element in leaves(part)}
        vague = [name for name in fit.parameters if name.split(".")[0] in elements and _is_vague(fit, name)]
        if not vague or elements & {*kept}:
            continue
        options = [(elements, [_limit(fit, name, most=True) for name in vague])]
        # an arc whose resistance has no upper limit is a tail
        options += [({name}, [_limit(fit, name, most=False)]) for name in vague if {name} < elements]
        for names, limits in options:
            rest = without(fit.circuit.tree, names)
            if rest is not None:
                yield Circuit.from_tree(rest, fit.circuit.roles), limits


def _is_vague(fit: FitResult, name: str) -> bool:
    parameter = fit.parameters[name]
    known = parameter.status == "ok" and parameter.stderr <= UNRESOLVED * parameter.value
    return parameter.unit == "ohm" and parameter.status != "fixed" and not known


def _limit(fit: FitResult, name: str, *, most: bool) -> Quantity:
    """Return a resistance that is not resolved by its upper or its lower limit."""
    parameter = fit.parameters[name]
    # without an upper limit, the conductance has the interval
    least = parameter.value / (1 + TWO_SIDED_95 * parameter.stderr / parameter.value)
    low, high = (0.0, parameter.ci_high) if most else (least, math.inf)
    return Quantity(
        name=parameter.name,
        value=math.nan,
        u=math.nan,
        unit="ohm",
        status="not_resolvable",
        reason="the data do not need it",
        low=low,
        high=high,
    )


def leaders(results: Sequence[Draft | FitResult]) -> list[Draft | FitResult]:
    """Return the fit with the most evidence among circuits that block direct current, and among the others."""
    by_limit: dict[bool, Draft | FitResult] = {}
    for result in sorted(results, key=lambda result: result.log_evidence):
        by_limit[math.isinf(dc_resistance(result.circuit, result.values)[0])] = result
    return [result for result in by_limit.values() if result.success]


def contenders(drafts: Sequence[Draft | FitResult], metadata: Metadata) -> list[Draft | FitResult]:
    """Return the fits that may be chosen, or count in an average; all for a blocking pellet.

    A pellet's arcs may be evident whatever the evidence.
    """
    usable = [draft for draft in drafts if draft.success]
    if metadata.cell_type == "blocking" or not usable:
        return list(drafts)
    describing = [draft for draft in usable if draft.status == "ok"]
    simple = [] if describing else [min(usable, key=lambda draft: draft.bic)]
    largest = max(draft.log_evidence for draft in describing or usable)
    return [
        draft
        for draft in describing or usable
        if draft in simple or largest - draft.log_evidence < NEGLIGIBLE_EVIDENCE
    ]


def _most_evidence(results: Sequence[FitResult]) -> FitResult:
    largest = max(result.log_evidence for result in results)
    tied = [result for result in results if largest - result.log_evidence <= TIE / 2]
    return min(tied, key=lambda result: (result.n_free, -result.log_evidence))


def choose_for_series(
    results: Sequence[Sequence[FitResult]], metadata: Sequence[Metadata], library: Collection[Circuit]
) -> list[tuple[FitResult, str]]:
    """Return the fit to take for each spectrum of a series, and a remark where its circuit is another one.

    All take the circuit with the most evidence over the series, where one spectrum counts up to a strong
    difference. A spectrum that the circuit does not describe, or with strong evidence for another one, keeps
    its own.

    Parameters
    ----------
    results : sequence of sequences of FitResult
        Fits of each spectrum.
    metadata : sequence of Metadata
        Of each spectrum.
    library : collection of Circuit
        Circuits that need no evidence beyond the others.
    """
    own = [choose(fits, known, library) for fits, known in zip(results, metadata, strict=True)]
    if metadata[0].cell_type == "blocking" or len(own) == 1:  # an arc may leave the window with temperature
        return [(fit, "") for fit in own]
    by_circuit = [{fit.circuit: fit for fit in fits} for fits in results]
    votes = {
        circuit: sum(
            max(_advantage(fits.get(circuit), best), -VERY_STRONG / 2)
            for fits, best in zip(by_circuit, own, strict=True)
        )
        for circuit in dict.fromkeys(best.circuit for best in own)
    }
    common = max(votes, key=lambda circuit: votes[circuit])
    chosen = []
    for fits, best in zip(by_circuit, own, strict=True):
        advantage = _advantage(fits.get(common), best)
        if advantage > -VERY_STRONG / 2:
            chosen.append((fits[common], ""))
        else:
            reason = "does not describe it" if math.isinf(advantage) else f"has e^{-advantage:.0f} less evidence"
            chosen.append((best, f"{common}, the circuit of the other sweeps, {reason}"))
    return chosen


def _advantage(fit: FitResult | None, best: FitResult) -> float:
    """Return the log evidence of a fit relative to the best one; -inf if it does not describe the data."""
    if fit is None or (fit.status != "ok" and best.status == "ok"):
        return -math.inf
    return fit.log_evidence - best.log_evidence


def remarks(
    chosen: FitResult, results: Sequence[FitResult], names: Mapping[Circuit, str] | None = None
) -> tuple[str, ...]:
    """Return the circuits against which the evidence is not strong, as a flag.

    Parameters
    ----------
    chosen : FitResult
        Fit that was taken.
    results : sequence of FitResult
        Fits of all circuits.
    names : mapping of Circuit to str, optional
        Names used in the flag; by default expressions.
    """
    near = [
        (names or {}).get(other.circuit, repr(other.circuit))
        for other in results
        if other is not chosen and other.status == "ok"
        if chosen.log_evidence - other.log_evidence < NEAR_TIE / 2
    ]
    return (f"near tie: {', '.join(near)}",) if chosen.success and near else ()


def _arcs_are_evident(result: FitResult, metadata: Metadata) -> bool:
    cell = consistent_geometry(metadata)
    length_by_area = 1.0 if cell is None or cell.cell_constant_per_cm is None else cell.cell_constant_per_cm
    total = sum(p.value for p in result.parameters.values() if p.unit == "ohm")
    return all(_is_evident(process, total, length_by_area) for process in result.processes)


def _shows_an_arc(spectrum: Spectrum) -> bool:
    """Return whether -Im Z rises with frequency somewhere; that of a spike alone falls."""
    order = np.argsort(spectrum.frequency[spectrum.mask])
    impedance = spectrum.impedance[spectrum.mask][order]
    reactance = median_filter(-impedance.imag, 3, mode="nearest")  # without outliers
    rise = reactance - np.minimum.accumulate(reactance)
    return bool((rise > SMALLEST_ARC * np.abs(impedance)).any())


def _arcs_are_inside(result: FitResult) -> bool:
    return all(process.status == "ok" for process in result.processes)


def _is_evident(process: Process, total: float, length_by_area: float) -> bool:
    low, high = PELLET_CAPACITANCE_F
    plausible = low <= process.C_eff * length_by_area <= high  # nan is not
    large = max(3 * process.u_R, SMALLEST_ARC * total) < process.R
    return process.status == "ok" and plausible and large
