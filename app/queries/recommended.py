"""The recommendations of published reports: to whom, by when, what addressees say, and how they stand over time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Subquery, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, contains_eager, joinedload

from app.domain.message import N_
from app.models import (
    Agency,
    AuditReturn,
    AuditRound,
    Publication,
    Recommended,
    RecommendedResponse,
    RecommendedStatus,
)
from app.policy import Actor, RoundFacts, allows, require
from app.queries.own_types import types_where
from app.queries.rounds import NotFound, is_merged_clause, round_facts

# what an agency says to a recommendation, and how far it is with it
ANSWERS: dict[str, str] = {
    "accepted": N_("Accepted"),
    "partly": N_("Accepted in part"),
    "not_accepted": N_("Not accepted"),
}
PROGRESS: dict[str, str] = {
    "not_begun": N_("Not begun"),
    "under_way": N_("Under way"),
    "done": N_("Done"),
}
# how inspectors say that an addressee stands; before anything is said it is open
STATES: dict[str, str] = {
    "accepted": N_("Accepted"),
    "under_way": N_("Under way"),
    "done": N_("Done"),
    "not_accepted": N_("Not accepted"),
}


@dataclass(frozen=True)
class Addressee:
    """One addressee of a recommendation: an agency with its return, or (`return_id` empty) an oversight body.

    `response`: what the agency says itself; `status`: how inspectors say that it stands. None where nothing is said.
    """

    name: str
    return_id: str = ""
    code: str = ""
    status: RecommendedStatus | None = None
    response: RecommendedResponse | None = None

    @property
    def state(self) -> str:
        """How it stands, empty where nothing is said."""
        return self.status.state if self.status else ""


@dataclass(frozen=True)
class Addressed:
    """A recommendation to an agency, as its own people see it: what they said to it last, if anything."""

    row: Recommended
    response: RecommendedResponse | None


@dataclass(frozen=True)
class Tally:
    """A recommendation, how many of its addressees stand how (state to number, empty for those still open), and how
    many agencies responded."""

    row: Recommended
    total: int
    by_state: dict[str, int]
    responded: int = 0

    @property
    def waiting(self) -> int:
        """How many agencies have not responded yet to what is still recommended to them."""
        return self.total - self.responded if self.row.agency_type and self.row.withdrawn_in is None else 0


def _is_addressed() -> ColumnElement[bool]:
    """SQL: a return's agency is one of those that a recommendation to its type is for: one that there still is, and
    that was asked anything."""
    return (AuditReturn.stage != "nil") & ~is_merged_clause()


def _latest(model: type[RecommendedStatus] | type[RecommendedResponse]) -> Subquery:
    """SQL: the latest row of each recommendation and addressee."""
    return select(func.max(model.id).label("id")).group_by(model.recommended_id, model.return_id).subquery()


def recommended(session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime) -> list[Tally]:
    """The recommendations of a round by number, those that are made no more last, and how those addressed stand.

    Raises Denied.
    """
    require(actor, "composing.read", round_facts(session, audit_round, now=now))
    rows = session.scalars(
        select(Recommended)
        .where(Recommended.round_id == audit_round.id)
        .options(joinedload(Recommended.body))
        .order_by(Recommended.withdrawn_in.is_not(None), Recommended.number)
    ).all()
    if not rows:
        return []
    agencies = {
        row.agency_type: row.number
        for row in session.execute(
            select(AuditReturn.agency_type, func.count().label("number"))
            .where(AuditReturn.round_id == audit_round.id, _is_addressed())
            .group_by(AuditReturn.agency_type)
        )
    }
    latest = _latest(RecommendedStatus)
    said = session.execute(
        select(RecommendedStatus.recommended_id, RecommendedStatus.state, func.count().label("number"))
        .join(latest, latest.c.id == RecommendedStatus.id)
        .outerjoin(RecommendedStatus.audit_return)
        .where(
            RecommendedStatus.recommended_id.in_([row.id for row in rows]),
            RecommendedStatus.return_id.is_(None) | _is_addressed(),
        )
        .group_by(RecommendedStatus.recommended_id, RecommendedStatus.state)
    ).all()
    responded = {
        one.recommended_id: one.number
        for one in session.execute(
            select(
                RecommendedResponse.recommended_id,
                func.count(RecommendedResponse.return_id.distinct()).label("number"),
            )
            .join(RecommendedResponse.audit_return)
            .where(RecommendedResponse.recommended_id.in_([row.id for row in rows]), _is_addressed())
            .group_by(RecommendedResponse.recommended_id)
        )
    }
    found = []
    for row in rows:
        by_state = {one.state: one.number for one in said if one.recommended_id == row.id}
        total = agencies.get(row.agency_type, 0) if row.agency_type else 1
        still_open = max(0, total - sum(by_state.values()))
        found.append(Tally(row, total, {"": still_open, **by_state}, responded.get(row.id, 0)))
    return found


def withdrawn_on(session: Session, rows: Collection[Recommended]) -> dict[int, datetime]:
    """When some recommendations were withdrawn: the id of each that was, to when the edition without it came out.

    One statement, and none where none was. The caller asked policy for the rows.
    """
    if all(row.withdrawn_in is None for row in rows):
        return {}
    found = session.execute(
        select(Recommended.id, Publication.at)
        .join(
            Publication,
            (Publication.round_id == Recommended.round_id) & (Publication.number == Recommended.withdrawn_in),
        )
        .where(Recommended.id.in_([row.id for row in rows]))
    )
    return {row.id: row.at for row in found}


def one_recommended(session: Session, audit_round: AuditRound, public_id: str) -> Recommended:
    """A recommendation of a round. Raises NotFound. The caller asked policy for the round."""
    row = session.scalar(
        select(Recommended)
        .where(Recommended.round_id == audit_round.id, Recommended.public_id == public_id)
        .options(joinedload(Recommended.body))
    )
    if row is None:
        raise NotFound
    return row


def get_recommended(
    session: Session, audit_round: AuditRound, public_id: str, return_id: str
) -> tuple[Recommended, AuditReturn | None]:
    """A recommendation of a round, and the return of the agency that is named. Raises NotFound. The caller asked policy
    for the round."""
    row = one_recommended(session, audit_round, public_id)
    if bool(return_id) != bool(row.agency_type):
        raise NotFound
    if not return_id:
        return row, None
    audit_return = session.scalar(
        select(AuditReturn)
        .where(
            AuditReturn.round_id == audit_round.id, AuditReturn.public_id == return_id,
            AuditReturn.agency_type == row.agency_type,
        )
        .options(joinedload(AuditReturn.agency))
    )  # fmt: skip
    if audit_return is None:
        raise NotFound
    return row, audit_return


def may_track(
    session: Session, row: Recommended, audit_return: AuditReturn | None, *, actor: Actor, now: datetime
) -> bool:
    """Whether the actor may say how an addressee stands: inspectors of an agency's type, and of the body itself."""
    if audit_return is not None:
        return row.agency_type in types_where(row.audit_round, actor, "return.follow_up")
    facts = RoundFacts(body_ids=frozenset({row.oversight_body_id or 0}), owner_id=None)
    return allows(actor, "composing.edit", facts)


