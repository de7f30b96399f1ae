"""What an upload would change: the preview, the decisions about it, dismissing it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from flask import flash, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from app.domain.answers import Fact
from app.domain.message import Message
from app.models import AuditReturn, StagedImport
from app.operations.answers import SaveResult
from app.operations.offline import Decision, apply_import, dismiss_import
from app.queries.imports import Entry, Preview
from app.queries.returns import Item, checklist, why_closed
from app.sheets.layout import ANSWER_FIELDS
from app.web.agency.blueprint import any_return, may, own_return
from app.web.agency.to_copy import Held, held_of_gone
from app.web.answer_forms import FORMS, NAMES, Typed, form_of, name_of, sent, stored
from app.web.offline.blueprint import blueprint, preview_of, tidy, to, way_back
from app.web.pages import day, message, text, words
from app.web.permissions import requires
from app.web.request import actor, commit, now, session


@dataclass
class Line:
    """An answer of an upload on the page: the fields that differ, what was chosen, and a form to put it right."""

    entry: Entry
    differing: Sequence[tuple[str, str, str]]
    places: Sequence[str]
    choice: str = ""
    typed: Typed | None = None
    errors: Mapping[str, Message] = field(default_factory=dict)

    @property
    def form(self) -> dict[str, Any] | None:
        """What the template of its answer type needs; None where there is nothing to put right."""
        if self.typed is None:
            return None
        item, form = self.entry.item, form_of(self.entry.item.criterion)
        return {
            "page": form.page,
            "variant": form.variant(self.typed),
            "table_rows": form.rows(item.criterion, self.typed),
            "s": {"id": item.id, "number": item.number, **form.slots(item.criterion, item.scheme, self.typed)},
        }


def _words(item: Item, name: str, value: Any) -> str:
    """A field of a value for reading."""
    if value is None or value == "":
        return ""
    if name == "grade":
        return next((text(grade.label) for grade in item.scheme.grades if grade.key == value), str(value))
    if name == "basis":
        return next((text(basis.label) for basis in item.scheme.bases if basis.key == value), str(value))
    if name.endswith("date") or name.startswith("date"):
        try:
            return day(date.fromisoformat(str(value)))
        except ValueError:
            return str(value)
    return str(value)


def _fact_words(fact: Fact) -> str:
    """What an answer says, on a line; a table with a line for each row."""
    if fact.rows:
        return "\n".join(" | ".join(map(words, row)) for row in fact.rows)
    said = " ".join(filter(None, (words(fact.words), words(fact.unit or ""))))
    return f"{words(fact.label)}: {said}" if fact.label else said


def _own_words(item: Item, value: Mapping[str, Any], unread: Iterable[str] = ()) -> str:
    """What an answer says beside its grade; `unread` is what could not be read of it, as it was typed."""
    return "\n".join([*map(_fact_words, item.handler.facts(value, item.criterion)), *unread])


def _line(
    entry: Entry, *, choice: str = "", typed: Typed | None = None, errors: Mapping[str, Message] | None = None
) -> Line:
    item, saved = entry.item, entry.item.answer.value
    new = {**entry.raw, **entry.value}
    # a grade that follows from the answer is not shown as if somebody had chosen it
    own = [name for name in item.handler.own if name != "grade"]
    beside = [name for name in ANSWER_FIELDS if name != "grade" or "grade" in item.handler.own]
    differing = [
        (_(NAMES[name]), _words(item, name, saved.get(name)), _words(item, name, new.get(name)))
        for name in beside
        if str(saved.get(name, "")) != str(new.get(name, ""))
    ]
    if any(saved.get(name) != entry.value.get(name) or name in entry.errors for name in own):
        unread = [entry.raw[name] for name in own if name in entry.errors and name in entry.raw]
        differing.insert(0, (_("Answer"), _own_words(item, saved), _own_words(item, entry.value, unread)))
    places = [f"{_where(entry, name)}{message(what)}" for name, what in entry.errors.items()]
    if typed is None and entry.kind in ("conflict", "wrong"):
        typed = _together(entry)
    return Line(entry, differing, places, choice, typed, errors or {})


def _where(entry: Entry, name: str) -> str:
    """The sheet and the cell that a problem stands in: “Standard 2, cell F7: ”."""
    if not entry.place:
        return f"{entry.item.number}: "
    if name not in entry.cells:
        return f"{entry.place}, {entry.item.number}: "
    sheet, _mark, cell = entry.cells[name].rpartition("!")
    return _("%(sheet)s, cell %(cell)s: ", sheet=sheet or entry.place, cell=cell)


def _together(entry: Entry) -> Typed:
    """The form that holds both texts, or what could be read of a wrong answer."""
    item = entry.item
    mine = stored(item.criterion, entry.value, item.answer.version)
    if entry.kind == "wrong":
        return mine
    theirs = stored(item.criterion, item.answer.value, item.answer.version)
    return replace(theirs, fields=form_of(item.criterion).together(mine, theirs))


@blueprint.route("/uploads/<iid>", methods=["GET", "POST"])
@requires(GET="return.read", POST="return.edit")
def show(rid: str, iid: str) -> str | tuple[str, int] | BaseResponse:
    """What an upload would change, what conflicts, what is wrong; and the decisions about it."""
    audit_return = any_return(rid, "return.edit") if request.method == "POST" else own_return(rid)
    found = preview_of(audit_return, iid)
    if request.method == "GET":
        return _page(audit_return, found, [_line(entry) for entry in found.pending])
    if found.staged.state != "open":
        flash(_("This upload was settled already. Nothing was saved again."), "info")
        return to("show", rid=rid, iid=iid)
    typed = sent(request.form)
    decisions = _decisions(found.staged, typed)
    partial = {
        one.question: dict(typed[one.question].errors)
        for one in decisions
        if one.choice == "typed" and typed[one.question].errors
    }
    wanted = [one for one in decisions if one.question not in partial]
    if not decisions:
        flash(_("Nothing was ticked or decided, so nothing was saved."), "info")
        return to("show", rid=rid, iid=iid)
    result = apply_import(session(), rid, iid, wanted, by=actor(), now=now())
    result.errors.update(partial)
    commit()
    tidy(found.staged)
    left = sum(1 for one in wanted if one.choice == "saved")
    if not result.conflicts and not result.errors:
        flash(_outcome(result, left), "success")
        return to("show", rid=rid, iid=iid)
    audit_return = own_return(rid)
    found = preview_of(audit_return, iid)
    chosen = {one.question: one.choice for one in decisions}
    lines = [
        _line(
            entry,
            choice=chosen.get(entry.item.id, "") if entry.item.id in result.errors else "",
            typed=typed.get(entry.item.id) if entry.item.id in result.errors else None,
            errors=result.errors.get(entry.item.id),
        )
        for entry in found.pending
    ]
    saved = _outcome(result, left) if result.saved or left else ""
    shown = {line.entry.item.id for line in lines}
    place = "#unmatched" if found.unmatched else "#passed-over" if found.passed_over else ""
    gone = [
        {"text": message(what), "href": place}
        for question, problems in result.errors.items()
        if question not in shown
        for what in problems.values()
    ]
    page = _page(
        audit_return, found, lines, saved=saved, conflicts=list(result.conflicts), gone=gone,
        held=held_of_gone(checklist(session(), audit_return), typed),
    )  # fmt: skip
    return page, 409 if result.conflicts else 422


def _decisions(staged: StagedImport, typed: Mapping[str, Typed]) -> list[Decision]:
    """What the form says about each answer of an upload. What it says nothing about stays to be decided."""
    form = request.form
    only_clean = "clean" in form
    decisions = []
    for answer in staged.content["answers"]:
        key = answer["id"]
        version = form.get(name_of(key, "seen"), "")
        if answer["state"] != "open" or not re.fullmatch(r"[0-9]{1,9}", version):
            continue
        seen = int(version)
        if name_of(key, "take") in form or (only_clean and name_of(key, "is-clean") in form):
            decisions.append(Decision(key, "file", seen))
        elif only_clean:
            continue
        elif (choice := form.get(name_of(key, "choice"))) in ("file", "saved"):
            decisions.append(Decision(key, choice, seen))
        elif choice == "typed" and key in typed:
            raw = FORMS[typed[key].type].raw_of(typed[key].fields)
            decisions.append(Decision(key, "typed", seen, raw))
    return decisions


def _outcome(result: SaveResult, left: int) -> str:
    number = len(result.saved)
    words = [ngettext("%(num)d answer saved.", "%(num)d answers saved.", number)] if number else []
    if left:
        words.append(ngettext("%(num)d left as it was.", "%(num)d left as they were.", left))
    return " ".join(words) or _("Nothing had changed, so everything is as it was saved before.")


def _page(
    audit_return: AuditReturn, found: Preview, lines: Sequence[Line], *, saved: str = "", conflicts: Sequence[str] = (),
    gone: Sequence[dict[str, str]] = (), held: Sequence[Held] = (),
) -> str:  # fmt: skip
    closed = why_closed(audit_return, now=now())
    return render_template(
        "offline/show.html",
        audit_return=audit_return,
        found=found,
        staged=found.staged,
        by_kind={kind: [line for line in lines if line.entry.kind == kind]
                 for kind in ("wrong", "conflict", "emptied", "changed")},
        settled=found.of("settled"),
        same=len(found.of("same")),
        errors=[*gone, *_errors(lines)],
        held=held,
        saved=saved,
        again=conflicts,
        closed=closed,
        may_decide=may("return.edit", audit_return) and not closed and found.staged.state == "open",
        breadcrumbs=way_back(audit_return),
    )  # fmt: skip


def _errors(lines: Sequence[Line]) -> list[dict[str, str]]:
    """What is wrong with what was typed on the page, each with a link to its field."""
    errors = []
    for line in lines:
        form = form_of(line.entry.item.criterion)
        for name, what in line.errors.items():
            part = f"{name}-day" if name in form.dates else name
            if line.form is None:  # there is only a tick, or a choice
                part = "take" if line.entry.kind == "changed" else "choice"
            href = f"#{name_of(line.entry.item.id, part)}"
            errors.append({"text": f"{line.entry.item.number} – {message(what)}", "href": href})
    return errors


@blueprint.route("/uploads/<iid>/dismiss", methods=["GET", "POST"])
@requires(GET="return.edit", POST="return.edit")
def dismiss(rid: str, iid: str) -> str | BaseResponse:
    """Ask before an upload is set aside with something in it that nobody decided about."""
    audit_return = any_return(rid, "return.edit")
    if request.method == "POST":
        staged = dismiss_import(session(), rid, iid, by=actor(), now=now())
        commit()
        tidy(staged)
        flash(_("The upload is dismissed. What it says can still be read."), "success")
        return to("index", rid=rid)
    found = preview_of(audit_return, iid)
    if found.staged.state != "open":
        return to("show", rid=rid, iid=iid)
    return render_template(
        "offline/dismiss.html", audit_return=audit_return, found=found, staged=found.staged,
        breadcrumbs=[
            *way_back(audit_return),
            {"text": found.staged.name, "href": url_for("offline.show", rid=rid, iid=iid)},
        ],
    )  # fmt: skip
