"""Reading drafts of packs: those that one may know of, what is in them, and what others changed meanwhile."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from app.authoring.pieces import Checked, checked
from app.models import DraftFile, OversightBody, PackDraft, PackVersion
from app.policy import Actor, DraftFacts, allows, require
from app.queries.packs import latest_version
from app.queries.rounds import NotFound

PAGE = 25
OVER = ("published", "withdrawn")  # states in which nobody works on it


def draft_facts(draft: PackDraft) -> DraftFacts:
    """What policy needs to know of a draft."""
    return DraftFacts(draft.body_id)


def get_draft(
    session: Session, public_id: str, *, actor: Actor, permission: str = "draft.read", lock: bool = False
) -> PackDraft:
    """A draft. Raises NotFound where there is none or the actor has not the permission: both look alike."""
    query = select(PackDraft).where(PackDraft.public_id == public_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    draft = session.scalar(query)
    if draft is None or not allows(actor, permission, draft_facts(draft)):
        raise NotFound
    return draft


@dataclass(frozen=True)
class Drafts:
    """A page of the drafts that somebody may read, those at work first."""

    drafts: Sequence[PackDraft]
    total: int
    page: int
    pages: int


def drafts(session: Session, *, actor: Actor, page: int = 1) -> Drafts:
    """Drafts of the actor's own oversight bodies; all of them for an administrator. Raises Denied."""
    require(actor, "draft.use")
    query = select(PackDraft)
    if not allows(actor, "service.administer"):
        query = query.where(PackDraft.body_id.in_(actor.body_ids()))
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    pages = max(1, -(-total // PAGE))
    page = min(max(1, page), pages)
    query = query.options(joinedload(PackDraft.body), joinedload(PackDraft.edited_by)).order_by(
        PackDraft.state.in_(OVER), PackDraft.edited_at.desc(), PackDraft.id.desc()
    )
    return Drafts(session.scalars(query.limit(PAGE).offset((page - 1) * PAGE)).all(), total, page, pages)


def own_bodies(session: Session, *, actor: Actor) -> Sequence[OversightBody]:
    """The oversight bodies that the actor may begin a draft for, by name."""
    return session.scalars(
        select(OversightBody).where(OversightBody.id.in_(actor.body_ids())).order_by(OversightBody.name)
    ).all()


def files_at(session: Session, draft: PackDraft, revision: int | None = None) -> dict[str, str]:
    """The files of a draft that the actor got through `get_draft`, as they stand or as a revision left them."""
    upto = draft.revision if revision is None else revision
    newest = (
        select(DraftFile.name, func.max(DraftFile.revision).label("revision"))
        .where(DraftFile.draft_id == draft.id, DraftFile.revision <= upto)
        .group_by(DraftFile.name)
        .subquery()
    )
    rows = session.execute(
        select(DraftFile.name, DraftFile.text)
        .join(newest, (newest.c.name == DraftFile.name) & (newest.c.revision == DraftFile.revision))
        .where(DraftFile.draft_id == draft.id)
        .order_by(DraftFile.name)
    )
    return {name: text for name, text in rows if text is not None}


def alone_until(session: Session, draft: PackDraft, revision: int, *, actor: Actor) -> int:
    """The last revision of a draft that the actor got through `get_draft` before which, from another one on, nobody
    else saved anything."""
    first = session.scalar(
        select(func.min(DraftFile.revision)).where(
            DraftFile.draft_id == draft.id, DraftFile.revision > revision,
            DraftFile.by_id.is_distinct_from(actor.user_id),
        )
    )  # fmt: skip
    return draft.revision if first is None else first - 1


@dataclass(frozen=True)
class Work:
    """A draft with its files, and what they come to."""

    draft: PackDraft
    files: Mapping[str, str]
    checked: Checked


def work(session: Session, public_id: str, *, actor: Actor, permission: str = "draft.read") -> Work:
    """A draft as it stands. Raises NotFound."""
    draft = get_draft(session, public_id, actor=actor, permission=permission)
    files = files_at(session, draft)
    return Work(draft, files, checked(files, draft.pack))


def published(session: Session, draft: PackDraft) -> PackVersion | None:
    """The latest published version of the pack that a draft is of."""
    return latest_version(session, draft.pack)


def needs_administrator(session: Session, draft: PackDraft, bodies: Collection[str]) -> bool:
    """Whether only an administrator may publish it: another than its own oversight body published this pack before, or
    it would bring oversight bodies (`bodies`: their codes in the pack) into the service."""
    own = select(PackDraft.published_id).where(
        PackDraft.published_id.is_not(None), PackDraft.body_id == draft.body_id
    )
    foreign = session.scalar(
        select(PackVersion.id).where(PackVersion.pack == draft.pack, PackVersion.id.not_in(own)).limit(1)
    )
    if foreign is not None:
        return True
    known = set(session.scalars(select(OversightBody.code).where(OversightBody.code.in_(bodies))))
    return len(bodies) > 1 and not set(bodies) <= known


@dataclass(frozen=True)
class Revision:
    """What one save changed: the files, and who did it when."""

    number: int
    names: Sequence[str]
    row: DraftFile


def revisions(session: Session, draft: PackDraft, *, page: int = 1) -> tuple[list[Revision], int]:
    """A page of what was saved in a draft, latest first, and how many pages there are."""
    pages = max(1, -(-draft.revision // PAGE))
    page = min(max(1, page), pages)
    last = draft.revision - (page - 1) * PAGE
    rows = session.scalars(
        select(DraftFile)
        .options(joinedload(DraftFile.by))
        .where(DraftFile.draft_id == draft.id, DraftFile.revision <= last, DraftFile.revision > last - PAGE)
        .order_by(DraftFile.revision.desc(), DraftFile.name)
    ).all()
    found: dict[int, list[DraftFile]] = {}
    for row in rows:
        found.setdefault(row.revision, []).append(row)
    return [Revision(number, [one.name for one in files], files[0]) for number, files in found.items()], pages
