"""`make words`: collect the English words of the program, bring each catalogue up to date, and compile it.

The same program gives the same files, byte for byte: no dates, no line numbers, sorted by the English words. A new
text comes with no translation, and a text that is gone goes with its translation; a test finds what is missing.
"""

from __future__ import annotations

import io
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "app" / "translations"
PLURALS = {
    # what the Common Locale Data Repository gives for Welsh: none, one, two, three, six, any other number
    "cy": "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n==3 ? 3 : n==6 ? 4 : 5);",
}
STATE = {
    "cy": "# The Welsh words of Candour. They are a first version and AWAIT A TRANSLATOR’S REVIEW (docs/welsh.md).\n"
}
KEYWORDS = {"_": None, "gettext": None, "N_": None, "ngettext": (1, 2)}


def extract() -> Catalog:
    """Every text of the program that is marked for translation, as a catalogue without translations."""
    found = Catalog(charset="utf-8", fuzzy=False)
    with (ROOT / "babel.cfg").open() as config:
        methods, options = parse_mapping_cfg(config)
    for file, _line, words, _comments, context in extract_from_dir(
        ROOT, methods, options, keywords=KEYWORDS, directory_filter=lambda folder: not Path(folder).name.startswith(".")
    ):
        found.add(words, None, [(Path(file).as_posix(), 0)], context=context)
    return found


def path_of(language: str) -> Path:
    """Where the catalogue of a language is."""
    return FOLDER / language / "LC_MESSAGES" / "messages.po"


def read(language: str) -> Catalog:
    """The catalogue of a language as it stands in its folder."""
    with path_of(language).open("rb") as file:
        return read_po(file, locale=language)


def updated(language: str, words: Catalog) -> Catalog:
    """The catalogue of a language with these words: what it translates already, and gaps for the others."""
    present = read(language)
    fresh = Catalog(locale=language, charset="utf-8", fuzzy=False)
    fresh._num_plurals, fresh._plural_expr = present.num_plurals, present.plural_expr
    for message in words:
        if message.id:
            there = present.get(message.id)
            gap = ("",) * present.num_plurals if message.pluralizable else ""
            fresh.add(message.id, there.string if there else gap)
    return fresh


def written(language: str, catalogue: Catalog) -> bytes:
    """The file of a catalogue."""
    head = (
        STATE[language] + 'msgid ""\nmsgstr ""\n"MIME-Version: 1.0\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n'
        f'"Content-Transfer-Encoding: 8bit\\n"\n"Language: {language}\\n"\n"Plural-Forms: {PLURALS[language]}\\n"\n\n'
    )
    body = io.BytesIO()
    write_po(body, catalogue, width=110, no_location=True, omit_header=True, sort_output=True, ignore_obsolete=True)
    return head.encode() + body.getvalue().strip(b"\n") + b"\n"


class _Dateless(Catalog):
    """A catalogue whose header says only what reading it needs."""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:  # type: ignore[override]
        return [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Language", str(self.locale)),
            ("Plural-Forms", PLURALS[str(self.locale)]),
        ]


def compiled(language: str) -> bytes:
    """What the program reads: the translations in the catalogue of a language."""
    dateless = _Dateless(locale=language, charset="utf-8")
    for message in read(language):
        if message.id:
            dateless.add(message.id, message.string)
    body = io.BytesIO()
    write_mo(body, dateless)
    return body.getvalue()


def main() -> None:
    """Bring every catalogue up to date."""
    words = extract()
    for language in PLURALS:
        path = path_of(language)
        path.write_bytes(written(language, updated(language, words)))
        path.with_suffix(".mo").write_bytes(compiled(language))
        catalogue = read(language)
        gaps = [message.id for message in catalogue if message.id and not all(_strings(message.string))]
        print(  # noqa: T201
            f"{path.relative_to(ROOT)}: {len(catalogue)} texts, {len(gaps)} not translated"
        )


def _strings(string: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return (string,) if isinstance(string, str) else tuple(string)


if __name__ == "__main__":
    main()
