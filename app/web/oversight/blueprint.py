"""The blueprint that the modules of this package add their pages to, and what they share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import Blueprint, current_app, request, url_for
from flask_babel import gettext as _

from app.clock import LONDON, today
from app.domain.life import is_late
from app.domain.message import N_
from app.domain.templates import Pack
from app.models import AuditReturn, AuditRound
from app.policy import Actor, allows
from app.queries.closing import shut
from app.queries.findings import has_joint
from app.queries.packs import pack_of
from app.queries.rounds import LEDGER_STATES, Counts, round_facts
from app.web.pages import text
from app.web.permissions import permissions_of
from app.web.request import actor, now, session

blueprint = Blueprint("oversight", __name__)

# fills of the bars by ledger state; each differs from its neighbour in grey too
STATE_COLOURS = {
    "submitted": "#0b3c49", "late": "#b5522b", "in_progress": "#7fb3b5", "not_started": "#d9dedf", "nil": "#858686",
    "merged": "#b9a7c9",
}  # fmt: skip


def state_names() -> dict[str, str]:
    """What pages call the states of the ledger, in the order of the bars."""
    return {
        "submitted": _("Submitted on time"),
        "late": _("Submitted late"),
        "in_progress": _("In progress"),
        "not_started": _("Not started"),
        "nil": _("Nil return"),
        "merged": _("Merged"),
    }


def type_name(pack: Pack, agency_type: str, subtype: str = "", *, plural: bool = False) -> str:
    """What a pack calls a subtype, or the agency type where it knows no such subtype; failing that the key."""
    kind = pack.agency_types.get(agency_type)
    if kind is None:
        return agency_type
    named = kind.subtypes.get(subtype) or kind
    return text(named.plural if plural else named.name)


def type_choices(audit_round: AuditRound) -> list[dict[str, str]]:
    """The agency types of a round and their subtypes as options: value `type` or `type/subtype`."""
    pack = pack_of(audit_round.pack_version)
    choices = []
    for key, kind in pack.agency_types.items():
        choices.append({"value": key, "text": text(kind.plural)})
        choices += [
            {"value": f"{key}/{subtype}", "text": f"– {text(named.plural)}"}
            for subtype, named in kind.subtypes.items()
        ]
    return choices


def own_types(audit_round: AuditRound, actor: Actor) -> frozenset[str]:
    """The agency types that the actor's own bodies ask in a round."""
    bodies = actor.body_ids()
    return frozenset(served.agency_type for served in audit_round.served if served.oversight_body_id in bodies)


@dataclass
class Response:
    """What came of the invitations of some agencies: a line of the table."""

    label: str
    agency_type: str = ""
    subtype: str = ""
    states: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LEDGER_STATES, 0))

    def add(self, states: Mapping[str, int]) -> None:
        """Count these too."""
        for state, number in states.items():
            self.states[state] += number

    @property
    def total(self) -> int:
        """All agencies invited."""
        return sum(self.states.values())

    @property
    def submitted(self) -> int:
        """Submissions, on time or late."""
        return self.states["submitted"] + self.states["late"]

    @property
    def expected(self) -> int:
        """Those of which a submission is expected: invited, without nil returns and without agencies merged since."""
        return self.total - self.states["nil"] - self.states["merged"]

    @property
    def percent(self) -> int | None:
        """Submissions in per cent of those expected. None where none is expected.

        100 and 0 are said only where they are exact.
        """
        expected = self.expected
        if not expected:
            return None
        rounded = round(100 * self.submitted / expected)
        return min(max(rounded, 1 if self.submitted else 0), 100 if self.submitted == expected else 99)

    @property
    def parts(self) -> list[dict[str, object]]:
        """The parts of a bar."""
        return [
            {"label": name, "colour": STATE_COLOURS[state], "count": self.states[state]}
            for state, name in state_names().items()
        ]


def response_lines(audit_round: AuditRound, counts: Counts) -> tuple[list[Response], Response]:
    """The response by agency type, each followed by its subtypes where there are several, and the total."""
    pack = pack_of(audit_round.pack_version)
    lines, total = [], Response(_("All agencies"))
    for agency_type, kind in pack.agency_types.items():
        whole = Response(text(kind.plural), agency_type)
        order = [*kind.subtypes, ""]
        present = sorted(
            (subtype for known, subtype in counts if known == agency_type),
            key=lambda subtype: order.index(subtype) if subtype in order else len(order),
        )
        parts = []
        for subtype in present:
            named = kind.subtypes.get(subtype)
            name = text(named.plural) if named else subtype.replace("-", " ").capitalize()
            part = Response(name or _("No subtype given"), agency_type, subtype)
            part.add(counts[agency_type, subtype])
            whole.add(part.states)
            parts.append(part)
        if whole.total:
            lines.append(whole)
            lines += parts if len(parts) > 1 or (parts and parts[0].subtype) else []
            total.add(whole.states)
    return lines, total


