"""Reading what was uploaded: each answer in the file beside what is saved now, and what would become of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from app.clock import today
from app.domain.answers import ANSWER_TYPES, AnswerErrors, question_parts
from app.domain.message import N_, Message
from app.domain.paging import paged
from app.models import AuditReturn, StagedImport
from app.policy import Actor
from app.queries.forms import every_item
from app.queries.returns import Checklist, Item, checklist, get_return, sees_drafts, values_at
from app.queries.rounds import NotFound
from app.queries.sites import offered_sites
from app.sheets.read import Expected, Question, same_value

PAGE = 20  # uploads on one page of the list

# what would become of an answer of a file
KINDS = ("changed", "emptied", "conflict", "wrong", "same", "settled")


@dataclass(frozen=True)
class Entry:
    """An answer of a file beside what is saved. `kind` is one of `KINDS`.

    `raw` is what the file says, a field to text; `value` the same as it would be stored, as far as it can be read.
    `before` is what was saved when the file was downloaded. `cells` names the cell of each field, `place` the row.
    """

    item: Item
    kind: str
    raw: Mapping[str, str]
    value: Mapping[str, Any]
    before: Mapping[str, Any]
    errors: Mapping[str, Message]
    cells: Mapping[str, str]
    place: str
    state: str


@dataclass(frozen=True)
class Unmatched:
    """An answer of a bundle that no question here matches, and why."""

    criterion: str
    reason: Message
    value: Mapping[str, Any]


@dataclass(frozen=True)
class OfferedAction:
    """An action of a bundle. `place` is its place in the list; `state` open, applied or left."""

    place: int
    item: Item
    what: str
    owner: str
    due: date | None
    state: str


@dataclass(frozen=True)
class OfferedFile:
    """A file of a bundle, and what it supports here. `problem` says why it was not taken."""

    sha256: str
    title: str
    description: str
    name: str
    size: int
    items: Sequence[Item]
    state: str
    problem: Message | None


@dataclass(frozen=True)
class Preview:
    """What an upload would do to its return as it stands now."""

    staged: StagedImport
    entries: Sequence[Entry]
    notes: Sequence[Message]
    passed_over: Sequence[Mapping[str, str]]
    more_passed_over: int
    unmatched: Sequence[Unmatched] = field(default_factory=tuple)
    actions: Sequence[OfferedAction] = field(default_factory=tuple)
    evidence: Sequence[OfferedFile] = field(default_factory=tuple)

    def of(self, *kinds: str) -> list[Entry]:
        """The entries of some kinds, in the order of the questions."""
        return [entry for entry in self.entries if entry.kind in kinds]

    @property
    def pending(self) -> list[Entry]:
        """What somebody has yet to decide about."""
        return self.of("changed", "emptied", "conflict", "wrong")

    @property
    def left(self) -> int:
        """How many answers, actions and files are left to decide."""
        states = [*(one.state for one in self.actions), *(one.state for one in self.evidence)]
        return len(self.pending) + states.count("open")


def message_to_json(message: Message) -> dict[str, Any]:
    """A message as it is stored with an upload. Its parameters are texts and whole numbers, or become texts."""
    params = {name: what if isinstance(what, int | dict) else str(what) for name, what in message.params.items()}
    return {"msgid": message.msgid, "params": params}


def message_from_json(stored: Mapping[str, Any]) -> Message:
    """The message that `message_to_json` gave."""
    return Message(stored["msgid"], stored["params"])


SITE_NOT_HERE = Message(N_("This site is not in the list of the agency here."))
OFFERED = N_(
    "Sites that are not in your list: %(names)s. They are added to it when the audit lead or the signatory saves"
    " answers about them from this file. Planned actions and files about them follow after that."
)


def get_import(session: Session, audit_return: AuditReturn, public_id: str) -> StagedImport:
    """An upload of a return that the caller got through `get_return`. Raises NotFound."""
    staged = session.scalar(
        select(StagedImport)
        .where(StagedImport.return_id == audit_return.id, StagedImport.public_id == public_id)
        .options(joinedload(StagedImport.by))
    )
    if staged is None:
        raise NotFound
    return staged


def imports_of(
    session: Session, public_id: str, *, actor: Actor, now: datetime, page: int = 1
) -> tuple[Sequence[StagedImport], int]:
    """A page of a return's uploads, newest first, and how many pages there are. Raises NotFound."""
    audit_return = get_return(session, public_id, actor=actor, now=now)
    if not sees_drafts(actor, audit_return):
        raise NotFound
    number = session.scalar(
        select(func.count()).select_from(StagedImport).where(StagedImport.return_id == audit_return.id)
    )
    page, pages = paged(number or 0, PAGE, page)
    rows = session.scalars(
        select(StagedImport)
        .where(StagedImport.return_id == audit_return.id)
        .options(joinedload(StagedImport.by))
        .order_by(StagedImport.id.desc())
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    ).all()
    return rows, pages


