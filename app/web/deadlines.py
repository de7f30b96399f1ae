"""How long an agency has left, in words. Days are London days, as people count them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import ngettext

from app.clock import today
from app.domain.life import is_late, is_shut
from app.models import AuditReturn, AuditRound
from app.web.pages import day, moment


@dataclass(frozen=True)
class Deadline:
    """When a return is due, and where it stands. `days` is negative once the due day is over.

    `rule` says which clock decides and what the grace is; `state` is that of the ledger, or the stage.
    """

    due: datetime
    closes: datetime
    days: int
    is_closed: bool
    is_late: bool
    words: str
    rule: str
    state: str

    @property
    def is_pressing(self) -> bool:
        """Whether the page should draw attention to it: three days or fewer, or overdue."""
        return self.days <= 3 and not self.is_closed


def deadline(audit_return: AuditReturn, *, now: datetime) -> Deadline:
    """The deadline of a return whose round is loaded; an extension of its own counts."""
    audit_round = audit_return.audit_round
    extended = audit_return.extended_to
    due = max(audit_round.due, extended) if extended else audit_round.due
    closes = max(audit_round.closes, extended) if extended else audit_round.closes
    days = (today(due) - today(now)).days
    late = is_late(
        submitted_at=audit_return.submitted_at, due=audit_round.in_time_until, extended_to=audit_return.own_until
    )
    in_own_time = audit_return.own_until is not None and now <= audit_return.own_until
    shut = is_shut(open_until=audit_round.open_until, closed_at=audit_round.closed_at, now=now) and not in_own_time
    state = "late" if late else audit_return.stage
    if audit_return.merger and audit_return.stage != "submitted":
        state = "merged"
    return Deadline(
        due, closes, days, shut, late, _words(audit_return, due, closes, days, late, shut, now),
        deadline_rule(audit_round, audit_return), state,
    )  # fmt: skip


def deadline_rule(audit_round: AuditRound, audit_return: AuditReturn | None = None) -> str:
    """Which clock decides what is in time and when nothing is taken any more, and the grace, in words."""
    in_time, open_until = audit_round.in_time_until, audit_round.open_until
    if audit_return and audit_return.own_until:
        in_time, open_until = max(in_time, audit_return.own_until), max(open_until, audit_return.own_until)
    grace = (
        ngettext("There is %(num)d minute of grace:", "There are %(num)d minutes of grace:", audit_round.grace_minutes)
        if audit_round.grace_minutes
        else _("There is no grace:")
    )
    decides = _("The clock of this service decides, in London time.")
    if in_time == open_until:
        last = _("what is submitted by %(when)s is in time, and after that nothing is taken.", when=moment(in_time))
    else:
        last = _(
            "what is submitted by %(in_time)s is in time, and until %(open_until)s answers are taken.",
            in_time=moment(in_time), open_until=moment(open_until),
        )  # fmt: skip
    return f"{decides} {grace} {last}"


def _words(
    audit_return: AuditReturn, due: datetime, closes: datetime, days: int, late: bool, shut: bool, now: datetime
) -> str:
    if audit_return.stage == "submitted":
        when = moment(audit_return.submitted_at)
        if late:
            return _("Submitted on %(when)s, after the due date of %(due)s", when=when, due=day(due))
        return _("Submitted on %(when)s", when=when)
    if audit_return.stage == "nil":
        return _("Recorded as a nil return")
    if audit_return.merger:
        return _(
            "Merged into %(into)s on %(day)s",
            into=audit_return.merger.into.name, day=day(audit_return.merger.merged_on),
        )  # fmt: skip
    if now < audit_return.audit_round.opens:
        return _("Opens on %(day)s, due %(due)s", day=day(audit_return.audit_round.opens), due=day(due))
    if shut:
        return _("Closed on %(day)s without a submission", day=day(closes))
    if days > 0:
        return ngettext("%(num)d day left, due %(due)s", "%(num)d days left, due %(due)s", days, due=day(due))
    if days == 0:
        return _("Due today, %(due)s", due=day(due))
    return ngettext(
        "%(num)d day overdue: it was due on %(due)s. You can still submit until %(closes)s.",
        "%(num)d days overdue: it was due on %(due)s. You can still submit until %(closes)s.",
        -days,
        due=day(due),
        closes=day(closes),
    )
