"""The simplest circuit that explains the data comes first."""

import numpy as np
import pytest

import eistool
from eistool import FitError

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
