"""Tests of fits to difficult spectra; success rates are measured by tests.benchmarks.hard."""

import numpy as np
import pytest

import eistool
from tests.benchmarks.hard import HARD, ratios, spectrum
from tests.benchmarks.recovery import FREQUENCY

ARCS = "R0-p(R1,CPE1)-p(R2,CPE2)"
SPECTRA = 8
TRUTH = [10, 100, 1e-7, 0.9, 200, 1e-4, 0.8]


@pytest.fixture(scope="module")
def missed() -> dict[str, tuple[int, int]]:
    """Numbers of spectra per case without a fit as good as the truth, and of poor models."""
    measured = {name: ratios(case, SPECTRA) for name, case in HARD.items()}
    return {name: (int(np.sum(~(found <= 1.05))), poor) for name, (found, _, poor) in measured.items()}


@pytest.mark.parametrize("name", HARD)
def test_hard_spectra_are_fitted(missed: dict[str, tuple[int, int]], name: str) -> None:
    """Last bits turn the path of a search: up to 3 of 1,000 fits are missed, others on each processor."""
    n_missed, n_poor = missed[name]
    assert n_missed <= 2
    assert n_poor <= n_missed


def test_few_hard_spectra_are_missed(missed: dict[str, tuple[int, int]]) -> None:
    # of 216 at that rate, five or more are missed on one processor in 2,000
    assert SPECTRA * len(HARD) == 216
    assert sum(n_missed for n_missed, _ in missed.values()) <= 4


@pytest.mark.parametrize("name", ["four arcs and Warburg", "TLMct", "nested", "one arc, 0.01%"])
def test_ascending_sweeps_give_the_same(name: str) -> None:
    data, _ = spectrum(HARD[name], 1)
    descending = eistool.fit(data, HARD[name].circuit)
    ascending = eistool.fit(eistool.Spectrum(data.frequency[::-1], data.impedance[::-1]), HARD[name].circuit)
    assert ascending.chi2 == pytest.approx(descending.chi2, rel=1e-6)
    np.testing.assert_allclose(ascending.impedance[::-1], descending.impedance, rtol=1e-3)


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_the_unit_of_impedance_does_not_matter(factor: float) -> None:
    data = eistool.simulate(ARCS, FREQUENCY, TRUTH, noise=0.005, seed=1)
    ohm = eistool.fit(data, ARCS)
    other = eistool.fit(eistool.Spectrum(data.frequency, data.impedance * factor), ARCS)
    for name, parameter in ohm.parameters.items():
        scale = {"ohm": factor, "": 1.0}.get(parameter.unit, 1 / factor)
        assert other.parameters[name].value == pytest.approx(scale * parameter.value, rel=1e-5), name
        assert other.parameters[name].stderr == pytest.approx(scale * parameter.stderr, rel=1e-2), name


@pytest.mark.parametrize("circuit", ["R0-p(R1,CPE1)", "R0-CPE1", "R0-p(R1,C1)-p(R2,C2)"])
@pytest.mark.parametrize("seed", range(3))
def test_wrong_circuits_are_poor_models(circuit: str, seed: int) -> None:
    result = eistool.fit(eistool.simulate(ARCS, FREQUENCY, TRUTH, noise=0.002, seed=seed), circuit)
    assert result.status == "poor_model"
    assert result.runs_p < 0.01
