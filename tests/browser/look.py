"""What every page must pass: axe finds nothing, and nothing makes a narrow screen scroll sideways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text("utf-8")
NARROW = {"width": 320, "height": 800}

FIND = """async () => {
  const found = await axe.run(document, {resultTypes: ["violations"], preload: false});
  return found.violations.flatMap((rule) => rule.nodes.map((node) => ({
    rule: rule.id, help: rule.help, target: node.target.flat().join(" "), html: node.html.slice(0, 300),
  })));
}"""

# what sticks out on the right, the innermost first, to say more than that something does
STICKS_OUT = """() => {
  const page = document.scrollingElement;
  if (page.scrollWidth <= window.innerWidth) return [];
  const scrolls = (one) => one && one !== document.body &&
    (["auto", "scroll", "hidden", "clip"].includes(getComputedStyle(one).overflowX) || scrolls(one.parentElement));
  const out = [...document.body.querySelectorAll("*")].filter(
    (one) => one.getBoundingClientRect().right > window.innerWidth + 0.5 && !scrolls(one.parentElement));
  return [`the page is ${page.scrollWidth} pixels wide`,
    ...out.slice(-3).map((one) => `${one.tagName} ${one.className} "${one.textContent.trim().slice(0, 60)}"`)];
}"""


def axe_finds(page: Page) -> list[str]:
    """What axe finds on a page, a line for each."""
    # evaluated by the browser's own tools, so the page's policy on scripts does not stop it
    page.evaluate(AXE)
    found: list[dict[str, Any]] = page.evaluate(FIND)
    return [f"{one['rule']}: {one['help']}: {one['target']}: {one['html']}" for one in found]


def too_wide(page: Page) -> list[str]:
    """What makes a page scroll sideways on a screen of 320 pixels; the page gets its size back."""
    before = page.viewport_size
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    found: list[str] = page.evaluate(STICKS_OUT)
    if before:
        page.set_viewport_size(before)
    return found


class Looks:
    """Looks at pages and collects what is wrong with them, so that one fault does not hide the next."""

    def __init__(self) -> None:
        self.wrong: list[str] = []

    def at(self, page: Page, name: str, *, report: bool = False) -> None:
        """Look at a page as it is now; `name` says which it is and in which state.

        `report`: it is a report as a page, which has no scripts, and a main heading for each chapter.
        """
        if report:
            self._look(page, name)
            return
        # axe waits for timers, which a browser without scripts never runs: it would wait without end
        try:
            page.locator("body.js-enabled").wait_for(state="attached")
        except PlaywrightTimeout:
            raise ValueError(f"{name}: look at it in a browser that runs scripts") from None
        self._look(page, name)
        if page.get_by_role("heading", level=1).count() != 1:
            self.wrong.append(f"{name}: has not one main heading")

    def _look(self, page: Page, name: str) -> None:
        self.wrong += [f"{name}: {one}" for one in axe_finds(page)]
        if sticking := too_wide(page):
            self.wrong.append(f"{name}: at {NARROW['width']} pixels {'; '.join(sticking)}")
