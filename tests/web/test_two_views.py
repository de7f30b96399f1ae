"""The page of two views of one duty: counts, the list, what is not compared, and whose words one may read."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import Area, AuditRound
from app.policy import system_actor
from app.queries.two_views import TwinFilter, two_views
from tests.reports.seeded import AFTER
from tests.web.test_figures import seeded, signed_in, words
from tests.world import World

SYSTEM = system_actor("test")


@pytest.fixture
def audit_round(session: Session) -> AuditRound:
    """A seeded round of several inspectorates."""
    return seeded(session, agencies=40)


def read(session: Session, audit_round: AuditRound, **narrowed: str):  # type: ignore[no-untyped-def]
    return two_views(
        session, audit_round, TwinFilter(**narrowed), actor=SYSTEM, now=AFTER, language="en", page_size=None
    )


def test_counts_and_list(app: Flask, session: Session, audit_round: AuditRound) -> None:
    found = read(session, audit_round)
    kind = audit_round.served[0].agency_type
    client = signed_in(app, kind)
    at = f"/rounds/{audit_round.public_id}/two-views"
    page = words(client.get(at))
    assert "views, not verdicts" in page and f"{found.total} pairs of agencies" in page
    left_out = sum(one.views["not_comparable"] for one in found.pairs)
    assert left_out and "because a side says that it does not apply or that it does not know" in page
    shown = re.findall(r"not_comparable", client.get(at).text)
    assert not shown, "keys are not words"
    file = list(csv.reader(io.StringIO(client.get(f"{at}?format=csv").data.decode("utf-8-sig"))))
    assert len(file) - 1 == found.total
    distances = [int(line[2]) for line in file[1:]]
    assert distances == sorted(distances, reverse=True) and distances[0] == 100


def test_a_pair_and_an_area_can_be_chosen(app: Flask, session: Session, audit_round: AuditRound) -> None:
    whole = read(session, audit_round)
    pair = max(whole.pairs, key=lambda one: one.compared)
    area = session.scalars(select(Area).where(Area.name == next(iter(pair.by_area)))).one()
    narrowed = read(session, audit_round, pair=pair.key, area=area.public_id)
    client = signed_in(app, pair.sides[0].agency_type)
    query = {"pair": pair.key, "area": area.public_id}
    response = client.get(f"/rounds/{audit_round.public_id}/two-views", query_string=query)
    page = words(response)
    assert f"{narrowed.total} pair" in page and "pairs of agencies by area" in page
    assert "Show all" in page
    nothing = client.get(f"/rounds/{audit_round.public_id}/two-views?pair=odd&area=odd&shows=odd&page=99999")
    assert nothing.status_code == 200 and f"{whole.total} pairs" not in words(nothing)


def test_what_the_other_side_wrote_is_for_the_body_that_asks_it(
    app: Flask, session: Session, audit_round: AuditRound
) -> None:
    whole = read(session, audit_round)
    of_two_types = [one for one in whole.pairs if len({side.agency_type for side in one.sides}) == 2]
    pair = max(of_two_types, key=lambda one: one.compared)
    first, second = (side.agency_type for side in pair.sides)
    for mine, place in ((first, 0), (second, 1)):
        response = signed_in(app, mine).get(
            f"/rounds/{audit_round.public_id}/two-views", query_string={"pair": pair.key, "format": "csv"}
        )
        file = list(csv.reader(io.StringIO(response.data.decode("utf-8-sig"))))[1:]
        own, other = (7, 12) if place == 0 else (12, 7)
        assert any("Not yet" in line[own] for line in file)
        assert {line[other] for line in file} == {"(for the body that asks these agencies)"}
        page = signed_in(app, mine).get(
            f"/rounds/{audit_round.public_id}/two-views", query_string={"pair": pair.key}
        )
        assert "What it wrote is for the body that asks these agencies." in words(page)
        assert "<script>alert" not in page.text
        readable = {row.return_id for row in (*(r.a for r in whole.rows), *(r.b for r in whole.rows))
                    if row.asked.agency_type == mine}  # fmt: skip
        linked = set(re.findall(r'href="/returns/([^/"]+)/submissions', page.text))
        assert linked and linked <= readable


def test_a_page_to_print_has_no_filters(app: Flask, session: Session, audit_round: AuditRound) -> None:
    client = signed_in(app, audit_round.served[0].agency_type)
    page = client.get(f"/rounds/{audit_round.public_id}/two-views?view=print").text
    main = page[page.index("<main") :]
    assert "cnd-filters" not in main and "<details" in main and "<details class=\"govuk-details\" open>" in main
    assert "govuk-pagination" not in main


def test_before_two_sides_submit_the_page_says_so(
    world: World, client_as: Callable[[str], FlaskClient]
) -> None:
    response = client_as("inspector").get(f"/rounds/{world.audit_round.public_id}/two-views")
    assert response.status_code == 200 and "No two agencies of one area have submitted" in words(response)
    for name in ("signatory", "outsider", "coordinator", "administrator"):
        refused = client_as(name).get(f"/rounds/{world.audit_round.public_id}/two-views")
        assert refused.status_code in (403, 404)
