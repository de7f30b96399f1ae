"""The figures of every report, counted once more from the export with a few lines of polars: equal to the last digit.

A number in a report's data that nobody counts here is an error, so that no new figure is forgotten; so is one in a
table or in words that is none of the data. On one kind of database: that both read the same is shown where figures are
read (`tests/reports/test_figures.py`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache, partial
from typing import Any

import polars as pl
import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.db import make_engine
from app.domain.body_summary import BodySummary, messages_of
from app.domain.findings import Figure
from app.domain.integrity import canonical_json, hash_of
from app.domain.risks import ModerationRules
from app.domain.sampling import SamplePlan
from app.models import (
    ActionProgress,
    Area,
    AuditReturn,
    AuditRound,
    Base,
    Moderation,
    Monitoring,
    OversightBody,
    PlannedAction,
    Recommended,
    RecommendedResponse,
    RecommendedStatus,
    Sample,
    SampledReturn,
    SelfAssessment,
    Submission,
    SurveyResult,
    User,
)
from app.operations import judgements, release
from app.policy import system_actor
from app.queries import stands
from app.queries.documents import agency_return_document
from app.queries.sampling import agency_types_of
from reports.make import make_source
from reports.registry import reports
from reports.source import Source
from reports.tables import figures_of, parsed, placed
from tests.queries.test_figures import earlier_round
from tests.reports.forms import (
    in_csv,
    in_html,
    in_json,
    in_workbook,
    numbers_in_word,
    numbers_of,
    shown,
    sorted_out,
    tables_of,
)
from tests.reports.recount import Expected, Export, World, differences, frame, numbers
from tests.reports.recount_joint import joint
from tests.reports.recount_recommended import recommended
from tests.reports.recount_returns import (
    agency_return,
    blank,
    drafted,
    feedback,
    moved,
    planned,
    planned_since,
    published_feedback,
    receipt,
)
from tests.reports.recount_rounds import area, progress, regional, register, summary
from tests.reports.seeded import AFTER, COUNTS_FROM, seed
from tests.reports.shown import unknown, unsaid, wrong
from tests.reports.test_four_rounds import OF_ROUNDS, SEEDS, check, full, standing
from tests.world import pack

SYSTEM = system_actor("test")
OF_DRAFTS = ("action-plan", "blank-form", "draft-return")
# what is made of which round, and how it is counted again; the report's key where nothing else is said
CASES: dict[str, tuple[str, Callable[[World], Expected]]] = {
    "joint-findings": ("full", joint), "body-summary": ("full", summary), "area-report": ("full", area),
    "regional-concerns": ("full", regional), "progress": ("full", progress),
    "recommendations-register": ("full", recommended), "feedback": ("full", feedback),
    "agency-return": ("full", agency_return), "receipt": ("full", receipt), "action-plan": ("full", planned),
    "blank-form": ("full", blank), "draft-return": ("full", drafted), "changes": ("full", moved),
    "joint-findings of facts": ("facts", joint), "register-responses": ("responses", register),
    "joint-findings as published": ("full", joint), "feedback as published": ("full", published_feedback),
    "action-plan as signed": ("full", planned_since),
}  # fmt: skip
# what spreadsheets make a day of when they read a CSV file, without a word
AS_A_DAY = re.compile(r"\d+ ?[/-] ?\d+( ?[/-] ?\d+)?")
EVERY = pytest.mark.parametrize("key", sorted(CASES))


# --- the round -------------------------------------------------------------------------------------------------------


def draw(session: Session, audit_round: AuditRound) -> None:
    """A sample by chance and by risk, with what inspectors found, and a second inspector of one return."""
    signed = sorted(standing(session).values(), key=lambda one: one.return_id)
    for place, submission in enumerate(signed[6:18]):  # in every third nothing is changed
        changes = bool(place % 3)
        check(session, submission, "The files that we read do not show it.", 3 if changes else 9, changes)
    session.flush()
    plan = SamplePlan.of(ModerationRules.of(pack("climbie-2003")), agency_types_of(audit_round)).as_data()
    returns = {one.id: one for one in session.scalars(select(AuditReturn))}
    framed: dict[str, list[list[str]]] = {}
    for one in signed:
        framed.setdefault(returns[one.return_id].agency_type, []).append([returns[one.return_id].public_id, "0" * 64])
    sample = Sample(
        round_id=audit_round.id, seed="0" * 64, seed_hash="0" * 64, plan=plan | {"small_round": 0}, frame=framed,
        committed_at=AFTER, drawn_at=AFTER, frame_hash="0" * 64,
    )  # fmt: skip
    session.add(sample)
    session.flush()
    found = session.scalars(select(Moderation)).all()
    user = session.scalars(select(User)).first()
    assert user
    for place, row in enumerate(one for one in found if one.return_id == signed[0].return_id):
        grade = row.self_grade if place % 4 == 0 else row.grade
        session.add(
            Moderation(
                return_id=row.return_id, submission_id=row.submission_id, criterion=row.criterion, version=1,
                second=True, outcome="upheld" if grade == row.self_grade else "adjusted", self_grade=row.self_grade,
                grade=grade, at=AFTER,
            )
        )  # fmt: skip
    for place, one in enumerate(signed[:20], start=1):  # of the last two nothing is checked yet
        mine = [row for row in found if row.return_id == one.return_id]
        session.add(
            SampledReturn(
                sample_id=sample.id, return_id=one.return_id, submission_id=one.id, place=place if place % 5 else None,
                risks=["late"] if place % 5 in (0, 1) else [], figures={},
                questions=[row.criterion for row in mine] or ["any"], finished_at=AFTER if mine else None,
                inspector_id=user.id, second_id=user.id if place == 1 else None, second_finished_at=AFTER,
            )
        )  # fmt: skip
    session.commit()
    judgements.judge_round(session, audit_round.public_id, by=SYSTEM, now=AFTER)
    session.commit()


def write(session: Session, audit_round: AuditRound) -> AuditReturn:
    """Answers and plans in a return that is not signed: some questions are left out, some answers lack something."""
    one = session.scalars(
        select(AuditReturn).where(AuditReturn.round_id == audit_round.id, AuditReturn.stage == "started")
        .order_by(AuditReturn.id.desc())
    ).first()  # fmt: skip
    assert one
    session.execute(delete(SelfAssessment).where(SelfAssessment.return_id == one.id))
    chosen = pack("climbie-2003")
    template = chosen.templates[one.agency_type]
    for place, asked in enumerate(template.criteria()):
        if place % 4 == 0 or not asked.criterion.asked_of(one.subtype):
            continue
        scheme = chosen.scheme_of(template, asked.criterion)
        grade = scheme.grades[place % len(scheme.grades)]
        value: dict[str, Any] = {"grade": grade.key}
        if grade.counts_as != "excluded":
            value["basis"] = next(basis.key for basis in scheme.bases if not basis.asks)
        if place % 7 != 3:
            value |= {"commentary": "Not yet.", "reason": "It does not arise."}
        if grade.counts_as == "not_met":
            value["date_expected"] = (COUNTS_FROM + timedelta(days=50 * (place % 9))).isoformat()
        session.add(
            SelfAssessment(
                return_id=one.id, criterion=asked.criterion.id, type="grade", value=value, grade=grade.key, version=1,
                saved_at=AFTER,
            )
        )  # fmt: skip
        for step in range(place % 3):
            session.add(
                PlannedAction(
                    return_id=one.id, criterion=asked.criterion.id, what="Train", made_at=AFTER, saved_at=AFTER,
                    owner="Ann" if (place + step) % 3 else "",
                    due=COUNTS_FROM + timedelta(days=40 * (place % 11)) if (place + step) % 4 else None,
                    state=("planned", "under_way", "done", "dropped", "planned")[(place + 2 * step) % 5],
                )
            )  # fmt: skip
    session.commit()
    return one


def plan_signed(session: Session, submission: Submission) -> None:
    """Actions in what a return signed, for most of its answers, and what was said about them since: of some nothing, of
    some of an earlier wording too."""
    content, states = json.loads(submission.content), ("planned", "under_way", "done", "dropped")
    for place, answer in enumerate(content["answers"]):
        for _step in range(place % 5 % 3):
            turn = len(content["actions"])
            row = PlannedAction(
                return_id=submission.return_id, criterion=answer["criterion"], what="Train", made_at=AFTER,
                saved_at=AFTER, owner="Ann" if turn % 5 else "", version=1 + turn % 2, state=states[turn // 2 % 4],
                due=COUNTS_FROM + timedelta(days=40 * (turn % 11)) if turn % 6 else None,
            )  # fmt: skip
            session.add(row)
            session.flush()
            content["actions"].append({
                "id": row.public_id, "criterion": row.criterion, "scope": "", "what": row.what, "owner": row.owner,
                "due": row.due.isoformat() if row.due else None, "state": row.state, "version": row.version,
            })  # fmt: skip
            for number in range(turn % 3):
                row.progress.append(
                    ActionProgress(
                        state=states[turn // 3 % 4 - number], note="It moves.", version=1 + (turn + number) % 2,
                        at=AFTER, due=COUNTS_FROM + timedelta(days=50 * (turn % 7)) if turn % 4 else None,
                    )
                )  # fmt: skip
    submission.content, submission.content_hash = canonical_json(content).decode(), hash_of(content)
    session.commit()


def drafts(session: Session, x: Export, one: AuditReturn) -> pl.DataFrame:
    """What is asked of a return that is being written, with what is saved; `whole`: nothing is missing in it."""
    needs = {grade["key"]: grade["needs"] + (["basis"] if grade["counts_as"] != "excluded" else [])
             for scheme in x.pack["grading_schemes"] for grade in scheme["grades"]}  # fmt: skip
    saved = [
        {"return": one.id, "criterion": row.criterion, "scope": "", "grade": row.value["grade"],
         "expected": date.fromisoformat(day) if (day := row.value.get("date_expected")) else None,
         "whole": set(needs[row.value["grade"]]) <= set(row.value)}
        for row in session.scalars(select(SelfAssessment).where(SelfAssessment.return_id == one.id))
    ]  # fmt: skip
    answers = frame(saved, {"return": pl.Int64, "criterion": pl.String, "scope": pl.String, "grade": pl.String,
                            "expected": pl.Date, "whole": pl.Boolean})  # fmt: skip
    return x.asked(x.returns.filter(pl.col("return") == one.id), answers).with_columns(pl.col("whole").fill_null(False))


def desk(session: Session) -> dict[str, pl.DataFrame]:
    """What inspectors have beside the export: their sample, and what two of them found about the same answers."""
    sampled = [
        {"return": one.return_id, "turn": one.place, "risks": one.risks, "questions": one.questions,
         "done": one.finished_at is not None}
        for one in session.scalars(select(SampledReturn))
    ]  # fmt: skip
    found = {(one.return_id, one.criterion, one.second): one.grade for one in session.scalars(select(Moderation))}
    twice = [{"found": found[key[0], key[1], False], "second": grade} for key, grade in found.items() if key[2]]
    planned = [
        {"return": one.return_id, "criterion": one.criterion, "state": one.state, "owner": one.owner, "due": one.due}
        for one in session.scalars(select(PlannedAction))
    ]
    updates = [
        {"id": one.action.public_id, "version": one.version, "state": one.state, "due": one.due}
        for one in session.scalars(select(ActionProgress).order_by(ActionProgress.id))
    ]
    words = pl.List(pl.String)
    made = [
        {"id": one.id, "number": one.number, "to": one.agency_type, "edition": one.edition, "due": one.due,
         "published": one.made_at.date(), "withdrawn": one.withdrawn_in}
        for one in session.scalars(select(Recommended))
    ]  # fmt: skip
    said, tracked = (
        [{"id": one.recommended_id, "return": one.return_id, "turn": one.id, "says": getattr(one, says),
          "step": getattr(one, "progress", "")} for one in session.scalars(select(model))]
        for model, says in ((RecommendedResponse, "answer"), (RecommendedStatus, "state"))
    )  # fmt: skip
    by_turn = {"id": pl.Int64, "return": pl.Int64, "turn": pl.Int64, "says": pl.String, "step": pl.String}
    return {
        "recommended": frame(made, {"id": pl.Int64, "number": pl.Int64, "to": pl.String, "edition": pl.Int64,
                                    "due": pl.Date, "published": pl.Date, "withdrawn": pl.Int64}),
        "responded": frame(said, by_turn),
        "tracked": frame(tracked, by_turn),
        "sampled": frame(sampled, {"return": pl.Int64, "turn": pl.Int64, "risks": words, "questions": words,
                                   "done": pl.Boolean}),
        "twice": frame(twice, {"found": pl.String, "second": pl.String}),
        "monitored": frame([{"code": one.audit_return.agency.code} for one in session.scalars(select(Monitoring))],
                           {"code": pl.String}),
        "planned": frame(planned, {"return": pl.Int64, "criterion": pl.String, "state": pl.String, "owner": pl.String,
                                   "due": pl.Date}),
        "updates": frame(updates, {"id": pl.String, "version": pl.Int64, "state": pl.String, "due": pl.Date}),
    }  # fmt: skip


def full_round(session: Session) -> World:
    """A full round with one before it, and every report on it that there is."""
    audit_round = full(session)
    draw(session, audit_round)
    writing = write(session, audit_round)
    plan_signed(session, standing(session)[min(standing(session))])
    release.prepare(session, audit_round.public_id, by=SYSTEM, now=AFTER)
    session.commit()
    earlier = session.scalars(select(AuditRound).where(AuditRound.key == "earlier")).one()
    body = session.get_one(OversightBody, audit_round.served[0].oversight_body_id)
    w = World(
        Export.of(session, audit_round), Export.of(session, earlier), **desk(session),
        types=tuple(one.agency_type for one in audit_round.served if one.oversight_body_id == body.id),
    )  # fmt: skip
    w.area = w.now.areas.group_by("area").len().sort("len", "area").row(-1)[0]
    w.return_id = min(w.now.found["return"])
    w.draft_id, w.draft = writing.id, drafts(session, w.now, writing)
    w.told = told(session, w.now)
    place = session.scalars(select(Area.public_id).where(Area.name == w.area)).one()
    one = session.get_one(AuditReturn, w.return_id)
    w.made["action-plan as signed"] = make_source(session, "action-plan", audit_round, one, actor=SYSTEM, now=AFTER)
    for key in (key for key, (which, _count) in CASES.items() if which == "full" and key in reports()):
        about = (writing if key in OF_DRAFTS else one) if reports()[key].about in ("return", "feedback") else None
        w.made[key] = make_source(
            session, key, audit_round, about, actor=SYSTEM, now=AFTER, body=body.code, area=place,
            draft=key in OF_DRAFTS,
        )  # fmt: skip
    out = publish(session, audit_round)
    for key, about, edition in (("joint-findings", None, 1), ("feedback", one, 0)):
        w.made[f"{key} as published"] = make_source(
            session, key, audit_round, about, actor=SYSTEM, now=out, edition=edition
        )
    return w


def publish(session: Session, audit_round: AuditRound) -> datetime:
    """Publish what was prepared, and say when it is out."""
    hour, key = timedelta(hours=1), audit_round.public_id
    release.set_window(session, key, opens=AFTER, closes=AFTER + hour, by=SYSTEM, now=AFTER)
    release.by_the_clock(session, now=AFTER + 2 * hour)
    waived = dict.fromkeys(release.OBSTACLES, "It is a test.")
    release.set_publication(session, key, at=AFTER + 3 * hour, waived=waived, by=SYSTEM, now=AFTER + 2 * hour)
    session.commit()
    release.by_the_clock(session, now=AFTER + 4 * hour)
    session.commit()
    return AFTER + 4 * hour


SIGNED = {"code": pl.String, "criterion": pl.String, "scope": pl.String, "grade": pl.String, "expected": pl.String,
          "files": pl.Int64}  # fmt: skip


def told(session: Session, x: Export) -> pl.DataFrame:
    """The signed answers as each agency's return gives them as data."""
    rows = []
    for return_id in x.submitted["return"]:
        one = session.get_one(AuditReturn, return_id)
        document = agency_return_document(session, one, actor=SYSTEM, now=AFTER)
        assert document is not None
        rows += [
            answer | {"code": document.agency.code, "criterion": answer["id"], "expected": answer["date_expected"]}
            for standard in document.model_dump(mode="json")["standards"] for answer in standard["answers"]
        ]  # fmt: skip
    return frame(rows, SIGNED)


