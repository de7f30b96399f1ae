"""The ways by which a mail leaves: a mail server (SMTP), or GOV.UK Notify. Without either, mails stay in the outbox.

A transport says in three ways that it failed, and the outbox acts on it: `Refused` (this mail will never be taken),
`Later` (this mail was not taken now), `Down` (nothing can be sent now, so the others need not be tried).
"""

from __future__ import annotations

import json
import smtplib
import ssl
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from http.client import HTTPException
from typing import Any, Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import quote, unquote, urlsplit
from urllib.request import Request, urlopen

import jwt

from config import Config

TIMEOUT = 20.0  # seconds for each step of a conversation


class Refused(Exception):
    """This mail will not be taken, however often it is tried: its address does not exist, for example."""


class Later(Exception):
    """This mail was not taken now; it may be later."""


class Down(Later):
    """No mail can be sent now: the server is away, or does not accept us."""


@dataclass(frozen=True)
class Mail:
    """One mail as it goes out. `id` is ours and stays the same over all attempts."""

    id: str
    to: str
    subject: str
    body: str
    language: str = "en"


class Transport(Protocol):
    """A way by which mails leave."""

    def send(self, mail: Mail, *, again: bool = False) -> str:
        """Hand a mail over; returns the provider's id for it. `again`: an earlier attempt may have succeeded unseen.

        Raises Refused, Later, Down.
        """

    def close(self) -> None:
        """Let go of what is open. A later `send` opens it again."""


