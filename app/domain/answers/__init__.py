"""Types of answers: how each is read from what a person sent, and what is outstanding in it.

A draft may be incomplete, so saving is lenient about what is missing and strict about what is wrong;
signing asks for the rest. What an author can say of a type is in `domain.asking`. A new type is one class there and
one here, with an entry in `ANSWER_TYPES`.
"""

from typing import Any

from app.domain.answers.base import (
    MAX_FILES,
    AnswerErrors,
    AnswerType,
    CleanAnswer,
    Fact,
    GradeAnswer,
    Outstanding,
    Words,
    question_id,
    question_parts,
)
from app.domain.answers.facts import (
    ChoiceAnswer,
    ChoicesAnswer,
    DateAnswer,
    FileAnswer,
    NumberAnswer,
    PercentageAnswer,
    TableAnswer,
    TextAnswer,
    YesNoAnswer,
)
from app.domain.answers.reading import MAX_TEXT

ANSWER_TYPES: dict[str, AnswerType[Any]] = {
    handler.type: handler
    for handler in (
        GradeAnswer(),
        YesNoAnswer(),
        NumberAnswer(),
        PercentageAnswer(),
        DateAnswer(),
        ChoiceAnswer(),
        ChoicesAnswer(),
        TextAnswer(),
        FileAnswer(),
        TableAnswer(),
    )
}

__all__ = [
    "ANSWER_TYPES",
    "MAX_FILES",
    "MAX_TEXT",
    "AnswerErrors",
    "AnswerType",
    "CleanAnswer",
    "Fact",
    "Outstanding",
    "Words",
    "question_id",
    "question_parts",
]
