"""Evidence: adding, describing, replacing, removing, downloading; who gets what; nothing that was signed is lost."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pysqlite3
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, select
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from app.files.scan import Scan
from app.models import Event, Evidence, EvidenceLink, EvidenceRevision, StoredFile
from app.operations import events
from app.operations.evidence import record_scan
from app.operations.submissions import reopen, sign_and_submit
from app.queries.evidence import evidence_of_return
from app.queries.returns import content_hash, history
from config import Config
from tests.files import clamd
from tests.world import SYSTEM, World

Clients = Callable[[str], FlaskClient]


@pytest.fixture(autouse=True)
def evidence_folder(app: Flask, worker_home: Path) -> Iterator[Path]:
    """The store's folder, empty."""
    folder = worker_home / "evidence"
    for file in stored(folder):
        (folder / file[:2] / file[2:4] / file).unlink()
    app.extensions.pop("candour_evidence", None)
    yield folder


def stored(folder: Path) -> set[str]:
    """The names of all files in the store: what they hold, as SHA-256."""
    return {file.name for file in folder.rglob("*") if file.is_file()}


class Agency:
    """The first agency's return and library, as one of its people uses them."""

    def __init__(self, world: World, client: FlaskClient, code: str = "") -> None:
        self.world, self.client = world, client
        self.code = code or next(iter(world.returns))
        self.rid = world.returns[self.code].public_id
        self.path = f"/returns/{self.rid}/evidence"
        self.items = world.work(self.code).items

    def send(self, place: str, content: bytes, name: str, **fields: object) -> TestResponse:
        """Send a file with a form's other fields."""
        file = FileStorage(io.BytesIO(content), name)
        data = {"file": file, "title": "", "description": "What it shows.", **fields}
        boundary, body = encode_multipart(data)  # the client itself would leave a temporary file open
        return self.client.post(
            f"{self.path}{place}", data=body, content_type=f"multipart/form-data; boundary={boundary}"
        )

    def add(self, content: bytes = b"Minutes of the board.\n", name: str = "minutes.txt", **fields: object) -> str:
        """Add a file for some questions, which must work; the id of the piece."""
        fields.setdefault("questions", [self.items[0].id])
        response = self.send("/add", content, name, **fields)
        assert response.status_code == 303, words(response)
        self.world.session.rollback()
        newest = select(Evidence.public_id).order_by(Evidence.id.desc()).limit(1)
        return str(self.world.session.scalars(newest).one())

    def sign(self) -> None:
        """Answer everything, and sign."""
        self.world.session.rollback()
        self.world.answer(self.code)
        session = self.world.write()
        expected = content_hash(self.world.work(self.code))
        sign_and_submit(
            session, self.rid, by=self.world.actor("signatory"), now=self.world.now, expected_hash=expected,
            identity_proved=True,
        )  # fmt: skip
        session.commit()

    def verbs(self) -> list[str]:
        """What happened to the return, in order."""
        self.world.session.rollback()
        return [event.verb for event in history(self.world.session, f"return:{self.rid}")]


