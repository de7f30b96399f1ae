"""Drafts of packs: changes that are applied to what stands now, conflicts, and who publishes what."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import select

from app.authoring.pieces import (
    Add,
    AddType,
    KeepExample,
    Move,
    Number,
    Put,
    PutFile,
    Remove,
    RemoveType,
    checked,
    files_of,
    find,
)
from app.catalogue import pack_hash
from app.domain.life import NotPossible
from app.models import Appointment, DraftFile, Event, OutboxMessage, OversightBody, PackDraft, User
from app.operations import drafts, events, templates
from app.operations.drafts import Beginning, DraftConflict
from app.policy import Denied
from app.queries.drafts import DraftNews, draft_news, files_at, get_draft
from app.queries.drafts import drafts as read_drafts
from app.queries.rounds import NotFound
from tests.world import SYSTEM, World, pack

KEY = "our-own"


def own_files() -> dict[str, str]:
    """The pack of the tests with a key that nothing else has."""
    found = files_of(pack("every-answer"))
    return {**found, "pack.yaml": found["pack.yaml"].replace("pack: every-answer", f"pack: {KEY}")}


def begin(world: World, by: str = "inspector", files: dict[str, str] | None = None) -> PackDraft:
    """A draft of the body that owns the round."""
    actor = world.actor(by)
    draft = drafts.begin(
        world.write(), Beginning(KEY, files or own_files(), "empty"), body_id=world.body.id, by=actor, now=world.now
    )
    world.session.commit()
    return draft


def change(world: World, draft: PackDraft, made, revision: int, by: str = "inspector") -> PackDraft:  # type: ignore[no-untyped-def]
    did, actor = draft.public_id, world.actor(by)
    found = drafts.change(world.write(), did, made, revision=revision, by=actor, now=world.now)
    world.session.commit()
    return found


def content(world: World, draft: PackDraft, *at: str):  # type: ignore[no-untyped-def]
    return find(checked(files_at(world.session, draft), draft.pack).content, at)


def send(world: World, draft: PackDraft, by: str = "inspector", version: int = 1, note: str = "") -> PackDraft:
    did, actor, revision = draft.public_id, world.actor(by), draft.revision
    made = Number(version, {"en": note})
    found = drafts.send(world.write(), did, made, revision=revision, by=actor, now=world.now)
    world.session.commit()
    return found


def publish(world: World, draft: PackDraft, by: str):  # type: ignore[no-untyped-def]
    did, actor, revision = draft.public_id, world.actor(by), draft.revision
    version = drafts.publish(world.write(), did, revision=revision, by=actor, now=world.now)
    world.session.commit()
    return version


def test_only_what_changed_is_stored_and_every_revision_can_be_read(world: World) -> None:
    draft = begin(world)
    before = files_at(world.session, draft)
    assert before == own_files() and draft.mistakes == 0
    change(world, draft, PutFile("README.md", "# Read\n"), 1)
    change(world, draft, PutFile("README.md", None), 2)
    change(world, draft, PutFile("README.md", None), 3)  # nothing changes: no revision
    draft = get_draft(world.session, draft.public_id, actor=SYSTEM)
    assert draft.revision == 3
    rows = world.session.scalars(select(DraftFile).where(DraftFile.draft_id == draft.id, DraftFile.revision > 1)).all()
    assert [(row.name, row.revision, row.text) for row in rows] == [
        ("README.md", 2, "# Read\n"), ("README.md", 3, None),
    ]  # fmt: skip
    assert files_at(world.session, draft) == before
    assert files_at(world.session, draft, 2) == before | {"README.md": "# Read\n"}


def test_changes_of_different_parts_do_not_disturb_each_other(world: World) -> None:
    draft = begin(world)
    standards = content(world, draft, "club.yaml", "standards")
    first, second = standards[0]["criteria"][:2]
    way = ("club.yaml", "standards", standards[0]["id"], "criteria")
    change(world, draft, Put((*way, first["id"]), first | {"why": "One."}), 1)
    # made on the revision before, of another question: both stay
    change(world, draft, Put((*way, second["id"]), second | {"why": "Two."}), 1, by="lead-inspector")
    now = content(world, draft, *way)
    assert (now[0]["why"], now[1]["why"]) == ("One.", "Two.")
    with pytest.raises(DraftConflict):
        change(world, draft, Put((*way, first["id"]), first | {"why": "Three."}), 1)
    world.session.rollback()
    with pytest.raises(DraftConflict):
        change(world, draft, Remove((*way, first["id"])), 2 - 1)
    world.session.rollback()
    with pytest.raises(DraftConflict):
        change(world, draft, PutFile("club.yaml", "format: 1\n"), 1)
    world.session.rollback()
    assert content(world, draft, *way)[0]["why"] == "One."


def test_parts_that_are_gone_or_there_already_are_refused(world: World) -> None:
    draft = begin(world)
    way = ("club.yaml", "standards")
    own = content(world, draft, *way)[0]["id"]
    with pytest.raises(NotPossible, match="already"):
        change(world, draft, Add(way, own, {"id": own, "title": "T", "criteria": []}), 1)
    for made in (Remove((*way, "nothing")), Move((*way, "nothing"), 1), Put((*way, "nothing"), {})):
        world.session.rollback()
        with pytest.raises(NotPossible, match="not there any more"):
            change(world, draft, made, 1)
    world.session.rollback()
    change(world, draft, PutFile("club.yaml", "a: [\n"), 1)
    with pytest.raises(NotPossible, match="Mend its text first"):
        change(world, draft, Remove((*way, own)), 2)


def test_a_draft_has_limits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = begin(world)
    with pytest.raises(NotPossible, match="No file of a pack can be called"):
        change(world, draft, PutFile("../x.yaml", "x"), 1)
    world.session.rollback()
    monkeypatch.setattr(drafts, "MOST_CHARACTERS", 5)
    with pytest.raises(NotPossible, match="characters in all"):
        change(world, draft, PutFile("README.md", "x"), 1)


def test_a_draft_is_of_ones_own_body_and_administrators_see_all(world: World) -> None:
    draft = begin(world)
    outsider = world.actor("outsider")
    with pytest.raises(NotFound):
        get_draft(world.session, draft.public_id, actor=outsider)
    assert read_drafts(world.session, actor=outsider).drafts == []
    for name in ("inspector", "lead-inspector", "administrator"):
        assert [one.id for one in read_drafts(world.session, actor=world.actor(name)).drafts] == [draft.id]
    with pytest.raises(Denied):
        read_drafts(world.session, actor=world.actor("lead"))
    with pytest.raises(Denied):
        drafts.begin(
            world.write(), Beginning(KEY, own_files(), "empty"), body_id=world.body.id, by=outsider, now=world.now
        )
    world.session.rollback()
    with pytest.raises(Denied):
        inspector = world.actor("inspector")
        drafts.begin(world.write(), Beginning(KEY, own_files(), "empty"), body_id=None, by=inspector, now=world.now)
    world.session.rollback()
    administrator = world.actor("administrator")
    drafts.begin(world.write(), Beginning(KEY, own_files(), "empty"), body_id=None, by=administrator, now=world.now)
    world.session.commit()
    assert len(read_drafts(world.session, actor=world.actor("inspector")).drafts) == 1


def test_what_is_published_is_what_the_command_would_publish(world: World) -> None:
    draft = begin(world)
    send(world, draft)
    assert draft.state == "sent"
    with pytest.raises(NotPossible, match="Take it back first"):
        change(world, draft, PutFile("README.md", "x"), draft.revision)
    world.session.rollback()
    version = publish(world, draft, "lead-inspector")
    whole = checked(own_files(), KEY).pack
    assert whole is not None and version.sha256 == pack_hash(whole.as_published())
    assert templates.publish(world.write(), whole, by=SYSTEM, now=world.now).id == version.id
    world.session.rollback()
    chain = world.session.scalars(
        select(Event).where(Event.chain == f"draft:{draft.public_id}").order_by(Event.seq)
    ).all()
    assert [event.verb for event in chain] == ["draft.begun", "draft.sent", "draft.published"]
    assert events.verify(list(chain)) is None
    assert world.session.scalars(select(Event.verb).where(Event.chain == f"pack:{KEY}")).all() == ["pack.published"]


def test_a_note_and_a_reason_stay_out_of_the_chain(world: World) -> None:
    draft = begin(world)
    send(world, draft, note="Said by Jane.")
    did, lead = draft.public_id, world.actor("lead-inspector")
    drafts.give_back(world.write(), did, reason="Jane is right.", by=lead, now=world.now)
    world.session.commit()
    assert draft.state == "drafting" and draft.reason == "Jane is right."
    chain = world.session.scalars(select(Event).where(Event.chain == f"draft:{did}")).all()
    assert "Jane" not in str([event.data for event in chain])
    assert {row.text for event in chain for row in event.texts} == {"Said by Jane.", "Jane is right."}


def test_whoever_sent_it_or_changed_it_last_cannot_decide(world: World) -> None:
    draft = begin(world, by="inspector")
    send(world, draft, by="lead-inspector")
    with pytest.raises(NotPossible, match="Somebody else"):
        publish(world, draft, "lead-inspector")
    world.session.rollback()
    did, lead = draft.public_id, world.actor("lead-inspector")
    with pytest.raises(NotPossible, match="Somebody else"):
        drafts.give_back(world.write(), did, reason="x", by=lead, now=world.now)
    world.session.rollback()
    with pytest.raises(NotFound):  # an inspector publishes nothing
        publish(world, draft, "inspector")
    world.session.rollback()
    with pytest.raises(NotFound):
        publish(world, draft, "outsider")
    world.session.rollback()
    publish(world, draft, "administrator")
    assert draft.state == "published"


def told(world: World) -> list[tuple[str, str, str]]:
    """Who got a mail about drafts since this was asked last: to whom, its subject, and the page that it leads to."""
    world.write()
    rows = world.session.scalars(select(OutboxMessage).filter_by(kind="draft").order_by(OutboxMessage.address)).all()
    found = [
        (row.address.partition("@")[0], row.subject, next(iter(re.findall("⟦(/drafts.*?)⟧", row.body)), ""))
        for row in rows
    ]
    for row in rows:
        world.session.delete(row)
    world.session.commit()
    return found


def news(world: World, name: str) -> DraftNews:
    world.session.rollback()
    return draft_news(world.session, actor=world.actor(name), now=world.now)


def titles(found: DraftNews) -> tuple[list[str], list[str], list[str]]:
    return tuple([one.pack for one in part] for part in (found.to_decide, found.returned, found.published))  # type: ignore[return-value]


def test_whoever_may_publish_a_draft_learns_of_it_and_its_author_of_what_became_of_it(world: World) -> None:
    world.write().execute(sa.update(User).values(password="x"))  # they have come in before
    world.session.commit()
    draft = begin(world)
    did, title = draft.public_id, draft.title
    assert told(world) == [] and titles(news(world, "lead-inspector")) == ([], [], [])
    send(world, draft)
    assert told(world) == [("lead-inspector", f"“{title}” waits to be published", f"/drafts/{did}/decide")]
    for name in ("lead-inspector", "administrator"):
        assert titles(news(world, name)) == ([KEY], [], [])
    for name in ("inspector", "outsider", "lead", "coordinator"):
        assert titles(news(world, name)) == ([], [], []), name
    lead = world.actor("lead-inspector")
    drafts.give_back(world.write(), did, reason="Jane is right.", by=lead, now=world.now)
    world.session.commit()
    assert told(world) == [("inspector", f"“{title}” is returned to be mended", f"/drafts/{did}")]
    assert titles(news(world, "inspector")) == ([], [KEY], [])
    assert titles(news(world, "lead-inspector")) == ([], [], [])
    world.now += timedelta(hours=1)
    send(world, draft)
    assert len(told(world)) == 1, "it was sent again"
    assert titles(news(world, "inspector")) == ([], [], [])
    publish(world, draft, "administrator")
    assert told(world) == [("inspector", f"“{title}” is published", f"/drafts/{did}")]
    assert titles(news(world, "inspector")) == ([], [], [KEY])
    assert titles(news(world, "administrator")) == ([], [], [])
    world.now += timedelta(days=15)
    assert titles(news(world, "inspector")) == ([], [], [])


def test_an_administrator_is_told_where_nobody_else_can_publish(world: World) -> None:
    send(world, draft := begin(world, by="inspector"), by="lead-inspector")
    assert [name for name, _subject, _page in told(world)] == ["administrator"], "the only lead inspector sent it"
    assert titles(news(world, "lead-inspector")) == ([], [], [])
    drafts.give_back(world.write(), draft.public_id, reason="x", by=world.actor("administrator"), now=world.now)
    world.session.commit()
    assert [name for name, _subject, _page in told(world)] == ["inspector", "lead-inspector"], "began and sent it"
    # what others published before needs one too
    whole = checked(own_files(), KEY).pack
    assert whole is not None
    templates.publish(world.write(), whole, by=SYSTEM, now=world.now)
    world.session.commit()
    send(world, begin(world), version=2, note="New.")
    assert [name for name, _subject, _page in told(world)] == ["administrator"]


def test_nobody_is_told_of_a_draft_that_they_may_no_longer_read(world: World) -> None:
    send(world, draft := begin(world))
    world.write().execute(
        sa.update(Appointment)
        .where(Appointment.user_id == world.people["inspector"].id)
        .values(ends=world.now.date())
    )
    world.session.commit()
    world.session.expire_all()
    told(world)
    world.now += timedelta(days=1)
    publish(world, draft, "lead-inspector")
    assert told(world) == []
    assert titles(news(world, "inspector")) == ([], [], [])


def test_a_version_is_higher_and_says_what_is_new(world: World) -> None:
    send(world, first := begin(world))
    publish(world, first, "lead-inspector")
    draft = begin(world)
    with pytest.raises(NotPossible, match="version 2 or higher"):
        send(world, draft, version=1, note="New.")
    world.session.rollback()
    with pytest.raises(NotPossible, match="say what is new"):
        send(world, draft, version=2)
    world.session.rollback()
    send(world, draft, version=3, note="New.")
    assert content(world, draft, "pack.yaml", "version") == 3
    assert content(world, draft, "pack.yaml", "changes") == "New."
    # somebody else publishes another version meanwhile: this one comes too late
    whole = checked(files_at(world.session, draft), KEY).pack
    assert whole is not None
    templates.publish(world.write(), whole.model_copy(update={"version": 4}), by=SYSTEM, now=world.now)
    world.session.commit()
    with pytest.raises(NotPossible, match="version 5 or higher"):
        publish(world, draft, "administrator")


def test_what_others_published_is_for_an_administrator(world: World) -> None:
    """A body's own lead inspector publishes what only that body published before."""
    send(world, first := begin(world))
    publish(world, first, "lead-inspector")
    send(world, second := begin(world), version=2, note="New.")
    publish(world, second, "lead-inspector")
    whole = checked(files_at(world.session, second), KEY).pack
    assert whole is not None
    templates.publish(world.write(), whole.model_copy(update={"version": 3}), by=SYSTEM, now=world.now)
    world.session.commit()
    send(world, third := begin(world), version=4, note="New.")
    with pytest.raises(NotPossible, match="administrator"):
        publish(world, third, "lead-inspector")
    world.session.rollback()
    publish(world, third, "administrator")


