"""Reading the sample of a round: what it is drawn from, who was drawn and why, who checks, and what that shows."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, exists, func, literal, or_, select
from sqlalchemy.orm import Session, aliased

from app.clock import today
from app.domain import estimates
from app.domain.answers import question_id
from app.domain.life import is_shut
from app.domain.risks import BY_HAND, Signed, Then, answers_of, evidenced_in
from app.domain.sampling import SamplePlan, draw, frame_hash, questions_drawn, seconds_drawn, seed_hash
from app.models import (
    Agency,
    AgencyInArea,
    Appointment,
    Area,
    AuditReturn,
    AuditRound,
    Declaration,
    Event,
    Merger,
    Moderation,
    PackVersion,
    Sample,
    SampledReturn,
    Submission,
    SubmissionAnswer,
    SubmissionVoided,
    TemplateVersion,
    User,
)
from app.policy import INSPECTORS, Actor, require
from app.queries.moderation import hidden_from
from app.queries.packs import pack_of
from app.queries.rounds import is_merged_clause, own_due, round_facts
from app.queries.twins import in_force

Frame = dict[str, list[tuple[str, str]]]


def is_round_shut(audit_round: AuditRound, *, now: datetime) -> bool:
    """Whether a round takes no more submissions, but for agencies that have more time."""
    return is_shut(open_until=audit_round.open_until, closed_at=audit_round.closed_at, now=now)


def agency_types_of(audit_round: AuditRound) -> list[str]:
    """The agency types that a round asks, in the order of its pack."""
    served = {one.agency_type for one in audit_round.served}
    return [key for key in pack_of(audit_round.pack_version).agency_types if key in served]


def sample_of(session: Session, audit_round: AuditRound, *, actor: Actor, now: datetime) -> Sample | None:
    """The sample of a round, None before anything is committed. Raises Denied.

    `seed` is for nobody to see before the draw.
    """
    require(actor, "sample.read", round_facts(session, audit_round, now=now))
    return session.scalar(select(Sample).where(Sample.round_id == audit_round.id))


def committed_hash(session: Session, audit_round: AuditRound) -> str:
    """The hash of the seed, which agencies may see: it says nothing of who will be drawn. Empty before there is one."""
    return session.scalar(select(Sample.seed_hash).where(Sample.round_id == audit_round.id)) or ""


@dataclass(frozen=True)
class Standing:
    """How many agencies of a type may be drawn. `expected`: neither nil nor merged; `extended`: not submitted, and
    with time left after the round has shut."""

    expected: int = 0
    submitted: int = 0
    extended: int = 0


def standings(session: Session, audit_round: AuditRound, *, now: datetime) -> dict[str, Standing]:
    """Agency type to how many are expected, have submitted, or still have time. The caller may read the sample."""
    own_until = func.coalesce(AuditReturn.late_after, AuditReturn.extended_to)
    rows = session.execute(
        select(
            AuditReturn.agency_type, AuditReturn.stage, func.count().label("number"),
            func.sum(case((own_until >= now, 1), else_=0)).label("with_time"),
        )
        .where(AuditReturn.round_id == audit_round.id, AuditReturn.stage != "nil", ~is_merged_clause())
        .group_by(AuditReturn.agency_type, AuditReturn.stage)
    )  # fmt: skip
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        counts[row.agency_type]["expected"] += row.number
        counts[row.agency_type]["submitted"] += row.number if row.stage == "submitted" else 0
        counts[row.agency_type]["extended"] += row.with_time if row.stage != "submitted" else 0
    return {key: Standing(**counts[key]) for key in agency_types_of(audit_round)}


def place_in_sample(session: Session, audit_return: AuditReturn) -> str:
    """Whether a return is in the drawn sample of its round (`in`), is not (`out`), or nothing is drawn yet (empty).

    The caller may read the sample, and this return.
    """
    row = session.execute(
        select(Sample.drawn_at, SampledReturn.id)
        .outerjoin(
            SampledReturn, and_(SampledReturn.sample_id == Sample.id, SampledReturn.return_id == audit_return.id)
        )
        .where(Sample.round_id == audit_return.round_id)
    ).first()
    return "" if row is None or row.drawn_at is None else "out" if row.id is None else "in"


# --- what is drawn from ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class InFrame:
    """A submitted return that can be drawn, with the submission that stands."""

    return_id: int
    public_id: str
    agency_type: str
    agency: str
    submission_id: int
    submission_hash: str


def frame_of(session: Session, audit_round: AuditRound, *, at: datetime | None = None) -> list[InFrame]:
    """Every submitted return of a round whose agency was not merged into another, by type and public id.

    `at`: as it was then, by what is on record, in two statements. The caller may read the sample. Else one statement.
    """
    voided = (
        select(SubmissionVoided.id)
        .where(SubmissionVoided.submission_id == Submission.id, *([SubmissionVoided.at <= at] if at else []))
        .exists()
    )
    merged = select(Merger.id).where(Merger.return_id == AuditReturn.id).exists()
    newest = (
        select(Submission.return_id, func.max(Submission.number).label("number"))
        .where(~voided, *([Submission.submitted_at <= at] if at else []))
        .group_by(Submission.return_id)
        .subquery()
    )
    rows = session.execute(
        select(
            AuditReturn.id, AuditReturn.public_id, AuditReturn.agency_type, Agency.name,
            Submission.id.label("submission_id"), Declaration.submission_hash,
        )
        .join(Agency, Agency.id == AuditReturn.agency_id)
        .join(newest, newest.c.return_id == AuditReturn.id)
        .join(Submission, and_(Submission.return_id == AuditReturn.id, Submission.number == newest.c.number))
        .join(Declaration, Declaration.submission_id == Submission.id)
        .where(AuditReturn.round_id == audit_round.id, *([] if at else [~merged]))
        .order_by(AuditReturn.agency_type, AuditReturn.public_id)
    ).all()  # fmt: skip
    merged_then = _merged_at(session, audit_round, at) if at else set()
    return [
        InFrame(r.id, r.public_id, r.agency_type, r.name, r.submission_id, r.submission_hash)
        for r in rows
        if r.public_id not in merged_then
    ]


def _merged_at(session: Session, audit_round: AuditRound, at: datetime) -> set[str]:
    """The public ids of the returns that were merged at an instant, by their chains: a merger that is taken back leaves
    no row."""
    rows = session.execute(
        select(AuditReturn.public_id, Event.verb)
        .join(Event, Event.chain == literal("return:").concat(AuditReturn.public_id))
        .where(
            AuditReturn.round_id == audit_round.id,
            Event.verb.in_(("return.merged", "return.unmerged")),
            Event.at <= at,
        )
        .order_by(Event.seq)
    )
    last = {row.public_id: row.verb for row in rows}
    return {public_id for public_id, verb in last.items() if verb == "return.merged"}


def as_frame(rows: Sequence[InFrame]) -> Frame:
    """Agency type to (public id, submission hash)."""
    frame: Frame = {}
    for row in rows:
        frame.setdefault(row.agency_type, []).append((row.public_id, row.submission_hash))
    return frame


def stored_frame(sample: Sample) -> Frame:
    """The frame that was kept at the draw."""
    return {kind: [(one[0], one[1]) for one in returns] for kind, returns in sample.frame.items()}


def questions_of(session: Session, submission_ids: Collection[int]) -> dict[int, list[str]]:
    """Submission to the ids of its signed questions, in order of their ids. One statement."""
    found: dict[int, list[str]] = defaultdict(list)
    for row in session.execute(
        select(SubmissionAnswer.submission_id, SubmissionAnswer.criterion, SubmissionAnswer.scope_key)
        .where(SubmissionAnswer.submission_id.in_(submission_ids), SubmissionAnswer.grade != "")
        .order_by(SubmissionAnswer.criterion, SubmissionAnswer.scope_key)
    ):
        found[row.submission_id].append(question_id(row.criterion, row.scope_key))
    return dict(found)


def signed_returns(session: Session, audit_round: AuditRound, frame: Sequence[InFrame]) -> list[Signed]:
    """The returns of a frame as the rules of risk read them, however many there are in three statements.

    For the draw itself: it reads what every agency submitted.
    """
    areas: dict[int, set[str]] = defaultdict(set)
    for return_id, area in session.execute(
        select(AuditReturn.id, Area.public_id)
        .join(AgencyInArea, AgencyInArea.agency_id == AuditReturn.agency_id)
        .join(Area, Area.id == AgencyInArea.area_id)
        .where(AuditReturn.round_id == audit_round.id, in_force(audit_round, AgencyInArea))
    ):
        areas[return_id].add(area)
    late_after = dict(
        session.execute(
            select(AuditReturn.id, own_due(audit_round)).where(AuditReturn.round_id == audit_round.id)
        ).all()  # type: ignore[arg-type]
    )
    contents = {
        row.return_id: row
        for row in session.execute(
            select(Submission.return_id, Submission.content, Submission.submitted_at).where(
                Submission.id.in_([one.submission_id for one in frame])
            )
        )
    }
    found = []
    for one in frame:
        row = contents[one.return_id]
        content = json.loads(row.content)
        found.append(
            Signed(
                id=one.public_id,
                agency_type=one.agency_type,
                areas=frozenset(areas[one.return_id]),
                answers=answers_of(content),
                evidenced=evidenced_in(content),
                submitted_at=row.submitted_at,
                late_after=late_after[one.return_id],
            )
        )
    return found


def submitted_before(session: Session, audit_round: AuditRound, frame: Sequence[InFrame]) -> dict[str, Then]:
    """Public id of a return to the same agency's submission in the latest earlier round of the same pack.

    For the draw itself. Three statements.
    """
    before, now_ = aliased(AuditReturn), aliased(AuditReturn)
    earlier = aliased(AuditRound)
    voided = select(SubmissionVoided.id).where(SubmissionVoided.submission_id == Submission.id).exists()
    pack = audit_round.pack_version.pack
    rows = session.execute(
        select(now_.public_id, Submission.id, TemplateVersion.pack_version_id)
        .select_from(now_)
        .join(before, and_(before.agency_id == now_.agency_id, before.agency_type == now_.agency_type))
        .join(earlier, earlier.id == before.round_id)
        .join(Submission, Submission.return_id == before.id)
        .join(TemplateVersion, TemplateVersion.id == before.template_version_id)
        .join(PackVersion, PackVersion.id == TemplateVersion.pack_version_id)
        .where(
            now_.round_id == audit_round.id,
            earlier.stage == "open",
            or_(
                earlier.opens < audit_round.opens,
                and_(earlier.opens == audit_round.opens, earlier.id < audit_round.id),
            ),
            PackVersion.pack == pack,
            ~voided,
        )
        .order_by(earlier.opens, earlier.id, Submission.number)
    )
    latest = {row.public_id: (row.id, row.pack_version_id) for row in rows}  # the last one stands
    wanted = {one.public_id for one in frame}
    latest = {public_id: one for public_id, one in latest.items() if public_id in wanted}
    if not latest:
        return {}
    versions = {
        version.id: pack_of(version)
        for version in session.scalars(
            select(PackVersion).where(PackVersion.id.in_({version for _id, version in latest.values()}))
        )
    }
    contents = {
        row.id: row.content
        for row in session.execute(
            select(Submission.id, Submission.content).where(Submission.id.in_([one for one, _v in latest.values()]))
        )
    }
    return {
        public_id: Then(versions[version], answers_of(json.loads(contents[submission])))
        for public_id, (submission, version) in latest.items()
    }


# --- who checks ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Candidate:
    """An inspector who may be assigned: `bodies` they inspect for, `agencies` where they are or were appointed."""

    user_id: int
    public_id: str
    name: str
    bodies: frozenset[int]
    agencies: frozenset[int]

    def may_check(self, agency_id: int, bodies: Collection[int]) -> bool:
        """Whether they inspect for a body that asks the agency, and never belonged to it."""
        return agency_id not in self.agencies and not self.bodies.isdisjoint(bodies)


def candidates(session: Session, audit_round: AuditRound, *, now: datetime) -> list[Candidate]:
    """The inspectors of a round's bodies today, by name. The caller may read the sample. Two statements."""
    day = today(now)
    bodies = {served.oversight_body_id for served in audit_round.served}
    people: dict[int, tuple[str, str]] = {}
    inspects: dict[int, set[int]] = defaultdict(set)
    for row in session.execute(
        select(User.id, User.public_id, User.name, Appointment.oversight_body_id)
        .join(Appointment, Appointment.user_id == User.id)
        .where(
            Appointment.role.in_(INSPECTORS),
            Appointment.oversight_body_id.in_(bodies),
            Appointment.starts <= day,
            or_(Appointment.ends.is_(None), Appointment.ends >= day),
        )
        .order_by(User.name, User.id)
    ):
        people[row.id] = row.public_id, row.name
        inspects[row.id].add(row.oversight_body_id)
    belongs: dict[int, set[int]] = defaultdict(set)
    for user_id, agency_id in session.execute(
        select(Appointment.user_id, Appointment.agency_id).where(
            Appointment.user_id.in_(people), Appointment.agency_id.is_not(None)
        )
    ):
        belongs[user_id].add(agency_id or 0)
    return [
        Candidate(user_id, public_id, name, frozenset(inspects[user_id]), frozenset(belongs[user_id]))
        for user_id, (public_id, name) in people.items()
    ]


