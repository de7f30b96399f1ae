"""Judging returns: what is stored, what moderation changes, what inspectors enter, override and decide."""

from __future__ import annotations

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from app.domain.life import NotPossible
from app.models import Event, Judgement, Moderation, Submission, SubmissionAnswer, User
from app.operations import events, judgements, people
from app.operations.submissions import reopen
from app.queries.judgements import MARKS, Narrowed, Overview, book_of, overview, rows_of, sheet
from app.queries.rounds import NotFound, get_round
from tests.operations.test_returns import sign
from tests.world import SYSTEM, World, build


@pytest.fixture
def world(session: Session) -> World:
    """A round of the pack of 2003, whose councils are judged on two axes, and a second lead inspector."""
    made = build(session, pack_key="climbie-2003")
    body = "social-services-inspectorate"
    leads = ("lead-inspector", "other-lead")
    for email, role in (*((lead, "lead_inspector") for lead in leads), ("assessor", "inspector")):
        people.add_person(
            made.write(), email=f"{email}@agency.example", name=email.title(), role=role, body_code=body, post="",
            starts=made.now.date(), ends=None, by=SYSTEM, now=made.now,
        )  # fmt: skip
        made.session.commit()
    made.people |= {user.email.split("@")[0]: user for user in made.session.scalars(select(User))}
    return made


def signatory_of(world: World, code: str) -> str:
    """Who signs for an agency of the world."""
    agency_type = code.split("-")[0]
    return "signatory" if agency_type == next(iter(world.pack.agency_types)) else f"signatory-{agency_type}"


def submitted(world: World, code: str = "council-1", *, best: bool = True) -> str:
    """Sign a return with the best or the worst answers; its public id."""
    signatory = signatory_of(world, code)
    for _round in range(2):  # an answer can make further questions due
        world.answer(code, best=best, by=signatory)
    sign(world, code, by=signatory)
    return world.returns[code].public_id


def judged(world: World, public_id: str, by: str = "lead-inspector") -> dict[str, Judgement]:
    judgements.judge_return(world.write(), public_id, by=world.actor(by), now=world.now)
    world.session.commit()
    return rows(world, public_id)


def rows(world: World, public_id: str) -> dict[str, Judgement]:
    one = next(row for row in world.returns.values() if row.public_id == public_id)
    return rows_of(world.session, [one.id]).get(one.id, {})


def check(world: World, public_id: str, criterion: str, grade: str) -> None:
    """An inspector finds another grade than the agency's own."""
    session = world.write()
    one = next(row for row in world.returns.values() if row.public_id == public_id)
    submission = session.scalars(
        select(Submission).where(Submission.return_id == one.id).order_by(Submission.number.desc())
    ).first()
    assert submission is not None
    own = session.scalars(
        select(SubmissionAnswer.grade).where(
            SubmissionAnswer.submission_id == submission.id, SubmissionAnswer.criterion == criterion
        )
    ).one()
    session.add(
        Moderation(
            return_id=one.id, submission_id=submission.id, criterion=criterion, version=1, outcome="adjusted",
            self_grade=own, grade=grade, reason="Seen on the spot.", at=world.now,
        )
    )  # fmt: skip
    judgements.mark_stale(session, one)
    session.commit()


def told(world: World, public_id: str) -> list[str]:
    return list(
        world.session.scalars(
            select(Event.verb).where(Event.chain == f"oversight:{public_id}").order_by(Event.seq)
        )
    )


