"""Figures that people look at: heat map, distribution, how agencies lie apart, the last round, what was checked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup, escape
from werkzeug.wrappers import Response as BaseResponse

from app.domain.control import funnel
from app.domain.findings import Figure
from app.domain.risks import ModerationRules
from app.domain.templates import GradingScheme
from app.models import AuditRound
from app.queries.facts import asks_facts
from app.queries.figures import (
    OUTSIDE,
    PAGE,
    SORTS,
    AreaOf,
    Behind,
    Beside,
    Cell,
    CriterionFigures,
    Narrowed,
    RoundFigures,
    Score,
    Scores,
    agencies_behind,
    checked_figures,
    checks_beside,
    round_figures,
    scores,
    together,
    trend,
)
from app.queries.findings import Asked, Reading, has_joint
from app.queries.packs import pack_of
from app.queries.rounds import NotFound, get_round
from app.web import charts
from app.web.addresses import addresses
from app.web.oversight.blueprint import round_crumbs, type_choices, type_name
from app.web.pages import language, text
from app.web.permissions import requires
from app.web.request import actor, now, session
from app.web.sheets import csv_download
from app.web.typed import asked, page_asked

blueprint = Blueprint("figures", __name__)

PAGES = ("figures.overview", "figures.criteria", "figures.agencies", "figures.last_round", "figures.checked")
FACTS = "facts.overview"  # where anything is answered with a fact


@blueprint.app_template_global("figure_pages")
def figure_pages(audit_round: AuditRound, args: dict[str, str]) -> list[dict[str, Any]]:
    """The pages of figures, each narrowed as this one is."""
    names, pages = [], []
    if has_joint(audit_round):
        names += [_("Heat map"), _("By criterion"), _("By agency"), _("Since the last round")]
        names.append(_("Self-grades and checks"))
        pages = list(PAGES)
    if asks_facts(audit_round):
        pages.append(FACTS)
        names.append(_("Facts"))
    if pack_of(audit_round.pack_version).survey:
        pages.append("surveys.overview")
        names.append(_("Survey of staff"))
    return [
        {
            "text": name,
            "href": url_for(endpoint, rid=audit_round.public_id, **args),  # type: ignore[arg-type]
            "current": request.endpoint == endpoint,
        }
        for endpoint, name in zip(pages, names, strict=True)
    ]


def round_of_figures(rid: str) -> AuditRound:
    """A round whose figures the reader may see. Raises NotFound."""
    return get_round(session(), rid, actor=actor(), now=now(), permission="figures.read")


def round_of_shares(rid: str) -> AuditRound:
    """A round whose answers are added up and whose figures the reader may see. Raises NotFound."""
    audit_round = round_of_figures(rid)
    if not has_joint(audit_round):
        raise NotFound
    return audit_round


def figures_crumb(audit_round: AuditRound) -> list[tuple[str, str]]:
    """The step to the figures of a round; none where its answers are not added up."""
    if not has_joint(audit_round):
        return []
    return [(_("Figures"), url_for("figures.overview", rid=audit_round.public_id))]


def narrowed_asked(*, checks: bool = True) -> Narrowed:
    """What the address narrows figures to."""
    agency_type, _slash, subtype = asked("type").partition("/")
    return Narrowed(
        agency_type, subtype, asked("theme"), asked("area"), checked=checks and asked("grades") == "checked"
    )


def args_of(narrowed: Narrowed) -> dict[str, str]:
    """The address of figures as they are narrowed; what is empty is left out."""
    args = {
        "type": "/".join(filter(None, (narrowed.agency_type, narrowed.subtype))),
        "theme": narrowed.theme,
        "area": narrowed.area,
        "grades": "checked" if narrowed.checked else "",
    }
    return {name: value for name, value in args.items() if value}


def figures_page(
    template: str, audit_round: AuditRound, narrowed: Narrowed, reading: Reading, areas: Sequence[AreaOf], **values: Any
) -> str:  # fmt: skip
    """A page of figures with its filters; `view=print` leaves out what is only for a screen."""
    args = args_of(narrowed)
    served = {served.agency_type for served in audit_round.served}
    return render_template(
        f"oversight/figures/{template}.html",
        audit_round=audit_round,
        narrowed=narrowed,
        args=args,
        reading=reading,
        pack=reading.pack,
        small=reading.texts.small_number,
        met=reading.words.met,
        choices=[one for one in type_choices(audit_round) if one["value"].partition("/")[0] in served],
        themes=[{"value": key, "text": text(theme.title)} for key, theme in reading.pack.themes.items()],
        areas=[{"value": area.public_id, "text": area.name} for area in areas],
        area_name=next((area.name for area in areas if area.public_id == narrowed.area), ""),
        shown_type=type_name(reading.pack, narrowed.agency_type, narrowed.subtype, plural=True)
        if narrowed.agency_type
        else "",
        printed=asked("view") == "print",
        address=lambda **changes: url_for(
            request.endpoint or "", **{**(request.view_args or {}), **args, **changes}
        ),
        type_name=type_name,
        charts=charts,
        breadcrumbs=round_crumbs(audit_round, *([] if template == "overview" else figures_crumb(audit_round))),
        **values,
    )


@blueprint.app_template_global("share_words")
def share_words(figure: Figure, small: int) -> str:
    """Per cent met; of few answers their number, and a dash of none."""
    if figure.percent is None:
        return "–"
    if figure.counted < small:
        return _("%(met)s of %(counted)s", met=figure.met, counted=figure.counted)
    return f"{figure.percent}%"


def _beside_heading() -> tuple[str, ...]:
    """The heading of `Beside` in a file."""
    return (
        _("Checked answers: met by self-grade"), _("Checked answers: count by self-grade"),
        _("Checked answers: met as found"), _("Checked answers: count as found"),
    )  # fmt: skip


def _share(figure: Figure) -> str:
    """A share as a file has it: per cent with one digit; empty of nothing."""
    return f"{100 * float(figure.share):.1f}" if figure.counted else ""


# --- the heat map ----------------------------------------------------------------------------------------------------


def _columns(found: RoundFigures, types: Sequence[str]) -> list[tuple[str, str, str]]:
    """The columns of a heat map: agency type, subtype (may be empty) and words."""
    pack, columns = found.reading.pack, []
    for kind in types:
        if not found.narrowed.subtype:
            columns.append((kind, "", type_name(pack, kind, plural=True)))
        present = [subtype for subtype in pack.agency_types[kind].subtypes if (kind, subtype) in found.returns]
        if len(present) > 1 or found.narrowed.subtype:
            columns += [(kind, subtype, type_name(pack, kind, subtype, plural=True)) for subtype in present]
    return columns


def _heat(found: RoundFigures, checks: Mapping[Cell, Beside]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The heat map of themes over all agency types, and one of standards for each agency type.

    Each is `columns` and `rows` of (key, words, note, cells); a cell is its figure and what `checks` say of it.
    """
    cells: dict[tuple[str, str, str, str], list[tuple[CriterionFigures, str]]] = defaultdict(list)
    beside: dict[tuple[str, str, str, str], list[Beside]] = defaultdict(list)
    for one in found.criteria:
        kind, places = one.asked.agency_type, [("theme", one.asked.criterion.theme)]
        if one.asked.optional:
            places = []
        places.append(("standard", one.asked.placed.standard.id))
        for what, key in places:
            for subtype in one.counts:
                checked = checks.get(Cell(kind, subtype, one.asked.criterion.id))
                for column in {"", subtype}:
                    cells[what, key, kind, column].append((one, subtype))
                    if checked:
                        beside[what, key, kind, column].append(checked)

    def row(what: str, key: str, columns: Sequence[tuple[str, str, str]]) -> list[tuple[Figure, Beside]]:
        places = [(what, key, kind, subtype) for kind, subtype, _name in columns]
        return [(together(cells[place]), Beside.sum(beside.get(place, ()))) for place in places]

    reading = found.reading
    columns = _columns(found, found.types)
    themes = {
        "columns": columns,
        "rows": [
            (key, text(theme.title), "", row("theme", key, columns))
            for key, theme in reading.pack.themes.items()
            if any(("theme", key, kind, "") in cells for kind in found.types)
        ],
    }
    standards = []
    for kind in found.types:
        own = _columns(found, [kind])
        rows = [
            (
                standard.id,
                f"{number}. {text(standard.title)}",
                (text(standard.label) or _("Optional")) if standard.optional else "",
                row("standard", standard.id, own),
            )
            for number, standard in enumerate(reading.pack.templates[kind].standards, 1)
            if ("standard", standard.id, kind, "") in cells
        ]
        standards.append({"kind": kind, "columns": own, "rows": rows})
    return themes, standards


