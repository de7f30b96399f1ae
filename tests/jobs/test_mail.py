"""Sending mail: through a real mail server and a server that speaks Notify's protocol; when they are down or refuse."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import jwt
import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import begin_write, db
from app.domain.message import Message
from app.jobs.mail import Outcome, Post, send_due
from app.mail.transports import Down, Later, Mail, Notify, Refused, Smtp, Transport, transport_for
from app.models import Event, OutboxMessage, Setting, SignInLink
from app.operations import mail, outbox
from app.queries.links import find
from config import Config
from tests.browser.service import free_port
from tests.jobs.test_worker import wait_for, worker
from tests.world import NOW, SYSTEM, World

SENDER = "Candour <candour@service.example>"
ONE = Mail("2345abcdefgh", "lead@agency.example", "Größe – a subject", "Dear Lead,\n\n" + "x" * 2000 + "\n.\n", "cy")
SERVICE, SECRET = "11111111-2222-3333-4444-555555555555", "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"


# --- a mail server ---------------------------------------------------------------------------------------------------


@dataclass
class Letters:
    """What the mail server takes. `recipient` and `data` are its answers; `pause` holds an answer back."""

    taken: list[Any] = field(default_factory=list)
    recipient: dict[str, str] = field(default_factory=dict)
    data: str = "250 taken"
    release: threading.Event | None = None

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        """Answer for an address."""
        if address in self.recipient:
            return self.recipient[address]
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:
        """Take a letter."""
        if self.release is not None:
            await server.loop.run_in_executor(None, self.release.wait, 60)
        if self.data.startswith("250"):
            self.taken.append(envelope)
        return self.data


@contextmanager
def mail_server(letters: Letters, **more: Any) -> Iterator[str]:
    """A mail server on this machine; yields its address."""
    port = free_port()
    controller = Controller(letters, hostname="127.0.0.1", port=port, **more)
    controller.start()
    try:
        yield f"smtp+plain://127.0.0.1:{port}"
    finally:
        controller.stop()


@pytest.fixture
def letters() -> Letters:
    """What the server of `server` takes."""
    return Letters()


@pytest.fixture
def server(letters: Letters) -> Iterator[str]:
    """A mail server's address."""
    with mail_server(letters) as address:
        yield address


@pytest.fixture
def smtp(server: str) -> Iterator[Smtp]:
    """The transport to that server."""
    transport = Smtp(server, SENDER, timeout=60)
    yield transport
    transport.close()


def parsed(envelope: Any) -> EmailMessage:
    """A letter that was taken, as a mail program reads it."""
    from email import message_from_bytes, policy

    return message_from_bytes(envelope.content, policy=policy.default)  # type: ignore[return-value]


def test_a_mail_arrives_as_it_was_written(smtp: Smtp, letters: Letters) -> None:
    first = smtp.send(ONE)
    assert smtp.send(ONE, again=True) == first, "every attempt has the same Message-ID"
    smtp.send(replace(ONE, id="other"))
    assert len(letters.taken) == 3
    message = parsed(letters.taken[0])
    assert letters.taken[0].rcpt_tos == ["lead@agency.example"]
    assert message["Subject"] == ONE.subject and message["To"] == ONE.to and message["From"] == SENDER
    assert message.get_content().replace("\r\n", "\n") == ONE.body
    assert message["Message-ID"] == "<2345abcdefgh@service.example>" == first
    assert message["Auto-Submitted"] == "auto-generated" and message["Content-Language"] == "cy"
    assert all(len(line) < 999 for line in letters.taken[0].content.split(b"\r\n"))


def test_what_a_server_answers_is_refusal_delay_or_trouble(smtp: Smtp, letters: Letters) -> None:
    letters.recipient = {"gone@agency.example": "550 no such\tperson", "busy@agency.example": "451 grey list"}
    with pytest.raises(Refused, match="550 no such person"):
        smtp.send(replace(ONE, to="gone@agency.example"))
    with pytest.raises(Later, match="451 grey list") as later:
        smtp.send(replace(ONE, to="busy@agency.example"))
    assert not isinstance(later.value, Down)
    letters.data = "554 looks like spam"
    with pytest.raises(Refused, match="554"):
        smtp.send(ONE)
    letters.data = "452 disk full"
    with pytest.raises(Later, match="452"):
        smtp.send(ONE)
    letters.data = "250 taken"
    smtp.send(ONE)
    assert len(letters.taken) == 1, "the connection is still of use"


