"""Series of a folder become tables and pictures."""

import csv
from pathlib import Path

import pytest

from eistool import Metadata, Spectrum
from eistool.errors import CircuitError
from eistool.jobs import FitOptions, TrackOptions, fit_folder, track_folder
from eistool.jobs.track import _series, _timed
from eistool.readers.writers import write_spectra
from eistool.spectrum import Sweep
from eistool.tables.tracks import EVENTS, SERIES, TRACKS
from tests.tracking.series import cell, new_interphase


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of one cell's charge and discharge, named as labs do, and a spectrum without voltage."""
    folder = tmp_path_factory.mktemp("cell")
    for spectrum in list(new_interphase())[1:14]:
        metadata = spectrum.metadata
        volts = f"{metadata.voltage_V:.2f}V".replace(".", "p")
        write_spectra(
            folder / f"cell_{volts}_{'chg' if metadata.direction == 'charge' else 'dis'}.csv", [spectrum]
        )
    write_spectra(folder / "cell_pristine.csv", [cell([], 99)])
    return folder


def test_tracks_and_events_as_tables(folder: Path, tmp_path: Path) -> None:
    summary = track_folder([folder], tmp_path / "out", TrackOptions(by="voltage", plots="all", jobs=1))
    assert summary.exit_code == 0
    tracks, events = rows(tmp_path / "out" / "tracks.csv"), rows(tmp_path / "out" / "events.csv")
    assert tuple(tracks[0]) == TRACKS.names
    assert tuple(events[0]) == EVENTS.names
    assert [(e["event"], e["index"], e["status"]) for e in events] == [
        ("appeared", "3", "confirmed"),
        ("disappeared", "8", "confirmed"),
    ]
    assert all(events[0][f"criterion_{i}"] == "true" for i in range(1, 7))
    assert float(events[0]["delta_bic"]) > 10
    assert {row["source"] for row in tracks} == {path.name for path in folder.glob("*V_*.csv")}
    absent = [row for row in tracks if row["process_id"] == events[0]["process_id"] and row["status"] == "absent"]
    assert absent
    assert all(row["R_ohm"] == "" and float(row["upper_limit_ohm"]) < 2 for row in absent)
    summaries = {row["quantity"]: row for row in rows(tmp_path / "out" / "series.csv")}
    assert tuple(summaries["total"]) == SERIES.names
    total = summaries["total"]
    assert float(total["minimum_ohm"]) < 50 < float(total["maximum_ohm"])
    assert 3 <= int(total["maximum_index"]) < 8
    assert total["maximum_index"] in total["maximum_candidates"].split()
    assert float(total["slope_low_ohm"]) < float(total["slope_ohm"]) < float(total["slope_high_ohm"])
    assert summaries[events[0]["process_id"]]["n_points"] == "5"
    assert sorted(path.name for path in (tmp_path / "out" / "plots" / "tracks").iterdir()) == [
        "cell.map.png",
        "cell.nyquist.png",
        "cell.tracks.png",
    ]
    assert any("1 spectra have no voltage_V" in line for line in summary.series)
    assert any("appeared at 2.8" in line for line in summary.series)


def test_fit_by_a_coordinate_tracks_too(folder: Path, tmp_path: Path) -> None:
    options = FitOptions(circuit="assb3", circuit_is_default=False, by="voltage", plots="none", drt=False, jobs=1)
    fit_folder([folder], tmp_path / "out", options)
    assert {row["series"] for row in rows(tmp_path / "out" / "tracks.csv")} == {"cell"}
    assert not (tmp_path / "out" / "plots" / "tracks").exists()


def test_a_wrong_circuit_is_told_before_anything_is_read(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CircuitError):
        track_folder([folder], tmp_path / "out", TrackOptions(by="voltage", circuit="R0-("))


def test_series_are_samples_or_folders_and_hours_count_from_one_start() -> None:
    def at(**values: object) -> Sweep:
        return Sweep.of(Spectrum([1.0], [1 - 1j], Metadata(**values)))  # type: ignore[arg-type]

    spectra = [
        at(source="a/1.csv", soc_pct=1.0),
        at(source="a/2.csv", soc_pct=2.0),
        at(source="b/1.csv", soc_pct=1.0, sample_id="S1"),
        at(source="b/2.csv"),
    ]
    groups, missing = _series(spectra, "soc_pct")
    assert ({name: len(own) for name, own in groups.items()}, missing) == ({"a": 2, "S1": 1}, 1)
    # a sweep of a SPEIS file knows its potential, if not by a table
    groups, _ = _series([at(source="a/1.mpt", ewe_mean_V=0.5)], "voltage_V")
    assert groups["a"][0].metadata.voltage_V == 0.5
    timed = _timed(
        [at(started_at="2026-01-01T02:00:00", time_h=0.0), at(started_at="2026-01-01T00:30:00", time_h=0.0)]
    )
    assert [s.metadata.time_h for s in timed] == [1.5, 0.0]


def test_replicates_alone_are_no_series(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for k in range(3):
        write_spectra(tmp_path / f"in/cell_2p80V_{k}.csv", [cell([], k)])
    summary = track_folder([tmp_path / "in"], tmp_path / "out", TrackOptions(by="voltage", plots="none", jobs=1))
    assert summary.series == ("cell: all 3 spectra have the same voltage_V: no series",)
    assert rows(tmp_path / "out" / "tracks.csv") == []


def test_a_series_that_breaks_down_does_not_end_the_batch(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("array must not contain infs or NaNs")

    monkeypatch.setattr("eistool.tracking.track", broken)
    summary = track_folder([folder], tmp_path / "out", TrackOptions(by="voltage", plots="none", jobs=1))
    reason = "the computation broke down (ValueError: array must not contain infs or NaNs)"
    assert f"cell: not tracked: {reason}" in summary.series
    assert summary.exit_code == 1
    [failed] = rows(tmp_path / "out" / "failures.csv")
    assert (failed["source"], failed["stage"], failed["error"]) == ("cell", "track", reason)
    assert '"state": "done"' in (tmp_path / "out" / "run.json").read_text(encoding="utf-8")
