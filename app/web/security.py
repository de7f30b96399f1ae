"""Sign-in: Flask-Security with our throttle. Passwords are hashed with argon2.

Throttling delays, it never locks: at the deadline nobody must be shut out by somebody else's guesses for long.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

from email_validator import EmailNotValidError, validate_email
from flask import Flask, current_app, request
from flask_babel import gettext as _
from flask_security import FSQLALiteUserDatastore, Security, hash_password, verify_password
from flask_security.forms import LoginForm
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.db import db
from app.domain.message import N_
from app.languages import FOLDER
from app.models import Role, SignInAttempt, User
from app.queries.actors import user_with_appointments
from app.queries.rounds import Invitee

security = Security()

FREE = {"account": 5, "address": 30}  # failures within WINDOW that cost no delay
WINDOW = timedelta(minutes=15)
LONGEST = 60  # seconds
INVITATION_DAYS = 30


def _digest(kind: str, value: str) -> str:
    pepper = current_app.config["CANDOUR"].secrets["EVENT_PEPPER"].encode()
    return hmac.new(pepper, f"{kind}:{value.strip().lower()}".encode(), hashlib.sha256).hexdigest()


def seconds_to_wait(session: Session, email: str, address: str) -> int:
    """How long this account or address has to wait before its next try; 0: not at all.

    Uses the real clock: a demonstration's pinned date must not stop the throttle.
    """
    at = datetime.now(UTC)
    longest = 0
    for kind, value in (("account", email), ("address", address)):
        times = session.scalars(
            select(SignInAttempt.at)
            .where(
                SignInAttempt.kind == kind,
                SignInAttempt.digest == _digest(kind, value),
                SignInAttempt.at > at - WINDOW,
            )
            .order_by(SignInAttempt.at.desc())
            .limit(FREE[kind] + 8)
        ).all()
        over = len(times) - FREE[kind]
        if over >= 0:
            delay = min(LONGEST, 2 ** min(over, 6))
            longest = max(longest, round((times[0] + timedelta(seconds=delay) - at).total_seconds() + 0.5))
    return max(0, longest)


def note_failure(session: Session, email: str, address: str) -> None:
    """Remember a failed try, and forget those that no longer count."""
    at = datetime.now(UTC)
    session.execute(delete(SignInAttempt).where(SignInAttempt.at < at - WINDOW))
    for kind, value in (("account", email), ("address", address)):
        session.add(SignInAttempt(kind=kind, digest=_digest(kind, value), at=at))


def note_success(session: Session, email: str) -> None:
    """Forget the failures of an account once its owner is in."""
    session.execute(
        delete(SignInAttempt).where(
            SignInAttempt.kind == "account", SignInAttempt.digest == _digest("account", email)
        )
    )


ASKED_FREE = {"forgot": 3, "forgot-by": 20}  # links to a new password within WINDOW, by account and by address


def _may_ask(session: Session, email: str, address: str) -> tuple[bool, bool]:
    """Whether this account may be sent another link to a new password, and whether this address may ask for one."""
    allowed = []
    for kind, value in (("forgot", email), ("forgot-by", address)):
        number = session.scalar(
            select(func.count())
            .select_from(SignInAttempt)
            .where(
                SignInAttempt.kind == kind,
                SignInAttempt.digest == _digest(kind, value),
                SignInAttempt.at > datetime.now(UTC) - WINDOW,
            )
        )
        allowed.append((number or 0) < ASKED_FREE[kind])
    return allowed[0], allowed[1]


def _note_asked(session: Session, email: str, address: str) -> None:
    """Remember that a link to a new password was asked for, whether there is such an account or not."""
    at = datetime.now(UTC)
    for kind, value in (("forgot", email), ("forgot-by", address)):
        session.add(SignInAttempt(kind=kind, digest=_digest(kind, value), at=at))


def ask_for_way_in(session: Session, email: str) -> tuple[str, dict[str, str], bool]:
    """Somebody asks for a link by e-mail: the address as it is written, what is wrong (field to words), and whether
    this account may be sent one. Throttled by account and address; what is asked for counts, account or not."""
    errors: dict[str, str] = {}
    try:
        email = validate_email(email, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        errors["email"] = _("Enter an e-mail address like name@agency.example.")
    address = request.remote_addr or ""
    for_account, for_address = _may_ask(session, email, address)
    if not for_address and not errors:
        errors["email"] = _("This was asked for too often from here. Wait a quarter of an hour, then try again.")
    if not errors:
        _note_asked(session, email, address)
    return email, errors, for_account and not errors


class Accounts(FSQLALiteUserDatastore):
    """Flask-Security's way to the people; whom the cookie names comes with all appointments, in one statement."""

    def find_user(self, case_insensitive: bool = False, **kwargs: Any) -> Any:
        """One person by one attribute."""
        if set(kwargs) == {"fs_uniquifier"}:
            return user_with_appointments(db.session, kwargs["fs_uniquifier"])
        return super().find_user(case_insensitive=case_insensitive, **kwargs)


