"""Fixtures of the browser tests: one service for all of them, browsers for each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.look import Looks
from tests.browser.service import Service, running
from tests.browser.visitors import Visitors
from tests.conftest import CHROMIUM_ARGUMENTS

# Agencies of the demonstration that the tests work on; each test has its own, so that none depends on another.
JOINED = ["c006", "c007", "f02", "f03"]


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service with a small demonstration, on SQLite, until the last browser test is done."""
    home = tmp_path_factory.mktemp("service")
    people = [f"{who}.{code}@agencies.example.org" for code in JOINED for who in ("signatory", "audit.lead")]
    with running(home, agencies=40, joined=people) as served:
        yield served


@pytest.fixture(scope="package")
def chromium(service: Service) -> Iterator[Browser]:
    """A headless Chromium, for as long as the tests of this folder run and no longer.

    Playwright keeps an event loop running in this thread, and while it does no application context of ours can be
    left in this process. So the service, which needs one, comes first, and the loop ends before other tests run.
    """
    path = os.environ.get("CANDOUR_CHROMIUM", "/usr/bin/chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def cookies() -> dict[str, Any]:
    """Who is signed in: cookies by e-mail address."""
    return {}


@pytest.fixture
def visitors(chromium: Browser, service: Service, cookies: dict[str, Any]) -> Iterator[Visitors]:
    """Browsers for people. Afterwards nothing may have broken in any of them."""
    everybody = Visitors(chromium, service, cookies)
    yield everybody
    everybody.close()
    assert not everybody.trouble, "\n".join(everybody.trouble)


@pytest.fixture
def looks() -> Iterator[Looks]:
    """Look at pages; afterwards nothing may be wrong with any of them."""
    seen = Looks()
    yield seen
    assert not seen.wrong, "\n".join(seen.wrong)
