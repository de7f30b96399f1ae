"""The settings and commands for mail, through the real program."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import select

from app.clock import end_of
from app.domain.message import Message
from app.models import OutboxMessage
from app.operations import mail
from config import LOCAL_URL, NOTIFY_URL, Config, ConfigError
from tests.cli.test_cli import run  # noqa: F401 (a fixture)
from tests.jobs.test_mail import SECRET, SENDER, SERVICE, Letters, mail_server
from tests.world import NOW, World

KEY = f"a-name-{SERVICE}-{SECRET}"
BASE = {"CANDOUR_BASE_URL": "https://candour.example.org"}


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"CANDOUR_BASE_URL": "candour.example.org"}, "CANDOUR_BASE_URL must be the address"),
        ({"CANDOUR_BASE_URL": "https://candour.example.org/audit"}, "CANDOUR_BASE_URL must be the address"),
        ({"CANDOUR_SMTP_URL": "smtp://h", "CANDOUR_MAIL_FROM": "a@b"}, "Set CANDOUR_BASE_URL"),
        ({"CANDOUR_SMTP_URL": "smtp://h", "CANDOUR_NOTIFY_API_KEY": KEY}, "not both"),
        (BASE | {"CANDOUR_SMTP_URL": "mail.example.org"}, "smtps://user:password@host:465"),
        (BASE | {"CANDOUR_SMTP_URL": "smtp://host:port"}, "CANDOUR_SMTP_URL is not usable"),
        (BASE | {"CANDOUR_SMTP_URL": "smtps://h"}, "Set CANDOUR_MAIL_FROM"),
        (BASE | {"CANDOUR_SMTP_URL": "smtps://h", "CANDOUR_MAIL_FROM": "Candour"}, "Set CANDOUR_MAIL_FROM"),
        (BASE | {"CANDOUR_SMTP_URL": "smtp+plain://u:p@h", "CANDOUR_MAIL_FROM": "a@b"}, "without encryption"),
        (BASE | {"CANDOUR_NOTIFY_API_KEY": SECRET}, "CANDOUR_NOTIFY_API_KEY is not whole"),
        (BASE | {"CANDOUR_NOTIFY_API_KEY": KEY}, "Set CANDOUR_NOTIFY_TEMPLATE_ID"),
        (
            BASE | {
                "CANDOUR_NOTIFY_API_KEY": KEY, "CANDOUR_NOTIFY_TEMPLATE_ID": "t",
                "CANDOUR_NOTIFY_URL": "http://notify.example.org",
            },
            "CANDOUR_NOTIFY_URL must start with https://",
        ),
    ],
)  # fmt: skip
def test_half_of_the_settings_for_mail_stop_the_program(
    tmp_home: object, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], told: str
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=told):
        Config.load()


def test_the_settings_for_mail_are_read_and_not_shown(tmp_home: object, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Config.load()
    assert plain.base_url == LOCAL_URL and not plain.sends_mail
    for name, value in (BASE | {"CANDOUR_NOTIFY_API_KEY": KEY, "CANDOUR_NOTIFY_TEMPLATE_ID": "t"}).items():
        monkeypatch.setenv(name, value)
    config = Config.load()
    assert config.sends_mail and config.notify_url == NOTIFY_URL and SECRET not in repr(config)


@pytest.fixture
def waiting(app: Flask, world: World) -> World:
    """The world with one message in the outbox."""
    world.write().execute(sa.delete(OutboxMessage))
    mail.queue(
        world.session, to=world.people["lead"], kind="nudge", subject=Message("For you"), body=[], dedupe_key="1",
        now=NOW - timedelta(days=1), link=mail.page("/here"),
    )  # fmt: skip
    world.session.commit()
    return world


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Letters]:
    """A mail server that the environment names."""
    letters = Letters()
    with mail_server(letters) as address:
        for name, value in (BASE | {"CANDOUR_SMTP_URL": address, "CANDOUR_MAIL_FROM": SENDER}).items():
            monkeypatch.setenv(name, value)
        yield letters


def test_the_outbox_from_the_terminal(run, waiting: World, served: Letters) -> None:  # type: ignore[no-untyped-def] # noqa: F811
    assert "lead@agency.example  For you" in run("mail", "list").output
    served.recipient = {"lead@agency.example": "550 nobody here"}
    assert "0 sent, 1 refused" in run("mail", "send").output
    listed = run("mail", "list", "--state", "failed").output
    assert "550 nobody here" in listed and "waiting" not in listed.splitlines()[0]
    waiting.session.rollback()
    message = waiting.session.scalars(select(OutboxMessage)).one()
    run("mail", "retry", ok=False)
    assert "1 to be tried again" in run("mail", "retry", message.public_id).output
    served.recipient = {}
    assert "1 sent" in run("mail", "send").output
    assert b"https://candour.example.org/here" in served.taken[0].content
    assert "sent already" in run("mail", "retry", message.public_id, ok=False).output
    assert "0 to be tried again" in run("mail", "retry", "--refused").output
    assert "no such thing" in run("mail", "retry", "nothing", ok=False).output


def test_settings_are_tried_out(run, served: Letters) -> None:  # type: ignore[no-untyped-def] # noqa: F811
    assert "Accepted: <" in run("mail", "test", "me@agency.example").output
    assert served.taken[0].rcpt_tos == ["me@agency.example"]
    served.recipient = {"me@agency.example": "550 nobody here"}
    assert "550 nobody here" in run("mail", "test", "me@agency.example", ok=False).output


def test_without_a_mail_server_commands_say_so(run, waiting: World) -> None:  # type: ignore[no-untyped-def] # noqa: F811
    for arguments in (("mail", "send"), ("mail", "test", "me@agency.example")):
        assert "set CANDOUR_SMTP_URL or CANDOUR_NOTIFY_API_KEY" in run(*arguments, ok=False).output


def test_reminders_from_the_terminal(run, waiting: World) -> None:  # type: ignore[no-untyped-def] # noqa: F811
    waiting.write()
    waiting.audit_round.due = end_of(NOW.date())
    waiting.session.commit()
    first = run("mail", "remind").output
    assert first.endswith("reminders written.\n") and not first.startswith("0 ")
    assert run("mail", "remind").output == "0 reminders written.\n"
