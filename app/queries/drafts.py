"""Reading drafts of packs: those that one may know of, what is in them, and what others changed meanwhile."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, joinedload

from app.authoring.pieces import Checked, checked
from app.clock import today
from app.domain.paging import paged
from app.models import Appointment, DraftFile, OversightBody, PackDraft, PackVersion, User
from app.policy import Actor, DraftFacts, allows, could, require
from app.queries.actors import actor_of
from app.queries.packs import latest_version
from app.queries.rounds import NotFound

PAGE = 25
OVER = ("published", "withdrawn")  # states in which nobody works on it
TOLD = timedelta(days=14)  # how long it is news that a draft was published


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
    page, pages = paged(total, PAGE, page)
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


# --- whom a draft waits for ------------------------------------------------------------------------------------------


def is_second(draft: PackDraft, actor: Actor) -> bool:
    """Whether somebody neither sent a draft nor changed it last."""
    return actor.user_id is None or actor.user_id not in (draft.sent_by_id, draft.edited_by_id)


@dataclass(frozen=True)
class DraftNews:
    """What a first page says of drafts. `to_decide`: those that others sent, for the actor to decide on. Of those
    that the actor began or sent: `returned` by somebody else to be mended, or `published` by them lately.
    """

    to_decide: Sequence[PackDraft] = ()
    returned: Sequence[PackDraft] = ()
    published: Sequence[PackDraft] = ()


def draft_news(session: Session, *, actor: Actor, now: datetime) -> DraftNews:
    """What waits for the actor among drafts, and what became of their own; oldest first. One statement."""
    me = actor.user_id
    if me is None or not could(actor, "draft.use"):
        return DraftNews()
    by_others = PackDraft.settled_by_id.is_distinct_from(me)
    query = (
        select(PackDraft)
        .options(joinedload(PackDraft.published))
        .where(
            or_(
                PackDraft.state == "sent",
                and_(
                    or_(PackDraft.sent_by_id == me, PackDraft.made_by_id == me),
                    by_others,
                    or_(
                        and_(PackDraft.state == "drafting", PackDraft.reason != ""),
                        and_(PackDraft.state == "published", PackDraft.settled_at > now - TOLD),
                    ),
                ),
            )
        )
        .order_by(PackDraft.sent_at, PackDraft.id)
    )
    if not allows(actor, "service.administer"):
        query = query.where(PackDraft.body_id.in_(actor.body_ids()))
    found = session.scalars(query).all()
    return DraftNews(
        [
            one
            for one in found
            if one.state == "sent" and allows(actor, "draft.publish", draft_facts(one)) and is_second(one, actor)
        ],
        [one for one in found if one.state == "drafting"],
        [one for one in found if one.state == "published"],
    )


def who_may_publish(
    session: Session, draft: PackDraft, bodies: Collection[str], *, now: datetime
) -> Sequence[User]:
    """Who is to publish a draft that was sent, but for who sent it or changed it last: the lead inspectors of its body.

    Administrators, where it needs one of them (`bodies`: the codes in its pack) or its body has nobody else.
    """
    day = today(now)
    rows = session.execute(
        select(Appointment.role, User)
        .join(User, User.id == Appointment.user_id)
        .where(
            or_(
                and_(Appointment.role == "lead_inspector", Appointment.oversight_body_id == draft.body_id),
                Appointment.role == "administrator",
            ),
            Appointment.starts <= day,
            (Appointment.ends.is_(None)) | (Appointment.ends >= day),
            User.active,
            User.id.not_in([one for one in (draft.sent_by_id, draft.edited_by_id) if one is not None]),
        )
        .order_by(User.id)
    ).all()
    found: dict[str, dict[int, User]] = {}
    for row in rows:
        found.setdefault(row.role, {})[row.User.id] = row.User
    leads = {} if needs_administrator(session, draft, bodies) else found.get("lead_inspector", {})
    return list((leads or found.get("administrator", {})).values())


def who_made(session: Session, draft: PackDraft, *, now: datetime) -> Sequence[User]:
    """Who began a draft and who sent it, as far as they may still read it."""
    ids = [one for one in (draft.made_by_id, draft.sent_by_id) if one is not None]
    return [
        user
        for user in session.scalars(select(User).where(User.id.in_(ids)).order_by(User.id))
        if allows(actor_of(session, user, now=now), "draft.read", draft_facts(draft))
    ]


@dataclass(frozen=True)
class Revision:
    """What one save changed: the files, and who did it when."""

    number: int
    names: Sequence[str]
    row: DraftFile


def revisions(session: Session, draft: PackDraft, *, page: int = 1) -> tuple[list[Revision], int]:
    """A page of what was saved in a draft, latest first, and how many pages there are."""
    page, pages = paged(draft.revision, PAGE, page)
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
