"""Which agency types of a round somebody may do a thing with: policy asked once for each type, not for each return."""

from __future__ import annotations

from app.models import AuditRound
from app.policy import Actor, ReturnFacts, allows


def types_where(audit_round: AuditRound, actor: Actor, permission: str) -> frozenset[str]:
    """The agency types of a round where the actor's appointments at oversight bodies give a permission about returns.

    For returns that were submitted once; whoever lists them sees to that where the permission asks it.
    """
    bodies: dict[str, set[int]] = {}
    for served in audit_round.served:
        bodies.setdefault(served.agency_type, set()).add(served.oversight_body_id)
    return frozenset(
        agency_type
        for agency_type, ids in bodies.items()
        # of no agency and in no area: appointments at those give nothing here
        if allows(actor, permission, ReturnFacts(0, frozenset(ids), frozenset(), True, False))
    )
