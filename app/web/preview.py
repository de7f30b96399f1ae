"""A checklist as the people of an agency will be asked it, to read: of a round, or of a pack in the gallery."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import gettext as _

from app.domain.answers.conditions import condition_words
from app.domain.templates import Criterion, Pack, Template
from app.web.oversight.blueprint import type_name
from app.web.pages import message


def preview_of(pack: Pack, agency_type: str, subtype: str, counts_from: date | None) -> dict[str, Any]:
    """What `oversight/preview_type.html` shows. Another `subtype` than the type has is its first.

    `counts_from`: the date that milestones count from; None where no round says. KeyError for an unknown agency type.
    """
    template, kind = pack.templates[agency_type], pack.agency_types[agency_type]
    if subtype not in kind.subtypes:
        subtype = next(iter(kind.subtypes), "")
    sections = []
    for number, standard in enumerate(template.standards, start=1):
        criteria = [one for one in standard.criteria if one.asked_of(subtype or None)]
        if criteria:
            sections.append((number, standard, [_previewed(pack, template, one, counts_from) for one in criteria]))
    used = {item["criterion"].grading or template.grading for _number, _standard, items in sections for item in items}
    return {
        "pack": pack,
        "template": template,
        "kind": kind,
        "agency_type": agency_type,
        "subtype": subtype,
        "sections": sections,
        "schemes": [scheme for key, scheme in pack.grading_schemes.items() if key in used],
        "asked_count": sum(len(items) for _number, _standard, items in sections),
        "name": type_name(pack, agency_type, subtype),
    }


def _previewed(pack: Pack, template: Template, criterion: Criterion, counts_from: date | None) -> dict[str, Any]:
    """A criterion with what the page says of it: number, scheme, milestone, conditions in words."""
    milestone = pack.milestones[criterion.milestone] if criterion.milestone else None
    conditions = []
    for rule, words in (
        (criterion.shown_if, _("Asked only if %(number)s is answered: %(grades)s.")),
        (criterion.required_if, _("Must be answered only if %(number)s is answered: %(grades)s.")),
        (criterion.not_applicable_if, _("Not asked if %(number)s is answered: %(grades)s.")),
    ):
        if rule:
            other = template.criterion(rule.criterion)
            grades = message(condition_words(rule, other, pack.scheme_of(template, other)))
            conditions.append(words % {"number": template.number_of(other), "grades": grades})
    if criterion.scope == "site":
        conditions.append(_("Asked once for each site that the agency lists."))
    if criterion.scope == "area":
        conditions.append(_("Asked once for each area that the agency works in."))
    return {
        "criterion": criterion,
        "number": template.number_of(criterion),
        "scheme": pack.scheme_of(template, criterion),
        "milestone": milestone,
        "milestone_due": milestone.due(counts_from) if milestone and counts_from else None,
        "conditions": conditions,
    }
