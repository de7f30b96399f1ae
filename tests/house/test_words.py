"""The catalogues of other languages: complete, in step with the program, and usable."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from app.languages import LANGUAGES, translations
from config import ROOT
from scripts import words

OTHERS = [language for language in LANGUAGES if language != "en"]
PLACE = re.compile(r"%\((\w+)\)([a-z])|(%%)")


def strings(value: object) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, tuple | list) else (str(value or ""),)


def places(text: str) -> list[tuple[str, ...]]:
    return sorted(PLACE.findall(text))


@pytest.fixture(scope="module")
def program() -> Any:
    return words.extract()


def test_many_texts_are_found(program: Any) -> None:
    ids = {strings(message.id)[0] for message in program if message.id}
    assert len(ids) > 1000
    # one from each kind of source: a page, a domain message, a view, a report
    assert {"Skip to main content", "This round is not open yet.", "The plan of this round is changed."} <= ids
    assert {"Receipt for a submission", "of %(number)s answers"} <= ids


@pytest.mark.parametrize("language", OTHERS)
def test_the_catalogue_is_complete_and_in_step(language: str, program: Any) -> None:
    """What this says is mended by `make words`, and by translating what it leaves empty."""
    catalogue = words.read(language)
    wanted = {strings(message.id) for message in program if message.id}
    there = {strings(message.id) for message in catalogue if message.id}
    assert sorted(wanted - there) == [], "run `make words`"
    assert sorted(there - wanted) == [], "run `make words`"
    assert [m.id for m in catalogue if m.id and not all(one.strip() for one in strings(m.string))] == []
    assert [m.id for m in catalogue if m.fuzzy and m.id] == []
    assert words.path_of(language).read_bytes() == words.written(language, words.updated(language, program))


@pytest.mark.parametrize("language", OTHERS)
def test_what_stands_in_a_text_stands_in_its_translation(language: str) -> None:
    wrong = []
    for message in words.read(language):
        if not message.id:
            continue
        ids, translated = strings(message.id), strings(message.string)
        for string in translated:
            # a form for one, or for none, may say the number in words
            missing = [place for place in places(ids[-1]) if place not in places(string) and place[0] != "num"]
            invented = [place for place in places(string) if place not in places(ids[-1])]
            unbalanced = places(string).count(("", "", "%%")) != places(ids[-1]).count(("", "", "%%"))
            tags = re.findall(r"</?\w+", ids[-1]) != re.findall(r"</?\w+", string)
            ends = (string[:1] == " ") != (ids[-1][:1] == " ") and ids[-1].strip().isalpha() is False
            if missing or invented or unbalanced or tags or ends or "'" in string:
                wrong.append((ids[-1], string))
    assert wrong == []


@pytest.mark.parametrize("language", OTHERS)
def test_every_form_of_a_plural_is_there_and_is_chosen(language: str) -> None:
    catalogue = words.read(language)
    assert all(len(message.string) == catalogue.num_plurals for message in catalogue if message.pluralizable)
    forms = ("%(num)d question", "%(num)d questions")
    seen = {translations(language).ngettext(*forms, number) for number in (0, 1, 2, 3, 4, 6, 11, 100)}
    assert len(seen) > 1
    assert not seen & set(forms)


@pytest.mark.parametrize("language", OTHERS)
def test_what_the_program_reads_is_what_was_written(language: str) -> None:
    """The compiled catalogue is committed; `make words` makes it anew."""
    compiled = words.path_of(language).with_suffix(".mo")
    assert compiled.read_bytes() == words.compiled(language), "run `make words`"
    assert translations(language).gettext("Sign in") != "Sign in"


@pytest.mark.parametrize("language", OTHERS)
def test_a_catalogue_says_that_it_awaits_a_review(language: str) -> None:
    head = words.path_of(language).read_text()[:300]
    assert "AWAIT A TRANSLATOR" in head
    assert not re.search(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|/home|:\d+\n", head)


@pytest.mark.parametrize("path", sorted((ROOT / "reports").glob("*/report.yaml")), ids=lambda path: path.parent.name)
def test_every_report_has_a_title_in_every_language(path: Path) -> None:
    title = YAML(typ="safe").load(path)["title"]
    assert set(title) == set(LANGUAGES)
