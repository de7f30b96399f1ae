"""Saving answers: per criterion, with the version it was based on and an idempotency key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.clock import today
from app.domain.answers import ANSWER_TYPES, AnswerErrors, CleanAnswer, question_id, question_parts
from app.domain.life import NotPossible
from app.domain.message import N_, Message
from app.domain.templates import Criterion, Pack, Template
from app.models import AuditReturn, SelfAssessment, SelfAssessmentVersion, Vouch
from app.operations import events, rollup
from app.operations.stage import move
from app.policy import Actor
from app.queries.packs import template_of
from app.queries.returns import (
    Answered,
    Place,
    build_checklist,
    checklist,
    get_return,
    places_of,
    scopes_of,
    why_closed,
)


@dataclass(frozen=True)
class Edit:
    """What somebody sent for one question. `raw` is field to string, as the answer type reads it.

    `criterion` is the question's id: a criterion's, with the area behind it where it is asked per area.
    """

    criterion: str
    raw: Mapping[str, object]
    based_on: int
    key: str


@dataclass(frozen=True)
class Conflict:
    """Somebody else saved this criterion since. Both sides are kept: theirs is stored, yours is here."""

    criterion: str
    yours: Mapping[str, Any]
    theirs: Answered


@dataclass
class SaveResult:
    """What became of each criterion of a save. Nothing that was sent is lost: what is not saved is in here."""

    saved: dict[str, int] = field(default_factory=dict)
    unchanged: list[str] = field(default_factory=list)
    conflicts: dict[str, Conflict] = field(default_factory=dict)
    errors: dict[str, dict[str, Message]] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        """Whether all that was sent is stored."""
        return not self.conflicts and not self.errors


def save_answers(
    session: Session, public_id: str, edits: Sequence[Edit], *, by: Actor, now: datetime, source: str = "page"
) -> SaveResult:
    """Save criteria of a return, each by itself, in one transaction; the last step of each edit is its stored version.

    A criterion with a wrong value or a conflict is not saved and comes back in the result; the others are. An edit
    that changes nothing makes no version, and an edit whose key was seen before is the same save. `source` says how
    the answers came: one of `models.SOURCES`. Raises NotFound and NotPossible (round closed, return submitted,
    unknown question).
    """
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.edit", lock=True)
    if reason := why_closed(audit_return, now=now):
        raise NotPossible(reason)
    pack, template = template_of(audit_return)
    places = places_of(session, audit_return)
    current = {
        question_id(row.criterion, row.scope_key): row
        for row in session.scalars(
            select(SelfAssessment).where(SelfAssessment.return_id == audit_return.id)
        )
    }
    replayed = _replayed(session, audit_return, edits)
    result = SaveResult()
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    for edit in edits:
        criterion, scope = _criterion(template, edit.criterion, audit_return, places)
        row = current.get(edit.criterion)
        version = row.version if row else 0
        # the same save again; not when something was saved since: then it is an edit of an old page like any other
        if version and replayed.get((edit.criterion, edit.key)) == version:
            result.saved[edit.criterion] = version
            continue
        try:
            clean = _clean(pack, template, criterion, edit.raw, row, now=now)
        except AnswerErrors as wrong:
            result.errors[edit.criterion] = wrong.errors
            continue
        if clean.value == (row.value if row else {}):
            result.unchanged.append(edit.criterion)
            continue
        if edit.based_on != version:
            theirs = (
                Answered(row.value, row.version, row.saved_at, row.saved_by.name if row.saved_by else "")
                if row
                else Answered({}, 0, None, "")
            )
            result.conflicts[edit.criterion] = Conflict(edit.criterion, clean.value, theirs)
            continue
        grade = str(clean.value.get("grade", ""))
        before[edit.criterion] = row.grade if row else ""
        after[edit.criterion] = grade
        if row is None:
            row = current[edit.criterion] = SelfAssessment(
                return_id=audit_return.id, criterion=criterion.id, scope_key=scope, type=clean.type
            )
            session.add(row)
        row.value, row.grade, row.version = clean.value, grade, version + 1
        row.saved_at, row.saved_by_id, row.to_confirm = now, by.user_id, False
        session.add(
            SelfAssessmentVersion(
                return_id=audit_return.id,
                criterion=criterion.id,
                scope_key=scope,
                type=clean.type,
                value=clean.value,
                version=version + 1,
                based_on=edit.based_on,
                idempotency_key=edit.key,
                source=source,
                saved_at=now,
                saved_by_id=by.user_id,
            )
        )
        result.saved[edit.criterion] = version + 1
    if after:
        if audit_return.stage == "invited":
            move(audit_return, "started", now=now)
            events.append(session, events.chain_of(audit_return), "return.started", by=by, now=now)
            session.flush()
        _count(audit_return, pack, template, current, places)
        ended = _end_vouches(session, audit_return, template, after)
        data: dict[str, Any] = {"criteria": {key: result.saved[key] for key in after}}
        if ended:
            data["vouches_ended"] = ended
        events.append(session, events.chain_of(audit_return), "answer.saved", by=by, now=now, data=data)
        rollup.change(
            session, audit_return, "draft",
            before=[(question_parts(key)[0], grade) for key, grade in before.items()],
            after=[(question_parts(key)[0], grade) for key, grade in after.items()],
        )  # fmt: skip
    session.flush()
    return result


def _criterion(
    template: Template, question: str, audit_return: AuditReturn, places: Sequence[Place]
) -> tuple[Criterion, str]:
    """The criterion and the scope of a question. Raises NotPossible where this return is not asked it."""
    key, scope = question_parts(question)
    try:
        criterion = template.criterion(key)
    except KeyError:
        raise NotPossible(
            N_("There is no question “%(question)s” in this audit. Reload the page and try again."),
            question=key[:80],
        ) from None
    if not criterion.asked_of(audit_return.subtype or None):
        raise NotPossible(
            N_("The question “%(question)s” is not asked of this agency. Reload the page and try again."),
            question=key[:80],
        )
    if scope not in scopes_of(criterion, places):
        raise NotPossible(
            N_("The question “%(question)s” is not asked of this area. Reload the page and try again."), question=key
        )
    return criterion, scope


def _replayed(
    session: Session, audit_return: AuditReturn, edits: Sequence[Edit]
) -> dict[tuple[str, str], int]:
    """The edits of this request that were stored by an earlier one: (criterion, key) to version."""
    rows = session.execute(
        select(
            SelfAssessmentVersion.criterion,
            SelfAssessmentVersion.scope_key,
            SelfAssessmentVersion.idempotency_key,
            SelfAssessmentVersion.version,
        ).where(
            SelfAssessmentVersion.return_id == audit_return.id,
            SelfAssessmentVersion.idempotency_key.in_({edit.key for edit in edits}),
        )
    )
    return {(question_id(row.criterion, row.scope_key), row.idempotency_key): row.version for row in rows}


def _clean(
    pack: Pack, template: Template, criterion: Criterion, raw: Mapping[str, object], row: SelfAssessment | None,
    *, now: datetime,
) -> CleanAnswer:  # fmt: skip
    day = today(now)
    earliest = day
    if row and row.value.get("date_expected"):
        # a date that has passed since it was saved may stay; a new one must lie ahead
        earliest = min(day, date.fromisoformat(row.value["date_expected"]))
    return ANSWER_TYPES[criterion.answer.type].clean(
        raw, criterion=criterion, scheme=pack.scheme_of(template, criterion), today=day, earliest=earliest
    )


def _count(
    audit_return: AuditReturn, pack: Pack, template: Template, current: Mapping[str, SelfAssessment],
    places: Sequence[Place],
) -> None:  # fmt: skip
    answers = {
        key: Answered(row.value, row.version, None, "", to_confirm=row.to_confirm) for key, row in current.items()
    }
    work = build_checklist(audit_return, pack, template, answers, {}, places)
    audit_return.asked, audit_return.complete = work.asked, work.complete


def _end_vouches(
    session: Session, audit_return: AuditReturn, template: Template, changed: Mapping[str, str]
) -> list[str]:
    """A vouch holds for the answers as they were: a save in its standard ends it. Returns the standards."""
    touched = {template.standard_of(template.criterion(question_parts(key)[0])).id for key in changed}
    ended = []
    for vouch in session.scalars(
        select(Vouch)
        .where(Vouch.return_id == audit_return.id, Vouch.standard.in_(touched))
        .order_by(Vouch.standard)
    ):
        ended.append(vouch.standard)
        session.delete(vouch)
    return ended


def vouch(
    session: Session, public_id: str, standard: str, *, name: str, post: str, by: Actor, now: datetime
) -> Vouch:
    """Record that a named executive vouches for a standard, as it is answered now.

    Raises NotFound, and NotPossible where the standard is incomplete or the return cannot be changed.
    """
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.vouch", lock=True)
    if reason := why_closed(audit_return, now=now):
        raise NotPossible(reason)
    section = checklist(session, audit_return).section(standard)
    if section.state != "complete":
        raise NotPossible(N_("Answer every question of this standard before somebody vouches for it."))
    if not name.strip() or not post.strip():
        raise NotPossible(N_("Give the name and the post of the executive who vouches for this standard."))
    row = section.vouch or Vouch(return_id=audit_return.id, standard=standard)
    row.name, row.post, row.at, row.recorded_by_id = name.strip()[:200], post.strip()[:200], now, by.user_id
    session.add(row)
    events.append(
        session,
        events.chain_of(audit_return),
        "standard.vouched",
        by=by,
        now=now,
        data={"standard": standard},
        texts={"name": row.name, "post": row.post},
    )
    session.flush()
    return row


def withdraw_vouch(session: Session, public_id: str, standard: str, *, by: Actor, now: datetime) -> None:
    """Take a vouch back. Raises NotFound and NotPossible."""
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.vouch", lock=True)
    if reason := why_closed(audit_return, now=now):
        raise NotPossible(reason)
    row = session.scalar(select(Vouch).where(Vouch.return_id == audit_return.id, Vouch.standard == standard))
    if row is None:
        raise NotPossible(N_("Nobody vouches for this standard, so there is nothing to take back."))
    session.delete(row)
    events.append(
        session,
        events.chain_of(audit_return),
        "standard.vouch_withdrawn",
        by=by,
        now=now,
        data={"standard": standard},
    )
    session.flush()
