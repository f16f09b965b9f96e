"""A new benchmark: a module of ``tests/benchmarks`` that prints figures and never passes or fails."""

import argparse
from collections.abc import Sequence

import numpy as np
import pytest

import eistool

CIRCUIT, TRUTH = "R0-p(R1,C1)", [10.0, 100.0, 1e-5]


# the rest is what the file tests/benchmarks/example.py would hold
def measure(n_spectra: int, first_seed: int) -> float:
    """Return the share of intervals that hold R1."""
    frequency = np.geomspace(1e5, 1.0, 31)
    held = 0
    for seed in range(first_seed, first_seed + n_spectra):
        result = eistool.fit(eistool.simulate(CIRCUIT, frequency, TRUTH, noise=0.01, seed=seed), CIRCUIT)
        parameter = result.parameters["R1"]
        held += parameter.ci_low < TRUTH[1] < parameter.ci_high
    return held / n_spectra


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spectra", type=int, default=100)
    parser.add_argument("--first-seed", type=int, default=0, help="seeds that nothing was tuned on")
    options = parser.parse_args(arguments)
    print(f"R1 held in {measure(options.spectra, options.first_seed):.1%}")  # noqa: T201


def test_the_figures_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--spectra", "3"])
    assert "R1 held in" in capsys.readouterr().out
