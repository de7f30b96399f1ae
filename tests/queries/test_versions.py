"""What is said of two versions of a pack is what happens: what is carried forward, and what figures are compared."""

from __future__ import annotations

from app.domain.asking import NumberAsked, YesNo
from app.domain.templates import Criterion, Pack, Standard
from app.domain.versions import compare
from app.queries.carrying import carry_plan
from app.queries.figures import Narrowed, trend
from tests.next_year import changed, next_year
from tests.operations.test_returns import sign
from tests.world import SYSTEM, World, free


def test_carrying_and_figures_do_what_the_comparison_says(world: World) -> None:
    code = next(iter(world.returns))
    world.answer(code)
    sign(world, code)
    template = world.pack.templates[code.split("-")[0]]
    reworded, anew, fact, choice, per_area, gone = (item.criterion.id for item in free(world.work(code))[:6])
    scheme = world.pack.grading_schemes[template.grading]
    grades = {"yes": scheme.grades[0].key, "no": scheme.grades[-1].key}
    changes = {
        reworded: {"question": "In other words?"},
        anew: {"version": 2},
        fact: {"answer": NumberAsked(type="number")},
        choice: {"answer": YesNo(type="yes_no", grades=grades)},
        per_area: {"scope": "area"},
    }

    def change(_standard: Standard, criterion: Criterion) -> list[Criterion]:
        if criterion.id == gone:
            return []
        return [criterion.model_copy(update=changes.get(criterion.id, {}))]

    # as it would be read: a copy keeps what its original worked out
    pack = Pack.from_frozen(changed(world.pack, change).to_frozen())
    told = {one.now.criterion.id: one for each in compare(world.pack, pack).templates for one in each.changed}
    assert set(told) >= changes.keys()
    next_year(world, pack)

    plan = carry_plan(world.session, world.work(code))
    assert plan is not None
    open_ = {pair.now.criterion.id for pair in plan.open}
    assert {key for key in changes if told[key].carried == "all"} == changes.keys() & open_ == {reworded}
    assert {item.criterion.id for item in plan.dropped} >= {gone}

    found = trend(world.session, world.audit_round, Narrowed(), actor=SYSTEM, now=world.now, language="en")
    numbers = {placed.criterion.id: placed.number for placed in pack.templates[code.split("-")[0]].criteria()}
    (compared,) = [one for one in found.notes if one.agency_type == code.split("-")[0]]
    uncompared = {number for number, _label in (*compared.changed, *compared.added, *compared.removed)}
    for key in changes:
        assert told[key].compared == (numbers[key] not in uncompared), key
