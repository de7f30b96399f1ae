"""Feedback to one agency as data: what an oversight body says about its return, in statements that have stable ids.

Nothing here reads a database. Texts of a pack stay in all their languages, so that each reader gets their own.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from typing import Any, Literal

from app.domain.answers import question_id
from app.domain.findings import (
    AgencyInfo,
    Document,
    Figure,
    FindingsTexts,
    Frozen,
    SchemeInfo,
    percent,
)
from app.domain.message import N_, Message
from app.domain.templates import Criterion, GradingScheme, Pack, Placed, Template
from app.domain.text import localise

FEWEST_PEERS = 5  # with fewer other agencies a place among them would say how single ones answered
BINS = 10  # tenths of the share that is met
NARRATIVE = "narrative"
Part = Literal["profile", "peers", "checked", "judgement", "gaps", "follow_up", "narrative"]
# in the order of pages and documents
PARTS: tuple[Part, ...] = ("narrative", "profile", "peers", "checked", "judgement", "gaps", "follow_up")
PART_NAMES: dict[str, str] = {
    "narrative": N_("What we say to you"),
    "profile": N_("Your profile"),
    "peers": N_("Your place among agencies of your type"),
    "checked": N_("What we checked"),
    "judgement": N_("Judgements"),
    "gaps": N_("What is not in place"),
    "follow_up": N_("What happens next"),
}
LONGEST_NARRATIVE = 20000  # characters


class Amendment(Frozen):
    """What became of a statement after a challenge was accepted: it is withdrawn, or `words` stand in its place."""

    withdrawn: bool = False
    words: str = ""


class Statement(Frozen):
    """One thing that is said. `id` stays the same over versions, so that a challenge can name it.

    `msgid` with `params` is the sentence; a parameter is a number, a text, a text in languages, `{"day": "…"}`, or
    `{"say": "…"}` for words that are translated.
    `words` is what an inspector wrote beside it. Where `amended`, the sentence and the words gave way to its words.
    """

    id: str
    part: Part
    msgid: str
    params: dict[str, Any] = {}
    words: str = ""
    amended: Amendment | None = None

    @property
    def message(self) -> Message:
        """The sentence, not yet translated."""
        return Message(self.msgid, {name: _parameter(value) for name, value in self.params.items()})


def _parameter(value: Any) -> object:
    if isinstance(value, Mapping) and "day" in value:
        return date.fromisoformat(value["day"])
    return Message(value["say"]) if isinstance(value, Mapping) and "say" in value else value


class Profile(Frozen):
    """One standard: how the agency graded itself and, of what was checked, how it holds. `title` may be in languages.

    `checked` answers were looked at, `adjusted` of them changed; `moderated` is the figure with the grades that hold
    where something was checked, None where nothing was.
    """

    id: str
    number: int
    title: Any
    optional: bool
    own: Figure
    checked: int
    adjusted: int
    moderated: Figure | None


class Peers(Frozen):
    """The share of criteria met, among all submitted returns of the agency type. Nobody is named.

    `others`: how many other agencies; with fewer than five all else is empty. `bins`: how many of all, the agency too,
    by tenths of the share. Quartiles and shares are whole per cents of the other agencies.
    """

    others: int
    own: int | None = None
    below: int = 0
    same: int = 0
    above: int = 0
    quartiles: tuple[int, ...] = ()
    bins: tuple[int, ...] = ()


class Declared(Frozen):
    """One signed answer with a grade: what was declared and, where an inspector checked it, the grade found.

    `expected`: the day by which the agency expects it to be in place, if it gave one.
    """

    criterion: str
    scope: str = ""
    grade: str
    expected: date | None = None
    found: str = ""


class Among(Frozen):
    """The agency's place among its peers in one standard, by its id. Nobody is named."""

    standard: str
    peers: Peers


