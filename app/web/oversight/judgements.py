"""Judgements: how a round came out, why each return got its grades, and what inspectors enter, override and decide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from app.domain.answers import ANSWER_TYPES, question_id
from app.domain.answers.conditions import condition_words
from app.domain.asking import NumberAsked, Percentage
from app.domain.life import NotPossible
from app.domain.message import N_, number_words
from app.domain.rules.book import Rulebook
from app.domain.rules.language import Given, IndicatorIs, IndicatorTarget, ScaleGrade, walk
from app.domain.rules.lifting import Change
from app.domain.templates import Condition
from app.models import AuditRound, Judgement
from app.operations import judgements as operations
from app.policy import allows
from app.queries.judgements import (
    MARKS,
    Line,
    Narrowed,
    Overview,
    Sheet,
    books_of,
    decisions,
    judged_types,
    sheet,
)
from app.queries.judgements import overview as read_overview
from app.queries.packs import pack_of
from app.queries.returns import HistoryLine, return_facts
from app.queries.rounds import NotFound, get_round
from app.web.oversight.blueprint import round_crumbs, type_choices, type_name
from app.web.pages import message, text, words
from app.web.permissions import requires
from app.web.request import actor, commit, now, session
from app.web.sheets import csv_download
from app.web.typed import asked, page_asked, summary, typed

blueprint = Blueprint("judgements", __name__)

NOTHING = "#b1b4b6"  # fill of what has no grade yet


def mark_names() -> dict[str, str]:
    """What pages call the marks that the list can be narrowed to."""
    return {
        "capped": _("Limited by a cap"),
        "overridden": _("Overridden"),
        "proposed": _("Another grade proposed, not decided"),
        "stale": _("Out of date"),
        "triggered": _("Something is called for"),
        "differs": _("Differs from the agency’s own grades"),
        "waiting": _("Waits for a judgement to be entered"),
        "unjudged": _("Not judged yet"),
    }


# --- a round ---------------------------------------------------------------------------------------------------------


def _narrowed() -> Narrowed:
    agency_type, _slash, subtype = asked("type").partition("/")
    judgement, _sign, grade = asked("grade").partition("=")
    mark = asked("mark")
    return Narrowed(
        agency_type=agency_type,
        subtype=subtype,
        judgement=judgement if grade else "",
        grade=grade,
        mark=mark if mark in MARKS else "",
        text=asked("q"),
        page=page_asked(),
    )


def _args(narrowed: Narrowed) -> dict[str, str]:
    """The address of the list as it is narrowed now; what is empty is left out."""
    args = {
        "type": "/".join(filter(None, (narrowed.agency_type, narrowed.subtype))),
        "grade": f"{narrowed.judgement}={narrowed.grade}" if narrowed.judgement else "",
        "mark": narrowed.mark,
        "q": narrowed.text,
    }
    return {name: value for name, value in args.items() if value}


@blueprint.route("/rounds/<rid>/judgements")
@requires(GET="judgement.read")
def overview(rid: str) -> str | BaseResponse:
    """How the judgements of a round came out, and the returns, narrowed by the address; `format=csv` gives a file."""
    audit_round = get_round(session(), rid, actor=actor(), now=now(), permission="judgement.read")
    books = books_of(audit_round)
    narrowed = _narrowed()
    if asked("format") == "csv":
        whole = read_overview(session(), audit_round, actor=actor(), narrowed=narrowed, page_size=None)
        return csv_download(f"{audit_round.key}-judgements.csv", _csv_heading(), _csv_rows(audit_round, books, whole))
    found = read_overview(session(), audit_round, actor=actor(), narrowed=narrowed)
    own = judged_types(audit_round, actor())
    pack = pack_of(audit_round.pack_version)
    return render_template(
        "oversight/judgements.html",
        audit_round=audit_round,
        pack=pack,
        books=books,
        found=found,
        narrowed=narrowed,
        args=_args(narrowed),
        spreads=[
            {
                "type": spread.agency_type,
                "of": type_name(pack, spread.agency_type, plural=True),
                "title": text(books[spread.agency_type].profile.judgements[spread.judgement].title),
                "parts": _parts(books[spread.agency_type], spread.judgement, spread.grades, spread.waiting),
                "total": spread.total,
                "capped": spread.capped,
                "key": spread.judgement,
            }
            for spread in found.spreads
        ],
        choices=[one for one in type_choices(audit_round) if one["value"].split("/")[0] in own],
        grade_choices=_grade_choices({kind: book for kind, book in books.items() if kind in own}),
        marks=mark_names(),
        may_judge=bool(own),
        titles={
            kind: {
                key: (text(judgement.title), {one.key: (text(one.label), one.colour) for one in book.scale(key).grades})
                for key, judgement in book.profile.judgements.items()
            }
            for kind, book in books.items()
        },
        notes_on=_notes_on,
        type_name=type_name,
        breadcrumbs=round_crumbs(audit_round),
    )


def _parts(book: Rulebook, key: str, grades: Mapping[str, int], waiting: int) -> list[dict[str, Any]]:
    """The parts of a bar."""
    parts: list[dict[str, Any]] = [
        {"label": grade.label, "colour": grade.colour, "count": grades.get(grade.key, 0), "key": grade.key}
        for grade in book.scale(key).grades
    ]
    return [*parts, {"label": _("no grade yet"), "colour": NOTHING, "count": waiting, "key": ""}]


def _grade_choices(books: Mapping[str, Rulebook]) -> list[dict[str, str]]:
    """Each judgement with each of its grades as an option; what several agency types share stands once."""
    choices = {
        f"{key}={grade.key}": f"{text(judgement.title)}: {text(grade.label)}"
        for book in books.values()
        for key, judgement in book.profile.judgements.items()
        for grade in book.scale(key).grades
    }
    return [{"value": value, "text": words} for value, words in choices.items()]


def _grade_of(book: Rulebook, key: str, grade: str) -> ScaleGrade | None:
    """A grade of a judgement's scale; None for none."""
    return book.scale(key).grade(grade) if grade else None