def of_facts(session: Session) -> World:
    """The joint findings of a round that asks for facts too, with a survey of staff."""
    chosen = pack("section-11-2024")
    audit_round = seed(session, chosen, agencies=34, number=7)
    assert chosen.survey
    answers = [one["key"] for one in chosen.survey["answers"]]
    for place, submission in enumerate(list(standing(session).values())[:14]):
        for step, statement in enumerate(chosen.survey["statements"]):
            counts = {key: (place + step + at) % 9 for at, key in enumerate(answers)}
            session.add(
                SurveyResult(
                    return_id=submission.return_id, statement=statement, asked=40, answered=sum(counts.values()),
                    counts=counts, given_by="body", at=AFTER,
                )
            )  # fmt: skip
    session.commit()
    w = World(Export.of(session, audit_round), Export.of(session, audit_round))
    w.made["joint-findings of facts"] = make_source(
        session, "joint-findings", audit_round, None, actor=SYSTEM, now=AFTER
    )
    return w


def with_responses(session: Session) -> World:
    """The register of a round that decides on recommendations, with one before it."""
    chosen = pack("recommendations")
    audit_round = seed(session, chosen, agencies=40, number=8)
    earlier = earlier_round(session, audit_round, chosen)
    earlier.is_demonstration = True
    session.commit()
    w = World(Export.of(session, audit_round), Export.of(session, earlier))
    w.made["register-responses"] = make_source(
        session, "register-responses", audit_round, None, actor=SYSTEM, now=AFTER
    )
    return w


