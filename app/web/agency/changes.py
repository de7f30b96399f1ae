"""What changed since the last round, for the agency's own people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from flask import render_template

from app.domain.changes import COMPARED, WORSENED, Change, ChangesDocument, Given
from app.queries.changes import changes_document
from app.web.agency.blueprint import Part, blueprint, crumbs, own_return
from app.web.pages import language
from app.web.permissions import requires
from app.web.request import actor, now, session


@blueprint.route("/changes")
@requires(GET="return.read")
def changes(rid: str) -> str:
    """Every question beside its answer of the last round: what is worse first."""
    audit_return = own_return(rid)
    found = changes_document(session(), audit_return, actor=actor(), now=now(), language=language())
    return render_template(
        "carrying/changes.html",
        audit_return=audit_return,
        found=found,
        bars=bars(found) if found else (),
        breadcrumbs=crumbs(audit_return),
    )


def bars(found: ChangesDocument) -> tuple[list[Part], list[Part]]:
    """The grades of the questions that both rounds ask alike, then and now, best first."""
    compared = [
        change
        for standard in found.standards
        if not standard.optional
        for change in standard.changes
        if change.move in COMPARED and change.then.grade and change.now.grade
    ]
    return _bar(found, (one.then for one in compared)), _bar(found, (one.now for one in compared))


def _bar(found: ChangesDocument, given: Iterable[Given]) -> list[Part]:
    counts = Counter((one.grade, one.label, one.colour) for one in given)
    order = [grade.key for scheme in found.schemes for grade in scheme.grades]
    return [
        Part(label, colour, number)
        for (_key, label, colour), number in sorted(counts.items(), key=lambda one: order.index(one[0][0]))
    ]


def worsened(found: ChangesDocument) -> list[Change]:
    """What a signatory should see of it: what is worse, what is no longer known, and what was promised by now."""
    seen = [*found.moved(*WORSENED), *found.missed]
    return list({change.id: change for change in seen}.values())
