"""No page of a round takes more statements in a larger round, and none takes more than it may."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.models import Appointment
from app.queries import stands
from tests.web.test_figures import MOST_STATEMENTS, counted, grow, moderate, seeded, signed_in

PAGES = (
    "", "/ledger", "/ledger?state=submitted&sort=progress", "/chase", "/sample", "/moderation", "/queries",
    "/judgements", "/follow-up", "/follow-up/agencies", "/monitoring", "/progress", "/peers", "/search?q=plan",
    "/examples", "/release", "/invitations", "/agencies", "/two-views", "/figures", "/figures/agencies?grades=checked",
    "/recommendations", "/composing", "/composing/chapters/about",
)  # fmt: skip
FINDINGS = 20  # more where a page reads the joint findings whole: a text can refer to any of their figures


@pytest.mark.parametrize("part", range(3))
def test_pages_of_a_round_take_few_statements(app: Flask, session: Session, part: int) -> None:
    audit_round = seeded(session, agencies=12)
    session.execute(update(Appointment).where(Appointment.role == "inspector").values(role="lead_inspector"))
    taken: dict[str, list[int]] = {}
    for size in ("small", "large"):
        if size == "large":
            grow(session, audit_round, 40)
            moderate(session, audit_round, 30, skip=6)
        else:
            moderate(session, audit_round, 6)
        session.commit()
        client = signed_in(app, audit_round.served[0].agency_type)
        for page in PAGES[part::3]:
            address = f"/rounds/{audit_round.public_id}{page}"
            assert client.get(address).status_code == 200, address  # what is read once for a process is read
            stands._KEPT.clear()  # but not how returns stand: that is worked out anew after every change
            with counted(app) as statements:
                client.get(address)
            taken.setdefault(page, []).append(len(statements))
    for page, (small, large) in taken.items():
        most = MOST_STATEMENTS + (FINDINGS if page.startswith("/composing") else 0)
        assert large <= small <= most, (page, small, large)
