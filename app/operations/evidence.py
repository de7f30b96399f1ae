"""Evidence: adding files, describing them, saying what they support, replacing, removing; scanning later.

Files were examined before they come here (`app.files.check`). Content is put into the store inside the
transaction that records it, and deleted only in a transaction of its own that finds it given up: so no row
ever names content that is not there, and two people can send and remove the same content at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.answers import ANSWER_TYPES, question_id, question_parts
from app.domain.evidence import Described, EvidenceErrors, check
from app.domain.life import NotPossible
from app.domain.message import N_, Message
from app.files.check import CheckedFile
from app.files.scan import Scan
from app.files.store import Damaged, Missing, Store, Unreachable
from app.models import Agency, AuditReturn, Evidence, EvidenceLink, EvidenceRevision, StoredFile
from app.operations import events, sharing
from app.operations.answers import end_vouches
from app.operations.rollup import upsert
from app.operations.stage import move
from app.policy import Actor, require
from app.queries.evidence import (
    evidence_row,
    is_kept,
    is_shown,
    is_signed,
    questions_of,
    returns_with,
    same_content,
    used,
)
from app.queries.packs import template_of
from app.queries.returned_standards import check_questions
from app.queries.returns import checklist, get_return, why_closed

MOST_REVISIONS = 200
CHAIN = "service:evidence"
SETTLED = timedelta(hours=1)


@dataclass(frozen=True)
class Upload:
    """A file that was examined, and what the scanner said of it."""

    checked: CheckedFile
    scan: Scan


@dataclass(frozen=True)
class EvidenceConflict:
    """A colleague changed the piece since the page was shown.

    Both are kept: theirs is stored, yours is here.
    """

    yours: Described
    theirs: Described


def _changeable(session: Session, public_id: str, *, by: Actor, now: datetime) -> AuditReturn:
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.edit", lock=True)
    if reason := why_closed(audit_return, now=now):
        raise NotPossible(reason)
    return audit_return


def _known(session: Session, audit_return: AuditReturn) -> list[str]:
    return [item.id for item in checklist(session, audit_return).items]


def add(
    session: Session, public_id: str, upload: Upload, typed: Described, *, store: Store, quota: int, by: Actor,
    now: datetime,
) -> Evidence:  # fmt: skip
    """Add a file to an agency's library, for questions of a return. The same sent again is the same piece.

    `quota`: bytes that an agency may keep. Raises NotFound, EvidenceErrors, and NotPossible: nothing can be
    changed, the library is full, it has this file already, the store does not answer, or a scanner found
    something.
    """
    audit_return = _changeable(session, public_id, by=by, now=now)
    checked = upload.checked
    stem = checked.name.rpartition(".")[0].replace("_", " ")
    typed = check(typed, known=_known(session, audit_return), default_title=stem)
    if same := same_content(session, audit_return, checked.sha256):
        supported = set(questions_of(same, audit_return))
        if (same.title, same.description) == typed[:2] and set(typed.questions) <= supported:
            return same
        raise EvidenceErrors({"file": _in_library(same)})
    check_questions(session, audit_return, typed.questions)
    _begin_work(session, audit_return, by=by, now=now)
    ended = _ended(session, audit_return, typed.questions, by=by, now=now)
    row = _new(session, audit_return, upload, typed, store=store, quota=quota, by=by, now=now, more=ended)
    _link(session, audit_return, row, typed.questions)
    _count(session, audit_return)
    session.flush()
    return row


def add_for_reply(
    session: Session, public_id: str, upload: Upload, typed: Described, *, permission: str, store: Store, quota: int,
    by: Actor, now: datetime,
) -> Evidence:  # fmt: skip
    """Add a file to an agency's library for a reply in a thread: at any time, as no answer is changed by it.

    `permission`: the one to reply. A file that the library has already is that piece. Raises as `add` does.
    """
    audit_return = get_return(session, public_id, actor=by, now=now, permission=permission, lock=True)
    stem = upload.checked.name.rpartition(".")[0].replace("_", " ")
    typed = check(typed._replace(questions=()), known=(), default_title=stem)
    if same := same_content(session, audit_return, upload.checked.sha256):
        return same
    return _new(session, audit_return, upload, typed, store=store, quota=quota, by=by, now=now)


def _new(
    session: Session, audit_return: AuditReturn, upload: Upload, typed: Described, *, store: Store, quota: int,
    by: Actor, now: datetime, more: Mapping[str, Any] | None = None,
) -> Evidence:  # fmt: skip
    """A new piece in the library, with its first file and its event, which says `more` too."""
    checked = upload.checked
    _keep(session, audit_return, upload, store=store, quota=quota, now=now)
    row = Evidence(
        agency_id=audit_return.agency_id, title=typed.title, description=typed.description, added_by_id=by.user_id,
        added_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    _add_revision(session, row, 1, checked, by=by, now=now)
    events.append(
        session, events.chain_of(audit_return), "evidence.added", by=by, now=now,
        data={
            "evidence": row.public_id, "revision": 1, "sha256": checked.sha256, "size": checked.size,
            "scan": upload.scan.state, "questions": list(typed.questions), **(more or {}),
        },
        texts={"title": typed.title, "description": typed.description, "name": checked.name},
    )  # fmt: skip
    session.flush()
    return row


def _in_library(row: Evidence) -> Message:
    return Message(
        N_("This file is in your library already, as “%(title)s”. Open it there to say what else it supports."),
        {"title": row.title},
    )


def _ended(
    session: Session, audit_return: AuditReturn, questions: Iterable[str], *, by: Actor, now: datetime
) -> dict[str, Any]:
    """What a change to files ends that are the answers to questions, as any save of an answer does.

    Vouches for their standards, and the acceptance of parts that hold them. Returns what the event says of it.
    """
    _pack, template = template_of(audit_return)
    changed = {
        question: "" for question in questions
        if ANSWER_TYPES[template.criterion(question_parts(question)[0]).answer.type].needs_files
    }  # fmt: skip
    if not changed:
        return {}
    criteria = {question_parts(question)[0] for question in changed}
    found = {
        "vouches_ended": end_vouches(session, audit_return, template, changed),
        "to_accept_again": sharing.back_to_ready(session, audit_return, template, criteria, by=by, now=now),
    }
    return {name: every for name, every in found.items() if every}


def _count(session: Session, audit_return: AuditReturn) -> None:
    """How far a return has come, where files are answers: they make a question complete."""
    _pack, template = template_of(audit_return)
    if template.asks_files:
        session.flush()
        work = checklist(session, audit_return)
        audit_return.asked, audit_return.complete = work.asked, work.complete


def _begin_work(session: Session, audit_return: AuditReturn, *, by: Actor, now: datetime) -> None:
    """The first thing that an agency does starts its audit."""
    if audit_return.stage == "invited":
        move(audit_return, "started", now=now)
        events.append(session, events.chain_of(audit_return), "return.started", by=by, now=now)
        session.flush()


def _keep(
    session: Session, audit_return: AuditReturn, upload: Upload, *, store: Store, quota: int, now: datetime
) -> None:
    """Have content in the store and its row, within the agency's quota."""
    checked = upload.checked
    if upload.scan.state == "infected":
        raise NotPossible(N_("A virus scanner found something harmful in this file, so it was not kept."))
    # two returns of one agency count against one quota
    session.execute(select(Agency.id).where(Agency.id == audit_return.agency_id).with_for_update())
    before = used(session, audit_return)
    session.execute(
        upsert(session)(StoredFile)
        .values(
            sha256=checked.sha256, size=checked.size, media_type=checked.kind.media_type, stored_at=now,
            scan="not_scanned", scanner="",
        )
        .on_conflict_do_nothing()
    )  # fmt: skip
    row = session.scalars(
        select(StoredFile)
        .where(StoredFile.sha256 == checked.sha256)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if row.scan == "infected" and upload.scan.state != "clean":
        raise NotPossible(N_("A virus scanner found something harmful in this file, so it was not kept."))
    if before + checked.size > quota:
        raise NotPossible(
            N_(
                "Your library holds %(used)s MB, and this file would take it over the %(quota)s MB that there are"
                " for an agency. Remove what supports nothing any more, then send it again."
            ),
            used=-(-before // 1024**2),
            quota=quota // 1024**2,
        )
    try:
        store.put(checked.file, checked.sha256)
    except Unreachable:
        raise NotPossible(
            N_("The file could not be stored, so nothing was changed. Try again in a few minutes.")
        ) from None
    row.gone_at = None
    if upload.scan.state == "clean":
        row.scan, row.scanned_at, row.scanner = "clean", now, upload.scan.scanner
    session.flush()


def _add_revision(
    session: Session, row: Evidence, number: int, checked: CheckedFile, *, by: Actor, now: datetime
) -> None:
    session.add(
        EvidenceRevision(
            evidence_id=row.id, number=number, sha256=checked.sha256, name=checked.name, by_id=by.user_id, at=now
        )
    )


def _link(session: Session, audit_return: AuditReturn, row: Evidence, questions: Iterable[str]) -> None:
    for question in questions:
        criterion, scope = question_parts(question)
        session.add(
            EvidenceLink(
                return_id=audit_return.id, criterion=criterion, scope_key=scope, evidence_id=row.id
            )
        )


def describe(
    session: Session, public_id: str, evidence: str, typed: Described, *, based_on: str, by: Actor, now:
    datetime
) -> Evidence | EvidenceConflict:
    """Change the title, the description and what a piece supports in this return.

    `based_on`: the token of what the page showed (`Described.token`); where that has changed since, nothing
    is saved and both come back. Raises NotFound, EvidenceErrors, and NotPossible where nothing can be
    changed.
    """
    audit_return = _changeable(session, public_id, by=by, now=now)
    row = evidence_row(session, audit_return, evidence)
    typed = check(typed, known=_known(session, audit_return))
    before = Described(row.title, row.description, tuple(questions_of(row, audit_return)))
    if typed.token == before.token:
        return row
    if based_on != before.token:
        return EvidenceConflict(typed, before)
    row.title, row.description = typed.title, typed.description
    gone, new = set(before.questions) - set(typed.questions), set(typed.questions) - set(before.questions)
    # its words stand in every answer that it supports
    same_words = typed[:2] == before[:2]
    check_questions(session, audit_return, gone | new if same_words else {*before.questions, *typed.questions})
    _unlink(session, row, audit_return, gone)
    _link(session, audit_return, row, sorted(new))
    _begin_work(session, audit_return, by=by, now=now)
    _count(session, audit_return)
    ended = _ended(session, audit_return, sorted(gone | new), by=by, now=now)
    events.append(
        session, events.chain_of(audit_return), "evidence.described", by=by, now=now,
        data={"evidence": row.public_id, "attached": sorted(new), "detached": sorted(gone), **ended},
        texts={"title": typed.title, "description": typed.description},
    )  # fmt: skip
    session.flush()
    return row


def _unlink(session: Session, row: Evidence, audit_return: AuditReturn, questions: Iterable[str]) -> None:
    gone = set(questions)
    for link in row.links:
        if link.return_id == audit_return.id and question_id(link.criterion, link.scope_key) in gone:
            session.delete(link)


def attach(
    session: Session, public_id: str, evidence: str, question: str, *, by: Actor, now: datetime
) -> Evidence:
    """Say that a piece of the library supports one more question.

    Raises NotFound, EvidenceErrors, NotPossible.
    """
    audit_return = _changeable(session, public_id, by=by, now=now)
    row = evidence_row(session, audit_return, evidence)
    if question in questions_of(row, audit_return):
        return row
    check(Described(row.title, row.description or row.title, (question,)), known=_known(session, audit_return))
    check_questions(session, audit_return, [question])
    _link(session, audit_return, row, [question])
    _begin_work(session, audit_return, by=by, now=now)
    _count(session, audit_return)
    ended = _ended(session, audit_return, [question], by=by, now=now)
    events.append(
        session, events.chain_of(audit_return), "evidence.attached", by=by, now=now,
        data={"evidence": row.public_id, "questions": [question], **ended}, texts={"title": row.title},
    )  # fmt: skip
    session.flush()
    return row


def detach(
    session: Session, public_id: str, evidence: str, question: str, *, by: Actor, now: datetime
) -> Evidence:
    """Say that a piece does not support a question any more; it stays in the library.

    Raises NotFound, NotPossible.
    """
    audit_return = _changeable(session, public_id, by=by, now=now)
    row = evidence_row(session, audit_return, evidence)
    if question in questions_of(row, audit_return):
        check_questions(session, audit_return, [question])
        _unlink(session, row, audit_return, [question])
        _count(session, audit_return)
        ended = _ended(session, audit_return, [question], by=by, now=now)
        events.append(
            session, events.chain_of(audit_return), "evidence.detached", by=by, now=now,
            data={"evidence": row.public_id, "questions": [question], **ended}, texts={"title": row.title},
        )  # fmt: skip
        session.flush()
    return row


def replace(
    session: Session, public_id: str, evidence: str, upload: Upload, *, store: Store, quota: int, by: Actor,
    now: datetime,
) -> Evidence:  # fmt: skip
    """Put a newer file in the place of a piece's latest; the earlier ones are kept. Raises as `add` does."""
    audit_return = _changeable(session, public_id, by=by, now=now)
    row = evidence_row(session, audit_return, evidence)
    checked, latest = upload.checked, row.revisions[-1]
    if latest.sha256 == checked.sha256:
        return row
    if other := same_content(session, audit_return, checked.sha256):
        raise EvidenceErrors({"file": _in_library(other)})
    if latest.number >= MOST_REVISIONS:
        raise NotPossible(N_("This has been replaced very often. Add the file as a new piece of evidence."))
    check_questions(session, audit_return, questions_of(row, audit_return))
    _keep(session, audit_return, upload, store=store, quota=quota, now=now)
    _add_revision(session, row, latest.number + 1, checked, by=by, now=now)
    ended = _ended(session, audit_return, questions_of(row, audit_return), by=by, now=now)
    events.append(
        session, events.chain_of(audit_return), "evidence.replaced", by=by, now=now,
        data={
            "evidence": row.public_id, "revision": latest.number + 1, "sha256": checked.sha256, "size": checked.size,
            "scan": upload.scan.state, **ended,
        },
        texts={"title": row.title, "name": checked.name},
    )  # fmt: skip
    session.flush()
    return row


def remove(session: Session, public_id: str, evidence: str, *, by: Actor, now: datetime) -> list[str]:
    """Take a piece out of the library and off every answer of this return.

    Returns the SHA-256 of content that nobody keeps now and nothing that was signed names: it is given up,
    and deleted from the store by `delete_given_up` once this is committed. Raises NotFound, and NotPossible
    where nothing can be changed or the piece supports answers of another return that can still change.
    """
    audit_return = _changeable(session, public_id, by=by, now=now)
    row = evidence_row(session, audit_return, evidence)
    for link in row.links:
        if link.return_id != audit_return.id and not why_closed(link.audit_return, now=now):
            raise NotPossible(
                N_("It supports answers in “%(round)s” too. Take it off those first."),
                round=link.audit_return.audit_round.name,
            )
    supported = questions_of(row, audit_return)
    check_questions(session, audit_return, supported)
    _unlink(session, row, audit_return, supported)
    row.removed_at = now
    _count(session, audit_return)
    session.flush()
    ended = _ended(session, audit_return, supported, by=by, now=now)
    given_up = _give_up(session, {one.sha256 for one in row.revisions}, now=now)
    events.append(
        session, events.chain_of(audit_return), "evidence.removed", by=by, now=now,
        data={"evidence": row.public_id, "questions": supported, "given_up": sorted(given_up), **ended},
        texts={"title": row.title},
    )  # fmt: skip
    session.flush()
    return given_up


def _give_up(session: Session, hashes: Iterable[str], *, now: datetime) -> list[str]:
    given_up = []
    for sha256 in sorted(hashes):
        row = session.scalars(select(StoredFile).where(StoredFile.sha256 == sha256).with_for_update()).one()
        wanted = is_kept(session, sha256) or is_signed(session, sha256) or is_shown(session, sha256)
        if row.gone_at is None and not wanted:
            row.gone_at = now
            given_up.append(sha256)
    return given_up


def delete_given_up(session: Session, hashes: Iterable[str], *, store: Store) -> list[str]:
    """Delete content that is given up, in a transaction that began as a write. What somebody sent again stays.

    Returns what was deleted. Raises Unreachable.
    """
    deleted = []
    for sha256 in sorted(set(hashes)):
        row = session.scalars(
            select(StoredFile)
            .where(StoredFile.sha256 == sha256)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).one_or_none()
        if row is None or row.gone_at is not None:
            store.delete(sha256)
            deleted.append(sha256)
    return deleted


def note_infected(
    session: Session, public_id: str, *, name: str, sha256: str, scan: Scan, by: Actor, now: datetime
) -> None:
    """Record that an infected file was refused. Nothing of it is kept. Raises NotFound."""
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.edit", lock=True)
    events.append(
        session, events.chain_of(audit_return), "evidence.refused", by=by, now=now,
        data={"sha256": sha256, "reason": "infected"},
        texts={"name": name, "found": scan.found, "scanner": scan.scanner},
    )  # fmt: skip
    session.flush()


def record_scan(session: Session, sha256: str, result: Scan, *, by: Actor, now: datetime) -> None:
    """Record what a scanner said later of content that is kept; nothing where it did not look. Raises Denied.

    Infected content can no longer be downloaded, and the history of every return that it supports says so.
    """
    require(by, "service.administer")
    row = session.get(StoredFile, sha256)
    if row is None or result.state == "not_scanned":
        return
    is_news = result.state == "infected" and row.scan != "infected"
    row.scan, row.scanned_at, row.scanner = result.state, now, result.scanner
    for audit_return in returns_with(session, sha256) if is_news else ():
        session.execute(select(AuditReturn.id).where(AuditReturn.id == audit_return.id).with_for_update())
        events.append(
            session, events.chain_of(audit_return), "evidence.infected", by=by, now=now, data={"sha256": sha256},
            texts={"found": result.found},
        )  # fmt: skip
    events.append(
        session, CHAIN, "evidence.scanned", by=by, now=now,
        data={"sha256": sha256, "state": result.state, "scanner": result.scanner},
    )  # fmt: skip
    session.flush()


@dataclass(frozen=True)
class StoreCheck:
    """What a look through the store found: how much is well; SHA-256 of what is missing, damaged, and nobody's."""

    well: int
    missing: Sequence[str]
    damaged: Sequence[str]
    nobodys: Sequence[str]


def check_store(session: Session, *, store: Store, by: Actor) -> StoreCheck:
    """Read all that is kept and compare it with its SHA-256. Changes nothing. Raises Unreachable, Denied."""
    require(by, "service.administer")
    kept = set(session.scalars(select(StoredFile.sha256).where(StoredFile.gone_at.is_(None))))
    missing, damaged = [], []
    for sha256 in sorted(kept):
        try:
            store.open(sha256).close()
        except Missing:
            missing.append(sha256)
        except Damaged:
            damaged.append(sha256)
    # what was put there just now may belong to a transaction that is not committed yet
    before = datetime.now(UTC) - SETTLED
    nobodys = sorted({sha256 for sha256, since in store.every() if since < before} - kept)
    return StoreCheck(len(kept) - len(missing) - len(damaged), missing, damaged, nobodys)
