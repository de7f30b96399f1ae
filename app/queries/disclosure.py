"""Reading everything that was said about one agency in a round, by role and without names."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from textwrap import shorten
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from app.clock import today
from app.domain.answers import ANSWER_TYPES, Fact, Words, question_parts
from app.domain.chasing import REASON_WORDS
from app.domain.disclosure import ROLES, Decision, Entry, without_names
from app.domain.follow_up import STATES
from app.domain.message import N_, Message, number_words
from app.domain.queries import OUTCOMES
from app.domain.templates import GradingScheme, Pack, Placed, Template
from app.domain.text import localise
from app.models import (
    Appointment,
    Area,
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
    RecommendedResponse,
    RecommendedStatus,
    ReturnedStandard,
    SampledReturn,
    Submission,
    SurveyResult,
    User,
)
from app.policy import Actor, require
from app.queries.judgements import book_of
from app.queries.moderation import check_not_hidden
from app.queries.packs import template_of
from app.queries.recommended import ANSWERS as RESPONSES
from app.queries.recommended import STATES as ADDRESSEE_STATES
from app.queries.release import (
    challenged,
    cited,
    content_of,
    published_versions,
    release_of,
    said_parts,
    standing,
)
from app.queries.returns import history, return_facts
from app.queries.sites import site_names
from app.queries.surveys import shown_beside, survey_of
from app.queries.threads import threads_of

KINDS = {
    "query": N_("Query"),
    "progress": N_("Request for progress"),
    "peer": N_("Challenge of a peer"),
    "accuracy": N_("Challenge to the draft feedback"),
    "comment": N_("Comment of a scrutineer"),
}

# what came of a thread that is closed
CAME_OF_IT = OUTCOMES | {"accepted": N_("Accepted"), "declined": N_("Declined")}


@dataclass
class _Found:
    """An entry before its author's role is known."""

    id: str
    at: datetime
    user_id: int | None
    what: Message
    text: str
    suggestion: str = ""


@dataclass(frozen=True)
class _Words:
    """Words in place of keys. In English, like all that a disclosure pack says: its hash is on record."""

    pack: Pack
    template: Template
    placed: Mapping[str, Placed]  # criterion to its place
    areas: Mapping[str, str]  # and sites: what scopes name

    def question(self, criterion: str, scope: str = "", *, most: int = 100) -> str:
        """A question by its number, with its beginning and the area it is about."""
        placed = self.placed.get(criterion)
        if placed is None:
            return ".".join(filter(None, (criterion, scope)))
        number = f"{placed.number} ({self.areas.get(scope, scope)})" if scope else placed.number
        return f"{number}, “{shorten(localise(placed.criterion.question), most, placeholder='…')}”"

    def scheme(self, criterion: str) -> GradingScheme | None:
        placed = self.placed.get(criterion)
        return self.pack.scheme_of(self.template, placed.criterion) if placed else None

    def grade(self, criterion: str, key: str) -> str:
        """A grade as the pack calls it."""
        scheme = self.scheme(criterion)
        return next((localise(one.label) for one in scheme.grades if one.key == key), key) if scheme else key

    def basis(self, criterion: str, key: str) -> str:
        """How the agency knows, as the pack calls it."""
        scheme = self.scheme(criterion)
        return next((localise(one.label) for one in scheme.bases if one.key == key), key) if scheme else key

    def facts(self, criterion: str, kind: str, value: Mapping[str, Any]) -> list[str]:
        """What an answer says beside its grade, without what the agency wrote in its own words."""
        placed = self.placed.get(criterion)
        said = ANSWER_TYPES[kind].facts(value, placed.criterion) if placed else ()
        return [_fact(fact) for fact in said if not fact.typed]

    def written(self, answer: Mapping[str, Any]) -> str:
        """What the agency wrote for an answer in its own words: a text, or the rows of a table."""
        placed = self.placed.get(answer["criterion"])
        said = ANSWER_TYPES[answer["type"]].facts(answer["value"], placed.criterion) if placed else ()
        return "\n".join(_fact(fact) for fact in said if fact.typed)

    def about(self, key: str) -> str:
        """What a thread is about, where it is about a question or a recommendation."""
        criterion, scope = question_parts(key)
        if criterion in self.placed:
            return self.question(criterion, scope)
        return cited(self.pack, key) if "/" in key else ""


def _fact(fact: Fact) -> str:
    """A fact in English; a table has a line for each row, with its headings first."""
    if fact.rows:
        return "\n".join(" | ".join(map(_plain, row)) for row in fact.rows)
    said = " ".join(filter(None, (_plain(fact.words), _plain(fact.unit or ""))))
    return f"{_plain(fact.label)}: {said}" if fact.label else said


