"""Reading what changed since an agency's last round: the present return beside the one before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from fractions import Fraction

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app.clock import today
from app.domain.answers import Fact
from app.domain.changes import (
    COMPARED,
    MOVES,
    Change,
    ChangedStandard,
    ChangesDocument,
    Count,
    Given,
    Move,
    OtherRound,
    move_of,
)
from app.domain.findings import Figure, ShownFact
from app.domain.integrity import hash_of
from app.domain.message import N_, Message
from app.domain.text import localise
from app.models import AuditReturn, Submission
from app.policy import Actor, require
from app.queries.carrying import LastRound, has_passed, last_round, to_confirm
from app.queries.findings import agency_info, bodies_of, pack_info, round_info, scheme_infos
from app.queries.returns import (
    Checklist,
    Item,
    Section,
    checklist,
    content_hash,
    return_facts,
    sees_drafts,
    submitted_checklist,
)
from app.queries.rounds import NotFound


def changes_document(
    session: Session, audit_return: AuditReturn, *, actor: Actor, now: datetime, language: str = "en"
) -> ChangesDocument | None:
    """What changed since the last round: of what was signed or, before signing, of the draft. None without one.

    For the agency's own people (or a system actor), since it shows drafts. Raises NotFound for everybody else.
    """
    if not (actor.system or sees_drafts(actor, audit_return)):
        raise NotFound
    require(actor, "return.read", return_facts(session, audit_return, now=now))
    submission = _submission(session, audit_return) if audit_return.stage == "submitted" else None
    work = submitted_checklist(submission, audit_return) if submission else checklist(session, audit_return)
    last = last_round(session, audit_return)
    if last is None:
        return None
    return compare(session, work, last, submission, now=now, language=language)


def _submission(session: Session, audit_return: AuditReturn) -> Submission:
    return session.scalars(
        select(Submission)
        .where(Submission.return_id == audit_return.id)
        .options(joinedload(Submission.declaration))
        .order_by(Submission.number.desc())
        .limit(1)
    ).one()


def compare(
    session: Session, work: Checklist, last: LastRound, submission: Submission | None, *, now: datetime,
    language: str = "en",
) -> ChangesDocument:  # fmt: skip
    """A checklist beside that of the round before. `submission`: where `work` was signed; None for the draft."""
    audit_return, pack = work.audit_return, work.pack
    at = submission.submitted_at if submission else now
    reader = _Reader(work, last, today(at), language)
    standards = tuple(reader.standard(section) for section in work.sections)
    dropped = reader.dropped()
    counts = Counter(change.move for one in standards for change in one.changes)
    counts.update(change.move for change in dropped)
    required = [one for one in standards if not one.optional]
    return ChangesDocument(
        snapshot_id=hash_of(
            {
                "kind": "changes",
                "now": content_hash(work),
                "then": content_hash(last.work),
                "signed": bool(submission),
                "day": today(at).isoformat(),
                "to_confirm": len(to_confirm(work)),
                "language": language,
            }
        ),
        language=language,
        audit_round=round_info(
            audit_return.audit_round, as_at=at, is_closed=now > audit_return.audit_round.open_until
        ),
        pack=pack_info(audit_return.audit_round, pack, language),
        template_title=localise(work.template.title, language),
        bodies=bodies_of(session, audit_return.audit_round, audit_return.agency_type),
        agency=agency_info(audit_return, pack, language),
        is_draft=submission is None,
        signed_at=submission.declaration.signed_at if submission else None,
        signed_by=submission.declaration.name if submission else "",
        to_confirm=len(to_confirm(work)),
        last=OtherRound(
            name=last.name,
            opens=today(last.audit_return.audit_round.opens),
            version=last.audit_return.template_version.pack_version.version,
            signed_at=last.submission.declaration.signed_at if last.submission else None,
            signed_by=last.submission.declaration.name if last.submission else "",
        ),
        schemes=scheme_infos(
            pack, {item.criterion.grading or work.template.grading for item in work.items}, language
        ),
        counts=tuple(Count(move=move, number=counts[move]) for move in MOVES if counts[move]),
        then=Figure.total(one.then for one in required),
        now=Figure.total(one.now for one in required),
        standards=standards,
        dropped=dropped,
    )


def _said(item: Item) -> object:
    """What an answer says beside its grade: equal for two that say the same, and empty where nothing is said."""
    if item.handler.needs_files:
        return sorted(piece.sha256 for piece in item.evidence)
    return {name: item.answer.value[name] for name in item.handler.own if name in item.answer.value}


def _facts(item: Item) -> tuple[Fact, ...]:
    """What an answer says beside its grade; of files how many were given."""
    if item.handler.needs_files and item.evidence:
        return (Fact(Fraction(len(item.evidence)), label=Message(N_("Files"))),)
    return item.facts


class _Reader:
    """Puts questions beside those of the round before, in one language, as seen on a day."""

    def __init__(self, work: Checklist, last: LastRound, day: date, language: str) -> None:
        self.work, self.day, self.language = work, day, language
        self.items = {item.id: item for item in last.work.items}
        self.not_applicable = {criterion.id for criterion in last.work.not_applicable}

    def standard(self, section: Section) -> ChangedStandard:
        """A standard as it is asked now, with what the round before has for it."""
        changes, then, now = [], [], []
        for item in section.items:
            before = self.items.get(item.id)
            change = self.change(item, before, self.move(item, before))
            changes.append(change)
            if change.move in COMPARED and before and change.then.grade and change.now.grade:
                key = change.scheme
                then.append(Figure.of({change.then.grade: 1}, scheme_key=key, scheme=item.scheme, asked=1))
                now.append(Figure.of({change.now.grade: 1}, scheme_key=key, scheme=item.scheme, asked=1))
        standard = section.standard
        return ChangedStandard(
            number=section.number,
            id=standard.id,
            title=self.say(standard.title),
            optional=standard.optional,
            label=self.say(standard.label or ""),
            then=Figure.total(then),
            now=Figure.total(now),
            changes=tuple(changes),
        )

    def move(self, item: Item, before: Item | None) -> Move:
        """How an answer moved, or why it cannot be compared."""
        if before is None:
            return "applies" if item.criterion.id in self.not_applicable else "new"
        if before.criterion.version != item.criterion.version:
            return "changed"
        asked, asked_then = item.criterion.answer, before.criterion.answer
        then, now = (one.answer.value.get("grade", "") for one in (before, item))
        if not {then, now} - {""} <= {grade.key for grade in item.scheme.grades}:
            return "changed"  # the grades offered are not the same any more
        if asked.type != asked_then.type or asked.grade_of(before.answer.value) != then:
            return "changed"  # what was said then would come to another grade now
        if asked.type == "grade" or (then and now):
            return move_of(item.scheme, then, now)
        said_then, said = _said(before), _said(item)
        if not said:
            return "blank"
        if not said_then:
            return "first"
        return "same" if said == said_then else "differs"

    def change(self, item: Item, before: Item | None, move: Move) -> Change:
        """One question, then and now."""
        then, now = (self.given(before) if before else Given()), self.given(item)
        promised = before is not None and has_passed(
            before.answer.value, before.criterion, before.scheme, self.day
        )
        return Change(
            id=item.id,
            number=item.number,
            question=self.say(item.criterion.question),
            version=item.criterion.version,
            then_number=before.number if before else "",
            then_question=self.say(before.criterion.question) if before else "",
            then_version=before.criterion.version if before else 0,
            area=item.scope_name,
            scheme=item.criterion.grading or self.work.template.grading,
            move=move,
            then=then,
            now=now,
            days=(now.expected - then.expected).days if now.expected and then.expected else None,
            is_missed=promised and now.counts_as == "not_met",
        )

    def dropped(self) -> tuple[Change, ...]:
        """What was answered then and is not asked now: dropped from the checklist, or no longer applicable."""
        asked = {item.id for item in self.work.items}
        away = {criterion.id for criterion in self.work.not_applicable}
        return tuple(
            Change(
                id=before.id,
                number="",
                question="",
                version=0,
                then_number=before.number,
                then_question=self.say(before.criterion.question),
                then_version=before.criterion.version,
                area=before.scope_name,
                scheme="",
                move="not_applicable" if before.criterion.id in away else "dropped",
                then=self.given(before),
                now=Given(),
            )
            for before in self.items.values()
            if before.started and before.id not in asked
        )

    def given(self, item: Item) -> Given:
        """An answer as it was given."""
        value, grade = item.answer.value, item.grade
        basis = next((one for one in item.scheme.bases if one.key == value.get("basis")), None)
        counts = grade is not None and grade.counts_as == "not_met"
        return Given(
            grade=grade.key if grade else "",
            label=self.say(grade.label) if grade else "",
            colour=grade.colour if grade else "",
            counts_as=grade.counts_as if grade else "",
            basis=self.say(basis.label) if basis and grade and grade.counts_as != "excluded" else "",
            commentary=value.get("commentary", "") or value.get("reason", ""),
            expected=item.date_expected if counts else None,
            facts=tuple(ShownFact.of(fact, self.language) for fact in _facts(item)),
        )

    def say(self, text: str | Mapping[str, str]) -> str:
        """A text of the pack in the language of the document."""
        return localise(text, self.language)