def other_round(session: Session, seeded: Callable[[Session], AuditRound]) -> World:
    """The reports on several agencies of a round without one before it."""
    audit_round = seeded(session)
    x = Export.of(session, audit_round)
    body = session.get_one(OversightBody, audit_round.served[0].oversight_body_id)
    w = World(x, None, **desk(session), types=(audit_round.served[0].agency_type,))
    w.area = x.areas.group_by("area").len().sort("len", "area").row(-1)[0]
    place = session.scalars(select(Area.public_id).where(Area.name == w.area)).one()
    for key in (*OF_ROUNDS, "joint-findings"):
        w.made[key] = make_source(session, key, audit_round, None, actor=SYSTEM, now=AFTER, body=body.code, area=place)
    return w


MAKE: dict[str, Callable[[Session], World]] = {
    "full": full_round, "facts": of_facts, "responses": with_responses,
    **{key: partial(other_round, seeded=SEEDS[key]) for key in ("partial", "empty", "hostile")},
}  # fmt: skip


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], World]:
    """Each round as it is exported, with the reports on it, made when it is first asked for."""

    @cache
    def make(key: str) -> World:
        engine = make_engine(f"sqlite:///{tmp_path_factory.mktemp(key) / 'round.db'}")
        Base.metadata.create_all(engine)
        stands._KEPT.clear()  # the same seeds have the same events: no two services are told apart by them
        with Session(engine) as session:
            found = MAKE[key](session)
        engine.dispose()
        return found

    return make


