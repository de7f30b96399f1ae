"""An archived round is read and no more: every form of the oversight side is refused, and says why."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy import select

from app.models import AuditRound, Event, OutboxMessage, PeerReview, Submission, Thread
from app.operations import follow_up, judgements, peers, querying, release
from tests.operations.checking import put_in_sample
from tests.operations.test_judgements import submitted, world  # noqa: F401 - a fixture
from tests.operations.test_peers import assign, declare, person
from tests.web.test_release import AGES_AGO, FAR_AHEAD, fields, moved
from tests.world import SYSTEM, World

# what is refused does not depend on the database
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

CODE = "council-1"
DAY = {"day": "20", "month": "6", "year": "2003"}


def dated(name: str) -> dict[str, str]:
    """A day as a form sends it."""
    return {f"{name}-{part}": value for part, value in DAY.items()}


def forms(world: World) -> list[tuple[str, str, dict[str, str]]]:  # noqa: F811
    """Who sends which form where: everything that changes something, filled in as if it could."""
    session = world.session
    ret, item = world.returns[CODE].public_id, world.work(CODE).items[0]
    one, here = f"/returns/{ret}", f"/rounds/{world.audit_round.public_id}"
    sid = session.scalars(select(Submission.public_id)).one()
    thread = {row.kind: row.public_id for row in session.scalars(select(Thread))}
    review = {row.user_id: row.public_id for row in session.scalars(select(PeerReview))}
    mine, asked = (review[world.people[name].id] for name in ("peer", "asked-peer"))
    watch = follow_up_watch(world)
    other = world.returns["nhs-1"].public_id
    inspector = world.people["assessor"].public_id
    words = {"subject": "This", "text": "That.", "reason": "It must be.", "note": "It must be."}
    waived = {f"waived-{key}": "They were told." for key in release.OBSTACLES}
    signatory, lead, second = "signatory-council", "lead-inspector", "other-lead"
    return [
        (lead, f"{here}/sample/assign-rest", {}),
        (lead, f"{here}/sample/add", {"ret": ret} | words),
        (lead, f"{here}/sample/{ret}", {"inspector": inspector}),
        (lead, f"{here}/moderation", dated("due")),
        ("assessor", f"{one}/moderation/save", {"submission": sid, f"grade-{item.id}": item.scheme.grades[0].key,
                                                f"reason-{item.id}": "x"}),
        ("assessor", f"{one}/moderation/finish", {"submission": sid}),
        ("assessor", f"{one}/moderation/take-up-again", {}),
        (lead, f"{one}/judge", {}),
        (lead, f"{here}/judgements/judge", {}),
        (lead, f"{one}/judgements/capacity/give", {"grade": "poor"} | words),
        (lead, f"{one}/judgements/child-protection/override", {"grade": "not"} | words),
        (second, f"{one}/judgements/children/decide", {"decision": "approve", "proposed": "not"}),
        (second, f"{one}/judgements/children/decide", {"decision": "decline"} | words),
        (lead, f"{one}/judgements/children/take-back", words),
        (lead, f"{one}/queries/ask", {"sent": "1"} | words | dated("due")),
        (lead, f"{one}/queries/{thread['query']}/ask-on", words),
        (lead, f"{one}/queries/{thread['query']}/close", {"outcome": "settled"}),
        (signatory, f"{one}/queries/{thread['query']}/answer", words),
        (lead, f"{here}/progress/ask", {"ret": ret} | words | dated("due")),
        (lead, f"{one}/progress/{thread['progress']}/act", {"act": "ask"} | words),
        (lead, f"{one}/progress/{thread['progress']}/act", {"act": "close"}),
        (signatory, f"{one}/progress/{thread['progress']}/answer", words),
        (lead, f"{here}/monitoring/add", {"ret": ret} | words | dated("review")),
        (lead, f"{one}/monitoring/{watch}", {"act": "clear"} | words),
        (lead, f"{one}/monitoring/{watch}", {"act": "review"} | dated("review")),
        (lead, f"{one}/follow-up/word", {"recommendation": "climbie-inquiry-2003/12", "state": "met"} | words),
        (lead, f"{one}/examples/{sid}/{item.id}", {"kind": "good"} | words),
        (lead, f"{one}/peers", {"person": world.people["idle-peer"].public_id}),
        (lead, f"{one}/peers/{mine}/end", {}),
        ("peer", f"/peer/{mine}/challenge", {"about": ""} | words),
        ("peer", f"/peer/{mine}/challenges/{thread['peer']}", {"act": "ask"} | words),
        ("peer", f"/peer/{mine}/finish", {}),
        ("asked-peer", f"/peer/{asked}/declare", {"choice": "none"}),
        (signatory, f"{one}/challenges/{thread['peer']}", words),
        ("coordinator", f"{one}/scrutiny", {"about": ""} | words),
        (lead, f"{here}/release/prepare", {}),
        (lead, f"{here}/release/window", fields("opens", FAR_AHEAD) | fields("closes", FAR_AHEAD.replace(month=10))),
        (lead, f"{here}/release/publish", fields("at", FAR_AHEAD) | {"step": "confirm"} | waived),
        (lead, f"{here}/release/take-back", {}),
        (lead, f"{one}/feedback/write", {"narrative": "New words.", "version": "1"}),
        (signatory, f"{one}/feedback/challenge", {"about": "narrative"} | words),
        (lead, f"{one}/feedback/challenges/{thread['accuracy']}", {"decision": "decline"} | words),
        (lead, f"{here}/chase/send", {"reason": "not_started", "ids": other}),
        (lead, f"{one}/correction", {
            "standards": world.work(CODE).sections[0].standard.id,
            f"reason-{world.work(CODE).sections[0].standard.id}": "x",
        } | dated("until")),
        (lead, f"{one}/reopen", words),
        ("inspector", f"/returns/{other}/nil", words),
        ("inspector", f"/returns/{other}/extend", dated("to")),
        (lead, f"{here}/extend", dated("due") | dated("closes") | {"closes-month": "7", "confirmed": "1"} | words),
        (lead, f"{here}/close", words),
        (lead, f"{here}/release/correct", words),  # published by then
    ]  # fmt: skip


def follow_up_watch(world: World) -> str:  # noqa: F811
    """An agency that is monitored."""
    return follow_up.monitor(
        world.write(), [world.returns[CODE].public_id], reason="It is slow.", review_on=None, by=SYSTEM, now=world.now
    )[0].public_id


@pytest.fixture
def busy(world: World) -> World:  # noqa: F811
    """A round in the middle of everything."""
    rid = submitted(world, CODE)
    for name in ("peer", "asked-peer", "idle-peer"):
        person(world, name, "peer_reviewer", "social-services-inspectorate")
    review = assign(world, CODE, by="lead-inspector").public_id
    assign(world, CODE, "asked-peer", by="lead-inspector")
    declare(world, review)
    put_in_sample(world, CODE, inspector="assessor", questions=[world.work(CODE).items[0].id])
    lead, now = world.actor("lead-inspector"), world.now
    session = world.write()
    peers.challenge(session, review, about="", subject="This", text="That?", by=world.actor("peer"), now=now)
    querying.ask(session, rid, subject="This", text="That?", due=now.date(), by=lead, now=now)
    follow_up.ask_for_progress(session, [rid], subject="This", text="That?", due=now.date(), by=lead, now=now)
    judgements.judge_return(session, rid, by=lead, now=now)
    judgements.propose_override(session, rid, "children", grade="not", reason="Seen.", by=lead, now=now)
    release.prepare(session, world.audit_round.public_id, by=SYSTEM, now=now)
    release.write_narrative(session, rid, narrative="Words.", version=1, by=lead, now=now)
    release.set_window(
        session, world.audit_round.public_id, opens=AGES_AGO, closes=FAR_AHEAD, by=SYSTEM, now=now
    )
    release.set_publication(
        session, world.audit_round.public_id, at=FAR_AHEAD, by=SYSTEM, now=now,
        waived=dict.fromkeys(release.WAIVABLE, "They were told."),
    )  # fmt: skip
    signatory = world.actor("signatory-council")
    release.challenge(session, rid, about="narrative", text="No.", by=signatory, now=now)
    session.commit()
    moved(world, accuracy_opens=AGES_AGO, accuracy_closes=FAR_AHEAD)
    return world


def why(client: FlaskClient, response_text: str) -> str:
    """What a refusal says: in the page's error summary or on the error page, else what the next page would show."""
    with client.session_transaction() as cookie:
        said = " ".join(text for _kind, text in cookie.pop("_flashes", ()))
    _before, found, rest = response_text.partition("govuk-error-summary")
    if not found:
        rest = response_text.partition("<h1")[2]
    return said + " " + " ".join(unescape(re.sub(r"<[^>]+>", " ", rest[:1500])).split())


