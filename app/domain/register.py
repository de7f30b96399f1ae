"""Recommendations as a register: what was decided on each, by whom, and how far those addressed have come.

A *decision* is asked for by a question that cites one recommendation and is answered by a choice which comes to a grade
of a scheme without anything met or not met; *progress* by the questions that follow a recommendation up. A checklist
without a question of the first kind makes no register.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

from app.domain.answers import ANSWER_TYPES
from app.domain.asking import ChoiceAsked
from app.domain.findings import Document, Edition, FindingsTexts, Frozen, ShownFact
from app.domain.recommendations import is_decision, recommendations
from app.domain.templates import Pack, Placed
from app.domain.text import localise


class Tally(Frozen):
    """How often something was given."""

    key: str
    label: str
    number: int


class Decided(Frozen):
    """What one agency decided on a recommendation, and what it says to it."""

    agency: str
    decision: str  # the key of what was chosen
    label: str
    words: str


class Progress(Frozen):
    """How far the agencies of one type have come: `answers` by grade, and the latest date that they expect.

    Where it is `hidden`, for small numbers, all of that is empty.
    """

    agency_type: str
    name: str  # in the plural: there can be several
    answers: int
    by_grade: tuple[Tally, ...]
    expected: date | None = None
    hidden: bool = False


class Entry(Frozen):
    """One recommendation. `section` is the title of the standard in which it is decided on."""

    number: str
    topic: str
    section: str
    timescale: str
    addressees: tuple[str, ...]
    decided: tuple[Decided, ...]
    progress: tuple[Progress, ...]


class Moment(Frozen):
    """All answers about progress on the recommendations of a report, in one round; `day` is when they were due."""

    round_name: str
    day: date
    by_grade: tuple[Tally, ...]
    hidden: bool = False  # as of `Progress`: it would give a hidden one away


class ReportOf(Frozen):
    """The recommendations of one report. `decisions` has every choice there is, in the author's order.

    `over_time`: the earlier rounds first, this one last, with the same grades for all.
    """

    key: str
    title: str
    short: str
    entries: tuple[Entry, ...]
    decisions: tuple[Tally, ...]
    undecided: int
    timescales: tuple[Tally, ...]
    over_time: tuple[Moment, ...]


class Beside(Frozen):
    """What an agency that decides was asked beside the recommendations, and what it said."""

    label: str
    agency: str
    facts: tuple[ShownFact, ...]


class Register(Document):
    """Everything that the table of responses says. `has_checks`: progress is as inspectors found it, where they did.

    `edition`: where this is the table as it was published. `suppressed_below`: progress of fewer agencies is left out,
    and what would give it away, and the latest date, which one agency gave (0: nothing is). Without `names_agencies`
    those who decided stand as what they are.
    """

    format: Literal["candour-register/1"] = "candour-register/1"
    title: str
    subtitle: str
    acknowledgement: str
    reports: tuple[ReportOf, ...]
    beside: tuple[Beside, ...] = ()
    has_checks: bool = False
    edition: Edition | None = None
    suppressed_below: int = 0
    names_agencies: bool = True


@dataclass(frozen=True)
class Signed:
    """One submission: of which agency, and its values by criterion, several where it was asked for each area."""

    agency: str
    agency_type: str
    answers: Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class InRound:
    """The submissions of one round, in the order of the agencies' names, and the pack that they answered.

    `types`: the agency types that the round asks. For readers beyond the inspectorates progress of fewer than `below`
    agencies is hidden (0: no limit), and that on the questions `hidden` elsewhere, as `agency-type#criterion`.
    """

    name: str
    day: date
    pack: Pack
    types: Collection[str]
    returns: Sequence[Signed]
    below: int = 0
    hidden: Collection[str] = ()

    def hides(self, kind: str, questions: Sequence[Placed]) -> bool:
        """Whether nothing is said of what the agencies of a type answered to some questions."""
        ids = {placed.criterion.id for placed in questions}
        agencies = sum(one.agency_type == kind and not ids.isdisjoint(one.answers) for one in self.returns)
        return 0 < agencies < self.below or any(f"{kind}#{id_}" in self.hidden for id_ in ids)


def without_names(of: InRound, language: str) -> InRound:
    """A round whose agencies are called by what they are."""
    kinds = {key: localise(kind.name, language) for key, kind in of.pack.agency_types.items()}
    return replace(of, returns=[replace(one, agency=kinds[one.agency_type]) for one in of.returns])


def decided_by(pack: Pack, types: Collection[str]) -> dict[str, dict[str, Placed]]:
    """Recommendation to the questions that ask some agency types to decide on it. Empty: there is no register."""
    found: dict[str, dict[str, Placed]] = defaultdict(dict)
    for agency_type, template in pack.templates.items():
        if agency_type not in types:
            continue
        for placed in template.criteria():
            criterion = placed.criterion
            chosen = isinstance(criterion.answer, ChoiceAsked) and is_decision(pack, template, criterion)
            if chosen and len(criterion.recommendations) == 1:
                found[criterion.recommendations[0]][agency_type] = placed
    return dict(found)


def reports_of(rounds: Sequence[InRound], language: str) -> tuple[ReportOf, ...]:
    """The register of the last of some rounds by report, in the order of its pack; the others are told over time."""
    writing = _Writing(rounds[-1], language)
    cited = {key.partition("/")[0] for key in writing.decided}
    return tuple(writing.report(key, rounds) for key in writing.pack.recommendation_reports if key in cited)


def beside(of: InRound, language: str) -> tuple[Beside, ...]:
    """What those who decide were asked in optional standards without a recommendation or a grade, such as counts."""
    deciding = {kind for asked in decided_by(of.pack, of.types).values() for kind in asked}
    labels = FindingsTexts.of(of.pack).labels
    found = []
    for kind, template in of.pack.templates.items():
        for placed in template.criteria() if kind in deciding else ():
            criterion = placed.criterion
            if not placed.standard.optional or criterion.recommendations or criterion.answer.is_graded:
                continue
            label = labels.get(f"{kind}#{criterion.id}") or labels.get(criterion.id) or criterion.question
            for one in of.returns:
                values = one.answers.get(criterion.id, ()) if one.agency_type == kind else ()
                for value in values:
                    facts = ANSWER_TYPES[criterion.answer.type].facts(value, criterion)
                    if facts:
                        shown = tuple(ShownFact.of(fact, language) for fact in facts)
                        found.append(Beside(label=localise(label, language), agency=one.agency, facts=shown))
    return tuple(found)


class _Writing:
    """One round's register in one language."""

    def __init__(self, of: InRound, language: str) -> None:
        self.of = of
        self.pack = of.pack
        self.language = language
        self.decided = decided_by(of.pack, of.types)
        self.followed = {one.key: one.questions for one in recommendations(of.pack, list(of.pack.agency_types))}
        self.labels = FindingsTexts.of(of.pack).labels

    def say(self, text: Any) -> str:
        return localise(text, self.language)

    def report(self, key: str, rounds: Sequence[InRound]) -> ReportOf:
        known = self.pack.recommendation_reports[key]
        # in the order of the checklist that decides, which is the order of the report
        keys = [one for one in self.decided if one.startswith(f"{key}/")]
        entries = tuple(self.entry(one) for one in keys)
        first = [next(iter(self.decided[one].values())).criterion for one in keys]
        choices = {
            choice.key: choice.label
            for one in keys
            for placed in self.decided[one].values()
            for choice in _choices(placed)
        }
        counts = Counter(one.decision for entry in entries for one in entry.decided)
        times = Counter(criterion.milestone for criterion in first)
        return ReportOf(
            key=key, title=self.say(known.title), short=self.say(known.short), entries=entries,
            decisions=tuple(
                Tally(key=one, label=self.say(label), number=counts[one]) for one, label in choices.items()
            ),
            undecided=sum(not entry.decided for entry in entries),
            timescales=tuple(
                Tally(key=name, label=self.say(stone.label), number=times[name])
                for name, stone in self.pack.milestones.items()
                if times[name]
            ),
            over_time=self.over_time(keys, rounds),
        )  # fmt: skip

    def entry(self, key: str) -> Entry:
        kind, placed = next(iter(self.decided[key].items()))
        criterion = placed.criterion
        label = self.labels.get(f"{kind}#{criterion.id}") or self.labels.get(criterion.id) or criterion.question
        followed = self.followed.get(key, {})
        addressed = [one for one in self.pack.agency_types if one in followed]
        return Entry(
            number=key.partition("/")[2],
            topic=self.say(label),
            section=self.say(placed.standard.title),
            timescale=self.say(self.pack.milestones[criterion.milestone].label) if criterion.milestone else "",
            addressees=tuple(self.say(self.pack.agency_types[one].plural) for one in addressed),
            decided=tuple(self.decisions(self.decided[key])),
            progress=tuple(self.progress(one, followed[one]) for one in addressed if one in self.of.types),
        )

    def decisions(self, asked: Mapping[str, Placed]) -> Iterable[Decided]:
        """What each agency decided that was asked."""
        for one in self.of.returns:
            placed = asked.get(one.agency_type)
            for value in one.answers.get(placed.criterion.id, ()) if placed else ():
                for choice in _choices(placed):
                    if choice.key == value.get("chosen"):
                        words = value.get("commentary") or value.get("reason") or ""
                        yield Decided(
                            agency=one.agency, decision=choice.key, label=self.say(choice.label), words=words
                        )

    def progress(self, kind: str, questions: Sequence[Placed]) -> Progress:
        name = self.say(self.pack.agency_types[kind].plural)
        if self.of.hides(kind, questions):
            return Progress(agency_type=kind, name=name, answers=0, by_grade=(), hidden=True)
        counts = _grades(self.of, kind, questions)
        late = {
            (scheme, grade.key)
            for scheme, of in self.pack.grading_schemes.items()
            for grade in of.grades
            if grade.counts_as == "not_met"
        }
        # what is in place, or does not arise, has no date before it
        expected = [
            value["date_expected"]
            for scheme, value in _values(self.of, kind, questions)
            if (scheme, value.get("grade")) in late and value.get("date_expected")
        ]
        return Progress(
            agency_type=kind,
            name=name,
            answers=counts.total(),
            by_grade=tuple(
                Tally(key=grade.key, label=self.say(grade.label), number=counts[scheme, grade.key])
                for scheme, of in self.pack.grading_schemes.items()
                for grade in of.grades
                if counts[scheme, grade.key]
            ),
            expected=None if self.of.below else max(map(date.fromisoformat, expected), default=None),
        )

    def over_time(self, keys: Sequence[str], rounds: Sequence[InRound]) -> tuple[Moment, ...]:
        """All answers about the progress of some recommendations, round by round, by the grades of the last round.

        A recommendation is the same where its key is, a grade where its scheme and its key are. A grade that the last
        round has lost is told by itself, where it was given.
        """
        wanted = set(keys)
        counts, hidden = [], []
        words: dict[tuple[str, str], str] = {}
        for of in rounds:
            found: Counter[tuple[str, str]] = Counter()
            asked = [
                (kind, questions)
                for one in recommendations(of.pack, of.types)
                if one.key in wanted
                for kind, questions in one.questions.items()
            ]
            hidden.append(any(of.hides(kind, questions) for kind, questions in asked))
            for kind, questions in asked if not hidden[-1] else ():
                found += _grades(of, kind, questions)
            counts.append(found)
            for scheme, graded in of.pack.grading_schemes.items():
                words |= {(scheme, grade.key): self.say(grade.label) for grade in graded.grades}
        schemes = {
            _scheme(self.pack, kind, placed)
            for key in keys
            for kind, questions in self.followed.get(key, {}).items()
            for placed in questions
        }
        shown = [
            (scheme, grade.key)
            for scheme, of in self.pack.grading_schemes.items()
            for grade in of.grades
            if scheme in schemes
        ]
        shown += [one for one in words if one not in shown and any(found[one] for found in counts)]
        if not shown:  # nobody is asked how far anything has come
            return ()
        return tuple(
            Moment(
                round_name=of.name, day=of.day, hidden=is_hidden,
                by_grade=tuple(Tally(key=one[1], label=words[one], number=found[one]) for one in shown),
            )
            for of, found, is_hidden in zip(rounds, counts, hidden, strict=True)
        )  # fmt: skip


def _choices(placed: Placed | None) -> tuple[Any, ...]:
    asked = placed.criterion.answer if placed else None
    return asked.choices if isinstance(asked, ChoiceAsked) else ()


def _scheme(pack: Pack, kind: str, placed: Placed) -> str:
    return placed.criterion.grading or pack.templates[kind].grading


def _values(of: InRound, kind: str, questions: Sequence[Placed]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """The values that the agencies of a type gave to some questions, each with the scheme of its grade."""
    for placed in questions:
        scheme = _scheme(of.pack, kind, placed)
        for one in of.returns:
            if one.agency_type == kind:
                for value in one.answers.get(placed.criterion.id, ()):
                    yield scheme, value


def _grades(of: InRound, kind: str, questions: Sequence[Placed]) -> Counter[tuple[str, str]]:
    """How often the agencies of a type gave each grade to some questions, by scheme and grade."""
    return Counter(
        (scheme, value["grade"]) for scheme, value in _values(of, kind, questions) if value.get("grade")
    )
