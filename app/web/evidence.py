"""Evidence: an agency's library, adding and describing files, what they support, and downloading them.

Files leave this service as attachments of no particular type only, so that no browser shows or runs one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any

import structlog
from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as BaseResponse

from app.db import db
from app.domain.evidence import Described, EvidenceErrors
from app.domain.evidence import check as check_words
from app.domain.life import NotPossible
from app.domain.message import N_
from app.files.check import FileRefused, check
from app.files.kinds import ACCEPT
from app.files.scan import scan
from app.files.store import Damaged, Missing, Store, Unreachable, open_store
from app.models import AuditReturn
from app.operations import evidence as operations
from app.operations.evidence import EvidenceConflict, Upload
from app.policy import allows
from app.queries import evidence as queries
from app.queries.evidence import Download
from app.queries.returns import (
    Checklist,
    checklist,
    get_return,
    return_facts,
    sees_drafts,
    why_closed,
)
from app.queries.rounds import NotFound
from app.web.agency.blueprint import any_return, crumbs, own_return, question_address, see_other
from app.web.pages import message, text
from app.web.permissions import requires
from app.web.request import actor, begin, commit, now, session, takes_file

blueprint = Blueprint("evidence", __name__, url_prefix="/returns/<rid>/evidence")
log = structlog.get_logger()

MEGABYTE = 1024**2
FIELDS = {"file": "file", "title": "title", "description": "description", "questions": "questions"}


def store() -> Store:
    """The store of this service."""
    if "candour_evidence" not in current_app.extensions:
        current_app.extensions["candour_evidence"] = open_store(current_app.config["CANDOUR"])
    found: Store = current_app.extensions["candour_evidence"]
    return found


def quota() -> int:
    """Bytes that an agency may keep."""
    return int(current_app.config["CANDOUR"].evidence_quota_mb) * MEGABYTE


# --- What several pages share ----------------------------------------------------------------------------


@dataclass
class Group:
    """The questions of a standard, to choose from. `open`: one of them is chosen."""

    title: str
    number: int
    choices: list[dict[str, Any]] = field(default_factory=list)

    @property
    def open(self) -> bool:
        """Whether a question of it is chosen."""
        return any(choice["checked"] for choice in self.choices)


def groups(work: Checklist, chosen: Iterable[str]) -> list[Group]:
    """All questions of a return by standard, with those that are chosen."""
    wanted = set(chosen)
    found = []
    for section in work.sections:
        group = Group(text(section.standard.title), section.number)
        for item in section.items:
            words = f"{item.number} {text(item.criterion.question)}"
            group.choices.append({"value": item.id, "text": words, "checked": item.id in wanted})
        found.append(group)
    return found


def _numbers(work: Checklist) -> dict[str, tuple[str, str]]:
    """Question id to its number and the id of its standard."""
    return {
        item.id: (item.number, section.standard.id) for section in work.sections for item in section.items
    }


def _may_edit(audit_return: AuditReturn) -> bool:
    facts = return_facts(session(), audit_return, now=now())
    return allows(actor(), "return.edit", facts) and not why_closed(audit_return, now=now())


def _to_edit(rid: str) -> AuditReturn:
    return get_return(session(), rid, actor=actor(), now=now(), permission="return.edit")


def _way_back(audit_return: AuditReturn, *more: tuple[str, str]) -> list[dict[str, str]]:
    here = (_("Evidence"), url_for("evidence.library", rid=audit_return.public_id))
    return crumbs(audit_return, here, *more)


def _summary(problems: dict[str, str]) -> list[dict[str, str]]:
    return [
        {"text": words, "href": f"#{FIELDS[name]}" if name in FIELDS else ""} for name, words in problems.items()
    ]


def _typed() -> Described:
    form = request.form
    return Described(
        form.get("title", ""), form.get("description", ""), tuple(dict.fromkeys(form.getlist("questions")))
    )


def _sent_file() -> FileStorage:
    """The one file of a form. Raises FileRefused."""
    files = [one for name in request.files for one in request.files.getlist(name) if one.filename]
    if not files:
        raise FileRefused("no_file")
    if len(files) > 1:
        raise FileRefused("several")
    return files[0]


def with_upload(rid: str, act: Callable[[Upload], Any]) -> dict[str, str]:
    """Examine the file of this form and, where it may be kept, `act` on it and commit. What is wrong, by field."""
    config = current_app.config["CANDOUR"]
    try:
        sent = _sent_file()
        checked = check(sent.stream, sent.filename, most=config.evidence_max_mb * MEGABYTE)
    except FileRefused as refused:
        return {"file": message(refused.message)}
    with checked.file:
        result = scan(checked.file, config.clamd)
        begin()
        if result.state == "infected":
            operations.note_infected(
                session(), rid, name=checked.name, sha256=checked.sha256, scan=result, by=actor(), now=now()
            )
            commit()
            return {"file": message(FileRefused("infected", name=checked.name, detail=result.found).message)}
        try:
            act(Upload(checked, result))
        except EvidenceErrors as wrong:
            db.session.rollback()
            return {name: message(words) for name, words in wrong.errors.items()}
        except NotPossible as reason:
            db.session.rollback()
            return {"": message(reason.message)}
        commit()
    return {}


# --- The library -----------------------------------------------------------------------------------------


@blueprint.route("/")
@requires(GET="return.read")
def library(rid: str) -> str:
    """Everything that the agency keeps as evidence, with what it supports in this return."""
    audit_return = own_return(rid)
    work = checklist(session(), audit_return)
    standard, unused = request.args.get("standard", ""), request.args.get("show", "") == "unused"
    section = next((one for one in work.sections if one.standard.id == standard), None)
    numbers = _numbers(work)
    wanted = request.args.get("for", "")
    found = queries.library(
        session(),
        audit_return,
        criteria={item.criterion.id for item in section.items} if section else None,
        unused=unused,
        page=request.args.get("page", 1, type=int) or 1,
    )
    args = {"standard": standard if section else "", "show": "unused" if unused else "", "for": wanted}
    return render_template(
        "evidence/library.html",
        audit_return=audit_return,
        found=found,
        numbers=numbers,
        standards=[{"value": one.standard.id, "text": text(one.standard.title)} for one in work.sections],
        args={name: value for name, value in args.items() if value},
        wanted=wanted if wanted in numbers else "",
        used=queries.used(session(), audit_return),
        quota=quota(),
        may_edit=_may_edit(audit_return),
        closed=why_closed(audit_return, now=now()),
        breadcrumbs=crumbs(audit_return),
    )


@blueprint.route("/<eid>")
@requires(GET="return.read")
def piece(rid: str, eid: str) -> str:
    """One piece of evidence: what it shows, what it supports, all its files."""
    audit_return = own_return(rid)
    work = checklist(session(), audit_return)
    return render_template(
        "evidence/piece.html",
        audit_return=audit_return,
        piece=queries.piece(session(), audit_return, eid),
        numbers=_numbers(work),
        may_edit=_may_edit(audit_return),
        closed=why_closed(audit_return, now=now()),
        breadcrumbs=_way_back(audit_return),
    )


# --- Adding and changing ---------------------------------------------------------------------------------


@blueprint.route("/add", methods=["GET", "POST"])
@requires(GET="return.edit", POST="return.edit")
@takes_file
def add(rid: str) -> str | tuple[str, int] | BaseResponse:
    """Add a file, for one or several questions (`?criterion=` chooses the first)."""
    audit_return = _to_edit(rid)
    origin = request.values.get("criterion", "")
    typed = Described("", "", (origin,) if origin else ())
    problems: dict[str, str] = {}
    if request.method == "POST":
        typed = _typed()
        problems = with_upload(
            rid,
            lambda upload: operations.add(
                session(), rid, upload, typed, store=store(), quota=quota(), by=actor(), now=now()
            ),
        )
        if not problems:
            flash(_("The evidence is added."), "success")
            return _back_to(rid, origin)
        if "file" in problems:
            problems |= _wrong_words(typed)
        audit_return = _to_edit(rid)
    work = checklist(session(), audit_return)
    page = render_template(
        "evidence/add.html",
        audit_return=audit_return,
        typed=typed,
        groups=groups(work, typed.questions),
        origin=origin if origin in _numbers(work) else "",
        problems=problems,
        errors=_summary(problems),
        accept=ACCEPT,
        most=current_app.config["CANDOUR"].evidence_max_mb,
        closed=why_closed(audit_return, now=now()),
        breadcrumbs=_way_back(audit_return),
    )
    return page, _status(problems)


def _status(problems: dict[str, str]) -> int:
    if not problems:
        return 200
    return 409 if "" in problems else 422


def _wrong_words(typed: Described) -> dict[str, str]:
    """What is wrong with the words beside a file that was refused, so that all is mended at once."""
    try:
        check_words(typed, known=typed.questions, default_title="file")
    except EvidenceErrors as wrong:
        return {name: message(words) for name, words in wrong.errors.items()}
    return {}


def _back_to(rid: str, question: str) -> BaseResponse:
    """To the question that somebody came from, or to the library."""
    place = _numbers(checklist(session(), own_return(rid))).get(question)
    if place is None:
        return see_other("evidence.library", rid=rid)
    return redirect(question_address(rid, place[1], question), 303)


@blueprint.route("/<eid>/edit", methods=["GET", "POST"])
@requires(GET="return.edit", POST="return.edit")
def edit(rid: str, eid: str) -> str | tuple[str, int] | BaseResponse:
    """Change the title, the description and what it supports."""
    audit_return = _to_edit(rid)
    before = queries.piece(session(), audit_return, eid)
    typed, token, theirs = before.described, before.described.token, None
    problems: dict[str, str] = {}
    if request.method == "POST":
        typed, token = _typed(), request.form.get("based_on", "")
        try:
            result = operations.describe(session(), rid, eid, typed, based_on=token, by=actor(), now=now())
        except EvidenceErrors as wrong:
            problems = {name: message(words) for name, words in wrong.errors.items()}
        except NotPossible as reason:
            problems = {"": message(reason.message)}
        else:
            if not isinstance(result, EvidenceConflict):
                commit()
                flash(_("Your changes are saved."), "success")
                return see_other("evidence.piece", rid=rid, eid=eid)
            theirs, token = result.theirs, result.theirs.token
            problems = {
                "": _("A colleague changed this while you were typing. What is stored now stands beside your fields.")
            }
        db.session.rollback()
        audit_return = _to_edit(rid)
    work = checklist(session(), audit_return)
    page = render_template(
        "evidence/edit.html",
        audit_return=audit_return,
        piece=queries.piece(session(), audit_return, eid),
        typed=typed,
        token=token,
        theirs=theirs,
        numbers=_numbers(work),
        groups=groups(work, typed.questions),
        problems=problems,
        errors=_summary(problems),
        closed=why_closed(audit_return, now=now()),
        breadcrumbs=_way_back(audit_return, (before.title, url_for("evidence.piece", rid=rid, eid=eid))),
    )
    return page, _status(problems)


@blueprint.route("/<eid>/replace", methods=["GET", "POST"])
@requires(GET="return.edit", POST="return.edit")
@takes_file
def replace(rid: str, eid: str) -> str | tuple[str, int] | BaseResponse:
    """Put a newer file in its place; the earlier ones stay."""
    audit_return = _to_edit(rid)
    before = queries.piece(session(), audit_return, eid)
    problems: dict[str, str] = {}
    if request.method == "POST":
        problems = with_upload(
            rid,
            lambda upload: operations.replace(
                session(), rid, eid, upload, store=store(), quota=quota(), by=actor(), now=now()
            ),
        )
        if not problems:
            flash(_("The new file is in place. The earlier one is kept below it."), "success")
            return see_other("evidence.piece", rid=rid, eid=eid)
        audit_return = _to_edit(rid)
    page = render_template(
        "evidence/replace.html",
        audit_return=audit_return,
        piece=before,
        problems=problems,
        errors=_summary(problems),
        accept=ACCEPT,
        most=current_app.config["CANDOUR"].evidence_max_mb,
        closed=why_closed(audit_return, now=now()),
        breadcrumbs=_way_back(audit_return, (before.title, url_for("evidence.piece", rid=rid, eid=eid))),
    )
    return page, _status(problems)


@blueprint.route("/<eid>/attach", methods=["POST"])
@requires(POST="return.edit")
def attach(rid: str, eid: str) -> BaseResponse:
    """Say that a piece of the library supports one more question."""
    question = request.form.get("question", "")
    try:
        row = operations.attach(session(), rid, eid, question, by=actor(), now=now())
    except EvidenceErrors as wrong:
        raise NotPossible(next(iter(wrong.errors.values()))) from None
    title = row.title
    commit()
    flash(_("“%(title)s” supports this question too now.", title=title), "success")
    return _back_to(rid, question)


@blueprint.route("/<eid>/remove", methods=["GET", "POST"])
@requires(GET="return.edit", POST="return.edit")
def remove(rid: str, eid: str) -> str | BaseResponse:
    """Take a piece off one question (`?question=`), or out of the library; asks first."""
    audit_return = _to_edit(rid)
    question = request.values.get("question", "")
    if request.method == "POST":
        if question:
            operations.detach(session(), rid, eid, question, by=actor(), now=now())
            commit()
            flash(_("It no longer supports that question. It is still in your library."), "success")
            return _back_to(rid, question)
        given_up = operations.remove(session(), rid, eid, by=actor(), now=now())
        commit()
        _delete(given_up)
        flash(_("The evidence is removed."), "success")
        return see_other("evidence.library", rid=rid)
    found = queries.piece(session(), audit_return, eid)
    numbers = _numbers(checklist(session(), audit_return))
    if question and question not in found.questions:
        raise NotFound
    return render_template(
        "evidence/remove.html",
        audit_return=audit_return,
        piece=found,
        question=question,
        numbers=numbers,
        closed=why_closed(audit_return, now=now()),
        breadcrumbs=_way_back(audit_return, (found.title, url_for("evidence.piece", rid=rid, eid=eid))),
    )


def _delete(given_up: list[str]) -> None:
    """Delete content that nobody keeps. It is given up for good already; `candour evidence check` finds what stays."""
    if not given_up:
        return
    begin()
    try:
        operations.delete_given_up(session(), given_up, store=store())
    except Unreachable as problem:
        log.error("given up content was not deleted", error=str(problem))
    commit()


# --- Downloading -----------------------------------------------------------------------------------------


@blueprint.route("/<eid>/files/<int:number>")
@requires(GET="return.read")
def file(rid: str, eid: str, number: int) -> Response:
    """One file of a piece of evidence, for the agency's own people."""
    return attachment(queries.file_of_piece(session(), own_return(rid), eid, number))


