"""A return of the pack with one question of every type: answered, with its file, and signed."""

from __future__ import annotations

from typing import Any

from app.models import AuditReturn, Evidence, EvidenceLink, EvidenceRevision, StoredFile
from app.operations.answers import Edit, save_answers
from app.operations.submissions import sign_and_submit
from app.queries.returns import content_hash
from tests.world import World

PACK, CODE = "every-answer", "club-1"
ANSWERS: dict[str, dict[str, Any]] = {
    "plain": {"grade": "amber", "basis": "paper"},
    "yes-no": {"answer": "no", "basis": "paper", "commentary": "Nobody was found."},
    "number": {"number": "1.5", "basis": "paper"},
    "percentage": {"numerator": "2", "denominator": "3", "basis": "paper"},
    "choice": {"chosen": "yearly"},
    "choices": {"choices": "staff,drivers"},
    "any-number": {"number": "12345"},
    "date": {"date": "2003-04-03"},
    "text": {"text": "First line.\n</p><script>alert(1)</script> & more."},
    "table": {"rows": [{"name": "Ferry <b>", "places": "12.5", "since": "2001-02-03", "safe": "yes", "kind": "night"}]},
}


def answer(world: World, answers: dict[str, dict[str, Any]] | None = None) -> None:
    """Answer questions, all but the file without others."""
    versions = {item.id: item.answer.version for item in world.work(CODE).items}
    edits = [
        Edit(name, raw, versions[name], f"after-{versions[name]}") for name, raw in (answers or ANSWERS).items()
    ]
    actor = world.actor("contributor")
    assert save_answers(world.write(), world.returns[CODE].public_id, edits, by=actor, now=world.now).clean
    world.session.commit()


def give_file(world: World) -> None:
    """A file for the question that asks for one, as rows: what files hold matters elsewhere."""
    session, audit_return = world.write(), world.returns[CODE]
    session.merge(StoredFile(sha256="a" * 64, size=5, media_type="text/plain", stored_at=world.now, scan="clean"))
    row = Evidence(agency_id=audit_return.agency_id, title="The policy", added_at=world.now)
    session.add(row)
    session.flush()
    session.add(EvidenceRevision(evidence_id=row.id, number=1, sha256="a" * 64, name="policy.txt", at=world.now))
    session.add(EvidenceLink(return_id=audit_return.id, criterion="file", scope_key="", evidence_id=row.id))
    session.commit()


def submit(world: World) -> AuditReturn:
    """The return answered, with its file, and submitted."""
    answer(world)
    give_file(world)
    return sign(world)


def sign(world: World) -> AuditReturn:
    """Sign and submit what stands."""
    expected = content_hash(world.work(CODE))
    actor = world.actor("signatory")
    sign_and_submit(
        world.write(), world.returns[CODE].public_id, by=actor, now=world.now, expected_hash=expected,
        identity_proved=True,
    )  # fmt: skip
    world.session.commit()
    return world.returns[CODE]
