"""What can be downloaded for working offline, and where to upload it again."""

from __future__ import annotations

from flask import Response, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.db import db
from app.models import AuditReturn
from app.operations.offline import stage_sheet
from app.queries.forms import draft_form, signed_form
from app.queries.imports import imports_of
from app.queries.packs import template_of
from app.queries.returns import submissions, why_closed
from app.queries.rounds import NotFound
from app.sheets.cells import LARGEST, Unreadable, read_cells
from app.sheets.write import write_workbook
from app.web.agency.blueprint import any_return, crumbs, may, own_return
from app.web.offline.blueprint import attachment, blueprint, to
from app.web.pages import language, message
from app.web.permissions import requires
from app.web.request import actor, begin, commit, now, session, takes_file

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@blueprint.route("/")
@requires(GET="return.read")
def index(rid: str) -> str:
    """What can be downloaded, where to upload, and what was uploaded before."""
    return _index(own_return(rid))


def _index(audit_return: AuditReturn, problem: str = "") -> str:
    rid = audit_return.public_id
    page = request.args.get("page", 1, type=int) or 1
    uploads, pages = imports_of(session(), rid, actor=actor(), now=now(), page=page)
    closed = why_closed(audit_return, now=now())
    return render_template(
        "offline/index.html",
        audit_return=audit_return,
        closed=closed,
        may_edit=may("return.edit", audit_return) and not closed,
        uploads=uploads,
        page=min(max(page, 1), pages),
        pages=pages,
        submissions=submissions(session(), audit_return),
        problem=problem,
        limit=LARGEST // 1024**2,
        breadcrumbs=crumbs(audit_return),
    )


@blueprint.route("/workbook")
@requires(GET="return.read")
def workbook(rid: str) -> Response:
    """The return as a spreadsheet, with the answers so far; locked where nothing can be changed."""
    audit_return = own_return(rid)
    form = draft_form(session(), audit_return, actor=actor(), now=now(), language=language())
    return attachment(write_workbook(form, template_of(audit_return)[1]), audit_return, ending=".xlsx", kind=XLSX)


@blueprint.route("/signed/<sid>")
@requires(GET="return.read_all")
def signed(rid: str, sid: str) -> Response:
    """A submission as a spreadsheet, as it was signed."""
    audit_return = any_return(rid, "return.read_all")
    chosen = next((one for one in submissions(session(), audit_return) if one.public_id == sid), None)
    if chosen is None:
        raise NotFound
    form = signed_form(session(), audit_return, chosen, actor=actor(), now=now(), language=language())
    content = write_workbook(form, template_of(audit_return)[1])
    return attachment(content, audit_return, "signed", str(chosen.number), ending=".xlsx", kind=XLSX)


@blueprint.route("/upload", methods=["POST"])
@takes_file
@requires(POST="return.edit")
def upload(rid: str) -> tuple[str, int] | BaseResponse:
    """Read a filled-in spreadsheet, keep what it says, and show what it would change."""
    audit_return = any_return(rid, "return.edit")
    file = request.files.get("file")
    if file is None or not file.filename:
        return _index(audit_return, _("Choose the file to upload")), 422
    name, content = file.filename, file.read(LARGEST + 1)
    db.session.rollback()  # reading the file takes a while: nobody waits for it meanwhile
    try:
        sheets = read_cells(content)
        begin()
        staged = stage_sheet(
            session(), rid, name=name, content=content, sheets=sheets, by=actor(), now=now()
        )
    except Unreadable as reason:
        db.session.rollback()
        return _index(own_return(rid), message(reason.message)), 422
    commit()
    return to("show", rid=rid, iid=staged.public_id)
