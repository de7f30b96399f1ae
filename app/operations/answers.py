"""Saving answers: per criterion, with the version it was based on and an idempotency key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache, cached_property
from typing import Any

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.orm import Session

from app.clock import today
from app.domain.answers import ANSWER_TYPES, AnswerErrors, CleanAnswer, question_id, question_parts
from app.domain.life import NotPossible
from app.domain.message import N_, Message
from app.domain.returned_standards import ELSEWHERE, Correction
from app.domain.templates import Criterion, Pack, Template
from app.models import AuditReturn, SelfAssessment, SelfAssessmentVersion, Vouch
from app.operations import events, rollup, sharing
from app.operations.stage import move
from app.policy import Actor
from app.queries.carrying import has_passed
from app.queries.evidence import evidence_of_return
from app.queries.packs import template_of
from app.queries.returned_standards import correction_of
from app.queries.returns import (
    UNANSWERED,
    Answered,
    Checklist,
    Place,
    answers_and_keys,
    build_checklist,
    checklist,
    get_return,
    places_of,
    scopes_of,
    values_at,
    why_closed,
)
from app.queries.rounds import NotFound
from app.queries.sites import removed_sites


@dataclass(frozen=True)
class Edit:
    """What somebody sent for one question. `raw` is field to string, as the answer type reads it.

    `criterion` is the question's id: a criterion's, with the area or site behind it where it is asked for each.
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
    """What became of each criterion of a save. Nothing that was sent is lost: what is not saved is in here.

    `work` is the checklist as it now stands, for pages: without vouches and planned actions. None: nothing was asked.
    """

    saved: dict[str, int] = field(default_factory=dict)
    unchanged: list[str] = field(default_factory=list)
    conflicts: dict[str, Conflict] = field(default_factory=dict)
    errors: dict[str, dict[str, Message]] = field(default_factory=dict)
    work: Checklist | None = None

    @property
    def clean(self) -> bool:
        """Whether all that was sent is stored."""
        return not self.conflicts and not self.errors

    def take(self, later: SaveResult) -> None:
        """Add the result of a later save in the same transaction."""
        self.saved.update(later.saved)
        self.unchanged += later.unchanged
        self.conflicts.update(later.conflicts)
        self.errors.update(later.errors)
        self.work = later.work


def save_answers(
    session: Session, public_id: str, edits: Sequence[Edit], *, by: Actor, now: datetime, source: str = "page"
) -> SaveResult:
    """Save criteria of a return, each by itself, in one transaction; the last step of each edit is its stored version.

    A criterion with a wrong value or a conflict is not saved and comes back in the result; the others are. So does one
    about a site that was removed from the list meanwhile, as an error, unless it says what is stored. An edit that
    changes nothing makes no version, and an edit whose key was seen before is the same save. `source` says how the
    answers came: one of `models.SOURCES`. Raises NotFound and NotPossible (round closed, return submitted, unknown
    question).
    """
    desk = _Desk.open(session, public_id, by=by, now=now)
    result = SaveResult()
    for edit in edits:
        criterion, gone = desk.wanted(edit.criterion)
        stands = desk.standing(edit.criterion)
        # the same save again; not when something was saved since: then it is an edit of an old page like any other
        if stands.version and desk.keys.get(edit.criterion) == edit.key:
            result.saved[edit.criterion] = stands.version
            continue
        try:
            value = desk.clean(criterion, edit.raw, stands).value
        except AnswerErrors as wrong:
            result.errors[edit.criterion] = gone or wrong.errors
            continue
        if value == stands.value:
            result.unchanged.append(edit.criterion)
        elif gone:
            result.errors[edit.criterion] = gone
        elif not desk.may_change(edit.criterion):
            result.errors[edit.criterion] = {ANSWER_TYPES[criterion.answer.type].first: ELSEWHERE}
        elif edit.based_on != stands.version:
            result.conflicts[edit.criterion] = Conflict(edit.criterion, value, stands)
        else:
            result.saved[edit.criterion] = desk.put(edit.criterion, value, source=source, key=edit.key)
    result.work = desk.settle("answer.saved")
    return result