def _plain(words: Words) -> str:
    if isinstance(words, Fraction):
        return number_words(words)
    if isinstance(words, date):
        return words.isoformat()
    return localise(words) if isinstance(words, Mapping) else str(words)


@dataclass
class _Reading:
    session: Session
    audit_return: AuditReturn
    published: bool
    unfinished: bool
    words: _Words
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
    """Everything that was said about a return, the oldest first, with what is exempt.

    Raises Denied, and NotYetYours for a second inspector at work.

    A fixed number of statements. Drafts of the agency stay private to it and are not held by the oversight body.
    """
    require(actor, "disclosure.read", return_facts(session, audit_return, now=now))
    check_not_hidden(session, audit_return, actor)
    unfinished = session.scalar(
        select(SampledReturn.id).where(
            SampledReturn.return_id == audit_return.id, SampledReturn.finished_at.is_(None)
        )
    )
    release = release_of(session, audit_return.audit_round)
    published = standing(release, now=now).publication == "published"
    areas = {row.public_id: row.name for row in session.execute(select(Area.public_id, Area.name))}
    pack, template = template_of(audit_return)
    if template.asks_sites:
        areas |= site_names(session, [audit_return.id]).get(audit_return.id, {})
    words = _Words(pack, template, {one.criterion.id: one for one in template.criteria()}, areas)
    reading = _Reading(session, audit_return, published, unfinished is not None, words)
    for collect in (_submissions, _nil, _threads, _checks, _judgements, _followed, _feedback, _staff, _others):
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
        content = json.loads(row.content)
        reading.add(
            f"submission:{row.number}:grades", row.submitted_at, signed.user_id,
            N_("Submission %(number)s, the grades that were signed"), _signed_grades(content, reading.words),
            number=row.number,
        )  # fmt: skip
        for key, what, text in _signed_texts(content, reading.words):
            reading.add(
                f"submission:{row.number}:{key}", row.submitted_at, signed.user_id,
                N_("Submission %(number)s, %(what)s"), text, number=row.number, what=what,
            )  # fmt: skip
        if row.voided:
            reading.add(
                f"voided:{row.number}", row.voided.at, row.voided.by_id,
                N_("Submission %(number)s was set aside"), row.voided.reason, number=row.number,
            )  # fmt: skip


def _nil(reading: _Reading, _now: datetime) -> None:
    """That there was nothing to return, each time that it was recorded: the history says when, and who did it."""
    said = [
        (event, text.text)
        for event in history(reading.session, f"return:{reading.audit_return.public_id}")
        if event.verb == "return.nil"
        for text in event.texts
        if text.name == "reason"
    ]
    people = {event.actor.removeprefix("person:") for event, _text in said}
    ids = {
        row.public_id: row.id
        for row in reading.session.execute(select(User.id, User.public_id).where(User.public_id.in_(people)))
    }
    for event, text in said:
        reading.add(
            f"nil:{event.seq}", event.at, ids.get(event.actor.removeprefix("person:")),
            N_("Nil return, the reason"), text,
        )  # fmt: skip


def _signed_grades(content: Mapping[str, Any], words: _Words) -> str:
    """Every signed answer in a line: the question, what is a fact, the grade, how the agency knows, by when it will be
    in place. What the agency wrote in its own words stands by itself."""
    lines = []
    order = {key: placed.position for key, placed in words.placed.items()}
    for answer in sorted(content["answers"], key=lambda one: order.get(one["criterion"], 0)):
        key, value = answer["criterion"], answer["value"]
        said = [*words.facts(key, answer["type"], value)]
        if value.get("grade"):
            said.append(words.grade(key, value["grade"]))
            if value.get("basis"):
                said.append(words.basis(key, value["basis"]))
            if value.get("date_expected"):
                said.append(value["date_expected"])
        if said:
            lines.append(f"{words.question(key, answer['scope'])}: {'; '.join(said)}")
    return "\n".join(lines)


def _signed_texts(content: Mapping[str, Any], words: _Words) -> Iterator[tuple[str, Message, str]]:
    """The free texts of a signed content: a key, what it is, the text."""
    for answer in content["answers"]:
        key = ".".join(filter(None, (answer["criterion"], answer["scope"])))
        question = words.question(answer["criterion"], answer["scope"])
        for name, what in (("commentary", N_("commentary on %(key)s")), ("reason", N_("reason at %(key)s"))):
            yield f"{name}:{key}", Message(what, {"key": question}), answer["value"].get(name) or ""
        yield f"fact:{key}", Message(N_("answer to %(key)s"), {"key": question}), words.written(answer)
    for place, action in enumerate(content.get("actions", ())):
        yield f"action:{place}", Message(N_("a planned action")), action.get("what") or ""
    for place, piece in enumerate(content.get("evidence", ())):
        text = "\n".join(filter(None, (piece.get("title"), piece.get("description"))))
        yield f"evidence:{place}", Message(N_("evidence, title and description")), text


