"""Reading what facts come to: the answers that say something beside a grade, or without one.

Of submitted returns only, by agency type and of all that are asked alike. Each value comes from SQL once, with how many
answers have it; texts and rows of tables stay where they are.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, case, func, literal, select
from sqlalchemy.orm import Session

from app.domain.answers import ANSWER_TYPES
from app.domain.answers.facts import YES_NO_WORDS
from app.domain.asking import ChoiceAsked, ChoicesAsked, FileAsked, GradeAsked, NumberAsked, Percentage, YesNo
from app.domain.counted import ChoiceFound, Counted, FactFindings, FactRow, Said, counted
from app.models import AuditReturn, AuditRound, EvidenceLink, SubmissionAnswer
from app.queries.packs import pack_of

if TYPE_CHECKING:
    from app.queries.findings import Asked, Reading


@dataclass(frozen=True)
class FactLine:
    """A question as the agencies of one type answered it; `returns` of them were asked."""

    asked: Asked
    returns: int
    counted: Counted


@dataclass(frozen=True)
class FactGroup:
    """A question with the agency types that are asked alike, and what they said taken together."""

    lines: tuple[FactLine, ...]
    counted: Counted

    @property
    def asked(self) -> Asked:
        """What is asked, of the first agency type."""
        return self.lines[0].asked

    @property
    def returns(self) -> int:
        """How many were asked."""
        return sum(line.returns for line in self.lines)


def asks_facts(audit_round: AuditRound) -> bool:
    """Whether a round has questions that are answered with facts."""
    templates = pack_of(audit_round.pack_version).templates
    return any(
        not isinstance(placed.criterion.answer, GradeAsked)
        for served in audit_round.served
        for placed in templates[served.agency_type].criteria()
    )


def said_of(session: Session) -> ColumnElement[str]:
    """SQL: what an answer says, as one text that `value_of` reads; NULL where it says nothing.

    Of a text it is empty, of a table the number of rows.
    """
    value, found = SubmissionAnswer.value, []
    for key, handler in ANSWER_TYPES.items():
        parts = [value[name].as_string() for name in handler.own]
        if key == "text":
            said: Any = case((parts[0].is_not(None), literal("")))
        elif key == "table":
            rows = value["rows"]
            is_sqlite = session.get_bind().dialect.name == "sqlite"
            length = func.json_array_length(rows) if is_sqlite else func.jsonb_array_length(rows)
            said = case((parts[0].is_not(None), literal("").concat(length)))
        elif not parts:
            continue
        else:
            said = parts[0]
            for part in parts[1:]:
                said = said.concat("/").concat(part)
        found.append((SubmissionAnswer.type == key, said))
    return case(*found)


def value_of(answer_type: str, said: str) -> dict[str, Any]:
    """The stored value that `said_of` made a text of: a table's with as many empty rows as it has."""
    names = ANSWER_TYPES[answer_type].own
    if answer_type == "choices":
        return {names[0]: json.loads(said)}
    if answer_type == "table":
        return {names[0]: [{}] * int(said)}
    if answer_type == "percentage":
        return {name: int(part) for name, part in zip(names, said.split("/"), strict=True)}
    return {names[0]: said}


def facts_of(
    reading: Reading, facts: Mapping[str, Asked], returns: Mapping[tuple[str, str], int],
    conditions: Sequence[ColumnElement[bool]],
) -> tuple[FactGroup, ...]:  # fmt: skip
    """What the answers to some questions come to, in the order of the checklists.

    `facts`: the questions by reference; `returns`: submitted returns by (agency type, subtype). One statement, and one
    more where files are answers.
    """
    if not facts:
        return ()
    given = _given(reading, facts, conditions)
    groups: dict[str, list[Asked]] = defaultdict(list)
    for asked in facts.values():
        groups[_alike(asked)].append(asked)
    # what is asked of several types, but not alike, stands together
    places: dict[str, int] = {}
    for asked in facts.values():
        places.setdefault(asked.criterion.id, len(places))
    found = []
    for alike in sorted(groups.values(), key=lambda one: places[one[0].criterion.id]):
        answer = alike[0].criterion.answer
        lines = tuple(
            FactLine(
                asked,
                sum(
                    number
                    for (kind, subtype), number in returns.items()
                    if kind == asked.agency_type and asked.criterion.asked_of(subtype or None)
                ),
                counted(answer, given.get(asked.reference, ())),
            )
            for asked in alike
        )
        whole = [said for asked in alike for said in given.get(asked.reference, ())]
        found.append(FactGroup(lines, counted(answer, whole)))
    return tuple(found)


