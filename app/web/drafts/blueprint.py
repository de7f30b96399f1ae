"""The blueprint that the modules of this package add their pages to, and what they share."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.authoring.forms import table_at
from app.authoring.pieces import At, Change, Flaw, checked, find, languages_in
from app.domain.life import NotPossible
from app.models import PackDraft
from app.operations import drafts as operations
from app.operations.drafts import DraftConflict
from app.policy import allows, could
from app.queries.drafts import Work, draft_facts, work
from app.web.pages import message, text
from app.web.request import actor, begin, commit, now, session
from app.web.typed import typed

blueprint = Blueprint("drafts", __name__, url_prefix="/drafts")

FLAWS_SHOWN = 50
LARGEST_TEXT = 4  # megabytes of a form: a file of a pack as a browser sends it


def state_words(state: str) -> str:
    """What pages call where a draft stands."""
    return {
        "drafting": _("Being drafted"),
        "sent": _("Waits to be published"),
        "published": _("Published"),
        "withdrawn": _("Set aside"),
    }[state]


def origin_words(draft: PackDraft) -> str:
    """Where a draft comes from."""
    return {
        "published": _("Begun from published version %(name)s.", name=draft.origin_name),
        "gallery": _("Begun from the folder %(name)s, which is not published.", name=draft.origin_name),
        "workbook": _("Begun from the workbook %(name)s.", name=draft.origin_name),
        "xlsform": _("Imported from the XLSForm %(name)s.", name=draft.origin_name),
        "ciso": _("Imported from the framework library %(name)s.", name=draft.origin_name),
        "empty": _("Begun from a plain example."),
    }[draft.origin]


def crumbs(draft: PackDraft | None = None, *more: tuple[str, str]) -> list[dict[str, str]]:
    """The way to a page about a draft; without one to the pages about all of them."""
    here = (
        {"text": _("Rounds"), "href": url_for("oversight.rounds")}
        if could(actor(), "round.read")
        else {"text": _("Administration"), "href": url_for("admin.index")}
    )
    found = [here, {"text": _("Drafts of packs"), "href": url_for("drafts.index")}]
    if draft is not None:
        found.append({"text": draft.title, "href": url_for("drafts.page", did=draft.public_id)})
    return [*found, *({"text": words, "href": href} for words, href in more)]


def own_work(did: str, permission: str = "draft.read") -> Work:
    """A draft that one may read, or change. Raises NotFound."""
    return work(session(), did, actor=actor(), permission=permission)


def may_change(draft: PackDraft) -> bool:
    """Whether the reader can change a draft as it stands."""
    return draft.state == "drafting" and allows(actor(), "draft.edit", draft_facts(draft))


def page_of(template: str, found: Work, /, status: int = 200, **more: Any) -> tuple[str, int]:
    """A page about a draft.

    A form that comes back stays one that was made on the revision that was shown first: who fills it in has not seen
    what was saved since. Where the page shows them that, its view gives another `revision`.
    """
    known: dict[str, Any] = {
        "draft": found.draft,
        "did": found.draft.public_id,
        "checked": found.checked,
        "may_change": may_change(found.draft),
        "revision": shown_revision() if request.method == "POST" else found.draft.revision,
        "state_words": state_words,
        "breadcrumbs": crumbs(found.draft),
    }
    return render_template(f"drafts/{template}", **{**known, **more}), status


def shown_revision(name: str = "revision") -> int:
    """The revision that the form which was sent was made on; 0 where it names none."""
    given = typed(name)
    return int(given) if given.isascii() and given.isdigit() and len(given) < 9 else 0


def changed(did: str, made: Change, revision: int | None = None) -> NotPossible | DraftConflict | None:
    """Apply a change and make it durable; what stands in its way, where it could not be. Raises NotFound.

    `revision` is what it was made on, where that is another than the form was made on.
    Its view declares `takes_files`: what the change comes to is checked before anybody has to wait for this write.
    """
    foresee(did, made)
    begin()
    try:
        on = shown_revision() if revision is None else revision
        operations.change(session(), did, made, revision=on, by=actor(), now=now())
    except (NotPossible, DraftConflict) as problem:
        session().rollback()
        return problem
    commit()
    return None


def foresee(did: str, made: Change) -> None:
    """Check what a change of a draft comes to, which takes seconds where rules are many: the result is kept."""
    found = own_work(did, "draft.edit")
    with suppress(NotPossible):
        checked(made.apply(found.files, found.draft.pack), found.draft.pack)


def refused(problem: NotPossible | DraftConflict) -> str:
    """Why something could not be done, in the reader's language."""
    if isinstance(problem, DraftConflict):
        return _(
            "Somebody else changed this since you opened the page, so nothing was done. Look at it as it stands now."
        )
    return message(problem.message)


def gone_back(href: str, problem: NotPossible | DraftConflict | None, done: str) -> BaseResponse:
    """Back to a page, which says that it is done or why it is not."""
    if problem is None:
        flash(done, "success")
    else:
        flash(refused(problem), "error")
    return redirect(href, 303)


# --- parts -----------------------------------------------------------------------------------------------------------


def way(given: str) -> At:
    """The way to a part, from an address."""
    return tuple(given.split("/"))


def address(at: At) -> str:
    """The way to a part, for an address."""
    return "/".join(at)


def part_name(found: Work, at: At) -> str:
    """What a part is called, for headings and links."""
    entry = find(found.checked.content, at)
    if isinstance(entry, dict):
        for key in ("question", "title", "label", "name", "word"):
            value = entry.get(key)
            if isinstance(value, str) and value:
                return value
            if isinstance(value, dict) and value and all(isinstance(one, str) for one in value.values()):
                return text(value)
    return at[-1]


def form_of(at: At) -> At | None:
    """The part with a form that a part stands in; None where there is none."""
    return next((at[:end] for end in range(len(at), 0, -1) if table_at(at[:end]) is not None), None)


def flaw_rows(found: Work) -> list[dict[str, Any]]:
    """The first mistakes of a draft, each with where it can be mended."""
    return [_flaw_row(found, flaw) for flaw in found.checked.flaws[:FLAWS_SHOWN]]


def _flaw_row(found: Work, flaw: Flaw) -> dict[str, Any]:
    did = found.draft.public_id
    at = form_of(flaw.at) if flaw.at else None
    known = at is not None and isinstance(find(found.checked.content, at), dict)
    return {
        "flaw": flaw,
        "name": part_name(found, at) if at and known else "",
        "form": url_for("drafts.part", did=did, at=address(at)) if at and known else "",
        "text": url_for("drafts.file", did=did, name=flaw.file, line=flaw.line)
        if flaw.file in found.files
        else url_for("drafts.page", did=did),
    }


def spoken(found: Work) -> list[str]:
    """The languages beside English in which something of a draft is written."""
    return languages_in(found.checked)


def templates_folder() -> Any:
    """The folder of packs that came with the service."""
    return current_app.config["CANDOUR"].templates
