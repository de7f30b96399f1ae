"""A leak census: a token of its own in every text of every agency; every page and export, fetched as everybody.

Before publication nobody finds a token that is not theirs: not of another agency, and nothing of what an oversight body
does in private. After publication an agency finds its own feedback, and nothing else is new to anybody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.domain.integrity import sha256_hex
from app.models import (
    Area,
    Evidence,
    EvidenceLink,
    EvidenceRevision,
    Example,
    Judgement,
    Moderation,
    Monitoring,
    PlannedAction,
    RecommendationStatus,
    StoredFile,
    Submission,
    Thread,
    ThreadPost,
    User,
)
from app.operations import people
from app.operations import release as operations
from app.operations.answers import Edit
from app.operations.search import rebuild
from app.policy import AGENCY_ROLES
from app.queries.returns import content_hash
from app.web.permissions import permissions_of
from tests.operations.test_returns import save, sign
from tests.web.test_release import AGES_AGO, FAR_AHEAD, fields, moved
from tests.world import SYSTEM, World, complete_answer

# who reads what does not depend on the database
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SIGNED = {"commentary", "action", "evidence"}
TO_AGENCY = {"query", "accuracy"}
IN_FEEDBACK = {"moderation", "narrative", "monitoring", "recommendation"}
SEEN = re.compile(r"token-([a-z]+)-([a-z0-9]+)-x")
AGENCIES = 2


def token(kind: str, code: str) -> str:
    """The token of a kind of text about an agency."""
    return f"token-{kind}-{code.replace('-', '')}-x"


def fill(world: World, code: str, by: str) -> None:
    """Answer, plan, attach, sign; then everything that an oversight body and others say about it."""
    audit_return = world.returns[code]
    item = world.work(code).items[0]
    raw = complete_answer(item.scheme, best=False) | {"commentary": token("commentary", code)}
    world.answer(code, by=by, best=False)
    version = world.work(code).items[0].answer.version
    assert save(world, code, Edit(item.id, raw, version, "token"), by=by).saved
    session = world.write()
    at, inspector = world.now, world.people["inspector"].id
    place = {"return_id": audit_return.id, "criterion": item.criterion.id}
    file = StoredFile(sha256=sha256_hex(code.encode()), size=1, media_type="text/plain", stored_at=at)
    piece = Evidence(agency_id=audit_return.agency_id, title=token("evidence", code), added_at=at)
    session.add_all([file, piece])
    session.flush()
    session.add_all(
        [
            EvidenceRevision(evidence_id=piece.id, number=1, sha256=file.sha256, name="minutes.txt", at=at),
            EvidenceLink(evidence_id=piece.id, **place),
            PlannedAction(what=token("action", code), owner="", made_at=at, saved_at=at, **place),
        ]
    )  # fmt: skip
    session.commit()
    sign(world, code, by=by, expected=content_hash(world.work(code)))
    session = world.write()
    submission = session.scalars(select(Submission).where(Submission.return_id == audit_return.id)).one()
    best = next(grade for grade in item.scheme.grades if grade.counts_as == "met")
    threads = {
        "query": "oversight", "accuracy": "agency", "peer": "peer", "comment": "area",
    }  # fmt: skip
    session.add_all(
        [
            Moderation(
                submission_id=submission.id, version=1, outcome="adjusted", self_grade=str(raw["grade"]),
                grade=best.key, reason=token("moderation", code), by_id=inspector, at=at, **place,
            ),
            Monitoring(return_id=audit_return.id, reason=token("monitoring", code), since=at, by_id=inspector),
            RecommendationStatus(
                return_id=audit_return.id, recommendation="any/1", state="met", note=token("recommendation", code),
                by_id=inspector, at=at,
            ),
            Judgement(
                return_id=audit_return.id, key="any", explanation={}, given="x", given_note=token("judgement", code),
                given_by_id=inspector, given_at=at,
            ),
            Example(submission_id=submission.id, kind="concern", note=token("example", code), at=at, **place),
            *(
                Thread(
                    return_id=audit_return.id, kind=kind, subject=kind, about="overall" if kind == "accuracy" else "",
                    opened_at=at, state="closed", closed_at=at,
                    posts=[ThreadPost(side=side, text=token(kind, code), at=at)],
                )
                for kind, side in threads.items()
            ),
        ]
    )  # fmt: skip
    session.commit()


@pytest.fixture
def full(world: World) -> list[str]:
    """The agencies with everything said about them, feedback prepared and nothing published; a peer reviewer too."""
    codes = list(world.returns)[:AGENCIES]
    session = world.write()
    for role, email in (("peer_reviewer", "peer"), ("inspector", "other-inspector")):
        people.add_person(
            session, email=f"{email}@agency.example", name=email.title(), role=role, post="",
            body_code=world.body.code if role == "peer_reviewer" else "south",
            starts=AGES_AGO.date(), ends=None, by=SYSTEM, now=world.now,
        )  # fmt: skip
    session.commit()
    world.people |= {user.email.split("@")[0]: user for user in session.scalars(select(User))}
    for place, code in enumerate(codes):
        fill(world, code, "signatory" if place == 0 else f"signatory-{world.returns[code].agency_type}")
    rid = world.audit_round.public_id
    operations.prepare(world.write(), rid, by=world.actor("inspector"), now=world.now)
    world.session.commit()
    for code in codes:
        actor = world.actor("inspector")
        operations.write_narrative(
            world.write(), world.returns[code].public_id, narrative=token("narrative", code), version=1, by=actor,
            now=world.now,
        )  # fmt: skip
        world.session.commit()
    rebuild(world.write(), by=SYSTEM)
    world.session.commit()
    return codes


def paths(app: Flask, world: World, codes: list[str]) -> Iterator[str]:
    """Every page that is read, about each agency and with things of that agency in every place."""
    session = world.session
    session.rollback()
    area = session.scalars(select(Area.public_id)).one()
    for code in codes:
        audit_return = world.returns[code]
        item, section = world.work(code).items[0], world.work(code).sections[0]
        submission = session.scalars(select(Submission).where(Submission.return_id == audit_return.id)).one()
        threads = list(session.scalars(select(Thread.public_id).where(Thread.return_id == audit_return.id)))
        piece = session.scalars(select(Evidence.public_id).where(Evidence.agency_id == audit_return.agency_id)).one()
        watch = session.scalars(select(Monitoring.public_id).where(Monitoring.return_id == audit_return.id)).one()
        values = {
            "standard": section.standard.id, "criterion": item.criterion.id, "sid": submission.public_id,
            "ret": audit_return.public_id, "agency_type": audit_return.agency_type, "eid": piece, "number": 1,
            "version": 1, "key": "any", "aid": area, "filename": "nothing.css", "question": item.id,
            "recommendation": "any/1", "mid": watch, "watch": watch,
        }  # fmt: skip
        for rule in app.url_map.iter_rules():
            if "GET" not in permissions_of(app, rule.endpoint) or rule.endpoint.endswith("static"):
                continue
            about_round = rule.rule.startswith("/rounds/")
            own = values | {"rid": world.audit_round.public_id if about_round else audit_return.public_id}
            for thread in threads if {"thread", "tid"} & rule.arguments else [""]:
                given = {name: own.get(name, thread or f"no-such-{name}") for name in rule.arguments}
                yield app.url_map.bind("localhost").build(rule.endpoint, given)
    for query in ("search?q=token", "search?text=token", "ledger?text=one", "release?text=one"):
        yield f"/rounds/{world.audit_round.public_id}/{query}"


def allowed(world: World, name: str, codes: list[str], *, published: bool) -> set[str]:
    """The tokens that somebody may find."""
    if name == "coordinator":
        # the submissions of their area, which this round releases to areas, and what scrutineers and peers say of them
        return {token(kind, code) for kind in SIGNED | {"comment", "peer"} for code in codes}
    held = {held.agency_id for held in world.actor(name).held if held.role in AGENCY_ROLES} if name else set()
    kinds = SIGNED | TO_AGENCY | {"peer"} | (IN_FEEDBACK if published else set())
    return {
        token(kind, code) for kind in kinds for code in codes if world.returns[code].agency_id in held
    }


def census(
    app: Flask, world: World, codes: list[str], visit: Callable[[str], FlaskClient], *, published: bool
) -> tuple[dict[str, set[str]], list[str]]:
    """Everybody to the tokens that they found; and what was wrong: (who, path, what)."""
    addresses = sorted(set(paths(app, world, codes)))
    others = {code: world.returns[code].agency.name for code in codes}
    # the inspectors of the round may read all of it: tests/web/test_who_may.py opens every page as them
    second = f"signatory-{world.returns[codes[1]].agency_type}"
    everybody = ["", "board", second, "peer", "outsider", "coordinator", "administrator"]
    if not published:
        everybody += ["signatory", "lead", "contributor", "other-inspector"]
    found: dict[str, set[str]] = {}
    wrong = []
    for name in everybody:
        may = allowed(world, name, codes, published=published)
        own = {held.agency_id for held in world.actor(name).held} if name else set()
        foreign = [others[code] for code in codes if world.returns[code].agency_id not in own]
        is_agency = name in ("signatory", "lead", "contributor", "board") or name.startswith("signatory-")
        client = visit(name)
        found[name] = set()
        for path in addresses:
            response = client.get(path)
            text = response.get_data(as_text=True) if not response.mimetype.endswith(("zip", "sheet")) else ""
            seen = {hit[0] for hit in SEEN.finditer(text)}
            found[name] |= seen
            wrong += [f"{name} {path}: {one}" for one in sorted(seen - may)]
            if response.status_code >= 500:
                wrong.append(f"{name} {path}: {response.status_code}")
            if is_agency and not published:
                wrong += [f"{name} {path}: {other}" for other in foreign if other in text]
                if path.startswith("/rounds/") and response.status_code not in (403, 404):
                    wrong.append(f"{name} {path}: {response.status_code} before publication")
    return found, wrong


def test_no_foreign_token_is_found_before_or_after_publication(
    app: Flask, world: World, full: list[str], client_as: Callable[[str], FlaskClient]
) -> None:
    def visit(name: str) -> FlaskClient:
        return client_as(name) if name else app.test_client()

    found, wrong = census(app, world, full, visit, published=False)
    assert wrong == []
    own = {token(kind, full[0]) for kind in SIGNED}
    assert own <= found["board"] and own <= found["coordinator"], "the census finds what there is"
    for code in full:
        page = visit("inspector").get(f"/returns/{world.returns[code].public_id}/feedback")
        assert token("narrative", code) in page.text
    assert found[""] == found["outsider"] == found["administrator"] == set()

    lead, rid = visit("lead-inspector"), world.audit_round.public_id
    # set for a time ahead: as long as it has not come, nothing is different for anybody
    form = fields("at", FAR_AHEAD) | {"step": "confirm"}
    form |= {f"waived-{key}": "They were told." for key in operations.OBSTACLES}
    assert lead.post(f"/rounds/{rid}/release/publish", data=form).status_code == 303
    for name in ("signatory", "board"):
        for path in (f"/rounds/{rid}/publications", f"/rounds/{rid}/publications/1.json", f"/rounds/{rid}/reports"):
            assert visit(name).get(path).status_code == 404
        for code in full:
            assert visit(name).get(f"/returns/{world.returns[code].public_id}/feedback").status_code == 404

    moved(world, publish_at=AGES_AGO + timedelta(hours=9))
    operations.by_the_clock(world.write(), now=world.now)
    world.session.commit()
    found, wrong = census(app, world, full, visit, published=True)
    assert wrong == []
    assert {token(kind, full[0]) for kind in IN_FEEDBACK} <= found["board"]
    assert found[""] == found["outsider"] == found["administrator"] == set()


def test_what_is_under_embargo_looks_like_what_does_not_exist(
    world: World, full: list[str], client_as: Callable[[str], FlaskClient]
) -> None:
    lead = world.actor("lead-inspector")
    operations.set_publication(
        world.write(), world.audit_round.public_id, at=FAR_AHEAD, by=lead, now=world.now,
        waived=dict.fromkeys(operations.OBSTACLES, "They were told."),
    )  # fmt: skip
    world.session.commit()
    client = client_as("lead")

    def shown(path: str) -> tuple[int, str]:
        response = client.get(path)
        return response.status_code, re.sub(r'(nonce|value)="[^"]*"', "", response.text)

    here, none = world.audit_round.public_id, "222222222222"
    for path in ("publications", "publications/1.json", "reports"):
        assert shown(f"/rounds/{here}/{path}") == shown(f"/rounds/{none}/{path}")
    own, other = (world.returns[code].public_id for code in full[:2])
    for path in ("feedback", "feedback/feedback.json"):
        assert shown(f"/returns/{own}/{path}") == shown(f"/returns/{other}/{path}") == shown(f"/returns/{none}/{path}")
