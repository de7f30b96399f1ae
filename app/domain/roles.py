"""What people are appointed as, in words."""

from __future__ import annotations

from app.domain.message import N_

ROLE_NAMES: dict[str, str] = {
    "accountable_signatory": N_("Accountable signatory"),
    "audit_lead": N_("Audit lead"),
    "contributor": N_("Contributor"),
    "board_reader": N_("Board reader"),
    "inspector": N_("Inspector"),
    "lead_inspector": N_("Lead inspector"),
    "peer_reviewer": N_("Peer reviewer"),
    "area_coordinator": N_("Area coordinator"),
    "administrator": N_("Administrator"),
}
