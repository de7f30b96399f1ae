"""People at their browsers: who is signed in where, and everything that went wrong in sight of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Response,
    WebError,
    expect,
)

from tests.browser.service import PASSWORD, Service

PATIENCE = 15_000  # milliseconds; the machine may be busy with other tests
REFUSED = 400  # the first status that is an error
BROKEN = 500


@dataclass
class Visitors:
    """Opens browsers for people, and remembers what went wrong in any of them."""

    browser: Browser
    service: Service
    # cookies by e-mail address: nobody waits for a password to be hashed twice
    cookies: dict[str, Any]
    contexts: list[BrowserContext] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)

    def open(self, email: str = "", **options: Any) -> Page:
        """A new browser, on the sign-in page or, signed in as somebody, on the page that they land on.

        `options` are those of Playwright's `new_context`.
        """
        known = self.cookies.get(email)
        context = self.browser.new_context(
            base_url=self.service.url, locale="en-GB", storage_state=known, **options
        )
        self.contexts.append(context)
        context.set_default_timeout(PATIENCE)
        context.on("response", self._answered)
        context.on("weberror", self._raised)
        context.on("console", self._said)
        page = context.new_page()
        if email and not known:
            sign_in(page, email)
            expect(page.get_by_role("button", name="Sign out")).to_be_visible()
            self.cookies[email] = context.storage_state()
        else:
            page.goto("/")
        return page

    def close(self) -> None:
        """Close all browsers."""
        for context in self.contexts:
            context.close()
        self.contexts.clear()

    def _answered(self, response: Response) -> None:
        # a page may say no (a form with mistakes, a conflict); what a page is made of must be there
        worst = BROKEN if response.request.resource_type in ("document", "other") else REFUSED
        if response.status >= worst:
            self.trouble.append(f"{response.status} from {response.request.method} {response.url}")

    def _raised(self, error: WebError) -> None:
        self.trouble.append(f"a script failed on {error.page.url if error.page else '?'}: {error.error}")

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            self.trouble.append(f"{message.page.url if message.page else '?'}: {message.text}")


def sign_in(page: Page, email: str, password: str = PASSWORD) -> None:
    """Fill the sign-in form and send it."""
    page.goto("/sign-in")
    page.get_by_label("E-mail address", exact=True).fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def heading(page: Page) -> str:
    """The one main heading of a page."""
    return page.get_by_role("heading", level=1).inner_text()