def test_a_return_is_judged_on_two_axes_and_one_waits_for_an_inspector(world: World) -> None:
    public_id = submitted(world)
    found = judged(world, public_id)
    assert {key: (row.grade, row.uncapped, row.self_grade) for key, row in found.items()} == {
        "child-protection": ("well", "well", "well"),
        "children": ("well", "well", "well"),
        "capacity": ("", "", ""),
        "position": ("", "", ""),
    }
    assert found["capacity"].explanation["waits_for"] == found["position"].explanation["waits_for"] == ["capacity"]
    assert not any(row.triggered or row.stale for row in found.values())
    done = judgements.give(
        world.write(), public_id, "capacity", grade="promising", note="Plans are funded.",
        by=world.actor("assessor"), now=world.now,
    )  # fmt: skip
    world.session.commit()
    assert (done.grade, done.holds, done.given) == ("promising", "promising", "promising")
    assert rows(world, public_id)["position"].grade == "serving-able"
    assert told(world, public_id) == ["return.judged", "judgement.given", "return.judged"]
    # nothing of it stands in the history that the agency reads
    own = world.session.scalars(select(Event.verb).where(Event.chain == f"return:{public_id}")).all()
    assert not [verb for verb in own if verb.startswith("judgement") or verb == "return.judged"]
    assert (
        events.verify(
            list(
                world.session.scalars(
                    select(Event).where(Event.chain == f"oversight:{public_id}").order_by(Event.seq)
                )
            )
        )
        is None
    )


def test_judging_again_changes_nothing_and_says_so(world: World) -> None:
    public_id = submitted(world)
    judged(world, public_id)
    before = world.session.scalar(select(func.count()).select_from(Event))
    again = judgements.judge_return(world.write(), public_id, by=world.actor("lead-inspector"), now=world.now)
    assert (again.judged, again.changed, again.waiting) == (1, 0, 1)
    assert world.session.scalar(select(func.count()).select_from(Event)) == before


def test_what_an_inspector_found_counts_and_both_results_are_kept(world: World) -> None:
    """Failed key targets bring the audit down, and the audit limits the judgement of the whole."""
    public_id = submitted(world)
    judged(world, public_id)
    for criterion in ("police-informed-of-crimes", "section-47-trained-workers-only"):
        check(world, public_id, criterion, "none")
    assert all(row.stale for row in rows(world, public_id).values())
    found = judged(world, public_id)
    audit, children = found["child-protection"], found["children"]
    assert (audit.grade, audit.self_grade) == ("some", "well")
    assert (children.grade, children.uncapped, children.self_grade) == ("some", "well", "well")
    assert children.explanation["bound"] == [0] and children.explanation["checked"] == 2
    assert children.explanation["self"]["caps"] == []
    assert audit.explanation["targets"]["crimes-told"] == "failed"
    assert audit.explanation["self"]["targets"]["crimes-told"] == "passed"
    assert not any(row.stale for row in found.values())
    lifting = sheet(world.session, public_id, actor=world.actor("assessor"), now=world.now).lifts("children")
    assert [change.question[0] for change in lifting.alone] == [
        "police-informed-of-crimes", "section-47-trained-workers-only",
    ]  # fmt: skip
    assert {change.grade for change in lifting.alone} == {"partial"}


def test_the_worst_answers_call_for_an_inspection(world: World) -> None:
    found = judged(world, submitted(world, best=False))
    assert found["child-protection"].grade == found["children"].grade == "not"
    assert found["children"].triggered and found["children"].explanation["triggers"] == [
        "dedicated-inspection"
    ]


