"""Notebooks of docs/notebooks run, and HTML reprs have small plots."""

import json
import sys
import types
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot

import eistool
from eistool.display import html_plot

NOTEBOOKS = sorted((Path(__file__).parents[1] / "docs" / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    mpl.use("Agg")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert not any(cell.get("outputs") for cell in cells)  # committed without results
    names: dict[str, object] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), path.name, "exec"), names)  # noqa: S102
    pyplot.close("all")


def test_reprs_show_the_curve() -> None:
    spectrum = eistool.simulate("R0-p(R1,CPE1)", np.geomspace(1e5, 1, 21), [20, 100, 1e-5, 0.9], noise=0.003)
    html = spectrum._repr_html_()
    assert html.count("<circle") == 21
    assert "<script" not in html
    fit = eistool.fit(spectrum, "R0-p(R1,CPE1)")
    assert fit._repr_html_().count("<circle") == 21
    assert "<polyline" in eistool.compute_drt(spectrum)._repr_html_()
    assert list(fit.to_dataframe()["name"]) == ["R0", "R1", "CPE1.Q", "CPE1.alpha"]
    assert list(spectrum.to_dataframe()) == ["frequency_Hz", "z_real_ohm", "z_imag_ohm", "used"]


class Bar:
    """Display of a notebook, which keeps what it showed."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def __call__(self, html: str, display_id: bool) -> "Bar":
        self.shown.append(html)
        return self

    def update(self, html: str) -> None:
        self.shown.append(html)


@pytest.mark.parametrize(("kernel", "wait"), [(True, 0.0), (True, 60.0), (False, 0.0)])
def test_a_bar_in_a_notebook_that_waits(monkeypatch: pytest.MonkeyPatch, kernel: bool, wait: float) -> None:
    bar, shell = Bar(), types.SimpleNamespace(**({"kernel": object()} if kernel else {}))
    display = types.SimpleNamespace(HTML=str, display=bar)
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell, display=display))
    monkeypatch.setattr("eistool.display.BAR_INTERVAL", wait)
    spectra = [eistool.simulate("R0-C1", [1, 10, 100], [10, 1e-3], noise=0.01, seed=i) for i in range(3)]
    assert len(eistool.fit_many(spectra, "R0-C1")) == 3
    if not kernel or wait:
        assert bar.shown == []
        return
    assert len(bar.shown) == 4
    assert '<progress value="1" max="3">' in bar.shown[0]
    assert "fitting 3/3 in 0 s" in bar.shown[-1]


def test_small_plots() -> None:
    assert html_plot("nothing", [(np.nan, 1.0)]) == ""
    plot = html_plot("<b>", [(0.0, 0.0), (1.0, 1.0)], equal=True)
    assert "&lt;b&gt;" in plot
    (x0, y0), (x1, y1) = ((float(p.split('"')[1]), float(p.split('"')[3])) for p in plot.split("<circle ")[1:])
    assert x1 - x0 == pytest.approx(y0 - y1, abs=0.11)  # one scale, and up is up
