"""Any pack, taken through a round: from its opening to what is published, through the operations and by no name.

`taken(session, key, store=…)` makes a world of the pack with a few agencies of every type, and lets them answer, sign,
be drawn, checked and judged, and their findings come out. The same pack gives the same round.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.evidence import Described
from app.domain.findings import JointFindings
from app.domain.invented import invented
from app.domain.risks import ModerationRules
from app.domain.rules.language import Given
from app.domain.sampling import SamplePlan
from app.domain.sites import Named
from app.files.check import check as check_file
from app.files.scan import Scan
from app.files.store import Store
from app.models import (
    AuditReturn,
    Judgement,
    OversightBody,
    Publication,
    Sample,
    SampledReturn,
    Submission,
    User,
)
from app.operations import agencies, judgements, people, release, rounds, sampling, sites
from app.operations.answers import Edit, save_answers
from app.operations.evidence import Upload, add
from app.operations.moderation import FindingConflict, Typed, finish, record
from app.operations.submissions import sign_and_submit
from app.queries.judgements import book_of, rows_of
from app.queries.moderation import desk_of
from app.queries.release import feedback_document, get_feedback_return, published_findings
from app.queries.returns import Item, content_hash, get_return
from app.queries.sampling import agency_types_of
from tests.world import NOW, SYSTEM, World, build

AGENCIES = 2  # of each type
CHECKED = 2  # returns of those drawn
SHUT = datetime(2003, 7, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MOST = 1024**2  # bytes of a file
WAIVED = dict.fromkeys(release.OBSTACLES, "It is a test of the pack.")


@dataclass
class Round:
    """A round of a pack on its way. `people` of the world who sign are found by agency code."""

    world: World
    store: Store
    files: int = 0
    checked: int = 0
    codes: list[str] = field(default_factory=list)

    @property
    def session(self) -> Session:
        """The session of the world."""
        return self.world.session

    def chance(self, *parts: object) -> Random:
        """A source of chance of its own for what the parts name."""
        return Random("/".join(map(str, (self.world.pack.pack, *parts))))

    # --- agencies and inspectors

    def prepare(self) -> None:
        """More agencies of every type, and inspectors at every body."""
        world = self.world
        lines = ["code,name,type,subtype,areas,email,signatory"]
        for kind, known in world.pack.agency_types.items():
            subtypes = list(known.subtypes) or [""]
            for number in range(2, AGENCIES + 1):
                code, subtype = f"{kind}-{number}", subtypes[(number - 1) % len(subtypes)]
                who = f"{code}@agency.example,Sam {number}"
                lines.append(f"{code},Fictional {kind} {number},{kind},{subtype},mere: Mereland,{who}")
        stored = agencies.import_csv(world.write(), "\n".join(lines), world.pack.agency_types, by=SYSTEM, now=NOW)
        rounds.add_agencies(
            self.session, world.audit_round.public_id, [one.public_id for one in stored], by=SYSTEM, now=NOW
        )
        asking = {one.oversight_body_id for one in world.audit_round.served}
        for body in self.session.scalars(select(OversightBody).where(OversightBody.id.in_(asking))).all():
            for role in ("lead_inspector", "inspector", "inspector"):
                email = f"{role}-{body.id}-{self.files}@agency.example"
                self.files += 1
                people.add_person(
                    self.session, email=email, name=email.split("@")[0], role=role, body_code=body.code, post="",
                    starts=NOW.date(), ends=None, by=SYSTEM, now=NOW,
                )  # fmt: skip
        self.session.commit()
        rows = self.session.scalars(select(AuditReturn).where(AuditReturn.round_id == world.audit_round.id)).all()
        world.returns = {row.agency.code: row for row in rows}
        world.people = {user.email.split("@")[0]: user for user in self.session.scalars(select(User))}
        self.codes = sorted(world.returns)

    def signatory(self, code: str) -> str:
        """Who of the world signs for an agency."""
        first = f"{next(iter(self.world.pack.agency_types))}-1"
        return "signatory" if code == first else f"signatory-{code[:-2]}" if code.endswith("-1") else code

    def inspectors(self, code: str, role: str) -> list[str]:
        """The inspectors (with their role) of the bodies that ask an agency."""
        kind = self.world.returns[code].agency_type
        asking = {one.oversight_body_id for one in self.world.audit_round.served if one.agency_type == kind}
        return [name for name in self.world.people for body in asking if name.startswith(f"{role}-{body}-")]

    # --- answering

    def answer(self, code: str) -> None:
        """An agency answers everything that it must, and some of what it may."""
        world, by = self.world, self.signatory(code)
        if world.work(code).template.asks_sites:
            self._list_sites(code, by)
        for _again in range(12):  # an answer can bring questions up
            edits, files = [], []
            for item in world.work(code).items:
                rng = self.chance(code, item.id)
                if not item.outstanding:
                    continue
                if not item.required and not item.started and rng.random() < 0.4:
                    continue  # left out; it may become required
                elif item.handler.needs_files:
                    files.append(item)
                else:
                    edits.append(Edit(item.id, complete(item, rng, NOW.date()), item.answer.version, f"k{_again}"))
            if not edits and not files:
                return
            actor = world.actor(by)
            result = save_answers(world.write(), world.returns[code].public_id, edits, by=actor, now=NOW)
            assert result.clean, (code, result.errors, result.conflicts)
            for item in files:
                for number in range(getattr(item.criterion.answer, "at_least", 1)):
                    self._give(code, item, number, by)
            self.session.commit()
        raise AssertionError(f"{code} still has unfinished questions: {world.work(code).outstanding}")

    def _list_sites(self, code: str, by: str) -> None:
        """Every second agency has two sites, the others none."""
        public_id, actor = self.world.returns[code].public_id, self.world.actor(by)
        if code.endswith("-1"):
            named = [Named("", "Northern clinic"), Named("", "Annexe")]
            sites.add_list(self.world.write(), public_id, named, by=actor, now=NOW)
        else:
            sites.say_none(self.world.write(), public_id, none=True, by=actor, now=NOW)
        self.session.commit()

    def _give(self, code: str, item: Item, number: int, by: str) -> None:
        content = io.BytesIO(f"What {code} gives for {item.id}, number {number}.\n".encode())
        checked = check_file(content, "policy.txt", most=MOST)
        typed = Described(f"Policy {number}", "What we do.", (item.id,))
        with checked.file:
            add(
                self.session, self.world.returns[code].public_id, Upload(checked, Scan("not_scanned")), typed,
                store=self.store, quota=100 * MOST, by=self.world.actor(by), now=NOW,
            )  # fmt: skip
        self.files += 1

    def sign(self, code: str) -> None:
        """The signatory signs what stands there."""
        actor, shown = self.world.actor(self.signatory(code)), content_hash(self.world.work(code))
        sign_and_submit(
            self.world.write(), self.world.returns[code].public_id, by=actor, now=NOW, expected_hash=shown,
            identity_proved=True,
        )  # fmt: skip
        self.session.commit()

    # --- checking and judging

    def draw(self) -> list[SampledReturn]:
        """Commit a sample of half of the returns, close the round, draw, and share out."""
        world = self.world
        plan = SamplePlan.of(ModerationRules.of(world.pack), agency_types_of(world.audit_round))
        round_id = world.audit_round.public_id
        sampling.commit_sample(world.write(), round_id, plan, by=SYSTEM, now=NOW)
        self.session.commit()
        world.now = SHUT
        sampling.draw_sample(world.write(), round_id, by=SYSTEM, now=SHUT)
        sampling.assign_rest(self.session, round_id, by=SYSTEM, now=SHUT)
        self.session.commit()
        sample = self.session.scalars(select(Sample).where(Sample.round_id == world.audit_round.id)).one()
        rows = select(SampledReturn).where(SampledReturn.sample_id == sample.id).order_by(SampledReturn.id)
        return list(self.session.scalars(rows))

    def check(self, row: SampledReturn) -> None:
        """Whoever a sampled return is assigned to checks every question of it, adjusts some, and finishes."""
        world, audit_return = self.world, self.session.get_one(AuditReturn, row.return_id)
        code, public_id = audit_return.agency.code, audit_return.public_id
        for who in (row.inspector_id, row.second_id):
            if who is None:
                continue
            name = self.session.get_one(User, who).email.split("@")[0]
            actor = world.actor(name)
            audit_return = get_return(world.write(), public_id, actor=actor, now=SHUT, permission="return.moderate")
            desk = desk_of(self.session, audit_return, actor=actor, now=SHUT)
            for question, one in desk.checks.items():
                assert one.item.grade is not None, f"{question} of {code} has no grade to check"
                rng = self.chance("check", code, question)
                others = [grade.key for grade in one.item.scheme.grades if grade.counts_as == "not_met"]
                own = one.item.grade.key
                grade = rng.choice(others) if others and rng.random() < 0.3 else own
                typed = Typed(grade, "" if grade == own else "The files that were read show less.", "")
                found = record(
                    self.session, public_id, question, typed, submission=desk.submission.public_id, based_on=0,
                    by=actor, now=SHUT,
                )  # fmt: skip
                assert not isinstance(found, FindingConflict)
                self.checked += 1
            finish(self.session, public_id, by=actor, now=SHUT)
            self.session.commit()

    def judge(self) -> dict[str, dict[str, Judgement]]:
        """Judge where the pack does; inspectors enter what the answers cannot tell. Agency code to judgements."""
        world = self.world
        if world.pack.judgements is None:
            return {}
        judgements.judge_round(world.write(), world.audit_round.public_id, by=SYSTEM, now=SHUT)
        self.session.commit()
        found = {}
        for code in self.codes:
            audit_return = world.returns[code]
            book = book_of(world.version, audit_return.agency_type)
            if book is None:
                continue
            for key, judgement in book.profile.judgements.items():
                if isinstance(judgement, Given):
                    actor = world.actor(self.inspectors(code, "lead_inspector")[0])
                    grade = self.chance("judge", code, key).choice(sorted(book.ranks(key)))
                    judgements.give(
                        world.write(), audit_return.public_id, key, grade=grade, note="What was seen there.", by=actor,
                        now=SHUT,
                    )  # fmt: skip
                    self.session.commit()
            found[code] = rows_of(self.session, [audit_return.id]).get(audit_return.id, {})
        return found

    # --- what comes out

    def publish(self) -> datetime:
        """Prepare the feedback, publish, and say when it is out."""
        world, round_id = self.world, self.world.audit_round.public_id
        release.prepare(world.write(), round_id, by=SYSTEM, now=SHUT)
        release.set_window(self.session, round_id, opens=SHUT, closes=SHUT + HOUR, by=SYSTEM, now=SHUT)
        self.session.commit()
        later = SHUT + 2 * HOUR
        release.by_the_clock(world.write(), now=later)
        release.set_publication(self.session, round_id, at=later + HOUR, waived=WAIVED, by=SYSTEM, now=later)
        self.session.commit()
        out = later + 2 * HOUR
        release.by_the_clock(world.write(), now=out)
        self.session.commit()
        world.now = out
        assert self.session.scalars(select(Publication)).all()
        return out

    def findings(self, *, language: str = "en") -> JointFindings:
        """The joint findings as they were published."""
        return published_findings(
            self.session, self.world.audit_round, actor=SYSTEM, now=self.world.now, language=language
        )

    def feedback(self, code: str, *, language: str = "en") -> Any:
        """What an agency was told, as its signatory reads it."""
        actor = self.world.actor(self.signatory(code))
        audit_return = get_feedback_return(
            self.session, self.world.returns[code].public_id, actor=actor, now=self.world.now
        )
        return feedback_document(self.session, audit_return, actor=actor, now=self.world.now, language=language)

    def submitted(self) -> list[Submission]:
        """Everything that was signed."""
        return list(self.session.scalars(select(Submission).order_by(Submission.id)))


def complete(item: Item, rng: Random, day: date) -> dict[str, object]:
    """An answer of any type with nothing outstanding, as it is sent."""
    scheme, asked = item.scheme, item.criterion.answer
    raw: dict[str, object] = {**invented(asked, rng, saved=day)}
    key = asked.grade_of(raw)
    if asked.type == "grade":
        key = raw["grade"] = rng.choice([grade.key for grade in scheme.grades])
    if not key:
        return raw
    grade = scheme.grade(key)
    if scheme.bases and grade.counts_as != "excluded":
        basis = rng.choice(scheme.bases)
        raw["basis"] = basis.key
        if "files" in basis.asks:
            raw["files"] = str(rng.randint(1, 40))
        if "files_date" in basis.asks:
            raw["files_date"] = (day - timedelta(rng.randint(1, 30))).isoformat()
    if "commentary" in grade.needs:
        raw["commentary"] = "What stands in the way, and what is done about it."
    if "date_expected" in grade.needs:
        raw["date_expected"] = (day + timedelta(rng.randint(30, 300))).isoformat()
    if "reason" in grade.needs:
        raw["reason"] = "It does not arise here."
    return raw


def opened(session: Session, key: str, *, store: Store) -> Round:
    """A round of a pack that has just opened."""
    found = Round(build(session, pack_key=key), store)
    found.prepare()
    return found


def taken(session: Session, key: str, *, store: Store) -> Round:
    """A round of a pack from its opening to its publication."""
    found = opened(session, key, store=store)
    for code in found.codes:
        found.answer(code)
        found.sign(code)
    for row in found.draw()[:CHECKED]:
        found.check(row)
    found.judge()
    found.publish()
    return found
