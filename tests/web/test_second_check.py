"""Whoever checks a return second does so without knowing what the first inspector found: on no page, in no file."""

from __future__ import annotations

import re
from collections.abc import Callable

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select
from werkzeug.test import TestResponse

from app.models import Judgement, Moderation, Submission
from app.operations import examples, judgements, release, rollup
from app.operations.search import rebuild
from app.policy import could
from app.queries.moderation import hidden_from
from app.web.permissions import permissions_of
from tests.operations.checking import finished, put_in_sample, uphold_all
from tests.operations.test_judgements import submitted, world  # noqa: F401 - a fixture
from tests.web.test_oversight import words
from tests.world import SYSTEM, World

CODE = "council-1"
REASON = "Zinnober, as the rota of March shows."
# these tell the minute, hold links that are made anew, and list that feedback was prepared, not what is in it
APART = ("/close", "/invitations", "/history")
# files, searches and what is narrowed by what was found
ASKED = (
    "judgements?format=csv", "judgements?mark=differs", "judgements?mark=stale", "judgements?q=council",
    "sample?format=csv", "sample?state=done", "search?q=stands", "search?q=stands&format=csv",
    "search?q=stands&judgement=child-protection:some", "examples?format=csv", "figures?grades=checked",
    "figures/criteria?grades=checked", "figures/checked?format=csv", "figures/agencies?grades=checked",
    "two-views?format=csv", "follow-up/agencies?format=csv",
)  # fmt: skip


def found_otherwise(world: World) -> None:  # noqa: F811
    """The first inspector found the worst grade instead, in an answer that was upheld."""
    session, audit_return = world.write(), world.returns[CODE]
    item = world.work(CODE).items[0]
    worst = item.scheme.grades[-1].key if item.grade != item.scheme.grades[-1] else item.scheme.grades[0].key
    row = session.scalars(select(Moderation).where(Moderation.criterion == item.criterion.id)).one()
    session.add(
        Moderation(
            return_id=row.return_id, submission_id=row.submission_id, criterion=row.criterion, version=2,
            outcome="adjusted", self_grade=row.self_grade, grade=worst, reason=REASON, by_id=row.by_id, at=row.at,
        )
    )  # fmt: skip
    change = {"before": [(row.criterion, row.grade)], "after": [(row.criterion, worst)]}
    rollup.change(session, audit_return, "moderated", **change)
    session.commit()


def follows(world: World) -> None:  # noqa: F811
    """What follows from what was found: judgements, as if made for the first time, and a version of the feedback."""
    session = world.write()
    session.execute(delete(Judgement))
    judgements.judge_return(session, world.returns[CODE].public_id, by=SYSTEM, now=world.now)
    release.prepare(session, world.audit_round.public_id, by=SYSTEM, now=world.now)
    session.commit()


def addresses(app: Flask, world: World) -> list[str]:  # noqa: F811
    """Every page and file that an inspector may read about the return, and about its round."""
    session = world.session
    session.rollback()
    audit_return, item = world.returns[CODE], world.work(CODE).items[0]
    values = {
        "ret": audit_return.public_id, "agency_type": audit_return.agency_type, "criterion": item.criterion.id,
        "sid": session.scalars(select(Submission.public_id)).one(),
        "standard": world.work(CODE).sections[0].standard.id,
        "key": "children", "version": 1, "number": 1,
    }  # fmt: skip
    found = [f"/rounds/{world.audit_round.public_id}/{one}" for one in ASKED]
    found.append(f"/returns/{audit_return.public_id}/search?q=stands")
    for rule in app.url_map.iter_rules():
        permission = permissions_of(app, rule.endpoint).get("GET")
        if "rid" not in rule.arguments or permission is None or not could(world.actor("other-lead"), permission):
            continue
        rid = world.audit_round.public_id if rule.rule.startswith("/rounds/") else audit_return.public_id
        given = {name: values.get(name, f"no-such-{name}") for name in rule.arguments} | {"rid": rid}
        found.append(app.url_map.bind("localhost").build(rule.endpoint, given))
    return found


def normal(response: TestResponse) -> str:
    """A page without what differs each time, and without which version the feedback has come to."""
    each_time = r'nonce="[^"]*"|name="csrf_token" value="[^"]*"|version \d+'
    return f"{response.status_code} " + re.sub(each_time, "", response.text)


def read(client: FlaskClient, asked: list[str]) -> dict[str, str]:
    """Address to what it gives; spreadsheets and archives apart, which hold what the agency signed."""
    pages = {path: client.get(path) for path in asked}
    return {
        path: normal(page)
        for path, page in pages.items()
        if page.mimetype in ("text/html", "text/csv") and not path.endswith(APART)
    }


def test_nothing_that_a_second_inspector_reads_depends_on_what_the_first_found(
    app: Flask, world: World, client_as: Callable[[str], FlaskClient]  # noqa: F811
) -> None:
    rid = submitted(world, CODE, best=False)
    items = world.work(CODE).items[:2]
    put_in_sample(world, CODE, inspector="assessor", second="other-lead", questions=[item.id for item in items])
    uphold_all(world, CODE, by="assessor")
    finished(world, CODE, by="assessor")
    sid = world.session.scalars(select(Submission.public_id)).one()
    examples.mark(
        world.write(), rid, submission=sid, question=items[0].id, kind="good", note="Read this.", by=SYSTEM,
        now=world.now,
    )  # fmt: skip
    rebuild(world.session, by=SYSTEM)
    world.session.commit()
    follows(world)
    asked, pages = addresses(app, world), {}
    for name in ("other-lead", "lead-inspector"):
        pages[name] = read(client_as(name), asked)
    found_otherwise(world)
    follows(world)
    differing = {
        name: {path for path, page in read(client_as(name), asked).items() if page != pages[name][path]}
        for name in pages
    }
    assert sorted(differing["other-lead"]) == []
    # the pages that show what was found, to whoever is not second
    shown = {re.sub(r"^/(rounds|returns)/[^/]+/", "", path) for path in differing["lead-inspector"]}
    assert shown >= {
        "judgements", "sample", "sample?format=csv", "search?q=stands", "examples",
        "examples?format=csv", "feedback", "disclosure", "disclosure/print", "figures/checked",
        "figures/checked?format=csv", f"sample/{rid}", f"submissions/{sid}",
    }  # fmt: skip

    # once they have finished they read it all
    second = client_as("other-lead")
    for page in ("judgements", "feedback", "disclosure"):
        answer = second.get(f"/returns/{rid}/{page}")
        assert answer.status_code == 403 and "You check this return second" in words(answer)
        assert f"/returns/{rid}/moderation" in answer.text
    for path in ("feedback/write", "judgements/children/override"):
        assert second.post(f"/returns/{rid}/{path}", data={"narrative": "x"}).status_code == 403
    assert "You check 1 return second" in words(second.get(f"/rounds/{world.audit_round.public_id}/judgements"))
    world.session.rollback()
    assert hidden_from(world.session, world.audit_round, world.actor("other-lead")) == {world.returns[CODE].id}
    assert hidden_from(world.session, world.audit_round, world.actor("lead-inspector")) == set()
    uphold_all(world, CODE, by="other-lead")
    finished(world, CODE, by="other-lead")
    world.session.rollback()
    assert hidden_from(world.session, world.audit_round, world.actor("other-lead")) == set()
    for page in ("judgements", "feedback", "disclosure"):
        assert second.get(f"/returns/{rid}/{page}").status_code == 200
    assert REASON in second.get(f"/returns/{rid}/feedback").text
