"""What a demonstration is made of: the plan in a pack's `demonstration.yaml`, and the answers it leads to.

Plain Python: the same plan and seed give the same answers. Grades, types and themes are keys of the plan and of the
pack; nothing here knows one by name.
"""

import calendar
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from app.domain.asking import Asked
from app.domain.demonstration_story import (
    About,
    AnyStep,
    Check,
    Composing,
    Data,
    Recommend,
    Respond,
    Share,
    Track,
    Words,
)
from app.domain.invented import SENTENCES, WORDS, invented
from app.domain.templates import Basis, Criterion, GradingScheme, Pack, Standard, Template

Days = tuple[int, int]


class RoundPlan(Data):
    """The round; `created` to `milestones_from` are days counted from today."""

    key: str
    name: str
    owner: str
    area_release: str
    created: int
    opens: int
    due: int
    closes: int
    milestones_from: int
    grace_minutes: int = 0


class BodyPlan(Data):
    """An oversight body besides those of the pack."""

    name: str
    short: str
    kind: str


class Place(Data):
    """An area's name and those of its towns, and the region it lies in, if areas are grouped."""

    name: str
    towns: Words
    region: str = ""


class AreasPlan(Data):
    """The areas: one for each agency of the type `one_for_each`, named after the places in order."""

    code: str
    name: str
    one_for_each: str
    places: tuple[Place, ...]


class SubtypePlan(Data):
    """How many agencies of a subtype there are, in which areas (from, up to but without), and their names."""

    count: int
    areas: tuple[int, int]
    names: Words
    spare_names: tuple[str, ...] = ()
    next_door: Share = 0


class AgencyPlan(Data):
    """The agencies of one type; `executives` are the posts that vouch for standards."""

    code: str
    executives: Words
    subtypes: dict[str, SubtypePlan]


class PeoplePlan(Data):
    """The people of the agencies: their names, addresses, and the share who act in somebody's place."""

    acting: Share
    signatory_email: str
    lead_email: str
    lead_post: str
    first_names: Words
    surnames: Words


class SubmittedPlan(Data):
    """When returns were submitted, in days from today."""

    earliest: int
    mostly: int


class ExtensionPlan(Data):
    """When extensions were asked for, and until when they were given, in days from today."""

    asked: int
    to: int


class ReturnsPlan(Data):
    """What became of the returns: shares, and days."""

    invited: Share
    started: Share
    late: Share
    extended: Share
    submitted: SubmittedPlan
    extension: ExtensionPlan
    work: Days
    notice: Days
    nil: Share = 0
    nil_reasons: tuple[str, ...] = ()


class Showcase(Data):
    """A return with a story. `submissions`: how often it was signed; all but a submitted return's last are voided.

    `ends`: the last day that anybody worked on it, where it was never signed.
    """

    key: str
    agency_type: str
    subtype: str
    stage: Literal["started", "submitted", "nil"]
    answered: Share = 0
    submissions: int = 0
    extended_to: int | None = None
    ends: int = -1
    reason: str = ""


class Post(Data):
    """An appointment: at a showcase's agency, an oversight body, an area, or nowhere (an administrator)."""

    role: str
    post: str = ""
    at: str | None = None
    body: str | None = None
    area: int | None = None


class Account(Post):
    """Somebody who can sign in, with the appointment that the sign-in page shows, and others (`also`)."""

    email: str
    name: str
    also: tuple[Post, ...] = ()


class Spread(Data):
    """Standard deviations of what chance adds to a score."""

    agency: float
    area: float
    question: float
    answer: float


class Standing(Data):
    """A share of agencies that stand out."""

    share: Share
    score: float


class Step(Data):
    """A grade, and the score from which it is given; none for the last."""

    grade: str
    from_: float | None = Field(None, alias="from")


class TwinsPlan(Data):
    """How twins move together, the share of areas in which they differ, and by how much."""

    together: float
    differ: Share
    apart: float


class OptionalLeft(Data):
    """How often an optional standard, or one question of it, is left unanswered."""

    standard: Share
    question: Share


class Anew(Data):
    """How many answers are given anew after a reopening, and what is added to their scores."""

    count: int
    score: float


class FilesPlan(Data):
    """How many files were looked at, and how many days before the answer was saved."""

    count: Days
    looked_at: Days