def words(response: TestResponse) -> str:
    """The text of a page, without its markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.text))


@pytest.fixture
def agency(world: World, client_as: Clients) -> Agency:
    """The first agency, used by its audit lead."""
    return Agency(world, client_as("lead"))


def test_a_file_is_added_for_several_questions_shown_and_downloaded(agency: Agency, evidence_folder: Path) -> None:
    first, second = agency.items[0], agency.items[1]
    page = agency.client.get(f"{agency.path}/add?criterion={first.id}")
    assert "No names or details of children" in words(page)
    assert f'value="{first.id}" checked' in page.text
    response = agency.send(
        "/add", b"Minutes.\n", "Board minutes.txt", questions=[first.id, second.id], criterion=first.id,
        title="Minutes of the board", description="Item 4: the policy was agreed.",
    )  # fmt: skip
    assert response.status_code == 303
    assert response.headers["Location"].endswith(f"#q-{first.id}")
    library = agency.client.get(f"{agency.path}/")
    for shown in ("Minutes of the board", "Item 4: the policy was agreed.", "Not scanned for viruses", first.number):
        assert shown in words(library)
    assert len(stored(evidence_folder)) == 1
    file = re.search(rf'href="({agency.path}/\w+/files/1)"', library.text)
    assert file
    got = agency.client.get(file[1])
    assert got.data == b"Minutes.\n"
    assert agency.verbs() == ["return.invited", "return.started", "evidence.added"]


def test_a_download_is_never_shown_by_a_browser(agency: Agency) -> None:
    piece = agency.add(name="näme; it.txt")
    got = agency.client.get(f"{agency.path}/{piece}/files/1")
    assert got.headers["Content-Type"] == "application/octet-stream"
    assert got.headers["Content-Disposition"].startswith("attachment; filename=")
    assert "filename*=UTF-8''n%C3%A4me" in got.headers["Content-Disposition"]
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert got.headers["Cache-Control"] == "no-store"
    assert got.headers["Content-Length"] == str(len(got.data))


def test_what_is_wrong_is_said_all_at_once_and_what_was_typed_is_shown_again(
    agency: Agency, evidence_folder: Path
) -> None:
    asked = agency.items[2].id
    response = agency.send(
        "/add", b"MZ" + bytes(50), "report.pdf", title="My <title>", description="", questions=[asked]
    )
    assert response.status_code == 422
    assert "“report.pdf” is not what its ending .pdf says" in words(response)
    assert "Say what it shows" in words(response)
    assert 'href="#file"' in response.text and 'href="#description"' in response.text
    assert "My &lt;title&gt;" in response.text and f'value="{asked}" checked' in response.text
    assert stored(evidence_folder) == set()
    assert agency.verbs() == ["return.invited"]


def test_the_same_file_sent_twice_is_one_piece(agency: Agency) -> None:
    piece = agency.add(title="Minutes")
    assert agency.add(title="Minutes") == piece
    other = agency.send("/add", b"Minutes of the board.\n", "copy.txt", title="Another title")
    assert other.status_code == 422
    assert "This file is in your library already, as “Minutes”" in words(other)
    assert agency.verbs().count("evidence.added") == 1


def test_describing_keeps_both_texts_of_two_people(agency: Agency, client_as: Clients) -> None:
    piece = agency.add(title="Minutes")
    page = agency.client.get(f"{agency.path}/{piece}/edit")
    token = re.search(r'name="based_on" value="(\w+)"', page.text)
    assert token
    form = {"title": "Minutes", "description": "Mine", "based_on": token[1], "questions": [agency.items[3].id]}
    assert client_as("contributor").post(f"{agency.path}/{piece}/edit", data=form).status_code == 303
    response = agency.client.post(f"{agency.path}/{piece}/edit", data=form | {"description": "Yours"})
    assert response.status_code == 409
    assert "Mine" in response.text and "Yours" in response.text
    new = re.search(r'name="based_on" value="(\w+)"', response.text)
    assert new and new[1] != token[1]
    again = agency.client.post(f"{agency.path}/{piece}/edit", data=form | {"description": "Both", "based_on": new[1]})
    assert again.status_code == 303
    session = agency.world.session
    session.rollback()
    assert session.scalars(select(Evidence.description)).one() == "Both"
    assert session.scalars(select(EvidenceLink.criterion)).all() == [agency.items[3].criterion.id]


def test_replacing_keeps_the_earlier_file(agency: Agency) -> None:
    piece = agency.add(b"First.\n")
    assert agency.send(f"/{piece}/replace", b"Second.\n", "second.txt").status_code == 303
    assert agency.client.get(f"{agency.path}/{piece}/files/1").data == b"First.\n"
    assert agency.client.get(f"{agency.path}/{piece}/files/2").data == b"Second.\n"
    assert "second.txt" in words(agency.client.get(f"{agency.path}/"))
    agency.world.session.rollback()
    audit_return = agency.world.returns[agency.code]
    (found,) = evidence_of_return(agency.world.session, audit_return)[agency.items[0].criterion.id, ""]
    assert (found.name, found.revision) == ("second.txt", 2)
    bad = agency.send(f"/{piece}/replace", b"", "third.txt")
    assert bad.status_code == 422 and "“third.txt” is empty" in words(bad)


def test_a_piece_is_attached_from_the_library_and_taken_off(agency: Agency) -> None:
    piece = agency.add(questions=[])
    unused = agency.client.get(f"{agency.path}/?show=unused")
    assert "minutes" in words(unused)
    asked = agency.items[1]
    offered = agency.client.get(f"{agency.path}/?for={asked.id}")
    assert f"Use for question {asked.number}" in words(offered)
    assert agency.client.post(f"{agency.path}/{piece}/attach", data={"question": asked.id}).status_code == 303
    assert "Nothing fits" in words(agency.client.get(f"{agency.path}/?show=unused"))
    assert agency.client.post(f"{agency.path}/{piece}/attach", data={"question": "no-such"}).status_code == 409
    confirm = agency.client.get(f"{agency.path}/{piece}/remove?question={asked.id}")
    assert f"Take it off question {asked.number}?" in words(confirm)
    taken = agency.client.post(f"{agency.path}/{piece}/remove", data={"question": asked.id})
    assert taken.status_code == 303
    assert agency.client.get(f"{agency.path}/{piece}/files/1").status_code == 200
    assert agency.verbs()[-2:] == ["evidence.attached", "evidence.detached"]


def test_removing_deletes_what_nobody_keeps(agency: Agency, evidence_folder: Path) -> None:
    piece = agency.add()
    agency.send(f"/{piece}/replace", b"Second.\n", "second.txt")
    assert len(stored(evidence_folder)) == 2
    assert "cannot be undone" in words(agency.client.get(f"{agency.path}/{piece}/remove"))
    assert agency.client.post(f"{agency.path}/{piece}/remove").status_code == 303
    assert stored(evidence_folder) == set()
    assert agency.client.get(f"{agency.path}/{piece}").status_code == 404
    assert agency.client.get(f"{agency.path}/{piece}/files/1").status_code == 404
    again = agency.add(b"Second.\n")  # the same content may come back
    assert agency.client.get(f"{agency.path}/{again}/files/1").data == b"Second.\n"


def test_content_that_two_agencies_keep_outlives_the_first(
    agency: Agency, client_as: Clients, evidence_folder: Path
) -> None:
    code = list(agency.world.returns)[1]
    kind = agency.world.returns[code].agency_type
    other = Agency(agency.world, client_as(f"signatory-{kind}"), code)
    mine, theirs = agency.add(b"A national leaflet.\n"), other.add(b"A national leaflet.\n")
    assert len(stored(evidence_folder)) == 1
    agency.client.post(f"{agency.path}/{mine}/remove")
    assert other.client.get(f"{other.path}/{theirs}/files/1").data == b"A national leaflet.\n"
    other.client.post(f"{other.path}/{theirs}/remove")
    assert stored(evidence_folder) == set()


def test_signed_evidence_is_part_of_what_is_signed_and_never_deleted(
    agency: Agency, client_as: Clients, evidence_folder: Path
) -> None:
    piece = agency.add(b"Signed.\n", title="The signed piece", description="It shows this.")
    agency.sign()
    session = agency.world.session
    session.rollback()
    content = json.loads(agency.client.get(_submission_path(agency) + "/content.json").text)
    (signed,) = content["evidence"]
    assert signed["title"] == "The signed piece" and signed["name"] == "minutes.txt" and signed["revision"] == 1
    sha256 = signed["sha256"]
    assert stored(evidence_folder) == {sha256}

    closed = agency.send("/add", b"Late.\n", "late.txt")
    assert closed.status_code == 409 and "has been submitted" in words(closed)
    assert agency.client.post(f"{agency.path}/{piece}/remove").status_code == 409

    inspector = client_as("lead-inspector")
    page = inspector.get(_submission_path(agency))
    assert "The signed piece" in words(page) and "Not scanned for viruses" in words(page) and sha256 in page.text
    got = inspector.get(f"{agency.path}/signed/{sha256}")
    assert got.data == b"Signed.\n" and got.headers["Content-Disposition"].startswith("attachment")
    assert inspector.get(f"{agency.path}/").status_code == 404
    assert inspector.get(f"{agency.path}/{piece}/files/1").status_code == 404
    assert client_as("coordinator").get(f"{agency.path}/signed/{sha256}").status_code == 200
    assert client_as("outsider").get(f"{agency.path}/signed/{sha256}").status_code in (403, 404)

    reopen(agency.world.write(), agency.rid, reason="A wrong date", by=SYSTEM, now=agency.world.now)
    agency.world.session.commit()
    agency.send(f"/{piece}/replace", b"A draft.\n", "draft.txt")
    draft = next(iter(stored(evidence_folder) - {sha256}))
    assert inspector.get(f"{agency.path}/signed/{draft}").status_code == 404  # drafts are private
    assert agency.client.post(f"{agency.path}/{piece}/remove").status_code == 303
    assert stored(evidence_folder) == {sha256}  # the draft is gone, what was signed stays
    assert inspector.get(f"{agency.path}/signed/{sha256}").data == b"Signed.\n"
    assert "the library" in words(agency.client.get(f"/returns/{agency.rid}/history"))
    hidden = words(inspector.get(f"/returns/{agency.rid}/history"))
    assert "Added evidence" in hidden and "The signed piece" not in hidden and "draft.txt" not in hidden


def _submission_path(agency: Agency) -> str:
    response = agency.client.get(f"/returns/{agency.rid}/")
    found = re.search(rf"/returns/{agency.rid}/submissions/\w+", response.text)
    assert found
    return found[0]


def test_what_was_signed_changes_with_the_evidence(agency: Agency) -> None:
    before = content_hash(agency.world.work(agency.code))
    agency.add()
    with_it = content_hash(agency.world.work(agency.code))
    assert with_it != before


def test_a_library_has_a_quota(
    agency: Agency, app: Flask, evidence_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = app.config["CANDOUR"]
    monkeypatch.setitem(app.config, "CANDOUR", replace(config, evidence_quota_mb=1, evidence_max_mb=1))
    agency.add(b"a" * 700_000 + b"\n")
    full = agency.send("/add", b"b" * 700_000 + b"\n", "second.txt", description="Typed with care.")
    assert full.status_code == 409
    assert "over the 1 MB" in words(full) and "Typed with care." in full.text
    assert len(stored(evidence_folder)) == 1
    agency.world.session.rollback()
    assert agency.world.session.scalar(select(func.count()).select_from(StoredFile)) == 1


def test_a_file_that_is_too_large_gets_a_page_with_the_right_limit(agency: Agency) -> None:
    response = agency.send("/add", b"a" * (22 * 1024**2), "large.txt")
    assert response.status_code == 413
    assert "at most 20 megabytes" in words(response)
    page = agency.client.post(
        f"/returns/{agency.rid}/standards/{agency.world.work(agency.code).sections[0].standard.id}",
        data={"x": "a" * (5 * 1024**2)},
    )
    assert page.status_code == 413 and "larger than 4 megabytes" in words(page)


@pytest.mark.parametrize("name", ["board", "lead-inspector", "outsider", "coordinator", "administrator"])
def test_only_the_agencys_own_editors_add_evidence(world: World, client_as: Clients, name: str) -> None:
    someone = Agency(world, client_as(name))
    assert someone.client.get(f"{someone.path}/add").status_code in (403, 404)
    assert someone.send("/add", b"Minutes.\n", "minutes.txt").status_code in (403, 404)
    world.session.rollback()
    assert world.session.scalar(select(func.count()).select_from(EvidenceRevision)) == 0


def test_another_agency_sees_and_gets_nothing(agency: Agency, client_as: Clients) -> None:
    piece = agency.add()
    code = list(agency.world.returns)[1]
    other = Agency(agency.world, client_as(f"signatory-{agency.world.returns[code].agency_type}"), code)
    for path in (f"{agency.path}/", f"{agency.path}/{piece}", f"{agency.path}/{piece}/files/1"):
        assert other.client.get(path).status_code == 404
    for place in ("", "/edit", "/replace", "/remove", "/files/1"):  # by way of their own return
        assert other.client.get(f"{other.path}/{piece}{place}").status_code == 404
    assert other.client.post(f"{other.path}/{piece}/remove").status_code == 404


def test_a_return_reads_its_evidence_in_one_statement(agency: Agency) -> None:
    for number in range(5):
        agency.add(b"Number %d\n" % number, f"number-{number}.txt", questions=[one.id for one in agency.items[:4]])
    session = agency.world.session
    session.rollback()
    audit_return = agency.world.returns[agency.code]
    session.refresh(audit_return)
    statements: list[str] = []
    engine = session.get_bind()

    def note(*told: object) -> None:
        statements.append(str(told[2]))

    event.listen(engine, "before_cursor_execute", note)
    found = evidence_of_return(session, audit_return)
    event.remove(engine, "before_cursor_execute", note)
    assert {len(pieces) for pieces in found.values()} == {5} and len(found) == 4
    assert len(statements) == 1


def test_a_library_of_many_pieces_has_pages(agency: Agency) -> None:
    for number in range(23):
        agency.add(b"Number %d\n" % number, f"number-{number}.txt", questions=[])
    first, second = (words(agency.client.get(f"{agency.path}/?page={page}")) for page in (1, 2))
    assert "23 pieces of evidence" in first
    assert "number-22" in first and "number-2 " not in first
    assert "number-2 " in second
    standard = agency.world.work(agency.code).sections[0].standard.id
    assert "Nothing fits" in words(agency.client.get(f"{agency.path}/?standard={standard}"))


def test_history_says_what_happened_and_its_chain_is_whole(agency: Agency) -> None:
    piece = agency.add(title="Minutes")
    agency.send(f"/{piece}/replace", b"Second.\n", "second.txt")
    agency.client.post(f"{agency.path}/{piece}/remove")
    told = words(agency.client.get(f"/returns/{agency.rid}/history"))
    for sentence in (
        "Added evidence: “Minutes” (“minutes.txt”). It supports question",
        "Replaced the file of “Minutes” by “second.txt”",
        "Removed “Minutes” from the library.",
    ):
        assert sentence in told
    agency.world.session.rollback()
    every = agency.world.session.scalars(
        select(Event).where(Event.chain == f"return:{agency.rid}").order_by(Event.seq)
    ).all()
    assert events.verify(list(every)) is None
    assert "Minutes" not in json.dumps([event.data for event in every])  # free text stands beside the chain


@pytest.fixture
def scanner(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have the service use the scanner at an address."""

    def use(address: str) -> None:
        monkeypatch.setitem(app.config, "CANDOUR", replace(app.config["CANDOUR"], clamd=address))

    return use