def take_theirs(
    session: Session, public_id: str, edits: Sequence[Edit], *, by: Actor, now: datetime
) -> SaveResult:
    """Let what somebody else saved stand, and keep what was typed instead of it (`edits`) among the earlier versions.

    Each becomes a version, and what stood before it becomes the next one, marked as restored: nothing that was typed
    is lost. What cannot be read of it (a day that does not exist) is left out; a text or a table that cannot be kept
    comes back as an error, as does an answer about a site that was removed from the list meanwhile. An edit that is not
    based on what stands comes back as a conflict. Raises NotFound and NotPossible.
    """
    desk = _Desk.open(session, public_id, by=by, now=now)
    result = SaveResult()
    for edit in edits:
        criterion, gone = desk.wanted(edit.criterion)
        stands = desk.standing(edit.criterion)
        # not the key of saving the same words: that would be another choice
        own, chosen = f"{edit.key[:56]}-own", f"{edit.key[:56]}-theirs"
        if desk.keys.get(edit.criterion) == chosen:  # the same choice again
            result.saved[edit.criterion] = stands.version
            continue
        try:
            mine = desk.clean_texts(criterion, edit.raw, stands)
        except AnswerErrors as wrong:
            result.errors[edit.criterion] = gone or wrong.errors
            continue
        if gone:
            result.errors[edit.criterion] = gone
        elif edit.based_on != stands.version:
            result.conflicts[edit.criterion] = Conflict(edit.criterion, mine, stands)
        elif mine == stands.value:
            result.unchanged.append(edit.criterion)
        else:
            desk.put(edit.criterion, mine, source="page", key=own)
            result.saved[edit.criterion] = desk.put(
                edit.criterion, stands.value, source="restored", key=chosen, to_confirm=stands.to_confirm
            )
    result.work = desk.settle("answer.saved")
    return result


def restore(
    session: Session, public_id: str, question: str, version: int, *, based_on: int, by: Actor, now: datetime
) -> SaveResult:
    """Make an earlier version of an answer the present one, as a new version; `based_on` is the one that stood.

    A conflict comes back where somebody saved since; nothing is stored then. Raises NotFound (no such version too)
    and NotPossible.
    """
    desk = _Desk.open(session, public_id, by=by, now=now)
    desk.criterion(question)
    stands = desk.standing(question)
    value = values_at(session, desk.audit_return, {question: version}).get(question)
    if not 0 < version <= stands.version or value is None:
        raise NotFound
    result = SaveResult()
    if value == stands.value:
        result.unchanged.append(question)
    elif based_on != stands.version:
        result.conflicts[question] = Conflict(question, value, stands)
    else:
        key = f"restored-{version}-{stands.version + 1}"
        result.saved[question] = desk.put(question, value, source="restored", key=key)
    result.work = desk.settle("answer.restored", **({"from": version} if result.saved else {}))
    return result


SITE_GONE = N_(
    "“%(site)s” is not in your list of sites any more, so this answer was not saved. Copy what you want to keep."
)


