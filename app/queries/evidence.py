"""Reading evidence: what supports a return's answers, an agency's library, files to download.

The caller got the return through `get_return`, which asked policy. Drafts and the library are for the
agency's own people (`sees_drafts`); others read what was signed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, exists, func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from app.domain.answers import question_id
from app.domain.evidence import Attached, Described
from app.domain.paging import paged
from app.models import (
    AuditReturn,
    Evidence,
    EvidenceLink,
    EvidenceRevision,
    StoredFile,
    Submission,
    ThreadEvidence,
    User,
)
from app.policy import Actor, require
from app.queries.rounds import NotFound

ByQuestion = dict[tuple[str, str], list[Attached]]
PAGE = 20


# made once: every page of a return reads it
_LATEST = (
    select(func.max(EvidenceRevision.number))
    .where(EvidenceRevision.evidence_id == Evidence.id)
    .correlate(Evidence)
    .scalar_subquery()
)
_EVIDENCE = (
    select(
        EvidenceLink.criterion, EvidenceLink.scope_key, Evidence.public_id, Evidence.title, Evidence.description,
        EvidenceRevision.name, EvidenceRevision.sha256, EvidenceRevision.number, EvidenceRevision.at,
        StoredFile.size, StoredFile.media_type, StoredFile.scan, User.name.label("by"),
    )
    .join(Evidence, Evidence.id == EvidenceLink.evidence_id)
    .join(EvidenceRevision, EvidenceRevision.evidence_id == Evidence.id)
    .join(StoredFile, StoredFile.sha256 == EvidenceRevision.sha256)
    .outerjoin(User, User.id == EvidenceRevision.by_id)
    .where(
        EvidenceLink.return_id == bindparam("id"),
        Evidence.removed_at.is_(None),
        EvidenceRevision.number == _LATEST,
    )
    .order_by(Evidence.id)
)  # fmt: skip


def evidence_of_return(session: Session, audit_return: AuditReturn) -> ByQuestion:
    """What supports a return as it stands: (criterion, scope) to pieces of evidence in the order they were added.

    One statement. For the agency's own people: it shows drafts.
    """
    rows = session.execute(_EVIDENCE, {"id": audit_return.id})
    return _by_question(
        Attached(
            id=row.public_id, criterion=row.criterion, scope=row.scope_key, title=row.title,
            description=row.description, name=row.name, sha256=row.sha256, size=row.size,
            media_type=row.media_type, revision=row.number, scan=row.scan, at=row.at, by=row.by or "",
        )
        for row in rows
    )  # fmt: skip


def signed_evidence(content: Mapping[str, Any]) -> ByQuestion:
    """What supported the answers when content was signed: (criterion, scope) to pieces. Touches no database."""
    return _by_question(Attached.of_signed(one) for one in content["evidence"])


def _by_question(pieces: Iterable[Attached]) -> ByQuestion:
    found: ByQuestion = defaultdict(list)
    for piece in pieces:
        found[piece.criterion, piece.scope].append(piece)
    return dict(found)


def scans_of(session: Session, hashes: Collection[str]) -> dict[str, str]:
    """What is known of files now: SHA-256 to scan state."""
    if not hashes:
        return {}
    rows = session.execute(select(StoredFile.sha256, StoredFile.scan).where(StoredFile.sha256.in_(hashes)))
    return {row.sha256: row.scan for row in rows}


@dataclass(frozen=True)
class Revision:
    """One file of a piece of evidence. `kept` is false where its content was given up."""

    number: int
    name: str
    sha256: str
    size: int
    scan: str
    at: datetime
    by: str
    kept: bool


@dataclass(frozen=True)
class Piece:
    """A piece of evidence in the library.

    `questions`: those of this return; `elsewhere`: names of other rounds.
    """

    id: str
    title: str
    description: str
    added_at: datetime
    added_by: str
    revisions: Sequence[Revision]
    questions: Sequence[str]
    elsewhere: Sequence[str]

    @property
    def latest(self) -> Revision:
        """The file that counts."""
        return self.revisions[-1]

    @property
    def described(self) -> Described:
        """What people typed about it."""
        return Described(self.title, self.description, tuple(self.questions))


def _pieces(audit_return: AuditReturn) -> Select[Evidence]:
    return (
        select(Evidence)
        .where(Evidence.agency_id == audit_return.agency_id, Evidence.removed_at.is_(None))
        .options(
            joinedload(Evidence.added_by),
            selectinload(Evidence.revisions).options(
                joinedload(EvidenceRevision.file), joinedload(EvidenceRevision.by)
            ),
            selectinload(Evidence.links)
            .joinedload(EvidenceLink.audit_return)
            .joinedload(AuditReturn.audit_round),
        )
    )


def _piece(row: Evidence, audit_return: AuditReturn) -> Piece:
    others = [link.audit_return.audit_round for link in row.links if link.return_id != audit_return.id]
    return Piece(
        row.public_id,
        row.title,
        row.description,
        row.added_at,
        row.added_by.name if row.added_by else "",
        [
            Revision(
                one.number, one.name, one.sha256, one.file.size, one.file.scan, one.at, one.by.name if one.by else "",
                one.file.gone_at is None,
            )
            for one in row.revisions
        ],
        questions_of(row, audit_return),
        list(dict.fromkeys(one.name for one in sorted(others, key=lambda one: one.opens, reverse=True))),
    )  # fmt: skip


def questions_of(row: Evidence, audit_return: AuditReturn) -> list[str]:
    """The questions of a return that a piece of evidence supports."""
    return sorted(
        question_id(link.criterion, link.scope_key) for link in row.links if link.return_id == audit_return.id
    )


@dataclass(frozen=True)
class Library:
    """One page of an agency's library, newest first.

    `number` counts what fits the filter, `everything` all there is.
    """

    pieces: Sequence[Piece]
    number: int
    everything: int
    page: int
    pages: int


def library(
    session: Session, audit_return: AuditReturn, *, criteria: Collection[str] | None = None, unused: bool =
    False, page: int = 1,
) -> Library:  # fmt: skip
    """A page of the library of a return's agency: all of it, what supports some `criteria` of this return, or what
    supports nothing in it (`unused`)."""
    wanted = select(Evidence.id).where(Evidence.agency_id == audit_return.agency_id, Evidence.removed_at.is_(None))
    everything = session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    linked = exists().where(
        EvidenceLink.evidence_id == Evidence.id, EvidenceLink.return_id == audit_return.id
    )
    if unused:
        wanted = wanted.where(~linked)
    elif criteria is not None:
        wanted = wanted.where(linked.where(EvidenceLink.criterion.in_(criteria)))
    number = everything
    if unused or criteria is not None:
        number = session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    page, pages = paged(number, PAGE, page)
    rows = session.scalars(
        _pieces(audit_return)
        .where(Evidence.id.in_(wanted))
        .order_by(Evidence.id.desc())
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    ).unique()
    return Library([_piece(row, audit_return) for row in rows], number, everything, page, pages)


MOST_CHOICES = 200


@dataclass(frozen=True)
class Choice:
    """A piece of evidence to choose, by its latest file."""

    id: str
    title: str
    name: str


def to_choose(session: Session, audit_return: AuditReturn) -> list[Choice]:
    """The pieces of the library of a return's agency that can be shown to others, newest first; one statement.

    For the agency's own people.
    """
    rows = session.execute(
        select(Evidence.public_id, Evidence.title, EvidenceRevision.name)
        .join(EvidenceRevision, EvidenceRevision.evidence_id == Evidence.id)
        .join(StoredFile, StoredFile.sha256 == EvidenceRevision.sha256)
        .where(
            Evidence.agency_id == audit_return.agency_id,
            Evidence.removed_at.is_(None),
            EvidenceRevision.number == _LATEST,
            StoredFile.scan != "infected",
        )
        .order_by(Evidence.id.desc())
        .limit(MOST_CHOICES)
    )
    return [Choice(*row) for row in rows]


def piece(session: Session, audit_return: AuditReturn, public_id: str) -> Piece:
    """One piece of evidence of a return's agency. Raises NotFound."""
    return _piece(evidence_row(session, audit_return, public_id), audit_return)


