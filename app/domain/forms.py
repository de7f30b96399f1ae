"""A return as a form: what is asked, with the answers so far, as plain data in one language.

The spreadsheet, the blank form on paper and the current draft are made from it.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from app.domain.actions import State
from app.domain.findings import (
    AgencyInfo,
    Document,
    Figure,
    Frozen,
    Sentence,
    ShownFact,
    Signature,
)


class FormGrade(Frozen):
    """A grade to choose, what it means and what it asks for."""

    key: str
    label: str
    meaning: str
    counts_as: Literal["met", "not_met", "excluded"]
    shown_apart: bool
    needs: tuple[str, ...]


class FormBasis(Frozen):
    """A way of knowing to choose, and what is asked beside it."""

    key: str
    label: str
    meaning: str
    asks: tuple[str, ...]


class FormScheme(Frozen):
    """A grading scheme, best grade first."""

    key: str
    title: str
    grades: tuple[FormGrade, ...]
    bases: tuple[FormBasis, ...]


class FormEvidence(Frozen):
    """A file that supports an answer."""

    title: str
    name: str
    sha256: str


class FormAction(Frozen):
    """What is planned for an answer that is not in place."""

    what: str
    owner: str
    due: date | None
    state: State


class FormChoice(Frozen):
    """Something to choose."""

    key: str
    label: str


class FormColumn(Frozen):
    """A column of a table. `type` is text, number, date, yes_no or choice; only the last has `choices`."""

    key: str
    label: str
    type: str
    unit: str = ""
    choices: tuple[FormChoice, ...] = ()
    required: bool = False


class FormAsked(Frozen):
    """How a question is answered: its type, and what the type has, as `domain.asking` says it.

    `is_graded`: whether answers come to a grade of the question's scheme. `counted` and `out_of` name the two numbers
    of a percentage; `least` and `most` are the limits of a number in words; `at_least` and `at_most` say how many
    choices, rows or files; `past`: a date that cannot be in the future.
    """

    type: str
    is_graded: bool
    unit: str = ""
    least: str = ""
    most: str = ""
    decimals: int = 0
    counted: str = ""
    out_of: str = ""
    past: bool = False
    choices: tuple[FormChoice, ...] = ()
    at_least: int = 0
    at_most: int | None = None
    longest: int | None = None
    columns: tuple[FormColumn, ...] = ()


class FormQuestion(Frozen):
    """A question and the answer so far. `id` names the question, and the area or site where it is asked for each.

    `value` is the stored value of the answer's type, empty while nothing is answered; `version` counts its saves.
    `facts` are what the answer says beside its grade. `unlisted`: asked for each site, and no site is listed (yet).
    """

    id: str
    criterion: str
    criterion_version: int
    scope: str
    scope_name: str
    number: str
    unlisted: bool = False
    type: str
    asked: FormAsked
    scheme: str
    required: bool
    question: str
    why: str
    evidence_hint: str
    conditions: tuple[Sentence, ...]
    recommendations: tuple[str, ...]
    milestone_label: str
    milestone_date: date | None
    value: dict[str, Any]
    facts: tuple[ShownFact, ...]
    version: int
    saved_at: datetime | None
    saved_by: str
    to_confirm: bool
    outstanding: tuple[Sentence, ...]
    is_after_milestone: bool
    evidence: tuple[FormEvidence, ...]
    actions: tuple[FormAction, ...]


class FormStandard(Frozen):
    """A standard with its questions."""

    number: int
    id: str
    title: str
    introduction: str
    optional: bool
    label: str
    questions: tuple[FormQuestion, ...]
    complete: int
    figure: Figure
    vouched_by: str
    vouched_post: str


class FormDocument(Document):
    """A whole form. `kind`: `blank` has no answers, `draft` those so far, `signed` those of one submission.

    `agency` is None where the form is for any agency of a type. `closed` says why nothing can be changed; empty where
    it can.
    """

    format: Literal["candour-form/1"] = "candour-form/1"
    kind: Literal["blank", "draft", "signed"]
    return_id: str
    template_title: str
    template_introduction: str
    template_sha256: str
    agency: AgencyInfo | None
    type_label: str
    signatory: str
    declaration: str
    due: date
    closed: Sentence | None
    schemes: tuple[FormScheme, ...]
    standards: tuple[FormStandard, ...]
    figure: Figure
    asked: int
    complete: int
    signature: Signature | None

    def scheme(self, key: str) -> FormScheme:
        """A grading scheme by key. KeyError where there is none."""
        for scheme in self.schemes:
            if scheme.key == key:
                return scheme
        raise KeyError(key)

    def schemes_graded(self) -> tuple[FormScheme, ...]:
        """The grading schemes that answers come to grades of."""
        used = {question.scheme for question in self.questions() if question.asked.is_graded}
        return tuple(scheme for scheme in self.schemes if scheme.key in used)

    def questions(self) -> tuple[FormQuestion, ...]:
        """All questions in order."""
        return tuple(question for standard in self.standards for question in standard.questions)