@dataclass
class _Desk:
    """A return that is being answered: what stands, and what this transaction puts there.

    Rows go in by a statement of each kind, however many there are: a page of answers is saved often.
    """

    session: Session
    audit_return: AuditReturn
    by: Actor
    now: datetime
    pack: Pack
    template: Template
    places: Sequence[Place]
    answers: dict[str, Answered]
    keys: dict[str, str]  # of the version that stands, by question
    correction: Correction | None  # what may change, where standards are returned
    rows: list[dict[str, Any]] = field(default_factory=list)
    before: dict[str, str] = field(default_factory=dict)  # the grade of each question that is put, as it was

    @classmethod
    def open(cls, session: Session, public_id: str, *, by: Actor, now: datetime) -> _Desk:
        """Lock a return and read its answers. Raises NotFound, and NotPossible where it cannot be changed."""
        audit_return = get_return(session, public_id, actor=by, now=now, permission="return.edit", lock=True)
        if reason := why_closed(audit_return, now=now):
            raise NotPossible(reason)
        pack, template = template_of(audit_return)
        answers, keys = answers_and_keys(session, audit_return)
        return cls(
            session, audit_return, by, now, pack, template, places_of(session, audit_return), answers, keys,
            correction_of(session, audit_return),
        )  # fmt: skip

    def may_change(self, question: str) -> bool:
        """Whether a question may be changed, as far as standards that are returned for correction go."""
        if self.correction is None:
            return True
        standard = self.template.standard_of(self.criterion(question)).id
        return self.correction.allows(standard, question)

    def standing(self, question: str) -> Answered:
        """The answer that stands."""
        return self.answers.get(question, UNANSWERED)

    def criterion(self, question: str) -> Criterion:
        """The criterion of a question. Raises NotPossible where this return is not asked it."""
        return _criterion(self.template, question, self.audit_return, self.places)

    def wanted(self, question: str) -> tuple[Criterion, dict[str, Message]]:
        """The criterion of a question, and by field what is wrong where its site was removed from the list meanwhile.

        Raises NotPossible where this return never asked it.
        """
        try:
            return self.criterion(question), {}
        except NotPossible:
            _key, scope = question_parts(question)
            site = self.removed.get(scope)
            if site is None:
                raise
        criterion = _criterion(self.template, question, self.audit_return, [site])
        return criterion, {ANSWER_TYPES[criterion.answer.type].first: Message(SITE_GONE, {"site": site.name})}

    @cached_property
    def removed(self) -> dict[str, Place]:
        """The sites that were removed from the list, by scope. Asked for when somebody answers about such a one."""
        rows = removed_sites(self.session, self.audit_return)
        return {row.key: Place(row.key, row.code, row.name, "site") for row in rows}

    def clean(self, criterion: Criterion, raw: Mapping[str, object], stands: Answered) -> CleanAnswer:
        """The answer as it is stored. Raises AnswerErrors."""
        day = today(self.now)
        earliest = day
        if stands.value.get("date_expected"):
            # a date that has passed since it was saved may stay; a new one must lie ahead
            earliest = min(day, date.fromisoformat(stands.value["date_expected"]))
        return ANSWER_TYPES[criterion.answer.type].clean(
            raw, criterion=criterion, scheme=self.pack.scheme_of(self.template, criterion), today=day, earliest=earliest
        )

    def clean_texts(self, criterion: Criterion, raw: Mapping[str, object], stands: Answered) -> dict[str, Any]:
        """As `clean`, leaving out what cannot be read; a text or a table that cannot be raises AnswerErrors."""
        try:
            return self.clean(criterion, raw, stands).value
        except AnswerErrors as wrong:
            readable = {name: value for name, value in raw.items() if name not in wrong.errors}
            if _WRITTEN & set(wrong.errors):
                raise
            return self.clean(criterion, readable, stands).value

    def put(
        self, question: str, value: Mapping[str, Any], *, source: str, key: str, to_confirm: bool | None = None
    ) -> int:
        """Store a value as the next version of an answer; returns its number. Raises NotPossible."""
        if not self.may_change(question):
            raise NotPossible(ELSEWHERE)
        stands, criterion = self.standing(question), self.criterion(question)
        _key, scope = question_parts(question)
        if to_confirm is None:
            # a change confirms an answer that was carried forward, unless it promises a day that has passed
            scheme = self.pack.scheme_of(self.template, criterion)
            to_confirm = stands.to_confirm and has_passed(value, criterion, scheme, today(self.now))
        self.before.setdefault(question, stands.value.get("grade", ""))
        self.answers[question] = Answered(
            value, stands.version + 1, self.now, self.by.name, to_confirm, stands.carried_from_id
        )
        self.keys[question] = key
        self.rows.append(
            {
                "return_id": self.audit_return.id,
                "criterion": criterion.id,
                "scope_key": scope,
                "type": criterion.answer.type,
                "value": value,
                "version": stands.version + 1,
                "based_on": stands.version,
                "idempotency_key": key,
                "source": source,
                "saved_at": self.now,
                "saved_by_id": self.by.user_id,
            }
        )
        return stands.version + 1

    def settle(self, verb: str, **more: Any) -> Checklist:
        """Write what was put, and all that follows from it; returns the checklist as it now stands."""
        session, audit_return = self.session, self.audit_return
        evidence = evidence_of_return(session, audit_return) if self.template.asks_files else {}
        work = build_checklist(
            audit_return, self.pack, self.template, self.answers, {}, self.places, evidence=evidence,
            no_sites=audit_return.has_no_sites,
        )  # fmt: skip
        if not self.rows:
            return work
        self._write()
        chain = events.chain_of(audit_return)
        if audit_return.stage == "invited":
            move(audit_return, "started", now=self.now)
            events.append(session, chain, "return.started", by=self.by, now=self.now)
            session.flush()
        audit_return.asked, audit_return.complete = work.asked, work.complete
        after = {question: str(self.answers[question].value.get("grade", "")) for question in self.before}
        ended = end_vouches(session, audit_return, self.template, after)
        data: dict[str, Any] = {"criteria": {key: self.answers[key].version for key in after}, **more}
        if ended:
            data["vouches_ended"] = ended
        changed = {question_parts(question)[0] for question in after}
        if again := sharing.back_to_ready(
            session, audit_return, self.template, changed, by=self.by, now=self.now
        ):
            data["to_accept_again"] = again
        events.append(session, chain, verb, by=self.by, now=self.now, data=data)
        rollup.change(
            session, audit_return, "draft",
            before=[(question_parts(key)[0], grade) for key, grade in self.before.items()],
            after=[(question_parts(key)[0], grade) for key, grade in after.items()],
        )  # fmt: skip
        session.flush()
        return work

    def _write(self) -> None:
        connection = self.session.connection()
        connection.execute(_INSERT_VERSIONS, self.rows)
        latest = {(row["criterion"], row["scope_key"]): row for row in self.rows}
        connection.execute(
            _answering(rollup.upsert(self.session)),
            [
                {
                    **{name: row[name] for name in ("return_id", "criterion", "scope_key", "type", *_CARRIED_OVER)},
                    "grade": str(row["value"].get("grade", "")),
                    "to_confirm": self.answers[question_id(*names)].to_confirm,
                }
                for names, row in latest.items()
            ],
        )