def evidence_row(session: Session, audit_return: AuditReturn, public_id: str) -> Evidence:
    """The same as a row, with its files and links, read anew. Raises NotFound."""
    row = session.scalars(
        _pieces(audit_return).where(Evidence.public_id == public_id).execution_options(populate_existing=True)
    ).unique().one_or_none()  # fmt: skip
    if row is None:
        raise NotFound
    return row


def same_content(session: Session, audit_return: AuditReturn, sha256: str) -> Evidence | None:
    """The piece in the library of a return's agency whose latest file has this content, if any."""
    rows = session.scalars(
        _pieces(audit_return).where(
            exists().where(EvidenceRevision.evidence_id == Evidence.id, EvidenceRevision.sha256 == sha256)
        )
    ).unique()
    return next((row for row in rows if row.revisions[-1].sha256 == sha256), None)


def _of_agency(agency_id: int) -> Select[str]:
    return (
        select(EvidenceRevision.sha256)
        .join(Evidence, Evidence.id == EvidenceRevision.evidence_id)
        .where(Evidence.agency_id == agency_id)
    )


def used(session: Session, audit_return: AuditReturn) -> int:
    """How many bytes an agency's evidence takes: every content once, earlier files too, as long as it is kept."""
    return int(
        session.scalar(
            select(func.sum(StoredFile.size)).where(
                StoredFile.gone_at.is_(None), StoredFile.sha256.in_(_of_agency(audit_return.agency_id))
            )
        )
        or 0
    )


