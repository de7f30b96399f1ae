"""A partnership takes a round of thirty agencies from opening to publication, on the pages and from the terminal."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from pypdf import PdfReader
from sqlalchemy.orm import Session

from app import clock
from app.operations import people, templates
from app.policy import system_actor
from config import ROOT
from tests.browser.service import CANDOUR, PASSWORD, Service, environment_of, free_port, served
from tests.browser.steps import alert, download, fill_day, press, question, sign, text_box
from tests.browser.visitors import Visitors
from tests.in_bulk import Behind
from tests.world import pack

KEY, NAME = "northmere-2024", "Section 11 self-assessment, Northmere 2024"
BODY = "Northmere Safeguarding Partnership"
OPENS, SUBMITTED, OVERDUE, LATE = date(2024, 3, 4), date(2024, 4, 22), date(2024, 4, 30), date(2024, 5, 3)
CLOSES, CHECKED, JUDGED = date(2024, 5, 13), date(2024, 5, 15), date(2024, 6, 3)
WINDOW, AFTER_WINDOW, PUBLISHED = date(2024, 6, 10), date(2024, 6, 17), date(2024, 6, 22)
INSPECTORS = {"lead": "lead_inspector", "second.lead": "lead_inspector", "ann": "inspector", "ben": "inspector"}
LEAD, SECOND_LEAD, ANN, BEN = (f"{who}@partnership.example" for who in INSPECTORS)
NEAR, FAR = "peer.near@agencies.example", "peer.far@agencies.example"  # audit leads of agencies who review as peers
KINDS = {  # agency type: subtype, what agencies are called, how many there are
    "council": ("unitary", "Council", 5),
    "nhs": ("acute-trust", "Hospitals", 8),
    "police": ("territorial", "Police", 3),
    "school": ("secondary", "School", 10),
    "voluntary": ("small-charity", "Charity", 4),
}
LATECOMERS = ["nhs-07", "school-10", "school-01"]
NOT_IN_BULK = {"police-01", "police-02", "police-03", "school-02", "school-09", "voluntary-04", "nhs-08", *LATECOMERS}


def head(code: str) -> str:
    """The e-mail address of the accountable signatory of an agency."""
    return f"head@{code}.example"


def named(code: str) -> str:
    """The name of an agency."""
    kind, _dash, number = code.rpartition("-")
    return f"Northmere {KINDS[kind][1]} {number}"


CODES = [f"{kind}-{number:02}" for kind, (_sub, _name, many) in KINDS.items() for number in range(1, many + 1)]


def thirty() -> str:
    """The thirty agencies as a CSV file; those with odd numbers work in the north, the others in the south."""
    lines = ["code,name,type,subtype,areas,email,signatory"]
    for code in CODES:
        kind, number = code.split("-")
        area = "north: North of Northmere" if int(number) % 2 else "south: South of Northmere"
        lines.append(f"{code},{named(code)},{kind},{KINDS[kind][0]},{area},{head(code)},Head of {named(code)}")
    return "\n".join(lines) + "\n"


@dataclass
class Stage:
    """What the steps share: who is at a browser, what happens behind the pages, the terminal, the round's address."""

    visitors: Visitors
    behind: Behind
    service: Service
    folder: Path
    round: str = ""
    adjusted: str = ""  # the field with the grade that an inspector adjusted

    def at(self, email: str, path: str = "") -> Page:
        """Somebody at their browser, on the page of the round or, with a path, one below it."""
        page = self.visitors.open(email)
        page.goto(self.round + path)
        return page

    def candour(self, *command: str, status: int = 0) -> str:
        """What a command of the lead inspector prints, errors too. It must end with this status."""
        done = subprocess.run(
            [*CANDOUR, *command, "--as", LEAD], cwd=ROOT, env=environment_of(self.service.home), capture_output=True,
            text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == status, (command, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def find(self, page: Page, code: str) -> str:
        """Go to an agency's page through the response ledger; returns the id of its return."""
        page.goto(f"{self.round}/ledger")
        page.get_by_label("Name or code", exact=True).fill(code)
        press(page, "Show")
        press(page, named(code))
        expect(page.get_by_role("heading", level=1)).to_have_text(named(code))
        return page.url.rpartition("/")[2]


def set_up(session: Session) -> None:
    """The checklists, a partnership, and its people."""
    clock.pin(session, OPENS)
    now, by = clock.now(session), system_actor("test")
    templates.publish(session, pack("section-11-2024"), by=by, now=now)
    people.add_oversight_body(session, code="scp", name=BODY, short="NSP", kind="partnership", by=by, now=now)
    for email, role in zip((LEAD, SECOND_LEAD, ANN, BEN), INSPECTORS.values(), strict=True):
        name = email.partition("@")[0].replace(".", " ").title() + " Partner"
        appoint(session, email, name, role, "scp")


def appoint(session: Session, email: str, name: str, role: str, body: str) -> None:
    """Appoint somebody from the day that the round opens on."""
    people.add_person(
        session, email=email, name=name, role=role, body_code=body, post="", starts=OPENS, ends=None,
        by=system_actor("test"), now=clock.now(session),
    )  # fmt: skip


def peers(session: Session) -> None:
    """Two audit leads of councils, one in the north and one in the south, review for the partnership as peers."""
    for email, name, council in ((NEAR, "Nora Near", "council-01"), (FAR, "Fred Far", "council-02")):
        appoint(session, email, name, "audit_lead", council)
        appoint(session, email, name, "peer_reviewer", "scp")


@pytest.fixture
def stage(chromium: Browser, tmp_path: Path) -> Iterator[Stage]:
    """A service of this test's own, without any round."""
    home = tmp_path / "home"
    environment = environment_of(home)
    subprocess.run([*CANDOUR, "setup"], cwd=ROOT, env=environment, check=True, capture_output=True, timeout=300)
    with Behind(home) as behind:
        behind.do(set_up)
        behind.let_in(LEAD, SECOND_LEAD, ANN, BEN, password=PASSWORD)
        with served(home, environment, free_port()) as service:
            visitors = Visitors(chromium, service)
            yield Stage(visitors, behind, service, tmp_path)
            visitors.leave()
            assert not visitors.trouble, "\n".join(visitors.trouble)


@pytest.mark.proof
def test_a_partnership_takes_a_round_of_thirty_from_opening_to_publication(stage: Stage) -> None:
    """Every step as its people take it; what they read is what was said, and nobody reads it too early."""
    opening(stage)
    the_sample_is_committed(stage)
    answering(stage)
    chasing(stage)
    coming_in_late(stage)
    closing_and_drawing(stage)
    police = checking(stage)
    returning_for_correction(stage)
    judging(stage, police)
    following_up(stage, police)
    peers_and_examples(stage, police)
    factual_accuracy(stage, police)
    publishing(stage, police)
    correcting(stage, police)
    disclosing(stage, police)


def opening(stage: Stage) -> None:
    """The lead inspector plans the round, uploads the agencies, and opens it."""
    page = stage.visitors.open(LEAD)
    press(page, "Open a new round")
    page.get_by_role("radio", name="Safeguarding children self-assessment 2024", exact=True).check()
    page.get_by_label("What is the round called?", exact=True).fill(NAME)
    page.get_by_label("Key (optional)", exact=True).fill(KEY)
    press(page, "Prepare the round")
    expect(page.get_by_role("main")).to_contain_text("what is submitted by 30 April 2024 at 00:29 is in time")
    stage.round = page.url
    press(page, "Agencies")
    file = stage.folder / "thirty.csv"
    file.write_text(thirty(), "utf-8")
    page.get_by_label("CSV file", exact=True).set_input_files(file)
    press(page, "Check this file")
    press(page, "Add 30 agencies")
    expect(alert(page)).to_contain_text("30 agencies are added")
    page.goto(stage.round)
    press(page, "Open the round")
    expect(page.get_by_role("main")).to_contain_text("Schools and colleges: 10")
    press(page, "Open the round")
    expect(alert(page)).to_contain_text("The round is open")
    stage.behind.do(peers)
    stage.behind.let_in(
        NEAR, FAR, head("police-01"), head("police-02"), head("school-02"), password=PASSWORD
    )


def the_sample_is_committed(stage: Stage) -> None:
    """A secret seed is made before the round closes; agencies read its hash."""
    page = stage.at(LEAD, "/sample")
    press(page, "Plan the sample")
    page.get_by_label("Answers that are checked in each return", exact=True).fill("3")
    page.get_by_label("Per cent of these returns that a second inspector checks too", exact=True).fill("0")
    press(page, "Commit the seed")
    expect(alert(page)).to_contain_text("its hash is on record")
    found = re.search(r"\b[0-9a-f]{64}\b", page.get_by_role("main").inner_text())
    assert found
    agency = stage.visitors.open(head("school-02"))
    expect(agency.get_by_role("main")).to_contain_text(found.group())


def answering(stage: Stage) -> None:
    """Most agencies submit; two of them finish and sign on the pages."""
    behind = stage.behind
    behind.it_is(SUBMITTED)
    behind.submit(KEY, [code for code in CODES if code not in NOT_IN_BULK], seed=1)
    behind.submit(KEY, ["police-02"], seed=1, good=1)
    behind.answer(KEY, ["police-01"], seed=1, good=1, leave=["senior-lead"])
    # all is well here, but one key target
    behind.answer(KEY, ["school-02"], seed=1, good=1, leave=["senior-lead"], but={"policy-current": "not-known"})
    for code in ("police-01", "school-02"):
        page = stage.visitors.open(head(code))
        press(page, "Leadership and accountability")
        question(page, "1.1").get_by_role("radio", name="Effective", exact=True).check()
        how = page.get_by_role("group", name="How do you know? (question 1.1)", exact=True)
        how.get_by_role("radio", name=re.compile("^Figures reported")).check()
        text_box(page, "Commentary", "1.1").fill(f"One person at {named(code)} answers for it.")
        press(page, "Save this standard")
        expect(alert(page)).to_contain_text("saved")
        page.goto("/")
        press(page, "Read and sign")
        sign(page)


def chasing(stage: Stage) -> None:
    """A nil return, a merger and more time are put on record; whoever is behind gets a reminder, and only one a day."""
    stage.behind.it_is(OVERDUE)
    page = stage.visitors.open(LEAD)
    stage.find(page, "voluntary-04")
    press(page, "Record a nil return, with the reason")
    page.get_by_label("What is the reason?", exact=True).fill("It has worked with adults only since January.")
    press(page, "Record the nil return")
    stage.find(page, "school-09")
    press(page, "Record that it was merged into another agency")
    page.get_by_label("Which agency was it merged into?", exact=True).select_option(
        label=f"{named('school-10')} (Secondary school)"
    )
    fill_day(page.get_by_role("group", name="On which day?"), date(2024, 4, 15))
    page.get_by_label("What happened?", exact=True).fill("The two schools became one after Easter.")
    press(page, "Record the merger")
    stage.find(page, "nhs-08")
    press(page, "Give more time")
    fill_day(page.get_by_role("group", name="Until which day?"), date(2024, 5, 10))
    press(page, "Give more time")
    expect(alert(page)).to_contain_text(f"{named('nhs-08')} has until 10 May 2024")

    page.goto(f"{stage.round}/chase?reason=past_due")
    behind = page.get_by_role("table").first
    for code in (*LATECOMERS, "police-03"):
        expect(behind).to_contain_text(named(code))
    for code in ("nhs-08", "school-09", "voluntary-04"):
        expect(behind).not_to_contain_text(named(code))
    press(page, re.compile("^Remind all"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Look before you send")
    expect(page.get_by_role("main")).to_contain_text(
        f"of {named('nhs-07')} was due on 29 April 2024 and has not been submitted yet"
    )
    press(page, "Send it to 4 agencies")
    expect(alert(page)).to_contain_text("Reminders are on their way to 4 agencies")
    press(page, re.compile("^Remind all"))
    expect(page.get_by_role("main")).to_contain_text("Nobody of the selection is to be reminded of this now")
    expect(line_of(page, "nhs-07")).to_contain_text("It was reminded of this today already.")


def coming_in_late(stage: Stage) -> None:
    """Three submit late and one within the time it was given; the ledger accounts for all thirty."""
    stage.behind.it_is(LATE)
    stage.behind.submit(KEY, LATECOMERS, seed=1, good=0.4)
    stage.behind.submit(KEY, ["nhs-08"], seed=1)
    page = stage.at(LEAD)
    main = page.get_by_role("main")
    expect(main).to_contain_text("27 of 28 expected")
    for words in ("Submitted late 3", "Not started 1", "Nil return 1", "Merged 1"):
        expect(main).to_contain_text(words)
    page.goto(f"{stage.round}/ledger")
    for code, words in {
        "nhs-07": "Submitted late", "nhs-08": "10 May 2024", "police-03": "Not started",
        "school-09": f"{named('school-10')}", "voluntary-04": "It has worked with adults only since January.",
    }.items():  # fmt: skip
        expect(line_of(page, code)).to_contain_text(words)


def line_of(page: Page, code: str) -> Locator:
    """The line of an agency in a list."""
    return page.get_by_role("row").filter(has_text=named(code)).first


def closing_and_drawing(stage: Stage) -> None:
    """The terminal closes the round; nothing is drawn before it is shut, and then the draw can be repeated."""
    stage.behind.it_is(CLOSES)
    said = stage.candour("round", "close", KEY, "--reason", "All who will answer have answered.")
    assert "answers are taken until 13 May 2024" in said
    stage.behind.it_is(CHECKED)
    said = stage.candour("sample", "draw", KEY)
    assert "police: 2 of 2 at random" in said
    seed = re.search(r"Seed: ([0-9a-f]{64})", said)
    assert seed
    assert "DIFFERS" not in stage.candour("sample", "verify", KEY)
    page = stage.at(LEAD)
    expect(page.get_by_role("main")).to_contain_text("Closed")
    press(page, "Sample")
    main = page.get_by_role("main")
    # of thirty a rate would say more than is known
    expect(main).to_contain_text("The agencies are named instead")
    expect(main).not_to_contain_text("too few for an interval")
    expect(page.get_by_role("table", name="Drawn at random, by name")).to_contain_text(named("police-01"))
    expect(page.get_by_role("table", name="Chosen by risk, by name")).to_contain_text("Submitted late: 4 days")
    press(page, "Repeat the draw yourself")
    expect(page.get_by_role("main")).to_contain_text(seed.group(1))


def checking(stage: Stage) -> str:
    """Inspectors are assigned; one asks, the agency answers, she upholds and adjusts; another checks without looking.

    Returns the id of the return that they check.
    """
    page = stage.at(LEAD, "/sample")
    press(page, named("police-01"))
    page.get_by_label("Inspector", exact=True).select_option(label="Ann Partner")
    page.get_by_label("Second inspector", exact=True).select_option(label="Ben Partner")
    press(page, "Save")
    expect(alert(page)).to_be_visible()
    page.goto(f"{stage.round}/sample")
    press(page, "Assign the rest evenly")
    expect(alert(page)).to_contain_text("assigned")

    ann = stage.at(ANN, "/moderation")
    press(ann, named("police-01"))
    desk, police = ann.url, ann.url.split("/")[-2]
    ann.get_by_role("link", name=re.compile("^Ask the agency about this answer")).first.click()
    ann.get_by_label("What do you want to know?", exact=True).fill("Which schools were told in March?")
    press(ann, "Send the query")
    agency = stage.visitors.open(head("police-01"))
    expect(agency.get_by_role("main")).to_contain_text("1 query of an inspector waits for your answer")
    press(agency, "Read and answer")
    press(agency, re.compile("^Question "))
    agency.get_by_label("Your answer", exact=True).fill("Nine of eleven were told by letter.")
    press(agency, "Send the answer")
    expect(alert(agency)).to_contain_text("Your answer is sent")
    ann.reload()
    expect(ann.get_by_role("main")).to_contain_text("Nine of eleven were told by letter.")
    ann.get_by_role("radio", name="Answered: nothing more to do").check()
    press(ann, "Close the query")

    ann.goto(desk)
    for number in range(3):
        ann.get_by_role("radio", name=re.compile("^Uphold: ")).nth(number).check()
    # chance may have drawn a share too, which comes to other grades
    lower = ann.get_by_role("radio", name="Adjust to: Developing").first
    lower.check()
    stage.adjusted = lower.get_attribute("name") or ""
    press(ann, "Save, and finish this check")
    expect(alert(ann)).to_contain_text("Give the reason for adjusting the grade")
    reason = stage.adjusted.replace("grade-", "reason-", 1)
    ann.locator(f"[name='{reason}']").fill("Two of eleven schools were told nothing.")
    press(ann, "Save, and finish this check")
    expect(alert(ann)).to_contain_text("You have finished checking this audit")

    ben = stage.visitors.open(BEN)
    ben.goto(desk)
    expect(ben.get_by_role("main")).to_contain_text("without knowing what the first inspector found")
    expect(ben.get_by_role("main")).not_to_contain_text("Two of eleven schools")
    for number in range(3):
        ben.get_by_role("radio", name=re.compile("^Uphold: ")).nth(number).check()
    press(ben, "Save, and finish this check")
    expect(ben.get_by_role("main")).to_contain_text("Two of eleven schools were told nothing.")
    return police


def returning_for_correction(stage: Stage) -> None:
    """A standard is returned; the agency corrects that one alone and signs again; the old submission is kept."""
    page = stage.at(LEAD, "/sample")
    press(page, named("police-02"))
    press(page, "Check its answers")
    press(page, "Return standards for correction")
    page.get_by_role("checkbox", name="6. Sharing information").check()
    page.get_by_label("What is to be corrected in “Sharing information”?", exact=True).fill(
        "Your answer speaks of another force."
    )
    press(page, "Void the signature and return these standards")
    expect(alert(page)).to_contain_text("1 standard is returned for correction")

    agency = stage.visitors.open(head("police-02"))
    expect(agency.get_by_role("main")).to_contain_text("To be corrected: Your answer speaks of another force.")
    press(agency, "Listening to children")
    expect(question(agency, "3.1")).to_have_count(0)  # it can be read, and not changed
    agency.goto("/")
    press(agency, "Sharing information")
    text_box(agency, "Commentary", "6.2").fill("We meant our own force: notices go out every day.")
    press(agency, "Save this standard")
    expect(alert(agency)).to_be_visible()
    agency.goto("/")
    press(agency, "Read and sign")
    sign(agency)
    expect(agency.get_by_role("main")).to_contain_text("Earlier submission 1")
    assert stage.behind.check(KEY, seed=1, upheld=["school-02"]) > 10

    page.goto(f"{stage.round}/sample")
    named_table = page.get_by_role("table", name="Drawn at random, by name")
    expect(named_table.get_by_role("row").filter(has_text=named("police-01"))).to_contain_text("3 of 3 1")
    expect(named_table).not_to_contain_text("Not begun")


def judging(stage: Stage, police: str) -> None:
    """The rules judge; a page says which rule fired, what the cap took away, and what would lift it."""
    stage.behind.it_is(JUDGED)
    assert "Judged 27" in stage.candour("judge", KEY)
    page = stage.at(LEAD, "/judgements")
    page.get_by_label("Name or code", exact=True).fill("school-02")
    press(page, "Show")
    press(page, named("school-02"))
    main = page.get_by_role("main")
    for words in (
        "The rule that fired, number 1 from the top:",
        "Capped", "Without the cap it would be “Assured”.", "A key target is failed",
        "There is a current safeguarding policy",
    ):  # fmt: skip
        expect(main).to_contain_text(words)
    page.get_by_text(re.compile("would lift it")).first.click()
    expect(main).to_contain_text("now “Not known”")

    page.goto(f"/returns/{police}/judgements")
    press(page, re.compile("^Propose another grade"))
    page.get_by_role("radio", name="Partly assured", exact=True).check()
    page.get_by_label("Why?", exact=True).fill("Ann heard the same from every school.")
    press(page, "Propose it")
    expect(main).to_contain_text("It counts once another lead inspector has approved it")
    expect(main).not_to_contain_text("Overridden")
    other = stage.visitors.open(SECOND_LEAD)
    other.goto(f"/returns/{police}/judgements")
    press(other, re.compile("^Approve or decline what is proposed"))
    other.get_by_role("radio", name="Yes, it counts from now on").check()
    press(other, "Decide")
    expect(other.get_by_role("main")).to_contain_text("approved by Second Lead Partner on 3 June 2024")
    expect(other.get_by_role("main")).to_contain_text("Overridden")


def following_up(stage: Stage, police: str) -> None:
    """An agency is monitored with a reason; two views of one duty stand beside each other."""
    page = stage.visitors.open(LEAD)
    page.goto(f"/returns/{police}/follow-up")
    press(page, "Monitor this agency as a whole")
    # what is typed here reaches the agency, so the page says so
    expect(page.get_by_role("main")).to_contain_text("The feedback to each of them says so")
    page.get_by_label("Why are they monitored?", exact=True).fill("Notices to schools come late.")
    press(page, "Monitor these agencies")
    expect(page.get_by_role("row").filter(has_text=named("police-01"))).to_contain_text(
        "Notices to schools come late."
    )
    page.goto(f"{stage.round}/two-views")
    page.get_by_label("Pair", exact=True).select_option(label="Police force 6.2 / School or college 6.3")
    press(page, "Show")
    views = page.get_by_role("row").filter(has_text=named("police-02"))
    expect(views.filter(has_text=named("school-02"))).to_contain_text(
        "We meant our own force: notices go out every day."
    )
    # one area each: the force of the north is not set beside a school of the south
    expect(page.get_by_role("row").filter(has_text=named("police-01")).filter(has_text=named("school-02"))).to_have_count(0)


def peers_and_examples(stage: Stage, police: str) -> None:
    """A peer of the same area cannot review; one of another area declares, challenges and gets an answer."""
    page = stage.visitors.open(LEAD)
    page.goto(f"/returns/{police}/peers")
    expect(page.get_by_role("main")).to_contain_text("Nora Near works at an agency of the same area")
    page.get_by_role("radio", name="Fred Far", exact=True).check()
    press(page, "Ask this reviewer")
    peer = stage.visitors.open(FAR)
    peer.goto("/peer")
    press(peer, named("police-01"))
    peer.get_by_role("radio", name="No, I declare that none does").check()
    press(peer, "Declare")
    press(peer, "Leave a challenge")
    peer.get_by_label("Subject", exact=True).fill("Notices to schools")
    peer.get_by_label("Your challenge", exact=True).fill("Do governors hear of late notices?")
    press(peer, "Send it to the agency")
    agency = stage.visitors.open(head("police-01"))
    press(agency, "Read and answer")
    press(agency, "Notices to schools")
    agency.get_by_label("Your answer", exact=True).fill("Every term, from now on.")
    press(agency, "Send the answer")
    peer.reload()
    press(peer, "Notices to schools")
    expect(peer.get_by_role("main")).to_contain_text("Every term, from now on.")

    ann = stage.visitors.open(ANN)
    stage.find(ann, "school-02")
    press(ann, re.compile("^Read this submission"))
    ann.get_by_role("link", name=re.compile(r"^Mark as an example.*1\.1")).click()
    ann.get_by_role("radio", name="Good practice", exact=True).check()
    ann.get_by_label("What makes it one", exact=True).fill("One person, and everybody knows who.")
    press(ann, "Mark it")
    expect(alert(ann)).to_be_visible()
    ann.goto(f"{stage.round}/examples")
    expect(ann.get_by_role("main")).to_contain_text("One person, and everybody knows who.")
    ann.goto(f"{stage.round}/search?q=governors")
    expect(ann.get_by_role("main")).to_contain_text(named("police-01"))


def not_there(page: Page, path: str) -> None:
    """A page looks as if there were no such page."""
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", level=1)).to_have_text("Page not found")


def factual_accuracy(stage: Stage, police: str) -> None:
    """The agency reads its own draft in the window alone, and challenges a statement, which is put right."""
    stage.behind.it_is(WINDOW)
    agency = stage.visitors.open(head("police-01"))
    feedback = f"/returns/{police}/feedback"
    not_there(agency, feedback)
    assert "27 new versions" in stage.candour("release", "prepare", KEY)
    not_there(agency, feedback)
    stage.candour("release", "window", KEY, "--from", "2024-06-10 00:00", "--to", "2024-06-14 17:00")
    agency.goto("/")
    press(agency, "Feedback to your agency")
    main = agency.get_by_role("main")
    expect(main).to_contain_text("It is not published")
    expect(main).to_contain_text("Two of eleven schools were told nothing.")
    expect(main).to_contain_text("Ann heard the same from every school.")
    expect(main).to_contain_text("Notices to schools come late.")
    for name in [*(named(code) for code in CODES if code != "police-01"), "Ann Partner", "Fred Far"]:
        expect(main).not_to_contain_text(name)
    not_there(stage.visitors.open(head("school-02")), feedback)

    agency.goto(feedback)
    agency.get_by_role("link", name=re.compile("^Challenge this.*we found “Developing”", re.DOTALL)).click()
    agency.get_by_label("What is wrong, and how do you know?", exact=True).fill("The school signed for nine.")
    press(agency, "Send the challenge")
    said = stage.candour("publish", KEY, "--at", "2024-06-20 09:30", status=1)
    assert "Challenges of agencies that are not settled: 1" in said

    ann = stage.at(ANN, "/release")
    press(ann, named("police-01"))
    ann.get_by_role("link", name=re.compile("^Answer this challenge")).click()
    ann.get_by_role("radio", name="Accept: other words in its place", exact=True).check()
    ann.get_by_label("The words in its place", exact=True).fill("Nine of eleven schools were told in time.")
    ann.get_by_label("What you say to the agency", exact=True).fill("Thank you: the list settles it.")
    press(ann, "Send the answer")
    expect(alert(ann)).to_be_visible()
    agency.goto(feedback)
    expect(main).to_contain_text("Nine of eleven schools were told in time.")
    expect(main).to_contain_text("Thank you: the list settles it.")


def publishing(stage: Stage, police: str) -> None:
    """A minute is set; until it has come, nobody reads anything, and afterwards each agency its own."""
    said = stage.candour("publish", KEY, "--at", "2024-06-20 09:30")
    assert "with the feedback to 27 agencies" in said
    stage.behind.it_is(AFTER_WINDOW)
    agency, other = (stage.visitors.open(head(code)) for code in ("police-01", "school-02"))
    feedback = f"/returns/{police}/feedback"
    agency.goto(feedback)
    main = agency.get_by_role("main")
    expect(main).to_contain_text("The feedback can be read again once it is published.")
    expect(main).to_contain_text("we found “Developing”")  # its challenge stays, with the words that it challenged
    expect(main).not_to_contain_text("Nine of eleven schools")
    for reader in (agency, other):
        not_there(reader, f"{stage.round}/publications")
        not_there(reader, f"{stage.round}/publications/1.json")
        reader.goto("/")
        expect(reader.get_by_role("link", name="Findings of this round")).to_have_count(0)

    stage.behind.it_is(PUBLISHED)
    agency.goto(feedback)
    expect(agency.get_by_role("main")).to_contain_text("number 1, on 20 June 2024 at 09:30")
    not_there(other, feedback)
    press(agency, "As a PDF")
    told = words_of(download(agency, stage.folder))
    for words in (named("police-01"), "Nine of eleven schools were told in time.", "Partly assured", BODY):
        assert words in told, words
    for name in (named("police-02"), named("school-02"), "Ann Partner"):
        assert name not in told

    other.goto("/")
    press(other, re.compile("^Findings of this round"))
    press(other, re.compile("^The findings as a PDF"))
    told = words_of(download(other, stage.folder))
    # so few that names stand where a large round has estimates; who submitted nothing is named in any
    for words in (NAME, BODY, named("police-01"), named("police-03")):
        assert words in told, words
    for words in ("Nine of eleven", "Ann Partner", "Do governors hear"):
        assert words not in told, words


def words_of(path: Path) -> str:
    """The words of a PDF, with single spaces."""
    return " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(path.read_bytes())).pages).split())


def correcting(stage: Stage, police: str) -> None:
    """A finding is put right after publication: a second edition says what changed, and the first is kept."""
    ann = stage.visitors.open(ANN)
    ann.goto(f"/returns/{police}/moderation")
    press(ann, "Take it up again")
    upheld = ann.get_by_role("radio", name=re.compile("^Uphold: ")).and_(ann.locator(f"[name='{stage.adjusted}']"))
    upheld.check()
    press(ann, "Save, and finish this check")
    expect(alert(ann)).to_be_visible()
    ann.goto(f"/returns/{police}/judgements")
    ann.get_by_role("button", name="Judge it again").first.click()
    expect(alert(ann)).to_be_visible()
    page = stage.at(LEAD, "/release")
    press(page, "Prepare it again")
    expect(alert(page)).to_contain_text("Feedback to 1 agency is prepared")
    said = stage.candour("release", "correct", KEY, "--reason", "The list of notices was found.")
    assert "Published as number 2" in said
    assert "Feedback to single agencies, changed: - -> 1 / 27" in said, said
    agency = stage.visitors.open(head("police-01"))
    agency.goto(f"/returns/{police}/feedback")
    expect(agency.get_by_role("main")).to_contain_text("What was corrected: The list of notices was found.")
    agency.goto(f"{stage.round}/publications")
    main = agency.get_by_role("main")
    for words in ("Number 2", "Replaced by number 2", "The list of notices was found."):
        expect(main).to_contain_text(words)


def disclosing(stage: Stage, police: str) -> None:
    """The disclosure pack says what was said, when, and by which role; nobody is named."""
    page = stage.visitors.open(LEAD)
    page.goto(f"/returns/{police}/disclosure")
    main = page.get_by_role("main")
    for words in (
        "Which schools were told in March?", "Nine of eleven were told by letter.", "Two of eleven schools were told",
        "Do governors hear of late notices?", "The school signed for nine.", "Notices to schools come late.",
    ):  # fmt: skip
        expect(main).to_contain_text(words)
    for name in ("Ann Partner", "Ben Partner", "Fred Far", f"Head of {named('police-01')}"):
        expect(main).not_to_contain_text(name)
    with page.expect_download() as coming:
        press(page, "Make the pack as a spreadsheet")
    assert coming.value.path().read_bytes()[:2] == b"PK"
