"""A survey of front-line staff: what a pack says of it, what its results are read from, and what may be shown of them.

Only totals come here, statement by statement and agency by agency; they stand beside what the agency's leadership
answered to the same question, and change no grade. Nothing is shown of so few answers that somebody could be
recognised.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field

from app.domain.message import N_, Message
from app.domain.parts import Key, Keyed, Part
from app.domain.templates import Pack
from app.domain.text import Text

LEAST = 10  # answers: of fewer nothing is shown, whatever a pack says
MOST = 1_000_000  # people in a survey
MOST_LINES = 20_000
LINE_COLUMNS = ("agency", "statement", "asked", "answered")


class SurveyAnswer(Part):
    """An answer that staff could choose. `excluded` answers are left out of the share of those who agree."""

    key: Key
    label: Text
    counts_as: Literal["agree", "other", "excluded"]


class Statement(Part):
    """What staff were asked to agree with."""

    text: Text


class Survey(Part):
    """The content of `survey.yaml`. A statement belongs to the question of the same id, of every agency type that has
    it. Below `least` answers nothing is shown."""

    format: Literal[1]
    title: Text
    answers: Annotated[tuple[SurveyAnswer, ...], Field(min_length=2)]
    least: Annotated[int, Field(strict=True, ge=LEAST, le=1_000)] = LEAST
    statements: Annotated[Keyed[Statement], Field(min_length=1)]

    @classmethod
    def of(cls, pack: Pack) -> Self | None:
        """The survey of a pack; None where it has none. pydantic.ValidationError when it is of another shape."""
        return cls.model_validate(pack.survey) if pack.survey else None

    def problems(self, pack: Pack) -> Iterator[tuple[tuple[str | int, ...], str, str, Sequence[str]]]:
        """What does not fit the pack: where, what is wrong, and an unknown name with those that are known."""
        known = {placed.criterion.id for template in pack.templates.values() for placed in template.criteria()}
        for key in self.statements:
            if key not in known:
                yield ("statements", key), f"no checklist has a question `{key}`", key, sorted(known)
        seen: set[str] = set()
        for place, answer in enumerate(self.answers):
            if answer.key in seen or answer.key in LINE_COLUMNS:
                yield ("answers", place, "key"), f"the answer `{answer.key}` is named twice; rename one", "", ()
            seen.add(answer.key)
        if not any(answer.counts_as == "agree" for answer in self.answers):
            yield ("answers",), "no answer counts as `agree`; say which do", "", ()

    def asked_of(self, pack: Pack, agency_type: str) -> tuple[str, ...]:
        """The statements that belong to a question of an agency type, in the checklist's order."""
        return tuple(
            placed.criterion.id
            for placed in pack.templates[agency_type].criteria()
            if placed.criterion.id in self.statements
        )

    def columns(self) -> tuple[str, ...]:
        """The columns of a file of results, in order."""
        return (*LINE_COLUMNS, *(answer.key for answer in self.answers))

    def share(self, counts: Mapping[str, int]) -> tuple[int, int]:
        """How many agree, and of how many whose answer counts."""
        agree = sum(counts.get(one.key, 0) for one in self.answers if one.counts_as == "agree")
        counted = sum(counts.get(one.key, 0) for one in self.answers if one.counts_as != "excluded")
        return agree, counted

    def may_be_shown(self, counts: Mapping[str, int]) -> bool:
        """Whether so many answered that nobody can be recognised."""
        return self.share(counts)[1] >= self.least


@dataclass(frozen=True)
class Result:
    """The totals of one statement at one agency, from a line of a file. `counts`: how many chose each answer."""

    line: int
    agency: str
    statement: str
    asked: int
    answered: int
    counts: Mapping[str, int]


@dataclass(frozen=True)
class SurveyProblem:
    """What is wrong with a line, and how to mend it."""

    line: int
    message: Message

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}"


