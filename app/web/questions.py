"""A question on the page of its standard: rendered once for each language, then only filled in.

What a published question says never changes, and it is most of the page. So its template is rendered once with holes
in place of what does change, cut at the holes, and kept. A question with errors is rendered the plain way.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from flask import current_app, g, render_template
from markupsafe import Markup, escape

from app.domain.message import Message
from app.queries.returns import Checklist, Item
from app.web.answer_forms import Typed, form_of, is_changed, stored
from app.web.pages import language, moment
from app.web.request import now

MOST_KEPT = 2000  # questions: of two large packs in two languages; about 12 KiB each


@dataclass
class Shown:
    """A criterion on the page of its standard: what is stored, what stands in the fields, what is wrong with it."""

    item: Item
    typed: Typed
    errors: Mapping[str, Message] = field(default_factory=dict)


UNSAVED = Markup(" data-unsaved")


def is_unsaved(shown: Shown) -> bool:
    """Whether its fields hold something else than what is stored."""
    item = shown.item
    return is_changed(shown.typed, stored(item.criterion, item.answer.value, item.answer.version))


@dataclass(frozen=True)
class Kept:
    """A rendered question, cut at its holes: a text stands before each name, and one at the end."""

    texts: tuple[str, ...]
    names: tuple[str, ...]
    untranslated: bool

    def filled(self, slots: Mapping[str, Any]) -> Markup:
        """The question with `slots` in its holes, each escaped unless it is markup."""
        parts: list[str] = [self.texts[0]]
        for name, text in zip(self.names, self.texts[1:], strict=True):
            value = slots[name]
            # most holes stay empty, and most others hold markup: neither needs escaping
            parts.append(escape(value) if value and type(value) is not Markup else value)
            parts.append(text)
        return Markup("".join(parts))  # noqa: S704 (what is not from the template was escaped)


class Holes(dict[str, Markup]):
    """Gives a hole for every name. Nobody can guess its token, so no text holds one; it may stand in an address."""

    def __init__(self) -> None:
        super().__init__()
        self.token = secrets.token_hex(16)

    def __missing__(self, name: str) -> Markup:
        return Markup(f"{self.token}.{name}.{self.token}")  # noqa: S704 (names of fields and keys of grades)

    def cut(self, page: str, *, untranslated: bool) -> Kept:
        """A page that was rendered with these holes, cut at them."""
        found = re.split(rf"{self.token}\.([^.]+)\.{self.token}", page)
        return Kept(tuple(found[::2]), tuple(found[1::2]), untranslated)


_KEPT: dict[Hashable, Kept] = {}


def _kept(key: Hashable, render: Callable[[Holes], str]) -> Kept:
    """What `render` gives for holes, in the reader's language; kept by the key, which names all else that it shows."""
    key = (language(), key)
    found = _KEPT.get(key)
    if found is None:
        if len(_KEPT) >= MOST_KEPT:
            _KEPT.clear()
        before, holes = g.pop("untranslated", False), Holes()
        found = _KEPT[key] = holes.cut(render(holes), untranslated=g.get("untranslated", False))
        g.untranslated = before
    if found.untranslated:
        g.untranslated = True
    return found


def _macros() -> Any:
    """The macros of the parts that change with an answer."""
    return current_app.jinja_env.get_template("agency/question_parts.html").module


def parts_of(work: Checklist, shown: Shown, *, just_saved: bool = False) -> dict[str, Any]:
    """The parts of a question that change with each save, for its page and for saves in the background."""
    item, macros = shown.item, _macros()
    state = ""
    if shown.errors or (item.started and item.outstanding):
        state = "cnd-criterion--outstanding"
    elif item.started:
        state = "cnd-criterion--answered"
    return {
        "class": state,
        "tag": _tag(item, wrong=bool(shown.errors)),
        "left": macros.left(item) if item.started and item.outstanding and not shown.errors else "",
        "saved": _saved(work, item, just_saved=just_saved) if item.answer.saved_at else "",
        "above": macros.above(item) if item.answer.to_confirm else "",
        "beside": macros.beside(item, work.audit_return.public_id) if item.answer.to_confirm else "",
    }


def _tag(item: Item, *, wrong: bool) -> Markup:
    """How far the answer has come."""
    started, outstanding = item.started, bool(item.outstanding)
    kept = _kept(
        ("tag", wrong, item.required, started, outstanding),
        lambda _holes: _macros().tag(wrong, item.required, started, outstanding),
    )
    return kept.filled({})


def _saved(work: Checklist, item: Item, *, just_saved: bool) -> Markup:
    """Who saved the answer last and when, with the way to earlier versions."""
    answer = item.answer
    kept = _kept(
        ("saved", answer.version, bool(answer.saved_by), just_saved),
        lambda holes: _macros().saved(holes, answer.version, bool(answer.saved_by), just_saved),
    )
    return kept.filled(
        {
            "name": answer.saved_by,
            "when": moment(answer.saved_at),
            "address": f"/returns/{work.audit_return.public_id}",
            "id": item.id,
            "number": item.number,
        }
    )


def _below(work: Checklist, item: Item) -> Markup:
    """What is planned and what supports the answer, with the ways to add to them."""
    rid = work.audit_return.public_id
    if item.actions or item.evidence:
        return Markup(_macros().below(item, rid))  # noqa: S704 (a macro's own escaping)
    nothing = SimpleNamespace(actions=(), evidence=(), grade=None)

    def render(holes: Holes) -> str:
        nothing.id, nothing.number = holes["id"], holes["number"]
        return str(_macros().below(nothing, holes["rid"]))

    return _kept("below", render).filled({"id": item.id, "number": item.number, "rid": rid})


def slots(work: Checklist, shown: Shown, *, just_saved: bool = False) -> dict[str, Any]:
    """What stands in the holes of a question: texts as they were typed, and markup. See `agency/question.html`."""
    item = shown.item
    return {
        "id": escape(item.id),
        "number": escape(item.number),
        "below": _below(work, item),
        "unsaved": UNSAVED if is_unsaved(shown) else "",
        **parts_of(work, shown, just_saved=just_saved),
        **form_of(item.criterion).slots(item.criterion, item.scheme, shown.typed),
    }


def _rendered(work: Checklist, shown: Shown, values: Mapping[str, Any]) -> str:
    item, form = shown.item, form_of(shown.item.criterion)
    return render_template(
        "agency/question.html",
        s=values,
        criterion=item.criterion,
        scheme=item.scheme,
        pack=work.pack,
        milestone_due=item.milestone_due,
        errors=shown.errors,
        variant=form.variant(shown.typed),
        page=form.page,
        table_rows=form.rows(item.criterion, shown.typed),
    )


def plain_html(work: Checklist, shown: Shown, values: Mapping[str, Any]) -> Markup:
    """A question as its template renders it."""
    return Markup(_rendered(work, shown, values))  # noqa: S704 (a template's own escaping)


def question_html(work: Checklist, shown: Shown, values: Mapping[str, Any]) -> Markup:
    """A question with its slots filled: the same as `plain_html`, and much sooner."""
    if shown.errors:
        return plain_html(work, shown, values)
    item, audit_return = shown.item, work.audit_return
    key = (
        audit_return.template_version.pack_version.sha256, audit_return.agency_type, item.criterion.id,
        item.milestone_due, now().year, form_of(item.criterion).variant(shown.typed),
    )  # fmt: skip
    return _kept(key, lambda holes: _rendered(work, shown, holes)).filled(values)
