"""The one place where the stage of a return changes."""

from __future__ import annotations

from datetime import datetime

from app.domain.life import check_move
from app.models import AuditReturn


def move(audit_return: AuditReturn, to: str, *, now: datetime, nil_reason: str = "") -> None:
    """Move a return to another stage. Raises NotPossible where its stage does not lead there."""
    check_move(audit_return.stage, to)
    audit_return.stage = to
    audit_return.submitted_at = now if to == "submitted" else None
    audit_return.nil_reason = nil_reason if to == "nil" else ""
    if to == "started" and audit_return.started_at is None:
        audit_return.started_at = now