@dataclass(frozen=True)
class Download:
    """A file that somebody may have: under which name, and what is known of it."""

    name: str
    sha256: str
    size: int
    scan: str


def file_of_piece(session: Session, audit_return: AuditReturn, public_id: str, number: int) -> Download:
    """One file of a piece of evidence, for the agency's own people. Raises NotFound."""
    row = session.execute(
        select(EvidenceRevision.name, StoredFile)
        .join(StoredFile, StoredFile.sha256 == EvidenceRevision.sha256)
        .join(Evidence, Evidence.id == EvidenceRevision.evidence_id)
        .where(
            Evidence.agency_id == audit_return.agency_id,
            Evidence.public_id == public_id,
            Evidence.removed_at.is_(None),
            EvidenceRevision.number == number,
            StoredFile.gone_at.is_(None),
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    return Download(row.name, row.StoredFile.sha256, row.StoredFile.size, row.StoredFile.scan)


def file_of_submission(session: Session, audit_return: AuditReturn, sha256: str, *, own: bool) -> Download:
    """A file that a submission names, by its content: of any submission for the agency's own people, of the latest for
    whoever else may read it. Raises NotFound.
    """
    contents = session.scalars(
        select(Submission.content)
        .where(Submission.return_id == audit_return.id)
        .order_by(Submission.number.desc())
        .limit(None if own else 1)
    )
    for content in contents:
        for signed in json.loads(content)["evidence"]:
            if signed["sha256"] == sha256:
                row = session.get(StoredFile, sha256)
                if row is None or row.gone_at:
                    raise NotFound
                return Download(signed["name"], sha256, row.size, row.scan)
    raise NotFound


def is_signed(session: Session, sha256: str) -> bool:
    """Whether any submission names this content: then it is never given up."""
    agencies = (
        select(Evidence.agency_id)
        .join(EvidenceRevision, EvidenceRevision.evidence_id == Evidence.id)
        .where(EvidenceRevision.sha256 == sha256)
    )
    found = session.scalar(
        select(Submission.id)
        .join(AuditReturn, AuditReturn.id == Submission.return_id)
        .where(AuditReturn.agency_id.in_(agencies), Submission.content.contains(sha256))
        .limit(1)
    )
    return found is not None


def is_kept(session: Session, sha256: str) -> bool:
    """Whether a piece of evidence that was not removed has a file of this content."""
    return bool(
        session.scalar(
            select(
                exists().where(
                    EvidenceRevision.sha256 == sha256,
                    Evidence.id == EvidenceRevision.evidence_id,
                    Evidence.removed_at.is_(None),
                )
            )
        )
    )


def is_shown(session: Session, sha256: str) -> bool:
    """Whether a post of a thread shows this content: then it is never given up."""
    return bool(
        session.scalar(
            select(
                exists().where(
                    EvidenceRevision.sha256 == sha256, ThreadEvidence.revision_id == EvidenceRevision.id
                )
            )
        )
    )


def not_scanned(session: Session, *, actor: Actor, everything: bool = False) -> Sequence[str]:
    """The SHA-256 of all content that no scanner has looked at; with `everything`, of all that is kept.

    For commands. Raises Denied.
    """
    require(actor, "service.administer")
    query = select(StoredFile.sha256).where(StoredFile.gone_at.is_(None)).order_by(StoredFile.stored_at)
    if not everything:
        query = query.where(StoredFile.scan == "not_scanned")
    return session.scalars(query).all()


def returns_with(session: Session, sha256: str) -> Sequence[AuditReturn]:
    """The returns whose answers a content supports, by id."""
    return session.scalars(
        select(AuditReturn)
        .where(
            AuditReturn.id.in_(
                select(EvidenceLink.return_id)
                .join(EvidenceRevision, EvidenceRevision.evidence_id == EvidenceLink.evidence_id)
                .where(EvidenceRevision.sha256 == sha256)
            )
        )
        .order_by(AuditReturn.id)
    ).all()
