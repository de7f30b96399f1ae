"""The gallery: every pack with what it shows, as a form, as blank PDF and with sample findings; two versions compared.

For inspectors, who choose a pack for their round, and administrators, who publish packs. Agencies read the checklist
that they are asked in their own round; what is not published yet is nobody else's.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Blueprint, abort, current_app, flash, redirect, render_template, send_file, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from app.domain.gallery import ANSWERS, sections
from app.domain.versions import compare
from app.languages import NAMES
from app.policy import could
from app.queries.gallery import (
    ASKED,
    FAILED,
    FOLDER,
    LONGEST,
    ON_DISK,
    SAMPLES,
    Exhibit,
    blank_name,
    editions,
    exhibit,
    gallery,
)
from app.queries.rounds import NotFound
from app.web.markdown import markdown
from app.web.pages import text
from app.web.permissions import requires
from app.web.preview import preview_of
from app.web.request import actor, commit, session
from app.web.typed import asked
from reports.registry import reports as registered

# what headings of a README say where they are about sources, and about what is assumed
SOURCES_AND_ASSUMPTIONS = ("source", "comes from", "our own", "assum", "public knowledge")

blueprint = Blueprint("gallery", __name__, url_prefix="/gallery")


def _templates() -> Path:
    return Path(current_app.config["CANDOUR"].templates)


def _exhibit(pack: str, edition: str) -> Exhibit:
    return exhibit(session(), _templates(), pack, edition, actor=actor())


def _folder(found: Exhibit) -> Path:
    """Where the documents of an exhibit are kept."""
    return Path(current_app.config["CANDOUR"].home) / FOLDER / found.folder


def _crumbs(found: Exhibit | None = None) -> list[dict[str, str]]:
    here = (
        {"text": _("Rounds"), "href": url_for("oversight.rounds")}
        if could(actor(), "round.read")
        else {"text": _("Administration"), "href": url_for("admin.index")}
    )
    crumbs = [here]
    if found is not None or asked("then") or asked("now"):
        crumbs.append({"text": _("Packs and examples"), "href": url_for("gallery.index")})
    return crumbs


def edition_words(edition: str, version: int) -> str:
    """What an edition is called: `version 3`, or that it is not published yet."""
    if edition == ON_DISK:
        return _("version %(number)s, not published", number=version)
    return _("version %(number)s", number=version)


@blueprint.route("")
@requires(GET="gallery.read")
def index() -> str:
    """Every pack, with what it is for."""
    found = gallery(session(), _templates(), actor=actor())
    return render_template(
        "gallery/index.html",
        exhibits=found.exhibits,
        broken=found.broken,
        edition_words=edition_words,
        breadcrumbs=_crumbs(),
    )


@blueprint.route("/<pack>/<edition>")
@requires(GET="gallery.read")
def page(pack: str, edition: str) -> str:
    """One pack: what it asks of whom, what it shows, where it comes from, and its documents."""
    found = _exhibit(pack, edition)
    folder = _folder(found)
    return render_template(
        "gallery/pack.html",
        found=found,
        shown=found.shown,
        pack=found.pack,
        edition_words=edition_words,
        answer_words={key: _(words) for key, words in ANSWERS.items()},
        languages_known=NAMES,
        blanks=[
            (one.key, one.kind.plural) for one in found.shown.types if (folder / blank_name(one.key)).is_file()
        ],
        findings=any((folder / name).is_file() for name in SAMPLES.values()),
        samples=[
            (name, registered()[report].title) for report, name in SAMPLES.items() if (folder / name).is_file()
        ],
        making=_is_making(folder),
        failed=(folder / FAILED).is_file(),
        others=[
            (one, number) for one, number in editions(session(), _templates(), pack, actor=actor()) if one != edition
        ],
        readme_first=_readme(found, first=True),
        readme_rest=_readme(found, first=False),
        breadcrumbs=_crumbs(found),
    )


def _readme(found: Exhibit, *, first: bool) -> list[tuple[str, Markup]]:
    """Sections of the README, heading and text: sources and assumptions, or all the others."""
    return [
        (heading, markdown(body, below=3))
        for heading, body in sections(found.shown.readme)
        if first == any(word in heading.lower() for word in SOURCES_AND_ASSUMPTIONS)
    ]


def _is_making(folder: Path) -> bool:
    """Whether documents were asked for, and may still come."""
    try:
        since = datetime.fromtimestamp((folder / ASKED).stat().st_mtime, UTC)
    except FileNotFoundError:
        return False
    return datetime.now(UTC) - since < LONGEST


@blueprint.route("/<pack>/<edition>/form/<agency_type>")
@requires(GET="gallery.read")
def form(pack: str, edition: str, agency_type: str) -> str:
    """The checklist of an agency type as its people will be asked it."""
    found = _exhibit(pack, edition)
    if agency_type not in found.pack.templates:
        raise NotFound
    return render_template(
        "oversight/preview_type.html",
        audit_round=None,
        breadcrumbs=[
            *_crumbs(found),
            {"text": text(found.pack.title), "href": url_for("gallery.page", pack=pack, edition=edition)},
        ],
        **preview_of(found.pack, agency_type, asked("subtype"), None),
    )


# --- documents -------------------------------------------------------------------------------------------------------


@blueprint.route("/<pack>/<edition>/documents", methods=["POST"])
@requires(POST="gallery.read")
def make(pack: str, edition: str) -> BaseResponse:
    """Have the blank forms and the sample findings made in the background. What is being made is not begun twice."""
    found = _exhibit(pack, edition)
    folder = _folder(found)
    if not _is_making(folder):
        current_app.extensions["candour_jobs"].enqueue_gallery(session(), pack, edition)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / FAILED).unlink(missing_ok=True)
        (folder / ASKED).touch()
        commit()
    flash(_("The documents are being made. That takes a minute or two; load this page again to see them."))
    return redirect(url_for("gallery.page", pack=pack, edition=edition), 303)


@blueprint.route("/<pack>/<edition>/documents/<name>")
@requires(GET="gallery.read")
def document(pack: str, edition: str, name: str) -> BaseResponse:
    """One of the documents, as it was made for exactly this content. 404 where it is not made."""
    found = _exhibit(pack, edition)
    if name not in {*SAMPLES.values(), *map(blank_name, found.pack.agency_types)}:
        raise NotFound
    path = _folder(found) / name
    if not path.is_file():
        abort(404)
    called = f"{pack}-{found.pack.version}-{name}"
    response = send_file(path, mimetype="application/pdf", as_attachment=True, download_name=called)
    response.headers["Cache-Control"] = "no-store"
    return response


# --- two versions ----------------------------------------------------------------------------------------------------


@blueprint.route("/<pack>/compare")
@requires(GET="gallery.read")
def compared(pack: str) -> str:
    """Two versions side by side: what was added, changed and removed, and what that means for carried answers."""
    known = editions(session(), _templates(), pack, actor=actor())
    keys = [edition for edition, _number in known]
    if not keys:
        raise NotFound
    now_key = asked("now") if asked("now") in keys else keys[0]
    earlier = keys[keys.index(now_key) + 1 :]
    then_key = asked("then") if asked("then") in keys else next(iter(earlier), keys[-1])
    then, now = _exhibit(pack, then_key), _exhibit(pack, now_key)
    return render_template(
        "gallery/compare.html",
        pack=now.pack,
        known=known,
        then_key=then_key,
        now_key=now_key,
        found=compare(then.pack, now.pack) if then_key != now_key else None,
        edition_words=edition_words,
        part_words=part_words(),
        breadcrumbs=[
            *_crumbs(now),
            {"text": text(now.pack.title), "href": url_for("gallery.page", pack=pack, edition=now_key)},
        ],
    )


def part_words() -> dict[str, Any]:
    """What the parts of a question and of a pack are called; others stand as the author writes them."""
    return {
        "question": _("the question"), "why": _("why it is asked"), "evidence": _("what shows it"),
        "recommendations": _("recommendations"), "milestone": _("milestone"), "theme": _("theme"),
        "subtypes": _("who is asked"), "twins": _("twins"), "grading": _("grading scheme"),
        "answer": _("how it is answered"), "scope": _("for each area, for each site or once"),
        "required": _("whether it is required"), "carried": _("whether answers are carried forward"),
        "required_if": _("when it is required"), "shown_if": _("when it is asked"),
        "not_applicable_if": _("when it falls away"), "version": _("its version"), "standard": _("its standard"),
        "optional": _("whether it is optional"), "title": _("the title"), "introduction": _("the introduction"),
        "declaration": _("the declaration"), "scales": _("scales"), "indicators": _("indicators"),
        "targets": _("key targets"), "judgements": _("judgements"), "triggers": _("triggers"),
        "summary": _("the summary"), "source": _("the source"), "findings": _("texts of the findings"),
        "moderation": _("how returns are checked"), "survey": _("the survey of staff"),
        "agency_types": _("types of agency"), "oversight_bodies": _("oversight bodies"),
        "grading_schemes": _("grading schemes"), "milestones": _("milestones"), "themes": _("themes"),
        "recommendation_reports": _("reports that are cited"), "quantifiers": _("words for shares"),
    }  # fmt: skip
