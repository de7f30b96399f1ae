"""The files of a draft as text, its revisions, downloads, a workbook uploaded again, and how agencies will see it."""

from __future__ import annotations

from flask import Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.authoring.draft import Refused
from app.authoring.from_workbook import read_workbook
from app.authoring.pieces import PutAll, PutFile, as_draft, as_zip, is_name
from app.authoring.workbook import write_workbook
from app.catalogue import MAX_BYTES, PACK_FILE
from app.operations.drafts import DraftConflict
from app.queries.drafts import alone_until, files_at
from app.queries.drafts import revisions as read_revisions
from app.queries.rounds import NotFound
from app.web.drafts.beginning import LARGEST, MISTAKES_SHOWN, Wrong, as_files, mistake_rows, sent_file
from app.web.drafts.blueprint import (
    LARGEST_TEXT,
    blueprint,
    changed,
    crumbs,
    gone_back,
    own_work,
    page_of,
    refused,
    shown_revision,
)
from app.web.permissions import requires
from app.web.preview import preview_of
from app.web.request import actor, session, takes_files
from app.web.typed import asked, page_asked

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@blueprint.route("/<did>/files", methods=["GET"])
@requires(GET="draft.edit")
def new_file(did: str) -> BaseResponse:
    """The editor of a file that is not there yet."""
    name = asked("name")
    if not is_name(name):
        raise NotFound
    return redirect(url_for("drafts.file", did=did, name=name), 303)


