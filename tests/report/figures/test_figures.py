"""Figures for papers: sizes, equal axes, labels that are not cut off, and source data."""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib import pyplot
from matplotlib.figure import Figure

import eistool
from eistool.cli import main
from eistool.errors import ConfigError
from eistool.report.figures import draw_figures, save
from eistool.report.results import read_results
from tests.report.page.folders import SCRIPT, hostile_results


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hostile_results(tmp_path_factory.mktemp("figures"))


@pytest.fixture
def fit() -> eistool.FitResult:
    metadata = eistool.Metadata(temperature_C=25.0, thickness_um=1000.0, diameter_mm=10.0, source="S17_25C.mpt")
    values = [20, 100, 1e-5, 0.9]
    frequency = np.geomspace(1e5, 1, 31)
    circuit = "R0-p(R1,CPE1)"
    spectrum = eistool.simulate(circuit, frequency, values, noise=0.003, seed=1, metadata=metadata)
    return eistool.fit(spectrum.with_mask(spectrum.frequency > 1.2, "slow"), circuit)


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    pyplot.close("all")


def overhang(figure: Figure) -> float:
    """Return the length in inches by which anything drawn exceeds the figure."""
    figure.draw_without_rendering()
    drawn = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    beyond: float = max(-drawn.x0, -drawn.y0, drawn.x1 - width, drawn.y1 - height)
    return beyond


@pytest.mark.parametrize("kind", ["nyquist", "bode", "residuals", "drt", "arrhenius", "tracks"])
@pytest.mark.parametrize("width", ["single", "double"])
def test_figures_of_a_folder(results: Path, kind: str, width: str) -> None:
    [one] = draw_figures(read_results(results), kind, width=width)
    assert one.figure.get_figwidth() * 25.4 == pytest.approx({"single": 85, "double": 175}[width])
    assert overhang(one.figure) < 0.01
    assert len(one.rows) > 3


def test_scales_of_a_nyquist_plot_are_equal_and_minus_im_points_up(fit: eistool.FitResult) -> None:
    axes = fit.plot_nyquist()
    axes.figure.draw_without_rendering()
    box = axes.get_window_extent()
    (x0, x1), (y0, y1) = axes.get_xlim(), axes.get_ylim()
    assert box.width / (x1 - x0) == pytest.approx(box.height / (y1 - y0), rel=1e-6)
    assert y1 > 20
    assert axes.get_ylabel() == "−Im(Z) / Ω"
    assert overhang(axes.figure) < 0.01


def test_axes_in_and_out(fit: eistool.FitResult) -> None:
    figure, grid = pyplot.subplots(2, 2)
    assert fit.plot_nyquist(grid[0, 0]) is grid[0, 0]
    assert fit.plot_residuals(grid[0, 1]) is grid[0, 1]
    assert fit.plot_bode((grid[1, 0], grid[1, 1])) == (grid[1, 0], grid[1, 1])
    assert pyplot.get_fignums() == [figure.number]
    assert len(grid[0, 0].lines) > 2


def test_masked_points_are_open(fit: eistool.FitResult) -> None:
    faces = {line.get_markerfacecolor(): len(line.get_xdata()) for line in fit.plot_nyquist().lines[:2]}
    assert faces["none"] == 1
    assert sum(faces.values()) == 31


def test_quantities_need_a_geometry(fit: eistool.FitResult) -> None:
    assert fit.plot_nyquist(quantity="ZA").get_xlabel() == "Re(ZA) / Ω cm²"
    bare = eistool.Spectrum(fit.spectrum.frequency, fit.spectrum.impedance)
    with pytest.raises(ConfigError, match="thickness_um"):
        bare.plot_nyquist(quantity="ZA")
    with pytest.raises(ConfigError, match="choose one of Z, ZA"):
        bare.plot_bode(quantity="Y")


def test_other_results() -> None:
    spectrum = eistool.simulate("R0-p(R1,CPE1)", np.geomspace(1e5, 0.1, 41), [20, 100, 1e-5, 0.9], noise=0.003)
    drt = eistool.compute_drt(spectrum)
    assert "ln τ" in drt.plot_drt().get_ylabel()
    assert drt.plot_residuals().get_xscale() == "log"
    fit = eistool.arrhenius([0, 25, 50, 75], [1e-4, 3e-4, 8e-4, 2e-3])
    assert fit.plot_arrhenius().get_ylabel() == "σ / (S/cm)"
    assert fit.plot_arrhenius(product=True).get_ylabel() == "σT / (S K/cm)"


def test_equal_figures_are_equal_files(results: Path) -> None:
    for form in ("pdf", "svg", "png"):
        first, second = (save(next(draw_figures(read_results(results), "nyquist")).figure, form) for _ in range(2))
        assert first == second


def test_command(results: Path, tmp_path: Path) -> None:
    arguments = ["plot", str(results), "nyquist", "--only", "plain*", "--quantity", "ZA", "--out", str(tmp_path)]
    done = CliRunner().invoke(main, [*arguments, "--format", "svg"])
    assert done.exit_code == 0, done.output
    assert done.stdout.split() == [str(tmp_path / "nyquist_plain_csv.svg")]
    with (tmp_path / "nyquist_plain_csv.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 31
    area = np.pi / 4
    assert float(rows[0]["re_ohm_cm2"]) == pytest.approx(20 * area, rel=0.05)
    assert abs(float(rows[0]["residual_re"])) < 0.02


def test_too_much_or_nothing_to_draw(results: Path) -> None:
    done = CliRunner().invoke(main, ["plot", str(results), "nyquist", "--only", "nowhere*"])
    assert done.exit_code == 2
    assert "nothing to draw as nyquist among nowhere*" in done.stderr
    names = [one.name for one in draw_figures(read_results(results), "bode", each=True)]
    assert len(names) == 4
    assert [one.name for one in draw_figures(read_results(results), "tracks")] == [f"tracks_{SCRIPT}"]
