"""Reading peer reviews: the reviewer's own desk, and what the oversight body sees of them; scrutineers' comments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, literal, or_, select
from sqlalchemy.orm import Session, aliased, contains_eager, joinedload

from app.clock import today
from app.models import (
    Agency,
    AgencyInArea,
    Appointment,
    AuditReturn,
    AuditRound,
    PeerReview,
    RoundTemplate,
    Submission,
    SubmissionVoided,
    TemplateVersion,
    Thread,
    User,
)
from app.policy import Actor, require
from app.queries.conflicts import in_conflict, was_appointed_at, works_in_area_of
from app.queries.own_types import types_where
from app.queries.rounds import NotFound, round_facts
from app.queries.threads import threads_of

KIND = "peer"
COMMENT = "comment"


# --- the reviewer's desk ---------------------------------------------------------------------------------------------


def _mine(actor: Actor, *, now: datetime) -> Select[PeerReview, bool]:
    """The reviews of a reviewer whose appointment at a body that asks the agency's type is in force."""
    bodies = {held.oversight_body_id for held in actor.holding("peer_reviewer")}
    asks = (
        select(RoundTemplate.id)
        .where(
            RoundTemplate.round_id == AuditReturn.round_id,
            RoundTemplate.agency_type == AuditReturn.agency_type,
            RoundTemplate.oversight_body_id.in_(bodies),
        )
        .exists()
    )
    return (
        select(PeerReview, in_conflict(PeerReview.user_id, AuditReturn.agency_id, today(now)).label("in_conflict"))
        .join(PeerReview.audit_return)
        .join(AuditReturn.agency)
        .join(AuditReturn.audit_round)
        .where(PeerReview.user_id == actor.user_id, asks, AuditRound.stage == "open")
        .options(
            contains_eager(PeerReview.audit_return).options(
                contains_eager(AuditReturn.agency),
                contains_eager(AuditReturn.audit_round),
                joinedload(AuditReturn.template_version).joinedload(TemplateVersion.pack_version),
            )
        )
    )


@dataclass(frozen=True)
class Mine:
    """One of the reviewer's reviews. `in_conflict`: something came up since it was assigned that stands in the way."""

    review: PeerReview
    in_conflict: bool

    @property
    def state(self) -> str:
        """`to_declare`, `waiting` (reopened: nothing stands to be read), `open`, `finished` or `ended`."""
        review = self.review
        if review.ended_at or self.in_conflict:
            return "ended"
        if review.declared_at is None:
            return "to_declare"
        if review.audit_return.stage != "submitted":
            return "waiting"
        return "finished" if review.finished_at else "open"


def my_reviews(session: Session, *, actor: Actor, now: datetime) -> Sequence[Mine]:
    """The reviews that were assigned to the actor, what is still to be done first. They tell no more than which agency
    it is until the actor has declared that no conflict stands in the way.
    """
    require(actor, "peer.desk")
    order = ["to_declare", "open", "waiting", "finished", "ended"]
    found = [Mine(review, in_conflict) for review, in_conflict in session.execute(_mine(actor, now=now))]
    return sorted(found, key=lambda mine: (order.index(mine.state), mine.review.audit_return.agency.name))


def my_review(session: Session, public_id: str, *, actor: Actor, now: datetime, lock: bool = False) -> Mine:
    """One review of the actor's own. With `lock` it and its return are held until the transaction ends.

    Raises NotFound.
    """
    require(actor, "peer.desk")
    query = _mine(actor, now=now).where(PeerReview.public_id == public_id)
    if lock:
        query = query.with_for_update(of=[PeerReview, AuditReturn]).execution_options(populate_existing=True)
    row = session.execute(query).one_or_none()
    if row is None:
        raise NotFound
    return Mine(row[0], row[1])


def standing_submission(session: Session, audit_return: AuditReturn) -> Submission | None:
    """The submission that a peer reads: the latest, unless it was set aside."""
    return session.scalar(
        select(Submission)
        .outerjoin(SubmissionVoided, SubmissionVoided.submission_id == Submission.id)
        .where(Submission.return_id == audit_return.id, SubmissionVoided.id.is_(None))
        .order_by(Submission.number.desc())
        .limit(1)
    )


def my_challenges(session: Session, review: PeerReview) -> Sequence[Thread]:
    """What the reviewer challenged in this review, latest first, with the answers."""
    every = threads_of(session, review.audit_return, kinds=(KIND,))
    return [one for one in every if one.opened_by_id == review.user_id]


# --- what the oversight body sees ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reviewed:
    """One submitted return of a round with its reviews, and how many challenges wait, are answered and are closed."""

    public_id: str
    agency: str
    agency_type: str
    subtype: str
    reviews: Sequence[PeerReview]
    challenges: dict[str, int]


