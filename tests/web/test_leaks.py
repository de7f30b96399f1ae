"""A leak census: a token of its own in every text of every agency; every page, file and mail, opened as everybody.

Before publication nobody finds a token that is not theirs: not of another agency, and nothing of what an oversight body
does in private; nor does any page that others read change by it. After publication an agency finds its own feedback,
and nothing else is new to anybody. `tests/web/test_who_may.py` asks for what a role may never have; here each asks for
what their role may have, of themselves and of others.
"""

from __future__ import annotations

import inspect
import io
import re
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache, lru_cache
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import pypdf
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from app import clock
from app.jobs import report_runs
from app.models import (
    Area,
    Evidence,
    Judgement,
    Monitoring,
    OutboxMessage,
    OversightBody,
    PeerReview,
    PlannedAction,
    RecommendationStatus,
    Recommended,
    RecommendedStatus,
    RoundTemplate,
    Submission,
    Thread,
    User,
)
from app.operations import agencies as agencies_operations
from app.operations import (
    examples,
    follow_up,
    mergers,
    peers,
    people,
    querying,
    release,
    responding,
    rounds,
    signing,
    submissions,
)
from app.operations.answers import Edit
from app.operations.search import rebuild
from app.policy import AGENCY_ROLES, PERMISSIONS, could
from app.queries.returns import content_hash
from app.web.permissions import permissions_of
from reports.formats import FORMATS
from tests.operations.checking import check, drawn_sample, finished, put_in_sample
from tests.operations.test_returns import save, sign
from tests.web.test_release import AGES_AGO, FAR_AHEAD, moved
from tests.world import SYSTEM, World, complete_answer

# who reads what does not depend on the database
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

TOKEN = re.compile(rb"leak([a-z]+)0([a-z]+[0-9]+)leak")
# what an agency signed, with the file and the person behind it; what it keeps to itself; what it is told
SIGNED = {"commentary", "action", "evidence", "description", "filename", "file", "signatory"}
INTERNAL = {"board", "person", "post"}
TOLD = {"query", "progress", "accuracy", "reopen"}
# what it says itself to what is recommended to it: for its inspectors, and nobody else
SAID = {"response"}
# what the oversight body says for itself, and of that what stands in the feedback
IN_FEEDBACK = {"moderation", "narrative", "monitoring", "recommendation"}
PRIVATE = IN_FEEDBACK | {"seen", "judgement", "override", "example", "second", "tracked"}


def token(kind: str, code: str) -> str:
    """The token of a kind of text about an agency: one word, for any index."""
    return f"leak{kind}0{code.replace('-', '')}leak"


# --- the world -------------------------------------------------------------------------------------------------------


@dataclass
class Census:
    """A round of two bodies with three agencies that signed, two of one type, and everything that is said of them."""

    app: Flask
    world: World
    client_as: Callable[[str], FlaskClient]
    codes: list[str]
    # one that was merged into the first of `codes`, and one with nothing to return; both had begun to answer
    gone: list[str] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    clients: dict[str, FlaskClient] = field(default_factory=dict)

    def visit(self, name: str) -> FlaskClient:
        """The client of somebody; of nobody without a name."""
        if name not in self.clients:
            self.clients[name] = self.client_as(name) if name else self.app.test_client()
        return self.clients[name]

    def ret(self, code: str) -> str:
        """The public id of an agency's return."""
        return self.world.returns[code].public_id

    def signatory(self, code: str) -> str:
        """Who signs for an agency."""
        return {self.codes[0]: "signatory", self.codes[1]: f"signatory-{self.world.returns[code].agency_type}"}.get(
            code, code
        )

    def inspector(self, code: str) -> str:
        """Who inspects an agency."""
        return "other-type" if code == self.codes[1] else "inspector"


def _people(world: World) -> None:
    """A second body that asks the second agency type; peers, a coordinator elsewhere; a second agency of a type."""
    session = world.write()
    kinds = list(world.pack.agency_types)
    people.add_oversight_body(
        session, code="west", name="Westmere Inspectorate", short="West", kind="inspectorate", by=SYSTEM, now=world.now
    )
    west = session.scalars(select(OversightBody.id).where(OversightBody.code == "west")).one()
    session.execute(
        sa.update(RoundTemplate).where(RoundTemplate.agency_type == kinds[1]).values(oversight_body_id=west)
    )
    lines = ["code,name,type,subtype,areas,email,signatory"]
    for number, name in ((2, "two"), (3, "three"), (4, "four")):
        code = f"{kinds[0]}-{number}"
        lines.append(
            f"{code},Fictional {kinds[0]} {name},{kinds[0]},,mere: Mereland; far: Farland,{code}@agency.example,Sam"
        )
    made = agencies_operations.import_csv(
        session, "\n".join(lines), world.pack.agency_types, by=SYSTEM, now=world.now
    )
    rounds.add_agencies(
        session, world.audit_round.public_id, [one.public_id for one in made], by=SYSTEM, now=world.now
    )
    for name, role, code in (
        ("other-type", "inspector", "west"),
        ("other-type-lead", "lead_inspector", "west"),
        ("peer", "peer_reviewer", world.body.code),
        ("asked-peer", "peer_reviewer", world.body.code),
        ("idle-peer", "peer_reviewer", world.body.code),
        ("far-coordinator", "area_coordinator", "far"),
    ):
        people.add_person(
            session, email=f"{name}@agency.example", name=name.title(), role=role, body_code=code, post="",
            starts=world.now.date(), ends=None, by=SYSTEM, now=world.now,
        )  # fmt: skip
    session.commit()
    world.people |= {user.email.split("@")[0]: user for user in session.scalars(select(User))}
    world.returns |= {row.agency.code: row for row in session.scalars(select(type(world.returns[f"{kinds[0]}-1"])))}