def _drawn(table: dict[str, Any], what: str, rid: str, args: Mapping[str, str], small: int) -> dict[str, Any]:
    """A heat map with its cells drawn; `what` the keys of its rows are of, `theme` or `standard`.

    A cell leads to its criteria, and they to the agencies. By f-strings, and each word looked up once: there are two
    hundred cells on a page.
    """
    others: dict[str, Any] = {key: value for key, value in args.items() if key not in ("type", what)}
    address = addresses("figures.criteria", "type", *(["theme"] if what == "theme" else []), rid=rid, **others)
    share, per_cent, none = _("%(met)s of %(counted)s"), _("%(percent)s per cent met: "), _("none counts")
    both = _("Checked: by self-grade %(own)s, as found %(found)s")
    not_asked = Markup('<span class="cnd-quiet">{}</span>').format(_("not asked"))
    hidden = '<span class="govuk-visually-hidden">'

    def of(met: int, counted: int) -> str:
        return share % {"met": met, "counted": counted}

    def cell(key: str, words: str, column: tuple[str, str, str], figure: Figure, beside: Beside) -> Markup:
        if not (figure.asked or figure.counted):
            return not_asked
        kind, subtype, name = column
        chosen = f"{kind}/{subtype}" if subtype else kind
        href = address(chosen, key) if what == "theme" else f"{address(chosen)}#s-{key}"
        said = of(figure.met, figure.counted) if figure.counted else none
        if figure.counted and figure.counted >= small:
            said = f"{hidden}{per_cent % {'percent': figure.percent}}</span>{said}"
        below = ""
        if beside.any:
            own, found = of(beside.own_met, beside.own_counted), of(beside.found_met, beside.found_counted)
            below = (
                f'<br><span class="cnd-quiet cnd-nowrap">{hidden}{both % {"own": own, "found": found}}</span>'
                f'<span aria-hidden="true">{beside.own_met}/{beside.own_counted} → {beside.found_met}/'
                f"{beside.found_counted}</span></span>"
            )
        return Markup(  # noqa: S704 (numbers, our own words, and texts that are escaped)
            f'{charts.tile(figure, small)} <a class="govuk-link cnd-nowrap" href="{escape(href)}">{said}'
            f"{hidden}, {escape(words)}, {escape(name)}</span></a>{below}"
        )

    columns = table["columns"]
    rows = [
        (words, note, [cell(key, words, column, *one) for column, one in zip(columns, cells, strict=True)])
        for key, words, note, cells in table["rows"]
    ]
    return table | {"rows": rows}


