"""Sums of resistances that are known better than their parts."""

import itertools
import math
from collections.abc import Iterator

import numpy as np

from eistool.circuit import Element, Series
from eistool.constants import TWO_SIDED_95
from eistool.fitting.quantities import Quantity
from eistool.fitting.result import UNRESOLVED, FitResult


def sums_of_resistances(result: FitResult) -> tuple[Quantity, ...]:
    """Return sums of neighbouring resistances of which one at least is vague.

    Resistances are ordered by their time constants, a resistor in series first. A sum is returned where it is
    resolved and its error is below that of each of its vague parts: sums of two neighbours, and of all.

    Examples
    --------
    >>> import numpy as np
    >>> from eistool import fit, simulate
    >>> f = np.geomspace(1e3, 0.1, 33)  # the fast arc lies beyond the window
    >>> spectrum = simulate("R0-K1-K2", f, [10, 20, 1e-6, 100, 1e-2], noise=0.003, seed=1)
    >>> total = sums_of_resistances(fit(spectrum, "R0-K1-K2"))[-1]
    >>> round(total.value, -1), total.u < 5
    (130.0, True)
    """
    ordered = list(_resistances(result))
    vague = {name for name in ordered if result.parameters[name].status not in ("ok", "fixed")}
    groups = [*itertools.pairwise(ordered), tuple(ordered)] if len(ordered) > 2 else [tuple(ordered)]
    sums = (_sum(result, group) for group in groups if len(group) > 1 and vague & {*group})
    return tuple(
        total
        for group, total in zip((g for g in groups if len(g) > 1 and vague & {*g}), sums, strict=True)
        if total.status == "ok" and total.u < min(_error(result, name) for name in vague & {*group})
    )


def sum_of_resistances(result: FitResult) -> Quantity | None:
    """Return the sum of all resistances of a circuit, with the error of their covariance; None without any.

    Inductive loops of leads do not count.
    """
    names = tuple(_resistances(result)) if result.success else ()
    return _sum(result, names) if names else None


def _resistances(result: FitResult) -> Iterator[str]:
    tree = result.circuit.tree
    for part in tree.parts if isinstance(tree, Series) else (tree,):
        if isinstance(part, Element) and part.symbol == "R":
            yield part.name
    for process in result.processes:
        if not process.name.startswith("RL"):  # of leads
            yield result.circuit.parameters[result.circuit.index(f"{process.name}.R")]


def _error(result: FitResult, name: str) -> float:
    i = result.circuit.index(name)
    return math.sqrt(result.covariance[i, i])


def _sum(result: FitResult, names: tuple[str, ...]) -> Quantity:
    index = [result.circuit.index(name) for name in names]
    value = float(result.values[index].sum())
    u = math.sqrt(max(float(result.covariance[np.ix_(index, index)].sum()), 0.0))
    resolved = u <= UNRESOLVED * value
    return Quantity(
        name="+".join(names),
        value=value if resolved else math.nan,
        u=u if resolved else math.nan,
        unit="ohm",
        status="ok" if resolved else "not_resolvable",
        low=max(value - TWO_SIDED_95 * u, 0.0),
        high=value + TWO_SIDED_95 * u,
    )