def _threads(reading: _Reading, _now: datetime) -> None:
    threads = threads_of(reading.session, reading.audit_return, kinds=tuple(KINDS))
    challenges = [one for one in threads if one.kind == "accuracy"]
    then = challenged(reading.session, reading.audit_return, challenges, language="en")
    for thread in threads:
        kind = {"kind": Message(KINDS[thread.kind])}
        suggestion = "unpublished" if thread.kind == "accuracy" and not reading.published else ""
        asked_by = next((post.side for post in thread.posts), "")
        if thread.kind == "accuracy":
            said = then.get(thread.public_id)
            about = "\n".join(filter(None, (said.text, said.words))) if said else ""
        else:
            about = "\n".join(filter(None, (thread.subject, reading.words.about(thread.about))))
        reading.add(
            f"about:{thread.public_id}", thread.opened_at, thread.opened_by_id, N_("%(kind)s, what it is about"),
            about, suggestion or _third_party(asked_by), **kind,
        )  # fmt: skip
        for post in thread.posts:
            reading.add(
                f"post:{post.public_id}", post.at, post.by_id, KINDS[thread.kind], post.text,
                suggestion or _third_party(post.side),
            )  # fmt: skip
        if thread.closed_at:
            reading.add(
                f"closed:{thread.public_id}", thread.closed_at, thread.closed_by_id, N_("%(kind)s, closed"),
                CAME_OF_IT.get(thread.outcome, "Closed"), suggestion, **kind,
            )  # fmt: skip


def _third_party(side: str) -> str:
    return "third_party" if side in ("peer", "area") else ""


def _checks(reading: _Reading, _now: datetime) -> None:
    where, words = reading.audit_return.id, reading.words
    for found in reading.session.scalars(select(Moderation).where(Moderation.return_id == where)):
        adjusted = found.outcome == "adjusted"
        what = N_("Moderation of %(key)s: adjusted") if adjusted else N_("Moderation of %(key)s: upheld")
        if found.second:
            what = N_("Second check of %(key)s: adjusted") if adjusted else N_("Second check of %(key)s: upheld")
        own, holds = (words.grade(found.criterion, key) for key in (found.self_grade, found.grade))
        grades = f"From “{own}” to “{holds}”." if adjusted else f"“{own}” stands."
        text = "\n".join(filter(None, (grades, found.reason, found.evidence_seen)))
        suggestion = "moderation" if reading.unfinished else reading.private
        reading.add(
            f"moderation:{found.public_id}", found.at, found.by_id, what, text, suggestion,
            key=words.question(found.criterion, found.scope_key),
        )  # fmt: skip
    titles = {standard.id: localise(standard.title) for standard in words.template.standards}
    for returned in reading.session.scalars(select(ReturnedStandard).where(ReturnedStandard.return_id == where)):
        reading.add(
            f"returned:{returned.id}", returned.at, returned.by_id, N_("Standard “%(key)s” returned for correction"),
            returned.reason, key=titles.get(returned.standard, returned.standard),
        )  # fmt: skip


def _judgements(reading: _Reading, _now: datetime) -> None:
    audit_return = reading.audit_return
    book = book_of(audit_return.audit_round.pack_version, audit_return.agency_type)
    for row in reading.session.scalars(select(Judgement).where(Judgement.return_id == audit_return.id)):
        known = book.profile.judgements.get(row.key) if book else None
        title = localise(known.title) if known else row.key
        grades = {one.key: localise(one.label) for one in book.scale(row.key).grades} if book and known else {}

        def grade(key: str, grades: Mapping[str, str] = grades) -> str:
            return grades.get(key, key)

        if row.given_note and row.given_at:
            reading.add(
                f"judgement:{row.public_id}:given", row.given_at, row.given_by_id, N_("Judgement “%(key)s”, entered"),
                f"“{grade(row.given)}”.\n{row.given_note}", reading.private, key=title,
            )  # fmt: skip
        if row.override_reason and row.override_at:
            reading.add(
                f"judgement:{row.public_id}:override", row.override_at, row.override_by_id,
                N_("Judgement “%(key)s”, decided otherwise than by the rules"),
                f"From “{grade(row.grade)}” to “{grade(row.override)}”.\n{row.override_reason}", reading.private,
                key=title,
            )  # fmt: skip