def bodies_asking(audit_round: AuditRound, agency_type: str) -> frozenset[int]:
    """The oversight bodies that ask an agency type in a round."""
    return frozenset(one.oversight_body_id for one in audit_round.served if one.agency_type == agency_type)


# --- the sample as it stands -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Finding:
    """How the checks of one return went. `pairs`: of its `asked` questions those checked, each with the grade that was
    declared when the return was drawn and the one that holds after checking."""

    asked: int
    pairs: Mapping[str, tuple[str, str]]

    @property
    def checked(self) -> int:
        """How many answers were checked."""
        return len(self.pairs)

    @property
    def adjusted(self) -> dict[str, tuple[str, str]]:
        """Those whose two grades differ, whether the inspector adjusted them or the agency corrected them when asked
        to."""
        return {question: pair for question, pair in self.pairs.items() if pair[0] != pair[1]}


@dataclass(frozen=True)
class SampledRow:
    """A return of the sample, for a line of the page. `to_second`: a second inspector is to check it by the draw.

    `is_hidden`: the reader is that second inspector, at work: as if nothing were checked. `in_force`: the id of its
    submission that stands now, None while it is open for changes; what was drawn may have been set aside since.
    """

    sampled_id: int
    return_id: int
    public_id: str
    agency_id: int
    agency: str
    code: str
    agency_type: str
    subtype: str
    place: int | None
    risks: Sequence[str]
    figures: Mapping[str, Mapping[str, Any]]
    questions: Sequence[str]
    submission_id: int
    inspector_id: int | None
    inspector: str
    inspector_public_id: str
    second_id: int | None
    second: str
    second_public_id: str
    in_force: int | None
    finished: bool
    second_finished: bool
    to_second: bool
    finding: Finding
    is_hidden: bool = False

    @property
    def is_random(self) -> bool:
        """Whether chance drew it."""
        return self.place is not None

    @property
    def is_done(self) -> bool:
        """Whether every question is checked, or the inspector has finished with those that are still asked."""
        return not self.is_hidden and (
            self.finished or (self.finding.asked > 0 and self.finding.checked == self.finding.asked)
        )

    @property
    def since(self) -> str:
        """What became of the submission that was drawn: `` (it stands), `reopened` or `anew` (signed again)."""
        if self.in_force is None:
            return "reopened"
        return "" if self.in_force == self.submission_id else "anew"

    @property
    def state(self) -> str:
        """`hidden`, `unassigned`, `waiting`, `checking` or `done`."""
        if self.is_hidden:
            return "hidden"
        if self.is_done:
            return "done"
        if self.inspector_id is None:
            return "unassigned"
        return "checking" if self.finding.checked else "waiting"