_WRITTEN = frozenset({"commentary", "reason", "text", "rows"})  # what took somebody time to write

_INSERT_VERSIONS = insert(SelfAssessmentVersion)


@cache
def _answering(insert_of: Any) -> Any:
    """The statement that makes an answer stand, made once for each kind of database."""
    statement = insert_of(SelfAssessment.__table__)
    written = ("value", "grade", "version", "saved_at", "saved_by_id", "to_confirm")
    return statement.on_conflict_do_update(
        index_elements=["return_id", "criterion", "scope_key"],
        set_={name: statement.excluded[name] for name in written},
    )


_CARRIED_OVER = ("value", "version", "saved_at", "saved_by_id")


def _criterion(
    template: Template, question: str, audit_return: AuditReturn, places: Sequence[Place]
) -> Criterion:
    """The criterion of a question. Raises NotPossible where this return is not asked it."""
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
        if criterion.scope == "site":
            raise NotPossible(
                N_(
                    "The question “%(question)s” is asked for each site, and this site is not in your list (any more)."
                    " Reload the page and try again."
                ),
                question=key,
            )
        raise NotPossible(
            N_("The question “%(question)s” is not asked of this area. Reload the page and try again."), question=key
        )
    return criterion


# made once: every save runs it
_VOUCH = Vouch.__table__.c
_END_VOUCHES = (
    delete(Vouch)
    .where(_VOUCH.return_id == bindparam("id"), _VOUCH.standard.in_(bindparam("touched", expanding=True)))
    .returning(_VOUCH.standard)
)


def end_vouches(
    session: Session, audit_return: AuditReturn, template: Template, changed: Mapping[str, str]
) -> list[str]:
    """A vouch holds for the answers as they were: a save in its standard ends it. Returns the standards."""
    touched = {template.standard_of(template.criterion(question_parts(key)[0])).id for key in changed}
    session.flush()
    ended = session.connection().execute(_END_VOUCHES, {"id": audit_return.id, "touched": sorted(touched)})
    return sorted(ended.scalars())


def vouch(
    session: Session, public_id: str, standard: str, *, name: str, post: str, by: Actor, now: datetime
) -> Vouch:
    """Record that a named executive vouches for a standard, as it is answered now.

    Raises NotFound, and NotPossible where the standard is incomplete or the return cannot be changed.
    """
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.vouch", lock=True)
    if reason := why_closed(audit_return, now=now):
        raise NotPossible(reason)
    work = checklist(session, audit_return)
    if correction := correction_of(session, audit_return, work):
        correction.check(standard)
    section = work.section(standard)
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
    if correction := correction_of(session, audit_return):
        correction.check(standard)
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
