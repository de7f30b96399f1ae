"""The register of recommendations with many responses: a chapter for each, so that it can be laid out in parts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from app.db import make_engine
from app.domain.recommended import RecommendedRegister, Responses, Said
from app.models import Base
from app.policy import system_actor
from app.queries.recommended_report import recommended_register
from reports.registry import reports
from reports.render import render_pdf
from reports.worker import page
from tests.pdf_gate import assert_pdf_ua
from tests.reports.seeded import AFTER, recommend, seed
from tests.world import pack

REPORT = reports()["recommendations-register"]


@pytest.fixture
def register(tmp_path: Path) -> RecommendedRegister:
    """That of a seeded round."""
    engine = make_engine(f"sqlite:///{tmp_path / 'seeded.db'}")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        audit_round = seed(session, pack("climbie-2003"), agencies=20)
        recommend(session, audit_round)
        found = recommended_register(session, audit_round, actor=system_actor("test"), now=AFTER)
    engine.dispose()
    assert found is not None
    return found


def headings(register: RecommendedRegister) -> tuple[list[str], list[str]]:
    """The anchors of the chapters, and of the headings of recommendations below one."""
    html = page(REPORT.page, register, REPORT.options)
    chapters = re.findall(r'<section class="chapter[^"]*">\s*<h1 id="([^"]+)"', html)
    assert re.findall(r'<a href="#([^"]+)">', html[html.index('<nav class="contents">') :])[: len(chapters)] == chapters
    return chapters, re.findall(r'<h2 id="(recommendation-\d+)"', html)


def test_many_responses_are_chapters_of_their_own(register: RecommendedRegister, tmp_path: Path) -> None:
    every = [f"recommendation-{place}" for place in range(1, len(register.entries) + 1)]
    assert headings(register) == (["glance", "register", "waiting", "colophon"], every)
    one = Said(name="Agency", answer="accepted", progress="done", said_on=AFTER.date())
    said = tuple(one.model_copy(update={"code": f"a{number}"}) for number in range(61))
    first = register.entries[0].model_copy(update={"said": said, "responses": Responses.of(said)})
    many = register.model_copy(update={"entries": (first, *register.entries[1:])})
    assert headings(many) == (["glance", *every, "waiting", "colophon"], [])
    render_pdf(REPORT.key, many.model_dump(mode="json"), tmp_path / "many.pdf")
    assert_pdf_ua(tmp_path / "many.pdf")


def test_agencies_of_others_are_counted_only(register: RecommendedRegister) -> None:
    first = next(one for one in register.entries if one.agency_type and one.said)
    hidden = first.model_copy(update={"said": (), "is_counted_only": True})
    others = register.model_copy(update={"entries": (hidden,), "waiting": ()})
    html = page(REPORT.page, others, REPORT.options)
    assert "Their own inspectors read what they say" in html and "We say this" not in html
    assert "are inspected by others, and are not named here" in html
    assert f"counted and not named: {first.addressee}" in html
