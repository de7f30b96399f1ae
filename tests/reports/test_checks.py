"""How declarations were checked, and what judgements came to, in the joint findings: as data and as a PDF."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
from sqlalchemy import select

from app.domain.corrections import changes
from app.domain.findings import CheckFindings, Compared, JointFindings, tenths
from app.domain.integrity import sha256_hex
from app.domain.sampling import draw, frame_hash
from app.models import Judgement
from app.operations import judgements
from app.queries.findings import joint_findings
from app.queries.judgements import book_of
from reports.make import make_report
from tests.operations.test_sampling import (
    SHUT,
    assign,
    commit,
    draw_it,
    inspector,
    moderate,
    more_agencies,
    plan_of,
    sampled,
    submit,
)
from tests.pdf_gate import assert_pdf_ua
from tests.pdf_text import text_of
from tests.world import SYSTEM, World

# what is read is the same on both databases: `tests/operations` reads samples and judgements on either
pytestmark = [pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]


def drawn_world(world: World, small_round: int) -> World:
    """Two councils and a school drawn by chance, and a council chosen by risk alone; three inspectors."""
    for code in ["council-1", *more_agencies(world, 2), "school-1"]:
        submit(world, code)
    inspector(world, "other", "north")
    commit(
        world,
        plan_of(
            world, percent={"council": 100, "school": 100}, second_percent=100, rules=(), small_round=small_round
        ),
    )
    draw_it(world)
    row = sampled(world, "council-3")
    row.place, row.risks = None, ["late"]
    world.session.commit()
    return world


def read(world: World, *, publishing: bool = False) -> JointFindings:
    world.session.expire_all()
    return joint_findings(world.session, world.audit_round, actor=SYSTEM, now=SHUT, publishing=publishing)


def checks(world: World) -> CheckFindings:
    found = read(world).checks
    assert found is not None
    return found


def finished(world: World, code: str) -> None:
    row = sampled(world, code)
    row.finished_at = row.second_finished_at = SHUT
    world.session.commit()


def make(world: World, out: Path) -> str:
    make_report(
        world.session, "joint-findings", world.audit_round, None, out=out, data=out.with_suffix(".json"), actor=SYSTEM,
        now=SHUT,
    )  # fmt: skip
    assert_pdf_ua(out)
    return text_of(out)


def test_nothing_is_said_of_checks_before_there_are_any(world: World) -> None:
    drawn_world(world, 0)
    found = read(world)
    assert found.checks is None and found.judgements is None
    assert all(message.rule != "adjusted" for message in found.key_messages)


def test_rates_are_of_what_chance_drew_and_anybody_can_repeat_the_draw(world: World, tmp_path: Path) -> None:
    drawn_world(world, 0)
    before = read(world)
    moderate(world, "council-1", adjust=2)
    moderate(world, "council-3", adjust=9)
    moderate(world, "school-1")
    assign(world, "council-1", "inspector", "other")
    moderate(world, "council-1", adjust=1, second=True)
    finished(world, "council-1")
    found = read(world)
    assert found.snapshot_id != before.snapshot_id
    k = checks(world)
    asked = len(sampled(world, "council-1").questions)
    council = next(row for row in k.types if row.agency_type == "council")
    assert (council.population, council.drawn, council.checked) == (3, 2, 1)
    assert council.returns and (council.returns.found, council.returns.tenths) == (1, 1000)
    assert council.answers and council.answers.found == 2 and council.answers.tenths == tenths(
        Fraction(2, asked)
    )
    assert council.compared == Compared(answers=asked, own_met=asked, found_met=asked - 2, adjusted=2, lower=2)
    assert k.total.compared.adjusted == 2, "cases of risk are told apart"
    [risk] = k.risks
    assert (risk.key, risk.chosen, risk.checked, risk.changed, risk.compared.adjusted) == ("late", 1, 1, 1, 9)
    assert (k.twice, k.agreed) == (asked, asked - 1) and k.named == ()
    assert sum(one.compared.adjusted for one in k.criteria) == 2
    assert sum(one.compared.answers for one in k.themes) == k.total.compared.answers
    names = {row.agency.name for row in world.returns.values()}
    assert not any(name in k.model_dump_json() for name in names), "a large round names nobody who was checked"

    out = tmp_path / "joint.pdf"
    text = make(world, out)
    for part in ("How declarations were checked", k.seed, k.seed_hash, k.frame_hash, "Cohen’s kappa", "Cases of risk"):
        assert part in text, part
    data = json.loads(out.with_suffix(".json").read_text())["checks"]
    assert sha256_hex(data["seed"].encode()) == data["seed_hash"]
    assert frame_hash(data["frame"]) == data["frame_hash"]
    sizes = {kind: len(ids) for kind, ids in data["drawn_returns"].items()}
    again = draw(data["seed"], {kind: [one for one, _hash in rows] for kind, rows in data["frame"].items()}, sizes)
    drawn = {kind: set(ids) for kind, ids in data["drawn_returns"].items() if ids}
    # one of the councils was made a case of risk by hand above
    assert all(ids <= {row[0] for row in data["frame"][kind]} for kind, ids in drawn.items())
    assert drawn["school"] == set(again["school"])

    told = changes(before.model_dump(mode="json"), found.model_dump(mode="json"))
    assert {one.chapter for one in told} >= {"checks"}
    assert any(one.field == "adjusted" and (one.old, one.new) == ("", "2") for one in told)
    assert changes(found.model_dump(mode="json"), found.model_dump(mode="json")) == []


def test_in_a_small_round_names_stand_in_place_of_estimates(world: World, tmp_path: Path) -> None:
    drawn_world(world, 50)
    moderate(world, "council-1", adjust=2)
    moderate(world, "council-3", adjust=9)
    assign(world, "council-1", "inspector", "other")
    moderate(world, "council-1", second=True)
    finished(world, "council-1")
    k = checks(world)
    asked = len(sampled(world, "council-1").questions)
    assert k.is_small and all(row.returns is None and row.answers is None for row in (*k.types, k.total))
    named = {one.code: one for one in k.named}
    assert set(named) == {"council-1", "council-3"}
    assert (named["council-1"].twice, named["council-1"].agreed) == (asked, asked - 2)
    assert named["council-1"].reasons == ("Drawn at random",) and named["council-3"].compared.adjusted == 9
    assert k.kappa == "" and all(message.rule != "adjusted" for message in read(world).key_messages)
    text = make(world, tmp_path / "small.pdf")
    assert "stand here by name" in text and "Cohen" not in text and "Answers that two inspectors checked" in text


def test_nothing_is_read_while_a_second_inspector_is_at_work(world: World) -> None:
    drawn_world(world, 0)
    moderate(world, "council-1", adjust=2)
    judgements.judge_round(world.write(), world.audit_round.public_id, by=SYSTEM, now=SHUT)
    world.session.commit()
    assign(world, "council-1", "inspector", "other")
    found = read(world)
    assert found.checks is None and found.judgements is None
    out = read(world, publishing=True)
    assert out.checks is not None and out.judgements is not None, "what comes out does not wait for it"
    finished(world, "council-1")
    assert read(world).checks is not None


def test_judgements_stand_with_their_overrides_and_own_grades(world: World, tmp_path: Path) -> None:
    drawn_world(world, 0)
    judgements.judge_round(world.write(), world.audit_round.public_id, by=SYSTEM, now=SHUT)
    world.session.commit()
    rows = world.session.scalars(
        select(Judgement).where(Judgement.return_id == world.returns["council-1"].id).order_by(Judgement.id)
    ).all()
    row = next(one for one in rows if one.grade)
    book = book_of(world.audit_round.pack_version, "council")
    assert book is not None
    other = next(grade for grade in book.ranks(row.key) if grade != row.grade)
    row.override, row.override_reason = other, "Two visits showed more than the answers."
    world.session.commit()
    found = read(world).judgements
    assert found is not None and found.overridden == (), "only proposed, so it holds nothing and is not told"
    assert "Two visits" not in found.model_dump_json()
    row.approved_at = SHUT
    world.session.commit()
    out = read(world)
    found = out.judgements
    assert found is not None
    labels = {grade.key: grade.label for grade in book.scale(row.key).grades}
    [told] = found.overridden
    assert (told.code, told.reason) == ("council-1", "Two visits showed more than the answers.")
    assert (told.by_rules, told.decided) == (labels[row.grade]["en"], labels[other]["en"])
    cell = next(
        cell for one in found.agencies if one.code == "council-1" for cell in one.cells if cell.key == row.key
    )
    assert (cell.grade, cell.own, cell.is_overridden) == (told.decided, told.by_rules, True)
    spread = next(one for one in found.spreads if (one.agency_type, one.key) == ("council", row.key))
    assert (spread.total, spread.overridden, spread.differs) == (3, 1, 1)
    assert sum(grade.number for grade in spread.grades) + spread.waiting == 3
    assert {one.code for one in found.agencies} == {"council-1", "council-2", "council-3", "school-1"}
    text = make(world, tmp_path / "judged.pdf")
    assert "Where inspectors decided otherwise" in text and told.reason in text
    assert "Judgements of every agency" in text and "How declarations were checked" not in text
    before = out.model_copy(update={"judgements": None}).model_dump(mode="json")
    listed = changes(before, out.model_dump(mode="json"))
    assert any(one.chapter == "judgements" and one.new == told.decided for one in listed)
