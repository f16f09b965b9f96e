"""Events and summaries of the four simulated series of the papers."""

import numpy as np
import pytest

from eistool import Tracks, track
from tests.tracking import series as cases


@pytest.fixture(scope="module")
def interphase() -> Tracks:
    return track(cases.new_interphase(), jobs=1)


def test_a_new_interphase_is_born_and_dies_once(interphase: Tracks) -> None:
    born, died = interphase.events
    assert (born.kind, born.index, born.coordinate, born.status) == ("appeared", 4, 2.8, "confirmed")
    assert (died.kind, died.index, died.coordinate, died.status) == ("disappeared", 9, 3.4, "confirmed")
    assert born.process_id == died.process_id
    assert born.evidence["tau_s"] == pytest.approx(3e-2, rel=0.1)
    assert abs(born.evidence["R_ohm"] - 15) < 5 * born.evidence["u_R_ohm"]


def test_the_evidence_has_all_six_criteria(interphase: Tracks) -> None:
    for event in interphase.events:
        assert all(event.evidence[f"criterion_{i}"] for i in range(1, 7)), event
        assert event.evidence["delta_bic"] > 10
        assert event.evidence["bootstrap_p"] <= 0.01
        assert event.evidence["upper_limit_without_ohm"] < event.evidence["lower_limit_with_ohm"]


def test_processes_keep_their_names_and_values(interphase: Tracks) -> None:
    contact, cathode, new = interphase.processes
    assert contact.present.size == cathode.present.size == 17
    assert new.present.tolist() == [4, 5, 6, 7, 8]
    z = (cathode.R - 25) / cathode.u_R
    assert np.abs(z).max() < 4
    assert (new.upper_limit[[0, 1, 2, 3, 9, 16]] < 1).all()
    assert {new.status[i] for i in (0, 3, 9, 16)} == {"absent"}


def test_a_given_circuit_leads_to_the_same_events() -> None:
    tracks = track(cases.new_interphase(), "assb3_diffusion", jobs=1)
    assert [(e.kind, e.index, e.status) for e in tracks.events] == [
        ("appeared", 4, "confirmed"),
        ("disappeared", 9, "confirmed"),
    ]


def test_extrema_and_diffusion_tails_along_charge_and_discharge() -> None:
    tracks = track(cases.charge_and_discharge(), jobs=1)
    assert not [e for e in tracks.events if e.status == "confirmed"]
    low, high = tracks.extrema()
    assert (low.index, high.index) == (3, 6)
    assert low.ci_low < 56 < low.ci_high
    assert np.flatnonzero(tracks.diffusion_tail.present).tolist() == [0, 11]


def test_no_growth_over_cycles_is_a_slope_whose_interval_holds_zero() -> None:
    tracks = track(cases.cycles(), jobs=1)
    assert not [e for e in tracks.events if e.status == "confirmed"]
    result = tracks.trend()
    assert result.ci_low < 0 < result.ci_high
    assert result.verdict == "no trend"
    # a scatter of 1 % of 60 Ω over 160 cycles allows a change of about 0.8 Ω to be detected
    assert 0.4 < result.smallest_detectable_change < 1.6


def test_growth_with_the_square_root_of_time() -> None:
    tracks = track(cases.hold(20e-6), jobs=1)
    assert not [e for e in tracks.events if e.status == "confirmed"]
    laws = tracks.growth_laws()
    assert laws[0].name == "square root"
    assert abs(laws[0].parameters["k"] - 5649) < 4 * laws[0].stderr["k"]
    (process,) = (p for p in tracks.processes if np.nanmax(p.R) > 1e4)
    assert process.status[-1] == "ok"


def test_an_apex_below_the_window_is_extrapolated() -> None:
    tracks = track(cases.hold(100e-6, 31), jobs=1)
    (process,) = (p for p in tracks.processes if np.nanmax(p.R) > 1e4)
    assert process.status[-1] == "extrapolated"
    assert process.status[1] == "ok"
