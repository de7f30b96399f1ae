"""What answers of every type have: a grade, chosen or derived, how the agency knows, and what the grade asks for."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, ClassVar, Generic, TypeVar, cast

from app.domain.answers.reading import (
    Unreadable,
    is_blank,
    read_choice,
    read_date,
    read_text,
    read_whole,
)
from app.domain.asking import Asked, GradeAsked
from app.domain.message import N_, Message
from app.domain.templates import Basis, Criterion, Grade, GradingScheme

MAX_FILES = 1_000_000
Reader = Callable[[object], Any]
A = TypeVar("A", bound=Asked)


def question_id(criterion: str, scope: str = "") -> str:
    """What names one question of a return: `CRITERION`, or `CRITERION.SCOPE` where it is asked per area or per site."""
    return f"{criterion}.{scope}" if scope else criterion


def question_parts(question: str) -> tuple[str, str]:
    """The criterion and the scope of a question's id."""
    criterion, _, scope = question.partition(".")
    return criterion, scope


@dataclass(frozen=True)
class CleanAnswer:
    """An answer as it is stored: its type, and a JSON-ready value with only the fields given."""

    type: str
    value: dict[str, Any]


@dataclass(frozen=True)
class Outstanding:
    """Something that must be given before the answer can be signed, and the field it goes in."""

    field: str
    message: Message


Words = str | Mapping[str, str] | Message | date | Fraction  # a mapping is a text of the pack in its languages


@dataclass(frozen=True)
class Fact:
    """Something that an answer says, to show and to export.

    `label` is None where the question says enough; `unit` stands behind a number. `typed`: the agency's own words.
    `rows` is given for a table: its headings come first.
    """

    words: Words
    label: Words | None = None
    unit: Words | None = None
    typed: bool = False
    rows: tuple[tuple[Words, ...], ...] = ()


class AnswerErrors(ValueError):
    """What is wrong with an answer; `errors` maps a field to its message."""

    def __init__(self, errors: Mapping[str, Message]) -> None:
        super().__init__("; ".join(f"{name}: {message}" for name, message in errors.items()))
        self.errors = dict(errors)


class AnswerType(ABC, Generic[A]):
    """How answers of one type are read, judged complete, and signed.

    A value has the type's own fields, and those that belong to the grade it comes to: `grade` and `basis` (keys),
    `files` (a count), `files_date` and `date_expected` (YYYY-MM-DD), `commentary` and `reason` (texts), each only
    when given.
    """

    type: ClassVar[str]
    own: ClassVar[tuple[str, ...]] = ()  # its own fields, in order
    needs_files: ClassVar[bool] = False  # whether evidence itself is the answer
    beside: ClassVar[tuple[str, ...]] = ("basis", "files", "files_date", "commentary", "date_expected", "reason")

    @property
    def fields(self) -> tuple[str, ...]:
        """All fields of a value, in order."""
        return (*self.own, *(() if "grade" in self.own else ("grade",)), *self.beside)

    @property
    def first(self) -> str:
        """The field that what concerns a whole answer is said at."""
        return self.own[0] if self.own else "evidence"

    def asked(self, criterion: Criterion) -> A:
        """What the author said of the answer to a criterion of this type."""
        return cast(A, criterion.answer)

    # --- what a type says of itself

    def readers(self, criterion: Criterion, scheme: GradingScheme, today: date | None) -> dict[str, Reader]:
        """How each own field is read. A reader raises Unreadable."""
        return {}

    def contradictions(self, value: Mapping[str, Any], criterion: Criterion) -> dict[str, Message]:
        """What is wrong with own fields together: field to message."""
        return {}

    def missing(self, value: Mapping[str, Any], criterion: Criterion, scheme: GradingScheme) -> Iterable[Outstanding]:
        """What of its own is outstanding before signing."""
        return ()

    def facts(self, value: Mapping[str, Any], criterion: Criterion) -> tuple[Fact, ...]:
        """What the own fields of a stored value say, in order; none for a grade."""
        return ()

    def own_texts(self, value: Mapping[str, Any], criterion: Criterion) -> tuple[str, ...]:
        """What the agency wrote in its own words in the own fields of a stored value, in order."""
        return ()

    # --- what all types do

    def texts(self, value: Mapping[str, Any], criterion: Criterion) -> tuple[str, ...]:
        """Everything in a stored value that the agency wrote in its own words, in order."""
        beside = (value.get("commentary"), value.get("reason"))
        return (*self.own_texts(value, criterion), *(text for text in beside if text))

    def clean(
        self,
        raw: Mapping[str, object],
        *,
        criterion: Criterion,
        scheme: GradingScheme,
        today: date | None,
        earliest: date | None = None,
    ) -> CleanAnswer:
        """The answer in `raw`, a field to a string or a JSON value; None and blanks are not given.

        No date looked back on may be after `today`, and no date ahead before `earliest` (the day
        the round opens); None leaves out that check. AnswerErrors names every field that is wrong.
        """
        readers = {**self.readers(criterion, scheme, today), **_readers_beside(scheme, today, earliest)}
        derived = () if "grade" in readers else ("grade",)  # in stored values; what it says is worked out anew
        value: dict[str, Any] = {}
        # an unknown field is an error: dropping it silently would lose what somebody wrote
        errors = {
            name: Message(N_("There is no field called %(name)s"), {"name": name})
            for name in raw
            if name not in readers and name not in derived
        }
        for name, read in readers.items():
            given = raw.get(name)
            if is_blank(given):
                continue
            try:
                value[name] = read(given)
            except Unreadable as wrong:
                errors[name] = wrong.message
        errors = {**self.contradictions(value, criterion), **errors}
        if errors:
            raise AnswerErrors(errors)
        return CleanAnswer(self.type, self._graded(value, criterion))

    def _graded(self, value: dict[str, Any], criterion: Criterion) -> dict[str, Any]:
        """The value with the grade that it comes to."""
        grade = criterion.answer.grade_of(value)
        found = {**value, "grade": grade} if grade else value
        return {name: found[name] for name in self.fields if name in found}

    def problems(
        self, value: Mapping[str, Any], *, criterion: Criterion, scheme: GradingScheme
    ) -> tuple[Outstanding, ...]:
        """What is outstanding in a stored value before it can be signed; empty when complete."""
        found = list(self.missing(value, criterion, scheme))
        grade, basis = chosen(value, scheme)
        if grade is None:
            return tuple(found)

        def ask(name: str, msgid: str) -> None:
            found.append(Outstanding(name, Message(msgid, {"grade": grade.label})))

        if grade.counts_as != "excluded" and scheme.bases:
            if basis is None:
                ask("basis", N_("Say how you know"))
            else:
                # no files looked at is no basis
                if "files" in basis.asks and not value.get("files"):
                    ask("files", N_("Give the number of files looked at, at least 1"))
                if "files_date" in basis.asks and not value.get("files_date"):
                    ask("files_date", N_("Give the date on which files were looked at"))
        if "commentary" in grade.needs and not value.get("commentary"):
            ask("commentary", N_("Write a commentary: “%(grade)s” needs one"))
        if "date_expected" in grade.needs and not value.get("date_expected"):
            ask("date_expected", N_("Give the date by which you expect it to be in place"))
        if "reason" in grade.needs and not value.get("reason"):
            ask("reason", N_("Give the reason for “%(grade)s”"))
        return tuple(found)

    def signed_value(
        self, value: Mapping[str, Any], *, criterion: Criterion, scheme: GradingScheme
    ) -> dict[str, Any]:
        """The value without the fields that no longer apply to what was answered."""
        grade, basis = chosen(value, scheme)
        if grade is None or grade.counts_as == "excluded":
            basis = None
        asks = basis.asks if basis else ()
        applies = {
            "grade": grade is not None,
            "basis": basis is not None,
            "files": "files" in asks,
            "files_date": "files_date" in asks,
            "date_expected": grade is not None
            and (grade.counts_as == "not_met" or "date_expected" in grade.needs),
            "reason": grade is not None and "reason" in grade.needs,
        }
        return {name: value[name] for name in self.fields if name in value and applies.get(name, True)}


