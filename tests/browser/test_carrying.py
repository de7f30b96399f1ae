"""The year after: answers carried forward, confirmed, compared, in a service of its own that has a second round."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.look import Looks
from tests.browser.service import Service, running
from tests.browser.steps import alert, download, press
from tests.browser.visitors import Visitors
from tests.pdf_gate import assert_pdf_ua

NEXT = "Child protection self-audit 2004"
OPEN = [
    "round", "open", "next", "--pack", "climbie-2003", "--name", NEXT, "--opens", "2003-06-01", "--due", "2003-09-30",
    "--closes", "2003-10-31",
]  # fmt: skip


@pytest.fixture
def next_year(chromium: Browser, tmp_path: Path) -> Iterator[Visitors]:
    """People at their browsers, at a service whose demonstration has a round after the first."""
    with running(tmp_path / "service", agencies=40, before=[OPEN]) as served:
        service: Service = served
        visitors = Visitors(chromium, service)
        yield visitors
        visitors.leave()
        assert not visitors.trouble, "\n".join([*visitors.trouble, f"The service says why in {service.log}"])


def test_answers_are_carried_confirmed_and_compared(next_year: Visitors, looks: Looks, tmp_path: Path) -> None:
    """Without JavaScript from the task list to a standard that is confirmed; then every page is looked at."""
    lead = next_year.open("audit.lead@council.example.org", scripts=False)
    if lead.get_by_role("heading", level=1).inner_text() != NEXT:
        lead.get_by_role("link", name=re.compile(f"^{NEXT}")).click()
    tasks = lead.url
    expect(lead.get_by_role("main")).to_contain_text("You need not start from nothing.")
    press(lead, "See which")
    expect(lead.get_by_role("heading", level=1)).to_have_text("Carry answers forward")
    boxes = lead.get_by_role("group", name="Standards").get_by_role("checkbox")
    number = boxes.count()
    assert number > 2
    for box in boxes.all():
        box.uncheck()
    press(lead, "Carry the chosen standards forward")
    expect(alert(lead)).to_contain_text("Choose at least one standard")
    for box in boxes.all()[:2]:
        box.check()
    press(lead, "Carry the chosen standards forward")
    expect(alert(lead)).to_contain_text("answers carried forward")
    waiting = lead.get_by_role("main").get_by_role("checkbox").count()
    assert waiting > 2
    press(lead, re.compile("^Confirm the ticked answers"))
    expect(alert(lead)).to_contain_text("confirmed")
    assert 0 < lead.get_by_role("main").get_by_role("checkbox").count() < waiting

    page = next_year.open("audit.lead@council.example.org")
    for name in ("", "last-round", "last-round/confirm", "changes", "sign"):
        page.goto(tasks + name)
        looks.at(page, f"{name or 'task list'} of the next round")
    page.goto(tasks + "changes")
    press(page, "What changed (PDF)")
    assert_pdf_ua(download(page, tmp_path))
