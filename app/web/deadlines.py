"""How long an agency has left, in words. Days are London days, as people count them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import ngettext

from app.clock import today
from app.domain.life import is_late
from app.models import AuditReturn
from app.web.pages import day, moment


@dataclass(frozen=True)
class Deadline:
    """When a return is due, and where it stands. `days` is negative once the due day is over."""

    due: datetime
    closes: datetime
    days: int
    is_closed: bool
    is_late: bool
    words: str

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
    late = is_late(submitted_at=audit_return.submitted_at, due=audit_round.due, extended_to=extended)
    return Deadline(due, closes, days, now > closes, late, _words(audit_return, due, closes, days, late, now))


def _words(
    audit_return: AuditReturn, due: datetime, closes: datetime, days: int, late: bool, now: datetime
) -> str:
    if audit_return.stage == "submitted":
        when = moment(audit_return.submitted_at)
        if late:
            return _("Submitted on %(when)s, after the due date of %(due)s", when=when, due=day(due))
        return _("Submitted on %(when)s", when=when)
    if audit_return.stage == "nil":
        return _("Recorded as a nil return")
    if now < audit_return.audit_round.opens:
        return _("Opens on %(day)s, due %(due)s", day=day(audit_return.audit_round.opens), due=day(due))
    if now > closes:
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
