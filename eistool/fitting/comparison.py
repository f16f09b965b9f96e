"""Comparison and ranking of circuits."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from eistool.circuit import Circuit, as_circuit
from eistool.display import Tabular, format_fixed, html_table, plain
from eistool.errors import FitError
from eistool.fitting.engine import fit_many
from eistool.fitting.result import NEAR_TIE, TIE, FitResult
from eistool.fitting.weights import resolve_weighting
from eistool.spectrum import Spectrum


@dataclass(frozen=True, slots=True, eq=False)
class RankedCircuit(Tabular):
    """Fit of a circuit and its rank among other circuits."""

    result: FitResult
    delta_bic: float  # relative to the best circuit that is not disqualified
    weight: float  # exp(-delta_bic/2), normalised over circuits that are not disqualified
    disqualified: str  # reason for disqualification, or empty
    flags: tuple[str, ...] = ()  # of the first circuit: near ties

    @property
    def circuit(self) -> Circuit:
        """Fitted circuit."""
        return self.result.circuit

    @property
    def bic(self) -> float:
        """Bayesian information criterion."""
        return self.result.bic

    @property
    def aicc(self) -> float:
        """Corrected Akaike information criterion."""
        return self.result.aicc

    @property
    def runs_p(self) -> float:
        """p-value of the runs test; see :attr:`FitResult.runs_p`."""
        return self.result.runs_p

    def to_dict(self) -> dict[str, Any]:
        """Return the ranking and the fit as plain Python objects."""
        as_dict: dict[str, Any] = plain(self._contents())
        return as_dict

    def _contents(self) -> dict[str, Any]:
        return {
            "circuit": repr(self.circuit),
            "bic": self.bic,
            "aicc": self.aicc,
            "delta_bic": self.delta_bic,
            "weight": self.weight,
            "disqualified": self.disqualified,
            "runs_p": self.runs_p,
            "flags": self.flags,
            "result": self.result.to_dict(),
        }

    def __repr__(self) -> str:
        verdict = f"disqualified: {self.disqualified}" if self.disqualified else f"weight {self.weight:.3f}"
        bic = f"{format_fixed(self.bic, 1)} ({format_fixed(self.delta_bic, 1, '+')})"
        head = f"{self.circuit}: BIC {bic}, {verdict}"
        return "\n".join([head, *(f"  flag: {flag}" for flag in self.flags)])

    def _repr_html_(self) -> str:
        rows = [
            (
                self.circuit,
                format_fixed(self.bic, 1),
                format_fixed(self.delta_bic, 1, "+"),
                f"{self.weight:.3f}",
                format_fixed(self.aicc, 1),
                f"{self.runs_p:.2g}",
                self.disqualified,
                "; ".join(self.flags),
            )
        ]
        columns = ("circuit", "BIC", "ΔBIC", "weight", "AICc", "runs p", "disqualified", "flags")
        return html_table("Ranked circuit", columns, rows)


def compare_circuits(
    spectrum: Spectrum,
    circuits: Sequence[Circuit | str],
    bounds: Mapping[str, tuple[float, float]] | None = None,
    fixed: Mapping[str, float] | None = None,
    weighting: str = "auto",
) -> list[RankedCircuit]:
    """Fit several circuits and rank them, the simplest adequate circuit first.

    The first circuit is the one with the fewest parameters within a ΔBIC of 2 of the best; smaller
    differences are not significant [2]_. The others are sorted by BIC. Circuits within a ΔBIC of 6, against
    which the evidence is not strong, are listed as near ties in the ``flags`` of the first, as are residuals
    that are not random (runs test [3]_, p < 0.01).

    Circuits that do not describe the data are disqualified and placed last.

    Parameters
    ----------
    spectrum : Spectrum
        Data to fit.
    circuits : sequence of Circuit or str
        Circuits, expressions or names of library circuits.
    bounds, fixed, weighting
        As for :func:`eistool.fit`; names unknown to a circuit are ignored for it.

    Returns
    -------
    list of RankedCircuit
        In order of rank; failed fits last.

    Raises
    ------
    FitError
        If ``circuits`` is empty.

    References
    ----------
    .. [1] G. Schwarz, Ann. Statist. 6 (1978) 461, doi:10.1214/aos/1176344136
    .. [2] R. E. Kass, A. E. Raftery, J. Am. Stat. Assoc. 90 (1995) 773, doi:10.1080/01621459.1995.10476572
    .. [3] A. Wald, J. Wolfowitz, Ann. Math. Statist. 11 (1940) 147, doi:10.1214/aoms/1177731909

    Examples
    --------
    >>> import numpy as np
    >>> from eistool import simulate
    >>> spectrum = simulate("R0-p(R1,C1)", np.geomspace(1, 1e5, 51), [10, 100, 1e-5], noise=0.003, seed=1)
    >>> [str(ranked.circuit) for ranked in compare_circuits(spectrum, ["R0-C1", "R0-p(R1,C1)"])]
    ['R0-p(R1,C1)', 'R0-C1']
    """
    known = list(dict.fromkeys(as_circuit(circuit) for circuit in circuits))
    if not known:
        raise FitError(f"{spectrum.label}: no circuits to compare; give at least one")
    spectrum, weighting = resolve_weighting(spectrum, weighting)
    results = []
    for circuit in known:
        names = {*circuit.parameters, *circuit.full_names}
        circuit_bounds = {name: limits for name, limits in (bounds or {}).items() if name in names}
        circuit_fixed = {name: value for name, value in (fixed or {}).items() if name in names}
        results += fit_many(
            [spectrum], circuit, 1, bounds=circuit_bounds, fixed=circuit_fixed, weighting=weighting
        )
    return rank(results)


def rank(results: Sequence[FitResult]) -> list[RankedCircuit]:
    """Rank fits of several circuits to the same spectrum; see :func:`compare_circuits`."""
    verdicts = {id(result): _disqualification(result) for result in results}
    eligible = [result for result in results if not verdicts[id(result)]]
    best = min((result.bic for result in eligible or results if result.success), default=math.nan)
    total = sum(math.exp(-0.5 * (result.bic - best)) for result in eligible)
    tied = [result for result in eligible if result.bic - best < TIE]
    simplest = min(tied, key=lambda result: (result.n_free, result.bic), default=None)

    def place(result: FitResult) -> tuple[bool, bool, bool, float]:
        bic = result.bic if result.success else 0.0
        return not result.success, bool(verdicts[id(result)]), result is not simplest, bic

    ranked = [
        RankedCircuit(
            result,
            result.bic - best if result.success else math.nan,
            math.exp(-0.5 * (result.bic - best)) / total if not verdicts[id(result)] else 0.0,
            verdicts[id(result)],
        )
        for result in sorted(results, key=place)
    ]
    return [replace(ranked[0], flags=remarks(ranked, ranked[0])), *ranked[1:]]


def remarks(
    ranked: Sequence[RankedCircuit], chosen: RankedCircuit, names: Mapping[Circuit, str] | None = None
) -> tuple[str, ...]:
    """Return flags of the chosen circuit: near ties, and residuals that are not random.

    Parameters
    ----------
    ranked : sequence of RankedCircuit
        All compared circuits.
    chosen : RankedCircuit
        One of them.
    names : mapping of Circuit to str, optional
        Names used in the flags; by default the expressions of the circuits.
    """
    if not chosen.result.success:
        return ()
    flags = []
    for other in ranked:
        distance = other.bic - chosen.bic
        if other is not chosen and not other.disqualified and abs(distance) < NEAR_TIE:
            flags.append(
                f"near tie: {(names or {}).get(other.circuit, repr(other.circuit))} (ΔBIC {distance:+.1f})"
            )
    return tuple(flags)


def _disqualification(result: FitResult) -> str:
    if not result.success:
        return result.reason
    if result.status == "poor_model":
        return "does not describe the data"
    return ""
