"""Which circuits ``auto`` compares and takes."""

from collections.abc import Sequence

import numpy as np
import pytest

from eistool import CellGeometry, Circuit, Metadata, Spectrum, assign, fit, simulate
from eistool.fitting import FitResult, fit_many
from eistool.fitting.engine import THOROUGH
from eistool.jobs.candidates import candidates, choose, choose_for_series, leave_out, with_leads
from eistool.jobs.fit import FitJob, FitOptions
from eistool.kernels.search import ACCEPTED_NEAR
from eistool.spectrum.metadata import CELL_TYPES

FREQUENCY = np.geomspace(7e6, 0.1, 64)
PELLET = Metadata(cell_type="blocking", thickness_um=1000, diameter_mm=10)


def fit_all(spectrum: Spectrum, circuits: Sequence[Circuit]) -> list[FitResult]:
    return [fit_many([spectrum], circuit, jobs=1)[0] for circuit in circuits]


def fits(spectrum: Spectrum) -> list[FitResult]:
    return fit_all(spectrum, candidates(PELLET))


@pytest.mark.parametrize("cell_type", CELL_TYPES)
def test_known_cells_have_candidates_with_roles(cell_type: str) -> None:
    found = candidates(Metadata(cell_type=cell_type))
    assert len(found) > 1
    assert all(circuit.roles for circuit in found) == (cell_type != "other")


@pytest.mark.parametrize("seed", range(8))
def test_pellet_without_an_arc_is_a_spike(seed: int) -> None:
    values = {"L0": 1e-7, "R1": 53.0, "C1": 7e-12, "CPE1.Q": 2e-6, "CPE1.alpha": 0.92}
    spectrum = simulate("L0-p(R1,C1)-CPE1", FREQUENCY, values, noise=0.004, seed=seed, metadata=PELLET)
    chosen = choose(fits(spectrum), PELLET)
    assert str(chosen.circuit) == "L0-R0-CPE1"


def test_evident_arcs_are_taken() -> None:
    values = [5e3, 1e-11, 0.99, 2e4, 2e-9, 0.9, 2e-6, 0.9]
    spectrum = simulate("bulk_gb_spike", FREQUENCY, values, noise=0.003, seed=1, metadata=PELLET)
    chosen = choose(fits(spectrum), PELLET)
    assert [process.assignment for process in chosen.processes] == ["bulk", "grain_boundary"]


def test_a_circuit_that_describes_the_data_precedes_spike() -> None:
    values = [50, 200, 1e-5, 0.9, 1e-3, 0.9]  # an arc of an electrode
    spectrum = simulate("r0_arc_spike", FREQUENCY, values, noise=0.003, seed=1, metadata=PELLET)
    results = fits(spectrum)
    chosen = choose(results, PELLET)
    assert chosen.status == "ok"
    cell = CellGeometry(thickness_um=1000, diameter_mm=10)
    assert assign(chosen, cell)[0].assignment not in ("bulk", "grain_boundary")


def test_a_dispersion_of_the_electrode_is_no_arc_of_a_pellet() -> None:
    # -Im Z falls up to the highest frequency: the intercept is the resistance, however the tail bends
    values = [2000, 20000, 2e-6, 0.7, 1e-5, 0.9]
    frequency = np.geomspace(2e4, 50, 50)
    spectrum = simulate("R0-p(R1,CPE1)-CPE2", frequency, values, noise=5e-4, seed=3, metadata=PELLET)
    results = fits(spectrum)
    assert results[0].status == "poor_model"  # spike
    chosen = choose(results, PELLET)
    assert str(chosen.circuit) == "L0-R0-CPE1"


def test_spike_is_taken_even_where_every_fit_failed() -> None:
    short = simulate("R0", FREQUENCY[:1], [1.0])
    assert str(choose(fits(short)[::-1], PELLET).circuit) == "L0-R0-CPE1"