def without_numbers(made: Source) -> list[str]:
    """Charts of a report without rows, or with numbers that do not stand in them. Of a chart on several pages the first
    says for all what they show."""
    found = []
    drawn = [(one, element) for one, element in placed(parsed(made.page)) if one.kind == "figure"]
    for one, element in drawn:
        same = [row for other, _element in drawn if other.caption == one.caption for row in other.rows]
        (chart,) = [svg for svg in element.iter("svg") if svg.getparent() is element]
        if not one.rows or not all(one.heads):
            found.append(f"{one.name}: no rows, or a column without a head: {one.heads}")
        found += [f"{one.name}: {problem}" for problem in unsaid(replace(one, rows=tuple(same)), chart)]
    return found


# --- the tests -------------------------------------------------------------------------------------------------------


@EVERY
def test_the_figures_are_those_that_polars_counts(worlds: Callable[[str], World], key: str) -> None:
    which, count = CASES[key]
    found = differences(numbers(worlds(which).made[key].data), count(worlds(which)))
    assert not found, "\n".join([*found[:40], f"{len(found)} differences"])


def test_what_is_counted_is_what_returns_give_as_data(worlds: Callable[[str], World]) -> None:
    w = worlds("full")
    signed = w.now.signed.join(w.now.submitted, on="return").with_columns(pl.col("expected").cast(pl.String))
    assert w.told.height > 1000
    assert w.told.sort("code", "criterion").equals(signed.select(list(SIGNED)).sort("code", "criterion"))


