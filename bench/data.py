"""The data that is measured on: one open round, and one agency with a person who answers for each user."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from app import create_app, db, migrate
from app.catalogue import load_pack
from app.clock import today
from app.db import begin_write
from app.domain.templates import GradingScheme
from app.models import Agency, AuditReturn, User
from app.operations import agencies, people, rounds, templates
from app.operations.answers import Edit, save_answers
from app.policy import system_actor
from app.queries.actors import actor_of
from app.queries.bodies import owner_for
from app.queries.returns import checklist, get_return
from config import Config

COMMENTARY = (
    "The procedure was agreed in the spring and is known to every team. An audit of a sample of cases is under way;"
    " two teams do not yet record the outcome in the way that was agreed, and their managers look at it every month."
    " What is found goes to the senior managers' meeting, and from there to the board."
)


@dataclass(frozen=True)
class Section:
    """A section that one user works on, and the cookie with which that user is signed in.

    `answers` is criterion id to two complete answers, as form fields; a save sends the one or the other in turn.
    """

    path: str
    cookie: str
    answers: dict[str, list[dict[str, str]]]

    def plain(self) -> dict[str, Any]:
        """The section as JSON takes it."""
        return asdict(self)


def answer(scheme: GradingScheme, year: int, *, best: bool) -> dict[str, str]:
    """Form fields for a complete answer: the best grade that counts, or the worst."""
    counted = [grade for grade in scheme.grades if grade.counts_as != "excluded" and not grade.shown_apart]
    fields = {"grade": (counted[0] if best else counted[-1]).key, "commentary": COMMENTARY}
    if scheme.bases:
        fields["basis"] = next(basis.key for basis in scheme.bases if not basis.asks)
    if not best:
        fields |= {"date_expected-day": "1", "date_expected-month": "9", "date_expected-year": str(year)}
    return fields


def build(config: Config, *, pack_key: str, users: int) -> tuple[list[Section], str]:
    """Fill the empty database of `config`, all through operations; returns the sections and what they are, in words.

    The agencies are of the type with the longest checklist, every question is answered, and the section is the one of
    middle length. Everything is dated by the real clock: the round is open for sixty days.
    """
    app = create_app(config)
    migrate.upgrade(app)
    by, now = system_actor("benchmark"), datetime.now(UTC)
    day = today(now)
    pack = load_pack(config.templates / pack_key)
    kind, template = max(pack.templates.items(), key=lambda one: len(one[1].criteria()))
    subtype = next(iter(pack.agency_types[kind].subtypes), "")
    cookies = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    with app.app_context():
        session = db.db.session
        begin_write(session)
        version = templates.publish(session, pack, by=by, now=now)
        lines = ["code,name,type,subtype,email,signatory"]
        lines += [
            f"A{n},Fictional Agency {n},{kind},{subtype},person{n}@agency.example,Person {n}" for n in range(users)
        ]
        agencies.import_csv(session, "\n".join(lines), pack.agency_types, by=by, now=now)
        plan = rounds.RoundPlan(
            key="bench", name="Benchmark", opens=day, due=day + timedelta(50), closes=day + timedelta(60),
            milestones_from=day,
        )  # fmt: skip
        owner = owner_for(session, pack, None, actor=by) or people.add_oversight_body(
            session, code="bench", name="Fictional Partnership", short="FP", kind="partnership", by=by, now=now
        )
        audit_round = rounds.create_round(session, plan, version, owner=owner, by=by, now=now)
        ids = [agency.public_id for agency in session.scalars(select(Agency))]
        rounds.add_agencies(session, audit_round.public_id, ids, by=by, now=now)
        rounds.open_round(session, audit_round.public_id, by=by, now=now)
        session.commit()

        sections = []
        rows = session.scalars(select(AuditReturn).order_by(AuditReturn.id))
        for rid, code in [(row.public_id, row.agency.code) for row in rows]:
            session.rollback()
            begin_write(session)
            user = session.scalars(select(User).where(User.email == f"person{code[1:]}@agency.example")).one()
            work = checklist(session, get_return(session, rid, actor=by, now=now))
            edits = []
            for item in work.items:
                fields = answer(item.scheme, day.year + 1, best=True)
                edits.append(Edit(item.criterion.id, fields, 0, "first"))
            result = save_answers(session, rid, edits, by=actor_of(session, user, now=now), now=now)
            if not result.clean:
                raise ValueError(f"the answers of {code} were refused: {result}")
            section = sorted(work.sections, key=lambda one: len(one.items))[len(work.sections) // 2]
            cookie = cookies.dumps({"_user_id": user.fs_uniquifier, "_fresh": True, "fs_cc": "set"})
            answers = {
                item.criterion.id: [answer(item.scheme, day.year + 1, best=best) for best in (False, True)]
                for item in section.items
            }
            sections.append(Section(f"/returns/{rid}/standards/{section.standard.id}", f"session={cookie}", answers))
            session.commit()
        session.close()
        db.db.engine.dispose()
    words = (
        f"pack {pack_key}, {users} agencies of one type with every question answered; a section of"
        f" {len(sections[0].answers)} questions out of {len(template.criteria())}"
    )
    return sections, words