def _signed(census: Census, code: str) -> None:
    """Answer, plan, attach, comment, sign; the first agency signs twice."""
    world, by, rid = census.world, census.signatory(code), census.ret(code)
    user = world.people[by].id
    session = world.write()
    session.execute(sa.update(User).where(User.id == user).values(name=token("signatory", code)))
    contributor = people.add_person(
        session, email=f"contributor-{code}@agency.example", name=token("person", code), role="contributor",
        post=token("post", code), body_code=code, starts=world.now.date(), ends=None, by=SYSTEM, now=world.now,
    )  # fmt: skip
    assert contributor
    session.commit()
    world.session.expire_all()
    item = world.work(code).items[0]
    raw = complete_answer(item.scheme, best=False) | {"commentary": token("commentary", code)}
    world.answer(code, by=by, best=False)
    version = world.work(code).items[0].answer.version
    assert save(world, code, Edit(item.id, raw, version, "token"), by=by).saved
    file = FileStorage(io.BytesIO(token("file", code).encode()), f"{token('filename', code)}.txt")
    boundary, body = encode_multipart(
        {"file": file, "title": token("evidence", code), "description": token("description", code),
         "questions": [item.id]},
    )  # fmt: skip
    sent = census.visit(by).post(
        f"/returns/{rid}/evidence/add", data=body, content_type=f"multipart/form-data; boundary={boundary}"
    )
    assert sent.status_code == 303
    session = world.write()
    session.add(
        PlannedAction(
            what=token("action", code), owner="", made_at=world.now, saved_at=world.now,
            return_id=world.returns[code].id, criterion=item.criterion.id,
        )
    )  # fmt: skip
    session.commit()
    actor = world.actor(by)
    signing.comment(world.write(), rid, text=token("board", code), by=actor, now=world.now)
    world.session.commit()
    sign(world, code, by=by, expected=content_hash(world.work(code)))
    if code == census.codes[0]:
        lead = world.actor("lead-inspector")
        submissions.reopen(world.write(), rid, reason=token("reopen", code), by=lead, now=world.now)
        world.session.commit()
        sign(world, code, by=by, expected=content_hash(world.work(code)))


def _gone(census: Census) -> None:
    """One agency is merged into the first, another has nothing to return; both had begun to answer."""
    world = census.world
    for code in census.gone:
        item = world.work(code).items[0]
        raw = complete_answer(item.scheme, best=False) | {"commentary": token("draft", code)}
        assert save(world, code, Edit(item.id, raw, item.answer.version, "token"), by=census.signatory(code)).saved
    merged, nil = census.gone
    inspector = world.actor("inspector")
    mergers.merge(
        world.write(), census.ret(merged), into=census.codes[0], merged_on=world.now.date(),
        reason=token("merger", merged), by=inspector, now=world.now,
    )  # fmt: skip
    submissions.set_nil(
        world.session, census.ret(nil), reason=token("nil", nil), by=inspector, now=world.now
    )
    world.session.commit()