@dataclass(frozen=True)
class Line:
    """What the random sample of one agency type (or of all, `agency_type` empty) shows."""

    agency_type: str
    population: int
    drawn: int
    stratum: estimates.Stratum
    returns: estimates.Estimate | None
    answers: estimates.Estimate | None


@dataclass(frozen=True)
class Drawn:
    """A sample that was drawn, as it stands. `lines` by agency type, `total` over all, `second` the agreement.

    `twice`: return to how many of its answers two inspectors checked, and in how many both gave the same grade.
    """

    sample: Sample
    plan: SamplePlan
    rows: Sequence[SampledRow]
    numbers: Mapping[str, int]
    lines: Sequence[Line]
    total: Line
    second: estimates.Agreement | None
    twice: Mapping[int, tuple[int, int]]

    @property
    def is_small(self) -> bool:
        """Whether names stand in the place of estimates and agreement."""
        return self.plan.is_small(sum(self.numbers.values()))

    @property
    def by_risk(self) -> list[SampledRow]:
        """The returns that rules or people chose, whether chance drew them too or not."""
        return [row for row in self.rows if row.risks]


def drawn(session: Session, sample: Sample, audit_round: AuditRound, *, actor: Actor) -> Drawn:
    """A drawn sample with everything that its page shows, five or six statements however many returns there are.

    What was found about returns that the actor checks second, and has not finished, is not in it. The caller got the
    sample through `sample_of`. What is in it about agencies of other bodies than the reader's is for the page to leave
    out.
    """
    plan = SamplePlan.from_data(sample.plan)
    kinds = agency_types_of(audit_round)
    hidden = hidden_from(session, audit_round, actor)
    found = sorted(_rows(session, sample, plan, hidden), key=lambda row: kinds.index(row.agency_type))
    sizes = _sizes(session, sample) if plan.questions else {}
    numbers = {kind: len(sample.frame.get(kind, ())) for kind in kinds}
    lines = []
    for kind, population in numbers.items():
        random = [row for row in found if row.agency_type == kind and row.is_random]
        clusters = tuple(
            estimates.Cluster(
                size=max(sizes.get(row.submission_id, 0), row.finding.checked),
                checked=row.finding.checked,
                adjusted=len(row.finding.adjusted),
            )
            for row in random
            if row.is_done and row.finding.checked
        )
        stratum = estimates.Stratum(population, clusters)
        lines.append(
            Line(
                kind, population, len(random), stratum,
                estimates.returns_rate(stratum), estimates.answers_rate([stratum]),
            )
        )  # fmt: skip
    strata = [line.stratum for line in lines]
    total = Line(
        "", sum(numbers.values()), sum(line.drawn for line in lines),
        estimates.Stratum(sum(numbers.values()), tuple(c for one in strata for c in one.clusters)),
        estimates.returns_total(strata), estimates.answers_rate(strata),
    )  # fmt: skip
    pairs = _pairs(session, sample)
    second = estimates.agreement(pair for of_return in pairs.values() for pair in of_return)
    twice = {key: (len(given), sum(one == other for one, other in given)) for key, given in pairs.items()}
    return Drawn(sample, plan, found, numbers, lines, total, second, twice)