class GradeAnswer(AnswerType[GradeAsked]):
    """A grade of the criterion's scheme."""

    type = "grade"
    own = ("grade",)

    def readers(self, criterion: Criterion, scheme: GradingScheme, today: date | None) -> dict[str, Reader]:
        known = {grade.key for grade in scheme.grades}
        return {"grade": lambda given: read_choice(given, known, N_("Choose one of the grades listed"))}

    def missing(self, value: Mapping[str, Any], criterion: Criterion, scheme: GradingScheme) -> Iterable[Outstanding]:
        if chosen(value, scheme)[0] is None:  # also one that the scheme has lost
            yield Outstanding("grade", Message(N_("Choose a grade")))


def _readers_beside(scheme: GradingScheme, today: date | None, earliest: date | None) -> dict[str, Reader]:
    """How the fields are read that stand beside a grade."""
    bases = {basis.key for basis in scheme.bases}
    return {
        "basis": lambda given: read_choice(
            given, bases, N_("Choose one of the listed ways in which you know")
        ),
        "files": lambda given: read_whole(
            given,
            MAX_FILES,
            N_("Enter the number of files as a whole number, such as 25"),
            N_("The number of files must be from 0 to %(limit)s"),
        ),
        "files_date": lambda given: _files_date(given, today),
        "commentary": lambda given: read_text(
            given,
            N_("The commentary has %(length)s characters; shorten it to %(limit)s or fewer"),
            N_("The commentary must be text without control characters; type that part again"),
        ),
        "date_expected": lambda given: _date_expected(given, earliest),
        "reason": lambda given: read_text(
            given,
            N_("The reason has %(length)s characters; shorten it to %(limit)s or fewer"),
            N_("The reason must be text without control characters; type that part again"),
        ),
    }


def _files_date(given: object, today: date | None) -> str:
    looked_at = read_date(
        given, N_("Enter the date on which files were looked at as a real date, such as 31 October 2003")
    )
    if today and looked_at > today:
        raise Unreadable(N_("The date on which files were looked at cannot be in the future"))
    return looked_at.isoformat()


def _date_expected(given: object, earliest: date | None) -> str:
    expected = read_date(given, N_("Enter the date expected as a real date, such as 31 October 2003"))
    if earliest and expected < earliest:
        raise Unreadable(N_("The date expected must be %(earliest)s or later"), earliest=earliest)
    return expected.isoformat()


def chosen(value: Mapping[str, Any], scheme: GradingScheme) -> tuple[Grade | None, Basis | None]:
    """The grade and the basis of a stored value; None also for one that the scheme has lost."""
    grade = next((grade for grade in scheme.grades if grade.key == value.get("grade")), None)
    basis = next((basis for basis in scheme.bases if basis.key == value.get("basis")), None)
    return grade, basis