@blueprint.route("/rounds/<rid>/figures")
@requires(GET="figures.read")
def overview(rid: str) -> str | BaseResponse:
    """The share met of every theme and standard, by agency type and subtype."""
    audit_round = round_of_shares(rid)
    narrowed = narrowed_asked()
    found = round_figures(session(), audit_round, narrowed, actor=actor(), now=now(), language=language())
    checks, hidden = checks_beside(session(), found, actor=actor())
    themes, standards = _heat(found, checks)
    if asked("format") == "csv":
        heading = (
            _("What"), _("Agencies"), _("Theme or standard"), _("Answers that count"), _("Met"), _("Not met"),
            _("Shown apart"), _("Does not count"), _("Without a grade"), _("Per cent met"), *_beside_heading(),
        )  # fmt: skip
        rows = [
            (
                what, name, label, figure.counted, figure.met, figure.not_met, figure.apart, figure.excluded,
                figure.unanswered, _share(figure), *checked,
            )
            for what, table in ((_("Theme"), themes), *((_("Standard"), one) for one in standards))
            for _key, label, _note, cells in table["rows"]
            for (_kind, _subtype, name), (figure, checked) in zip(table["columns"], cells, strict=True)
        ]  # fmt: skip
        return csv_download(f"{audit_round.key}-figures.csv", heading, rows)
    return figures_page(
        "overview", audit_round, narrowed, found.reading, found.areas,
        found=found, total=found.total, hidden=hidden, checks=bool(checks),
        themes_table=_drawn(themes, "theme", rid, args_of(narrowed), found.reading.texts.small_number),
        standards=[
            _drawn(one, "standard", rid, args_of(narrowed), found.reading.texts.small_number) for one in standards
        ],
    )  # fmt: skip


