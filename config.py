"""Settings from the environment. Refuses to start on a missing or weak secret.

All data lives in the folder that CANDOUR_HOME names: by default `instance/` beside this file. `candour setup` makes
the folder and its secrets; a production service may pass its own secrets in the environment instead.
"""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass, field
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent
SECRETS = ("SECRET_KEY", "SECURITY_PASSWORD_SALT", "EVENT_PEPPER")
WEAKEST_SECRET = 32


class ConfigError(Exception):
    """A setting is missing or unusable; the message says which and how to mend it."""


def default_home() -> Path:
    """The data folder: CANDOUR_HOME, or `instance/` beside this file."""
    return Path(os.environ.get("CANDOUR_HOME") or ROOT / "instance").resolve()


def make_home(home: Path) -> None:
    """Make the data folder and the secrets that are not there yet, readable by the owner only."""
    for folder in (home, home / "secrets", home / "reports", home / "evidence"):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    for name in SECRETS:
        path = home / "secrets" / name
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(48))


def read_secret(home: Path, name: str) -> str:
    """A secret from the environment (CANDOUR_<NAME>) or the data folder.

    Raises ConfigError where it is missing, shorter than 32 characters, or a file that others can read.
    """
    value = os.environ.get(f"CANDOUR_{name}", "")
    source = f"CANDOUR_{name}"
    if not value:
        path = home / "secrets" / name
        source = str(path)
        if not path.exists():
            raise ConfigError(
                f"The secret {name} is missing. Run `candour setup` to make it in {home}, or set CANDOUR_{name}."
            )
        if path.stat().st_mode & 0o077:
            raise ConfigError(f"{path} can be read by others. Run `chmod 600 {path}`.")
        value = path.read_text().strip()
    if len(value) < WEAKEST_SECRET or len(set(value)) < 8:
        raise ConfigError(
            f"The secret in {source} is too weak: it needs at least {WEAKEST_SECRET} characters that are hard to guess."
            " Delete it and run `candour setup` to make a new one."
        )
    return value


LOCAL_URL = "http://127.0.0.1:8000"
NOTIFY_URL = "https://api.notifications.service.gov.uk"
THIS_MACHINE = ("127.0.0.1", "::1", "localhost")
SMTP_SCHEMES = ("smtps", "smtp", "smtp+plain")
SMTP_HELP = (
    "Write smtps://user:password@host:465, smtp://user:password@host:587 (STARTTLS), or smtp+plain://host:25 for a"
    " server without encryption; in a user name or password, write : / @ % as %3A %2F %40 %25."
)


def _base_url() -> str:
    value = os.environ.get("CANDOUR_BASE_URL", "").rstrip("/") or LOCAL_URL
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query:
        raise ConfigError("CANDOUR_BASE_URL must be the address of this service, such as https://candour.example.org.")
    return value


def _mail_settings() -> dict[str, str]:
    """What the environment says about mail. Raises ConfigError where that is half of it, or two ways at once."""
    names = ("SMTP_URL", "MAIL_FROM", "NOTIFY_API_KEY", "NOTIFY_TEMPLATE_ID", "NOTIFY_URL")
    given = {name.lower(): os.environ.get(f"CANDOUR_{name}", "").strip() for name in names}
    if not given["smtp_url"] and not given["notify_api_key"]:
        return {}
    if given["smtp_url"] and given["notify_api_key"]:
        raise ConfigError("Set CANDOUR_SMTP_URL or CANDOUR_NOTIFY_API_KEY, not both: mail goes one way.")
    if not os.environ.get("CANDOUR_BASE_URL"):
        raise ConfigError("Set CANDOUR_BASE_URL to the address of this service: the links in mails are made from it.")
    if given["smtp_url"]:
        _check_smtp(given["smtp_url"], given["mail_from"])
        return given
    if len(given["notify_api_key"]) < 73 or not re.fullmatch(r"[0-9a-f-]{73}", given["notify_api_key"][-73:]):
        raise ConfigError(
            "CANDOUR_NOTIFY_API_KEY is not whole: it is a name, the service’s id and the secret, with hyphens between."
        )
    if not given["notify_template_id"]:
        raise ConfigError(
            "Set CANDOUR_NOTIFY_TEMPLATE_ID to the id of an e-mail template in GOV.UK Notify with the subject"
            " ((subject)) and the message ((body))."
        )
    url = urlsplit(given["notify_url"] or NOTIFY_URL)
    if url.scheme != "https" and not (url.scheme == "http" and url.hostname in THIS_MACHINE):
        raise ConfigError("CANDOUR_NOTIFY_URL must start with https://.")
    return given | {"notify_url": url.geturl()}


