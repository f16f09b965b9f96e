"""A headless Chromium, if there is one."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str | None:
    """Return the path of an installed Chromium, or None."""
    return next((path for name in PROGRAMS if (path := shutil.which(name))), None)


def why_no_browser() -> str:
    """Return the reason why pages cannot be opened, empty if they can."""
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "playwright is not installed; pip install 'eistool[test]'"
    return "" if find_chromium() else f"no Chromium on PATH ({', '.join(PROGRAMS)}); apt-get install chromium"


@contextmanager
def open_browser() -> "Iterator[Browser]":
    """Yield a headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # the sandbox needs rights that containers lack
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


def address(path: Path) -> str:
    """Return the URL of a file."""
    return path.resolve().as_uri()


def wait_until(page: "Page", expression: str, argument: object = None, seconds: float = 20.0) -> None:
    """Wait until an expression is true; playwright's own waiting evaluates strings, which our policy forbids."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression, argument):
        assert time.monotonic() < end, f"still false after {seconds} s: {expression}"
        page.wait_for_timeout(30)
