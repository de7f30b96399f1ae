"""Fixtures of the browser tests: one service for all of them, browsers for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.look import Looks
from tests.browser.service import Service, running
from tests.browser.visitors import Visitors
from tests.conftest import CHROMIUM_ARGUMENTS, chromium_path

# Agencies of the demonstration that the tests work on; each test has its own, so that none depends on another.
JOINED = ["c003", "c006", "c007", "f02", "f03", "h014", "h016", "h026"]


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service with a small demonstration, on SQLite, until the last browser test is done."""
    home = tmp_path_factory.mktemp("service")
    people = [f"{who}.{code}@agencies.example.org" for code in JOINED for who in ("signatory", "audit.lead")]
    with running(home, agencies=40, joined=people, web_workers=2) as served:
        yield served


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """A headless Chromium, for as long as the tests of this folder run and no longer.

    Playwright keeps an event loop running in this thread, and while it does no application context of ours can be
    left in this process. So a service that needs one comes first, and the loop ends before other tests run.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path(), headless=True, args=CHROMIUM_ARGUMENTS
        )
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def everybody(service: Service, chromium: Browser) -> Visitors:
    """Browsers for people, some of them open already."""
    return Visitors(chromium, service)


@pytest.fixture
def visitors(everybody: Visitors) -> Iterator[Visitors]:
    """Browsers for the people of one test. Afterwards nothing may have broken in any of them."""
    everybody.trouble.clear()
    yield everybody
    everybody.leave()
    assert not everybody.trouble, "\n".join(
        [*everybody.trouble, f"The service says why in {everybody.service.log}"]
    )


@pytest.fixture
def looks() -> Iterator[Looks]:
    """Look at pages; afterwards nothing may be wrong with any of them."""
    seen = Looks()
    yield seen
    assert not seen.wrong, "\n".join(seen.wrong)
