"""A small round of invented agencies of any pack, to see what its findings look like before anybody uses it.

Every pack has one, with or without a demonstration of its own: answers are drawn by seed, whatever their type, and
given, signed and closed by the service's own operations. It fills an empty database, which is thrown away.
"""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.clock import today
from app.domain.answers import AnswerErrors
from app.domain.demonstration import chance
from app.domain.entropy import drawn_from
from app.domain.evidence import Described
from app.domain.integrity import hash_of
from app.domain.invented import SENTENCES, invented
from app.domain.life import NotPossible
from app.domain.sites import Named
from app.domain.survey import Survey
from app.domain.templates import Grade, GradingScheme, Pack
from app.domain.text import localise
from app.files.check import CheckedFile
from app.files.kinds import KINDS
from app.files.scan import Scan
from app.files.store import Store
from app.models import Agency, AuditReturn, AuditRound, OversightBody, User
from app.operations import agencies, people, rounds, sites, templates
from app.operations.answers import Edit, save_answers
from app.operations.evidence import Upload, add
from app.operations.submissions import sign_and_submit
from app.operations.surveys import give_for_round
from app.policy import Actor
from app.queries.actors import actor_of
from app.queries.returns import Checklist, Item, checklist, content_of

OF_EACH_TYPE = 12  # agencies: enough for percentages to be given
SILENT = 12  # of so many one has not answered when the round is over
WAYS_ROUND = 12  # answers can make other questions appear, which are answered next
MOST_SITES = 3  # of one agency
QUOTA = 100_000_000  # bytes of files
AREAS = ("Ashmere", "Birchmere", "Cedarmere")
WEIGHTS = (8, 4, 2)  # how often the grades of a scheme are given, from the best; the others once

Progress = Callable[[int, int], None]


def build(
    session: Session, pack: Pack, *, seed: int, day: date, by: Actor, store: Store, each: int = OF_EACH_TYPE,
    progress: Progress | None = None,
) -> tuple[AuditRound, datetime]:  # fmt: skip
    """Fill an empty database with a round of the pack that has just closed, and say which, and when that is.

    `each` agencies of each type, spread over its subtypes, in three areas. `day`: on which the round ended. `progress`
    gets how many returns are done, and of how many. The same pack, seed and day give the same answers. Raises
    NotPossible where nothing that chance finds completes a return.
    """
    with drawn_from(chance(seed, "identifiers")):
        opened = datetime(day.year, day.month, day.day, 9, tzinfo=UTC) - timedelta(60)
        audit_round = _round(session, pack, opened, day, each, by)
        returns = session.scalars(
            select(AuditReturn).where(AuditReturn.round_id == audit_round.id).order_by(AuditReturn.id)
        ).all()
        for place, audit_return in enumerate(returns):
            if place % SILENT != SILENT - 1:
                answered = opened + timedelta(20 + place % 30)
                rng = chance(seed, audit_return.agency.code)
                _answer(session, audit_return, rng, answered, by, store)
                _sign(session, audit_return, answered)
            if progress:
                progress(place + 1, len(returns))
        if survey := Survey.of(pack):
            lines = _results(survey, pack, returns, seed)
            give_for_round(session, audit_round.public_id, lines, by=by, now=audit_round.open_until)
        return audit_round, audit_round.open_until + timedelta(hours=1)


def _results(survey: Survey, pack: Pack, returns: Sequence[AuditReturn], seed: int) -> str:
    """Invented results of a survey of staff as a file to give: here and there too few answered to be shown."""
    lines = [",".join(survey.columns())]
    for audit_return in returns:
        rng = chance(seed, f"survey {audit_return.agency.code}")
        for statement in survey.asked_of(pack, audit_return.agency_type):
            answered = rng.choice([rng.randint(1, survey.least), *(rng.randint(survey.least, 200) for _ in range(5))])
            keys = [one.key for one in survey.answers]
            drawn = Counter(rng.choices(keys, [len(keys), *[1] * (len(keys) - 1)], k=answered))  # the first most often
            counts = [str(drawn[key]) for key in keys]
            asked = str(answered + rng.randint(0, answered))
            lines.append(",".join([audit_return.agency.code, statement, asked, str(answered), *counts]))
    return "\n".join(lines) + "\n"


def _round(session: Session, pack: Pack, now: datetime, day: date, each: int, by: Actor) -> AuditRound:
    version = templates.publish(session, pack, by=by, now=now)
    for code, body in pack.oversight_bodies.items():
        if session.scalar(select(OversightBody.id).where(OversightBody.code == code)) is None:
            people.add_oversight_body(
                session, code=code, name=localise(body.name), short=localise(body.short), kind=localise(body.kind),
                by=by, now=now,
            )  # fmt: skip
    owner = session.scalars(
        select(OversightBody).where(OversightBody.code == next(iter(pack.oversight_bodies)))
    ).one()
    agencies.import_csv(session, _agencies(pack, each), pack.agency_types, by=by, now=now)
    plan = rounds.RoundPlan(
        key="sample", name=f"{localise(pack.title)} (sample)", opens=today(now), due=day - timedelta(7), closes=day,
        milestones_from=today(now), area_release="at_close",
    )  # fmt: skip
    audit_round = rounds.create_round(session, plan, version, owner=owner, by=by, now=now)
    audit_round.is_demonstration = True  # what is made of it says so
    ids = list(session.scalars(select(Agency.public_id).order_by(Agency.id)))
    rounds.add_agencies(session, audit_round.public_id, ids, by=by, now=now)
    return rounds.open_round(session, audit_round.public_id, by=by, now=now)