@blueprint.route("/<did>/files/<name>", methods=["GET", "POST"])
@requires(GET="draft.read", POST="draft.edit")
@takes_files(LARGEST_TEXT)
def file(did: str, name: str) -> tuple[str, int] | BaseResponse:
    """A file as text. What is saved may hold mistakes: they are named by line."""
    found = own_work(did, "draft.read" if request.method == "GET" else "draft.edit")
    if not is_name(name):
        raise NotFound
    text, problem, status = found.files.get(name, ""), "", 200
    theirs = None
    more: dict[str, int] = {}
    if request.method == "POST":
        text = request.form.get("text", "").replace("\x00", "").replace("\r\n", "\n")
        if len(text.encode(errors="surrogatepass")) > MAX_BYTES:
            status = 422
            problem = _("This file is larger than %(most)s MB. Divide it or shorten it.", most=MAX_BYTES // 1_000_000)
        else:
            why = changed(did, PutFile(name, text if text.endswith("\n") or not text else text + "\n"))
            if why is None:
                found = own_work(did)
                here = [flaw for flaw in found.checked.flaws if flaw.file == name]
                flash(_("Saved."), "success")
                there = url_for("drafts.file", did=did, name=name) if here else url_for("drafts.page", did=did)
                return redirect(there, 303)
            found = own_work(did, "draft.edit")
            problem, status = refused(why), 422
            if isinstance(why, DraftConflict):
                status, theirs = 409, found.files.get(name, "")
                more = {"revision": found.draft.revision}
    line = asked("line")
    return page_of(
        "file.html", found, status=status, name=name, text=text, problem=problem, theirs=theirs,
        flaws=[flaw for flaw in found.checked.flaws if flaw.file == name],
        lines=text.split("\n"), at_line=int(line) if line.isascii() and line.isdigit() and len(line) < 7 else 0,
        is_new=name not in found.files, removable=name in found.files and name != PACK_FILE, **more,
    )  # fmt: skip


@blueprint.route("/<did>/files/<name>/remove", methods=["GET", "POST"])
@requires(GET="draft.edit", POST="draft.edit")
@takes_files(LARGEST_TEXT)
def remove_file(did: str, name: str) -> tuple[str, int] | BaseResponse:
    """Ask whether a file is to be removed, and remove it."""
    found = own_work(did, "draft.edit")
    if name not in found.files or name == PACK_FILE:
        raise NotFound
    up = url_for("drafts.file", did=did, name=name)
    if request.method == "POST":
        return gone_back(url_for("drafts.page", did=did), changed(did, PutFile(name, None)), _("Removed."))
    return page_of(
        "remove.html", found, at="", name=name, key=name, questions=0, is_type=False, up=up,
        breadcrumbs=crumbs(found.draft, (name, up)),
    )  # fmt: skip


@blueprint.route("/<did>/revisions")
@requires(GET="draft.read")
def revisions(did: str) -> tuple[str, int]:
    """What was saved, latest first; every text that a file ever had."""
    found = own_work(did)
    listed, pages = read_revisions(session(), found.draft, page=page_asked())
    return page_of("revisions.html", found, listed=listed, page=min(page_asked(), pages), pages=pages)


@blueprint.route("/<did>/revisions/<int:number>/<name>")
@requires(GET="draft.read")
def revision(did: str, number: int, name: str) -> tuple[str, int]:
    """A file as a revision left it. It can be put back."""
    found = own_work(did)
    if not 1 <= number <= found.draft.revision:
        raise NotFound
    text = files_at(session(), found.draft, number).get(name)
    if text is None:
        raise NotFound
    there = (_("What was saved"), url_for("drafts.revisions", did=did))
    return page_of(
        "revision.html", found, number=number, name=name, text=text, is_same=found.files.get(name) == text,
        breadcrumbs=crumbs(found.draft, there),
    )  # fmt: skip


@blueprint.route("/<did>/revisions/<int:number>/<name>/put-back", methods=["POST"])
@requires(POST="draft.edit")
@takes_files(LARGEST_TEXT)
def put_back(did: str, number: int, name: str) -> BaseResponse:
    """A file as a revision left it, in place of what it is now."""
    found = own_work(did, "draft.edit")
    text = files_at(session(), found.draft, min(number, found.draft.revision)).get(name)
    if text is None:
        raise NotFound
    problem = changed(did, PutFile(name, text))
    return gone_back(url_for("drafts.file", did=did, name=name), problem, _("Put back."))


# --- downloads -------------------------------------------------------------------------------------------------------


def _download(content: bytes, name: str, kind: str) -> Response:
    response = Response(content, content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@blueprint.route("/<did>/pack.zip")
@requires(GET="draft.read")
def zipped(did: str) -> Response:
    """The folder of the pack."""
    found = own_work(did)
    return _download(as_zip(found.files, found.draft.pack), f"{found.draft.pack}.zip", "application/zip")


@blueprint.route("/<did>/workbook.xlsx")
@requires(GET="draft.read")
def workbook(did: str) -> BaseResponse:
    """The pack as a workbook, to fill in and upload again. It needs a draft without mistakes.

    It says which revision it holds: what others save after that is not overwritten when it comes back.
    """
    found = own_work(did)
    back = url_for("drafts.page", did=did)
    if found.checked.pack is None:
        flash(_("A workbook can be made once there are no mistakes."), "error")
        return redirect(back, 303)
    try:
        draft = as_draft(found.files, found.checked.content)
        draft.taken_from = did, found.draft.revision
        content = write_workbook(draft)
    except Refused as problem:
        flash(_("This draft cannot be made into a workbook: %(why)s", why=str(problem.mistakes[0])), "error")
        return redirect(back, 303)
    return _download(content, f"{found.draft.pack}-{found.draft.revision}.xlsx", XLSX)


@blueprint.route("/<did>/upload", methods=["GET", "POST"])
@requires(GET="draft.edit", POST="draft.edit")
@takes_files(LARGEST)
def upload(did: str) -> tuple[str, int] | BaseResponse:
    """A workbook in place of what the draft holds.

    It was made on the revision that it was downloaded at, or else on that of the page; and once a page said what it
    would replace, on that (`seen`). What its sender saved since, such as the same workbook before, is no conflict.
    """
    found = own_work(did, "draft.edit")
    errors: list[dict[str, str]] = []
    status, since, more = 422, [], {}
    if request.method == "POST":
        try:
            _name, content = sent_file()
            draft = read_workbook(content)
            files = as_files(draft)
            if draft.key != found.draft.pack:
                words = _("This is the workbook of “%(other)s”, and not of this draft.", other=draft.key[:80])
                raise Wrong(words, "file")
        except Wrong as problem:
            errors = problem.errors
        except Refused as refusal:
            errors = mistake_rows(refusal.mistakes)
        else:
            own, revision = draft.taken_from
            if own == did:
                seen = max(revision, shown_revision("seen"))
                revision = alone_until(session(), found.draft, seen, actor=actor())
            else:
                revision = shown_revision()
            why = changed(did, PutAll(files), revision)
            if why is None:
                flash(_("The workbook is taken: the draft is as it says now."), "success")
                return redirect(url_for("drafts.page", did=did), 303)
            words = refused(why)
            if isinstance(why, DraftConflict):
                if own == did:
                    words = _(
                        "Somebody else changed this draft after this workbook was downloaded from it. Look at what was"
                        " saved since."
                    )
                saved, _pages = read_revisions(session(), own_work(did, "draft.edit").draft)
                status, since = 409, [one for one in saved if one.number > revision]
                more = {"revision": why.revision, "seen": why.revision}
            errors = [{"text": words, "href": "#file"}]
        session().rollback()
        found = own_work(did, "draft.edit")
    return page_of(
        "upload.html", found, status=status if errors else 200, error_list=errors[:MISTAKES_SHOWN], largest=LARGEST,
        comments=found.checked.comments, since=since, **{"seen": shown_revision("seen"), **more},
    )  # fmt: skip


# --- as agencies will see it -----------------------------------------------------------------------------------------


@blueprint.route("/<did>/form/<agency_type>")
@requires(GET="draft.read")
def form(did: str, agency_type: str) -> tuple[str, int]:
    """The checklist of an agency type as its people will be asked it. It needs a draft without mistakes."""
    found = own_work(did)
    if found.checked.pack is None:
        return page_of("not_ready.html", found, what=_("How agencies will see it"))
    if agency_type not in found.checked.pack.templates:
        raise NotFound
    return render_template(
        "oversight/preview_type.html",
        audit_round=None,
        breadcrumbs=crumbs(found.draft),
        **preview_of(found.checked.pack, agency_type, asked("subtype"), None),
    ), 200
