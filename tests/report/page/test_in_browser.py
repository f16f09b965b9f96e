"""The HTML report in headless Chromium: no error, no request, and switches that work."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser import address, open_browser, wait_until, why_no_browser
from tests.report.page.folders import hostile_results

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

REASON = why_no_browser()
pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)
POINTS = "#nyquist .plot .scatterlayer .point"


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    return address(hostile_results(tmp_path_factory.mktemp("report")) / "report.html")


@pytest.fixture
def page(browser: "Browser", report: str) -> "Iterator[Page]":
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report)
    page.wait_for_selector(POINTS)
    yield page
    assert said == []
    assert asked == [report]
    page.close()


def current(page: "Page") -> str:
    return page.locator("#sweep-title").inner_text()


def test_every_figure_is_drawn(page: "Page") -> None:
    for name in ("nyquist", "bode", "residuals", "kk", "drt", "arrhenius", "tracks-R", "tracks-tau", "waterfall"):
        page.locator(f"#{name}").scroll_into_view_if_needed()
        page.wait_for_selector(f"#{name} .scatterlayer .trace")
    page.wait_for_selector("#map .heatmaplayer image")


def test_the_axes_of_the_nyquist_plot_are_equal_and_minus_im_points_up(page: "Page") -> None:
    x, y = page.evaluate(
        "[...'xy'].map(a => { const axis = document.querySelector('#nyquist .plot')._fullLayout[a + 'axis'];"
        "return [axis._length / (axis.range[1] - axis.range[0]), axis.range] })"
    )
    assert x[0] == pytest.approx(y[0], rel=1e-6)
    assert y[1][1] > -y[1][0] > 0
    assert "−Im" in (page.locator("#nyquist .ytitle").text_content() or "")


def test_search_sort_and_filter(page: "Page") -> None:
    names = page.locator("#sweep-table tbody th:visible")
    page.get_by_role("button", name="T / °C").click()
    assert "img" in names.first.inner_text()
    page.get_by_role("button", name="T / °C").click()
    assert "onload" in names.first.inner_text()
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("T / °C")
    page.get_by_label("Search").fill("plain 40")
    assert names.all_inner_texts() == ["plain.csv"]
    assert page.locator("#matches").inner_text() == "1 of 4 sweeps"
    page.get_by_label("Search").fill("")
    page.locator("#state").select_option("ok")
    assert names.count() == 4


def test_choose_a_sweep_and_step(page: "Page") -> None:
    page.get_by_role("link", name="plain.csv").click()
    wait_until(page, "document.getElementById('sweep-title').textContent === 'plain.csv'")
    assert page.locator("tr.current").inner_text().count("plain.csv") == 1
    page.locator("#previous").click()
    wait_until(page, "document.getElementById('sweep-title').textContent !== 'plain.csv'")
    page.locator("#next").click()
    wait_until(page, "document.getElementById('sweep-title').textContent === 'plain.csv'")


def test_quantities_and_logarithmic_axes(page: "Page") -> None:
    title = page.locator("#nyquist .xtitle")
    for name, unit in (("Z·A", "Ω cm²"), ("Z/L", "Ω/cm"), ("Z·A/L", "Ω cm")):
        page.get_by_label(name, exact=True).check()
        wait_until(page, "text => document.querySelector('#nyquist .xtitle').textContent.endsWith(text)", unit)
        assert name in (title.text_content() or "")
    page.get_by_label("logarithmic axes").check()
    wait_until(page, "document.querySelector('#nyquist .plot')._fullLayout.yaxis.type === 'log'")


def test_overlay(page: "Page") -> None:
    before = page.locator(POINTS).count()
    page.get_by_label("Overlay plain.csv").check()
    page.wait_for_selector("#clear:visible")
    wait_until(
        page,
        "document.querySelectorAll('#nyquist .legendtext').length === 2 && "
        "document.querySelector('#nyquist .legend').textContent.includes('plain.csv')",
    )
    assert page.locator(POINTS).count() > before
    page.locator("#clear").click()
    page.wait_for_selector("#clear", state="hidden")


def test_hover_shows_the_frequency(page: "Page") -> None:
    page.locator("#nyquist").scroll_into_view_if_needed()
    page.wait_for_timeout(200)
    page.locator("#nyquist .plot .scatterlayer .point").nth(12).hover(force=True)
    page.wait_for_selector("#nyquist .hoverlayer .hovertext")
    assert "Hz" in (page.locator("#nyquist .hoverlayer").text_content() or "")


def test_zoom_by_buttons(page: "Page") -> None:
    ends = "document.querySelector('#nyquist .plot')._fullLayout.xaxis.range"
    width = f"({ends}[1] - {ends}[0])"
    before = page.evaluate(width)
    page.get_by_role("button", name="Zoom in: Nyquist plot").press("Enter")
    wait_until(page, f"{width} < {0.8 * before}")
    page.get_by_role("button", name="Reset the axes: Nyquist plot").press("Enter")
    wait_until(page, f"Math.abs({width} - {before}) < {1e-6 * before}")


def test_dark_colours(page: "Page") -> None:
    page.locator("#theme").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    wait_until(page, "document.querySelector('#nyquist .plot')._fullLayout.paper_bgcolor === '#14181d'")


def test_by_keyboard(page: "Page") -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the contents"
    page.get_by_role("link", name="plain.csv").focus()
    page.keyboard.press("Enter")
    wait_until(page, "document.getElementById('sweep-title').textContent === 'plain.csv'")


def test_on_a_phone_nothing_is_wider_than_the_screen(browser: "Browser", report: str) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 740})
    page.goto(report)
    page.locator("#nyquist").scroll_into_view_if_needed()
    page.wait_for_selector(POINTS)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.close()


def test_on_paper(browser: "Browser", report: str) -> None:
    page = browser.new_page(viewport={"width": 1200, "height": 900}, color_scheme="dark")
    page.goto(report)
    page.wait_for_selector(POINTS)
    assert len(page.pdf(format="A4")) > 50_000
    assert page.locator("html").get_attribute("data-theme") == "dark"  # restored
    page.close()


def test_tables_without_scripts(browser: "Browser", report: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report)
    assert page.locator("#sweep-table tbody tr").count() == 4
    assert page.get_by_text("Plots and details need JavaScript").is_visible()
    assert page.locator("#sweep").is_hidden()
    context.close()


def test_saved_pictures(page: "Page", tmp_path: Path) -> None:
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as SVG: Nyquist plot").click()
    download.value.save_as(tmp_path / "nyquist.svg")
    assert (tmp_path / "nyquist.svg").read_text(encoding="utf-8").startswith("<svg")