def _followed(reading: _Reading, _now: datetime) -> None:
    where = reading.audit_return.id
    for status in reading.session.scalars(
        select(RecommendationStatus).where(RecommendationStatus.return_id == where)
    ):
        reading.add(
            f"recommendation:{status.id}", status.at, status.by_id, N_("Recommendation %(key)s"),
            f"{STATES.get(status.state, status.state)}.\n{status.note}",  # type: ignore[call-overload]
            reading.private, key=cited(reading.words.pack, status.recommendation),
        )  # fmt: skip
    for said in reading.session.scalars(
        select(RecommendedStatus)
        .where(RecommendedStatus.return_id == where)
        .options(joinedload(RecommendedStatus.recommended))
    ):
        reading.add(
            f"recommended:{said.id}", said.at, said.by_id, N_("Recommendation %(number)s of the report"),
            f"{ADDRESSEE_STATES[said.state]}.\n{said.note}", reading.private, number=said.recommended.number,
        )  # fmt: skip
    for response in reading.session.scalars(
        select(RecommendedResponse)
        .where(RecommendedResponse.return_id == where)
        .options(joinedload(RecommendedResponse.recommended))
    ):
        reading.add(
            f"response:{response.id}", response.at, response.by_id,
            N_("Recommendation %(number)s of the report, the agency’s response"),
            f"{RESPONSES[response.answer]}.\n{response.text}", number=response.recommended.number,
        )  # fmt: skip
    for watch in reading.session.scalars(select(Monitoring).where(Monitoring.return_id == where)):
        reading.add(
            f"monitoring:{watch.public_id}", watch.since, watch.by_id, N_("Monitoring begins"),
            "\n".join(filter(None, (cited(reading.words.pack, watch.recommendation), watch.reason))), reading.private,
        )  # fmt: skip
        if watch.cleared_at:
            reading.add(
                f"monitoring:{watch.public_id}:cleared", watch.cleared_at, watch.cleared_by_id, N_("Monitoring ends"),
                watch.clear_reason, reading.private,
            )  # fmt: skip


def _feedback(reading: _Reading, now: datetime) -> None:
    public = max(published_versions(reading.session, reading.audit_return, now=now).values(), default=None)
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


def _staff(reading: _Reading, _now: datetime) -> None:
    """What staff say, as far as it may be shown; before anything is submitted, what the oversight body gave alone."""
    found = survey_of(reading.audit_return.audit_round)
    if found is None:
        return
    survey, where = found[1], reading.audit_return.id
    signed = reading.session.scalar(select(Submission.id).where(Submission.return_id == where).limit(1)) is not None
    rows = [
        row
        for row in reading.session.scalars(
            select(SurveyResult).where(SurveyResult.return_id == where).order_by(SurveyResult.id)
        )
        if row.statement in survey.statements and (signed or row.given_by == "body")
    ]
    if not rows:
        return
    lines = []
    for row in rows:
        one = shown_beside(survey, row)
        said = "Too few answered for the result to be shown."
        if one.percent is not None:
            said = f"{one.percent}% agree ({one.agree} of {one.counted}; {one.asked} were asked)."
        lines.append(f"{reading.words.question(row.statement)}: “{localise(one.text)}” {said}")
    # results replace each other: a decision on earlier ones says nothing of these
    reading.add(
        f"survey:{rows[0].at:%Y%m%d%H%M%S}", rows[0].at, rows[0].by_id, N_("Survey of staff, results"),
        "\n".join(lines), "" if signed else "unpublished",
    )  # fmt: skip


def _others(reading: _Reading, _now: datetime) -> None:
    where = reading.audit_return.id
    for example in reading.session.scalars(select(Example).where(Example.return_id == where)):
        what = N_("Marked as good practice: %(key)s") if example.kind == "good" else N_("Marked as a concern: %(key)s")
        reading.add(
            f"example:{example.public_id}", example.at, example.by_id, what, example.note, reading.private,
            key=reading.words.question(example.criterion, example.scope_key),
        )  # fmt: skip
    for review in reading.session.scalars(select(PeerReview).where(PeerReview.return_id == where)):
        if review.conflict:
            reading.add(
                f"peer:{review.public_id}", review.declared_at or review.assigned_at, review.user_id,
                N_("A peer reviewer declares a conflict of interest"), review.conflict, "personal",
            )  # fmt: skip
    for chase in reading.session.scalars(select(Chase).where(Chase.return_id == where)):
        words = REASON_WORDS.get(chase.reason, chase.reason)
        reading.add(f"chase:{chase.id}", chase.at, chase.by_id, N_("Reminder"), words)


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
