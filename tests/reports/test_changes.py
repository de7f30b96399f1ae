"""What changed since the last round: the figures, and the PDF, of a draft and of what was signed."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.domain.changes import ChangesDocument
from app.domain.templates import Criterion, Standard
from app.operations.answers import Edit
from app.queries.changes import changes_document
from app.queries.rounds import NotFound
from reports.make import make_report
from reports.render import RenderFailed
from tests.next_year import changed, next_year
from tests.operations.test_carrying import carried, confirmed
from tests.operations.test_returns import save, sign
from tests.pdf_gate import assert_pdf_ua
from tests.pdf_text import text_of
from tests.world import SYSTEM, World, complete_answer, free, graded

# figures and pages do not depend on the database
pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]


@pytest.fixture
def code(world: World) -> str:
    return next(iter(world.returns))


def answered(world: World, code: str, key: str, raw: dict[str, object], version: int) -> None:
    assert save(world, code, Edit(key, raw, version, f"{key}-{version}")).saved


@pytest.fixture
def two_rounds(world: World, code: str) -> list[str]:
    """Two rounds with an answer that moved in each way. The ids of the questions, in order."""
    world.answer(code)
    items = free(world.work(code))
    ids = [item.id for item in items]
    grades = items[0].scheme.grades
    apart = next(one.key for one in grades if one.shown_apart)
    worst = complete_answer(items[0].scheme, best=False)
    unknown = {"grade": apart, "basis": worst["basis"], "commentary": "Nobody can say.", "date_expected": "2003-10-01"}
    excluded = {"grade": next(g.key for g in grades if g.counts_as == "excluded"), "reason": "Not here."}
    # then: the first is the best, the second the worst and promised, then unknown twice, excluded, unanswered later
    for key, raw in ((ids[1], worst), (ids[2], unknown), (ids[3], unknown), (ids[4], excluded)):
        answered(world, code, key, raw, 1)
    sign(world, code)
    gone, new_wording = ids[-1], ids[-2]

    def change(_standard: Standard, criterion: Criterion) -> list[Criterion]:
        if criterion.id == gone:
            return [criterion.model_copy(update={"id": "quite-new", "question": "Quite new?"})]
        if criterion.id == new_wording:
            return [criterion.model_copy(update={"version": 2, "question": "Is it put differently?"})]
        return [criterion]

    next_year(world, changed(world.pack, change))
    carried(world, code)
    best = complete_answer(items[0].scheme)
    answered(world, code, ids[0], worst | {"date_expected": "2004-09-01"}, 1)  # worse
    answered(world, code, ids[1], worst | {"date_expected": "2004-12-01"}, 1)  # the same, put off
    answered(world, code, ids[2], best, 1)  # better than unknown
    answered(world, code, ids[3], worst | {"date_expected": "2004-09-01"}, 1)  # known now
    answered(world, code, ids[4], best, 1)  # applies now
    answered(world, code, ids[5], unknown | {"date_expected": "2004-09-01"}, 1)  # worse than in place
    answered(world, code, new_wording, best, 0)
    return ids


def read(world: World, code: str, by: str = "board") -> ChangesDocument:
    world.session.rollback()
    found = changes_document(world.session, world.returns[code], actor=world.actor(by), now=world.now)
    assert found is not None
    return found


def test_every_answer_moved_as_it_did(world: World, code: str, two_rounds: list[str]) -> None:
    found, ids = read(world, code), two_rounds
    moves = {change.id: change.move for change in found.changes}
    assert [moves[key] for key in ids[:6]] == ["worse", "same", "better", "known", "applies", "worse"]
    assert moves[ids[-2]] == "changed" and moves["quite-new"] == "new"
    assert [(one.id, one.move) for one in found.dropped] == [(ids[-1], "dropped")]
    others = [item.id for item in world.work(code).items if item.started and item.id not in (*ids[:6], *ids[-2:])]
    assert {moves[key] for key in others} == {"same"} and len(others) > len(ids) - 8
    assert sum(count.number for count in found.counts) == len(moves) + 1
    # what both rounds ask alike, and what applied in both: without the one that applies now, the new and the changed
    assert found.then.counted == found.now.counted == len(graded(world.work(code))) - 3
    assert found.then.met == found.then.counted - 3
    assert found.now.met == found.now.counted - 4
    assert [change.id for change in found.missed] == [ids[1], ids[3]], "promised for 2003, and not in place in May 2004"
    assert [(one.id, one.days) for one in found.postponed] == [(ids[1], 457), (ids[3], 336)]
    assert found.is_draft and found.to_confirm == len(others)
    assert found.last.name == "Test round" and found.last.signed_by


def test_nobody_outside_the_agency_reads_it(world: World, code: str, two_rounds: list[str]) -> None:
    for who in ("inspector", "coordinator", "signatory-nhs"):
        with pytest.raises(NotFound):
            read(world, code, by=who)
    assert two_rounds


def test_the_pdf_of_a_draft_and_of_what_was_signed(
    world: World, code: str, two_rounds: list[str], tmp_path: Path
) -> None:
    def make(name: str) -> str:
        world.session.rollback()
        audit_return = world.returns[code]
        make_report(
            world.session, "changes", audit_return.audit_round, audit_return, out=tmp_path / name, actor=SYSTEM,
            now=world.now, draft=True,
        )  # fmt: skip
        assert_pdf_ua(tmp_path / name)
        return text_of(tmp_path / name)

    draft = make("draft.pdf")
    found = read(world, code)
    assert "Draft, not signed" in draft and "Better: 1. Worse: 2." in draft
    joined = draft.replace(" ", "")
    for change in found.changes:
        assert change.question.replace(" ", "") in joined
    assert found.snapshot_id in draft and "Promised, and not kept" in draft
    answered(world, code, "quite-new", complete_answer(world.work(code).items[0].scheme), 0)
    confirmed(world, code, *[item.id for item in world.work(code).items])
    assert not world.work(code).outstanding
    sign(world, code)
    signed = make("signed.pdf")
    assert "Draft" not in signed and read(world, code).signed_by in signed
    assert two_rounds


def test_without_an_earlier_round_the_report_says_so(world: World, code: str, tmp_path: Path) -> None:
    audit_return = world.returns[code]
    with pytest.raises(RenderFailed, match="no earlier round"):
        make_report(
            world.session, "changes", audit_return.audit_round, audit_return, out=tmp_path / "x.pdf", actor=SYSTEM,
            now=world.now,
        )  # fmt: skip
