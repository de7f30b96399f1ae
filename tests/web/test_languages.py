"""English and Welsh: the switch, the words of every page, dates, the declaration, and PDF files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from html.parser import HTMLParser

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.catalogue import load_all
from app.languages import translations
from app.models import Agency, Area, Declaration, OutboxMessage, OversightBody, User
from app.operations import templates
from app.queries.returns import content_hash
from app.web.permissions import permissions_of
from config import ROOT
from scripts import words
from tests.world import PASSWORD, SYSTEM, World

# what is shown does not depend on the database
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

# the same in both languages
NAMES = {"Candour", "English", "Cymraeg", "SHA-256", "CSV", "PDF", "OK", "MB", "kB", "Source Serif 4", "Source Sans 3"}
# hashes, addresses, files, numbers of figures, versions of programs
NOT_WORDS = (
    r"[0-9a-f]{12,}|[\w.-]+@[\w.-]+|https?://\S+|[\w./-]+\.\w{2,4}|CY?\s?[\d.]+|WeasyPrint [\d.]+, Pango [\d.]+"
)
# what no language has: scripts, styles, and what is typed as it stands
NOT_READ = ("script", "style", "code")


class Texts(HTMLParser):
    """The texts of a page, and of attributes that are read out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.skipped = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.skipped += tag in NOT_READ
        for name in ("aria-label", "alt", "placeholder", "title"):
            self.handle_data(given.get(name) or "")
        if tag == "meta" and given.get("name") == "description":
            self.handle_data(given.get("content") or "")

    def handle_endtag(self, tag: str) -> None:
        self.skipped -= tag in NOT_READ

    def handle_data(self, data: str) -> None:
        if not self.skipped and (text := re.sub(r"\s+", " ", data).strip()):
            self.found.add(text)


def texts(page: str) -> set[str]:
    parser = Texts()
    parser.feed(page)
    return parser.found


def use(client: FlaskClient, language: str) -> FlaskClient:
    with client.session_transaction() as cookie:
        cookie["language"] = language
    return client


def strings_in(value: object) -> Iterator[str]:
    """Every text in a piece of JSON, once as it is and once without what is filled in."""
    if isinstance(value, str):
        yield re.sub(r"\s+", " ", value).strip()
    elif isinstance(value, dict):
        for part in value.values():
            yield from strings_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings_in(part)


# --- the switch ------------------------------------------------------------------------------------------------------


def switch(client: FlaskClient, back: str, language: str = "cy") -> str:
    response = client.post("/language", data={"language": language, "back": back})
    assert response.status_code == 303
    return response.headers["Location"]


def test_the_switch_stays_on_the_page_with_its_query(app: Flask, client_as: Callable[[str], FlaskClient]) -> None:
    client = client_as("lead-inspector")
    page = client.get("/rounds?sort=due&q=a%20%26%20b").text
    assert '<html lang="en"' in page
    back = re.search(r'name="back" value="([^"]*)"', page)
    assert back is not None
    address = back[1].replace("&amp;", "&")
    assert address == "/rounds?sort=due&q=a%20%26%20b"
    assert switch(client, address) == address
    page = client.get(address).text
    assert '<html lang="cy"' in page
    assert "Cylchoedd" in page
    assert re.search(r'<button[^>]*value="en" lang="en">English</button>', page)


def test_whoever_is_not_signed_in_can_switch_too(app: Flask, world: World) -> None:
    client = app.test_client()
    assert switch(client, "/sign-in?next=/rounds") == "/sign-in?next=/rounds"
    page = client.get("/sign-in?next=/rounds").text
    assert "Mewngofnodi" in page
    assert "Password" not in texts(page)
    # the answer to a wrong try is Welsh as well
    page = client.post("/sign-in", data={"email": "nobody@agency.example", "password": "wrong"}).text
    assert "Nid yw’r cyfeiriad e-bost neu’r cyfrinair yn gywir" in page


def test_a_language_that_the_browser_asks_for_is_used_until_one_is_chosen(app: Flask, world: World) -> None:
    client = app.test_client()
    header = {"Accept-Language": "cy,en;q=0.5"}
    assert '<html lang="cy"' in client.get("/about", headers=header).text
    assert '<html lang="en"' in client.get("/about", headers={"Accept-Language": "fr"}).text
    switch(client, "/about", "en")
    assert '<html lang="en"' in client.get("/about", headers=header).text


