"""Figures of a round against the same counted slowly in plain Python, on both databases."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.control import place
from app.domain.templates import Pack
from app.models import (
    Area,
    AuditReturn,
    AuditRound,
    Moderation,
    PackVersion,
    RoundTemplate,
    Sample,
    SampledReturn,
    Submission,
    SubmissionAnswer,
    SubmissionVoided,
    TemplateVersion,
    User,
)
from app.operations import rollup
from app.policy import Actor, Denied, Held, system_actor
from app.queries.figures import (
    Behind,
    Narrowed,
    agencies_behind,
    checked_figures,
    checks_beside,
    round_figures,
    scores,
    trend,
)
from app.queries.rounds import NotFound
from app.queries.two_views import TwinFilter, two_views
from tests.reports.seeded import AFTER, CLOSES, COUNTS_FROM, DUE, OPENS, seed, submit
from tests.reports.test_figures import kind_of, standing
from tests.world import pack

SYSTEM = system_actor("test")
NOW = {"now": AFTER, "language": "en"}


@pytest.fixture
def chosen() -> Pack:
    return pack("climbie-2003")


@pytest.fixture
def audit_round(session: Session, chosen: Pack) -> AuditRound:
    """A seeded round, with the roll-up that signing keeps."""
    found = seed(session, chosen, agencies=40)
    for one in standing(session, found):
        given = [(key, value["grade"]) for key, value in one.answers.items()]
        rollup.change(session, one.audit_return, "submitted", before=(), after=given)
    session.flush()
    return found


def inspector(audit_round: AuditRound, agency_type: str) -> Actor:
    """An inspector of the body that asks this type of agency in the round."""
    body = next(one.oversight_body_id for one in audit_round.served if one.agency_type == agency_type)
    return Actor(user_id=1, held=(Held("inspector", oversight_body_id=body),))


@pytest.mark.parametrize("by_area", [False, True])
def test_every_criterion_is_counted(
    session: Session, audit_round: AuditRound, chosen: Pack, by_area: bool
) -> None:
    area = session.scalars(select(Area).order_by(Area.id)).first()
    assert area
    narrowed = Narrowed(area=area.public_id if by_area else "")
    found = round_figures(session, audit_round, narrowed, actor=SYSTEM, **NOW)
    returns = [one for one in standing(session, audit_round) if not by_area or area.id in one.areas]
    assert found.submitted == len(returns) > 5
    seen = 0
    for one in found.criteria:
        kind, criterion = one.asked.agency_type, one.asked.criterion
        grades = Counter(
            r.answers[criterion.id]["grade"]
            for r in returns
            if r.audit_return.agency_type == kind and criterion.id in r.answers
        )
        kinds = Counter[str]()
        for grade, number in grades.items():
            kinds[kind_of(chosen, kind, criterion, grade)] += number
        assert {key: number for key, number in one.figure.by_grade.items() if number} == dict(grades)
        assert (one.figure.met, one.figure.excluded) == (kinds["met"], kinds["excluded"])
        assert one.figure.counted == kinds["met"] + kinds["not_met"] + kinds["apart"]
        assert sum(part.met for part in one.by_subtype.values()) == one.figure.met
        seen += one.figure.counted
    assert seen > 100
    assert {one.asked.reference for one in found.criteria} == {
        f"{kind}#{placed.criterion.id}"
        for kind, template in chosen.templates.items()
        for placed in template.criteria()
    }


def test_figures_are_narrowed(session: Session, audit_round: AuditRound, chosen: Pack) -> None:
    kind = next(key for key, one in chosen.agency_types.items() if len(one.subtypes) > 1)
    subtype = next(iter(chosen.agency_types[kind].subtypes))
    theme = chosen.templates[kind].criteria()[0].criterion.theme
    found = round_figures(session, audit_round, Narrowed(kind, subtype, theme), actor=SYSTEM, **NOW)
    assert set(found.returns) == {(kind, subtype)} and found.types == [kind]
    assert {(one.asked.agency_type, one.asked.criterion.theme) for one in found.criteria} == {(kind, theme)}
    assert all(one.asked.criterion.asked_of(subtype) for one in found.criteria)


def test_the_agencies_behind_a_bar(session: Session, audit_round: AuditRound, chosen: Pack) -> None:
    kind, template = next(iter(chosen.templates.items()))
    criterion = template.criteria()[0].criterion
    scheme = chosen.scheme_of(template, criterion)
    answers = {
        one.audit_return.agency.code: one.answers[criterion.id]
        for one in standing(session, audit_round)
        if one.audit_return.agency_type == kind and criterion.id in one.answers
    }
    actor = inspector(audit_round, kind)

    def read(behind: Behind, by: Actor = actor, size: int | None = 50):  # type: ignore[no-untyped-def]
        return agencies_behind(
            session, audit_round, kind, criterion.id, Narrowed(kind), behind, actor=by, page_size=size, **NOW
        )

    whole = read(Behind())
    assert {row.code: row.grade for row in whole.rows} == {code: one["grade"] for code, one in answers.items()}
    assert {row.code: row.expected.isoformat() for row in whole.rows if row.expected} == {
        code: one["date_expected"] for code, one in answers.items() if one.get("date_expected")
    }
    assert whole.by_grade == Counter(one["grade"] for one in answers.values())
    for grade in scheme.grades:
        part = read(Behind(grade=grade.key))
        assert part.total == len(part.rows) == whole.by_grade.get(grade.key, 0)
        assert {row.grade for row in part.rows} <= {grade.key}
    ranks = [scheme.rank(row.grade) for row in read(Behind(sort="grade", descending=True)).rows]
    assert ranks == sorted(ranks, reverse=True)
    first = read(Behind(page=1), size=3)
    second = read(Behind(page=2), size=3)
    assert first.pages == -(-len(answers) // 3) and not set(first.rows) & set(second.rows)
    assert [*first.rows, *second.rows] == list(whole.rows[:6])
    sought = read(Behind(text=whole.rows[0].code.upper()))
    assert whole.rows[0].code in {row.code for row in sought.rows}
    assert all(whole.rows[0].code in row.code for row in sought.rows)
    # another body of the round reads the grades, and nothing beside them
    elsewhere = next(key for key in chosen.agency_types if key != kind)
    joint = read(Behind(), by=inspector(audit_round, elsewhere))
    assert [row.grade for row in joint.rows] == [row.grade for row in whole.rows]
    assert not joint.readable and {(row.submission_id, row.expected) for row in joint.rows} == {("", None)}
    with pytest.raises(NotFound):
        agencies_behind(
            session, audit_round, kind, "no-such", Narrowed(kind), Behind(), actor=actor, **NOW
        )


def scores_of(session: Session, audit_round: AuditRound, chosen: Pack) -> dict[str, tuple[int, int]]:
    """Agency to how many of its signed answers are met and how many count, one by one."""
    wanted = {}
    for one in standing(session, audit_round):
        kind = one.audit_return.agency_type
        kinds = Counter(
            kind_of(chosen, kind, placed.criterion, one.answers[placed.criterion.id]["grade"])
            for placed in chosen.templates[kind].criteria()
            if not placed.standard.optional and placed.criterion.id in one.answers
        )
        wanted[one.audit_return.agency.code] = kinds["met"], kinds.total() - kinds["excluded"]
    return wanted


def test_scores_are_of_what_is_signed_last(session: Session, audit_round: AuditRound, chosen: Pack) -> None:
    """What is known of a submission is kept: another one is counted, and the others stay as they are."""
    found = scores(session, audit_round, Narrowed(), actor=SYSTEM, **NOW)
    before = {row.code: (row.met, row.counted) for row in found.rows}
    one = standing(session, audit_round)[0]
    last, user = one.submission, session.scalars(select(User)).first()
    assert user
    session.add(SubmissionVoided(submission_id=last.id, reason="Again", at=AFTER))
    submit(session, Random(7), chosen, audit_round, one.audit_return, user, AFTER, last.number + 1)
    session.flush()
    found = scores(session, audit_round, Narrowed(), actor=SYSTEM, **NOW)
    after = {row.code: (row.met, row.counted) for row in found.rows}
    assert after == scores_of(session, audit_round, chosen)
    assert {code for code in before if before[code] != after[code]} == {one.audit_return.agency.code}


def test_scores_leave_optional_standards_aside(
    session: Session, audit_round: AuditRound, chosen: Pack
) -> None:
    wanted = scores_of(session, audit_round, chosen)
    found = scores(session, audit_round, Narrowed(), actor=SYSTEM, **NOW)
    assert {row.code: (row.met, row.counted) for row in found.rows} == wanted
    mean = sum(met for met, _ in wanted.values()) / sum(counted for _, counted in wanted.values())
    assert found.mean == pytest.approx(mean)
    assert all(row.place == place(row.met, row.counted, found.mean) for row in found.rows)
    theme = chosen.templates[next(iter(chosen.templates))].criteria()[0].criterion.theme
    narrowed = scores(session, audit_round, Narrowed(theme=theme), actor=SYSTEM, **NOW)
    assert 0 < sum(row.counted for row in narrowed.rows) < sum(row.counted for row in found.rows)


def moderate(
    session: Session, audit_round: AuditRound, number: int = 6, skip: int = 0
) -> list[tuple[SubmissionAnswer, str]]:
    """Check the first answer of some returns and adjust every second one; (answer, the grade found)."""
    found: list[tuple[SubmissionAnswer, str]] = []
    for one in sorted(standing(session, audit_round), key=lambda one: one.audit_return.id)[skip:number]:
        answer = session.scalars(
            select(SubmissionAnswer)
            .where(SubmissionAnswer.submission_id == one.submission.id)
            .order_by(SubmissionAnswer.id)
        ).first()
        assert answer
        chosen = pack("climbie-2003")
        template = chosen.templates[one.audit_return.agency_type]
        scheme = chosen.scheme_of(template, template.criterion(answer.criterion))
        grade = answer.grade if len(found) % 2 else next(g.key for g in scheme.grades if g.key != answer.grade)
        shared = {
            "return_id": one.audit_return.id, "submission_id": one.submission.id, "criterion": answer.criterion,
            "self_grade": answer.grade, "at": AFTER,
        }  # fmt: skip
        other = next(g.key for g in reversed(scheme.grades) if g.key != answer.grade)
        # an earlier finding that no longer counts, and a second inspector's, who only shows agreement
        session.add(Moderation(version=1, outcome="adjusted", grade=other, **shared))
        outcome = "upheld" if grade == answer.grade else "adjusted"
        session.add(Moderation(version=2, outcome=outcome, grade=grade, **shared))
        session.add(Moderation(version=3, second=True, outcome="adjusted", grade=other, **shared))
        found.append((answer, grade))
    session.flush()
    return found


def test_self_grades_beside_the_grades_found(session: Session, audit_round: AuditRound) -> None:
    found = moderate(session, audit_round)
    figures = checked_figures(session, audit_round, Narrowed(), actor=SYSTEM, **NOW)
    assert figures.returns == len(found) == sum(line.answers for line in figures.lines)
    assert sum(line.adjusted for line in figures.lines) == sum(a.grade != grade for a, grade in found) == 3
    own = Counter(a.grade for a, _ in found)
    held = Counter(grade for _, grade in found)
    assert sum((Counter(line.own.by_grade) for line in figures.lines), Counter()) == own
    assert sum((Counter(line.found.by_grade) for line in figures.lines), Counter()) == held
    narrowed = Narrowed(checked=True)
    heat = round_figures(session, audit_round, narrowed, actor=SYSTEM, **NOW)
    assert sum((Counter(one.figure.by_grade) for one in heat.criteria), Counter()) == held
    assert sum(one.figure.unanswered for one in heat.criteria) == 0
    answer, grade = found[0]
    kind = answer.submission.audit_return.agency_type
    behind = agencies_behind(
        session, audit_round, kind, answer.criterion, narrowed, Behind(), actor=SYSTEM, **NOW
    )
    code = answer.submission.audit_return.agency.code
    assert {row.code: (row.grade, row.checked) for row in behind.rows}[code] == (answer.grade, grade)
    assert all(row.checked for row in behind.rows)
    # what was found about a submission that is set aside counts nowhere
    session.add(SubmissionVoided(submission_id=answer.submission_id, reason="Again", at=AFTER))
    session.flush()
    figures = checked_figures(session, audit_round, Narrowed(), actor=SYSTEM, **NOW)
    assert figures.returns == len(found) - 1


def test_what_was_found_stands_beside_the_self_grades(session: Session, audit_round: AuditRound, chosen: Pack) -> None:
    found = moderate(session, audit_round)
    by_code: dict[str, list[int]] = {}
    for answer, grade in found:
        agency_type = answer.submission.audit_return.agency_type
        criterion = chosen.templates[agency_type].criterion(answer.criterion)
        kinds = [kind_of(chosen, agency_type, criterion, one) for one in (answer.grade, grade)]
        by_code[answer.submission.audit_return.agency.code] = [
            int(yes) for kind in kinds for yes in (kind == "met", kind != "excluded")
        ]
    assert len(by_code) == len(found)
    for narrowed in (Narrowed(), Narrowed(checked=True)):
        rows = scores(session, audit_round, narrowed, actor=SYSTEM, **NOW).rows
        assert all(list(row.beside) == by_code.get(row.code, [0, 0, 0, 0]) for row in rows), narrowed
    assert any(row.beside.any for row in rows) and any(row.beside[0:2] != row.beside[2:4] for row in rows)
    whole = round_figures(session, audit_round, Narrowed(), actor=SYSTEM, **NOW)
    cells, hidden = checks_beside(session, whole, actor=SYSTEM)
    assert hidden == 0 and list(map(sum, zip(*cells.values(), strict=True))) == list(
        map(sum, zip(*by_code.values(), strict=True))
    )
    kind = found[0][0].submission.audit_return.agency_type
    some = round_figures(session, audit_round, Narrowed(kind), actor=SYSTEM, **NOW)
    of_kind, _hidden = checks_beside(session, some, actor=SYSTEM)
    assert of_kind == {cell: beside for cell, beside in cells.items() if cell.agency_type == kind}


def test_a_second_inspector_does_not_learn_what_the_first_one_found(session: Session, audit_round: AuditRound) -> None:
    found = moderate(session, audit_round)
    answer, _grade = found[0]
    audit_return = answer.submission.audit_return
    user = User(email="second@example.org", name="Second", active=True, password="", fs_uniquifier="second")
    sample = Sample(
        round_id=audit_round.id, seed="0" * 64, seed_hash="0" * 64, plan={}, committed_at=AFTER, frame={}
    )
    session.add_all([user, sample])
    session.flush()
    sampled = SampledReturn(
        sample_id=sample.id, return_id=audit_return.id, submission_id=answer.submission_id, risks=[], figures={},
        questions=[], second_id=user.id,
    )  # fmt: skip
    session.add(sampled)
    session.flush()
    actor = replace(inspector(audit_round, audit_return.agency_type), user_id=user.id)
    checked = Narrowed(checked=True)

    def seen() -> tuple[int, int, int, str]:
        by_criterion = round_figures(session, audit_round, checked, actor=actor, **NOW)
        by_agency = scores(session, audit_round, checked, actor=actor, **NOW)
        beside = checked_figures(session, audit_round, Narrowed(), actor=actor, **NOW)
        behind = agencies_behind(
            session, audit_round, audit_return.agency_type, answer.criterion, Narrowed(), Behind(), actor=actor, **NOW
        )
        whole = round_figures(session, audit_round, Narrowed(), actor=actor, **NOW)
        cells, left_out = checks_beside(session, whole, actor=actor)
        shown = scores(session, audit_round, Narrowed(), actor=actor, **NOW)
        mine = next(row for row in shown.rows if row.code == audit_return.agency.code)
        assert mine.beside.any == (not hidden)
        assert sum(one.own_counted for one in cells.values()) == sum(row.beside.own_counted for row in shown.rows)
        counts = {by_criterion.hidden, by_agency.hidden, beside.hidden, behind.hidden, left_out, shown.hidden}
        assert counts == {len(hidden)}
        number = sum(sum(one.figure.by_grade.values()) for one in by_criterion.criteria)
        of_agencies = len(by_agency.rows) + by_agency.without
        row = next(row for row in behind.rows if row.code == audit_return.agency.code)
        return number, of_agencies, beside.returns, row.checked

    hidden = {audit_return.id}
    assert seen() == (len(found) - 1, len(found) - 1, len(found) - 1, "")
    sampled.second_finished_at = AFTER
    session.flush()
    hidden = set()
    assert seen() == (len(found), len(found), len(found), _grade)


def earlier_round(session: Session, audit_round: AuditRound, before: Pack, owner: bool = True) -> AuditRound:
    """A round of an earlier version of the pack in which every second agency submitted too."""

    from app.domain.integrity import canonical_json, hash_of, sha256_hex

    content = canonical_json(before.to_frozen()).decode()
    version = PackVersion(
        pack=before.pack, version=99, title={"en": "x"}, content=content, sha256=sha256_hex(content.encode()),
        published_at=OPENS, published_by="test",
    )  # fmt: skip
    back = timedelta(days=400)
    earlier = AuditRound(
        key="earlier", name="The round before", pack_version=version, owner=audit_round.owner, stage="open",
        opens=OPENS - back, due=DUE - back, closes=CLOSES - back, milestones_from=COUNTS_FROM, created_at=OPENS,
    )  # fmt: skip
    session.add(earlier)
    session.flush()
    templates = {}
    for served in audit_round.served:
        template = before.templates[served.agency_type]
        templates[served.agency_type] = TemplateVersion(
            pack_version=version, agency_type=served.agency_type,
            sha256=hash_of(template.model_dump(mode="json")),
        )  # fmt: skip
        session.add(templates[served.agency_type])
        session.flush()
        body = served.oversight_body_id if owner else audit_round.owner_id
        session.add(
            RoundTemplate(
                round_id=earlier.id, oversight_body_id=body, agency_type=served.agency_type,
                template_version_id=templates[served.agency_type].id,
            )
        )  # fmt: skip
    user = session.scalars(select(User)).first()
    assert user
    returns = session.scalars(
        select(AuditReturn).where(AuditReturn.round_id == audit_round.id).order_by(AuditReturn.id)
    ).all()
    for one in returns[::2]:
        at = DUE - back
        old = AuditReturn(
            round_id=earlier.id, agency_id=one.agency_id, template_version=templates[one.agency_type],
            agency_type=one.agency_type, subtype=one.subtype, stage="submitted", invited_at=earlier.opens,
            submitted_at=at,
        )  # fmt: skip
        session.add(old)
        session.flush()
        submit(session, Random(old.id), before, earlier, old, user, at, 1)
    session.flush()
    session.expire(earlier)
    return earlier


def changed(chosen: Pack) -> Pack:
    """The pack as it was before: one criterion had another version, one was not asked, one is no longer asked."""
    frozen = chosen.to_frozen()
    first = frozen["templates"][0]["standards"][0]["criteria"]
    first[0]["version"] = 7
    gone = first[1] | {"id": "asked-no-longer", "twins": []}
    first[1] = gone
    return Pack.from_frozen(frozen)


def test_the_last_round_of_the_same_agencies(session: Session, audit_round: AuditRound, chosen: Pack) -> None:
    assert trend(session, audit_round, Narrowed(), actor=SYSTEM, **NOW).last is None
    before = changed(chosen)
    earlier = earlier_round(session, audit_round, before)
    found = trend(session, audit_round, Narrowed(), actor=SYSTEM, **NOW)
    assert found.last and found.last.id == earlier.id
    now = {one.audit_return.agency_id: one for one in standing(session, audit_round)}
    then = {one.audit_return.agency_id: one for one in standing(session, earlier)}
    both = now.keys() & then.keys()
    assert (found.both, found.only_now, found.only_then) == (
        len(both), len(now.keys() - then.keys()), len(then.keys() - now.keys())
    )  # fmt: skip
    assert both and found.only_now and found.only_then
    for line in found.lines:
        for figure, answered in ((line.then, then), (line.now, now)):
            grades = Counter(
                answered[key].answers[line.asked.criterion.id]["grade"]
                for key in both
                if answered[key].audit_return.agency_type == line.asked.agency_type
                and line.asked.criterion.id in answered[key].answers
            )
            assert {key: number for key, number in figure.by_grade.items() if number} == dict(grades)
    kind = next(iter(chosen.templates))
    first, second = [one.criterion for one in chosen.templates[kind].criteria()[:2]]
    compared = {line.asked.reference for line in found.lines}
    assert not {f"{kind}#{first.id}", f"{kind}#{second.id}"} & compared and compared
    note = next(one for one in found.notes if one.agency_type == kind)
    assert [number for number, _label in note.changed] == ["1.1"]
    assert [number for number, _label in note.added] == ["1.2"]
    assert [number for number, _label in note.removed] == ["1.2"]
    assert not any(one.differs for one in found.notes if one.agency_type != kind)


def test_a_round_of_others_is_not_compared_with(
    session: Session, audit_round: AuditRound, chosen: Pack
) -> None:
    """The earlier round belonged to one body alone: inspectors of another learn nothing of it."""
    earlier_round(session, audit_round, chosen, owner=False)
    mine = next(one for one in audit_round.served if one.oversight_body_id == audit_round.owner_id)
    other = next(one for one in audit_round.served if one.oversight_body_id != audit_round.owner_id)
    assert trend(session, audit_round, Narrowed(), actor=inspector(audit_round, mine.agency_type), **NOW).last
    foreign = inspector(audit_round, other.agency_type)
    assert trend(session, audit_round, Narrowed(), actor=foreign, **NOW).last is None


def test_two_views_by_area_and_how_far_apart(session: Session, audit_round: AuditRound, chosen: Pack) -> None:
    returns = standing(session, audit_round)
    found = two_views(session, audit_round, TwinFilter(), actor=SYSTEM, page_size=None, **NOW)
    wanted: Counter[tuple[str, str, str]] = Counter()
    apart = []
    for one in found.pairs:
        a, b = one.sides
        counts: Counter[str] = Counter()
        for x in returns:
            for y in returns:
                if x is y or (x.audit_return.agency_type, y.audit_return.agency_type) != (a.agency_type, b.agency_type):
                    continue
                if a.criterion.id not in x.answers or b.criterion.id not in y.answers:
                    continue
                grades = x.answers[a.criterion.id]["grade"], y.answers[b.criterion.id]["grade"]
                kinds = a.kind(grades[0]), b.kind(grades[1])
                for area in x.areas & y.areas:
                    if not set(kinds) <= {"met", "not_met"}:
                        counts["not_comparable"] += 1
                        continue
                    counts["compared"] += 1
                    wanted[x.audit_return.agency.name, y.audit_return.agency.name, str(area)] += 1
                    places = []
                    for side, grade in zip((a, b), grades, strict=True):
                        scale = [
                            g.key for g in side.scheme.grades if side.kind(g.key) in ("met", "not_met")
                        ]
                        places.append(scale.index(grade) / (len(scale) - 1))
                    apart.append(abs(places[0] - places[1]))
        assert one.compared == counts["compared"]
        assert one.views["not_comparable"] == counts["not_comparable"]
    assert found.total == len(found.rows) == len(apart) > 20
    assert [row.apart for row in found.rows] == pytest.approx(sorted(apart, reverse=True))
    assert Counter((row.a.agency, row.b.agency) for row in found.rows) == Counter(
        {(a, b): sum(n for (x, y, _), n in wanted.items() if (x, y) == (a, b)) for a, b, _ in wanted}
    )
    for row in found.rows:
        assert row.view != "not_comparable"
        for said in (row.a, row.b):
            assert said.asked.kind(said.grade) in ("met", "not_met")
    page = two_views(session, audit_round, TwinFilter(page=2), actor=SYSTEM, page_size=7, **NOW)
    assert page.rows == found.rows[7:14] and page.pages == -(-len(apart) // 7)


def test_two_views_are_narrowed_and_keep_the_words_of_others(
    session: Session, audit_round: AuditRound
) -> None:
    moderate(session, audit_round, 40)
    whole = two_views(session, audit_round, TwinFilter(), actor=SYSTEM, page_size=None, **NOW)
    of_two_types = [one for one in whole.pairs if len({side.agency_type for side in one.sides}) == 2]
    pair = max(of_two_types, key=lambda one: one.compared)
    a, b = (side.agency_type for side in pair.sides)
    area = next(one for one in whole.areas if one.name in pair.by_area)
    for view in ("both", "only_a", "only_b", "neither"):
        narrowed = TwinFilter(pair=pair.key, area=area.public_id, view=view)
        found = two_views(session, audit_round, narrowed, actor=SYSTEM, page_size=None, **NOW)
        assert found.total == len(found.rows) == pair.by_area[area.name].get(view, 0)
        assert {(row.view, row.area) for row in found.rows} <= {(view, area.name)}
    mine = two_views(
        session, audit_round, TwinFilter(pair=pair.key), actor=inspector(audit_round, a), page_size=None, **NOW
    )
    assert mine.total == pair.compared
    assert all(row.a.commentary is not None and row.a.readable for row in mine.rows)
    assert {(row.b.commentary, row.b.readable) for row in mine.rows} == {(None, False)}
    assert any("Not yet" in row.a.commentary for row in mine.rows)
    assert [row.b.grade for row in mine.rows] == [
        row.b.grade for row in whole.rows if (row.a.asked, row.b.asked) == pair.sides
    ]
    assert b != a


def test_figures_are_for_inspectors_of_the_round(session: Session, audit_round: AuditRound) -> None:
    agency = audit_round_agency(session, audit_round)
    for held in (
        Held("inspector", oversight_body_id=10**6),
        Held("peer_reviewer", oversight_body_id=audit_round.owner_id),
        Held("accountable_signatory", agency_id=agency),
        Held("administrator"),
    ):
        actor = Actor(user_id=1, held=(held,))
        for read in (round_figures, scores, checked_figures, trend):
            with pytest.raises(Denied):
                read(session, audit_round, Narrowed(), actor=actor, **NOW)
        with pytest.raises(Denied):
            two_views(session, audit_round, TwinFilter(), actor=actor, **NOW)


def audit_round_agency(session: Session, audit_round: AuditRound) -> int:
    """The id of some agency of the round."""
    found = session.scalars(select(AuditReturn.agency_id).where(AuditReturn.round_id == audit_round.id)).first()
    assert found
    return found


def test_a_submission_that_is_set_aside_counts_nowhere(session: Session, audit_round: AuditRound) -> None:
    before = scores(session, audit_round, Narrowed(), actor=SYSTEM, **NOW)
    latest = session.scalars(
        select(Submission).join(AuditReturn).where(AuditReturn.stage == "submitted").order_by(Submission.id.desc())
    ).first()
    assert latest
    session.add(SubmissionVoided(submission_id=latest.id, reason="Again", at=AFTER))
    session.flush()
    after = scores(session, audit_round, Narrowed(), actor=SYSTEM, **NOW)
    gone = {row.code for row in before.rows} - {row.code for row in after.rows}
    assert gone == {latest.audit_return.agency.code}
