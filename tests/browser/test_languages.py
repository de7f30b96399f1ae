"""The switch between English and Welsh, in a browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.look import Looks
from tests.browser.steps import press
from tests.browser.visitors import Visitors

# nobody else's browser shows this person's pages, so nobody meets them in the other language
EMAIL = "audit.lead.f03@agencies.example.org"


def is_welsh(page: Page) -> None:
    expect(page.locator("html")).to_have_attribute("lang", "cy")


def test_the_switch_stays_on_the_page_without_scripts(visitors: Visitors, looks: Looks) -> None:
    """From the sign-in page to a question and back: by keyboard, at 320 pixels, and axe finds nothing."""
    page = visitors.open(scripts=False)
    page.goto("/sign-in?next=/about")
    switch = page.get_by_role("button", name="Cymraeg", exact=True)
    switch.focus()
    page.keyboard.press("Enter")
    is_welsh(page)
    assert page.url.endswith("/sign-in?next=/about")
    expect(page.get_by_role("heading", level=1)).to_have_text("Mewngofnodi")
    press(page, "English")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_a_standard_in_welsh(visitors: Visitors, looks: Looks) -> None:
    page = visitors.open(EMAIL)
    press(page, "Cymraeg")
    is_welsh(page)
    expect(page.get_by_role("button", name="Allgofnodi")).to_be_visible()
    looks.at(page, "the task list in Welsh")
    page.get_by_role("main").locator("a[href*='/standards/']").first.click()
    is_welsh(page)
    expect(page.get_by_text("fe’u dangosir yn Saesneg")).to_have_count(1)
    # a question that is not translated is marked as English
    expect(page.locator("main span[lang=en]").first).to_be_visible()
    looks.at(page, "a standard in Welsh")
    address = page.url
    press(page, "English")
    assert page.url == address
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("main span[lang=en]")).to_have_count(0)