def _rows(session: Session, sample: Sample, plan: SamplePlan, hidden: Collection[int]) -> list[SampledRow]:
    first, other = aliased(User), aliased(User)
    standing = (
        select(func.max(Submission.id))
        .where(
            Submission.return_id == SampledReturn.return_id,
            ~exists().where(SubmissionVoided.submission_id == Submission.id),
        )
        .scalar_subquery()
    )
    rows = session.execute(
        select(
            SampledReturn.id, SampledReturn.return_id, SampledReturn.place, SampledReturn.risks, SampledReturn.figures,
            SampledReturn.questions, SampledReturn.submission_id, SampledReturn.inspector_id,
            SampledReturn.finished_at, SampledReturn.second_id, SampledReturn.second_finished_at,
            AuditReturn.public_id, AuditReturn.agency_type, AuditReturn.subtype, AuditReturn.agency_id,
            Agency.name, Agency.code, first.name.label("inspector"), other.name.label("second"),
            first.public_id.label("inspector_public_id"), other.public_id.label("second_public_id"),
            standing.label("in_force"),
        )
        .join(AuditReturn, AuditReturn.id == SampledReturn.return_id)
        .join(Agency, Agency.id == AuditReturn.agency_id)
        .outerjoin(first, first.id == SampledReturn.inspector_id)
        .outerjoin(other, other.id == SampledReturn.second_id)
        .where(SampledReturn.sample_id == sample.id)
        .order_by(AuditReturn.agency_type, SampledReturn.place.is_(None), SampledReturn.place, Agency.name)
    ).all()  # fmt: skip
    findings = _findings(session, sample)
    seconds = set(
        seconds_drawn(sample.seed, [r.public_id for r in rows if r.place is not None], plan.second_percent)
    )
    return [
        SampledRow(
            sampled_id=r.id, return_id=r.return_id, public_id=r.public_id, agency_id=r.agency_id, agency=r.name,
            code=r.code, agency_type=r.agency_type, subtype=r.subtype, place=r.place, risks=r.risks, figures=r.figures,
            questions=r.questions, submission_id=r.submission_id, inspector_id=r.inspector_id,
            inspector=r.inspector or "", inspector_public_id=r.inspector_public_id or "",
            second_id=r.second_id, second=r.second or "", second_public_id=r.second_public_id or "",
            in_force=r.in_force,
            finished=r.finished_at is not None, second_finished=r.second_finished_at is not None,
            to_second=r.public_id in seconds, is_hidden=r.return_id in hidden,
            finding=_finding(r.questions, {} if r.return_id in hidden else findings.get(r.return_id, {})),
        )
        for r in rows
    ]  # fmt: skip


