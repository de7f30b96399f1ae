"""Rules that judge nothing, and call for something."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.domain.rules.check import problems
from app.domain.rules.language import Judgements
from app.domain.templates import Criterion, Pack
from app.models import Event, Judgement
from app.operations.answers import Edit, save_answers
from app.operations.judgements import judge_round
from app.operations.release import prepare
from app.queries.findings import joint_findings
from app.queries.judgements import Narrowed, overview
from app.queries.release import feedback_document
from app.queries.returns import Item
from tests.next_year import changed, next_year
from tests.operations.test_returns import sign
from tests.world import World, complete_answer

SignIn = Callable[[str], FlaskClient]


def rules_of(world: World, *, at_least: int = 1) -> dict[str, object]:
    """An inspection is called for where so many answers are not met."""
    worst = [
        grade.key for scheme in world.pack.grading_schemes.values() for grade in scheme.grades
        if grade.counts_as == "not_met"
    ]  # fmt: skip
    return {
        "format": 1,
        "profiles": [
            {
                "agency_types": [*world.pack.agency_types],
                "indicators": {
                    "missing": {"kind": "count_of_grades", "title": "Not met", "grades": list(dict.fromkeys(worst))}
                },
                "triggers": {
                    "visit": {
                        "calls_for": "A visit", "because": "Something is not met.",
                        "when": {"indicator": "missing", "at_least": at_least},
                    }
                },
            }
        ],
    }  # fmt: skip


def is_plain(criterion: Criterion) -> bool:
    """A grade that is asked of everybody."""
    conditions = criterion.shown_if, criterion.required_if, criterion.not_applicable_if
    return criterion.answer.type == "grade" and not any(conditions)


def answer_of(item: Item, *, best: bool) -> dict[str, object]:
    raw = complete_answer(item.scheme, best=best)
    return raw | {"date_expected": "2004-09-01"} if "date_expected" in raw else raw


@pytest.fixture
def codes(world: World) -> list[str]:
    """Two agencies have signed: the first has everything in place, the second nothing."""
    pack = changed(world.pack, lambda _standard, criterion: [criterion] if is_plain(criterion) else [])
    next_year(world, pack.model_copy(update={"judgements": rules_of(world), "examples": None}))
    codes = list(world.returns)[:2]
    for code in codes:
        by = "signatory" if code == codes[0] else f"signatory-{world.returns[code].agency_type}"
        edits = [
            Edit(item.id, answer_of(item, best=code == codes[0]), item.answer.version, "all")
            for item in world.work(code).items
        ]
        actor = world.actor(by)
        assert save_answers(world.write(), world.returns[code].public_id, edits, by=actor, now=world.now).clean
        world.session.commit()
        sign(world, code, by=by)
    return codes


def test_the_check_takes_triggers_alone_and_refuses_rules_that_give_nothing(world: World) -> None:
    assert problems(Judgements.model_validate(rules_of(world)), world.pack) == []
    empty = {"format": 1, "profiles": [{"agency_types": [*world.pack.agency_types]}]}
    assert "add `judgements` or `triggers`" in problems(Judgements.model_validate(empty), world.pack)[0].message
    always = problems(Judgements.model_validate(rules_of(world, at_least=0)), world.pack)
    assert always, "a trigger that always holds is refused here too"


def test_what_is_called_for_is_kept_and_shown(world: World, codes: list[str], client_as: SignIn) -> None:
    rid = world.audit_round.public_id
    by = world.actor("lead-inspector")
    done = judge_round(world.write(), rid, by=by, now=world.now)
    world.session.commit()
    assert (done.judged, done.waiting) == (2, 0)
    rows = {row.return_id: row for row in world.session.scalars(select(Judgement))}
    assert {row.key for row in rows.values()} == {""}
    triggered = [rows[world.returns[code].id].triggered for code in codes]
    assert triggered == [False, True]
    # what is judged again without a change leaves no trace
    events = world.session.query(Event).filter_by(verb="return.judged").count()
    assert judge_round(world.write(), rid, by=by, now=world.now).changed == 0
    world.session.commit()
    assert world.session.query(Event).filter_by(verb="return.judged").count() == events == 2

    found = overview(world.session, world.audit_round, actor=by, narrowed=Narrowed())
    assert (found.spreads, found.marks["waiting"], found.marks["triggered"]) == ([], 0, 1)
    findings = joint_findings(world.session, world.audit_round, actor=by, now=world.now)
    assert findings.judgements is not None and findings.judgements.agencies == ()
    assert [(one.what, len(one.agencies)) for one in findings.judgements.called_for] == [("A visit", 1)]
    lead = client_as("lead-inspector")
    assert lead.get(f"/rounds/{rid}/judgements").text.count("A visit") == 1
    assert "A visit" in lead.get(f"/rounds/{rid}/judgements?format=csv").text
    page = lead.get(f"/returns/{world.returns[codes[1]].public_id}/judgements").text
    assert "This calls for: A visit" in page
    assert "not judged yet" not in page


def test_feedback_says_what_is_called_for(world: World, codes: list[str]) -> None:
    rid, by = world.audit_round.public_id, world.actor("lead-inspector")
    judge_round(world.write(), rid, by=by, now=world.now)
    world.session.commit()
    prepare(world.write(), rid, by=by, now=world.now)
    world.session.commit()
    said = [
        feedback_document(world.session, world.returns[code], actor=by, now=world.now).model_dump_json()
        for code in codes
    ]
    assert ["A visit" in one for one in said] == [False, True]


def test_a_pack_with_triggers_alone_freezes_and_comes_back(world: World) -> None:
    pack = world.pack.model_copy(update={"judgements": rules_of(world), "examples": None})
    assert Judgements.of(Pack.from_frozen(pack.to_frozen())) == Judgements.model_validate(rules_of(world))
