"""What the pages for working offline share: the blueprint, the way back, names of files, what was uploaded."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, current_app, redirect, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.bundle import kept_file
from app.models import AuditReturn, StagedImport
from app.queries.imports import Preview, get_import, preview
from app.web.agency.blueprint import crumbs
from app.web.request import now, session

blueprint = Blueprint("offline", __name__, url_prefix="/returns/<rid>/offline")


def to(endpoint: str, **values: Any) -> BaseResponse:
    """A redirect to one of these pages after a form was sent."""
    return redirect(url_for(f"offline.{endpoint}", **values), 303)


def way_back(audit_return: AuditReturn) -> list[dict[str, str]]:
    """The breadcrumbs of the pages below “Work offline”."""
    return crumbs(audit_return, (_("Work offline"), url_for("offline.index", rid=audit_return.public_id)))


def file_name(audit_return: AuditReturn, *parts: str) -> str:
    """What a download is called, without its ending: round, agency, what it is."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", "-".join((audit_return.audit_round.key, audit_return.agency.code, *parts)))


def attachment(content: bytes, audit_return: AuditReturn, *parts: str, ending: str, kind: str) -> Response:
    """A file to download."""
    name = file_name(audit_return, *parts) + ending
    return Response(content, mimetype=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def preview_of(audit_return: AuditReturn, iid: str) -> Preview:
    """What an upload of a return would change now. Raises NotFound."""
    staged = get_import(session(), audit_return, iid)
    return preview(session(), audit_return, staged, now=now())


def tidy(staged: StagedImport) -> None:
    """Nothing is left to take from an upload that is settled or dismissed: its file goes."""
    if staged.state != "open":
        kept_file(current_app.config["CANDOUR"].home, staged.public_id).unlink(missing_ok=True)