def standing_on(
    session: Session, audit_round: AuditRound, row: Recommended, *, actor: Actor, page: int, size: int,
    waiting: bool = False,
) -> tuple[list[Addressee], int]:  # fmt: skip
    """A page of the addressees of a recommendation with how each stands, by name, and how many there are; where
    `waiting`, of the agencies that have not responded.

    Single agencies are for inspectors of their type: for others there are none. The caller got the round.
    """
    if not row.agency_type:
        return standing_on_all(session, audit_round, [row], actor=actor)[row.id], 1
    if row.agency_type not in types_where(audit_round, actor, "return.follow_up"):
        return [], 0
    wanted = (AuditReturn.round_id == audit_round.id) & (AuditReturn.agency_type == row.agency_type) & _is_addressed()
    if waiting:
        wanted &= ~_has_responded(row.id)
    total = session.scalar(select(func.count()).select_from(AuditReturn).where(wanted)) or 0
    shown = _AGENCIES.where(wanted).offset((page - 1) * size).limit(size)
    return _stand(session, [row], session.execute(shown).all())[row.id], total


def _has_responded(recommended: int | InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """SQL: a return's agency said something to a recommendation, given by its id."""
    return (
        select(RecommendedResponse.id)
        .where(RecommendedResponse.return_id == AuditReturn.id, RecommendedResponse.recommended_id == recommended)
        .exists()
    )


def standing_on_all(
    session: Session, audit_round: AuditRound, rows: Sequence[Recommended], *, actor: Actor
) -> dict[int, list[Addressee]]:
    """All addressees of some recommendations of a round by the recommendation's id, as `standing_on`.

    Three statements. The caller got the round.
    """
    return addressees_of(session, audit_round, rows, types_where(audit_round, actor, "return.follow_up"))


def addressees_of(
    session: Session, audit_round: AuditRound, rows: Sequence[Recommended], types: Collection[str]
) -> dict[int, list[Addressee]]:
    """All addressees of some recommendations, agencies of some types alone. The caller asked policy for those types, or
    shows nothing of single ones."""
    wanted = {row.agency_type for row in rows} & set(types)
    agencies = _AGENCIES.where(
        AuditReturn.round_id == audit_round.id, AuditReturn.agency_type.in_(wanted), _is_addressed()
    )
    return _stand(session, rows, session.execute(agencies).all())


_AGENCIES = (
    select(AuditReturn.id, AuditReturn.public_id, AuditReturn.agency_type, Agency.name, Agency.code)
    .join(Agency, Agency.id == AuditReturn.agency_id)
    .order_by(Agency.name, AuditReturn.id)
)


def _stand(session: Session, rows: Sequence[Recommended], returns: Sequence[Any]) -> dict[int, list[Addressee]]:
    """What is said last about, and by, these agencies on these recommendations, or about the body addressed."""
    statuses = _newest(session, RecommendedStatus, rows, returns)
    said = _newest(session, RecommendedResponse, rows, returns)
    return {
        row.id: [Addressee(row.body.name, status=statuses.get((row.id, None)))]
        if row.body is not None
        else [
            Addressee(one.name, one.public_id, one.code, statuses.get((row.id, one.id)), said.get((row.id, one.id)))
            for one in returns
            if one.agency_type == row.agency_type
        ]
        for row in rows
    }


def _newest(
    session: Session, model: type[Any], rows: Sequence[Recommended], returns: Sequence[Any]
) -> dict[tuple[int, int | None], Any]:  # fmt: skip
    """The latest rows of some recommendations by recommendation and return; those about a body have no return."""
    latest = _latest(model)
    found = session.scalars(
        select(model)
        .join(latest, latest.c.id == model.id)
        .where(
            model.recommended_id.in_([row.id for row in rows]),
            or_(model.return_id.is_(None), model.return_id.in_([one.id for one in returns])),
        )
    )
    return {(one.recommended_id, one.return_id): one for one in found}


def over_time(
    session: Session, row: Recommended, audit_return: AuditReturn | None
) -> Sequence[RecommendedStatus]:
    """All that was said about how one addressee stands, the newest first. The caller asked `may_track`."""
    return session.scalars(
        select(RecommendedStatus)
        .where(
            RecommendedStatus.recommended_id == row.id,
            RecommendedStatus.return_id == (audit_return.id if audit_return else None),
        )
        .options(joinedload(RecommendedStatus.by))
        .order_by(RecommendedStatus.id.desc())
    ).all()


# --- as an addressed agency sees it ----------------------------------------------------------------------------------


def addressed_to(session: Session, audit_return: AuditReturn) -> list[Addressed]:
    """What the published report of its round recommends to the agency of a return, by number, and its responses.

    Those that are made no more come last. The caller asked policy for the return.
    """
    latest = (
        select(func.max(RecommendedResponse.id))
        .where(RecommendedResponse.return_id == audit_return.id)
        .group_by(RecommendedResponse.recommended_id)
    )
    rows = session.execute(
        select(Recommended, RecommendedResponse)
        .outerjoin(
            RecommendedResponse,
            (RecommendedResponse.recommended_id == Recommended.id) & RecommendedResponse.id.in_(latest),
        )
        .where(Recommended.round_id == audit_return.round_id, Recommended.agency_type == audit_return.agency_type)
        .order_by(Recommended.withdrawn_in.is_not(None), Recommended.number)
    )
    return [Addressed(row.Recommended, row.RecommendedResponse) for row in rows]


def to_answer(every: Sequence[Addressed]) -> int:
    """How many recommendations an agency has said nothing to yet."""
    return sum(one.response is None and one.row.withdrawn_in is None for one in every)


def one_addressed(session: Session, audit_return: AuditReturn, public_id: str) -> Recommended:
    """A recommendation to the agency of a return. Raises NotFound. The caller asked policy for the return."""
    row = session.scalar(
        select(Recommended).where(
            Recommended.round_id == audit_return.round_id, Recommended.public_id == public_id,
            Recommended.agency_type == audit_return.agency_type,
        )
    )  # fmt: skip
    if row is None:
        raise NotFound
    return row


def responses(session: Session, row: Recommended, audit_return: AuditReturn) -> Sequence[RecommendedResponse]:
    """All that the agency of a return said to a recommendation, the newest first. The caller asked policy."""
    return session.scalars(
        select(RecommendedResponse)
        .where(RecommendedResponse.recommended_id == row.id, RecommendedResponse.return_id == audit_return.id)
        .options(joinedload(RecommendedResponse.by))
        .order_by(RecommendedResponse.id.desc())
    ).all()


# --- who is to be reminded -------------------------------------------------------------------------------------------


def in_force_everywhere(session: Session) -> Sequence[Recommended]:
    """What is recommended to agencies in rounds that are not archived, with their rounds; no demonstration's."""
    return session.scalars(
        select(Recommended)
        .join(Recommended.audit_round)
        .where(
            Recommended.agency_type != "", Recommended.withdrawn_in.is_(None), AuditRound.archived_at.is_(None),
            ~AuditRound.is_demonstration,
        )
        .options(contains_eager(Recommended.audit_round))
        .order_by(Recommended.id)
    ).all()  # fmt: skip


def without_response(session: Session, rows: Sequence[Recommended]) -> list[tuple[Recommended, AuditReturn]]:
    """Each of some recommendations with the returns of those agencies that have said nothing to it."""
    found = session.execute(
        select(Recommended, AuditReturn)
        .join(
            AuditReturn,
            (AuditReturn.round_id == Recommended.round_id) & (AuditReturn.agency_type == Recommended.agency_type),
        )
        .where(
            Recommended.id.in_([row.id for row in rows]),
            _is_addressed(),
            ~_has_responded(Recommended.id),
        )
        .options(joinedload(AuditReturn.agency))
        .order_by(AuditReturn.id, Recommended.id)
    )
    return [(row.Recommended, row.AuditReturn) for row in found]