def _alike(asked: Asked) -> str:
    """What agency types share that are asked the same: then their answers can be taken together."""
    criterion = asked.criterion
    return json.dumps(
        [criterion.id, criterion.version, criterion.scope, asked.optional, criterion.answer.model_dump(mode="json")],
        sort_keys=True,
    )


def _given(
    reading: Reading, facts: Mapping[str, Asked], conditions: Sequence[ColumnElement[bool]]
) -> dict[str, list[Said]]:
    """Reference to the values given, each with how many answers have it."""
    latest, session = reading.latest, reading.session
    said = said_of(session).label("said")
    asked_for = {one.criterion.id for one in facts.values()}
    columns = (AuditReturn.agency_type, SubmissionAnswer.criterion, SubmissionAnswer.type)
    # each value by itself, and counted outside: a database must not compare expressions with parameters in them
    values = (
        select(*columns, said)
        .join(latest, latest.c.submission_id == SubmissionAnswer.submission_id)
        .join(AuditReturn, AuditReturn.id == latest.c.return_id)
        .where(SubmissionAnswer.criterion.in_(asked_for), SubmissionAnswer.type != "grade", *conditions)
        .subquery()
    )
    of = (values.c.agency_type, values.c.criterion, values.c.type, values.c.said)
    found: dict[str, list[Said]] = defaultdict(list)
    for kind, criterion, answer_type, words, number in session.execute(
        select(*of, func.count()).where(values.c.said.is_not(None)).group_by(*of)
    ):
        found[f"{kind}#{criterion}"].append((value_of(answer_type, words), number))
    files = {one.criterion.id for one in facts.values() if isinstance(one.criterion.answer, FileAsked)}
    if files:
        # what supports the answers of a return that is submitted was signed with it
        pieces = (
            select(AuditReturn.agency_type, EvidenceLink.criterion, EvidenceLink.scope_key, EvidenceLink.return_id)
            .join(latest, latest.c.return_id == EvidenceLink.return_id)
            .join(AuditReturn, AuditReturn.id == EvidenceLink.return_id)
            .where(EvidenceLink.criterion.in_(files), *conditions)
            .distinct()
            .subquery()
        )
        for kind, criterion, number in session.execute(
            select(pieces.c.agency_type, pieces.c.criterion, func.count()).group_by(
                pieces.c.agency_type, pieces.c.criterion
            )
        ):
            found[f"{kind}#{criterion}"] = [({}, number)]
    return found


def choices_of(reading: Reading, asked: Asked) -> list[tuple[str, str]]:
    """What can be chosen, key and words, in the author's order; nothing for other types."""
    answer = asked.criterion.answer
    if isinstance(answer, YesNo):
        return [(key, reading.words.say(YES_NO_WORDS[key])) for key in answer.choices_known()]
    if isinstance(answer, ChoiceAsked | ChoicesAsked):
        return [(one.key, reading.say(one.label)) for one in answer.choices]
    return []


def fact_findings(reading: Reading) -> tuple[FactFindings, ...]:
    """What was counted, for the joint findings; `reading.submitted` is filled. At most two statements."""
    groups = facts_of(reading, reading.facts, reading.submitted, [AuditReturn.round_id == reading.audit_round.id])
    found = []
    for group in groups:
        asked, criterion = group.asked, group.asked.criterion
        answer = criterion.answer
        found.append(
            FactFindings(
                id=criterion.id,
                label=reading.label(asked),
                question=reading.say(criterion.question),
                theme=criterion.theme,
                optional=asked.optional,
                type=answer.type,
                unit=reading.say(answer.unit) if isinstance(answer, NumberAsked) else "",
                numerator=reading.say(answer.counted) if isinstance(answer, Percentage) else "",
                denominator=reading.say(answer.out_of) if isinstance(answer, Percentage) else "",
                choices=tuple(ChoiceFound(key=key, label=label) for key, label in choices_of(reading, asked)),
                rows=tuple(
                    FactRow(
                        agency_type=line.asked.agency_type,
                        label=reading.plural(line.asked.agency_type),
                        number=line.asked.placed.number,
                        returns=line.returns,
                        counted=line.counted,
                    )
                    for line in group.lines
                ),
                returns=group.returns,
                counted=group.counted,
            )
        )
    return tuple(found)
