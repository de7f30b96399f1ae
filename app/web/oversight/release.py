"""Release: preparing feedback, the window for its factual accuracy, publication, and what is published."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from app.domain.corrections import CHAPTERS, DAYS, FIELDS, RECOMMENDED
from app.domain.integrity import hash_of
from app.domain.life import NotPossible
from app.domain.message import Message
from app.languages import known
from app.models import AuditRound, Release
from app.operations import release as operations
from app.operations.reports import PUBLISHED, REGISTER, request_publication
from app.policy import allows
from app.queries.findings import has_joint
from app.queries.letters import has_letters, letters_of
from app.queries.packs import pack_of
from app.queries.register import has_register
from app.queries.release import (
    counts_of,
    edition_content,
    editions,
    held_back,
    is_oversight,
    left_out,
    prepare_edition,
    publication_event,
    published_findings,
    readers,
    release_list,
    release_of,
    standing,
)
from app.queries.rounds import NotFound, get_round, round_facts
from app.web.findings_file import findings_csv
from app.web.oversight.blueprint import round_crumbs, type_name
from app.web.pages import day, language, message, moment
from app.web.permissions import requires
from app.web.reports import enqueue
from app.web.request import actor, commit, now, session
from app.web.typed import TypedInstant, asked, page_asked, read_instant, summary, typed

blueprint = Blueprint("release", __name__)

CHANGES_SHOWN = 500  # of a correction, on its page; all of them are in the data


def _round(rid: str, permission: str = "release.read") -> AuditRound:
    return get_round(session(), rid, actor=actor(), now=now(), permission=permission)


def _crumbs(audit_round: AuditRound, *, below: bool = True) -> list[dict[str, str]]:
    here = [(_("Release"), url_for("release.overview", rid=audit_round.public_id))] if below else []
    return round_crumbs(audit_round, *here)


def _to_overview(rid: str, words: str) -> BaseResponse:
    commit()
    flash(words, "success")
    return redirect(url_for("release.overview", rid=rid), 303)


@blueprint.route("/rounds/<rid>/release")
@requires(GET="release.read")
def overview(rid: str) -> str:
    """How far the release of a round is, what stands in the way of publishing, and the feedback to each agency."""
    audit_round = _round(rid)
    release = release_of(session(), audit_round)
    counts = counts_of(session(), audit_round, actor=actor(), now=now())
    listed = release_list(
        session(), audit_round, actor=actor(), now=now(), text=asked("text"), only=asked("only"), page=page_asked()
    )
    pack = pack_of(audit_round.pack_version)
    return render_template(
        "release/overview.html",
        audit_round=audit_round,
        standing=standing(release, now=now()),
        counts=counts,
        obstacles=operations.obstacles(counts, release, at=release.publish_at if release else None),
        **_of_time(audit_round, release),
        left_out=left_out(session(), audit_round, release, actor=actor(), now=now()),
        listed=listed,
        kinds={row.agency_type: type_name(pack, row.agency_type) for row in listed.rows},
        narrowed={"text": asked("text"), "only": asked("only")},
        page=page_asked(),
        editions=editions(session(), audit_round, now=now()),
        has_letters=has_letters(audit_round),
        may_publish=allows(actor(), "release.publish", round_facts(session(), audit_round, now=now())),
        breadcrumbs=_crumbs(audit_round, below=False),
    )


def _of_time(audit_round: AuditRound, release: Release | None) -> dict[str, Any]:
    """What the page says of challenges and the time of publication: whether one held it back, or can."""
    at = standing(release, now=now())
    if at.publication == "none":
        return {"held": held_back(session(), audit_round, actor=actor())}
    if at.publication == "published" or not operations.may_be_challenged(release, now=now()):
        return {}
    was_set = publication_event(session(), audit_round)
    texts = {one.name: one.text for one in was_set.texts} if was_set else {}
    accepted = texts.get(f"waived-{operations.LATER}") or texts.get("waived-window") or ""
    return {"can_be_held": True, "accepted": accepted}


@blueprint.route("/rounds/<rid>/release/prepare", methods=["POST"])
@requires(POST="release.read")
def prepare(rid: str) -> BaseResponse:
    """Prepare the feedback for all submitted returns."""
    new = operations.prepare(session(), rid, by=actor(), now=now())
    if not new:
        commit()
        flash(_("Nothing has changed since the feedback was prepared last."), "note")
        return redirect(url_for("release.overview", rid=rid), 303)
    words = ngettext(
        "Feedback to %(num)d agency is prepared.", "Feedback to %(num)d agencies is prepared.", new
    )
    return _to_overview(rid, words)


@blueprint.route("/rounds/<rid>/release/window", methods=["GET", "POST"])
@requires(GET="release.publish", POST="release.publish")
def window(rid: str) -> tuple[str, int] | BaseResponse:
    """From when to when agencies can check the facts in their own draft feedback."""
    audit_round = _round(rid, "release.publish")
    at = standing(release_of(session(), audit_round), now=now())
    opens, closes = TypedInstant.of(at.opens), TypedInstant.of(at.closes)
    errors: dict[str, str] = {}
    if request.method == "POST":
        opens, starts = read_instant("opens", errors)
        closes, ends = read_instant("closes", errors)
        if starts and ends:
            try:
                operations.set_window(session(), rid, opens=starts, closes=ends, by=actor(), now=now())
            except NotPossible as reason:
                session().rollback()
                errors["closes"] = message(reason.message)
            else:
                return _to_overview(rid, _("The window is set."))
        audit_round = _round(rid, "release.publish")
    page = render_template(
        "release/window.html",
        audit_round=audit_round,
        standing=at,
        opens=opens,
        closes=closes,
        errors=errors,
        error_list=summary(errors, ("opens", "closes")),
        breadcrumbs=_crumbs(audit_round),
    )
    return page, 422 if errors else 200


@blueprint.route("/rounds/<rid>/release/publish", methods=["GET", "POST"])
@requires(GET="release.publish", POST="release.publish")
def publish(rid: str) -> tuple[str, int] | BaseResponse:
    """Set the minute of publication, after a page that shows exactly what becomes readable then, and to whom."""
    audit_round = _round(rid, "release.publish")
    release = release_of(session(), audit_round)
    fields = TypedInstant.of(release.publish_at if release else None)
    errors: dict[str, str] = {}
    waived = {key: typed(f"waived-{key}") for key in operations.WAIVABLE}
    if request.method == "POST":
        fields, at = read_instant("at", errors)
        if at and at <= now():
            errors["at"] = _("Choose a time that is ahead: what is published cannot be taken back.")
        counts = counts_of(session(), audit_round, actor=actor(), now=now())
        in_the_way = operations.obstacles(counts, release, at=at)
        confirmed = typed("step") == "confirm"
        if at and not errors and confirmed:
            for one in in_the_way:
                if not waived[one.key]:
                    errors[f"waived-{one.key}"] = _(
                        "%(what)s: say why it is published all the same, or settle it first.", what=_(one.words)
                    )
        if at and not errors and confirmed:
            try:
                operations.set_publication(
                    session(), rid, at=at, waived=waived, expected=typed("expected"), by=actor(), now=now()
                )
            except NotPossible as reason:
                session().rollback()
                errors["at"] = message(reason.message)
                audit_round = _round(rid, "release.publish")
            else:
                return _to_overview(rid, _("The findings come out on %(when)s.", when=moment(at)))
        if at and (confirmed or not errors):
            content = prepare_edition(session(), audit_round, actor=actor(), now=now())
            page = render_template(
                "release/confirm.html",
                audit_round=audit_round,
                at=at,
                fields=fields,
                findings=content["findings"].get(language(), content["findings"]["en"]),
                joint=has_joint(audit_round),
                register="register" in content,
                letters=[one["en"]["area"] for one in content.get("letters", {}).values()],
                readers=readers(session(), audit_round, content, actor=actor(), now=now()),
                expected=hash_of(content),
                obstacles=in_the_way,
                # where the window outlasts the time itself, that is in the way already
                closes=release.accuracy_closes
                if release and operations.may_be_challenged(release, now=now())
                and not any(one.key == "window" for one in in_the_way)
                else None,
                waived=waived,
                errors=errors,
                error_list=summary(errors),
                breadcrumbs=_crumbs(audit_round),
            )
            return page, 422 if errors else 200
    page = render_template(
        "release/publish.html",
        audit_round=audit_round,
        standing=standing(release, now=now()),
        fields=fields,
        errors=errors,
        error_list=summary(errors, ("at",)),
        breadcrumbs=_crumbs(audit_round),
    )
    return page, 422 if errors else 200


@blueprint.route("/rounds/<rid>/release/take-back", methods=["POST"])
@requires(POST="release.publish")
def take_back(rid: str) -> BaseResponse:
    """Take the minute of publication back before it has come."""
    operations.take_back(session(), rid, by=actor(), now=now())
    return _to_overview(rid, _("No time is set for publication any more. Nothing comes out."))


@blueprint.route("/rounds/<rid>/release/correct", methods=["GET", "POST"])
@requires(GET="release.publish", POST="release.publish")
def correct(rid: str) -> tuple[str, int] | BaseResponse:
    """Correct what is published: what would change, and why."""
    audit_round = _round(rid, "release.publish")
    errors: dict[str, str] = {}
    waived = {key: typed(f"waived-{key}") for key in operations.WAIVABLE}
    if request.method == "POST":
        try:
            row = operations.correct(
                session(), rid, reason=typed("reason"), expected=typed("expected"), waived=waived, by=actor(), now=now()
            )
        except NotPossible as reason:
            session().rollback()
            errors["reason"] = message(reason.message)
            audit_round = _round(rid, "release.publish")
        else:
            commit()
            flash(_("The correction is published as number %(number)s.", number=row.number), "success")
            return redirect(url_for("release.publications", rid=rid), 303)
    found = operations.correction(session(), audit_round, by=actor(), now=now())
    page = render_template(
        "release/correct.html",
        audit_round=audit_round,
        correction=found,
        chapters=by_chapter([one.model_dump() for one in found.changes]),
        reason=typed("reason"),
        waived=waived,
        errors=errors,
        error_list=summary(errors),
        breadcrumbs=_crumbs(audit_round),
    )
    return page, 422 if errors else 200


def by_chapter(changes: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[dict[str, str]]]]:
    """The changes of a correction by chapter, in words; the first few hundred of them."""
    found: dict[str, list[dict[str, str]]] = {}
    for change in changes[:CHANGES_SHOWN]:
        what = change["what"]
        if change["chapter"] == RECOMMENDED:
            what = _("Recommendation %(number)s", number=what)
        words = {"what": what or _("All agencies"), "field": _(FIELDS.get(change["field"], change["field"]))}
        chapter = _(CHAPTERS.get(change["chapter"], change["chapter"]))
        found.setdefault(chapter, []).append(
            words | {one: _changed(change["field"], change[one]) for one in ("old", "new")}
        )
    return list(found.items())


def _changed(field: str, value: str) -> str:
    """How what was, or is, stands beside the other: days in words."""
    return day(date.fromisoformat(value)) if field in DAYS and value else value or "–"


# --- what is published: for those who inspect and, from its minute on, for the agencies ------------------------------


@blueprint.route("/rounds/<rid>/publications")
@requires(GET="findings.read")
def publications(rid: str) -> str:
    """Every edition of the findings, with what a correction changed, to download."""
    audit_round = _round(rid, "findings.read")
    every = editions(session(), audit_round, now=now())
    inspects = is_oversight(session(), audit_round, actor=actor(), now=now())
    return render_template(
        "release/publications.html",
        audit_round=audit_round,
        editions=[(one, by_chapter(one.changes), max(0, len(one.changes) - CHANGES_SHOWN)) for one in every],
        letters=letters_of(session(), audit_round, actor=actor(), now=now()),
        joint=has_joint(audit_round),
        register=REGISTER,
        # editions that came out before the service published it have none
        with_register={
            one.number
            for one in every
            if has_register(audit_round)
            and "register" in edition_content(session(), audit_round, one.number, now=now())
        },
        breadcrumbs=_crumbs(audit_round) if inspects else None,
        back={"href": url_for("home.index"), "text": _("Back to your start page")},
    )


@blueprint.route("/rounds/<rid>/publications/<int:number>.json")
@requires(GET="findings.read")
def publication_data(rid: str, number: int) -> Response:
    """The findings of an edition as data, byte for byte as they were frozen, with what became of it since."""
    audit_round = _round(rid, "findings.read")
    edition = next((one for one in editions(session(), audit_round, now=now()) if one.number == number), None)
    if edition is None:
        raise NotFound
    content = edition_content(session(), audit_round, number, now=now())
    wanted = known(asked("language") or language())
    data = {
        "format": "candour-publication/1",
        "number": edition.number,
        "published_at": edition.at.isoformat(),
        "replaced_by": edition.replaced_by or None,
        "reason": edition.reason,
        "changes": list(edition.changes),
        "sha256": edition.sha256,
    }
    if has_joint(audit_round):
        data["findings"] = content["findings"].get(wanted) or content["findings"]["en"]
    if "register" in content:
        data["register"] = content["register"].get(wanted) or content["register"]["en"]
    replaced = "-replaced" if edition.replaced_by else ""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{audit_round.key}-findings-{number}{replaced}.json")
    return Response(
        json.dumps(data, ensure_ascii=False, indent=2, sort_keys=True) + "\n",
        mimetype="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@blueprint.route("/rounds/<rid>/publications/<int:number>.csv")
@requires(GET="findings.read")
def publication_table(rid: str, number: int) -> Response:
    """The figures of an edition as its PDF shows them, one in a line."""
    audit_round = _round(rid, "findings.read")
    if not has_joint(audit_round):
        raise NotFound
    wanted = known(asked("language") or language())
    found = published_findings(session(), audit_round, number, actor=actor(), now=now(), language=wanted)
    replaced = "-replaced" if found.edition and found.edition.replaced_by else ""
    return findings_csv(found, f"{audit_round.key}-findings-{number}{replaced}")


@blueprint.route("/rounds/<rid>/publications/<int:number>/pdf", methods=["POST"])
@requires(POST="findings.read")
def publication_pdf(rid: str, number: int) -> BaseResponse:
    """Ask for the PDF of an edition, of its findings or another report in it; where it is made already, go there."""
    audit_round = _round(rid, "findings.read")
    run = request_publication(
        session(), audit_round, number, by=actor(), now=now(), enqueue=enqueue(),
        language=known(typed("language") or language()), report=typed("report") or PUBLISHED,
    )  # fmt: skip
    commit()
    return redirect(url_for("reports.run_page", run=run.public_id), 303)


@blueprint.app_template_filter("domain_words")
def domain_words(value: str) -> str:
    """Words of the domain, in the reader's language."""
    return message(Message(value))
