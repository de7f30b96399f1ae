"""Settings from the environment. Refuses to start on a missing or weak secret.

All data lives in the folder that CANDOUR_HOME names: by default `instance/` beside this file. `candour setup` makes
the folder and its secrets; a production service may pass its own secrets in the environment instead.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
    for folder in (home, home / "secrets", home / "reports"):
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


@dataclass(frozen=True)
class Config:
    """Everything the program reads from outside, in one place."""

    home: Path
    database_url: str
    secrets: dict[str, str] = field(repr=False)
    templates: Path = ROOT / "audit_templates"
    behind_https: bool = False
    testing: bool = False

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
        }
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
