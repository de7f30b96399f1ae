"""Sharing a return out: who has which part of it, how far they are, and who is appointed at its agency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session, aliased, contains_eager, joinedload

from app.clock import today
from app.models import (
    Appointment,
    Assignment,
    AuditReturn,
    AuditRound,
    Merger,
    SelfAssessmentVersion,
    SignInLink,
    User,
)
from app.policy import Actor
from app.queries.returns import Checklist, Item, Section
from app.queries.rounds import NotFound
from app.queries.sign_in import links_are_on

OPEN = ("open", "sent_back")  # the states in which it is the colleague's turn
EDITORS = ("accountable_signatory", "audit_lead", "contributor")  # whom parts can be given to
# whose joining link their own agency may hand out: a signatory's would let others sign
HANDED_OUT = ("audit_lead", "contributor", "board_reader")


@dataclass(frozen=True)
class Share:
    """A part of a return that somebody has: a standard or one criterion of it, with its questions as they stand.

    `items` is empty where answers elsewhere made all of it not applicable. `number` and `title` are as pages say them.
    """

    assignment: Assignment
    number: str
    title: Any
    items: Sequence[Item]

    @property
    def is_whole(self) -> bool:
        """Whether it is a whole standard."""
        return not self.assignment.criterion

    @property
    def is_open(self) -> bool:
        """Whether it is the colleague's turn."""
        return self.assignment.state in OPEN

    @property
    def finished(self) -> int:
        """How many of its questions are answered with nothing outstanding."""
        return sum(1 for item in self.items if item.started and not item.outstanding)

    @property
    def required_left(self) -> list[Item]:
        """The questions that stand in the way of signing: required, or begun and left incomplete."""
        return [item for item in self.items if item.outstanding and (item.required or item.started)]

    @property
    def optional_left(self) -> list[Item]:
        """The questions that may stay unanswered, and are."""
        return [item for item in self.items if not item.started and not item.required]

    @property
    def next_item(self) -> Item | None:
        """The question to go on with."""
        return next(iter(self.required_left or self.optional_left or self.items), None)


def shares(session: Session, work: Checklist, *, user_id: int | None = None) -> list[Share]:
    """Every part of a return that is given to somebody, or to one person, in the order of its questions."""
    query = (
        select(Assignment)
        .where(Assignment.return_id == work.audit_return.id)
        .options(joinedload(Assignment.user))
    )
    if user_id is not None:
        query = query.where(Assignment.user_id == user_id)
    return _placed(session.scalars(query).all(), work)


def get_share(session: Session, work: Checklist, public_id: str, *, user_id: int | None = None) -> Share:
    """One part of a return by the public id of its assignment; of one person only, where that is given.

    Raises NotFound.
    """
    for share in shares(session, work, user_id=user_id):
        if share.assignment.public_id == public_id:
            return share
    raise NotFound


def _placed(rows: Sequence[Assignment], work: Checklist) -> list[Share]:
    items = {section.standard.id: section.questions for section in work.sections}
    places = {standard.id: place for place, standard in enumerate(work.template.standards, start=1)}
    criteria = {placed.criterion.id: placed.position for placed in work.template.criteria()}
    found = []
    for row in sorted(
        rows,
        key=lambda row: (places[row.standard], criteria.get(row.criterion, -1), row.user.name.casefold(), row.id),
    ):
        own = items.get(row.standard, ())
        if row.criterion:
            criterion = work.template.criterion(row.criterion)
            own = tuple(item for item in own if item.criterion.id == row.criterion)
            found.append(Share(row, work.template.number_of(criterion), criterion.question, own))
        else:
            standard = work.template.standards[places[row.standard] - 1]
            found.append(Share(row, str(places[row.standard]), standard.title, tuple(own)))
    return found


def by_standard(found: Sequence[Share]) -> dict[str, list[Share]]:
    """Parts by the standard that they belong to."""
    grouped: dict[str, list[Share]] = {}
    for share in found:
        grouped.setdefault(share.assignment.standard, []).append(share)
    return grouped


def without_anybody(work: Checklist, found: Sequence[Share]) -> list[Section]:
    """The standards of which at least one question is nobody's."""
    grouped = by_standard(found)
    left = []
    for section in work.sections:
        own = grouped.get(section.standard.id, [])
        given = {share.assignment.criterion for share in own}
        if "" not in given and any(item.criterion.id not in given for item in section.questions):
            left.append(section)
    return left


def returns_with_open_shares(session: Session, *, actor: Actor) -> list[AuditReturn]:
    """The returns, not submitted yet, in which it is the actor's turn to answer something; newest round first."""
    agencies = {held.agency_id for held in actor.held if held.agency_id and held.role in EDITORS}
    if not agencies:
        return []
    waiting = (
        select(Assignment.id)
        .where(
            Assignment.return_id == AuditReturn.id,
            Assignment.user_id == actor.user_id,
            Assignment.state.in_(OPEN),
        )
        .exists()
    )
    return list(
        session.scalars(
            select(AuditReturn)
            .join(AuditReturn.audit_round)
            .where(
                AuditReturn.agency_id.in_(agencies),
                AuditReturn.stage.in_(("invited", "started")),
                AuditRound.stage == "open",
                waiting,
            )
            .options(
                contains_eager(AuditReturn.audit_round),
                joinedload(AuditReturn.agency),
                joinedload(AuditReturn.merger).joinedload(Merger.into),
            )
            .order_by(AuditRound.opens.desc(), AuditReturn.id)
        )
    )