def reviews_of_round(
    session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime
) -> Sequence[Reviewed]:
    """The returns of one's own types that are submitted, or were reviewed, by name. Three statements."""
    require(actor, "peers.read", round_facts(session, audit_round, now=now))
    types = types_where(audit_round, actor, "return.read_challenges")
    mine = (AuditReturn.round_id == audit_round.id, AuditReturn.agency_type.in_(types))
    reviews: dict[int, list[PeerReview]] = defaultdict(list)
    for review in session.scalars(
        select(PeerReview)
        .join(PeerReview.audit_return)
        .where(*mine)
        .options(joinedload(PeerReview.user))
        .order_by(PeerReview.id)
    ):
        reviews[review.return_id].append(review)
    challenges: dict[int, dict[str, int]] = defaultdict(dict)
    for row in session.execute(
        select(Thread.return_id, Thread.state, func.count().label("number"))
        .join(Thread.audit_return)
        .where(*mine, Thread.kind == KIND)
        .group_by(Thread.return_id, Thread.state)
    ):
        challenges[row.return_id][row.state] = row.number
    returns = session.execute(
        select(AuditReturn.id, AuditReturn.public_id, Agency.name, AuditReturn.agency_type, AuditReturn.subtype)
        .join(AuditReturn.agency)
        .where(*mine, or_(AuditReturn.stage == "submitted", AuditReturn.id.in_(reviews)))
        .order_by(Agency.name, AuditReturn.id)
    )
    return [
        Reviewed(public_id, name, agency_type, subtype, reviews.get(id_, ()), challenges.get(id_, {}))
        for id_, public_id, name, agency_type, subtype in returns
    ]


def reviews_of_return(session: Session, audit_return: AuditReturn) -> Sequence[PeerReview]:
    """The reviews of a return, got with `return.read_challenges`, first assigned first."""
    return session.scalars(
        select(PeerReview)
        .where(PeerReview.return_id == audit_return.id)
        .options(joinedload(PeerReview.user), joinedload(PeerReview.assigned_by))
        .order_by(PeerReview.id)
    ).all()


def review_of_return(session: Session, audit_return: AuditReturn, public_id: str) -> PeerReview:
    """One review of a return, its row read anew. Raises NotFound."""
    review = session.scalar(
        select(PeerReview)
        .where(PeerReview.return_id == audit_return.id, PeerReview.public_id == public_id)
        .options(joinedload(PeerReview.user))
        .execution_options(populate_existing=True)
    )
    if review is None:
        raise NotFound
    return review


@dataclass(frozen=True)
class Candidate:
    """Somebody who could review a return, and what stands in the way: `agency`, `area`, `assigned`, or nothing.

    `works_at`: the agencies where they are appointed today.
    """

    user: User
    obstacle: str
    works_at: Sequence[str]


def candidates(session: Session, audit_return: AuditReturn, *, now: datetime) -> Sequence[Candidate]:
    """The peer reviewers of the bodies that ask a return's type, by name, with what excludes each. Two statements."""
    day = today(now)
    held, served = aliased(Appointment), aliased(RoundTemplate)
    rows = session.execute(
        select(
            User,
            was_appointed_at(User.id, audit_return.agency_id).label("agency"),
            works_in_area_of(User.id, audit_return.agency_id, day).label("area"),
            select(PeerReview.id)
            .where(PeerReview.user_id == User.id, PeerReview.return_id == audit_return.id)
            .exists()
            .label("assigned"),
        )
        .where(
            User.active.is_(True),
            select(held.id)
            .join(served, served.oversight_body_id == held.oversight_body_id)
            .where(
                held.user_id == User.id, held.role == "peer_reviewer", held.starts <= day,
                or_(held.ends.is_(None), held.ends >= day), served.round_id == audit_return.round_id,
                served.agency_type == audit_return.agency_type,
            )
            .exists(),
        )
        .order_by(User.name, User.id)
    ).all()  # fmt: skip
    works_at: dict[int, list[str]] = defaultdict(list)
    for user_id, name in session.execute(
        select(Appointment.user_id, Agency.name)
        .join(Agency, Agency.id == Appointment.agency_id)
        .where(
            Appointment.user_id.in_([row.User.id for row in rows]), Appointment.starts <= day,
            or_(Appointment.ends.is_(None), Appointment.ends >= day),
        )
        .distinct()
        .order_by(Agency.name)
    ):  # fmt: skip
        works_at[user_id].append(name)
    return [
        Candidate(
            row.User,
            "assigned" if row.assigned else "agency" if row.agency else "area" if row.area else "",
            works_at.get(row.User.id, ()),
        )
        for row in rows
    ]


# --- scrutineers of an area ------------------------------------------------------------------------------------------


def comments_of_areas(session: Session, audit_return: AuditReturn, *, actor: Actor) -> Sequence[Thread]:
    """What scrutineers said about a return: to a coordinator what their own areas said; to an inspector all.

    The caller got the return with `return.scrutinise` or `return.read_challenges`.
    """
    every = threads_of(session, audit_return, kinds=(COMMENT,))
    areas = {held.area_id for held in actor.holding("area_coordinator")}
    if not areas or any(held.role in ("inspector", "lead_inspector") for held in actor.held):
        return every
    own = _people_of_areas(session, audit_return, areas)
    return [one for one in every if one.opened_by_id in own]


def _people_of_areas(
    session: Session, audit_return: AuditReturn, areas: Collection[int | None]
) -> frozenset[int]:
    """Who is or was a coordinator of one of the areas that the agency works in too."""
    return frozenset(
        session.scalars(
            select(Appointment.user_id)
            .join(AgencyInArea, AgencyInArea.area_id == Appointment.area_id)
            .where(
                AgencyInArea.agency_id == audit_return.agency_id, Appointment.area_id.in_(areas),
                literal("area_coordinator") == Appointment.role,
            )
        )
    )  # fmt: skip
