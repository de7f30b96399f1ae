"""What was counted: the facts that agencies gave, choice by choice, from smallest to largest, and who said what."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from fractions import Fraction
from typing import Any

from flask import Blueprint, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup, escape
from werkzeug.wrappers import Response as BaseResponse

from app.domain.answers import ANSWER_TYPES
from app.domain.asking import Asked as Asking
from app.domain.asking import DateAsked, FileAsked, NumberAsked, Percentage, TableAsked
from app.domain.counted import Counted, Spread, decimal_text
from app.domain.message import number_words
from app.models import AuditRound
from app.queries.fact_figures import FactFigures, FactFilter, SaidOf, SaidRow, agencies_said, fact_figures
from app.queries.facts import FactGroup, FactLine, choices_of
from app.queries.figures import Narrowed
from app.queries.findings import Asked, Reading
from app.web import charts
from app.web.addresses import addresses
from app.web.oversight.blueprint import type_name
from app.web.oversight.figures import args_of, figures_page, narrowed_asked, round_of_figures
from app.web.pages import day, language, text, words
from app.web.permissions import requires
from app.web.request import actor, now, session
from app.web.sheets import csv_download
from app.web.typed import asked, page_asked

blueprint = Blueprint("facts", __name__)

Cell = tuple[str | Markup, bool]  # what stands in it, and whether it is a number
Address = Callable[..., str]


@blueprint.route("/rounds/<rid>/figures/facts")
@requires(GET="figures.read")
def overview(rid: str) -> str | BaseResponse:
    """What every question that is answered with a fact came to, by agency type and of all that are asked alike."""
    audit_round = round_of_figures(rid)
    narrowed = narrowed_asked(checks=False)
    found = fact_figures(session(), audit_round, narrowed, actor=actor(), now=now(), language=language())
    if asked("format") == "csv":
        return _csv(audit_round, found)
    address = addresses("facts.behind", "agency_type", "criterion", rid=rid, **_onward(narrowed))
    return figures_page(
        "facts", audit_round, narrowed, found.reading, found.areas,
        found=found, sections=[_section(found.reading, group, address) for group in found.groups],
    )  # fmt: skip


def _onward(narrowed: Narrowed) -> dict[str, Any]:
    """What the agencies behind a figure are narrowed to, as the figure is."""
    return {key: value for key, value in args_of(narrowed).items() if key == "area" or "/" in value}


def _section(reading: Reading, group: FactGroup, address: Address) -> dict[str, Any]:
    """One question: its heads, its rows of a heading and cells, and what the numbers are of."""
    one = group.asked
    build = _by_choice if one.criterion.answer.choices_known() else _by_type
    heads, rows = build(reading, group, address)
    return {
        "id": f"{one.agency_type}-{one.criterion.id}",
        "number": one.placed.number,
        "label": reading.label(one),
        "optional": one.optional,
        "of": _("%(answers)s of %(returns)s submitted audits answer this.", answers=group.counted.answers,
                returns=group.returns) if not one.criterion.scope else
              ngettext("%(num)d answer.", "%(num)d answers.", group.counted.answers),
        "types": [type_name(reading.pack, line.asked.agency_type, plural=True) for line in group.lines],
        "note": _note(one.criterion.answer, group.counted),
        "heads": heads,
        "rows": rows,
        "empty": not group.counted.answers,
    }  # fmt: skip


def _note(answer: Asking, counted: Counted) -> str:
    """What a reader must know of the numbers of a question."""
    if isinstance(answer, NumberAsked) and answer.unit:
        return _("In %(unit)s.", unit=text(answer.unit))
    if isinstance(answer, TableAsked):
        return _("How many rows each agency filled in.")
    if isinstance(answer, Percentage):
        said = _("Per cent: %(counted)s, of: %(out_of)s.", counted=text(answer.counted), out_of=text(answer.out_of))
        without = counted.answers - (counted.spread.number if counted.spread else 0)
        if without:
            said += " " + ngettext(
                "%(num)d answer is out of nothing, and has no share.",
                "%(num)d answers are out of nothing, and have no share.", without,
            )  # fmt: skip
        return said
    return ""


def _by_choice(reading: Reading, group: FactGroup, address: Address) -> tuple[list[Cell], list[tuple[str, list[Cell]]]]:
    """A row for each choice, a column for all and one for each agency type."""
    whole, several = group.counted, len(group.lines) > 1
    heads: list[Cell] = [(_("Answer"), False), (_("Share of the answers"), False)]
    heads += [(_("All"), True)] if several else []
    heads += [(type_name(reading.pack, line.asked.agency_type, plural=True), True) for line in group.lines]
    rows = []
    for key, label in choices_of(reading, group.asked):
        number = whole.chosen[key]
        name = _("%(label)s: %(number)s of %(of)s", label=label, number=number, of=whole.answers)
        cells: list[Cell] = [(charts.share(number, whole.answers, name), False)]
        cells += [(str(number), True)] if several else []
        for line in group.lines:
            href = address(line.asked.agency_type, line.asked.criterion.id)
            cells.append((_linked(str(line.counted.chosen[key]), href, label, choice=key), True))
        rows.append((label, cells))
    answers: list[Cell] = [("", False), *([(str(whole.answers), True)] if several else [])]
    for line in group.lines:
        href = address(line.asked.agency_type, line.asked.criterion.id)
        answers.append((_linked(str(line.counted.answers), href, _("Answers")), True))
    return heads, [*rows, (_("Answers"), answers)]


def _linked(words: str, href: str, about: str, **more: str) -> str | Markup:
    """Words that lead to the agencies behind them; nothing leads from none."""
    if words == "0":
        return words
    joined = f"{href}{'&' if '?' in href else '?'}" if more else href
    query = "&".join(f"{key}={value}" for key, value in more.items())
    return Markup('<a class="govuk-link" href="{}{}">{}<span class="govuk-visually-hidden"> {}</span></a>').format(
        joined, query, words, about
    )


def _by_type(reading: Reading, group: FactGroup, address: Address) -> tuple[list[Cell], list[tuple[str, list[Cell]]]]:
    """A row for each agency type, and one for all."""
    answer = group.asked.criterion.answer
    cells, heads = _columns(answer, group)
    rows = []
    for line in group.lines:
        href = address(line.asked.agency_type, line.asked.criterion.id)
        name = type_name(reading.pack, line.asked.agency_type, plural=True)
        rows.append((name, cells(line.counted, line.returns, name, href)))
    if len(group.lines) > 1:
        rows.append((_("All"), cells(group.counted, group.returns, _("All"), "")))
    return [(_("Agencies"), False), *heads], rows


def _columns(answer: Asking, group: FactGroup) -> tuple[Callable[[Counted, int, str, str], list[Cell]], list[Cell]]:
    """How a row is made of what was counted, and the heads of its cells."""

    def number(counted: Counted, name: str, href: str) -> Cell:
        given = str(counted.answers)
        return (_linked(given, href, name) if href else given), True

    if spread := group.counted.spread:
        low, high = float(spread.shown[0]), float(spread.shown[-1])

        def of_numbers(counted: Counted, returns: int, name: str, href: str) -> list[Cell]:
            if counted.spread is None:
                blank = 6 + (3 if isinstance(answer, Percentage) else 1)
                return [("", False), number(counted, name, href), *[("–", True)] * (blank - 1)]
            return [
                (_box(counted.spread, low, high, name), False), number(counted, name, href),
                *((one, True) for one in _numbers(answer, counted.spread, href)),
            ]  # fmt: skip

        more = (_("Counted"), _("Out of"), _("Together")) if isinstance(answer, Percentage) else (_("Total"),)
        return of_numbers, [
            (_("From smallest to largest"), False),
            *((one, True) for one in (_("Answers"), *five_words(), *more)),
        ]
    if days := group.counted.days:
        first, last = days.shown[0].toordinal(), days.shown[-1].toordinal()

        def of_days(counted: Counted, returns: int, name: str, href: str) -> list[Cell]:
            own = counted.days
            if own is None:
                return [("", False), number(counted, name, href), *[("–", False)] * 3]
            three = own.shown
            said = _("%(name)s: from %(first)s to %(last)s, half of them by %(median)s", name=name, first=day(three[0]),
                     median=day(three[1]), last=day(three[2]))  # fmt: skip
            return [
                (charts.box([one.toordinal() for one in three], first, last, said), False), number(counted, name, href),
                *((Markup('<span class="cnd-nowrap">{}</span>').format(day(one)), False) for one in three),
            ]  # fmt: skip

        heads = [(_("From first to last"), False), (_("Answers"), True)]
        return of_days, [*heads, (_("Earliest"), False), (_("Middle"), False), (_("Latest"), False)]

    def of_others(counted: Counted, returns: int, name: str, href: str) -> list[Cell]:
        said = _("%(label)s: %(number)s of %(of)s", label=name, number=counted.answers, of=returns)
        share = charts.share(min(counted.answers, returns), returns, said)
        return [(share, False), number(counted, name, href), (str(returns), True)]

    return of_others, [(_("Share of the audits"), False), (_("Answers"), True), (_("Submitted audits"), True)]


def five_words() -> tuple[str, ...]:
    """What the five numbers are called that say how numbers lie."""
    return _("Smallest"), _("Lower quartile"), _("Median"), _("Upper quartile"), _("Largest")


def _box(spread: Spread, low: float, high: float, name: str) -> Markup:
    said = ", ".join(f"{what} {number_words(one)}" for what, one in zip(five_words(), spread.shown, strict=True))
    return charts.box([float(one) for one in spread.shown], low, high, f"{name}: {said}")


def _numbers(answer: Asking, spread: Spread, href: str) -> Iterable[str | Markup]:
    """The numbers of a row; from the quartiles a reader goes on to the agencies beyond them."""
    sign = "%" if isinstance(answer, Percentage) else ""
    limits = {1: "at_most", 3: "at_least"}
    for place, one in enumerate(spread.shown):
        shown = number_words(one) + sign
        if href and place in limits:
            about = _("or less") if place == 1 else _("or more")
            yield _linked(shown, href, about, **{limits[place]: decimal_text(one)}) if shown != "0" else shown
        else:
            yield shown
    if spread.total is not None:
        yield number_words(spread.total)
    if spread.together is not None:
        yield f"{spread.numerator:,}"
        yield f"{spread.denominator:,}"
        yield f"{number_words(spread.together)}%"


def _csv(audit_round: AuditRound, found: FactFigures) -> BaseResponse:
    """Every figure in a line of its own."""
    reading = found.reading
    heading = (_("Agency type"), _("Number"), _("Question"), _("Type of answer"), _("Unit"), _("Figure"), _("Value"))
    rows = []
    for group in found.groups:
        labels = dict(choices_of(reading, group.asked))
        lines: list[tuple[str, FactLine | None]] = [
            (type_name(reading.pack, line.asked.agency_type), line) for line in group.lines
        ]
        if len(lines) > 1:
            lines.append((_("All"), None))
        for name, line in lines:
            one = (line or group.lines[0]).asked
            answer = one.criterion.answer
            unit = text(answer.unit) if isinstance(answer, NumberAsked) else ""
            unit = "%" if isinstance(answer, Percentage) else unit
            counted, returns = (line or group).counted, (line or group).returns
            rows += [
                (name, one.placed.number, reading.label(one), answer.type, unit, figure, value)
                for figure, value in _figures(counted, returns, labels)
            ]
    return csv_download(f"{audit_round.key}-facts.csv", heading, rows)


def _figures(counted: Counted, returns: int, labels: dict[str, str]) -> Iterable[tuple[str, str]]:
    """Each figure with its name, as a file has it: numbers without commas, days as YYYY-MM-DD."""
    yield _("Submitted audits"), str(returns)
    yield _("Answers"), str(counted.answers)
    yield from ((labels[key], str(number)) for key, number in counted.chosen.items())
    if spread := counted.spread:
        yield from zip(five_words(), map(decimal_text, spread.shown), strict=True)
        if spread.total is not None:
            yield _("Total"), decimal_text(spread.total)
        if spread.together is not None:
            yield _("Counted"), str(spread.numerator)
            yield _("Out of"), str(spread.denominator)
            yield _("Together"), decimal_text(spread.together)
    if days := counted.days:
        yield from zip((_("Earliest"), _("Middle"), _("Latest")), map(date.isoformat, days.shown), strict=True)


# --- who said it -----------------------------------------------------------------------------------------------------


@blueprint.route("/rounds/<rid>/figures/facts/<agency_type>/<criterion>")
@requires(GET="figures.read")
def behind(rid: str, agency_type: str, criterion: str) -> str | BaseResponse:
    """What each agency said to one question: those behind a choice, or beyond a limit."""
    audit_round = round_of_figures(rid)
    given = narrowed_asked(checks=False)
    narrowed = Narrowed(agency_type, given.subtype if given.agency_type == agency_type else "", "", given.area)
    errors: dict[str, str] = {}
    sort = asked("sort")
    wanted = FactFilter(
        asked("choice"), _limit("at_least", errors), _limit("at_most", errors), asked("q"),
        "value" if sort == "value" else "name", asked("dir") == "down", page_asked(),
    )  # fmt: skip
    is_file = asked("format") == "csv"
    whole: dict[str, Any] = {"page_size": None} if is_file or asked("view") == "print" else {}
    found = agencies_said(
        session(), audit_round, agency_type, criterion, narrowed, wanted, actor=actor(), now=now(),
        language=language(), **whole,
    )  # fmt: skip
    if is_file:
        return _said_csv(audit_round, found, agency_type, criterion)
    is_day = isinstance(found.asked.criterion.answer, DateAsked)
    for name, limit in (("at_least", wanted.at_least), ("at_most", wanted.at_most)):
        if limit is not None and isinstance(limit, date) != is_day:
            errors[name] = _("Enter a day, such as 2003-04-01.") if is_day else _("Enter a number, such as 25.")
    own = {name: asked(name) for name in ("choice", "at_least", "at_most", "q", "sort", "dir") if asked(name)}
    answer = found.asked.criterion.answer
    place: dict[str, Any] = {"rid": rid, "agency_type": agency_type, "criterion": criterion, **_onward(narrowed)}
    pack = found.reading.pack
    columns = []
    for key, name in (("name", _("Agency")), ("subtype", _("Subtype")), ("value", _("What it said"))):
        if key == "subtype" and not pack.agency_types[agency_type].subtypes:
            continue
        chosen = wanted.sort == key
        query: dict[str, Any] = {k: v for k, v in own.items() if k not in ("sort", "dir")}
        query |= {"sort": key} if key == "value" else {}
        query |= {"dir": "down"} if chosen and not wanted.descending else {}
        columns.append(
            {
                "text": name,
                "href": "" if key == "subtype" else url_for("facts.behind", **place, **query),
                "aria": ("descending" if wanted.descending else "ascending") if chosen else "",
            }
        )
    return figures_page(
        "facts_behind", audit_round, narrowed, found.reading, found.areas,
        found=found, own=own, place=place, columns=columns, errors=errors, agency_type=agency_type,
        label=found.reading.label(found.asked), page=min(wanted.page, found.pages),
        kind_name=type_name(pack, agency_type, narrowed.subtype, plural=True),
        kinds={key: type_name(pack, agency_type, key) for key in {row.subtype for row in found.rows}},
        choices_made=[{"value": key, "text": label} for key, label in choices_of(found.reading, found.asked)],
        has_limits=isinstance(answer, NumberAsked | Percentage | TableAsked | DateAsked),
        is_day=is_day,
        said=[_said(found.asked, row) for row in found.rows],
        address_of=addresses("agency.submission", "rid", "sid"),
    )  # fmt: skip


def _limit(name: str, errors: dict[str, str]) -> Fraction | date | None:
    """A limit of the address: a day as YYYY-MM-DD, or a number. What cannot be read limits nothing, and says so."""
    given = asked(name).replace(",", "").removesuffix("%").strip()
    if not given:
        return None
    try:
        if given.count("-") == 2:
            return date.fromisoformat(given)
        if len(given) <= 30 and set(given) <= set("0123456789.-"):
            return Fraction(given)
    except ValueError:
        pass
    errors[name] = _("Enter a number, such as 25, or a day, such as 2003-04-01.")
    return None


def _said(one: Asked, row: SaidRow) -> list[Markup]:
    """What an agency said, in lines."""
    answer = one.criterion.answer
    if isinstance(answer, FileAsked):
        return [escape(ngettext("%(num)d file", "%(num)d files", row.files))]
    if isinstance(answer, TableAsked):
        return [escape(ngettext("%(num)d row", "%(num)d rows", len(row.value["rows"])))]
    lines = []
    for fact in ANSWER_TYPES[answer.type].facts(row.value, one.criterion):
        said = words(fact.words) + ("…" if row.is_cut else "")
        label = f"{words(fact.label)}: " if fact.label else ""
        unit = f" {words(fact.unit)}" if fact.unit else ""
        lines.append(escape(f"{label}{said}{unit}"))
    return [line for line in lines if line]


def _said_csv(audit_round: AuditRound, found: SaidOf, agency_type: str, criterion: str) -> BaseResponse:
    answer, pack = found.asked.criterion.answer, found.reading.pack
    labels = dict(choices_of(found.reading, found.asked))
    own: tuple[str, ...] = (_("Answer"),)
    if isinstance(answer, Percentage):
        own = text(answer.counted), text(answer.out_of)
    elif isinstance(answer, FileAsked):
        own = (_("Files"),)
    elif isinstance(answer, TableAsked):
        own = (_("Rows"),)

    def cells(row: SaidRow) -> list[object]:
        if isinstance(answer, FileAsked):
            return [row.files]
        if isinstance(answer, TableAsked):
            return [len(row.value["rows"])]
        if labels:
            return ["; ".join(labels[key] for key in answer.chosen(row.value))]
        return list(row.value.values())

    heading = (_("Code"), _("Agency"), _("Subtype"), _("About the area"), *own)
    rows = (
        (row.code, row.agency, type_name(pack, agency_type, row.subtype) if row.subtype else "", row.area, *cells(row))
        for row in found.rows
    )
    return csv_download(f"{audit_round.key}-{agency_type}-{criterion}.csv", heading, rows)