class SurveyRefused(Exception):
    """A file of results that was not taken: `problems` says everything that is wrong with it."""

    def __init__(self, problems: Sequence[SurveyProblem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


def read_results(
    text: str, survey: Survey, statements: Mapping[str, Collection[str]], *, own: str = ""
) -> list[Result]:
    """The results in a CSV file. Raises SurveyRefused with every problem, by line.

    `statements`: agency code to the statements that may be given for it. `own`: the code of the agency where it gives
    its own results; then the column `agency` may be left out.
    """
    lines = io.StringIO(text.replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n"), newline="")
    try:
        rows = list(csv.reader(lines))
    except csv.Error:  # a field of more than 131,072 characters
        raise SurveyRefused([_problem(1, N_("A cell is too long. Save the file as CSV and try again."))]) from None
    heads = [cell.strip().lower() for cell in rows[0]] if rows else []
    wanted = [name for name in survey.columns() if not (own and name == "agency")]
    if problems := list(_wrong_heads(heads, wanted, survey.columns())):
        raise SurveyRefused(problems)
    if len(rows) > MOST_LINES:
        raise SurveyRefused([_problem(MOST_LINES, N_("A file has at most %(most)s lines: split it."), most=MOST_LINES)])
    found: list[Result] = []
    first: dict[tuple[str, str], int] = {}
    for line, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        given = {name: cell.strip() for name, cell in zip(heads, row, strict=False)}
        result, wrong = _read_line(line, given, survey, statements, own)
        problems += wrong
        if result:
            if before := first.get((result.agency, result.statement)):
                words = N_("%(statement)s of %(agency)s is in line %(before)s already. Keep one of the two lines.")
                problems.append(_problem(line, words, statement=result.statement, agency=result.agency, before=before))
            first.setdefault((result.agency, result.statement), line)
            found.append(result)
    if not found and not problems:
        problems.append(_problem(1, N_("There is no line of results below the heads.")))
    if problems:
        raise SurveyRefused(sorted(problems, key=lambda problem: problem.line))
    return found


def _problem(line: int, msgid: str, **params: object) -> SurveyProblem:
    return SurveyProblem(line, Message(msgid, params))


def _wrong_heads(heads: Sequence[str], wanted: Iterable[str], known: Collection[str]) -> Iterator[SurveyProblem]:
    for name in wanted:
        if name not in heads:
            yield _problem(1, N_("The column “%(name)s” is missing. Add it."), name=name)
    for place, name in enumerate(heads):
        if name not in known:
            yield _problem(1, N_("“%(name)s” is no column of this survey. Take it out."), name=name or str(place + 1))
        elif name in heads[:place]:
            yield _problem(1, N_("The column “%(name)s” is there twice. Take one out."), name=name)


def _read_line(
    line: int, given: Mapping[str, str], survey: Survey, statements: Mapping[str, Collection[str]], own: str
) -> tuple[Result | None, list[SurveyProblem]]:
    problems: list[SurveyProblem] = []
    agency = given.get("agency", "") or own
    statement = given.get("statement", "")
    if agency not in statements:
        words = N_("There is no agency “%(code)s” here that you can give results for.")
        problems.append(_problem(line, words, code=agency))
    elif statement not in statements[agency]:
        problems.append(
            _problem(line, N_("“%(name)s” is no statement of the survey for this agency. Use its id."), name=statement)
        )
    numbers: dict[str, int] = {}
    for name in survey.columns()[2:]:
        text = given.get(name, "")
        if text.isascii() and text.isdigit() and len(text) < 10 and int(text) <= MOST:
            numbers[name] = int(text)
        else:
            words = N_("“%(value)s” in the column “%(name)s” is no whole number from 0 to %(most)s.")
            problems.append(_problem(line, words, value=text[:40], name=name, most=MOST))
    if problems:
        return None, problems
    asked, answered = numbers.pop("asked"), numbers.pop("answered")
    if answered > asked:
        words = N_("%(answered)s answered, but only %(asked)s were asked.")
        problems.append(_problem(line, words, answered=answered, asked=asked))
    if (total := sum(numbers.values())) != answered:
        words = N_("The answers add up to %(total)s, but %(answered)s answered. Correct one of the numbers.")
        problems.append(_problem(line, words, total=total, answered=answered))
    if problems:
        return None, problems
    return Result(line, agency, statement, asked, answered, numbers), []
