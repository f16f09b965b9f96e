"""Searches: the best minimum, and the stated probability that it was missed."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import eistool
from eistool.circuit import Circuit
from eistool.fitting.engine import NONE, QUICK, THOROUGH, Effort, draft_fit, find_minima
from eistool.fitting.problem import Constraints, Problem, build_problem

FREQUENCY = np.geomspace(1e5, 0.1, 61)
TRUTH = "R0-Zarc1-Zarc2-Zarc3-Zarc4"
ARCS = [10, 30, 1e-5, 0.95, 60, 3e-4, 0.8, 20, 6e-3, 0.9, 90, 0.2, 0.75]
WRONG = "R0-p(R1,CPE1)-p(R2,CPE2)-Wo1"  # several minima


def problem(seed: int, circuit: str = WRONG) -> Problem:
    spectrum = eistool.simulate(TRUTH, FREQUENCY, ARCS, noise=0.002, seed=seed)
    chosen = Circuit(circuit)
    return build_problem(spectrum, chosen, Constraints.of(chosen, None, None, None), "modulus")


@settings(max_examples=10)
@given(st.integers(0, 2**20), st.integers(1, 6))
def test_more_rounds_never_end_higher(first: int, rounds: int) -> None:
    """The starts of a longer search begin with those of a shorter one."""
    short, long = (find_minima(problem(1), Effort(n, 0.0), first, floor=0.0) for n in (rounds, 3 * rounds))
    assert long.outcomes[0, 0] <= short.outcomes[0, 0] * (1 + 1e-4)
    assert 0 < long.p_missed < 1


@pytest.mark.parametrize("seed", range(5))
def test_a_thorough_search_finds_the_best_of_long_ones(seed: int) -> None:
    thorough = find_minima(problem(seed))
    exhaustive = min(
        find_minima(problem(seed), Effort(THOROUGH.rounds, 0.0), first, floor=0.0).outcomes[0, 0]
        for first in (1000, 78777)
    )
    assert thorough.p_missed < THOROUGH.p_missed
    assert thorough.outcomes[0, 0] <= 1.001 * exhaustive


def test_minima_are_distinct_and_sorted() -> None:
    found = find_minima(problem(2))
    squares = found.outcomes[: found.n, 0]
    assert found.n > 1
    assert (np.diff(squares) > 0).all()
    assert found.hits[: found.n].sum() <= found.hits[-1]


def test_the_probability_of_a_miss_is_that_of_the_effort() -> None:
    spectrum = eistool.simulate(TRUTH, FREQUENCY, ARCS, noise=0.002, seed=3)
    circuit = Circuit(WRONG)
    constraints = Constraints.of(circuit, None, None, None)
    quick, thorough = (draft_fit(spectrum, circuit, constraints, "modulus", one) for one in (QUICK, THOROUGH))
    assert thorough.p_missed < quick.p_missed <= 1
    start = Constraints.of(circuit, dict(zip(circuit.full_names, thorough.values, strict=True)), None, None)
    assert math.isnan(draft_fit(spectrum, circuit, start, "modulus", NONE).p_missed)


def test_circuits_without_time_constants_have_one_minimum() -> None:
    found = find_minima(problem(4, "R0-C1"))
    assert found.p_missed == 0
    assert found.n == 1
