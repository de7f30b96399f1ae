"""The demonstration: fills an empty database with a round of invented agencies that is open, and one that ended before.

What it is made of stands in the pack's `demonstration.yaml` (`app.domain.demonstration.Plan`). The same pack, seed and
day give the same rows, public ids, salts and times included: while it is built, ids and salts follow from the seed
(`app.domain.entropy`). Returns come about as they do in use, written in bulk (`demonstration_returns`); what oversight
bodies do, and what agencies answer, is done by the service's own operations (`demonstration_story`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from random import Random
from typing import Any

from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.clock import end_of, pin, start_of
from app.domain.demonstration import (
    Account,
    Answers,
    EarlierPlan,
    Plan,
    Respondent,
    ReturnsPlan,
    RoundPlan,
    Showcase,
    chance,
)
from app.domain.demonstration_story import Step
from app.domain.entropy import drawn_from, token
from app.domain.life import NotPossible
from app.domain.templates import Pack
from app.domain.text import localise
from app.models import (
    AGENCY_ROLES,
    Agency,
    AgencyInArea,
    Appointment,
    Area,
    AuditRound,
    Event,
    OversightBody,
    PackVersion,
    RoundTemplate,
    Setting,
    User,
    new_public_id,
)
from app.operations import events, search
from app.operations.demonstration_returns import (
    Course,
    Days,
    Journey,
    Person,
    Returns,
    Story,
    Team,
    ids_of,
    in_time,
    name,
    write,
)
from app.operations.demonstration_story import Telling
from app.operations.rounds import set_dates
from app.operations.templates import publish
from app.policy import Actor, require

SETTING = "demonstration"

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class DemonstrationSummary:
    """What was made. `accounts`: email, name, role (words) and body (a name; may be empty) of who can sign in.

    `earlier`: what the round before is called, and `took_part` how many agencies did; empty where there is none.
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
    earlier: str = ""
    took_part: int = 0

    def text(self) -> str:
        """What the command prints."""
        stages = ", ".join(f"{number} {stage}" for stage, number in sorted(self.stages.items()))
        before = [f"Before it: {self.earlier}, {self.took_part} agencies, published."] if self.earlier else []
        people = [f"  {one['email']:<44} {one['role']}, {one['body'] or self.round_name}" for one in self.accounts]
        return "\n".join(
            [
                f"{self.round_name}: {self.agencies} invented agencies ({stages}), {self.answers} answers.",
                *before,
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
    with drawn_from(chance(seed, "identifiers")):
        return work.make(counts, hash_password(plan.password))


@dataclass(frozen=True)
class _Cast:
    """Who plays what: agency code by showcase, people by address, inspectors and leads by the agency type they ask."""

    showcases: Mapping[str, str]
    accounts: Mapping[str, Person]
    inspectors: Mapping[str, Person]
    leads: Mapping[str, Person]


class _Demonstration:
    """The making of one demonstration, step by step."""

    def __init__(
        self, session: Session, pack: Pack, plan: Plan, seed: int, today: date, by: Actor, progress: Progress
    ) -> None:
        self.session = session
        self.pack = pack
        self.plan = plan
        self.seed = seed
        self.days = Days(today)
        self.by = by
        self.progress = progress
        self.done = self.steps = 0
        first = plan.earlier.round if plan.earlier else plan.round
        self.started = first.created  # the first day of all, counted from today
        self.created = self.days.at(first.created, 10 * 60)

    # --- the steps ---

    def make(self, counts: Mapping[tuple[str, str], int], password: str) -> DemonstrationSummary:
        """Everything, in order."""
        pin(self.session, self.days.today)
        version = publish(self.session, self.pack, by=self.by, now=self.created)
        bodies = self._bodies()
        areas, respondents = self._agencies(counts)
        showcases = self._showcases(respondents)
        accounts = self._accounts(showcases, bodies, areas, password)
        teams = self._teams(respondents, showcases, accounts)
        cast = _Cast(
            showcases, {account.email: person for account, person in accounts},
            self._people(accounts, "inspector"), self._people(accounts, "lead_inspector"),
        )  # fmt: skip
        early = self._early(teams)
        told = [*self.plan.story, *(self.plan.earlier.story if self.plan.earlier and early else ())]
        # writing takes about a fifth of the time that the returns take
        self.steps = (len(teams) + len(early)) * 5 // 4 + len(told)
        if self.plan.earlier and early:
            self._earlier(self.plan.earlier, version, bodies, early, cast)
        course = self._course(version, bodies, self.plan.round, self.plan.returns)
        given = {showcases[one.key]: self._showcase_story(one) for one in self.plan.showcase}
        journeys = self._returns(course, teams, given, cast)
        self._tell(course, teams, cast, self.plan.story)
        search.index_all(self.session)
        listed = self._listed(accounts, showcases, bodies, areas)
        self.session.add(
            Setting(key=SETTING, value={"accounts": listed, "password": self.plan.password, "note": self.plan.note})
        )
        self.session.flush()
        self.session.expire_all()
        self.progress(self.steps, self.steps, course.plan.name)
        return DemonstrationSummary(
            round_id=course.row.public_id,
            round_name=course.plan.name,
            today=self.days.today,
            now=self.created,
            agencies=len(teams),
            stages=Counter(journey.row.stage for journey in journeys),
            answers=sum(len(journey.answers) for journey in journeys),
            events=self.session.scalar(select(func.count()).select_from(Event)) or 0,
            accounts=listed,
            password=self.plan.password,
            earlier=self.plan.earlier.round.name if self.plan.earlier and early else "",
            took_part=len(early),
        )

    def _move(self, what: str, by: int = 1) -> None:
        self.progress(min(self.done, self.steps), self.steps, what)
        self.done += by

    def _early(self, teams: Sequence[Team]) -> list[Team]:
        """The agencies that took part in the earlier round, if there was one."""
        earlier = self.plan.earlier
        if earlier is None:
            return []
        areas = self.session.scalar(select(func.count()).select_from(Area)) or 0
        chosen = earlier.areas_of(areas, len(self.plan.areas.places))
        return [team for team in teams if team.who.area in chosen]

    def _earlier(
        self, plan: EarlierPlan, version: PackVersion, bodies: Mapping[str, OversightBody], teams: Sequence[Team],
        cast: _Cast,
    ) -> None:  # fmt: skip
        """The round that ended before, from the invitation to what was published and corrected."""
        course = replace(
            self._course(version, bodies, plan.round, plan.returns),
            last=plan.round.closes, score=plan.score, key=(plan.round.key,),
        )  # fmt: skip
        rng = chance(self.seed, *course.key, "showcases")
        played = set(cast.showcases.values())
        # whoever can sign in has something to look back at
        given = {team.who.code: in_time(course, self.days, rng) for team in teams if team.who.code in played}
        self._returns(course, teams, given, cast)
        self._tell(course, teams, cast, plan.story)

    def _tell(self, course: Course, teams: Sequence[Team], cast: _Cast, story: Sequence[Step]) -> None:
        asks = {one.oversight_body: key for key, one in self.pack.agency_types.items()}
        telling = Telling(
            self.session, self.pack, self.seed, self.days, course, teams, cast.showcases, cast.accounts,
            cast.inspectors, cast.leads, cast.leads[asks[course.plan.owner]],
        )  # fmt: skip
        telling.tell(story, self._move)

    def _returns(
        self, course: Course, teams: Sequence[Team], given: Mapping[str, Story], cast: _Cast
    ) -> list[Journey]:
        """The returns of a round, of these agencies, and what stands in the round's own history before them."""
        work = Returns(
            self.session, self.pack, self.plan, self.seed, self.days, course, cast.inspectors, self.by.label
        )
        self._announce(work, len(teams))
        stories = work.stories([team.who for team in teams], given)
        journeys = []
        for team in teams:
            self._move(team.agency.name)
            journeys.append(work.journey(team, stories[team.who.code]))
        self._move(course.plan.name, len(teams) // 4)
        work.write(journeys)
        return journeys

    def _bodies(self) -> dict[str, OversightBody]:
        for code, body in self.plan.oversight_bodies.items():
            self.session.add(OversightBody(code=code, name=body.name, short=body.short, kind=body.kind))
        self.session.flush()
        return {body.code: body for body in self.session.scalars(select(OversightBody))}

    def _agencies(self, counts: Mapping[tuple[str, str], int]) -> tuple[list[Area], list[Respondent]]:
        """Areas and agencies, and which agency works where."""
        plan = self.plan.areas
        number = sum(count for (agency_type, _), count in counts.items() if agency_type == plan.one_for_each)
        places = plan.places[:number]
        write(
            self.session,
            Area,
            [
                {
                    "public_id": new_public_id(),
                    "code": plan.code.format(number=place + 1),
                    "name": plan.name.format(area=one.name),
                    "region": one.region,
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
                            "public_id": new_public_id(), "code": code, "name": names.take(covers[0]),
                            "agency_type": agency_type, "subtype": subtype,
                        }
                    )  # fmt: skip
                    respondents.append(Respondent(code, agency_type, subtype, covers[0]))
                    also = chance(self.seed, "next door", code).random() < kind.next_door and len(covers) < len(places)
                    serves += [(code, area) for area in covers]
                    serves += [(code, (covers[-1] + 1) % len(places))] if also else []
        write(self.session, Agency, rows)
        ids = {row.code: row.id for row in self.session.execute(select(Agency.code, Agency.id))}
        starts = date(self.days.today.year - 2, 4, 1)
        write(
            self.session,
            AgencyInArea,
            [{"agency_id": ids[code], "area_id": areas[area].id, "starts": starts} for code, area in serves],
        )
        return areas, respondents

    def _course(
        self, version: PackVersion, bodies: Mapping[str, OversightBody], plan: RoundPlan, returns: ReturnsPlan
    ) -> Course:
        """A round of all agency types, open, with nobody in it yet."""
        day = self.days.day
        audit_round = AuditRound(
            key=plan.key, name=plan.name, pack_version=version, owner=bodies[plan.owner], stage="open",
            opens=start_of(day(plan.opens)), milestones_from=day(plan.milestones_from), area_release=plan.area_release,
            findings_from=None, is_demonstration=True, created_at=self.days.at(plan.created, 10 * 60),
            grace_minutes=plan.grace_minutes,
        )  # fmt: skip
        set_dates(audit_round, due=end_of(day(plan.due)), closes=end_of(day(plan.closes)))
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
        answers = Answers(self.pack, self.plan, self.seed, milestones_from=audit_round.milestones_from)
        return Course(audit_round, templates, plan, returns, answers)

    def _announce(self, work: Returns, agencies: int) -> None:
        """The round's own history, until agencies can answer."""
        row, plan, day = work.course.row, work.course.plan, self.days.day
        chain, by = events.chain_of(row), self.by.label
        data = {
            "key": plan.key, "pack": row.pack_version.pack, "version": row.pack_version.version, "owner": plan.owner,
            "opens": day(plan.opens).isoformat(), "due": day(plan.due).isoformat(),
            "closes": day(plan.closes).isoformat(), "milestones_from": row.milestones_from.isoformat(),
            "grace_minutes": plan.grace_minutes,
        }  # fmt: skip
        work.chains.add(chain, "round.created", row.created_at, by, data, {})
        work.chains.add(chain, "round.agencies_added", row.created_at, by, {"number": agencies}, {})
        work.chains.add(chain, "round.opened", row.opens, by, {"agencies": agencies}, {})

    def _showcases(self, respondents: Sequence[Respondent]) -> dict[str, str]:
        """Which agency plays which showcase: the first of its kind that is left."""
        left = list(respondents)
        found = {}
        for showcase in self.plan.showcase:
            kind = (showcase.agency_type, showcase.subtype)
            one = next(who for who in left if (who.agency_type, who.subtype) == kind)
            left.remove(one)
            found[showcase.key] = one.code
        return found

    def _showcase_story(self, showcase: Showcase) -> Story:
        # who signs more than once, or is reopened, began early
        ends = self.plan.returns.submitted.earliest if showcase.submissions else showcase.ends
        return Story(
            showcase.stage, showcase.answered, showcase.submissions, ends, showcase.extended_to, showcase.reason,
            thorough=showcase.answered == 1,
        )  # fmt: skip

    # --- people ---

    def _user(self, called: str, email: str, password: str | None) -> dict[str, Any]:
        # Flask-Security keeps naive UTC
        created = self.created.replace(tzinfo=None)
        return {
            "public_id": new_public_id(), "name": called, "email": email, "password": password, "active": True,
            "fs_uniquifier": token(), "confirmed_at": created if password else None,
            "create_datetime": created, "update_datetime": created,
        }  # fmt: skip

    def _appointment(self, user_id: int, role: str, post: str, **at: Any) -> dict[str, Any]:
        body = {"agency_id": None, "oversight_body_id": None, "area_id": None, "acting": False}
        starts = self.days.day(self.started - 30)
        return {"public_id": new_public_id(), "user_id": user_id, "role": role, "post": post, "starts": starts,
                **body, **at}  # fmt: skip

    def _accounts(
        self, showcases: Mapping[str, str], bodies: Mapping[str, OversightBody], areas: Sequence[Area], password: str
    ) -> list[tuple[Account, Person]]:
        """Those who can sign in, with their appointments."""
        plans = self.plan.accounts
        users = [self._user(account.name, account.email, password) for account in plans]
        write(self.session, User, users)
        ids = ids_of(self.session, User)
        agencies = {row.code: row.id for row in self.session.execute(select(Agency.code, Agency.id))}
        people, appointments = [], []
        for account, user in zip(plans, users, strict=True):
            person = Person(ids[user["public_id"]], user["public_id"], account.name, account.post, False)
            people.append((account, person))
            for post in (account, *account.also):
                at = {
                    "agency_id": agencies[showcases[post.at]] if post.at else None,
                    "oversight_body_id": bodies[post.body].id if post.body else None,
                    "area_id": areas[post.area].id if post.area is not None else None,
                }
                appointments.append(self._appointment(person.id, post.role, post.post, **at))
        write(self.session, Appointment, appointments)
        return people

    def _teams(
        self, respondents: Sequence[Respondent], showcases: Mapping[str, str],
        accounts: Sequence[tuple[Account, Person]],
    ) -> list[Team]:  # fmt: skip
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
            users.append(self._user(name(self.plan, rng), email.format(code=who.code.lower()), None))
            signatory = localise(self.pack.agency_types[who.agency_type].signatory)
            posts.append(signatory[0].upper() + signatory[1:] if role == signs else plan.lead_post)
        write(self.session, User, users)
        ids = ids_of(self.session, User)
        appointments = []
        for (who, role), user, post in zip(missing, users, posts, strict=True):
            acting = role == signs and rng.random() < plan.acting
            person = Person(ids[user["public_id"]], user["public_id"], user["name"], post, acting)
            known[who.code, role] = person
            at = {"agency_id": agencies[who.code].id, "acting": acting}
            appointments.append(self._appointment(person.id, role, post, **at))
        write(self.session, Appointment, appointments)
        return [
            Team(agencies[who.code], who, known[who.code, signs], known[who.code, leads]) for who in respondents
        ]

    def _people(self, accounts: Sequence[tuple[Account, Person]], role: str) -> dict[str, Person]:
        """The first with a role at the oversight body of each agency type."""
        by_body: dict[str, Person] = {}
        for account, person in accounts:
            if account.body and account.role == role:
                by_body.setdefault(account.body, person)
        return {key: by_body[one.oversight_body] for key, one in self.pack.agency_types.items()}

    def _listed(
        self, accounts: Sequence[tuple[Account, Person]], showcases: Mapping[str, str],
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
