"""Every page that can be reached by links, as each role: it is there, axe finds nothing, and it fits a narrow screen.

Forms with errors and other states that links do not lead to are looked at by the tests that reach them.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from urllib.parse import urljoin, urlsplit

import pytest
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter

from app import create_app
from config import Config
from tests.browser.look import Looks
from tests.browser.service import Service
from tests.browser.visitors import Visitors

ROLES = {
    "somebody not signed in": "",
    "a signatory": "signatory.c007@agencies.example.org",
    "a board reader": "board.reader@council.example.org",
    "an inspector": "inspector.health@inspectorate.example.org",
    "a lead inspector": "lead.social@inspectorate.example.org",
    "an area coordinator": "coordinator@northmere.example.org",
    "a peer reviewer": "peer@primarycare.example.org",
    "an administrator": "administrator@candour.example.org",
}


@pytest.fixture
def routes(service: Service) -> MapAdapter:
    """Which view makes the page at an address."""
    with ThreadPoolExecutor(1) as thread:  # the loop of the browser leaves this one no room for a context of ours
        app = thread.submit(create_app, Config.load(service.home)).result()
    return app.url_map.bind(urlsplit(service.url).netloc)


def kind_of(address: str, routes: MapAdapter) -> str:
    """What pages made by the same view have in common: its rule, whatever ids and keys the address has."""
    path = urlsplit(address).path
    try:
        return str(routes.match(path, return_rule=True)[0].rule)
    except HTTPException:  # asking for it will show what is wrong
        return path


def links(html: str, base: str) -> list[str]:
    """Where the links of a page lead, without those that leave the service."""
    found = [
        urljoin(base, unescape(one)).partition("#")[0]
        for one in re.findall(r'<a\b[^>]*\bhref="([^"]*)"', html)
    ]
    return [one for one in found if urlsplit(one).netloc == urlsplit(base).netloc]


@pytest.mark.proof
def test_every_page_that_links_lead_to(visitors: Visitors, looks: Looks, routes: MapAdapter) -> None:
    """One page of each kind for each role; a kind that another role saw already is asked for, but not looked at."""
    seen: set[str] = set()
    broken: list[str] = []
    for who, email in ROLES.items():
        page = visitors.open(email)
        known = {kind_of(page.url, routes)}
        to_do = [page.url]
        while to_do:
            address = to_do.pop(0)
            answer = page.request.get(address)
            if answer.status != 200:
                broken.append(f"{who} gets {answer.status} from {address}")
            if "text/html" not in answer.headers["content-type"]:
                continue
            kind = kind_of(answer.url, routes)
            if kind not in seen:
                seen.add(kind)
                page.goto(address)
                # a report as a page may run nothing
                report = "script-src" not in (answer.headers.get("content-security-policy") or "script-src")
                looks.at(page, f"{kind} as {who}", report=report)
            for one in links(answer.text(), answer.url):
                if (kind := kind_of(one, routes)) not in known:
                    known.add(kind)
                    to_do.append(one)
    assert not broken, "\n".join(broken)
    assert len(seen) > 70, sorted(seen)


def test_a_page_that_is_not_there(visitors: Visitors, looks: Looks) -> None:
    """It says so, and leads back; another agency's work looks just the same."""
    page = visitors.open("signatory.c007@agencies.example.org")
    for address in ("/no-such-page", "/returns/zzzzzzzzzzzz/", "/welcome/no-such-invitation"):
        answer = page.goto(address)
        assert answer and answer.status == 404, address
    looks.at(page, "an invitation that cannot be used")
    page.goto("/no-such-page")
    looks.at(page, "no such page")
