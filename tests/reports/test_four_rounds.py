"""The reports on several agencies, and feedback, of four rounds: full, partial, empty and hostile.

Each is rendered once and passes the gate; what it counts, `tests/reports/test_recount.py` counts again.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pypdf
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import make_engine
from app.models import (
    Agency,
    AgencyInArea,
    Area,
    AuditReturn,
    AuditRound,
    Base,
    Moderation,
    Monitoring,
    OversightBody,
    PlannedAction,
    Submission,
    SubmissionVoided,
)
from app.operations import judgements, release
from app.policy import system_actor
from reports.make import make_report
from reports.registry import reports
from reports.render import RenderFailed
from reports.worker import page
from tests.pdf_gate import assert_pdf_ua, words_over_words
from tests.pdf_text import text_of
from tests.queries.test_figures import changed, earlier_round
from tests.reports.seeded import AFTER, recommend, seed
from tests.world import pack

SYSTEM = system_actor("test")
PACK = "climbie-2003"
ROUNDS = ("full", "partial", "empty", "hostile")
OF_ROUNDS = ("body-summary", "area-report", "regional-concerns", "progress", "recommendations-register")
OF_RETURNS = ("feedback", "action-plan", "receipt", "draft-return")
# the other tests make these of full rounds
MORE = {"empty": ("joint-findings",), "hostile": ("joint-findings", "action-plan", "receipt", "draft-return")}
# what a name, a reason or a commentary can hold
RTL, EMOJI, LONG, HTML = "\u202eמועצת העיר", "🧒🏽👩‍👧", "x" * 5000, "</title><script>alert(1)</script><img src=file:///etc/passwd>"


@dataclass
class Made:
    """A round and the reports on it: files by report, those that could not be made by the reason."""

    folder: Path
    key: str
    body: str = ""
    area: str = ""
    failed: dict[str, str] = field(default_factory=dict)

    def pdf(self, report: str) -> Path:
        return self.folder / f"{report}.pdf"

    def data(self, report: str) -> Any:
        return json.loads((self.folder / f"{report}.json").read_text())


def standing(session: Session) -> dict[int, Submission]:
    """Return to its submission in force, of the round of this year."""
    rows = session.scalars(
        select(Submission)
        .join(AuditReturn, AuditReturn.id == Submission.return_id)
        .join(AuditRound, AuditRound.id == AuditReturn.round_id)
        .where(AuditRound.key == "seeded", Submission.id.not_in(select(SubmissionVoided.submission_id)))
        .order_by(Submission.id)
    )
    return {row.return_id: row for row in rows}


def check(
    session: Session, submission: Submission, reason: str, every: int = 3, adjusts: bool = True
) -> None:
    """An inspector looks at some answers and finds every second one at the lowest grade, or all of them as declared."""
    chosen = pack(PACK)
    audit_return = session.get_one(AuditReturn, submission.return_id)
    template = chosen.templates[audit_return.agency_type]
    asked = {placed.criterion.id: placed.criterion for placed in template.criteria()}
    for place, answer in enumerate(json.loads(submission.content)["answers"][::every]):
        scheme, own = chosen.scheme_of(template, asked[answer["criterion"]]), answer["value"]["grade"]
        worst = [grade.key for grade in scheme.grades if grade.counts_as == "not_met" and not grade.shown_apart][-1]
        found = worst if adjusts and place % 2 else own
        session.add(
            Moderation(
                return_id=audit_return.id, submission_id=submission.id, criterion=answer["criterion"], scope_key="",
                version=1, outcome="upheld" if found == own else "adjusted", self_grade=own, grade=found,
                reason="" if found == own else reason, at=AFTER,
            )
        )  # fmt: skip


def full(session: Session) -> AuditRound:
    audit_round = seed(session, pack(PACK), agencies=44)
    recommend(session, audit_round)
    for area, region in zip(session.scalars(select(Area).order_by(Area.id)), ("North", "South", "North"), strict=False):
        area.region = region
    earlier_round(session, audit_round, changed(pack(PACK)))
    signed = list(standing(session).values())
    for submission in signed[:6]:
        check(session, submission, "The files that we read do not show it.")
    session.add(Monitoring(return_id=signed[0].return_id, reason="Until the training is done.", since=AFTER))
    before = session.scalars(
        select(AuditReturn).join(AuditRound).where(AuditRound.key == "earlier").order_by(AuditReturn.id)
    ).all()
    for place, one in enumerate(before):
        session.add(
            PlannedAction(
                return_id=one.id, criterion="any", what="Train", owner="Ann", made_at=AFTER, saved_at=AFTER,
                state=("done", "planned", "under_way", "dropped")[place % 4],
            )
        )  # fmt: skip
    session.commit()
    judgements.judge_round(session, audit_round.public_id, by=SYSTEM, now=AFTER)
    session.commit()
    return audit_round


def partial(session: Session) -> AuditRound:
    audit_round = seed(session, pack(PACK), agencies=9, number=3)
    recommend(session, audit_round)
    return audit_round


def empty(session: Session) -> AuditRound:
    audit_round = seed(session, pack(PACK), agencies=6, number=4)
    recommend(session, audit_round, answered=False)
    for submission in standing(session).values():
        session.add(SubmissionVoided(submission_id=submission.id, reason="Signed by mistake.", at=AFTER))
        audit_return = session.get_one(AuditReturn, submission.return_id)
        audit_return.stage, audit_return.submitted_at = "started", None
    session.commit()
    return audit_round


def hostile(session: Session) -> AuditRound:
    audit_round = seed(session, pack(PACK), agencies=24, number=5)
    nasty = (RTL, EMOJI, "x" * 200, HTML, "\u202e" + "שלום " * 30)
    for place, agency in enumerate(session.scalars(select(Agency).order_by(Agency.id))):
        agency.name = f"{nasty[place % len(nasty)]} {place}"[:200]
    for place, area in enumerate(session.scalars(select(Area).order_by(Area.id))):
        area.name, area.region = f"{nasty[place]} area"[:200], nasty[-1 - place][:200]
    audit_round.name = f"{HTML} {EMOJI} {RTL}"
    recommend(session, audit_round, f"{HTML} {EMOJI} {RTL} {LONG[:1500]}")
    signed = list(standing(session).values())
    for submission, reason in zip(signed, (LONG, HTML * 40, RTL * 300, EMOJI * 400), strict=False):
        check(session, submission, reason, every=6)
    for submission in signed[:5]:
        session.add(Monitoring(return_id=submission.return_id, reason=LONG, since=AFTER))
        # a commentary of a megabyte is signed, and no business of these reports
        content = json.loads(submission.content)
        content["answers"][0]["value"]["commentary"] = f"{HTML} {RTL} " + "word " * 200_000
        submission.content = json.dumps(content)
    session.commit()
    judgements.judge_round(session, audit_round.public_id, by=SYSTEM, now=AFTER)
    session.commit()
    return audit_round


SEEDS: dict[str, Callable[[Session], AuditRound]] = {
    "full": full, "partial": partial, "empty": empty, "hostile": hostile,
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Made]:
    """Each round with the reports on it, made when it is first asked for."""

    @cache
    def make(key: str) -> Made:
        one = Made(tmp_path_factory.mktemp(key), key)
        engine = make_engine(f"sqlite:///{one.folder / 'round.db'}")
        Base.metadata.create_all(engine)
        with Session(engine) as session:
            audit_round = SEEDS[key](session)
            one.body = session.scalars(
                select(OversightBody.code).where(OversightBody.code.like("social%"))
            ).first() or session.scalars(select(OversightBody.code)).first() or ""
            # the area with the most agencies
            placed = Counter(session.scalars(select(AgencyInArea.area_id).where(AgencyInArea.ends.is_(None))))
            one.area = session.get_one(Area, placed.most_common(1)[0][0]).public_id
            signed = standing(session)
            first = session.get(AuditReturn, next(iter(signed), 0))
            if first is not None:
                release.prepare(session, audit_round.public_id, by=SYSTEM, now=AFTER)
                session.commit()
            else:
                first = session.scalars(select(AuditReturn)).first()
            for report in (*OF_ROUNDS, "feedback", *MORE.get(key, ())):
                about = first if report in OF_RETURNS else None
                try:
                    make_report(
                        session, report, audit_round, about, out=one.pdf(report),
                        data=one.folder / f"{report}.json", actor=SYSTEM, now=AFTER, body=one.body, area=one.area,
                    )  # fmt: skip
                except RenderFailed as problem:
                    one.failed[report] = str(problem)
        engine.dispose()
        return one

    return make


def outside(path: Path) -> list[str]:
    """The words of a PDF that stand in a margin or run off the page; 50 points are less than any margin."""
    boxes = subprocess.run(["pdftotext", "-bbox", path, "-"], capture_output=True, check=True, text=True).stdout
    width = float(re.findall(r'<page width="([\d.]+)"', boxes)[0])
    found = re.findall(r'<word xMin="([\d.-]+)" yMin="[\d.-]+" xMax="([\d.-]+)" yMax="[\d.-]+">(.*)</word>', boxes)
    assert found
    return [word for left, right, word in found if float(left) < 50 or float(right) > width - 50]


def sparse(path: Path) -> list[int]:
    """The pages inside a PDF with fewer than five lines between head and foot."""
    laid = subprocess.run(["pdftotext", "-bbox-layout", path, "-"], capture_output=True, check=True, text=True).stdout
    found = []
    for number, one in enumerate(laid.split("<page ")[2:-1], 2):
        tops = [float(top) for top in re.findall(r'<line xMin="[\d.-]+" yMin="([\d.-]+)"', one)]
        if len({round(top / 5) for top in tops if 70 < top < 771}) < 5:
            found.append(number)
    return found


@pytest.mark.parametrize("key", ROUNDS)
def test_every_report_is_made_and_accessible(made: Callable[[str], Made], key: str) -> None:
    one = made(key)
    assert one.failed == ({"feedback": "There is no feedback to this agency yet."} if key == "empty" else {})
    for report in (*OF_ROUNDS, *(["feedback"] if key != "empty" else []), *MORE.get(key, ())):
        assert_pdf_ua(one.pdf(report))
        assert not outside(one.pdf(report)), report
        assert not sparse(one.pdf(report)), report
        text = text_of(one.pdf(report))
        if key == "hostile":
            continue  # text of so many scripts cannot be taken out again
        assert words_over_words(one.pdf(report)) == [], report
        assert one.data(report)["snapshot_id"] in text.replace(" ", "")
        assert "Demonstration: fictional agencies" in text
        numbers = [int(number) for number in re.findall(r"Table (\d+) ", text)]
        assert sorted(set(numbers)) == list(range(1, max(numbers, default=0) + 1)), report


def test_figures_are_numbered_and_there(made: Callable[[str], Made]) -> None:
    for report, least in (("body-summary", 3), ("area-report", 3), ("regional-concerns", 1), ("feedback", 1)):
        text = text_of(made("full").pdf(report))
        numbers = {int(number) for number in re.findall(r"Figure (\d+) ", text)}
        assert numbers == set(range(1, max(numbers) + 1)) and len(numbers) >= least, report


def test_a_full_round_says_what_was_found_and_what_moved(made: Callable[[str], Made]) -> None:
    one = made("full")
    summary, regional, progress = (one.data(name) for name in ("body-summary", "regional-concerns", "progress"))
    assert summary["checked"]["answers"] == sum(kind["checked"]["answers"] for kind in summary["types"]) > 0
    assert [message["rule"] for message in summary["messages"]][:2] == ["response", "met"]
    regions = [region["name"] for region in regional["regions"]]
    assert regions[:2] == ["North", "South"] and not regional["by_area"]
    kinds = {concern["kind"] for region in regional["regions"] for line in region["agencies"]
             for concern in line["concerns"]}  # fmt: skip
    assert {"monitored", "overdue", "missing"} <= kinds
    codes = {line["code"] for region in regional["regions"] for line in region["agencies"]}
    assert len(codes) == regional["agencies_of_concern"]
    assert progress["both"] > 0 and progress["actions"]
    changes = [abs(line["change"]) for line in progress["movements"] if line["change"] is not None]
    assert changes == sorted(changes, reverse=True) and changes[0] > 0
    for line in progress["movements"]:
        if line["change"] is not None:
            assert line["change"] == line["now"]["percent"] - line["then"]["percent"]
    assert progress["not_comparable"]
    text = text_of(one.pdf("progress"))
    assert "What moved" in text and "The round before" in text


def test_an_empty_round_says_so(made: Callable[[str], Made]) -> None:
    one = made("empty")
    assert "No agency of this area has a submission in force" in text_of(one.pdf("area-report"))
    assert "There is no last round" in text_of(one.pdf("progress"))
    assert one.data("body-summary")["messages"] == []
    assert one.data("regional-concerns")["by_area"] and one.data("regional-concerns")["submitted"] == 0
    joint = text_of(one.pdf("joint-findings"))
    assert "No agency has a submission in force" in joint and "%" not in joint.split("Who responded")[0]
    assert len(pypdf.PdfReader(one.pdf("joint-findings")).pages) < 12, "no tables of nothing"
    assert "Nothing is submitted yet" in text_of(one.pdf("body-summary"))
    assert "None of 3 agencies has submitted" in text_of(one.pdf("regional-concerns"))
    assert "No area of this round has a region" in text_of(one.pdf("regional-concerns"))


def test_hostile_words_stay_words(made: Callable[[str], Made]) -> None:
    one = made("hostile")
    for report in (*OF_ROUNDS, "feedback"):
        assert len(pypdf.PdfReader(one.pdf(report)).pages) < 60, report
        assert one.pdf(report).stat().st_size < 3_000_000, report
        # what is typed is shown as it is typed: as words
        written = page(reports()[report].page, reports()[report].model.model_validate(one.data(report)), {})
        assert "<script" not in written and "<img" not in written
        assert "&lt;script&gt;" in written and "word word" not in written
        assert "x" * 4000 in written if report == "feedback" else len(written) < 1_000_000


def test_feedback_goes_through_every_answer(made: Callable[[str], Made]) -> None:
    document = made("full").data("feedback")
    questions = [question for standard in document["answered"] for question in standard["questions"]]
    text = text_of(made("full").pdf("feedback"))
    assert 12 <= len(pypdf.PdfReader(made("full").pdf("feedback")).pages) <= 24
    joined = text.replace(" ", "")
    for question in questions:
        assert question["question"].replace(" ", "") in joined
    checked = [question for question in questions if question["found"]]
    assert len(checked) == document["checked"] > 0
    assert sum(question["adjusted"] for question in checked) == document["adjusted"]
    assert {number for one in document["unmet"] for number in one["questions"]} <= {
        question["number"] for question in questions if question["open"]
    }
    assert document["signed"]["name"] in text and "What to do next" in text
