"""Types of answers: how each is read from what a person sent, and what is outstanding in it.

A draft may be incomplete, so saving is lenient about what is missing and strict about what is wrong;
signing asks for the rest. A new type is one class here and one entry in `ANSWER_TYPES`.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

from app.domain.message import N_, Message
from app.domain.templates import Basis, Criterion, Grade, GradingScheme

MAX_TEXT = 20_000  # characters in a commentary or a reason
MAX_FILES = 1_000_000


def question_id(criterion: str, scope: str = "") -> str:
    """What names one question of a return: `CRITERION`, or `CRITERION.AREA` where it is asked per area."""
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


class AnswerErrors(ValueError):
    """What is wrong with an answer; `errors` maps a field to its message."""

    def __init__(self, errors: Mapping[str, Message]) -> None:
        super().__init__("; ".join(f"{name}: {message}" for name, message in errors.items()))
        self.errors = dict(errors)


class AnswerType(ABC):
    """How answers of one type are read, judged complete, and signed."""

    type: ClassVar[str]
    # names that may stand beside `type` in a criterion's `answer`
    parameters: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
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

    @abstractmethod
    def problems(
        self, value: Mapping[str, Any], *, criterion: Criterion, scheme: GradingScheme
    ) -> tuple[Outstanding, ...]:
        """What is outstanding in a stored value before it can be signed; empty when complete."""

    @abstractmethod
    def signed_value(
        self, value: Mapping[str, Any], *, criterion: Criterion, scheme: GradingScheme
    ) -> dict[str, Any]:
        """The value without the fields that no longer apply to what was chosen."""


class GradeAnswer(AnswerType):
    """A grade of the criterion's scheme, how the agency knows, and what the grade asks for.

    Value: `grade` and `basis` (keys), `files` (a count), `files_date` and `date_expected`
    (YYYY-MM-DD), `commentary` and `reason` (texts), each only when given.
    """

    type = "grade"
    fields = ("grade", "basis", "files", "files_date", "commentary", "date_expected", "reason")

    def clean(
        self,
        raw: Mapping[str, object],
        *,
        criterion: Criterion,
        scheme: GradingScheme,
        today: date | None,
        earliest: date | None = None,
    ) -> CleanAnswer:
        readers: dict[str, Callable[[object], str | int]] = {
            "grade": lambda given: _choice(
                given, {grade.key for grade in scheme.grades}, N_("Choose one of the grades listed")
            ),
            "basis": lambda given: _choice(
                given,
                {basis.key for basis in scheme.bases},
                N_("Choose one of the listed ways in which you know"),
            ),
            "files": _files,
            "files_date": lambda given: _files_date(given, today),
            "commentary": lambda given: _text(
                given,
                N_("The commentary has %(length)s characters; shorten it to %(limit)s or fewer"),
                N_("The commentary must be text without control characters; type that part again"),
            ),
            "date_expected": lambda given: _date_expected(given, earliest),
            "reason": lambda given: _text(
                given,
                N_("The reason has %(length)s characters; shorten it to %(limit)s or fewer"),
                N_("The reason must be text without control characters; type that part again"),
            ),
        }
        value: dict[str, Any] = {}
        # an unknown field is an error: dropping it silently would lose what somebody wrote
        errors = {
            name: Message(N_("There is no field called %(name)s"), {"name": name})
            for name in raw
            if name not in readers
        }
        for name, read in readers.items():
            given = raw.get(name)
            if given is None or (isinstance(given, str) and not given.strip()):
                continue
            try:
                value[name] = read(given)
            except _Wrong as wrong:
                errors[name] = wrong.message
        if errors:
            raise AnswerErrors(errors)
        return CleanAnswer(self.type, value)

    def problems(
        self, value: Mapping[str, Any], *, criterion: Criterion, scheme: GradingScheme
    ) -> tuple[Outstanding, ...]:
        grade, basis = _chosen(value, scheme)
        if grade is None:
            return (Outstanding("grade", Message(N_("Choose a grade"))),)
        found: list[Outstanding] = []

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
        grade, basis = _chosen(value, scheme)
        if grade is None or grade.counts_as == "excluded":
            basis = None
        asks = basis.asks if basis else ()
        applies = {
            "grade": grade is not None,
            "basis": basis is not None,
            "files": "files" in asks,
            "files_date": "files_date" in asks,
            "commentary": True,
            "date_expected": grade is not None
            and (grade.counts_as == "not_met" or "date_expected" in grade.needs),
            "reason": grade is not None and "reason" in grade.needs,
        }
        return {name: value[name] for name in self.fields if name in value and applies[name]}


ANSWER_TYPES: dict[str, AnswerType] = {handler.type: handler for handler in (GradeAnswer(),)}


class _Wrong(Exception):
    """What was sent for one field cannot be stored."""

    def __init__(self, msgid: str, **params: object) -> None:
        super().__init__(msgid)
        self.message = Message(msgid, params)


def _chosen(value: Mapping[str, Any], scheme: GradingScheme) -> tuple[Grade | None, Basis | None]:
    """The grade and the basis of a stored value; None also for one that the scheme has lost."""
    grade = next((grade for grade in scheme.grades if grade.key == value.get("grade")), None)
    basis = next((basis for basis in scheme.bases if basis.key == value.get("basis")), None)
    return grade, basis


def _choice(given: object, known: set[str], msgid: str) -> str:
    if isinstance(given, str) and given.strip() in known:
        return given.strip()
    raise _Wrong(msgid)


def _files(given: object) -> int:
    digits = str(given).strip().replace(",", "") if isinstance(given, str | int) else ""
    if isinstance(given, bool) or not re.fullmatch(r"-?[0-9]+", digits):
        raise _Wrong(N_("Enter the number of files as a whole number, such as 25"))
    # by length first: Python refuses to read a number of thousands of digits
    if digits.startswith("-") or len(digits.lstrip("0")) > len(str(MAX_FILES)) or int(digits) > MAX_FILES:
        raise _Wrong(N_("The number of files must be from 0 to %(limit)s"), limit=MAX_FILES)
    return int(digits)


def _date(given: object, msgid: str) -> date:
    if isinstance(given, date) and not isinstance(given, datetime):
        return given
    text = given.strip() if isinstance(given, str) else ""
    parts = re.fullmatch(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})", text)
    try:
        if parts:
            return date(*map(int, parts.groups()))
    except ValueError:
        pass  # such as 31 June: the same message
    raise _Wrong(msgid)


def _files_date(given: object, today: date | None) -> str:
    looked_at = _date(
        given, N_("Enter the date on which files were looked at as a real date, such as 31 October 2003")
    )
    if today and looked_at > today:
        raise _Wrong(N_("The date on which files were looked at cannot be in the future"))
    return looked_at.isoformat()


def _date_expected(given: object, earliest: date | None) -> str:
    expected = _date(given, N_("Enter the date expected as a real date, such as 31 October 2003"))
    if earliest and expected < earliest:
        raise _Wrong(N_("The date expected must be %(earliest)s or later"), earliest=earliest)
    return expected.isoformat()


def _text(given: object, too_long: str, unusable: str) -> str:
    if not isinstance(given, str):
        raise _Wrong(unusable)
    # browsers send CR LF; word processors paste vertical tabs and form feeds for line breaks
    text = re.sub(r"\r\n|[\r\v\f]", "\n", given).strip()
    # these cannot be stored in every database, or not be printed
    if re.search(r"[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]", text):
        raise _Wrong(unusable)
    if len(text) > MAX_TEXT:
        raise _Wrong(too_long, length=len(text), limit=MAX_TEXT)
    return text
