"""What an area coordinator sees: the agencies of the area and the stage each is at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask import render_template, url_for
from flask_babel import gettext as _

from app.models import AuditReturn, AuditRound
from app.queries.area_report import may_read_area_report
from app.queries.areas import areas_of, get_area, is_released, returns_in_area
from app.queries.letters import letters_of
from app.queries.packs import pack_of
from app.web.oversight.blueprint import Response, blueprint, phase_of, return_state, type_name
from app.web.permissions import requires
from app.web.request import actor, now, session


@dataclass
class InRound:
    """One round in an area: the line of every agency, and what came of the invitations."""

    audit_round: AuditRound
    phase: Any
    response: Response
    lines: list[tuple[AuditReturn, str, str, bool]] = field(default_factory=list)
    has_letter: bool = False
    has_report: bool = False


@blueprint.route("/areas/<aid>")
@requires(GET="area.read")
def area(aid: str) -> str:
    """The agencies of an area, by round: stage, progress, and the submission once it is released."""
    found = get_area(session(), aid, actor=actor())
    rounds: dict[int, InRound] = {}
    for audit_return in returns_in_area(session(), found, now=now()):
        audit_round = audit_return.audit_round
        here = rounds.setdefault(
            audit_round.id, InRound(audit_round, phase_of(audit_round, now=now()), Response(found.name))
        )
        state = return_state(audit_return)
        here.response.add({state: 1})
        name = type_name(pack_of(audit_round.pack_version), audit_return.agency_type, audit_return.subtype)
        here.lines.append((audit_return, state, name, is_released(audit_return, now=now())))
    for here in rounds.values():
        mine = letters_of(session(), here.audit_round, actor=actor(), now=now())
        here.has_letter = any(row.public_id == aid for row in mine)
        here.has_report = may_read_area_report(session(), here.audit_round, aid, actor=actor(), now=now())
    several = len(areas_of(session(), actor=actor())) > 1
    return render_template(
        "oversight/area.html",
        area=found,
        rounds=list(rounds.values()),
        back={"href": url_for("home.index"), "text": _("Back to your areas")} if several else None,
    )
