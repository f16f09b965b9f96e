"""Which of several circuits describes a spectrum best."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eistool.circuit import Circuit, as_circuit
from eistool.display import html_table, plain
from eistool.errors import FitError
from eistool.fitting.engine import fit_many
from eistool.fitting.result import FitResult
from eistool.spectrum import Spectrum


@dataclass(frozen=True, slots=True, eq=False)
class RankedCircuit:
    """A circuit's fit and its place among the others."""

    result: FitResult
    delta_bic: float  # to the best that is not disqualified
    weight: float  # exp(-delta_bic/2), normalised over those that are not disqualified
    disqualified: str  # why it cannot be chosen, or empty

    @property
    def circuit(self) -> Circuit:
        """The circuit."""
        return self.result.circuit

    @property
    def bic(self) -> float:
        """Its Bayesian information criterion."""
        return self.result.bic

    @property
    def aicc(self) -> float:
        """Its corrected Akaike criterion."""
        return self.result.aicc

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
            "result": self.result.to_dict(),
        }

    def __repr__(self) -> str:
        verdict = f"disqualified: {self.disqualified}" if self.disqualified else f"weight {self.weight:.3f}"
        return f"{self.circuit}: BIC {self.bic:.1f} ({self.delta_bic:+.1f}), {verdict}"

    def _repr_html_(self) -> str:
        rows = [
            (self.circuit, f"{self.bic:.1f}", f"{self.delta_bic:+.1f}", f"{self.weight:.3f}", self.disqualified)
        ]
        return html_table("Ranked circuit", ("circuit", "BIC", "ΔBIC", "weight", "disqualified"), rows)


def compare_circuits(
    spectrum: Spectrum,
    circuits: Sequence[Circuit | str],
    bounds: Mapping[str, tuple[float, float]] | None = None,
    fixed: Mapping[str, float] | None = None,
    weighting: str = "modulus",
) -> list[RankedCircuit]:
    """Fit several circuits and rank them by BIC.

    A circuit with an arc that the data do not resolve is disqualified and comes after the others:
    its BIC may be low, but its parameters mean nothing. So is a circuit that does not describe the data.

    Parameters
    ----------
    spectrum : Spectrum
        What to describe.
    circuits : sequence of Circuit or str
        Circuits, expressions or names of the library.
    bounds, fixed, weighting
        As for :func:`eistool.fit`; names that a circuit does not have are left out for it.

    Returns
    -------
    list of RankedCircuit
        The best first; circuits whose fit failed last.

    Raises
    ------
    FitError
        If there is no circuit to compare.

    References
    ----------
    .. [1] G. Schwarz, Ann. Statist. 6 (1978) 461, doi:10.1214/aos/1176344136

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
        raise FitError(f"{spectrum.label}: no circuits to compare; give one or more")
    results = []
    for circuit in known:
        names = {*circuit.parameters, *circuit.full_names}
        own_bounds = {name: limits for name, limits in (bounds or {}).items() if name in names}
        own_fixed = {name: value for name, value in (fixed or {}).items() if name in names}
        results += fit_many([spectrum], circuit, 1, False, None, own_bounds, own_fixed, weighting)
    return rank(results)


def rank(results: Sequence[FitResult]) -> list[RankedCircuit]:
    """Return fits of several circuits to one spectrum, the best first."""
    verdicts = {id(result): _disqualification(result) for result in results}
    eligible = [result for result in results if not verdicts[id(result)]]
    best = min((result.bic for result in eligible or results if result.success), default=math.nan)
    total = sum(math.exp(-0.5 * (result.bic - best)) for result in eligible)
    ordered = sorted(results, key=lambda r: (not r.success, bool(verdicts[id(r)]), r.bic if r.success else 0.0))
    return [
        RankedCircuit(
            result,
            result.bic - best if result.success else math.nan,
            math.exp(-0.5 * (result.bic - best)) / total if not verdicts[id(result)] else 0.0,
            verdicts[id(result)],
        )
        for result in ordered
    ]


def _disqualification(result: FitResult) -> str:
    if not result.success:
        return result.reason
    if result.status == "poor_model":
        return "does not describe the data"
    unresolved = [process.name for process in result.processes if process.status == "not_resolvable"]
    return f"arc of {', '.join(unresolved)} is not resolvable" if unresolved else ""