def test_a_subject_cannot_add_lines_to_the_head_of_a_mail(smtp: Smtp, letters: Letters) -> None:
    with pytest.raises(ValueError):
        smtp.send(replace(ONE, subject="a\nBcc: everybody@agency.example"))
    assert letters.taken == []


def test_an_address_that_the_server_cannot_take_is_refused() -> None:
    letters = Letters()
    with mail_server(letters, enable_SMTPUTF8=False) as address:
        transport = Smtp(address, SENDER, timeout=60)
        with pytest.raises(Refused, match="outside ASCII"):
            transport.send(replace(ONE, to="jörg@agency.example"))
        transport.send(ONE)
        transport.close()
    assert len(letters.taken) == 1


def test_a_server_that_is_away_slow_or_unwilling_is_down(letters: Letters) -> None:
    with mail_server(letters) as address:
        pass
    away = Smtp(address, SENDER, timeout=60)
    with pytest.raises(Down, match="cannot be reached"):
        away.send(ONE)
    letters.release = threading.Event()
    with mail_server(letters) as address:
        slow = Smtp(address, SENDER, timeout=0.2)
        with pytest.raises(Down, match="timed out"):
            slow.send(ONE)
        letters.release.set()
    letters.release = None
    with mail_server(letters) as address:
        encrypted = Smtp(address.replace("smtp+plain", "smtp"), SENDER, timeout=60)
        with pytest.raises(Down, match="STARTTLS"):
            encrypted.send(ONE)

    def refuse(*_: Any) -> AuthResult:
        return AuthResult(success=False, handled=False)

    with mail_server(letters, authenticator=refuse, auth_require_tls=False) as address:
        unknown = Smtp(address.replace("//", "//user:p%40ss@"), SENDER, timeout=60)
        with pytest.raises(Down, match="535"):
            unknown.send(ONE)


def test_a_user_name_and_password_are_sent(letters: Letters) -> None:
    seen: list[tuple[bytes, bytes]] = []

    def accept(_server: Any, _session: Any, _envelope: Any, _how: str, data: Any) -> AuthResult:
        seen.append((data.login, data.password))
        return AuthResult(success=True)

    with mail_server(letters, authenticator=accept, auth_require_tls=False) as address:
        transport = Smtp(address.replace("//", "//us%2Fer:p%40s%3As@"), SENDER, timeout=60)
        transport.send(ONE)
        transport.close()
    assert seen == [(b"us/er", b"p@s:s")] and len(letters.taken) == 1


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of its own for a mail server on this machine."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    start = datetime.now(UTC) - timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("mail") / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + made.public_bytes(Encoding.PEM))
    return file


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_an_encrypted_connection_is_made_with_a_server_that_proves_its_name_only(
    certificate: Path, letters: Letters, scheme: str
) -> None:
    theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    theirs.load_cert_chain(certificate)
    more: dict[str, Any] = (
        {"ssl_context": theirs} if scheme == "smtps" else {"tls_context": theirs, "require_starttls": True}
    )
    logins: list[bytes] = []

    def accept(_server: Any, _session: Any, _envelope: Any, _how: str, data: Any) -> AuthResult:
        logins.append(data.login)
        return AuthResult(success=True)

    with mail_server(letters, authenticator=accept, auth_require_tls=scheme == "smtp", **more) as address:
        url = address.replace("smtp+plain://", f"{scheme}://user:secret@")
        with pytest.raises(Down, match="certificate verify failed"):
            Smtp(url, SENDER, timeout=60).send(ONE)
        assert logins == [], "no password goes to whoever answers there"
        trusting = Smtp(url, SENDER, timeout=60, context=ssl.create_default_context(cafile=str(certificate)))
        trusting.send(ONE)
        trusting.close()
    assert logins == [b"user"] and len(letters.taken) == 1


def test_a_connection_that_the_server_closed_is_opened_again(letters: Letters) -> None:
    with mail_server(letters) as address:
        transport = Smtp(address, SENDER, timeout=60)
        transport.send(ONE)
        transport._server.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]
        transport.send(replace(ONE, id="two"))
        transport.close()
    assert len(letters.taken) == 2


# --- GOV.UK Notify ---------------------------------------------------------------------------------------------------


