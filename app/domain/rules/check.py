"""What is wrong with a pack's rules: names that do not exist, and rules that cannot do what they say.

Whether a rule can ever hold, whether one before it always takes its cases, whether some answers get no grade and
whether a cap can change anything is found by going through all cases. These are finite: limits cut the shares into
intervals, and grades that no condition tells apart are one case. Indicators and answers are taken as independent, so
what is called impossible is impossible; a case that is asked for may in rare instances be one that answers cannot make.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from graphlib import CycleError, TopologicalSorter
from itertools import product
from math import prod

from app.domain.asking import Asked, ChoicesAsked, Measured, Percentage, TableAsked
from app.domain.rules.book import Rulebook
from app.domain.rules.language import (
    AnswerIs,
    AnswersTarget,
    AnyIndicator,
    AnyTarget,
    Book,
    CountOfAnswers,
    CountOfGrades,
    Given,
    IndicatorIs,
    IndicatorTarget,
    Judgement,
    JudgementIs,
    Judgements,
    MeasureOf,
    Path,
    Profile,
    Several,
    Share,
    ShareOfGrades,
    TargetIs,
    TargetsFailed,
    Test,
    Unknown,
    Value,
    Variable,
    WorstGrade,
    walk,
)
from app.domain.rules.language import Condition as ACondition
from app.domain.templates import Pack

MOST_CASES = 50_000  # that one judgement may make
MOST_CHOICES = 12  # of one answer that conditions tell apart: each doubles the cases

# a value that is not the name of anything: the case of the judgement's own grade, where an inspector enters it
_OWN = "own"


@dataclass(frozen=True)
class Problem:
    """Something wrong, and the path to where it stands. `name` is not among those `known`, where it is about a name."""

    path: Path
    message: str
    name: str = ""
    known: tuple[str, ...] = ()


def problems(judgements: Judgements, pack: Pack) -> list[Problem]:
    """Everything wrong with a pack's rules, in the order of the file's parts; empty when all is well."""
    found = _Names(judgements, pack).found
    wrong = {problem.path[:2] for problem in found}
    for place, profile in enumerate(judgements.profiles):
        path: Path = ("profiles", place)
        if path in wrong or ("scales",) in {one[:1] for one in wrong}:
            continue  # what it means is not clear yet
        for agency_type in profile.agency_types:
            book = Rulebook(judgements, profile, pack, agency_type)
            found += [problem for problem in _Cases(book, path).found if problem not in found]
    judged = {agency_type for profile in judgements.profiles for agency_type in profile.agency_types}
    if not wrong and (left_out := [key for key in pack.templates if key not in judged]):
        names = ", ".join(f"`{key}`" for key in left_out)
        message = f"no rules judge the returns of {names}; add it to the `agency_types` of a profile"
        found.append(Problem(("profiles",), message))
    return found


# --- names -----------------------------------------------------------------------------------------------------------


class _Names:
    """Checks that all that is named exists, and suits."""

    def __init__(self, judgements: Judgements, pack: Pack) -> None:
        self.judgements = judgements
        self.pack = pack
        self.found: list[Problem] = []
        for key, scale in judgements.scales.items():
            self.unique(("scales", key, "grades"), [grade.key for grade in scale.grades], "grade", "key")
        taken: dict[str, int] = {}
        for place, profile in enumerate(judgements.profiles):
            path: Path = ("profiles", place)
            before = len(self.found)
            for number, agency_type in enumerate(profile.agency_types):
                at = (*path, "agency_types", number)
                self.known(at, agency_type, pack.agency_types, "agency type")
                if agency_type in taken:
                    self.say(at, f"the agency type `{agency_type}` has rules already; keep it in one profile")
                taken[agency_type] = place
            if not profile.judgements and not profile.triggers:
                self.say(path, "these rules give nothing; add `judgements` or `triggers`")
            if len(self.found) == before:
                self.profile(path, profile)

    def say(self, path: Path, message: str) -> None:
        self.found.append(Problem(path, message))

    def known(self, path: Path, name: str, known: Collection[str], what: str) -> bool:
        if name not in known:
            self.found.append(Problem(path, f"there is no {what} `{name}`", name, tuple(known)))
        return name in known

    def unique(self, path: Path, names: Sequence[str], what: str, key: str = "") -> None:
        for place, name in enumerate(names):
            if name in names[:place]:
                at = (*path, place, key) if key else (*path, place)
                self.say(at, f"the {what} `{name}` is here twice; remove one")

    def profile(self, path: Path, profile: Profile) -> None:
        books = [Rulebook(self.judgements, profile, self.pack, kind) for kind in profile.agency_types]
        for book in books:
            for key, indicator in profile.indicators.items():
                self.indicator((*path, "indicators", key), indicator, book)
            for key, target in profile.targets.items():
                at = (*path, "targets", key)
                if isinstance(target, AnswersTarget):
                    for place, criterion in enumerate(target.criteria):
                        self.graded((*at, "criteria", place), criterion, book)
                    schemes = [book.schemes[key] for key in target.criteria if key in book.schemes]
                    self.grades((*at, "passes"), target.passes, {g.key for one in schemes for g in one.grades})
        for key, target in profile.targets.items():
            if isinstance(target, IndicatorTarget):
                at = (*path, "targets", key)
                if self.known((*at, "indicator"), target.indicator, profile.indicators, "indicator"):
                    self.limits(at, profile.indicators[target.indicator], target.at_least, target.below, None)
        for key, judgement in profile.judgements.items():
            self.judgement((*path, "judgements", key), key, judgement, profile)
        for at, condition in profile.conditions():
            for step, part in walk(condition):
                self.condition((*path, *at, *step), part, profile, books)
        self.cycles(path, profile)
        # the same mistake in the checklists of several agency types is one mistake
        self.found = list(dict.fromkeys(self.found))

    def criterion(self, path: Path, key: str, book: Rulebook) -> None:
        if key not in book.placed:
            message = f"`{book.agency_type}` has no criterion `{key}`"
            self.found.append(Problem(path, message, key, tuple(book.placed)))

    def graded(self, path: Path, key: str, book: Rulebook) -> None:
        self.criterion(path, key, book)
        if key in book.placed and not book.asked(key).is_graded:
            self.say(path, _no_grade(key, book.asked(key)))

    def grades(self, path: Path, grades: Sequence[str], known: Collection[str]) -> None:
        for place, grade in enumerate(grades):
            self.known((*path, place), grade, known, "grade")
        self.unique(path, grades, "grade")

    def indicator(self, path: Path, indicator: AnyIndicator, book: Rulebook) -> None:
        of, before = indicator.of, len(self.found)
        if of:
            standards = [standard.id for standard in book.template.standards]
            for place, key in enumerate(of.standards):
                if key not in standards:
                    message = f"`{book.agency_type}` has no standard `{key}`"
                    self.found.append(Problem((*path, "of", "standards", place), message, key, tuple(standards)))
            for place, key in enumerate(of.themes):
                self.known((*path, "of", "themes", place), key, self.pack.themes, "theme")
            for place, key in enumerate(of.criteria):
                self.criterion((*path, "of", "criteria", place), key, book)
                if key in book.placed and not indicator.suits(book.asked(key)):
                    self.say((*path, "of", "criteria", place), _unsuited(indicator, key, book.asked(key)))
        criteria = book.criteria_of(indicator)
        if not criteria and len(self.found) == before:
            message = f"this chooses no criterion of `{book.agency_type}` with {_suited(indicator)}; name some"
            self.say((*path, "of") if of else path, message)
        if not criteria:
            return
        if isinstance(indicator, CountOfAnswers):
            choices = dict.fromkeys(choice for key in criteria for choice in book.asked(key).choices_known())
            for place, answer in enumerate(indicator.answers):
                self.known((*path, "answers", place), answer, choices, "answer")
            self.unique((*path, "answers"), indicator.answers, "answer")
            return
        if isinstance(indicator, MeasureOf):
            several = len(criteria) > 1 or any(book.placed[key].criterion.scope for key in criteria)
            if several and indicator.take is None:
                self.say(path, "there may be several numbers; add `take: lowest`, `highest`, `total` or `average`")
            return
        schemes = {id(book.schemes[key]): book.schemes[key] for key in criteria}.values()
        known = {grade.key: grade for scheme in schemes for grade in scheme.grades}
        if isinstance(indicator, ShareOfGrades | CountOfGrades):
            self.grades((*path, "grades"), indicator.grades, known)
        if isinstance(indicator, ShareOfGrades):
            for place, key in enumerate(indicator.grades):
                if key in known and known[key].counts_as == "excluded":
                    self.say((*path, "grades", place), f"`{key}` does not count, so it is in no share; leave it out")
        if isinstance(indicator, Share):
            for key in indicator.weights:
                if key not in criteria:
                    self.found.append(
                        Problem((*path, "weights", key), f"this indicator has no criterion `{key}`", key, criteria)
                    )
        if isinstance(indicator, WorstGrade) and len(schemes) > 1:
            self.say(path, "its criteria have several grading schemes; choose criteria that have the same")

    def limits(
        self, path: Path, indicator: AnyIndicator, at_least: float | None, below: float | None,
        grades: Sequence[str] | None,
    ) -> None:  # fmt: skip
        numbers = {"at_least": at_least, "below": below}
        given = {key: number for key, number in numbers.items() if number is not None}
        if indicator.compares == "grade":
            for key in given:
                self.say((*path, key), "this indicator is a grade; write `is` and a list of grades")
            if grades is None and not given:
                self.say(path, "what should the indicator be? Add `is` and a list of grades")
            return
        if grades is not None:
            self.say((*path, "is"), "this indicator is a number; write `at_least` or `below`")
        elif not given:
            self.say(path, "what should the indicator be? Add `at_least` or `below`")
        for key, number in given.items():
            if indicator.compares == "share" and not 0 <= number <= 1:
                self.say((*path, key), "a share lies between 0 and 1; write two thirds as 0.6667")
            if indicator.compares == "count" and (number != int(number) or number < 0):
                self.say((*path, key), "this indicator counts answers; write a whole number")
        if len(given) == 2 and at_least is not None and below is not None and at_least >= below:
            self.say((*path, "below"), "this can never hold: `below` is not more than `at_least`")

    def judgement(self, path: Path, key: str, judgement: Judgement, profile: Profile) -> None:
        scales = self.judgements.scales
        if not self.known((*path, "scale"), judgement.scale, scales, "scale"):
            return
        grades = list(scales[judgement.scale].ranks)
        for place, rule in enumerate(judgement.steps):
            self.scale_grade((*path, "rules", place, "grade"), rule.grade, judgement.scale, grades)
        for place, cap in enumerate(judgement.caps):
            self.scale_grade((*path, "caps", place, "to"), cap.to, judgement.scale, grades)
        for place, grade in enumerate(judgement.left_to_people):
            self.scale_grade((*path, "by_override", place), grade, judgement.scale, grades)
        self.unique((*path, "by_override"), judgement.left_to_people, "grade")
        for place, other in enumerate(judgement.others):
            at = (*path, "worst_of", place)
            if self.known(at, other, profile.judgements, "judgement") and other != key:
                scale = profile.judgements[other].scale
                if scale != judgement.scale:
                    self.say(at, f"`{other}` is on the scale `{scale}`; take the worst of judgements on one scale")
        self.unique((*path, "worst_of"), judgement.others, "judgement")

    def scale_grade(self, path: Path, grade: str, scale: str, grades: Sequence[str]) -> None:
        if grade not in grades:
            self.found.append(Problem(path, f"the scale `{scale}` has no grade `{grade}`", grade, tuple(grades)))

    def condition(self, path: Path, condition: ACondition, profile: Profile, books: Sequence[Rulebook]) -> None:
        if isinstance(condition, IndicatorIs):
            if self.known((*path, "indicator"), condition.indicator, profile.indicators, "indicator"):
                indicator = profile.indicators[condition.indicator]
                self.limits(path, indicator, condition.at_least, condition.below, condition.grades)
                if isinstance(indicator, WorstGrade) and condition.grades:
                    for book in books:
                        criteria = book.criteria_of(indicator)
                        known = [g.key for key in criteria[:1] for g in book.schemes[key].grades]
                        self.grades((*path, "is"), condition.grades, known or condition.grades)
        elif isinstance(condition, Unknown):
            self.known((*path, "unknown"), condition.unknown, profile.indicators, "indicator")
        elif isinstance(condition, AnswerIs):
            for book in books:
                self.criterion((*path, "criterion"), condition.criterion, book)
                if condition.criterion in book.schemes:
                    self.answer_is(path, condition, book)
        elif isinstance(condition, TargetIs):
            self.known((*path, "target"), condition.target, profile.targets, "key target")
        elif isinstance(condition, TargetsFailed):
            if condition.targets_failed > len(profile.targets):
                message = f"this can never hold: there are {len(profile.targets)} key targets"
                self.say((*path, "targets_failed"), message)
        elif isinstance(condition, Several):
            if condition.at_least > len(condition.conditions):
                message = f"this can never hold: there are {len(condition.conditions)} conditions in `of`"
                self.say((*path, "at_least"), message)
        elif isinstance(condition, JudgementIs) and self.known(
            (*path, "judgement"), condition.judgement, profile.judgements, "judgement"
        ):
            self.judgement_is(path, condition, profile.judgements[condition.judgement].scale)

    def answer_is(self, path: Path, condition: AnswerIs, book: Rulebook) -> None:
        key = condition.criterion
        asked = book.asked(key)
        if condition.grades is None and condition.answers is None:
            self.say(path, "what should the answer be? Add `grades`, or `answers` with choices")
        if condition.grades is not None:
            known = [grade.key for grade in book.schemes[key].grades]
            if asked.is_graded:
                self.grades((*path, "grades"), condition.grades, known)
            else:
                self.say((*path, "grades"), _no_grade(key, asked))
        if condition.answers is not None:
            choices = asked.choices_known()
            if not choices:
                self.say((*path, "answers"), f"`{key}` is answered with `{asked.type}`, which has no choices")
            for place, answer in enumerate(condition.answers if choices else ()):
                self.known((*path, "answers", place), answer, choices, "answer")
            self.unique((*path, "answers"), condition.answers, "answer")

    def judgement_is(self, path: Path, condition: JudgementIs, scale: str) -> None:
        if scale not in self.judgements.scales:
            return  # said where the judgement stands
        ranks = self.judgements.scales[scale].ranks
        given = {"at_least": condition.at_least, "at_most": condition.at_most}
        for key, grade in given.items():
            if grade is not None:
                self.scale_grade((*path, key), grade, scale, list(ranks))
        for place, grade in enumerate(condition.grades or ()):
            self.scale_grade((*path, "is", place), grade, scale, list(ranks))
        if condition.grades is None and not any(given.values()):
            self.say(path, "what should the judgement be? Add `is`, `at_least` or `at_most`")

    def cycles(self, path: Path, profile: Profile) -> None:
        looks_at = {
            key: {other for other in judgement.looks_at() if other in profile.judgements}
            for key, judgement in profile.judgements.items()
        }
        while True:
            try:
                TopologicalSorter(looks_at).prepare()
                return
            except CycleError as error:
                members = error.args[1][:0:-1]
                first = min(range(len(members)), key=lambda place: list(looks_at).index(members[place]))
                members = members[first:] + members[:first]
                looks_at[members[0]].discard(members[1 % len(members)])
                circle = " → ".join(f"`{member}`" for member in [*members, members[0]])
                at = (*path, "judgements", members[0])
                self.say(at, f"judgements go round in a circle: {circle}; let one of them follow from something else")


# --- cases -----------------------------------------------------------------------------------------------------------


class _Case:
    """One of the finitely many cases, as conditions see it."""

    def __init__(self, book: Book, values: Mapping[Variable, Value]) -> None:
        self.book = book
        self.values = values

    def value(self, variable: Variable) -> Value:
        return self.values[variable]


class _Cases:
    """Goes through the cases of every judgement and trigger of one agency type."""

    def __init__(self, book: Rulebook, path: Path) -> None:
        self.book = book
        self.found: list[Problem] = []
        for at, condition in book.profile.conditions():
            self.possible((*path, *at), condition)
        # a condition that can never hold makes its rule unreachable: that is said once
        never = {problem.path for problem in self.found}
        for key, judgement in book.profile.judgements.items():
            self.judgement((*path, "judgements", key), key, judgement, never)
        for key, target in book.profile.targets.items():
            self.target((*path, "targets", key), target)
        for key, trigger in book.profile.triggers.items():
            place = (*path, "triggers", key, "when")
            cases = None if _within(place, never) else self.cases(place, list(trigger.when.tests(book)))
            if cases and all(trigger.when.holds(case) for case in cases):
                message = "this always holds, so that everybody is called for; correct or remove it"
                self.found.append(Problem(place, message))

    def target(self, path: Path, target: AnyTarget) -> None:
        """Notes a key target that nothing fails."""
        tests = list(target.tests(self.book))
        if not any(one.holds(value) for one in tests for value in self.domain(one.variable, [one])):
            self.found.append(Problem(path, "no answers fail this key target; correct or remove it"))

    def possible(self, path: Path, condition: ACondition) -> bool:
        """Notes the innermost parts of a condition that can never hold. Gives False where there are any."""
        wrong = [part for step, part in condition.parts() if not self.possible((*path, *step), part)]
        if wrong:
            return False
        cases = self.cases(path, list(condition.tests(self.book)))
        if cases is None or any(condition.holds(case) for case in cases):
            return True
        self.found.append(Problem(path, "this can never hold: no answers make it true; correct or remove it"))
        return False

    def judgement(self, path: Path, key: str, judgement: Judgement, never: Collection[Path]) -> None:
        tests = [test for condition in self.book.conditions_of(key) for test in condition.tests(self.book)]
        ranks = self.book.ranks(key)
        # the judgements that it is the worst of, or what an inspector enters: any grade of the scale
        if judgement.others:
            tests += [_is(("judgement", other), grade) for other in judgement.others for grade in ranks]
        elif isinstance(judgement, Given):
            tests += [_is((_OWN, key), grade) for grade in ranks]
        cases = self.cases(path, tests)
        if cases is None:
            return
        fired: set[int] = set()
        limiting = list(range(len(judgement.caps)))
        results: list[tuple[int, list[int]]] = []
        for case in cases:
            if judgement.steps:
                holding = (n for n, rule in enumerate(judgement.steps) if not rule.when or rule.when.holds(case))
                place = next(holding, None)
                if place is None:
                    message = f"no rule gives a grade {self.told(case)}; end with a rule without `when`"
                    self.found.append(Problem((*path, "rules"), message))
                    return
                fired.add(place)
                grade = judgement.steps[place].grade
            elif judgement.others:
                grades = [str(case.value(("judgement", other))) for other in judgement.others]
                grade = max(grades, key=ranks.__getitem__)
            else:
                grade = str(case.value((_OWN, key)))
            held = [place for place in limiting if judgement.caps[place].when.holds(case)]
            results.append((ranks[grade], held))
        for place in range(len(judgement.steps)):
            at: Path = (*path, "rules", place)
            if place not in fired and not _within((*at, "when"), never):
                self.found.append(
                    Problem(at, "this rule is never reached: the rules above it take every case; move or remove it")
                )
        self.all_given(path, key, judgement)
        # from the last: of two caps that do the same the later one is superfluous
        for place in reversed(limiting[:]):
            at = (*path, "caps", place)
            if _within((*at, "when"), never):
                continue
            others = [other for other in limiting if other != place]
            to = {other: ranks[judgement.caps[other].to] for other in limiting}
            if all(
                max([rank, *(to[other] for other in held if other in limiting)])
                == max([rank, *(to[other] for other in held if other in others)])
                for rank, held in results
            ):
                limiting = others
                self.found.append(Problem(at, "this cap can never change the judgement; correct or remove it"))

    def all_given(self, path: Path, key: str, judgement: Judgement) -> None:
        """Notes the grades of the scale that nothing gives, unless they are left to inspectors on purpose."""
        given = {rule.grade for rule in judgement.steps} | {cap.to for cap in judgement.caps}
        for place, grade in enumerate(judgement.left_to_people):
            if grade in given:
                message = f"a rule or a cap gives the grade `{grade}`; remove it here"
                self.found.append(Problem((*path, "by_override", place), message))
        for grade in self.book.ranks(key) if judgement.steps else ():
            if grade not in given and grade not in judgement.left_to_people:
                message = (
                    f"no rule and no cap gives the grade `{grade}` of the scale `{judgement.scale}`; add a rule, or"
                    " name it in `by_override` where only inspectors give it"
                )
                self.found.append(Problem((*path, "rules"), message))

    def cases(self, path: Path, tests: Sequence[Test]) -> list[_Case] | None:
        """The cases that some tests tell apart; None, with a note, where there are too many."""
        variables = list(dict.fromkeys(one.variable for one in tests))
        if any(len(_groups(tests, variable)) > MOST_CHOICES for variable in variables):
            message = f"this tells more than {MOST_CHOICES} choices of one answer apart, which cannot be checked"
            self.too_many(path, message)
            return None
        values = {variable: self.values(variable, tests) for variable in variables}
        number = prod(map(len, values.values()))
        if number > MOST_CASES:
            self.too_many(path, f"this makes {number:,} cases, more than the {MOST_CASES:,} that can be checked")
            return None
        return [_Case(self.book, dict(zip(values, chosen, strict=True))) for chosen in product(*values.values())]

    def too_many(self, path: Path, why: str) -> None:
        mend = "put some of its conditions into a judgement of their own and look at that judgement here"
        if not any(_within(path, [one.path]) for one in self.found):
            self.found.append(Problem(path, f"{why}; {mend}"))

    def values(self, variable: Variable, tests: Sequence[Test]) -> list[Value]:
        """One value for each way in which the tests of a variable can come out, in order."""
        own = [test for test in tests if test.variable == variable]
        chosen: dict[tuple[bool, ...], Value] = {}
        for value in self.domain(variable, own):
            chosen.setdefault(tuple(test.holds(value) for test in own), value)
        return list(chosen.values())

    def domain(self, variable: Variable, tests: Sequence[Test]) -> Iterator[Value]:
        """Values of a variable, among them one for every case that its tests can tell apart."""
        kind, key = variable
        limits = {limit for test in tests for limit in test.limits}
        if kind in ("judgement", _OWN):
            yield from self.book.ranks(key)
        elif kind == "criterion":
            yield from self.book.grades[key]
            if self.may_be_missing([key], excluded=False):
                yield None
        elif kind == "chosen":
            yield from self.choices_domain(key, _groups(tests, variable))
        else:
            yield from self.indicator_domain(self.book.profile.indicators[key], limits)

    def indicator_domain(self, indicator: AnyIndicator, limits: Iterable[Fraction]) -> Iterator[Value]:
        criteria = self.book.criteria_of(indicator)
        # intervals are closed below: each begins with a limit
        numbers = sorted({Fraction(0), *limits})
        if isinstance(indicator, Share):
            yield from (number for number in numbers if number <= 1)
        elif isinstance(indicator, CountOfGrades | CountOfAnswers):
            each = isinstance(indicator, CountOfGrades) and indicator.each == "criterion"
            per_area = not each and any(self.book.placed[key].criterion.scope for key in criteria)
            yield from (int(number) for number in numbers if per_area or number <= len(criteria))
            return
        elif isinstance(indicator, MeasureOf):
            yield from self.measures(indicator, criteria, limits)
        else:
            yield from (g.key for g in self.book.schemes[criteria[0]].grades if g.counts_as != "excluded")
        # a number is told also where the grade of its answer is left out of shares
        if self.may_be_missing(criteria, excluded=not isinstance(indicator, MeasureOf)):
            yield None

    def measures(
        self, indicator: MeasureOf, criteria: Sequence[str], limits: Iterable[Fraction]
    ) -> Iterator[Fraction]:
        """Numbers of a measure within what can be answered, one for each interval between limits."""
        asked = [one for key in criteria if isinstance(one := self.book.asked(key), Measured)]
        lowest = [one.lowest for one in asked]
        highest = [one.highest for one in asked]
        known_lowest = [number for number in lowest if number is not None]
        known_highest = [number for number in highest if number is not None]
        least = min(known_lowest) if len(known_lowest) == len(asked) else None
        most = max(known_highest) if len(known_highest) == len(asked) else None
        if indicator.take == "total":
            # fewer may be answered, and for any number of areas or sites
            least = least if least is not None and least >= 0 else None
            per_area = any(self.book.placed[key].criterion.scope for key in criteria)
            together = sum((max(one, Fraction(0)) for one in known_highest), Fraction(0))
            most = None if most is None or per_area else together
        ordered = sorted(limits)
        start = least if least is not None else min([Fraction(0), *ordered]) - 1
        yield from (
            number for number in sorted({start, *ordered}) if number >= start and (most is None or number <= most)
        )

    def choices_domain(self, key: str, groups: Sequence[frozenset[str]]) -> Iterator[frozenset[str]]:
        """Sets of choices of one answer: some of each group that the tests do not tell apart within, or none of it."""
        asked = self.book.asked(key)
        per_area = self.book.placed[key].criterion.scope is not None
        rest = frozenset(asked.choices_known()).difference(*groups)
        least, most = (asked.at_least, asked.at_most) if isinstance(asked, ChoicesAsked) else (1, 1)
        for taken in product([False, True], repeat=len(groups)):
            chosen = [group for group, is_taken in zip(groups, taken, strict=True) if is_taken]
            if not per_area:
                pool = len(rest) + sum(map(len, chosen))
                if pool < least or (most is not None and len(chosen) > most):
                    continue
            elif not chosen and not rest:
                continue
            yield frozenset(min(group) for group in chosen)
        if self.may_be_missing([key], excluded=False):
            yield frozenset()

    def may_be_missing(self, criteria: Sequence[str], *, excluded: bool) -> bool:
        """Whether a return may be without any answer to some criteria, or (`excluded`) without any that counts."""
        return all(self._missing(key, excluded) for key in criteria)

    def _missing(self, key: str, excluded: bool) -> bool:
        criterion, standard, _position, _number = self.book.placed[key]
        asked_of_all = not (criterion.subtypes or criterion.shown_if or criterion.not_applicable_if)
        # an agency may say that it has no sites
        asked_of_all = asked_of_all and criterion.scope != "site"
        required = asked_of_all and not criterion.required_if and criterion.is_required(standard)
        unseen = excluded and any(grade.counts_as == "excluded" for grade in self.book.schemes[key].grades)
        return not required or unseen or _may_be_empty(criterion.answer)

    def told(self, case: _Case) -> str:
        """A case in words."""
        words = []
        for (kind, key), value in case.values.items():
            name = _NAMES[kind]
            if isinstance(value, frozenset):
                shown = ", ".join(f"`{one}`" for one in sorted(value)) or "none of those that the rules look at"
                words.append(f"{name} `{key}` is {shown}")
            elif value is None:
                words.append(f"{name} `{key}` has no value" if kind == "indicator" else f"{name} `{key}` is missing")
            else:
                shown = f"{float(value):g}" if isinstance(value, Fraction) else f"`{value}`"
                words.append(f"{name} `{key}` is {shown}")
        return "when " + " and ".join(words[:4]) + (" and so on" if len(words) > 4 else "")


_NAMES = {
    "indicator": "the indicator", "criterion": "the answer to", "chosen": "the answer to", "judgement": "the judgement",
}  # fmt: skip


def _groups(tests: Sequence[Test], variable: Variable) -> list[frozenset[str]]:
    """The choices that the tests of a variable name, those together that no test tells apart."""
    own = [test.choices for test in tests if test.variable == variable]
    groups: dict[tuple[bool, ...], set[str]] = {}
    for choice in sorted(frozenset().union(*own)):
        groups.setdefault(tuple(choice in choices for choices in own), set()).add(choice)
    return [frozenset(group) for group in groups.values()]


def _may_be_empty(asked: Asked) -> bool:
    """Whether a complete answer may come to nothing: there was nothing to count, or nothing need be chosen."""
    return isinstance(asked, Percentage) or (isinstance(asked, ChoicesAsked | TableAsked) and asked.at_least == 0)


def _no_grade(key: str, asked: Asked) -> str:
    return f"`{key}` is answered with `{asked.type}`, which comes to no grade; name another, or give its answer grades"


def _suited(indicator: AnyIndicator) -> str:
    if isinstance(indicator, MeasureOf):
        return "a number"
    return "choices" if isinstance(indicator, CountOfAnswers) else "a grade"


def _unsuited(indicator: AnyIndicator, key: str, asked: Asked) -> str:
    if not indicator.by_facts:
        return _no_grade(key, asked)
    return f"`{key}` is answered with `{asked.type}`, which has not {_suited(indicator)}; name another"


def _is(variable: Variable, grade: str) -> Test:
    def holds(value: Value) -> bool:
        return value == grade

    return Test(variable, holds)


def _within(path: Path, above: Iterable[Path]) -> bool:
    """Whether one of the paths is this one, or leads on from it."""
    return any(other[: len(path)] == path for other in above)