@EVERY
def test_tables_show_these_figures(worlds: Callable[[str], World], key: str) -> None:
    made = worlds(CASES[key][0]).made[key]
    tables = figures_of(made.page)
    assert tables or key == "receipt"
    found = [problem for table in tables for problem in wrong(made.report, made.data, table)]
    assert not found, "\n".join([*found[:40], f"{len(found)} differences"])


@EVERY
def test_every_chart_comes_with_its_numbers(worlds: Callable[[str], World], key: str) -> None:
    found = without_numbers(worlds(CASES[key][0]).made[key])
    assert not found, "\n".join(found)


@pytest.mark.parametrize("key", sorted(set(CASES) - {"receipt"}))  # which says how to check hashes
def test_words_hold_no_other_number(worlds: Callable[[str], World], key: str) -> None:
    made = worlds(CASES[key][0]).made[key]
    found = unknown(made.report, made.data, made.page)
    assert not found, "\n".join(found)


@EVERY
def test_every_form_shows_the_same_figures(worlds: Callable[[str], World], key: str) -> None:
    made = worlds(CASES[key][0]).made[key]
    figures = tables_of(made)
    wanted = [shown(one) for one in figures]
    assert in_json(made) == wanted and in_html(made) == wanted
    of_groups = [sorted_out(one) for one in figures]
    assert in_csv(made) == of_groups
    days = [cell for rows in wanted for row in rows for cell in row if AS_A_DAY.fullmatch(cell)]
    assert not days, f"a spreadsheet takes these for days: {days[:9]}"
    assert in_workbook(made) == of_groups
    of_tables = [rows for one, rows in zip(figures, wanted, strict=True) if one.kind == "table"]
    assert numbers_in_word(made) == [numbers_of([cell for row in rows for cell in row]) for rows in of_tables]


