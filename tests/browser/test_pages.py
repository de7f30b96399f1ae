"""Every page that can be reached by links, as each role: it is there, axe finds nothing, and it fits a narrow screen.

Forms with errors and other states that links do not lead to are looked at by the tests that reach them.
"""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

import pytest
from playwright.sync_api import Page

from tests.browser.look import Looks
from tests.browser.visitors import Visitors, goes

pytestmark = pytest.mark.xdist_group("browser")

ROLES = {
    "somebody not signed in": "",
    "a signatory": "signatory.c007@agencies.example.org",
    "a board reader": "board.reader@council.example.org",
    "an inspector": "inspector.health@inspectorate.example.org",
    "a lead inspector": "lead.social@inspectorate.example.org",
    "an area coordinator": "coordinator@northmere.example.org",
    "an administrator": "administrator@candour.example.org",
}


def kind_of(address: str) -> str:
    """What pages made by the same view have in common: the path with its names and numbers taken out."""
    path = urlsplit(address).path
    path = re.sub(r"/(standards|criteria|preview)/[^/]+", r"/\1/*", path)
    return re.sub(r"/[2-9a-z]{12}(?=/|$)", "/*", path)


def links(page: Page) -> list[str]:
    """Where the links of a page lead, without those that leave the service."""
    here = urlsplit(page.url)
    found = page.get_by_role("link").or_(page.locator("a[role=button]")).evaluate_all(
        "links => links.map((link) => link.getAttribute('href') || '')"
    )
    addresses = [urljoin(page.url, address).partition("#")[0] for address in found if address]
    return [one for one in addresses if urlsplit(one).netloc == here.netloc]


def test_every_page_that_links_lead_to(visitors: Visitors, looks: Looks) -> None:
    """One page of each kind for each role; each kind is looked at once."""
    seen: set[str] = set()
    broken: list[str] = []
    for who, email in ROLES.items():
        page = visitors.open(email)
        known = {kind_of(page.url)}
        to_do = [page.url]
        while to_do:
            address = to_do.pop(0)
            answer = goes(page, address)
            if answer is None:
                continue
            if answer.status != 200:
                broken.append(f"{who} gets {answer.status} from {address}")
            if kind_of(address) not in seen:
                seen.add(kind_of(address))
                looks.at(page, f"{kind_of(address)} as {who}")
            for one in links(page):
                if kind_of(one) not in known:
                    known.add(kind_of(one))
                    to_do.append(one)
    assert not broken, "\n".join(broken)
    assert len(seen) > 25, sorted(seen)


def test_a_page_that_is_not_there(visitors: Visitors, looks: Looks) -> None:
    """It says so, and leads back; another agency's work looks just the same."""
    page = visitors.open("signatory.c007@agencies.example.org")
    for address in ("/no-such-page", "/returns/zzzzzzzzzzzz/", "/welcome/no-such-invitation"):
        answer = page.goto(address)
        assert answer and answer.status == 404, address
    looks.at(page, "an invitation that cannot be used")
    page.goto("/no-such-page")
    looks.at(page, "no such page")
