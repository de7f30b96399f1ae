"""Bundles: a return for another installation to take, and taking one from there."""

from __future__ import annotations

import hashlib
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from flask import Response, current_app, flash, render_template, request
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from app.bundle import PIECE, keep_file, kept_file, open_member, read_bundle, write_bundle
from app.db import db
from app.domain.life import NotPossible
from app.domain.message import N_, Message
from app.files.check import FileRefused, check
from app.files.scan import scan
from app.files.store import Damaged, Missing, Unreachable
from app.models import AuditReturn
from app.operations.evidence import Upload
from app.operations.offline import leave_evidence, stage_bundle, take_actions, take_evidence
from app.queries.bundles import bundle_content
from app.queries.imports import get_import
from app.queries.returns import why_closed
from app.sheets.cells import Unreadable
from app.web.agency.blueprint import any_return, may, own_return
from app.web.evidence import quota, store
from app.web.offline.blueprint import blueprint, file_name, preview_of, tidy, to, way_back
from app.web.pages import message
from app.web.permissions import requires
from app.web.request import actor, begin, commit, now, session, takes_file, takes_files

BUNDLE_MB = 200  # megabytes of a bundle that pages take and give
PATIENCE = 5.0  # seconds for examining the files of a bundle in one request


@blueprint.route("/bundle")
@requires(GET="return.read")
def bundle(rid: str) -> str:
    """The bundle for another installation to download, and where to upload one from there."""
    return _bundle_page(own_return(rid))


def _bundle_page(audit_return: AuditReturn, problem: str = "") -> str:
    closed = why_closed(audit_return, now=now())
    return render_template(
        "offline/bundle.html",
        audit_return=audit_return,
        closed=closed,
        may_edit=may("return.edit", audit_return) and not closed,
        problem=problem,
        limit=BUNDLE_MB,
        breadcrumbs=way_back(audit_return),
    )


@blueprint.route("/bundle/download")
@requires(GET="return.read")
def download_bundle(rid: str) -> Response:
    """The answers, planned actions and evidence of a return as it stands, in one file."""
    audit_return = own_return(rid)
    content = bundle_content(session(), audit_return, actor=actor(), now=now())
    sizes = {piece["sha256"]: piece["size"] for piece in content["evidence"]}
    if sum(sizes.values()) > BUNDLE_MB * 1024**2:
        raise NotPossible(
            N_(
                "The evidence of this audit is larger than %(limit)s MB, which is the most for a download. Ask whoever"
                " runs this service for the bundle: they can make it from the terminal."
            ),
            limit=BUNDLE_MB,
        )
    out = tempfile.TemporaryFile()  # noqa: SIM115 (closed once it was sent)
    try:
        write_bundle(content, out, store().open)
    except (Missing, Damaged, Unreachable):
        out.close()
        raise NotPossible(
            N_("A file of the evidence cannot be read at the moment, so no bundle was made. Try again later.")
        ) from None
    size = out.tell()
    headers = {
        "Content-Disposition": f'attachment; filename="{file_name(audit_return, "bundle")}.zip"',
        "Content-Length": str(size),
    }
    return Response(_sent(out), mimetype="application/zip", headers=headers)


