"""What the board says about a draft, and what the task list says about it and about signing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from flask import flash, g, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.models import AuditReturn, BoardComment, SigningDeclined
from app.operations.signing import LONGEST_COMMENT, comment
from app.queries.carrying import carry_plan, to_confirm
from app.queries.returns import Checklist, checklist, why_closed
from app.queries.signing import board_comments, comment_count, open_decline
from app.web.agency.blueprint import any_return, blueprint, crumbs, may, own_return, see_other
from app.web.pages import text
from app.web.permissions import requires
from app.web.request import actor, commit, now, session
from app.web.typed import asked, typed


@blueprint.route("/board", methods=["GET", "POST"])
@requires(GET="return.read", POST="return.comment")
def board(rid: str) -> str | tuple[str, int] | BaseResponse:
    """The comments of the board on a draft, and a form for the next."""
    if request.method == "GET":
        return _board_page(own_return(rid), standard=asked("standard"))
    any_return(rid, "return.comment")
    words, standard = typed("text"), typed("standard")
    problem = ""
    if not words:
        problem = _("Write your comment")
    elif len(words) > LONGEST_COMMENT:
        problem = _(
            "The comment has %(length)s characters; shorten it to %(limit)s or fewer",
            length=len(words), limit=LONGEST_COMMENT,
        )  # fmt: skip
    if problem:
        return _board_page(own_return(rid), words, standard, problem), 422
    comment(session(), rid, text=words, standard=standard, by=actor(), now=now())
    commit()
    flash(_("Your comment is recorded. The audit lead and the signatory see it."), "success")
    return see_other("agency.board", rid=rid)


def _board_page(audit_return: AuditReturn, words: str = "", standard: str = "", problem: str = "") -> str:
    work = checklist(session(), audit_return)
    return render_template(
        "agency/board.html",
        audit_return=audit_return,
        comments=board_comments(session(), audit_return),
        titles={one.id: text(one.title) for one in work.template.standards},
        sections=work.sections,
        closed=why_closed(audit_return, now=now()),
        may_comment=may("return.comment", audit_return),
        words=words,
        standard=standard,
        problem=problem,
        breadcrumbs=crumbs(audit_return),
    )


@blueprint.app_template_global("comments_on")
def comments_on(audit_return: AuditReturn, standard: str) -> Sequence[BoardComment]:
    """What the board said about one standard, for the page on which it is read."""
    if "board_comments" not in g:
        g.board_comments = board_comments(session(), audit_return)
    return [one for one in g.board_comments if one.standard == standard]


class Beside(NamedTuple):
    """What the task list says beside the work: a refusal to sign, the board's comments, answers to carry or confirm."""

    decline: SigningDeclined | None
    may_ask: bool
    comments: int
    may_comment: bool
    last_round: str
    to_carry: int
    to_confirm: int


def beside(work: Checklist, *, closed: bool) -> Beside:
    """What the task list says beside the work. For the agency's own people."""
    audit_return = work.audit_return
    plan = carry_plan(session(), work, may_list=may("return.sites", audit_return))
    return Beside(
        decline=open_decline(session(), audit_return) if not closed else None,
        may_ask=may("return.ask_to_sign", audit_return),
        comments=comment_count(session(), audit_return),
        may_comment=may("return.comment", audit_return) and not closed,
        last_round=plan.last.name if plan else "",
        to_carry=len(plan.open) if plan and not closed else 0,
        to_confirm=len(to_confirm(work)),
    )
