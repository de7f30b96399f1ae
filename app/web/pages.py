"""What all pages share: templates, languages, dates, the form token, and the security headers."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from fractions import Fraction
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from babel.dates import format_date
from flask import Flask, Response, g, has_request_context, request
from flask import session as cookie
from flask_babel import Babel, Domain, refresh
from flask_babel import gettext as _
from flask_security import current_user
from flask_wtf.csrf import CSRFProtect
from jinja2 import ChainableUndefined, ChoiceLoader, PackageLoader, PrefixLoader
from markupsafe import Markup, escape

from app.clock import LONDON
from app.domain import guidance as guidance_text
from app.domain.answers import Words
from app.domain.findings import Said
from app.domain.integrity import sha256_hex
from app.domain.message import Message, number_words
from app.domain.text import localise, written_in
from app.languages import LANGUAGES, NAMES, known, translations
from app.policy import allows, could
from app.web.request import actor, now, setting


class _Words(Domain):
    """The words of this request. Flask-Babel would write the locale out and look it up for every text of a page."""

    def get_translations(self) -> Any:
        return _catalogue() if has_request_context() else super().get_translations()


class _Babel(Babel):
    domain_instance = _Words()


babel = _Babel()
csrf = CSRFProtect()



def language() -> str:
    """The language of this request's words, such as `en`.

    What was chosen in this browser, else what the person chose elsewhere, else what the browser asks for.
    """
    if "language" not in g:
        chosen = cookie.get("language") or (current_user.language if current_user.is_authenticated else None)
        g.language = known(chosen or request.accept_languages.best_match(LANGUAGES))
    return str(g.language)


def use_language(chosen: str) -> None:
    """Go on in a language, in this request too, and remember it in this browser."""
    cookie["language"] = g.language = chosen
    g.pop("catalogue", None)
    refresh()


def text(value: Any) -> str:
    """A template text (a string, or language to string) in the reader's language.

    Remembers for the page's notice where there is none in that language, so that the reader gets another.
    """
    if not value:
        return ""
    reader = language()
    if reader != "en" and written_in(value, reader) != reader:
        g.untranslated = True
    return localise(value, reader)


def marked(value: Any) -> str:
    """A template text for the body of a page, marked where it is in another language than the page."""
    shown = text(value)
    if not shown or (written := written_in(value, language())) == language():
        return shown
    return Markup('<span lang="{}">{}</span>').format(written, shown)


def guidance(value: Any, paragraph: str = "govuk-body", lead: str = "") -> Markup:
    """Guidance of a template as parts of a page: `paragraph` is the class of paragraphs, `lead` begins the first."""
    shown = text(value)
    written = written_in(value, language()) if shown else ""
    found = guidance_text.html(
        shown, _dressed(paragraph, _("Table")), paragraph=paragraph, lead=str(escape(lead)),
        language="" if written == language() else written,
    )  # fmt: skip
    return Markup(found)  # noqa: S704 -- made by its own writer, which escapes what it is given


def narrative(value: str) -> Markup:
    """What inspectors wrote for a report, below a heading of the second level. References are their words alone."""
    dressed = replace(
        _dressed("govuk-body", _("Table")), heading=3,
        headings=("govuk-heading-s", "govuk-body govuk-!-font-weight-bold"),
    )  # fmt: skip
    found = guidance_text.html(value, dressed, paragraph="govuk-body")
    return Markup(found)  # noqa: S704 -- made by its own writer, which escapes what it is given


def guidance_words(value: Any) -> str:
    """Guidance of a template as words, where no list can stand; marked where it is in another language."""
    shown = text(value)
    found = guidance_text.plain(shown)
    if not shown or (written := written_in(value, language())) == language():
        return found
    return Markup('<span lang="{}">{}</span>').format(written, found)


@cache
def _dressed(paragraph: str, table: str) -> guidance_text.Style:
    """How guidance is dressed on pages: its lists like its paragraphs, where these are of a kind of their own."""
    like = "" if paragraph.startswith("govuk-body") else f" {paragraph}".rstrip()
    region = Markup('<div class="cnd-scroll" tabindex="0" role="region" aria-label="{}">').format(table)
    return guidance_text.Style(
        bullets=f"govuk-list govuk-list--bullet{like}", numbers=f"govuk-list govuk-list--number{like}",
        link="govuk-link", table="govuk-table", head="govuk-table__head", body="govuk-table__body",
        row="govuk-table__row", header="govuk-table__header", cell="govuk-table__cell",
        around_table=(str(region), "</div>"),
    )  # fmt: skip


def text_language(value: Any) -> Markup:
    """The `lang` attribute of an element that holds a template text in another language than its page; else nothing."""
    if not value or (written := written_in(value, language())) == language():
        return Markup("")
    return Markup(' lang="{}"').format(written)


def message(value: Message | None) -> str:
    """A domain message in the reader's language; empty for none."""
    return value.rendered(_catalogue().gettext, _parameter) if value else ""


