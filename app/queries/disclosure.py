"""Reading everything that was said about one agency in a round, by role and without names."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from app.clock import today
from app.domain.disclosure import ROLES, Decision, Entry, without_names
from app.domain.message import N_, Message
from app.models import (
    Appointment,
    AuditReturn,
    Chase,
    Event,
    Example,
    Feedback,
    Judgement,
    Moderation,
    Monitoring,
    PeerReview,
    RecommendationStatus,
    ReturnedStandard,
    SampledReturn,
    Submission,
    Thread,
    ThreadPost,
    User,
)
from app.policy import Actor, require
from app.queries.release import content_of, published_version, release_of, said_parts, standing
from app.queries.returns import return_facts

KINDS = {
    "query": N_("Query"),
    "progress": N_("Request for progress"),
    "peer": N_("Challenge of a peer"),
    "accuracy": N_("Challenge to the draft feedback"),
    "comment": N_("Comment of a scrutineer"),
}


@dataclass
class _Found:
    """An entry before its author's role is known."""

    id: str
    at: datetime
    user_id: int | None
    what: Message
    text: str
    suggestion: str = ""


@dataclass
class _Reading:
    session: Session
    audit_return: AuditReturn
    published: bool
    unfinished: bool
    found: list[_Found] = field(default_factory=list)

    def add(
        self, key: str, at: datetime, user_id: int | None, what: str, text: str, suggestion: str = "", /,
        **params: object,
    ) -> None:  # fmt: skip
        """Add an entry unless nothing is said in it."""
        if text.strip():
            self.found.append(_Found(key, at, user_id, Message(what, params), text.strip(), suggestion))

    @property
    def private(self) -> str:
        """Why what the oversight body said for itself is exempt now, if it is."""
        if not self.published:
            return "unpublished"
        return "moderation" if self.unfinished else ""


def entries(session: Session, audit_return: AuditReturn, *, actor: Actor, now: datetime) -> list[Entry]:
    """Everything that was said about a return, the oldest first, with what is exempt. Raises Denied.

    A fixed number of statements. Drafts of the agency stay private to it and are not held by the oversight body.
    """
    require(actor, "disclosure.read", return_facts(session, audit_return, now=now))
    unfinished = session.scalar(
        select(SampledReturn.id).where(
            SampledReturn.return_id == audit_return.id, SampledReturn.finished_at.is_(None)
        )
    )
    release = release_of(session, audit_return.audit_round)
    published = standing(release, now=now).publication == "published"
    reading = _Reading(session, audit_return, published, unfinished is not None)
    for collect in (_submissions, _threads, _checks, _judgements, _followed, _feedback, _others):
        collect(reading, now)
    roles, names = _people(session, audit_return, {one.user_id for one in reading.found if one.user_id})
    decisions = _decisions(session, audit_return)
    return sorted(
        (
            Entry(
                id=one.id, at=one.at, role=_role_at(roles.get(one.user_id or 0, ()), one),
                what=one.what, text=without_names(one.text, names), suggestion=one.suggestion,
                decision=decisions.get(one.id),
            )
            for one in reading.found
        ),
        key=lambda one: (one.at, one.id),
    )  # fmt: skip


def _submissions(reading: _Reading, _now: datetime) -> None:
    rows = reading.session.scalars(
        select(Submission)
        .where(Submission.return_id == reading.audit_return.id)
        .options(joinedload(Submission.declaration), joinedload(Submission.voided))
        .order_by(Submission.number)
    )
    for row in rows:
        signed = row.declaration
        reading.add(
            f"declaration:{row.number}", row.submitted_at, signed.user_id, N_("Declaration, submission %(number)s"),
            signed.text, number=row.number,
        )  # fmt: skip
        for key, what, text in _signed_texts(json.loads(row.content)):
            reading.add(
                f"submission:{row.number}:{key}", row.submitted_at, signed.user_id,
                N_("Submission %(number)s, %(what)s"), text, number=row.number, what=what,
            )  # fmt: skip
        if row.voided:
            reading.add(
                f"voided:{row.number}", row.voided.at, row.voided.by_id,
                N_("Submission %(number)s was set aside"), row.voided.reason, number=row.number,
            )  # fmt: skip
    if reading.audit_return.nil_reason:
        reading.add(
            "nil", reading.audit_return.invited_at, None, N_("Nil return, the reason"), reading.audit_return.nil_reason
        )


