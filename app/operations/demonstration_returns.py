"""The returns of a demonstration's round: one after the other invited, saved, vouched for, signed and reopened.

They come about with the program's own content, hashes and events; only the writing is done in bulk, because there are
hundreds of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from operator import itemgetter
from random import Random
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from app.clock import LONDON, end_of, start_of
from app.domain.answers import ANSWER_TYPES
from app.domain.demonstration import Answers, Plan, Respondent, ReturnsPlan, RoundPlan, chance
from app.domain.entropy import token
from app.domain.integrity import GENESIS, canonical_json, sha256_hex, submission_hash
from app.domain.life import check_move, with_grace
from app.domain.templates import Criterion, Pack
from app.domain.text import localise
from app.models import (
    Agency,
    AuditReturn,
    AuditRound,
    Base,
    Declaration,
    Event,
    EventText,
    RollUp,
    SelfAssessment,
    SelfAssessmentVersion,
    Submission,
    SubmissionAnswer,
    SubmissionVoided,
    TemplateVersion,
    Vouch,
    new_public_id,
)
from app.operations import events
from app.queries.returns import Answered, build_checklist, content_of

OFFICE_HOURS = (8 * 60 + 30, 17 * 60 + 45)  # in minutes


def write(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert in bulk. The database numbers the rows, so that its sequences stay true."""
    if rows:
        session.execute(insert(model), rows)


def ids_of(session: Session, model: Any) -> dict[str, int]:
    """Public id to number, of all rows."""
    return {row.public_id: row.id for row in session.execute(select(model.public_id, model.id))}


