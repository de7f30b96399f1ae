"""Reading follow-up: how agencies stand on each recommendation, who is monitored, and what was asked of them.

For oversight bodies only. In a fixed number of statements however many agencies there are; what a state means is
decided in `app.domain.follow_up`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import chain
from typing import cast

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from app.clock import today
from app.domain.follow_up import Stand, State
from app.domain.recommendations import Cited, recommendations
from app.domain.templates import Pack
from app.models import (
    Agency,
    AgencyInArea,
    Area,
    AuditReturn,
    AuditRound,
    Monitoring,
    RecommendationStatus,
    Thread,
)
from app.policy import Actor, require
from app.queries.moderation import hidden_from
from app.queries.own_types import types_where
from app.queries.packs import pack_of
from app.queries.rounds import NotFound, is_merged_clause, round_facts
from app.queries.stands import Standable, Stands, stands_of, unlikely_by, work_out

ATTENTION = ("overdue", "unlikely")  # the states that monitoring is proposed for
NOTHING = Stands()


# --- how agencies stand ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Standing:
    """How one agency stands on one recommendation: what follows, and an inspector's word over it, if any."""

    recommendation: str
    stand: Stand
    word: RecommendationStatus | None = None

    @property
    def state(self) -> State:
        """The state that holds: the inspector's word, or else what follows."""
        return cast(State, self.word.state) if self.word else self.stand.state


@dataclass  # not frozen: eight hundred are made for a page, and that would double what they take
class Line:
    """One agency that is followed up. `stands` is empty while nothing stands submitted.

    `words`: what inspectors say over what follows, by recommendation.
    """

    return_id: int
    public_id: str
    name: str
    code: str
    agency_type: str
    subtype: str
    submitted: bool
    stands: Stands
    words: Mapping[str, RecommendationStatus]
    monitored: Mapping[str, Monitoring]
    requests: int = 0  # requests for progress that are not closed

    def standing(self, recommendation: str) -> Standing:
        """How the agency stands on one recommendation that concerns it."""
        return Standing(recommendation, self.stands[recommendation], self.words.get(recommendation))

    @property
    def standings(self) -> dict[str, Standing]:
        """How the agency stands on each. Made anew when asked for: most pages need the states of hundreds only."""
        return {key: self.standing(key) for key in self.stands}

    @cached_property
    def states(self) -> dict[str, State]:
        """The state that holds for each recommendation."""
        if not self.words:
            return self.stands.states
        found = dict(self.stands.states)
        for key, word in self.words.items():
            if key in found:
                found[key] = cast(State, word.state)
        return found

    @property
    def places(self) -> Sequence[str]:
        """The same as `RECOMMENDATION STATE`."""
        return [f"{key} {state}" for key, state in self.states.items()] if self.words else self.stands.places

    @property
    def numbers(self) -> Counter[str]:
        """How many recommendations are in each state."""
        return Counter(self.states.values()) if self.words else self.stands.numbers

    @property
    def unlikely_by(self) -> frozenset[str]:
        """The milestones by which some recommendation is unlikely to be met."""
        return unlikely_by(self.stands, self.states) if self.words else self.stands.unlikely_by


@dataclass(frozen=True)
class Wanted:
    """What follow-up is narrowed to; empty means all."""

    agency_type: str = ""
    subtype: str = ""
    area: str = ""  # its public id
    milestone: str = ""


@dataclass(frozen=True)
class FollowedUp:
    """A round's agencies, as far as one's own bodies ask their types, and how each stands."""

    audit_round: AuditRound
    pack: Pack
    cited: Sequence[Cited]
    lines: Sequence[Line]

    @cached_property
    def counts(self) -> dict[str, Counter[str]]:
        """Recommendation to state to the number of agencies."""
        found: dict[str, Counter[str]] = {one.key: Counter() for one in self.cited}
        together = Counter(chain.from_iterable(line.places for line in self.lines))
        for place, number in together.items():
            key, _space, state = place.rpartition(" ")
            found[key][state] = number
        return found

    @cached_property
    def agencies(self) -> Counter[str]:
        """State to the number of agencies with at least one recommendation in it."""
        return Counter(chain.from_iterable(line.numbers.keys() for line in self.lines))

    @cached_property
    def unlikely_by(self) -> Counter[str]:
        """Milestone to the number of agencies that are unlikely to meet some recommendation by it."""
        return Counter(chain.from_iterable(line.unlikely_by for line in self.lines))

    @property
    def submitted(self) -> int:
        """How many agencies there is anything to say of."""
        return sum(1 for line in self.lines if line.submitted)