def _notes_on(row: Judgement) -> list[tuple[str, str]]:
    """What is to be said of a judgement in a list: (tone of its tag, words)."""
    notes = []
    if row.approved_at:
        notes.append(("active", _("Overridden")))
    elif row.override:
        notes.append(("warn", _("Another grade proposed")))
    elif row.grade != row.uncapped:
        notes.append(("warn", _("Capped")))
    if row.grade != row.self_grade:
        notes.append(("quiet", _("Checked answers changed it")))
    return notes


def _csv_heading() -> Sequence[str]:
    return (
        _("Code"), _("Agency"), _("Type"), _("Subtype"), _("Judgement"), _("Grade"), _("By the rules"),
        _("Without the cap"), _("On the agency’s own grades"), _("Reason"), _("Caps"), _("Override"),
        _("Called for"), _("Out of date"),
    )  # fmt: skip


def _csv_rows(audit_round: AuditRound, books: Mapping[str, Rulebook], found: Overview) -> Iterator[Sequence[object]]:
    pack = pack_of(audit_round.pack_version)
    for line in found.lines:
        one, book = line.audit_return, books[line.audit_return.agency_type]
        for key, row in _in_order(book, line):
            judgement = book.profile.judgements.get(key)

            def label(grade: str, key: str = key, book: Rulebook = book) -> str:
                shown = _grade_of(book, key, grade)
                return text(shown.label) if shown else ""

            yield (
                line.agency.code, line.agency.name, type_name(pack, one.agency_type),
                type_name(pack, one.agency_type, one.subtype) if one.subtype else "",
                text(judgement.title) if judgement else "",
                label(row.holds), label(row.grade), label(row.uncapped), label(row.self_grade),
                _why(book, row) if judgement else "",
                " ".join(text(judgement.caps[place].because) for place in row.explanation.get("bound", ()))
                if judgement else "",
                row.override_reason if row.approved_at else "",
                "; ".join(text(book.profile.triggers[name].calls_for) for name in row.explanation.get("triggers", ())),
                _("yes") if row.stale else _("no"),
            )  # fmt: skip