def _told(census: Census, code: str) -> None:
    """What the agency is told and asked, by inspectors, peers and a scrutineer."""
    world, rid = census.world, census.ret(code)
    now, day = world.now, (world.now + timedelta(days=9)).date()
    inspector = world.actor(census.inspector(code))
    querying.ask(world.write(), rid, subject=token("query", code), text=token("query", code), due=day, by=inspector,
                 now=now)  # fmt: skip
    follow_up.ask_for_progress(
        world.session, [rid], subject=token("progress", code), text=token("progress", code), due=day, by=inspector,
        now=now,
    )  # fmt: skip
    peers.comment(
        world.session, rid, about="", subject=token("comment", code), text=token("comment", code),
        by=world.actor("coordinator"), now=now,
    )  # fmt: skip
    world.session.commit()
    recommended = _recommended(census, code)
    by = world.actor(census.signatory(code))
    responding.respond(
        world.write(), rid, recommended.public_id, answer="partly", progress="under_way", text=token("response", code),
        expected=day, by=by, now=now,
    )  # fmt: skip
    world.session.commit()
    if code != census.codes[0]:
        return
    lead, peer = world.actor("lead-inspector"), world.actor("peer")
    for name in ("peer", "asked-peer"):
        peers.assign(world.write(), rid, world.people[name].public_id, by=lead, now=now)
        world.session.commit()
    review = world.session.scalars(
        select(PeerReview.public_id).where(PeerReview.user_id == world.people["peer"].id)
    ).one()
    peers.declare(world.write(), review, conflict="", by=peer, now=now)
    peers.challenge(world.session, review, about="", subject=token("peer", code), text=token("peer", code), by=peer,
                    now=now)  # fmt: skip
    world.session.commit()


def _recommended(census: Census, code: str) -> Recommended:
    """What is recommended to the agencies of a type, made when it is first asked for."""
    world, session = census.world, census.world.session
    kind = world.returns[code].agency_type
    row = session.scalars(select(Recommended).where(Recommended.agency_type == kind)).first()
    if row is None:
        row = Recommended(
            round_id=world.audit_round.id, key=f"rec-{code}", number=census.codes.index(code) + 1, made_at=world.now,
            text={"en": "Do better."}, agency_type=kind, edition=1,
        )  # fmt: skip
        world.write().add(row)
        session.commit()
    return row


def _privately(census: Census, code: str) -> None:
    """What the oversight body does in private: checks, follow-up, judgements, examples."""
    world, rid, now = census.world, census.ret(code), census.world.now
    name = census.inspector(code)
    item = world.work(code).items[0]
    best = next(grade for grade in item.scheme.grades if grade.counts_as == "met")
    put_in_sample(world, code, inspector=name, questions=[item.id])
    check(world, code, item.id, best.key, by=name, reason=token("moderation", code), seen=token("seen", code))
    finished(world, code, by=name)
    inspector = world.actor(name)
    submission = world.session.scalars(
        select(Submission.public_id).where(Submission.return_id == world.returns[code].id).order_by(-Submission.number)
    ).first()
    assert submission
    session = world.write()
    follow_up.monitor(session, [rid], reason=token("monitoring", code), review_on=None, by=inspector, now=now)
    examples.mark(
        session, rid, submission=submission, question=item.id, kind="concern", note=token("example", code),
        by=inspector, now=now,
    )  # fmt: skip
    session.add_all(
        [
            RecommendationStatus(
                return_id=world.returns[code].id, recommendation="any/1", state="met",
                note=token("recommendation", code), at=now,
            ),
            Judgement(
                return_id=world.returns[code].id, key="any", explanation={}, given="x",
                given_note=token("judgement", code), given_at=now, override="y",
                override_reason=token("override", code), override_at=now,
            ),
            RecommendedStatus(
                recommended_id=_recommended(census, code).id, return_id=world.returns[code].id, state="under_way",
                note=token("tracked", code), at=now,
            ),
        ]
    )  # fmt: skip
    session.commit()


def _prepared(census: Census) -> None:
    """Feedback with the inspectors' words; the window and the minute of publication set, both far ahead."""
    world, rid = census.world, census.world.audit_round.public_id
    for name in ("inspector", "other-type"):
        actor = world.actor(name)
        release.prepare(world.write(), rid, by=actor, now=world.now)
        world.session.commit()
    for code in census.codes:
        narrate(census, code, "narrative", version=1)
    lead = world.actor("lead-inspector")
    release.set_window(
        world.write(), rid, opens=FAR_AHEAD - timedelta(days=20), closes=FAR_AHEAD - timedelta(days=9), by=lead,
        now=world.now,
    )  # fmt: skip
    release.set_publication(
        world.session, rid, at=FAR_AHEAD, by=lead, now=world.now,
        waived=dict.fromkeys(release.WAIVABLE, "They were told."),
    )  # fmt: skip
    rebuild(world.session, by=SYSTEM)
    world.session.commit()


def narrate(census: Census, code: str, kind: str, *, version: int) -> None:
    """The inspector's own words to an agency, in place of those of a version; by the clock that pages go by."""
    actor, session = census.world.actor(census.inspector(code)), census.world.write()
    release.write_narrative(
        session, census.ret(code), narrative=token(kind, code), version=version, by=actor, now=clock.now(session)
    )
    census.world.session.commit()


def report(census: Census, name: str, path: str, key: str = "", *, made: bool = True) -> None:
    """A report as a PDF file, asked for by somebody and made."""
    assert census.visit(name).post(path, data={"report": key}).status_code == 303, path
    if made:
        with census.app.app_context():
            assert report_runs.make(census.app, census.runs[-1]) == "done"