@dataclass
class Provider:
    """A server that speaks Notify's protocol: checks the token as Notify does, keeps what it takes."""

    url: str = ""
    taken: list[dict[str, Any]] = field(default_factory=list)
    answer: tuple[int, dict[str, Any]] | None = None
    cut_after_taking: bool = False

    def handle(self, method: str, path: str, token: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Answer a request."""
        try:
            claims = jwt.decode(token, SECRET, algorithms=["HS256"], options={"require": ["iss", "iat"]})
            assert claims["iss"] == SERVICE and abs(claims["iat"] - time.time()) < 30
        except (jwt.InvalidTokenError, AssertionError):
            return 403, {"status_code": 403, "errors": [{"error": "AuthError", "message": "Invalid token: signature"}]}
        if method == "GET":
            reference = path.partition("reference=")[2]
            known = [one for one in self.taken if one["reference"] == reference]
            return 200, {"notifications": [{"id": f"id-of-{one['reference']}"} for one in known], "links": {}}
        if self.answer is not None:
            return self.answer
        assert path == "/v2/notifications/email" and set(body) == {
            "email_address", "template_id", "personalisation", "reference",
        }  # fmt: skip
        self.taken.append(body)
        return 201, {"id": f"id-of-{body['reference']}", "reference": body["reference"]}


@pytest.fixture
def provider() -> Iterator[Provider]:
    """Such a server, running on this machine."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            token = self.headers["Authorization"].removeprefix("Bearer ")
            status, answer = provider.handle(self.command, self.path, token, body)
            if provider.cut_after_taking and self.command == "POST":
                self.connection.close()
                return
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = _do

        def log_message(self, *_: Any) -> None:
            """Nothing on the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        provider.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield provider
        server.shutdown()
        thread.join()


def notify(provider: Provider, secret: str = SECRET) -> Notify:
    """The transport to that server."""
    return Notify(provider.url, f"my-key-{SERVICE}-{secret}", "the-template", timeout=60)


def test_notify_takes_a_mail(provider: Provider) -> None:
    assert notify(provider).send(ONE) == "id-of-2345abcdefgh"
    (taken,) = provider.taken
    assert taken["email_address"] == ONE.to and taken["template_id"] == "the-template"
    assert taken["personalisation"] == {"subject": ONE.subject, "body": ONE.body}


def test_notify_is_asked_before_a_second_attempt(provider: Provider) -> None:
    provider.cut_after_taking = True
    with pytest.raises(Down):
        notify(provider).send(ONE)
    provider.cut_after_taking = False
    assert notify(provider).send(ONE, again=True) == "id-of-2345abcdefgh"
    assert len(provider.taken) == 1, "the first attempt had got through unseen"
    assert notify(provider).send(replace(ONE, id="new"), again=True) == "id-of-new"


@pytest.mark.parametrize(
    ("status", "error", "message", "means"),
    [
        (400, "ValidationError", "email_address Not a valid email address", Refused),
        (400, "BadRequestError", "Can’t send to this recipient using a team-only API key", Refused),
        (400, "BadRequestError", "Template not found", Down),
        (400, "BadRequestError", "Missing personalisation: subject", Down),
        (403, "AuthError", "Invalid token: service is archived", Down),
        (429, "RateLimitError", "Exceeded rate limit for key type TEAM of 3000 requests per 60 seconds", Down),
        (429, "TooManyRequestsError", "Exceeded send limits (50) for today", Down),
        (500, "Exception", "Internal server error", Down),
        (503, "", "", Down),
    ],
)
def test_only_what_is_about_this_mail_is_refused_for_good(
    provider: Provider, status: int, error: str, message: str, means: type[Exception]
) -> None:
    errors = [{"error": error, "message": message}] if error else "nonsense"
    provider.answer = (status, {"status_code": status, "errors": errors})
    with pytest.raises((Refused, Later), match=f"{status} .*{message[:8]}" if error else str(status)) as raised:
        notify(provider).send(ONE)
    assert raised.type is means


def test_a_wrong_key_and_a_server_that_is_away_are_trouble_for_all(provider: Provider) -> None:
    with pytest.raises(Down, match="403 AuthError"):
        notify(provider, secret=SECRET[::-1]).send(ONE)
    with pytest.raises(Down, match="cannot be reached"):
        Notify("http://127.0.0.1:1", f"k-{SERVICE}-{SECRET}", "t", timeout=60).send(ONE)


def test_the_settings_name_the_transport(config: Config) -> None:
    assert transport_for(config) is None
    assert isinstance(transport_for(replace(config, smtp_url="smtp://h", mail_from="a@b.example")), Smtp)
    key = f"name-with-hyphens-{SERVICE}-{SECRET}"
    assert isinstance(transport_for(replace(config, notify_api_key=key, notify_template_id="t")), Notify)


# --- the outbox ------------------------------------------------------------------------------------------------------


@dataclass
class Hand:
    """A transport that keeps what it is given, or fails as a test says: by address, or for all."""

    given: list[Mail] = field(default_factory=list)
    fails: dict[str, Exception] = field(default_factory=dict)
    again: list[bool] = field(default_factory=list)
    gate: threading.Barrier | None = None

    def send(self, mail: Mail, *, again: bool = False) -> str:
        """Take a mail."""
        self.again.append(again)
        if self.gate is not None:
            self.gate.wait(300)
        problem = self.fails.get(mail.to) or self.fails.get("*")
        if problem:
            raise problem
        self.given.append(mail)
        return f"hand-{mail.id}"

    def close(self) -> None:
        """Nothing to close."""


@pytest.fixture
def send(app: Flask, world: World) -> Iterator[Callable[..., Outcome]]:
    """Look into the outbox with a transport, at a time; the outbox is empty at first."""
    world.write().execute(sa.delete(OutboxMessage))
    world.session.commit()
    with app.app_context():
        make = db.sessionmaker

        def run(transport: Transport, at: datetime = NOW, **more: Any) -> Outcome:
            world.session.rollback()
            return send_due(make, transport, app.config["CANDOUR"], now=lambda _session: at, **more)

        yield run


def post(world: World, name: str, **more: Any) -> None:
    """Put a message for somebody into the outbox."""
    given: dict[str, Any] = {
        "kind": "nudge", "link": mail.page("/here"), "dedupe_key": f"{name}-{len(messages(world))}", **more,
    }  # fmt: skip
    mail.queue(
        world.write(), to=world.people[name], subject=Message("For you"), body=[Message("Words.")], now=NOW, **given
    )
    world.session.commit()


def messages(world: World) -> list[OutboxMessage]:
    """The outbox as it is stored."""
    world.session.rollback()
    world.session.expire_all()
    return list(world.session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)))


def test_what_is_due_is_sent_once_and_in_order(world: World, send: Callable[..., Outcome]) -> None:
    for name in ("lead", "contributor", "signatory"):
        post(world, name)
    hand = Hand()
    assert send(hand) == Outcome(sent=3)
    assert [one.to.split("@")[0] for one in hand.given] == ["lead", "contributor", "signatory"]
    assert "http://127.0.0.1:8000/here\n" in hand.given[0].body and "⟦" not in hand.given[0].body
    assert send(hand) == Outcome() and len(hand.given) == 3
    assert all(
        one.state == "sent" and one.sent_at == NOW and one.provider_id == f"hand-{one.public_id}"
        for one in messages(world)
    )


def test_a_server_that_is_down_loses_nothing_and_is_tried_ever_more_rarely(
    world: World, send: Callable[..., Outcome]
) -> None:
    for name in ("lead", "contributor"):
        post(world, name)
    hand = Hand(fails={"*": Down("nobody there")})
    assert send(hand) == Outcome(later=1, down="nobody there"), "the second is not even tried"
    first, second = messages(world)
    assert (first.attempts, first.error, first.next_try) == (1, "nobody there", NOW + timedelta(minutes=1))
    assert (second.attempts, second.error) == (0, "") and first.state == second.state == "waiting"
    at = NOW
    for _ in range(30):
        at = max(one.next_try for one in messages(world))
        send(hand, at)
    waits = [one.next_try - at for one in messages(world)]
    assert max(waits) == timedelta(hours=6), "it never gives up"
    hand.fails = {}
    assert send(hand, at + timedelta(hours=6)).sent == 2
    assert hand.again[-2:] == [True, True]


def test_one_refused_address_holds_nobody_else_up(world: World, send: Callable[..., Outcome]) -> None:
    for name in ("lead", "contributor", "signatory"):
        post(world, name)
    hand = Hand(
        fails={"lead@agency.example": Refused("550 nobody"), "contributor@agency.example": Later("451 grey list")}
    )
    assert send(hand) == Outcome(sent=1, refused=1, later=1)
    lead, contributor, signatory = messages(world)
    assert (lead.state, lead.error) == ("failed", "550 nobody")
    assert (contributor.state, contributor.error) == ("waiting", "451 grey list")
    assert signatory.state == "sent"
    assert send(hand, NOW + timedelta(days=9)).refused == 0, "what is refused is not tried again by itself"
    world.write()
    world.people["lead"].email = "new@agency.example"
    outbox.retry(world.session, lead.public_id, by=world.actor("administrator"), now=NOW)
    world.session.commit()
    hand.fails = {}
    send(hand)
    assert hand.given[-1].to == "new@agency.example"
    verbs = world.session.scalars(select(Event.verb).where(Event.chain == "service:mail")).all()
    assert verbs == ["mail.retried"]


def test_a_fault_of_ours_stops_no_other_mail(world: World, send: Callable[..., Outcome], capsys: Any) -> None:
    for name in ("lead", "contributor"):
        post(world, name)
    hand = Hand(fails={"lead@agency.example": ValueError("Words that somebody typed")})
    assert send(hand) == Outcome(sent=1, refused=1)
    assert messages(world)[0].error == "It could not be written as an e-mail (ValueError)."
    capsys.readouterr()


def test_two_senders_send_each_message_once(world: World, send: Callable[..., Outcome], app: Flask) -> None:
    """Both hold a message at the same time, and neither has the other's."""
    number = 6
    for _ in range(number):
        post(world, "lead")
    hand, outcomes = Hand(gate=threading.Barrier(2)), []

    def work() -> None:
        with app.app_context():
            outcomes.append(send(hand))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert sum(one.sent for one in outcomes) == number == len(hand.given), outcomes
    assert len({one.id for one in hand.given}) == number
    assert all(one.state == "sent" and one.attempts == 1 for one in messages(world))


def test_of_many_who_claim_one_message_one_gets_it(world: World, send: Callable[..., Outcome], app: Flask) -> None:
    post(world, "lead")
    gate, claims = threading.Barrier(6), []
    with app.app_context():
        make = db.sessionmaker

    def work() -> None:
        with make() as session:
            gate.wait(300)
            begin_write(session)
            claims.append(outbox.claim(session, now=NOW, link_to=lambda _user, marker: marker))
            session.commit()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert len(claims) == 6 and sum(claim is not None for claim in claims) == 1


def test_a_sender_that_dies_is_followed_by_another(world: World, send: Callable[..., Outcome], app: Flask) -> None:
    post(world, "lead")
    session = world.write()
    late = outbox.claim(session, now=NOW, link_to=lambda _user, marker: marker)
    session.commit()
    hand = Hand()
    assert late is not None and send(hand, NOW + timedelta(minutes=9)) == Outcome()
    assert send(hand, NOW + outbox.CLAIM).sent == 1
    assert hand.again == [True], "the transport is told that it may have been sent"
    assert not outbox.record_refused(world.write(), late, "too late to say so")
    world.session.commit()
    assert messages(world)[0].state == "sent"


def test_who_lost_a_claim_records_nothing_over_who_has_it(world: World, send: Callable[..., Outcome]) -> None:
    post(world, "lead")

    def claim(at: datetime) -> outbox.Claimed:
        claimed = outbox.claim(world.write(), now=at, link_to=lambda _user, marker: marker)
        world.session.commit()
        assert claimed is not None
        return claimed

    late, present = claim(NOW), claim(NOW + outbox.CLAIM)
    assert not outbox.record_refused(world.write(), late, "nobody there")
    assert outbox.record_sent(world.session, present, "id", now=NOW + outbox.CLAIM)
    world.session.commit()
    assert messages(world)[0].state == "sent"


def test_links_are_made_when_a_mail_is_sent(world: World, send: Callable[..., Outcome], app: Flask) -> None:
    lead = world.people["lead"]
    post(world, "lead", kind="invitation", link=mail.INVITATION)
    post(world, "lead", kind="sign_in_link", link=mail.SIGN_IN)
    world.write()
    lead.password = "x"
    world.session.commit()
    post(world, "lead", kind="password", link=mail.PASSWORD)
    assert world.session.scalars(select(SignInLink)).all() == []
    hand = Hand()
    late = NOW + timedelta(days=3)  # the mail server was away: the link is no older for it
    send(hand, late)
    joined, sign_in, password = (one.body.split("\n\n")[2] for one in hand.given)
    assert joined == "http://127.0.0.1:8000/", "somebody who has joined since needs no invitation"
    world.session.rollback()
    for link, path, purpose in ((sign_in, "/sign-in/link/", "sign_in"), (password, "/new-password/", "password")):
        base, token = link.rsplit("/", 1)
        assert f"{base}/" == f"http://127.0.0.1:8000{path}"
        found = find(world.session, token, purpose, now=late)
        assert found is not None and found.user_id == lead.id and found.made_at == late
    stored = " ".join(one.body for one in messages(world))
    assert sign_in not in stored and password not in stored


def test_an_invitation_lets_its_person_in(world: World, send: Callable[..., Outcome], app: Flask) -> None:
    post(world, "lead", kind="invitation", link=mail.INVITATION)
    hand = Hand()
    send(hand)
    path = hand.given[0].body.split("\n\n")[2].removeprefix("http://127.0.0.1:8000")
    assert path.startswith("/welcome/")
    assert "lead@agency.example" in app.test_client().get(path).text


def test_a_demonstration_sends_nothing(world: World, send: Callable[..., Outcome]) -> None:
    world.write()
    world.audit_round.is_demonstration = True
    world.session.commit()
    post(world, "lead", audit_return=next(iter(world.returns.values())))
    hand = Hand()
    assert send(hand) == Outcome(), "a mail about a demonstration's round"
    world.write()
    world.session.add(Setting(key="demonstration", value={}))
    world.session.commit()
    post(world, "contributor")
    assert send(hand) == Outcome(), "any mail of a service that is a demonstration"
    assert hand.given == [] and len(messages(world)) == 2


def test_what_was_sent_is_forgotten_after_ninety_days(world: World, send: Callable[..., Outcome]) -> None:
    post(world, "lead")
    send(Hand())
    post(world, "contributor")
    for days, left in ((90, 2), (91, 1)):
        outbox.forget_old(world.write(), now=NOW + timedelta(days=days))
        world.session.commit()
        assert len(messages(world)) == left
    assert messages(world)[0].state == "waiting", "what was not sent is kept"


def test_a_wave_of_refused_mails_is_tried_again_at_once(world: World, send: Callable[..., Outcome]) -> None:
    for name in ("lead", "contributor"):
        post(world, name)
    hand = Hand(fails={"*": Refused("no")})
    send(hand)
    assert outbox.retry_failed(world.write(), by=SYSTEM, now=NOW) == 2
    world.session.commit()
    hand.fails = {}
    assert send(hand).sent == 2


def test_the_postman_sends_what_is_saved_while_reports_are_made(
    world: World, send: Callable[..., Outcome], app: Flask, letters: Letters, server: str, monkeypatch: Any
) -> None:
    """The thread of the worker, with a real mail server: it sends what comes in, until it is stopped."""
    settings = replace(app.config["CANDOUR"], smtp_url=server, mail_from=SENDER)
    monkeypatch.setitem(app.config, "CANDOUR", settings)
    arrived = threading.Event()
    letters.taken = type("Taken", (list,), {"append": lambda self, one: (list.append(self, one), arrived.set())})()
    post(world, "lead")
    # as if written now: the clock of the worker is the real one, on the pinned day
    world.write().execute(sa.update(OutboxMessage).values(next_try=NOW - timedelta(days=1)))
    world.session.commit()
    postman = Post(app, idle=0.01)
    postman.start()
    try:
        assert arrived.wait(300)
    finally:
        postman.stop()
    assert parsed(letters.taken[0])["Subject"] == "For you"
    assert messages(world)[0].state == "sent"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_worker_process_sends(
    world: World, send: Callable[..., Outcome], letters: Letters, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole of it, as it runs: a process of its own that the environment tells which mail server to use."""
    for name, value in (("SMTP_URL", server), ("MAIL_FROM", SENDER), ("BASE_URL", "https://candour.example.org")):
        monkeypatch.setenv(f"CANDOUR_{name}", value)
    post(world, "lead")
    world.write().execute(sa.update(OutboxMessage).values(next_try=NOW - timedelta(days=1)))
    world.session.commit()
    with worker() as process:
        wait_for(lambda: messages(world)[0].state == "sent", process)
    assert b"https://candour.example.org/here" in letters.taken[0].content


def test_a_session_that_is_claiming_holds_no_lock_while_it_sends(
    world: World, send: Callable[..., Outcome], app: Flask
) -> None:
    """Somebody saves while a mail server takes its time."""
    post(world, "lead")
    saved = []

    @dataclass
    class Slow(Hand):
        def send(self, mail: Mail, *, again: bool = False) -> str:
            session: Session
            with db.sessionmaker() as session:
                begin_write(session)
                session.add(Setting(key="saved", value={}))
                session.commit()
                saved.append(True)
            return super().send(mail, again=again)

    assert send(Slow()).sent == 1 and saved