def _in_order(book: Rulebook, line: Line) -> Iterator[tuple[str, Judgement]]:
    """The judgements of a return in the order of its rules; rules with triggers alone have one without a key."""
    return ((key, line.rows[key]) for key in (*book.profile.judgements, "") if key in line.rows)


@blueprint.route("/rounds/<rid>/judgements/judge", methods=["POST"])
@requires(POST="round.judge")
def judge_all(rid: str) -> BaseResponse:
    """Judge every submitted return of the types that one's body asks."""
    get_round(session(), rid, actor=actor(), now=now(), permission="round.judge")
    try:
        done = operations.judge_round(session(), rid, by=actor(), now=now())
    except NotPossible as problem:
        flash(message(problem.message), "error")
        return redirect(url_for("judgements.overview", rid=rid), 303)
    commit()
    words = ngettext(
        "%(num)d return was judged; judgements of %(changed)s changed.",
        "%(num)d returns were judged; judgements of %(changed)s changed.",
        done.judged,
        changed=done.changed,
    )
    if done.waiting:
        words += " " + ngettext(
            "%(num)d waits for a judgement to be entered.", "%(num)d wait for a judgement to be entered.", done.waiting
        )
    flash(words, "success")
    return redirect(url_for("judgements.overview", rid=rid), 303)


# --- one return ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Looked:
    """An indicator that a judgement looks at: its value in words, and each limit with whether it is met."""

    title: str
    value: str
    own: str  # on the agency's own grades, where that differs
    limits: Sequence[tuple[str, bool]]


@dataclass(frozen=True)
class Asked:
    """A criterion that rules look at by itself, or an answer that would lift a judgement."""

    number: str
    question: Any
    href: str
    now: str = ""  # in words; "" without an answer
    then: str = ""  # what would lift it


@dataclass(frozen=True)
class Shown:
    """One judgement as a page shows it."""

    key: str
    title: Any
    note: Any
    row: Judgement
    holds: ScaleGrade | None
    by_rules: ScaleGrade | None
    uncapped: ScaleGrade | None
    own: ScaleGrade | None
    override: ScaleGrade | None
    given: bool
    place: int | None
    why: str
    caps: Sequence[tuple[Any, ScaleGrade, bool]]  # reason, grade, whether it made the grade what it is
    worst_of: Sequence[tuple[Any, ScaleGrade | None]]
    waits_for: Sequence[Any]
    looked: Sequence[Looked]
    answers: Sequence[Asked]
    targets: Sequence[tuple[Any, str]]
    alone: Sequence[Asked]
    together: Sequence[Asked]


@blueprint.route("/returns/<rid>/judgements")
@requires(GET="return.judge")
def of_return(rid: str) -> str:
    """The judgements of one return: each grade in words, why, and what would lift it."""
    found = sheet(session(), rid, actor=actor(), now=now())
    audit_return = found.audit_return
    facts = return_facts(session(), audit_return, now=now())
    first = next(iter(found.rows.values()), None)
    return render_template(
        "oversight/judgement.html",
        audit_return=audit_return,
        audit_round=audit_return.audit_round,
        sheet=found,
        first=first,
        shown=[_shown(found, found.book, key, row) for key, row in _rows(found)] if found.book else [],
        triggers=_triggers(found.book, first),
        decided=[(line, _decided(found.book, line)) for line in decisions(session(), found)] if found.book else [],
        may_approve=allows(actor(), "judgement.approve", facts),
        me=actor().user_id,
        kind=type_name(found.pack, audit_return.agency_type, audit_return.subtype),
        breadcrumbs=_crumbs(audit_return.audit_round),
    )