class FeedbackContent(Frozen):
    """One version of the feedback, as it is stored. What was stored before `answers` were has none, nor `among`.

    `like`: the place among agencies of the same subtype, where there are any.
    """

    format: Literal["candour-feedback/1"] = "candour-feedback/1"
    submission: int
    submission_hash: str
    standards: tuple[Profile, ...]
    own: Figure
    checked: int
    adjusted: int
    moderated: Figure | None
    peers: Peers
    statements: tuple[Statement, ...]
    amendments: dict[str, Amendment] = {}
    answers: tuple[Declared, ...] = ()
    among: tuple[Among, ...] = ()
    like: Peers | None = None

    def statement(self, key: str) -> Statement | None:
        """The statement with this id; None where there is none (any more)."""
        return next((one for one in self.statements if one.id == key), None)

    def amended(self, key: str, amendment: Amendment | None) -> FeedbackContent:
        """The same with a statement withdrawn or with other words in its place; None: as it was computed."""
        others = {name: one for name, one in self.amendments.items() if name != key}
        return self.model_copy(
            update={
                "amendments": others | ({key: amendment} if amendment else {}),
                "statements": tuple(
                    one.model_copy(update={"amended": amendment}) if one.id == key else one for one in self.statements
                ),
            }
        )

    def parts(self) -> list[tuple[Part, list[Statement]]]:
        """The statements by part, in order; parts without one are left out."""
        found = [(part, [one for one in self.statements if one.part == part]) for part in PARTS]
        return [(part, statements) for part, statements in found if statements]


# --- what it is made of ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SignedGrade:
    """One signed answer: its grade, and the day that the agency expects it to be in place by, if it gave one."""

    criterion: str
    scope: str
    grade: str
    expected: date | None = None


@dataclass(frozen=True)
class CheckedGrade:
    """What an inspector found about one answer: the grade that holds, and why."""

    grade: str
    adjusted: bool
    reason: str


@dataclass(frozen=True)
class Basis:
    """Everything that the feedback to one agency is made of."""

    pack: Pack
    template: Template
    submission: int
    submission_hash: str
    answers: Sequence[SignedGrade]
    checked: Mapping[tuple[str, str], CheckedGrade]
    peers: Peers
    milestones_from: date
    areas: Mapping[str, str] = field(default_factory=dict)
    judgements: Sequence[Statement] = ()
    follow_up: Sequence[Statement] = ()
    amendments: Mapping[str, Amendment] = field(default_factory=dict)
    among: Mapping[str, Peers] = field(default_factory=dict)  # by standard
    like: Peers | None = None


def feedback(basis: Basis) -> FeedbackContent:
    """The feedback that follows from what is on record. The same basis gives the same content.

    Nothing is said of shares where nothing is counted, or added up.
    """
    placed = {one.criterion.id: one for one in basis.template.criteria()}
    order = {key: place for place, key in enumerate(placed)}
    answers = sorted(
        (one for one in basis.answers if one.criterion in placed),
        key=lambda one: (order[one.criterion], basis.areas.get(one.scope, ""), one.scope),
    )
    profiles = _profiles(basis, placed, answers)
    counted = [profile for profile in profiles if not profile.optional]
    own = Figure.total(profile.own for profile in counted)
    texts = FindingsTexts.of(basis.pack)
    in_words = not texts.joint  # nothing is added up
    checked = sum(profile.checked for profile in profiles)
    adjusted = sum(profile.adjusted for profile in profiles)
    moderated = Figure.total(profile.moderated or profile.own for profile in counted) if checked else None
    is_counted = not in_words and bool(own.counted or (moderated and moderated.counted))
    of_grades = (
        *(() if not is_counted else (*_of_profile(profiles, own, moderated), *_of_peers(basis.peers))),
        *_of_checks(basis, placed, answers, checked, adjusted),
    )
    statements = (
        # a checklist may ask for facts alone
        *(of_grades if any(one.criterion.answer.is_graded for one in placed.values()) else ()),
        *basis.judgements,
        # what stands in a letter about an area is no gap of those who signed it
        *(() if texts.letter else _of_gaps(basis, placed, answers)),
        *basis.follow_up,
    )
    return FeedbackContent(
        submission=basis.submission,
        submission_hash=basis.submission_hash,
        standards=() if in_words else tuple(profiles),
        own=Figure() if in_words else own,
        checked=checked,
        adjusted=adjusted,
        moderated=None if in_words else moderated,
        peers=Peers(others=0) if in_words else basis.peers,
        statements=tuple(
            one.model_copy(update={"amended": basis.amendments[one.id]}) if one.id in basis.amendments else one
            for one in statements
        ),
        amendments=dict(basis.amendments),
        answers=() if in_words else tuple(_declared(basis, one) for one in answers),
        among=()
        if in_words
        else tuple(
            Among(standard=one.id, peers=basis.among[one.id]) for one in profiles if one.id in basis.among
        ),
        like=None if in_words else basis.like,
    )