def _check_smtp(url: str, sender: str) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in SMTP_SCHEMES and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(f"CANDOUR_SMTP_URL is not usable. {SMTP_HELP}")
    if parts.scheme == "smtp+plain" and parts.username and parts.hostname not in THIS_MACHINE:
        raise ConfigError("CANDOUR_SMTP_URL would send a password without encryption: use smtps:// or smtp://.")
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", parseaddr(sender)[1]):
        raise ConfigError(
            "Set CANDOUR_MAIL_FROM to the address that mails come from, such as Candour <candour@example.org>."
        )


def _evidence_settings() -> dict[str, Any]:
    """What the environment says about evidence files. Raises ConfigError for what cannot be used."""
    url, clamd = (os.environ.get(f"CANDOUR_{name}", "").strip() for name in ("EVIDENCE_URL", "CLAMD"))
    if url and not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[\w./-]*)?", url):
        raise ConfigError(
            "CANDOUR_EVIDENCE_URL must be s3://BUCKET or s3://BUCKET/PREFIX, or not set for a folder of this machine."
        )
    if clamd and not re.fullmatch(r"(unix:)?/\S+|(tcp://)?[\w.\[\]:-]+:\d{1,5}", clamd):
        raise ConfigError("CANDOUR_CLAMD must be the path of clamd’s socket, or HOST:PORT.")
    names = ("endpoint", "key_id", "secret", "region")
    sizes = {}
    for name, most in (("evidence_max_mb", 200), ("evidence_quota_mb", 1_000_000)):
        if value := os.environ.get(f"CANDOUR_{name.upper()}", "").strip():
            if not value.isdigit() or not 1 <= int(value) <= most:
                raise ConfigError(f"CANDOUR_{name.upper()} must be a whole number of megabytes from 1 to {most}.")
            sizes[name] = int(value)
    return {
        "evidence_url": url,
        "evidence_store": {name: os.environ.get(f"CANDOUR_EVIDENCE_{name.upper()}", "").strip() for name in names},
        "clamd": clamd,
    } | sizes


@dataclass(frozen=True)
class Config:
    """Everything the program reads from outside, in one place."""

    home: Path
    database_url: str
    secrets: dict[str, str] = field(repr=False)
    templates: Path = ROOT / "audit_templates"
    behind_https: bool = False
    testing: bool = False
    base_url: str = LOCAL_URL
    # mail: a server, or GOV.UK Notify, or neither
    smtp_url: str = field(default="", repr=False)
    mail_from: str = ""
    notify_api_key: str = field(default="", repr=False)
    notify_template_id: str = ""
    notify_url: str = NOTIFY_URL

    # evidence: where it is kept (a folder in `home` without an address), how much, and who scans it
    evidence_url: str = ""
    evidence_store: dict[str, str] = field(default_factory=dict, repr=False)
    evidence_max_mb: int = 20
    evidence_quota_mb: int = 500
    clamd: str = ""

    @property
    def sends_mail(self) -> bool:
        """Whether mails leave this service. If not, an administrator reads them in the outbox."""
        return bool(self.smtp_url or self.notify_api_key)

    @classmethod
    def load(cls, home: Path | None = None, **changes: Any) -> Config:
        """Read the environment. Raises ConfigError where something is missing, weak or unusable."""
        home = (home or default_home()).resolve()
        url = os.environ.get("CANDOUR_DATABASE_URL") or f"sqlite:///{home / 'candour.sqlite'}"
        if url.startswith(("postgresql://", "postgres://")):
            url = "postgresql+psycopg://" + url.split("://", 1)[1]
        if not url.startswith(("sqlite:///", "postgresql+psycopg://")):
            raise ConfigError("CANDOUR_DATABASE_URL must start with sqlite:/// or postgresql://.")
        settings: dict[str, Any] = {
            "home": home,
            "database_url": url,
            "secrets": {name: read_secret(home, name) for name in SECRETS},
            "behind_https": os.environ.get("CANDOUR_HTTPS", "") == "1",
            "base_url": _base_url(),
        } | _mail_settings() | _evidence_settings()
        return cls(**(settings | changes))

    def flask(self) -> dict[str, Any]:
        """The settings in the words of Flask and its extensions."""
        return {
            "SECRET_KEY": self.secrets["SECRET_KEY"],
            "SECURITY_PASSWORD_SALT": self.secrets["SECURITY_PASSWORD_SALT"],
            "TESTING": self.testing,
            "MAX_CONTENT_LENGTH": 4 * 1024 * 1024,
            "MAX_FORM_MEMORY_SIZE": 4 * 1024 * 1024,
            "MAX_FORM_PARTS": 4000,
            "SESSION_COOKIE_HTTPONLY": True,
            "SESSION_COOKIE_SAMESITE": "Lax",
            "SESSION_COOKIE_SECURE": self.behind_https,
            "WTF_CSRF_TIME_LIMIT": None,
        }
