"""HTML pages: security headers, sign-in, permissions, error pages, and the blueprints."""

from __future__ import annotations

from flask import Flask

from app.web import (
    account,
    actions,
    agency,
    colleagues,
    disclosure,
    drafts,
    errors,
    evidence,
    feedback,
    gallery,
    home,
    mail,
    offline,
    outbox,
    oversight,
    pages,
    peer_desk,
    permissions,
    progress,
    queries,
    reports,
    request,
    security,
    settings,
    sharing,
    sign_in_links,
    surveys,
)
from app.web.oversight import (
    batches,
    chasing,
    composing,
    correction,
    examples,
    facts,
    figures,
    follow_up,
    judgements,
    letters,
    moderation,
    peers,
    recommended,
    release,
    sampling,
    search,
    small_numbers,
    twins,
)


def init_app(app: Flask) -> None:
    """Put the web layer together. The order matters: the write begins before anything reads the database."""
    request.init_app(app)
    pages.init_app(app)
    security.init_app(app)
    parts = (
        home, account, agency, actions, evidence, offline, oversight, reports, outbox, mail,
        colleagues, sharing, sign_in_links, settings, queries, correction, moderation,
        chasing, search, examples, figures, facts, twins, sampling, release, feedback, disclosure, judgements,
        follow_up, peers, peer_desk, progress, gallery, drafts, surveys, letters, composing, recommended,
        batches, small_numbers,
    )  # fmt: skip
    for part in parts:
        app.register_blueprint(part.blueprint)
    errors.init_app(app)
    permissions.init_app(app)