def _agencies(pack: Pack, each: int) -> str:
    """The invented agencies as a file to import: each in an area, every fourth in two."""
    lines = ["code,name,type,subtype,areas,email,signatory"]
    for key, kind in pack.agency_types.items():
        subtypes = list(kind.subtypes) or [""]
        for number in range(1, each + 1):
            areas = [AREAS[number % len(AREAS)]]
            if number % 4 == 0:
                areas.append(AREAS[(number + 1) % len(AREAS)])
            code = f"{key}-{number}"
            name = localise(kind.name).replace('"', "")
            lines.append(
                f'{code},"{name} {number} (invented)",{key},{subtypes[number % len(subtypes)]},'
                f"{'; '.join(f'{area.lower()}: {area}' for area in areas)},{code}@agency.example,Sam {number} Example"
            )
    return "\n".join(lines)


# --- answers ---------------------------------------------------------------------------------------------------------


def _answer(
    session: Session, audit_return: AuditReturn, rng: Random, now: datetime, by: Actor, store: Store
) -> None:
    """Answer everything that is asked, as long as answers make other questions appear."""
    for _ in range(WAYS_ROUND):
        work = checklist(session, audit_return)
        if work.waiting:
            named = [Named("", f"Site {number} (invented)") for number in range(1, rng.randint(1, MOST_SITES) + 1)]
            sites.add_list(session, audit_return.public_id, named, by=by, now=now)
            work = checklist(session, audit_return)
        waiting = [item for item in work.items if item.outstanding or not item.started]
        edits = [
            Edit(item.id, _drawn(item, rng, today(now)), item.answer.version, f"sample-{item.answer.version}")
            for item in waiting
            if not item.handler.needs_files
        ]
        result = save_answers(session, audit_return.public_id, edits, by=by, now=now)
        if not result.clean:
            raise NotPossible(str(AnswerErrors(next(iter(result.errors.values())))))
        for item in waiting:
            if item.handler.needs_files:
                _attach(session, audit_return, item, by, now, store)
        if not result.saved and not checklist(session, audit_return).outstanding:
            return
    if outstanding := checklist(session, audit_return).outstanding:
        raise NotPossible(f"{audit_return.agency.code}: {len(outstanding)} questions cannot be completed by chance.")


def _drawn(item: Item, rng: Random, day: date) -> Mapping[str, Any]:
    """An answer of the item's type, with all that its grade asks for."""
    asked, scheme = item.criterion.answer, item.scheme
    known = [key for key in (grade.key for grade in scheme.grades) if not asked.comes_to or key in asked.comes_to]
    wanted = rng.choices(known, [*WEIGHTS, *[1] * len(known)][: len(known)])[0] if asked.is_graded else ""
    if asked.type == "grade":
        raw: dict[str, Any] = {"grade": wanted}
    else:
        raw = invented(asked, rng, saved=day, grade=wanted)
        wanted = asked.grade_of(raw)
    if wanted:
        raw |= _beside(scheme.grade(wanted), scheme, rng, day)
    return raw


def _beside(grade: Grade, scheme: GradingScheme, rng: Random, day: date) -> dict[str, Any]:
    """What a grade asks for, and how the agency knows."""
    found: dict[str, Any] = {}
    if "commentary" in grade.needs:
        found["commentary"] = rng.choice(SENTENCES)
    if "reason" in grade.needs:
        found["reason"] = "It does not arise here."
    if "date_expected" in grade.needs:
        found["date_expected"] = (day + timedelta(rng.randint(30, 400))).isoformat()
    if scheme.bases and grade.counts_as != "excluded":
        basis = rng.choice(scheme.bases)
        found["basis"] = basis.key
        if "files" in basis.asks:
            found["files"] = str(rng.randint(5, 60))
        if "files_date" in basis.asks:
            found["files_date"] = (day - timedelta(rng.randint(5, 90))).isoformat()
    return found


def _attach(
    session: Session, audit_return: AuditReturn, item: Item, by: Actor, now: datetime, store: Store
) -> None:
    """Files where they are the answer: as many as are asked for."""
    for number in range(getattr(item.criterion.answer, "at_least", 1)):
        content = f"An invented file for question {item.number} of {audit_return.agency.code}: {number + 1}.\n".encode()
        name = f"sample-{hash_of([item.id, number])[:8]}.txt"
        checked = CheckedFile(
            name, KINDS["txt"], len(content), hashlib.sha256(content).hexdigest(), io.BytesIO(content)
        )
        described = Described(f"Sample {item.number}", "An invented file.", (item.id,))
        upload = Upload(checked, Scan("not_scanned"))
        add(session, audit_return.public_id, upload, described, store=store, quota=QUOTA, by=by, now=now)


def _sign(session: Session, audit_return: AuditReturn, now: datetime) -> None:
    email = f"{audit_return.agency.code}@agency.example"
    signatory = session.scalars(select(User).where(User.email == email)).one()
    sign_and_submit(
        session, audit_return.public_id, by=actor_of(session, signatory, now=now), now=now,
        expected_hash=hash_of(content_of(_work(session, audit_return))), identity_proved=True,
    )  # fmt: skip


def _work(session: Session, audit_return: AuditReturn) -> Checklist:
    return checklist(session, audit_return)
