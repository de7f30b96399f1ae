"""The process that renders one report: a request on standard input, progress and the result on standard output.

Request: {report, data, out, folder, seconds}. Output: lines {progress, step}, then one {done: …} or {error: …}.
"""

from __future__ import annotations

import atexit
import gc
import hashlib
import json
import logging
import re
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from html import unescape
from importlib import metadata
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from app.domain.message import N_

if TYPE_CHECKING:
    from babel.support import NullTranslations

    from app.domain.findings import Document

MEMORY = 2 * 1024**3  # bytes of address space; a report of 100 pages needs about a fifth
LARGEST_FILE = 200 * 1024**2
VARIANT = "pdf/a-3a"
TO_FIGURE = re.compile(r'<a href="#figure:([^"]*)">(.*?)</a>')
LINK = '<link rel="stylesheet" href="report.css">'


def limit(seconds: int) -> None:
    """Give this process limits that it cannot raise again."""
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, LARGEST_FILE),
        (resource.RLIMIT_NOFILE, 128),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def peak_memory() -> int:
    """The most memory that this program had, in KiB. `ru_maxrss` would count that of the process it came from too."""
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0])
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(stdin: TextIO | None = None, stdout: TextIO | None = None) -> int:
    """Render the request; 0 when a result or an error was reported."""
    stdin, out = stdin or sys.stdin, stdout or sys.stdout
    started = time.monotonic()
    request = json.load(stdin)
    limit(int(request["seconds"]))
    make_ready()

    def send(message: dict[str, Any]) -> None:
        out.write(json.dumps(message) + "\n")
        out.flush()

    from pydantic import ValidationError

    try:
        made = render(request["report"], request["data"], Path(request["out"]), send, request["folder"])
    except ValidationError as problem:
        first = problem.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        send({"error": f"The data do not fit this report: {place}: {first['msg']}"})
        return 0
    except MemoryError:
        send({"error": f"The report needs more than {MEMORY // 1024**2} MB of memory."})
        return 0
    send({"done": made | {"seconds": round(time.monotonic() - started, 2)}})
    return 0


@cache
def make_ready() -> None:
    """Apply the patches, once in a process."""
    from reports import patches

    patches.apply()


def prepare() -> None:
    """Load all that a report needs, so that a process forked from this one need not. Nothing of it is collected."""
    from reports import attached, parts
    from reports.letters import known

    make_ready()
    attached.fonts()
    parts.cut("")
    packaged()
    program()
    known()
    # libraries find their functions, and fonts their glyphs, when they are first used
    faces = ("Source Serif 4", "Source Sans 3", "DejaVu Sans")
    looks = [f"{style} {weight}" for style in ("normal", "italic") for weight in (400, 600)]
    text = "".join(chr(number) for number in range(33, 127) if chr(number) not in "<&")
    lines = "".join(f'<p style="font: {look} 10pt {face!r}">{text}</p>' for face in faces for look in looks)
    table = "<table><thead><tr><th>A</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table>"
    pdf(f'<html lang="en"><head><title>x</title>{LINK}</head><body><h1>x</h1>{lines}{table}</body></html>', _quiet)
    gc.collect()
    gc.freeze()
    gc.disable()


@cache
def load(report_key: str, language: str) -> None:
    """Load what a report has whatever its data, so that processes forked from this one need not."""
    from reports import attached

    attached.design(report_key)
    attached.schema(report_key)
    found = environment(language)
    found.filters["day"](date.min)  # reads the names of months
    for name in found.list_templates(extensions=["html"]):
        if "/" not in name or name.startswith(f"{report_key}/"):
            found.get_template(name)


def _quiet(_message: dict[str, Any]) -> None:
    pass