def _signed_texts(content: Mapping[str, Any]) -> Iterator[tuple[str, Message, str]]:
    """The free texts of a signed content: a key, what it is, the text."""
    for answer in content["answers"]:
        key = ".".join(filter(None, (answer["criterion"], answer["scope"])))
        for name, words in (("commentary", N_("commentary on %(key)s")), ("reason", N_("reason at %(key)s"))):
            yield f"{name}:{key}", Message(words, {"key": key}), answer["value"].get(name) or ""
    for place, action in enumerate(content.get("actions", ())):
        yield f"action:{place}", Message(N_("a planned action")), action.get("what") or ""
    for place, piece in enumerate(content.get("evidence", ())):
        text = "\n".join(filter(None, (piece.get("title"), piece.get("description"))))
        yield f"evidence:{place}", Message(N_("evidence, title and description")), text


def _threads(reading: _Reading, _now: datetime) -> None:
    rows = reading.session.scalars(
        select(ThreadPost)
        .join(ThreadPost.thread)
        .where(Thread.return_id == reading.audit_return.id)
        .options(joinedload(ThreadPost.thread))
    )
    for post in rows:
        kind = post.thread.kind
        suggestion = "third_party" if post.side in ("peer", "area") else ""
        if kind == "accuracy" and not reading.published:
            suggestion = "unpublished"
        reading.add(
            f"post:{post.public_id}", post.at, post.by_id, KINDS[kind], post.text, suggestion
        )


def _checks(reading: _Reading, _now: datetime) -> None:
    where = reading.audit_return.id
    for found in reading.session.scalars(select(Moderation).where(Moderation.return_id == where)):
        adjusted = found.outcome == "adjusted"
        what = N_("Moderation of %(key)s: adjusted") if adjusted else N_("Moderation of %(key)s: upheld")
        text = "\n".join(filter(None, (found.reason, found.evidence_seen))) or found.grade
        suggestion = "moderation" if reading.unfinished else reading.private
        reading.add(f"moderation:{found.public_id}", found.at, found.by_id, what, text, suggestion, key=found.criterion)
    for returned in reading.session.scalars(select(ReturnedStandard).where(ReturnedStandard.return_id == where)):
        reading.add(
            f"returned:{returned.id}", returned.at, returned.by_id, N_("Standard %(key)s returned for correction"),
            returned.reason, key=returned.standard,
        )  # fmt: skip


def _judgements(reading: _Reading, _now: datetime) -> None:
    rows = reading.session.scalars(select(Judgement).where(Judgement.return_id == reading.audit_return.id))
    for row in rows:
        if row.given_note and row.given_at:
            reading.add(
                f"judgement:{row.public_id}:given", row.given_at, row.given_by_id, N_("Judgement %(key)s, entered"),
                row.given_note, reading.private, key=row.key,
            )  # fmt: skip
        if row.override_reason and row.override_at:
            reading.add(
                f"judgement:{row.public_id}:override", row.override_at, row.override_by_id,
                N_("Judgement %(key)s, decided otherwise than by the rules"), row.override_reason, reading.private,
                key=row.key,
            )  # fmt: skip


def _followed(reading: _Reading, _now: datetime) -> None:
    where = reading.audit_return.id
    for status in reading.session.scalars(
        select(RecommendationStatus).where(RecommendationStatus.return_id == where)
    ):
        reading.add(
            f"recommendation:{status.id}", status.at, status.by_id, N_("Recommendation %(key)s"), status.note,
            reading.private, key=status.recommendation,
        )  # fmt: skip
    for watch in reading.session.scalars(select(Monitoring).where(Monitoring.return_id == where)):
        reading.add(
            f"monitoring:{watch.public_id}", watch.since, watch.by_id, N_("Monitoring begins"), watch.reason,
            reading.private,
        )  # fmt: skip
        if watch.cleared_at:
            reading.add(
                f"monitoring:{watch.public_id}:cleared", watch.cleared_at, watch.cleared_by_id, N_("Monitoring ends"),
                watch.clear_reason, reading.private,
            )  # fmt: skip


