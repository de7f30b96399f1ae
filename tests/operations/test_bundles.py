"""Bundles: what one installation exports another takes, verified, matched question by question, and never unasked."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import date
from typing import Any

import pytest

from app.bundle import MANIFEST, Manifest, open_member, path_of, read_bundle, write_bundle
from app.domain.integrity import canonical_json, hash_of, sha256_hex
from app.operations.answers import Edit, save_answers
from app.operations.offline import Decision, apply_import, stage_bundle, take_actions
from app.queries.bundles import bundle_content
from app.queries.imports import Preview, get_import, preview
from app.queries.returns import get_return
from app.sheets.cells import Unreadable
from tests.sheets.workbooks import members, zipped
from tests.world import World, complete_answer, graded

LIMITS: dict[str, Any] = {"largest_file": 1024**2, "largest": 10 * 1024**2}
TEXT = b"Minutes of the board.\n"
DIGEST = sha256_hex(TEXT)


@pytest.fixture
def code(world: World) -> str:
    return next(iter(world.returns))


def export(world: World, code: str) -> dict[str, Any]:
    actor = world.actor("lead")
    audit_return = get_return(world.session, world.returns[code].public_id, actor=actor, now=world.now)
    return bundle_content(world.session, audit_return, actor=actor, now=world.now)


def with_file(content: dict[str, Any], criterion: str) -> dict[str, Any]:
    piece = {
        "id": "p1", "criterion": criterion, "scope": "", "title": "Minutes", "description": "What was decided",
        "name": "minutes.txt", "sha256": DIGEST, "size": len(TEXT),
    }  # fmt: skip
    return {**content, "evidence": [piece]}


def pack_up(content: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    write_bundle(content, out, lambda sha256: io.BytesIO({DIGEST: TEXT}[sha256]))
    return out.getvalue()


def read(content: bytes) -> Manifest:
    return read_bundle(io.BytesIO(content), **LIMITS)


def look(world: World, code: str, iid: str) -> Preview:
    audit_return = get_return(
        world.session, world.returns[code].public_id, actor=world.actor("lead"), now=world.now
    )
    return preview(world.session, audit_return, get_import(world.session, audit_return, iid), now=world.now)


def stage(world: World, code: str, manifest: Manifest, by: str = "contributor") -> str:
    actor = world.actor(by)
    staged = stage_bundle(
        world.write(), world.returns[code].public_id, name="b.zip", digest="0" * 64, manifest=manifest, by=actor,
        now=world.now,
    )  # fmt: skip
    world.session.commit()
    return staged.public_id


def save(world: World, code: str, question: str, value: dict[str, Any]) -> None:
    item = next(item for item in world.work(code).items if item.id == question)
    actor = world.actor("lead")
    edit = Edit(question, value, item.answer.version, f"k{item.answer.version}")
    assert save_answers(world.write(), world.returns[code].public_id, [edit], by=actor, now=world.now).clean
    world.session.commit()


def test_a_bundle_is_what_its_manifest_says_to_the_byte(world: World, code: str) -> None:
    world.answer(code, best=False, standards=2)
    first = world.work(code).items[0]
    content = with_file(export(world, code), first.criterion.id)
    packed = pack_up(content)
    assert pack_up(content) == packed
    manifest = read(packed)
    found = members(packed)
    whole = json.loads(found[MANIFEST])
    assert canonical_json(whole) == found[MANIFEST]
    stated = whole.pop("content_hash")
    assert stated == hash_of(whole) == manifest.content_hash
    assert set(found) == {MANIFEST, path_of(DIGEST)}
    assert {answer.criterion: canonical_json(dict(answer.value)) for answer in manifest.answers} == {
        item.criterion.id: canonical_json(item.answer.value) for item in world.work(code).items if item.started
    }
    with open_member(io.BytesIO(packed), DIGEST) as member:
        assert member.read() == TEXT


def test_answers_and_actions_arrive_where_ids_and_versions_match(world: World, code: str) -> None:
    one, two, three, *_rest = graded(world.work(code))
    theirs = {item.criterion.id: complete_answer(item.scheme, best=False) for item in (one, two, three)}
    content = export(world, code)
    other = {
        **content,
        "criteria": [
            {**row, "version": row["version"] + (row["id"] == three.criterion.id)} for row in content["criteria"]
        ],
        "answers": [
            {"criterion": key, "scope": "", "type": "grade", "value": value} for key, value in theirs.items()
        ]
        + [{"criterion": "no-such", "scope": "", "type": "grade", "value": {"grade": "x"}}],
        "actions": [
            {"criterion": one.criterion.id, "scope": "", "what": "Train everybody", "owner": "", "due": "2003-09-01",
             "state": "under_way"},
        ],
    }  # fmt: skip
    save(world, code, two.id, {"commentary": "Written here"})

    iid = stage(world, code, read(pack_up(other)))
    found = look(world, code, iid)
    assert one.id in {entry.item.id for entry in found.of("changed")}
    assert [entry.item.id for entry in found.of("conflict")] == [two.id]
    assert {gone.criterion: str(gone.reason) for gone in found.unmatched} == {
        three.criterion.id: "The question has another version here: its meaning changed.",
        "no-such": "There is no question of this id in this audit.",
    }
    assert [action.what for action in found.actions] == ["Train everybody"]
    decisions = [Decision(entry.item.id, "file", 0) for entry in found.of("changed")]
    contributor = world.actor("contributor")
    result = apply_import(
        world.write(), world.returns[code].public_id, iid, [*decisions, Decision(two.id, "saved", 1)], by=contributor,
        now=world.now,
    )  # fmt: skip
    assert result.clean
    world.session.commit()
    saved = {item.id: item.answer.value for item in world.work(code).items}
    assert saved[one.id] == theirs[one.criterion.id]
    assert saved[two.id] == {"commentary": "Written here"}
    assert saved[three.id] == {}
    assert look(world, code, iid).staged.state == "open"  # the action waits
    assert take_actions(
        world.write(), world.returns[code].public_id, iid, wanted={0}, leave=set(), by=contributor, now=world.now
    ) == 1  # fmt: skip
    world.session.commit()
    assert look(world, code, iid).staged.state == "settled"
    (action,) = next(item for item in world.work(code).items if item.id == one.id).actions
    assert (action.what, action.state, action.due) == ("Train everybody", "under_way", date(2003, 9, 1))
    assert {row["criterion"] for row in export(world, code)["actions"]} == {one.criterion.id}


def test_a_bundle_of_something_else_is_refused_in_words(world: World, code: str) -> None:
    content = export(world, code)
    other = list(world.returns)[1]
    with pytest.raises(Unreadable, match="another type of agency"):
        stage(world, other, read(pack_up(content)), by=f"signatory-{other.rsplit('-', 1)[0]}")
    content = {**content, "template": {**content["template"], "pack": "another"}}
    with pytest.raises(Unreadable, match="another checklist"):
        stage(world, code, read(pack_up(content)))


def test_a_bundle_of_another_agency_says_so(world: World, code: str) -> None:
    content = export(world, code)
    content = {**content, "agency": {**content["agency"], "code": "elsewhere", "name": "Elsewhere"}}
    assert "Elsewhere" in str(look(world, code, stage(world, code, read(pack_up(content)))).notes[0])


def test_nothing_can_be_changed_in_a_bundle_unnoticed(world: World, code: str) -> None:
    world.answer(code, standards=1)
    first = world.work(code).items[0]
    packed = pack_up(with_file(export(world, code), first.criterion.id))
    parts = members(packed)
    manifest = json.loads(parts[MANIFEST])

    def sealed(change: dict[str, Any]) -> bytes:
        whole = {**manifest, **change}
        whole.pop("content_hash")
        return canonical_json({**whole, "content_hash": hash_of(whole)})

    answers = [{**manifest["answers"][0], "value": {"grade": "x"}}, *manifest["answers"][1:]]
    doubled = io.BytesIO(packed)
    with pytest.warns(UserWarning), zipfile.ZipFile(doubled, "a") as archive:
        archive.writestr(MANIFEST, b"{}")
    wrong = {
        "answer": zipped({**parts, MANIFEST: canonical_json({**manifest, "answers": answers})}),
        "file": zipped({**parts, path_of(DIGEST): b"Minutes of the bored.\n"}),
        "extra": zipped({**parts, "run.sh": b"x"}),
        "outside": zipped({**parts, "../evidence/x": b"x"}),
        "missing": zipped({MANIFEST: parts[MANIFEST]}),
        "no list": zipped({path_of(DIGEST): TEXT}),
        "not json": zipped({**parts, MANIFEST: b"{"}),
        "a list": zipped({**parts, MANIFEST: b"[]"}),
        "deep": zipped({**parts, MANIFEST: b"[" * 100_000}),
        "unlisted evidence": zipped({**parts, MANIFEST: sealed({"evidence": []})}),
        "unknown key": zipped({**parts, MANIFEST: sealed({"more": 1})}),
        "zero byte": zipped({**parts, MANIFEST: sealed({"round": {"key": "a\0", "name": "x"}})}),
        "doubled": doubled.getvalue(),
        "no zip": b"PK\x03\x04",
        "nothing": b"",
    }
    for name, content in wrong.items():
        with pytest.raises(Unreadable) as refused:
            read(content)
        assert str(refused.value), name
    with pytest.raises(Unreadable, match="more than can be taken"):
        read_bundle(io.BytesIO(packed), largest_file=1024**2, largest=10)
    with pytest.raises(Unreadable, match="damaged"):
        read_bundle(io.BytesIO(packed), largest_file=5, largest=10 * 1024**2)
    assert read(packed)