def test_the_choice_of_a_person_holds_in_another_browser(
    app: Flask, world: World, client_as: Callable[[str], FlaskClient]
) -> None:
    switch(client_as("lead"), "/")
    user_id = world.people["lead"].id
    world.session.rollback()
    assert world.session.scalar(select(User.language).where(User.id == user_id)) == "cy"
    assert '<html lang="cy"' in client_as("lead").get("/about").text
    assert '<html lang="en"' in client_as("contributor").get("/about").text


@pytest.mark.parametrize(
    "back",
    ["//evil.example/x", "https://evil.example/", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", "", "x",
     "/ok\nSet-Cookie: x=1", "/\t/evil.example", "///evil.example"],
)  # fmt: skip
def test_the_switch_leads_to_our_own_pages_only(app: Flask, world: World, back: str) -> None:
    assert switch(app.test_client(), back) == "/"


def test_an_unknown_language_is_english(app: Flask, world: World) -> None:
    client = app.test_client()
    switch(client, "/about", "xx")
    assert '<html lang="en"' in client.get("/about").text


def test_on_a_page_that_only_takes_forms_the_switch_leads_to_a_page_to_read(
    app: Flask, world: World, client_as: Callable[[str], FlaskClient]
) -> None:
    own = next(iter(world.returns.values())).public_id
    client = client_as("lead-inspector")
    assert switch(client, f"/returns/{own}/nil/take-back") == f"/returns/{own}/nil"
    # a form that came back with errors has the address of its page
    assert switch(client, f"/returns/{own}/nil?x=1") == f"/returns/{own}/nil?x=1"
    assert switch(client, "/no/such/page") == "/no/such/page"


# --- the words of every page -----------------------------------------------------------------------------------------


def addresses(app: Flask, world: World) -> list[str]:
    """Every page that can be read with GET, of the first agency and its round."""
    code, audit_return = next(iter(world.returns.items()))
    section = world.work(code).sections[0]
    found = []
    for rule in app.url_map.iter_rules():
        readable = "GET" in (rule.methods or ()) and permissions_of(app, rule.endpoint)
        if not readable or rule.endpoint.endswith("static"):
            continue
        values = {
            "standard": section.standard.id, "criterion": section.items[0].criterion.id, "ret": audit_return.public_id,
            "agency_type": audit_return.agency_type,
            "rid": world.audit_round.public_id if rule.rule.startswith("/rounds/") else audit_return.public_id,
            "aid": world.session.scalars(select(Area.public_id)).first(),
        }  # fmt: skip
        if rule.arguments <= set(values):
            found.append(app.url_map.bind("localhost").build(rule.endpoint, {k: values[k] for k in rule.arguments}))
    return sorted(set(found))


def names_of(world: World) -> set[str]:
    """The names on a page: of bodies, people and the round."""
    owner = world.audit_round.owner
    found = {world.audit_round.name, world.audit_round.key, owner.short, owner.kind, *NAMES}
    for model in (Agency, Area, OversightBody):
        for name, code in world.session.execute(select(model.name, model.code)):
            found |= {name, code}
    for name, email in world.session.execute(select(User.name, User.email)):
        found |= {name, email}
    # mails are in the language of whom they go to
    return found | set(world.session.scalars(select(OutboxMessage.subject)))


@cache
def texts_of_packs() -> frozenset[str]:
    """Every text of the packs that come with the program: they are not translated."""
    every = load_all(ROOT / "audit_templates").values()
    return frozenset(one for pack in every for one in strings_in(pack.to_frozen()))


@cache
def same_in_welsh() -> frozenset[str]:
    """The texts whose translation is the text itself."""
    return frozenset(str(m.id) for m in words.read("cy") if m.id and m.id == m.string)


READERS = ["lead", "signatory", "board", "lead-inspector", "coordinator", "administrator", "anonymous"]


@pytest.mark.parametrize("name", READERS)
def test_no_english_is_left_on_a_welsh_page(
    app: Flask, world: World, client_as: Callable[[str], FlaskClient], name: str
) -> None:
    """A text that both languages show alike is a name, a text of the pack, or was forgotten."""
    code = next(iter(world.returns))
    world.answer(code, best=False, standards=2)
    # what the people of the world typed
    typed = {"What stands in the way, and what is done about it.", "In a few words.", "Fictional"}
    names = names_of(world) | typed
    packs, same = texts_of_packs(), same_in_welsh()
    client = app.test_client() if name == "anonymous" else client_as(name)
    known = names | packs | same
    parts = sorted(names | {one for one in packs if len(one) > 20}, key=len, reverse=True)
    forgotten: dict[str, list[str]] = {}
    pages = 0
    for address in addresses(app, world):
        english, welsh = (use(client, language).get(address) for language in ("en", "cy"))
        if english.status_code != 200 or english.mimetype != "text/html":
            continue
        pages += 1
        assert '<html lang="cy"' in welsh.text, address
        for text in texts(english.text) & texts(welsh.text):
            bare = text.strip(" .,;:()–·“”‘’?!›")
            if len(re.findall(r"[A-Za-z]", bare)) < 2 or {bare, text} & known:
                continue
            if re.fullmatch(NOT_WORDS, bare):
                continue
            if all(piece in known for piece in re.split(r"[:;,] ", bare)):
                continue
            # what is left once names and the pack's sentences are taken out
            whole = text
            for part in parts:
                text = text.replace(part, "")
            if len(re.findall(r"[A-Za-z]", text)) < 2:
                continue
            forgotten.setdefault(whole, []).append(address)
    assert pages >= 2
    assert forgotten == {}