class SignInForm(LoginForm):
    """Flask-Security's sign-in form with the throttle in front."""

    def validate(self, **kwargs: Any) -> bool:
        """Refuse while the account or the address has to wait; count what fails."""
        email, address = str(self.email.data or ""), request.remote_addr or ""
        wait = seconds_to_wait(db.session, email, address)
        if wait:
            self.form_errors.append(
                _("There were too many tries. Wait %(seconds)s seconds, then try again.", seconds=wait)
            )
            return False
        if super().validate(**kwargs):
            note_success(db.session, email)
            return True
        note_failure(db.session, email, address)
        db.session.commit()
        # one message, whichever was wrong: who has an account here is nobody else's business
        self.email.errors, self.password.errors = [], []
        self.form_errors[:] = [_("The e-mail address or the password is not right. Check both, then try again.")]
        return False


def identity_proved(user: User, password: str) -> tuple[bool, str]:
    """Whether a signed-in person proves anew who they are: (proved, why not). Throttled like sign-in."""
    address = request.remote_addr or ""
    wait = seconds_to_wait(db.session, user.email, address)
    if wait:
        return False, _("There were too many tries. Wait %(seconds)s seconds, then try again.", seconds=wait)
    if user.password and verify_password(password, user.password):
        return True, ""
    note_failure(db.session, user.email, address)
    return False, _("Your password is not right. Nothing was signed.")


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="candour-invitation")


def invitation_token(user: User | Invitee) -> str:
    """A token for the invitation of a person who has no password yet. It carries no data but an opaque id."""
    return str(_serializer().dumps(user.fs_uniquifier))


def invited_user(session: Session, token: str) -> User | None:
    """The person an invitation is for; None where it is forged, older than 30 days, or taken up already."""
    try:
        uniquifier = _serializer().loads(token, max_age=INVITATION_DAYS * 86400)
    except BadSignature:
        return None
    return session.scalar(select(User).where(User.fs_uniquifier == uniquifier, User.password.is_(None)))


def hashed(password: str) -> str:
    """The argon2 hash of a password, salted and peppered by Flask-Security."""
    return str(hash_password(password))


def init_app(app: Flask) -> None:
    """Set Flask-Security up."""
    app.config.update(
        SECURITY_PASSWORD_HASH="argon2",  # noqa: S106 (a scheme, not a password)
        SECURITY_PASSWORD_SCHEMES=["argon2"],
        SECURITY_DEPRECATED_PASSWORD_SCHEMES=[],
        SECURITY_PASSWORD_LENGTH_MIN=12,
        SECURITY_CHANGEABLE=True,
        SECURITY_SEND_PASSWORD_CHANGE_EMAIL=False,
        SECURITY_LOGIN_URL="/sign-in",
        SECURITY_LOGOUT_URL="/sign-out",
        SECURITY_CHANGE_URL="/account/password",
        SECURITY_POST_LOGIN_VIEW="/",
        SECURITY_POST_LOGOUT_VIEW="/sign-in",
        SECURITY_POST_CHANGE_VIEW="/",
        SECURITY_LOGOUT_METHODS=["POST"],
        SECURITY_RETURN_GENERIC_RESPONSES=True,
        SECURITY_UNAUTHORIZED_VIEW=None,
        SECURITY_DEFAULT_REMEMBER_ME=False,
        SECURITY_REDIRECT_VALIDATE_MODE=None,
        SECURITY_FLASH_MESSAGES=False,
        SECURITY_CACHE_CONTROL={},  # pages set `no-store` themselves
        SECURITY_MSG_PASSWORD_NOT_PROVIDED=(N_("Enter your password."), "error"),
        SECURITY_MSG_INVALID_PASSWORD=(N_("Your present password is not right. Enter it again."), "error"),
        SECURITY_MSG_PASSWORD_INVALID_LENGTH=(N_("Use at least %(length)s characters: a few words do well."), "error"),
        SECURITY_MSG_PASSWORD_IS_THE_SAME=(N_("Choose a password that differs from your present one."), "error"),
        SECURITY_MSG_RETYPE_PASSWORD_MISMATCH=(N_("The two new passwords differ. Enter the same twice."), "error"),
        REMEMBER_COOKIE_SAMESITE="Lax",
        # its own catalogues have no Welsh: what people see of it is translated in ours
        SECURITY_I18N_DOMAIN="messages",
        SECURITY_I18N_DIRNAME=[str(FOLDER)],
    )
    datastore = Accounts(db, User, Role)
    security.init_app(app, datastore, login_form=SignInForm)