def test_a_pack_that_brings_oversight_bodies_is_for_an_administrator(world: World) -> None:
    files = own_files()
    bodies = checked(files, KEY).content["pack.yaml"]["oversight_bodies"]
    more = {**bodies, "new-body": {"name": "A new body", "short": "New", "kind": "inspectorate"}}
    whole = dict(checked(files, KEY).content["pack.yaml"]) | {"oversight_bodies": more}
    files = Put(("pack.yaml",), whole).apply(files, KEY)
    send(world, draft := begin(world, files=files))
    with pytest.raises(NotPossible, match="administrator"):
        publish(world, draft, "lead-inspector")
    world.session.rollback()
    assert world.session.scalar(select(OversightBody.id).where(OversightBody.code == "new-body")) is None
    publish(world, draft, "administrator")
    assert world.session.scalar(select(OversightBody.id).where(OversightBody.code == "new-body"))


def test_mistakes_stop_a_draft_from_being_sent(world: World) -> None:
    draft = begin(world)
    change(world, draft, PutFile("club.yaml", own_files()["club.yaml"].replace("format: 1", "format: 2")), 1)
    assert draft.mistakes == 1
    with pytest.raises(NotPossible, match="mistakes in this draft"):
        send(world, draft)


def test_an_example_is_kept_behind_the_others_with_their_comments() -> None:
    files = {"examples.yaml": "format: 1\nexamples:\n  # the first\n  - name: One\n    source: S\n    agency_type: a\n"}
    new = {"name": "Two", "source": "S", "agency_type": "a", "triggers": []}
    text = KeepExample(new).apply(files, "x")["examples.yaml"]
    assert text.startswith(files["examples.yaml"])
    assert checked({"examples.yaml": text}, "x").content["examples.yaml"]["examples"][1] == new
    with pytest.raises(NotPossible, match="Another example"):
        KeepExample(new | {"name": "One"}).apply(files, "x")


