"""Size and times of the HTML report for folders of 20, 1,000 and 10,000 sweeps.

    python -m tests.benchmarks.report [--real FOLDER]

Sweeps of 60 points are simulated (two arcs and a tail), fitted and reported; for 10,000 the tables of 1,000 are
repeated. ``report / MB`` is the largest page. Where a Chromium is installed, the
page is opened from disk: ``first view`` is the time from the navigation to the first paint of the overview,
``first plot`` to the drawn Nyquist plot of the first sweep, ``next sweep`` from a click to the next one.
"""

import argparse
import re
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from eistool import simulate
from eistool.batch import write_report
from eistool.jobs import FitOptions, fit_folder
from eistool.readers.writers import write_spectra
from tests.browser import address, open_browser, wait_until, why_no_browser

CIRCUIT = "R0-p(R1,CPE1)-p(R2,CPE2)-CPE3"
FREQUENCY = np.geomspace(1e6, 0.1, 60)


def main() -> None:
    """Print a line for each folder."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--real", type=Path, help="a result folder to report as well")
    arguments = parser.parse_args()
    print(
        f"{'sweeps':>7}"
        + "".join(
            f"{name:>16}"
            for name in (
                "pages", "report / MB", "written in / s", "first view / s", "first plot / s", "next sweep / s",
            )
        )
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        for n in (20, 1000):
            results = simulated_results(Path(folder) / str(n), n)
            measure(n, results)
        measure(10_000, repeated(results, 10))
        if arguments.real:
            measure(-1, arguments.real)
    if reason := why_no_browser():
        print(f"no times of the page: {reason}")


def simulated_results(folder: Path, n: int) -> Path:
    """Fit ``n`` simulated sweeps, and return the result folder."""
    measured = folder / "measured"
    measured.mkdir(parents=True)
    for i in range(n):
        values = [10 + 0.01 * i, 40, 1e-6, 0.9, 100 + 0.1 * i, 1e-4, 0.85, 0.05, 0.8]
        write_spectra(
            measured / f"cell_25C_cyc{i + 1:04d}.csv", [simulate(CIRCUIT, FREQUENCY, values, noise=0.003, seed=i)]
        )
    options = FitOptions(circuit=CIRCUIT, circuit_is_default=False, plots="none", report=False)
    fit_folder([measured], folder / "results", options)
    return folder / "results"


def repeated(results: Path, times: int) -> Path:
    """Return a folder with the tables of a result folder, repeated under other names of the sources."""
    out = results.with_name("repeated")
    out.mkdir()
    shutil.copy(results / "run.json", out)
    for path in results.glob("*.csv"):
        head, _, rows = path.read_text(encoding="utf-8").partition("\n")
        copies = (re.sub(r"^(?=.)", f"copy{i}/", rows, flags=re.MULTILINE) for i in range(times))
        (out / path.name).write_text(f"{head}\n{''.join(copies)}", encoding="utf-8")
    return out


def measure(n: int, results: Path) -> None:
    """Print size and times of one report."""
    start = time.perf_counter()
    page = write_report(results)
    written = time.perf_counter() - start
    pages = list(results.glob("report*.html"))
    size = max(one.stat().st_size for one in pages) / 1e6
    times = (float("nan"),) * 3 if why_no_browser() else open_page(page)
    values = (len(pages), size, written, *times)
    print(f"{n if n > 0 else 'real':>7}" + "".join(f"{value:16.2f}" for value in values), flush=True)


def open_page(path: Path) -> tuple[float, float, float]:
    """Return the times to the first paint, to the first plot, and to another sweep, in s."""
    with open_browser() as browser:
        page = browser.new_page(viewport={"width": 1400, "height": 1300})
        page.set_default_timeout(60_000)
        start = time.perf_counter()
        page.goto(address(path))
        page.locator("#nyquist").scroll_into_view_if_needed()
        page.wait_for_selector("#nyquist .scatterlayer .point")
        plot = time.perf_counter() - start
        paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") / 1000
        before = page.locator("#sweep-title").inner_text()
        start = time.perf_counter()
        page.locator("#next").click()
        wait_until(page, "before => document.getElementById('sweep-title').textContent !== before", before)
        return paint, plot, time.perf_counter() - start


if __name__ == "__main__":
    main()
