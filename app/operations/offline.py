"""Answers that come in a file: kept as they were read, looked at, and then saved like any other."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.bundle import Manifest
from app.domain.actions import ActionErrors, Typed
from app.domain.answers import ANSWER_TYPES, question_parts
from app.domain.evidence import Described, EvidenceErrors
from app.domain.integrity import hash_of, sha256_hex
from app.domain.life import NotPossible
from app.domain.message import N_, Message
from app.domain.sites import Named
from app.files.store import Store
from app.models import AuditReturn, StagedImport
from app.operations import events
from app.operations.actions import plan_action
from app.operations.answers import Edit, SaveResult, save_answers
from app.operations.evidence import Upload
from app.operations.evidence import add as add_evidence
from app.operations.evidence import attach as attach_evidence
from app.operations.sites import list_sites
from app.policy import Actor, allows
from app.queries.bundles import matched
from app.queries.evidence import same_content
from app.queries.imports import expected_of, get_import, message_to_json, preview
from app.queries.returned_standards import correction_of
from app.queries.returns import checklist, get_return, return_facts, why_closed
from app.queries.rounds import NotFound
from app.queries.sites import offered_sites
from app.sheets.cells import Sheet
from app.sheets.read import Reading, read_answers

MOST_OPEN = 20  # uploads of a return that nobody has decided about


ASK_LEAD = N_(
    "“%(site)s” is not in your list of sites, so this answer was not saved. Ask the audit lead to save it from this"
    " file, or to add the site to the list first."
)


@dataclass(frozen=True)
class Decision:
    """What somebody decided about one answer of an upload, looking at version `seen` of what is saved.

    `choice`: `file` saves what the file says, `typed` saves `raw`, `saved` leaves what is saved.
    """

    question: str
    choice: str
    seen: int
    raw: Mapping[str, object] | None = None


def stage_sheet(
    session: Session, public_id: str, *, name: str, content: bytes, sheets: Sequence[Sheet], by: Actor, now: datetime
) -> StagedImport:
    """Keep what an uploaded spreadsheet says, until somebody decides what becomes of it.

    `content` is the file, of which its digest is kept, and `sheets` what was read from it. The same file, still
    undecided, is not kept twice. Raises NotFound, NotPossible, and Unreadable for a sheet of something else.
    """
    audit_return = _open_return(session, public_id, by=by, now=now)
    reading = read_answers(sheets, expected_of(session, audit_return))
    digest = sha256_hex(content)
    return _keep(session, audit_return, "sheet", name=name, digest=digest, found=_to_json(reading), by=by, now=now)


def stage_bundle(
    session: Session, public_id: str, *, name: str, digest: str, manifest: Manifest, by: Actor, now: datetime
) -> StagedImport:
    """Keep what a bundle from another installation says. `digest` is the SHA-256 of the file.

    Nothing of the return changes: sites that it never listed are listed when answers about them are taken. Raises
    NotFound, NotPossible, and Unreadable for a bundle of another checklist or type of agency.
    """
    audit_return = _open_return(session, public_id, by=by, now=now)
    found = matched(session, audit_return, manifest)
    return _keep(session, audit_return, "bundle", name=name, digest=digest, found=found, by=by, now=now)


def _keep(
    session: Session, audit_return: AuditReturn, kind: str, *, name: str, digest: str, found: dict[str, Any],
    by: Actor, now: datetime,
) -> StagedImport:  # fmt: skip
    waiting = select(StagedImport).where(
        StagedImport.return_id == audit_return.id, StagedImport.state == "open"
    )
    known = session.scalars(waiting.where(StagedImport.sha256 == digest, StagedImport.kind == kind)).first()
    if known:
        return known
    if (session.scalar(select(func.count()).select_from(waiting.subquery())) or 0) >= MOST_OPEN:
        raise NotPossible(
            N_("%(number)s uploads wait to be decided about. Decide about some of them, or dismiss them, first."),
            number=MOST_OPEN,
        )
    staged = StagedImport(
        return_id=audit_return.id, kind=kind, name=name.strip()[:200] or "?", sha256=digest, content=found,
        by_id=by.user_id, at=now,
    )  # fmt: skip
    session.add(staged)
    session.flush()
    events.append(
        session,
        events.chain_of(audit_return),
        "import.uploaded",
        by=by,
        now=now,
        data={"import": staged.public_id, "kind": kind, "sha256": digest},
        texts={"name": staged.name},
    )
    session.flush()
    return staged


def _to_json(reading: Reading) -> dict[str, Any]:
    return {
        "answers": [
            {
                "id": answer.id,
                "sheet": answer.sheet,
                "raw": answer.raw,
                "cells": answer.cells,
                "errors": {name: message_to_json(one) for name, one in answer.errors.items()},
                "based_on": answer.based_on,
                "state": "open",
            }
            for answer in reading.answers
        ],
        "notes": [message_to_json(note) for note in reading.notes],
        "passed_over": [
            {"sheet": one.sheet, "cell": one.cell, "text": one.text} for one in reading.passed_over
        ],
        "more_passed_over": reading.more_passed_over,
    }


def apply_import(
    session: Session, public_id: str, import_id: str, decisions: Sequence[Decision], *, by: Actor, now: datetime
) -> SaveResult:
    """Save what was decided about an upload. What somebody else saved since it was seen comes back as a conflict.

    Sites of a bundle that the return never listed are listed with the answers about them that are taken, by whoever may
    list sites; for others these answers come back as errors, and stay to be decided. An upload is settled when nothing
    in it is left to decide. Raises NotFound and NotPossible.
    """
    audit_return, staged = _open_import(session, public_id, import_id, by=by, now=now)
    answers = {answer["id"]: answer for answer in staged.content["answers"]}
    edits, kept = [], []
    for decision in decisions:
        answer = answers.get(decision.question)
        if answer is None or answer["state"] != "open":
            continue
        if decision.choice == "saved":
            kept.append(decision.question)
            continue
        if decision.choice == "file" and answer["errors"]:
            continue  # what cannot be read cannot be saved: it stays to be decided
        raw = answer["raw"] if decision.choice == "file" else decision.raw or {}
        key = hash_of([staged.public_id, decision.question, decision.seen, {n: str(w) for n, w in raw.items()}])
        edits.append(Edit(decision.question, raw, decision.seen, f"import-{key[:40]}"))
    refused = _list_sites(session, audit_return, staged, edits, by=by, now=now)
    edits = [edit for edit in edits if edit.criterion not in refused]
    result = save_answers(session, public_id, edits, by=by, now=now, source=staged.kind) if edits else SaveResult()
    result.errors |= refused
    states = dict.fromkeys(kept, "left") | dict.fromkeys((*result.saved, *result.unchanged), "applied")
    # a new value: a change inside the stored one would not be noticed
    staged.content = staged.content | {
        "answers": [
            answer | {"state": states.get(answer["id"], answer["state"])} for answer in staged.content["answers"]
        ]
    }
    session.flush()
    _settle(session, audit_return, staged, now=now)
    if states:
        events.append(
            session,
            events.chain_of(audit_return),
            "import.applied",
            by=by,
            now=now,
            data={
                "import": staged.public_id,
                "kind": staged.kind,
                "sha256": staged.sha256,
                "saved": dict(result.saved),
                "left": kept,
            },
        )
    session.flush()
    return result


def _list_sites(
    session: Session, audit_return: AuditReturn, staged: StagedImport, edits: Sequence[Edit], *, by: Actor,
    now: datetime,
) -> dict[str, dict[str, Message]]:  # fmt: skip
    """List the sites of an upload that edits are about and the return never listed.

    What the actor may not have listed is the result: by question and field, what is to be done about it.
    """
    work = checklist(session, audit_return)
    offered = {site.scope: site for site in offered_sites(session, work, staged.content.get("sites", ()))}
    about: dict[str, str] = {}  # question to site
    for edit in edits:
        key, scope = question_parts(edit.criterion)
        if scope in offered and work.template.criterion(key).scope == "site":
            about[edit.criterion] = scope
    if not about:
        return {}
    if allows(by, "return.sites", return_facts(session, audit_return, now=now, actor=by)):
        wanted = [Named(site.code, site.name) for key, site in offered.items() if key in about.values()]
        list_sites(session, audit_return, wanted, by=by, now=now)
        return {}
    return {
        question: {
            ANSWER_TYPES[work.template.criterion(question_parts(question)[0]).answer.type].first: Message(
                ASK_LEAD, {"site": offered[scope].name}
            )
        }
        for question, scope in about.items()
    }


def _settle(session: Session, audit_return: AuditReturn, staged: StagedImport, *, now: datetime) -> None:
    """Settle an upload in which nothing is left to decide."""
    if not preview(session, audit_return, staged, now=now).left:
        staged.state, staged.settled_at = "settled", now


def take_actions(
    session: Session, public_id: str, import_id: str, *, wanted: Collection[int], leave: Collection[int], by: Actor,
    now: datetime,
) -> int:  # fmt: skip
    """Plan the wanted actions of a bundle, and leave others; both are places in its list. The number planned.

    Raises NotFound and NotPossible.
    """
    audit_return, staged = _open_import(session, public_id, import_id, by=by, now=now)
    changed: dict[int, str] = {}
    actions = staged.content.get("actions", [])
    for place, action in enumerate(actions):
        if action["state"] != "open":
            continue
        if place in wanted:
            due = date.fromisoformat(action["due"]) if action["due"] else None
            typed = Typed(action["what"], action["owner"], due, action["action"])
            try:
                plan_action(session, public_id, action["question"], typed, by=by, now=now)
            except (ActionErrors, NotFound):
                changed[place] = "left"  # it says nothing, or its question is hidden by an answer here
                continue
            changed[place] = "applied"
        elif place in leave:
            changed[place] = "left"
    staged.content = staged.content | {
        "actions": [one | {"state": changed.get(place, one["state"])} for place, one in enumerate(actions)]
    }
    session.flush()
    _settle(session, audit_return, staged, now=now)
    session.flush()
    return sum(1 for state in changed.values() if state == "applied")


def take_evidence(
    session: Session, public_id: str, import_id: str, sha256: str, upload: Upload | None, *, problem: Message | None,
    store: Store, quota: int, by: Actor, now: datetime,
) -> bool:  # fmt: skip
    """Add a file of a bundle to the library, for the questions that it supports; whether it was added.

    `upload` is the file once it was examined, or None where it was refused, with the `problem`. The problem stays with
    the upload. A file that the library holds already is attached. Raises NotFound and NotPossible.
    """
    audit_return, staged = _open_import(session, public_id, import_id, by=by, now=now)
    pieces = []
    added = False
    for piece in staged.content.get("evidence", []):
        if piece["sha256"] != sha256 or piece["state"] != "open":
            pieces.append(piece)
            continue
        wrong = problem
        if upload is not None:
            try:
                _add(session, audit_return, piece, upload, store=store, quota=quota, by=by, now=now)
            except EvidenceErrors as errors:
                wrong = next(iter(errors.errors.values()))
        added = added or wrong is None
        pieces.append(
            piece
            | {
                "state": "left" if wrong else "applied",
                "problem": message_to_json(wrong) if wrong else None,
            }
        )
    staged.content = staged.content | {"evidence": pieces}
    session.flush()
    _settle(session, audit_return, staged, now=now)
    session.flush()
    return added


def leave_evidence(session: Session, public_id: str, import_id: str, *, by: Actor, now: datetime) -> None:
    """Leave every file of a bundle that is not decided about. Raises NotFound and NotPossible."""
    audit_return, staged = _open_import(session, public_id, import_id, by=by, now=now)
    staged.content = staged.content | {
        "evidence": [
            one | {"state": "left" if one["state"] == "open" else one["state"]}
            for one in staged.content.get("evidence", [])
        ]
    }
    session.flush()
    _settle(session, audit_return, staged, now=now)
    session.flush()


def _add(
    session: Session, audit_return: AuditReturn, piece: Mapping[str, Any], upload: Upload, *, store: Store, quota: int,
    by: Actor, now: datetime,
) -> None:  # fmt: skip
    work = checklist(session, audit_return)
    correction = correction_of(session, audit_return, work)
    asked = {
        item.id
        for section in work.sections
        for item in section.items
        if correction is None or correction.allows(section.standard.id, item.id)
    }
    questions = tuple(question for question in piece["questions"] if question in asked)
    if same := same_content(session, audit_return, upload.checked.sha256):
        for question in questions:
            attach_evidence(session, audit_return.public_id, same.public_id, question, by=by, now=now)
        return
    typed = Described(piece["title"], piece["description"], questions)
    add_evidence(
        session, audit_return.public_id, upload, typed, store=store, quota=quota, by=by, now=now
    )


def _open_import(
    session: Session, public_id: str, import_id: str, *, by: Actor, now: datetime
) -> tuple[AuditReturn, StagedImport]:
    audit_return = _open_return(session, public_id, by=by, now=now)
    staged = get_import(session, audit_return, import_id)
    if staged.state != "open":
        raise NotPossible(N_("This upload is settled already. Upload the file again to look at it anew."))
    return audit_return, staged


def dismiss_import(session: Session, public_id: str, import_id: str, *, by: Actor, now: datetime) -> StagedImport:
    """Set an upload aside: nothing more is taken from it. It can still be read. Raises NotFound and NotPossible."""
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.edit", lock=True)
    staged = get_import(session, audit_return, import_id)
    if staged.state != "open":
        raise NotPossible(N_("This upload is settled already, so there is nothing to dismiss."))
    staged.state, staged.settled_at = "dismissed", now
    events.append(
        session,
        events.chain_of(audit_return),
        "import.dismissed",
        by=by,
        now=now,
        data={"import": staged.public_id, "kind": staged.kind, "sha256": staged.sha256},
    )
    session.flush()
    return staged


def _open_return(session: Session, public_id: str, *, by: Actor, now: datetime) -> AuditReturn:
    audit_return = get_return(session, public_id, actor=by, now=now, permission="return.edit", lock=True)
    if reason := why_closed(audit_return, now=now):
        raise NotPossible(reason)
    return audit_return