def _sent(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while piece := file.read(PIECE):
            yield piece


@blueprint.route("/bundle", methods=["POST"])
@takes_files(BUNDLE_MB)
@requires(POST="return.edit")
def upload_bundle(rid: str) -> tuple[str, int] | BaseResponse:
    """Read a bundle from another installation, keep it, and show what it would change."""
    audit_return = any_return(rid, "return.edit")
    file = request.files.get("file")
    if file is None or not file.filename:
        return _bundle_page(audit_return, _("Choose the bundle to upload")), 422
    db.session.rollback()
    name, stream = file.filename, file.stream
    try:
        most = current_app.config["CANDOUR"].evidence_max_mb * 1024**2
        manifest = read_bundle(stream, largest_file=most, largest=BUNDLE_MB * 1024**2)
        stream.seek(0)
        digest = hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
        begin()
        staged = stage_bundle(
            session(), rid, name=name, digest=digest, manifest=manifest, by=actor(), now=now()
        )
        keep_file(current_app.config["CANDOUR"].home, staged.public_id, stream)
    except Unreadable as reason:
        db.session.rollback()
        return _bundle_page(own_return(rid), message(reason.message)), 422
    commit()
    return to("show", rid=rid, iid=staged.public_id)


@blueprint.route("/uploads/<iid>/actions", methods=["POST"])
@requires(POST="return.edit")
def actions(rid: str, iid: str) -> BaseResponse:
    """Plan the actions of a bundle that are ticked, and leave the others."""
    ticked = {int(one) for one in request.form.getlist("action") if re.fullmatch(r"[0-9]{1,6}", one)}
    shown = {int(one) for one in request.form.getlist("shown") if re.fullmatch(r"[0-9]{1,6}", one)}
    number = take_actions(session(), rid, iid, wanted=ticked, leave=shown - ticked, by=actor(), now=now())
    staged = get_import(session(), any_return(rid, "return.edit"), iid)
    commit()
    tidy(staged)
    flash(ngettext("%(num)d action planned.", "%(num)d actions planned.", number), "success")
    return to("show", rid=rid, iid=iid)


@blueprint.route("/uploads/<iid>/evidence", methods=["POST"])
@takes_file
@requires(POST="return.edit")
def take_files(rid: str, iid: str) -> BaseResponse:
    """Add the files of a bundle to the library: each is examined, for as long as a request may take."""
    found = preview_of(any_return(rid, "return.edit"), iid)
    waiting = list(dict.fromkeys(one.sha256 for one in found.evidence if one.state == "open"))
    names = {one.sha256: one.name for one in found.evidence}
    if request.form.get("leave"):
        begin()
        leave_evidence(session(), rid, iid, by=actor(), now=now())
        staged = get_import(session(), any_return(rid, "return.edit"), iid)
        commit()
        tidy(staged)
        flash(_("The files are left out."), "success")
        return to("show", rid=rid, iid=iid)
    path = kept_file(current_app.config["CANDOUR"].home, iid)
    if waiting and not path.is_file():
        raise NotPossible(N_("The file of this upload is not kept any more. Upload it again to take its evidence."))
    until, added, done = time.monotonic() + PATIENCE, 0, 0
    for sha256 in waiting:
        if done and time.monotonic() > until:
            break
        added += _take_file(rid, iid, path, sha256, names[sha256])
        done += 1
    db.session.rollback()
    words = ngettext("%(num)d file added to the evidence.", "%(num)d files added to the evidence.", added)
    if left := len(waiting) - done:
        words += " " + ngettext(
            "%(num)d file is still to be examined: go on below.",
            "%(num)d files are still to be examined: go on below.",
            left,
        )  # fmt: skip
    elif refused := done - added:
        words += " " + ngettext(
            "%(num)d could not be taken: see why below.", "%(num)d could not be taken: see why below.", refused
        )
    flash(words, "success" if added else "info")
    return to("show", rid=rid, iid=iid)


def _take_file(rid: str, iid: str, path: Path, sha256: str, name: str) -> bool:
    """Examine one file of a bundle and add it, in a transaction of its own. Whether it was added."""
    config = current_app.config["CANDOUR"]
    problem: Message | None = None
    with ExitStack() as stack:
        upload = None
        try:
            member = stack.enter_context(open_member(stack.enter_context(path.open("rb")), sha256))
            checked = check(member, name, most=config.evidence_max_mb * 1024**2)
            stack.enter_context(checked.file)
            upload = Upload(checked, scan(checked.file, config.clamd))
        except FileRefused as refused:
            problem = refused.message
        if upload and upload.scan.state == "infected":
            problem = FileRefused("infected", name=name, detail=upload.scan.found).message
            upload = None
        begin()
        added = take_evidence(
            session(), rid, iid, sha256, upload, problem=problem, store=store(), quota=quota(), by=actor(), now=now()
        )
        staged = get_import(session(), any_return(rid, "return.edit"), iid)
        commit()
        tidy(staged)
    return added