def test_an_override_counts_once_somebody_else_approved_it(world: World) -> None:
    public_id = submitted(world)
    judged(world, public_id)
    proposer, other = world.actor("lead-inspector"), world.actor("other-lead")

    def propose(grade: str, reason: str = "The unit is closed at weekends.") -> Judgement:
        row = judgements.propose_override(
            world.write(),
            public_id,
            "child-protection",
            grade=grade,
            reason=reason,
            by=proposer,
            now=world.now,
        )
        world.session.commit()
        return row

    for grade, reason, words in (
        ("well", "x", "already"),
        ("some", " ", "reason"),
        ("splendid", "x", "listed"),
    ):
        with pytest.raises(NotPossible, match=words):
            propose(grade, reason)
    assert propose("some").holds == "well"
    with pytest.raises(NotPossible, match="proposed already"):
        propose("not")
    with pytest.raises(NotPossible, match="yourself"):
        judgements.approve_override(
            world.write(), public_id, "child-protection", grade="some", by=proposer, now=world.now
        )
    with pytest.raises(NotFound):  # an inspector does not decide
        judgements.approve_override(
            world.write(),
            public_id,
            "child-protection",
            grade="some",
            by=world.actor("assessor"),
            now=world.now,
        )
    with pytest.raises(NotPossible, match="Something else"):
        judgements.approve_override(
            world.write(), public_id, "child-protection", grade="not", by=other, now=world.now
        )
    judgements.approve_override(
        world.write(), public_id, "child-protection", grade="some", by=other, now=world.now
    )
    world.session.commit()
    found = rows(world, public_id)
    assert (found["child-protection"].grade, found["child-protection"].holds) == ("well", "some")
    # what follows from it follows from what was decided
    assert (found["children"].grade, found["children"].uncapped) == ("some", "well")
    with pytest.raises(NotFound):  # what a lead inspector approved no inspector takes back
        judgements.withdraw_override(
            world.write(),
            public_id,
            "child-protection",
            reason="x",
            by=world.actor("assessor"),
            now=world.now,
        )
    judgements.withdraw_override(
        world.write(), public_id, "child-protection", reason="It opened again.", by=other, now=world.now
    )
    world.session.commit()
    assert {key: row.holds for key, row in rows(world, public_id).items()} == {
        "child-protection": "well", "children": "well", "capacity": "", "position": "",
    }  # fmt: skip
    assert told(world, public_id) == [
        "return.judged", "judgement.override_proposed", "judgement.override_approved", "return.judged",
        "judgement.override_withdrawn", "return.judged",
    ]  # fmt: skip


def test_an_override_is_declined_with_a_reason(world: World) -> None:
    public_id = submitted(world)
    judged(world, public_id)
    judgements.propose_override(
        world.write(),
        public_id,
        "children",
        grade="most",
        reason="Hm.",
        by=world.actor("assessor"),
        now=world.now,
    )
    world.session.commit()
    with pytest.raises(NotPossible, match="why not"):
        judgements.decline_override(
            world.write(), public_id, "children", reason=" ", by=world.actor("other-lead"), now=world.now
        )
    row = judgements.decline_override(
        world.write(), public_id, "children", reason="No.", by=world.actor("other-lead"), now=world.now
    )
    world.session.commit()
    assert (row.override, row.override_reason, row.override_by_id, row.holds) == ("", "", None, "well")
    with pytest.raises(NotPossible, match="Nothing is proposed"):
        judgements.decline_override(
            world.write(), public_id, "children", reason="No.", by=world.actor("other-lead"), now=world.now
        )


def test_what_is_out_of_date_is_judged_again_before_anybody_decides(world: World) -> None:
    public_id = submitted(world)
    judged(world, public_id)
    judgements.propose_override(
        world.write(),
        public_id,
        "children",
        grade="most",
        reason="Hm.",
        by=world.actor("assessor"),
        now=world.now,
    )
    world.session.commit()
    check(world, public_id, "police-informed-of-crimes", "none")
    with pytest.raises(NotPossible, match="changed since"):
        judgements.approve_override(
            world.write(), public_id, "children", grade="most", by=world.actor("other-lead"), now=world.now
        )
    with pytest.raises(NotPossible, match="changed since"):
        judgements.propose_override(
            world.write(), public_id, "child-protection", grade="not", reason="x", by=world.actor("assessor"),
            now=world.now,
        )  # fmt: skip


def test_reopening_makes_judgements_out_of_date_and_a_new_signature_is_judged_anew(world: World) -> None:
    public_id = submitted(world)
    first = judged(world, public_id)["children"].submission_id
    reopen(world.write(), public_id, reason="Look again.", by=world.actor("assessor"), now=world.now)
    world.session.commit()
    assert all(row.stale for row in rows(world, public_id).values())
    with pytest.raises(NotPossible, match="not submitted"):
        judged(world, public_id)
    sign(world, "council-1", by="signatory-council")
    found = judged(world, public_id)
    assert not found["children"].stale and found["children"].submission_id != first


