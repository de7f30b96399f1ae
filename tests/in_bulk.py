"""Work that many people would do, done at once: agencies answer and sign through the operations, days pass.

For tests that take a whole round through pages and commands, and for the long proof of `make prove-round`. It works on
the data folder of a service that runs, in a thread of its own: the loop of a browser that is open in the caller's
leaves no room there for an application context.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Self, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock, create_app, db
from app.db import begin_write
from app.domain.integrity import canonical_json, sha256_hex
from app.domain.templates import Criterion, GradingScheme
from app.models import AuditReturn, AuditRound, SampledReturn, User
from app.operations.answers import Edit, save_answers
from app.operations.moderation import FindingConflict, Typed, finish, record
from app.operations.submissions import sign_and_submit
from app.queries.actors import actor_of
from app.queries.moderation import desk_of
from app.queries.returns import checklist, content_of, get_return
from app.web.security import hashed
from config import Config
from tests.world import complete

T = TypeVar("T")


@dataclass
class Behind:
    """What happens behind the pages of a service with this data folder. Use it in a `with` block."""

    home: Path
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    _app: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.submit(self._close).result()
        self._thread.shutdown()

    def _close(self) -> None:
        if self._app is not None:
            with self._app.app_context():
                db.db.engine.dispose()

    def do(self, work: Callable[[Session], T]) -> T:
        """Do some work in one transaction that is open for writing, commit it, and return what it returns."""
        return self._thread.submit(self._do, work).result()

    def _do(self, work: Callable[[Session], T]) -> T:
        if self._app is None:
            self._app = create_app(Config.load(self.home))
        with self._app.app_context():
            session = db.db.session
            begin_write(session)
            done = work(session)
            session.commit()
            return done

    def it_is(self, day: date) -> None:
        """From here on it is this day, for the service and for commands."""
        self.do(lambda session: clock.pin(session, day))

    def let_in(self, *emails: str, password: str) -> None:
        """Give people who were invited a password. Taking an invitation up has tests of its own."""

        def work(session: Session) -> None:
            shared = hashed(password)
            people = session.scalars(select(User).where(User.email.in_(emails))).all()
            assert len(people) == len(emails), f"known are only {[one.email for one in people]}"
            for person in people:
                person.password = shared

        self.do(work)

    def answer(
        self, key: str, codes: Sequence[str], *, seed: int, good: float = 0.7, but: Mapping[str, str] | None = None,
        leave: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """Agencies of the round with this key answer everything, each in a transaction of its own.

        `good`: about which share of the answers has one of the grades that count as met. `but`: question to grade,
        for answers that are to be as they are said here. `leave`: questions that are left open.
        """
        for code in codes:
            chance = Random(f"{seed}/{code}")
            self.do(partial(answer, key=key, code=code, chance=chance, good=good, but=but or {}, leave=leave))

    def submit(self, key: str, codes: Sequence[str], **answers: Any) -> None:
        """Agencies answer everything, as `answer` has it, and sign."""
        for code in codes:
            self.answer(key, [code], **answers)
            self.do(partial(sign, key=key, code=code))

    def check(self, key: str, *, seed: int, adjusted: float = 0.4, upheld: Sequence[str] = ()) -> int:
        """The inspectors check what is assigned to them in the round with this key, and finish.

        `adjusted`: about which share of the answers they adjust, to the next grade down; no answer of the agencies
        whose codes are in `upheld`. Returns how many checks there were.
        """
        lines = self.do(partial(assigned, key=key))
        for code, who in lines:
            chance, share = Random(f"{seed}/{code}/{who}"), 0 if code in upheld else adjusted
            self.do(partial(check, key=key, code=code, who=who, chance=chance, adjusted=share))
        return len(lines)


def assigned(session: Session, key: str) -> list[tuple[str, int]]:
    """What is assigned in the round with this key and not finished: the agency's code, and the inspector's id."""
    rows = session.scalars(
        select(SampledReturn).join(SampledReturn.audit_return).join(AuditRound).where(AuditRound.key == key)
    ).all()
    first = [(row, row.inspector_id) for row in rows if row.finished_at is None]
    second = [(row, row.second_id) for row in rows if row.second_finished_at is None]
    return [(row.audit_return.agency.code, who) for row, who in first + second if who is not None]


def check(session: Session, *, key: str, code: str, who: int, chance: Random, adjusted: float) -> None:
    """An inspector checks what is theirs to check of an agency, and finishes."""
    now = clock.now(session)
    public_id = return_of(session, key, code).public_id
    by = actor_of(session, session.get_one(User, who), now=now)
    desk = desk_of(session, get_return(session, public_id, actor=by, now=now), actor=by, now=now)
    for question, one in desk.checks.items():
        assert one.item.grade is not None
        grades = [grade.key for grade in one.item.scheme.grades if grade.counts_as != "excluded"]
        own = one.item.grade.key
        lower = grades[grades.index(own) + 1 :][:1] if own in grades else []
        grade = lower[0] if lower and chance.random() < adjusted else own
        typed = Typed(grade, "The files that were read show less." if grade != own else "", "Files of March.")
        based_on = one.finding.version if one.finding else 0
        found = record(
            session, public_id, question, typed, submission=desk.submission.public_id, based_on=based_on, by=by,
            now=now,
        )  # fmt: skip
        assert not isinstance(found, FindingConflict), (code, question)
    finish(session, public_id, by=by, now=now)


def return_of(session: Session, key: str, code: str) -> AuditReturn:
    """The return of an agency, by its code, in the round with this key."""
    rows = select(AuditReturn).join(AuditRound).where(AuditRound.key == key)
    return session.scalars(rows.where(AuditReturn.agency.has(code=code))).one()


def _signatory(session: Session, audit_return: AuditReturn, now: datetime) -> Any:
    people = session.scalars(
        select(User).where(
            User.appointments.any(agency_id=audit_return.agency_id, role="accountable_signatory")
        )
    )
    return actor_of(session, people.one(), now=now)


def answer(
    session: Session, *, key: str, code: str, chance: Random, good: float, but: Mapping[str, str],
    leave: Sequence[str],
) -> None:  # fmt: skip
    """The signatory of an agency answers every question that is asked, completely, but for those in `leave`."""
    now = clock.now(session)
    audit_return = return_of(session, key, code)
    by = _signatory(session, audit_return, now)
    for _again in range(3):  # an answer can bring questions up
        work = checklist(session, get_return(session, audit_return.public_id, actor=by, now=now))
        edits = [
            Edit(
                item.id,
                fields(item.criterion, item.scheme, chance, good, clock.today(now), but.get(item.id, "")),
                item.answer.version,
                "in-bulk",
            )
            for item in work.outstanding
            if item.id not in leave
        ]
        if not edits:
            return
        result = save_answers(session, audit_return.public_id, edits, by=by, now=now)
        assert result.clean, (code, result.errors, result.conflicts)
    raise AssertionError(f"{code} still has unfinished questions")


def fields(
    criterion: Criterion, scheme: GradingScheme, chance: Random, good: float, today: date, key: str
) -> dict[str, object]:
    """A complete answer as form fields: the grade with this key or, without one, a grade that counts as met, or (with
    1 - `good`) one that does not. A fact comes to the best grade, or to the worst."""
    later = date(today.year + (today.month + 5) // 12, (today.month + 5) % 12 + 1, 15).isoformat()
    if criterion.answer.type != "grade":
        fact = complete(criterion, scheme, best=chance.random() < good)
        return fact | ({"date_expected": later} if "date_expected" in fact else {})
    met = [grade for grade in scheme.grades if grade.counts_as == "met"]
    not_met = [grade for grade in scheme.grades if grade.counts_as == "not_met"]
    chosen = chance.choice(met if chance.random() < good else not_met)
    grade = scheme.grade(key) if key else chosen
    raw: dict[str, object] = {
        "grade": grade.key,
        "commentary": f"Known since {today:%B}; the teams were asked.",
    }
    if scheme.bases:
        raw["basis"] = chance.choice([basis.key for basis in scheme.bases if not basis.asks])
    if "date_expected" in grade.needs:
        raw["date_expected"] = later
    return raw


def sign(session: Session, *, key: str, code: str) -> None:
    """The signatory of an agency signs what stands there."""
    now = clock.now(session)
    audit_return = return_of(session, key, code)
    by = _signatory(session, audit_return, now)
    content = canonical_json(content_of(checklist(session, audit_return)))
    sign_and_submit(
        session,
        audit_return.public_id,
        by=by,
        now=now,
        expected_hash=sha256_hex(content),
        identity_proved=True,
    )