# --- each criterion, and the agencies behind it ----------------------------------------------------------------------


def _kinds(one: Asked) -> list[tuple[str, str]]:
    return [(grade.key, one.kind(grade.key)) for grade in one.scheme.grades]


def _looks(scheme: GradingScheme, one: Asked) -> list[tuple[str, str, Any]]:
    """Key, label and tone of the grades that a bar shows, in the order of the bar."""
    tones = charts.tones(_kinds(one))
    labels = {grade.key: text(grade.label) for grade in scheme.grades}
    return [(key, labels[key], look) for key, look in tones.items()]


@blueprint.route("/rounds/<rid>/figures/criteria")
@requires(GET="figures.read")
def criteria(rid: str) -> str | BaseResponse:
    """The grades given to each criterion of one agency type; every part of a bar leads to its agencies."""
    audit_round = round_of_shares(rid)
    narrowed = narrowed_asked()
    is_file = asked("format") == "csv"
    if not narrowed.agency_type and not is_file:
        # one checklist fills a page: the first
        served = {one.agency_type for one in audit_round.served}
        first = next((key for key in pack_of(audit_round.pack_version).agency_types if key in served), "")
        narrowed = replace(narrowed, agency_type=first)
    found = round_figures(session(), audit_round, narrowed, actor=actor(), now=now(), language=language())
    if is_file:
        return _criteria_csv(audit_round, found)
    kind = narrowed.agency_type
    args: dict[str, Any] = {key: value for key, value in args_of(narrowed).items() if key != "theme"}
    address_of = addresses("figures.behind", "criterion", rid=rid, agency_type=kind, **args)
    with_grade = addresses("figures.behind", "criterion", "grade", rid=rid, agency_type=kind, **args)
    sections: dict[str, dict[str, Any]] = {}
    legends: dict[str, Any] = {}
    every: dict[str, dict[str, str]] = {}  # the labels of all grades of a scheme
    for one in found.of_type(kind):
        standard, scheme, criterion = one.asked.placed.standard, one.asked.scheme_key, one.asked.criterion.id
        if scheme not in legends:
            legends[scheme] = text(one.asked.scheme.title), _looks(one.asked.scheme, one.asked)
            every[scheme] = {grade.key: text(grade.label) for grade in one.asked.scheme.grades}
        looks = legends[scheme][1]
        parts = [
            charts.Part(label, one.figure.by_grade.get(key, 0), look, with_grade(criterion, key))
            for key, label, look in looks
        ]
        beside = [
            (label, number, with_grade(criterion, key))
            for key, label in every[scheme].items()
            if one.asked.kind(key) == "excluded" and (number := one.figure.by_grade.get(key))
        ]
        cells = [
            _linked(one.figure.by_grade.get(key, 0), with_grade(criterion, key), f"{one.asked.placed.number}: {label}")
            for key, label in every[scheme].items()
        ]
        section = sections.setdefault(standard.id, {"standard": standard, "lines": []})
        section["lines"].append(
            {"one": one, "parts": parts, "beside": beside, "href": address_of(criterion), "cells": cells}
        )
    return figures_page(
        "criteria", audit_round, narrowed, found.reading, found.areas,
        found=found, kind=kind, sections=list(sections.values()), legends=legends,
        returns=found.submitted, hidden=found.hidden,
        kind_name=type_name(found.reading.pack, kind, narrowed.subtype, plural=True) if kind else "",
    )  # fmt: skip


def _linked(number: int, href: str, about: str) -> Markup:
    """A number that leads to the agencies behind it. By an f-string: a page has hundreds."""
    if not number:
        return Markup("0")
    return Markup(  # noqa: S704 (a number, and texts that are escaped)
        f'<a class="govuk-link" href="{escape(href)}">{number}'
        f'<span class="govuk-visually-hidden"> {escape(about)}</span></a>'
    )


def _criteria_csv(audit_round: AuditRound, found: RoundFigures) -> BaseResponse:
    pack = found.reading.pack
    heading = (
        _("Agency type"), _("Number"), _("Criterion"), _("Standard"), _("Grade"), _("Counts as"), _("Answers"),
        _("Answers that count"), _("Per cent met"),
    )  # fmt: skip
    rows = [
        (
            type_name(pack, one.asked.agency_type), one.asked.placed.number, one.label,
            text(one.asked.placed.standard.title), text(grade.label), kind_words()[one.asked.kind(grade.key)],
            one.figure.by_grade.get(grade.key, 0), one.figure.counted, _share(one.figure),
        )
        for one in found.criteria
        for grade in one.asked.scheme.grades
    ]  # fmt: skip
    return csv_download(f"{audit_round.key}-criteria.csv", heading, rows)