def followed_up(
    session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime, wanted: Wanted = Wanted(),
    return_id: int | None = None,
) -> FollowedUp:  # fmt: skip
    """How the agencies of a round stand, by name: those whose types the actor's bodies ask. Raises Denied.

    Nothing is expected of nil returns and of agencies that were merged before they submitted: they are left out. With
    `return_id`, one return alone.
    """
    require(actor, "follow_up.read", round_facts(session, audit_round, now=now))
    pack = pack_of(audit_round.pack_version)
    types = types_where(audit_round, actor, "return.follow_up")
    if wanted.agency_type:
        types &= {wanted.agency_type}
    cited = recommendations(pack, types, milestone=wanted.milestone)
    # as a condition of every statement, so that none names eight hundred returns
    conditions = [AuditReturn.round_id == audit_round.id, AuditReturn.agency_type.in_(types)]
    if return_id is not None:
        conditions.append(AuditReturn.id == return_id)
    if wanted.subtype:
        conditions.append(AuditReturn.subtype == wanted.subtype)
    if wanted.area:
        day = today(now)
        conditions.append(
            select(AgencyInArea.id)
            .join(AgencyInArea.area)
            .where(
                AgencyInArea.agency_id == AuditReturn.agency_id, Area.public_id == wanted.area,
                AgencyInArea.starts <= day, or_(AgencyInArea.ends.is_(None), AgencyInArea.ends >= day),
            )
            .exists()
        )  # fmt: skip
    rows = session.execute(
        select(
            AuditReturn.id, AuditReturn.public_id, AuditReturn.agency_type, AuditReturn.subtype, AuditReturn.stage,
            AuditReturn.submitted_at, Agency.name, Agency.code,
        )
        .join(AuditReturn.agency)
        .where(
            *conditions, AuditReturn.stage != "nil", or_(AuditReturn.stage == "submitted", ~is_merged_clause())
        )
        .order_by(Agency.name, AuditReturn.id)
    ).all()  # fmt: skip
    hidden = hidden_from(session, audit_round, actor)
    submitted = [
        Standable(row.id, row.agency_type, row.subtype, row.submitted_at, row.id in hidden)
        for row in rows
        if row.stage == "submitted"
    ]
    # what is kept is for the pages of a round; one return alone is read as it is, in the midst of a change too
    read = stands_of if return_id is None else work_out
    stands = read(session, audit_round, conditions, submitted, milestone=wanted.milestone, day=today(now))
    words: dict[int, dict[str, RecommendationStatus]] = defaultdict(dict)
    for word in session.scalars(
        select(RecommendationStatus)
        .join(AuditReturn, AuditReturn.id == RecommendationStatus.return_id)
        .where(*conditions)
        .options(joinedload(RecommendationStatus.by))
    ):
        words[word.return_id][word.recommendation] = word
    monitored: dict[int, dict[str, Monitoring]] = defaultdict(dict)
    for one in session.scalars(
        select(Monitoring).join(Monitoring.audit_return).where(*conditions, Monitoring.cleared_at.is_(None))
    ):
        monitored[one.return_id][one.recommendation] = one
    requests: dict[int, int] = {
        row.return_id: row.number
        for row in session.execute(
            select(Thread.return_id, func.count().label("number"))
            .join(Thread.audit_return)
            .where(*conditions, Thread.kind == "progress", Thread.state != "closed")
            .group_by(Thread.return_id)
        )
    }
    lines = [
        Line(
            id_, public_id, name, code, agency_type, subtype, stage == "submitted", stands.get(id_, NOTHING),
            words.get(id_, {}), monitored.get(id_, {}), requests.get(id_, 0),
        )
        for id_, public_id, agency_type, subtype, stage, _at, name, code in rows
    ]  # fmt: skip
    return FollowedUp(audit_round, pack, cited, lines)