def _parameter(value: object) -> str:
    """What stands in a message, in the reader's language."""
    if isinstance(value, Message):
        return message(value)
    if isinstance(value, date):
        return day(value)
    if isinstance(value, Fraction):
        return number_words(value)
    return text(value) if isinstance(value, Mapping) else str(value)


def words(value: Words) -> str:
    """What an answer says, in the reader's language: a text, a message, a day or a number."""
    return _parameter(value)


def said(value: Said | None) -> str:
    """Words of an answer that a document holds, in the reader's language."""
    if value is None:
        return ""
    if value.sentence:
        return value.sentence.rendered(_catalogue().gettext)
    return day(value.day) if value.day else value.text


def day(value: date | datetime | str | None) -> str:
    """A day as people here write it: 2 June 2003. Instants are shown as London days."""
    if not value:
        return ""
    if isinstance(value, str):
        value = date.fromisoformat(value[:10])
    if isinstance(value, datetime):
        value = value.astimezone(LONDON)
    return _day(value if type(value) is date else date(value.year, value.month, value.day), LANGUAGES[language()])


@lru_cache(maxsize=4096)
def _day(value: date, locale: str) -> str:
    return format_date(value, "d MMMM y", locale=locale)


def moment(value: datetime | None) -> str:
    """An instant in London time: 2 June 2003 at 14:05."""
    if not value:
        return ""
    local = value.astimezone(LONDON)
    return _("%(day)s at %(time)s", day=day(local), time=f"{local:%H:%M}")


def paragraphs(value: str | None) -> Markup:
    """Plain text that somebody typed, with its line breaks, safely."""
    blocks = [block for block in str(value or "").split("\n\n") if block.strip()]
    return Markup("").join(
        Markup('<p class="govuk-body">{}</p>').format(
            Markup("<br>").join(escape(line) for line in block.split("\n"))
        )
        for block in blocks
    )


def demonstration() -> dict[str, Any] | None:
    """What the sign-in page of a demonstration shows; None where this service is none."""
    return setting("demonstration")


def _static_version(folder: Path) -> str:
    """A short hash over all static files."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return sha256_hex(b"".join(file.read_bytes() for file in files))[:10]


def _catalogue() -> Any:
    """The translations of this request's language."""
    if "catalogue" not in g:
        g.catalogue = translations(language())
    return g.catalogue


def init_app(app: Flask) -> None:
    """Set templates, languages, the form token and the headers up."""
    app.jinja_env.undefined = (
        ChainableUndefined  # the design system's macros read parameters that are not given
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_loader = ChoiceLoader(
        [
            app.jinja_loader,  # type: ignore[list-item]
            PrefixLoader(
                {
                    "govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja"),
                    "govuk_frontend_wtf": PackageLoader("govuk_frontend_wtf"),
                }
            ),
        ]
    )
    babel.init_app(
        app,
        default_locale="en_GB",
        default_timezone="Europe/London",
        locale_selector=lambda: LANGUAGES[language()],
    )
    # Flask-Babel would look the catalogue up again for each of a page's two hundred texts
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        lambda one: _catalogue().gettext(one),
        lambda one, many, number: _catalogue().ngettext(one, many, number),
        newstyle=True,
    )
    app.jinja_env.filters.update(
        text=text,
        marked=marked,
        guidance=guidance,
        guidance_words=guidance_words,
        narrative=narrative,
        text_language=text_language,
        day=day,
        moment=moment,
        message=message,
        words=words,
        said=said,
        paragraphs=paragraphs,
    )

    version = _static_version(Path(app.static_folder or ""))
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 3600

    @app.url_defaults
    def _versioned(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static":
            values["v"] = version  # a browser keeps the file, and asks for another when the program changed

    @app.before_request
    def _nonce() -> None:
        g.csp_nonce = secrets.token_urlsafe(16)

    # after the nonce: a refused form token must still get a whole page
    csrf.init_app(app)

    @app.context_processor
    def _shared() -> dict[str, Any]:
        return {
            "actor": actor(),
            "language": language(),
            "languages": NAMES,
            "untranslated": lambda: g.get("untranslated", False),
            "now": now(),
            "csp_nonce": g.get("csp_nonce", ""),
            "demonstration": demonstration(),
            "may": lambda permission, thing=None: allows(actor(), permission, thing),
            "could": lambda permission: could(actor(), permission),
            "save_key": lambda: secrets.token_urlsafe(12),
        }

    @app.after_request
    def _headers(response: Response) -> Response:
        nonce = g.get("csp_nonce", "")
        response.headers.setdefault(
            "Content-Security-Policy",
            f"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:;"
            " font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none';"
            " manifest-src 'self'",
        )
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("X-Frame-Options", "DENY")
        if app.config["SESSION_COOKIE_SECURE"]:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        if request.endpoint != "static":
            response.headers.setdefault("Cache-Control", "no-store")
        return response
