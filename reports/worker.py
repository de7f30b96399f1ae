"""The process that renders one report: a request on standard input, progress and the result on standard output.

Request: {report, data, out, seconds}. Output: lines {progress, step}, then one {done: …} or {error: …}.
"""

from __future__ import annotations

import gc
import hashlib
import json
import logging
import resource
import sys
import time
from datetime import date, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from app.domain.message import N_

if TYPE_CHECKING:
    from babel.support import NullTranslations

MEMORY = 2 * 1024**3  # bytes of address space; a report of 100 pages needs about a fifth
LARGEST_FILE = 200 * 1024**2


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


def main(stdin: TextIO = sys.stdin, stdout: TextIO = sys.stdout) -> int:
    """Render the request; 0 when a result or an error was reported."""
    started = time.monotonic()
    request = json.load(stdin)
    limit(int(request["seconds"]))

    def send(message: dict[str, Any]) -> None:
        stdout.write(json.dumps(message) + "\n")
        stdout.flush()

    from pydantic import ValidationError

    try:
        pages, content = render(request["report"], request["data"], send)
    except ValidationError as problem:
        first = problem.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        send({"error": f"The data do not fit this report: {place}: {first['msg']}"})
        return 0
    except MemoryError:
        send({"error": f"The report needs more than {MEMORY // 1024**2} MB of memory."})
        return 0
    Path(request["out"]).write_bytes(content)
    send(
        {
            "done": {
                "pages": pages,
                "sha256": hashlib.sha256(content).hexdigest(),
                "seconds": round(time.monotonic() - started, 2),
                "peak_memory_mb": peak_memory() // 1024,
            }
        }
    )
    return 0


def render(report_key: str, data: dict[str, Any], send: Any) -> tuple[int, bytes]:
    """The pages and bytes of a report. The same data, program, fonts and libraries give the same bytes."""
    from reports.registry import reports

    report = reports()[report_key]
    document = report.model.model_validate(data)
    # nothing made from here on lives long, and collecting it again and again costs a tenth of the time
    gc.disable()
    send({"progress": 15, "step": N_("Writing the text")})
    html = page(report.page, document, report.options)
    send({"progress": 25, "step": N_("Setting the pages")})
    return pdf(html, send)


def page(template: str, document: Any, options: dict[str, Any]) -> str:
    """A report's page as HTML. Everything from the data is escaped; a name that does not exist is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from app.languages import translations
    from reports import charts
    from reports.registry import HERE

    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do", "jinja2.ext.loopcontrols"],
    )
    words = translations(document.language)
    environment.install_gettext_translations(words, newstyle=True)  # type: ignore[attr-defined]
    environment.globals["views"] = charts.views
    environment.filters |= filters(document.language, words) | charts.filters(words)
    return environment.get_template(template).render(document=document, options=options, program=program())


def filters(language: str, words: NullTranslations) -> dict[str, Any]:
    """How pages write numbers, dates and sentences in a language."""
    from babel.dates import format_date
    from markupsafe import Markup, escape

    from app.domain.findings import Sentence
    from app.domain.guidance import Style, html
    from app.domain.key_messages import in_tenths
    from app.languages import LANGUAGES

    london = ZoneInfo("Europe/London")
    locale = LANGUAGES.get(language, language)
    dressed = Style(bullets="said", numbers="said", tells_addresses=True)

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
        return Markup('"' + "".join(f"\\{ord(character):06x}" for character in str(value)) + '"')  # noqa: S704

    def guidance(value: str, paragraph: str = "", lead: str = "") -> Markup:
        found = html(value, dressed, paragraph=paragraph, lead=str(escape(lead)))
        return Markup(found)  # noqa: S704 -- made by its own writer, which escapes what it is given

    return {
        guidance.__name__: guidance,
        "day": day,
        "iso_day": iso_day,
        "month": month,
        "instant": instant,
        "sentence": sentence,
        "number": number,
        "tenths": in_tenths,
        "css_string": css_string,
    }


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


def pdf(html: str, send: Any) -> tuple[int, bytes]:
    """Pages and bytes of an HTML document, as tagged PDF/UA-1."""
    from weasyprint import HTML
    from weasyprint.text.fonts import FontConfiguration

    from reports import finish
    from reports.registry import ASSETS

    logging.getLogger("weasyprint").addHandler(logging.StreamHandler(sys.stderr))
    fonts = FontConfiguration()
    source = HTML(string=html, base_url=ASSETS.as_uri() + "/", url_fetcher=fetcher())
    rendered = source.render(font_config=fonts, pdf_variant="pdf/ua-1")
    send({"progress": 75, "step": N_("Writing the file")})
    with finish.logical_structure(rendered) as finisher:
        content = rendered.write_pdf(finisher=finisher, pdf_variant="pdf/ua-1")
    return len(rendered.pages), content


if __name__ == "__main__":
    sys.exit(main())
