"""HTML pages: security headers, sign-in, permissions, error pages, and the blueprints."""

from __future__ import annotations

from flask import Flask

from app.web import (
    account,
    admin,
    agency,
    errors,
    home,
    oversight,
    pages,
    permissions,
    reports,
    request,
    security,
)


def init_app(app: Flask) -> None:
    """Put the web layer together. The order matters: the write begins before anything reads the database."""
    request.init_app(app)
    pages.init_app(app)
    security.init_app(app)
    for part in (home, account, agency, oversight, reports, admin):
        app.register_blueprint(part.blueprint)
    errors.init_app(app)
    permissions.init_app(app)
