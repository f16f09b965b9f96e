"""The HTML report: contents, escaping, and folders that are not complete."""

import base64
import json
import shutil
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import eistool
from eistool.batch import write_report
from eistool.errors import ConfigError
from eistool.report import results as report_results
from eistool.report.arrhenius_line import line_of
from eistool.report.page import render, render_pages
from eistool.report.results import NAMES as TABLE_NAMES
from eistool.tables import TABLES
from eistool.tables.arrhenius import arrhenius_row
from tests.report.page.folders import HOSTILE, NAMES, SCRIPT, hostile_results


class Page(HTMLParser):
    """Tags with attributes, texts, and contents of data blocks."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.data: dict[str, Any] = {}
        self._open = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = tag

    def handle_data(self, data: str) -> None:
        tag, attributes = self.tags[-1] if self.tags else ("", {})
        if self._open == "script" and tag == "script":
            if identifier := attributes.get("id"):
                self.data[identifier] = json.loads(zlib.decompress(base64.b64decode(data)))
        elif self._open != "style":
            self.text.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._open = ""


def render_report(folder: Path) -> str:
    [page] = render_pages(folder)
    return page


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hostile_results(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def page(results: Path) -> Page:
    return Page((results / "report.html").read_text(encoding="utf-8"))


def test_nothing_from_a_file_becomes_markup(page: Page) -> None:
    assert [tag for tag, _ in page.tags].count("img") == 0
    programs = [attributes for tag, attributes in page.tags if tag == "script" and "type" not in attributes]
    assert len(programs) == 3
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    text = " ".join(page.text)
    for name in NAMES:
        assert name in text
    assert SCRIPT in text
    assert ["notes", HOSTILE] in page.data["sweep-0"]["facts"]


def test_the_page_needs_no_other_file(page: Page) -> None:
    for tag, attributes in page.tags:
        assert tag not in ("link", "iframe", "object", "embed", "base")
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")
    policies = [a["content"] or "" for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies[0].startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-inline" not in policies[0].partition("style-src")[0]


def test_details_of_a_sweep(page: Page) -> None:
    sweep = next(one for name, one in page.data.items() if name.startswith("sweep") and one["name"] == "plain.csv")
    assert sweep["circuit"] == "R0-p(R1,CPE1)"
    assert sweep["geometry"]["area"] == pytest.approx(0.7854, rel=1e-3)
    assert len(sweep["curve"]["f"]) == len(sweep["curve"]["fitRe"]) == len(sweep["curve"]["kkIm"]) == 31
    assert sweep["curve"]["f"] == sorted(sweep["curve"]["f"], reverse=True)
    assert [row[0] for row in sweep["parameters"]] == ["R0", "R1", "CPE1.Q", "CPE1.alpha"]
    assert all("±" in row[1] for row in sweep["parameters"])
    assert sweep["peaks"][0]["height"] == pytest.approx(max(sweep["drt"]["gamma"]), rel=0.02)
    assert "passed" in sweep["kk"]


def test_samples_and_series(page: Page) -> None:
    [sample] = page.data["samples-0"]["samples"]
    assert [point["T"] for point in sample["points"]] == [50, 20, 30, 40]
    assert len(sample["lines"]) == 1
    series = page.data["series-0"]
    assert [member["at"] for member in series["members"]] == ["50", "20", "30", "40"]  # of acquisition
    assert len(series["map"]["gamma"]) == 4
    assert len(series["tracks"][0]["R"]) == 4


def test_failures_come_with_their_reason_and_a_next_step(page: Page) -> None:
    text = " ".join(page.text)
    assert "unknown content" in text
    assert "broken.mpt" in text
    assert "eistool inspect FILE" in text


@pytest.mark.parametrize("kept", [(), ("spectra",), ("spectra", "fits"), ("spectra", "curves"), ("tracks",)])
def test_any_table_may_be_missing(results: Path, tmp_path: Path, kept: tuple[str, ...]) -> None:
    for name in ("run.json", *(f"{table}.csv" for table in kept)):
        shutil.copy(results / name, tmp_path / name)
    page = Page(render_report(tmp_path))
    assert len([name for name in page.data if name.startswith("sweep")]) == (4 if "spectra" in kept else 0)


def test_a_damaged_table_does_not_end_in_a_traceback(results: Path, tmp_path: Path) -> None:
    shutil.copytree(results, tmp_path / "copy")
    curves = tmp_path / "copy" / "curves.csv"
    curves.write_bytes(curves.read_bytes()[:5001])
    assert "plain.csv" in render_report(tmp_path / "copy")
    curves.write_bytes(b"source,sweep\n\xff\xfe,1\n")
    with pytest.raises(ConfigError, match=r"curves\.csv"):
        render_report(tmp_path / "copy")


def test_only_own_tables_are_read(results: Path, tmp_path: Path) -> None:
    assert set(TABLE_NAMES) == {table.name for table in TABLES}
    shutil.copytree(results, tmp_path / "copy")
    (tmp_path / "copy" / "mine.csv").write_bytes(b"\xff\xfe")
    assert render_report(tmp_path / "copy")


def test_a_large_folder_is_split_into_pages(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(results, folder)
    whole = Page(render_report(folder))
    monkeypatch.setattr(render, "MOST_BYTES", 1)  # a page for each sweep
    assert write_report(folder) == folder / "report.html"
    names = ["report.html", "report-2.html", "report-3.html", "report-4.html"]
    pages = [Page((folder / name).read_text(encoding="utf-8")) for name in names]
    for name, page in zip(names, pages, strict=True):
        links = {attributes.get("href") for tag, attributes in page.tags if tag == "a"}
        assert set(names) - {name} <= links
        assert name not in links
    assert {name: data for page in pages for name, data in page.data.items()} == whole.data
    assert {"samples-0", "series-0"} <= pages[0].data.keys()
    assert len(pages[1].data) == 1
    monkeypatch.undo()
    write_report(folder)
    assert [path.name for path in folder.glob("report*.html")] == ["report.html"]


def change_run(folder: Path, **changes: Any) -> None:
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    (folder / "run.json").write_text(json.dumps({**run, **changes}), encoding="utf-8")


def test_tables_of_two_generations_are_refused(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(results, folder)
    read = report_results._read

    def read_slowly(path: Path) -> list[dict[str, str]]:
        if path.name == "fits.csv":
            change_run(folder, generation=7)
        return read(path)

    with monkeypatch.context() as patch:
        patch.setattr(report_results, "_read", read_slowly)
        with pytest.raises(ConfigError, match="replaced while they were read"):
            render_report(folder)
    assert render_report(folder)
    change_run(folder, state="writing")
    with pytest.raises(ConfigError, match="being written"):
        render_report(folder)


def test_tables_of_an_earlier_run_are_named(results: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(results, folder)
    change_run(folder, older={"tracks.csv": {"job": "track", "generation": 1}})
    text = " ".join(Page(render_report(folder)).text)
    assert "tables are of an earlier run: tracks.csv of" in text


def test_the_band_of_a_line_is_that_of_the_fit() -> None:
    T = np.array([-20.0, 0.0, 20.0, 40.0, 60.0])
    sigma = 300 / (T + 273.15) * np.exp(8 - 0.31 / (8.617333e-5 * (T + 273.15)))
    scatter = np.array([1.02, 0.98, 1.01, 1.0, 0.99])
    for u in (None, 0.03 * sigma):
        fit = eistool.arrhenius(T, scatter * sigma, u)
        row = {name: str(value) for name, value in arrhenius_row("S", "total", fit).items()}
        found = line_of(row)
        assert found is not None
        line, u_line = fit.predict(found[0])
        factor = np.exp(fit.quantile * u_line / line)
        np.testing.assert_allclose(found[1:], [line, line / factor, line * factor], rtol=1e-7)
        older = line_of({**row, "sigma_25C_high": ""})
        assert older is not None
        assert np.isnan(older[2]).all()


@pytest.mark.parametrize("run", [None, "", "[]", "{"])
def test_only_result_folders(tmp_path: Path, run: str | None) -> None:
    if run is not None:
        (tmp_path / "run.json").write_text(run)
    with pytest.raises(ConfigError, match=r"run\.json"):
        render_report(tmp_path)


def test_the_same_folder_gives_the_same_page(results: Path) -> None:
    assert render_report(results) == (results / "report.html").read_text(encoding="utf-8")
