"""The table of responses: from the worked example of a pack, answered and signed as a person would, to the PDF."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pypdf
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.answers import ANSWER_TYPES
from app.domain.register import Moment, Register
from app.domain.worked import Examples
from app.models import AuditReturn, OversightBody, ReportRun
from app.operations.answers import Edit, save_answers
from app.policy import Denied
from app.queries.register import register
from app.queries.returns import Item
from app.queries.stands import Standable, work_out
from reports.make import make_report
from reports.render import RenderFailed, render_pdf
from tests.next_year import next_year
from tests.operations.checking import check, finished, put_in_sample, uphold_all
from tests.operations.test_returns import sign
from tests.pdf_gate import assert_pdf_ua
from tests.pdf_text import pages_of
from tests.world import SYSTEM, World, build, complete_answer

DECIDES, FOLLOWS = "government-1", "council-1"
SignIn = Callable[[str], FlaskClient]


def given(item: Item, answers: Mapping[str, Any], others: str) -> dict[str, object]:
    """What an example answers to a question, as somebody would send it; `others` is the grade of all the rest."""
    asked = item.criterion.answer
    raw = answers.get(item.criterion.id)
    if isinstance(raw, Mapping):
        return dict(raw)
    if raw is not None:
        return {ANSWER_TYPES[asked.type].own[0]: raw}
    grade = next(one for one in item.scheme.grades if one.key == others)
    full = complete_answer(item.scheme.model_copy(update={"grades": (grade,)}))
    return {**full, "grade": grade.key}


def load_example(world: World) -> None:
    """The answers of the first worked example, saved and signed: the decisions as they were printed."""
    examples = Examples.of(world.pack)
    assert examples is not None
    example = examples.examples[0]
    assert world.returns[DECIDES].agency_type == example.agency_type and isinstance(example.others, str)
    actor = world.actor("signatory")
    # what was rejected is not asked about any more: the decisions come first
    for decisions in (True, False):
        edits = [
            Edit(item.id, given(item, example.answers, example.others), item.answer.version, f"{item.id}-{decisions}")
            for item in world.work(DECIDES).items
            if (item.criterion.id in example.answers) == decisions
        ]
        result = save_answers(world.write(), world.returns[DECIDES].public_id, edits, by=actor, now=world.now)
        assert result.clean, result
        world.session.commit()
    sign(world, DECIDES)


@pytest.fixture
def world(session: Session) -> World:
    """A round of the registers, in which nobody has answered yet."""
    return build(session, pack_key="recommendations")


def text_of(path: Path) -> str:
    """The text of a PDF without white space: a line may end anywhere."""
    return re.sub(r"\s+", "", " ".join(pages_of(path)))


def made(world: World, folder: Path, language: str = "en") -> tuple[Register, str]:
    """The data and the text of the PDF, which everybody can read."""
    out, data = folder / f"{language}.pdf", folder / f"{language}.json"
    make_report(
        world.session, "register-responses", world.audit_round, None, out=out, data=data, actor=SYSTEM, now=world.now,
        language=language,
    )  # fmt: skip
    assert_pdf_ua(out)
    document = pypdf.PdfReader(out)
    assert document.root_object["/Lang"] == language
    return Register.model_validate_json(data.read_text()), text_of(out)


def counted(register: Register) -> list[list[int]]:
    """The numbers of the decisions, by report."""
    return [[tally.number for tally in report.decisions] for report in register.reports]


def read(world: World) -> Register:
    """The register of the round as it stands."""
    world.session.rollback()
    found = register(world.session, world.audit_round, actor=SYSTEM, now=world.now)
    assert found is not None
    return found


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # a PDF is made of data alone
def test_the_decisions_as_printed_come_out_in_the_report(world: World, tmp_path: Path) -> None:
    load_example(world)
    world.answer(FOLLOWS, by="signatory-council")
    sign(world, FOLLOWS, by="signatory-council")
    found, text = made(world, tmp_path)
    assert counted(found) == [[86, 19, 1, 1, 1], [19, 10, 0, 0, 1]]
    assert [report.undecided for report in found.reports] == [0, 0]
    # as the reader sees them
    labels = ("Accept", "Accept in principle", "Accept in principle, in part", "Accept in part", "Reject")
    for report in found.reports:
        rows = zip(labels, [tally.number for tally in report.decisions], strict=True)
        assert re.sub(r"\s+", "", "".join(f"{label} {number} " for label, number in rows)) in text
    assert "within3months45;within6months37;within2years26." in text
    for report in found.reports:
        for entry in report.entries:
            (said,) = entry.decided
            for words in (entry.topic, said.words):
                assert re.sub(r"\s+", "", words) in text, entry.number
    assert "otheragenciesAcceptedasgoodpractice14" in text and "Share:91.7%" in text
    assert "CarriedoutUnderway,intime" in text and found.snapshot_id in text

    # what is decided needs no following up: only what is addressed to those who decide
    audit_return = world.returns[DECIDES]
    standable = Standable(audit_return.id, audit_return.agency_type, audit_return.subtype, world.now)
    own = [AuditReturn.id == audit_return.id]
    stands = work_out(
        world.session, world.audit_round, own, [standable], milestone="", day=world.now.date()
    )[audit_return.id]  # fmt: skip
    assert len(stands) == 37 and set(stands.states.values()) == {"on_track", "unlikely"}

    # in Welsh, with an answer as long as answers can be, and one that looks like markup
    world.session.rollback()
    data = register(world.session, world.audit_round, actor=SYSTEM, now=world.now, language="cy")
    assert data is not None and counted(data) == counted(found)
    content = data.model_dump(mode="json")
    first, second = content["reports"][0]["entries"][:2]
    first["decided"][0]["words"] = "Evermore. " * 2000
    second["decided"][0]["words"] = "</td><script>alert(1)</script> & more."
    out = tmp_path / "cy.pdf"
    render_pdf("register-responses", content, out)
    assert_pdf_ua(out)
    assert pypdf.PdfReader(out).root_object["/Lang"] == "cy"
    welsh = text_of(out)
    assert "Derbyn86" in welsh and "Gwrthod1" in welsh
    assert welsh.count("Evermore.") == 2000 and "</td><script>alert(1)</script>&more." in welsh


def test_progress_is_told_over_time_and_as_inspectors_found_it(world: World) -> None:
    world.answer(FOLLOWS, by="signatory-council")
    sign(world, FOLLOWS, by="signatory-council")
    before = read(world)
    inquiry = before.reports[0]
    (moment,) = inquiry.over_time
    answers = sum(tally.number for tally in moment.by_grade)
    assert numbers(moment) == {"carried-out": answers} and not before.has_checks
    assert read(world).snapshot_id == before.snapshot_id

    put_in_sample(world, FOLLOWS, second="lead-inspector")
    check(world, FOLLOWS, "inquiry-19", "not-begun", reason="No list was found.", seen="The office.")
    # while a second inspector is at work, nobody sees what the first one found
    assert read(world) == before
    uphold_all(world, FOLLOWS)
    finished(world, FOLLOWS)
    uphold_all(world, FOLLOWS, by="lead-inspector")
    finished(world, FOLLOWS, by="lead-inspector")
    after = read(world)
    assert numbers(after.reports[0].over_time[0]) == {"carried-out": answers - 1, "not-begun": 1}
    assert after.has_checks and after.snapshot_id != before.snapshot_id
    (entry,) = [one for one in after.reports[0].entries if one.number == "19"]
    assert [tally.label for tally in entry.progress[0].by_grade] == ["Not begun"]

    next_year(world)
    world.answer(FOLLOWS, by="signatory-council")
    sign(world, FOLLOWS, by="signatory-council")
    then, now = read(world).reports[0].over_time
    assert (then.round_name, now.round_name) == ("Test round", "Round of 2004")
    assert numbers(then) == {"carried-out": answers - 1, "not-begun": 1}
    assert numbers(now) == {"carried-out": answers}

    # whoever inspects in this round and not in the last one reads nothing of that
    other = world.write().scalars(select(OversightBody).where(OversightBody.code == "south")).one()
    world.audit_round.served[0].oversight_body_id = other.id
    world.session.commit()
    assert [one.round_name for one in read(world).reports[0].over_time] == ["Round of 2004"]


def numbers(moment: Moment) -> dict[str, int]:
    return {tally.key: tally.number for tally in moment.by_grade if tally.number}


def test_it_is_for_those_who_inspect(world: World) -> None:
    for name in ("lead-inspector", "inspector"):
        assert register(world.session, world.audit_round, actor=world.actor(name), now=world.now)
    world.audit_round.findings_from = world.now  # what is published are the joint findings
    for name in ("signatory", "outsider", "coordinator", "administrator"):
        with pytest.raises(Denied):
            register(world.session, world.audit_round, actor=world.actor(name), now=world.now)


def test_the_page_of_reports_offers_it_where_somebody_decides(
    app: Flask, world: World, client_as: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    queue = SimpleNamespace(enqueue_report=lambda _session, run_id: asked.append(run_id))
    monkeypatch.setitem(app.extensions, "candour_jobs", queue)
    world.answer(FOLLOWS, by="signatory-council")
    sign(world, FOLLOWS, by="signatory-council")
    address = f"/rounds/{world.audit_round.public_id}/reports"
    lead = client_as("lead-inspector")
    assert "Make “Table of responses” as a PDF" in lead.get(address).get_data(as_text=True)
    assert lead.post(address, data={"report": "register-responses"}).status_code == 303
    world.session.rollback()
    (run,) = world.session.scalars(select(ReportRun))
    assert [run.public_id] == asked and run.report == "register-responses"


def test_a_round_in_which_nobody_decides_has_none(session: Session, app: Flask, tmp_path: Path) -> None:
    world = build(session)
    lead = app.test_client()
    with lead.session_transaction() as cookie:
        cookie.update({"_user_id": world.people["lead-inspector"].fs_uniquifier, "_fresh": True, "fs_cc": "set"})
    address = f"/rounds/{world.audit_round.public_id}/reports"
    page = lead.get(address).get_data(as_text=True)
    assert "Joint findings" in page and "Table of responses" not in page
    assert lead.post(address, data={"report": "register-responses"}).status_code == 409
    with pytest.raises(RenderFailed, match="asks nobody to decide"):
        make_report(
            world.session, "register-responses", world.audit_round, None, out=tmp_path / "none.pdf", actor=SYSTEM,
            now=world.now,
        )  # fmt: skip