def render(report_key: str, data: dict[str, Any], out: Path, send: Any, folder: str) -> dict[str, Any]:
    """Write a report to `out`; its pages, its SHA-256, the processor time that it took in seconds, and the most memory
    that one process took for it, in MB.

    The same data, program, fonts and libraries give the same bytes. `folder` is for files in between.
    """
    from reports import attached, parts, patches
    from reports.registry import reports

    report = reports()[report_key]
    document = report.model.model_validate(data)
    # nothing made from here on lives long, and collecting it again and again costs a tenth of the time
    gc.disable()
    send({"progress": 15, "step": N_("Writing the text")})
    content, content_sha256 = attached.content_of(document)
    made = attached.made_with(report, document, program(), content_sha256)
    html = page(report.page, document, report.options, content_sha256)
    del data

    def files() -> list[Any]:
        return attached.attachments(report, document, content, made)

    send({"progress": 25, "step": N_("Setting the pages")})
    pieces = parts.cut(html) if report.cut and patches.fit() else []
    peak, elsewhere = 0, 0.0
    try:
        if not pieces:
            raise parts.Unfit
        with out.open("wb") as file:
            count, peak, elsewhere = parts.render(
                pieces, lay_out, files, packaged()[0], file, send, lambda: peak_memory() // 1024, folder
            )
    except parts.Unfit:
        count, whole = pdf(html, send, files())
        out.write_bytes(whole)
    with out.open("rb") as written:
        sha256 = hashlib.file_digest(written, "sha256").hexdigest()
    return {
        "pages": count,
        "sha256": sha256,
        "processor": round(time.process_time() + elsewhere, 2),
        "peak_memory_mb": max(peak, peak_memory() // 1024),
    }


@cache
def environment(language: str) -> Any:
    """Where pages come from, with their filters in a language."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from app.languages import translations
    from reports import charts
    from reports.registry import FOLDERS

    made = Environment(
        loader=FileSystemLoader(FOLDERS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do", "jinja2.ext.loopcontrols"],
    )
    words = translations(language)
    made.install_gettext_translations(words, newstyle=True)  # type: ignore[attr-defined]
    made.globals["views"] = charts.views
    made.filters |= filters(language, words) | charts.filters(words)
    return made


def page(template: str, document: Document, options: dict[str, Any], content_sha256: str = "") -> str:
    """A report's page as HTML. Everything from the data is escaped; a name that does not exist is an error."""
    from reports.letters import printable

    found = environment(document.language).get_template(template)
    return printable(
        found.render(document=document, options=options, program=program(), content_sha256=content_sha256)
    )


def filters(language: str, words: NullTranslations) -> dict[str, Any]:
    """How pages write numbers, dates and sentences in a language."""
    from babel.dates import format_date
    from markupsafe import Markup, escape

    from app.domain.findings import Sentence
    from app.domain.guidance import Style, html
    from app.domain.key_messages import in_tenths
    from app.languages import LANGUAGES
    from reports.letters import printable

    london = ZoneInfo("Europe/London")
    locale = LANGUAGES.get(language, language)
    dressed = Style(bullets="said", numbers="said", tells_addresses=True)
    written = replace(dressed, heading=2, points=True)

    def day(value: date) -> str:
        return str(format_date(value, "d MMMM y", locale=locale))

    def iso_day(value: str) -> str:
        return day(date.fromisoformat(value))

    def month(value: date) -> str:
        return str(format_date(value, "MMMM y", locale=locale))

    def instant(value: datetime) -> str:
        local = value.astimezone(london)
        return f"{day(local.date())}, {local:%H:%M}"

    def sentence(value: Sentence) -> str:
        return value.rendered(words.gettext)

    def number(value: int) -> str:
        return f"{value:,}"

    def css_string(value: object) -> Markup:
        # every character as an escape: nothing in a name can end the string or the style element
        return Markup('"' + "".join(f"\\{ord(character):06x}" for character in printable(str(value))) + '"')  # noqa: S704

    def guidance(value: str, paragraph: str = "", lead: str = "") -> Markup:
        found = html(value, dressed, paragraph=paragraph, lead=str(escape(lead)))
        return Markup(found)  # noqa: S704 -- made by its own writer, which escapes what it is given

    def narrative(value: str) -> Markup:
        return Markup(html(value, written, paragraph="n"))  # noqa: S704 -- as above

    def numbered(value: Markup, places: Mapping[str, int], captions: Sequence[tuple[str, ...]]) -> Markup:
        """A page with the numbers of tables and charts where texts refer to them, and links to their captions, of which
        `places` has the place by key. Where one is not, the title stays that the reference has."""

        def reference(match: re.Match[str]) -> str:
            place = places.get(unescape(match[1]), len(captions))
            if place >= len(captions):
                return match[2]
            anchor, number, *_title = captions[place]
            return f'<a href="#{anchor}">{escape(number)}</a>'

        return Markup(TO_FIGURE.sub(reference, str(value)))  # noqa: S704 -- a page, and numbers that are escaped

    return {
        guidance.__name__: guidance,
        narrative.__name__: narrative,
        numbered.__name__: numbered,
        "day": day,
        "iso_day": iso_day,
        "month": month,
        "instant": instant,
        "sentence": sentence,
        "number": number,
        "tenths": in_tenths,
        "css_string": css_string,
    }


@cache
def program() -> dict[str, str]:
    """Versions for the colophon."""
    import weasyprint
    from weasyprint.text.ffi import pango

    try:
        version = metadata.version("candour")
    except metadata.PackageNotFoundError:
        version = "development"
    major, rest = divmod(pango.pango_version(), 10000)
    return {
        "version": version,
        "weasyprint": weasyprint.__version__,
        "pango": f"{major}.{rest // 100}.{rest % 100}",
    }


def fetcher() -> Any:
    """A fetcher that serves packaged assets and refuses everything else."""
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    from reports.registry import ASSETS

    types = {".css": "text/css", ".ttf": "font/ttf", ".otf": "font/otf"}

    class PackagedAssets(URLFetcher):  # type: ignore[misc]
        """Refuses by scheme, by place and by kind of file."""

        def fetch(self, url: str, headers: Any = None) -> Any:
            parts = urlsplit(url)
            path = Path(unquote(parts.path)).resolve()
            allowed = parts.scheme == "file" and not parts.netloc and path.is_relative_to(ASSETS)
            if not allowed or path.suffix not in types:
                raise ValueError("refused: reports load packaged assets only")
            return URLFetcherResponse(url, path.read_bytes(), {"Content-Type": types[path.suffix]})

    return PackagedAssets()


@cache
def packaged() -> tuple[Any, Any]:
    """The packaged fonts and the style sheet of all reports."""
    from weasyprint import CSS
    from weasyprint.text.fonts import FontConfiguration

    from reports.registry import ASSETS

    logging.getLogger("weasyprint").addHandler(logging.StreamHandler(sys.stderr))
    atexit.register(packaged.cache_clear)  # it tidies up after itself, and cannot at the very end
    fonts = FontConfiguration()
    sheet = CSS(url=f"{ASSETS.as_uri()}/report.css", url_fetcher=fetcher(), font_config=fonts)
    return fonts, sheet


def read_page(html: str) -> Any:
    """A page as WeasyPrint reads HTML."""
    from cssselect2 import ElementWrapper
    from weasyprint import HTML

    from reports import xhtml
    from reports.registry import ASSETS

    base, root = f"{ASSETS.as_uri()}/", xhtml.parsed(html)
    if root is None:
        return HTML(string=html, base_url=base, url_fetcher=fetcher())
    source = HTML.__new__(HTML)
    source.base_url, source.url_fetcher, source.media_type = base, fetcher(), "print"
    source.wrapper_element = ElementWrapper.from_html_root(root, content_language=None)
    source.etree_element = root
    return source


def lay_out(html: str) -> tuple[Any, Any]:
    """An HTML document as WeasyPrint reads it, and laid out on pages."""
    fonts, sheet = packaged()
    # read once and not for each report; where a page has no such link, it has no such styles
    sheets = [sheet] if LINK in html else []
    source = read_page(html.replace(LINK, "", 1))
    return source, source.render(font_config=fonts, stylesheets=sheets, pdf_variant=VARIANT)


def pdf(html: str, send: Any, files: list[Any] | None = None) -> tuple[int, bytes]:
    """Pages and bytes of an HTML document, as PDF/A-3a that is PDF/UA-1 too, with files attached."""
    from weasyprint import DEFAULT_OPTIONS
    from weasyprint.pdf import generate_pdf

    from reports import finish
    from reports.write import write_pdf

    _source, rendered = lay_out(html)
    send({"progress": 75, "step": N_("Writing the file")})
    options = DEFAULT_OPTIONS | {"pdf_variant": VARIANT, "pdf_tags": True, "pdf_version": "1.7", "attachments": files}
    with finish.logical_structure(rendered) as finisher:
        made = generate_pdf(rendered, None, 1, **options | {"output_intent": "srgb"})
        finisher(rendered, made)
    out = BytesIO()
    write_pdf(made, out)
    return len(rendered.pages), out.getvalue()


if __name__ == "__main__":
    sys.exit(main())
