"""What the pages of one return share: the blueprint, the return that is asked for, the way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, redirect, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.domain.answers import question_parts
from app.models import AuditReturn
from app.policy import allows
from app.queries.returns import Item, get_return, return_facts, sees_drafts
from app.queries.rounds import NotFound
from app.web.request import actor, now, session

blueprint = Blueprint("agency", __name__, url_prefix="/returns/<rid>")


@dataclass(frozen=True)
class Part:
    """A share of a bar: a grade and how many answers have it."""

    label: Any
    colour: str
    count: int


UNANSWERED_COLOUR = "#cecece"


def profile(items: Sequence[Item]) -> list[Part]:
    """The grades of some answers, best first, those without one last. Facts that come to no grade are left out."""
    items = [item for item in items if item.criterion.answer.is_graded]
    parts: dict[tuple[int, str], Part] = {}
    for item in items:
        for grade in item.scheme.grades:
            parts.setdefault((id(item.scheme), grade.key), Part(grade.label, grade.colour, 0))
    blank = 0
    for item in items:
        if item.grade is None:
            blank += 1
            continue
        key = (id(item.scheme), item.grade.key)
        parts[key] = replace(parts[key], count=parts[key].count + 1)
    return [*parts.values(), Part(_("No grade yet"), UNANSWERED_COLOUR, blank)]


def any_return(rid: str, permission: str = "return.read") -> AuditReturn:
    """A return that the actor may use so. Raises NotFound for every other."""
    return get_return(session(), rid, actor=actor(), now=now(), permission=permission)


def own_return(rid: str) -> AuditReturn:
    """A return whose drafts the actor may read. Everybody else gets the same answer as for one that is not there."""
    audit_return = any_return(rid)
    if not sees_drafts(actor(), audit_return):
        raise NotFound
    return audit_return


def may(permission: str, audit_return: AuditReturn) -> bool:
    """Whether the actor may do this with the return."""
    return allows(actor(), permission, return_facts(session(), audit_return, now=now(), actor=actor()))


def crumbs(audit_return: AuditReturn, *more: tuple[str, str]) -> list[dict[str, str]]:
    """The way back: to the round for those who inspect, to the task list for the agency's own people."""
    if sees_drafts(actor(), audit_return):
        first = [
            (_("Home"), url_for("home.index", all=1)),
            (audit_return.agency.name, url_for("agency.tasks", rid=audit_return.public_id)),
        ]
    elif actor().body_ids():
        audit_round = audit_return.audit_round
        ledger_page = url_for("oversight.return_page", rid=audit_round.public_id, ret=audit_return.public_id)
        first = [
            (_("Rounds"), url_for("oversight.rounds")),
            (audit_round.name, url_for("oversight.round_page", rid=audit_round.public_id)),
            (audit_return.agency.name, ledger_page),
        ]
    else:
        first = [(_("Home"), url_for("home.index", all=1))]
    return [{"text": words, "href": href} for words, href in (*first, *more)]


@blueprint.app_template_global("question_address")
def question_address(rid: str, standard: str, question: str) -> str:
    """Where a question is answered: on the page of its standard, or of its site where a standard has a page of each."""
    about = question_parts(question)[1] or None
    return url_for("agency.standard", rid=rid, standard=standard, about=about, _anchor=f"q-{question}")


def see_other(endpoint: str, _anchor: str | None = None, **values: Any) -> BaseResponse:
    """A redirect after a form was sent."""
    return redirect(url_for(endpoint, _anchor=_anchor, **values), 303)
