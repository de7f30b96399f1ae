"""Which query gives the data of which kind of report."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app.domain.findings import AgencyReturnDocument, JointFindings, ReceiptDocument
from app.models import AuditReturn, AuditRound
from app.policy import Actor
from app.queries.documents import agency_return_document, receipt_document
from app.queries.findings import joint_findings
from reports.registry import reports
from reports.render import RenderFailed


def read(
    session: Session, report_key: str, audit_round: AuditRound, audit_return: AuditReturn | None, *, actor: Actor,
    now: datetime,
) -> JointFindings | AgencyReturnDocument | ReceiptDocument:  # fmt: skip
    """The data of a report, as the actor may read them.

    Raises KeyError for a report that does not exist, Denied, and RenderFailed where there is nothing to report on.
    """
    kind = reports()[report_key].data
    if kind == "joint-findings":
        return joint_findings(session, audit_round, actor=actor, now=now)
    if audit_return is None:
        raise RenderFailed("This report is about one return: say which agency it is for.")
    document = agency_return_document if kind == "agency-return" else receipt_document
    found = document(session, audit_return, actor=actor, now=now)
    if found is None:
        raise RenderFailed("Nothing has been submitted yet, so there is nothing to report.")
    return found
