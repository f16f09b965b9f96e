"""Notebooks of docs/notebooks run, and HTML reprs have small plots."""

import json
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


def test_small_plots() -> None:
    assert html_plot("nothing", [(np.nan, 1.0)]) == ""
    plot = html_plot("<b>", [(0.0, 0.0), (1.0, 1.0)], equal=True)
    assert "&lt;b&gt;" in plot
    (x0, y0), (x1, y1) = ((float(p.split('"')[1]), float(p.split('"')[3])) for p in plot.split("<circle ")[1:])
    assert x1 - x0 == pytest.approx(y0 - y1, abs=0.11)  # one scale, and up is up
