"""A round with submissions of every kind, put straight into the database: what figures must count, and must not.

Voided and replaced submissions, a reopened return, drafts, nil returns, late and extended ones, agencies in several
areas. `tests/reports/test_figures.py` counts the same again in plain Python.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.answers import ANSWER_TYPES
from app.domain.asking import Asked, GradeAsked, TableAsked
from app.domain.content import return_content
from app.domain.integrity import canonical_json, hash_of, sha256_hex, submission_hash
from app.domain.templates import Criterion, GradingScheme, Pack
from app.domain.text import localise
from app.models import (
    Agency,
    AgencyInArea,
    Area,
    AuditReturn,
    AuditRound,
    Declaration,
    OversightBody,
    PackVersion,
    Recommended,
    RecommendedResponse,
    RecommendedStatus,
    RoundTemplate,
    SelfAssessment,
    Submission,
    SubmissionAnswer,
    SubmissionVoided,
    TemplateVersion,
    User,
)
from app.operations.events import append
from app.policy import system_actor
from tests import kept

OPENS = datetime(2003, 2, 3, tzinfo=UTC)
DUE = datetime(2003, 5, 2, 22, 59, 59, tzinfo=UTC)
CLOSES = datetime(2003, 5, 30, 22, 59, 59, tzinfo=UTC)
AFTER = datetime(2003, 7, 1, 9, 0, tzinfo=UTC)
COUNTS_FROM = date(2003, 1, 28)


_TIMES: Counter[Hashable] = Counter()
_KEPT: dict[Hashable, tuple[Pack, kept.Kept]] = {}  # with the pack, so that its id stays its own


def seed(session: Session, pack: Pack, *, agencies: int = 30, number: int = 1) -> AuditRound:
    """A round of the pack with about `agencies` agencies. The same number gives the same data.

    What is made again and again in an empty database is put back from the third time on, which takes no time.
    """
    engine = session.get_bind().engine
    url = engine.url.render_as_string(hide_password=False)
    which = (url, id(pack), agencies, number)
    if session.scalar(select(User.id).limit(1)) is not None:
        return _seed(session, pack, agencies, number)
    if which not in _KEPT:
        _TIMES[which] += 1
        audit_round = _seed(session, pack, agencies, number)
        if _TIMES[which] == 1:
            return audit_round
        session.close()
        kept.let_go(engine)
        _KEPT[which] = pack, kept.keep(url)
    else:
        session.close()
        kept.let_go(engine)
        kept.put_back(url, _KEPT[which][1])
    return session.scalars(select(AuditRound)).one()


def _seed(session: Session, pack: Pack, agencies: int, number: int) -> AuditRound:
    rng = Random(number)
    content = canonical_json(pack.to_frozen()).decode()
    version = PackVersion(
        pack=pack.pack, version=1, title={"en": "x"}, content=content, sha256=sha256_hex(content.encode()),
        published_at=OPENS, published_by="test",
    )  # fmt: skip
    templates = {
        kind: TemplateVersion(
            pack_version=version, agency_type=kind, sha256=hash_of(template.model_dump(mode="json"))
        )
        for kind, template in pack.templates.items()
    }
    bodies = {
        key: OversightBody(code=key, name=localise(body.name), short=localise(body.short), kind=localise(body.kind))
        for key, body in pack.oversight_bodies.items()
    }
    user = User(
        email="signatory@example.org", name="Sam Signatory", active=True, password="", fs_uniquifier="s"
    )
    areas = [Area(code=f"area-{place}", name=f"Area {place}") for place in range(4)]
    session.add_all([version, *templates.values(), *bodies.values(), user, *areas])
    session.flush()
    audit_round = AuditRound(
        key="seeded", name="Seeded round", pack_version=version, owner=next(iter(bodies.values())), stage="open",
        opens=OPENS, due=DUE, closes=CLOSES, milestones_from=COUNTS_FROM, is_demonstration=True, created_at=OPENS,
    )  # fmt: skip
    session.add(audit_round)
    session.flush()
    for kind, row in templates.items():
        body = bodies[pack.agency_types[kind].oversight_body]
        session.add(
            RoundTemplate(
                round_id=audit_round.id,
                oversight_body_id=body.id,
                template_version_id=row.id,
                agency_type=kind,
            )
        )
    kinds = [(kind, subtype) for kind, info in pack.agency_types.items() for subtype in info.subtypes or [""]]
    for place in range(agencies):
        kind, subtype = kinds[place % len(kinds)]
        # public ids are given, so that the same seed gives the same snapshot
        agency = Agency(
            code=f"agency-{place}", name=f"Agency {place} <b>", agency_type=kind, subtype=subtype,
            public_id=f"agency{place}",
        )  # fmt: skip
        session.add(agency)
        session.flush()
        first = rng.randrange(len(areas))
        for step in range(rng.choice([1, 1, 2])):
            area = areas[(first + step) % len(areas)]
            session.add(AgencyInArea(agency_id=agency.id, area_id=area.id, starts=date(2000, 1, 1)))
        # a membership that ended long ago counts for nothing
        gone = areas[(first + 2) % len(areas)]
        session.add(
            AgencyInArea(
                agency_id=agency.id, area_id=gone.id, starts=date(1999, 1, 1), ends=date(1999, 12, 31)
            )
        )
        _return(session, rng, pack, audit_round, templates[kind], agency, user, place)
    session.commit()
    return audit_round


def _return(
    session: Session, rng: Random, pack: Pack, audit_round: AuditRound, template: TemplateVersion, agency: Agency,
    user: User, place: int,
) -> None:  # fmt: skip
    kind = ("submitted", "submitted", "replaced", "submitted", "reopened", "submitted", "invited", "submitted",
            "late", "extended", "started", "submitted", "nil")[place % 13]  # fmt: skip
    stage = {"reopened": "started", "invited": "invited", "started": "started", "nil": "nil"}.get(
        kind, "submitted"
    )
    at = {"late": DUE + timedelta(days=2), "extended": DUE + timedelta(days=3)}.get(
        kind, DUE - timedelta(days=9)
    )
    audit_return = AuditReturn(
        round_id=audit_round.id, agency_id=agency.id, template_version_id=template.id, agency_type=agency.agency_type,
        subtype=agency.subtype, stage=stage, invited_at=OPENS, started_at=None if kind in ("invited", "nil") else OPENS,
        submitted_at=at if stage == "submitted" else None, nil_reason="Merged" if kind == "nil" else "",
        extended_to=DUE + timedelta(days=5) if kind == "extended" else None, public_id=f"return{place}",
    )  # fmt: skip
    session.add(audit_return)
    session.flush()
    # a draft that no figure may see
    criterion = pack.templates[agency.agency_type].criteria()[0].criterion
    session.add(
        SelfAssessment(
            return_id=audit_return.id,
            criterion=criterion.id,
            type="grade",
            value={"grade": "draft"},
            grade="draft",
            version=1,
            saved_at=OPENS,
        )
    )
    if kind in ("replaced", "reopened"):
        first = submit(session, rng, pack, audit_round, audit_return, user, at - timedelta(days=20), 1)
        session.add(
            SubmissionVoided(
                submission_id=first.id, reason="To be looked at again", at=at - timedelta(days=5)
            )
        )
        session.flush()
    if stage == "submitted":
        submit(session, rng, pack, audit_round, audit_return, user, at, 2 if kind == "replaced" else 1)


def row(asked: Asked, place: int) -> dict[str, str]:
    """A row of a table: what must be filled in."""
    assert isinstance(asked, TableAsked)
    said = {"text": f"Row {place}", "number": str(place), "date": COUNTS_FROM.isoformat()}
    return {
        column.key: said.get(column.type) or column.choices_known()[0]
        for number, column in enumerate(asked.columns)
        if column.required or not number
    }


def fact(rng: Random, criterion: Criterion, scheme: GradingScheme) -> dict[str, Any] | None:
    """A random answer that is a fact, as it is stored; None where files are the answer."""
    asked, keys = criterion.answer, criterion.answer.choices_known()
    whole = rng.randint(0, 12)
    raw: dict[str, object] | None = {
        "yes_no": lambda: {"answer": rng.choice(keys)},
        "number": lambda: {"number": f"{rng.randint(0, 480)}.5" if asked.decimals else str(rng.randint(0, 480))},
        "percentage": lambda: {"numerator": rng.randint(0, whole), "denominator": whole},
        "date": lambda: {"date": (COUNTS_FROM - timedelta(days=rng.randint(0, 900))).isoformat()},
        "choice": lambda: {"chosen": rng.choice(keys)},
        "choices": lambda: {"choices": rng.sample(keys, rng.randint(1, criterion.answer.at_most or len(keys)))},
        "text": lambda: {"text": f"A story, {rng.random()}."},
        "table": lambda: {"rows": [row(criterion.answer, place) for place in range(rng.randint(1, 5))]},
        "file": lambda: None,
    }[asked.type]()  # fmt: skip
    if raw is None:
        return None
    return ANSWER_TYPES[asked.type].clean(raw, criterion=criterion, scheme=scheme, today=None).value


def submit(
    session: Session, rng: Random, pack: Pack, audit_round: AuditRound, audit_return: AuditReturn, user: User,
    at: datetime, number: int,
) -> Submission:  # fmt: skip
    """A signed submission with random answers."""
    template = pack.templates[audit_return.agency_type]
    answers: list[dict[str, Any]] = []
    content_with_everything = rng.random() < 0.1
    for placed in template.criteria():
        if not placed.criterion.asked_of(audit_return.subtype) or (
            placed.standard.optional and rng.random() < 0.5
        ):
            continue
        scheme = pack.scheme_of(template, placed.criterion)
        if not isinstance(placed.criterion.answer, GradeAsked):
            said = fact(rng, placed.criterion, scheme)
            if said is not None:
                kind = placed.criterion.answer.type
                answers.append({"criterion": placed.criterion.id, "scope": "", "type": kind, "value": said})
            continue
        grade = rng.choice(scheme.grades)
        if content_with_everything:
            grade = next(g for g in scheme.grades if g.counts_as == "met")
        value: dict[str, Any] = {"grade": grade.key}
        if grade.counts_as != "excluded" and scheme.bases:
            basis = rng.choice(scheme.bases)
            value["basis"] = basis.key
            if "files" in basis.asks:
                value |= {"files": rng.randint(1, 40), "files_date": "2003-03-01"}
        if grade.counts_as == "not_met":
            value["commentary"] = "Not yet: </p><script>alert(1)</script> & more."
            if rng.random() < 0.8:
                value["date_expected"] = (
                    COUNTS_FROM + timedelta(days=rng.choice([60, 90, 120, 200, 500]))
                ).isoformat()
        if grade.counts_as == "excluded":
            value["reason"] = "It does not arise."
        answers.append({"criterion": placed.criterion.id, "scope": "", "type": "grade", "value": value})
    agency = audit_return.agency
    content = return_content(
        audit_round={"key": audit_round.key, "name": audit_round.name},
        agency={
            "code": agency.code,
            "name": agency.name,
            "type": agency.agency_type,
            "subtype": agency.subtype,
        },
        template={"pack": pack.pack, "version": 1, "sha256": audit_return.template_version.sha256},
        answers=answers,
        vouches=[
            {"standard": template.standards[0].id, "name": "Vera", "post": "Director", "at": at.isoformat()}
        ],
    )
    content_hash = hash_of(content)
    signature = submission_hash(
        content_hash=content_hash, signatory={"name": user.name}, signed_at=at.isoformat()
    )
    submission = Submission(
        return_id=audit_return.id, number=number, content=canonical_json(content).decode(), content_hash=content_hash,
        submitted_at=at,
    )  # fmt: skip
    session.add(submission)
    session.flush()
    session.add(
        Declaration(
            submission_id=submission.id,
            text="I declare.",
            name=user.name,
            post="Chief executive",
            acting=False,
            user_id=user.id,
            signed_at=at,
            submission_hash=signature,
        )
    )
    session.add_all(
        SubmissionAnswer(
            submission_id=submission.id,
            criterion=answer["criterion"],
            scope_key="",
            type=answer["type"],
            value=answer["value"],
            grade=answer["value"].get("grade", ""),
        )
        for answer in json.loads(submission.content)["answers"]
    )
    append(
        session, f"return:{audit_return.public_id}", "return.submitted", by=system_actor("test"), now=at,
        data={"number": number},
    )  # fmt: skip
    session.flush()
    return submission


def recommend(session: Session, audit_round: AuditRound, words: str = "", *, answered: bool = True) -> None:
    """A published report that recommends something to every agency type and to a body, with what some say to it.

    One recommendation was withdrawn, one has no day, the days of some have passed. `words` stand in every text. Unless
    it is `answered` nobody has said anything.
    """
    kinds = sorted({one.agency_type for one in audit_round.served})
    returns = session.scalars(
        select(AuditReturn).where(AuditReturn.round_id == audit_round.id).order_by(AuditReturn.id)
    ).all()
    made = AFTER - timedelta(days=90)
    for place in range(len(kinds) + 3):
        kind = "" if place == 1 else kinds[place % len(kinds)]
        row = Recommended(
            round_id=audit_round.id, key=f"rec-{place}", number=place + 1, edition=1, made_at=made,
            text={"en": f"Recommend {words} thing {place}.", "cy": f"Argymell peth {place}."} if place % 2 else
                 {"en": f"Say {words} how it is.", "cy": f"Say {words} how it is."},
            agency_type=kind, oversight_body_id=None if kind else audit_round.owner_id, public_id=f"recommended{place}",
            due=None if place == 2 else made.date() + timedelta(days=40 * place + 20),
            withdrawn_in=2 if place == 3 else None,
        )  # fmt: skip
        session.add(row)
        session.flush()
        if not answered:
            continue
        if not kind:
            note = f"They wrote. {words}"
            session.add(RecommendedStatus(recommended_id=row.id, state="under_way", note=note, at=AFTER))
        for step, one in enumerate(one for one in returns if one.agency_type == kind):
            said = (step + place) % 7
            if said < 5:
                answer = ("accepted", "accepted", "partly", "not_accepted", "accepted")[said]
                accepts = answer != "not_accepted"
                for again in range(2 if said == 1 else 1):
                    session.add(
                        RecommendedResponse(
                            recommended_id=row.id, return_id=one.id, text=f"We say this {again}. {words}",
                            answer="partly" if again == 0 and said == 1 else answer,
                            progress=("not_begun", "under_way", "done")[step % 3] if accepts else "",
                            expected=row.due if accepts else None, at=made + timedelta(days=step + again),
                        )
                    )  # fmt: skip
            if step % 4 == 0:
                state = ("accepted", "under_way", "done", "not_accepted")[(step // 4 + place) % 4]
                session.add(
                    RecommendedStatus(
                        recommended_id=row.id, return_id=one.id, state=state, note=f"Seen. {words}", at=AFTER
                    )
                )
    session.commit()
