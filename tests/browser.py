"""A real browser for pages that qwright writes: headless Chromium, which must load nothing."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Dialog, Page, sync_playwright

DESKTOP = (1280, 900)
PHONE = (390, 844)


@contextmanager
def chromium() -> Generator[Browser]:
    """The system's Chromium, gone at the end (asyncio.run works again only then)."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """A page as a person has it open, and all that went wrong on it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.wrong: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda said: self.wrong.append(said.text))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("dialog", self._asked)
        page.on("request", lambda request: self.requests.append(request.url))

    def _asked(self, dialog: Dialog) -> None:
        self.wrong.append(dialog.message)
        dialog.dismiss()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def focused(self) -> str:
        """What the element with the focus says."""
        return str(self.page.evaluate("document.activeElement.textContent.trim()"))

    def too_wide(self) -> int:
        """Pixels by which the page is wider than its window."""
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        return int(self.page.evaluate(wide))


@contextmanager
def visit(
    browser: Browser,
    file: Path,
    *,
    size: tuple[int, int] = DESKTOP,
    scheme: Literal["light", "dark"] = "light",
    hash: str = "",
) -> Generator[Visit]:
    """Open `file`; afterwards nothing must have been said, thrown or asked of anybody."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme
    )
    seen = Visit(context.new_page())
    seen.page.goto(file.absolute().as_uri() + hash)
    yield seen
    context.close()
    assert not seen.wrong, seen.wrong
    assert {url.partition(":")[0] for url in seen.requests} == {"file"}, seen.requests