@pytest.mark.parametrize("approved", [False, True])
def test_an_override_lapses_with_the_answers_that_it_rested_on(world: World, approved: bool) -> None:
    public_id = submitted(world)
    judged(world, public_id)
    judgements.propose_override(
        world.write(), public_id, "child-protection", grade="not", reason="It closed.", by=world.actor("assessor"),
        now=world.now,
    )  # fmt: skip
    world.session.commit()
    if approved:
        judgements.approve_override(
            world.write(), public_id, "child-protection", grade="not", by=world.actor("other-lead"), now=world.now
        )
        world.session.commit()
        assert rows(world, public_id)["children"].holds != "well", "what rests on it follows"
    # judged again on the same answers, it stands
    judgements.mark_stale(world.write(), world.returns["council-1"])
    world.session.commit()
    assert judged(world, public_id)["child-protection"].override == "not"
    reopen(world.write(), public_id, reason="Look again.", by=world.actor("assessor"), now=world.now)
    world.session.commit()
    sign(world, "council-1", by="signatory-council")
    found = judged(world, public_id)
    assert {key: row.holds for key, row in found.items()} == {
        "child-protection": "well", "children": "well", "capacity": "", "position": "",
    }  # fmt: skip
    assert (found["child-protection"].override, found["child-protection"].approved_at) == ("", None)
    assert told(world, public_id)[-2:] == ["judgement.override_lapsed", "return.judged"]


def test_only_what_can_be_entered_is_entered(world: World) -> None:
    public_id = submitted(world)
    for key, grade, note, wrong in (
        ("children", "well", "x", NotFound), ("no-such", "well", "x", NotFound),
        ("capacity", "well", "x", NotPossible), ("capacity", "poor", "  ", NotPossible),
        ("capacity", "poor", "x" * 4001, NotPossible),
    ):  # fmt: skip
        with pytest.raises(wrong):
            judgements.give(
                world.write(),
                public_id,
                key,
                grade=grade,
                note=note,
                by=world.actor("assessor"),
                now=world.now,
            )
    # entered before anything is judged: the rest is judged with it
    judgements.give(
        world.write(),
        public_id,
        "capacity",
        grade="poor",
        note="No money.",
        by=world.actor("assessor"),
        now=world.now,
    )
    world.session.commit()
    assert {key: row.grade for key, row in rows(world, public_id).items()} == {
        "child-protection": "well", "children": "well", "capacity": "poor", "position": "serving-doubtful",
    }  # fmt: skip


def test_nobody_else_judges(world: World) -> None:
    public_id = submitted(world)
    for name in ("signatory-council", "inspector", "outsider", "coordinator", "administrator"):
        with pytest.raises(NotFound):
            judgements.judge_return(world.write(), public_id, by=world.actor(name), now=world.now)
    with pytest.raises(NotFound):
        judgements.judge_round(
            world.write(), world.audit_round.public_id, by=world.actor("signatory"), now=world.now
        )


def count_statements(session: Session) -> list[str]:
    seen: list[str] = []
    connection = session.connection()

    def note(_connection, _cursor, statement, *_rest) -> None:  # type: ignore[no-untyped-def]
        seen.append(statement)

    event.listen(connection, "before_cursor_execute", note)
    return seen


def test_a_round_is_judged_by_each_body_for_its_own_types_in_few_statements(world: World) -> None:
    for code in world.returns:
        submitted(world, code)
    own = judgements.judge_round(
        world.write(), world.audit_round.public_id, by=world.actor("assessor"), now=world.now
    )
    assert (own.judged, own.changed, own.waiting) == (1, 1, 1)
    world.session.commit()
    session = world.write()
    statements = count_statements(session)
    every = judgements.judge_round(session, world.audit_round.public_id, by=SYSTEM, now=world.now)
    assert (every.judged, every.changed) == (3, 2)
    assert len(statements) <= 20, statements
    session.commit()
    assert {row.key for row in session.scalars(select(Judgement))} == {
        "child-protection", "children", "capacity", "position", "practice", "knowledge", "overall",
    }  # fmt: skip
    one = judgements.judge_round(
        world.write(), world.audit_round.public_id, agency_code="police-1", by=SYSTEM, now=world.now
    )
    assert (one.judged, one.changed) == (1, 0)
    for code, actor in (("nobody", SYSTEM), ("police-1", world.actor("assessor"))):
        with pytest.raises(NotFound):
            judgements.judge_round(
                world.write(), world.audit_round.public_id, agency_code=code, by=actor, now=world.now
            )


