"""Letters to areas: whose words open them, for whom, and what it takes to read them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.letter import AreaLetter
from app.domain.life import NotPossible
from app.files.store import Store
from app.jobs.report_runs import make
from app.models import (
    Area,
    AuditReturn,
    AuditRound,
    OversightBody,
    Release,
    ReportRun,
    RoundTemplate,
    Submission,
    SubmissionAnswer,
    User,
)
from app.operations import agencies, release, rounds, submissions
from app.queries.letters import area_letter, letter_exists, letters_of
from app.queries.release import editions, prepare_edition
from tests.operations.checking import finished, put_in_sample, uphold_all
from tests.reports.test_letter import (  # noqa: F401 - fixtures
    SEEN,
    SEES,
    area_of,
    say,
    store,
    text_of,
    world,
    write,
)
from tests.round_of import Round
from tests.web.test_figures import counted
from tests.web.test_release import AGES_AGO, moved
from tests.world import SYSTEM, World

SignIn = Callable[[str], FlaskClient]
HOUR = timedelta(hours=1)
OTHER = "area-committee-2"
THANKS, OTHERS = "Thank you for two open weeks.", "You were short of time."
WAIVED = dict.fromkeys(release.OBSTACLES, "Agreed.")


def prepared(world: World, *, says: str = "") -> None:  # noqa: F811
    """The feedback of everybody who signed; then what the committee is told, if anything."""
    release.prepare(world.write(), world.audit_round.public_id, by=SYSTEM, now=world.now)
    world.session.commit()
    if says:
        say(world, says)


def submitted(world: World, store: Store) -> None:  # noqa: F811
    """What the inspectorate saw, and what the committee answers."""
    write(world, {"leaders-know": ("to-improve", "Leaders hear of one case in four.")})
    Round(world, store).answer(SEEN)
    Round(world, store).sign(SEEN)


def more(world: World, *codes: str, area: str = "mere: Mereland") -> None:  # noqa: F811
    """More agencies of the round, in an area; each is signed for by somebody of its name."""
    lines = ["code,name,type,subtype,areas,email,signatory"]
    for code in codes:
        subtype = "social-care" if code.startswith("inspectorate") else ""
        kind, who = code[:-2], f"{code}@agency.example,Sam Two"
        lines.append(f"{code},Fictional {kind} two {code[-1]},{kind},{subtype},{area},{who}")
    stored = agencies.import_csv(world.write(), "\n".join(lines), world.pack.agency_types, by=SYSTEM, now=world.now)
    added = [one.public_id for one in stored if one.code in codes]
    rounds.add_agencies(world.session, world.audit_round.public_id, added, by=SYSTEM, now=world.now)
    world.session.commit()
    for row in world.session.scalars(select(AuditReturn).where(AuditReturn.round_id == world.audit_round.id)):
        world.returns[row.agency.code] = row
    for user in world.session.scalars(select(User)):
        world.people[user.email.split("@")[0]] = user


def opening(world: World, number: int = 0, *, by: str = "") -> str:  # noqa: F811
    """What a letter to the first area begins with."""
    world.session.rollback()
    area = world.session.scalars(select(Area.public_id).order_by(Area.id)).first()
    assert area
    found = area_letter(
        world.session, world.session.get_one(AuditRound, world.audit_round.id), area, number,
        actor=world.actor(by) if by else SYSTEM, now=world.now,
    )  # fmt: skip
    assert found is not None
    assert found.sealed().snapshot_id == found.snapshot_id, "the id says what stands in it"
    return found.opening


def reopened(world: World, code: str) -> None:  # noqa: F811
    actor = world.actor("lead-inspector")
    submissions.reopen(world.write(), world.returns[code].public_id, reason="A fault.", by=actor, now=world.now)
    world.session.commit()


def frozen(world: World) -> None:  # noqa: F811
    """The time of publication is set, an hour ahead."""
    release.set_publication(
        world.write(), world.audit_round.public_id, at=world.now + HOUR, waived=WAIVED, by=SYSTEM, now=world.now
    )
    world.session.commit()


def came_out(world: World) -> None:  # noqa: F811
    """The clock puts it on record."""
    world.now += 2 * HOUR
    release.by_the_clock(world.write(), now=world.now)
    world.session.commit()


def corrected(world: World) -> None:  # noqa: F811
    actor = world.actor("lead-inspector")
    release.correct(world.write(), world.audit_round.public_id, reason="A fault.", by=actor, now=world.now)
    world.session.commit()


# --- whose words open a draft ----------------------------------------------------------------------------------------


def asks_inspectorates(world: World) -> None:  # noqa: F811
    """The body of `outsider` takes part in the round, and asks the inspectorates alone."""
    session = world.write()
    served = next(one for one in world.audit_round.served if one.agency_type == SEES[:-2])
    south = session.scalars(select(OversightBody).where(OversightBody.code == "south")).one()
    session.add(
        RoundTemplate(
            round_id=world.audit_round.id, oversight_body_id=south.id, agency_type=served.agency_type,
            template_version_id=served.template_version_id,
        )
    )  # fmt: skip
    session.commit()


def test_a_draft_opens_with_words_from_feedback_that_one_may_read(
    app: Flask, world: World, store: Store, client_as: SignIn, config: Any,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    monkeypatch.setitem(app.extensions, "candour_jobs", SimpleNamespace(enqueue_report=lambda *_: None))
    asks_inspectorates(world)
    submitted(world, store)
    prepared(world, says=THANKS)
    address = f"/rounds/{world.audit_round.public_id}/letters/{area_of(world)}"

    def as_data(name: str) -> str:
        return str(client_as(name).get(f"{address}.json").get_json()["opening"])

    assert opening(world, by="inspector") == as_data("inspector") == THANKS
    # of the round, but of a body that asks this committee nothing
    page = f"/returns/{world.returns[SEEN].public_id}/feedback"
    assert client_as("outsider").get(page).status_code == 404
    assert opening(world, by="outsider") == as_data("outsider") == ""

    # checks it second, and must not know what the first inspector found until that is finished
    put_in_sample(world, SEEN, second="lead-inspector")
    assert opening(world, by="lead-inspector") == as_data("lead-inspector") == ""
    assert opening(world, by="inspector") == THANKS

    # the PDF is made for whoever asked for it, and nobody else reads it
    at = {}
    for name in ("inspector", "lead-inspector", "outsider"):
        at[name] = client_as(name).post(address).headers["Location"]
        world.session.rollback()
        run = world.session.scalars(select(ReportRun).order_by(ReportRun.id.desc())).first()
        assert run is not None
        world.session.rollback()
        with app.app_context():
            assert make(app, run.public_id) == "done"
        said = text_of(config.home / "reports" / f"{run.public_id}.pdf")
        assert ("Thankyoufortwoopenweeks." in said) == (name == "inspector")
    listed = f"/rounds/{world.audit_round.public_id}/reports"
    for name in at:
        client = client_as(name)
        assert [other for other, where in at.items() if client.get(where).status_code == 200] == [name]
        page_of = client.get(listed).text
        assert [other for other, where in at.items() if where in page_of] == [name]

    uphold_all(world, SEEN)
    finished(world, SEEN)
    uphold_all(world, SEEN, by="lead-inspector")
    finished(world, SEEN, by="lead-inspector")
    assert opening(world, by="lead-inspector") == THANKS


def test_in_the_window_a_draft_opens_with_words_to_ones_own_agency(
    world: World, store: Store  # noqa: F811
) -> None:
    more(world, OTHER)
    submitted(world, store)
    Round(world, store).answer(OTHER)
    Round(world, store).sign(OTHER)
    prepared(world, says=THANKS)
    assert opening(world, by="inspector") == THANKS
    others(world)
    assert opening(world, by="inspector") == f"{THANKS}\n\n{OTHERS}"
    release.set_window(
        world.write(), world.audit_round.public_id, opens=world.now, closes=world.now + HOUR, by=SYSTEM, now=world.now
    )
    world.session.commit()
    assert opening(world, by="signatory-area-committee") == THANKS
    assert opening(world, by=OTHER) == OTHERS


def others(world: World) -> None:  # noqa: F811
    """What the other committee is told."""
    release.write_narrative(
        world.write(), world.returns[OTHER].public_id, narrative=OTHERS, version=1, by=SYSTEM, now=world.now
    )
    world.session.commit()


# --- whose words come out --------------------------------------------------------------------------------------------


def test_words_from_feedback_that_is_left_out_open_no_letter(world: World, store: Store) -> None:  # noqa: F811
    more(world, OTHER)
    submitted(world, store)
    Round(world, store).answer(OTHER)
    Round(world, store).sign(OTHER)
    prepared(world, says=THANKS)
    others(world)
    frozen(world)
    set_at = world.session.scalars(select(Release)).one().prepared
    assert set_at is not None
    (was,) = set_at["letters"].values()
    assert AreaLetter.model_validate(was["en"]).opening == f"{THANKS}\n\n{OTHERS}"

    # opened again after it was frozen: alike before the clock puts it on record, and after
    reopened(world, SEEN)
    world.now += 2 * HOUR
    hashes = set()
    for _recorded in (False, True):
        assert opening(world, 1) == OTHERS
        for name in ("coordinator", OTHER, "signatory-area-committee"):
            assert opening(world, 1, by=name) == OTHERS
        (edition,) = editions(world.session, world.audit_round, now=world.now)
        hashes.add(edition.sha256)
        release.by_the_clock(world.write(), now=world.now)
        world.session.commit()
    assert len(hashes) == 1 and edition.is_recorded

    # signed again it waits until the feedback is prepared anew, whatever is written to them meanwhile
    Round(world, store).sign(SEEN)
    say(world, "Thank you again.")
    with pytest.raises(NotPossible, match="Nothing is different"):
        corrected(world)
    prepared(world)
    corrected(world)
    assert opening(world, 2) == f"Thank you again.\n\n{OTHERS}"
    assert opening(world, 1) == OTHERS


def test_a_correction_brings_no_words_about_what_was_replaced(world: World, store: Store) -> None:  # noqa: F811
    submitted(world, store)
    prepared(world, says=THANKS)
    frozen(world)
    came_out(world)
    assert opening(world, 1) == THANKS
    # what came out stays as long as nothing new is said, and what is said of the old answers does not come out
    reopened(world, SEEN)
    Round(world, store).sign(SEEN)
    new = prepare_edition(world.session, world.audit_round, actor=SYSTEM, now=world.now)
    (letter,) = new["letters"].values()
    assert letter["en"]["opening"] == THANKS
    say(world, "Thank you, said of answers that were replaced.")
    corrected(world)
    assert opening(world, 2) == ""

    # opened again when the correction is made: there is no feedback in it, and no words
    prepared(world)
    corrected(world)
    assert opening(world, 3) == "Thank you, said of answers that were replaced."
    reopened(world, SEEN)
    corrected(world)
    assert opening(world, 4) == ""


def test_what_is_open_when_the_time_is_set_opens_no_letter(world: World, store: Store) -> None:  # noqa: F811
    submitted(world, store)
    prepared(world, says=THANKS)
    reopened(world, SEEN)
    frozen(world)
    came_out(world)
    assert opening(world, 1) == ""


# --- about what, and at what cost ------------------------------------------------------------------------------------


def test_a_site_that_is_named_like_an_area_is_none(world: World, store: Store) -> None:  # noqa: F811
    Round(world, store).answer(SEEN)
    Round(world, store).sign(SEEN)
    area = area_of(world)
    session = world.write()
    signed = session.scalars(select(SubmissionAnswer).join(Submission).order_by(SubmissionAnswer.id)).first()
    assert signed is not None
    # what an agency would sign about a site whose code it chose
    session.add(
        SubmissionAnswer(
            submission_id=signed.submission_id, criterion=signed.criterion, scope_key=area, type=signed.type,
            value=signed.value, grade=signed.grade,
        )
    )  # fmt: skip
    session.commit()
    assert not letter_exists(session, world.audit_round, area, 0, now=world.now)
    (row,) = letters_of(session, world.audit_round, actor=world.actor("lead-inspector"), now=world.now)
    assert row.contributors == 0
    assert area_letter(session, world.audit_round, area, actor=SYSTEM, now=world.now) is None
    assert "letters" not in prepare_edition(session, world.audit_round, actor=SYSTEM, now=world.now)

    write(world, {"leaders-know": ("to-improve", "Leaders hear of one case in four.")})
    found = area_letter(session, world.audit_round, area, actor=SYSTEM, now=world.now)
    assert found is not None and [one.name for one in found.contributors] == ["Fictional inspectorate one"]


def test_letters_take_as_many_statements_for_many_areas_as_for_one(
    app: Flask, world: World, store: Store, client_as: SignIn  # noqa: F811
) -> None:
    submitted(world, store)
    taken: dict[str, list[int]] = {}
    address = f"/rounds/{world.audit_round.public_id}/letters"

    def count(what: str, do: Callable[[], object]) -> None:
        world.session.rollback()
        with counted(app) as statements:
            do()
        taken.setdefault(what, []).append(len(statements))

    def published() -> None:
        with Session(world.session.get_bind()) as session:
            audit_round = session.scalars(select(AuditRound)).one()
            assert len(prepare_edition(session, audit_round, actor=SYSTEM, now=world.now)["letters"]) == areas

    lead = client_as("lead-inspector")
    lead.get(address)  # what is read once for a process is read
    for areas in (1, 4):
        if areas == 4:
            for number in (2, 3, 4):
                codes = (f"inspectorate-{number}", f"area-committee-{number}")
                more(world, *codes, area=f"mere{number}: Mereland {number}")
                for code in codes:
                    Round(world, store).answer(code)
                    Round(world, store).sign(code)
        count("prepared", published)
        count("page", lambda: lead.get(address))
        count("draft", lambda: lead.get(f"{address}/{area_of_first(world)}.json"))
    assert all(few == many for few, many in taken.values()), taken


def area_of_first(world: World) -> str:  # noqa: F811
    return world.session.scalars(select(Area.public_id).order_by(Area.id)).all()[0]


def test_the_page_takes_as_many_statements_for_many_editions_and_loads_none_of_them_whole(
    app: Flask, world: World, store: Store, client_as: SignIn  # noqa: F811
) -> None:
    submitted(world, store)
    prepared(world, says=THANKS)
    frozen(world)
    moved(world, publish_at=AGES_AGO)  # the application's clock runs on its own
    release.by_the_clock(world.write(), now=world.now)
    world.session.commit()
    address, committee, taken = f"/rounds/{world.audit_round.public_id}/letters", "signatory-area-committee", []
    client = client_as(committee)
    client.get(address)
    for number in (1, 2, 3):
        if number > 1:
            say(world, f"Thank you, said for edition {number}.")
            corrected(world)
        with counted(app) as statements:
            page = client.get(address)
        assert page.status_code == 200 and f"edition={number}" in page.text
        assert sum("publication.content" in one for one in statements) == 1
        taken.append(len(statements))
    assert len(set(taken)) == 1, taken