def _decided(book: Rulebook, line: HistoryLine) -> str:
    """What an event about a judgement says."""
    key = str(line.data.get("judgement", ""))
    known = book.profile.judgements.get(key)
    title = text(known.title) if known else key

    def label(value: object) -> str:
        grade = _grade_of(book, key, str(value)) if known else None
        return text(grade.label) if grade else str(value)

    grade, rules = label(line.data.get("grade", "")), label(line.data.get("rules", ""))
    return {
        "judgement.given": _("%(title)s: entered “%(grade)s”.", title=title, grade=grade),
        "judgement.override_proposed": _(
            "%(title)s: proposed “%(grade)s” in place of “%(rules)s”.", title=title, grade=grade, rules=rules),
        "judgement.override_approved": _(
            "%(title)s: approved “%(grade)s” in place of “%(rules)s”.", title=title, grade=grade, rules=rules),
        "judgement.override_declined": _("%(title)s: declined “%(grade)s”.", title=title, grade=grade),
        "judgement.override_withdrawn": _("%(title)s: took “%(grade)s” back.", title=title, grade=grade),
        "judgement.override_lapsed": _(
            "%(title)s: “%(grade)s” in place of “%(rules)s” lapsed, because the answers or the grade of the rules"
            " changed. Propose it again if it still holds.", title=title, grade=grade, rules=rules),
    }.get(line.verb, line.verb)  # fmt: skip


def _crumbs(audit_round: AuditRound) -> list[dict[str, str]]:
    return round_crumbs(
        audit_round, (_("Judgements"), url_for("judgements.overview", rid=audit_round.public_id))
    )


def _rows(found: Sheet) -> Iterator[tuple[str, Judgement]]:
    for key in found.book.profile.judgements if found.book else ():
        if key in found.rows:
            yield key, found.rows[key]


def _triggers(book: Rulebook | None, row: Judgement | None) -> list[Any]:
    """What is called for, as the rules have it."""
    if book is None or row is None:
        return []
    return [book.profile.triggers[key] for key in row.explanation.get("triggers", ())]


def _shown(found: Sheet, book: Rulebook, key: str, row: Judgement) -> Shown:
    judgement, explained = book.profile.judgements[key], row.explanation
    lifting = found.lifts(key)
    place = explained.get("rule")
    bound = explained.get("bound", ())
    variables = book.variables(key)
    titles = {other: one.title for other, one in book.profile.judgements.items()}

    def grade(value: str, of: str = key) -> ScaleGrade | None:
        return _grade_of(book, of, value)

    return Shown(
        key=key,
        title=judgement.title,
        note=judgement.note,
        row=row,
        holds=grade(row.holds),
        by_rules=grade(row.grade),
        uncapped=grade(row.uncapped),
        own=grade(row.self_grade),
        override=grade(row.override),
        given=isinstance(judgement, Given),
        place=place + 1 if place is not None else None,
        why=_why(book, row),
        caps=[
            (judgement.caps[each].because, book.scale(key).grade(judgement.caps[each].to), each in bound)
            for each in explained.get("caps", ())
        ],
        worst_of=[
            (titles[other], grade(found.rows[other].holds, other))
            for other in judgement.others
            if other in found.rows
        ],
        waits_for=[titles[other] for other in explained.get("waits_for", ()) if other != key],
        looked=[
            looked_at(book, key, name, explained)
            for name in book.profile.indicators
            if ("indicator", name) in variables
        ],
        answers=[
            _asked(found, book, name, "", explained.get("answers", {}).get(name, ""))
            for name in book.criteria_asked
            if ("criterion", name) in variables and not _only_in_targets(book, key, name)
        ]
        + [
            _asked(found, book, name, "", chosen=explained.get("chosen", {}).get(name, []))
            for name in book.choices_asked
            if ("chosen", name) in variables
        ],
        targets=[
            (book.profile.targets[name].title, explained.get("targets", {}).get(name, "not_applicable"))
            for name in book.targets_of(key)
        ],
        alone=[_lift(found, book, change) for change in lifting.alone],
        together=[_lift(found, book, change) for change in lifting.together],
    )


def _only_in_targets(book: Rulebook, key: str, criterion: str) -> bool:
    """Whether a judgement looks at a criterion through its key targets alone, which are shown by themselves."""
    return not any(
        getattr(part, "criterion", "") == criterion
        for condition in book.conditions_of(key)
        for _path, part in walk(condition)
    )


