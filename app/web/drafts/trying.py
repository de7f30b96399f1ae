"""Trying the rules of a draft on sample answers: the judgements with the rule that fired, caps, what would lift it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import flash, request
from flask_babel import gettext as _

from app.authoring.columns import number_in
from app.authoring.pieces import EXAMPLES_FILE, KeepExample, checked
from app.domain.answers import ANSWER_TYPES
from app.domain.rules.book import Rulebook
from app.domain.rules.judging import Judged, Outcome
from app.domain.rules.language import Given, ScaleGrade
from app.domain.rules.lifting import Change, lifts
from app.domain.templates import Criterion, GradingScheme, Pack
from app.domain.worked import Example, Tried, try_out
from app.queries.drafts import Work
from app.queries.rounds import NotFound
from app.web.drafts.blueprint import LARGEST_TEXT, blueprint, changed, own_work, page_of, refused
from app.web.oversight.judgements import looked_at, said_words
from app.web.pages import text
from app.web.permissions import requires
from app.web.request import session, takes_files
from app.web.typed import typed

NAME_LONGEST = 200
TYPED = ("number", "numerator", "denominator")  # fields that are typed; others are chosen


@dataclass(frozen=True)
class Choice:
    """A field of the form: a text, or something to choose, `several` where more than one can be."""

    name: str
    label: str
    value: str
    values: Sequence[str] = ()
    options: Sequence[tuple[str, str]] = ()
    several: bool = False


@dataclass(frozen=True)
class Line:
    """A question on the form with the fields of its answer."""

    id: str
    number: str
    question: Any
    fields: Sequence[Choice]


@dataclass(frozen=True)
class Lifting:
    """An answer that would lift a judgement, in words."""

    number: str
    question: Any
    now: str
    then: str


@dataclass(frozen=True)
class Came:
    """A judgement as it came out, in words."""

    key: str
    title: Any
    grade: ScaleGrade | None
    uncapped: ScaleGrade | None
    place: int | None
    why: Any
    caps: Sequence[tuple[Any, ScaleGrade, bool]]
    worst_of: Sequence[tuple[Any, ScaleGrade | None]]
    waits_for: Sequence[Any]
    looked: Sequence[Any]
    targets: Sequence[tuple[Any, str]]
    alone: Sequence[Lifting]
    together: Sequence[Lifting]


def _pack(found: Work) -> Pack | None:
    """The pack of a draft, though its worked examples come out otherwise: that is what one tries here."""
    if found.checked.pack is not None:
        return found.checked.pack
    files = {name: content for name, content in found.files.items() if name != EXAMPLES_FILE}
    return checked(files, found.draft.pack).pack


@blueprint.route("/<did>/try/<agency_type>", methods=["GET", "POST"])
@requires(GET="draft.read", POST="draft.read")
@takes_files(LARGEST_TEXT)
def attempt(did: str, agency_type: str) -> tuple[str, int]:
    """Choose answers, and see what the rules make of them; they can be kept as a worked example."""
    found = own_work(did)
    pack = _pack(found)
    if pack is None:
        return page_of("not_ready.html", found, what=_("Try the rules"))
    if agency_type not in pack.templates:
        raise NotFound
    book = Rulebook.of(pack, agency_type)
    if book is None:
        return page_of("try.html", found, book=None, agency_type=agency_type, pack=pack, others_types=_judged(pack))
    sent = request.method == "POST"
    example, chosen = _example(pack, book) if sent else ({}, {})
    tried = _tried(example, pack, book) if sent else None
    errors = [
        {"text": one.message, "href": f"#{_field(book, one.path)}"}
        for one in (tried.problems if tried and tried.outcome is None else ())
    ]
    if sent and typed("action") == "keep" and tried and tried.outcome:
        errors = _keep(did, example, tried.outcome)
        if not errors:
            flash(_("Kept as a worked example. It is tried from now on whenever this draft is checked."), "success")
            found = own_work(did)
    kind = pack.agency_types[agency_type]
    alone = {*book.criteria_asked, *book.choices_asked, *book.facts_asked}
    lines = [line for line in _lines(book, chosen) if line.fields]
    return page_of(
        "try.html", found, status=422 if errors else 200, book=book, pack=pack, agency_type=agency_type,
        others_types=[],
        subtypes=[("", _("none")), *((key, text(one.plural)) for key, one in kind.subtypes.items())],
        subtype=typed("subtype") if sent else "",
        schemes=_schemes(book, sent), given=_given(book),
        first=[line for line in lines if line.id in alone],
        rest=[
            (standard, own)
            for standard in book.template.standards
            if (own := [line for line in lines if line.id not in alone and book.placed[line.id].standard is standard])
        ],
        came=_came(book, tried) if tried and tried.outcome else [],
        triggers=[book.profile.triggers[key] for key in tried.outcome.triggers] if tried and tried.outcome else [],
        error_list=errors, name=typed("name") if sent else "", source=typed("source") if sent else "",
    )  # fmt: skip


def _judged(pack: Pack) -> list[tuple[str, Any]]:
    """The agency types that rules judge."""
    return [(key, kind.plural) for key, kind in pack.agency_types.items() if Rulebook.of(pack, key)]


def _tried(example: Mapping[str, Any], pack: Pack, book: Rulebook) -> Tried:
    # an example must expect something; what came out is looked at, and not whether nothing is called for
    whole = {"name": "tried", "source": "tried", **example, "triggers": ()}
    return try_out(Example.model_validate(whole), pack, {book.agency_type: book})


# --- the form --------------------------------------------------------------------------------------------------------


def _schemes(book: Rulebook, sent: bool) -> list[dict[str, Any]]:
    """For each grading scheme which grade every other question has: at first the best."""
    found: dict[str, GradingScheme] = {}
    for key, scheme in book.schemes.items():
        name = book.placed[key].criterion.grading or book.template.grading
        found.setdefault(name, scheme)
    return [
        {
            "name": f"others-{name}",
            "title": scheme.title,
            "value": typed(f"others-{name}") if sent else scheme.grades[0].key,
            "options": [("", _("not answered")), *((grade.key, text(grade.label)) for grade in scheme.grades)],
        }
        for name, scheme in found.items()
    ]


def _given(book: Rulebook) -> list[dict[str, Any]]:
    """The judgements that inspectors enter."""
    return [
        {
            "name": f"given-{key}",
            "title": judgement.title,
            "value": typed(f"given-{key}"),
            "options": [
                ("", _("not entered yet")), *((grade.key, text(grade.label)) for grade in book.scale(key).grades)
            ],
        }
        for key, judgement in book.profile.judgements.items()
        if isinstance(judgement, Given)
    ]  # fmt: skip


def _lines(book: Rulebook, chosen: Mapping[str, Any]) -> list[Line]:
    return [
        Line(key, placed.number, placed.criterion.question, _fields(book, placed.criterion))
        for key, placed in book.placed.items()
    ]


def _name(criterion: str, field: str) -> str:
    return f"a-{criterion}-{field}"


def _fields(book: Rulebook, criterion: Criterion) -> list[Choice]:
    """The fields of an answer; none where rules cannot look at it."""
    asked, scheme = criterion.answer, book.schemes[criterion.id]
    own = ANSWER_TYPES[asked.type].own
    others = ("", _("as the others"))
    if asked.choices_known() and own in (("answer",), ("chosen",), ("choices",)):
        name = _name(criterion.id, own[0])
        options = [(key, _choice(criterion, key)) for key in asked.choices_known()]
        if own == ("choices",):
            return [Choice(name, "", "", request.form.getlist(name), options, several=True)]
        return [Choice(name, "", typed(name), (), [others, *options])]
    if set(own) <= set(TYPED) and own:
        labels = {
            "number": "", "numerator": text(getattr(asked, "counted", "")),
            "denominator": text(getattr(asked, "out_of", "")),
        }  # fmt: skip
        return [Choice(_name(criterion.id, one), labels[one], typed(_name(criterion.id, one))) for one in own]
    if not asked.is_graded:
        return []
    able = asked.comes_to or tuple(grade.key for grade in scheme.grades)
    options = [(grade.key, text(grade.label)) for grade in scheme.grades if grade.key in able]
    name = _name(criterion.id, "grade")
    return [Choice(name, "", typed(name), (), [others, *options])]


def _choice(criterion: Criterion, key: str) -> str:
    for one in getattr(criterion.answer, "choices", ()):
        if one.key == key:
            return text(one.label)
    return {"yes": _("Yes"), "no": _("No")}.get(key, key)


def _example(pack: Pack, book: Rulebook) -> tuple[dict[str, Any], dict[str, Any]]:
    """The worked example that the form describes, without what is expected; and its answers."""
    answers: dict[str, Any] = {}
    for key, placed in book.placed.items():
        asked = placed.criterion.answer
        told: dict[str, Any] = {}
        for one in _fields(book, placed.criterion):
            field = one.name.rpartition("-")[2]
            given: Any = list(one.values) if one.several else one.value
            if given:
                told[field] = number_in(given) if field in TYPED else given
        if len(told) == 1 and (len(ANSWER_TYPES[asked.type].own) == 1 or "grade" in told):
            answers[key] = next(iter(told.values()))
        elif told:
            answers[key] = told
    found: dict[str, Any] = {"agency_type": book.agency_type}
    if typed("subtype") in pack.agency_types[book.agency_type].subtypes:
        found["subtype"] = typed("subtype")
    if answers:
        found["answers"] = answers
    others = {row["name"].removeprefix("others-"): row["value"] for row in _schemes(book, True) if row["value"]}
    if others:
        found["others"] = next(iter(others.values())) if len(others) == 1 and len(_schemes(book, True)) == 1 else others
    given = {row["name"].removeprefix("given-"): row["value"] for row in _given(book) if row["value"]}
    if given:
        found["given"] = given
    return found, answers


def _field(book: Rulebook, path: Sequence[str | int]) -> str:
    """The field that a problem is about."""
    if len(path) > 1 and path[0] == "answers" and str(path[1]) in book.placed:
        fields = _fields(book, book.placed[str(path[1])].criterion)
        return fields[0].name if fields else "answers"
    return f"{path[0]}-{path[1]}" if len(path) > 1 else "answers"


def _keep(did: str, example: Mapping[str, Any], outcome: Outcome) -> list[dict[str, str]]:
    """Keep what was tried as a worked example that expects what came out; what is wrong, where it could not be."""
    errors = [
        {"text": words, "href": f"#{name}"}
        for name, words in (
            ("name", _("Give the example a name that says what it shows.")),
            ("source", _("Say where the example comes from, or that it is your own.")),
        )
        if not typed(name)
    ]
    if errors:
        return errors
    judged = outcome.judgements
    whole: dict[str, Any] = {
        "name": typed("name")[:NAME_LONGEST],
        "source": typed("source")[:1000],
        **example,
        "expect": {key: one.grade for key, one in judged.items() if one.grade},
        "uncapped": {key: one.uncapped for key, one in judged.items() if one.bound and one.uncapped},
        "capped": {key: True for key, one in judged.items() if one.bound},
        "waits": [key for key, one in judged.items() if one.waits_for],
    }
    whole = {key: value for key, value in whole.items() if value}
    if outcome.targets:
        whole["targets_failed"] = [key for key, state in outcome.targets.items() if state == "failed"]
    whole["triggers"] = list(outcome.triggers)
    problem = changed(did, KeepExample(whole))
    if problem is not None:
        session().rollback()
        return [{"text": refused(problem), "href": "#name"}]
    return []


# --- what came out ---------------------------------------------------------------------------------------------------


def _came(book: Rulebook, tried: Tried) -> list[Came]:
    outcome = tried.outcome
    if outcome is None or tried.facts is None:
        return []
    found = []
    for key, judgement in book.profile.judgements.items():
        judged = outcome.judgements[key]
        lifting = lifts(book, tried.facts, key)
        found.append(
            Came(
                key=key,
                title=judgement.title,
                grade=_grade(book, key, judged.grade),
                uncapped=_grade(book, key, judged.uncapped),
                place=None if judged.rule is None else judged.rule + 1,
                why="" if judged.rule is None else judgement.steps[judged.rule].because,
                caps=_caps(book, key, judged),
                worst_of=[
                    (book.profile.judgements[other].title, _grade(book, other, outcome.judgements[other].grade))
                    for other in judgement.others
                ],
                waits_for=[book.profile.judgements[other].title for other in judged.waits_for if other != key],
                looked=[
                    looked_at(book, key, name, outcome.data())
                    for kind, name in sorted(book.variables(key))
                    if kind == "indicator"
                ],
                targets=[
                    (book.profile.targets[name].title, outcome.targets.get(name, "not_applicable"))
                    for name in book.targets_of(key)
                ],
                alone=[_lifting(book, tried, one) for one in lifting.alone],
                together=[_lifting(book, tried, one) for one in lifting.together],
            )
        )
    return found


def _grade(book: Rulebook, key: str, grade: str) -> ScaleGrade | None:
    return book.scale(key).grade(grade) if grade else None


def _caps(book: Rulebook, key: str, judged: Judged) -> list[tuple[Any, ScaleGrade, bool]]:
    caps = book.profile.judgements[key].caps
    return [
        (caps[place].because, book.scale(key).grade(caps[place].to), place in judged.bound) for place in judged.caps
    ]


def _lifting(book: Rulebook, tried: Tried, one: Change) -> Lifting:
    key, _scope = one.question
    placed, scheme = book.placed[key], book.schemes[key]
    facts = tried.facts
    held = facts.grades.get(one.question, "") if facts else ""
    now = text(scheme.grade(held).label) if held else ""
    then = text(scheme.grade(one.grade).label) if one.grade else ""
    if one.value is not None and facts:
        now = said_words(book, key, facts.said.get(one.question, {}))
        then = said_words(book, key, one.value)
    return Lifting(placed.number, placed.criterion.question, now, then)
