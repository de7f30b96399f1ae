"""The demonstration: fills an empty database with a round of invented agencies.

What it is made of stands in the pack's `demonstration.yaml` (`app.domain.demonstration.Plan`). The same pack, seed and
day give the same rows, public ids, salts and times included. Returns come about as they do in use: one after the other
they are invited, saved, vouched for, signed and reopened, with the program's own content, hashes and events; only the
writing is done in bulk.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from operator import itemgetter
from random import Random
from typing import Any

from pydantic import ValidationError
from sqlalchemy import event, func, insert, select
from sqlalchemy.orm import Session

from app.clock import LONDON, end_of, pin, start_of
from app.domain.demonstration import Account, Answers, Plan, Respondent, Showcase, chance
from app.domain.integrity import GENESIS, canonical_json, sha256_hex, submission_hash
from app.domain.life import NotPossible, check_move
from app.domain.templates import Criterion, Pack
from app.domain.text import localise
from app.models import (
    AGENCY_ROLES,
    Agency,
    AgencyInArea,
    Appointment,
    Area,
    AuditReturn,
    AuditRound,
    Base,
    Declaration,
    Event,
    EventText,
    OversightBody,
    PackVersion,
    RollUp,
    RoundTemplate,
    SelfAssessment,
    SelfAssessmentVersion,
    Setting,
    Submission,
    SubmissionAnswer,
    SubmissionVoided,
    TemplateVersion,
    User,
    Vouch,
)
from app.models.base import ID_ALPHABET, ID_LENGTH, WithPublicId
from app.operations import events, search
from app.operations.templates import publish
from app.policy import Actor, require
from app.queries.returns import Answered, build_checklist, content_of

SETTING = "demonstration"
OFFICE_HOURS = (8 * 60 + 30, 17 * 60 + 45)  # in minutes

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class DemonstrationSummary:
    """What was made. `accounts`: email, name, role (words) and body (a name; may be empty) of who can sign in.

    `now` is when it was set up; what is added to the demonstration by its maker bears that time too.
    """

    round_id: str
    round_name: str
    today: date
    now: datetime
    agencies: int
    stages: Mapping[str, int]
    answers: int
    events: int
    accounts: Sequence[Mapping[str, str]]
    password: str

    def text(self) -> str:
        """What the command prints."""
        stages = ", ".join(f"{number} {stage}" for stage, number in sorted(self.stages.items()))
        people = [f"  {one['email']:<44} {one['role']}, {one['body'] or self.round_name}" for one in self.accounts]
        return "\n".join(
            [
                f"{self.round_name}: {self.agencies} invented agencies ({stages}), {self.answers} answers.",
                f"It stands still on {self.today.day} {self.today:%B %Y}.",
                f"Sign in as one of these, with the password {self.password}:",
                *people,
            ]
        )


def build(
    session: Session, *, pack: Pack, seed: int, by: Actor, hash_password: Callable[[str], str],
    today: date | None = None, scale: int | None = None, progress: Progress | None = None,
) -> DemonstrationSummary:  # fmt: skip
    """Fill an empty, migrated database with the demonstration of `pack`, and pin its clock.

    `today` is the day it stands still (None: the plan's own), `scale` a number of agencies (None: all of the plan's).
    `hash_password` is called once. `progress` gets how much is done, of how much, and what comes next. Raises Denied,
    and NotPossible where the database is not empty, or the pack has no demonstration or one that does not fit it.
    """
    require(by, "service.administer")
    if session.scalar(select(Agency.id).limit(1)) or session.scalar(select(AuditRound.id).limit(1)):
        raise NotPossible("The database is not empty. A demonstration needs a database of its own.")
    if pack.demonstration is None:
        raise NotPossible(f"The pack {pack.pack} has no demonstration: there is no demonstration.yaml in its folder.")
    try:
        plan = Plan.model_validate(pack.demonstration)
        counts = plan.counts(scale)
    except ValidationError as wrong:
        raise NotPossible(f"The demonstration of the pack {pack.pack} has mistakes: {wrong}") from wrong
    except ValueError as wrong:
        raise NotPossible(f"That is too few: {wrong}.") from wrong
    if mistakes := plan.mistakes(pack):
        raise NotPossible(f"The demonstration of {pack.pack} does not fit the pack: {'; '.join(mistakes)}.")
    work = _Demonstration(session, pack, plan, seed, today or plan.today, by, progress or (lambda *_: None))
    return work.make(counts, hash_password(plan.password))


@dataclass(frozen=True)
class _Person:
    """Somebody who acts in the demonstration."""

    id: int
    public_id: str
    name: str
    post: str
    acting: bool

    @property
    def label(self) -> str:
        return f"person:{self.public_id}"


@dataclass(frozen=True)
class _Team:
    """An agency with its area and the people who answer for it."""

    agency: Agency
    who: Respondent
    signatory: _Person
    lead: _Person


@dataclass(frozen=True)
class _Story:
    """What becomes of a return. Days count from today; `ends` is the day of the (first) signature."""

    stage: str
    answered: float = 0
    submissions: int = 0
    ends: int = -1
    extended_to: int | None = None
    reason: str = ""


class _Ids:
    """Identifiers and salts that follow from the seed."""

    def __init__(self, seed: int) -> None:
        self._rng = chance(seed, "identifiers")

    def public_id(self) -> str:
        return "".join(self._rng.choices(ID_ALPHABET, k=ID_LENGTH))

    def token(self) -> str:
        """32 hexadecimal digits."""
        return uuid.UUID(int=self._rng.getrandbits(128), version=4).hex


class _Chains:
    """The event chains: each event is hashed with the one before it."""

    def __init__(self, ids: _Ids) -> None:
        self._ids = ids
        self._heads: dict[str, tuple[int, str]] = {}
        self.events: list[Event] = []

    def add(
        self, chain: str, verb: str, at: datetime, actor: str, data: Mapping[str, Any], texts: Mapping[str, str]
    ) -> None:
        seq, previous = self._heads.get(chain, (0, GENESIS))
        link = events.build(
            chain=chain, seq=seq + 1, previous_hash=previous, verb=verb, at=at, actor=actor,
            data=dict(data), texts=dict(texts), salt=self._ids.token(),
        )  # fmt: skip
        self._heads[chain] = (link.seq, link.hash)
        self.events.append(link)


@dataclass
class _Journey:
    """A return while it comes about: its row (in no session), and everything that hangs on it.

    Events are kept with their times and chained in order of time at the end.
    """

    row: AuditReturn
    pack: Pack
    team: _Team
    ids: _Ids
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
                    "idempotency_key": self.ids.token(), "saved_at": at, "saved_by_id": lead.id,
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
        public_id, number = self.ids.public_id(), len(self.submissions) + 1
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

    def reopen(self, reason: str, by: _Person, at: datetime) -> None:
        """An inspector reopens the return: its last submission is voided."""
        last = self.submissions[-1]
        self.voided.append({"submission_id": last["public_id"], "reason": reason, "at": at, "by_id": by.id})
        self.move("started", at)
        self.event(at, "return.reopened", by.label, {"voided": last["number"]}, reason=reason)

    def set_nil(self, reason: str, by: _Person, at: datetime) -> None:
        """An inspector records that there is nothing to return."""
        self.move("nil", at)
        self.row.nil_reason = reason
        self.event(at, "return.nil", by.label, reason=reason)

    def extend(self, to: datetime, by: _Person, at: datetime) -> None:
        """An inspector gives more time."""
        self.row.extended_to = to
        self.event(at, "return.extended", by.label, {"to": events.iso(to)})


class _Demonstration:
    """The making of one demonstration, step by step."""

    def __init__(
        self, session: Session, pack: Pack, plan: Plan, seed: int, today: date, by: Actor, progress: Progress
    ) -> None:
        self.session = session
        self.pack = pack
        self.plan = plan
        self.seed = seed
        self.today = today
        self.by = by
        self.progress = progress
        self.ids = _Ids(seed)
        self.chains = _Chains(self.ids)
        self.answers = Answers(pack, plan, seed, milestones_from=self.day(plan.round.milestones_from))
        self.created = self._office(self.day(plan.round.created), 10 * 60)

    # --- days and times ---

    def day(self, days: int) -> date:
        """The day so many days from today."""
        return self.today + timedelta(days)

    @staticmethod
    def _office(day: date, minute: int, second: int = 0) -> datetime:
        clock = time(minute // 60, minute % 60, second)
        # through `start_of` for its time zone, so that every instant is in UTC
        return datetime.combine(day, clock, tzinfo=LONDON).astimezone(start_of(day).tzinfo)

    def _moments(self, rng: Random, first: int, last: int, number: int) -> list[datetime]:
        """So many instants in office hours, in order, on working days from `first` to `last` (days from today)."""
        days = [self.day(days) for days in range(first, last + 1)]
        days = [day for day in days if day.weekday() < 5] or days
        return sorted(
            self._office(rng.choice(days), rng.randint(*OFFICE_HOURS), rng.randint(0, 59)) for _ in range(number)
        )

    # --- writing ---

    def _insert(self, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert in bulk. The database numbers the rows, so that its sequences stay true."""
        if rows:
            self.session.execute(insert(model), rows)

    def _ids_of(self, model: Any) -> dict[str, int]:
        return {row.public_id: row.id for row in self.session.execute(select(model.public_id, model.id))}

    @contextmanager
    def _named(self) -> Iterator[None]:
        """While it lasts, new rows get public ids from the seed: later, a published version cannot change."""

        def name(session: Session, *_: object) -> None:
            for row in session.new:
                if isinstance(row, WithPublicId) and not row.public_id:
                    row.public_id = self.ids.public_id()

        event.listen(self.session, "before_flush", name)
        try:
            yield
            self.session.flush()
        finally:
            event.remove(self.session, "before_flush", name)

    # --- the steps ---

    def make(self, counts: Mapping[tuple[str, str], int], password: str) -> DemonstrationSummary:
        """Everything, in order."""
        pin(self.session, self.today)
        version = self._publish()
        bodies = self._bodies()
        areas, respondents = self._agencies(counts)
        audit_round = self._round(version, bodies, len(respondents))
        stories, showcases = self._stories(respondents)
        accounts = self._accounts(showcases, bodies, areas, password)
        teams = self._teams(respondents, showcases, accounts)
        inspectors = self._inspectors(accounts)
        journeys = []
        steps = len(teams) + len(teams) // 4  # writing takes about a fifth of the time
        for place, team in enumerate(teams):
            self.progress(place, steps, team.agency.name)
            journeys.append(self._journey(team, stories[team.who.code], audit_round, version, inspectors))
        self.progress(len(teams), steps, audit_round.name)
        self._write_returns(journeys, audit_round)
        self._write_events()
        self._roll_up(audit_round)
        search.index_all(self.session)
        listed = self._listed(accounts, showcases, bodies, areas)
        self.session.add(
            Setting(key=SETTING, value={"accounts": listed, "password": self.plan.password, "note": self.plan.note})
        )
        self.session.flush()
        self.session.expire_all()
        self.progress(steps, steps, audit_round.name)
        return DemonstrationSummary(
            round_id=audit_round.public_id,
            round_name=audit_round.name,
            today=self.today,
            now=self.created,
            agencies=len(teams),
            stages=Counter(journey.row.stage for journey in journeys),
            answers=sum(len(journey.answers) for journey in journeys),
            events=len(self.chains.events),
            accounts=listed,
            password=self.plan.password,
        )

    def _publish(self) -> PackVersion:
        with self._named():
            return publish(self.session, self.pack, by=self.by, now=self.created)

    def _bodies(self) -> dict[str, OversightBody]:
        with self._named():
            for code, body in self.plan.oversight_bodies.items():
                self.session.add(OversightBody(code=code, name=body.name, short=body.short, kind=body.kind))
        return {body.code: body for body in self.session.scalars(select(OversightBody))}

    def _agencies(self, counts: Mapping[tuple[str, str], int]) -> tuple[list[Area], list[Respondent]]:
        """Areas and agencies, and which agency works where."""
        plan = self.plan.areas
        number = sum(count for (agency_type, _), count in counts.items() if agency_type == plan.one_for_each)
        places = plan.places[:number]
        self._insert(
            Area,
            [
                {
                    "public_id": self.ids.public_id(),
                    "code": plan.code.format(number=place + 1),
                    "name": plan.name.format(area=one.name),
                }
                for place, one in enumerate(places)
            ],
        )
        areas = list(self.session.scalars(select(Area).order_by(Area.id)))
        rows, serves, respondents = [], [], []
        for agency_type, agencies in self.plan.agencies.items():
            serial = 0
            for subtype, kind in agencies.subtypes.items():
                count = counts[agency_type, subtype]
                names = _Names(self.plan, kind.names, kind.spare_names, chance(self.seed, "names", subtype))
                for index in range(count):
                    serial += 1
                    if agency_type == plan.one_for_each:
                        covers = range(serial - 1, serial)
                    else:
                        covers = _covers(index, count, kind.areas, len(plan.places), len(places))
                    code = agencies.code.format(number=serial)
                    rows.append(
                        {
                            "public_id": self.ids.public_id(), "code": code, "name": names.take(covers[0]),
                            "agency_type": agency_type, "subtype": subtype,
                        }
                    )  # fmt: skip
                    respondents.append(Respondent(code, agency_type, subtype, covers[0]))
                    also = chance(self.seed, "next door", code).random() < kind.next_door and len(covers) < len(places)
                    serves += [(code, area) for area in covers]
                    serves += [(code, (covers[-1] + 1) % len(places))] if also else []
        self._insert(Agency, rows)
        ids = {row.code: row.id for row in self.session.execute(select(Agency.code, Agency.id))}
        starts = date(self.today.year - 2, 4, 1)
        self._insert(
            AgencyInArea,
            [{"agency_id": ids[code], "area_id": areas[area].id, "starts": starts} for code, area in serves],
        )
        return areas, respondents

    def _round(self, version: PackVersion, bodies: Mapping[str, OversightBody], agencies: int) -> AuditRound:
        plan = self.plan.round
        audit_round = AuditRound(
            public_id=self.ids.public_id(), key=plan.key, name=plan.name, pack_version=version,
            owner=bodies[plan.owner], stage="open", opens=start_of(self.day(plan.opens)),
            due=end_of(self.day(plan.due)), closes=end_of(self.day(plan.closes)),
            milestones_from=self.day(plan.milestones_from), area_release=plan.area_release, findings_from=None,
            is_demonstration=True, created_at=self.created,
        )  # fmt: skip
        self.session.add(audit_round)
        templates = {row.agency_type: row for row in version.templates}
        for agency_type, one in self.pack.agency_types.items():
            self.session.add(
                RoundTemplate(
                    audit_round=audit_round, oversight_body=bodies[one.oversight_body],
                    template_version=templates[agency_type], agency_type=agency_type,
                )
            )  # fmt: skip
        self.session.flush()
        chain, by = events.chain_of(audit_round), self.by.label
        data = {
            "key": plan.key, "pack": version.pack, "version": version.version, "owner": plan.owner,
            "opens": self.day(plan.opens).isoformat(), "due": self.day(plan.due).isoformat(),
            "closes": self.day(plan.closes).isoformat(), "milestones_from": audit_round.milestones_from.isoformat(),
        }  # fmt: skip
        self.chains.add(chain, "round.created", self.created, by, data, {})
        self.chains.add(chain, "round.agencies_added", self.created, by, {"number": agencies}, {})
        self.chains.add(chain, "round.opened", audit_round.opens, by, {"agencies": agencies}, {})
        return audit_round

    def _stories(self, respondents: Sequence[Respondent]) -> tuple[dict[str, _Story], dict[str, str]]:
        """What becomes of each return, by agency code, and which agency plays which showcase."""
        plan = self.plan.returns
        left = list(respondents)
        stories: dict[str, _Story] = {}
        showcases: dict[str, str] = {}
        for showcase in self.plan.showcase:
            kind = (showcase.agency_type, showcase.subtype)
            one = next(who for who in left if (who.agency_type, who.subtype) == kind)
            left.remove(one)
            showcases[showcase.key] = one.code
            stories[one.code] = self._showcase_story(showcase)
        rng = chance(self.seed, "stories")
        rng.shuffle(left)

        def take(share: float) -> list[Respondent]:
            number = max(1, round(share * len(respondents)))
            taken, left[:number] = left[:number], []
            return taken

        due = self.plan.round.due
        for who in take(plan.invited):
            stories[who.code] = _Story("invited")
        for who in take(plan.started):
            stories[who.code] = _Story("started", answered=rng.uniform(0.05, 0.97))
        for who in take(plan.late):
            stories[who.code] = _Story("submitted", 1, 1, ends=rng.randint(due + 1, -1))
        for who in take(plan.extended):
            stories[who.code] = _Story("submitted", 1, 1, ends=rng.randint(due + 1, -1), extended_to=plan.extension.to)
        for who in left:
            ends = round(rng.triangular(plan.submitted.earliest, due, plan.submitted.mostly))
            ends -= max(0, self.day(ends).weekday() - 4)  # on the Friday before rather than at a weekend
            stories[who.code] = _Story("submitted", 1, 1, ends=ends)
        return stories, showcases

    def _showcase_story(self, showcase: Showcase) -> _Story:
        # who signs more than once, or is reopened, began early
        ends = self.plan.returns.submitted.earliest if showcase.submissions else -1
        return _Story(
            showcase.stage, showcase.answered, showcase.submissions, ends, showcase.extended_to, showcase.reason
        )

    # --- people ---

    def _name(self, rng: Random) -> str:
        return f"{rng.choice(self.plan.people.first_names)} {rng.choice(self.plan.people.surnames)}"

    def _user(self, name: str, email: str, password: str | None) -> dict[str, Any]:
        # Flask-Security keeps naive UTC
        created = self.created.replace(tzinfo=None)
        return {
            "public_id": self.ids.public_id(), "name": name, "email": email, "password": password, "active": True,
            "fs_uniquifier": self.ids.token(), "confirmed_at": created if password else None,
            "create_datetime": created, "update_datetime": created,
        }  # fmt: skip

    def _appointment(self, user_id: int, role: str, post: str, **at: Any) -> dict[str, Any]:
        body = {"agency_id": None, "oversight_body_id": None, "area_id": None, "acting": False}
        starts = self.day(self.plan.round.created - 30)
        return {"public_id": self.ids.public_id(), "user_id": user_id, "role": role, "post": post, "starts": starts,
                **body, **at}  # fmt: skip

    def _accounts(
        self, showcases: Mapping[str, str], bodies: Mapping[str, OversightBody], areas: Sequence[Area], password: str
    ) -> list[tuple[Account, _Person]]:
        """Those who can sign in, with their appointments."""
        plans = self.plan.accounts
        users = [self._user(account.name, account.email, password) for account in plans]
        self._insert(User, users)
        ids = self._ids_of(User)
        agencies = {row.code: row.id for row in self.session.execute(select(Agency.code, Agency.id))}
        people, appointments = [], []
        for account, user in zip(plans, users, strict=True):
            person = _Person(ids[user["public_id"]], user["public_id"], account.name, account.post, False)
            people.append((account, person))
            at = {
                "agency_id": agencies[showcases[account.at]] if account.at else None,
                "oversight_body_id": bodies[account.body].id if account.body else None,
                "area_id": areas[account.area].id if account.area is not None else None,
            }
            appointments.append(self._appointment(person.id, account.role, account.post, **at))
        self._insert(Appointment, appointments)
        return people

    def _teams(
        self, respondents: Sequence[Respondent], showcases: Mapping[str, str],
        accounts: Sequence[tuple[Account, _Person]],
    ) -> list[_Team]:  # fmt: skip
        """The signatory and the audit lead of every agency; those with accounts where there are such."""
        signs, leads = AGENCY_ROLES[:2]
        plan = self.plan.people
        agencies = {agency.code: agency for agency in self.session.scalars(select(Agency).order_by(Agency.id))}
        known = {(showcases[a.at], a.role): person for a, person in accounts if a.at and a.role in (signs, leads)}
        rng = chance(self.seed, "people")
        missing = [(who, role) for who in respondents for role in (signs, leads) if (who.code, role) not in known]
        users, posts = [], []
        for who, role in missing:
            email = plan.signatory_email if role == signs else plan.lead_email
            users.append(self._user(self._name(rng), email.format(code=who.code.lower()), None))
            signatory = localise(self.pack.agency_types[who.agency_type].signatory)
            posts.append(signatory[0].upper() + signatory[1:] if role == signs else plan.lead_post)
        self._insert(User, users)
        ids = self._ids_of(User)
        appointments = []
        for (who, role), user, post in zip(missing, users, posts, strict=True):
            acting = role == signs and rng.random() < plan.acting
            person = _Person(ids[user["public_id"]], user["public_id"], user["name"], post, acting)
            known[who.code, role] = person
            at = {"agency_id": agencies[who.code].id, "acting": acting}
            appointments.append(self._appointment(person.id, role, post, **at))
        self._insert(Appointment, appointments)
        return [
            _Team(agencies[who.code], who, known[who.code, signs], known[who.code, leads]) for who in respondents
        ]

    def _inspectors(self, accounts: Sequence[tuple[Account, _Person]]) -> dict[str, _Person]:
        """Somebody of the oversight body of each agency type."""
        by_body: dict[str, _Person] = {}
        for account, person in accounts:
            if account.body:
                by_body.setdefault(account.body, person)
        return {key: by_body[one.oversight_body] for key, one in self.pack.agency_types.items()}

    def _listed(
        self, accounts: Sequence[tuple[Account, _Person]], showcases: Mapping[str, str],
        bodies: Mapping[str, OversightBody], areas: Sequence[Area],
    ) -> list[dict[str, str]]:  # fmt: skip
        """The accounts as the sign-in page shows them."""
        names = {row.code: row.name for row in self.session.execute(select(Agency.code, Agency.name))}
        listed = []
        for account, _ in accounts:
            body = ""
            if account.at:
                body = names[showcases[account.at]]
            elif account.body:
                body = bodies[account.body].name
            elif account.area is not None:
                body = areas[account.area].name
            role = account.role.replace("_", " ").capitalize()
            listed.append({"email": account.email, "name": account.name, "role": role, "body": body})
        return listed

    # --- returns ---

    def _journey(
        self, team: _Team, story: _Story, audit_round: AuditRound, version: PackVersion,
        inspectors: Mapping[str, _Person],
    ) -> _Journey:  # fmt: skip
        """One return, from the invitation to where its story leaves it."""
        template_version = next(row for row in version.templates if row.agency_type == team.who.agency_type)
        journey = _Journey(self._row(team, audit_round, template_version), self.pack, team, self.ids)
        inspector = inspectors[team.who.agency_type]
        rng = chance(self.seed, "return", team.who.code)
        journey.event(self.created, "return.invited", self.by.label, {"round": audit_round.key})
        if story.extended_to is not None:
            asked = self.plan.returns.extension.asked
            to = end_of(self.day(story.extended_to))
            journey.extend(to, inspector, self._moments(rng, asked, asked, 1)[0])
        if story.stage == "nil":
            first = self.plan.round.opens + self.plan.returns.notice[1]
            journey.set_nil(story.reason, inspector, self._moments(rng, first, -1, 1)[0])
        elif story.stage != "invited":
            self._fill_in(journey, story, rng)
            self._sign(journey, story, inspector, rng)
        work = journey.checklist()
        journey.row.asked, journey.row.complete = work.asked, work.complete
        for at, verb, actor, data, texts in sorted(journey.happened, key=itemgetter(0)):
            self.chains.add(events.chain_of(journey.row), verb, at, actor, data, texts)
        return journey

    def _row(self, team: _Team, audit_round: AuditRound, template_version: TemplateVersion) -> AuditReturn:
        """The row as it is when the agency is invited. It enters no session: rows are written in bulk."""
        return AuditReturn(
            public_id=self.ids.public_id(), audit_round=audit_round, agency=team.agency,
            template_version=template_version, round_id=audit_round.id, agency_id=team.agency.id,
            template_version_id=template_version.id, agency_type=team.who.agency_type, subtype=team.who.subtype,
            stage="invited", asked=0, complete=0, invited_at=self.created, nil_reason="",
        )  # fmt: skip

    def _fill_in(self, journey: _Journey, story: _Story, rng: Random) -> None:
        """The audit lead answers standard by standard, goes through the answers again, and has them vouched for."""
        plan, who, template = self.plan.returns, journey.team.who, journey.template
        opens, whole = self.plan.round.opens, story.answered == 1
        if story.submissions or whole:
            starts = max(story.ends - rng.randint(*plan.work), opens + rng.randint(*plan.notice))
        else:
            starts = rng.randint(opens + plan.notice[0], -plan.notice[0] - 1)
        sections = [
            (standard, [criterion for criterion in standard.criteria if criterion.asked_of(who.subtype or None)])
            for standard in template.standards
        ]
        sections = [section for section in sections if section[1]]
        last = story.ends - 1 if story.submissions else story.ends
        moments = self._moments(rng, min(starts, last), last, 2 * len(sections) + 1)
        values: dict[str, dict[str, Any]] = {}
        fixed = self.answers.circumstances(who)
        for (standard, criteria), at in zip(sections, moments, strict=False):
            left = self.answers.optional_left(standard, rng)
            for criterion in criteria:
                if criterion.id not in left:
                    values[criterion.id] = self.answers.value(
                        who, template, criterion, rng, saved=at.date(), fixed=fixed.get(criterion.id)
                    )
        grades = {key: value["grade"] for key, value in values.items()}
        shown = [criterion.id for criterion in template.shown(who.subtype or None, grades).asked]
        kept = [key for key in shown if key in values]
        kept = kept[: max(1, round(story.answered * len(kept)))]
        hasty: dict[str, dict[str, Any]] = {}
        for (_, criteria), at in zip(sections, moments, strict=False):
            first = {}
            for criterion in criteria:
                if criterion.id not in kept:
                    continue
                value = values[criterion.id]
                brief = {"grade": value["grade"]}
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

    def _vouch(self, journey: _Journey, moments: Sequence[datetime], rng: Random) -> None:
        """Executives vouch for the standards that are complete and that nobody vouches for yet."""
        posts = self.plan.agencies[journey.row.agency_type].executives
        people = chance(self.seed, "executives", journey.team.who.code)
        names = [self._name(people) for _ in posts]
        sections = [
            section.standard.id
            for section in journey.checklist().sections
            if section.state == "complete" and section.vouch is None
        ]
        for standard, at in zip(sections, moments, strict=False):
            # most executives answer for more than one standard
            number = rng.randrange(len(posts) - 1) if rng.random() < 0.8 else len(posts) - 1
            journey.vouch(standard, names[number], posts[number], at)

    def _sign(self, journey: _Journey, story: _Story, inspector: _Person, rng: Random) -> None:
        """Sign as often as the story says; every signature that is not the last of a submitted return is voided."""
        signed = story.ends
        reopened, anew, again = self.plan.answers.reopening
        for number in range(1, story.submissions + 1):
            journey.submit(self._moments(rng, signed, signed, 1)[0])
            if story.stage == "submitted" and number == story.submissions:
                return
            journey.reopen(story.reason, inspector, self._moments(rng, signed + reopened, signed + reopened, 1)[0])
            at = self._moments(rng, signed + anew, signed + anew, 1)[0]
            journey.save(self._anew(journey, at.date(), rng), at)
            if number < story.submissions:
                self._vouch(journey, self._moments(rng, signed + anew + 1, signed + again - 1, 20), rng)
            signed += again

    def _anew(self, journey: _Journey, saved: date, rng: Random) -> dict[str, dict[str, Any]]:
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
            value = self.answers.value(journey.team.who, template, criterion, rng, saved=saved, shift=plan.score)
            if value != journey.answers[key].value:
                anew[key] = value
        return anew

    # --- writing the returns ---

    def _write_returns(self, journeys: Sequence[_Journey], audit_round: AuditRound) -> None:
        columns = [column.key for column in AuditReturn.__table__.columns if column.key != "id"]
        self._insert(AuditReturn, [{key: getattr(j.row, key) for key in columns} for j in journeys])
        ids = self._ids_of(AuditReturn)
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
        self._insert(SelfAssessment, current)
        self._insert(SelfAssessmentVersion, versions)
        self._insert(Vouch, vouches)
        self._insert(Submission, submissions)
        ids = self._ids_of(Submission)
        parts: list[tuple[type[Base], str]] = [
            (Declaration, "declarations"), (SubmissionAnswer, "signed"), (SubmissionVoided, "voided"),
        ]  # fmt: skip
        for model, name in parts:
            rows = [row for journey in journeys for row in getattr(journey, name)]
            self._insert(model, [row | {"submission_id": ids[row["submission_id"]]} for row in rows])

    def _write_events(self) -> None:
        columns = [column.key for column in Event.__table__.columns if column.key != "id"]
        self._insert(Event, [{key: getattr(link, key) for key in columns} for link in self.chains.events])
        ids = {(row.chain, row.seq): row.id for row in self.session.execute(select(Event.chain, Event.seq, Event.id))}
        self._insert(
            EventText,
            [
                {"event_id": ids[link.chain, link.seq], "name": text.name, "salt": text.salt, "text": text.text}
                for link in self.chains.events
                for text in link.texts
            ],
        )

    def _roll_up(self, audit_round: AuditRound) -> None:
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
            query = query.where(AuditReturn.round_id == audit_round.id, answer.grade != "")
            found = self.session.execute(query.group_by(*columns).order_by(*columns)).mappings()
            self._insert(RollUp, [{"round_id": audit_round.id, "stage": stage, **row} for row in found])


