"""Two views of one duty: twin criteria joined by area, counted, and what each side signed. Views, not verdicts."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.queries.rounds import get_round
from app.queries.two_views import COMPARED, MOST, PairCounts, Said, TwinFilter, two_views
from app.web import charts
from app.web.addresses import addresses
from app.web.oversight.blueprint import round_crumbs, type_name
from app.web.pages import language, text
from app.web.permissions import requires
from app.web.request import actor, now, session
from app.web.sheets import csv_download
from app.web.typed import asked, page_asked
from reports.charts import views as view_tones

blueprint = Blueprint("twins", __name__)


def view_words() -> dict[str, str]:
    """The four views of a duty that two agencies share, and what cannot be compared."""
    return {
        "both": _("Both say it is met"),
        "only_a": _("Only the first says so"),
        "only_b": _("Only the second says so"),
        "neither": _("Neither says so"),
        "not_comparable": _("Not compared"),
    }


@blueprint.route("/rounds/<rid>/two-views")
@requires(GET="figures.read")
def overview(rid: str) -> str | BaseResponse:
    """Counts of each pair of criteria by area, and the list of what was said, those furthest apart first."""
    audit_round = get_round(session(), rid, actor=actor(), now=now(), permission="figures.read")
    view = asked("shows")
    narrowed = TwinFilter(asked("pair"), asked("area"), view if view in COMPARED else "", page_asked())
    is_file, printed = asked("format") == "csv", asked("view") == "print"
    size: dict[str, Any] = {"page_size": None} if is_file else {"page_size": MOST} if printed else {}
    found = two_views(
        session(), audit_round, narrowed, actor=actor(), now=now(), language=language(), **size
    )
    pack, reading, words = found.reading.pack, found.reading, view_words()

    labels: dict[tuple[str, str], str] = {}

    def grade(said: Said, key: str) -> str:
        if not key:
            return ""
        place = said.asked.scheme_key, key
        if place not in labels:
            labels[place] = text(said.asked.scheme.grade(key).label)
        return labels[place]

    if is_file:
        heading = (
            _("Area"), _("View"), _("Apart, of 100"), _("First agency"), _("First criterion"), _("First self-grade"),
            _("First grade found when checked"), _("First commentary"), _("Second agency"), _("Second criterion"),
            _("Second self-grade"), _("Second grade found when checked"), _("Second commentary"),
        )  # fmt: skip
        rows = (
            (
                row.area, words[row.view], round(100 * row.apart),
                *(
                    cell
                    for said in (row.a, row.b)
                    for cell in (
                        said.agency, f"{said.asked.placed.number} {reading.label(said.asked)}",
                        grade(said, said.grade), grade(said, said.checked), _commentary(said),
                    )
                ),
            )
            for row in found.rows
        )  # fmt: skip
        return csv_download(f"{audit_round.key}-two-views.csv", heading, rows)
    keys = {one.key for one in found.pairs}
    args = {
        name: value
        for name, value in (
            ("pair", narrowed.pair if narrowed.pair in keys else ""),
            ("area", narrowed.area),
            ("shows", narrowed.view),
        )
        if value
    }
    return render_template(
        "oversight/two_views.html",
        audit_round=audit_round,
        found=found,
        pack=pack,
        reading=reading,
        args=args,
        words=words,
        compared=COMPARED,
        grade=grade,
        address_of=addresses("agency.submission", "rid", "sid"),
        hidden=found.hidden,
        apart=_apart,
        title_of=lambda one: f"{_side(pack, one, 0)} / {_side(pack, one, 1)}",
        side=lambda one, place: _side(pack, one, place),
        parts=lambda one: [
            charts.Part(
                words[key],
                one.views.get(key, 0),
                look,
                url_for("twins.overview", rid=rid, **(args | {"pair": one.key, "shows": key})) + "#list",
            )
            for key, look in view_tones().items()
        ],
        chosen=next((one for one in found.pairs if one.key == args.get("pair")), None),
        areas=[{"value": area.public_id, "text": area.name} for area in found.areas],
        area_name=next((area.name for area in found.areas if area.public_id == narrowed.area), ""),
        page=min(narrowed.page, found.pages),
        printed=printed,
        most=MOST,
        charts=charts,
        looks=view_tones(),
        type_name=type_name,
        small=reading.texts.small_number,
        address=lambda **changes: url_for("twins.overview", **{"rid": rid, **args, **changes}),
        breadcrumbs=round_crumbs(audit_round),
    )


def _side(pack: Any, one: PairCounts, place: int) -> str:
    side = one.sides[place]
    return f"{type_name(pack, side.agency_type)} {side.placed.number}"


def _commentary(said: Said) -> str:
    """What was written; why it is not shown where another body asks this type of agency."""
    if said.commentary is None:
        return _("(for the body that asks these agencies)")
    return said.commentary


def _apart(a: Said, b: Said) -> str:
    """How far two grades are apart, in words."""
    if a.of == b.of:
        return _("%(steps)s of %(most)s steps", steps=abs(a.rank - b.rank), most=a.of - 1)
    far = abs(a.rank / max(1, a.of - 1) - b.rank / max(1, b.of - 1))
    return _("%(percent)s%% of the scale", percent=round(100 * far))