@pytest.mark.parametrize("which", ["partial", "empty", "hostile"])
def test_other_rounds_say_what_polars_counts(worlds: Callable[[str], World], which: str) -> None:
    w = worlds(which)
    for key, made in w.made.items():
        expected, said = CASES[key][1](w), numbers(made.data)
        # where there is nothing to count the report says none
        found = differences({path: one for path, one in said.items() if one or path in expected}, expected)
        found += [problem for one in tables_of(made) for problem in wrong(key, made.data, one)]
        found += without_numbers(made)
        assert not found, "\n".join([*found[:40], f"{len(found)} differences"])
    assert set(w.made) == {*OF_ROUNDS, "joint-findings"}


def test_every_report_is_counted_but_the_one_of_words(worlds: Callable[[str], World]) -> None:
    counted = {made.report for which, _count in CASES.values() for made in worlds(which).made.values()}
    assert set(reports()) - counted == {"area-letter"}
    schema = reports()["area-letter"].model.model_json_schema()
    parts = {"AreaLetter": schema} | schema["$defs"]
    with_numbers = {name for name, one in parts.items() if '"integer"' in json.dumps(one.get("properties", {}))}
    assert with_numbers == {"Edition", "PackInfo", "Sentence"}, "a letter counts something now: count it here too"


def test_a_wrong_figure_and_a_new_one_are_found(worlds: Callable[[str], World]) -> None:
    w = worlds("full")
    said, expected = numbers(w.made["area-report"].data), area(w)
    assert differences(said | {"here/met": said["here/met"] + 1}, expected)
    assert differences(said | {"here/new": 4}, expected) == ["here/new: nobody counts this 4 again"]
    assert differences({path: one for path, one in said.items() if path != "here/met"}, expected)
    made = w.made["area-report"]
    table = next(one for one in figures_of(made.page) if one.source == "agencies[].not_yet")
    row = table.rows[0]
    worse = replace(row, cells=(*row.cells[:-1], replace(row.cells[-1], text="99")))
    assert wrong("area-report", made.data, replace(table, rows=(worse, *table.rows[1:])))
    assert wrong("area-report", made.data, replace(table, source="something new"))
    chart = next(one for one in figures_of(made.page) if one.kind == "figure")
    row = chart.rows[-1]
    worse = replace(row, cells=(*row.cells[:1], replace(row.cells[1], text="99,999"), *row.cells[2:]))
    assert not without_numbers(made) and not wrong("area-report", made.data, chart)
    assert wrong("area-report", made.data, replace(chart, rows=(*chart.rows[:-1], worse)))
    bare = replace(made, page=made.page.replace("data-table", "data-none"))
    assert any("no rows" in one for one in without_numbers(bare))
    assert without_numbers(replace(made, page=made.page.replace("</title>", ", and 31,415 more</title>")))
    assert unknown("area-report", made.data, made.page.replace("<p>", "<p>In 31,415 cases. ", 1))


def test_what_is_least_in_place_is_of_what_must_be_answered(worlds: Callable[[str], World]) -> None:
    found = BodySummary.model_validate(worlds("full").made["body-summary"].data)
    nothing = Figure(asked=99, counted=99, not_met=99, percent=0)
    worst = tuple(
        kind.model_copy(update={"criteria": tuple(
            one.model_copy(update={"figure": nothing}) if one.optional else one for one in kind.criteria
        )})
        for kind in found.types
    )  # fmt: skip
    assert any(one.optional for kind in found.types for one in kind.criteria)
    assert messages_of(found.model_copy(update={"types": worst})) == found.messages