def _finding(questions: Sequence[str], found: Mapping[str, tuple[str, str]]) -> Finding:
    return Finding(len(questions), {question: found[question] for question in questions if question in found})


def _findings(session: Session, sample: Sample) -> dict[int, dict[str, tuple[str, str]]]:
    """Return to question to (grade declared when it was drawn, grade that holds after checking), first inspectors only.

    `queries.moderation.checked` reads the submission in force; a declaration that was corrected since was still made.
    """
    rows = session.execute(
        select(
            Moderation.return_id, Moderation.criterion, Moderation.scope_key, Moderation.self_grade, Moderation.grade,
            Moderation.submission_id, SampledReturn.submission_id.label("drawn_id"),
        )
        .join(SampledReturn, SampledReturn.return_id == Moderation.return_id)
        .where(
            SampledReturn.sample_id == sample.id,
            ~Moderation.second,
            Moderation.submission_id >= SampledReturn.submission_id,
        )
        .order_by(Moderation.submission_id, Moderation.version)
    ).all()  # fmt: skip
    later = {drawn_id for *_rest, submission_id, drawn_id in rows if submission_id != drawn_id}
    declared: dict[tuple[int, str], str] = {}
    if later:
        for answer in session.execute(
            select(
                SubmissionAnswer.submission_id, SubmissionAnswer.criterion, SubmissionAnswer.scope_key,
                SubmissionAnswer.grade,
            ).where(SubmissionAnswer.submission_id.in_(later))
        ):  # fmt: skip
            declared[answer.submission_id, question_id(answer.criterion, answer.scope_key)] = answer.grade
    found: dict[int, dict[str, tuple[str, str]]] = defaultdict(dict)
    for return_id, criterion, scope, self_grade, grade, submission_id, drawn_id in rows:
        question = question_id(criterion, scope)
        said = self_grade if submission_id == drawn_id else declared.get((drawn_id, question), "")
        found[return_id][question] = said, grade  # a later finding stands in the earlier one's place
    return found


