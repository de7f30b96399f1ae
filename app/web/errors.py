"""Error pages: what happened, that nothing was lost, and what to do. Never a stack trace."""

from __future__ import annotations

import structlog
from flask import Flask, Response, jsonify, render_template, request, url_for
from flask_babel import gettext as _
from flask_security import current_user
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from app.db import db
from app.domain.life import NotPossible
from app.policy import Denied
from app.queries.moderation import NotYetYours
from app.queries.rounds import NotFound
from app.web.kept import page_to_send_again
from app.web.pages import message
from app.web.request import BESIDE_FILE, wants_json

log = structlog.get_logger()


def _page(status: int, title: str, *paragraphs: str) -> tuple[str | Response, int]:
    if wants_json():
        return jsonify(message=f"{title}. {paragraphs[0] if paragraphs else ''}".strip()), status
    return render_template("error.html", title=title, paragraphs=paragraphs), status


def _read_on(most: int) -> None:
    """Receive what is still being sent, up to `most` bytes: a browser shows no page before it has sent everything."""
    stream = request.environ.get("wsgi.input")
    left = min(most, request.content_length or 0)
    while stream is not None and left > 0 and (piece := stream.read(min(left, 256 * 1024))):
        left -= len(piece)


def init_app(app: Flask) -> None:
    """Register the pages."""

    @app.errorhandler(404)
    @app.errorhandler(NotFound)
    @app.errorhandler(Denied)
    def _not_found(_error: Exception) -> tuple[str | Response, int]:
        db.session.rollback()
        return _page(
            404,
            _("Page not found"),
            _("There is no such page, or it is not yours to read."),
            _("If you typed the address, check it. If you followed a link, ask the person who sent it."),
        )

    @app.errorhandler(403)
    def _forbidden(_error: Exception) -> tuple[str | Response, int]:
        return _page(
            403,
            _("You cannot use this page"),
            _(
                "Your appointments do not include this. If they should, ask the administrator of this service."
            ),
        )

    @app.errorhandler(NotPossible)
    def _not_possible(error: NotPossible) -> tuple[str | Response, int]:
        db.session.rollback()
        return _page(409, _("That cannot be done now"), message(error.message))

    @app.errorhandler(NotYetYours)
    def _not_yet_yours(error: NotYetYours) -> tuple[str | Response, int]:
        audit_return = error.audit_return
        desk, name = url_for("moderation.desk", rid=audit_return.public_id), audit_return.agency.name
        words = message(error.message)
        db.session.rollback()
        title = _("Not before your own check is finished")
        if wants_json():
            return _page(403, title, words)
        return render_template("moderation/not_yet.html", title=title, name=name, words=words, desk=desk), 403

    @app.errorhandler(CSRFError)
    def _stale(_error: CSRFError) -> tuple[str | Response, int]:
        db.session.rollback()
        if wants_json():
            if current_user.is_authenticated:
                return jsonify(why="token", message=_("This page is out of date.")), 400
            return jsonify(why="session", message=_("You are signed out.")), 401
        if held := page_to_send_again(400):
            return held
        return _page(
            400,
            _("This form is out of date"),
            _("You were signed out, or this page was open for too long. Nothing was saved."),
            _(
                "Go back with your browser: what you typed is still there. Copy it, reload the page, and send it again."
            ),
        )

    @app.errorhandler(413)
    def _too_large(_error: Exception) -> tuple[str | Response, int]:
        most = request.max_content_length or 0
        _read_on(4 * most)
        if most > (app.config["MAX_CONTENT_LENGTH"] or 0):
            return _page(
                413,
                _("This file is too large"),
                _(
                    "A file can be at most %(most)s megabytes. What you sent is larger, so it was not saved.",
                    most=(most - BESIDE_FILE) // 1024**2,
                ),
                _("Go back with your browser, and choose a smaller file: the pages that matter, or smaller pictures."),
            )
        return _page(
            413,
            _("Too much was sent at once"),
            _("What you sent is larger than %(most)s megabytes, so it was not saved.", most=most // 1024**2),
            _("Go back with your browser: what you typed is still there. Shorten it, then save again."),
        )

    @app.errorhandler(HTTPException)
    def _other(error: HTTPException) -> tuple[str | Response, int]:
        return _page(error.code or 500, _("That did not work"), _("The service could not read this request."))

    @app.errorhandler(Exception)
    def _broken(error: Exception) -> tuple[str | Response, int]:
        db.session.rollback()
        log.exception("request failed", error=type(error).__name__)
        if app.testing:
            raise error
        return _page(
            500,
            _("Sorry, there is a problem with the service"),
            _("What you had saved is safe. Go back with your browser and try again in a minute."),
        )
