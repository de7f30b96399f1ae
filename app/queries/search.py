"""Searching the words of a round, or of one agency: only what the reader could read on the pages of each return."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, column, func, literal, literal_column, or_, select, table
from sqlalchemy.orm import Session, contains_eager

from app.clock import today
from app.domain.paging import paged
from app.domain.search import Wanted
from app.domain.templates import Pack
from app.models import Agency, AuditReturn, AuditRound, Judgement, SearchText
from app.policy import Actor, allows, require
from app.queries.judgements import held_grade
from app.queries.moderation import hidden_from
from app.queries.own_types import types_where
from app.queries.packs import pack_of
from app.queries.returns import return_facts
from app.queries.rounds import PAGE, in_area_clause, round_facts

KINDS = ("answer", "action", "thread")
MOST_ROWS = 5000  # of a file
# who reads a kind of thread beside the inspectors of the type; an agency's challenge to the accuracy of its feedback,
# and what scrutineers say, are read on their own pages alone
_THREADS = {"query": "return.read_queries", "progress": "return.read_progress"}
START, STOP = "\x02", "\x03"  # around the words that fit: the index holds no such characters
_WORDS = 30  # of a snippet

_INDEX = table("search_index", column("rowid"), column("rank"))


@dataclass(frozen=True)
class SearchFilter:
    """What a search is narrowed to; empty means all. `standard` is `type:key`, `judgement` is `key:grade`."""

    agency_type: str = ""
    subtype: str = ""
    theme: str = ""
    standard: str = ""
    grade: str = ""
    area: str = ""
    kind: str = ""
    judgement: str = ""


@dataclass(frozen=True)
class Found:
    """A text that fits. `snippet` is the text's best part, cut at the words that fit: (words, whether they fit)."""

    audit_return: AuditReturn
    kind: str
    thread_kind: str
    about: str
    place: str
    grade: str
    text: str
    snippet: Sequence[tuple[str, bool]]

    @property
    def agency(self) -> Agency:
        """Whose text it is, or about whom."""
        return self.audit_return.agency


@dataclass(frozen=True)
class Results:
    """A page of what was found, the best first."""

    rows: Sequence[Found]
    total: int
    page: int
    pages: int


NOTHING = Results((), 0, 1, 1)


def search_round(
    session: Session, audit_round: AuditRound, words: Wanted, *, actor: Actor, now: datetime,
    narrowed: SearchFilter, page: int = 1, page_size: int = PAGE,
) -> Results:  # fmt: skip
    """Search what agencies submitted in a round and what was written in threads, of the types that one may read.

    Raises Denied.
    """
    require(actor, "search.use", round_facts(session, audit_round, now=now))
    types = types_where(audit_round, actor, "return.query")
    conditions = [
        SearchText.round_id == audit_round.id,
        AuditReturn.agency_type.in_(types),
        *_narrowing(session, audit_round, narrowed, now=now),
    ]
    if narrowed.judgement:  # it rests on what was found
        conditions.append(AuditReturn.id.not_in(hidden_from(session, audit_round, actor)))
    return _search(session, conditions, words, page=page, page_size=page_size)


def search_agency(
    session: Session, audit_return: AuditReturn, words: Wanted, *, actor: Actor, now: datetime, kind: str = "",
    page: int = 1,
) -> Results:  # fmt: skip
    """Search one return, as far as the actor reads it; an agency's own people search all its rounds.

    The caller got the return through `get_return`, which asked policy.
    """
    of_agency = any(held.agency_id == audit_return.agency_id for held in actor.held)
    mine = (
        # as for its pages: not while a round is being prepared
        and_(AuditReturn.agency_id == audit_return.agency_id, AuditRound.stage == "open")
        if of_agency
        else AuditReturn.id == audit_return.id
    )
    conditions = [mine, _readable(session, audit_return, actor, now=now, of_agency=of_agency)]
    if kind in KINDS:
        conditions.append(SearchText.kind == kind)
    return _search(session, conditions, words, page=page, page_size=PAGE)


def _readable(
    session: Session, audit_return: AuditReturn, actor: Actor, *, now: datetime, of_agency: bool
) -> ColumnElement[bool]:
    facts = return_facts(session, audit_return, now=now)
    if not of_agency and allows(actor, "return.query", facts):  # an inspector of the type reads every kind
        return SearchText.id.is_not(None)
    kinds = [kind for kind, permission in _THREADS.items() if allows(actor, permission, facts)]
    return or_(SearchText.kind != "thread", SearchText.thread_kind.in_(kinds))


# --- the filters ------------------------------------------------------------------------------------------------------


