"""``eistool serve``: only for this machine and holders of the token, and driven in a browser."""

import http.client
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eistool.jobs import FitOptions, fit_folder
from eistool.settings import read_overrides
from tests.batch.folders import CIRCUIT, make_folder, rows
from tests.browser import open_browser, wait_until, why_no_browser

NAME = "b/cell_25C.mpt#2"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("serve")
    make_folder(folder / "measured")
    options = FitOptions(circuit=CIRCUIT, circuit_is_default=False, plots="none", report=False)
    fit_folder([folder / "measured"], folder / "out", options)
    return folder / "out"


@pytest.fixture(scope="module")
def url(results: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "eistool.cli", "serve", str(results), "--no-browser"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
    assert server.stdout is not None
    line = server.stdout.readline()
    found = re.search(r"http://127\.0\.0\.1:\d+/\S{20,}/", line)
    assert found, line
    yield found[0]
    server.terminate()
    server.wait(10)
    server.stdout.close()


def ask(
    url: str, path: str, given: object = None, host: str | None = None, token: str | None = None
) -> tuple[int, str]:
    """Return status and text of a request."""
    _, _, address, own, _ = url.split("/")
    connection = http.client.HTTPConnection(address, timeout=30)
    body = None if given is None else json.dumps(given)
    headers = {"Host": host or address}
    connection.request("GET" if given is None else "POST", f"/{token or own}/{path}", body, headers)
    reply = connection.getresponse()
    answer = reply.status, reply.read().decode()
    connection.close()
    return answer


def test_only_with_the_token_and_by_the_names_of_this_machine(url: str) -> None:
    assert ask(url, "")[0] == 200
    for token in ("x", "0" * 32, "..", "%2e%2e"):
        assert ask(url, "", token=token)[0] == 404
        assert ask(url, "refit", {"name": NAME, "choices": {"circuit": CIRCUIT}}, token=token)[0] == 404
    assert ask(url, "", host="evil.example")[0] == 400


def test_pages_of_the_report(url: str) -> None:
    assert ask(url, "report.html")[0] == ask(url, "report-1.html")[0] == 200
    for path in ("report-0.html", "report-2.html", "report--1.html"):
        assert ask(url, path)[0] == 404


@pytest.mark.parametrize("path", ["..%2f..%2fetc/passwd", "run.json", "records.jsonl", "%2e%2e/measured"])
def test_no_file_is_served(url: str, path: str) -> None:
    assert ask(url, path)[0] == 404


def test_wrong_requests_are_answered_by_a_reason(url: str) -> None:
    wrong: list[object] = [
        [],
        "text",
        {},
        {"name": "nowhere", "choices": {}},
        {"name": NAME, "choices": {"circuit": "R0-p("}},
    ]
    for given in wrong:
        status, text = ask(url, "refit", given)
        assert status == 400
        assert json.loads(text)["error"]


@pytest.mark.skipif(bool(why_no_browser()), reason=why_no_browser())
@pytest.mark.parametrize(
    ("name", "width", "scheme"), [("a/cell_25C.csv", 1280, "light"), ("b/cell_25C.mpt", 390, "dark")]
)
def test_sliders_refit_at_every_move_or_draw_the_curve(url: str, name: str, width: int, scheme: Any) -> None:
    with open_browser() as browser:
        page = browser.new_page(viewport={"width": width, "height": 850}, color_scheme=scheme)
        said: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
        page.goto(url)
        page.get_by_role("link", name=name, exact=True).click()
        page.wait_for_selector(f"#refit-title:has-text({json.dumps(name)})")
        resistance = page.get_by_label("R1, value in ohm")
        resistance.wait_for()
        best, quality = float(resistance.input_value()), page.locator("#answer").inner_text()
        page.get_by_label("R1, slider").focus()
        asked.clear()
        for _ in range(5):  # each is answered before the next
            before = page.locator("#answer").inner_text()
            page.keyboard.press("PageUp")
            wait_until(page, "before => document.getElementById('answer').textContent !== before", before)
        assert asked.count("refit") == 5
        assert float(resistance.input_value()) > 2 * best
        assert page.get_by_label("R1, fixed").is_checked()
        page.wait_for_selector("#refit-details tr:has-text('R1') :text('fixed')")
        page.get_by_label("R1, fixed").uncheck()
        wait_until(page, "quality => document.getElementById('answer').textContent === quality", quality)
        assert float(resistance.input_value()) == pytest.approx(best, rel=1e-3)
        asked.clear()
        page.get_by_label("draws the curve without a fit").check()
        resistance.fill(str(3 * best))
        resistance.press("Tab")
        page.wait_for_selector("#answer:has-text('not fitted')")
        assert asked == ["simulate"]
        assert page.locator("#accept").is_disabled()
        page.get_by_label("fixes its parameter").check()
        wait_until(page, "quality => document.getElementById('answer').textContent === quality", quality)
        page.get_by_label("R1, upper bound").fill(str(best / 2))
        page.get_by_label("R1, upper bound").press("Tab")
        page.wait_for_selector("#refit-details tr:has-text('R1') :text('at bound')")
        page.locator("#circuit").fill("R0")  # without R1, its bound is forgotten
        page.get_by_label("R1, slider").wait_for(state="detached")
        assert page.locator("#answer").get_attribute("class") != "notice"
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert said == []


@pytest.mark.skipif(bool(why_no_browser()), reason=why_no_browser())
def test_open_change_refit_accept_and_the_next_batch(url: str, results: Path) -> None:
    with open_browser() as browser:
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(url)
        page.get_by_role("link", name=NAME).click()
        page.wait_for_selector(f"#refit-title:has-text({json.dumps(NAME)})")
        page.locator("#refit-nyquist").scroll_into_view_if_needed()
        page.wait_for_selector("#refit-nyquist .point")
        page.locator("#circuit").fill("R0-p(R1,C1)")
        page.wait_for_selector("#refit-details :text('C1')")
        points = "document.getElementById('answer').textContent.includes('26 points')"
        wait_until(page, points)
        page.locator("#low").focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        wait_until(page, "document.getElementById('answer').textContent.includes('24 points')")
        page.locator("#others").fill(CIRCUIT)
        page.locator("#compare").click()
        page.wait_for_selector("#refit-details :text('Circuits, the best first')")
        page.locator("#accept").click()
        page.wait_for_selector("#answer:has-text('Written to')")
        assert said == []
        page.reload()
        page.get_by_role("link", name=NAME).click()
        page.wait_for_selector("#answer:has-text('accepted earlier')")
        assert page.locator("#circuit").input_value() == "R0-p(R1,C1)"
        page.close()
    options = FitOptions(
        circuit=CIRCUIT, circuit_is_default=False, plots="none", report=False,
        overrides=read_overrides(results / "eistool.toml"),
    )  # fmt: skip
    assert fit_folder([results.parent / "measured"], results, options).n_computed == 1
    fits = {(row["source"], row["sweep"]): row["circuit"] for row in rows(results / "fits.csv")}
    assert fits["b/cell_25C.mpt", "2"] == "R0-p(R1,C1)"
    assert fits["a/cell_25C.csv", "1"] == CIRCUIT