@pytest.mark.parametrize("key", ["climbie-2003", "every-answer"])
def test_the_files_of_a_published_pack_come_to_the_same_pack(key: str) -> None:
    found = checked(files_of(pack(key)), key)
    assert found.flaws == () and found.pack is not None
    assert pack_hash(found.pack) == pack_hash(pack(key))


def test_agency_types_that_are_mistakes_cost_no_file() -> None:
    files = own_files()
    listed = find(checked(files, KEY).content, ("pack.yaml", "agency_types"))
    kind = next(iter(listed.values()))
    files = Put(("pack.yaml", "agency_types"), {**listed, "pack": kind, "findings": kind}).apply(files, KEY)
    files["findings.yaml"] = "format: 1\n"
    for own in ("pack", "findings"):
        after = RemoveType(own).apply(files, KEY)
        assert set(after) == set(files) and own not in find(checked(after, KEY).content, ("pack.yaml", "agency_types"))
    # a checklist that no agency type names yet
    files["orphan.yaml"] = "format: 1\nagency_type: orphan\n"
    after = AddType("orphan", kind, next(iter(listed))).apply(files, KEY)
    assert after["orphan.yaml"] == files["orphan.yaml"]
    assert find(checked(after, KEY).content, ("pack.yaml", "agency_types", "orphan")) == kind


@pytest.mark.parametrize("examples", ["none", "5", "{name: none}"])
def test_examples_that_are_no_list_are_not_written_over(examples: str) -> None:
    files = own_files() | {"examples.yaml": f"format: 1\nexamples: {examples}\n"}
    with pytest.raises(NotPossible, match="Mend its text first"):
        KeepExample({"name": "One"}).apply(files, KEY)
