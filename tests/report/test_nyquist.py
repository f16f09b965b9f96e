"""Pictures of fits."""

import io
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from PIL import Image

from eistool import Spectrum, fit, simulate
from eistool.report import FitPicture, NyquistPlot, plot_fit
from eistool.report.units import format_hertz, format_ohm, ohm_unit


def picture(spectrum: Spectrum, circuit: str | None = None, verdict: str = "ok") -> FitPicture:
    fitted = None if circuit is None else fit(spectrum, circuit).impedance
    return FitPicture(
        label=spectrum.label,
        circuit=circuit or "",
        verdict=verdict,
        frequency=spectrum.frequency,
        impedance=spectrum.impedance,
        used=spectrum.mask,
        fit=fitted,
    )


@pytest.fixture(scope="module")
def plot() -> NyquistPlot:
    return NyquistPlot()


@pytest.fixture(scope="module")
def arc() -> Spectrum:
    return simulate("R0-p(R1,CPE1)", np.geomspace(1e5, 1, 31), [20, 100, 1e-5, 0.9], noise=0.002)


@pytest.fixture(scope="module")
def spike() -> Spectrum:
    return simulate("L0-R0-CPE1", np.geomspace(7e6, 0.1, 64), [1e-7, 53, 2e-6, 0.92], noise=0.002)


def test_scales_are_equal_and_hold_all_points(plot: NyquistPlot, arc: Spectrum) -> None:
    figure = plot.draw(picture(arc, "randles_simple"))
    nyquist, close_up, residual = figure.axes
    assert nyquist.get_aspect() == 1.0
    (left, right), (low, high) = nyquist.get_xlim(), nyquist.get_ylim()
    assert right - left == pytest.approx(high - low)
    assert left <= arc.impedance.real.min()
    assert right >= arc.impedance.real.max()
    assert nyquist.get_xlabel() == "Z′ / Ω"
    assert not close_up.get_visible()
    assert residual.get_xscale() == "log"
    assert {text.get_text() for text in nyquist.texts} >= {"1 Hz", "1 kHz"}


def test_spike_has_a_close_up_of_its_resistance(plot: NyquistPlot, spike: Spectrum) -> None:
    nyquist, close_up, _ = plot.draw(picture(spike, "spike")).axes
    assert nyquist.get_xlabel() == "Z′ / kΩ"
    assert close_up.get_visible()
    assert close_up.get_xlim()[0] < 53 < close_up.get_xlim()[1]


def test_masked_points_are_hollow_and_no_residuals(plot: NyquistPlot, arc: Spectrum) -> None:
    cropped = arc.crop(f_min=10)
    nyquist, _, residual = plot.draw(picture(cropped, "randles_simple")).axes
    lines = {str(line.get_label()): line for line in nyquist.lines}
    assert np.size(lines["measured"].get_xdata()) == cropped.n_used
    assert np.size(lines["not used"].get_xdata()) == len(arc) - cropped.n_used
    assert lines["not used"].get_markerfacecolor() == "none"
    real = next(line for line in residual.lines if line.get_label() == "real")
    assert np.size(real.get_xdata()) == cropped.n_used


def test_equal_pictures_are_equal_files(plot: NyquistPlot, arc: Spectrum, spike: Spectrum) -> None:
    first = plot.to_png(picture(arc, "randles_simple"))
    plot.to_png(picture(spike, "spike"))
    assert plot.to_png(picture(arc, "randles_simple")) == first
    assert NyquistPlot().to_png(picture(arc, "randles_simple")) == first


def test_png_shows_the_same_pixels_as_the_figure(arc: Spectrum, spike: Spectrum) -> None:
    fast, plain = NyquistPlot(), NyquistPlot()
    for spectrum, circuit in ((spike, "spike"), (arc, "randles_simple"), (spike, None)):
        shown = picture(spectrum, circuit)
        png = np.asarray(Image.open(io.BytesIO(fast.to_png(shown))))
        canvas: Any = plain.draw(shown).canvas
        canvas.draw()
        colours, opacity = np.split(np.asarray(canvas.buffer_rgba()), [3], axis=2)
        np.testing.assert_array_equal(png, colours)
        assert (opacity == 255).all()


@pytest.mark.parametrize(
    ("frequency", "impedance"),
    [
        ([1.0], [5 - 2j]),
        ([1.0, 1.0], [5 - 2j, 5 - 2j]),
        ([1e3, 1.0], [1e-4 + 1e-5j, 2e-4 - 1e-5j]),
        ([1e3, 1.0], [-1e9 - 1e9j, 2e9 - 1j]),
        ([1e3, 10.0, 1.0], [5 - 2j, 6 - 1j, 7 - 0j]),
    ],
)
def test_odd_spectra_without_a_fit(plot: NyquistPlot, frequency: list[float], impedance: list[complex]) -> None:
    spectrum = Spectrum(np.array(frequency), np.array(impedance), label=r"no $\\maths$ in here " * 20)
    assert plot.to_png(picture(spectrum, verdict="failed: " + "too few points; " * 30)).startswith(b"\x89PNG")


def test_plot_fit_of_a_result(arc: Spectrum) -> None:
    figure = plot_fit(fit(arc, "R0-p(R1,CPE1)"))
    assert any("ok, reduced χ²" in text.get_text() for text in figure.texts)


def test_no_window_system_is_needed() -> None:
    code = "import sys, eistool.report as r; r.NyquistPlot(); assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_units() -> None:
    assert [ohm_unit(value)[1] for value in (0.05, 50, 5e4, 5e7)] == ["mΩ", "Ω", "kΩ", "MΩ"]
    assert format_ohm(1198.72, 0.77) == "1198.72 ± 0.77 Ω"
    assert format_ohm(0.0123, 0.0002) == "12.30 ± 0.20 mΩ"
    assert format_ohm(2.0e7) == "20 MΩ"
    assert [format_hertz(value) for value in (0.01, 1, 1e3, 19.3e6)] == ["10 mHz", "1 Hz", "1 kHz", "19.3 MHz"]


def test_the_fit_lies_within_the_picture() -> None:
    z = np.array([10 - 1j, 20 - 5j, 30 - 1j])
    picture = FitPicture("a", "R0", "poor model", np.array([1e3, 1e2, 10.0]), z, np.full(3, True), 3 * z)
    axes = NyquistPlot().draw(picture).axes[0]
    assert axes.get_xlim()[1] > 90
    assert axes.get_ylim()[1] > 15
