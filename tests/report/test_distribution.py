"""Pictures of distributions."""

from dataclasses import replace

import numpy as np
import pytest

from eistool import compute_drt, simulate
from eistool.report import DRTPicture, DRTPlot, plot_drt

FREQUENCY = np.geomspace(1e6, 0.1, 71)


@pytest.fixture(scope="module")
def plot() -> DRTPlot:
    return DRTPlot()


def picture(circuit: str, values: list[float]) -> DRTPicture:
    return DRTPicture.of(compute_drt(simulate(circuit, FREQUENCY, values, noise=0.003, seed=1)))


@pytest.fixture(scope="module")
def arcs() -> DRTPicture:
    return picture("R0-p(R1,C1)-p(R2,CPE2)-CPE3", [10, 30, 1e-6, 50, 1e-4, 0.8, 0.1, 0.9])


def test_peaks_are_marked_and_labelled(plot: DRTPlot, arcs: DRTPicture) -> None:
    [axes] = plot.draw(arcs).axes
    assert axes.get_xscale() == "log"
    assert axes.get_xlabel() == "τ / s"
    assert axes.get_ylabel() == "γ / Ω per unit of ln τ"
    assert [child.get_xlabel() for child in axes.child_axes] == ["frequency 1/(2πτ) / Hz"]
    assert len(axes.texts) == len(arcs.peaks) == 2
    for text, R in zip(axes.texts, ("30", "50"), strict=True):
        resistance, place = text.get_text().split("\n")
        assert " ± " in resistance
        assert resistance.endswith("Ω")
        assert place.endswith("Hz")
        assert abs(float(resistance.split()[0]) - float(R)) < 2
    low, high = axes.get_xlim()
    assert (low, high) == (arcs.tau[0], arcs.tau[-1])


def test_a_tail_does_not_hide_the_peaks(plot: DRTPlot) -> None:
    tail = picture("R0-p(R1,CPE1)-CPE2", [10, 50, 1e-5, 0.9, 1e-4, 0.9])
    [axes] = plot.draw(tail).axes
    assert tail.gamma.max() > 1000
    assert axes.get_ylim()[1] < 200


def test_a_loop_is_shown(plot: DRTPlot) -> None:
    loop = picture("R0-p(R1,CPE1)-RL1", [10, 50, 1e-4, 0.9, 5, 0.1])
    assert loop.peaks[-1].R < 0
    [axes] = plot.draw(loop).axes
    assert axes.get_ylim()[0] < -1


def test_equal_pictures_are_equal_files(plot: DRTPlot, arcs: DRTPicture) -> None:
    first = plot.to_png(arcs, "comment")
    assert b"comment" in first[:1024]
    plot.to_png(replace(arcs, peaks=(), label="long " * 50, flags="flag; " * 50))
    assert plot.to_png(arcs, "comment") == first
    assert DRTPlot().to_png(arcs, "comment") == first


@pytest.mark.parametrize("level", [0.0, 1e-12, 1e9])
def test_odd_distributions(plot: DRTPlot, arcs: DRTPicture, level: float) -> None:
    flat = np.full_like(arcs.tau, level)
    odd = replace(arcs, gamma=flat, low=flat, high=flat * 1e30, R_pol=(level, None), noise=None)
    assert plot.to_png(odd).startswith(b"\x89PNG")
    assert plot.to_png(replace(odd, peaks=())).startswith(b"\x89PNG")


def test_plot_of_a_result() -> None:
    drt = compute_drt(simulate("R0-p(R1,CPE1)", FREQUENCY, [10, 50, 1e-4, 0.8], noise=0.003, seed=1))
    assert any("R_pol" in text.get_text() for text in plot_drt(drt).texts)
