"""Reading judgements: a pack's rules, what they are asked about, and what came of it. For oversight bodies only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from app.domain.paging import paged
from app.domain.rules.book import Rulebook
from app.domain.rules.judging import Facts, Question
from app.domain.rules.language import Given
from app.domain.rules.lifting import Lifts, lifts
from app.domain.templates import Pack
from app.models import (
    Agency,
    AuditReturn,
    AuditRound,
    Event,
    Judgement,
    PackVersion,
    Submission,
    SubmissionAnswer,
    SubmissionVoided,
)
from app.policy import Actor
from app.queries.moderation import check_not_hidden, checked, hidden_from
from app.queries.own_types import types_where
from app.queries.packs import pack_of
from app.queries.returns import HistoryLine, get_return, history_lines
from app.queries.rounds import like
from app.queries.sites import site_names

PAGE = 50
MARKS = ("capped", "overridden", "proposed", "stale", "triggered", "differs", "waiting", "unjudged")

# parsed once: frozen content never changes
_BOOKS: dict[tuple[str, str], Rulebook | None] = {}


def book_of(version: PackVersion, agency_type: str) -> Rulebook | None:
    """The rules of a published pack for an agency type; None where it has none."""
    key = (version.sha256, agency_type)
    if key not in _BOOKS:
        _BOOKS[key] = Rulebook.of(pack_of(version), agency_type)
    return _BOOKS[key]


def books_of(audit_round: AuditRound) -> dict[str, Rulebook]:
    """Agency type to rules, for the types of a round that have any."""
    pack = pack_of(audit_round.pack_version)
    found = {key: book_of(audit_round.pack_version, key) for key in pack.agency_types}
    return {key: book for key, book in found.items() if book}


# --- what the rules are asked about ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Signed:
    """The signed answers of a return: its own grades, and those that hold where answers were checked.

    `said`: the values of the answers that its rules ask for more than their grade.
    """

    submission_id: int
    submission: str  # public id
    own: Mapping[Question, str]
    held: Mapping[Question, str]
    checked: int  # how many answers were
    said: Mapping[Question, Mapping[str, Any]] = field(default_factory=dict)


def signed_grades(
    session: Session, return_ids: Collection[int], books: Collection[Rulebook]
) -> dict[int, Signed]:
    """Return to its signed grades; nothing for returns without a submission in force. Three statements for any number.

    `books` are the rules of these returns. The caller may read what the oversight body does in private.
    """
    own: dict[int, dict[Question, str]] = defaultdict(dict)
    of: dict[int, tuple[int, str]] = {}
    for return_id, submission_id, public_id, criterion, scope, grade in session.execute(
        select(
            Submission.return_id, Submission.id, Submission.public_id, SubmissionAnswer.criterion,
            SubmissionAnswer.scope_key, SubmissionAnswer.grade,
        )
        .outerjoin(
            SubmissionAnswer,
            (SubmissionAnswer.submission_id == Submission.id) & (SubmissionAnswer.grade != ""),
        )
        .outerjoin(SubmissionVoided, SubmissionVoided.submission_id == Submission.id)
        .where(Submission.return_id.in_(return_ids), SubmissionVoided.id.is_(None))
        .order_by(SubmissionAnswer.id)
    ):  # fmt: skip
        of[return_id] = (submission_id, public_id)
        if criterion:  # a submission may hold no grade at all
            own[return_id][criterion, scope] = grade
    said = _said(session, [one[0] for one in of.values()], frozenset().union(*(book.facts_asked for book in books)))
    moderated = checked(session, list(of))
    found = {}
    for return_id, (submission_id, public_id) in of.items():
        findings = {
            question: row.grade
            for question, row in moderated.get(return_id, {}).items()
            if row.submission_id == submission_id
        }
        held = own[return_id] | findings
        found[return_id] = Signed(
            submission_id, public_id, own[return_id], held, len(findings), said.get(submission_id, {})
        )
    return found


def _said(
    session: Session, submission_ids: Collection[int], criteria: Collection[str]
) -> dict[int, dict[Question, Mapping[str, Any]]]:
    """Submission to the stored values of its answers to some criteria. One statement; none without criteria."""
    found: dict[int, dict[Question, Mapping[str, Any]]] = defaultdict(dict)
    if not criteria:
        return found
    for row in session.execute(
        select(
            SubmissionAnswer.submission_id, SubmissionAnswer.criterion, SubmissionAnswer.scope_key,
            SubmissionAnswer.value,
        ).where(SubmissionAnswer.submission_id.in_(submission_ids), SubmissionAnswer.criterion.in_(criteria))
    ):  # fmt: skip
        found[row.submission_id][row.criterion, row.scope_key] = row.value
    return found


def facts_of(
    book: Rulebook, grades: Mapping[Question, str], signed: Signed, rows: Mapping[str, Judgement]
) -> Facts:
    """What rules are asked about: grades, what answers say beside them, what inspectors entered, and overrides that
    were approved."""
    return Facts(
        grades=grades,
        given={
            key: row.given
            for key, row in rows.items()
            if row.given and isinstance(book.profile.judgements.get(key), Given)
        },
        decided={key: row.override for key, row in rows.items() if row.override and row.approved_at},
        # other types of agencies may have a criterion of the same name of which only the grade is asked
        said={question: value for question, value in signed.said.items() if question[0] in book.facts_asked},
    )


def rows_of(
    session: Session, return_ids: Collection[int], *, people: bool = True
) -> dict[int, dict[str, Judgement]]:
    """Return to key to judgement, as they stand; with `people`, those who entered, overrode and approved. One
    statement."""
    query = select(Judgement).where(Judgement.return_id.in_(return_ids))
    if people:
        query = query.options(
            joinedload(Judgement.given_by), joinedload(Judgement.override_by), joinedload(Judgement.approved_by)
        )
    found: dict[int, dict[str, Judgement]] = defaultdict(dict)
    for row in session.scalars(query.execution_options(populate_existing=True)):
        found[row.return_id][row.key] = row
    return dict(found)


def decisions(session: Session, found: Sheet) -> list[HistoryLine]:
    """What people entered, proposed, decided and took back about the judgements of a return, latest first."""
    events = session.scalars(
        select(Event)
        .where(Event.chain == f"oversight:{found.audit_return.public_id}", Event.verb.startswith("judgement."))
        .options(selectinload(Event.texts))
        .order_by(Event.seq.desc())
    ).all()
    return history_lines(session, events)


# --- the judgements of a round ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Narrowed:
    """What the list is narrowed to; empty means all. `judgement` and `grade` go together; `mark` is one of MARKS."""

    agency_type: str = ""
    subtype: str = ""
    judgement: str = ""
    grade: str = ""
    mark: str = ""
    text: str = ""
    page: int = 1


@dataclass(frozen=True)
class Line:
    """One return of the list, with its judgements by key; none where they are hidden from the reader."""

    audit_return: AuditReturn
    agency: Agency
    rows: Mapping[str, Judgement]
    is_hidden: bool = False


@dataclass
class Spread:
    """How one judgement came out for one agency type: grade to number, and how many have none yet."""

    agency_type: str
    judgement: str
    grades: dict[str, int] = field(default_factory=dict)
    waiting: int = 0
    capped: int = 0

    @property
    def total(self) -> int:
        """All that were judged, without or with a grade."""
        return sum(self.grades.values()) + self.waiting


@dataclass(frozen=True)
class Overview:
    """The judgements of a round. Spreads are of all agency types; lines of the types that one may judge.

    `hidden`: how many returns the actor checks second and has not finished; spreads, marks and filters leave them out.
    """

    spreads: Sequence[Spread]
    lines: Sequence[Line]
    total: int
    page: int
    pages: int
    submitted: int  # of the types that one may judge
    marks: Mapping[str, int]
    hidden: int


def held_grade() -> ColumnElement[str]:
    """SQL: the grade that holds."""
    return case((Judgement.approved_at.is_not(None), Judgement.override), else_=Judgement.grade)


def _mark_clause(mark: str) -> ColumnElement[bool]:
    clauses: dict[str, ColumnElement[bool]] = {
        "capped": (Judgement.grade != Judgement.uncapped) & Judgement.approved_at.is_(None),
        "overridden": Judgement.approved_at.is_not(None),
        "proposed": (Judgement.override != "") & Judgement.approved_at.is_(None),
        "stale": Judgement.stale.is_(True),
        "triggered": Judgement.triggered.is_(True),
        "differs": Judgement.grade != Judgement.self_grade,
        "waiting": (held_grade() == "") & (Judgement.key != ""),
    }
    return clauses[mark]


def _has(clause: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(Judgement.return_id == AuditReturn.id, clause)


def _listed(audit_round: AuditRound, types: Collection[str]) -> ColumnElement[bool]:
    """SQL: submitted, or judged before it was reopened, of these types."""
    return and_(
        AuditReturn.round_id == audit_round.id,
        AuditReturn.agency_type.in_(types),
        or_(AuditReturn.stage == "submitted", _has(Judgement.id.is_not(None))),
    )


def _narrow(query: Select[AuditReturn], narrowed: Narrowed, hidden: Collection[int]) -> Select[AuditReturn]:
    if narrowed.judgement or narrowed.mark:
        query = query.where(AuditReturn.id.not_in(hidden))
    if narrowed.agency_type:
        query = query.where(AuditReturn.agency_type == narrowed.agency_type)
    if narrowed.subtype:
        query = query.where(AuditReturn.subtype == narrowed.subtype)
    if narrowed.judgement:
        query = query.where(_has(and_(Judgement.key == narrowed.judgement, held_grade() == narrowed.grade)))
    if narrowed.mark == "unjudged":
        query = query.where(~_has(Judgement.id.is_not(None)))
    elif narrowed.mark:
        query = query.where(_has(_mark_clause(narrowed.mark)))
    if narrowed.text:
        pattern = f"%{like(narrowed.text)}%"
        query = query.where(Agency.name.ilike(pattern, escape="\\") | Agency.code.ilike(pattern, escape="\\"))
    return query


def overview(
    session: Session, audit_round: AuditRound, *, actor: Actor, narrowed: Narrowed, page_size: int | None = PAGE
) -> Overview:
    """The judgements of a round that the actor got through a query that asked policy. Eight statements at most.

    `page_size` None gives every line.
    """
    types = judged_types(audit_round, actor)
    hidden = hidden_from(session, audit_round, actor)
    listed = select(AuditReturn).join(AuditReturn.agency).where(_listed(audit_round, types))
    query = _narrow(listed, narrowed, hidden)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    page, pages = paged(total, page_size, narrowed.page)
    query = query.options(joinedload(AuditReturn.agency)).order_by(Agency.name, AuditReturn.id)
    if page_size:
        query = query.limit(page_size).offset((page - 1) * page_size)
    returns = session.scalars(query).all()
    # a page says nothing of who decided; the file does
    rows = rows_of(session, [one.id for one in returns if one.id not in hidden], people=not page_size)
    return Overview(
        spreads=spreads(session, audit_round, hidden),
        lines=[Line(one, one.agency, rows.get(one.id, {}), one.id in hidden) for one in returns],
        total=total,
        page=page,
        pages=pages,
        submitted=session.scalar(
            select(func.count())
            .select_from(AuditReturn)
            .where(
                AuditReturn.round_id == audit_round.id,
                AuditReturn.agency_type.in_(types),
                AuditReturn.stage == "submitted",
            )
        )
        or 0,
        marks=_marks(session, audit_round, types, hidden),
        hidden=len(hidden),
    )


def judged_types(audit_round: AuditRound, actor: Actor) -> frozenset[str]:
    """The agency types of a round that have rules and that the actor may judge."""
    return types_where(audit_round, actor, "return.judge") & books_of(audit_round).keys()


def _marks(
    session: Session, audit_round: AuditRound, types: Collection[str], hidden: Collection[int]
) -> dict[str, int]:
    """How many returns of some types each mark holds of."""
    counts = [
        func.count(func.distinct(case((_mark_clause(mark), AuditReturn.id)))).label(mark)
        for mark in MARKS
        if mark != "unjudged"
    ]
    unjudged = func.count(
        func.distinct(case((Judgement.id.is_(None) & (AuditReturn.stage == "submitted"), AuditReturn.id)))
    )
    row = session.execute(
        select(*counts, unjudged.label("unjudged"))
        .select_from(AuditReturn)
        .outerjoin(Judgement, Judgement.return_id == AuditReturn.id)
        .where(
            AuditReturn.round_id == audit_round.id,
            AuditReturn.agency_type.in_(types),
            AuditReturn.id.not_in(hidden),
        )
    ).one()
    return {mark: getattr(row, mark) for mark in MARKS}


def spreads(session: Session, audit_round: AuditRound, hidden: Collection[int]) -> list[Spread]:
    """How each judgement came out, by agency type, in the pack's order, without some returns. One statement."""
    books = books_of(audit_round)
    found = {(kind, key): Spread(kind, key) for kind, book in books.items() for key in book.profile.judgements}
    grade = held_grade()
    capped = func.sum(case((_mark_clause("capped"), 1), else_=0))
    for row in session.execute(
        select(AuditReturn.agency_type, Judgement.key, grade.label("grade"), func.count().label("n"), capped.label("c"))
        .join(AuditReturn, AuditReturn.id == Judgement.return_id)
        .where(AuditReturn.round_id == audit_round.id, AuditReturn.id.not_in(hidden))
        .group_by(AuditReturn.agency_type, Judgement.key, grade)
    ):
        spread = found.get((row.agency_type, row.key))
        if spread is None:
            continue
        spread.capped += row.c
        if row.grade:
            spread.grades[row.grade] = row.n
        else:
            spread.waiting += row.n
    return list(found.values())


