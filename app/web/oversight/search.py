"""Searching what was signed and written: in a round for those who oversee it, in one agency for its readers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from flask import Blueprint, current_app, render_template, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from app.domain.answers import question_parts
from app.domain.search import wanted
from app.domain.templates import Criterion, Grade, Pack
from app.models import AuditReturn, AuditRound, Moderation
from app.policy import allows
from app.queries.judgements import books_of
from app.queries.moderation import checked_for
from app.queries.own_types import types_where
from app.queries.packs import pack_of, template_of
from app.queries.returns import get_return, return_facts
from app.queries.rounds import areas_in_round, get_round
from app.queries.search import KINDS, MOST_ROWS, Found, SearchFilter, search_agency, search_round
from app.queries.sites import site_names
from app.web.agency.blueprint import crumbs
from app.web.oversight.blueprint import round_crumbs, type_choices, type_name
from app.web.pages import text
from app.web.permissions import requires
from app.web.request import actor, now, session
from app.web.sheets import csv_download
from app.web.typed import asked, page_asked

blueprint = Blueprint("search", __name__)

# where a post is read: endpoint, the name of the thread's id in its address
THREAD_PAGES = {
    "query": ("queries.query", "tid"),
    "progress": ("progress.request_page", "tid"),
    "accuracy": ("feedback.page", ""),
}


@blueprint.app_template_filter("search_kind")
def kind_words(kind: str, thread_kind: str = "") -> str:
    """What pages call a kind of text."""
    if thread_kind:
        return {
            "query": _("Query"),
            "progress": _("Request for progress"),
            "peer": _("Challenge of a peer"),
            "accuracy": _("Challenge to the feedback"),
            "comment": _("Comment of a scrutineer"),
        }[thread_kind]
    return {
        "answer": _("Answer"),
        "action": ngettext("Planned action", "Planned actions", 1),
        "thread": _("Queries and other exchanges"),
    }[kind]


def _narrowed() -> SearchFilter:
    agency_type, _slash, subtype = asked("type").partition("/")
    kind = asked("kind")
    return SearchFilter(
        agency_type=agency_type,
        subtype=subtype,
        theme=asked("theme"),
        standard=asked("standard"),
        grade=asked("grade"),
        area=asked("area"),
        kind=kind if kind in KINDS else "",
        judgement=asked("judgement"),
    )


def _args() -> dict[str, str]:
    """The address of the search as it is, without its page."""
    names = ("q", "type", "theme", "standard", "grade", "area", "kind", "judgement")
    return {name: asked(name) for name in names if asked(name)}


def _choices(audit_round: AuditRound, pack: Pack) -> dict[str, list[dict[str, str]]]:
    """The options of each filter: what the pack knows of the types that one may read."""
    types = types_where(audit_round, actor(), "return.query")
    templates = [pack.templates[kind] for kind in pack.agency_types if kind in types]
    judgements = {
        f"{key}:{grade.key}": f"{text(judgement.title)}: {text(grade.label)}"
        for kind, book in books_of(audit_round).items()
        if kind in types
        for key, judgement in book.profile.judgements.items()
        for grade in book.scale(key).grades
    }
    grades = {grade.key: text(grade.label) for scheme in pack.grading_schemes.values() for grade in scheme.grades}
    return {
        "type": [one for one in type_choices(audit_round) if one["value"].partition("/")[0] in types],
        "theme": [{"value": key, "text": text(theme.title)} for key, theme in pack.themes.items()],
        "standard": [
            {
                "value": f"{template.agency_type}:{standard.id}",
                "text": f"{type_name(pack, template.agency_type)}: {text(standard.title)}",
            }
            for template in templates
            for standard in template.standards
        ],
        "grade": [{"value": key, "text": label} for key, label in grades.items()],
        "area": [{"value": key, "text": name} for key, name in areas_in_round(session(), audit_round)],
        "kind": [{"value": kind, "text": kind_words(kind)} for kind in KINDS],
        "judgement": [{"value": key, "text": label} for key, label in judgements.items()],
    }


class Shown:
    """A text that was found, with what its page says around it."""

    def __init__(self, found: Found, finding: Moderation | None, site: str = "") -> None:
        self.found = found
        self.site = site
        self.pack, self.template = template_of(found.audit_return)
        self._finding = finding

    @cached_property
    def criterion(self) -> Criterion | None:
        """The question that the text is about; None where it is about something else."""
        key, _scope = question_parts(self.found.about)
        return next((one.criterion for one in self.template.criteria() if one.criterion.id == key), None)

    @cached_property
    def number(self) -> str:
        """The number of that question, with the site that it is about."""
        number = self.template.number_of(self.criterion) if self.criterion else ""
        return f"{number}, {self.site}" if number and self.site else number

    def _grade(self, key: str) -> Grade | None:
        if not self.criterion or not key:
            return None
        scheme = self.pack.scheme_of(self.template, self.criterion)
        return next((grade for grade in scheme.grades if grade.key == key), None)

    @cached_property
    def grade(self) -> Grade | None:
        """The agency's own grade."""
        return self._grade(self.found.grade)

    @cached_property
    def checked_grade(self) -> Grade | None:
        """The grade that an inspector found, where one looked."""
        return self._grade(self._finding.grade) if self._finding else None

    @property
    def href(self) -> str:
        """Where the text stands."""
        rid = self.found.audit_return.public_id
        if self.found.kind != "thread":
            return url_for("agency.submission", rid=rid, sid=self.found.place, _anchor=f"q-{self.found.about}")
        endpoint, name = THREAD_PAGES.get(self.found.thread_kind, ("", ""))
        if endpoint in current_app.view_functions:
            return url_for(endpoint, rid=rid, **({name: self.found.place} if name else {}))  # type: ignore[arg-type]
        return url_for("oversight.return_page", rid=self.found.audit_return.audit_round.public_id, ret=rid)