class _Names:
    """Names of the agencies of one subtype, each used once."""

    def __init__(self, plan: Plan, names: Sequence[str], spare: Sequence[str], rng: Random) -> None:
        self._plan = plan
        self._patterns = (names, spare)
        self._rng = rng
        self._left: dict[int, list[str]] = {}

    def take(self, area: int) -> str:
        """A name for an agency in an area. IndexError where the plan has too few patterns."""
        if area not in self._left:
            self._left[area] = [name for patterns in self._patterns for name in self._shuffled(patterns, area)]
        return self._left[area].pop(0)

    def _shuffled(self, patterns: Sequence[str], area: int) -> list[str]:
        place = self._plan.areas.places[area]
        found = {
            pattern.format(area=place.name, town=town, next_town=place.towns[number - 1], side=side): None
            for pattern in patterns
            for number, town in enumerate(place.towns)
            for side in self._plan.sides
        }
        names = list(found)
        self._rng.shuffle(names)
        return names


def _covers(index: int, count: int, planned: tuple[int, int], all_areas: int, areas: int) -> range:
    """The areas of one agency out of `count` of its kind, in a demonstration with fewer areas than planned or all.

    Where there are more agencies than areas each has one; otherwise each has several, next to each other.
    """
    first = min(planned[0] * areas // all_areas, areas - 1)
    width = max(1, planned[1] * areas // all_areas - first)
    if count >= width:
        # by the middle of each share, so that the first areas do not get the extra ones of every kind
        start = first + (2 * index + 1) * width // (2 * count)
        return range(start, start + 1)
    return range(first + index * width // count, first + (index + 1) * width // count)
