"""Answers: what can be saved, what is outstanding, what is signed."""

from datetime import date, datetime
from typing import Any

import pytest

from app.domain.answers import ANSWER_TYPES, MAX_FILES, MAX_TEXT, AnswerErrors
from app.domain.message import Message
from app.domain.templates import Basis, Criterion, Grade, GradingScheme


def grade(key: str, counts_as: str, *needs: str) -> Grade:
    label = {"en": key.title(), "cy": f"{key} (cy)"}
    return Grade.model_validate(
        {
            "key": key,
            "label": label,
            "meaning": "m",
            "colour": "#123456",
            "counts_as": counts_as,
            "needs": needs,
        }
    )


SCHEME = GradingScheme(
    title="Lights",
    grades=(
        grade("green", "met"),
        grade("gold", "met", "commentary"),
        grade("red", "not_met", "commentary", "date_expected"),
        grade("amber", "not_met"),
        grade("blank", "excluded", "reason"),
    ),
    bases=(
        Basis(key="paper", label="Paper", meaning="m", asks=()),
        Basis(key="looked", label="Looked", meaning="m", asks=("files", "files_date")),
    ),
)
CRITERION = Criterion(id="q", question="Q?", why="W", evidence="E", theme="t")
TODAY = date(2003, 6, 30)
OPENS = date(2003, 5, 1)
HANDLER = ANSWER_TYPES["grade"]


def clean(**raw: object) -> dict[str, Any]:
    answer = HANDLER.clean(raw, criterion=CRITERION, scheme=SCHEME, today=TODAY, earliest=OPENS)
    assert answer.type == "grade"
    return answer.value


def outstanding(**value: object) -> list[str]:
    return [each.field for each in HANDLER.problems(value, criterion=CRITERION, scheme=SCHEME)]


def signed(**value: object) -> dict[str, Any]:
    return HANDLER.signed_value(value, criterion=CRITERION, scheme=SCHEME)


def test_a_whole_answer_is_kept_in_one_form() -> None:
    assert clean(
        grade=" red ",
        basis="looked",
        files=" 1,025 ",
        files_date="2003-6-3",
        commentary="  One\r\nTwo\vThree\n",
        date_expected=date(2003, 9, 1),
        reason="Because",
    ) == {
        "grade": "red",
        "basis": "looked",
        "files": 1025,
        "files_date": "2003-06-03",
        "commentary": "One\nTwo\nThree",
        "date_expected": "2003-09-01",
        "reason": "Because",
    }


def test_what_was_cleaned_cleans_to_itself() -> None:
    value = clean(grade="red", basis="looked", files=3, files_date="2003-06-03", commentary="x")
    assert clean(**value) == value


def test_a_draft_may_miss_anything() -> None:
    assert clean() == {}
    assert clean(grade="", basis=None, files="  ", commentary="\r\n") == {}
    assert clean(commentary="So far") == {"commentary": "So far"}
    assert clean(files=0) == {"files": 0}