def _shown(rows: list[Found], audit_round: AuditRound, *, findings: bool) -> list[Shown]:
    """The rows for a page; with `findings` what inspectors found in a round beside the agencies' own grades."""
    found: Mapping[int, Mapping[tuple[str, str], Moderation]] = (
        checked_for(session(), audit_round, {row.audit_return.id for row in rows}, actor=actor()) if findings else {}
    )
    asking = {row.audit_return.id for row in rows if template_of(row.audit_return)[1].asks_sites}
    sites = site_names(session(), asking) if asking else {}
    return [
        Shown(
            row,
            found.get(row.audit_return.id, {}).get(question_parts(row.about)) if row.kind != "thread" else None,
            sites.get(row.audit_return.id, {}).get(question_parts(row.about)[1], ""),
        )
        for row in rows
    ]


@blueprint.route("/rounds/<rid>/search")
@requires(GET="search.use")
def overview(rid: str) -> str | BaseResponse:
    """Search a round, narrowed by the address; `format=csv` gives everything that fits as a file."""
    audit_round = get_round(session(), rid, actor=actor(), now=now(), permission="search.use")
    words = wanted(asked("q"))
    shared: dict[str, Any] = {"actor": actor(), "now": now(), "narrowed": _narrowed()}
    pack = pack_of(audit_round.pack_version)
    if asked("format") == "csv":
        every = search_round(session(), audit_round, words, page_size=MOST_ROWS, **shared)
        return _csv(audit_round, pack, _shown(list(every.rows), audit_round, findings=True))
    found = search_round(session(), audit_round, words, page=page_asked(), **shared)
    return render_template(
        "oversight/search.html",
        audit_round=audit_round,
        pack=pack,
        typed=asked("q"),
        words=words,
        found=found,
        rows=_shown(list(found.rows), audit_round, findings=True),
        args=_args(),
        most=MOST_ROWS,
        choices=_choices(audit_round, pack),
        type_name=type_name,
        breadcrumbs=round_crumbs(audit_round),
    )


def _csv(audit_round: AuditRound, pack: Pack, rows: list[Shown]) -> BaseResponse:
    heading = (
        _("Code"), _("Agency"), _("Type"), _("Kind"), _("Question"), _("Words of the question"), _("Own grade"),
        _("Checked grade"), _("Text"),
    )  # fmt: skip
    return csv_download(
        f"{audit_round.key}-search.csv",
        heading,
        (
            (
                row.found.agency.code, row.found.agency.name, type_name(pack, row.found.audit_return.agency_type),
                kind_words(row.found.kind, row.found.thread_kind), row.number,
                text(row.criterion.question) if row.criterion else "",
                text(row.grade.label) if row.grade else "",
                text(row.checked_grade.label) if row.checked_grade else "", row.found.text,
            )
            for row in rows
        ),
    )  # fmt: skip


@blueprint.route("/returns/<rid>/search")
@requires(GET="return.read_all")
def of_agency(rid: str) -> str:
    """Search one return; for an agency's own people, all that the agency ever submitted. Not for peers."""
    audit_return: AuditReturn = get_return(
        session(), rid, actor=actor(), now=now(), permission="return.read_all"
    )
    words = wanted(asked("q"))
    kind = asked("kind") if asked("kind") in KINDS else ""
    found = search_agency(
        session(), audit_return, words, actor=actor(), now=now(), kind=kind, page=page_asked()
    )
    inspects = allows(actor(), "return.query", return_facts(session(), audit_return, now=now()))
    return render_template(
        "oversight/search_agency.html",
        audit_return=audit_return,
        typed=asked("q"),
        words=words,
        found=found,
        rows=_shown(list(found.rows), audit_return.audit_round, findings=inspects),
        args={name: value for name, value in _args().items() if name in ("q", "kind")},
        kind=kind,
        kinds=[{"value": one, "text": kind_words(one)} for one in KINDS],
        is_own=any(held.agency_id == audit_return.agency_id for held in actor().held),
        breadcrumbs=crumbs(audit_return),
    )
