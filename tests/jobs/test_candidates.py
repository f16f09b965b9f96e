"""Which circuits ``auto`` compares and takes."""

import numpy as np
import pytest

from eistool import Metadata, compare_circuits, simulate
from eistool.jobs.candidates import candidates, choose
from eistool.spectrum.metadata import CELL_TYPES

FREQUENCY = np.geomspace(7e6, 0.1, 64)
PELLET = Metadata(cell_type="blocking", thickness_um=1000, diameter_mm=10)


@pytest.mark.parametrize("cell_type", CELL_TYPES)
def test_known_cells_have_candidates_with_roles(cell_type: str) -> None:
    found = candidates(Metadata(cell_type=cell_type))
    assert len(found) > 1
    assert all(circuit.roles for circuit in found) == (cell_type != "other")


@pytest.mark.parametrize("seed", range(8))
def test_pellet_without_an_arc_is_a_spike(seed: int) -> None:
    values = {"L0": 1e-7, "R1": 53.0, "C1": 7e-12, "CPE1.Q": 2e-6, "CPE1.alpha": 0.92}
    spectrum = simulate("L0-p(R1,C1)-CPE1", FREQUENCY, values, noise=0.004, seed=seed, metadata=PELLET)
    chosen = choose(compare_circuits(spectrum, candidates(PELLET)), PELLET)
    assert str(chosen.circuit) == "L0-R0-CPE1"


def test_evident_arcs_are_taken() -> None:
    values = [5e3, 1e-11, 0.99, 2e4, 2e-9, 0.9, 2e-6, 0.9]
    spectrum = simulate("bulk_gb_spike", FREQUENCY, values, noise=0.003, seed=1, metadata=PELLET)
    chosen = choose(compare_circuits(spectrum, candidates(PELLET)), PELLET)
    assert [process.assignment for process in chosen.result.processes] == ["bulk", "grain_boundary"]


def test_arc_of_an_electrode_is_not_one_of_the_pellet() -> None:
    values = [50, 200, 1e-5, 0.9, 1e-3, 0.9]
    spectrum = simulate("r0_arc_spike", FREQUENCY, values, noise=0.003, seed=1, metadata=PELLET)
    ranked = compare_circuits(spectrum, candidates(PELLET))
    assert ranked[0].result.processes
    assert not choose(ranked, PELLET).result.processes
    assert choose(ranked, Metadata()) is ranked[0]


def test_spike_is_taken_even_where_every_fit_failed() -> None:
    short = simulate("R0", FREQUENCY[:1], [1.0])
    assert str(choose(compare_circuits(short, candidates(PELLET)[::-1]), PELLET).circuit) == "L0-R0-CPE1"