@dataclass(frozen=True)
class Days:
    """Days and times of a demonstration, counted from the day that it stands still on."""

    today: date

    def day(self, days: int) -> date:
        """The day so many days from today."""
        return self.today + timedelta(days)

    def at(self, days: int, minute: int, second: int = 0) -> datetime:
        """An instant of a day: so many minutes after midnight in London."""
        clock = time(minute // 60, minute % 60, second)
        # through `start_of` for its time zone, so that every instant is in UTC
        return datetime.combine(self.day(days), clock, tzinfo=LONDON).astimezone(start_of(self.today).tzinfo)

    def moments(self, rng: Random, first: int, last: int, number: int) -> list[datetime]:
        """So many instants in office hours, in order, on working days from `first` to `last` (days from today)."""
        every = range(first, last + 1)
        days = [days for days in every if self.day(days).weekday() < 5] or list(every)
        return sorted(self.at(rng.choice(days), rng.randint(*OFFICE_HOURS), rng.randint(0, 59)) for _ in range(number))


@dataclass(frozen=True)
class Person:
    """Somebody who acts in the demonstration."""

    id: int
    public_id: str
    name: str
    post: str
    acting: bool

    @property
    def label(self) -> str:
        """How events name them."""
        return f"person:{self.public_id}"


@dataclass(frozen=True)
class Team:
    """An agency with its area and the people who answer for it."""

    agency: Agency
    who: Respondent
    signatory: Person
    lead: Person


@dataclass(frozen=True)
class Story:
    """What becomes of a return. Days count from today; `ends` is the day of the (first) signature.

    `thorough`: nothing is left out, not even what may be.
    """

    stage: str
    answered: float = 0
    submissions: int = 0
    ends: int = -1
    extended_to: int | None = None
    reason: str = ""
    thorough: bool = False


class Chains:
    """The event chains: each event is hashed with the one before it."""

    def __init__(self) -> None:
        self._heads: dict[str, tuple[int, str]] = {}
        self.events: list[Event] = []

    def add(
        self, chain: str, verb: str, at: datetime, actor: str, data: Mapping[str, Any], texts: Mapping[str, str]
    ) -> None:
        seq, previous = self._heads.get(chain, (0, GENESIS))
        link = events.build(
            chain=chain, seq=seq + 1, previous_hash=previous, verb=verb, at=at, actor=actor,
            data=dict(data), texts=dict(texts),
        )  # fmt: skip
        self._heads[chain] = (link.seq, link.hash)
        self.events.append(link)


@dataclass
class Journey:
    """A return while it comes about: its row (in no session), and everything that hangs on it.

    Events are kept with their times and chained in order of time at the end.
    """

    row: AuditReturn
    pack: Pack
    team: Team
    answers: dict[str, Answered] = field(default_factory=dict)
    vouches: dict[str, Vouch] = field(default_factory=dict)
    versions: list[dict[str, Any]] = field(default_factory=list)
    submissions: list[dict[str, Any]] = field(default_factory=list)
    declarations: list[dict[str, Any]] = field(default_factory=list)
    signed: list[dict[str, Any]] = field(default_factory=list)
    voided: list[dict[str, Any]] = field(default_factory=list)
    happened: list[tuple[datetime, str, str, dict[str, Any], dict[str, str]]] = field(default_factory=list)

    @property
    def template(self):  # type: ignore[no-untyped-def]
        return self.pack.templates[self.row.agency_type]

    def event(self, at: datetime, verb: str, actor: str, data: dict[str, Any] | None = None, **texts: str) -> None:
        self.happened.append((at, verb, actor, data or {}, texts))

    def move(self, to: str, at: datetime) -> None:
        check_move(self.row.stage, to)
        self.row.stage = to
        self.row.submitted_at = at if to == "submitted" else None
        if to == "started" and self.row.started_at is None:
            self.row.started_at = at

    def save(self, values: Mapping[str, dict[str, Any]], at: datetime) -> None:
        """The audit lead saves answers."""
        lead = self.team.lead
        if self.row.stage == "invited":
            self.move("started", at)
            self.event(at, "return.started", lead.label)
        saved: dict[str, int] = {}
        for key, value in values.items():
            before = self.answers[key].version if key in self.answers else 0
            saved[key] = before + 1
            self.answers[key] = Answered(value, before + 1, at, lead.name)
            self.versions.append(
                {
                    "criterion": key, "scope_key": "", "type": self.template.criterion(key).answer.type,
                    "value": value, "version": before + 1, "based_on": before,
                    "idempotency_key": token(), "saved_at": at, "saved_by_id": lead.id,
                }
            )  # fmt: skip
        data: dict[str, Any] = {"criteria": saved}
        touched = {self.template.standard_of(self.template.criterion(key)).id for key in values}
        if ended := sorted(touched & self.vouches.keys()):
            data["vouches_ended"] = ended
            for standard in ended:
                del self.vouches[standard]
        self.event(at, "answer.saved", lead.label, data)

    def vouch(self, standard: str, name: str, post: str, at: datetime) -> None:
        """An executive vouches for a standard; the audit lead records it."""
        lead = self.team.lead
        self.vouches[standard] = Vouch(standard=standard, name=name, post=post, at=at, recorded_by_id=lead.id)
        self.event(at, "standard.vouched", lead.label, {"standard": standard}, name=name, post=post)

    def checklist(self):  # type: ignore[no-untyped-def]
        return build_checklist(self.row, self.pack, self.template, self.answers, self.vouches)

    def submit(self, at: datetime) -> None:
        """The signatory signs, and what is signed is frozen."""
        work, by = self.checklist(), self.team.signatory
        if work.outstanding:
            raise RuntimeError(f"{self.team.agency.code} would sign with {len(work.outstanding)} questions unfinished")
        content = content_of(work)
        frozen = canonical_json(content)
        content_hash = sha256_hex(frozen)
        signature = submission_hash(
            content_hash=content_hash,
            signatory={"name": by.name, "post": by.post, "person": by.public_id, "acting": by.acting},
            signed_at=events.iso(at),
        )
        public_id, number = new_public_id(), len(self.submissions) + 1
        self.move("submitted", at)
        self.submissions.append(
            {
                "public_id": public_id, "number": number, "content": frozen.decode(), "content_hash": content_hash,
                "submitted_at": at,
            }
        )  # fmt: skip
        text = localise(self.template.declaration).format(
            agency=self.team.agency.name, signatory=by.name, post=by.post, round=self.row.audit_round.name
        )
        self.declarations.append(
            {
                "submission_id": public_id, "text": text, "name": by.name, "post": by.post, "acting": by.acting,
                "user_id": by.id, "signed_at": at, "submission_hash": signature,
            }
        )  # fmt: skip
        self.signed += [
            {
                "submission_id": public_id, "criterion": answer["criterion"], "scope_key": answer["scope"],
                "type": answer["type"], "value": answer["value"], "grade": answer["value"].get("grade", ""),
            }
            for answer in content["answers"]
        ]  # fmt: skip
        data = {"number": number, "content_hash": content_hash, "submission_hash": signature}
        self.event(at, "return.submitted", by.label, data, name=by.name, post=by.post)

    def reopen(self, reason: str, by: Person, at: datetime) -> None:
        """An inspector reopens the return: its last submission is voided."""
        last = self.submissions[-1]
        self.voided.append({"submission_id": last["public_id"], "reason": reason, "at": at, "by_id": by.id})
        self.move("started", at)
        self.event(at, "return.reopened", by.label, {"voided": last["number"]}, reason=reason)

    def set_nil(self, reason: str, by: Person, at: datetime) -> None:
        """An inspector records that there is nothing to return."""
        self.move("nil", at)
        self.row.nil_reason = reason
        self.event(at, "return.nil", by.label, reason=reason)

    def extend(self, to: datetime, by: Person, at: datetime) -> None:
        """An inspector gives more time."""
        self.row.extended_to = to
        self.row.late_after = with_grace(to, self.row.audit_round.grace_minutes)
        self.event(at, "return.extended", by.label, {"to": events.iso(to)})


@dataclass(frozen=True)
class Course:
    """A round whose returns are made. `last`: the last day, from today, on which an agency does anything by itself.

    `score` is added to every answer's; `key` tells the chance of one round from that of another.
    """

    row: AuditRound
    templates: Mapping[str, TemplateVersion]  # by agency type
    plan: RoundPlan
    returns: ReturnsPlan
    answers: Answers
    last: int = -1
    score: float = 0
    key: tuple[str, ...] = ()


def name(plan: Plan, rng: Random) -> str:
    """A name for somebody."""
    return f"{rng.choice(plan.people.first_names)} {rng.choice(plan.people.surnames)}"


def in_time(course: Course, days: Days, rng: Random) -> Story:
    """Submitted before it was due."""
    plan = course.returns.submitted
    ends = round(rng.triangular(plan.earliest, course.plan.due, plan.mostly))
    ends -= max(0, days.day(ends).weekday() - 4)  # on the Friday before rather than at a weekend
    return Story("submitted", 1, 1, ends=ends)


class Returns:
    """The making of a round's returns, and what becomes of each."""

    def __init__(
        self, session: Session, pack: Pack, plan: Plan, seed: int, days: Days, course: Course,
        inspectors: Mapping[str, Person], by: str,
    ) -> None:  # fmt: skip
        self.session = session
        self.pack = pack
        self.plan = plan
        self.seed = seed
        self.days = days
        self.course = course
        self.inspectors = inspectors
        self.by = by
        self.chains = Chains()

    def _chance(self, *parts: str) -> Random:
        return chance(self.seed, *self.course.key, *parts)

    # --- what becomes of them ---

    def stories(self, respondents: Sequence[Respondent], given: Mapping[str, Story]) -> dict[str, Story]:
        """What becomes of each return, by agency code; `given` are those that are told already."""
        plan, last = self.course.returns, self.course.last
        left = [who for who in respondents if who.code not in given]
        stories = dict(given)
        rng = self._chance("stories")
        rng.shuffle(left)

        def take(share: float) -> list[Respondent]:
            number = max(1, round(share * len(respondents))) if share else 0
            taken, left[:number] = left[:number], []
            return taken

        due = self.course.plan.due
        for who in take(plan.invited):
            stories[who.code] = Story("invited")
        for who in take(plan.started):
            stories[who.code] = Story("started", answered=rng.uniform(0.05, 0.97), ends=last)
        for who in take(plan.late):
            stories[who.code] = Story("submitted", 1, 1, ends=rng.randint(due + 1, last))
        for who in take(plan.extended):
            ends = rng.randint(due + 1, last)
            stories[who.code] = Story("submitted", 1, 1, ends=ends, extended_to=plan.extension.to)
        for who in take(plan.nil):
            stories[who.code] = Story("nil", reason=rng.choice(plan.nil_reasons))
        for who in left:
            stories[who.code] = in_time(self.course, self.days, rng)
        return stories

    # --- how they come about ---

    def journey(self, team: Team, story: Story) -> Journey:
        """One return, from the invitation to where its story leaves it."""
        course, days = self.course, self.days
        journey = Journey(self._row(team), self.pack, team)
        inspector = self.inspectors[team.who.agency_type]
        rng = self._chance("return", team.who.code)
        journey.event(course.row.created_at, "return.invited", self.by, {"round": course.row.key})
        if story.extended_to is not None:
            asked = course.returns.extension.asked
            journey.extend(end_of(days.day(story.extended_to)), inspector, days.moments(rng, asked, asked, 1)[0])
        if story.stage == "nil":
            first = course.plan.opens + course.returns.notice[1]
            journey.set_nil(story.reason, inspector, days.moments(rng, first, course.last, 1)[0])
        elif story.stage != "invited":
            self._fill_in(journey, story, rng)
            self._sign(journey, story, inspector, rng)
        work = journey.checklist()
        journey.row.asked, journey.row.complete = work.asked, work.complete
        for at, verb, actor, data, texts in sorted(journey.happened, key=itemgetter(0)):
            self.chains.add(events.chain_of(journey.row), verb, at, actor, data, texts)
        return journey

    def _row(self, team: Team) -> AuditReturn:
        """The row as it is when the agency is invited. It enters no session: rows are written in bulk."""
        audit_round = self.course.row
        template_version = self.course.templates[team.who.agency_type]
        return AuditReturn(
            public_id=new_public_id(), audit_round=audit_round, agency=team.agency,
            template_version=template_version, round_id=audit_round.id, agency_id=team.agency.id,
            template_version_id=template_version.id, agency_type=team.who.agency_type, subtype=team.who.subtype,
            stage="invited", asked=0, complete=0, invited_at=audit_round.created_at, nil_reason="",
        )  # fmt: skip

    def _fill_in(self, journey: Journey, story: Story, rng: Random) -> None:
        """The audit lead answers standard by standard, goes through the answers again, and has them vouched for."""
        plan, who, template = self.course.returns, journey.team.who, journey.template
        opens, whole = self.course.plan.opens, story.answered == 1
        if story.submissions or whole:
            starts = max(story.ends - rng.randint(*plan.work), opens + rng.randint(*plan.notice))
        else:
            starts = rng.randint(opens + plan.notice[0], story.ends - plan.notice[0])
        sections = [
            (standard, [criterion for criterion in standard.criteria if criterion.asked_of(who.subtype or None)])
            for standard in template.standards
        ]
        sections = [section for section in sections if section[1]]
        last = story.ends - 1 if story.submissions else story.ends
        moments = self.days.moments(rng, min(starts, last), last, 2 * len(sections) + 1)
        values: dict[str, dict[str, Any]] = {}
        answers = self.course.answers
        fixed = answers.circumstances(who)
        for (standard, criteria), at in zip(sections, moments, strict=False):
            left = answers.optional_left(standard, rng)
            for criterion in criteria:
                if criterion.id not in left or story.thorough:
                    value = answers.value(
                        who, template, criterion, rng, saved=at.date(), fixed=fixed.get(criterion.id),
                        shift=self.course.score,
                    )  # fmt: skip
                    if value:  # not where files are the answer
                        values[criterion.id] = value
        shown = [criterion.id for criterion in template.shown(who.subtype or None, values).asked]
        kept = [key for key in shown if key in values]
        kept = kept[: max(1, round(story.answered * len(kept)))]
        hasty: dict[str, dict[str, Any]] = {}
        for (_, criteria), at in zip(sections, moments, strict=False):
            first = {}
            for criterion in criteria:
                if criterion.id not in kept:
                    continue
                value = values[criterion.id]
                own = ANSWER_TYPES[criterion.answer.type].own
                brief = {name: value[name] for name in (*own, "grade") if name in value}
                if rng.random() < (self.plan.answers.saved_twice if whole else self.plan.answers.unfinished):
                    if whole and value != brief:
                        hasty[criterion.id] = value
                    value = brief
                first[criterion.id] = value
            if first:
                journey.save(first, at)
        if hasty:
            journey.save(hasty, moments[len(sections)])
        if whole:
            self._vouch(journey, moments[len(sections) + 1 :], rng)

    def _vouch(self, journey: Journey, moments: Sequence[datetime], rng: Random) -> None:
        """Executives vouch for the standards that are complete and that nobody vouches for yet."""
        posts = self.plan.agencies[journey.row.agency_type].executives
        people = chance(self.seed, "executives", journey.team.who.code)
        names = [name(self.plan, people) for _ in posts]
        sections = [
            section.standard.id
            for section in journey.checklist().sections
            if section.state == "complete" and section.vouch is None
        ]
        for standard, at in zip(sections, moments, strict=False):
            # most executives answer for more than one standard
            number = rng.randrange(len(posts) - 1) if rng.random() < 0.8 else len(posts) - 1
            journey.vouch(standard, names[number], posts[number], at)

    def _sign(self, journey: Journey, story: Story, inspector: Person, rng: Random) -> None:
        """Sign as often as the story says; every signature that is not the last of a submitted return is voided."""
        signed = story.ends
        reopened, anew, again = self.plan.answers.reopening
        for number in range(1, story.submissions + 1):
            journey.submit(self.days.moments(rng, signed, signed, 1)[0])
            if story.stage == "submitted" and number == story.submissions:
                return
            journey.reopen(story.reason, inspector, self.days.moments(rng, signed + reopened, signed + reopened, 1)[0])
            at = self.days.moments(rng, signed + anew, signed + anew, 1)[0]
            journey.save(self._anew(journey, at.date(), rng), at)
            if number < story.submissions:
                self._vouch(journey, self.days.moments(rng, signed + anew + 1, signed + again - 1, 20), rng)
            signed += again

    def _anew(self, journey: Journey, saved: date, rng: Random) -> dict[str, dict[str, Any]]:
        """Some answers given again, and less kindly; none that decides what else is asked."""
        template, plan = journey.template, self.plan.answers.given_anew
        decides = {c.criterion for placed in template.criteria() for c in placed.criterion.conditions}
        open_to_doubt = [
            key
            for key, answer in sorted(journey.answers.items())
            if key not in decides and "reason" not in answer.value
        ]
        anew: dict[str, dict[str, Any]] = {}
        for key in rng.sample(open_to_doubt, plan.count):
            criterion: Criterion = template.criterion(key)
            value = self.course.answers.value(
                journey.team.who, template, criterion, rng, saved=saved, shift=self.course.score + plan.score
            )
            if value != journey.answers[key].value:
                anew[key] = value
        return anew

    # --- writing ---

    def write(self, journeys: Sequence[Journey]) -> None:
        """Write everything down: the returns with all that hangs on them, their events, and the roll-up."""
        self._write_returns(journeys)
        self._write_events()
        self._roll_up()

    def _write_returns(self, journeys: Sequence[Journey]) -> None:
        columns = [column.key for column in AuditReturn.__table__.columns if column.key != "id"]
        write(self.session, AuditReturn, [{key: getattr(j.row, key) for key in columns} for j in journeys])
        ids = ids_of(self.session, AuditReturn)
        current, versions, vouches, submissions = [], [], [], []
        for journey in journeys:
            return_id = ids[journey.row.public_id]
            versions += [{"return_id": return_id, **row} for row in journey.versions]
            # of the versions of an answer, the last is what stands
            for row in {row["criterion"]: row for row in journey.versions}.values():
                stands = {key: row[key] for key in row if key not in ("based_on", "idempotency_key")}
                current.append({"return_id": return_id, "grade": row["value"].get("grade", ""), **stands})
            vouches += [
                {
                    "return_id": return_id, "standard": vouch.standard, "name": vouch.name, "post": vouch.post,
                    "at": vouch.at, "recorded_by_id": vouch.recorded_by_id,
                }
                for vouch in journey.vouches.values()
            ]  # fmt: skip
            submissions += [{"return_id": return_id, **row} for row in journey.submissions]
        write(self.session, SelfAssessment, current)
        write(self.session, SelfAssessmentVersion, versions)
        write(self.session, Vouch, vouches)
        write(self.session, Submission, submissions)
        ids = ids_of(self.session, Submission)
        parts: list[tuple[type[Base], str]] = [
            (Declaration, "declarations"), (SubmissionAnswer, "signed"), (SubmissionVoided, "voided"),
        ]  # fmt: skip
        for model, name in parts:
            rows = [row for journey in journeys for row in getattr(journey, name)]
            write(self.session, model, [row | {"submission_id": ids[row["submission_id"]]} for row in rows])

    def _write_events(self) -> None:
        columns = [column.key for column in Event.__table__.columns if column.key != "id"]
        write(self.session, Event, [{key: getattr(link, key) for key in columns} for link in self.chains.events])
        ids = {(row.chain, row.seq): row.id for row in self.session.execute(select(Event.chain, Event.seq, Event.id))}
        write(
            self.session,
            EventText,
            [
                {"event_id": ids[link.chain, link.seq], "name": text.name, "salt": text.salt, "text": text.text}
                for link in self.chains.events
                for text in link.texts
            ],
        )

    def _roll_up(self) -> None:
        """The roll-up of grades, counted from what was written."""
        for stage, answer in (("draft", SelfAssessment), ("submitted", SubmissionAnswer)):
            columns = (AuditReturn.agency_type, AuditReturn.subtype, answer.criterion, answer.grade)
            query = select(*columns, func.count().label("count")).select_from(answer)
            if answer is SelfAssessment:
                query = query.join(AuditReturn, AuditReturn.id == SelfAssessment.return_id).where(
                    AuditReturn.stage.not_in(("submitted", "nil"))
                )
            else:
                # a submission is voided before the next one is made, so at most one of a return is left
                query = (
                    query.join(Submission, Submission.id == SubmissionAnswer.submission_id)
                    .join(AuditReturn, AuditReturn.id == Submission.return_id)
                    .outerjoin(SubmissionVoided, SubmissionVoided.submission_id == Submission.id)
                    .where(SubmissionVoided.id.is_(None))
                )
            query = query.where(AuditReturn.round_id == self.course.row.id, answer.grade != "")
            found = self.session.execute(query.group_by(*columns).order_by(*columns)).mappings()
            write(self.session, RollUp, [{"round_id": self.course.row.id, "stage": stage, **row} for row in found])