class Smtp:
    """A mail server. One connection serves many mails; it is closed by `close`."""

    def __init__(
        self, url: str, sender: str, *, timeout: float = TIMEOUT, context: ssl.SSLContext | None = None
    ) -> None:
        parts = urlsplit(url)
        self._tls = parts.scheme == "smtps"
        self._starttls = parts.scheme == "smtp"
        self._host = parts.hostname or ""
        self._port = parts.port or (465 if self._tls else 587 if self._starttls else 25)
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._sender = sender
        self._timeout = timeout
        self._context = context or ssl.create_default_context()
        self._server: smtplib.SMTP | None = None

    def _connect(self) -> smtplib.SMTP:
        if self._tls:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, timeout=self._timeout, context=self._context
            )
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=self._timeout)
        try:
            if self._starttls:
                server.starttls(context=self._context)
            if self._user:
                server.login(self._user, self._password)
        except BaseException:
            server.close()
            raise
        return server

    def _alive(self) -> smtplib.SMTP:
        """A connection that answers: the server may have closed an idle one."""
        if self._server is not None:
            try:
                if self._server.noop()[0] == 250:
                    return self._server
            except (smtplib.SMTPException, OSError):
                pass
            self.close()
        self._server = self._connect()
        return self._server

    def send(self, mail: Mail, *, again: bool = False) -> str:
        """Hand a mail to the server; returns its Message-ID, which is the same on every attempt."""
        message = self._message(mail)
        try:
            server = self._alive()
        except smtplib.SMTPResponseException as problem:
            raise Down(_said(problem.smtp_code, problem.smtp_error)) from None
        except (smtplib.SMTPException, OSError) as problem:
            raise Down(f"The mail server cannot be reached: {problem}") from None
        try:
            server.send_message(message)
        except smtplib.SMTPRecipientsRefused as problem:
            raise _problem(*next(iter(problem.recipients.values()))) from None
        except smtplib.SMTPDataError as problem:
            raise _problem(problem.smtp_code, problem.smtp_error) from None
        except (smtplib.SMTPNotSupportedError, UnicodeError):
            raise Refused("The mail server does not take addresses with letters outside ASCII.") from None
        except smtplib.SMTPResponseException as problem:  # of our own address: nobody's mail would be taken
            self.close()
            raise Down(_said(problem.smtp_code, problem.smtp_error)) from None
        except (smtplib.SMTPException, OSError) as problem:
            self.close()
            raise Down(f"The mail server cannot be reached: {problem}") from None
        return str(message["Message-ID"])

    def _message(self, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        name, address = parseaddr(self._sender)
        message["From"] = Address(name, addr_spec=address)
        message["To"] = mail.to
        message["Subject"] = mail.subject
        message["Date"] = format_datetime(datetime.now(UTC))  # the real time, also where a date is pinned
        message["Message-ID"] = f"<{mail.id}@{address.partition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"  # asks for no reply from those who are out of office
        message.set_content(mail.body, cte="quoted-printable")
        message["Content-Language"] = mail.language  # after the content: that clears whatever describes it
        return message

    def close(self) -> None:
        """Take leave of the server."""
        server, self._server = self._server, None
        if server is not None:
            try:
                server.quit()
            except (smtplib.SMTPException, OSError):
                server.close()


def _problem(code: int, reason: bytes | str) -> Exception:
    """What a mail server's answer about one mail means: a code of 5xx will not change by trying again."""
    return (Refused if 500 <= code < 600 else Later)(_said(code, reason))


def _said(code: int, reason: bytes | str) -> str:
    """What a mail server answered, on one line."""
    text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
    return f"The mail server answered {code} {' '.join(text.split())}"[:1000]


class Notify:
    """GOV.UK Notify, by its REST API. The template there has the subject ((subject)) and the body ((body))."""

    def __init__(self, url: str, api_key: str, template_id: str, *, timeout: float = TIMEOUT) -> None:
        self._url = url.rstrip("/")
        self._service, self._secret = api_key[-73:-37], api_key[-36:]
        self._template = template_id
        self._timeout = timeout

    def send(self, mail: Mail, *, again: bool = False) -> str:
        """Hand a mail over; returns Notify's id. Asks first whether an earlier attempt got through unseen."""
        if again and (known := self._known(mail.id)):
            return known
        made = self._call(
            "POST",
            "/v2/notifications/email",
            {
                "email_address": mail.to,
                "template_id": self._template,
                "personalisation": {"subject": mail.subject, "body": mail.body},
                "reference": mail.id,
            },
        )
        return str(made.get("id", ""))

    def _known(self, reference: str) -> str:
        found = self._call("GET", f"/v2/notifications?reference={quote(reference)}").get("notifications") or []
        return str(found[0]["id"]) if found else ""

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        token = jwt.encode({"iss": self._service, "iat": int(time.time())}, self._secret, algorithm="HS256")
        request = Request(  # noqa: S310 (the settings allow https, and http on this machine only)
            self._url + path,
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json", "User-Agent": "candour"},
        )
        try:
            with urlopen(request, timeout=self._timeout) as response:  # noqa: S310
                answer = json.load(response)
        except HTTPError as problem:
            with problem:
                raise _notify_problem(problem.code, problem.read(20_000)) from None
        except (URLError, OSError, HTTPException, ValueError) as problem:
            raise Down(f"GOV.UK Notify cannot be reached: {getattr(problem, 'reason', problem)}") from None
        return answer if isinstance(answer, dict) else {}

    def close(self) -> None:
        """Nothing stays open."""


def _notify_problem(status: int, answer: bytes) -> Exception:
    """What an answer of Notify means: refused for good only where it is about this address or this content."""
    try:
        errors = [f"{one['error']}: {one['message']}" for one in json.loads(answer)["errors"]]
    except (ValueError, KeyError, TypeError):
        errors = []
    words = f"GOV.UK Notify answered {status} {'; '.join(errors)}".strip()[:1000]
    about_us = any("template" in one.lower() or "personalisation" in one.lower() for one in errors)
    if status in (400, 413) and not about_us:
        return Refused(words)
    return Down(words)  # 403: our key; 429: our limits; 5xx: theirs. Whatever it is, it holds for every mail


def transport_for(config: Config) -> Transport | None:
    """The transport that the settings name; None where there is none: mails then stay in the outbox to be read."""
    if config.smtp_url:
        return Smtp(config.smtp_url, config.mail_from)
    if config.notify_api_key:
        return Notify(config.notify_url, config.notify_api_key, config.notify_template_id)
    return None
