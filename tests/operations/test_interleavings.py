"""Random interleavings of edits from sixteen threads: nobody's words are overwritten unseen."""

from __future__ import annotations

import random
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from app import db
from app.models import SelfAssessment, SelfAssessmentVersion
from app.operations import events
from app.operations.answers import Conflict, Edit, restore, save_answers, take_theirs
from app.policy import Actor
from app.queries.returns import history
from tests.world import NOW, World

THREADS, QUESTIONS = 16, 3
PEOPLE = ("signatory", "lead", "contributor")


@dataclass
class Said:
    """What one thread sent, and what it was told."""

    question: str
    verb: str
    words: str
    based_on: int
    saved: int = 0
    conflict: Conflict | None = None
    unchanged: bool = False


@dataclass
class Writer:
    """Somebody with a page open: the versions that the page was made from may be old by the time of a save."""

    number: int
    actor: Actor
    make: sessionmaker[Session]
    rid: str
    questions: list[str]
    seen: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    said: list[Said] = field(default_factory=list)

    def act(self, interleaving: int, rng: random.Random, gate: threading.Barrier) -> None:
        """Look at the page first or not, then change one answer."""
        looks = rng.random() < 0.4
        gate.wait(300)
        with self.make() as session:
            if looks:
                rows = session.execute(
                    select(SelfAssessment.criterion, SelfAssessment.version).where(SelfAssessment.audit_return.has(
                        public_id=self.rid
                    ))
                )  # fmt: skip
                self.seen.update({row.criterion: row.version for row in rows})
            self.save(session, f"{interleaving} by {self.number}", rng)

    def save(self, session: Session, words: str, rng: random.Random) -> None:
        """One transaction, as a request makes it: saving mostly, at times giving way to others or restoring."""
        question = rng.choice(self.questions)
        verb = rng.choices(("save", "take theirs", "restore"), (8, 1, 1))[0]
        based_on = self.seen[question]
        if verb == "restore" and not based_on:
            verb = "save"
        edit = Edit(question, {"commentary": words}, based_on, words)
        session.rollback()
        db.begin_write(session)
        if verb == "save":
            result = save_answers(session, self.rid, [edit], by=self.actor, now=NOW)
        elif verb == "take theirs":
            result = take_theirs(session, self.rid, [edit], by=self.actor, now=NOW)
        else:
            version = rng.randint(1, based_on)
            result = restore(session, self.rid, question, version, based_on=based_on, by=self.actor, now=NOW)
            words = str(version)
        session.commit()
        said = Said(question, verb, words, based_on, result.saved.get(question, 0), result.conflicts.get(question))
        said.unchanged = question in result.unchanged
        self.said.append(said)
        if said.saved:
            self.seen[question] = said.saved
        elif said.conflict and rng.random() < 0.5:  # half of them look at both texts, the others try again as they are
            self.seen[question] = said.conflict.theirs.version


@pytest.fixture
def switching() -> Iterator[None]:
    """Threads of this test take turns at other moments than usual; afterwards as before."""
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("switching")
@pytest.mark.parametrize("interleavings", [40, pytest.param(200, marks=pytest.mark.proof)])
def test_no_edit_overwrites_another_unseen(app: Flask, world: World, interleavings: int) -> None:
    rng = random.Random(2003)
    code = next(iter(world.returns))
    rid = world.returns[code].public_id
    questions = [item.id for item in world.work(code).items[:QUESTIONS]]
    actors = [world.actor(name) for name in PEOPLE]
    world.session.rollback()
    with app.app_context():
        make = db.db.sessionmaker
    writers = [Writer(n, actors[n % len(actors)], make, rid, questions) for n in range(THREADS)]
    gate = threading.Barrier(THREADS)
    with ThreadPoolExecutor(THREADS) as pool:
        for interleaving in range(interleavings):
            sys.setswitchinterval(rng.choice((1e-5, 1e-4, 5e-3)))
            rngs = [random.Random(rng.random()) for _ in writers]
            running = [
                pool.submit(writer.act, interleaving, own, gate)
                for writer, own in zip(writers, rngs, strict=True)
            ]
            for one in running:
                one.result(300)

    world.session.rollback()
    check(world, code, questions, [said for writer in writers for said in writer.said])


def check(world: World, code: str, questions: list[str], said: list[Said]) -> None:
    """What is stored is what was accepted, each on top of what its writer had seen; the rest was told of both texts."""
    rows = world.session.scalars(
        select(SelfAssessmentVersion)
        .where(SelfAssessmentVersion.return_id == world.returns[code].id)
        .order_by(SelfAssessmentVersion.version)
    )
    stored: dict[str, dict[int, str]] = defaultdict(dict)
    for row in rows:
        stored[row.criterion][row.version] = row.value.get("commentary", "")
    accepted = [one for one in said if one.saved]
    refused = [one for one in said if one.conflict]
    assert min(len(accepted), len(refused)) > len(said) / 8, "too little of one kind to mean much"
    assert len(accepted) + len(refused) + sum(one.unchanged for one in said) == len(said)

    expected: dict[str, dict[int, str]] = defaultdict(dict)
    for one in sorted(accepted, key=lambda one: one.saved):
        own = expected[one.question]
        steps = 2 if one.verb == "take theirs" else 1
        assert one.saved == one.based_on + steps, f"{one} was not made on top of what it was based on"
        assert one.saved not in own, f"{one} has the version of another edit"
        if one.verb == "take theirs":
            own[one.based_on + 1] = one.words  # kept, and what stood before stands again
            own[one.saved] = own.get(one.based_on, "")
        else:
            own[one.saved] = one.words if one.verb == "save" else own[int(one.words)]
    assert stored == expected, "a version does not hold what was sent, or one is missing"

    for one in refused:
        assert one.conflict is not None
        theirs = one.conflict.theirs
        assert theirs.version > one.based_on, f"{one} was refused without a reason"
        assert theirs.value.get("commentary", "") == stored[one.question][theirs.version]
        mine = stored[one.question][int(one.words)] if one.verb == "restore" else one.words
        assert one.conflict.yours.get("commentary", "") == mine

    now = {item.id: item.answer for item in world.work(code).items if item.id in questions}
    for question, versions in stored.items():
        assert list(versions) == list(range(1, len(versions) + 1))
        assert now[question].version == len(versions)
        assert now[question].value.get("commentary", "") == versions[len(versions)]

    chain = list(history(world.session, events.chain_of(world.returns[code])))
    assert events.verify(chain) is None
    told = [
        (question, version)
        for event in chain
        if event.verb in ("answer.saved", "answer.restored")
        for question, version in event.data["criteria"].items()
    ]
    assert sorted(told) == sorted((one.question, one.saved) for one in accepted), "each save is in the history, once"
