"""Every page that can be reached by links, as each role: it is there, axe finds nothing, and it fits a narrow screen.

Forms with errors and other states that links do not lead to are looked at by the tests that reach them.
"""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urljoin, urlsplit

from tests.browser.look import Looks
from tests.browser.visitors import Visitors

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
    path = re.sub(r"/(standards|criteria|preview|new)/[^/]+", r"/\1/*", path)
    return re.sub(r"/[2-9a-z]{12}(?=/|$)", "/*", path)


def links(html: str, base: str) -> list[str]:
    """Where the links of a page lead, without those that leave the service."""
    found = [
        urljoin(base, unescape(one)).partition("#")[0]
        for one in re.findall(r'<a\b[^>]*\bhref="([^"]*)"', html)
    ]
    return [one for one in found if urlsplit(one).netloc == urlsplit(base).netloc]


def test_every_page_that_links_lead_to(visitors: Visitors, looks: Looks) -> None:
    """One page of each kind for each role; a kind that another role saw already is asked for, but not looked at."""
    seen: set[str] = set()
    broken: list[str] = []
    for who, email in ROLES.items():
        page = visitors.open(email)
        known = {kind_of(page.url)}
        to_do = [page.url]
        while to_do:
            address = to_do.pop(0)
            answer = page.request.get(address)
            if answer.status != 200:
                broken.append(f"{who} gets {answer.status} from {address}")
            if "text/html" not in answer.headers["content-type"]:
                continue
            if kind_of(answer.url) not in seen:
                seen.add(kind_of(answer.url))
                page.goto(address)
                looks.at(page, f"{kind_of(answer.url)} as {who}")
            for one in links(answer.text(), answer.url):
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
