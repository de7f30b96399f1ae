"""The page of facts: figures with charts, the agencies behind a choice or beyond a limit, files, and who reads."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from html import unescape

import html5lib
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.models import Appointment, AuditRound, User
from tests.queries.test_facts import counted_in, given, no_grades, two_types
from tests.reports.test_figures import standing
from tests.web.test_figures import MOST_STATEMENTS, base, counted, grow, lines, seeded, signed_in, words


@pytest.fixture
def audit_round(session: Session) -> AuditRound:
    """A seeded round of facts, with an inspector of each body."""
    return inspected(session, counted_in(session, two_types()))


def inspected(session: Session, audit_round: AuditRound) -> AuditRound:
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


@pytest.fixture
def client(app: Flask, audit_round: AuditRound) -> FlaskClient:
    return signed_in(app, "club")


def test_what_was_counted_leads_to_the_agencies_behind_it(
    client: FlaskClient, session: Session, audit_round: AuditRound
) -> None:
    at = f"{base(audit_round)}/facts"
    page = client.get(at)
    html5lib.HTMLParser(strict=True).parse(page.text)
    assert 'aria-current="page">Facts' in page.text
    returns = standing(session, audit_round)
    told = words(page)
    assert f"{len(returns)} submitted audits." in told and "In hours." in told
    yes = Counter(value["answer"] for value in given(returns, "yes-no"))
    assert f'aria-label="Yes: {yes["yes"]} of {yes.total()}"' in page.text
    without = sum(1 for value in given(returns, "percentage") if not value["denominator"])
    assert without and re.search(rf"{without} answers? (is|are) out of nothing", told)
    links = [unescape(href) for href in re.findall(rf'href="({at}/[^"]+)"', page.text)]
    assert {re.split(r"[/?]", href.removeprefix(at + "/"))[1] for href in links} >= {
        "yes-no", "number", "percentage", "choice", "choices", "any-number", "date", "text", "file", "table",
    }  # fmt: skip
    for href in links:
        behind = client.get(href)
        assert behind.status_code == 200 and "cnd-empty" not in behind.text, href
    choice = next(href for href in links if href.endswith("/club/yes-no?choice=yes"))
    own = [one for one in returns if one.audit_return.agency_type == "club"]
    number = sum(1 for value in given(own, "yes-no") if value["answer"] == "yes")
    assert f"{number} answers" in words(client.get(choice))
    beyond = next(href for href in links if "/club/number?at_least=" in href)
    numbers = [float(line[-1]) for line in lines(client.get(f"{beyond}&format=csv"))[1:]]
    assert numbers and min(numbers) >= float(beyond.rpartition("=")[2])


def test_the_page_is_narrowed_and_prints(client: FlaskClient, audit_round: AuditRound) -> None:
    at = f"{base(audit_round)}/facts"
    bands = words(client.get(f"{at}?type=band"))
    assert "Bands . " in bands or "Bands." in bands
    assert "Clubs, Bands" not in bands and "Clubs, Bands" in words(client.get(at))
    nothing = client.get(f"{at}?theme=none")
    assert "No question that matches" in words(nothing)
    assert "Back to the page with filters" in words(client.get(f"{at}?view=print"))


def test_the_file_has_every_figure(client: FlaskClient, session: Session, audit_round: AuditRound) -> None:
    file = lines(client.get(f"{base(audit_round)}/facts?format=csv"))
    assert file[0][0] == "Agency type" and {line[0] for line in file[1:]} == {"Club", "Band", "All"}
    returns = [one for one in standing(session, audit_round) if one.audit_return.agency_type == "club"]
    told = {(line[0], line[2], line[5]): line[6] for line in file[1:]}
    waits = [float(value["number"]) for value in given(returns, "number")]
    question = "How many hours does a referral wait?"
    assert float(told["Club", question, "Largest"]) == max(waits)
    assert float(told["Club", question, "Total"]) == sum(waits)
    assert ("Band", question, "Median") in told and ("All", question, "Median") in told
    days = [value["date"] for value in given(returns, "date")]
    assert told["Club", "When was the policy last reviewed?", "Earliest"] == min(days)


def test_what_is_no_limit_is_said_at_its_field_and_shown_again(client: FlaskClient, audit_round: AuditRound) -> None:
    at = f"{base(audit_round)}/facts/club"
    for key, typed, message in (
        ("number", "many", "Enter a number, such as 25"), ("number", "2003-04-01", "Enter a number, such as 25"),
        ("date", "12", "Enter a day, such as 2003-04-01"), ("number", "1-2-3", "Enter a number"),
    ):  # fmt: skip
        page = client.get(f"{at}/{key}?at_least={typed}")
        assert page.status_code == 200 and message in words(page), (key, typed)
        assert 'href="#at_least"' in page.text and f'value="{typed}"' in page.text
        assert "cnd-empty" not in page.text  # it limits nothing
    assert client.get(f"{at}/number?at_least=1,000&at_most=-5").status_code == 200
    assert "No agency matches" in words(client.get(f"{at}/number?at_least=1,000"))


def test_texts_are_cut_on_pages_and_whole_in_files(client: FlaskClient, app: Flask, audit_round: AuditRound) -> None:
    at = f"{base(audit_round)}/facts/club/text"
    assert "A story, 0." in words(client.get(at)) and "/submissions/" in client.get(at).text
    assert lines(client.get(f"{at}?format=csv"))[1][-1].startswith("A story, 0.")
    theirs = signed_in(app, "band")
    page = theirs.get(at)
    assert "A story" not in page.text and "/submissions/" not in page.text
    assert "Another body of this round" in words(page) and "Answered" in words(page)
    assert not any(line[-1] for line in lines(theirs.get(f"{at}?format=csv"))[1:])


def test_lists_turn_over_and_sort(client: FlaskClient, session: Session, audit_round: AuditRound) -> None:
    grow(session, audit_round, 60)
    session.commit()
    at = f"{base(audit_round)}/facts/club/number"
    first = client.get(f"{at}?sort=value&dir=down")
    assert "page 1 of " in words(first) and 'aria-sort="descending"' in first.text
    numbers = [float(line[-1]) for line in lines(client.get(f"{at}?sort=value&dir=down&format=csv"))[1:]]
    assert numbers == sorted(numbers, reverse=True) and len(numbers) > 25
    assert "page 2 of " in words(client.get(f"{at}?page=2"))


def test_a_round_of_grades_has_no_such_page_to_go_to(app: Flask, session: Session) -> None:
    audit_round = seeded(session, agencies=12)
    client = signed_in(app, audit_round.served[0].agency_type)
    assert ">Facts<" not in client.get(base(audit_round)).text
    assert "there are no facts to count" in words(client.get(f"{base(audit_round)}/facts"))
    kind = audit_round.served[0].agency_type
    assert client.get(f"{base(audit_round)}/facts/{kind}/no-such").status_code == 404


def test_a_round_without_grades_has_pages_of_figures(app: Flask, session: Session) -> None:
    audit_round = inspected(session, counted_in(session, no_grades(), agencies=12))
    client = signed_in(app, "club")
    for page in ("", "/criteria", "/agencies", "/last-round", "/checked", "/facts"):
        response = client.get(f"{base(audit_round)}{page}")
        assert response.status_code == 200
        assert ("cnd-empty" in response.text) == (page != "/facts"), page
    assert "No question of this round is answered with a grade" in words(client.get(base(audit_round)))


def test_no_page_of_facts_takes_more_statements_in_a_larger_round(
    app: Flask, client: FlaskClient, session: Session, audit_round: AuditRound
) -> None:
    at = f"{base(audit_round)}/facts"
    pages = [at, f"{at}?format=csv", f"{at}/club/text", f"{at}/club/file", f"{at}/club/number?at_least=3"]
    taken: dict[str, list[int]] = {page: [] for page in pages}
    for size in ("small", "large"):
        if size == "large":
            grow(session, audit_round, 60)
            session.commit()
        for page in pages:
            assert client.get(page).status_code == 200
            with counted(app) as statements:
                client.get(page)
            taken[page].append(len(statements))
    for page, (small, large) in taken.items():
        assert large <= small <= MOST_STATEMENTS, (page, small, large)
