"""Fits that share what they know: the shapes of arcs change smoothly along a series."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from eistool.circuit import Circuit
from eistool.errors import FitError
from eistool.fitting import FitResult, fit_global
from eistool.spectrum import Series
from eistool.tracking.family import Family

SAME, FARTHEST = 0.2, 0.7  # decades that an arc may move, usually and at the most
FEWEST = 5  # spectra in a row with one circuit: fewer do not tell how smooth


def smoothed(
    series: Series, results: Sequence[FitResult], held: Sequence[Mapping[str, float]], jobs: int | None
) -> list[FitResult]:
    """Return the fits, joint where spectra in a row have one circuit, with smooth time constants and exponents.

    How smooth they are follows from the scatter of the separate fits. A joint fit is taken only if BIC does not
    speak for separate ones.

    Parameters
    ----------
    series : Series
        The spectra.
    results : sequence of FitResult
        Their separate fits.
    held : sequence of mappings
        Values that spectra share already.
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
            continue  # a part would be ordered in another way
        try:
            joint = fit_global(
                part,
                final[block[0]].circuit,
                smooth=dict.fromkeys(shapes, "auto"),
                fixed=dict(held[block[0]]),
                jobs=jobs,
            )
        except FitError:
            continue
        if joint.status == "failed" or any("separate fits" in flag for flag in joint.flags):
            continue
        if _are_same([final[i] for i in block], joint.results):
            for i, own in zip(block, joint.results, strict=True):
                final[i] = own
    return final


def _are_same(separate: Sequence[FitResult], joint: Sequence[FitResult]) -> bool:
    """Return whether the arcs are the same ones: a joint minimum may hold others."""
    if any(len(a.processes) != len(b.processes) for a, b in zip(separate, joint, strict=True)):
        return False
    tau = np.array([[[p.tau for p in r.processes] for r in fits] for fits in (separate, joint)])
    moved = np.abs(np.log10(tau[0] / tau[1]))
    return bool((np.median(moved, axis=0) < SAME).all() and (moved < FARTHEST).all())


def _shapes(circuit: Circuit, held: Mapping[str, float]) -> list[str]:
    """Return the parameters of the arcs that tell their shape, not their size."""
    arcs = Family.of(circuit).arcs
    names = {element.name for element in circuit.elements if any(element.name in arc for arc in arcs)}
    wanted = zip(circuit.parameters, circuit.full_names, circuit.specs, strict=True)
    return [
        name
        for name, full, spec in wanted
        if full.split(".")[0] in names and spec.kind in ("tau", "exponent", "cpe") and full not in held
    ]