def _narrowing(
    session: Session, audit_round: AuditRound, narrowed: SearchFilter, *, now: datetime
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    for value, of in (
        (narrowed.agency_type, AuditReturn.agency_type), (narrowed.subtype, AuditReturn.subtype),
        (narrowed.grade, SearchText.grade), (narrowed.kind, SearchText.kind),
    ):  # fmt: skip
        if value:
            conditions.append(of == value)
    if narrowed.area:
        conditions.append(in_area_clause(narrowed.area, day=today(now)))
    if narrowed.theme or narrowed.standard:
        asked = criteria_in(pack_of(audit_round.pack_version), theme=narrowed.theme, standard=narrowed.standard)
        criterion = _criterion(session)
        conditions.append(
            or_(literal(False), *(
                and_(AuditReturn.agency_type == kind, criterion.in_(ids)) for kind, ids in asked.items()
            ))
        )  # fmt: skip
    if narrowed.judgement:
        key, _colon, grade = narrowed.judgement.partition(":")
        conditions.append(
            select(Judgement.id)
            .where(Judgement.return_id == AuditReturn.id, Judgement.key == key, held_grade() == grade)
            .correlate(AuditReturn)
            .exists()
        )
    return conditions


def criteria_in(pack: Pack, *, theme: str = "", standard: str = "") -> Mapping[str, Collection[str]]:
    """Agency type to the criteria of a theme and of a standard (`type:key`), for the types that have any."""
    of_type, _colon, key = standard.partition(":")
    found = {
        kind: [
            placed.criterion.id
            for placed in template.criteria()
            if (not theme or placed.criterion.theme == theme)
            and (not standard or (kind == of_type and placed.standard.id == key))
        ]
        for kind, template in pack.templates.items()
    }
    return {kind: ids for kind, ids in found.items() if ids}


def _criterion(session: Session) -> ColumnElement[str]:
    """SQL: the criterion of the question that a text is about."""
    if session.get_bind().dialect.name == "postgresql":
        return func.split_part(SearchText.about, ".", 1)
    return func.substr(SearchText.about, 1, func.instr(SearchText.about + ".", ".") - 1)


# --- the words --------------------------------------------------------------------------------------------------------


def _search(
    session: Session, conditions: Sequence[ColumnElement[bool]], words: Wanted, *, page: int, page_size: int
) -> Results:
    if not words:
        return NOTHING
    on: _Postgres | _Sqlite = _Postgres(words) if session.get_bind().dialect.name == "postgresql" else _Sqlite(words)
    found = (
        on.matching(select(SearchText.id, on.rank.label("rank")))
        .join(AuditReturn, AuditReturn.id == SearchText.return_id)
        .join(AuditReturn.audit_round)
        .where(*conditions)
    )
    total = session.scalar(select(func.count()).select_from(found.subquery())) or 0
    page, pages = paged(total, page_size, page)
    order = session.execute(
        found.order_by(on.best_first, SearchText.id).limit(page_size).offset((page - 1) * page_size)
    )
    ids = [row.id for row in order]
    # snippets for these alone: to make one takes longer than to find the text
    rows = {
        row.SearchText.id: row
        for row in session.execute(
            on.matching(select(SearchText, AuditReturn, on.snippet.label("snippet")))
            .join(AuditReturn, AuditReturn.id == SearchText.return_id)
            .join(AuditReturn.agency)
            .join(AuditReturn.audit_round)
            .where(SearchText.id.in_(ids))
            .options(
                contains_eager(AuditReturn.agency),
                contains_eager(AuditReturn.audit_round),
            )
        )
    }
    return Results([_found(rows[key]) for key in ids], total, page, pages)


def _found(row: Any) -> Found:
    one: SearchText = row.SearchText
    return Found(
        row.AuditReturn, one.kind, one.thread_kind, one.about, one.place, one.grade, one.text, parts_of(row.snippet)
    )


def parts_of(snippet: str) -> list[tuple[str, bool]]:
    """A snippet of a database as pieces of plain text, each with whether it is what was looked for."""
    parts: list[tuple[str, bool]] = []
    for place, piece in enumerate(snippet.split(START)):
        fitting, stop, rest = piece.partition(STOP)
        if place and stop:
            parts += [(fitting, True), (rest, False)]
        else:
            parts.append((piece, False))
    return [(text, fits) for text, fits in parts if text]


class _Sqlite:
    """Matching with FTS5."""

    def __init__(self, words: Wanted) -> None:
        self._words = words.fts5
        self.rank: ColumnElement[Any] = _INDEX.c.rank
        self.best_first: ColumnElement[Any] = literal_column("rank")
        self.snippet: ColumnElement[str] = func.snippet(
            literal_column("search_index"), 0, START, STOP, " … ", _WORDS
        )

    def matching(self, query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
        return query.join_from(_INDEX, SearchText, SearchText.id == _INDEX.c.rowid).where(
            literal_column("search_index").op("MATCH")(self._words)
        )


class _Postgres:
    """Matching with the text search of PostgreSQL. The expression is that of the index."""

    def __init__(self, words: Wanted) -> None:
        english: ColumnElement[Any] = literal_column("'english'")
        vector = func.to_tsvector(english, SearchText.text)
        self._query = func.websearch_to_tsquery(english, words.websearch)
        self._fits = vector.op("@@")(self._query)
        self.rank: ColumnElement[Any] = func.ts_rank_cd(vector, self._query)
        self.best_first: ColumnElement[Any] = literal_column("rank").desc()
        options = (
            f'StartSel="{START}", StopSel="{STOP}", MaxFragments=2, MaxWords={_WORDS}, MinWords=10,'
            ' FragmentDelimiter=" … "'
        )
        self.snippet: ColumnElement[str] = func.ts_headline(english, SearchText.text, self._query, options)

    def matching(self, query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
        return query.select_from(SearchText).where(self._fits)