# --- the judgements of one return ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sheet:
    """The judgements of one return, with what they rest on. `signed` is None while it is open for changes.

    `sites`: the names of the sites that questions are asked about, by key.
    """

    audit_return: AuditReturn
    pack: Pack
    book: Rulebook | None
    rows: Mapping[str, Judgement]
    signed: Signed | None
    sites: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_stale(self) -> bool:
        """Whether something changed after it was judged."""
        return any(row.stale for row in self.rows.values())

    def lifts(self, key: str) -> Lifts:
        """The answers that would lift a judgement as the rules give it; none while that is out of date."""
        if not (self.book and self.signed and self.rows) or self.is_stale:
            return Lifts()
        return lifts(self.book, facts_of(self.book, self.signed.held, self.signed, self.rows), key)


def sheet(session: Session, public_id: str, *, actor: Actor, now: datetime) -> Sheet:
    """The judgements of one return, for whoever may judge it. Raises NotFound, and NotYetYours for a second inspector
    at work: judgements rest on what was found."""
    audit_return = get_return(session, public_id, actor=actor, now=now, permission="return.judge")
    check_not_hidden(session, audit_return, actor)
    version = audit_return.template_version.pack_version
    book = book_of(version, audit_return.agency_type)
    return Sheet(
        audit_return,
        pack_of(version),
        book,
        rows_of(session, [audit_return.id]).get(audit_return.id, {}),
        signed_grades(session, [audit_return.id], [book] if book else []).get(audit_return.id),
        site_names(session, [audit_return.id])[audit_return.id] if book and book.template.asks_sites else {},
    )