def _sizes(session: Session, sample: Sample) -> dict[int, int]:
    """Submission to how many answers with a grade it has, of the returns drawn at random."""
    return dict(
        session.execute(
            select(SubmissionAnswer.submission_id, func.count())
            .join(SampledReturn, SampledReturn.submission_id == SubmissionAnswer.submission_id)
            .where(
                SampledReturn.sample_id == sample.id, SampledReturn.place.is_not(None), SubmissionAnswer.grade != ""
            )
            .group_by(SubmissionAnswer.submission_id)
        ).all()  # type: ignore[arg-type]
    )


def _pairs(session: Session, sample: Sample) -> dict[int, list[tuple[str, str]]]:
    """Return to the grades that first and second inspector gave to the same answers of the same submission, once both
    finished: before that a figure could tell either what the other found."""
    rows = session.execute(
        select(
            Moderation.return_id, Moderation.submission_id, Moderation.criterion, Moderation.scope_key,
            Moderation.second, Moderation.grade,
        )
        .join(SampledReturn, SampledReturn.return_id == Moderation.return_id)
        .where(
            SampledReturn.sample_id == sample.id,
            SampledReturn.finished_at.is_not(None),
            SampledReturn.second_finished_at.is_not(None),
        )
        .order_by(Moderation.version)
    )  # fmt: skip
    given: dict[tuple[int, int, str, str], dict[bool, str]] = defaultdict(dict)
    for row in rows:
        given[row.return_id, row.submission_id, row.criterion, row.scope_key][row.second] = row.grade
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for (return_id, *_question), pair in given.items():
        if len(pair) == 2:
            found[return_id].append((pair[False], pair[True]))
    return dict(found)