class DatesPlan(Data):
    """How dates expected lie about the milestone, in days."""

    late: Share
    early_by: Days
    late_by: Days
    soonest: Days
    month_end: Share
    milestone: str


class BasisLeaning(Data):
    """What a basis of assurance does to its own weight, to the score, and to grades beside the ladder."""

    weight: float = 1
    score: float = 0
    aside: dict[str, float] = {}


class QuestionLeaning(Data):
    """What is added for one question; `spread` multiplies the chance in each answer."""

    score: float = 0
    spread: float = 1
    aside: dict[str, float] = {}


class Leaning(Data):
    """What is added to scores for some agencies. `aside` is the share that gets a grade whatever the score."""

    score: float = 0
    aside: dict[str, float] = {}
    themes: dict[str, float] = {}
    standards: dict[str, float] = {}
    bases: dict[str, BasisLeaning] = {}
    criteria: dict[str, QuestionLeaning] = {}
    fill: dict[str, Words] = {}


class TypeLeaning(Leaning):
    """The leaning of an agency type, with those of its subtypes."""

    subtypes: dict[str, Leaning] = {}


class Circumstance(Data):
    """A share of agencies give one grade to some questions, for a reason."""

    agency_type: str
    subtypes: tuple[str, ...] = ()
    share: Share
    grade: str
    criteria: tuple[str, ...]
    reasons: Words


class TextPlan(Data):
    """What people write: theme or question, then grade; what they say of the basis; and what will be done.

    `answers` are whole answers to questions that ask for a text, `rows` what stands in the cells of tables.
    """

    own_share: Share
    known_share: Share
    done_share: Share
    fill: dict[str, Words]
    commentary: dict[str, dict[str, Words]]
    known: dict[str, dict[str, Words]]
    done: dict[str, Words]
    own: dict[str, dict[str, dict[str, Words]]]
    answers: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()


class AnswersPlan(Data):
    """How answers come about."""

    spread: Spread
    standing: tuple[Standing, ...]
    schemes: dict[str, tuple[Step, ...]]
    twins: TwinsPlan
    optional_left: OptionalLeft
    unfinished: Share
    saved_twice: Share
    commentary_beside: Share
    given_anew: Anew
    reopening: tuple[int, int, int]
    files: FilesPlan
    dates: DatesPlan
    everyone: Leaning
    bases: dict[str, dict[str, float]]
    types: dict[str, TypeLeaning]
    circumstances: tuple[Circumstance, ...]
    text: TextPlan