def test_nothing_changes_in_an_archived_round(busy: World, client_as: Callable[[str], FlaskClient]) -> None:
    world = busy  # noqa: F811
    asked = forms(world)
    world.session.commit()
    world.write().get_one(AuditRound, world.audit_round.id).archived_at = world.now
    world.session.commit()

    def recorded() -> list[int | None]:
        world.session.rollback()
        return [
            world.session.scalar(select(sa.func.count()).select_from(kind)) for kind in (Event, OutboxMessage)
        ]

    before, wrong = recorded(), []
    for name, path, form in asked:
        client = client_as(name)
        if path.endswith("/correct"):
            moved(world, publish_at=AGES_AGO)
        response = client.post(path, data=form)
        if "archived" not in why(client, response.text):
            wrong.append(f"{name} {path} {response.status_code}: {why(client, response.text)[:200]}")
        if recorded() != before:
            wrong.append(f"{name} {path}: recorded")
            before = recorded()
    assert wrong == []


def test_a_request_for_information_can_come_later(busy: World, client_as: Callable[[str], FlaskClient]) -> None:
    world = busy  # noqa: F811
    world.write().get_one(AuditRound, world.audit_round.id).archived_at = world.now
    world.session.commit()
    lead, page = client_as("lead-inspector"), f"/returns/{world.returns[CODE].public_id}/disclosure"
    shown = lead.get(page)
    entry = re.findall(r'name="entries" value="([^"]+)"', shown.text)[0]
    form = {"entries": entry, "decision": "exempt", "ground": "other", "reason": "Asked for in 2009."}
    assert lead.post(page, data=form).status_code == 303
    assert "Asked for in 2009." in lead.get(page).text
    handed_out = lead.post(f"{page}/pack", data={"form": "sheet"})
    assert handed_out.status_code == 200 and handed_out.data.startswith(b"PK")
    assert lead.post(f"{page}/pack", data={"form": "page"}).status_code == 303
    world.session.rollback()
    verbs = world.session.scalars(select(Event.verb).where(Event.verb.startswith("disclosure.")))
    assert sorted(verbs) == ["disclosure.exported", "disclosure.exported", "disclosure.marked"]
