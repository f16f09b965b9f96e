"""Pictures of series."""

import pytest

from eistool import Series, Tracks, track
from eistool.report import plot_map, plot_tracks, plot_waterfall, tracks_to_png
from tests.tracking.series import new_interphase


@pytest.fixture(scope="module")
def tracks() -> Tracks:
    return track(new_interphase(), jobs=1)


def test_a_waterfall_has_at_most_twelve_curves_with_both_sides_of_events(tracks: Tracks) -> None:
    (axes,) = plot_waterfall(tracks, "cell").axes
    labels = [text.get_text() for text in axes.get_legend().get_texts()]  # type: ignore[union-attr]
    assert len(labels) == 12
    assert {"2 ↑", "2.6 ↑", "2.8 ↑", "3.6 ↑", "3.4 ↓", "2 ↓"} <= set(labels)
    assert "12 of 17 spectra" in axes.get_title(loc="left")


def test_resistances_have_intervals_events_and_limits(tracks: Tracks) -> None:
    upper, lower = plot_tracks(tracks, "cell").axes
    labels = [text.get_text() for text in upper.get_legend().get_texts()]  # type: ignore[union-attr]
    assert labels == ["P1", "P2", "P3", "R total"]
    marks = [text.get_text() for text in upper.texts]
    assert marks == ["+P3", "−P3"]
    assert lower.get_yscale() == "log"


def test_the_map_names_the_tracks(tracks: Tracks) -> None:
    axes = plot_map(tracks, "cell").axes[0]
    assert [text.get_text() for text in axes.texts] == ["P1", "P2", "P3"]


def test_a_series_too_short_for_a_map_has_the_other_pictures(tracks: Tracks) -> None:
    short = track(Series(list(tracks.series)[:2], by="voltage"), jobs=1)
    pictures = tracks_to_png(short)
    assert sorted(pictures) == ["nyquist", "tracks"]
    assert all(png.startswith(b"\x89PNG") for png in pictures.values())