def returns_with_shares(session: Session, *, actor: Actor) -> list[str]:
    """The public ids of the returns of the actor's agencies in which they have a part, whatever its state."""
    agencies = {held.agency_id for held in actor.held if held.agency_id}
    return list(
        session.scalars(
            select(AuditReturn.public_id)
            .join(AuditReturn.audit_round)
            .where(
                AuditReturn.agency_id.in_(agencies),
                AuditRound.stage == "open",
                select(Assignment.id)
                .where(Assignment.return_id == AuditReturn.id, Assignment.user_id == actor.user_id)
                .exists(),
            )
            .order_by(AuditRound.opens.desc(), AuditReturn.id)
        )
    )


def last_saves(session: Session, audit_return: AuditReturn) -> Mapping[int, datetime]:
    """When each person last saved an answer of a return."""
    rows = session.execute(
        select(SelfAssessmentVersion.saved_by_id, func.max(SelfAssessmentVersion.saved_at))
        .where(SelfAssessmentVersion.return_id == audit_return.id)
        .group_by(SelfAssessmentVersion.saved_by_id)
    )
    return {row[0]: row[1] for row in rows if row[0] is not None}


# --- the people of the agency ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Colleague:
    """Somebody's appointment at the agency. `standing`: `now`, `later` or `over`.

    `has_joined`: they have a password, or came in by a link. `may_hand_out`: their own agency may make a link that
    lets them in and hand it out: they have not joined, and it opens nothing but this agency, and no signature.
    """

    appointment: Appointment
    user: User
    standing: str
    has_joined: bool
    may_hand_out: bool


def colleagues(session: Session, audit_return: AuditReturn, *, now: datetime) -> list[Colleague]:
    """Everybody who is or was appointed at the agency of a return: in force first, then to come, then over.

    The caller got the return through `get_return` with `return.share`.
    """
    day = today(now)
    other = aliased(Appointment)
    beyond = (
        select(other.id)
        .where(
            other.user_id == User.id,
            or_(
                other.agency_id.is_(None),
                other.agency_id != audit_return.agency_id,
                other.role.not_in(HANDED_OUT),
            ),
        )
        .exists()
    )
    came_by_link = (
        select(SignInLink.id)
        .where(
            SignInLink.user_id == User.id, SignInLink.purpose == "sign_in", SignInLink.used_at.is_not(None)
        )
        .exists()
    )
    order = case(
        (and_(Appointment.starts <= day, or_(Appointment.ends.is_(None), Appointment.ends >= day)), 0),
        (Appointment.starts > day, 1),
        else_=2,
    )
    rows = session.execute(
        select(Appointment, order.label("place"), beyond.label("beyond"), came_by_link.label("came"))
        .join(Appointment.user)
        .where(Appointment.agency_id == audit_return.agency_id)
        .options(contains_eager(Appointment.user))
        .order_by(order, User.name, Appointment.id)
    ).all()
    links_on = links_are_on(session)
    found = []
    for row in rows:
        user = row.Appointment.user
        # whoever came by a link asks for the next one by themselves; with links switched off they need a password
        joined = user.password is not None or (row.came and links_on)
        standing = ("now", "later", "over")[row.place]
        found.append(
            Colleague(
                row.Appointment, user, standing, joined,
                may_hand_out=not joined and not row.beyond and user.active and standing != "over",
            )
        )  # fmt: skip
    return found


def assignable(session: Session, audit_return: AuditReturn, *, now: datetime) -> list[User]:
    """The people who may answer for the agency of a return today, by name."""
    day = today(now)
    return list(
        session.scalars(
            select(User)
            .where(
                User.active,
                select(Appointment.id)
                .where(
                    Appointment.user_id == User.id,
                    Appointment.agency_id == audit_return.agency_id,
                    Appointment.role.in_(EDITORS),
                    Appointment.starts <= day,
                    (Appointment.ends.is_(None)) | (Appointment.ends >= day),
                )
                .exists(),
            )
            .order_by(User.name, User.id)
        )
    )


def get_appointment_at(session: Session, audit_return: AuditReturn, public_id: str) -> Appointment:
    """One appointment at the agency of a return, with its person. Raises NotFound for any other."""
    found = session.scalar(
        select(Appointment)
        .where(Appointment.public_id == public_id, Appointment.agency_id == audit_return.agency_id)
        .options(joinedload(Appointment.user))
    )
    if found is None:
        raise NotFound
    return found


