"""Tests of the ranking of circuits and of the runs test."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import eistool
from eistool import FitError
from eistool.fitting.comparison import rank
from eistool.fitting.runs import distribution, runs_p

FREQUENCY = np.geomspace(1e6, 0.1, 71)
CANDIDATES = ["R0-p(R1,CPE1)", "R0-p(R1,CPE1)-p(R2,CPE2)", "R0-p(R1,CPE1)-p(R2,CPE2)-p(R3,CPE3)", "R0-CPE1"]


@pytest.mark.parametrize("seed", range(3))
def test_finds_the_number_of_arcs(seed: int) -> None:
    truth = [10, 100, 1e-7, 0.9, 200, 1e-4, 0.8]
    spectrum = eistool.simulate(CANDIDATES[1], FREQUENCY, truth, noise=0.005, seed=seed)
    ranked = eistool.compare_circuits(spectrum, CANDIDATES)
    assert repr(ranked[0].circuit) == CANDIDATES[1]
    assert ranked[0].delta_bic == 0
    assert sum(candidate.weight for candidate in ranked) == pytest.approx(1)
    assert {repr(candidate.circuit) for candidate in ranked} == set(CANDIDATES)
    three = next(candidate for candidate in ranked if "R3" in repr(candidate.circuit))
    assert three.weight < 0.1 or three.disqualified


def test_nothing_to_compare() -> None:
    with pytest.raises(FitError, match="no circuits"):
        eistool.compare_circuits(eistool.simulate("R0", [1.0], [1.0]), [])


SEEDS = range(100)


def test_runs_test_separates_right_and_wrong_circuits() -> None:
    truth = [10, 100, 1e-7, 0.9, 200, 1e-4, 0.8]
    spectra = [eistool.simulate(CANDIDATES[1], FREQUENCY, truth, noise=0.005, seed=seed) for seed in SEEDS]
    right = [result.runs_p < 0.01 for result in eistool.fit_many(spectra, CANDIDATES[1])]
    wrong = [result.runs_p < 0.01 for result in eistool.fit_many(spectra, CANDIDATES[0])]
    assert sum(right) <= 4  # 1 % expected
    assert all(wrong)


def test_residuals_that_are_not_random_are_flagged() -> None:
    truth = [10, 100, 1e-7, 0.9, 200, 1e-4, 0.8]
    spectrum = eistool.simulate(CANDIDATES[1], FREQUENCY, truth, noise=0.005, seed=0)
    only_wrong = eistool.compare_circuits(spectrum, [CANDIDATES[0]])[0]
    assert any(flag.startswith("residuals are not random (runs test p=") for flag in only_wrong.flags)
    right, *rest = eistool.compare_circuits(spectrum, CANDIDATES)
    assert not any("runs test" in flag for flag in right.flags)
    assert right.to_dict()["runs_p"] == right.runs_p == right.result.runs_p
    assert not any(other.flags for other in rest)


def results(bics: dict[str, float], spectrum: eistool.Spectrum) -> list[eistool.FitResult]:
    """Return fits with chi2 adjusted to the given BIC."""
    fits = [eistool.fit(spectrum, circuit) for circuit in bics]
    n = 2 * len(spectrum)
    return [replace(f, chi2=f.chi2 * np.exp((b - f.bic) / n)) for f, b in zip(fits, bics.values(), strict=True)]


@pytest.mark.parametrize(("difference", "simplest_wins"), [(1.9, True), (2.1, False), (-30.0, True)])
def test_the_simplest_of_tied_circuits_is_first(difference: float, simplest_wins: bool) -> None:
    spectrum = eistool.simulate("R0-p(R1,CPE1)", FREQUENCY, [10, 100, 1e-5, 0.999], noise=0.005, seed=1)
    ranked = rank(results({"R0-p(R1,CPE1)": -1000.0, "R0-p(R1,C1)": -1000.0 + difference}, spectrum))
    assert (repr(ranked[0].circuit) == "R0-p(R1,C1)") == simplest_wins
    other = repr(ranked[1].circuit)
    tie = f"near tie: {other} (ΔBIC {ranked[1].bic - ranked[0].bic:+.1f})"
    assert (tie in ranked[0].flags) == (abs(difference) < 6)
    assert tie in repr(ranked[0]) or abs(difference) >= 6


def test_an_arc_whose_exponent_is_unknown_disqualifies() -> None:
    spectrum = eistool.simulate("R0-p(R1,CPE1)", FREQUENCY, [10, 100, 1e-5, 0.95], noise=0.005, seed=1)
    result = eistool.fit(spectrum, "R0-p(R1,CPE1)")
    covariance = result.covariance.copy()
    covariance[3, 3] = 0.09
    (ranked,) = rank([replace(result, covariance=covariance)])
    assert ranked.disqualified == "arc of R1 is not resolvable"


@given(st.lists(st.booleans(), min_size=1, max_size=9))
def test_distribution_of_runs_is_that_of_all_orders(signs: list[bool]) -> None:
    n, m = sum(signs), len(signs) - sum(signs)
    orders = set(itertools.permutations(signs)) if len(signs) < 8 else None
    probability = distribution(n, m)
    assert probability.sum() == pytest.approx(1)
    if orders is not None:
        runs = [1 + sum(a != b for a, b in itertools.pairwise(order)) for order in orders]
        expected = np.bincount(runs, minlength=probability.size) / len(runs)
        np.testing.assert_allclose(probability, expected, atol=1e-12)


def test_residuals_without_runs_have_p_1() -> None:
    assert runs_p(np.zeros(5, dtype=complex)) == 1
    assert runs_p(np.ones(5, dtype=complex)) == 1