def _why(book: Rulebook, row: Judgement) -> str:
    """The rule that fired, in the pack's words."""
    judgement, place = book.profile.judgements[row.key], row.explanation.get("rule")
    return text(judgement.steps[place].because) if place is not None and place < len(judgement.steps) else ""


def _per_cent(share: Fraction) -> str:
    """A share in per cent, with one decimal where it has one. 100 and 0 are said only where they are exact."""
    number = round(float(share * 100), 1)
    if 0 < share < 1:
        number = min(max(number, 0.1), 99.9)
    return f"{number:g}%"


def _value(book: Rulebook, name: str, value: Any) -> str:
    """The stored value of an indicator in words."""
    indicator = book.profile.indicators[name]
    if value is None:
        return _("no number was given") if indicator.compares == "measure" else _("no answer counts")
    if indicator.compares == "share":
        return _per_cent(Fraction(value))
    if indicator.compares == "count":
        return str(value)
    if indicator.compares == "measure":
        return _measure(book, name, Fraction(value))
    criterion = book.criteria_of(indicator)[0]
    return text(book.schemes[criterion].grade(str(value)).label)


def _measure(book: Rulebook, name: str, value: Fraction) -> str:
    """A number with its unit, where all that it is taken from have the same."""
    units = []
    for criterion in book.criteria_of(book.profile.indicators[name]):
        asked = book.asked(criterion)
        units.append("%" if isinstance(asked, Percentage) else asked.unit if isinstance(asked, NumberAsked) else None)
    shown = number_words(Fraction(round(value, 2)))
    unit = units[0] if all(one == units[0] for one in units) else None
    return shown if unit is None else f"{shown}{unit}" if unit == "%" else f"{shown} {text(unit)}"


def looked_at(book: Rulebook, key: str, name: str, explained: Mapping[str, Any]) -> Looked:
    """An indicator that a judgement looks at, as `explained` tells it."""
    indicator = book.profile.indicators[name]
    stored = explained.get("indicators", {}).get(name)
    own = explained.get("self", {}).get("indicators", {}).get(name)
    number = Fraction(stored) if isinstance(stored, str) and indicator.compares in ("share", "measure") else stored
    limits: dict[str, bool] = {}
    asking: list[IndicatorIs | IndicatorTarget] = [
        part
        for condition in book.conditions_of(key)
        for _path, part in walk(condition)
        if isinstance(part, IndicatorIs) and part.indicator == name
    ]
    asking += [
        target
        for each in book.targets_of(key)
        if isinstance(target := book.profile.targets[each], IndicatorTarget) and target.indicator == name
    ]
    for one in asking:
        for limit, least in ((one.at_least, True), (one.below, False)):
            if limit is not None:
                exact = Fraction(str(limit))
                shown = _per_cent(exact) if indicator.compares == "share" else number_words(exact)
                told = _("at least %(limit)s", limit=shown) if least else _("below %(limit)s", limit=shown)
                limits[told] = number is not None and ((number >= exact) == least)
        if isinstance(one, IndicatorIs) and one.grades:
            labels = [_value(book, name, grade) for grade in one.grades]
            limits[_("one of: %(grades)s", grades=", ".join(labels))] = number in one.grades
    return Looked(
        text(indicator.title),
        _value(book, name, stored),
        _value(book, name, own) if own != stored else "",
        list(limits.items()),
    )


def _asked(
    found: Sheet, book: Rulebook, criterion: str, scope: str, grade: str = "", *, chosen: Sequence[str] = ()
) -> Asked:
    """A question, and what it was answered with: the grade or the choices."""
    placed, scheme = book.placed[criterion], book.schemes[criterion]
    href = ""
    if found.signed:
        href = url_for(
            "agency.submission", rid=found.audit_return.public_id, sid=found.signed.submission,
            _anchor=f"q-{question_id(criterion, scope)}",
        )  # fmt: skip
    now = text(scheme.grade(grade).label) if grade else ""
    if chosen:
        condition = Condition(criterion=criterion, answers=tuple(chosen))
        now = message(condition_words(condition, placed.criterion, scheme))
    site = found.sites.get(scope, "")
    return Asked(f"{placed.number}, {site}" if site else placed.number, placed.criterion.question, href, now)


