"""Publishing packs: a version is published once, never goes back, and says what is new."""

from __future__ import annotations

import pytest

from app.domain.life import NotPossible
from app.domain.templates import Pack
from app.models import PackVersion
from app.operations.templates import publish
from app.queries.packs import pack_of
from tests.world import SYSTEM, World


def _next(pack: Pack, by: int, changes: object) -> Pack:
    return pack.model_copy(update={"version": pack.version + by, "changes": changes})


def test_a_version_after_one_that_is_published_says_what_is_new(world: World) -> None:
    session = world.write()
    with pytest.raises(NotPossible, match="say what is new in version") as refused:
        publish(session, _next(world.pack, 1, None), by=SYSTEM, now=world.now)
    assert "`changes: " in str(refused.value) and world.pack.pack in str(refused.value)
    note = {"en": "One question is new.", "cy": "Mae un cwestiwn yn newydd."}
    version = publish(session, _next(world.pack, 1, note), by=SYSTEM, now=world.now)
    session.commit()
    assert pack_of(version).changes == note


def test_a_version_below_the_published_one_comes_too_late(world: World) -> None:
    session = world.write()
    number = world.pack.version
    publish(session, _next(world.pack, 2, "Much."), by=SYSTEM, now=world.now)
    with pytest.raises(NotPossible, match=f"comes too late: raise `version` in pack.yaml to {number + 3}"):
        publish(session, _next(world.pack, 1, "Little."), by=SYSTEM, now=world.now)
    # the versions that are published can be published again, to no effect
    assert publish(session, world.pack, by=SYSTEM, now=world.now).id == world.version.id
    assert session.query(PackVersion).count() == 2


def test_examples_and_demonstrations_are_no_part_of_what_is_published(world: World) -> None:
    changed = world.pack.model_copy(update={"examples": {"format": 1, "examples": []}, "demonstration": {"x": 1}})
    assert publish(world.write(), changed, by=SYSTEM, now=world.now).id == world.version.id
    assert pack_of(world.version).examples is None
