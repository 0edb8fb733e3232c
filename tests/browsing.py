"""A headless Chromium, what a person does in it, and a server whose policy answers when a test lets it."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from r1router.ingest.run import index
from r1router.policies.scripted import Scripted
from r1router.types import Ask, Reply
from small_embedders import HashedWords, Thumbnails

DEMO = Path(__file__).parents[1] / "src" / "r1router" / "demo_data"
PATIENCE = 20.0
"""Seconds that anything on the page may take."""


def make_kbs(folder: Path) -> Path:
    """Passages, pictures and a table: enough to ask for the capital of the country of a flag."""
    docs = folder / "docs"
    shutil.copytree(DEMO / "text", docs / "text", ignore=lambda _, names: {n for n in names if not n.endswith(".md")})
    shutil.copytree(DEMO / "images", docs / "images")
    (docs / "tables").mkdir()
    shutil.copy(DEMO / "tables" / "countries.csv", docs / "tables")
    (docs / "text" / "hostile.md").write_text(
        "# Zebra <img src=x onerror=alert(1)>\n<script>alert(2)</script> The zebra says <b>&amp; more</b>.\n"
    )
    index([docs], folder / "kbs", embedder=HashedWords(), image_embedder=Thumbnails(), ocr=False)
    return folder / "kbs"


class Paced:
    """A scripted policy that gives a reply only when it is let to, and counts what was cancelled."""

    def __init__(self, replies: Any) -> None:
        self.spec = "paced:"
        self.waiting = 0
        """Calls that are not let yet."""
        self.says(replies)

    def says(self, replies: Any) -> None:
        """What it says from now on, without waiting."""
        self.scripted = Scripted(replies)
        self.allowed = 10**6
        self.cancelled = 0

    def hold(self) -> None:
        self.allowed = 0

    def let(self, replies: int) -> None:
        self.allowed += replies

    async def reply(self, ask: Ask, *, temperature: float = 0.0, seed: int | None = None) -> Reply:
        self.waiting += 1
        try:
            while not self.allowed:
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.waiting -= 1
        self.allowed -= 1
        return await self.scripted.reply(ask)

    async def close(self) -> None:
        """Nothing to free."""


class Person:
    """Looks at the page and uses it."""

    def __init__(self, driver: webdriver.Chrome, url: str) -> None:
        self.driver, self.url = driver, url

    def starts_afresh(self) -> None:
        """On a desktop, with nothing remembered, as if the browser were new."""
        everything = {"origin": self.url.rstrip("/"), "storageTypes": "all"}
        self.driver.execute_cdp_cmd("Storage.clearDataForOrigin", everything)
        self.has_screen(1280, 900)
        self.complaints()
        self.requests()

    def goes_to(self, where: str = "") -> None:
        self.driver.get("about:blank")  # a change of the hash alone would not load the page again
        self.driver.get(self.url + where)
        self.sees("#app > *")

    def finds(self, css: str, least: int = 1) -> list[WebElement]:
        """All such elements, shown or not, as soon as there are `least` of them."""
        missing = f"no {least} {css} in:\n{self.text()[:3000]}"
        return WebDriverWait(self.driver, PATIENCE, 0.05).until(lambda _: self._now(css, least), missing)

    def misses(self, css: str) -> None:
        """Waits until there is no such element, so that a page that is still drawn is not judged."""
        WebDriverWait(self.driver, PATIENCE, 0.05).until_not(lambda _: self._now(css), f"{css} stays")

    def _now(self, css: str, least: int = 1) -> list[WebElement]:
        found = self.driver.find_elements(By.CSS_SELECTOR, css)
        return found if len(found) >= least else []

    def sees(self, css: str, words: str = "") -> WebElement:
        """The first such element that is shown and has these words, waited for."""

        def look(_: Any) -> WebElement | None:
            return next((e for e in self._now(css) if e.is_displayed() and words in e.text), None)

        return WebDriverWait(self.driver, PATIENCE, 0.05, ignored_exceptions=()).until(
            _patient(look), f"no {css} with {words!r} in:\n{self.text()[:3000]}"
        )

    def text(self) -> str:
        return str(self.driver.execute_script("return document.body.innerText"))

    def clicks(self, css: str, words: str = "") -> None:
        """Clicks once; an element that is replaced before the click reaches it is looked for again."""

        def click(_: Any) -> bool:
            element = self.sees(css, words)
            self.driver.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", element)
            element.click()
            return True

        ignored = (StaleElementReferenceException,)
        WebDriverWait(self.driver, PATIENCE, 0.05, ignored_exceptions=ignored).until(click)

    def asks(self, question: str) -> None:
        self.sees("#question").send_keys(question + "\n")

    def runs(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def has_screen(self, width: int, height: int, *, dark: bool = False) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})

    def complaints(self) -> list[str]:
        """What the browser's console has had to say since it was asked last."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Addresses that pages have asked for since it was asked last."""
        entries = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [e["params"]["request"]["url"] for e in entries if e["method"] == "Network.requestWillBeSent"]


def _patient(look: Callable[[Any], WebElement | None]) -> Callable[[Any], WebElement | bool]:
    """An element may be replaced while it is looked at; then it is looked for again."""

    def again(driver: Any) -> WebElement | bool:
        try:
            return look(driver) or False
        except StaleElementReferenceException:
            return False

    return again


@contextmanager
def chromium() -> Iterator[webdriver.Chrome]:
    """A browser without a window. Skips the test where Chromium or its driver is not installed."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    remote = shutil.which("chromedriver")
    if not browser or not remote:
        pytest.skip("the page is tested in Chromium, which is missing; on Debian: apt install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--lang=en"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(remote))
    try:
        yield driver
    finally:
        driver.quit()