def _lift(found: Sheet, book: Rulebook, change: Change) -> Asked:
    criterion, scope = change.question
    held = found.signed.held.get(change.question, "") if found.signed else ""
    shown = _asked(found, book, criterion, scope, held)
    if change.value is None:
        return replace(shown, then=text(book.schemes[criterion].grade(change.grade).label))
    said = found.signed.said.get(change.question, {}) if found.signed else {}
    return replace(shown, now=said_words(book, criterion, said), then=said_words(book, criterion, change.value))


def said_words(book: Rulebook, criterion: str, value: Mapping[str, Any]) -> str:
    """What a value says, without its grade."""
    placed = book.placed[criterion]
    facts = ANSWER_TYPES[placed.criterion.answer.type].facts(value, placed.criterion)
    told = []
    for fact in facts:
        label = f"{words(fact.label)}: " if fact.label else ""
        unit = "" if fact.unit is None else fact.unit if fact.unit == "%" else f" {words(fact.unit)}"
        told.append(f"{label}{words(fact.words)}{unit}")
    return "; ".join(told)


@blueprint.route("/returns/<rid>/judge", methods=["POST"])
@requires(POST="return.judge")
def judge(rid: str) -> BaseResponse:
    """Judge one return."""
    try:
        operations.judge_return(session(), rid, by=actor(), now=now())
    except NotPossible as problem:
        flash(message(problem.message), "error")
    else:
        commit()
        flash(_("Judged by the rules of the pack."), "success")
    return redirect(url_for("judgements.of_return", rid=rid), 303)


# --- what inspectors decide ------------------------------------------------------------------------------------------


def _decision(
    found: Sheet, key: str, template: str, errors: dict[str, str], **values: Any
) -> tuple[str, int]:
    book = found.book
    if book is None or key not in book.profile.judgements:
        raise NotFound
    row = found.rows.get(key)
    audit_return = found.audit_return
    page = render_template(
        template,
        audit_return=audit_return,
        audit_round=audit_return.audit_round,
        judgement=book.profile.judgements[key],
        row=row,
        by_rules=_grade_of(book, key, row.grade) if row else None,
        proposed=_grade_of(book, key, row.override) if row else None,
        grades=[
            {"value": grade.key, "text": text(grade.label), "hint": text(grade.meaning)}
            for grade in book.scale(key).grades
        ],
        errors=errors,
        error_list=summary(errors),
        breadcrumbs=[
            *_crumbs(audit_return.audit_round),
            {"text": audit_return.agency.name, "href": url_for("judgements.of_return", rid=audit_return.public_id)},
        ],
        back={"href": url_for("judgements.of_return", rid=audit_return.public_id)},
        **values,
    )
    return page, 422 if errors else 200


def _done(rid: str, words: str) -> BaseResponse:
    commit()
    flash(words, "success")
    return redirect(url_for("judgements.of_return", rid=rid), 303)


def _current(rid: str, key: str) -> Sheet:
    """The sheet of a return that has this judgement. Raises NotFound."""
    found = sheet(session(), rid, actor=actor(), now=now())
    if found.book is None or key not in found.book.profile.judgements:
        raise NotFound
    return found


@blueprint.route("/returns/<rid>/judgements/<key>/give", methods=["GET", "POST"])
@requires(GET="return.judge", POST="return.judge")
def give(rid: str, key: str) -> tuple[str, int] | BaseResponse:
    """Enter a judgement that the answers cannot tell."""
    found = _current(rid, key)
    book = found.book
    if book is None or not isinstance(book.profile.judgements[key], Given):
        raise NotFound
    row = found.rows.get(key)
    grade, note = (row.given, row.given_note) if row else ("", "")
    errors = {}
    if request.method == "POST":
        grade, note = typed("grade"), typed("note")
        if not grade:
            errors["grade"] = _("Choose a grade.")
        if not note:
            errors["note"] = _("Say what this judgement rests on: whoever approves or publishes it needs to know.")
        if not errors:
            try:
                operations.give(session(), rid, key, grade=grade, note=note, by=actor(), now=now())
            except NotPossible as problem:
                errors["note" if grade in book.ranks(key) else "grade"] = message(problem.message)
            else:
                return _done(rid, _("Entered. What follows from it was judged again."))
    return _decision(found, key, "oversight/judgement_give.html", errors, grade=grade, note=note)


