"""Every pack goes through a round, from its opening to its report, and no code names any of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from obstore.store import LocalStore
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.answers import ANSWER_TYPES
from app.domain.integrity import GENESIS
from app.files.store import Store
from app.models import Event, SampledReturn
from app.operations import events
from app.queries.findings import has_joint
from app.queries.judgements import book_of, rows_of
from config import ROOT
from reports.lint import lint
from reports.make import make_report, make_source
from reports.xhtml import parsed
from tests.round_of import SYSTEM, Round, taken

OURS = sorted(path.parent.name for path in (ROOT / "tests" / "packs").glob("*/pack.yaml"))
PUBLISHED = sorted(path.parent.name for path in (ROOT / "audit_templates").glob("*/pack.yaml"))
# a pack is data: the tests' own packs have all that a pack can have, and are enough for the second database and for
# PDFs, which are set from the page alone
PACKS = [("sqlite", key) for key in PUBLISHED + OURS] + [("postgresql", key) for key in OURS]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An evidence store of the test's own."""
    folder = tmp_path / "evidence"
    folder.mkdir()
    return Store(LocalStore(folder), folder)


def check_answers(found: Round) -> None:
    """What was signed is complete and clean, and comes back from the database as it was given."""
    seen: set[str] = set()
    for code in found.codes:
        work = found.world.work(code)
        assert not work.outstanding and work.complete == work.asked
        for item in work.items:
            if not item.answer.value:
                continue
            handler = ANSWER_TYPES[item.criterion.answer.type]
            value = handler.clean(item.answer.value, criterion=item.criterion, scheme=item.scheme, today=None).value
            assert value == item.answer.value
            assert item.answer.value.get("grade", "") == item.criterion.answer.grade_of(item.answer.value)
            seen.add(item.criterion.answer.type)
    assert seen


def check_judgements(found: Round) -> None:
    """Every agency type with rules has all of its judgements."""
    for code in found.codes:
        audit_return = found.world.returns[code]
        book = book_of(found.world.version, audit_return.agency_type)
        if book is not None:
            rows = rows_of(found.session, [audit_return.id])[audit_return.id]
            assert rows.keys() == book.profile.judgements.keys()
            for key, row in rows.items():
                assert not row.grade or row.grade in book.ranks(key)


def check_chains(found: Round) -> None:
    """Every chain of events holds."""
    chains: dict[str, list[Event]] = {}
    for one in found.session.scalars(select(Event).order_by(Event.chain, Event.seq)):
        chains.setdefault(one.chain, []).append(one)
    assert all(events.verify(chain) is None and chain[0].previous_hash == GENESIS for chain in chains.values())


@pytest.mark.parametrize(("database_url", "key"), PACKS, indirect=["database_url"])
def test_a_pack_goes_through_a_round(session: Session, store: Store, key: str, tmp_path: Path) -> None:
    found = taken(session, key, store=store)
    assert len(found.submitted()) == len(found.codes) >= len(found.world.pack.agency_types)
    check_answers(found)
    check_judgements(found)
    check_chains(found)
    rows = found.session.scalars(select(SampledReturn)).all()
    assert rows and any(row.finished_at for row in rows) and found.checked
    findings = found.findings()
    # in numbers: of each type all agencies answered
    assert {line.key for line in findings.agency_types} == set(found.world.pack.templates)
    for code in found.codes:
        document = found.feedback(code)
        assert document.agency.code == code
        json.dumps(document.model_dump(mode="json"))
    if found.session.get_bind().dialect.name != "sqlite":
        return  # the report is made of the document alone
    if not has_joint(found.world.audit_round):
        return
    what = ("joint-findings", found.world.audit_round, None)
    page = make_source(found.session, *what, actor=SYSTEM, now=found.world.now).page
    assert parsed(page) is not None and lint(page) == [], "the page that its PDF is set from"
    if key in OURS:
        made = make_report(found.session, *what, out=tmp_path / "findings.pdf", actor=SYSTEM, now=found.world.now)
        assert made and (tmp_path / "findings.pdf").read_bytes().startswith(b"%PDF")