VERSION = {b"zVERSION\0": b"ClamAV 1.4.3/27000/today\0"}


def test_an_infected_file_is_refused_and_the_history_says_so(
    agency: Agency, evidence_folder: Path, scanner: Callable[[str], None]
) -> None:
    with clamd.told(VERSION | {b"zINSTREAM\0": b"stream: Evil.Thing FOUND\0"}) as address:
        scanner(address)
        response = agency.send("/add", b"Harmful.\n", "harmful.txt")
    assert response.status_code == 422 and "Evil.Thing" in words(response)
    assert stored(evidence_folder) == set()
    assert agency.verbs() == ["return.invited", "evidence.refused"]
    told = words(agency.client.get(f"/returns/{agency.rid}/history"))
    assert "Refused “harmful.txt”: a virus scanner found something harmful (Evil.Thing)" in told


def test_a_clean_file_is_not_called_unscanned(agency: Agency, scanner: Callable[[str], None]) -> None:
    with clamd.told(VERSION | {b"zINSTREAM\0": b"stream: OK\0"}) as address:
        scanner(address)
        piece = agency.add()
    assert "Not scanned" not in words(agency.client.get(f"{agency.path}/{piece}"))
    agency.world.session.rollback()
    row = agency.world.session.scalars(select(StoredFile)).one()
    assert (row.scan, row.scanner) == ("clean", "ClamAV 1.4.3/27000/today")