def _feedback(reading: _Reading, now: datetime) -> None:
    public = published_version(reading.session, reading.audit_return, now=now)
    rows = reading.session.scalars(
        select(Feedback).where(Feedback.return_id == reading.audit_return.id).order_by(Feedback.version)
    )
    for row in rows:
        said = "\n".join(
            "\n".join(filter(None, (one.text, one.words)))
            for part in said_parts(content_of(row), row.narrative, "en")
            for one in part.statements
        )
        suggestion = "" if public is not None and row.version <= public else "unpublished"
        reading.add(
            f"feedback:{row.version}", row.at, row.by_id, N_("Feedback, version %(number)s"), said, suggestion,
            number=row.version,
        )  # fmt: skip
        reading.add(
            f"feedback:{row.version}:reason", row.at, row.by_id, N_("Why feedback version %(number)s was made"),
            row.reason, suggestion, number=row.version,
        )  # fmt: skip


def _others(reading: _Reading, _now: datetime) -> None:
    where = reading.audit_return.id
    for example in reading.session.scalars(select(Example).where(Example.return_id == where)):
        what = N_("Marked as good practice: %(key)s") if example.kind == "good" else N_("Marked as a concern: %(key)s")
        reading.add(
            f"example:{example.public_id}", example.at, example.by_id, what, example.note, reading.private,
            key=example.criterion,
        )  # fmt: skip
    for review in reading.session.scalars(select(PeerReview).where(PeerReview.return_id == where)):
        if review.conflict:
            reading.add(
                f"peer:{review.public_id}", review.declared_at or review.assigned_at, review.user_id,
                N_("A peer reviewer declares a conflict of interest"), review.conflict, "personal",
            )  # fmt: skip
    for chase in reading.session.scalars(select(Chase).where(Chase.return_id == where)):
        reading.add(f"chase:{chase.id}", chase.at, chase.by_id, N_("Reminder"), chase.reason)


# --- who, as a role --------------------------------------------------------------------------------------------------


def _people(
    session: Session, audit_return: AuditReturn, user_ids: set[int]
) -> tuple[dict[int, Sequence[Appointment]], dict[str, str]]:
    """The appointments of those who said something, and the names that texts must not hold, with the role for each."""
    rows = session.scalars(
        select(User)
        .join(Appointment, Appointment.user_id == User.id)
        .where(User.id.in_(user_ids) | (Appointment.agency_id == audit_return.agency_id))
        .options(selectinload(User.appointments))
        .order_by(User.id)
    ).unique()
    roles: dict[int, Sequence[Appointment]] = {}
    names = {}
    for user in rows:
        mine = [one for one in user.appointments if one.agency_id in (None, audit_return.agency_id)]
        roles[user.id] = mine
        if mine:
            names[user.name] = ROLES[mine[-1].role]
    return roles, names


def _role_at(appointments: Sequence[Appointment], entry: _Found) -> str:
    if entry.user_id is None:
        return "service"
    day = today(entry.at)
    held = [one.role for one in appointments if one.in_force(day)]
    return held[0] if held else "unknown"


# --- what was decided ------------------------------------------------------------------------------------------------


def _chain(audit_return: AuditReturn) -> str:
    return f"oversight:{audit_return.public_id}"


def _decisions(session: Session, audit_return: AuditReturn) -> dict[str, Decision]:
    """The latest decision on each entry, from the oversight chain."""
    rows = session.scalars(
        select(Event)
        .where(Event.chain == _chain(audit_return), Event.verb == "disclosure.marked")
        .options(selectinload(Event.texts))
        .order_by(Event.seq)
    )
    found = {}
    for event in rows:
        texts = {text.name: text.text for text in event.texts}
        for key in event.data["entries"]:
            found[key] = Decision(
                bool(event.data["exempt"]), event.data["ground"], texts.get("reason") or "", event.at
            )
    return found


def exports(session: Session, audit_return: AuditReturn) -> Sequence[Event]:
    """When a pack was handed out, the newest first. The caller asked policy for `disclosure.read`."""
    return session.scalars(
        select(Event)
        .where(Event.chain == _chain(audit_return), Event.verb == "disclosure.exported")
        .order_by(Event.seq.desc())
    ).all()


def tally(found: Sequence[Entry]) -> dict[str, int]:
    """How many entries there are, are exempt, and wait for a decision on a suggestion."""
    counts: dict[str, int] = defaultdict(int)
    for one in found:
        counts["all"] += 1
        counts["exempt"] += one.is_exempt
        counts["undecided"] += bool(one.suggestion and one.decision is None)
    return counts
