"""Reminding agencies and filling the search anew from the terminal, through the real program."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Flask
from sqlalchemy import select

from app import clock
from app.models import Chase, OutboxMessage, SearchText
from tests.cli.test_cli import run  # noqa: F401 (a fixture)
from tests.operations.test_search import submitted
from tests.world import World


def test_agencies_are_reminded_after_a_look_and_once(app: Flask, world: World, run) -> None:  # type: ignore[no-untyped-def]  # noqa: F811
    session = world.write()
    clock.pin(session, clock.today(world.audit_round.due))
    session.execute(sa.delete(OutboxMessage))
    session.commit()
    command = ("round", "chase", "test-round", "--reason", "not_started")
    look = run(*command, "--dry-run")
    assert look.exit_code == 0 and "would be reminded: council-1: signatory@agency.example" in look.output
    assert "has not started the audit" in look.output
    world.session.rollback()
    assert world.session.scalars(select(Chase)).all() == []
    world.session.rollback()
    assert "Agencies reminded: 1. E-mails written: 1." in run(*command, "--agency", "police-1").output
    rest = run(*command, "--as", "inspector@agency.example")
    assert "left out: police-1: It was reminded of this today already." in rest.output
    assert "Agencies reminded: 5. E-mails written: 6." in rest.output
    assert "Agencies reminded: 0." in run(*command).output
    assert "Nobody is to be reminded" in run("round", "chase", "test-round", "--reason", "past_due").output
    refused = run(*command, "--as", "outsider@agency.example", ok=False)
    assert refused.exit_code == 1 and "no such thing" in refused.output
    assert run("round", "chase", "nothing", "--reason", "past_due", ok=False).exit_code == 1
    assert run("round", "chase", "test-round", "--reason", "whim", ok=False).exit_code == 2


def test_the_search_is_filled_anew(app: Flask, world: World, run) -> None:  # type: ignore[no-untyped-def]  # noqa: F811
    submitted(world, "council-1")
    number = sum(item.started for item in world.work("council-1").items)
    world.write().execute(sa.delete(SearchText))
    world.session.commit()
    assert f"{number} texts can be searched." in run("search", "rebuild").output
    world.session.rollback()
    assert len(world.session.scalars(select(SearchText)).all()) == number
    world.session.rollback()
    assert run("search", "rebuild", "--as", "inspector@agency.example", ok=False).exit_code == 1
