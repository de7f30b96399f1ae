"""A draft's page, its checklists and its lists; each part of them as a form: to change, add, move and remove."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.authoring.columns import Column, Table
from app.authoring.forms import (
    SETTINGS,
    TYPE,
    Field,
    Filled,
    answer_type,
    entry_from,
    filled,
    is_own,
    left_behind,
    table_at,
)
from app.authoring.imports import slug
from app.authoring.pieces import Add, AddType, At, Change, Move, Put, Remove, RemoveType, find, is_key
from app.authoring.pieces import name_of as own_name
from app.catalogue import PACK_FILE, RAW_FILES
from app.languages import LANGUAGES, NAMES
from app.operations.drafts import DraftConflict
from app.policy import allows
from app.queries.drafts import Work, draft_facts, published
from app.queries.rounds import NotFound
from app.web.drafts.blueprint import (
    LARGEST_TEXT,
    address,
    blueprint,
    changed,
    crumbs,
    flaw_rows,
    form_of,
    gone_back,
    origin_words,
    own_work,
    page_of,
    part_name,
    refused,
    shown_revision,
    spoken,
    way,
)
from app.web.permissions import requires
from app.web.request import actor, session, takes_files
from app.web.typed import typed

LONGEST_SHOWN = 300  # characters of what is said as JSON
LONG = ("question", "why", "evidence", "introduction", "declaration", "summary", "source", "meaning")
# lists of a pack that stand by themselves, and those inside of their entries
PACK_LISTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("agency_types", ("subtypes",)),
    ("oversight_bodies", ()),
    ("grading_schemes", ("grades", "bases")),
    ("milestones", ()),
    ("themes", ()),
    ("recommendation_reports", ()),
    ("quantifiers", ()),
)


# --- pages -----------------------------------------------------------------------------------------------------------


@blueprint.route("/<did>")
@requires(GET="draft.read")
def page(did: str) -> tuple[str, int]:
    """A draft: what is wrong with it, its parts, and what can be done with it."""
    found = own_work(did)
    latest = published(session(), found.draft)
    return page_of(
        "draft.html",
        found,
        origin_words=origin_words,
        flaws=flaw_rows(found),
        checklists=checklists(found),
        files=sorted(found.files, key=lambda name: (name != PACK_FILE, name in RAW_FILES, name)),
        addable=[name for name in RAW_FILES if name not in found.files],
        latest=latest,
        rules=found.checked.pack is not None and found.checked.pack.judgements is not None,
        may_edit=allows(actor(), "draft.edit", draft_facts(found.draft)),
        may_publish=allows(actor(), "draft.publish", draft_facts(found.draft)),
        breadcrumbs=crumbs(),
    )


def checklists(found: Work) -> list[dict[str, Any]]:
    """The checklists of a draft as far as they can be read: file, agency type, name, and how many questions."""
    listed = find(found.checked.content, (PACK_FILE, "agency_types"))
    rows = []
    for name in found.files:
        content = found.checked.content.get(name)
        if name in RAW_FILES or name == PACK_FILE or not name.endswith(".yaml"):
            continue
        key = name.removesuffix(".yaml")
        kind = listed.get(key) if isinstance(listed, dict) else None
        rows.append(
            {
                "file": name,
                "type": key,
                "name": part_name(found, (PACK_FILE, "agency_types", key)) if isinstance(kind, dict) else key,
                "readable": content is not None,
                "questions": sum(len(items) for _one, items in sections(content or {})),
            }
        )
    return rows


def sections(content: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], list[Mapping[str, Any]]]]:
    """The standards of a checklist with their questions, as far as they are such."""
    standards = content.get("standards")
    found: list[tuple[Mapping[str, Any], list[Mapping[str, Any]]]] = []
    for standard in standards if isinstance(standards, list) else ():
        if isinstance(standard, dict):
            criteria = standard.get("criteria")
            listed = criteria if isinstance(criteria, list) else ()
            found.append((standard, [one for one in listed if isinstance(one, dict)]))
    return found


@blueprint.route("/<did>/checklist/<agency_type>")
@requires(GET="draft.read")
def checklist(did: str, agency_type: str) -> tuple[str, int]:
    """The checklist of an agency type: standards and questions, each with what can be done with it."""
    found = own_work(did)
    name = f"{agency_type}.yaml"
    content = found.checked.content.get(name)
    if content is None or name in RAW_FILES or name == PACK_FILE:
        raise NotFound
    shown = []
    for number, (standard, criteria) in enumerate(sections(content), start=1):
        key = own_name(standard, number - 1)
        at = (name, "standards", key)
        shown.append(
            {
                "number": number,
                "key": key,
                "at": address(at),
                "title": part_name(found, at),
                "optional": standard.get("optional") is True,
                "criteria": [
                    {
                        "number": f"{number}.{place}",
                        "key": own_name(one, place - 1),
                        "at": address((*at, "criteria", own_name(one, place - 1))),
                        "question": part_name(found, (*at, "criteria", own_name(one, place - 1))),
                        "type": type_word(answer_type(one)),
                    }
                    for place, one in enumerate(criteria, start=1)
                ],
            }
        )
    return page_of(
        "checklist.html", found, shown=shown, agency_type=agency_type, file=name,
        name=part_name(found, (PACK_FILE, "agency_types", agency_type)),
        title=part_name(found, (name,)),
    )  # fmt: skip


def type_word(type_: str) -> str:
    """What pages call a type of answer, and what is none."""
    if type_ in SETTINGS:
        return type_words()[type_]
    return _("%(value)s (there is none)", value=type_) if type_ else _("Not said")


def type_words() -> dict[str, str]:
    """What pages call the types of answers."""
    return {
        "grade": _("A grade"), "yes_no": _("Yes or no"), "number": _("A number"), "percentage": _("A percentage"),
        "date": _("A date"), "choice": _("One of several choices"), "choices": _("Several choices"),
        "text": _("A text"), "file": _("A file"), "table": _("A table with rows to add"),
    }  # fmt: skip


@blueprint.route("/<did>/lists")
@requires(GET="draft.read")
def lists(did: str) -> tuple[str, int]:
    """What all checklists share: agency types, grades, milestones, themes and so on."""
    found = own_work(did)
    if PACK_FILE not in found.checked.content:
        raise NotFound
    shown = []
    for name, inner in PACK_LISTS:
        shown.append(_list_of(found, (PACK_FILE, name), inner))
    return page_of("lists.html", found, shown=shown)


def _list_of(found: Work, at: At, inner: Sequence[str] = ()) -> dict[str, Any]:
    """A list or mapping of pack.yaml as a page shows it."""
    entries = find(found.checked.content, at)
    keys = (
        list(entries)
        if isinstance(entries, dict)
        else [own_name(one, place) for place, one in enumerate(entries)] if isinstance(entries, list) else []
    )  # fmt: skip
    table = table_at((*at, keys[0] if keys else "#1"))
    return {
        "at": address(at),
        "id": "-".join(at[1:]),
        "title": _(table.sheet) if table else at[-1],
        "entries": [
            {
                "key": key,
                "at": address((*at, key)),
                "name": part_name(found, (*at, key)),
                "inner": [_list_of(found, (*at, key, name)) for name in inner],
            }
            for key in keys
        ],
    }


# --- one part --------------------------------------------------------------------------------------------------------


def _table(at: At) -> Table:
    table = table_at(at)
    if table is None:
        raise NotFound
    return table


def _way_up(found: Work, at: At) -> tuple[str, str]:
    """The page that a part is listed on: its name and its address."""
    did, name = found.draft.public_id, at[0]
    if name == PACK_FILE:
        return _("Names, grades and other lists"), url_for("drafts.lists", did=did)
    key = name.removesuffix(".yaml")
    words = part_name(found, (PACK_FILE, "agency_types", key))
    return words, url_for("drafts.checklist", did=did, agency_type=key) + (f"#{at[2]}" if len(at) > 2 else "")


@blueprint.route("/<did>/part/<path:at>", methods=["GET", "POST"])
@requires(GET="draft.edit", POST="draft.edit")
@takes_files(LARGEST_TEXT)
def part(did: str, at: str) -> tuple[str, int] | BaseResponse:
    """A part of a draft as a form."""
    found, where = own_work(did, "draft.edit"), way(at)
    table = _table(where)
    entry = find(found.checked.content, where)
    if not isinstance(entry, dict):
        raise NotFound
    languages = _languages(found)
    if request.method == "GET":
        return _form(found, where, table, filled(table.columns, entry, languages))
    type_ = _chosen_type(table)
    new, errors = entry_from(table.columns, entry, request.form, languages, type_)
    form = _typed(table, entry, languages, type_)
    errors |= _type_errors(form)
    if "answer-type" not in errors and (_asks_again() or _needs_settings(type_, entry)):
        gone = _gone(table, entry, type_, languages)
        return _form(found, where, table, form, type_chosen=_chose_type(type_), gone=gone)
    if errors:
        return _form(found, where, table, form, errors=errors)
    problem = changed(did, Put(where, new))
    if problem is None:
        flash(_("Saved."), "success")
        return redirect(_way_up(found, where)[1], 303)
    found = own_work(did, "draft.edit")
    current = find(found.checked.content, where)
    conflict = isinstance(problem, DraftConflict)
    theirs = filled(table.columns, current, languages) if conflict and isinstance(current, dict) else None
    return _form(
        found, where, table, form, problem=refused(problem), status=409 if conflict else 422, theirs=theirs
    )


def _also() -> str:
    """The language that the draft may not be written in yet, and that was asked for with a button of the form."""
    given = typed("action").removeprefix("also-") if typed("action").startswith("also-") else typed("also")
    return given if given in LANGUAGES and given != "en" else ""


def _languages(found: Work) -> list[str]:
    """The languages beside English that a form has fields for."""
    return sorted({*spoken(found), *filter(None, [_also()])})


def _asks_again() -> bool:
    """Whether a button was pressed that shows the form with other fields, and saves nothing."""
    return typed("action") == "type" or typed("action").startswith("also-")


def _chose_type(type_: str) -> bool:
    """Whether the form is shown again for the settings of an answer."""
    return typed("action") == "type" or type_ != typed("shown-type")


def _chosen_type(table: Table) -> str:
    """The type of answer that was chosen; empty where the form asks for none, or nothing was."""
    return typed("answer-type") if any(column.path == TYPE for column in table.columns) else ""


def _type_errors(form: Filled) -> dict[str, str]:
    """What is wrong with the type of answer of a form that was sent."""
    type_field = next((field for field in form.fields if field.column.path == TYPE), None)
    given = form.values[type_field.name] if type_field else ""
    if type_field is None or given in SETTINGS:
        return {}
    if given:
        words = _("“%(type)s” is no type of answer. Choose how this question is answered.", type=given)
    else:
        words = _("Choose how this question is answered.")
    return {type_field.name: words}


def _gone(table: Table, entry: Mapping[str, Any], type_: str, languages: Sequence[str]) -> list[tuple[str, str]]:
    """What is said of an answer now and does not go with another type: what forms call it, and what is said."""
    before = filled(table.columns, entry, languages)
    rows: list[tuple[str, str]] = []
    for key, value in left_behind(entry, type_).items():
        fields = [field for field in before.fields if field.column.path[:2] == ("answer", key)]
        told = [(_label(field), before.values[field.name]) for field in fields if before.values[field.name]]
        rows += told or [(str(key), json.dumps(value, ensure_ascii=False, default=str)[:LONGEST_SHOWN])]
    return rows


def _typed(table: Table, entry: Mapping[str, Any], languages: Sequence[str], type_: str) -> Filled:
    """The form as it was sent."""
    form = filled(table.columns, entry, languages, type_)
    for field in form.fields:
        if field.name in request.form:
            form.values[field.name] = typed(field.name)
    if type_:
        form.values["answer-type"] = type_
    return form


def _needs_settings(type_: str, before: Mapping[str, Any]) -> bool:
    """Whether another type was chosen than the form showed, with settings that nobody could give yet, or without what
    is said of the answer now."""
    return type_ in SETTINGS and type_ != typed("shown-type") and bool(SETTINGS[type_] or left_behind(before, type_))


def _form(
    found: Work, at: At, table: Table, form: Filled, *, errors: Mapping[str, str] | None = None, problem: str = "",
    theirs: Filled | None = None, status: int = 200, type_chosen: bool = False, gone: Sequence[tuple[str, str]] = (),
    adding: bool = False, own: str = "",
) -> tuple[str, int]:  # fmt: skip
    shown = dict(errors or {})
    summary = [{"text": words, "href": f"#{name}"} for name, words in shown.items()]
    if problem:
        summary.insert(0, {"text": problem, "href": ""})
    up = _way_up(found, at)
    rows = [_row(found, at, field, form, shown) for field in form.fields]
    keyed = table.keyed or any(is_own(column) for column in table.columns)
    return page_of(
        "part.html",
        found,
        status=422 if errors else status,
        revision=found.draft.revision if theirs or request.method == "GET" else shown_revision(),
        at=address(at),
        adding=adding,
        own=own,
        keyed=keyed,
        sheet=_(table.sheet) if table.sheet else "",
        title=_add_words(at) if adding else part_name(found, at),
        form=form,
        rows=rows,
        in_languages=[
            (code, NAMES.get(code, code), told)
            for code in _languages(found)
            if (told := [row for row in rows if row["language"] == code])
        ],
        also=_also(),
        more_languages=[(code, NAMES[code]) for code in LANGUAGES if code not in ("en", *_languages(found))],
        held=[_(column.head) for column in form.held],
        theirs=[
            (_label(field), theirs.values[field.name], form.values.get(field.name, ""))
            for field in (theirs.fields if theirs else ())
            if theirs and theirs.values[field.name] != form.values.get(field.name, "")
        ],
        error_list=summary,
        errors=shown,
        type_chosen=type_chosen,
        gone=gone,
        shown_type=form.type if any(field.name == "answer-type" for field in form.fields) else "",
        flaws=[] if adding else [flaw for flaw in found.checked.flaws if form_of(flaw.at) == at],
        up=up[1],
        breadcrumbs=crumbs(found.draft, up),
    )


def _add_words(at: At) -> str:
    """The heading of a form for something new."""
    return {
        "standards": _("Add a standard"),
        "criteria": _("Add a question"),
        "agency_types": _("Add an agency type"),
        "subtypes": _("Add a subtype"),
        "oversight_bodies": _("Add an oversight body"),
        "grading_schemes": _("Add a grading scheme"),
        "grades": _("Add a grade"),
        "bases": _("Add a basis of assurance"),
        "milestones": _("Add a milestone"),
        "themes": _("Add a theme"),
        "recommendation_reports": _("Add a report"),
        "quantifiers": _("Add a word for a share"),
    }[at[-2]]


def _label(field: Field) -> str:
    words = _(field.column.head)
    return f"{words} ({NAMES.get(field.language, field.language)})" if field.language else words


def _row(found: Work, at: At, field: Field, form: Filled, errors: Mapping[str, str]) -> dict[str, Any]:
    """A field as the page shows it: `kind` is select, area, lines or text."""
    column = field.column
    options = _options(found, at, column, form.values)
    value = form.values[field.name]
    if options and value and value not in {one["value"] for one in options}:
        options.append({"value": value, "text": _("%(value)s (there is none)", value=value)})
    hint = ""
    if field.lines and not field.language:
        hint = _lines_hint(column)
    elif column.note and not field.language and column.path != TYPE:
        hint = _(column.note)
    if column.path == ("subtypes",):
        known = _keys(found, _subtypes(found, at))
        hint = _("With commas, of: %(keys)s.", keys=", ".join(known)) if known else hint
    return {
        "name": field.name,
        "label": _label(field),
        "hint": hint,
        "kind": _kind(field, options),
        "options": options,
        "value": value,
        "language": field.language,
        "error": errors.get(field.name, ""),
        "type_field": field.name == "answer-type",
        "setting": field.name.startswith("answer-") and field.name != "answer-type",
    }


def _kind(field: Field, options: Sequence[object]) -> str:
    if field.lines:
        return "lines"
    if options:
        return "select"
    return "area" if field.column.path[-1] in LONG or field.column.kind == "bands" else "text"


def _lines_hint(column: Column) -> str:
    if column.path[-1] == "choices":
        return _("A line for each: key | what is shown | the grade that it comes to, if it comes to one.")
    return _("A line for each: key | heading | text, number, date or yes_no | unit of numbers | yes if it is required.")


def _keys(found: Work, at: At) -> list[str]:
    entries = find(found.checked.content, at)
    return [key for key in entries if isinstance(key, str)] if isinstance(entries, dict) else []


def _subtypes(found: Work, at: At) -> At:
    return (PACK_FILE, "agency_types", at[0].removesuffix(".yaml"), "subtypes")


# sheet of the workbook -> the part of pack.yaml whose keys are offered
_OFFERED = {
    "Oversight bodies": "oversight_bodies", "Grading schemes": "grading_schemes", "Milestones": "milestones",
    "Themes": "themes", "Agency types": "agency_types",
}  # fmt: skip


def _options(found: Work, at: At, column: Column, values: Mapping[str, str]) -> list[dict[str, str]]:
    """What a field can be chosen from; empty where anything can be typed."""
    if not column.offers or column.kind == "words":
        return []
    empty = {"value": "", "text": _("Not said")}
    sheet, slash, _head = column.offers.partition("/")
    if not slash:
        words = type_words() if column.path == TYPE else {}
        told = {**_plain_words(), **words}
        options = [{"value": key, "text": told.get(key, key)} for key in column.offers.split(",")]
        if column.path == TYPE:
            return options if values.get("answer-type") else [{"value": "", "text": _("Choose")}, *options]
        return [empty, *options]
    if sheet == "Grades":
        scheme = values.get("grading") or _own_scheme(found, at)
        at_grades = (PACK_FILE, "grading_schemes", scheme, "grades")
        grades = find(found.checked.content, at_grades)
        return [
            empty,
            *(
                {"value": str(one["key"]), "text": part_name(found, (*at_grades, str(one["key"])))}
                for one in (grades if isinstance(grades, list) else ())
                if isinstance(one, dict) and one.get("key")
            ),
        ]
    where = (PACK_FILE, _OFFERED[sheet])
    return [empty, *({"value": key, "text": part_name(found, (*where, key))} for key in _keys(found, where))]


def _own_scheme(found: Work, at: At) -> str:
    return str(found.checked.content.get(at[0], {}).get("grading", ""))


def _plain_words() -> dict[str, str]:
    return {
        "yes": _("Yes"), "no": _("No"), "met": _("Met"), "not_met": _("Not met"), "excluded": _("Left out"),
        "area": _("Once for each area"), "site": _("Once for each site"),
    }  # fmt: skip


# --- adding ----------------------------------------------------------------------------------------------------------


@blueprint.route("/<did>/add/<path:at>", methods=["GET", "POST"])
@requires(GET="draft.edit", POST="draft.edit")
@takes_files(LARGEST_TEXT)
def add(did: str, at: str) -> tuple[str, int] | BaseResponse:
    """Something new in a list of a draft, as a form."""
    found, where = own_work(did, "draft.edit"), way(at)
    table = _table((*where, "#1"))
    if not isinstance(find(found.checked.content, where[:-1]), dict):
        raise NotFound
    languages = _languages(found)
    at_new = (*where, "#1")
    if request.method == "GET":
        return _form(found, at_new, table, _suggested(found, where, table, languages), adding=True)
    type_ = _chosen_type(table)
    entry, errors = entry_from(table.columns, {}, request.form, languages, type_)
    form = _typed(table, {}, languages, type_)
    errors |= _type_errors(form)
    own = typed("own")
    if "answer-type" not in errors and (_asks_again() or _needs_settings(type_, {})):
        return _form(found, at_new, table, form, adding=True, type_chosen=_chose_type(type_), own=own)
    keyed = table.keyed or any(is_own(column) for column in table.columns)
    if keyed:
        own = own or slug(_first_words(entry), _taken(found, where), fallback="")
        if not is_key(own):
            errors["own"] = _("Give it a short name of lower-case words, digits and hyphens, such as joint-working.")
        elif own in _taken(found, where):
            errors["own"] = _("There is a “%(name)s” already. Choose another name.", name=own)
        path = next((column.path for column in table.columns if is_own(column) and column.path), ())
        if path and not table.keyed:
            entry = {path[0]: own, **entry}
    if where[-1] == "standards":
        entry["criteria"] = []
    if where[-1] in ("grades",):
        entry.setdefault("needs", [])
    if where[-1] == "grading_schemes":
        entry.setdefault("grades", [])
    if errors:
        return _form(found, at_new, table, form, errors=errors, adding=True, own=own)
    problem = changed(did, _addition(found, where, own if keyed else "", entry))
    if problem is not None:
        return _form(found, at_new, table, form, problem=refused(problem), status=422, adding=True, own=own)
    flash(_("Added."), "success")
    return redirect(_way_up(found, (*where, own) if where[-1] == "standards" else at_new)[1], 303)


def _addition(found: Work, where: At, own: str, entry: Mapping[str, Any]) -> Change:
    if where == (PACK_FILE, "agency_types"):
        # one that can be read, where there is one
        known = sorted(checklists(found), key=lambda row: not row["readable"])
        return AddType(own, entry, known[0]["type"] if known else "")
    return Add(where, own, entry)


def _taken(found: Work, where: At) -> set[str]:
    """The names that something new cannot have: questions have one of their own in the whole checklist."""
    if where[-1] == "criteria":
        return {
            own_name(one, place)
            for _standard, criteria in sections(found.checked.content.get(where[0], {}))
            for place, one in enumerate(criteria)
        }
    entries = find(found.checked.content, where)
    if isinstance(entries, list):
        return {own_name(one, place) for place, one in enumerate(entries)}
    return set(entries) if isinstance(entries, dict) else set()


def _first_words(entry: Mapping[str, Any]) -> str:
    """What a key can be made of."""
    for key in ("question", "title", "label", "name"):
        value = entry.get(key)
        words = value.get("en", "") if isinstance(value, dict) else value
        if isinstance(words, str) and words:
            return " ".join(words.split()[:6])
    return ""


def _suggested(found: Work, where: At, table: Table, languages: Sequence[str]) -> Filled:
    """An empty form, with what others of the list have in common."""
    form = filled(table.columns, {}, languages)
    if where[-1] == "criteria":
        known = [one for _s, criteria in sections(found.checked.content.get(where[0], {})) for one in criteria]
        here = find(found.checked.content, where)
        last = ((here if isinstance(here, list) else []) or known or [{}])[-1]
        for name in ("milestone", "theme"):
            if isinstance(last, dict) and isinstance(last.get(name), str):
                form.values[name] = last[name]
    if where[-1] == "agency_types":
        bodies = _keys(found, (PACK_FILE, "oversight_bodies"))
        form.values["oversight_body"] = bodies[0] if bodies else ""
    return form


# --- moving and removing ---------------------------------------------------------------------------------------------


@blueprint.route("/<did>/move", methods=["POST"])
@requires(POST="draft.edit")
@takes_files(LARGEST_TEXT)
def move(did: str) -> BaseResponse:
    """A part one place up or down among its own: the button says `up:WAY` or `down:WAY`."""
    found = own_work(did, "draft.edit")
    direction, _colon, at = typed("move").partition(":")
    where = way(at)
    if direction not in ("up", "down") or len(where) < 2 or table_at(where) is None:
        raise NotFound
    problem = changed(did, Move(where, -1 if direction == "up" else 1))
    return gone_back(_way_up(found, where)[1], problem, _("Moved."))


@blueprint.route("/<did>/move-to/<path:at>", methods=["GET", "POST"])
@requires(GET="draft.edit", POST="draft.edit")
@takes_files(LARGEST_TEXT)
def move_to(did: str, at: str) -> tuple[str, int] | BaseResponse:
    """A question to the end of another standard."""
    found, where = own_work(did, "draft.edit"), way(at)
    if len(where) != 5 or where[3] != "criteria" or find(found.checked.content, where) is None:
        raise NotFound
    keys = [own_name(one, place) for place, (one, _own) in enumerate(sections(found.checked.content[where[0]]))]
    others = [
        {"value": key, "text": part_name(found, (where[0], "standards", key))} for key in keys if key != where[2]
    ]
    chosen, error = typed("to") if request.method == "POST" else "", ""
    if request.method == "POST":
        if chosen in {one["value"] for one in others}:
            target = (where[0], "standards", chosen, "criteria")
            problem = changed(did, Move(where, to=target))
            return gone_back(_way_up(found, target)[1], problem, _("Moved."))
        error = _("Choose the standard that it goes to.")
    return page_of(
        "move.html", found, status=422 if error else 200, at=at, others=others, chosen=chosen, error=error,
        name=part_name(found, where), up=_way_up(found, where)[1],
        breadcrumbs=crumbs(found.draft, _way_up(found, where)),
    )  # fmt: skip


@blueprint.route("/<did>/remove/<path:at>", methods=["GET", "POST"])
@requires(GET="draft.edit", POST="draft.edit")
@takes_files(LARGEST_TEXT)
def remove(did: str, at: str) -> tuple[str, int] | BaseResponse:
    """Ask whether a part is to be removed, and remove it."""
    found, where = own_work(did, "draft.edit"), way(at)
    entry = find(found.checked.content, where)
    if len(where) < 2 or table_at(where) is None or entry is None:
        raise NotFound
    criteria = entry.get("criteria") if isinstance(entry, dict) else None
    if request.method == "POST":
        is_type = where[:2] == (PACK_FILE, "agency_types") and len(where) == 3
        made: Change = RemoveType(where[2]) if is_type else Remove(where)
        return gone_back(_way_up(found, where[:-1])[1], changed(did, made), _("Removed."))
    return page_of(
        "remove.html", found, at=at, name=part_name(found, where), key=where[-1],
        questions=len(criteria) if isinstance(criteria, list) else 0,
        is_type=where[:2] == (PACK_FILE, "agency_types") and len(where) == 3,
        up=_way_up(found, where)[1], breadcrumbs=crumbs(found.draft, _way_up(found, where)),
    )  # fmt: skip