@dataclass(frozen=True)
class Phase:
    """Where a round stands today, in words. `days` is to the next date, where one is ahead."""

    key: str
    name: str
    next: str = ""
    days: int | None = None


def phase_of(audit_round: AuditRound, *, now: datetime) -> Phase:
    """`draft`, `scheduled`, `open`, `past_due`, `closing` (its grace runs), `closed` or `archived`."""
    day = today(now)
    if audit_round.archived_at:
        return Phase("archived", _("Archived"))
    if audit_round.stage == "draft":
        return Phase("draft", _("Being prepared"))
    if now < audit_round.opens:
        return Phase("scheduled", _("Scheduled"), _("to the opening date"), (today(audit_round.opens) - day).days)
    if shut(audit_round, now=now):
        return Phase("closed", _("Closed"))
    if now > audit_round.closes or audit_round.closed_at:
        words = _("Closed: grace until %(time)s", time=f"{audit_round.open_until.astimezone(LONDON):%H:%M}")
        return Phase("closing", words)
    if now <= audit_round.due:
        return Phase("open", _("Open"), _("to the due date"), (today(audit_round.due) - day).days)
    left = (today(audit_round.closes) - day).days
    return Phase("past_due", _("Past the due date"), _("to the closing date"), left)


def return_state(audit_return: AuditReturn) -> str:
    """The ledger state of one return."""
    if audit_return.stage == "submitted":
        late = is_late(
            submitted_at=audit_return.submitted_at,
            due=audit_return.audit_round.in_time_until,
            extended_to=audit_return.own_until,
        )
        return "late" if late else "submitted"
    if audit_return.stage != "nil" and audit_return.merger:
        return "merged"
    return {"invited": "not_started", "started": "in_progress"}.get(audit_return.stage, audit_return.stage)


# the pages of a round that is open or was, in the order of the work: words, and for each page endpoint and words
PAGES = (
    (N_("Responses"), (
        ("oversight.round_page", N_("Overview")),
        ("oversight.ledger", N_("Response ledger")),
        ("chasing.overview", N_("Chasing")),
    )),
    (N_("Checking"), (
        ("sampling.overview", N_("Sample")),
        ("moderation.overview", N_("Moderation")),
        ("queries.overview", N_("Queries")),
        ("peers.overview", N_("Peers")),
    )),
    (N_("What was found"), (
        ("judgements.overview", N_("Judgements")),
        ("figures.overview", N_("Figures")),
        ("twins.overview", N_("Two views of one duty")),
        ("search.overview", N_("Search")),
        ("examples.overview", N_("Examples")),
    )),
    (N_("What comes of it"), (
        ("composing.overview", N_("Write the report")),
        ("release.overview", N_("Release")),
        ("reports.round_reports", N_("Reports")),
        ("follow_up.overview", N_("Follow-up")),
        ("recommended.overview", N_("Published recommendations")),
    )),
)  # fmt: skip


# of answers that are added up, which not every audit does
SHARES = ("figures.overview", "composing.overview", "recommended.overview")


@blueprint.app_template_global("round_nav")
def round_nav(audit_round: AuditRound) -> list[dict[str, Any]]:
    """The pages of a round that the actor may open, in groups: text, and pages with text, href and whether shown now.

    A page that belongs to another, such as one chart of the figures, is shown as that one.
    """
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    facts = round_facts(session(), audit_round, now=now())
    groups = []
    for group, entries in PAGES:
        pages = [
            {
                "text": _(words),
                "href": url_for(endpoint, rid=audit_round.public_id),
                "current": request.endpoint == endpoint
                or (request.blueprint != "oversight" and endpoint.startswith(f"{request.blueprint}.")),
            }
            for endpoint, words in entries
            if endpoint in current_app.view_functions and (endpoint not in SHARES or has_joint(audit_round))
            and allows(actor(), permissions_of(app, endpoint)["GET"], facts)
        ]
        if pages:
            groups.append({"text": _(group), "pages": pages})
    return groups


def crumbs(*items: tuple[str, str]) -> list[dict[str, str]]:
    """Breadcrumbs: (text, address) from the list of rounds down to the page above."""
    return [{"text": _("Rounds"), "href": url_for("oversight.rounds")}] + [
        {"text": name, "href": href} for name, href in items
    ]


def round_crumbs(audit_round: AuditRound, *items: tuple[str, str]) -> list[dict[str, str]]:
    """Breadcrumbs of a page below a round."""
    return crumbs((audit_round.name, url_for("oversight.round_page", rid=audit_round.public_id)), *items)
