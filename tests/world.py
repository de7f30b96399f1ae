"""A small world to test in: a pack, an oversight body, a round that is open, agencies and people.

Everything is made through the operations, as a person would make it. The clock is passed in and stands still.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.catalogue import load_pack
from app.clock import today
from app.db import begin_write
from app.domain.templates import Pack
from app.models import Agency, AuditReturn, AuditRound, Event, OversightBody, PackVersion, User
from app.operations import agencies, people, rounds, templates
from app.operations.answers import Edit, save_answers
from app.policy import Actor, system_actor
from app.queries.actors import actor_of
from app.queries.returns import Checklist, Item, checklist, get_return
from config import ROOT
from tests.kept import Kept, keep, let_go, put_back

NOW = datetime(2003, 5, 12, 9, 0, tzinfo=UTC)
PASSWORD = "correct horse battery staple"
SYSTEM = system_actor("test")


@cache
def pack(key: str) -> Pack:
    """A pack that comes with the program, or one of the tests' own, read once."""
    folder = ROOT / "audit_templates" / key
    return load_pack(folder if folder.is_dir() else ROOT / "tests" / "packs" / key)


@dataclass
class World:
    """What a test starts from. `people` is a short name to the user; `returns` agency code to return."""

    session: Session
    pack: Pack
    version: PackVersion
    body: OversightBody
    audit_round: AuditRound
    people: dict[str, User]
    returns: dict[str, AuditReturn]
    now: datetime = NOW

    def write(self) -> Session:
        """The session, with a new transaction that is open for writing."""
        self.session.rollback()
        begin_write(self.session)
        return self.session

    def actor(self, name: str) -> Actor:
        """The actor that somebody is now."""
        return actor_of(self.session, self.people[name], now=self.now)

    def work(self, code: str) -> Checklist:
        """The checklist of an agency's return as it stands."""
        audit_return = get_return(self.session, self.returns[code].public_id, actor=SYSTEM, now=self.now)
        return checklist(self.session, audit_return)

    def answer(self, code: str, *, by: str = "signatory", best: bool = True, standards: int | None = None) -> None:
        """Answer a return completely, with what its answers open and without files.

        With the best grade of each scheme, or (`best` False) with the worst; facts come to them where they can.
        """
        actor = self.actor(by)
        done: set[str] = set()
        while edits := self._edits(code, best, standards, done):
            result = save_answers(
                self.write(), self.returns[code].public_id, edits, by=actor, now=self.now
            )
            assert result.clean, result
            self.session.commit()
            done |= {edit.criterion for edit in edits}

    def _edits(self, code: str, best: bool, standards: int | None, done: set[str]) -> list[Edit]:
        work = self.work(code)
        return [
            Edit(item.id, complete(item.criterion, item.scheme, best=best), item.answer.version, "all")
            for section in (work.sections[:standards] if standards else work.sections)
            for item in section.items
            if item.id not in done and item.criterion.answer.type != "file"
        ]


def graded(work: Checklist) -> list[Item]:
    """The questions of a checklist that are answered with a grade, or with a fact that comes to one."""
    return [item for item in work.items if item.criterion.answer.is_graded]


def free(work: Checklist) -> list[Item]:
    """Graded questions that no condition looks at: whatever they are answered, the same others are asked."""
    every = [placed.criterion for placed in work.template.criteria()]
    rules = [rule for one in every for rule in (one.shown_if, one.required_if, one.not_applicable_if) if rule]
    return [item for item in graded(work) if item.criterion.id not in {rule.criterion for rule in rules}]


def complete(criterion, scheme, *, best: bool = True) -> dict[str, object]:  # type: ignore[no-untyped-def]
    """An answer of any type with nothing outstanding; a fact that comes to a grade comes to the best, or the worst."""
    asked = criterion.answer
    if asked.type == "grade":
        return complete_answer(scheme, best=best)
    raw = dict(_FACTS[asked.type](asked, best))
    grade = asked.grade_of(raw)
    return raw | {k: v for k, v in (_beside(scheme, scheme.grade(grade)) if grade else {}).items() if k != "grade"}


_FACTS = {
    "yes_no": lambda asked, best: {"answer": "yes" if best else "no"},
    "number": lambda asked, best: {"number": "7"},
    "percentage": lambda asked, best: {"numerator": 40 if best else 0, "denominator": 40},
    "date": lambda asked, best: {"date": "2003-04-01"},
    "choice": lambda asked, best: {"chosen": asked.choices_known()[0 if best else -1]},
    "choices": lambda asked, best: {"choices": list(asked.choices_known()[: max(1, asked.at_least)])},
    "text": lambda asked, best: {"text": "In a few words."},
    "table": lambda asked, best: {"rows": [{c.key: _CELLS[c.type](c) for c in asked.columns}] * max(1, asked.at_least)},
}
_CELLS = {
    "text": lambda column: "Fictional", "number": lambda column: "3", "date": lambda column: "2003-04-01",
    "yes_no": lambda column: "yes", "choice": lambda column: column.choices[0].key,
}


def complete_answer(scheme, *, best: bool = True) -> dict[str, object]:  # type: ignore[no-untyped-def]
    """An answer with nothing outstanding: the best grade, or the worst that counts."""
    counted = [grade for grade in scheme.grades if grade.counts_as != "excluded" and not grade.shown_apart]
    return _beside(scheme, counted[0] if best else counted[-1])


