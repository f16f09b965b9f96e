"""Joint fits with time constants and exponents that change smoothly along a series."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np

from eistool.circuit import Circuit
from eistool.errors import FitError
from eistool.fitting import FitResult
from eistool.fitting.global_fit.fit import fit_jointly
from eistool.spectrum import Series
from eistool.tracking.accuracy import CHECKED
from eistool.tracking.family import Family
from eistool.typing import Threshold

SAME: Annotated[float, Threshold("largest median shift in decades of an arc by a joint fit", CHECKED)] = 0.2
FARTHEST: Annotated[float, Threshold("largest shift in decades of an arc by a joint fit", CHECKED)] = 0.7
FEWEST: Annotated[int, Threshold("consecutive spectra with one circuit that are fitted jointly", CHECKED)] = 5


def smoothed(
    series: Series, results: Sequence[FitResult], held: Sequence[Mapping[str, float]], jobs: int | None
) -> list[FitResult]:
    """Return the fits, joint and smooth for consecutive spectra with the same circuit.

    The smoothness follows from the scatter of the separate fits. Separate fits are kept if BIC prefers them.

    Parameters
    ----------
    series : Series
        Spectra.
    results : sequence of FitResult
        Their separate fits.
    held : sequence of mappings
        Fixed values of each spectrum that the series shares.
    jobs : int, optional
        Number of threads.
    """
    final = list(results)
    kinds = [(repr(r.circuit), tuple(sorted(h.items())), series.direction[i]) if r.success else None
             for i, (r, h) in enumerate(zip(results, held, strict=True))]  # fmt: skip
    for kind, group in itertools.groupby(range(len(final)), key=lambda i: kinds[i]):
        block = list(group)
        shapes = [] if kind is None else _shapes(final[block[0]].circuit, held[block[0]])
        if len(block) < FEWEST or not shapes:
            continue
        part = Series([series[i] for i in block], by=series.by)
        if any(one is not series[i] for one, i in zip(part, block, strict=True)):
            continue  # the order of the part would differ
        try:
            joint = fit_jointly(
                part, final[block[0]].circuit, (), None, dict.fromkeys(shapes, "auto"), None,
                dict(held[block[0]]), "modulus", jobs, [final[i] for i in block],
            )  # fmt: skip
        except FitError:
            continue
        if joint.status == "failed" or any("separate fits" in flag for flag in joint.flags):
            continue
        if _are_same([final[i] for i in block], joint.results):
            for i, result in zip(block, joint.results, strict=True):
                final[i] = result
    return final


def _are_same(separate: Sequence[FitResult], joint: Sequence[FitResult]) -> bool:
    """Return whether separate and joint fits have the same arcs; a joint minimum may have others."""
    if any(len(a.processes) != len(b.processes) for a, b in zip(separate, joint, strict=True)):
        return False
    tau = np.array([[[p.tau for p in r.processes] for r in fits] for fits in (separate, joint)])
    moved = np.abs(np.log10(tau[0] / tau[1]))
    return bool((np.median(moved, axis=0) < SAME).all() and (moved < FARTHEST).all())


def _shapes(circuit: Circuit, held: Mapping[str, float]) -> list[str]:
    """Return the shape parameters of the arcs."""
    arcs = Family.of(circuit).arcs
    names = {element.name for element in circuit.elements if any(element.name in arc for arc in arcs)}
    wanted = zip(circuit.parameters, circuit.full_names, circuit.specs, strict=True)
    return [
        name
        for name, full, spec in wanted
        if full.split(".")[0] in names and spec.kind in ("tau", "exponent", "cpe") and full not in held
    ]