def test_the_overview_is_read_in_few_statements_and_narrowed(world: World) -> None:
    for code in world.returns:
        submitted(world, code, best=code == "nhs-1")
    judgements.judge_round(world.write(), world.audit_round.public_id, by=SYSTEM, now=world.now)
    world.session.commit()

    def read(name: str = "", **narrowed: str) -> Overview:
        actor = world.actor(name) if name else SYSTEM
        audit_round = get_round(
            world.session,
            world.audit_round.public_id,
            actor=actor,
            now=world.now,
            permission="judgement.read",
        )
        return overview(world.session, audit_round, actor=actor, narrowed=Narrowed(**narrowed))  # type: ignore[arg-type]

    statements = count_statements(world.write())
    whole = read()
    assert len(statements) <= 12, statements
    assert whole.total == 3 and whole.submitted == 3 and set(whole.marks) == set(MARKS)
    assert whole.marks["triggered"] == 1 and whole.marks["waiting"] == 1 and whole.marks["unjudged"] == 0
    by_judgement = {(one.agency_type, one.judgement): one for one in whole.spreads}
    assert by_judgement["council", "children"].grades == {"not": 1}
    assert by_judgement["council", "capacity"].waiting == 1 and by_judgement["council", "capacity"].total == 1
    assert by_judgement["nhs", "overall"].grades == {"strong": 1}

    def codes(found: Overview) -> list[str]:
        return [line.agency.code for line in found.lines]

    assert codes(read(agency_type="nhs")) == ["nhs-1"]
    assert codes(read(judgement="overall", grade="weak")) == ["police-1"]
    assert codes(read(mark="triggered")) == ["council-1"] and codes(read(mark="unjudged")) == []
    assert codes(read(text="POLICE")) == ["police-1"] and codes(read(text="%")) == []
    # each body sees the whole jointly, and the returns of its own types
    own = read("assessor")
    assert codes(own) == ["council-1"] and len(own.spreads) == len(whole.spreads)


def test_every_return_of_both_packs_gets_every_judgement(session: Session) -> None:
    world = build(session)
    for place, code in enumerate(world.returns):
        signatory = signatory_of(world, code)
        for _round in range(2):
            world.answer(code, by=signatory, best=place % 2 == 0)
        sign(world, code, by=signatory)
    done = judgements.judge_round(world.write(), world.audit_round.public_id, by=SYSTEM, now=world.now)
    world.session.commit()
    assert done.judged == len(world.returns) and done.waiting == 0
    for one in world.returns.values():
        book = book_of(world.version, one.agency_type)
        assert book is not None
        found = rows_of(world.session, [one.id])[one.id]
        assert found.keys() == book.profile.judgements.keys() and all(row.holds for row in found.values())


def test_a_round_is_judged_in_one_transaction(world: World, session: Session) -> None:
    """A process that dies on the way leaves nothing: what was judged is seen once all of it is."""
    submitted(world)
    submitted(world, "police-1")
    done = judgements.judge_round(world.write(), world.audit_round.public_id, by=SYSTEM, now=world.now)
    assert done.changed == 2 and world.session.scalar(select(func.count(Judgement.id)))
    with Session(session.get_bind()) as elsewhere:
        assert elsewhere.scalar(select(func.count(Judgement.id))) == 0
        assert elsewhere.scalar(select(func.count(Event.id)).where(Event.verb == "return.judged")) == 0
    world.session.rollback()
    assert world.session.scalar(select(func.count(Judgement.id))) == 0
    # judging anew begins where nothing was, and comes to the same
    again = judgements.judge_round(world.write(), world.audit_round.public_id, by=SYSTEM, now=world.now)
    assert again == done