# --- verifying -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Check:
    """One thing that must agree. `name`: `seed`, `committed`, `frame`, `returns`, `draw` or `questions`; `detail`: what
    does not, in a few plain words for a terminal."""

    name: str
    holds: bool
    detail: str = ""


def verified(session: Session, sample: Sample, audit_round: AuditRound) -> list[Check]:
    """Whether a drawn sample is what its seed gives. The caller got the sample through `sample_of`.

    `seed`: it has the hash; `committed`: that hash was put on record before the round closed; `frame`: the list has its
    hash; `returns`: it is what had been submitted; `draw`: the returns and their places; `questions`: those of each;
    `record`: plan, places and rules of risk are those on record at the draw, and whatever else was added is too.
    """
    plan, frame = SamplePlan.from_data(sample.plan), stored_frame(sample)
    events = session.scalars(
        select(Event)
        .where(Event.chain == f"round:{audit_round.public_id}", Event.verb.startswith("sample."))
        .order_by(Event.seq)
    ).all()
    committed = next((event for event in events if event.verb == "sample.committed"), None)
    recorded = next((event for event in events if event.verb == "sample.drawn"), None)
    checks = [Check("seed", seed_hash(sample.seed) == sample.seed_hash)]
    checks.append(
        Check(
            "committed",
            committed is not None
            and committed.data["seed_hash"] == sample.seed_hash
            and committed.at <= audit_round.open_until,
        )
    )
    hashes = {frame_hash(frame), sample.frame_hash, recorded.data["frame_hash"] if recorded else ""}
    checks.append(Check("frame", len(hashes) == 1))
    then = as_frame(frame_of(session, audit_round, at=sample.drawn_at))
    differing = {one for kind in {*then, *frame} for one in {*then.get(kind, ())} ^ {*frame.get(kind, ())}}
    checks.append(Check("returns", not differing, ", ".join(sorted({public_id for public_id, _hash in differing}))))
    rows = session.execute(
        select(
            AuditReturn.public_id, SampledReturn.place, SampledReturn.questions, SampledReturn.submission_id,
            SampledReturn.risks,
        )
        .join(AuditReturn, AuditReturn.id == SampledReturn.return_id)
        .where(SampledReturn.sample_id == sample.id)
    ).all()
    numbers = {kind: len(returns) for kind, returns in frame.items()}
    again = draw(
        sample.seed, {kind: [one for one, _hash in returns] for kind, returns in frame.items()}, plan.sizes(numbers)
    )
    expected = {one: place for ids in again.values() for place, one in enumerate(ids, 1)}
    stored = {row.public_id: row.place for row in rows if row.place is not None}
    wrong = {one for one in {*expected, *stored} if expected.get(one) != stored.get(one)}
    checks.append(Check("draw", not wrong, ", ".join(sorted(wrong))))
    asked = questions_of(session, [row.submission_id for row in rows])
    wrong = {
        row.public_id
        for row in rows
        if row.questions
        != questions_drawn(sample.seed, row.public_id, asked.get(row.submission_id, []), plan.questions)
    }
    checks.append(Check("questions", not wrong, ", ".join(sorted(wrong))))
    planned = next(
        (event.data["plan"] for event in reversed(events) if event.verb in ("sample.committed", "sample.plan_changed")),
        None,
    )
    at_draw: dict[str, list[str]] = recorded.data["risk"] if recorded else {}
    by_hand = {event.data["return"] for event in events if event.verb == "sample.added"}
    on_record: dict[str, tuple[int | None, list[str]]] = {
        one: (None, [*at_draw.get(one, []), BY_HAND]) for one in by_hand
    }
    on_record |= {one: (None, rules) for one, rules in at_draw.items() if one not in by_hand}
    for ids in recorded.data["random"].values() if recorded else ():
        for place, one in enumerate(ids, 1):
            on_record[one] = (place, on_record.get(one, (None, []))[1])
    found = {row.public_id: (row.place, row.risks) for row in rows}
    wrong = {one for one in {*found, *on_record} if found.get(one) != on_record.get(one)}
    checks.append(Check("record", planned == sample.plan and not wrong, ", ".join(sorted(wrong))))
    return checks
