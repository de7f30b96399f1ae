"""The life of a round from the terminal, and registers."""

from __future__ import annotations

from sqlalchemy import select

from app.models import AuditRound
from tests.cli.test_cli import run  # noqa: F401
from tests.operations.test_registers import LOOKUP, NO_HEADING
from tests.world import World


def test_a_round_is_extended_closed_reopened_and_archived(run, world: World) -> None:  # type: ignore[no-untyped-def] # noqa: F811
    key = world.audit_round.key
    world.session.rollback()
    lead = ("--as", "lead-inspector@agency.example")
    output = run("round", "extend", key, "--closes", "2003-07-14", "--reason", "Floods.", *lead).output
    assert "is due 16 June 2003 and closes 14 July 2003" in output
    assert "due: Both dates are as they were" in run("round", "extend", key, "--reason", "x", ok=False).output
    assert "Say why the round closes early" in run("round", "close", key, ok=False).output
    assert "still takes answers" in run("round", "archive", key, ok=False).output
    inspector = ("--as", "inspector@agency.example")
    assert "may not see it" in run("round", "close", key, "--reason", "x", *inspector, ok=False).output
    assert "London time" in run("round", "close", key, "--reason", "The inquiry has ended.", *lead).output
    assert "closed already" in run("round", "close", key, "--reason", "Again.", ok=False).output
    output = run("round", "reopen", key, "--to", "2003-08-01", "--reason", "Too early.", *lead).output
    assert "open again until 1 August 2003" in output
    assert "to: The new closing date has passed" in (
        run("round", "close", key, "--reason", "Again.").output
        + run("round", "reopen", key, "--to", "2003-01-01", "--reason", "x", ok=False).output
    )
    assert "no round with the key" in run("round", "close", "other", ok=False).output
    world.session.rollback()
    found = world.session.scalars(select(AuditRound).where(AuditRound.key == key)).one()
    assert found.closed_at is not None and found.archived_at is None


def test_a_round_that_is_over_is_archived_and_brought_back(run, world: World) -> None:  # type: ignore[no-untyped-def] # noqa: F811
    key = world.audit_round.key
    session = world.write()
    found = session.scalars(select(AuditRound).where(AuditRound.key == key)).one()
    found.stage = "draft"
    session.commit()
    assert "is archived" in run("round", "archive", key).output
    assert "archived" in run("round", "reopen", key, "--to", "2003-08-01", "--reason", "x", ok=False).output
    assert "back among the rounds" in run("round", "archive", key, "--bring-back").output
    assert "not archived" in run("round", "archive", key, "--bring-back", ok=False).output


def test_registers_are_imported_with_the_type_that_is_named(run) -> None:  # type: ignore[no-untyped-def] # noqa: F811
    run("templates", "publish", "climbie-2003")
    assert "--type" in run("agencies", "import", "-", input=NO_HEADING, ok=False).output
    assert "no agency type" in run("agencies", "import", "-", "--type", "zoo", input=NO_HEADING, ok=False).output
    later = NO_HEADING.replace("20030513", "20990513")
    output = run("agencies", "import", "-", "--type", "nhs/acute-trust", input=later).output
    assert "2 agencies imported." in output and "2 closed organisations left out." in output
    columns = ("--agencies", "PFA23", "--areas", "LAD23")
    assert "2 agencies imported." in run("agencies", "import", "-", "--type", "police", *columns, input=LOOKUP).output


def test_the_grace_is_said_when_a_round_is_opened(run, world: World) -> None:  # type: ignore[no-untyped-def] # noqa: F811
    world.session.rollback()
    dates = ("--opens", "2003-05-12", "--due", "2003-07-01", "--closes", "2003-07-14")
    run("round", "open", "strict", "--pack", world.pack.pack, "--body", world.body.code, "--grace", "0", *dates)
    wrong = run("round", "open", "odd", "--pack", world.pack.pack, "--body", world.body.code, "--grace", "-1", *dates,
                ok=False).output  # fmt: skip
    assert "grace_minutes: Give the grace in whole minutes" in wrong
    world.session.rollback()
    found = world.session.scalars(select(AuditRound).where(AuditRound.key == "strict")).one()
    assert (found.grace_minutes, found.shut_at) == (0, found.closes)