def test_a_series_takes_one_circuit_and_exceptions_say_so() -> None:
    one = [simulate("R0-K1", FREQUENCY, [10, 100, 1e-3], 0.003, seed) for seed in range(4)]
    two = simulate("R0-K1-K2", FREQUENCY, [10, 100, 1e-3, 100, 1], 0.003, 9)
    circuits = [Circuit("R0-p(R1,C1)"), Circuit("R0-p(R1,C1)-p(R2,C2)")]
    results = [fit_all(spectrum, circuits) for spectrum in (*one, two)]
    chosen = choose_for_series(results, [Metadata()] * 5, circuits)
    assert [fit.circuit for fit, _ in chosen] == [circuits[0]] * 4 + [circuits[1]]
    assert [bool(remark) for _, remark in chosen] == [False] * 4 + [True]


def test_leads_are_varied_only_where_the_spectrum_is_inductive() -> None:
    inductive = simulate("L0-R0-K1", FREQUENCY, [1e-5, 10, 100, 1e-3])
    assert [str(c) for c in with_leads(Circuit("L0-R0-K1"), inductive)] == ["La0-R0-K1"]
    assert [str(c) for c in with_leads(Circuit("R0-K1"), inductive)] == ["L0-R0-K1", "La0-R0-K1"]
    assert not with_leads(Circuit("R0-K1"), simulate("R0-K1", FREQUENCY, [10, 100, 1e-3]))


def test_parts_that_the_data_do_not_need_are_left_out_with_a_limit() -> None:
    spectrum = simulate("p(R1,CPE1)-CPE2", FREQUENCY, [100, 1e-9, 0.9, 1e-5, 0.8], noise=0.004, seed=1)
    whole = fit_many([spectrum], Circuit("R0-p(R1,CPE1)-CPE2"), jobs=1)[0]
    smaller, left_out = leave_out(whole, lambda circuit, start: fit(spectrum, circuit, start))
    assert [str(one.circuit) for one in smaller] == ["p(R1,CPE1)-CPE2"]
    assert [one.name for one in left_out] == ["R0"]
    assert 0 < left_out[0].high < 100
    assert leave_out(smaller[0], lambda circuit, start: fit(spectrum, circuit, start)) == ([], ())


def test_the_circuit_without_parts_is_searched_as_thoroughly_as_any() -> None:
    """The arc of the best minimum blocks beyond the window; one start in twenty leads there."""
    values = [640, 2e7, 3.3e-8, 0.955, 3e-4, 0.3]
    spectrum = simulate("R0-p(R1,CPE1)-CPE2", np.geomspace(50, 2e4, 50), values, noise=0.003, seed=1)
    job = FitJob(FitOptions(weighting="modulus"))
    smaller, _ = job.left_out(fit(spectrum, "R0-p(R1,CPE1)-p(R2,CPE2)-CPE3"))
    assert smaller
    assert smaller[-1].p_missed <= max(THOROUGH.p_missed, ACCEPTED_NEAR)


def test_parts_with_constraints_stay() -> None:
    spectrum = simulate("p(R1,CPE1)-CPE2", FREQUENCY, [100, 1e-9, 0.9, 1e-5, 0.8], noise=0.004, seed=1)
    whole = fit_many([spectrum], Circuit("R0-p(R1,CPE1)-CPE2"), jobs=1)[0]
    assert leave_out(whole, lambda circuit, start: fit(spectrum, circuit, start), kept=["R0"]) == ([], ())


def test_an_arc_without_an_upper_limit_becomes_a_tail() -> None:
    spectrum = simulate("R0-p(R1,CPE1)-CPE2", FREQUENCY, [10, 100, 1e-7, 0.9, 1e-4, 0.8], noise=0.004, seed=1)
    whole = fit_many([spectrum], Circuit("R0-p(R1,CPE1)-p(R2,CPE2)"), jobs=1)[0]
    smaller, left_out = leave_out(whole, lambda circuit, start: fit(spectrum, circuit, start))
    assert [str(one.circuit) for one in smaller] == ["R0-p(R1,CPE1)-CPE2"]
    assert left_out[0].name == "R2"
    assert left_out[0].low > 1000