def test_the_limits_themselves_are_allowed() -> None:
    assert clean(files=str(MAX_FILES)) == {"files": MAX_FILES}
    assert clean(files="000000000012") == {"files": 12}
    assert clean(files_date=TODAY.isoformat(), date_expected=OPENS.isoformat())
    assert len(clean(commentary="x" * MAX_TEXT + "\n")["commentary"]) == MAX_TEXT
    # browsers count a line break once and send two characters
    assert clean(commentary="x\r\n" * (MAX_TEXT // 2))


@pytest.mark.parametrize(
    ("field", "given", "message"),
    [
        ("grade", "purple", "Choose one of the grades listed"),
        ("grade", ["green"], "Choose one of the grades listed"),
        ("basis", "rumour", "Choose one of the listed ways in which you know"),
        ("files", "many", "Enter the number of files as a whole number, such as 25"),
        ("files", "2.5", "Enter the number of files as a whole number, such as 25"),
        ("files", 2.0, "Enter the number of files as a whole number, such as 25"),
        ("files", True, "Enter the number of files as a whole number, such as 25"),
        ("files", "٣", "Enter the number of files as a whole number, such as 25"),
        ("files", "-1", "The number of files must be from 0 to 1000000"),
        ("files", MAX_FILES + 1, "The number of files must be from 0 to 1000000"),
        ("files", "9" * 5000, "The number of files must be from 0 to 1000000"),
        ("files_date", "2003-07-01", "The date on which files were looked at cannot be in the future"),
        ("files_date", "yesterday", "a real date, such as 31 October 2003"),
        ("date_expected", "2003-06-31", "Enter the date expected as a real date, such as 31 October 2003"),
        ("date_expected", "20030901", "a real date"),
        ("date_expected", 20030901, "a real date"),
        ("date_expected", datetime(2003, 9, 1), "a real date"),  # noqa: DTZ001
        ("date_expected", "2003-04-30", "The date expected must be 2003-05-01 or later"),
        ("commentary", "x" * 20_001, "The commentary has 20001 characters; shorten it to 20000 or fewer"),
        ("reason", "x" * 20_001, "The reason has 20001 characters; shorten it to 20000 or fewer"),
        ("commentary", "a\x00b", "without control characters"),
        ("reason", "\ud800", "without control characters"),
        ("commentary", 5, "The commentary must be text"),
        ("comentary", "x", "There is no field called comentary"),
    ],
)
def test_what_is_wrong_is_refused(field: str, given: object, message: str) -> None:
    with pytest.raises(AnswerErrors) as wrong:
        clean(**{field: given})
    assert list(wrong.value.errors) == [field]
    assert message in str(wrong.value.errors[field])


def test_all_errors_come_at_once() -> None:
    with pytest.raises(AnswerErrors, match="files: Enter") as wrong:
        clean(grade="purple", files="x", commentary="fine", date_expected="x")
    assert set(wrong.value.errors) == {"grade", "files", "date_expected"}


def test_dates_are_not_compared_when_there_is_nothing_to_compare_with() -> None:
    answer = HANDLER.clean(
        {"files_date": "2099-01-01", "date_expected": "1999-01-01"},
        criterion=CRITERION,
        scheme=SCHEME,
        today=None,
    )
    assert answer.value == {"files_date": "2099-01-01", "date_expected": "1999-01-01"}


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        ({}, ["grade"]),
        ({"commentary": "x", "basis": "paper"}, ["grade"]),
        ({"grade": "of-another-scheme", "basis": "paper"}, ["grade"]),
        ({"grade": "green"}, ["basis"]),
        ({"grade": "green", "basis": "of-another-scheme"}, ["basis"]),
        ({"grade": "green", "basis": "paper"}, []),
        ({"grade": "gold", "basis": "paper"}, ["commentary"]),
        ({"grade": "green", "basis": "looked"}, ["files", "files_date"]),
        ({"grade": "green", "basis": "looked", "files": 0, "files_date": "2003-06-01"}, ["files"]),
        ({"grade": "green", "basis": "looked", "files": 1, "files_date": "2003-06-01"}, []),
        ({"grade": "red"}, ["basis", "commentary", "date_expected"]),
        ({"grade": "red", "basis": "paper", "commentary": "x", "date_expected": "2003-09-01"}, []),
        ({"grade": "amber", "basis": "paper"}, []),
        ({"grade": "blank"}, ["reason"]),
        ({"grade": "blank", "reason": "x"}, []),
    ],
)
def test_what_is_outstanding(value: dict[str, object], fields: list[str]) -> None:
    assert outstanding(**value) == fields


def test_a_scheme_without_bases_asks_for_none() -> None:
    scheme = SCHEME.model_copy(update={"bases": ()})
    assert HANDLER.problems({"grade": "green"}, criterion=CRITERION, scheme=scheme) == ()


def test_signing_leaves_out_what_does_not_apply() -> None:
    everything: dict[str, object] = {
        "basis": "looked",
        "files": 3,
        "files_date": "2003-06-01",
        "commentary": "c",
        "date_expected": "2003-09-01",
        "reason": "r",
    }
    assert set(signed(grade="green", **everything)) == {"grade", "basis", "files", "files_date", "commentary"}
    assert set(signed(grade="red", **everything)) == {
        "grade", "basis", "files", "files_date", "commentary", "date_expected",
    }  # fmt: skip
    assert set(signed(grade="amber", **{**everything, "basis": "paper"})) == {
        "grade", "basis", "commentary", "date_expected",
    }  # fmt: skip
    assert signed(grade="blank", **everything) == {"grade": "blank", "commentary": "c", "reason": "r"}
    assert signed(**everything) == {"commentary": "c"}


def test_messages_are_translated_when_shown() -> None:
    (problem,) = HANDLER.problems({"grade": "blank"}, criterion=CRITERION, scheme=SCHEME)
    assert str(problem.message) == "Give the reason for “Blank”"
    welsh = {"Give the reason for “%(grade)s”": "Rhowch y rheswm dros “%(grade)s”"}
    shown = problem.message.rendered(welsh.__getitem__, lambda label: str(label["cy"]))  # type: ignore[index]
    assert shown == "Rhowch y rheswm dros “blank (cy)”"
    assert str(Message("100%% of %(n)s", {"n": 3})) == "100% of 3"