def areas_of_round(session: Session, audit_round: AuditRound) -> Sequence[tuple[str, str]]:
    """The areas that agencies of a round work in: public id and name, for a filter."""
    rows = session.execute(
        select(Area.public_id, Area.name)
        .where(
            Area.id.in_(
                select(AgencyInArea.area_id)
                .join(AuditReturn, AuditReturn.agency_id == AgencyInArea.agency_id)
                .where(AuditReturn.round_id == audit_round.id)
            )
        )
        .order_by(Area.name)
    )
    return [(row.public_id, row.name) for row in rows]


# --- monitoring ------------------------------------------------------------------------------------------------------


def monitoring_of_round(
    session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime
) -> Sequence[Monitoring]:
    """Everything under monitoring, then what was cleared, of one's own types: what is to be reviewed first, first."""
    require(actor, "follow_up.read", round_facts(session, audit_round, now=now))
    return session.scalars(
        select(Monitoring)
        .join(Monitoring.audit_return)
        .join(AuditReturn.agency)
        .where(
            AuditReturn.round_id == audit_round.id,
            AuditReturn.agency_type.in_(types_where(audit_round, actor, "return.follow_up")),
        )
        .options(
            contains_eager(Monitoring.audit_return).contains_eager(AuditReturn.agency),
            joinedload(Monitoring.by),
            joinedload(Monitoring.cleared_by),
        )
        .order_by(
            Monitoring.cleared_at.is_not(None), Monitoring.cleared_at.desc(),
            Monitoring.review_on.is_(None), Monitoring.review_on, Agency.name, Monitoring.id,
        )
    ).all()  # fmt: skip


def monitoring_of_return(session: Session, audit_return: AuditReturn) -> Sequence[Monitoring]:
    """All monitoring of one return, what goes on first. The caller got it with `return.follow_up`."""
    return session.scalars(
        select(Monitoring)
        .where(Monitoring.return_id == audit_return.id)
        .options(joinedload(Monitoring.by), joinedload(Monitoring.cleared_by))
        .order_by(Monitoring.cleared_at.is_not(None), Monitoring.id.desc())
    ).all()


def get_monitoring(session: Session, audit_return: AuditReturn, public_id: str) -> Monitoring:
    """One monitoring of a return got with `return.follow_up`. Raises NotFound."""
    found = session.scalar(
        select(Monitoring)
        .where(Monitoring.return_id == audit_return.id, Monitoring.public_id == public_id)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound
    return found


# --- requests for progress -------------------------------------------------------------------------------------------


def progress_requests(
    session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime
) -> Sequence[Thread]:
    """The requests for progress of a round, of one's own types: those that are not closed first, by their date."""
    require(actor, "follow_up.read", round_facts(session, audit_round, now=now))
    return session.scalars(
        select(Thread)
        .join(Thread.audit_return)
        .join(AuditReturn.agency)
        .where(
            AuditReturn.round_id == audit_round.id,
            AuditReturn.agency_type.in_(types_where(audit_round, actor, "return.follow_up")),
            Thread.kind == "progress",
        )
        .options(
            contains_eager(Thread.audit_return).contains_eager(AuditReturn.agency), joinedload(Thread.opened_by)
        )
        .order_by(Thread.state == "closed", Thread.due.is_(None), Thread.due, Thread.id)
    ).all()


def returns_to_ask(
    session: Session, audit_round: AuditRound, public_ids: Collection[str], *, actor: Actor
) -> Sequence[AuditReturn]:
    """Of some returns those of a round that are submitted and of one's own types, by name."""
    return session.scalars(
        select(AuditReturn)
        .join(AuditReturn.agency)
        .where(
            AuditReturn.round_id == audit_round.id,
            AuditReturn.public_id.in_(public_ids),
            AuditReturn.agency_type.in_(types_where(audit_round, actor, "return.follow_up")),
            AuditReturn.stage == "submitted",
        )
        .options(contains_eager(AuditReturn.agency))
        .order_by(Agency.name, AuditReturn.id)
    ).all()