def kind_words() -> dict[str, str]:
    """What grades count as, in words."""
    return {
        "met": _("met"), "not_met": _("not met"), "apart": _("not met, shown apart"), "excluded": _("does not count"),
    }  # fmt: skip


@blueprint.route("/rounds/<rid>/figures/<agency_type>/<criterion>")
@requires(GET="figures.read")
def behind(rid: str, agency_type: str, criterion: str) -> str | BaseResponse:
    """The agencies behind one criterion's bar: self-grade, the grade found, when it is expected."""
    audit_round = round_of_shares(rid)
    given = narrowed_asked()
    chosen, sort = given.subtype if given.agency_type in ("", agency_type) else "", asked("sort")
    narrowed = Narrowed(agency_type, chosen, "", given.area, given.checked)
    wanted = Behind(
        asked("grade"), asked("q"), sort if sort in SORTS else "name", asked("dir") == "down", page_asked()
    )
    is_file = asked("format") == "csv"
    whole = is_file or asked("view") == "print"
    found = agencies_behind(
        session(), audit_round, agency_type, criterion, narrowed, wanted, actor=actor(), now=now(),
        language=language(), **({"page_size": None} if whole else {}),
    )  # fmt: skip
    labels = {grade.key: text(grade.label) for grade in found.asked.scheme.grades}
    pack = found.reading.pack
    if is_file:
        heading = (
            _("Code"), _("Agency"), _("Subtype"), _("About the area"), _("Self-grade"), _("Grade found when checked"),
            _("Expected by"),
        )  # fmt: skip
        rows = (
            (
                row.code, row.agency, type_name(pack, agency_type, row.subtype) if row.subtype else "", row.area,
                labels.get(row.grade, row.grade), labels.get(row.checked, row.checked),
                row.expected.isoformat() if row.expected else "",
            )
            for row in found.rows
        )  # fmt: skip
        return csv_download(f"{audit_round.key}-{agency_type}-{criterion}.csv", heading, rows)
    own = {
        "grade": wanted.grade if wanted.grade in labels else "", "q": wanted.text,
        "sort": wanted.sort if wanted.sort != "name" else "", "dir": "down" if wanted.descending else "",
    }  # fmt: skip
    own = {key: value for key, value in own.items() if value}
    figure = Figure.of(
        found.by_grade, scheme_key=found.asked.scheme_key, scheme=found.asked.scheme,
        asked=sum(found.by_grade.values()),
    )  # fmt: skip
    place: dict[str, Any] = {"rid": rid, "agency_type": agency_type, "criterion": criterion, **args_of(narrowed)}
    with_grade = addresses("figures.behind", "grade", **place)
    columns = []
    for key, name in (
        ("name", _("Agency")), ("subtype", _("Subtype")), ("grade", _("Self-grade")),
        ("checked", _("Grade found when checked")), ("expected", _("Expected by")),
    ):  # fmt: skip
        if key == "subtype" and not pack.agency_types[agency_type].subtypes:
            continue
        is_chosen = wanted.sort == key
        turned = is_chosen and not wanted.descending
        query: dict[str, Any] = own | {"sort": key if key != "name" else "", "dir": "down" if turned else ""}
        columns.append(
            {
                "key": key,
                "text": name,
                "href": url_for("figures.behind", **place, **{k: v for k, v in query.items() if v}),
                "aria": ("descending" if wanted.descending else "ascending") if is_chosen else "",
            }
        )
    return figures_page(
        "behind", audit_round, narrowed, found.reading, found.areas,
        found=found, wanted=wanted, figure=figure, labels=labels, columns=columns, own=own, place=place,
        hidden=found.hidden,
        label=found.reading.label(found.asked), agency_type=agency_type,
        kind_name=type_name(pack, agency_type, narrowed.subtype, plural=True),
        parts=[
            charts.Part(label, found.by_grade.get(key, 0), look, with_grade(key))
            for key, label, look in _looks(found.asked.scheme, found.asked)
        ],
        page=min(wanted.page, found.pages),
        kinds={key: type_name(pack, agency_type, key) for key in {row.subtype for row in found.rows}},
        address_of=addresses("agency.submission", "rid", "sid"),
        colours={grade.key: grade.colour for grade in found.asked.scheme.grades},
    )  # fmt: skip