@blueprint.route("/returns/<rid>/judgements/<key>/override", methods=["GET", "POST"])
@requires(GET="return.judge", POST="return.judge")
def override(rid: str, key: str) -> tuple[str, int] | BaseResponse:
    """Propose another grade than the rules give."""
    found = _current(rid, key)
    if key not in found.rows:
        raise NotFound
    row = found.rows[key]
    if row.override:
        raise NotPossible(N_("Another grade was proposed already. Have it decided, or take it back first."))
    grade, reason = typed("grade"), typed("reason")
    errors = {}
    if request.method == "POST":
        if not grade:
            errors["grade"] = _("Choose a grade.")
        elif grade == row.grade:
            errors["grade"] = _("The rules give this grade already. Choose another, or leave it as it is.")
        if not reason:
            errors["reason"] = _("Give the reason: the lead inspector who decides needs it, and it stays on record.")
        if not errors:
            try:
                operations.propose_override(session(), rid, key, grade=grade, reason=reason, by=actor(), now=now())
            except NotPossible as problem:
                errors["grade"] = message(problem.message)
            else:
                return _done(rid, _("Proposed. It counts once another lead inspector has approved it."))
    return _decision(found, key, "oversight/judgement_override.html", errors, grade=grade, reason=reason)


@blueprint.route("/returns/<rid>/judgements/<key>/decide", methods=["GET", "POST"])
@requires(GET="judgement.approve", POST="judgement.approve")
def decide(rid: str, key: str) -> tuple[str, int] | BaseResponse:
    """Approve or decline the grade that somebody proposed."""
    found = _current(rid, key)
    row = found.rows.get(key)
    facts = return_facts(session(), found.audit_return, now=now())
    if row is None or not allows(actor(), "judgement.approve", facts):
        raise NotFound
    decision, reason = typed("decision"), typed("reason")
    errors = {}
    if request.method == "POST":
        try:
            if decision == "approve":
                operations.approve_override(session(), rid, key, grade=typed("proposed"), by=actor(), now=now())
                return _done(rid, _("Approved. What follows from it was judged again."))
            if decision == "decline":
                operations.decline_override(session(), rid, key, reason=reason, by=actor(), now=now())
                return _done(rid, _("Declined. The grade of the rules stays."))
            errors["decision"] = _("Choose whether to approve it.")
        except NotPossible as problem:
            errors["reason" if decision == "decline" and not reason else "decision"] = message(problem.message)
    elif not row.override or row.approved_at:
        raise NotPossible(N_("Nothing is proposed here that waits for a decision."))
    return _decision(found, key, "oversight/judgement_decide.html", errors, decision=decision, reason=reason)


@blueprint.route("/returns/<rid>/judgements/<key>/take-back", methods=["GET", "POST"])
@requires(GET="return.judge", POST="return.judge")
def withdraw(rid: str, key: str) -> tuple[str, int] | BaseResponse:
    """Take an override back: what is proposed, or what was approved."""
    found = _current(rid, key)
    if key not in found.rows:
        raise NotFound
    errors = {}
    if request.method == "POST":
        try:
            operations.withdraw_override(session(), rid, key, reason=typed("reason"), by=actor(), now=now())
        except NotPossible as problem:
            errors["reason"] = message(problem.message)
        else:
            return _done(rid, _("Taken back. The grade of the rules holds."))
    elif not found.rows[key].override:
        raise NotPossible(N_("No other grade is proposed, so there is nothing to take back."))
    return _decision(found, key, "oversight/judgement_withdraw.html", errors, reason=typed("reason"))
