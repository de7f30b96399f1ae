"""What somebody typed and nothing can take any more: shown with its grade and its words, to copy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _

from app.domain.answers import ANSWER_TYPES, AnswerErrors, question_parts
from app.domain.templates import Criterion, GradingScheme
from app.models import AuditReturn
from app.queries.packs import template_of
from app.queries.returns import Checklist, places_of, values_at
from app.queries.sites import site_names
from app.web.answer_forms import LONG, NAMES, Typed, form_of, is_changed, stored
from app.web.fact_words import lines as fact_lines
from app.web.pages import day, text
from app.web.request import session


@dataclass(frozen=True)
class Held:
    """An answer to copy. `number` is its question's, with the area or site behind it."""

    question: str
    number: str
    criterion: Criterion
    words: str


def held(audit_return: AuditReturn, typed: Mapping[str, Typed]) -> list[Held]:
    """What was typed, in the order of the questions; without what stands there as it was shown.

    The caller got the return through `get_return`.
    """
    pack, template = template_of(audit_return)
    known = {placed.criterion.id: placed.criterion for placed in template.criteria()}
    before = values_at(session(), audit_return, {question: one.based_on for question, one in typed.items()})
    names = site_names(session(), [audit_return.id])[audit_return.id] if template.asks_sites else {}
    names = names | {place.scope: place.name for place in places_of(session(), audit_return)}
    order = {key: place for place, key in enumerate(known)}
    found = []
    for question in sorted(
        typed, key=lambda one: (order.get(question_parts(one)[0], 0), names.get(question_parts(one)[1], ""))
    ):
        key, scope = question_parts(question)
        criterion, one = known.get(key), typed[question]
        if criterion is None or not is_changed(one, stored(criterion, before[question], one.based_on)):
            continue
        number = template.number_of(criterion)
        words = _to_copy(criterion, pack.scheme_of(template, criterion), one)
        found.append(Held(question, f"{number}, {names.get(scope, scope)}" if scope else number, criterion, words))
    return found


def held_of_gone(work: Checklist, typed: Mapping[str, Typed]) -> list[Held]:
    """As `held`, of what was typed about sites that are not in the list any more."""
    listed = {site.scope for site in work.sites}
    about = {placed.criterion.id for placed in work.template.criteria() if placed.criterion.scope == "site"}
    gone = {
        question: one
        for question, one in typed.items()
        if (parts := question_parts(question))[0] in about and parts[1] and parts[1] not in listed
    }
    return held(work.audit_return, gone) if gone else []


def _to_copy(criterion: Criterion, scheme: GradingScheme, typed: Typed) -> str:
    """What somebody typed, as one text: the grade, what it says beside it, what goes with it, and the texts."""
    handler, raw = ANSWER_TYPES[criterion.answer.type], form_of(criterion).raw_of(typed.fields)
    value = as_far(criterion, scheme, raw)
    lines = [_line("grade", one.label) for one in scheme.grades if "grade" in handler.own and one.key == raw["grade"]]
    lines += [line for fact in handler.facts(value, criterion) for line in fact_lines(fact)]
    # what cannot be read was typed all the same
    for name in handler.own:
        if name not in value and name != "grade" and raw.get(name):
            rows = json.loads(raw[name]) if name == "rows" else None
            lines += ["\t".join(row.values()) for row in rows] if rows else [raw[name]]
    lines += [_line("basis", one.label) for one in scheme.bases if one.key == raw["basis"]]
    for name in ("files", "files_date", "date_expected"):
        if words := str(value.get(name) or raw.get(name) or ""):
            lines.append(_line(name, _day(words) if name.endswith("date") or name.startswith("date") else words))
    return "\n\n".join(filter(None, ("\n".join(lines), typed["commentary"], typed["reason"])))


def _line(name: str, words: Any) -> str:
    asked = _(NAMES[name])
    return f"{asked}{'' if asked.endswith('?') else ':'} {text(words)}"


def _day(words: str) -> str:
    try:
        return day(date.fromisoformat(words))
    except ValueError:
        return words


def as_far(criterion: Criterion, scheme: GradingScheme, raw: Mapping[str, str]) -> dict[str, Any]:
    """The value that fields come to, without those that cannot be read; texts as they are, however long."""
    handler = ANSWER_TYPES[criterion.answer.type]
    try:
        return handler.clean(raw, criterion=criterion, scheme=scheme, today=None).value
    except AnswerErrors as wrong:
        readable = {name: words for name, words in raw.items() if name not in wrong.errors}
        value = handler.clean(readable, criterion=criterion, scheme=scheme, today=None).value
        return value | {name: raw[name] for name in LONG if raw.get(name)}