@pytest.fixture
def census(
    app: Flask, world: World, client_as: Callable[[str], FlaskClient], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Census:
    """The agencies have signed and were told things; nothing was done in private yet."""
    kinds = list(world.pack.agency_types)
    made = Census(
        app, world, client_as, [f"{kinds[0]}-1", f"{kinds[1]}-1", f"{kinds[0]}-2"],
        [f"{kinds[0]}-3", f"{kinds[0]}-4"],
    )  # fmt: skip
    monkeypatch.setitem(
        app.extensions, "candour_jobs", SimpleNamespace(enqueue_report=lambda _session, run: made.runs.append(run))
    )
    # pages about packs read the one that is used, not all that there are
    settings, key = app.config["CANDOUR"], world.pack.pack
    shutil.copytree(settings.templates / key, tmp_path / "packs" / key)
    monkeypatch.setitem(app.config, "CANDOUR", replace(settings, templates=tmp_path / "packs"))
    _people(world)
    for code in made.codes:
        _signed(made, code)
        _told(made, code)
    _gone(made)
    world.write()
    drawn_sample(world)
    world.session.commit()
    return made


# --- what is asked for -----------------------------------------------------------------------------------------------

FORMAT = re.compile(r'asked\("format"\) *== *"(\w+)"')


def readers(app: Flask, endpoint: str) -> set[Callable[..., object]]:
    """The view of an endpoint, and the functions beside it that it calls."""
    view = inspect.unwrap(app.view_functions[endpoint])
    if not inspect.isfunction(view) or not view.__module__.startswith("app."):
        return set()
    called = set(view.__code__.co_names)
    beside = inspect.getmembers(inspect.getmodule(view), inspect.isfunction)
    return {view, *(one for name, one in beside if name in called and one.__module__ == view.__module__)}


def formats_of(app: Flask, endpoint: str) -> set[str]:
    """What else than a page an endpoint gives where `format` asks for it."""
    return {kind for one in readers(app, endpoint) for kind in _asked_in(one)}


@cache
def _asked_in(function: Callable[..., object]) -> list[str]:
    return FORMAT.findall(inspect.getsource(function))


# where the answers of an agency that signed nothing stand, and what became of it
OF_GONE = (
    "agency.tasks", "agency.answers", "agency.check", "agency.events", "actions.plan", "evidence.library",
    "oversight.merge", "oversight.nil", "feedback.page", "follow_up.return_page", "offline.index",
)  # fmt: skip


# where threads of each kind are read
THREADS = {"queries": "query", "progress": "progress", "peers": "peer", "peer_desk": "peer", "feedback": "accuracy"}


def paths(census: Census, codes: Iterable[str]) -> dict[str, str]:
    """Every page and file that is read, about each agency and with things of that agency in every place: address to
    the permission that it needs."""
    world, app = census.world, census.app
    session = world.session
    session.rollback()
    session.expire_all()
    mere = session.scalars(select(Area.public_id).where(Area.code == "mere")).one()
    found: dict[str, str] = {}
    rid = world.audit_round.public_id
    for code in codes:
        audit_return = world.returns[code]
        item, section = world.work(code).items[0], world.work(code).sections[0]
        newest = select(Submission.public_id).where(Submission.return_id == audit_return.id)
        threads = {
            row.kind: row.public_id
            for row in session.scalars(select(Thread).where(Thread.return_id == audit_return.id))
        }
        piece = session.scalars(select(Evidence).where(Evidence.agency_id == audit_return.agency_id)).one()
        watch = session.scalars(select(Monitoring.public_id).where(Monitoring.return_id == audit_return.id)).first()
        review = session.scalars(select(PeerReview.public_id).where(PeerReview.return_id == audit_return.id)).first()
        values: dict[str, object] = {
            "standard": section.standard.id, "criterion": item.criterion.id, "ret": audit_return.public_id,
            "sid": session.scalars(newest.order_by(-Submission.number)).first(),
            "agency_type": audit_return.agency_type, "eid": piece.public_id, "sha256": piece.revisions[-1].sha256,
            "number": 1, "version": 1, "key": "any", "aid": mere, "filename": "nothing.css", "question": item.id,
            "recommendation": "any/1", "mid": watch or "no-such", "prid": review or "no-such",
            "person": world.people[census.signatory(code)].public_id, "area": mere, "did": "no-such",
        }  # fmt: skip
        planned = select(PlannedAction.public_id).where(PlannedAction.return_id == audit_return.id)
        action = session.scalars(planned).one()
        for rule in app.url_map.iter_rules():
            permission = permissions_of(app, rule.endpoint).get("GET")
            if permission is None or rule.endpoint.endswith(("static", "logout")):
                continue
            about_round = rule.rule.startswith("/rounds/")
            own = values | {"rid": rid if about_round else audit_return.public_id}
            if "<run>" in rule.rule:
                forms = list(FORMATS) if "form" in rule.arguments else [""]
                for run, form in product(census.runs, forms):
                    given = {"run": run} | ({"form": form} if form else {})
                    found[app.url_map.bind("localhost").build(rule.endpoint, given)] = permission
                continue
            thread = threads.get(THREADS.get(rule.endpoint.partition(".")[0], ""), threads["query"])
            own |= {"tid": thread, "thread": thread}
            if rule.endpoint.startswith(("recommended.", "agency.recommendation")):
                own |= {"recommendation": _recommended(census, code).public_id}
            if rule.endpoint.startswith("actions."):
                own |= {"aid": action}
            given = {name: own.get(name, f"no-such-{name}") for name in rule.arguments}
            path = app.url_map.bind("localhost").build(rule.endpoint, given)
            found[path] = permission
            if rule.endpoint == "recommended.status":
                found[f"{path}?return={audit_return.public_id}"] = permission
            for kind in sorted(formats_of(app, rule.endpoint)):
                found[f"{path}?format={kind}"] = permission
        text = token("query", code)  # a search finds it where it may be read, and else not even that it is there
        found[f"/returns/{audit_return.public_id}/search?q={text}"] = "return.read_all"
        found[f"/rounds/{rid}/search?q={text}"] = "search.use"
        found[f"/returns/{audit_return.public_id}/feedback/versions/2"] = "feedback.write"
    for code in census.gone:
        for endpoint in OF_GONE:
            address = app.url_map.bind("localhost").build(endpoint, {"rid": census.ret(code)})
            found[address] = permissions_of(app, endpoint)["GET"]
        found[f"/rounds/{rid}/returns/{census.ret(code)}"] = "round.read"
        found[f"/returns/{census.ret(code)}/search?q={token('draft', code)}"] = "return.read_all"
        found[f"/rounds/{rid}/search?q={token('draft', code)}"] = "search.use"
    for query in ("ledger?state=merged", "ledger?state=nil"):
        found[f"/rounds/{rid}/{query}"] = "round.read"
    for query in ("ledger?q=one", "release?text=one", "search?q=minutes&format=csv"):
        found[f"/rounds/{rid}/{query}"] = "round.read"
    for query in ("publications/2.json", "publications/2.csv"):
        found[f"/rounds/{rid}/{query}"] = "findings.read"
    return found


def opened(data: bytes) -> bytes:
    """Everything that can be read in what was sent: the members of archives; text, metadata, attachments of PDFs."""
    is_file = data.startswith((b"PK\x03\x04", b"%PDF-"))
    return _unpacked(data) if is_file else data.replace(b"<mark>", b"").replace(b"</mark>", b"")


@lru_cache(maxsize=200)  # the same file comes to many
def _unpacked(data: bytes) -> bytes:
    if data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return b"\n".join(name.encode() + b"\n" + opened(archive.read(name)) for name in archive.namelist())
    reader = pypdf.PdfReader(io.BytesIO(data))
    texts = [str(reader.metadata), *reader.attachments, *(page.extract_text() for page in reader.pages)]
    attached = [opened(content) for contents in reader.attachments.values() for content in contents]
    metadata = reader.trailer["/Root"].get("/Metadata")
    if metadata:
        attached.append(metadata.get_object().get_data())
    # a word can be broken at the end of a line, with a hyphen
    return re.sub(r"[\s\u00ad-]+", "", "".join(texts)).encode() + b"\n".join(attached)


def tokens_in(response: TestResponse, *, asked: str) -> set[str]:
    """The tokens in all of an answer, its headers too, without the words that were asked for coming back."""
    text = str(response.headers).encode() + opened(response.data)
    if "?q=leak" in asked:
        query = asked.rpartition("=")[2].encode()
        text = re.sub(b'value="' + query + b'"|[?&;]q=' + query, b"", text)
    return {hit[0].decode() for hit in TOKEN.finditer(text)}


def normal(response: TestResponse) -> str:
    """A page without what differs each time."""
    return f"{response.status_code} " + re.sub(r'(nonce|value)="[^"]*"|"token": ?"[^"]*"', "", response.text)


# --- who may find what -----------------------------------------------------------------------------------------------

AGENCY_PEOPLE = ("signatory", "lead", "contributor", "board")
NEVER = ("", "outsider", "idle-peer", "asked-peer", "far-coordinator")


def everybody(census: Census) -> list[str]:
    """Everybody who asks, nobody (the anonymous) first."""
    others = [census.signatory(code) for code in census.codes[1:]]
    return [*NEVER, *AGENCY_PEOPLE, *others, "coordinator", "peer", "administrator", "inspector", "other-type-lead"]


def allowed(census: Census, name: str, phase: str) -> set[str]:
    """The tokens that somebody may find in a phase."""
    world, actor = census.world, census.world.actor(name) if name else None
    if actor is None:
        return set()
    own = SIGNED | INTERNAL | TOLD | SAID | {"peer"}
    feedback = {
        "window": IN_FEEDBACK, "published": IN_FEEDBACK, "corrected": IN_FEEDBACK | {"second"},
    }.get(phase, set())  # fmt: skip
    found = set()
    for code in census.codes:
        agency_id = world.returns[code].agency_id
        kinds: set[str] = set()
        if any(held.agency_id == agency_id for held in actor.held if held.role in AGENCY_ROLES):
            kinds |= own | feedback
        if name in (census.inspector(code), f"{census.inspector(code)}-lead", "lead-" + census.inspector(code)):
            kinds |= own - {"board"} | PRIVATE | {"comment"}
        if name == "coordinator" or (name == "far-coordinator" and code == census.codes[2]):
            # the submissions of their area, which this round releases to areas, and what is said of them in public
            kinds |= SIGNED | {"comment", "peer", "reopen"}
        if name == "peer" and code == census.codes[0]:
            kinds |= SIGNED | {"peer"}
        if name == "administrator":
            kinds |= {"person", "signatory", "post"}
        found |= {token(kind, code) for kind in kinds}
    merged, nil = census.gone
    mine = {held.agency_id for held in actor.held if held.role in AGENCY_ROLES}
    for code, reason, readers in ((merged, "merger", (merged, census.codes[0])), (nil, "nil", (nil,))):
        if world.returns[code].agency_id in mine:
            found.add(token("draft", code))  # what was not signed is its own, for good
        if mine & {world.returns[one].agency_id for one in readers} or census.inspector(code) in (name, name[5:]):
            found.add(token(reason, code))
    if name in ("coordinator", "far-coordinator", "other-type-lead"):
        found.add(token("nil", nil))  # beside the agency, on the page of their area, or in the ledger of all bodies
    if name == "other-type-lead":
        found.add(token("merger", merged))
    if mine and phase in ("published", "corrected"):
        found.add(token("nil", nil))  # it is printed in the findings
    return found


def known_to(census: Census, agency_ids: set[int | None]) -> set[int | None]:
    """The agencies whose names their people may read: their own, and the one they were merged into, or that was merged
    into theirs."""
    merger = {census.world.returns[code].agency_id for code in (census.codes[0], census.gone[0])}
    return agency_ids | merger if agency_ids & merger else agency_ids


@dataclass
class Result:
    """What was found as whom, what was wrong, and the pages as they were: (who, address) to text."""

    found: dict[str, set[str]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    pages: dict[tuple[str, str], str] = field(default_factory=dict)


def asked_as(
    census: Census, names: Iterable[str], addresses: dict[str, str], phase: str, *, keep: bool = False
) -> Result:
    """Ask for every address that somebody's role may have, as each, and look into what comes."""
    result = Result()
    every = [*census.codes, *census.gone]
    agency_names = {code: census.world.returns[code].agency.name.encode() for code in every}
    for name in names:
        may, actor = allowed(census, name, phase), census.world.actor(name) if name else None
        mine = known_to(census, {held.agency_id for held in actor.held}) if actor else set()
        foreign = [agency_names[code] for code in every if census.world.returns[code].agency_id not in mine]
        is_agency = actor is not None and any(held.role in AGENCY_ROLES for held in actor.held)
        seen = result.found[name] = set()
        client = census.visit(name)
        for path, permission in addresses.items():
            public = not PERMISSIONS[permission][0].roles
            if not (could(actor, permission) if actor else public) or (public and actor and path != "/"):
                continue
            response = client.get(path)
            tokens = tokens_in(response, asked=path)
            seen |= tokens
            where = f"{phase}: {name or 'anybody'} {path}"
            result.wrong += [f"{where}: {one}" for one in sorted(tokens - may)]
            if response.status_code >= 500:
                result.wrong.append(f"{where}: {response.status_code}")
            if response.headers.get("Cache-Control") != "no-store" and "static" not in path:
                result.wrong.append(f"{where}: may be kept by caches")
            if is_agency and phase not in ("published", "corrected"):
                result.wrong += [f"{where}: {other.decode()}" for other in foreign if other in response.data]
                if path.startswith("/rounds/") and response.status_code not in (403, 404):
                    result.wrong.append(f"{where}: {response.status_code} before publication")
            if keep and response.mimetype in ("text/html", "application/json"):
                result.pages[name, path] = normal(response)
            response.close()
    return result


def of_release(addresses: dict[str, str], census: Census) -> dict[str, str]:
    """Those that the release of findings is about: rounds, feedback, reports, and where one begins."""
    first = f"/returns/{census.ret(census.codes[0])}"
    ends = ("/", f"{first}/", f"{first}/history", f"{first}/receipt")
    return {
        path: permission
        for path, permission in addresses.items()
        if path in ends or any(part in path for part in ("/rounds/", "/feedback", "/reports/", "/search"))
    }


# --- the census ------------------------------------------------------------------------------------------------------


def test_no_foreign_token_is_found_before_or_after_publication(census: Census) -> None:
    first, second, _third = census.codes
    own = {token(kind, first) for kind in SIGNED}
    looking_on = [name for name in everybody(census) if name not in ("inspector", "other-type-lead")]
    one_of_each = ["lead", "board", "coordinator", "peer", "asked-peer", "outsider", "administrator"]

    report(census, "signatory", f"/returns/{census.ret(first)}/reports", "agency-return")
    signed = asked_as(census, one_of_each, paths(census, [first, second]), "signed", keep=True)
    assert signed.wrong == []
    for code in census.codes:
        _privately(census, code)
    _prepared(census)
    report(census, "inspector", f"/returns/{census.ret(first)}/feedback/versions/2/pdf")
    of_round = f"/rounds/{census.world.audit_round.public_id}/reports"
    report(census, "inspector", of_round, "joint-findings", made=False)
    report(census, "inspector", of_round, "recommendations-register")
    addresses = paths(census, [first, second])
    there = f"/rounds/{census.world.audit_round.public_id}/"
    for ending in (
        "publications/1.csv", "publications/2.csv", "publications/1.json", "reports/findings.csv", "survey?format=csv",
        "figures/facts?format=csv", "progress?format=csv", "monitoring?format=csv", "sample?format=frame",
    ):  # fmt: skip
        assert there + ending in addresses
    before = asked_as(census, [*everybody(census), *census.gone], addresses, "before", keep=True)
    assert census.visit("inspector").get(there + "reports/findings.csv").mimetype == "text/csv"
    # what an oversight body does in private changes nothing that anybody else sees, a time set for publication neither
    differing = [where for where, page in signed.pages.items() if before.pages.get(where, page) != page]
    assert before.wrong == []
    assert differing == []
    for name in ("signatory", "board", "lead"):
        assert own | {token("query", first), token("board", first)} <= before.found[name], "it finds what there is"
    merged, nil = census.gone
    assert {token("draft", merged), token("merger", merged)} <= before.found[merged]
    assert {token("draft", nil), token("nil", nil)} <= before.found[nil]
    assert token("merger", merged) in before.found["signatory"]
    assert {token("merger", merged), token("nil", nil)} <= before.found["inspector"]
    assert own <= before.found["coordinator"] and {token("peer", first), *own} <= before.found["peer"]
    assert {token(kind, first) for kind in PRIVATE - {"second", "judgement", "override"}} <= before.found["inspector"]
    assert {token(kind, second) for kind in PRIVATE - {"second"}} <= before.found["other-type-lead"]
    assert token("response", first) in before.found["inspector"] & before.found["board"]
    assert all(not before.found[name] for name in NEVER if name != "far-coordinator")

    addresses = of_release(addresses, census)
    moved(census.world, accuracy_opens=AGES_AGO, accuracy_closes=FAR_AHEAD)
    lead = census.visit("lead")
    about = {"about": "narrative", "text": token("accuracy", first)}
    assert lead.post(f"/returns/{census.ret(first)}/feedback/challenge", data=about).status_code == 303
    window = asked_as(census, looking_on, addresses, "window")
    assert window.wrong == []
    assert {token(kind, first) for kind in IN_FEEDBACK | {"accuracy"}} <= window.found["signatory"]

    moved(census.world, accuracy_closes=AGES_AGO + timedelta(hours=1))
    closed = asked_as(census, ["signatory", "board", census.signatory(second)], addresses, "closed")
    assert closed.wrong == []

    moved(census.world, publish_at=AGES_AGO + timedelta(hours=9))
    release.by_the_clock(census.world.write(), now=census.world.now)
    census.world.session.commit()
    narrate(census, first, "second", version=2)  # a correction that is not published yet
    # the inspectors of the first agency read it all before
    names = [*looking_on, "other-type-lead", *census.gone]
    published = asked_as(census, names, paths(census, [first, second]), "published")
    assert published.wrong == []
    assert {token(kind, first) for kind in IN_FEEDBACK} <= published.found["board"]
    assert census.visit("lead").get(there + "publications/1.csv").mimetype == "text/csv"
    assert all(not published.found[name] for name in NEVER if name != "far-coordinator")

    actor, session = census.world.actor("lead-inspector"), census.world.write()
    release.correct(
        session, census.world.audit_round.public_id, reason="Some words were wrong.", by=actor, now=clock.now(session)
    )
    census.world.session.commit()
    corrected = asked_as(census, [*one_of_each, census.signatory(second)], addresses, "corrected")
    assert corrected.wrong == []
    assert token("second", first) in corrected.found["lead"]

    assert list(_wrong_mails(census)) == []
    assert list(_wrong_errors(census)) == []


def _wrong_mails(census: Census) -> Iterator[str]:
    """Mails that hold what their readers may not find, or another agency's name."""
    session = census.world.session
    session.rollback()
    session.expire_all()
    mails = list(session.scalars(select(OutboxMessage)))
    census.world.people |= {user.email.split("@")[0]: user for user in session.scalars(select(User))}
    assert {mail.user_id for mail in mails} >= {census.world.people["lead"].id, census.world.people["peer"].id}
    short = {user.id: name for name, user in census.world.people.items()}
    for mail in mails:
        words = f"{mail.subject}\n{mail.body}"
        name = short.get(mail.user_id or 0, "")
        for hit in TOKEN.finditer(words.encode()):
            if not name or hit[0].decode() not in allowed(census, name, "corrected"):
                yield f"{mail.address}: {hit[0].decode()}"
        agencies = known_to(census, {held.agency_id for held in census.world.actor(name).held}) if name else set()
        for code in (*census.codes, *census.gone) if any(agencies) else ():
            agency = census.world.returns[code].agency
            if agency.id not in agencies and agency.name in words:
                yield f"{mail.address}: {agency.name}"


def _wrong_errors(census: Census) -> Iterator[str]:
    """What error pages say of somebody else's things: a wrong method, a form without its token, odd addresses."""
    other = f"/returns/{census.ret(census.codes[1])}"
    name = census.world.returns[census.codes[1]].agency.name
    asked = [
        ("POST", f"{other}/receipt"), ("DELETE", f"{other}/"), ("POST", f"{other}/answers"), ("GET", f"{other}/%00"),
        ("GET", f"{other}/submissions/{'x' * 300}"), ("POST", f"{other}/feedback/challenge"),
        ("GET", f"/reports/{census.runs[1]}x"),
    ]  # fmt: skip
    census.app.config["WTF_CSRF_ENABLED"] = True
    try:
        for who in ("", "lead", "outsider", "coordinator"):
            for method, path in asked:
                response = census.visit(who).open(path, method=method, data={"reason": "x"})
                if response.status_code < 300:
                    yield f"{who} {method} {path}: {response.status_code}"
                if name in response.text or tokens_in(response, asked=path):
                    yield f"{who} {method} {path}: {response.status_code}, with what is not theirs"
    finally:
        census.app.config["WTF_CSRF_ENABLED"] = False


def test_every_table_of_a_page_is_asked_for(app: Flask) -> None:
    """A view that reads `format` elsewhere than where `formats_of` looks would be left out."""
    written = sum(len(FORMAT.findall(path.read_text())) for path in (Path(app.root_path) / "web").rglob("*.py"))
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules() if "static" not in rule.endpoint}
    reading = {function for endpoint in endpoints for function in readers(app, endpoint)}
    assert sum(len(_asked_in(one)) for one in reading) == written > 20


def test_what_is_not_yours_looks_like_what_does_not_exist(census: Census) -> None:
    """Searches too: a word of somebody else's gives the page that a word nobody wrote gives."""
    for code in census.codes:
        _privately(census, code)
    _prepared(census)
    first, second, _third = census.codes
    client = census.visit("lead")
    here, none = census.world.audit_round.public_id, "222222222222"
    for path in ("publications", "publications/1.json", "reports"):
        assert normal(client.get(f"/rounds/{here}/{path}")) == normal(client.get(f"/rounds/{none}/{path}"))
    for path in ("feedback", "feedback/feedback.json", "feedback/versions/1"):
        shown = {normal(client.get(f"/returns/{one}/{path}")) for one in (census.ret(first), census.ret(second), none)}
        assert len(shown) == 1, path
    nobody = "leaknothing0nobody0leak"
    private = {"moderation", "judgement", "override", "monitoring", "narrative", "example", "comment", "board"}
    for name, path, foreign in (
        ("lead", f"/returns/{census.ret(first)}/search", [token(kind, second) for kind in SIGNED | TOLD]),
        ("lead", f"/returns/{census.ret(first)}/search", [token(kind, first) for kind in private]),
        ("inspector", f"/rounds/{here}/search", [token(kind, second) for kind in SIGNED | TOLD | private]),
        ("coordinator", f"/returns/{census.ret(first)}/search", [token(kind, first) for kind in private | {"query"}]),
    ):  # fmt: skip
        visit = census.visit(name)
        nothing = normal(visit.get(path, query_string={"q": nobody})).replace(nobody, "")
        for word in foreign:
            assert normal(visit.get(path, query_string={"q": word})).replace(word, "") == nothing, (name, word)
        assert normal(visit.get(path, query_string={"q": token("commentary", first)})) != nothing, name