def _declared(basis: Basis, answer: SignedGrade) -> Declared:
    found = basis.checked.get((answer.criterion, answer.scope))
    return Declared(
        criterion=answer.criterion, scope=answer.scope, grade=answer.grade, expected=answer.expected,
        found=found.grade if found else "",
    )  # fmt: skip


def _scheme(basis: Basis, criterion: Criterion) -> tuple[str, GradingScheme]:
    key = criterion.grading or basis.template.grading
    return key, basis.pack.grading_schemes[key]


def _figure(basis: Basis, placed: Mapping[str, Placed], grades: Iterable[tuple[str, str]]) -> Figure:
    """The figure of some answers taken together, given as (criterion, grade)."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for criterion, grade in grades:
        counts[_scheme(basis, placed[criterion].criterion)[0]][grade] += 1
    return Figure.total(
        Figure.of(by_grade, scheme_key=key, scheme=basis.pack.grading_schemes[key], asked=by_grade.total())
        for key, by_grade in counts.items()
    )


def _profiles(
    basis: Basis, placed: Mapping[str, Placed], answers: Sequence[SignedGrade]
) -> list[Profile]:
    found = []
    for number, standard in enumerate(basis.template.standards, start=1):
        mine = [one for one in answers if placed[one.criterion].standard is standard]
        if not mine:
            continue
        looked_at = [basis.checked[key] for one in mine if (key := (one.criterion, one.scope)) in basis.checked]
        found.append(
            Profile(
                id=standard.id,
                number=number,
                title=standard.title,
                optional=standard.optional,
                own=_figure(basis, placed, [(one.criterion, one.grade) for one in mine]),
                checked=len(looked_at),
                adjusted=sum(one.adjusted for one in looked_at),
                moderated=_figure(basis, placed, [(one.criterion, _holds(basis, one)) for one in mine])
                if looked_at
                else None,
            )
        )
    return found


def _holds(basis: Basis, answer: SignedGrade) -> str:
    """The grade that holds: the inspector's where the answer was checked, else the agency's own."""
    found = basis.checked.get((answer.criterion, answer.scope))
    return found.grade if found else answer.grade


def _of_profile(profiles: Sequence[Profile], own: Figure, moderated: Figure | None) -> list[Statement]:
    found = [
        Statement(
            id="overall", part="profile",
            msgid=N_(
                "By your own grades %(met)s of the %(counted)s criteria that apply to you are met; %(apart)s of the"
                " others you could not vouch for."
            ),
            params={"met": own.met, "counted": own.counted, "apart": own.apart},
        )
    ]  # fmt: skip
    if moderated:
        found.append(
            Statement(
                id="overall.checked", part="profile",
                msgid=N_("With what we found where we looked, %(met)s of %(counted)s are met."),
                params={"met": moderated.met, "counted": moderated.counted},
            )
        )  # fmt: skip
    for profile in profiles:
        if not profile.own.counted and not (profile.moderated and profile.moderated.counted):
            continue
        words = N_("%(standard)s: %(met)s of %(counted)s met by your own grades.")
        params: dict[str, Any] = {
            "standard": profile.title, "met": profile.own.met, "counted": profile.own.counted,
        }  # fmt: skip
        if profile.moderated:
            words = N_(
                "%(standard)s: %(met)s of %(counted)s met by your own grades. We checked %(checked)s of the answers and"
                " adjusted %(adjusted)s; with that, %(held)s of %(of)s are met."
            )
            params |= {
                "checked": profile.checked, "adjusted": profile.adjusted,
                "held": profile.moderated.met, "of": profile.moderated.counted,
            }  # fmt: skip
        found.append(Statement(id=f"standard.{profile.id}", part="profile", msgid=words, params=params))
    return found


def _of_peers(peers: Peers) -> list[Statement]:
    if not peers.bins or peers.own is None:
        words = N_(
            "Too few agencies of your type submitted for a comparison that names nobody, so there is none here."
        )
        return [Statement(id="peers", part="peers", msgid=words)]
    words = N_(
        "You meet %(own)s per cent of the criteria that apply to you, by your own grades. Of %(others)s other agencies"
        " of your type, %(below)s meet a smaller share, %(same)s the same and %(above)s a larger one; half of them meet"
        " %(median)s per cent or more."
    )
    params = {
        "own": peers.own, "others": peers.others, "below": peers.below, "same": peers.same, "above": peers.above,
        "median": peers.quartiles[1],
    }  # fmt: skip
    return [Statement(id="peers", part="peers", msgid=words, params=params)]


def _of_checks(
    basis: Basis, placed: Mapping[str, Placed], answers: Sequence[SignedGrade], checked: int, adjusted: int
) -> list[Statement]:
    if not checked:
        words = N_("None of your answers was checked. Your grades stand as you gave them.")
        return [Statement(id="checked", part="checked", msgid=words)]
    found = [
        Statement(
            id="checked", part="checked",
            # said so that it reads well with any number, in every language
            msgid=N_(
                "We checked %(checked)s of your answers. Upheld as you gave them: %(upheld)s. Adjusted: %(adjusted)s."
            ),
            params={"checked": checked, "upheld": checked - adjusted, "adjusted": adjusted},
        )
    ]  # fmt: skip
    for one in answers:
        finding = basis.checked.get((one.criterion, one.scope))
        if finding is None or not finding.adjusted:
            continue
        _key, scheme = _scheme(basis, placed[one.criterion].criterion)
        found.append(
            Statement(
                id=f"adjusted.{question_id(one.criterion, one.scope)}", part="checked",
                msgid=N_("%(number)s: you graded this “%(own)s”; we found “%(found)s”. The question was: %(question)s"),
                params={
                    "number": _number(basis, placed[one.criterion], one),
                    "own": scheme.grade(one.grade).label, "found": scheme.grade(finding.grade).label,
                    "question": placed[one.criterion].criterion.question,
                },
                words=finding.reason,
            )
        )  # fmt: skip
    return found


def _number(basis: Basis, placed: Placed, answer: SignedGrade) -> str:
    return f"{placed.number} ({basis.areas.get(answer.scope, answer.scope)})" if answer.scope else placed.number


def _of_gaps(
    basis: Basis, placed: Mapping[str, Placed], answers: Sequence[SignedGrade]
) -> list[Statement]:
    found = []
    for one in answers:
        place = placed[one.criterion]
        _key, scheme = _scheme(basis, place.criterion)
        held = _holds(basis, one)
        if place.standard.optional or not held or scheme.grade(held).counts_as != "not_met":
            continue
        params: dict[str, Any] = {
            "number": _number(basis, place, one), "question": place.criterion.question,
        }  # fmt: skip
        milestone = basis.pack.milestones[place.criterion.milestone] if place.criterion.milestone else None
        due = milestone.due(basis.milestones_from) if milestone else None
        if one.expected is None:
            words = N_("%(number)s is not in place, and no day is named by when it will be. The question: %(question)s")
        elif due and one.expected > due:
            words = N_(
                "%(number)s is not in place. You expect it by %(day)s, after the milestone of %(due)s. The question:"
                " %(question)s"
            )
            params |= {"day": _day(one.expected), "due": _day(due)}
        else:
            words = N_("%(number)s is not in place. You expect it by %(day)s. The question: %(question)s")
            params["day"] = _day(one.expected)
        found.append(
            Statement(
                id=f"gap.{question_id(one.criterion, one.scope)}", part="gaps", msgid=words, params=params
            )
        )
    return found


def _day(value: date) -> dict[str, str]:
    return {"day": value.isoformat()}


def monitored(key: str, *, recommendation: str, reason: str, review_on: date | None) -> Statement:
    """The statement that the agency is monitored, for one recommendation or (empty) as a whole, until it is cleared."""
    params: dict[str, Any] = {}
    if recommendation:
        words = N_("We follow how you carry out %(recommendation)s until it is done.")
        params["recommendation"] = recommendation
    else:
        words = N_("We follow how you go on until what is missing is in place.")
    if review_on:
        words = (
            N_("We follow how you carry out %(recommendation)s until it is done, and look again on %(day)s.")
            if recommendation
            else N_("We follow how you go on until what is missing is in place, and look again on %(day)s.")
        )
        params["day"] = _day(review_on)
    return Statement(id=f"monitoring.{key}", part="follow_up", msgid=words, params=params, words=reason)


def recommendation(reference: str, *, name: str, state: str, note: str) -> Statement:
    """The statement on how the agency stands on one recommendation; `state` in words that are translated."""
    return Statement(
        id=f"recommendation.{reference}", part="follow_up", msgid=N_("%(recommendation)s: %(state)s."),
        params={"recommendation": name, "state": {"say": state}}, words=note,
    )  # fmt: skip


# --- the place among peers -------------------------------------------------------------------------------------------


class Ranking:
    """The shares of all agencies of a type, put in order once: each finds its place among the others at once."""

    def __init__(self, shares: Iterable[Fraction]) -> None:
        self._ranked = sorted(shares)
        bins = [0] * BINS
        for share in self._ranked:
            bins[min(BINS - 1, int(share * BINS))] += 1
        self._bins = tuple(bins)

    def __len__(self) -> int:
        return len(self._ranked)

    def place(self, own: Fraction | None, fewest: int = FEWEST_PEERS) -> Peers:
        """Where a share, one of those ranked, stands among the others; None stands nowhere.

        Suppressed with fewer than five others, or than `fewest` where that is more.
        """
        others = len(self._ranked) - (own is not None)
        if others < max(fewest, FEWEST_PEERS) or own is None:
            return Peers(others=others)
        low, high = bisect_left(self._ranked, own), bisect_right(self._ranked, own)
        return Peers(
            others=others,
            own=_whole(own),
            below=low,
            same=high - low - 1,
            above=len(self._ranked) - high,
            quartiles=tuple(_whole(self._quantile(Fraction(number, 4), low)) for number in (1, 2, 3)),
            bins=self._bins,
        )

    def _quantile(self, at: Fraction, left_out: int) -> Fraction:
        """The share at a part of the way through those ranked but one, between two of them in proportion."""
        last = len(self._ranked) - 2
        place = at * last
        low = int(place)
        one, other = (
            self._ranked[each + (each >= left_out)] for each in (low, min(low + 1, last))
        )
        return one + (other - one) * (place - low)


def _whole(share: Fraction) -> int:
    return percent(share.numerator, share.denominator) or 0


# --- the document ----------------------------------------------------------------------------------------------------


class SaidStatement(Frozen):
    """A statement in one language. `is_amended`: it reads as it does because a challenge was accepted."""

    id: str
    text: str
    words: str
    is_amended: bool


class SaidPart(Frozen):
    """A part of the feedback with its statements, in one language."""

    key: Part
    title: str
    statements: tuple[SaidStatement, ...]


class SignedBy(Frozen):
    """Who signed the submission that the feedback is about. `answered` of `asked` questions: without optional
    standards and without questions that depend on other answers."""

    submission: int
    name: str
    post: str
    acting: bool
    signed_at: datetime
    asked: int
    answered: int


class AnsweredQuestion(Frozen):
    """One question: what the agency declared and, where an inspector checked it, what was found and why.

    `found` is empty where nobody looked, and where what was said of it was withdrawn. `late`: it is expected after the
    milestone, or no day is given.
    """

    id: str
    number: str
    place: str
    question: str
    grade: str
    counts_as: Literal["met", "not_met", "excluded"]
    expected: date | None = None
    found: str = ""
    adjusted: bool = False
    reason: str = ""
    recommendations: tuple[str, ...] = ()
    milestone: str = ""
    due: date | None = None
    late: bool = False
    open: bool = False  # by the grade that holds it is not in place


class AnsweredStandard(Frozen):
    """One standard with its questions, and the place of the agency among its peers in it, where it is told."""

    id: str
    number: int
    title: str
    optional: bool
    own: Figure
    checked: int
    adjusted: int
    peers: Peers | None
    questions: tuple[AnsweredQuestion, ...]


class Unmet(Frozen):
    """A recommendation that the agency does not meet yet, by the numbers of the questions that say so."""

    reference: str
    title: str
    questions: tuple[str, ...]


class TwinSeen(Frozen):
    """A duty that the agency shares with others, as its area sees it in the findings that are published.

    Of `compared` pairs of agencies of the area, `agree` say the same; in `only_own` the side of this agency's type says
    that it is in place and the other does not, in `only_other` the other way round. Where it is `hidden` there, for
    small numbers, all of these are 0.
    """

    area: str
    number: str
    label: str
    others: str
    compared: int
    agree: int
    only_own: int
    only_other: int
    hidden: bool = False


class FeedbackDocument(Document):
    """One version of the feedback to an agency as a document: what the PDF is made of, and what is handed out as data.

    `is_draft`: shown for its factual accuracy only, and not published. `edition`: the publication that it belongs to.
    """

    format: Literal["candour-feedback-document/1"] = "candour-feedback-document/1"
    template_title: str
    agency: AgencyInfo
    version: int
    is_draft: bool
    edition: int
    replaced_by: int = 0
    reason: str
    schemes: tuple[SchemeInfo, ...]
    standards: tuple[Profile, ...]
    own: Figure
    checked: int
    adjusted: int
    moderated: Figure | None
    peers: Peers
    narrative: str
    parts: tuple[SaidPart, ...]
    # what stored feedback of the first kind has none of
    signed: SignedBy | None = None
    like: Peers | None = None
    answered: tuple[AnsweredStandard, ...] = ()
    unmet: tuple[Unmet, ...] = ()
    twins: tuple[TwinSeen, ...] = ()
    challenge_until: datetime | None = None

    @property
    def due(self) -> tuple[tuple[str, date, tuple[AnsweredQuestion, ...]], ...]:
        """What is not in place by milestone, the earliest first: its label, its day, the questions."""
        found: dict[tuple[date, str], list[AnsweredQuestion]] = defaultdict(list)
        for standard in self.answered:
            for one in standard.questions if not standard.optional else ():
                if one.open and one.due:
                    found[one.due, one.milestone].append(one)
        return tuple((label, day, tuple(found[day, label])) for day, label in sorted(found))


def said(
    statement: Statement, translate: Callable[[str], str], show: Callable[[object], str]
) -> SaidStatement | None:
    """A statement in a language; None where it was withdrawn."""
    amended = statement.amended
    if amended and amended.withdrawn:
        return None
    return SaidStatement(
        id=statement.id,
        text=amended.words if amended else statement.message.rendered(translate, show),
        words="" if amended else statement.words,
        is_amended=bool(amended),
    )


@dataclass(frozen=True)
class Answering:
    """What the answers of feedback are written out with. `places`: areas and sites by what answers name them by."""

    pack: Pack
    template: Template
    language: str
    milestones_from: date
    places: Mapping[str, str]
    cite: Callable[[str], str]


def answered(content: FeedbackContent, basis: Answering) -> tuple[AnsweredStandard, ...]:
    """The answers of a version of feedback, standard by standard, in one language. Empty where it stores none.

    What an accepted challenge withdrew, or said otherwise, is said here as it is there.
    """
    placed = {one.criterion.id: one for one in basis.template.criteria()}
    among = {one.standard: one.peers for one in content.among}
    rows: dict[str, list[AnsweredQuestion]] = defaultdict(list)
    for one in content.answers:
        if one.criterion in placed:
            rows[placed[one.criterion].standard.id].append(_answered(content, basis, placed[one.criterion], one))
    return tuple(
        AnsweredStandard(
            id=profile.id, number=profile.number, title=localise(profile.title, basis.language),
            optional=profile.optional, own=profile.own, checked=profile.checked, adjusted=profile.adjusted,
            peers=among.get(profile.id), questions=tuple(rows[profile.id]),
        )
        for profile in content.standards
        if rows[profile.id]
    )  # fmt: skip


def _answered(content: FeedbackContent, basis: Answering, placed: Placed, one: Declared) -> AnsweredQuestion:
    criterion = placed.criterion
    scheme = basis.pack.scheme_of(basis.template, criterion)
    key = question_id(one.criterion, one.scope)
    found, told = one.found, content.statement(f"adjusted.{key}")
    reason = told.words if told else ""
    if told and told.amended:
        found, reason = "", told.amended.words
    holds = scheme.grade(found or one.grade)
    milestone = basis.pack.milestones[criterion.milestone] if criterion.milestone else None
    due = milestone.due(basis.milestones_from) if milestone else None
    gap = content.statement(f"gap.{key}")
    is_open = holds.counts_as == "not_met" and not (gap and gap.amended)
    return AnsweredQuestion(
        id=key, number=placed.number, place=basis.places.get(one.scope, one.scope),
        question=localise(criterion.question, basis.language),
        grade=localise(scheme.grade(one.grade).label, basis.language), counts_as=scheme.grade(one.grade).counts_as,
        expected=one.expected, found=localise(scheme.grade(found).label, basis.language) if found else "",
        adjusted=bool(found) and found != one.grade, reason=reason,
        recommendations=tuple(basis.cite(each) for each in criterion.recommendations),
        milestone=localise(milestone.label, basis.language) if milestone else "", due=due,
        late=bool(due and is_open and (one.expected is None or one.expected > due)), open=is_open,
    )  # fmt: skip


def unmet(standards: Iterable[AnsweredStandard], titles: Mapping[str, str]) -> tuple[Unmet, ...]:
    """The recommendations that open questions cite, in their order; `titles` is what readers cite to what it is of."""
    found: dict[str, list[str]] = {}
    for standard in standards:
        for one in standard.questions if not standard.optional else ():
            for reference in one.recommendations if one.open else ():
                numbers = found.setdefault(reference, [])
                number = f"{one.number} ({one.place})" if one.place else one.number
                if number not in numbers:
                    numbers.append(number)
    return tuple(
        Unmet(reference=reference, title=titles.get(reference, ""), questions=tuple(found[reference]))
        for reference in [*(one for one in titles if one in found), *(one for one in found if one not in titles)]
    )
