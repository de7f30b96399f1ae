"""People at their browsers: who is signed in where, and everything that went wrong in sight of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Cookie,
    Page,
    Response,
    WebError,
    expect,
)

from tests.browser.service import PASSWORD, Service

PATIENCE = 60_000  # milliseconds; the machine may be busy with other tests
REFUSED = 400  # the first status that is an error
BROKEN = 500
expect.set_options(timeout=PATIENCE)


@dataclass
class Visitors:
    """Opens browsers for people, and remembers what went wrong in any of them.

    A browser that its person has left is used again by the next one, with other cookies: a new one takes longer to
    open than most pages. In the same way nobody signs in twice.
    """

    browser: Browser
    service: Service
    trouble: list[str] = field(default_factory=list)
    _cookies: dict[str, list[Cookie]] = field(default_factory=dict)
    _used: list[BrowserContext] = field(default_factory=list)
    _idle: list[BrowserContext] = field(default_factory=list)
    _special: list[BrowserContext] = field(default_factory=list)

    def open(self, email: str = "", *, scripts: bool = True) -> Page:
        """A browser on the sign-in page or, signed in as somebody, on the page that they land on."""
        context = self._idle.pop() if scripts and self._idle else self._new(scripts)
        (self._used if scripts else self._special).append(context)
        page = context.new_page()
        if email and email not in self._cookies:
            sign_in(page, email)
            expect(page.get_by_role("button", name="Sign out")).to_be_visible()
            self._cookies[email] = context.cookies()
        else:
            context.add_cookies(self._cookies.get(email, []))  # type: ignore[arg-type]
            page.goto("/")
        return page

    def leave(self) -> None:
        """Everybody leaves their browser."""
        for context in self._special:
            context.close()
        for context in self._used:
            for page in context.pages:
                page.close()
            context.clear_cookies()
        self._idle += self._used
        self._used, self._special = [], []

    def _new(self, scripts: bool) -> BrowserContext:
        context = self.browser.new_context(
            base_url=self.service.url, locale="en-GB", java_script_enabled=scripts
        )
        context.set_default_timeout(PATIENCE)
        context.on("response", self._answered)
        context.on("weberror", self._raised)
        context.on("console", self._said)
        return context

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
