"""The pages of figures: charts with their tables, the agencies behind a bar, files, print, and who may read them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from html import unescape

import html5lib
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app.db import db
from app.models import Appointment, AuditReturn, AuditRound, SubmissionAnswer, User
from app.operations import rollup
from tests.queries.test_figures import earlier_round, moderate
from tests.reports.seeded import seed
from tests.reports.test_figures import standing
from tests.web.test_oversight import submit
from tests.world import World, pack

PAGES = ("", "/criteria", "/agencies", "/last-round", "/checked")
MOST_STATEMENTS = 15


def words(response: TestResponse) -> str:
    """The text of a page, without tags and with single spaces."""
    page = re.sub(r"<[^>]+>", " ", response.get_data(as_text=True))
    return re.sub(r"\s+", " ", unescape(page))


def lines(response: TestResponse) -> list[list[str]]:
    """The lines of a CSV file."""
    return list(csv.reader(io.StringIO(response.data.decode("utf-8-sig"))))


@contextmanager
def counted(app: Flask) -> Iterator[list[str]]:
    """The SQL statements of a block."""
    found: list[str] = []

    def note(_connection, _cursor, statement, *_rest):  # type: ignore[no-untyped-def]
        found.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


def seeded(session: Session, *, agencies: int, pack_key: str = "climbie-2003") -> AuditRound:
    """A round with submissions of every kind, the roll-up that signing keeps, and an inspector of each body."""
    audit_round = seed(session, pack(pack_key), agencies=agencies)
    for one in standing(session, audit_round):
        given = [(key, value["grade"]) for key, value in one.answers.items()]
        rollup.change(session, one.audit_return, "submitted", before=(), after=given)
    for served in audit_round.served:
        name = f"inspector-{served.agency_type}"
        user = User(email=f"{name}@example.org", name=name, active=True, password="", fs_uniquifier=name)
        session.add(user)
        session.flush()
        session.add(
            Appointment(
                user_id=user.id, role="inspector", oversight_body_id=served.oversight_body_id, starts=date(2000, 1, 1)
            )
        )
    session.commit()
    return audit_round


def signed_in(app: Flask, agency_type: str) -> FlaskClient:
    """A client of the inspector of a seeded round whose body asks this type of agency."""
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["_user_id"] = f"inspector-{agency_type}"
        cookie["_fresh"] = True
        cookie["fs_cc"] = "set"
    return client


def base(audit_round: AuditRound) -> str:
    return f"/rounds/{audit_round.public_id}/figures"


def test_before_anybody_submits_every_page_says_so(world: World, client_as: Callable[[str], FlaskClient]) -> None:
    client = client_as("inspector")
    for page in PAGES:
        response = client.get(f"{base(world.audit_round)}{page}")
        assert response.status_code == 200
        assert "cnd-empty" in response.text


def test_what_an_agency_signed_appears_and_leads_to_its_answer(
    world: World, client_as: Callable[[str], FlaskClient]
) -> None:
    audit_return = submit(world)
    client, at = client_as("inspector"), base(world.audit_round)
    heat = client.get(at)
    number = len(world.work("council-1").items)
    assert "1 submitted audit." in words(heat) and f"100 per cent met: {number} of {number}" not in words(heat)
    assert "100%" in heat.text
    page = client.get(f"{at}/criteria?type={audit_return.agency_type}")
    links = re.findall(rf'href="({at}/{audit_return.agency_type}/[^"]+grade=[^"]+)"', page.text)
    assert links and 'role="group"' in page.text
    behind = client.get(unescape(links[0]))
    assert audit_return.agency.name in words(behind) and "1 answer" in words(behind)
    answer = re.search(r'href="(/returns/[^"#]+)#(q-[^"]+)"', behind.text)
    assert answer
    submission = client.get(answer.group(1))
    assert submission.status_code == 200 and f'id="{answer.group(2)}"' in submission.text
    named = words(client.get(f"{at}/agencies"))
    assert audit_return.agency.name in named and "fewer than 50 agencies" in named


def test_figures_are_for_inspectors_of_the_round_only(
    world: World, client_as: Callable[[str], FlaskClient]
) -> None:
    audit_return = submit(world)
    criterion = world.work("council-1").items[0].criterion.id
    pages = [*PAGES, f"/{audit_return.agency_type}/{criterion}"]
    for name in ("signatory", "lead", "board", "coordinator", "administrator", "outsider"):
        for page in pages:
            response = client_as(name).get(f"{base(world.audit_round)}{page}")
            assert response.status_code in (403, 404), (name, page)
            assert audit_return.agency.name not in response.text
    assert client_as("inspector").get(f"{base(world.audit_round)}/no-such/{criterion}").status_code == 404
    assert client_as("inspector").get(f"{base(world.audit_round)}/council/no-such").status_code == 404


def test_the_navigation_of_the_round_leads_to_figures(world: World, client_as: Callable[[str], FlaskClient]) -> None:
    page = client_as("inspector").get(f"/rounds/{world.audit_round.public_id}").text
    assert f'href="{base(world.audit_round)}"' in page
    assert f'href="/rounds/{world.audit_round.public_id}/two-views"' in page


def test_every_chart_has_a_name_and_a_table_and_no_style_or_script(app: Flask, session: Session) -> None:
    audit_round = seeded(session, agencies=90)
    moderate(session, audit_round)
    earlier_round(session, audit_round, pack("climbie-2003"))
    session.commit()
    kind = audit_round.served[0].agency_type
    criterion = pack("climbie-2003").templates[kind].criteria()[0].criterion.id
    client = signed_in(app, kind)
    for page in (*PAGES, f"/{kind}/{criterion}"):
        for more in ("", "?view=print"):
            response = client.get(f"{base(audit_round)}{page}{more}")
            assert response.status_code == 200
            document = html5lib.parse(response.text, namespaceHTMLElements=False)
            main = next(one for one in document.iter("main"))
            charts = [one for one in main.iter("{http://www.w3.org/2000/svg}svg") if one.get("role")]
            assert charts or not page
            for chart in charts:
                assert chart.get("aria-label")
                linked = any(True for _ in chart.iter("{http://www.w3.org/2000/svg}a"))
                # a picture has no links inside; a chart with links is a group, each with its own name
                assert chart.get("role") == ("group" if linked else "img")
                for link in chart.iter("{http://www.w3.org/2000/svg}a"):
                    assert link.get("aria-label")
            assert list(main.iter("table")), page
            assert not any(one.get("style") for one in main.iter()) and not list(main.iter("script"))
            assert not [one for one in main.iter() if one.get("onclick") or one.get("onload")]
            assert bool(list(main.iter("form"))) == (not more)
            ids = [one.get("id") for one in main.iter() if one.get("id")]
            assert len(ids) == len(set(ids))


def test_the_funnel_gives_way_to_names_in_a_small_round(app: Flask, session: Session) -> None:
    audit_round = seeded(session, agencies=90)
    kind = audit_round.served[0].agency_type
    client = signed_in(app, kind)
    page = client.get(f"{base(audit_round)}/agencies")
    returns = standing(session, audit_round)
    assert len(returns) >= 50
    assert "Outside the limits" in words(page) and "<circle" in page.text
    outside = re.search(r"(\d+) agenc(?:y lies|ies lie) outside the limits of 95%", words(page))
    assert outside and int(outside.group(1)) > 0
    file = lines(client.get(f"{base(audit_round)}/agencies?format=csv"))
    assert len(file) - 1 == len(returns)
    assert sum(line[-1] != "Inside the limits" for line in file[1:]) == int(outside.group(1))
    small = client.get(f"{base(audit_round)}/agencies?type={kind}")
    assert "fewer than 50 agencies" in words(small)
    assert 'aria-label="Funnel plot"' in page.text and 'aria-label="Funnel plot"' not in small.text
    assert "Where it lies" not in lines(client.get(f"{base(audit_round)}/agencies?type={kind}&format=csv"))[0]


def test_files_say_what_the_pages_say(app: Flask, session: Session) -> None:
    audit_round = seeded(session, agencies=40)
    kind = audit_round.served[0].agency_type
    client, at = signed_in(app, kind), base(audit_round)
    template = pack("climbie-2003").templates[kind]
    placed = template.criteria()[0]
    grades = [
        one.answers[placed.criterion.id]["grade"]
        for one in standing(session, audit_round)
        if one.audit_return.agency_type == kind and placed.criterion.id in one.answers
    ]
    file = lines(client.get(f"{at}/{kind}/{placed.criterion.id}?format=csv"))
    assert len(file) - 1 == len(grades)
    one_grade = client.get(f"{at}/{kind}/{placed.criterion.id}?format=csv&grade={grades[0]}")
    assert len(lines(one_grade)) - 1 == grades.count(grades[0])
    criteria = lines(client.get(f"{at}/criteria?type={kind}&format=csv"))
    own = [line for line in criteria[1:] if line[1] == placed.number]
    assert sum(int(line[6]) for line in own) == len(grades)
    heat = lines(client.get(f"{at}?type={kind}&format=csv"))
    assert len(heat) > len(template.standards)
    for line in heat[1:]:
        assert int(line[3]) == int(line[4]) + int(line[5])


def test_another_body_reads_grades_and_nothing_beside_them(app: Flask, session: Session) -> None:
    audit_round = seeded(session, agencies=40)
    kind, other = list(dict.fromkeys(served.agency_type for served in audit_round.served))[:2]
    placed = pack("climbie-2003").templates[kind].criteria()[0]
    at = f"{base(audit_round)}/{kind}/{placed.criterion.id}"
    mine, theirs = signed_in(app, kind).get(at), signed_in(app, other).get(at)
    assert "/submissions/" in mine.text
    assert "/submissions/" not in theirs.text and "another body of this round" in words(theirs).lower()
    names = re.findall(r"(Agency \d+) <b> agency", words(mine))
    assert names and re.findall(r"(Agency \d+) <b> agency", words(theirs)) == names
    file = signed_in(app, other).get(f"{at}?format=csv")
    assert not any(line[-1] for line in lines(file)[1:])


def audit_return_line(client: FlaskClient, audit_round: AuditRound, code: str) -> list[str]:
    """The line of an agency in the file of all agencies."""
    file = lines(client.get(f"{base(audit_round)}/agencies?format=csv"))
    return next(line for line in file if line[0] == code)


def test_the_grade_found_stands_beside_the_self_grade(app: Flask, session: Session) -> None:
    audit_round = seeded(session, agencies=40)
    found = moderate(session, audit_round)
    session.commit()
    answer, grade = next((answer, grade) for answer, grade in found if answer.grade != grade)
    kind = answer.submission.audit_return.agency_type
    client = signed_in(app, kind)
    page = words(client.get(f"{base(audit_round)}/{kind}/{answer.criterion}"))
    assert "Adjusted" in page and "not checked" in page
    only = client.get(f"{base(audit_round)}/{kind}/{answer.criterion}?grades=checked&grade={grade}")
    assert answer.submission.audit_return.agency.name in words(only) and "not checked" not in words(only)
    checks = words(client.get(f"{base(audit_round)}/checked"))
    assert f"{len(found)} answers were checked" in checks
    heat = words(client.get(base(audit_round)))
    assert "stands beside them" in heat and re.search(r"Checked: by self-grade \d+ of \d+, as found \d+ of \d+", heat)
    by_agency = client.get(f"{base(audit_round)}/agencies")
    assert "Checked answers: met as found" in words(by_agency)
    named = audit_return_line(client, audit_round, answer.submission.audit_return.agency.code)
    assert any(named[7:11]) and named[7:9] != ["", ""]
    heat = words(client.get(f"{base(audit_round)}?grades=checked"))
    assert "grades that inspectors found" in heat


def test_the_last_round_says_what_can_be_compared(app: Flask, session: Session) -> None:
    from tests.queries.test_figures import changed

    chosen = pack("climbie-2003")
    audit_round = seeded(session, agencies=40)
    kind = audit_round.served[0].agency_type
    client = signed_in(app, kind)
    assert "no earlier round" in words(client.get(f"{base(audit_round)}/last-round"))
    earlier_round(session, audit_round, changed(chosen))
    session.commit()
    page = words(client.get(f"{base(audit_round)}/last-round"))
    assert "The round before" in page and "1 added, 1 removed, 1 changed" in page
    file = lines(client.get(f"{base(audit_round)}/last-round?format=csv"))
    assert len(file) > 10 and file[0][3].startswith("Last round")


def test_no_page_takes_more_statements_in_a_larger_round(app: Flask, session: Session) -> None:
    taken: dict[str, list[int]] = {}
    audit_round = seeded(session, agencies=12)
    kind = audit_round.served[0].agency_type
    placed = pack("climbie-2003").templates[kind].criteria()
    criterion = next(one.criterion.id for one in placed if not one.criterion.subtypes)
    for size in ("small", "large"):
        if size == "large":
            grow(session, audit_round, 60)
            moderate(session, audit_round, 50, skip=6)
        else:
            moderate(session, audit_round, 6)
            earlier_round(session, audit_round, pack("climbie-2003"))
        session.commit()
        client = signed_in(app, kind)
        pages = [f"{base(audit_round)}{page}" for page in PAGES]
        pages += [
            f"{base(audit_round)}/{kind}/{criterion}",
            f"{base(audit_round)}?grades=checked",
            f"/rounds/{audit_round.public_id}/two-views",
        ]
        for address in pages:
            assert client.get(address).status_code == 200  # what is read once for a process is read
            with counted(app) as statements:
                client.get(address)
            taken.setdefault(address, []).append(len(statements))
    for address, (small, large) in taken.items():
        assert large <= small <= MOST_STATEMENTS, (address, small, large)


def grow(session: Session, audit_round: AuditRound, agencies: int) -> None:
    """Let more agencies submit: copies of those that did, with the same answers and areas."""
    from app.models import Agency, AgencyInArea, Submission

    first = standing(session, audit_round)
    for number in range(agencies):
        like = first[number % len(first)]
        old = like.audit_return
        agency = Agency(
            code=f"more-{number}", name=f"More {number}", agency_type=old.agency_type, subtype=old.subtype
        )
        session.add(agency)
        session.flush()
        for area_id in like.areas:
            session.add(AgencyInArea(agency_id=agency.id, area_id=area_id, starts=date(2000, 1, 1)))
        new = AuditReturn(
            round_id=audit_round.id, agency_id=agency.id, template_version_id=old.template_version_id,
            agency_type=old.agency_type, subtype=old.subtype, stage="submitted", invited_at=old.invited_at,
            submitted_at=old.submitted_at,
        )  # fmt: skip
        session.add(new)
        session.flush()
        submission = Submission(
            return_id=new.id, number=1, content=like.submission.content,
            content_hash=like.submission.content_hash, submitted_at=like.submission.submitted_at,
        )  # fmt: skip
        session.add(submission)
        session.flush()
        session.add_all(
            SubmissionAnswer(
                submission_id=submission.id, criterion=one.criterion, scope_key="", type=one.type, value=one.value,
                grade=one.grade,
            )
            for one in like.submission.answers
        )  # fmt: skip
    session.flush()


def test_odd_addresses_show_a_page(app: Flask, session: Session) -> None:
    """Whatever a browser sends as a filter, the answer is a page."""
    audit_round = seeded(session, agencies=12)
    kind = audit_round.served[0].agency_type
    criterion = pack("climbie-2003").templates[kind].criteria()[0].criterion.id
    client = signed_in(app, kind)
    odd = "type=no/such&theme=%22%3E&area=none&grades=odd&page=999999&sort=x&dir=x&grade=%27&q=%25%5C_%00&view=x"
    for page in (*PAGES, f"/{kind}/{criterion}"):
        response = client.get(f"{base(audit_round)}{page}?{odd}")
        assert response.status_code == 200, page
        assert '"><' not in re.findall(r'theme=[^"]*"', response.text)


def test_names_that_agencies_chose_are_text(app: Flask, session: Session) -> None:
    """The seeded agencies have a tag in their names."""
    audit_round = seeded(session, agencies=90)
    assert "<b>" in session.scalars(select(AuditReturn)).first().agency.name  # type: ignore[union-attr]
    page = signed_in(app, audit_round.served[0].agency_type).get(f"{base(audit_round)}/agencies").text
    assert "&lt;b&gt;" in page and "<b>" not in page
