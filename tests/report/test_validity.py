"""Pictures of validation."""

import numpy as np
import pytest

from eistool import Spectrum, check_kramers_kronig, check_z_hit, simulate
from eistool.report import CheckPicture, CheckPlot, plot_check

FREQUENCY = np.geomspace(1e5, 0.1, 49)


@pytest.fixture(scope="module")
def plot() -> CheckPlot:
    return CheckPlot()


def picture(factor: complex = 1.0, n: int = 49) -> CheckPicture:
    z = simulate("R0-p(R1,CPE1)", FREQUENCY, [20, 100, 1e-5, 0.9], noise=0.002, seed=1).impedance.copy()
    z[20] *= factor
    spectrum = Spectrum(FREQUENCY[:n], z[:n], label="cell.mpt")
    test = check_kramers_kronig(spectrum)
    return CheckPicture.of(test, check_z_hit(spectrum, kramers_kronig=test))


def test_residuals_and_outliers_are_shown(plot: CheckPlot) -> None:
    shown = picture(1.2)
    figure = plot.draw(shown)
    nyquist, residual, modulus = figure.axes
    assert nyquist.get_aspect() == 1.0
    texts = [text.get_text() for text in figure.texts]
    assert texts[0] == "cell.mpt"
    assert texts[1] == "Kramers-Kronig failed    Z-HIT passed"
    assert texts[2].startswith("1 outlier: ")
    assert residual.get_ylim()[1] < 2  # %; the outlier does not extend the axis
    assert residual.get_xlim() == modulus.get_xlim()
    legend = residual.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["real", "imaginary", "± 2 noise"]


def test_one_figure_draws_many(plot: CheckPlot) -> None:
    first = plot.to_png(picture())
    plot.to_png(picture(1.3))
    assert plot.to_png(picture()) == first
    assert CheckPlot().to_png(picture()) == first
    assert b"eistool key" in plot.to_png(picture(), "eistool key")[:1024]


def test_a_spectrum_that_cannot_be_judged(plot: CheckPlot) -> None:
    figure = plot.draw(picture(n=6))
    assert "undecided" in figure.texts[1].get_text()
    assert "too few" in figure.texts[2].get_text()


def test_plot_check() -> None:
    spectrum = simulate("R0-C1", FREQUENCY, [100, 1e-5], noise=0.002)
    assert len(plot_check(check_kramers_kronig(spectrum), check_z_hit(spectrum)).axes) == 3