def test_what_a_later_scan_finds_can_no_longer_be_downloaded(agency: Agency, evidence_folder: Path) -> None:
    piece = agency.add()
    (sha256,) = stored(evidence_folder)
    session = agency.world.write()
    record_scan(session, sha256, Scan("infected", "Evil.Thing", "ClamAV"), by=SYSTEM, now=agency.world.now)
    session.commit()
    assert agency.client.get(f"{agency.path}/{piece}/files/1").status_code == 409
    assert "Infected: cannot be downloaded" in words(agency.client.get(f"{agency.path}/"))
    assert agency.verbs()[-1] == "evidence.infected"
    agency.client.post(f"{agency.path}/{piece}/remove")
    again = agency.send("/add", b"Minutes of the board.\n", "again.txt")  # nobody scans, but it is known
    assert again.status_code == 409 and "harmful" in words(again)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nobody_waits_while_a_file_is_examined(
    agency: Agency, config: Config, scanner: Callable[[str], None]
) -> None:
    """SQLite has one writer at a time: while the scanner looks, the request must not be it."""
    tried: list[str] = []

    class Colleague(dict[bytes, bytes]):
        def get(self, command: bytes, default: bytes | None = None) -> bytes | None:  # type: ignore[override]
            if command == b"zINSTREAM\0":
                connection = pysqlite3.connect(config.database_url.removeprefix("sqlite:///"), timeout=0)
                connection.isolation_level = None
                connection.execute("BEGIN IMMEDIATE")  # raises at once where somebody else writes
                connection.close()
                tried.append("written")
            return {**VERSION, b"zINSTREAM\0": b"stream: OK\0"}.get(command, default)

    agency.world.session.rollback()
    with clamd.told(Colleague()) as address:
        scanner(address)
        agency.add()
    assert tried == ["written"]