def test_dates_numbers_and_messages_are_welsh(
    app: Flask, world: World, client_as: Callable[[str], FlaskClient]
) -> None:
    code, audit_return = next(iter(world.returns.items()))
    client = use(client_as("signatory"), "cy")
    page = client.get(f"/returns/{audit_return.public_id}/").text
    assert "16 Mehefin 2003" in page
    assert "June" not in page
    # what cannot be done is said in Welsh: a domain message with what stands in it
    section = world.work(code).sections[0]
    page = client.post(f"/returns/{audit_return.public_id}/standards/{section.standard.id}/vouch", data={})
    assert page.status_code in (409, 422)
    assert "ardystio" in page.text


# --- the texts of packs ----------------------------------------------------------------------------------------------


def test_a_page_says_that_a_text_is_not_translated_and_marks_its_language(
    app: Flask, world: World, client_as: Callable[[str], FlaskClient]
) -> None:
    code, audit_return = next(iter(world.returns.items()))
    standard = world.work(code).sections[0].standard
    address = f"/returns/{audit_return.public_id}/standards/{standard.id}"
    notice = "fe’u dangosir yn Saesneg"
    page = use(client_as("lead"), "cy").get(address).text
    assert page.count(notice) == 1
    question = standard.criteria[0].question
    assert isinstance(question, str)
    assert re.search(r'lang="en"[^>]*>\s*(<[^>]*>\s*)*' + re.escape(question[:30]), page)
    # the title is translated
    assert isinstance(standard.title, dict)
    assert standard.title["cy"] in page
    assert standard.title["en"] not in texts(page)
    page = use(client_as("lead"), "en").get(address).text
    assert notice not in page


def test_a_pack_in_two_languages_stands_beside_its_first_version(world: World) -> None:
    """A database that holds the first version, without Welsh, takes the second one and keeps both."""
    first = world.pack.model_copy(update={"version": 99, "changes": "More Welsh."})
    published = templates.publish(world.write(), first, by=SYSTEM, now=world.now)
    assert published.version == 99
    assert templates.publish(world.session, world.pack, by=SYSTEM, now=world.now).id == world.version.id


# --- the declaration -------------------------------------------------------------------------------------------------


def test_the_declaration_is_shown_signed_and_kept_in_the_readers_language(
    app: Flask, world: World, client_as: Callable[[str], FlaskClient]
) -> None:
    from flask_security import hash_password

    code, audit_return = next(iter(world.returns.items()))
    world.answer(code)
    with app.test_request_context():
        hashed = hash_password(PASSWORD)
    world.people["signatory"].password = hashed
    world.session.commit()
    client = use(client_as("signatory"), "cy")
    page = client.get(f"/returns/{audit_return.public_id}/sign").text
    shown = re.search(r'<p class="govuk-body-l cnd-typed"[^>]*>([^<]*)</p>', page)
    assert shown is not None
    assert "Yr wyf fi" in shown[1]
    response = client.post(
        f"/returns/{audit_return.public_id}/sign",
        data={"confirm": "yes", "password": PASSWORD, "content_hash": content_hash(world.work(code))},
    )
    assert response.status_code == 303, response.text
    world.session.rollback()
    declaration = world.session.scalars(select(Declaration)).one()
    assert declaration.text == shown[1]
    assert declaration.language == "cy"
    assert "Yr wyf fi" in client.get(response.headers["Location"]).text or declaration.text


def test_translations_are_looked_up_once_for_all(app: Flask) -> None:
    assert translations("cy") is translations("cy")
    assert translations("en").gettext("Sign in") == "Sign in"
    assert json.dumps(translations("xx").gettext("Sign in")) == '"Sign in"'