def _beside(scheme, grade) -> dict[str, object]:  # type: ignore[no-untyped-def]
    raw: dict[str, object] = {"grade": grade.key}
    if scheme.bases:
        raw["basis"] = next(basis.key for basis in scheme.bases if not basis.asks)
    if "commentary" in grade.needs:
        raw["commentary"] = "What stands in the way, and what is done about it."
    if "date_expected" in grade.needs:
        raw["date_expected"] = "2003-09-01"
    if "reason" in grade.needs:
        raw["reason"] = "It does not arise here."
    return raw


@cache
def asked_per_area(key: str) -> Pack:
    """The pack with the first question of every checklist asked once for each area."""
    frozen = pack(key).to_frozen()
    for template in frozen["templates"]:
        template["standards"][0]["criteria"][0] |= {"scope": "area", "twins": []}
    return Pack.from_frozen(frozen)


def build(
    session: Session, *, pack_key: str = "section-11-2024", password_hash: str = "", per_area: bool = False
) -> World:
    """One open round of a pack with one agency of each type, and the people that the tests need.

    With `per_area` the agencies work in a second area too, and the first question is asked about each.

    People: `signatory`, `lead`, `contributor`, `board` at the first agency; `signatory-<type>` at each other;
    `lead-inspector`, `inspector` of the owning body; `outsider`, a lead inspector of another body; `coordinator` of
    the area that all agencies are in; `administrator`.

    The database must be empty. A process makes the same world once for each kind of database; from then on it is put
    back as it was, to the byte.
    """
    assert session.scalar(select(func.count()).select_from(Event)) == 0, "a world needs an empty database"
    engine = session.connection().engine
    session.rollback()
    let_go(engine)
    url = engine.url.render_as_string(hide_password=False)
    which = (url, pack_key, password_hash, per_area)
    chosen = asked_per_area(pack_key) if per_area else pack(pack_key)
    if which in _KEPT:
        put_back(url, _KEPT[which])
    else:
        begin_write(session)
        areas = "mere: Mereland; lake: Lakeland" if per_area else "mere: Mereland"
        _make(session, chosen, areas=areas, password_hash=password_hash)
        session.close()
        let_go(engine)
        _KEPT[which] = keep(url)
    return _made(session, chosen)


_KEPT: dict[tuple[str, str, str, bool], Kept] = {}


def _made(session: Session, chosen: Pack) -> World:
    """The world that is in the database."""
    audit_round = session.scalars(select(AuditRound)).one()
    users = {user.email.split("@")[0]: user for user in session.scalars(select(User))}
    returns = {row.agency.code: row for row in session.scalars(select(AuditReturn).order_by(AuditReturn.id))}
    return World(session, chosen, audit_round.pack_version, audit_round.owner, audit_round, users, returns)


def _make(session: Session, chosen: Pack, *, areas: str, password_hash: str) -> None:
    version = templates.publish(session, chosen, by=SYSTEM, now=NOW)
    for code, name in (("north", "Northmere Partnership"), ("south", "Southmere Partnership")):
        people.add_oversight_body(
            session, code=code, name=name, short=name[:5], kind="partnership", by=SYSTEM, now=NOW
        )
    codes = list(chosen.oversight_bodies) if len(chosen.oversight_bodies) > 1 else ["north"]
    body = session.scalars(select(OversightBody).where(OversightBody.code == codes[0])).one()
    types = list(chosen.agency_types)
    lines = ["code,name,type,subtype,areas,email,signatory"]
    for place, key in enumerate(types):
        subtype = next(iter(chosen.agency_types[key].subtypes), "")
        email = "signatory@agency.example" if place == 0 else f"signatory-{key}@agency.example"
        lines.append(f"{key}-1,Fictional {key} one,{key},{subtype},{areas},{email},Sam {key.title()}")
    agencies.import_csv(session, "\n".join(lines), chosen.agency_types, by=SYSTEM, now=NOW)
    day = today(NOW)

    def appoint(email: str, role: str, code: str) -> None:
        people.add_person(
            session, email=f"{email}@agency.example", name=email.replace("-", " ").title(), role=role, body_code=code,
            post="", starts=day, ends=None, by=SYSTEM, now=NOW,
        )  # fmt: skip

    first = f"{types[0]}-1"
    appoint("lead", "audit_lead", first)
    appoint("contributor", "contributor", first)
    appoint("board", "board_reader", first)
    appoint("lead-inspector", "lead_inspector", body.code)
    appoint("inspector", "inspector", body.code)
    appoint("outsider", "lead_inspector", "south")
    appoint("coordinator", "area_coordinator", "mere")
    appoint("administrator", "administrator", "")
    for user in session.scalars(select(User)):
        user.password = password_hash or None
    plan = rounds.RoundPlan(
        key="test-round", name="Test round", opens=date(2003, 5, 1), due=date(2003, 6, 16),
        closes=date(2003, 6, 30), milestones_from=date(2003, 1, 28), area_release="on_submission",
    )  # fmt: skip
    audit_round = rounds.create_round(session, plan, version, owner=body, by=SYSTEM, now=NOW)
    ids = list(session.scalars(select(Agency.public_id)))
    rounds.add_agencies(session, audit_round.public_id, ids, by=SYSTEM, now=NOW)
    rounds.open_round(session, audit_round.public_id, by=SYSTEM, now=NOW)
    session.commit()