def expected_of(session: Session, audit_return: AuditReturn) -> Expected:
    """What a spreadsheet for a return must hold. The caller got the return through `get_return`."""
    items = every_item(session, audit_return, checklist(session, audit_return))
    return Expected(
        audit_return.public_id,
        audit_return.template_version.sha256,
        {item.id: Question(item.criterion.answer, item.scheme) for item in items},
    )


def preview(session: Session, audit_return: AuditReturn, staged: StagedImport, *, now: datetime) -> Preview:
    """What an upload would change now. The caller got the return through `get_return`."""
    work = checklist(session, audit_return)
    offered = offered_sites(session, work, staged.content.get("sites", ()))
    items = every_item(session, audit_return, work, offered)
    answers = {answer["id"]: answer for answer in staged.content["answers"]}
    before = values_at(session, audit_return, {key: answer["based_on"] for key, answer in answers.items()})
    # what is planned for a site, and files about it, have no place before the site is listed
    unlisted = {site.scope for site in offered}
    by_id = {item.id: item for item in items if item.criterion.scope != "site" or item.scope not in unlisted}
    known = {item.id for item in items}
    notes = [message_from_json(note) for note in staged.content["notes"]]
    if offered:
        notes.append(Message(OFFERED, {"names": ", ".join(site.name for site in offered)}))
    return Preview(
        staged=staged,
        entries=[
            _entry(item, answers[item.id], before[item.id], now=now) for item in items if item.id in answers
        ],
        notes=notes,
        passed_over=[
            *staged.content["passed_over"],
            # the agency works elsewhere now, or is of another kind
            *({"sheet": one["sheet"], "cell": cell, "text": one["raw"].get(name, "")}
              for key, one in answers.items() if key not in known
              for name, cell in one["cells"].items() if one["raw"].get(name)),
        ],
        more_passed_over=staged.content["more_passed_over"],
        unmatched=[
            Unmatched(one["criterion"], message_from_json(one["reason"]), one["value"])
            for one in staged.content.get("unmatched", ())
        ] + [
            # its site was in the list when the bundle came
            Unmatched(question_parts(key)[0], SITE_NOT_HERE, one["raw"])
            for key, one in answers.items()
            if staged.kind == "bundle" and one["state"] == "open" and key not in known and _about_site(work, key)
        ],
        actions=[
            OfferedAction(
                place, by_id[one["question"]], one["what"], one["owner"],
                date.fromisoformat(one["due"]) if one["due"] else None, one["state"],
            )
            for place, one in enumerate(staged.content.get("actions", ()))
            if one["question"] in by_id
        ],
        evidence=[
            OfferedFile(
                one["sha256"], one["title"], one["description"], one["name"], one["size"],
                [by_id[question] for question in one["questions"] if question in by_id], one["state"],
                message_from_json(one["problem"]) if one["problem"] else None,
            )
            for one in staged.content.get("evidence", ())
        ],
    )  # fmt: skip


def _about_site(work: Checklist, question: str) -> bool:
    return work.template.criterion(question_parts(question)[0]).scope == "site"


def _entry(item: Item, answer: Mapping[str, Any], before: Mapping[str, Any], *, now: datetime) -> Entry:
    raw: Mapping[str, str] = answer["raw"]
    errors = {name: message_from_json(one) for name, one in answer["errors"].items()}
    value, more = _as_far_as_possible(item, {name: text for name, text in raw.items() if name not in errors}, now=now)
    errors = {**more, **errors}
    if answer["state"] != "open":
        kind = "settled"
    elif not answer["errors"] and any(
        same_value(raw, known, item.criterion.answer) for known in (before, item.answer.value)
    ):
        kind = "same"
    elif errors:
        kind = "wrong"
    elif value == item.answer.value:
        kind = "same"
    elif item.answer.version != answer["based_on"]:
        kind = "conflict"
    else:
        kind = "changed" if value else "emptied"
    return Entry(
        item=item,
        kind=kind,
        raw=raw,
        value=value,
        before=before,
        errors=errors,
        cells=answer["cells"],
        place=answer["sheet"],
        state=answer["state"],
    )


def _as_far_as_possible(
    item: Item, raw: Mapping[str, str], *, now: datetime
) -> tuple[Mapping[str, Any], dict[str, Message]]:
    """What can be stored of an answer, and what is wrong with the rest."""
    errors: dict[str, Message] = {}
    while True:
        try:
            return clean(item, {name: text for name, text in raw.items() if name not in errors}, now=now), errors
        except AnswerErrors as wrong:
            errors |= wrong.errors


def clean(item: Item, raw: Mapping[str, object], *, now: datetime) -> dict[str, Any]:
    """The value that saving `raw` would store. Raises AnswerErrors, as saving would."""
    day = today(now)
    # a date that has passed since it was saved may stay; a new one must lie ahead
    earliest = min(day, item.date_expected or day)
    handler = ANSWER_TYPES[item.criterion.answer.type]
    return handler.clean(raw, criterion=item.criterion, scheme=item.scheme, today=day, earliest=earliest).value