@blueprint.route("/signed/<sha256>")
@requires(GET="return.read")
def signed(rid: str, sha256: str) -> Response:
    """A file that a submission names. Whoever is not of the agency gets those of the latest one only."""
    audit_return = any_return(rid)
    own = sees_drafts(actor(), audit_return)
    return attachment(queries.file_of_submission(session(), audit_return, sha256, own=own))


def _pieces(content: IO[bytes]) -> Iterator[bytes]:
    with content:
        while piece := content.read(256 * 1024):
            yield piece


def attachment(wanted: Download) -> Response:
    """A file to keep, which no browser shows: as bytes, in a sandbox. Checked against its SHA-256 first."""
    if wanted.scan == "infected":
        raise NotPossible(
            N_("A virus scanner found something harmful in this file, so it cannot be downloaded."
               " Ask whoever added it for a clean copy.")
        )  # fmt: skip
    try:
        content = store().open(wanted.sha256)
    except (Missing, Damaged, Unreachable) as problem:
        log.error("evidence cannot be read", sha256=wanted.sha256, error=type(problem).__name__)
        raise NotPossible(
            N_("This file cannot be read at the moment. Try again later; if it happens again, tell whoever runs this"
               " service.")
        ) from None  # fmt: skip
    response = send_file(
        content, mimetype="application/octet-stream", as_attachment=True, download_name=wanted.name,
        conditional=False, etag=False,
    )  # fmt: skip
    response.direct_passthrough = False
    response.response = _pieces(content)
    response.headers["Content-Length"] = str(wanted.size)
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-store"
    response.call_on_close(content.close)
    return response
