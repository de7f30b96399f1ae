"""The ceiling: one page of a checklist in plain Flask and SQLAlchemy, on Candour's own tables.

It has sign-in (Flask-Login reads the user for every request), form tokens (Flask-WTF) and Candour's engine with its
pragmas. It has no policy, version check, history, roll-up, translation or design system: what Candour costs above this
is the price of those. Form fields have Candour's names, so that one client can load both.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from flask import Flask, abort, g, redirect, render_template, request
from flask_login import LoginManager, current_user, login_required
from flask_wtf.csrf import CSRFProtect
from jinja2 import DictLoader
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.wrappers import Response

from app.db import begin_write, make_engine
from app.domain.templates import Pack
from app.domain.text import localise
from app.models import AuditReturn, PackVersion, SelfAssessment, TemplateVersion, User
from config import Config

PARTS = ("day", "month", "year")
DATES = ("files_date", "date_expected")

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title></head><body>
<h1>{{ title }}</h1>
<form method="post">
<input type="hidden" name="csrf_token" value="{{ csrf_token() }}">
<input type="hidden" name="page_key" value="{{ page_key }}">
{% for q, value, version in questions %}{% set base = "c-" ~ q.id ~ "--" %}
<fieldset><legend>{{ q.question }}</legend><p>{{ q.why }}</p><p>{{ q.evidence }}</p>
<input type="hidden" name="{{ base }}version" value="{{ version }}">
{% for name, options in q.choices %}{% for key, label, meaning in options %}
<label><input type="radio" name="{{ base }}{{ name }}" value="{{ key }}"{{ " checked" if value[name] == key }}>
{{ label }} {{ meaning }}</label>
{% endfor %}{% endfor %}
{% for name in q.lines %}
<label>{{ name }} <input name="{{ base }}{{ name }}" value="{{ value[name] }}"></label>
{% endfor %}
{% for name in q.texts %}
<label>{{ name }} <textarea name="{{ base }}{{ name }}">{{ value[name] }}</textarea></label>
{% endfor %}
<button name="only" value="{{ q.id }}">Save this answer</button>
</fieldset>
{% endfor %}
<button>Save</button>
</form></body></html>"""


@dataclass(frozen=True)
class Question:
    """What the page needs of a criterion: its words, its radios, its one-line fields and its long texts."""

    id: str
    question: str
    why: str
    evidence: str
    choices: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...]
    lines: tuple[str, ...]
    texts: tuple[str, ...]


def _questions(pack: Pack) -> dict[tuple[str, str], tuple[str, list[Question]]]:
    """Title and questions of every section, by agency type and standard."""
    sections = {}
    for agency_type, template in pack.templates.items():
        for standard in template.standards:
            questions = []
            for criterion in standard.criteria:
                scheme = pack.scheme_of(template, criterion)
                asks = {name for basis in scheme.bases for name in basis.asks}
                dates = {"files_date"} & asks
                if any(grade.counts_as == "not_met" for grade in scheme.grades):
                    dates.add("date_expected")
                choices = [
                    (name, tuple((one.key, localise(one.label), localise(one.meaning)) for one in options))
                    for name, options in (("grade", scheme.grades), ("basis", scheme.bases))
                ]
                parts = [f"{name}-{part}" for name in DATES if name in dates for part in PARTS]
                reason = any("reason" in grade.needs for grade in scheme.grades)
                questions.append(
                    Question(
                        criterion.id,
                        localise(criterion.question),
                        localise(criterion.why),
                        localise(criterion.evidence),
                        tuple(choices),
                        (*(["files"] if "files" in asks else []), *parts),
                        ("commentary", "reason") if reason else ("commentary",),
                    )
                )
            sections[agency_type, standard.id] = (localise(standard.title), questions)
    return sections


def _fields(value: Mapping[str, Any]) -> dict[str, Any]:
    """A stored value as its form fields: dates in three parts."""
    fields = dict(value)
    for name in DATES:
        if name in value:
            year, month, day = value[name].split("-")
            fields |= {f"{name}-day": int(day), f"{name}-month": int(month), f"{name}-year": year}
    return fields


def _value(form: Mapping[str, str], base: str) -> dict[str, Any]:
    """The value to store, in Candour's form: only what was given, the date in one piece, the count a number."""
    value: dict[str, Any] = {}
    for name in ("grade", "basis", "files", "commentary", "reason"):
        if given := form.get(base + name, "").strip():
            value[name] = int(given) if name == "files" else given
    for name in DATES:
        day, month, year = (form.get(f"{base}{name}-{part}", "").strip() for part in PARTS)
        if year:
            value[name] = f"{int(year):04}-{int(month):02}-{int(day):02}"
    return value


def create_app(config: Config | None = None) -> Flask:
    """The application, on the database and with the secrets of Candour's settings."""
    config = config or Config.load()
    app = Flask("bench.minimal", static_folder=None)
    app.config.from_mapping(config.flask())
    app.jinja_loader = DictLoader({"section.html": PAGE})
    engine = make_engine(config.database_url)
    app.extensions["engine"] = engine
    make_session = sessionmaker(engine)
    CSRFProtect(app)
    login = LoginManager(app)

    def session() -> Session:
        if "session" not in g:
            g.session = make_session()
        return g.session  # type: ignore[no-any-return]

    @app.teardown_appcontext
    def _close(_error: BaseException | None) -> None:
        if "session" in g:
            g.session.close()

    @app.before_request
    def _begin() -> None:
        if request.method == "POST":
            begin_write(session())  # as in Candour: a read that turns into a write may fail

    @login.user_loader
    def _user(uniquifier: str) -> User | None:
        return session().scalar(select(User).where(User.fs_uniquifier == uniquifier))

    @cache
    def sections(template_version_id: int) -> dict[tuple[str, str], tuple[str, list[Question]]]:
        content = session().scalars(
            select(PackVersion.content).join(TemplateVersion).where(TemplateVersion.id == template_version_id)
        )
        return _questions(Pack.from_frozen(json.loads(content.one())))

    @app.route("/returns/<rid>/standards/<standard>", methods=["GET", "POST"])
    @login_required
    def section(rid: str, standard: str) -> str | Response:
        audit_return = session().scalar(select(AuditReturn).where(AuditReturn.public_id == rid))
        if audit_return is None:
            abort(404)
        title, questions = sections(audit_return.template_version_id)[audit_return.agency_type, standard]
        rows = {
            row.criterion: row
            for row in session().scalars(
                select(SelfAssessment).where(
                    SelfAssessment.return_id == audit_return.id,
                    SelfAssessment.scope_key == "",
                    SelfAssessment.criterion.in_([one.id for one in questions]),
                )
            )
        }
        if request.method == "POST":
            now = datetime.now(UTC)
            for one in questions:
                row = rows.get(one.id)
                if row is None:
                    row = SelfAssessment(return_id=audit_return.id, criterion=one.id, type="grade", version=0)
                    session().add(row)
                row.value = _value(request.form, f"c-{one.id}--")
                row.grade, row.version = row.value.get("grade", ""), row.version + 1
                row.saved_at, row.saved_by_id = now, current_user.id
            session().commit()
            return redirect(request.path, 303)
        return render_template(
            "section.html",
            title=title,
            page_key=secrets.token_urlsafe(12),
            questions=[
                (one, _fields(rows[one.id].value), rows[one.id].version) if one.id in rows else (one, {}, 0)
                for one in questions
            ],
        )

    return app