# --- how agencies lie apart ------------------------------------------------------------------------------------------


def place_words() -> dict[str, str]:
    """Where an agency lies among the others, in words."""
    return {
        "far_below": _("Below the limits of 99.8%"), "below": _("Below the limits of 95%"),
        "inside": _("Inside the limits"), "above": _("Above the limits of 95%"),
        "far_above": _("Above the limits of 99.8%"),
    }  # fmt: skip


@blueprint.route("/rounds/<rid>/figures/agencies")
@requires(GET="figures.read")
def agencies(rid: str) -> str | BaseResponse:
    """A funnel plot of the share met against the number of criteria; a named table where there are few returns."""
    audit_round = round_of_shares(rid)
    narrowed = narrowed_asked()
    found = scores(session(), audit_round, narrowed, actor=actor(), now=now(), language=language())
    pack = found.reading.pack
    fewest = ModerationRules.of(pack).plan.small_round
    few = len(found.rows) < fewest
    if asked("format") == "csv":
        heading = (
            _("Code"), _("Agency"), _("Type"), _("Subtype"), _("Criteria that count"), _("Met"), _("Per cent met"),
            *_beside_heading(), *([] if few else [_("Where it lies")]),
        )  # fmt: skip
        rows = (
            (
                row.code, row.agency, type_name(pack, row.agency_type),
                type_name(pack, row.agency_type, row.subtype) if row.subtype else "", row.counted, row.met,
                f"{100 * row.share:.1f}", *row.beside, *([] if few else [place_words()[row.place]]),
            )
            for row in found.rows
        )  # fmt: skip
        return csv_download(f"{audit_round.key}-agencies.csv", heading, rows)
    outside = sorted(
        (row for row in found.rows if row.place in OUTSIDE), key=lambda row: (OUTSIDE.index(row.place), row.share)
    )
    printed = asked("view") == "print"
    pages = 1 if printed else max(1, -(-len(found.rows) // PAGE))
    page = min(page_asked(), pages)
    return figures_page(
        "agencies", audit_round, narrowed, found.reading, found.areas,
        found=found, hidden=found.hidden, few=few, fewest=fewest, outside=outside, places=place_words(),
        rows=found.rows if printed else found.rows[(page - 1) * PAGE : page * PAGE], page=page, pages=pages,
        turned="page" in request.args,
        far=sum(1 for row in outside if row.place.startswith("far")),
        kinds={key: type_name(pack, *key) for key in {(row.agency_type, row.subtype) for row in found.rows}},
        address_of=addresses("oversight.return_page", "ret", rid=rid),
        plot="" if few else _funnel(audit_round, found, len(outside)),
    )  # fmt: skip


def _funnel(audit_round: AuditRound, found: Scores, outside: int) -> Any:
    """The plot; agencies at one place share a dot, those outside have one each place too, and a link where one is."""
    together: dict[tuple[int, int], list[Score]] = defaultdict(list)
    for row in found.rows:
        together[row.counted, row.met].append(row)
    address_of = addresses("oversight.return_page", "ret", rid=audit_round.public_id)
    points, told = [], _("%(names)s: %(met)s of %(counted)s met")
    for (counted, met), rows in sorted(together.items()):
        where = rows[0].place if rows[0].place in OUTSIDE else ""
        names = ", ".join(row.agency for row in rows[:3])
        if len(rows) > 3:
            names = ngettext(
                "%(names)s and %(num)d more", "%(names)s and %(num)d more", len(rows) - 3, names=names
            )
        href = ""
        if where and len(rows) == 1 and rows[0].agency_type in found.readable:
            href = address_of(rows[0].return_id)
        points.append(
            charts.Point(
                counted, rows[0].share, len(rows),
                told % {"names": names, "met": met, "counted": counted},
                where, href, names if where.startswith("far") else "",
            )
        )  # fmt: skip
    name = ngettext(
        "Share of criteria met against the number of criteria that count, %(num)d agency; %(outside)s outside the"
        " limits",
        "Share of criteria met against the number of criteria that count, %(num)d agencies; %(outside)s outside the"
        " limits",
        len(found.rows),
        outside=outside,
    )
    about = _(
        "The line across is the mean of all answers, %(mean)s%%. The broken lines are the limits of 95%%, the whole"
        " lines those of 99.8%%. Agencies outside are named in the table below.",
        mean=round(100 * found.mean),
    )
    return charts.funnel(points, funnel((row.counted for row in found.rows), found.mean), found.mean, name, about)


# --- the last round, and what was checked ----------------------------------------------------------------------------


@blueprint.route("/rounds/<rid>/figures/last-round")
@requires(GET="figures.read")
def last_round(rid: str) -> str | BaseResponse:
    """The share met of each criterion beside that of the last round, with a note of what can be compared."""
    audit_round = round_of_shares(rid)
    narrowed = narrowed_asked(checks=False)
    found = trend(session(), audit_round, narrowed, actor=actor(), now=now(), language=language())
    pack = found.reading.pack
    if asked("format") == "csv" and found.last:
        heading = (
            _("Agency type"), _("Number"), _("Criterion"), _("Last round: answers that count"),
            _("Last round: per cent met"), _("This round: answers that count"), _("This round: per cent met"),
        )  # fmt: skip
        rows = (
            (
                type_name(pack, line.asked.agency_type), line.asked.placed.number, line.label, line.then.counted,
                _share(line.then), line.now.counted, _share(line.now),
            )
            for line in found.lines
        )  # fmt: skip
        return csv_download(f"{audit_round.key}-last-round.csv", heading, rows)
    address_of = addresses("figures.behind", "agency_type", "criterion", rid=rid)
    pairs = [(line.asked, _pair(line.asked, line.label, line.then, line.now, address_of)) for line in found.lines]
    return figures_page(
        "last_round", audit_round, narrowed, found.reading, found.areas,
        found=found, groups=_by_type(found.reading, pairs),
    )  # fmt: skip


@blueprint.route("/rounds/<rid>/figures/checked")
@requires(GET="figures.read")
def checked(rid: str) -> str | BaseResponse:
    """Self-grades beside the grades that inspectors found, of the same answers."""
    audit_round = round_of_shares(rid)
    narrowed = narrowed_asked(checks=False)
    found = checked_figures(session(), audit_round, narrowed, actor=actor(), now=now(), language=language())
    pack = found.reading.pack
    if asked("format") == "csv":
        heading = (
            _("Agency type"), _("Number"), _("Criterion"), _("Answers checked"), _("Adjusted"),
            _("Self-grades: per cent met"), _("Grades found: per cent met"),
        )  # fmt: skip
        rows = (
            (
                type_name(pack, line.asked.agency_type), line.asked.placed.number, line.label, line.answers,
                line.adjusted, _share(line.own), _share(line.found),
            )
            for line in found.lines
        )  # fmt: skip
        return csv_download(f"{audit_round.key}-checked.csv", heading, rows)
    address_of = addresses("figures.behind", "agency_type", "criterion", rid=rid, grades="checked")
    share = _("%(adjusted)s of %(answers)s")
    pairs = [
        (line.asked, _pair(line.asked, line.label, line.own, line.found, address_of)
         | {"extra": share % {"adjusted": line.adjusted, "answers": line.answers}})
        for line in found.lines
    ]  # fmt: skip
    return figures_page(
        "checked", audit_round, narrowed, found.reading, found.areas,
        found=found, groups=_by_type(found.reading, pairs), hidden=found.hidden,
        answers=sum(line.answers for line in found.lines), adjusted=sum(line.adjusted for line in found.lines),
    )  # fmt: skip


def _pair(asked: Asked, label: str, first: Figure, second: Figure, address_of: Callable[..., str]) -> dict[str, Any]:
    """A row of two shares of one criterion, which leads to the agencies behind it."""
    return {
        "number": asked.placed.number, "label": label, "first": first, "second": second,
        "href": address_of(asked.agency_type, asked.criterion.id),
    }  # fmt: skip


def _by_type(reading: Reading, rows: Sequence[tuple[Asked, Any]]) -> list[tuple[str, list[Any]]]:
    """The rows of each agency type that has any."""
    return [
        (kind, own) for kind in reading.types if (own := [row for asked, row in rows if asked.agency_type == kind])
    ]