class EarlierPlan(Data):
    """A round that ended before: of the agencies of some areas (numbers in the list of places), with what happened.

    `score` is added to every answer's: they knew less then, or had done less.
    """

    round: RoundPlan
    areas: Annotated[tuple[int, ...], Field(min_length=1)]
    score: float
    returns: ReturnsPlan
    story: tuple[AnyStep, ...]

    @model_validator(mode="after")
    def _in_order(self) -> "EarlierPlan":
        check_order(self.story)
        return self

    def areas_of(self, areas: int, every: int) -> frozenset[int]:
        """Which areas, in a demonstration with so many of `every` area that is planned; at least one."""
        number = max(1, round(len(self.areas) * areas / every))
        places = dict.fromkeys(min(place * areas // every, areas - 1) for place in self.areas)
        return frozenset(list(places)[:number])


def check_order(story: Iterable[AnyStep]) -> None:
    """Raise ValueError where a step is before the one that it follows."""
    last = None
    for step in story:
        if last is not None and step.on < last:
            raise ValueError(f"the step “{step.do}” of day {step.on} follows one of day {last}")
        last = step.on


class Plan(Data):
    """The content of a pack's `demonstration.yaml`. pydantic.ValidationError says what is wrong with it."""

    format: Literal[1]
    note: str
    today: date
    password: Annotated[str, Field(min_length=12)]
    round: RoundPlan
    oversight_bodies: dict[str, BodyPlan]
    areas: AreasPlan
    sides: Words
    agencies: dict[str, AgencyPlan]
    people: PeoplePlan
    returns: ReturnsPlan
    showcase: tuple[Showcase, ...]
    accounts: tuple[Account, ...]
    answers: AnswersPlan
    earlier: EarlierPlan | None = None
    story: tuple[AnyStep, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> "Plan":
        check_order(self.story)
        return self

    def mistakes(self, pack: Pack) -> list[str]:
        """What in the plan does not fit the pack: names that it does not know, questions that cannot be answered."""
        return sorted(set(_mistakes(self, pack)))

    def counts(self, agencies: int | None = None) -> dict[tuple[str, str], int]:
        """How many agencies of each (agency type, subtype): all, or so many in the same proportions.

        Each subtype has one agency besides those that the showcase takes. ValueError where `agencies` is too few.
        """
        planned = {(t, s): p.count for t, a in self.agencies.items() for s, p in a.subtypes.items()}
        total = sum(planned.values())
        wanted = total if agencies is None else agencies
        counts = dict.fromkeys(planned, 1)
        for story in self.showcase:
            counts[story.agency_type, story.subtype] += 1
        if wanted < sum(counts.values()):
            raise ValueError(f"a demonstration needs at least {sum(counts.values())} agencies, not {wanted}")
        while sum(counts.values()) < wanted:
            # to the kind that is farthest below its share
            counts[max(counts, key=lambda kind: planned[kind] * wanted / total - counts[kind])] += 1
        return counts


def chance(*parts: object) -> Random:
    """A source of chance of its own for what `parts` name: the same parts, the same numbers."""
    return Random(":".join(map(str, parts)))  # noqa: S311 - invented answers, no secrets


@dataclass(frozen=True)
class Respondent:
    """Who answers: the agency's code, type and subtype, and the number of its first area."""

    code: str
    agency_type: str
    subtype: str
    area: int


@dataclass(frozen=True)
class _Leant:
    """The sum of all leanings for one question asked of one kind of agency."""

    score: float
    spread: float
    aside: Mapping[str, float]
    bases: Mapping[str, tuple[float, BasisLeaning]]  # the basis's weight, and what it adds


class Answers:
    """Answers as agencies of the plan would give them."""

    def __init__(self, pack: Pack, plan: Plan, seed: int, *, milestones_from: date) -> None:
        self.pack = pack
        self.plan = plan.answers
        self.seed = seed
        self.milestones_from = milestones_from
        self._leant: dict[tuple[str, str, str], _Leant] = {}
        self._mood: dict[str, float] = {}

    def circumstances(self, who: Respondent) -> dict[str, tuple[str, str]]:
        """The questions that circumstances answer for an agency: criterion id to grade and reason."""
        found: dict[str, tuple[str, str]] = {}
        for number, case in enumerate(self.plan.circumstances):
            if case.agency_type != who.agency_type or (case.subtypes and who.subtype not in case.subtypes):
                continue
            rng = chance(self.seed, "circumstance", number, who.code)
            if rng.random() < case.share:
                reason = rng.choice(case.reasons)
                found |= dict.fromkeys(case.criteria, (case.grade, reason))
        return found

    def value(
        self, who: Respondent, template: Template, criterion: Criterion, rng: Random, *,
        saved: date, fixed: tuple[str, str] | None = None, shift: float = 0,
    ) -> dict[str, Any]:  # fmt: skip
        """The complete value of an answer saved on a day; empty where files answer. `fixed`: a grade and its reason."""
        if not criterion.answer.is_graded:
            return self._fact(criterion, rng, saved)
        scheme = self.pack.scheme_of(template, criterion)
        leant = self._leaning(who, template, criterion, scheme)
        basis = self._basis(leant, scheme, rng)
        wanted = fixed[0] if fixed else self._grade(who, template, criterion, leant, basis, rng, shift)
        value: dict[str, Any] = {"grade": wanted}
        if criterion.answer.type != "grade":
            value = self._fact(criterion, rng, saved, _nearest(wanted, criterion.answer, scheme))
        grade = scheme.grade(value["grade"])
        if basis and grade.counts_as != "excluded":
            value["basis"] = basis.key
            if "files" in basis.asks:
                value["files"] = rng.randint(*self.plan.files.count)
            if "files_date" in basis.asks:
                value["files_date"] = (saved - timedelta(rng.randint(*self.plan.files.looked_at))).isoformat()
        beside = grade.counts_as != "excluded" and rng.random() < self.plan.commentary_beside
        if "commentary" in grade.needs or beside:
            value["commentary"] = self._commentary(who, criterion, value, rng)
        if "date_expected" in grade.needs:
            value["date_expected"] = self._date_expected(criterion, saved, rng).isoformat()
        if "reason" in grade.needs and fixed:
            value["reason"] = fixed[1]
        return value

    def _fact(self, criterion: Criterion, rng: Random, saved: date, wanted: str = "") -> dict[str, Any]:
        """A fact that comes to the wanted grade, with that grade."""
        asked, text = criterion.answer, self.plan.text
        value = invented(
            asked, rng, saved=saved, grade=wanted, words=text.rows or WORDS, sentences=text.answers or SENTENCES
        )
        grade = asked.grade_of(value)
        return value | ({"grade": grade} if grade else {})

    def optional_left(self, standard: Standard, rng: Random) -> frozenset[str]:
        """The questions of an optional standard that an agency leaves unanswered; none of any other standard."""
        if not standard.optional:
            return frozenset()
        keys = [criterion.id for criterion in standard.criteria]
        left = self.plan.optional_left
        return frozenset(keys if rng.random() < left.standard else (k for k in keys if rng.random() < left.question))

    # --- scores ---

    def _basis(self, leant: _Leant, scheme: GradingScheme, rng: Random) -> Basis | None:
        if not scheme.bases:
            return None
        weights = [leant.bases[basis.key][0] for basis in scheme.bases]
        return rng.choices(scheme.bases, weights)[0]

    def _grade(
        self, who: Respondent, template: Template, criterion: Criterion, leant: _Leant, basis: Basis | None,
        rng: Random, shift: float,
    ) -> str:  # fmt: skip
        added = leant.bases[basis.key][1] if basis else BasisLeaning()
        drawn = rng.random()
        for grade, share in leant.aside.items():
            drawn -= max(0.0, share + added.aside.get(grade, 0))
            if drawn < 0:
                return grade
        score = leant.score + added.score + self._mood_of(who) + self._twin(who, criterion) + shift
        score += rng.gauss(0, self.plan.spread.answer * leant.spread)
        steps = self.plan.schemes[criterion.grading or template.grading]
        return next(step.grade for step in steps if step.from_ is None or score >= step.from_)

    def _leaning(self, who: Respondent, template: Template, criterion: Criterion, scheme: GradingScheme) -> _Leant:
        key = (who.agency_type, who.subtype, criterion.id)
        if key not in self._leant:
            self._leant[key] = self._sum(who, template.standard_of(criterion), criterion, scheme)
        return self._leant[key]

    def _sum(self, who: Respondent, standard: Standard, criterion: Criterion, scheme: GradingScheme) -> _Leant:
        leanings = self._leanings(who)
        own = [leaning.criteria[criterion.id] for leaning in leanings if criterion.id in leaning.criteria]
        score = sum(
            leaning.score + leaning.themes.get(criterion.theme, 0) + leaning.standards.get(standard.id, 0)
            for leaning in leanings
        )
        if not own:
            rng = chance(self.seed, "question", who.agency_type, criterion.id)
            score += rng.gauss(0, self.plan.spread.question)
        spread = 1.0
        for question in own:
            score += question.score
            spread *= question.spread
        bases = {}
        for basis in scheme.bases:
            said = [leaning.bases[basis.key] for leaning in leanings if basis.key in leaning.bases]
            weight = self.plan.bases[criterion.theme][basis.key]
            for one in said:
                weight *= one.weight
            added = BasisLeaning(score=sum(one.score for one in said), aside=_total(one.aside for one in said))
            bases[basis.key] = (weight, added)
        aside = _total([*(leaning.aside for leaning in leanings), *(question.aside for question in own)])
        return _Leant(score, spread, aside, bases)

    def _leanings(self, who: Respondent) -> list[Leaning]:
        leaning = self.plan.types.get(who.agency_type, TypeLeaning())
        return [self.plan.everyone, leaning, leaning.subtypes.get(who.subtype, Leaning())]

    def _mood_of(self, who: Respondent) -> float:
        """How good an agency is at all of this, with what its area adds."""
        if who.code not in self._mood:
            rng = chance(self.seed, "agency", who.code)
            mood = rng.gauss(0, self.plan.spread.agency)
            mood += chance(self.seed, "area", who.area).gauss(0, self.plan.spread.area)
            drawn = rng.random()
            for standing in self.plan.standing:
                if 0 <= drawn < standing.share:
                    mood += standing.score
                drawn -= standing.share
            self._mood[who.code] = mood
        return self._mood[who.code]

    @cached_property
    def _twins(self) -> dict[str, tuple[str, ...]]:
        """Each twin question, as `type#criterion`, to all that describe the same duty, itself included."""
        groups: dict[str, set[str]] = {}
        for agency_type, template in self.pack.templates.items():
            for placed in template.criteria():
                for twin in placed.criterion.twins:
                    key = f"{agency_type}#{placed.criterion.id}"
                    joined = groups.get(key, {key}) | groups.get(twin, {twin})
                    groups |= dict.fromkeys(joined, joined)
        return {key: tuple(sorted(group)) for key, group in groups.items()}

    def _twin(self, who: Respondent, criterion: Criterion) -> float:
        key = f"{who.agency_type}#{criterion.id}"
        group = self._twins.get(key)
        if group is None:
            return 0
        rng = chance(self.seed, "twins", *group, who.area)
        if rng.random() < self.plan.twins.differ:
            return self.plan.twins.apart if rng.choice(group) == key else -self.plan.twins.apart
        return rng.gauss(0, self.plan.twins.together)

    # --- texts and dates ---

    def _commentary(self, who: Respondent, criterion: Criterion, value: Mapping[str, Any], rng: Random) -> str:
        text = self.plan.text
        grade, basis = value["grade"], value.get("basis")
        own = text.own.get(who.agency_type, {}).get(criterion.id, {}).get(grade)
        pieces = [rng.choice(own if own and rng.random() < text.own_share else text.commentary[criterion.theme][grade])]
        known = text.known.get(grade, {}).get(basis or "")
        if known and rng.random() < text.known_share:
            pieces.append(rng.choice(known))
        done = text.done.get(grade)
        if done and rng.random() < text.done_share:
            pieces.append(rng.choice(done))
        fill = dict(text.fill)
        for leaning in self._leanings(who):
            fill |= leaning.fill
        fill |= {"files": (str(value.get("files")),)}
        filled = (re.sub(r"\{(\w+)\}", lambda found: rng.choice(fill[found[1]]), piece) for piece in pieces)
        return " ".join(_sentences(piece) for piece in filled)

    def _date_expected(self, criterion: Criterion, saved: date, rng: Random) -> date:
        plan = self.plan.dates
        milestone = self.pack.milestones[criterion.milestone or plan.milestone].due(self.milestones_from)
        if rng.random() < plan.late:
            day = milestone + timedelta(rng.randint(*plan.late_by))
        else:
            day = milestone - timedelta(rng.randint(*plan.early_by))
        day = max(day, saved + timedelta(rng.randint(*plan.soonest)))
        if rng.random() < plan.month_end:
            day = day.replace(day=calendar.monthrange(day.year, day.month)[1])
        return day


def _nearest(grade: str, asked: Asked, scheme: GradingScheme) -> str:
    """The grade itself where answers can come to it, else the one that is next to it in the scheme."""
    return min(asked.comes_to, key=lambda one: abs(scheme.rank(one) - scheme.rank(grade)))


def _sentences(text: str) -> str:
    """The text with a capital letter at the start of each sentence."""
    return re.sub(r"(^|[.?!] )(\w)", lambda found: found[1] + found[2].upper(), text)


def _total(parts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for part in parts:
        for key, number in part.items():
            total[key] = total.get(key, 0) + number
    return total


def _mistakes(plan: Plan, pack: Pack) -> Iterator[str]:
    """Each mistake once or more often."""

    def unknown(what: str, given: Iterable[str], known: Iterable[str]) -> Iterator[str]:
        names = frozenset(known)
        return (f"the pack has no {what} “{key}”" for key in given if key not in names)

    answers = plan.answers
    grades = {grade.key for scheme in pack.grading_schemes.values() for grade in scheme.grades}
    bases = {basis.key for scheme in pack.grading_schemes.values() for basis in scheme.bases}
    questions = {t: {p.criterion.id for p in template.criteria()} for t, template in pack.templates.items()}
    standards = {t: {standard.id for standard in template.standards} for t, template in pack.templates.items()}
    every_question = frozenset().union(*questions.values())
    every_standard = frozenset().union(*standards.values())
    kinds = {f"{key}/{subtype}" for key, type_ in pack.agency_types.items() for subtype in type_.subtypes}

    def leaning(one: Leaning, of: Iterable[str], sections: Iterable[str]) -> Iterator[str]:
        yield from unknown("question", one.criteria, of)
        yield from unknown("standard", one.standards, sections)
        yield from unknown("theme", one.themes, pack.themes)
        yield from unknown("basis of assurance", one.bases, bases)
        yield from unknown("grade", one.aside, grades)

    yield from unknown("agency type", [*plan.agencies, *answers.types, *answers.text.own], pack.agency_types)
    planned = {f"{key}/{subtype}" for key, agencies in plan.agencies.items() for subtype in agencies.subtypes}
    yield from unknown("subtype", planned, kinds)
    yield from (f"no agencies of {kind} are planned" for kind in kinds - planned)
    yield from unknown("grading scheme", answers.schemes, pack.grading_schemes)
    yield from unknown("grade", (s.grade for steps in answers.schemes.values() for s in steps), grades)
    yield from unknown("milestone", [answers.dates.milestone], pack.milestones)
    yield from unknown("theme", [*answers.bases, *answers.text.commentary], pack.themes)
    yield from leaning(answers.everyone, every_question, every_standard)
    for key, one in answers.types.items():
        yield from leaning(one, questions.get(key, ()), standards.get(key, ()))
        yield from unknown("subtype", (f"{key}/{subtype}" for subtype in one.subtypes), kinds)
        for sub in one.subtypes.values():
            yield from leaning(sub, questions.get(key, ()), standards.get(key, ()))
    for case in answers.circumstances:
        yield from unknown("question", case.criteria, questions.get(case.agency_type, ()))
        yield from unknown("grade", [case.grade], grades)
        yield from unknown("subtype", (f"{case.agency_type}/{s}" for s in case.subtypes), kinds)
    for key, own in answers.text.own.items():
        yield from unknown("question", own, questions.get(key, ()))
    for template in pack.templates.values():
        for placed in template.criteria():
            if placed.criterion.scope:
                yield f"“{placed.criterion.id}” cannot be answered: only questions about the whole agency can"
            if placed.criterion.answer.type == "file" and not placed.standard.optional:
                yield f"“{placed.criterion.id}” cannot be answered: a demonstration has no files; make it optional"
    codes = {*pack.oversight_bodies, *plan.oversight_bodies}
    rounds = [plan.round, *([plan.earlier.round] if plan.earlier else [])]
    posts: list[Post] = [post for account in plan.accounts for post in (account, *account.also)]
    for code in (*(one.owner for one in rounds), *(post.body for post in posts if post.body)):
        if code not in codes:
            yield f"there is no oversight body “{code}”"
    stories = {story.key for story in plan.showcase}
    told = [*plan.story, *(plan.earlier.story if plan.earlier else ())]
    places = [*(post.at for post in posts), *(step.agency.at for step in told if isinstance(step, About))]
    yield from (f"there is no showcase “{at}”" for at in places if at and at not in stories)
    if plan.earlier:
        numbers = range(len(plan.areas.places))
        yield from (f"there is no area {number}" for number in plan.earlier.areas if number not in numbers)
    emails = {account.email for account in plan.accounts}
    named = [person for step in told if (person := getattr(step, "person", ""))]
    yield from (f"nobody signs in as “{person}”" for person in named if person not in emails)
    recommended = {step.key for step in told if isinstance(step, Recommend)}
    for step in told:
        if isinstance(step, About):
            which = step.agency
            if not which.at:
                yield from unknown("agency type", [which.agency_type or ""], pack.agency_types)
                yield from unknown("question", which.answered, questions.get(which.agency_type or "", ()))
                yield from unknown("grade", which.answered.values(), grades)
            yield from unknown("question", filter(None, [getattr(step, "question", "")]), every_question)
            named_standards = [getattr(step, "standard", ""), *getattr(step, "standards", ())]
            yield from unknown("standard", filter(None, named_standards), every_standard)
        if isinstance(step, Composing):
            asked = filter(None, [step.by, getattr(step, "agency_type", "")])
            yield from unknown("agency type", asked, pack.agency_types)
            if (body := getattr(step, "body", "")) and body not in codes:
                yield f"there is no oversight body “{body}”"
        if isinstance(step, Respond | Track) and step.recommendation not in recommended:
            yield f"no step recommends “{step.recommendation}”"
        if isinstance(step, Check):
            yield from unknown("grade", [*step.adjust, *(one.to for one in step.adjust.values())], grades)
            for adjustment in step.adjust.values():
                yield from unknown("theme", adjustment.reasons, pack.themes)
                missing = pack.themes.keys() - adjustment.reasons.keys()
                yield from (f"no reason is planned for an adjustment in the theme “{theme}”" for theme in missing)
