"""Queries of inspectors to agencies: what can come of one."""

from __future__ import annotations

from app.domain.message import N_

# what came of a query, in the order of the form. The agency reads it at once: it never says what became of a grade
OUTCOMES = {
    "answered": N_("Answered: nothing more to do"),
    "withdrawn": N_("Withdrawn: it was not needed"),
    "correction": N_("Returned for correction"),
    "unanswered": N_("Closed without an answer"),
}
